"""The audience is never lost: whoever else changes it, whatever a server shows, in whatever order tests run.

Each run is a process of its own, and asks a server over real sockets that does what it should not.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from signal import SIGKILL
from typing import Any

import pytest

from tests.faults.strikes import Lagging, editing, shown_as
from tests.faults.table import THEIRS as EDITS
from tests.support.processes import Ran
from tests.support.warm import Stand
from tests.support.way import AS_IT_WAS, CONTENT, Strike, Way, Wire, answering, at_request, framed, undisturbed
from trackly_contract.contract import as_request, matches_nobody, schemas
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, ReferenceServer
from trackly_contract.run import CEILINGS, own_content

OTHER_ID = "664f1a2b3c4d5e6f7a8b9c0e"
THEIR_FILTER = EDITS["filter"]
SEVEN = THEIR_FILTER["conditions"][0]
LOUD = ("LOOK AT THE AUDIENCE", "THE AUDIENCE IS NOT AS IT WAS")


def puts(way: Way) -> list[dict[str, Any]]:
    return [json.loads(request.body) for request in way.asked if request.method == "PUT"]


def is_loud(ran: Ran) -> bool:
    return any(text in ran.text for text in LOUD)


# Another audience is shown -------------------------------------------------------------------------


def another(times: int) -> Callable[[Way], Strike | None]:
    """Show another audience, the first times that one is read."""
    shown = 0

    strike = shown_as(id=OTHER_ID, name="Somebody else's", filter=THEIR_FILTER)

    def at(way: Way) -> Strike | None:
        nonlocal shown
        if way.asked[-1].method == "GET" and AUDIENCE_ID in way.asked[-1].path and way.asked[-1].header("X-Api-Key"):
            shown += 1
            return strike if shown <= times else None
        return None

    return at


@pytest.mark.parametrize(("times", "code"), [(1, 0), (3, 1), (10_000, 1)])
def test_another_audience_is_never_taken_for_this_one(stand: Stand, times: int, code: int) -> None:
    stand.strike = another(times)
    ran = stand.run()
    assert (ran.code, stand.content, stand.left()) == (code, AS_IT_WAS, []), ran.text
    assert not any(body.get("filter") == THEIR_FILTER for body in puts(stand))
    assert bool(puts(stand)) is (times == 1)


# Another order of tests ----------------------------------------------------------------------------

SHUFFLED = """
import random

def pytest_collection_modifyitems(items):
    random.Random(SEED).shuffle(items)
