"""Facts about a page beside the contract: nothing differs on a page that agrees, and every other fact is named."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.pages.docs_pages import NAMES, called, compared, filled, saved, told
from trackly_contract.pages.expected import expected_pages

if TYPE_CHECKING:
    from pathlib import Path

UPDATES = ("update.md", "update.html")
READS = ("get.txt", "get.html")


def edited(name: str, old: str, new: str) -> str:
    """A page with every place of `old` edited; it must be there."""
    text = filled(name)
    assert re.search(old, text), f"{name} has no {old}"
    return re.sub(old, new, text)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_that_states_what_the_contract_holds_does_not_differ(tmp_path: Path, name: str) -> None:
    found = compared(tmp_path, filled(name))
    assert found.differences == ()
    assert found.compared > 100


@pytest.mark.parametrize("name", NAMES)
def test_line_ends_of_windows_make_no_difference(tmp_path: Path, name: str) -> None:
    assert told(tmp_path, filled(name).replace("\n", "\r\n").encode("utf-8-sig")) == []


def test_empty_lines_between_the_lines_of_saved_text_make_no_difference(tmp_path: Path) -> None:
    head, mark, rest = filled("get.txt").partition("\nPath Parameters\n")
    fields, examples, rest = rest.partition("\nExamples\n")
    spread = fields.replace("\n", "\n\n")
    assert compared(tmp_path, head + mark + spread + examples + rest).differences == ()


def test_cells_apart_by_tabs_are_read_as_those_without(tmp_path: Path) -> None:
    text = re.sub(r"^(40[14])(unauthorized|not_found)", r"\1\t\2\t", filled("get.txt"), flags=re.MULTILINE)
    text = text.replace("HTTP StatusError CodeDescription", "HTTP Status\tError Code\tDescription")
    assert compared(tmp_path, text).differences == ()


# Every kind of fact -------------------------------------------------------------------------------------

STATED = "the page states"

EDITS = [
    pytest.param("Body Parameters, name: limit or number", "Maximum 255", "Maximum 256", UPDATES, id="limit"),
    pytest.param("Body Parameters, name: limit or number", "Maximum 255", "Maximum some", UPDATES, id="limit-gone"),
    pytest.param("Error Codes, name_too_long: limit or", "exceeds 255", "exceeds 300", UPDATES, id="limit-of-a-code"),
    pytest.param("invalid_condition_type: limit or number", "the six valid", "the seven valid", UPDATES, id="count"),
    pytest.param(r"Error Codes, invalid_time_unit: listed", "days, hours, or", "days, weeks, or", UPDATES, id="unit"),
    pytest.param("Error Codes, invalid_time_unit: listed", "days, hours, or", "days or", UPDATES, id="unit-gone"),
    pytest.param("invalid_group_operator: listed values", "AND or OR", "AND, OR, or XOR", UPDATES, id="group-operator"),
    pytest.param("missing_time_value: missing members", "missing value or unit", "missing value", UPDATES, id="member"),
    pytest.param(
        "missing_count_value: missing members", "is missing value(?=. Send)", "is missing unit", UPDATES, id="m2"
    ),
    pytest.param("Response Fields, status: listed", "active or archived", "active or paused", READS, id="status-value"),
    pytest.param("Response Fields, filter: names", "listId", "listIds", READS, id="name-in-prose"),
    pytest.param("Response Fields, filter: names", "like conditionType", "like condition_type", UPDATES, id="key-form"),
    pytest.param(
        "Response Fields, cached_size: null", r"\bnull (after|if|before)", "zero after", NAMES, id="null-gone"
    ),
    pytest.param("Response Fields, name: null", "Chosen by a person", "Can be null", NAMES, id="null-new"),
    pytest.param(
        "Body Parameters, name: words that bind", "Longer ones", "Must be unique. Longer", UPDATES, id="binding"
    ),
    pytest.param("example request: host", "app.tracklysms.com", "api.tracklysms.com", NAMES, id="host"),
    pytest.param("example request: path", "/api/v2/aud", "/api/v3/aud", READS, id="path-of-the-example"),
    pytest.param("example request: path", "audiences/664f1a", "audiences/774f1a", NAMES, id="id-of-the-example"),
    pytest.param("example request: header X-Api-Key: gone", "X-Api-Key", "Authorization", NAMES, id="header-gone"),
    pytest.param("header Authorization: new", "X-Api-Key", "Authorization", NAMES, id="header-new"),
    pytest.param("example request: header X-Api-Key", "trk_your", "key_your", NAMES, id="key-form-of-the-example"),
    pytest.param("header Content-Type", "application/json", "text/json", UPDATES, id="content-type"),
    pytest.param("example request: query: new", 'd("|&quot;)( .)', r"d?full=1\1\2", NAMES, id="query"),
    pytest.param("example request: method", "-X (GET|PUT)", "-X PATCH", READS, id="method-of-the-example"),
    pytest.param("/filter/conditions/0/unit: the page", 'days(&quot;|")', r"weeks\1", NAMES, id="unit-of-the-example"),
    pytest.param("/filter/conditions/0/operator: the", "within", "before", NAMES, id="operator-of-the-example"),
    pytest.param("/filter/conditions/1/field: the page", "click_count", "open_count", NAMES, id="field-of-the-example"),
    pytest.param(
        "/filter/conditions/1/value: the page", r"(?s)(gte.*?value(?:&quot;|\"): )\d", r"\g<1>7", NAMES, id="value"
    ),
    pytest.param("/filter/operator: the page", r'(operator(?:&quot;|"): (?:&quot;|"))AND', r"\1OR", NAMES, id="AND"),
    pytest.param(
        "example answer: /status: the page", r"active(&quot;|\")", r"live\1", NAMES, id="status-of-the-example"
    ),
    pytest.param("example answer: /cached_size: the page", "12480", '"12480"', READS, id="type-in-the-example"),
    pytest.param("/cached_size_updated_at: the page", "2025-11-15T08:30:00", "2025-11-15", READS, id="time"),
    pytest.param("example answer: /source_lists/1: gone", r"\[101, 102\]", "[101]", NAMES, id="item-gone"),
    pytest.param("example answer: /source_lists/2: new", r"101, 102", "101, 102, 103", NAMES, id="item-new"),
    pytest.param(
        "/filter/groups: gone", r",\n([^\n]*)(&quot;|\")groups(&quot;|\"): \[\]", "", ("get.txt",), id="key-gone"
    ),
    pytest.param("example answer: /created: new", 'created_at(&quot;|")', r"created\1", NAMES, id="key-renamed"),
    pytest.param("first paragraph: worded otherwise", "are optional", "are needed", UPDATES, id="words"),
    pytest.param("Response Fields: worded otherwise", "flat, not wrapped", "wrapped", UPDATES, id="words-of-a-section"),
    pytest.param("unauthorized: worded otherwise", "missing or invalid", "missing", NAMES, id="words-of-a-row"),
]


@pytest.mark.parametrize(
    ("said", "old", "new", "name"),
    [
        pytest.param(*edit.values[:3], name, id=f"{edit.id}-{name}")
        for edit in EDITS
        for name in edit.values[3]  # type: ignore[union-attr]
    ],
)
def test_an_edited_fact_is_named(tmp_path: Path, said: str, old: str, new: str, name: str) -> None:
    lines = told(tmp_path, edited(name, old, new))
    assert [line for line in lines if said in line], lines


def rows(name: str) -> list[tuple[str, str]]:
    """Each row of a page's tables: its place and its text."""
    text = filled(name)
    found = []
    page = next(held for held in expected_pages() if held.method == ("GET" if name.startswith("get") else "PUT"))
    for place in page.rows:
        section, _, row = place.partition(", ")
        begin = text.index(f"{section}\n" if name.endswith(("txt", "md")) else f"<span>{section}</span>")
        pattern = {
            "txt": rf"^40[0-9]{row}[A-Z].*\n|^{row}\n[a-z ]+\n(?:required\n)?.*\n",
            "md": rf"^\| 4.. \| `{row}` .*\n|^<(\w+) \w+=\"{row}\"[^<]*</\1>\n",
            "html": rf"<tr><td>...</td><td><code>{row}</code>.*</tr>|<div class=\"field\">"
            rf"<div class=\"param-head\" id=\"param-{row}\">(?:.*\n){{2}}.*\n",
        }[name.rpartition(".")[2]]
        row_found = re.compile(pattern, re.MULTILINE).search(text, begin)
        assert row_found, place
        found.append((place, row_found[0]))
    return found


