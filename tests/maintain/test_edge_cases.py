"""docs/edge-cases.md: it is fresh, and keeps what is observed apart from what is assumed."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from tests.maintain import edge_cases, generated
from tests.run.test_live_history import Api
from tests.run.test_live_history import asked as asked_like_live
from trackly_contract.contract import Probe, contract
from trackly_contract.core import JSON, Response
from trackly_contract.core.files import data_root
from trackly_contract.reference import Audience
from trackly_contract.report import observations
from trackly_contract.report.observations import Answered
from trackly_contract.run import cassettes
from trackly_contract.run.cassettes import CassetteError, read_manifest

URL = "https://app.tracklysms.com/api"
KEPT = (
    Answered("key-form", "a key of three letters", "401 invalid_api_key", URL, date(2026, 11, 21)),
    Answered("token-unlisted", "the condition type on_dnc", "400 invalid_condition_type", URL, date(2026, 11, 21)),
)


class Another(Api):
    """Prints no groups where there are none, a field success, and answers an unknown id with 400."""

    def render(self, audience: Audience) -> dict[str, JSON]:
        shown = super().render(audience)
        kept = {name: value for name, value in shown["filter"].items() if value or name != "groups"}
        return {**shown, "filter": kept, "success": True}

    def error(self, status: int, code: str, text: str) -> Response:
        return super().error(400 if status == 404 else status, code, text)


def made(folder: Path, kept: tuple[Answered, ...] = ()) -> str:
    """Return the document of a checkout with these answers, and with the live recordings in `folder`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(observations, "kept_answers", lambda: kept)
        patch.setattr(cassettes, "cassette_folder", lambda name: folder / name)
        return edge_cases.document()


