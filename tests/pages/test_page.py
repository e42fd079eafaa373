"""Facts about what is read: text, Markdown and HTML give the same parts, and words that count are found."""

from pathlib import Path

import pytest

from tests.pages.docs_pages import saved
from trackly_contract.pages.facts import Facts, command, marks
from trackly_contract.pages.page import read_page


def facts(folder: Path, text: str) -> Facts:
    return Facts(read_page(saved(folder, text)))


def parts(folder: Path, text: str) -> list[tuple[str, str]]:
    """The parts of a file, each as its kind and its cells."""
    return [(part.kind, "|".join(part.cells)) for part in read_page(saved(folder, text))]


TABLE = [("head", "HTTP Status|Error Code"), ("row", "404|not_found"), ("row", "401|a|b")]
BODY = [("heading", "Body Parameters"), ("line", "name"), ("line", "string"), ("code", '{"a": [1,\n2]}')]
BODY += [("line", "Sent.")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("| HTTP Status | Error Code |\n|:--|--:|\n| 404 | `not_found` |\n| 401 | a\\|b |\n", TABLE),
        (
            (
                "<html><body><table><thead><tr><th>HTTP Status</th><th>Error&nbsp;Code</th></tr></thead>"
                "<tr><td>404<td><code>not_found</code></tr><tr><td>401</td><td>a|b</td></tr></table></body></html>"
            ),
            TABLE,
        ),
        ('Body Parameters\n\nname\nstring\n{"a": [1,\n2]}\nSent.', BODY),
        ('## Body Parameters\n\nname\nstring\n```json\n{"a": [1,\n2]}\n```\nSent.', BODY),
        (
            (
                "<html><body><h2>Body <b>Parameters</b></h2><div>name</div><div><span>string</span></div>"
                '<pre><code><span>{"a": [1,\n</span><span>2]}</span>\n</code></pre><p>Sent.</p></body></html>'
            ),
            BODY,
        ),
        (
            "<html><head><title>x</title><body><nav>GET</nav><script>a<b</script><style>c</style><p>d</p></body></html>",
            [("line", "d")],
        ),
        (
            '{\n  "a": [1\n}\nSent.\n\nError Codes\n\n404',
            [("code", '{\n  "a": [1\n}'), ("line", "Sent."), ("heading", "Error Codes"), ("line", "404")],
        ),
        (
            "## A\n\n[Name](https://x.example) of **`a_b`**, `array<integer>`, a&amp;b<br/>c\\_d",
            [("heading", "A"), ("line", "Name of a_b, array<integer>, a&b"), ("line", "c_d")],
        ),
    ],
)
def test_text_markdown_and_html_are_read_as_the_same_parts(
    tmp_path: Path, text: str, found: list[tuple[str, str]]
) -> None:
    assert parts(tmp_path, text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("PUT\n/\nv2\n/\naudiences\n/\n{id}\nSend", [("PUT", "/v2/audiences/{id}")]),
        ("PUT\n/v2/audiences/\n{id}", [("PUT", "/v2/audiences/{id}")]),
        ("put /v2/audiences/{id}", [("PUT", "/v2/audiences/{id}")]),
        ("GET\nList audiences\nDEL\nDelete", []),
        ("Skip to\n/\nv2\n/\naudiences", [("", "/v2/audiences")]),
        ("PUX\n/\nv2\n/\naudiences", [("PUX", "/v2/audiences")]),
        ("PUT\nv2\n/\naudiences", [("PUT", "v2/audiences")]),
        ('---\ntitle: "Update"\napi: "PUT /v2/audiences/{id}"\n---\n\n## Text', [("PUT", "/v2/audiences/{id}")]),
    ],
)
def test_request_lines_are_read_in_one_line_and_in_many(
    tmp_path: Path, text: str, found: list[tuple[str, str]]
) -> None:
    assert facts(tmp_path, text).request_lines == found


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        (
            """$ curl --request=PUT 'https://a.example/api/v2/x?y=1' \\\n -H "A: b" -HC:d -k -s -d '{"e": "f"}'""",
            {"method": "PUT", "host": "https://a.example/api", "path": "/v2/x", "query": "y=1"}
            | {"header A": "b", "header C": "d", "option -k": "yes", "body": '{"e": "f"}'},
        ),
        (
            "curl https://a.example/v2/x -d 1",
            {"method": "POST", "host": "https://a.example", "path": "/v2/x", "body": "1"},
        ),
        ("curl https://a.example/b", {"method": "GET", "host": "https://a.example", "path": "/b"}),
        ("curl https://[", {"method": "GET", "host": "https://[", "path": ""}),
        ("curl 'https://a.example", None),
    ],
)
def test_a_command_is_read_as_a_shell_reads_it(text: str, sent: dict[str, str] | None) -> None:
    assert command(text) == sent


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("At most 1,000 of them", {"limit or number: 1000"}),
        ("one of the six", {"limit or number: 6"}),
        ("v2, 3rd, x-4 or 2025-11-15", set()),
        ("null if new", {"null: null"}),
        ("as source_lists", {"names that it mentions: source_lists"}),
        ("or conditionType", {"names that it mentions: conditionType"}),
        ("unit must be days or hours", {"listed values: days", "listed values: hours", "words that bind: must"}),
        ("State: on, off, and idle.", {f"listed values: {word}" for word in ("on", "off", "idle")}),
        ("Joined by XOR", {"listed values: XOR"}),
        ("Never empty", {"words that bind: never"}),
        ("is missing unit", {"missing members: unit"}),
        ("unit is not valid", set()),
    ],
)
def test_words_that_count_are_found(text: str, found: set[str]) -> None:
    assert {": ".join(mark) for mark in marks(text, ["value", "unit"])} == found


