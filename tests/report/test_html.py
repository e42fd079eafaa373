"""Facts about report.html as text: one inert file, and what it says (in a browser: test_browser.py)."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.reports import Ran, target_of
from tests.support.runs import run_target
from trackly_contract.contract import Rule, contract
from trackly_contract.core import Exchange, Request, Response, RunVerdict, Verdict
from trackly_contract.generate import POSITIONS
from trackly_contract.judge import Baseline, Finding
from trackly_contract.judge.findings import Expected, Success, Whole
from trackly_contract.reference import ReferenceServer
from trackly_contract.report.files import templates
from trackly_contract.report.report import SYMBOLS, RuleResult
from trackly_contract.report.view import Difference

VOID = {"meta", "input", "br", "wbr", "img", "link", "hr"}


class Element:
    """One element of a page; `text` is all text inside."""

    def __init__(self, tag: str, attributes: dict[str, str | None], parents: tuple[str, ...]) -> None:
        self.tag, self.attributes, self.parents, self.text = tag, attributes, parents, ""

    def get(self, name: str) -> str:
        return self.attributes.get(name) or ""


class Page(HTMLParser):
    """A page as a browser would read it; fails on a tag that is closed out of turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self.open: list[Element] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs), tuple(parent.tag for parent in self.open))
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data

    def all(self, *tags: str) -> list[Element]:
        return [element for element in self.elements if element.tag in tags]

    def one(self, tag: str) -> Element:
        (element,) = self.all(tag)
        return element


@pytest.fixture(scope="module", params=["conforming", "drifted"])
def page(request: pytest.FixtureRequest) -> Page:
    return Page(request.getfixturevalue(request.param).text("html"))


def test_the_page_runs_its_own_script_and_style_and_no_other(page: Page) -> None:
    (policy,) = (meta.get("content") for meta in page.all("meta") if meta.get("http-equiv"))
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    for tag in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(page.one(tag).text.encode()).digest()).decode()
        assert rules[f"{tag}-src"] == f"'sha256-{digest}'"


def test_links_within_the_page_arrive(page: Page) -> None:
    ids = [element.get("id") for element in page.elements if element.get("id")]
    assert len(ids) == len(set(ids))
    assert {link.get("href")[1:] for link in page.all("a") if link.get("href").startswith("#")} <= set(ids)


def test_the_verdict_comes_first_and_the_reference_server_cannot_be_overlooked(conforming: Ran) -> None:
    page = Page(conforming.text("html"))
    assert page.one("title").text.startswith("conforms (reference server, not the API)")
    assert page.one("h1").text == "The reference server conforms to its documentation."
    said = [element.text for element in page.all("p", "h1", "strong")][:3]
    assert said[0].split() == ["✓", "conforms", "·", "reference", "server"]
    assert said[2] == "This run did not ask the API."
    assert page.one("body").get("class") == "reference"


def test_a_broken_rule_is_shown_with_everything_to_write_to_the_vendor(drifted: Ran) -> None:
    page = Page(drifted.text("html").replace("</dt>", "</dt> ").replace("</dd>", "</dd> "))
    article = next(a for a in page.all("article") if "filter.time.unit" in a.text)
    said = " ".join(article.text.split())
    for fact in (
        "✗ broken · filter.time.unit",
        "a time unit other than days, hours, minutes is refused (stated)",
        "Update Audience, Error Codes, invalid_time_unit",
        "Sent PUT /v2/audiences/{id} {",
        "Expected 400 invalid_time_unit Got 200",
    ):
        assert fact in said
    assert re.search(r"Seen in exchange \d+ filter\.time\.unit/weeks@", said)


def test_every_rule_has_its_verdict_as_word_and_symbol(drifted: Ran) -> None:
    sections = {e.get("id"): e for e in Page(drifted.text("html")).all("details") if e.get("class") == "rule"}
    assert list(sections) == [f"rule-{rule}" for rule in contract().rules]
    for result in drifted.report.results:
        section = sections[f"rule-{result.rule.id}"]
        assert section.get("data-verdict") == result.verdict
        assert section.text.lstrip().startswith(f"{SYMBOLS[result.verdict]} {result.verdict} {result.rule.id}")
        assert result.verdict is not Verdict.SKIPPED or f"skipped: {result.reason}" in section.text


def test_the_matrix_shows_what_was_asked_where(drifted: Ran) -> None:
    cases = [finding.case for finding in drifted.report.session.findings if finding.rule == "filter.time.unit"]
    (place,) = {re.sub(r"-[23]\b.*", "", case.partition("@")[2]) for case in cases}
    text = drifted.text("html").partition('<h2 id="matrix">')[2]
    (row,) = re.findall(r"<tr><th scope=\"row\"><a href=\"#rule-filter\.time\.unit\">.*?</tr>", text, re.DOTALL)
    cells = [cell.split("unseen")[1] for cell in row.split("<td")[1:]]
    assert len(cells) == len(POSITIONS) + 1
    for expected, cell in zip([*POSITIONS, "outside"], cells, strict=True):
        assert ("broken, 1 of 1" in cell) == (expected == place)
        assert ("not asked" in cell) == (expected != place)


def test_a_report_of_two_hundred_exchanges_is_less_than_a_megabyte(tmp_path: Path) -> None:
    _, report = run_target(target_of(ReferenceServer()), "standard", f"--trackly-report={tmp_path}")
    assert len(report.session.exchanges) > 200
    assert (tmp_path / "report.html").stat().st_size < 1_000_000


