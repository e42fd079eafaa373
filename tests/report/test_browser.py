"""Facts about report.html in a browser: quiet, readable without a script, usable by keyboard, accessible, printable."""

import dataclasses
import importlib.util
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.run.test_live_history import Api, TakesAnyUnit, asked
from tests.support.programs import missing, program
from tests.support.reports import Ran, Unstamped, ran, target_of
from trackly_contract.core import JSON, RunVerdict, Verdict
from trackly_contract.reference.filter import Fault
from trackly_contract.report import Report, write_report
from trackly_contract.run import cassettes

OFFLINE = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SCHEMES = ("light", "dark")
RUNS = ("conforming", "drifted", "inconclusive")
Runs: TypeAlias = dict[str, tuple[Report, Path]]


class NoCarrier(Unstamped):
    """Takes no operator of carrier conditions, so that a rule on them cannot be found out."""

    def faults(self, body: dict[str, JSON]) -> Iterator[Fault]:
        if '"carrier"' in str(body.get("filter")).replace("'", '"'):
            yield Fault("invalid_carrier_operator", "/filter")
        yield from super().faults(body)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, conforming: Ran) -> Runs:
    """Runs on the reference server, on an API that changed since it was recorded, and an inconclusive one."""
    drifted, inconclusive = tmp_path_factory.mktemp("drifted"), tmp_path_factory.mktemp("inconclusive")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cassettes, "cassette_folder", lambda name: drifted / name)
        asked(Api(), drifted / "first", record=True)
        changed = asked(TakesAnyUnit(), drifted)
    url = "https://127.0.0.1/api"
    live = target_of(NoCarrier(), name="live", evidence=f"asked at {url}", base_url=url, of_reference=False)
    found = {
        "conforming": (conforming.report, conforming.folder / "report.html"),
        "drifted": (changed, drifted / "report.html"),
        "inconclusive": (ran(live, inconclusive).report, inconclusive / "report.html"),
    }
    assert [report.verdict for report, _ in found.values()] == list(RunVerdict)
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = program("chromium", "chromium-browser", "google-chrome")
    if importlib.util.find_spec("playwright") is None:
        missing("playwright")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=OFFLINE)
        yield browser
        browser.close()


class Opened:
    """A page that is open, and what its console said."""

    def __init__(self, context: BrowserContext, path: Path, query: str = "") -> None:
        self.page: Page = context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(f"{path.as_uri()}{query}")

    def shown(self, kind: str) -> list[str]:
        """Return the ids of the rules or exchanges that are shown."""
        found: list[str] = self.page.evaluate(
            "kind => [...document.querySelectorAll(`details.${kind}`)].filter(e => !e.hidden).map(e => e.id)", kind
        )
        return found

    def tab_to(self, selector: str, most: int = 400) -> None:
        """Press Tab until that element has the focus."""
        for _ in range(most):
            if self.page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
            self.page.keyboard.press("Tab")
        pytest.fail(f"{selector} cannot be reached by keyboard")


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context
    context.close()


@pytest.mark.parametrize("name", RUNS)
def test_the_console_is_silent_and_nothing_is_loaded(context: BrowserContext, runs: Runs, name: str) -> None:
    path = runs[name][1]
    opened = Opened(context, path)
    opened.page.get_by_role("button", name="open all").click()
    assert opened.said == []
    assert opened.asked == [path.as_uri()]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", RUNS)
def test_axe_finds_nothing(browser: Browser, runs: Runs, name: str, scheme: Any) -> None:
    if importlib.util.find_spec("axe_playwright_python") is None:
        missing("axe_playwright_python")
    axe = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1280, "height": 900})
    opened = Opened(context, runs[name][1])
    # Open are all rules and some exchanges: with all of them axe takes minutes.
    opened.page.evaluate("document.querySelectorAll('details:not(.exchange)').forEach(e => e.open = true)")
    opened.page.evaluate("[...document.querySelectorAll('details.exchange')].slice(0, 5).forEach(e => e.open = true)")
    # What is not laid out has no place, and axe then takes the colour of something else for its background.
    opened.page.evaluate("document.querySelectorAll('details').forEach(e => e.style.contentVisibility = 'visible')")
    opened.page.evaluate(axe)
    found = opened.page.evaluate("axe.run(document, {resultTypes: ['violations', 'incomplete']})")
    context.close()
    assert [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found["violations"]] == []
    assert len(found["passes"]) > 20


@pytest.mark.parametrize("name", RUNS)
def test_without_a_script_everything_can_be_read(browser: Browser, runs: Runs, name: str) -> None:
    report, path = runs[name]
    context = browser.new_context(java_script_enabled=False)
    page = Opened(context, path).page
    assert page.locator("h1").is_visible()
    assert page.locator("#tools").is_hidden()
    assert page.locator("details.rule").count() == len(report.results)
    assert page.locator("details.exchange").count() == len(report.session.exchanges)
    rule = page.locator('[id="rule-filter.time.unit"]')
    assert rule.is_visible()
    rule.locator("> summary").click()
    assert rule.locator("pre", has_text="curl").is_visible()
    assert page.locator("button:visible").count() == 0
    context.close()


