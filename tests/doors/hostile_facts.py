"""What holds of every run, whatever a server answers: what it leaves, needs, prints and writes."""

import json
import re
from collections.abc import Callable
from functools import cache
from xml.etree import ElementTree as ET

from jsonschema import Draft202012Validator

from tests.doors.hostile_answers import Ended
from tests.report.test_html import Page
from trackly_contract.contract import contract
from trackly_contract.contract import decide as schemas

MOST_MEMORY = 80_000_000
"""Bytes that a run may need at its peak beyond an ordinary one."""

MOST_SECONDS = 60.0
"""Seconds that a run may take; on an idle machine none takes five."""

LARGEST_FILE = 12_000_000
"""Bytes of the largest file that a run may leave."""

NEEDLE = "needle"
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def the_audience_is_restored(ran: Ended) -> bool:
    return ran.after == ran.before and ran.left == []


def memory_is_bounded(ran: Ended) -> bool:
    return ran.more_memory <= MOST_MEMORY


def time_is_bounded(ran: Ended) -> bool:
    return ran.seconds <= MOST_SECONDS


def files_are_bounded(ran: Ended) -> bool:
    return all(path.stat().st_size <= LARGEST_FILE for path in ran.folder.iterdir() if path.is_file())


def no_stack_trace_shows(ran: Ended) -> bool:
    return "Traceback" not in ran.terminal and "src/trackly_contract" not in ran.terminal


def the_terminal_obeys_nothing(ran: Ended) -> bool:
    return not UNSEEN.search(ran.terminal)


def a_ci_log_obeys_nothing(ran: Ended) -> bool:
    """Nothing is a command to GitHub (actions/runner, ActionCommand.cs), Azure Pipelines or TeamCity."""
    commands = any(line.lstrip().startswith("::") for line in ran.terminal.splitlines())
    return not commands and not re.search(r"##(\[|vso\[|teamcity\[)", ran.terminal)


def the_page_is_inert(ran: Ended) -> bool:
    text = ran.file("report.html")
    page = Page(text)  # fails where something is closed that was not opened
    (style,), (script,) = page.all("style"), page.all("script")
    targets = {element.get("href") for element in page.elements if "href" in element.attributes}
    known = {source.url for source in contract().pages.values()}
    return (
        NEEDLE not in style.text + script.text
        and not page.all("img", "b", "iframe", "object", "embed", "link", "svg", "base", "math", "template")
        and not any(name.startswith("on") or name == "src" for e in page.elements for name in e.attributes)
        and all(target.startswith("#") or target in known for target in targets)
        and not UNSEEN.search(text)
    )


def the_markdown_is_whole(ran: Ended) -> bool:
    """Code is closed where it was opened, and what an answer said stands in code alone."""
    text = ran.file("report.md")
    pieces = re.split(r"^```.*$", text, flags=re.MULTILINE)
    outside = "".join(pieces[::2])
    return (
        len(pieces) % 2 == 1
        and NEEDLE not in outside
        and outside.count("<details>") == outside.count("</details>") == 1
        and not UNSEEN.search(text)
    )


@cache
def _report_schema() -> Draft202012Validator:
    return Draft202012Validator(schemas.document("report.json"))


def the_data_fit_their_schema(ran: Ended) -> bool:
    text = ran.file("report.json")
    return text.isascii() and not UNSEEN.search(text) and _report_schema().is_valid(json.loads(text))


def the_junit_file_is_xml(ran: Ended) -> bool:
    text = ran.file("junit.xml")
    tests = ET.fromstring(text).findall(".//testcase")  # noqa: S314  # that it can be read is the question
    return len(tests) > 50 and not UNSEEN.search(text)


FACTS: tuple[Callable[[Ended], bool], ...] = (
    the_audience_is_restored,
    memory_is_bounded,
    time_is_bounded,
    files_are_bounded,
    no_stack_trace_shows,
    the_terminal_obeys_nothing,
    a_ci_log_obeys_nothing,
    the_page_is_inert,
    the_markdown_is_whole,
    the_data_fit_their_schema,
    the_junit_file_is_xml,
)


def wrong(ran: Ended) -> list[str]:
    """Return the facts that do not hold of a run."""
    return [fact.__name__ for fact in FACTS if not fact(ran)]
