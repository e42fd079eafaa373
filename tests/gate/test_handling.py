"""What a client may do when it meets a scenario, and what it may not."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.gate.requests import read, update
from trackly_contract.gate import Gate, NotApplicableError, NotHandledError, ScenarioCase, every_scenario


class ClientError(Exception):
    pass


class MissingError(KeyError):
    """A client's own exception that happens to be a KeyError."""


def meet(gate: Gate, name: str, *declared: type[Exception], raising: Callable[[], Exception] | None) -> None:
    """Meet a scenario of a read as a client does that then raises this."""
    with ScenarioCase(every_scenario()[name], gate).handled(*declared):
        read(gate)
        if raising is not None:
            raise raising()


def send(gate: Gate, name: str, *bodies: Any) -> None:
    """Meet a scenario, or not, as a client does that sends these updates."""
    with ScenarioCase(every_scenario()[name], gate).handled():
        for body in bodies:
            update(gate, body)


@pytest.mark.parametrize(
    ("name", "declared", "raising"),
    [
        ("read-200-null-cache", [], None),
        ("read-404-not_found", [ClientError], ClientError),
        ("read-404-not_found", [MissingError], MissingError),
        ("read-timeout", [ClientError], ClientError),
        ("read-not-json", [ExceptionGroup], lambda: ExceptionGroup("one", [ClientError()])),
    ],
)
def test_a_client_that_returns_or_raises_what_is_declared_handles_a_scenario(
    gate: Gate, name: str, declared: list[type[Exception]], raising: Callable[[], Exception] | None
) -> None:
    meet(gate, name, *declared, raising=raising)
    assert gate.last.response_name == name


def library(base: type[Exception]) -> Exception:
    """A decoding error as libraries have one of their own."""
    made: Exception = type("JSONDecodeError", (base,), {"__init__": lambda *_: None})()
    return made


@pytest.mark.parametrize(
    ("name", "error"),
    [
        *((error.__name__, error()) for error in (KeyError, IndexError, TypeError, AttributeError, RecursionError)),
        ("JSONDecodeError", json.JSONDecodeError("x", "", 0)),
        ("JSONDecodeError", library(json.JSONDecodeError)),
        ("JSONDecodeError", library(ValueError)),
        ("UnicodeDecodeError", UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x")),
        ("KeyError", ExceptionGroup("two", [ClientError(), ExceptionGroup("one", [KeyError("size")])])),
    ],
)
def test_an_error_that_nobody_caught_is_never_handling(gate: Gate, name: str, error: Exception) -> None:
    with pytest.raises(NotHandledError, match=f"raised     {name}") as raised:
        meet(gate, "read-not-json", Exception, raising=lambda: error)
    assert "declare it" not in str(raised.value)


def test_an_undeclared_exception_is_not_handling(gate: Gate) -> None:
    with pytest.raises(NotHandledError, match="OSError: gone") as raised:
        meet(gate, "read-404-not_found", ClientError, raising=lambda: OSError("gone"))
    assert "or declare it: handled(OSError)" in str(raised.value)


def test_an_assertion_of_the_test_stays_its_own(gate: Gate) -> None:
    with pytest.raises(AssertionError, match=r"\Amine\Z"):
        meet(gate, "read-200-null-cache", Exception, raising=lambda: AssertionError("mine"))


def test_every_request_inside_meets_the_scenario_and_none_after_it(gate: Gate) -> None:
    send(gate, "update-404-not_found", {}, {}, {})
    update(gate, {})
    assert [judged.response.status for judged in gate.sent if judged.response is not None] == [404, 404, 404, 200]


NO_UPDATE = r"the client sent no update\. .*: @pytest\.mark\.trackly_operation\('read'\)"
REJECTED = "never met, because the response to the update was 400"


@pytest.mark.parametrize(
    ("name", "bodies", "error", "text"),
    [
        ("update-404-not_found", [], NotHandledError, NO_UPDATE),
        ("update-200-null-cache", [{"name": "n" * 256}], NotHandledError, REJECTED),
        ("update-200-all-lists", [{"source_lists": [101]}], NotApplicableError, "the update sends source_lists itself"),
    ],
)
def test_a_client_that_never_meets_a_scenario_does_not_handle_it(
    gate: Gate, name: str, bodies: list[Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        send(gate, name, *bodies)


def test_the_text_says_what_was_given_what_was_raised_and_where(gate: Gate) -> None:
    def client_counts() -> Exception:
        counted: Any = None
        return ClientError(counted + 1)

    with pytest.raises(NotHandledError) as raised:
        meet(gate, "read-200-null-cache", ClientError, raising=client_counts)
    lines = str(raised.value).splitlines()
    starts = [
        "read-200-null-cache                                          not handled",
        "  the size was never counted, or the filter changed",
        "  docs       update-audience, Response Fields, cached_size (audience.cached_size)",
        '  response   200 {"id":"',
        "  raised     TypeError: unsupported operand",
        f"  at         {__file__}:",
        "  instead    expect this response where it is read",
    ]
    assert [line[: len(start)] for line, start in zip(lines, starts, strict=True)] == starts
    assert lines[5].endswith(": return ClientError(counted + 1)")


def test_the_text_shows_no_key(gate: Gate) -> None:
    gate.keys.add("another-key-of-a-test")
    with pytest.raises(NotHandledError) as raised:
        meet(gate, "read-200-null-cache", raising=lambda: OSError(f"sent {gate.api_key} and another-key-of-a-test"))
    assert gate.api_key not in str(raised.value)
    assert "another-key" not in str(raised.value)