def _luminance(colour: str) -> float:
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_colours_contrast_in_light_and_dark(conforming: Ran) -> None:
    style = Page(conforming.text("html")).one("style").text
    schemes = [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", part)) for part in style.split("@media")[:2]]
    for scheme in schemes:
        inks = ["ink", "soft", "link", *(str(verdict) for verdict in Verdict)]
        pairs = [(ink, ground) for ink in inks for ground in ("page", "panel")]
        pairs += [(v, f"{v}-panel") for v in ("held", "broken", "noted", "inconclusive")]
        pairs += [(ink, ground) for ink in ("ink", "soft", "link") for ground in scheme if ground.endswith("-panel")]
        pairs += [("ink", "warn"), ("link", "warn"), *((str(verdict), "warn") for verdict in Verdict)]
        for ink, ground in pairs:
            light, dark = sorted((_luminance(scheme[ink]), _luminance(scheme[ground])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, ground)


# What a difference means ----------------------------------------------------------------------------------


def part(name: str, *arguments: Any, reference: bool = False) -> str:
    """Return what a piece of the page says on a run of 2026-02-02."""
    view = SimpleNamespace(reference=reference, day="2026-02-02", report=SimpleNamespace(recording=None))
    pieces: Any = templates().get_template("report_parts.html.jinja").make_module({"view": view})
    return str(getattr(pieces, name)(*arguments)).strip()


def impact(
    verdict: Verdict, rule: Rule, status: int = 400, expected: Expected | None = None, waiver: Any = None
) -> str:
    exchange = Exchange(Request("PUT", "/v2/audiences/x"), Response(status), 7)
    found = Finding(rule.id, verdict, exchange, expected, Whole())
    return part("would", RuleResult(rule, verdict, (found,), "", waiver), Difference((found,), Baseline()))


@pytest.mark.parametrize("rule", [rule for rule in contract().rules.values() if rule.breakable], ids=lambda r: r.id)
def test_every_rule_that_can_be_broken_says_which_clients_are_affected(rule: Rule) -> None:
    says = impact(Verdict.BROKEN, rule, expected=Success() if rule.accepts else None)
    assert "clients that rely on this rule" not in says, f"{rule.file}: rule {rule.id}: add a field impact"


@pytest.mark.parametrize(
    ("verdict", "rule", "status", "expected", "breaks"),
    [
        (Verdict.BROKEN, "filter.time.unit", 200, None, "Perhaps"),
        (Verdict.BROKEN, "filter.time.unit", 422, None, "Yes"),
        (Verdict.BROKEN, "filter.time.known", 400, Success(), "Yes"),
        (Verdict.BROKEN, "audience.cached_size", 200, None, "Yes"),
        (Verdict.BROKEN, "update.cache.kept", 200, None, "Perhaps"),
        (Verdict.BROKEN, "read.key", 200, None, "Perhaps"),
        (Verdict.NOTED, "error.text", 400, None, "No"),
    ],
)
def test_whether_a_client_breaks(
    verdict: Verdict, rule: str, status: int, expected: Expected | None, breaks: str
) -> None:
    assert f">{breaks}<" in impact(verdict, contract().rules[rule], status, expected)


def test_a_waiver_helps_no_client() -> None:
    assert ">Yes<" in impact(Verdict.NOTED, contract().rules["filter.time.unit"], 422, waiver=object())


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (
            Baseline("400 on 2026-01-01", "new", recorded=True),
            "between the last live recording (400 on 2026-01-01) ",
        ),
        (Baseline("200 on 2026-01-01", "known", recorded=True), "since the last live recording or before"),
        (Baseline("x on 2026-01-01", "moved", recorded=True), "the documentation allows both"),
        (Baseline("x on 2026-01-01", None, recorded=True), "cannot be told"),
        (Baseline(reading="new"), "not known (no live recording has this request); seen on 2026-02-02"),
    ],
)
def test_since_when(before: Baseline, words: str) -> None:
    assert words in part("since", SimpleNamespace(before=before))
    assert "2026" not in part("since", SimpleNamespace(before=before), reference=True)


@pytest.mark.parametrize(
    ("verdict", "changes", "first"),
    [
        (RunVerdict.DRIFT, {}, "Check below whether your client is affected"),
        (RunVerdict.CONFORMS, {}, "Nothing to correct"),
        (RunVerdict.INCONCLUSIVE, {}, "Nothing is broken"),
        (RunVerdict.DRIFT, {"reference": True}, "Do not conclude anything about the API"),
        (RunVerdict.INCONCLUSIVE, {"failures": ["a"]}, "Report the failed tests"),
        (RunVerdict.DRIFT, {"left": "changed"}, "Restore the audience"),
    ],
)
def test_what_to_do_first(verdict: RunVerdict, changes: dict[str, Any], first: str) -> None:
    report = SimpleNamespace(verdict=verdict, left=changes.get("left", ""), recording=None, client_faults=0)
    session = SimpleNamespace(target=SimpleNamespace(name="live"))
    view = SimpleNamespace(report=report, session=session, reference=changes.get("reference", False))
    described = {"suite_failures": changes.get("failures", [])}
    steps = templates().get_template("report_steps.html.jinja").render(view=view, described=described)
    assert steps.strip().startswith(f"<li>{first}")
