"""A run that meets hostile answers: a clear verdict, bounded memory and time, and nothing of them is obeyed."""

import gzip
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from tests.doors.hostile_answers import (
    ACCEPTED,
    EVERY_GET,
    MID_RUN,
    NOWHERE,
    REFUSED,
    Position,
    Ran,
    Stage,
    Talkative,
    Wire,
    bomb,
    continued_for_ever,
    folded_header,
    instead,
    long_chunk_line,
    long_header,
    long_in_chunks,
    long_status_line,
    long_to_the_end,
    long_trailer,
    long_with_length,
    many,
    many_small_chunks,
    member,
    nested,
    odd_status,
    staged,
    told,
    twice,
    with_body,
)
from tests.doors.hostile_facts import (
    LARGEST_FILE,
    MOST_MEMORY,
    MOST_SECONDS,
    NEEDLE,
    a_ci_log_obeys_nothing,
    files_are_bounded,
    memory_is_bounded,
    no_stack_trace_shows,
    the_audience_is_given_back,
    the_data_fit_their_schema,
    the_junit_file_is_xml,
    the_markdown_is_whole,
    the_page_is_inert,
    the_terminal_obeys_nothing,
    time_is_bounded,
    wrong,
)
from tests.support.warm import Warm
from trackly_contract.reference import AUDIENCE_ID

pytestmark = pytest.mark.skipif(os.name != "posix", reason="forks are POSIX")

KEY = '"k#":0'
GROUP = '{"operator":"AND","conditions":[],"groups":['


@pytest.fixture(scope="module")
def stage(warm: Warm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("hostile"), warm) as stage:
        yield stage


@pytest.fixture(scope="module")
def ordinary(stage: Stage) -> Ran:
    return stage.run(NOWHERE, None)


def test_an_honest_run_conforms_and_all_facts_hold(ordinary: Ran) -> None:
    assert (ordinary.code, wrong(ordinary)) == (0, [])


# Answers -------------------------------------------------------------------------------------------

OK, DRIFT, UNKNOWN = 0, 1, 10