def recorded(server: Api, folder: Path) -> tuple[str, str]:
    """Record a server as if it were the live API; return the document that comes of it, and the day."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cassettes, "cassette_folder", lambda name: folder / name)
        asked_like_live(server, folder / "report", record=True)
    return made(folder), str(read_manifest(folder / "live").recorded)


@pytest.fixture(scope="module")
def unasked(tmp_path_factory: pytest.TempPathFactory) -> str:
    return made(tmp_path_factory.mktemp("unasked"))


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> str:
    return made(tmp_path_factory.mktemp("asked"), KEPT)


def row(document: str, subject: str) -> str:
    """Return the last cell of a contradiction: what is known of the API."""
    line = next(line for line in document.splitlines() if line.startswith(f"| {subject} |"))
    return line.rpartition(" | ")[2].removesuffix(" |")


def test_the_document_is_fresh() -> None:
    assert generated.stale(data_root(), edge_cases.FILES) == []


def test_every_question_has_its_page_and_why(unasked: str) -> None:
    for question in contract().questions.values():
        section = unasked.partition(f"\n### {question.id}\n")[2].partition("\n### ")[0]
        assert question.asks in section
        assert question.why in section
        assert contract().pages[question.page].url in section
        assert question.cannot in section


def test_if_no_api_was_asked_nothing_is_observed(unasked: str) -> None:
    body = unasked.partition("## Contradictions")[2]
    assert "◉" not in body
    assert "**No live API was asked yet**" in unasked


def test_a_contradiction_that_was_not_asked_about_says_so(unasked: str) -> None:
    rows = unasked.partition("## Contradictions")[2].partition("## Questions")[0].splitlines()[4:]
    assert {line.rpartition(" | ")[2] for line in rows if line} == {"? not asked |"}


def test_a_recorded_rule_that_held_shows_which_side_the_api_took(tmp_path: Path) -> None:
    document, day = recorded(Api(), tmp_path)
    assert row(document, "the status of not_found") == f"◉ 404, as recorded on {day}"
    assert row(document, "a member success in answers") == f"◉ the sample answers have none, as recorded on {day}"
    assert (
        row(document, "what PUT does with members that are not sent")
        == f"◉ they keep their values, as recorded on {day}"
    )
    assert row(document, "the host of the API") == "? not asked"
    assert "No live API was asked yet" not in document


def test_a_recorded_rule_that_did_not_hold_shows_what_came(tmp_path: Path) -> None:
    document, day = recorded(Another(), tmp_path)
    assert row(document, "the status of not_found") == f"◉ broken: 400 not_found, as recorded on {day}"
    assert row(document, "a member success in answers") == f"◉ noted: also success, as recorded on {day}"
    groups = row(document, "groups in the filter of an answer, where there are none")
    assert groups == f"◉ noted: /filter: no groups, as recorded on {day}"


def test_a_recording_answers_no_question(tmp_path: Path) -> None:
    document, _ = recorded(Api(), tmp_path)
    assert "◉" not in document.partition("## Questions")[2]


def test_a_recording_of_the_reference_server_is_never_shown(tmp_path: Path) -> None:
    shutil.copytree(data_root() / "cassettes" / "reference", tmp_path / "live")
    with pytest.raises(CassetteError, match="which is not the live API"):
        made(tmp_path)


def test_a_recording_that_cannot_be_used_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(data_root() / "cassettes" / "reference", tmp_path / "live")
    (tmp_path / "live" / "walk.yaml").unlink()
    monkeypatch.setattr(cassettes, "cassette_folder", lambda name: tmp_path / name)
    assert edge_cases.main(["--check"]) == 1
    assert f"{tmp_path / 'live' / 'walk.yaml'}: missing" in capsys.readouterr().err


def test_an_observation_has_its_address_and_day(asked: str) -> None:
    assert f"| ◉ 401 invalid_api_key (at {URL} on 2026-11-21) | ≈ 401 unauthorized |" in asked
    assert "No live API was asked yet" not in asked


def test_what_was_not_asked_stays_unknown(asked: str) -> None:
    section = asked.partition("\n### empty-update\n")[2].partition("\n### ")[0]
    assert "| ? | ≈ 200, nothing changed |" in section


def test_the_side_that_an_api_took_is_shown(asked: str) -> None:
    line = next(line for line in asked.splitlines() if line.startswith("| the code of a refused key"))
    assert line.endswith(f"| ◉ missing_api_key and invalid_api_key (401 invalid_api_key) at {URL} on 2026-11-21 |")


def test_an_answer_that_is_neither_side_is_called_neither() -> None:
    found = next(entry for entry in edge_cases.contradictions() if entry.id == "code-of-401")
    kept = Answered("key-form", "a key of three letters", "403 forbidden", URL, date(2026, 11, 21))
    assert found.taken([kept], {}) == f"neither (403 forbidden) at {URL} on 2026-11-21"


@pytest.mark.parametrize("entry", edge_cases.contradictions(), ids=lambda entry: entry.id)
def test_what_shows_a_contradiction_is_there(entry: edge_cases.Contradiction) -> None:
    if "rule" in entry.shown_by:
        assert entry.shown_by["rule"] in contract().rules
    elif entry.shown_by:
        question = contract().questions[entry.shown_by["question"]]
        assert entry.shown_by["probe"] in [probe.says for probe in question.probes]
        assert entry.shown_by["one_is"] != entry.shown_by["other_is"]


def test_every_row_has_the_cells_of_its_table(unasked: str) -> None:
    for line in unasked.splitlines():
        if line.startswith("|"):
            cells = line.replace("\\|", "").count("|") - 1
            assert cells in (3, 5), line


@pytest.mark.parametrize(
    ("probe", "line"),
    [
        (Probe("x"), "GET /v2/audiences/{id}"),
        (Probe("x", id="abc"), "GET /v2/audiences/abc"),
        (Probe("x", id="@ID"), "GET /v2/audiences/{ID}"),
        (Probe("x", key="", raw="{"), "PUT /v2/audiences/{id}  no X-Api-Key  {"),
        (Probe("x", body="{}", headers={"Content-Type": ""}), "PUT /v2/audiences/{id}  no Content-Type  {}"),
        (
            Probe("x", condition="null"),
            'PUT /v2/audiences/{id}  {"filter": {"operator": "AND", "conditions": [GUARD, null, CONTRADICTION]}}',
        ),
        (Probe("x", method="PATCH", body="{}"), "PATCH /v2/audiences/{id}  {}"),
    ],
)
def test_a_request_is_shown_on_one_line(probe: Probe, line: str) -> None:
    assert edge_cases.asked(probe) == line