COMPONENT = '<ParamField body="a" type="string" required>\nAt most 5\n</ParamField>\n'
FIELD_TABLE = "## Body Parameters\n\n| Field | Type | Required | About |\n|-|-|-|-|\n| a | string | Yes | At most 5 |\n"
STRING = {"type": "string", "required": "yes"}


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (FIELD_TABLE, [("Body Parameters, a", STRING, ["At most 5"])]),
        (COMPONENT, [("Body Parameters, a", STRING, ["At most 5"])]),
        (
            "Body Parameters\n\na\nstringrequired\nText.\nb\nstring\noptional\nText.\nc\nobject\ndeprecated\nText.",
            [
                ("Body Parameters, a", STRING, ["Text."]),
                ("Body Parameters, b", {"type": "string", "required": "no"}, ["Text."]),
                ("Body Parameters, c", {"type": "object", "required": "no", "deprecated": "yes"}, ["Text."]),
            ],
        ),
    ],
)
def test_fields_are_read_from_tables_components_and_lines(
    tmp_path: Path, text: str, rows: list[tuple[str, dict[str, str], list[str]]]
) -> None:
    assert [(row.position, row.stated, row.lines) for row in facts(tmp_path, text).rows] == rows


ODD_ROW = "Error Codes\n\nStatus Code\n404not_foundNo\n{}\nText."
COMMAND = "example request"


@pytest.mark.parametrize(
    ("text", "unreadable", "rows"),
    [
        *(
            (ODD_ROW.format(line), [("Error Codes", line.strip())], 1)
            for line in ("name_too_longName", "4000name_too_long", "400 ", "40name_too_longName", "400")
        ),
        ("Error Codes\n\nHTTP Reason\n404not_foundNo", [("Error Codes, head", "HTTP Reason")], 1),
        ("## Error Codes\n\n| Foo | Bar |\n|-|-|\n| 404 | not_found |\n", [("Error Codes, head", "Foo | Bar")], 1),
        ("Error Codes\n\nAll are JSON.\n\nStatus and code\n404not_foundNo\nSee below.", [], 1),
        (
            '  -H "X-Api-Key: k"\ncurx -X GET "https://a.example"',
            [(COMMAND, '-H "X-Api-Key: k"'), (COMMAND, 'curx -X GET "https://a.example"')],
            0,
        ),
    ],
)
def test_what_cannot_be_read_is_kept(tmp_path: Path, text: str, unreadable: list[tuple[str, str]], rows: int) -> None:
    found = facts(tmp_path, text)
    assert (found.unreadable, len(found.rows)) == (unreadable, rows)