"""


@pytest.mark.parametrize("seed", range(3))
def test_whatever_the_order_of_tests_the_same_is_sent(stand: Stand, seed: int) -> None:
    stand.run()
    sent = [(request.method, request.path, request.body) for request in stand.asked]
    stand.fresh()
    (stand.folder / f"shuffled_{seed}.py").write_text(SHUFFLED.replace("SEED", str(seed)))
    ran = stand.run("-p", f"shuffled_{seed}")
    assert (ran.code, stand.content, stand.left()) == (0, AS_IT_WAS, []), ran.text
    assert [(request.method, request.path, request.body) for request in stand.asked] == sent


class Lenient(ReferenceServer):
    """Takes every update as it is."""

    def faults(self, _body: Any) -> Any:
        return iter(())


def test_files_in_another_order_send_nothing_after_the_restore(stand: Stand) -> None:
    stand.server = Lenient()
    files = [f"tests/conformance/test_{name}.py" for name in ("4_every_response", "3_rejecting", "1_reading")]
    ran = stand.run(*files)
    assert (ran.code, stand.content, stand.left()) == (1, AS_IT_WAS, []), ran.text


# Somebody else's edits -----------------------------------------------------------------------------


def edited(number: int, **fields: Any) -> Callable[[Way], Strike | None]:
    """Let somebody edit the audience just before a request is answered."""
    return at_request(number, editing(**fields))


@pytest.mark.parametrize("field", EDITS)
@pytest.mark.parametrize("number", [8, 11, 13, 20, 24, 30, 55, 56, 58])
def test_an_edit_in_mid_run_is_neither_drift_nor_lost_in_silence(stand: Stand, field: str, number: int) -> None:
    stand.strike = edited(number, **{field: EDITS[field]})
    ran = stand.run()
    assert ran.code in (0, 10), ran.text
    untouched = {name: AS_IT_WAS[name] for name in CONTENT if name != field}
    assert {name: stand.content[name] for name in CONTENT if name != field} == untouched, ran.text
    stays = stand.content[field] == EDITS[field]
    assert stays or stand.content[field] == AS_IT_WAS[field]
    # What was overwritten by an update under way could not be seen; what stays was seen, and is said.
    assert (ran.code, is_loud(ran), bool(stand.left())) == ((10, True, True) if stays else (0, False, False)), ran.text


def test_most_edits_are_seen(stand: Stand) -> None:
    kept = 0
    for number in (14, 20, 30, 40, 50):
        stand.fresh()
        stand.strike = edited(number, source_lists=[102])
        stand.run()
        kept += stand.content["source_lists"] == [102]
    assert kept >= 3


def test_archived_in_mid_run_is_no_drift(stand: Stand) -> None:
    stand.strike = edited(20, status="archived")
    ran = stand.run()
    assert (ran.code, is_loud(ran)) == (10, True), ran.text
    assert stand.content == AS_IT_WAS


def test_deleted_in_mid_run_is_no_drift_and_its_backup_stays(stand: Stand) -> None:
    def strike(wire: Wire) -> None:
        wire.way.server.store.audiences.clear()
        wire.send(framed(wire.answer()))

    stand.strike = at_request(20, strike)
    ran = stand.run()
    assert (ran.code, is_loud(ran), stand.left()) == (10, True, ["journal.jsonl"]), ran.text


# A replica that lags -------------------------------------------------------------------------------


@pytest.mark.parametrize("behind", [1, 2])
def test_a_replica_that_lags_is_no_drift(stand: Stand, behind: int) -> None:
    stand.server = Lagging(behind)
    ran = stand.run()
    assert (ran.code, stand.content, stand.left()) == (0, AS_IT_WAS, []), ran.text
    assert "a replica may lag" in ran.text


# A stale backup ------------------------------------------------------------------------------------


def killed(stand: Stand, number: int = 30) -> None:
    stand.strike = at_request(number, stand.signalling(SIGKILL))
    assert stand.run().code == -SIGKILL
    stand.strike = undisturbed
    assert stand.content != AS_IT_WAS


@pytest.mark.parametrize("field", EDITS)
def test_an_edit_after_a_crash_stays_until_somebody_chooses(stand: Stand, field: str) -> None:
    for choice, after in (("--theirs", EDITS[field]), ("--ours", AS_IT_WAS[field])):
        stand.fresh()
        killed(stand)
        stand.server.store.audiences[AUDIENCE_ID][field] = EDITS[field]
        for ask in (stand.restore, stand.run):
            ran = ask()
            assert (ran.code, stand.content) == (10, {**AS_IT_WAS, field: EDITS[field]}), ran.text
            assert f"somebody else changed its {field}" in ran.text
        ran = stand.restore(choice)
        assert (ran.code, stand.content, stand.left()) == (0, {**AS_IT_WAS, field: after}, []), ran.text


def test_what_a_person_repaired_stays_as_it_is(stand: Stand) -> None:
    killed(stand)
    stand.server.store.audiences[AUDIENCE_ID].update(AS_IT_WAS)
    stand.forget()
    ran = stand.restore()
    assert (ran.code, stand.content, stand.left()) == (0, AS_IT_WAS, []), ran.text
    assert all({**own_content(AS_IT_WAS), **body} == own_content(AS_IT_WAS) for body in puts(stand))


def test_a_recovery_is_announced_before_it_writes(stand: Stand) -> None:
    killed(stand)
    ran = stand.run()
    assert ran.code == 0, ran.text
    assert "an interrupted run left audience" in ran.text
    assert "changed by this suite" in ran.text


def test_a_run_that_only_reads_tells_of_an_open_backup_and_writes_nothing(stand: Stand) -> None:
    killed(stand)
    stand.forget()
    ran = stand.run("--trackly-read-only")
    assert (puts(stand), "trackly-contract restore" in ran.text, stand.left()) == (
        [],
        True,
        ["journal.jsonl", "owner.json"],
    )


# What cannot be written back ------------------------------------------------------------------------

STRANGE = {
    "a name that is null": {"name": None},
    "lists that are null": {"source_lists": None},
    "a filter that is null": {"filter": None},
    "a key that no page explains": {"filter": {**THEIR_FILTER, "conditions": [{**SEVEN, "listId": 7}]}},
    "a value that is an object": {"filter": {**THEIR_FILTER, "conditions": [{**SEVEN, "value": {"minValue": 18}}]}},
    "a key of a group": {"filter": {**THEIR_FILTER, "utmSource": "x"}},
    "a type that no page lists": {
        "filter": {**THEIR_FILTER, "conditions": [{"conditionType": "weather", "field": "rain", "operator": "eq"}]}
    },
}


@pytest.mark.parametrize("fields", STRANGE.values(), ids=STRANGE)
def test_what_may_not_survive_being_written_back_is_not_written(stand: Stand, fields: dict[str, Any]) -> None:
    stand.server.store.audiences[AUDIENCE_ID].update(fields)
    before = stand.content
    ran = stand.run()
    assert (ran.code, puts(stand), stand.content, stand.left()) == (ran.code, [], before, []), ran.text
    assert ran.code in (1, 10)  # a null is drift where the documentation shows a value
    assert "nothing is changed, for the audience may not come back as it is" in ran.text


# Updates without a response --------------------------------------------------------------------------


@pytest.mark.parametrize("status", [None, 202, 504])
@pytest.mark.parametrize("number", [14, 17])
def test_an_update_that_arrives_after_the_end_is_said_and_can_be_undone(
    stand: Stand, number: int, status: int | None
) -> None:
    late: list[Wire] = []

    def swallowed(wire: Wire) -> None:
        late.append(wire)
        (answering(status) if status else Wire.reset)(wire)

    stand.strike = lambda way: swallowed if len(way.asked) >= number and not late and is_accepted(way) else None
    ran = stand.run()
    assert (ran.code, stand.content, stand.left()) == (10, AS_IT_WAS, ["journal.jsonl"]), ran.text
    assert "may still arrive" in ran.text
    late[0].answer()
    assert stand.content != AS_IT_WAS
    ran = stand.restore()
    assert (ran.code, stand.content, stand.left()) == (0, AS_IT_WAS, []), ran.text


def is_accepted(way: Way) -> bool:
    request = way.asked[-1]
    return "description" in request.json.fields and schemas().decide(request.json.value).accepted


# Leftovers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [18, 20, 30, 50])
def test_a_leftover_is_not_taken_for_the_original_and_comes_back_from_a_kept_backup(
    stand: Stand, tmp_path: Path, number: int
) -> None:
    killed(stand, number)
    (journal,) = stand.state.glob("*.journal.jsonl")
    kept = tmp_path / "kept.jsonl"
    shutil.move(journal, kept)
    for path in stand.state.iterdir():
        path.unlink()
    before = stand.content
    stand.forget()
    ran = stand.run()
    assert (ran.code, puts(stand), stand.content, stand.left()) == (10, [], before, []), ran.text
    assert "restore --from" in ran.text
    ran = stand.restore("--from", str(kept))
    assert (ran.code, stand.content, stand.left()) == (0, AS_IT_WAS, []), ran.text


@pytest.mark.parametrize("spelt", ["localhost", "127.0.0.1//", "LOCALHOST"])
def test_a_backup_is_found_however_the_address_is_written(stand: Stand, spelt: str) -> None:
    killed(stand)
    url = stand.base_url.replace("127.0.0.1", spelt.rstrip("/"))
    url = url.replace("/api", "//api/") if spelt.endswith("/") else url
    ran = stand.restore(TRACKLY_BASE_URL=url)
    assert (ran.code, stand.content, stand.left()) == (0, AS_IT_WAS, []), ran.text


# Ceilings --------------------------------------------------------------------------------------------


class Wild(ReferenceServer):
    """Takes every update, and stores a part of it."""

    def faults(self, _body: Any) -> Any:
        return iter(())

    def apply(self, audience: Any, body: Any) -> Any:
        return {**super().apply(audience, body), "name": "Renamed"}


@pytest.mark.parametrize("most", [None, 60])
@pytest.mark.parametrize("server", [Lenient, Wild])
def test_the_announced_ceilings_hold_on_a_server_that_drifts(
    stand: Stand, server: type[ReferenceServer], most: int | None
) -> None:
    stand.server = server()
    ran = stand.run(*([f"--trackly-max-requests={most}"] if most else []))
    good = (f"/v2/audiences/{AUDIENCE_ID}", REFERENCE_KEY)
    sent = [request for request in stand.asked if request.method == "PUT"]
    accepted = sum((request.path, request.header("X-Api-Key")) == good for request in sent)
    requests, writes = (2 * ceiling for ceiling in CEILINGS["quick"])
    assert (ran.code, stand.left()) == (1, stand.left()), ran.text
    assert len(stand.asked) <= (most or requests)
    assert accepted <= writes


def test_nobody_is_matched_while_the_lists_are_all(stand: Stand) -> None:
    wrong = []

    def watch(way: Way) -> None:
        content = stand.content
        if content["source_lists"] == [] and not matches_nobody(as_request(content["filter"])):
            wrong.append(len(way.asked))

    stand.strike = watch
    stand.run()
    assert wrong == []
