"""Facts about report.html as text: one inert file, and what it says (in a browser: test_report_browser.py)."""

import base64
import copy
import dataclasses
import hashlib
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from trackly_contract.contract import contract
from trackly_contract.core import JSON, Verdict
from trackly_contract.generate import POSITIONS
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, Audience, ReferenceServer, documented_store
from trackly_contract.reference.filter import Fault
from trackly_contract.report import Report
from trackly_contract.report import files as reports
from trackly_contract.report.view import SYMBOLS
from trackly_contract.run.targets import embedded_target
from trackly_contract.suite import run_suite

HOSTILE = "</code></pre><script>alert(1)</script><img src=x onerror=alert(2)>\"'><b>\x1b[2J\u202e{{ 7*7 }}"
VOID = {"meta", "input", "br", "wbr", "img", "link", "hr"}


class Hostile(ReferenceServer):
    """Takes any unit of time, and prints markup wherever an answer can carry it."""

    def faults(self, body: dict[str, JSON]) -> Iterator[Fault]:
        return (fault for fault in super().faults(body) if fault.code != "invalid_time_unit")

    def render(self, audience: Audience) -> dict[str, JSON]:
        return {**super().render(audience), "status": HOSTILE, HOSTILE: [HOSTILE]}


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


def written(server: ReferenceServer, folder: Path) -> Report:
    target = embedded_target(server.answer, AUDIENCE_ID, REFERENCE_KEY)
    _, report = run_suite(target, "quick", ["-q", f"--trackly-report={folder}"])
    assert report is not None
    return report


@pytest.fixture(scope="module")
def drifting(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, Path]:
    folder = tmp_path_factory.mktemp("drifting")
    store = documented_store()
    store.audiences[AUDIENCE_ID]["name"] = HOSTILE
    return written(Hostile(store), folder), folder / "report.html"


@pytest.fixture(scope="module")
def conforming(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, Path]:
    folder = tmp_path_factory.mktemp("conforming")
    return written(ReferenceServer(), folder), folder / "report.html"


@pytest.fixture(scope="module", params=["conforming", "drifting"])
def page(request: pytest.FixtureRequest) -> Page:
    _, path = request.getfixturevalue(request.param)
    return Page(path.read_text("utf-8"))


def test_markup_in_an_answer_is_inert(drifting: tuple[Report, Path]) -> None:
    text = drifting[1].read_text("utf-8")
    page = Page(text)
    assert "alert(1)" in page.one("main").text
    assert "alert" not in page.one("script").text
    assert page.all("img", "b", "iframe", "object", "link") == []
    assert not [name for element in page.elements for name in element.attributes if name.startswith("on")]
    assert r"\x1b[2J\u202e" in page.one("main").text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)


def test_the_page_runs_its_own_script_and_style_and_no_other(page: Page) -> None:
    (policy,) = (meta.get("content") for meta in page.all("meta") if meta.get("http-equiv"))
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    for tag in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(page.one(tag).text.encode()).digest()).decode()
        assert rules[f"{tag}-src"] == f"'sha256-{digest}'"


def test_the_page_loads_nothing(page: Page) -> None:
    assert not [element.tag for element in page.elements if {"src", "srcset", "data"} & set(element.attributes)]
    assert "url(" not in page.one("style").text
    assert "@import" not in page.one("style").text
    assert not re.search(r"fetch|XMLHttp|import|innerHTML|eval", page.one("script").text)
    documented = {source.url for source in contract().pages.values()}
    assert {link.get("href") for link in page.all("a") if not link.get("href").startswith("#")} <= documented


def test_links_within_the_page_arrive(page: Page) -> None:
    ids = [element.get("id") for element in page.elements if element.get("id")]
    assert len(ids) == len(set(ids))
    assert {link.get("href")[1:] for link in page.all("a") if link.get("href").startswith("#")} <= set(ids)


