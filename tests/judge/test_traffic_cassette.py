"""Facts about cassettes: those that vcrpy writes today, Schemathesis's, broken and hostile ones."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
import vcr
import yaml

from tests.support.recordings import PATH, broken, put, read, recorded, watched
from trackly_contract.core.files import data_root
from trackly_contract.gate.http import running
from trackly_contract.judge.recorded import files
from trackly_contract.judge.recorded.record import Recorded, Unreadable
from trackly_contract.reference import REFERENCE_KEY, ReferenceServer

if TYPE_CHECKING:
    from pathlib import Path

URL = "https://api.invalid/api/v2/audiences/a"


def cassette(*responses: Any, request: Any = None) -> bytes:
    """A cassette as vcrpy lays it out, an interaction for each answer."""
    request = request or {"method": "GET", "uri": URL, "headers": {"Accept": ["*/*"]}, "body": None}
    interactions = [{"request": request, "response": response} for response in responses]
    return yaml.safe_dump({"interactions": interactions, "version": 1}).encode()


def answer(body: Any, **more: Any) -> dict[str, Any]:
    return {"status": {"code": 200, "message": "OK"}, "headers": {"X": ["y"]}, "body": body, **more}


def sent(base_url: str, method: str, body: bytes | None = None) -> None:
    headers = {"X-Api-Key": REFERENCE_KEY, "Content-Type": "application/json", "Accept-Encoding": "gzip"}
    request = urllib.request.Request(f"{base_url}{PATH}", data=body, headers=headers, method=method)  # noqa: S310
    try:
        urllib.request.urlopen(request, timeout=10).read()  # noqa: S310
    except urllib.error.HTTPError as error:
        error.read()
        error.close()


@pytest.mark.parametrize("serializer", ["yaml", "json"])
def test_a_cassette_that_vcrpy_writes_is_read_and_judged(tmp_path: Path, serializer: str) -> None:
    path = tmp_path / f"cassette.{serializer}"
    with running(ReferenceServer()) as base_url, vcr.VCR(serializer=serializer).use_cassette(str(path)):
        sent(base_url, "GET")
        sent(base_url, "PUT", put({"name": "Zoë"}).body)
        sent(base_url, "GET")
        sent(base_url, "PUT", put({"filter": {"operator": "AND"}}).body)
    traffic = watched(read(path.read_bytes()))
    assert (traffic.judged, traffic.stamped, traffic.not_judged, traffic.unreadable) == (4, True, {}, {})
    assert broken(traffic) == set()
    assert {"update.name", "update.stored", "filter.empty"} <= set(traffic.findings.tally)
    assert [found.fault.name for found in traffic.faults.values()] == ["filter.empty"]


@pytest.mark.parametrize("kind", ["vcr", "har", "ndjson"])
def test_what_schemathesis_writes_is_read_and_judged(tmp_path: Path, kind: str) -> None:
    document = data_root() / "schemas" / "openapi.bundled.json"
    home = tmp_path / "home"  # it keeps files of its own where it is started
    home.mkdir()
    with running(ReferenceServer()) as base_url:
        run = [sys.executable, "-m", "schemathesis.cli", "run", str(document), "--url", base_url, "--max-examples=1"]
        run += [
            "-H",
            f"X-Api-Key: {REFERENCE_KEY}",
            "--report",
            kind,
            f"--report-dir={tmp_path / 'reports'}",
            "--phases=examples",
        ]
        done = subprocess.run(run, capture_output=True, text=True, timeout=120, cwd=home, check=False)
    files = list((tmp_path / "reports").iterdir())
    assert len(files) == 1, done.stdout + done.stderr
    traffic = watched(read(files[0].read_bytes()))
    assert traffic.judged >= 3
    assert (traffic.unreadable, traffic.not_judged, broken(traffic)) == ({}, {}, set())
    assert traffic.stamped


@pytest.mark.parametrize(
    ("body", "read_as"),
    [
        ({"string": "text"}, b"text"),
        ({"string": b"\xff\xfe"}, b"\xff\xfe"),
        ({"string": ""}, b""),
        ({"string": None}, b""),
        ("text", b"text"),
        ({"encoding": "utf-8", "base64_string": "aGk="}, b"hi"),
        ({"id": 1}, b'{"id":1}'),
    ],
)
def test_a_body_has_the_shapes_of_vcrpy(body: Any, read_as: bytes) -> None:
    found = read(cassette(answer(body)))[0]
    assert isinstance(found, Recorded)
    assert (found.exchange.response.body, found.missing) == (read_as, "")


@pytest.mark.parametrize("response", [None, {"status": None}, {"status": {"code": "x"}}])
def test_an_interaction_without_an_answer_cannot_be_read(response: Any) -> None:
    assert read(cassette(response)) == [Unreadable("x interaction 1", "no answer was recorded: no status")]


def test_plain_scalars_of_headers_are_texts() -> None:
    found = read(cassette(answer("{}", headers={"Content-Length": [72], "X": False})))[0]
    assert isinstance(found, Recorded)
    assert found.exchange.response.headers == (("Content-Length", "72"), ("X", "False"))


def test_what_stands_before_a_break_is_read_and_the_break_is_named() -> None:
    text = cassette(answer("{}"), answer("{}"), answer("{}"))
    at = text.rindex(b"- request")
    found = read(text[:at] + text[at:].replace(b"status:", b"status: {\n", 1))
    assert [type(item) for item in found] == [Recorded, Recorded, Unreadable]
    assert found[-1].where.startswith("x line ")
    assert "from here on nothing is read" in found[-1].reason  # type: ignore[union-attr]


def test_invalid_utf_8_is_named_with_its_line() -> None:
    text = cassette(answer("{}"), answer("zz"))
    found = read(text.replace(b"zz", b"\xff"))
    assert isinstance(found[-1], Unreadable)
    assert found[-1].where == f"x line {text[: text.index(b'zz')].count(10) + 1}"


@pytest.mark.parametrize(
    "text",
    [
        b"interactions: " + b"[" * 100_000,
        b"interactions:\n" + b"- " * 100_000,
        b"interactions: !!python/object/apply:os.system ['true']",
        b"interactions: 7",
        b"interactions: &a [*a]",
        b'{"interactions": {}}',
        b'{"interactions": [',
        b"interactions:\n- a: 2026-99-99\n",
    ],
)
def test_a_hostile_cassette_is_told(text: bytes) -> None:
    found = read(text)
    assert [type(item) for item in found] == [Unreadable]


def test_a_cassette_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST", 100)
    found = read(cassette(answer("{}" * 100)))
    assert found == [Unreadable("x", "a cassette longer than 100 bytes: split it, or record HAR or JSON lines")]


def test_a_name_that_means_no_text_in_yaml_stays_a_text_in_a_body() -> None:
    body = json.dumps({"name": "NO", "phone": "+46701234567"})
    found = read(cassette(answer({"string": body})))
    assert json.loads(recorded(found)[0].response.body)["name"] == "NO"