ROWS = [pytest.param(name, place, row, id=f"{name}-{place}") for name in NAMES for place, row in rows(name)]


@pytest.mark.parametrize(("name", "place", "row"), ROWS)
def test_a_row_that_is_gone_is_named(tmp_path: Path, name: str, place: str, row: str) -> None:
    assert len(place) < len(row) < 900
    section = place.partition(", ")[0]
    begin = filled(name).index(section)
    text = filled(name)[:begin] + filled(name)[begin:].replace(row, "", 1)
    gone = [d.place for d in compared(tmp_path, text).differences if d.change == "gone"]
    assert gone == [place]


@pytest.mark.parametrize(("name", "place", "row"), ROWS)
def test_a_row_with_another_name_is_named_as_gone_and_new(tmp_path: Path, name: str, place: str, row: str) -> None:
    section, _, word = place.partition(", ")
    begin = filled(name).index(section)
    other = re.sub(rf"(?<![\w=])({word})(?![\w=])|(?<=\d){word}(?=[A-Z])", f"{word}_x", row)
    found = compared(tmp_path, filled(name)[:begin] + filled(name)[begin:].replace(row, other, 1)).differences
    changes = {(d.place, d.change) for d in found}
    assert {(place, "gone"), (f"{section}, {word}_x", "new")} <= changes


