"""Facts about the manners of a run: whose ids it updates, what it keeps of them, how many wrong keys it tries."""

from contextlib import suppress
from dataclasses import replace

import pytest

from tests.run.hooked import Server, broken, new_session, open_up, session
from trackly_contract.contract import GUARD, contract
from trackly_contract.core import InconclusiveError, Request, Response, Verdict
from trackly_contract.generate import UNKNOWN_ID
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY
from trackly_contract.run import Session
from trackly_contract.run.sandbox import NotAskedError

FIREWALL = Response(403, (("Content-Type", "text/html"),), b"<h1>Request blocked</h1>")
FORBIDDEN = Response(403, (("Content-Type", "application/json"),), b'{"error": "Forbidden", "code": "unauthorized"}')
BUSY = Response(429, (("Content-Type", "application/json"), ("Retry-After", "7")), b'{"error": "Too many requests"}')


def deny(asked: Session, name: str) -> None:
    """Send what is wrong in its key or id."""
    vector = contract().requests[name]
    asked.reject(vector, vector.body, vector.id)


@pytest.mark.parametrize(("status", "sent"), [(404, True), (200, False), (403, False)])
def test_an_unknown_id_is_updated_only_after_a_get_said_that_nobody_has_it(status: int, sent: bool) -> None:
    def hook(server: Server, request: Request, _number: int) -> Response | None:
        other = request.method == "GET" and AUDIENCE_ID not in request.path
        return server.respond(status, server.render(server.audience)) if other and status != 404 else None

    server = Server(hook)
    asked = session(server)
    if sent:
        deny(asked, "update.unknown_id/well-formed")
    else:
        with pytest.raises(InconclusiveError, match="may be somebody's"):
            deny(asked, "update.unknown_id/well-formed")
    assert bool(server.bodies()) is sent


@pytest.mark.parametrize("audience_id", [AUDIENCE_ID[:-1] + "e", "e" * 24, AUDIENCE_ID + "0"])
def test_no_other_id_is_updated_though_nobody_has_it(audience_id: str) -> None:
    server = Server()
    asked = session(server)
    get, put = (
        replace(request, path=request.path.replace(AUDIENCE_ID, audience_id))
        for request in (asked.request("GET"), asked.request("PUT", body={"name": "Renamed"}))
    )
    asked.sandbox.send(get)
    with pytest.raises(NotAskedError, match="may be somebody's"):
        asked.sandbox.send(put)
    assert server.bodies() == []


def answering_an_unknown_id(shown: str) -> Server:
    def hook(server: Server, request: Request, _number: int) -> Response | None:
        if UNKNOWN_ID not in request.path:
            return None
        return server.respond(200, {**server.render(server.audience), "id": shown, "name": "Somebody's own"})

    return Server(hook)


def test_of_somebodys_audience_nothing_but_the_id_is_kept() -> None:
    asked = session(answering_an_unknown_id(UNKNOWN_ID))
    deny(asked, "read.unknown_id/well-formed")
    assert asked.exchanges[-1].response.json.value == {"id": UNKNOWN_ID}


@pytest.mark.parametrize(
    ("shown", "verdict"), [(UNKNOWN_ID, Verdict.NOTED), (AUDIENCE_ID, Verdict.BROKEN), ("a" * 24, Verdict.BROKEN)]
)
def test_an_audience_under_an_unknown_id_is_somebodys_if_it_bears_that_id(shown: str, verdict: Verdict) -> None:
    asked = session(answering_an_unknown_id(shown))
    deny(asked, "read.unknown_id/well-formed")
    assert {finding.verdict for finding in asked.of("read.unknown_id")} == {verdict}


def warning(answer: Response) -> Server:
    """A server that says so to the first wrong key, and nothing wrong afterwards."""
    said = list[Request]()

    def hook(_server: Server, request: Request, _number: int) -> Response | None:
        if request.header("X-Api-Key") in (None, "", REFERENCE_KEY):
            return None
        said.append(request)
        return answer if len(said) == 1 else None

    return Server(hook)


@pytest.mark.parametrize("answer", [FIREWALL, FORBIDDEN, BUSY])
def test_after_a_warning_no_wrong_key_is_sent(answer: Response) -> None:
    server = warning(answer)
    asked = session(server)
    for name in ("read.key/key-wrong", "update.key/key-wrong", "update.key/key-wrong"):
        with suppress(InconclusiveError):
            deny(asked, name)
    assert sum(request.header("X-Api-Key") not in (None, "", REFERENCE_KEY) for request in server.asked) == 1


@pytest.mark.parametrize(("answer", "rules"), [(FIREWALL, set()), (BUSY, set()), (FORBIDDEN, {"read.key"})])
def test_only_a_warning_in_the_apis_own_form_is_its_answer(answer: Response, rules: set[str]) -> None:
    asked = session(warning(answer))
    with suppress(InconclusiveError):
        deny(asked, "read.key/key-wrong")
    assert broken(asked) == rules


def test_a_run_tries_few_wrong_keys() -> None:
    server = Server()
    asked = session(server)
    *enough, one_more = (Request("GET", asked.request("GET").path, (("X-Api-Key", letter * 36),)) for letter in "abcd")
    for request in enough:
        asked.sandbox.send(request)
    with pytest.raises(NotAskedError, match="3 wrong keys are enough"):
        asked.sandbox.send(one_more)
    assert server.asked == enough


def test_where_the_filter_that_matches_nobody_is_refused_the_audience_gets_its_own_back() -> None:
    def hook(server: Server, request: Request, _number: int) -> Response | None:
        return server.respond(400, {"error": "no", "code": "zz"}) if b"signup_date" in request.body else None

    asked = open_up(new_session(server := Server(hook)))
    own = server.audience["filter"]
    asked.update({"filter": {"operator": "OR", "conditions": [GUARD]}}, "")
    asked.settle()
    assert server.audience["filter"] == own