def test_the_filter_works_by_keyboard_alone(context: BrowserContext, runs: Runs) -> None:
    report, path = runs["drifted"]
    opened = Opened(context, path)
    everything = opened.shown("rule"), opened.shown("exchange")
    assert (len(everything[0]), len(everything[1])) == (len(report.results), len(report.session.exchanges))
    opened.tab_to("#find")
    opened.page.keyboard.type("INVALID_time_unit")
    assert "rule-filter.time.unit" in opened.shown("rule")
    assert 0 < len(opened.shown("exchange")) + len(opened.shown("rule")) < 30
    assert f"of {len(report.results)} rules" in (opened.page.locator("#shown").text_content() or "")
    opened.page.keyboard.press("Control+A")
    opened.page.keyboard.press("Delete")
    opened.tab_to("button[value=broken]")
    opened.page.keyboard.press("Space")
    broken = [f"rule-{result.rule.id}" for result in report.results if result.verdict is Verdict.BROKEN]
    assert opened.shown("rule") == broken
    assert opened.page.locator("button[value=broken]").get_attribute("aria-pressed") == "true"
    opened.tab_to("details.rule > summary")
    opened.page.keyboard.press("Enter")
    assert opened.page.locator("details.rule[open]").get_attribute("id") == broken[0]


def test_a_link_to_what_the_filter_hides_shows_it_and_opens_it(context: BrowserContext, runs: Runs) -> None:
    opened = Opened(context, runs["drifted"][1], "?verdict=skipped#x1")
    assert opened.page.locator("#x1").get_attribute("open") is not None
    assert opened.shown("exchange")[0] == "x1"


def test_every_cell_of_the_tables_leads_to_an_exchange_that_opens(context: BrowserContext, runs: Runs) -> None:
    opened = Opened(context, runs["drifted"][1])
    cells = opened.page.locator(".matrix td.broken a")
    assert cells.count() >= 1
    target = cells.first.get_attribute("href") or ""
    cells.first.click()
    assert opened.page.locator(target).get_attribute("open") is not None
    filled = opened.page.locator(".matrix td.held, .matrix td.noted, .matrix td.broken").count()
    assert opened.page.locator(".matrix td a").count() >= filled


def test_a_program_is_copied_as_it_stands(browser: Browser, runs: Runs) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = Opened(context, runs["drifted"][1], "#rule-filter.time.unit").page
    rule = page.locator('[id="rule-filter.time.unit"]')
    button = rule.get_by_role("button", name="copy curl")
    text = rule.locator("pre[data-copy=curl]").text_content()
    button.focus()
    page.keyboard.press("Enter")
    page.get_by_text("copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == text
    assert text is not None
    assert text.startswith("curl ")
    context.close()


@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("name", RUNS)
def test_no_page_is_wider_than_its_window(browser: Browser, runs: Runs, name: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900})
    opened = Opened(context, runs[name][1])
    opened.page.get_by_role("button", name="open all").click()
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


@pytest.mark.parametrize("name", RUNS)
def test_it_prints_on_few_pages(context: BrowserContext, runs: Runs, name: str) -> None:
    pdf = Opened(context, runs[name][1]).page.pdf()
    assert pdf.startswith(b"%PDF")
    assert 3 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 20


def test_a_stranger_learns_what_changed_since_when_and_whom_it_breaks(context: BrowserContext, runs: Runs) -> None:
    page = Opened(context, runs["drifted"][1]).page
    row = page.locator("table.short tbody tr", has_text="filter.time.unit").inner_text()
    assert "a time unit other than days, hours, minutes is refused" in row
    assert "Came: 200" in " ".join(row.split())
    assert "between the last live recording (400 invalid_time_unit on " in row
    assert "Perhaps" in row
    article = page.locator('[id="difference-filter.time.unit"]')
    assert article.locator("pre.diff").count() == 2
    assert '"code": "invalid_time_unit"' in article.locator("pre.diff", has_text="last live").inner_text()
    box = page.locator("table.short").bounding_box()
    assert box is not None
    assert box["y"] < 900


def test_of_the_reference_server_nothing_is_shown_as_observed(context: BrowserContext, runs: Runs) -> None:
    for name, observed in (("conforming", False), ("drifted", True)):
        page = Opened(context, runs[name][1]).page
        assert (page.locator("details.rule .how.observed").count() > 0) == observed, name


def test_a_thousand_exchanges_open_in_seconds(context: BrowserContext, runs: Runs, tmp_path: Path) -> None:
    report = runs["conforming"][0]
    some = report.session.exchanges
    many = [dataclasses.replace(some[number % len(some)], number=number + 1) for number in range(1000)]
    longer = dataclasses.replace(report.session, exchanges=many)
    write_report(dataclasses.replace(report, session=longer), tmp_path)
    opened = Opened(context, tmp_path / "report.html")
    assert len(opened.shown("exchange")) == 1000
    taken = opened.page.evaluate("performance.timing.domContentLoadedEventEnd - performance.timing.navigationStart")
    assert taken < 10_000  # milliseconds; well below a second on an idle machine
    assert (tmp_path / "report.html").stat().st_size < 3_000_000
