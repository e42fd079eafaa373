"""The restore of an audience: lists before the filter, the journal until the end, what is left is reported."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.run.hooked import Server, broken, new_session, open_up, session
from trackly_contract.contract import NOBODY, matches_nobody
from trackly_contract.core import InconclusiveError, Request, Response
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, Audience, documented_audience
from trackly_contract.run import Session, own_content
from trackly_contract.run.journal import Journal


def backup(server: Server, folder: Path | None = None) -> Session:
    asked = new_session(server)
    if folder is not None:
        asked.target.journal = Journal.of("x", AUDIENCE_ID, folder)
    open_up(asked)
    asked.update({"filter": NOBODY}, "")
    asked.read()
    asked.update({"name": "Renamed", "description": "Redescribed", "source_lists": []}, "")
    return asked


def test_an_audience_is_restored_as_it_was_lists_first_and_its_size_counted_again() -> None:
    server = Server()
    assert backup(server).restore() == []
    assert own_content(server.audience) == own_content(documented_audience())
    first, second = server.bodies()[-2:]
    assert first == {"source_lists": [101, 102]}
    assert set(second) == {"name", "description", "filter"}
    assert any(request.path.endswith("/size") for request in server.asked)


def test_the_filter_is_not_restored_while_the_lists_are_others() -> None:
    def hook(server: Server, request: Request, _number: int) -> Response | None:
        gone = request.method == "PUT" and json.loads(request.body).get("source_lists") == [101, 102]
        return server.error(400, "source_list_not_found", "gone") if gone else None

    server = Server(hook)
    left = backup(server).restore()
    assert any(line.startswith("source_lists") for line in left)
    assert server.audience["source_lists"] == []
    assert matches_nobody(own_content(server.audience)["filter"])


def test_the_journal_is_there_from_before_the_first_change_until_the_end(tmp_path: Path) -> None:
    asked = backup(Server(), tmp_path)
    assert asked.target.journal is not None
    kept = asked.target.journal.read()
    assert kept is not None
    assert kept.audience == documented_audience()
    asked.restore()
    assert asked.target.journal.read() is None


def test_an_audience_whose_content_held_the_key_is_not_backed_up(tmp_path: Path) -> None:
    server = Server()
    server.audience["filter"] = {"operator": "AND", "conditions": [{"value": [REFERENCE_KEY]}], "groups": []}
    with pytest.raises(InconclusiveError, match=r"own content holds the key.*\(filter\)"):
        backup(server, tmp_path)
    assert (server.bodies(), [*tmp_path.iterdir()]) == ([], [])


class Echoing(Server):
    """Shows the key beside the documented fields."""

    def render(self, audience: Audience) -> dict[str, Any]:
        return {**super().render(audience), "echo": REFERENCE_KEY}


def test_an_audience_beside_which_the_key_shows_is_backed_up_without_it(tmp_path: Path) -> None:
    asked = backup(Echoing(), tmp_path)
    assert asked.target.journal is not None
    kept = asked.target.journal.read()
    assert kept is not None
    assert kept.audience == {**documented_audience(), "echo": "[key]"}


def test_what_somebody_else_wrote_with_the_key_in_it_is_not_written_back_without_it() -> None:
    server = Server()
    asked = backup(server)
    asked.sandbox.theirs({"name": "use [key]"})
    (left,) = asked.restore()
    assert "name" in left
    assert not [body for body in server.bodies() if "[key]" in str(body)]
    assert own_content(server.audience) == {**own_content(documented_audience()), "name": "Renamed"}


class Stubborn(Server):
    """Keeps a name once it is this one."""

    def apply(self, audience: Any, body: Any) -> Any:
        kept = {"name": "Renamed"} if audience["name"] == "Renamed" else {}
        return {**super().apply(audience, body), **kept}


def test_what_could_not_be_put_back_is_told_and_the_journal_stays(tmp_path: Path) -> None:
    asked = backup(Stubborn(), tmp_path)
    left = asked.restore()
    assert [line.partition(":")[0] for line in left] == ["name"]
    assert asked.target.journal is not None
    assert asked.target.journal.read() is not None


def test_nothing_is_sent_where_nothing_was_borrowed() -> None:
    server = Server()
    assert session(server).restore() == []
    assert server.asked == []


def test_the_own_content_of_an_audience_is_sent_in_snake_case() -> None:
    content = own_content(documented_audience())
    assert list(content) == ["name", "description", "source_lists", "filter"]
    assert [c["condition_type"] for c in content["filter"]["conditions"]] == ["time", "count"]
    assert not any("conditionType" in c for c in content["filter"]["conditions"])


def test_a_null_is_not_sent_back() -> None:
    assert "description" not in own_content({**documented_audience(), "description": None})


def test_a_description_that_was_null_may_be_restored_as_empty() -> None:
    server = Server()
    server.audience["description"] = None
    asked = backup(server)
    assert asked.restore() == []
    assert server.audience["description"] == ""
    assert asked.notes == ['the description of the audience was null, and is now "": nobody says how to send null']


def test_sending_the_own_content_back_changes_nothing() -> None:
    server = Server()
    asked = session(server)
    asked.update(own_content(asked.read()), "rehearsal")
    assert server.audience == documented_audience()
    assert broken(asked) == set()
