"""Facts about a page beside the contract: nothing differs on a page that agrees, and every other fact is named."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pages.docs_pages import NAMES, called, compared, filled, page_of, saved, told
from trackly_contract.pages.compare import Difference
from trackly_contract.pages.expected import expected_pages

UPDATES = ("update.md", "update.html")
READS = ("get.txt", "get.html")


def edited(name: str, old: str, new: str | Callable[[re.Match[str]], str]) -> str:
    """A page with every place of `old` edited; it must be there."""
    text = filled(name)
    assert re.search(old, text), f"{name} has no {old}"
    return re.sub(old, new, text)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_that_states_what_the_contract_holds_does_not_differ(tmp_path: Path, name: str) -> None:
    found = compared(tmp_path, filled(name))
    assert (found.differences, found.compared > 100) == ((), True)
    assert told(tmp_path, filled(name).replace("\n", "\r\n").encode("utf-8-sig")) == []


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("get.txt", r"(?s)(?<=\nPath Parameters\n).*(?=\nExamples\n)", lambda found: found[0].replace("\n", "\n\n")),
        ("get.txt", r"(?m)(?<=Status)(?=Error)|(?<=Code)(?=D)|(?<=^40[14])|(?<=unauthorized)(?=R)", "\t"),
        ("get.txt", "array of integers", "integer[]"),
        ("get.txt", "array of integers", "array<integer>"),
        ("get.txt", "array of integers", "list of integers"),
        ("update.md", "array of integers", "Array of integers"),
    ],
    ids=["empty lines", "tabs between cells", "type[]", "type<>", "list of type", "Type"],
)
def test_how_the_text_of_a_page_is_laid_out_makes_no_difference(
    tmp_path: Path, name: str, old: str, new: str | Callable[[re.Match[str]], str]
) -> None:
    assert told(tmp_path, edited(name, old, new)) == []


EDITS = [
    (UPDATES, "Body Parameters, name: limit or number", "Maximum 255", "Maximum 256"),
    (UPDATES, "Body Parameters, name: limit or number", "Maximum 255", "Maximum some"),
    (UPDATES, "Error Codes, name_too_long: limit or", "exceeds 255", "exceeds 300"),
    (UPDATES, "invalid_condition_type: limit or number", "the six valid", "the seven valid"),
    (UPDATES, "Error Codes, invalid_time_unit: listed", "days, hours, or", "days, weeks, or"),
    (UPDATES, "Error Codes, invalid_time_unit: listed", "days, hours, or", "days or"),
    (UPDATES, "invalid_group_operator: listed values", "AND or OR", "AND, OR, or XOR"),
    (UPDATES, "missing_time_value: missing members", "missing value or unit", "missing value"),
    (UPDATES, "missing_count_value: missing members", "is missing value(?=. Send)", "is missing unit"),
    (READS, "Response Fields, status: listed", "active or archived", "active or paused"),
    (READS, "Response Fields, filter: names", "listId", "listIds"),
    (UPDATES, "Response Fields, filter: names", "like conditionType", "like condition_type"),
    (NAMES, "Response Fields, cached_size: null", r"\bnull (after|if|before)", "zero after"),
    (NAMES, "Response Fields, name: null", "Chosen by a person", "Can be null"),
    (UPDATES, "Body Parameters, name: words that bind", "Longer ones", "Must be unique. Longer"),
    (NAMES, "example request: host", "app.tracklysms.com", "api.tracklysms.com"),
    (READS, "example request: path", "/api/v2/aud", "/api/v3/aud"),
    (NAMES, "example request: path", "audiences/664f1a", "audiences/774f1a"),
    (NAMES, "example request: header X-Api-Key: gone", "X-Api-Key", "Authorization"),
    (NAMES, "header Authorization: new", "X-Api-Key", "Authorization"),
    (NAMES, "example request: header X-Api-Key", "trk_your", "key_your"),
    (UPDATES, "header Content-Type", "application/json", "text/json"),
    (NAMES, "example request: query: new", 'd("|&quot;)( .)', r"d?full=1\1\2"),
    (READS, "example request: method", "-X (GET|PUT)", "-X PATCH"),
    (NAMES, "/filter/conditions/0/unit: the page", 'days(&quot;|")', r"weeks\1"),
    (NAMES, "/filter/conditions/0/operator: the", "within", "before"),
    (NAMES, "/filter/conditions/1/field: the page", "click_count", "open_count"),
    (NAMES, "/filter/conditions/1/value: the page", r"(?s)(gte.*?value(?:&quot;|\"): )\d", r"\g<1>7"),
    (NAMES, "/filter/operator: the page", '(operator(?:&quot;|"): (?:&quot;|"))AND', r"\1OR"),
    (NAMES, "example answer: /status: the page", r"active(&quot;|\")", r"live\1"),
    (READS, "example answer: /cached_size: the page", "12480", '"12480"'),
    (READS, "/cached_size_updated_at: the page", "2025-11-15T08:30:00", "2025-11-15"),
    (NAMES, "example answer: /source_lists/1: gone", r"\[101, 102\]", "[101]"),
    (NAMES, "example answer: /source_lists/2: new", "101, 102", "101, 102, 103"),
    (("get.txt",), "/filter/groups: gone", r",\n([^\n]*)(&quot;|\")groups(&quot;|\"): \[\]", ""),
    (NAMES, "example answer: /created: new", 'created_at(&quot;|")', r"created\1"),
    (UPDATES, "first paragraph: worded otherwise", "are optional", "are needed"),
    (UPDATES, "Response Fields: worded otherwise", "flat, not wrapped", "wrapped"),
    (NAMES, "unauthorized: worded otherwise", "missing or invalid", "missing"),
]


@pytest.mark.parametrize(("name", "said", "old", "new"), [(name, *edit) for names, *edit in EDITS for name in names])
def test_an_edited_fact_is_named(tmp_path: Path, name: str, said: str, old: str, new: str) -> None:
    lines = told(tmp_path, edited(name, old, new))
    assert [line for line in lines if said in line], lines


HTML_ROW = "<tr><td>403</td><td>zz_new</td><td>No</td></tr><tr><td>401"
NEW_CODE = "Error Codes, zz_new: new on the page: 403; the contract holds none [no rule]"
FIELD = '<ParamField {}="zz" type="string">\nNew.\n</ParamField>\n\n'
OPERATORS = "## Operators\n\n| Operator | Use |\n| --- | --- |\n| `within` | Since |\n\n"
REFUSAL = '```json\n{"error": "Too long", "code": "%s"%s}\n```\n\n'
METHOD = "request line: method: the page states PATCH, the contract {} ["
PATH = "request line: path: the page states /v3/"
IN_REFUSAL = "example of a refusal: /{}: new on the page: {}; the contract holds none [error.code]"
NO_ANSWER = "example answer: gone from the page; the contract holds {"
KEY = "trk_your_api_key_here"
NEW_STATUS = "Error Codes, name_too_long: status: the page states 422, the contract 400 [update.name.too_long]"
COPIED = "example answer: /cached_size: the page states 12481, the contract 12480 [audience.cached_size]"

ALL_THAT_DIFFERS = [
    ("update.md", r"(?=\| 401)", "| 403 | `zz_new` | No |\n", NEW_CODE),
    ("update.html", "<tr><td>401", HTML_ROW, NEW_CODE),
    ("get.html", "<tr><td>401", HTML_ROW, NEW_CODE),
    ("get.txt", "401", "403zz_newNo\n401", NEW_CODE),
    ("update.md", '(?=<ParamField body="desc)', FIELD.format("body"), "Body Parameters, zz: new on the page: string"),
    ("update.md", "(?=## Resp)", f"## Q\n\n{FIELD.format('query')}", "Query Parameters, zz: new on the page: string"),
    ("update.md", "(?=## Next)", OPERATORS, "Operators: cannot be read: table row: within | Since [no rule]"),
    ("update.md", 'y="name" type="string"', r"\g<0> required", "Body Parameters, name: required: the page states y"),
    ("get.txt", "created_at\ndatetime\n", r"\g<0>deprecated\n", "Response Fields, created_at: deprecated: new on the "),
    ("get.html", "<div>GET</div>", "<div>PATCH</div>", METHOD.format("GET")),
    ("update.html", "<div>PUT</div>", "<div>PATCH</div>", METHOD.format("PUT")),
    ("get.txt", r"/\nv2\n", "/\nv3\n", PATH),
    ("get.html", "<div>v2</div>", "<div>v3</div>", PATH),
    ("update.html", "<div>v2</div>", "<div>v3</div>", PATH),
    ("update.html", "v2", "v3", PATH, "example request: path: the page states /v3/"),
    ("get.txt", r"(?s)\A(.*?)12480", r"\g<1>12481", COPIED),  # the first of two copies
    ("update.md", 's": "active"', 's": active', "example: cannot be read: Expecting value", NO_ANSWER),
    ("update.md", f'{KEY}"', KEY, "example request: cannot be read: curl", "example request: gone from the page"),
    ("update.md", "(?=## Next)", REFUSAL % ("name_too_long", "")),
    ("update.md", "(?=## Next)", REFUSAL % ("zz", ""), IN_REFUSAL.format("code", '"zz"')),
    ("update.md", "(?=## Next)", REFUSAL % ("name_too_long", ', "p": "n"'), IN_REFUSAL.format("p", '"n"')),
]


@pytest.mark.parametrize(
    ("name", "old", "new", "said"), [(n, old, new, said) for n, old, new, *said in ALL_THAT_DIFFERS]
)
def test_nothing_but_what_was_edited_is_named(tmp_path: Path, name: str, old: str, new: str, said: list[str]) -> None:
    lines = told(tmp_path, edited(name, old, new))
    assert [line[: len(begin)] for line, begin in zip(lines, said, strict=True)] == said


ROW = {
    "txt": r"^40[0-9]{row}[A-Z].*\n|^{row}\n[a-z ]+\n(?:required\n)?.*\n",
    "md": r"^\| 4.. \| `{row}` .*\n|^<(\w+) \w+=\"{row}\"[^<]*</\1>\n",
    "html": r"<tr><td>...</td><td><code>{row}</code>.*</tr>"
    r"|<div class=\"field\"><div class=\"param-head\" id=\"param-{row}\">(?:.*\n).*\n.*\n",
}
ROWS = [(name, row) for name in NAMES for page in expected_pages() if page.page == page_of(name) for row in page.rows]


@pytest.mark.parametrize(("name", "position"), ROWS)
def test_a_row_that_is_gone_or_has_another_name_type_or_status_is_named(
    tmp_path: Path, name: str, position: str
) -> None:
    section, _, word = position.partition(", ")
    before, heading, after = re.split(rf"((?<=<span>){section}(?=</span>)|{section}(?=\n))", filled(name), maxsplit=1)
    row = re.search(ROW[name.rpartition(".")[2]].replace("{row}", word), after, re.MULTILINE)
    assert row

    def found(new: str) -> list[Difference]:
        assert new != row[0]
        return [*compared(tmp_path, before + heading + after[: row.start()] + new + after[row.end() :]).differences]

    assert [d.place for d in found("") if d.change == "gone"] == [position]
    renamed = re.sub(rf"(?<![\w=])({word})(?![\w=])|(?<=\d){word}(?=[A-Z])", f"{word}_x", row[0])
    assert {(position, "gone"), (f"{section}, {word}_x", "new")} <= {(d.place, d.change) for d in found(renamed)}
    about, pattern, other = "type", r"\b(string|array of integers|object|integer|datetime)\b", "boolean"
    if section == "Error Codes":
        about, pattern, other = "status", r"40\d", "422"
    edit = found(re.sub(pattern, other, row[0], count=1))
    assert [(d.place, d.page) for d in edit if d.about == about] == [(position, other)]


def test_the_command_says_what_was_compared_and_each_difference_in_a_line(tmp_path: Path) -> None:
    # A page is recognised by what it states, not by its name.
    read = saved(tmp_path, filled("get.html"), "update-audience.md")
    page = saved(tmp_path, edited("update.md", r"\| 400 \| `name_too_long`", "| 422 | `name_too_long`"), "page.md")
    agrees = rf"{read}: get-audience \(GET /v2/audiences/\{{id\}}\), 1\d\d facts compared: no difference\n"
    assert (called(read)[0], bool(re.fullmatch(agrees, called(read)[1]))) == (0, True)
    code, text = called(page, read)
    first, counted, _ = text.split("\n", 2)
    assert (code, first) == (1, f"{page}: update-audience, {NEW_STATUS}")
    assert re.search(r"page.md: update-audience \(PUT .*, \d{3} facts compared: 1 difference$", counted)


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