@pytest.mark.parametrize(("name", "place", "row"), ROWS)
def test_another_type_or_status_of_a_row_is_named(tmp_path: Path, name: str, place: str, row: str) -> None:
    section = place.partition(", ")[0]
    begin = filled(name).index(section)
    if section == "Error Codes":
        about, other = "status", re.sub(r"40\d", "422", row, count=1)
    else:
        about, other = (
            "type",
            re.sub(r"\b(string|array of integers|object|integer|datetime)\b", "boolean", row, count=1),
        )
    assert other != row
    found = compared(tmp_path, filled(name)[:begin] + filled(name)[begin:].replace(row, other, 1)).differences
    named = [(d.place, d.about, d.page) for d in found if d.about == about]
    assert named == [(place, about, "422" if about == "status" else "boolean")]


@pytest.mark.parametrize(
    ("name", "row", "place"),
    [
        ("update.md", "| 400 | `zz_new` | Never seen |\n| 401", "Error Codes, zz_new"),
        ("update.html", "<tr><td>409</td><td>zz_new</td><td>Never seen</td></tr><tr><td>401", "Error Codes, zz_new"),
        ("get.txt", "403zz_newNever seen\n401", "Error Codes, zz_new"),
        ("get.html", "<tr><td>403</td><td>zz_new</td><td>Never seen</td></tr><tr><td>401", "Error Codes, zz_new"),
    ],
)
def test_a_new_code_is_named(tmp_path: Path, name: str, row: str, place: str) -> None:
    first = {"md": r"\| 401", "html": "<tr><td>401", "txt": "401"}[name.rpartition(".")[2]]
    found = compared(tmp_path, edited(name, first, row)).differences
    assert [(d.place, d.change) for d in found] == [(place, "new")]


def test_a_new_field_is_named(tmp_path: Path) -> None:
    new = '<ParamField body="zz" type="string">\n  New.\n</ParamField>\n\n<ParamField body="description"'
    found = compared(tmp_path, edited("update.md", '<ParamField body="description"', new)).differences
    assert [(d.place, d.change, d.page) for d in found] == [("Body Parameters, zz", "new", "string")]