def test_the_page_is_built_for_keyboards_and_screen_readers(page: Page) -> None:
    assert page.one("html").get("lang") == "en"
    assert page.one("main").get("id") == "main"
    assert page.all("a")[0].get("href") == "#main"
    assert all(header.get("scope") for header in page.all("th"))
    assert "label" in page.one("input").parents
    levels = [int(heading.tag[1]) for heading in page.all("h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    references = [e.get(name) for e in page.elements for name in ("aria-labelledby", "aria-describedby")]
    assert {reference for reference in references if reference} <= {element.get("id") for element in page.elements}


def test_without_a_script_only_the_filter_is_hidden(page: Page) -> None:
    assert [element.get("id") for element in page.elements if "hidden" in element.attributes] == ["tools"]


def test_the_verdict_comes_first_and_the_stand_in_cannot_be_overlooked(conforming: tuple[Report, Path]) -> None:
    page = Page(conforming[1].read_text("utf-8"))
    assert page.one("title").text.startswith("conforms (stand-in, not the API)")
    assert page.one("h1").text == "The reference server conforms to its documentation."
    said = [element.text for element in page.all("p", "h1", "strong")][:3]
    assert said[0].split() == ["✓", "conforms", "·", "stand-in"]
    assert said[2] == "This run did not ask the API."
    assert "stand-in" in page.one("body").get("class")


def test_a_broken_rule_is_told_with_everything_to_write_to_the_vendor(drifting: tuple[Report, Path]) -> None:
    page = Page(drifting[1].read_text("utf-8").replace("</dt>", "</dt> ").replace("</dd>", "</dd> "))
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


def test_every_rule_has_its_verdict_as_word_and_symbol(drifting: tuple[Report, Path]) -> None:
    report, path = drifting
    sections = {e.get("id"): e for e in Page(path.read_text("utf-8")).all("details") if e.get("class") == "rule"}
    assert list(sections) == [f"rule-{rule}" for rule in sorted(contract().rules, key=_area_first)]
    for result in report.results:
        section = sections[f"rule-{result.rule.id}"]
        assert section.get("data-verdict") == result.verdict
        assert section.text.lstrip().startswith(f"{SYMBOLS[result.verdict]} {result.verdict} {result.rule.id}")
        assert result.verdict is not Verdict.SKIPPED or f"skipped: {result.reason}" in section.text


def _area_first(rule: str) -> int:
    return list(dict.fromkeys(other.partition(".")[0] for other in contract().rules)).index(rule.partition(".")[0])


def test_the_matrix_shows_what_was_asked_where(drifting: tuple[Report, Path]) -> None:
    report, path = drifting
    cases = [finding.case for finding in report.session.findings if finding.rule == "filter.time.unit"]
    (place,) = {re.sub(r"-[23]\b.*", "", case.partition("@")[2]) for case in cases}
    text = path.read_text("utf-8")
    text = text[text.index('<h2 id="matrix">') :]
    (row,) = re.findall(r"<tr><th scope=\"row\"><a href=\"#rule-filter\.time\.unit\">.*?</tr>", text, re.DOTALL)
    cells = [cell.split("unseen")[1] for cell in row.split("<td")[1:]]
    assert len(cells) == len(POSITIONS) + 1
    for expected, cell in zip([*(place.id for place in POSITIONS), "outside"], cells, strict=True):
        assert ("broken, 1 of 1" in cell) == (expected == place)
        assert ("not asked" in cell) == (expected != place)


def test_a_thousand_exchanges_stay_small_and_closed(conforming: tuple[Report, Path], tmp_path: Path) -> None:
    report = conforming[0]
    session = report.session
    one = max(session.exchanges, key=lambda exchange: len(exchange.response.body))
    many = [dataclasses.replace(one, number=number) for number in range(1, 1001)]
    longer: Any = copy.copy(session)
    longer.exchanges = many
    reports.write_report(dataclasses.replace(report, session=longer), tmp_path)
    text = (tmp_path / "report.html").read_text("utf-8")
    assert text.count('<details class="exchange"') == 1000
    assert not re.search(r'<details class="(rule|exchange)"[^>]* open', text)
    assert len(text) < 1000 * 1.5 * (len(one.response.body) + len(one.request.body)) + 400_000


def test_a_report_of_two_hundred_exchanges_is_less_than_a_megabyte(tmp_path: Path) -> None:
    target = embedded_target(ReferenceServer().answer, AUDIENCE_ID, REFERENCE_KEY)
    _, report = run_suite(target, "standard", ["-q", f"--trackly-report={tmp_path}"])
    assert report is not None
    assert len(report.session.exchanges) > 200
    assert (tmp_path / "report.html").stat().st_size < 1_000_000


def _luminance(colour: str) -> float:
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_colours_contrast_in_light_and_dark(conforming: tuple[Report, Path]) -> None:
    style = Page(conforming[1].read_text("utf-8")).one("style").text
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
