(() => {
  "use strict";
  const tools = document.getElementById("tools");
  const box = document.getElementById("find");
  const shownText = document.getElementById("shown");
  const buttons = [...tools.querySelectorAll("button[name=verdict]")];
  const items = [...document.querySelectorAll("details[data-verdict]")].map((element) => ({ element, text: null }));
  const groups = [...document.querySelectorAll("section[data-area]")];
  const count = (kind, all) => items.filter(({ element }) => element.className === kind && (all || !element.hidden)).length;
  let verdict = "";
  function apply() {
    const wanted = box.value.trim().toLowerCase();
    for (const item of items) {
      const { element } = item;
      let fits = !verdict || element.dataset.verdict === verdict;
      if (fits && wanted) {
        item.text ??= element.textContent.toLowerCase();
        fits = item.text.includes(wanted);
      }
      element.hidden = !fits;
    }
    for (const group of groups) group.hidden = !group.querySelector("details[data-verdict]:not([hidden])");
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.value === verdict));
    shownText.textContent =
      `${count("rule")} of ${count("rule", true)} rules, ${count("exchange")} of ${count("exchange", true)} exchanges`;
  }
  function reveal() {
    const target = location.hash.length > 1 ? document.getElementById(location.hash.slice(1)) : null;
    if (!target || !("verdict" in target.dataset)) return;
    if (target.hidden) { verdict = ""; box.value = ""; apply(); }
    target.open = true;
    target.scrollIntoView();
  }
  async function copy(button, pre) {
    let done = false;
    try {
      await navigator.clipboard.writeText(pre.textContent);
      done = true;
    } catch {
      getSelection().selectAllChildren(pre);
      done = document.execCommand("copy");
    }
    button.textContent = done ? "copied" : "press Ctrl+C";
    setTimeout(() => { button.textContent = "copy"; }, 3000);
  }
  box.addEventListener("input", apply);
  for (const button of buttons) button.addEventListener("click", () => { verdict = button.value; apply(); });
  for (const button of tools.querySelectorAll("button[name=open]")) {
    button.addEventListener("click", () => {
      for (const { element } of items) if (!element.hidden) element.open = button.value === "yes";
    });
  }
  tools.addEventListener("submit", (event) => event.preventDefault());
  for (const pre of document.querySelectorAll("pre[data-copy]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "copy";
    button.setAttribute("aria-label", `copy ${pre.dataset.copy}`);
    button.addEventListener("click", () => {
      button.removeAttribute("aria-label");
      copy(button, pre);
    });
    pre.before(button);
  }
  addEventListener("hashchange", reveal);
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#"]');
    if (link && link.hash === location.hash) reveal();
  });
  const asked = new URLSearchParams(location.search);
  box.value = asked.get("find") ?? "";
  verdict = buttons.some((button) => button.value === asked.get("verdict")) ? asked.get("verdict") : "";
  tools.hidden = false;
  apply();
  reveal();
})();