def test_a_section_that_no_page_had_is_named_row_by_row(tmp_path: Path) -> None:
    new = '## Query Parameters\n\n<ParamField query="zz" type="string">New</ParamField>\n\n## Response Fields'
    found = compared(tmp_path, edited("update.md", "## Response Fields", new)).differences
    assert [(d.place, d.change) for d in found] == [("Query Parameters, zz", "new")]


def test_a_table_of_another_kind_is_named_row_by_row(tmp_path: Path) -> None:
    new = "## Operators\n\n| Operator | Use |\n| --- | --- |\n| `within` | Since |\n\n## Next Steps"
    found = compared(tmp_path, edited("update.md", "## Next Steps", new)).differences
    assert [(d.place, d.change) for d in found] == [("Operators", "unreadable")]


def test_a_field_that_became_required_is_named(tmp_path: Path) -> None:
    text = edited("update.md", 'body="name" type="string"', 'body="name" type="string" required')
    assert told(tmp_path, text) == [
        "Body Parameters, name: required: the page states yes, the contract no [update.name, update.name.longest]"
    ]


def test_a_field_that_became_deprecated_is_named(tmp_path: Path) -> None:
    lines = told(tmp_path, edited("get.txt", "created_at\ndatetime\n", "created_at\ndatetime\ndeprecated\n"))
    assert lines == [
        "Response Fields, created_at: deprecated: new on the page: yes; the contract holds none [audience.created_at]"
    ]


@pytest.mark.parametrize("name", ["get.html", "update.html"])
def test_another_method_in_the_request_line_is_named(tmp_path: Path, name: str) -> None:
    lines = told(tmp_path, edited(name, "<div>(GET|PUT)</div>", "<div>PATCH</div>"))
    assert len(lines) == 1
    assert lines[0].startswith("request line: method: the page states PATCH, the contract ")


@pytest.mark.parametrize("name", ["get.txt", "get.html", "update.html"])
def test_another_path_in_the_request_line_is_named(tmp_path: Path, name: str) -> None:
    old, new = (r"/\nv2\n", "/\nv3\n") if name == "get.txt" else ("<div>v2</div>", "<div>v3</div>")
    lines = told(tmp_path, edited(name, old, new))
    assert [line.partition(",")[0] for line in lines] == ["request line: path: the page states /v3/audiences/{id}"]


def test_an_operation_that_moved_everywhere_is_still_recognised(tmp_path: Path) -> None:
    found = compared(tmp_path, edited("update.html", "v2", "v3"))
    assert found.expected.page == "update-audience"
    assert {(d.place, d.about) for d in found.differences} == {("request line", "path"), ("example request", "path")}


def test_one_of_two_copies_of_an_example_is_enough_to_differ(tmp_path: Path) -> None:
    text = filled("get.txt").replace("12480", "12481", 1)
    assert told(tmp_path, text) == [
        "example answer: /cached_size: the page states 12481, the contract 12480 [audience.cached_size]"
    ]


def test_an_example_that_is_no_json_is_named(tmp_path: Path) -> None:
    lines = told(tmp_path, edited("update.md", r'"status": "active"', '"status": active'))
    assert [line.partition(":")[0] for line in lines] == ["example", "example answer"]
    assert "cannot be read: Expecting value" in lines[0]


def test_a_command_that_no_shell_reads_is_named(tmp_path: Path) -> None:
    lines = told(tmp_path, edited("update.md", 'trk_your_api_key_here"', "trk_your_api_key_here"))
    assert any("example request: cannot be read" in line for line in lines)


def test_an_example_of_a_refusal_agrees_where_its_code_does(tmp_path: Path) -> None:
    new = '```json\n{"error": "Too long", "code": "%s"}\n```\n\n## Next Steps'
    assert told(tmp_path, edited("update.md", "## Next Steps", new % "name_too_long")) == []
    assert told(tmp_path, edited("update.md", "## Next Steps", new % "zz_new")) == [
        'example of a refusal: /code: new on the page: "zz_new"; the contract holds none [error.code]'
    ]