HOW_SENT: dict[str, tuple[Wire, dict[Position, int]]] = {
    "a gigabyte with a length": (long_with_length, {EVERY_GET: UNKNOWN, REFUSED: UNKNOWN, MID_RUN: UNKNOWN}),
    "a gigabyte in chunks": (long_in_chunks, {EVERY_GET: UNKNOWN, ACCEPTED: UNKNOWN}),
    "a gigabyte without a length": (long_to_the_end, {EVERY_GET: UNKNOWN, MID_RUN: UNKNOWN}),
    "a chunk with a line of a gigabyte": (long_chunk_line, {EVERY_GET: UNKNOWN}),
    "a trailer without end": (long_trailer, {ACCEPTED: UNKNOWN}),
    "a header of a megabyte": (long_header, {EVERY_GET: UNKNOWN, REFUSED: UNKNOWN}),
    "a status line of a megabyte": (long_status_line, {EVERY_GET: UNKNOWN, ACCEPTED: UNKNOWN}),
    "ten thousand headers": (with_body(bytes, *(f"a: {i % 10}" for i in range(10_000))), {EVERY_GET: OK}),
    "ten thousand long headers": (with_body(bytes, *(f"X-{i}: {'x' * 90}" for i in range(10_000))), {MID_RUN: UNKNOWN}),
    "a folded header": (folded_header, {EVERY_GET: OK}),
    "eight hundred cookies": (
        with_body(bytes, *(f"Set-Cookie: a{i}={'x' * 20}; expires=Wed,{' ' * 60}2021" for i in range(800))),
        {EVERY_GET: OK},
    ),
    "a header that is none": (
        lambda honest: [told(honest.body, f"{NEEDLE} \x1b[2J\x9b<script>::error::" + "x" * 60_000)],
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
    "the type of a page": (with_body(bytes, kind="text/html"), {EVERY_GET: OK, REFUSED: OK}),
    "a charset that it is not in": (with_body(bytes, kind="application/json; charset=utf-16"), {EVERY_GET: OK}),
    "UTF-16": (
        with_body(lambda body: body.decode().encode("utf-16"), kind="application/json; charset=utf-16"),
        {EVERY_GET: UNKNOWN, ACCEPTED: DRIFT},
    ),
    "a status of two digits": (odd_status(99), {EVERY_GET: UNKNOWN}),
    "a status that no class has": (odd_status(999), {EVERY_GET: UNKNOWN, REFUSED: DRIFT}),
    "a switch of protocols": (odd_status(101), {EVERY_GET: UNKNOWN}),
    "no content": (odd_status(204), {EVERY_GET: UNKNOWN, ACCEPTED: DRIFT}),
    "another success": (odd_status(201), {EVERY_GET: OK, REFUSED: DRIFT}),
    "two lengths": (lambda honest: [told(honest.body, "Content-Length: 7")], {EVERY_GET: UNKNOWN}),
    "HTTP/2": (lambda _: [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"], {EVERY_GET: UNKNOWN}),
    "a redirect into a script": (
        lambda honest: [told(honest.body, f"Location: javascript:alert('{NEEDLE}')", status=302)],
        {EVERY_GET: UNKNOWN, REFUSED: DRIFT},
    ),
    "a wait of a million digits": (
        lambda honest: [told(honest.body, "Retry-After: " + "9" * 60_000, status=429)],
        {EVERY_GET: UNKNOWN, REFUSED: DRIFT},
    ),
}
"""What is hostile in how an answer is sent; by place, what a run ends with."""

WHAT_SAID: dict[str, tuple[Wire, dict[Position, int]]] = {
    "arrays 100,000 deep": (
        instead(nested("[", "1", "]")),
        {EVERY_GET: UNKNOWN, ACCEPTED: DRIFT, REFUSED: DRIFT, MID_RUN: UNKNOWN},
    ),
    "objects 100,000 deep": (instead(nested('{"a":', "1", "}")), {EVERY_GET: UNKNOWN, ACCEPTED: DRIFT}),
    "both 100,000 deep": (instead(nested('[{"a":', "1", "}]")), {EVERY_GET: UNKNOWN, REFUSED: DRIFT}),
    "a megabyte of brackets": (instead(b"[" * 1_000_000), {EVERY_GET: UNKNOWN, REFUSED: DRIFT}),
    "a megabyte of quotes": (instead(b'"' * 1_000_000), {EVERY_GET: UNKNOWN}),
    "a filter 15,000 groups deep": (
        member("filter", nested(GROUP, "", "]}", 15_000)),
        {EVERY_GET: UNKNOWN, ACCEPTED: DRIFT},
    ),
    "a filter 140 groups deep": (member("filter", nested(GROUP, "", "]}", 140)), {EVERY_GET: UNKNOWN, ACCEPTED: DRIFT}),
    "bytes that are not UTF-8": (member("name", b'"\xff\xfe"'), {EVERY_GET: UNKNOWN, ACCEPTED: DRIFT}),
    "half of a character": (member("name", r'"\ud83d needle"'), {ACCEPTED: DRIFT, REFUSED: OK}),
    "a NUL": (member("name", b'"\0"'), {EVERY_GET: UNKNOWN, ACCEPTED: DRIFT}),
    "a name twice": (twice("name"), {EVERY_GET: DRIFT, ACCEPTED: DRIFT}),
    "a name twice, another": (twice("name", '"x"'), {EVERY_GET: DRIFT, MID_RUN: DRIFT}),
    "a filter twice": (twice("filter", "{}"), {EVERY_GET: DRIFT, ACCEPTED: DRIFT}),
    "a code twice": (twice("code"), {REFUSED: DRIFT}),
    "a code twice, another": (twice("code", '"x"'), {REFUSED: DRIFT, MID_RUN: DRIFT}),
    "a long key twice": (instead(b'{"%s":1,"%s":1}' % ((b"needle" * 80_000,) * 2)), {EVERY_GET: DRIFT, REFUSED: DRIFT}),
    "NaN": (member("cached_size", "NaN"), {EVERY_GET: UNKNOWN, ACCEPTED: DRIFT}),
    "Infinity": (member("cached_size", "Infinity"), {EVERY_GET: UNKNOWN}),
    "-Infinity": (member("cached_size", "-Infinity"), {ACCEPTED: DRIFT}),
    "-0": (member("cached_size", "-0"), {ACCEPTED: DRIFT, REFUSED: OK}),
    "-0.0": (member("cached_size", "-0.0"), {EVERY_GET: DRIFT}),
    "1e400": (member("cached_size", "1e400"), {EVERY_GET: UNKNOWN, ACCEPTED: DRIFT}),
    "1e5": (member("cached_size", "1e5"), {EVERY_GET: DRIFT}),
    "four thousand digits": (member("cached_size", "9" * 4000), {EVERY_GET: DRIFT, ACCEPTED: DRIFT}),
    "a million digits": (member("cached_size", "9" * 900_000), {EVERY_GET: UNKNOWN, ACCEPTED: DRIFT}),
    "a million digits in a string": (member("name", f'"{"9" * 900_000}"'), {EVERY_GET: UNKNOWN, ACCEPTED: DRIFT}),
    "a million keys": (
        instead(f"{{{many(1_000_000, KEY)}}}".encode()),
        {EVERY_GET: UNKNOWN, REFUSED: UNKNOWN},
    ),
    "sixty thousand keys": (
        with_body(lambda body: b"%s,%s}" % (body[:-1], many(60_000, KEY).encode())),
        {EVERY_GET: OK, REFUSED: OK},
    ),
    "a name of 5 MB": (member("name", f'"{"x" * 5_000_000}"'), {EVERY_GET: UNKNOWN}),
    "a name of 900 kB": (member("name", f'"{"needle" * 150_000}"'), {EVERY_GET: UNKNOWN, ACCEPTED: DRIFT}),
    "an error of 900 kB": (member("error", f'"{"needle" * 150_000}"'), {REFUSED: OK}),
    "a code of 900 kB": (member("code", f'"{"needle" * 150_000}"'), {REFUSED: DRIFT}),
    "a million lists": (member("source_lists", f"[{many(1_000_000, '#')}]"), {EVERY_GET: UNKNOWN}),
    "twenty thousand lists": (
        member("source_lists", f"[{many(20_000, '#')}]"),
        {EVERY_GET: UNKNOWN, ACCEPTED: DRIFT},
    ),
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
    pytest.param(wire, place, code, id=f"{name}, {place.name}")
    for answers in (HOW_SENT, WHAT_SAID)
    for name, (wire, places) in answers.items()
    for place, code in places.items()
]


@pytest.mark.parametrize(("wire", "place", "code"), ANSWERS)
def test_a_hostile_answer_ends_well(stage: Stage, ordinary: Ran, wire: Wire, place: Position, code: int) -> None:
    ran = stage.run(place, wire).beside(ordinary)
    assert ran.planted > 0
    assert (ran.code, wrong(ran)) == (code, []), ran.terminal[-3000:]


DRIPS: dict[str, Wire] = {"continued for ever": continued_for_ever, "a byte in each chunk": many_small_chunks}


@pytest.mark.parametrize("place", [EVERY_GET, REFUSED], ids=lambda place: place.name)
@pytest.mark.parametrize("wire", DRIPS.values(), ids=DRIPS)
def test_an_answer_without_end_ends_well(stage: Stage, ordinary: Ran, wire: Wire, place: Position) -> None:
    ran = stage.run(place, wire, longest_answer=0.3).beside(ordinary)
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


@pytest.fixture(scope="module", params=TEXTS, ids=lambda name: name.replace(" ", "-"))
def talked(request: pytest.FixtureRequest, stage: Stage, ordinary: Ran) -> Ran:
    """A run on a server that says a text wherever it can: in name, description, error, code, and in names of keys."""
    text = f"{NEEDLE} {TEXTS[request.param]} {NEEDLE}"
    server = Talkative(error=text, code=text, key=text)
    server.store.audiences[AUDIENCE_ID].update(name=text, description=text)
    return stage.run(NOWHERE, None, server).beside(ordinary)


def test_a_hostile_text_is_obeyed_nowhere(talked: Ran) -> None:
    assert (talked.code, wrong(talked)) == (DRIFT, []), talked.terminal[-3000:]


def test_a_hostile_text_is_shown_everywhere(talked: Ran) -> None:
    for shown in (talked.terminal, *map(talked.file, ("report.json", "report.md", "report.html", "junit.xml"))):
        assert NEEDLE in shown


# The facts themselves --------------------------------------------------------------------------------

TAMPERED: dict[str, tuple[str, Callable[[str], str], Callable[[Ran], bool]]] = {
    "an escape code": ("terminal.txt", lambda text: f"{text}\x1b[2J", the_terminal_obeys_nothing),
    "a C1 control": ("terminal.txt", lambda text: f"{text}\x9b2J", the_terminal_obeys_nothing),
    "a stack trace": ("terminal.txt", lambda text: f"{text}Traceback (most", no_stack_trace_shows),
    "a command": ("terminal.txt", lambda text: f"{text}\n  ::error::x", a_ci_log_obeys_nothing),
    "a command within a line": ("terminal.txt", lambda text: f"{text}x ##[error]x", a_ci_log_obeys_nothing),
    "an image": ("report.html", lambda text: text.replace("<main", "<img><main", 1), the_page_is_inert),
    "a handler": ("report.html", lambda text: text.replace("<main", "<main onclick=x", 1), the_page_is_inert),
    "an address": ("report.html", lambda text: text.replace('href="#', 'href="javascript:#', 1), the_page_is_inert),
    "text in a script": (
        "report.html",
        lambda text: text.replace("</script>", "needle</script>", 1),
        the_page_is_inert,
    ),
    "a bidi override": ("report.html", lambda text: text.replace("<main", "\u202e<main", 1), the_page_is_inert),
    "code that is not closed": ("report.md", lambda text: f"{text}\n```\n", the_markdown_is_whole),
    "text outside of code": ("report.md", lambda text: f"{text}needle\n", the_markdown_is_whole),
    "a control character": ("report.md", lambda text: f"{text}\x07", the_markdown_is_whole),
    "a member too many": (
        "report.json",
        lambda text: text.replace('"notes"', '"more": 1, "notes"'),
        the_data_fit_their_schema,
    ),
    "what is not XML": ("junit.xml", lambda text: f"{text}<", the_junit_file_is_xml),
    "a long file": ("report.md", lambda text: text + "x" * LARGEST_FILE, files_are_bounded),
}


@pytest.mark.parametrize(("name", "tamper", "fact"), TAMPERED.values(), ids=TAMPERED)
def test_a_fact_would_be_missed(
    ordinary: Ran,
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    tamper: Callable[[str], str],
    fact: Callable[[Ran], bool],
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


def test_what_is_left_is_missed(ordinary: Ran) -> None:
    assert not the_audience_is_given_back(replace(ordinary, left=("x.journal.json",)))
    assert not the_audience_is_given_back(replace(ordinary, after={**ordinary.after, "name": "x"}))
    assert not memory_is_bounded(replace(ordinary, more_memory=MOST_MEMORY + 1))
    assert not time_is_bounded(replace(ordinary, seconds=MOST_SECONDS + 1))
