"""A run that meets hostile answers: a clear verdict, bounded memory and time, and nothing of them is obeyed."""

import gzip
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.doors import hostile_facts as facts
from tests.doors.hostile_answers import (
    ACCEPTED,
    BLOCK,
    CHUNKED,
    EVERY_GET,
    GB,
    MID_RUN,
    REFUSED,
    Change,
    Ended,
    Position,
    Talkative,
    bomb,
    instead,
    long,
    many,
    member,
    nested,
    perform,
    twice,
    with_body,
)
from tests.doors.hostile_facts import NEEDLE, wrong
from tests.support.warm import Stand
from tests.support.way import head

KEY = '"k#":0'
GROUP = '{"operator":"AND","conditions":[],"groups":['


@pytest.fixture(scope="module")
def ordinary(one_stand: Stand, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    return perform(one_stand, tmp_path_factory.mktemp("ordinary"))


def test_an_honest_run_conforms_and_all_facts_hold(ordinary: Ended) -> None:
    assert (ordinary.code, wrong(ordinary)) == (0, [])


# Answers -------------------------------------------------------------------------------------------

OK, DRIFT, UNKNOWN = 0, 1, 10

HOW_SENT: dict[str, tuple[Change, dict[Position, int]]] = {
    "a gigabyte with a length": (
        long(head(200, f"Content-Length: {GB + 10}") + b'{"name": "', BLOCK),
        {EVERY_GET: UNKNOWN, REFUSED: UNKNOWN, MID_RUN: UNKNOWN},
    ),
    "a gigabyte in chunks": (long(CHUNKED, b"10000\r\n" + BLOCK + b"\r\n"), {EVERY_GET: UNKNOWN, ACCEPTED: UNKNOWN}),
    "a gigabyte without a length": (
        long(head(200, "Connection: close"), BLOCK),
        {EVERY_GET: UNKNOWN, MID_RUN: UNKNOWN},
    ),
    "a chunk with a line of a gigabyte": (long(CHUNKED + b"1;", BLOCK), {EVERY_GET: UNKNOWN}),
    "a trailer of a gigabyte": (long(CHUNKED + b"2\r\n{}\r\n0\r\n", b"X-Trailer: x\r\n" * 10_000), {ACCEPTED: UNKNOWN}),
    "a header of a megabyte": (
        long(b"HTTP/1.1 200 OK\r\nX-Long: ", BLOCK, 1 << 20, b"\r\n\r\n"),
        {EVERY_GET: UNKNOWN, REFUSED: UNKNOWN},
    ),
    "a status line of a megabyte": (
        long(b"HTTP/1.1 200 ", BLOCK, 1 << 20, b"\r\n\r\n"),
        {EVERY_GET: UNKNOWN, ACCEPTED: UNKNOWN},
    ),
    "ten thousand long headers": (with_body(bytes, *(f"X-{i}: {'x' * 90}" for i in range(10_000))), {REFUSED: UNKNOWN}),
    "a folded header": (with_body(bytes, "X-Folded: a\r\n b\r\n\tc"), {EVERY_GET: OK}),
    "eight hundred cookies": (
        with_body(bytes, *(f"Set-Cookie: a{i}={'x' * 20}; expires=Wed,{' ' * 60}2021" for i in range(800))),
        {EVERY_GET: OK},
    ),
    "a header that is none": (
        with_body(bytes, f"{NEEDLE} \x1b[2J\x9b<script>::error::" + "x" * 60_000),
        {EVERY_GET: UNKNOWN},
    ),
    "a gzip bomb": (bomb(zlib.MAX_WBITS + 16), {EVERY_GET: UNKNOWN, REFUSED: UNKNOWN, MID_RUN: UNKNOWN}),
    "a deflate bomb": (bomb(zlib.MAX_WBITS), {ACCEPTED: UNKNOWN}),
    "gzip": (with_body(gzip.compress, "Content-Encoding: gzip"), {EVERY_GET: OK, REFUSED: OK}),
    "gzip in gzip": (
        with_body(lambda body: gzip.compress(gzip.compress(body)), "Content-Encoding: gzip"),
        {EVERY_GET: UNKNOWN, ACCEPTED: DRIFT},
    ),
    "gzip in gzip, announced": (
        with_body(lambda body: gzip.compress(gzip.compress(body)), "Content-Encoding: gzip, gzip"),
        {EVERY_GET: UNKNOWN, REFUSED: UNKNOWN},
    ),
    "br": (instead(b"xx", "Content-Encoding: br"), {EVERY_GET: UNKNOWN}),
    "zstd": (instead(b"xx", "Content-Encoding: zstd"), {ACCEPTED: UNKNOWN}),
    "a charset that it is not in": (with_body(bytes, kind="application/json; charset=utf-16"), {EVERY_GET: OK}),
    "UTF-16": (
        with_body(lambda body: body.decode().encode("utf-16"), kind="application/json; charset=utf-16"),
        {EVERY_GET: UNKNOWN, ACCEPTED: DRIFT},
    ),
    "a status of two digits": (with_body(bytes, status=99), {EVERY_GET: UNKNOWN}),
    "a status that no class has": (with_body(bytes, status=999), {EVERY_GET: UNKNOWN, REFUSED: DRIFT}),
    "a switch of protocols": (with_body(bytes, status=101), {EVERY_GET: UNKNOWN}),
    "no content": (with_body(bytes, status=204), {EVERY_GET: UNKNOWN, ACCEPTED: DRIFT}),
    "two lengths": (with_body(bytes, "Content-Length: 7"), {EVERY_GET: UNKNOWN}),
    "HTTP/2": (lambda _: [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"], {EVERY_GET: UNKNOWN}),
    "a redirect into a script": (
        with_body(bytes, f"Location: javascript:alert('{NEEDLE}')", status=302),
        {EVERY_GET: UNKNOWN, REFUSED: DRIFT},
    ),
    "a wait of a million digits": (
        with_body(bytes, "Retry-After: " + "9" * 60_000, status=429),
        {EVERY_GET: UNKNOWN, REFUSED: DRIFT},
    ),
}
"""What is hostile in how an answer is sent; by place, what a run ends with."""

WHAT_SAID: dict[str, tuple[Change, dict[Position, int]]] = {
    "arrays 100,000 deep": (
        instead(nested("[", "1", "]")),
        {EVERY_GET: UNKNOWN, ACCEPTED: DRIFT, REFUSED: DRIFT, MID_RUN: UNKNOWN},
    ),
    "a megabyte of brackets": (instead(b"[" * 1_000_000), {EVERY_GET: UNKNOWN, REFUSED: DRIFT}),
    "a filter 15,000 groups deep": (
        member("filter", nested(GROUP, "", "]}", 15_000)),
        {EVERY_GET: UNKNOWN, ACCEPTED: DRIFT},
    ),
    "a filter 140 groups deep": (member("filter", nested(GROUP, "", "]}", 140)), {EVERY_GET: DRIFT, ACCEPTED: DRIFT}),
    "bytes that are not UTF-8": (member("name", b'"\xff\xfe"'), {EVERY_GET: UNKNOWN, ACCEPTED: DRIFT}),
    "half of a character": (member("name", r'"\ud83d needle"'), {ACCEPTED: DRIFT, REFUSED: OK}),
    "a NUL": (member("name", b'"\0"'), {EVERY_GET: UNKNOWN, ACCEPTED: DRIFT}),
    "a name twice": (twice("name"), {EVERY_GET: DRIFT, ACCEPTED: DRIFT}),
    "a name twice, another": (twice("name", '"x"'), {EVERY_GET: DRIFT, MID_RUN: DRIFT}),
    "a code twice": (twice("code"), {REFUSED: DRIFT}),
    "a long key twice": (instead(b'{"%s":1,"%s":1}' % ((b"needle" * 80_000,) * 2)), {EVERY_GET: DRIFT, REFUSED: DRIFT}),
    "NaN": (member("cached_size", "NaN"), {EVERY_GET: UNKNOWN, ACCEPTED: DRIFT}),
    "-0": (member("cached_size", "-0"), {ACCEPTED: DRIFT, REFUSED: OK}),
    "1e400": (member("cached_size", "1e400"), {EVERY_GET: UNKNOWN, ACCEPTED: DRIFT}),
    "four thousand digits": (member("cached_size", "9" * 4000), {EVERY_GET: DRIFT, ACCEPTED: DRIFT}),
    "a million digits": (member("cached_size", "9" * 900_000), {EVERY_GET: UNKNOWN, ACCEPTED: DRIFT}),
    "a million keys": (instead(f"{{{many(1_000_000, KEY)}}}".encode()), {EVERY_GET: UNKNOWN, REFUSED: UNKNOWN}),
    "sixty thousand keys": (
        with_body(lambda body: b"%s,%s}" % (body[:-1], many(60_000, KEY).encode())),
        {EVERY_GET: OK, REFUSED: OK},
    ),
    "a name of 5 MB": (member("name", f'"{"x" * 5_000_000}"'), {EVERY_GET: UNKNOWN}),
    "a name of 900 kB": (member("name", f'"{"needle" * 150_000}"'), {EVERY_GET: UNKNOWN, ACCEPTED: DRIFT}),
    "an error of 900 kB": (member("error", f'"{"needle" * 150_000}"'), {REFUSED: OK}),
    "a code of 900 kB": (member("code", f'"{"needle" * 150_000}"'), {REFUSED: DRIFT}),
    "a million lists": (member("source_lists", f"[{many(1_000_000, '#')}]"), {EVERY_GET: UNKNOWN}),
    "twenty thousand lists": (member("source_lists", f"[{many(20_000, '#')}]"), {EVERY_GET: DRIFT, ACCEPTED: DRIFT}),
    "100,000 lists that are none": (
        member("source_lists", "[" + many(100_000, '""') + "]"),
        {EVERY_GET: DRIFT, ACCEPTED: DRIFT},
    ),
    "100,000 empty groups": (
        member("filter", f'{{"operator":"AND","conditions":[],"groups":[{many(100_000, "{}")}]}}'),
        {EVERY_GET: DRIFT, ACCEPTED: DRIFT},
    ),
    "100,000 values below a long key": (
        member("filter", f'{{"operator":"AND","conditions":[],"{"k" * 300_000}":[{many(100_000, "[]")}]}}'),
        {ACCEPTED: DRIFT},
    ),
    "8,000 lines of 500 blanks": (
        with_body(lambda body: body[:-1] + b',"needle":' + nested("[", "0" + ",0" * 8_000, "]", 250) + b"}"),
        {EVERY_GET: OK},
    ),
    "200,000 lines of 500 blanks": (
        with_body(lambda body: body[:-1] + b',"needle":' + nested("[", "0" + ",0" * 200_000, "]", 250) + b"}"),
        {ACCEPTED: OK},
    ),
}
"""What is hostile in what an answer says; by place, what a run ends with."""

ANSWERS = [
    pytest.param(change, place, code, id=f"{name}, {place.name}")
    for answers in (HOW_SENT, WHAT_SAID)
    for name, (change, places) in answers.items()
    for place, code in places.items()
]


@pytest.mark.parametrize(("change", "place", "code"), ANSWERS)
def test_a_hostile_answer_ends_well(
    one_stand: Stand, tmp_path: Path, ordinary: Ended, change: Change, place: Position, code: int
) -> None:
    ran = perform(one_stand, tmp_path, place, change).beside(ordinary)
    assert ran.planted > 0
    assert (ran.code, wrong(ran)) == (code, []), ran.terminal[-3000:]


DRIPS: dict[str, Change] = {
    "continued for ever": long(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "a byte in each chunk": long(CHUNKED, b"1\r\n \r\n" * 10_000),
}


@pytest.mark.parametrize("place", [EVERY_GET, REFUSED], ids=lambda place: place.name)
@pytest.mark.parametrize("change", DRIPS.values(), ids=DRIPS)
def test_an_answer_without_end_ends_well(
    one_stand: Stand, tmp_path: Path, ordinary: Ended, change: Change, place: Position
) -> None:
    ran = perform(one_stand, tmp_path, place, change, longest_answer=0.3).beside(ordinary)
    assert (ran.code, wrong(ran)) == (UNKNOWN, []), ran.terminal[-3000:]


# Texts ---------------------------------------------------------------------------------------------

TEXTS = {
    "markup": "<script>alert(1)</script></code></pre></title></style></script>\"'><img src=x onerror=alert(2)><!--",
    "templates": "{{ 7*7 }}{% for x in y %}{# #}{{ ''.__class__ }}${7*7}<%= 7*7 %>#{7*7}{0.__class__}%s",
    "addresses": "javascript:alert(1) [x](javascript:alert(2)) https://evil.example/ <https://evil.example>",
    "Markdown": "|a|b|\n```\n~~~\n# head\n</details>\n- [x](https://evil.example) ![y](//evil.example/y.png) `c` \\",
    "terminal codes": "\x1b[2J\x1b[31m\x1b]8;;http://e\x07link\x1b]8;;\x1b\\\x1b]52;c;ZQ==\x07\rover\x08\x08\x7f\x00\t\x0b\x0c",
    "other terminal codes": "\x9b2J\x9d0;t\x9c\x84\x85\u2028\u2029\u202eevil\u202c\u2066x\u2069\u200b\ufeff\xad\ud83d",
    "commands to a log": "\n::error::x\n ::set-output name=a::b\r::add-mask::a\n::stop-commands::x\n##[error]x",
    "other commands to a log": "##[add-mask]a ##vso[task.setvariable variable=a]b\n##teamcity[message text='x'] ##[[",
    "XML": "]]></failure></testcase><x>&lol;&#0;&#x1b;\ufffe\uffff<!DOCTYPE x [<!ENTITY lol 'l'>]>",
    "JSON": '","verdict":"conforms","x":"\\u0000\\',
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_hostile_text_is_shown_everywhere_and_obeyed_nowhere(
    one_stand: Stand, tmp_path: Path, ordinary: Ended, text: str
) -> None:
    text = f"{NEEDLE} {text} {NEEDLE}"
    ran = perform(one_stand, tmp_path, server=Talkative(text)).beside(ordinary)
    assert (ran.code, wrong(ran)) == (DRIFT, []), ran.terminal[-3000:]
    for shown in ("terminal.txt", "report.json", "report.md", "report.html", "junit.xml"):
        assert NEEDLE in ran.file(shown)


# The facts themselves --------------------------------------------------------------------------------

TAMPERED: dict[str, tuple[str, Callable[[str], str], Callable[[Ended], bool]]] = {
    "an escape code": ("terminal.txt", lambda text: f"{text}\x1b[2J", facts.the_terminal_obeys_nothing),
    "a C1 control": ("terminal.txt", lambda text: f"{text}\x9b2J", facts.the_terminal_obeys_nothing),
    "a stack trace": ("terminal.txt", lambda text: f"{text}Traceback (most", facts.no_stack_trace_shows),
    "a command": ("terminal.txt", lambda text: f"{text}\n  ::error::x", facts.a_ci_log_obeys_nothing),
    "a command within a line": ("terminal.txt", lambda text: f"{text}x ##[error]x", facts.a_ci_log_obeys_nothing),
    "an image": ("report.html", lambda text: text.replace("<main", "<img><main", 1), facts.the_page_is_inert),
    "a handler": ("report.html", lambda text: text.replace("<main", "<main onclick=x", 1), facts.the_page_is_inert),
    "an address": (
        "report.html",
        lambda text: text.replace('href="#', 'href="javascript:#', 1),
        facts.the_page_is_inert,
    ),
    "text in a script": (
        "report.html",
        lambda text: text.replace("</script>", "needle</script>", 1),
        facts.the_page_is_inert,
    ),
    "a bidi override": ("report.html", lambda text: text.replace("<main", "\u202e<main", 1), facts.the_page_is_inert),
    "code that is not closed": ("report.md", lambda text: f"{text}\n```\n", facts.the_markdown_is_whole),
    "text outside of code": ("report.md", lambda text: f"{text}needle\n", facts.the_markdown_is_whole),
    "a control character": ("report.md", lambda text: f"{text}\x07", facts.the_markdown_is_whole),
    "a member too many": (
        "report.json",
        lambda text: text.replace('"notes"', '"more": 1, "notes"'),
        facts.the_data_fit_their_schema,
    ),
    "what is not XML": ("junit.xml", lambda text: f"{text}<", facts.the_junit_file_is_xml),
    "a long file": ("report.md", lambda text: text + "x" * facts.LARGEST_FILE, facts.files_are_bounded),
}


@pytest.mark.parametrize(("name", "tamper", "fact"), TAMPERED.values(), ids=TAMPERED)
def test_a_fact_would_be_missed(
    ordinary: Ended,
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    tamper: Callable[[str], str],
    fact: Callable[[Ended], bool],
) -> None:
    folder = tmp_path_factory.mktemp("tampered")
    for path in ordinary.folder.iterdir():
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    (folder / name).write_text(tamper(ordinary.file(name)), "utf-8")
    ran = replace(ordinary, folder=folder)
    try:
        held = fact(ran)
    except (AssertionError, ET.ParseError):
        held = False
    assert not held


def test_what_is_left_is_missed(ordinary: Ended) -> None:
    assert not facts.the_audience_is_restored(replace(ordinary, left=["journal.jsonl"]))
    assert not facts.the_audience_is_restored(replace(ordinary, after={**ordinary.after, "name": "x"}))
    assert not facts.memory_is_bounded(replace(ordinary, more_memory=facts.MOST_MEMORY + 1))
    assert not facts.time_is_bounded(replace(ordinary, seconds=facts.MOST_SECONDS + 1))