def test_an_example_of_a_refusal_with_another_member_is_named(tmp_path: Path) -> None:
    new = '```json\n{"error": "Too long", "code": "name_too_long", "path": "name"}\n```\n\n## Next Steps'
    lines = told(tmp_path, edited("update.md", "## Next Steps", new))
    assert lines == ['example of a refusal: /path: new on the page: "name"; the contract holds none [error.code]']


def test_a_difference_names_the_rules_it_touches(tmp_path: Path) -> None:
    found = compared(tmp_path, edited("update.html", "days, hours, or minutes", "days, hours, or weeks")).differences
    assert [difference.rules for difference in found] == [("filter.time.unit", "filter.time.known")]


@pytest.mark.parametrize("held", expected_pages(), ids=lambda held: held.page)
def test_every_row_of_the_contract_names_a_rule(held: object) -> None:
    assert all(row.rules for row in held.rows.values())  # type: ignore[attr-defined]


# What is printed ----------------------------------------------------------------------------------------


def test_the_command_says_that_nothing_differs_and_how_much_was_compared(tmp_path: Path) -> None:
    code, text = called(*(saved(tmp_path, filled(name), name) for name in ("get.txt", "update.html")))
    assert code == 0
    assert re.fullmatch(
        r".*get\.txt: get-audience \(GET /v2/audiences/\{id\}\), 1\d\d facts compared: no difference\n"
        r".*update\.html: update-audience \(PUT /v2/audiences/\{id\}\), 2\d\d facts compared: no difference\n",
        text,
    )


def test_a_page_is_recognised_by_what_it_states(tmp_path: Path) -> None:
    code, text = called(saved(tmp_path, filled("get.html"), "update-audience.md"))
    assert (code, "get-audience (GET" in text) == (0, True)


def test_the_command_says_each_difference_in_one_line_and_exits_1(tmp_path: Path) -> None:
    page = saved(tmp_path, edited("update.md", r"\| 400 \| `name_too_long`", "| 422 | `name_too_long`"), "page.md")
    code, text = called(page, saved(tmp_path, filled("get.txt"), "get.txt"))
    assert code == 1
    assert text.splitlines()[0] == (
        f"{page}: update-audience, Error Codes, name_too_long: status: the page states 422, the contract 400 "
        "[update.name.too_long]"
    )
    assert text.splitlines()[1].endswith("facts compared: 1 difference")
    assert text.splitlines()[2].endswith("no difference")


def test_the_command_tells_machines(tmp_path: Path) -> None:
    page = saved(tmp_path, edited("update.md", "Maximum 255", "Maximum 256"), "page.md")
    other = saved(tmp_path, "nothing of that kind", "other.txt")
    code, text = called("--json", page)
    assert (code, json.loads(text)["exit_code"]) == (1, 1)
    assert json.loads(text)["pages"][0]["differences"] == [
        {
            "place": "Body Parameters, name",
            "about": "limit or number",
            "change": "differs",
            "page": "256",
            "contract": "255",
            "rules": ["update.name", "update.name.longest"],
        }
    ]
    code, text = called("--json", page, other)
    assert code == 2
    assert '"refused": [\n    "' + str(other) in text


def test_no_text_of_a_page_reaches_a_terminal_as_a_command(tmp_path: Path) -> None:
    text = edited("update.md", r"\| 401 \|", "| 400 | `x\x1b[2J` | \u202e\x07 |\n| 401 |")
    _, output = called(saved(tmp_path, text, "page.md"))
    assert r"x\x1b[2J" in output
    assert not set("\x1b\x07\u202e") & set(output)


def test_what_looks_like_a_key_is_not_printed(tmp_path: Path) -> None:
    key = "trk_" + "a1" * 16
    code, output = called(saved(tmp_path, edited("update.md", "trk_your_api_key_here", key), "page.md"))
    assert (code, key in output, "trk_(a key)" in output) == (1, False, True)
