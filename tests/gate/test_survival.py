"""Facts about survival: what a client may do when it meets an answer, and what it may not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from trackly_contract.core import Request, encode
from trackly_contract.gate import (
    Gate,
    NotApplicableError,
    NotSurvivedError,
    Survival,
    possible_answers,
    possible_faults,
)
from trackly_contract.gate.survival import UNCAUGHT

if TYPE_CHECKING:
    from collections.abc import Callable

    from trackly_contract.core import Response


class ClientError(Exception):
    pass


class MissingError(KeyError):
    """A client's own exception that happens to be a KeyError."""


@pytest.fixture
def gate() -> Gate:
    return Gate()


def of(gate: Gate, name: str) -> Survival:
    return Survival({**possible_answers(), **possible_faults()}[name], gate)


def ask(gate: Gate, body: Any = None) -> Response | None:
    headers = (("X-Api-Key", gate.api_key), ("Content-Type", "application/json"))
    path = f"/v2/audiences/{gate.audience_id}"
    content = b"" if body is None else encode(body)
    return gate.answer(Request("GET" if body is None else "PUT", path, headers, content)).response


def meet(gate: Gate, name: str, *declared: type[Exception], raising: Callable[[], Exception]) -> None:
    """Meet an answer as a client does that then raises."""
    with of(gate, name).survived(*declared):
        ask(gate)
        raise raising()


def sends(gate: Gate, name: str, body: Any = None) -> None:
    """Meet an answer, or not, as a client does that sends this."""
    with of(gate, name).survived():
        ask(gate, body)


def test_a_client_that_returns_survives(gate: Gate) -> None:
    with of(gate, "read-200-null-cache").survived():
        ask(gate)


def test_a_client_that_raises_what_was_declared_survives(gate: Gate) -> None:
    with of(gate, "read-404-not_found").survived(ClientError):
        ask(gate)
        raise ClientError


def test_a_client_may_raise_an_error_of_its_own_that_is_a_look_up_error(gate: Gate) -> None:
    with of(gate, "read-404-not_found").survived(MissingError):
        ask(gate)
        raise MissingError


def test_another_exception_is_not_survival(gate: Gate) -> None:
    with pytest.raises(NotSurvivedError, match="OSError: gone") as raised:
        meet(gate, "read-404-not_found", ClientError, raising=lambda: OSError("gone"))
    assert "or declare it: survived(OSError)" in str(raised.value)


@pytest.mark.parametrize("error", UNCAUGHT)
def test_an_error_that_nobody_caught_is_no_survival_even_if_it_is_declared(gate: Gate, error: type[Exception]) -> None:
    made = {
        json.JSONDecodeError: lambda: json.JSONDecodeError("x", "", 0),
        UnicodeDecodeError: lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"),
    }.get(error, error)
    with pytest.raises(NotSurvivedError, match=f"raised     {error.__name__}") as raised:
        meet(gate, "read-200-null-cache", Exception, raising=made)
    assert "declare it" not in str(raised.value)


def test_an_assertion_of_the_test_stays_its_own(gate: Gate) -> None:
    with pytest.raises(AssertionError, match=r"\Amine\Z"):
        meet(gate, "read-200-null-cache", Exception, raising=lambda: AssertionError("mine"))


def test_the_answer_is_given_as_often_as_it_is_asked_for(gate: Gate) -> None:
    statuses = []
    with of(gate, "read-404-not_found").survived():
        for _ in range(3):
            response = ask(gate)
            statuses.append(response.status if response is not None else None)
    assert statuses == [404, 404, 404]


def test_afterwards_answers_are_honest_again(gate: Gate) -> None:
    with of(gate, "read-404-not_found").survived():
        ask(gate)
    response = ask(gate)
    assert response is not None
    assert response.status == 200


def test_a_client_that_sends_nothing_has_survived_nothing(gate: Gate) -> None:
    with pytest.raises(NotSurvivedError, match="the client sent no update") as raised:
        sends(gate, "update-404-not_found")
    assert "@pytest.mark.trackly_operation('read')" in str(raised.value)


def test_a_request_that_is_refused_for_its_own_fault_has_met_nothing(gate: Gate) -> None:
    with pytest.raises(NotSurvivedError, match="never met, for the update was answered 400"):
        sends(gate, "update-200-null-cache", {"name": "n" * 256})


def test_an_update_that_says_otherwise_leaves_no_room_for_the_answer(gate: Gate) -> None:
    with pytest.raises(NotApplicableError, match="the update sends source_lists itself"):
        sends(gate, "update-200-all-lists", {"source_lists": [101]})


def test_a_fault_of_the_way_is_survived_too(gate: Gate) -> None:
    with of(gate, "read-timeout").survived(ClientError):
        assert ask(gate) is None
        raise ClientError


def test_the_text_says_what_was_answered_what_was_raised_and_where(gate: Gate) -> None:
    def client_counts() -> Exception:
        counted: Any = None
        return ClientError(counted + 1)

    with pytest.raises(NotSurvivedError) as raised:
        meet(gate, "read-200-null-cache", ClientError, raising=client_counts)
    lines = str(raised.value).splitlines()
    assert lines[0].split() == ["read-200-null-cache", "not", "survived"]
    assert lines[1].startswith("  never counted, or its filter changed")
    assert lines[2] == "  docs       update-audience, Response Fields, cached_size (audience.cached_size)"
    assert lines[3].startswith('  answered   200 {"id":"')
    assert lines[4].startswith("  raised     TypeError: unsupported operand")
    assert lines[5].startswith(f"  at         {__file__}:")
    assert lines[6].endswith(": return ClientError(counted + 1)")
    assert lines[7].startswith("  instead    expect this answer where it is read")


def test_the_text_never_shows_the_key(gate: Gate) -> None:
    with pytest.raises(NotSurvivedError) as raised:
        meet(gate, "read-200-null-cache", raising=lambda: OSError(f"sent {gate.api_key}"))
    assert gate.api_key not in str(raised.value)


def test_an_error_that_nobody_caught_is_none_in_a_group_either(gate: Gate) -> None:
    group = ExceptionGroup("two", [ClientError(), ExceptionGroup("one", [KeyError("size")])])
    with pytest.raises(NotSurvivedError, match="raised     KeyError: 'size'"):
        meet(gate, "read-200-null-cache", Exception, raising=lambda: group)


def test_a_group_of_a_clients_own_errors_is_survival_where_it_is_declared(gate: Gate) -> None:
    meet(gate, "read-200-null-cache", ExceptionGroup, raising=lambda: ExceptionGroup("one", [ClientError()]))


@pytest.mark.parametrize("base", [json.JSONDecodeError, ValueError])
def test_a_decoding_error_of_a_library_is_no_survival(gate: Gate, base: type[Exception]) -> None:
    library = type("JSONDecodeError", (base,), {"__init__": lambda *_: None})
    with pytest.raises(NotSurvivedError, match="raised     JSONDecodeError"):
        meet(gate, "read-not-json", ValueError, raising=library)


def test_the_text_shows_no_other_key_either(gate: Gate) -> None:
    gate.keys.add("another-key-of-a-test")
    with pytest.raises(NotSurvivedError) as raised:
        meet(gate, "read-200-null-cache", raising=lambda: OSError("sent another-key-of-a-test"))
    assert "another-key" not in str(raised.value)
