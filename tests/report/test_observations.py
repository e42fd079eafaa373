"""The two files of observations: what is written, what is merged, and what is left as it is."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.integrity.variants_tokens import judging
from tests.support.runs import served_target
from trackly_contract.cli import main
from trackly_contract.contract import KINDS, ContractError, Observation, Outcome, read_observed
from trackly_contract.contract.load import load_contract
from trackly_contract.core import JSON, Response
from trackly_contract.core.files import data_root
from trackly_contract.gate.http import running
from trackly_contract.generate import CANDIDATE_TYPES
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, Choices, ReferenceServer
from trackly_contract.reference.filter import JUDGES, Fault
from trackly_contract.report import ANSWERS, TOKENS, NothingToKeepError, changed_answers, observations
from trackly_contract.report.observations import Kept, Kind, kept_answers
from trackly_contract.suite import run_suite

URL, OTHER = "https://a.example/api", "https://b.example/api"
DAY, LATER = date(2026, 11, 22), date(2026, 12, 1)
NAME = Kept(("name-shape", "an empty name"), "200, stored as sent", URL, DAY)
TOKEN = Kept(("carrier.operator", "eq"), "400 invalid_carrier_operator", URL, DAY, "refused", "quick")
BOTH = pytest.mark.parametrize(("kind", "entry"), [(ANSWERS, NAME), (TOKENS, TOKEN)], ids=["answers", "vocabulary"])
COMMANDS = pytest.mark.parametrize("command", ["answers", "vocabulary"])
FILES = {"answers": ANSWERS, "vocabulary": TOKENS}


def report_of(*entries: Kept, **members: Any) -> dict[str, Any]:
    """Return what counts of the report of a live run that observed these entries."""
    first = entries[0]
    rows = [{"said": entry.said, "outcome": entry.outcome} for entry in entries]
    for row, entry in zip(rows, entries, strict=True):
        row["question"], row["probe"] = row["kind"], row["token"] = entry.about
    run = {"target": "live", "stamped": False, "evidence": "asked", "base_url": first.base_url, "effort": "quick"}
    return {**run, "started_at": f"{first.date}T10:00:00+00:00", "answers": rows, "vocabulary": rows, **members}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kept.toml"


# A file ------------------------------------------------------------------------------------------------


@BOTH
def test_a_new_entry_is_kept_and_reported_once(kind: Kind, entry: Kept, path: Path) -> None:
    assert kind.keep(report_of(entry), path) == [f"new: {entry.about[0]}, {entry.about[1]}: {entry.result}"]
    assert kind.read(path) == [entry]
    before = path.read_bytes()
    assert kind.keep(report_of(entry), path) == []
    assert path.read_bytes() == before


@BOTH
@pytest.mark.parametrize("day", [DAY, LATER])
def test_of_the_same_day_or_a_later_one_the_new_result_counts(kind: Kind, entry: Kept, path: Path, day: date) -> None:
    kind.keep(report_of(entry), path)
    now, about = replace(entry, said="404 not_found", date=day), ", ".join(entry.about)
    assert kind.keep(report_of(now), path) == [f"changed: {about}: {now.result}; on {DAY} it was: {entry.result}"]
    assert kind.read(path) == [now]


@BOTH
def test_an_older_result_is_left_out(kind: Kind, entry: Kept, path: Path) -> None:
    later = replace(entry, date=LATER)
    kind.keep(report_of(entry), path)
    assert kind.keep(report_of(later), path) == []
    left = f"kept: {', '.join(entry.about)}: the file has 2026-12-01, which is later than 2026-11-22"
    assert kind.keep(report_of(replace(entry, said="404 not_found")), path) == [left]
    assert kind.read(path) == [later]


@BOTH
def test_another_address_stands_beside_it(kind: Kind, entry: Kept, path: Path) -> None:
    kind.keep(report_of(entry), path)
    kind.keep(report_of(replace(entry, base_url=OTHER)), path)
    assert kind.read(path) == [entry, replace(entry, base_url=OTHER)]


@pytest.mark.parametrize(
    ("kind", "entries"),
    [
        (ANSWERS, [NAME, replace(NAME, about=("name-shape", "null")), replace(NAME, about=("depth", "a"))]),
        (TOKENS, [replace(TOKEN, about=("condition_type", "z")), TOKEN, replace(TOKEN, about=("revenue.field", "a"))]),
    ],
)
def test_entries_are_in_the_order_of_the_contract(kind: Kind, entries: list[Kept], path: Path) -> None:
    in_order = [*entries, replace(entries[0], base_url=OTHER)]
    for order in (in_order, in_order[::-1]):
        path.write_text(kind.toml(order), "utf-8")
        assert kind.read(path) == in_order


HOSTILE = ['a"b', "a\\b", "[[observed]]", '"""', "a#b", "\U0001f4f1 Zoë", "a'b"]
UNSEEN = ["a\nb", "a\r\nb", "a\x1b[2J", "a\x7fb", "a\u2028b", "\ud800", "a\tb"]


@BOTH
@pytest.mark.parametrize("text", [*HOSTILE, *UNSEEN])
def test_no_text_leaves_its_field(kind: Kind, entry: Kept, path: Path, text: str) -> None:
    path.write_text(kind.toml([replace(entry, said=text)], remark=f"x{text}"), "utf-8")
    (read,) = kind.read(path)
    assert read == replace(entry, said=read.said)
    assert (read.said == text) is (text in HOSTILE)
    assert read.said.isprintable()
    path.write_text(kind.toml([read]), "utf-8")
    assert kind.read(path) == [read]


def test_the_projects_own_answers_are_those_of_the_checkout() -> None:
    folder = data_root() / "contracts"
    assert (ANSWERS.file, TOKENS.file) == (folder / "answers.toml", folder / "observed.toml")
    assert kept_answers() == tuple(ANSWERS.read(folder / "answers.toml"))


# What is not kept --------------------------------------------------------------------------------------

SPOILT: dict[str, Callable[[str], str]] = {
    "not TOML": lambda text: f"{text}[[",
    "it is there already": lambda text: text + text,
    "Expected `date`, got `str`": lambda text: text.replace("2026-11-22", '"2026-02-30"'),
    "there is no question zz": lambda text: text.replace("name-shape", "zz").replace("carrier.operator", "zz"),
    "missing required field `said`": lambda text: text.replace("said = ", "# "),
    "contains unknown field `sure`": lambda text: f"{text}sure = true",
    "unknown field `waiver`": lambda _text: '[[waiver]]\nrule = "x"\n',
}


@BOTH
@pytest.mark.parametrize("message", SPOILT)
def test_a_file_that_cannot_be_read_stays_as_it_is(kind: Kind, entry: Kept, path: Path, message: str) -> None:
    text = SPOILT[message](kind.toml([entry]))
    path.write_text(text, "utf-8")
    expected = "field kind: Expected `str` matching regex" if kind is TOKENS and "zz" in message else message
    with pytest.raises(ContractError) as caught:
        kind.keep(report_of(entry), path)
    assert str(caught.value).startswith(f"{path}: ")
    assert expected in str(caught.value)
    assert path.read_text("utf-8") == text


NOT_LIVE: list[tuple[dict[str, Any], str]] = [
    ({"stamped": True}, "the answers bear the reference server's stamp"),
    ({"target": "reference", "evidence": "a stand-in\n[x]"}, "a stand-in\\n[x]"),
    ({"target": "replay", "evidence": "recorded from the live API"}, "recorded from the live API"),
]


@BOTH
@pytest.mark.parametrize(("members", "why"), NOT_LIVE)
def test_what_a_live_api_did_not_do_is_printed_with_a_warning_and_not_kept(
    kind: Kind, entry: Kept, path: Path, members: dict[str, Any], why: str
) -> None:
    report = report_of(entry, **members)
    with pytest.raises(NothingToKeepError, match="`--output -` prints it all the same") as caught:
        kind.keep(report, path)
    assert f"this run did not ask a live API ({why})" in str(caught.value)
    assert not path.exists()
    printed = kind.printed(report)
    assert f"\n# Beware: this run did not ask a live API ({why})" in printed
    path.write_text(printed, "utf-8")
    assert kind.read(path) == [entry]


@pytest.mark.parametrize(
    ("kind", "report", "message"),
    [
        (ANSWERS, report_of(NAME, answers=[]), "no question was answered in this run: run it with --trackly-questions"),
        (ANSWERS, report_of(replace(NAME, said="")), "no question was answered"),
        (TOKENS, report_of(TOKEN, vocabulary=[]), "no token was tried in this run"),
    ],
)
def test_a_report_without_entries_is_rejected(kind: Kind, report: dict[str, Any], message: str, path: Path) -> None:
    for attempt in (lambda: kind.keep(report, path), lambda: kind.printed(report)):
        with pytest.raises(NothingToKeepError, match=message):
            attempt()
    assert not path.exists()


def test_a_disk_that_fails_leaves_the_old_file_and_nothing_else(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    TOKENS.keep(report_of(TOKEN), path)

    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NothingToKeepError, match=r"cannot be written \(No space left on device\)"):
        TOKENS.keep(report_of(replace(TOKEN, said="404")), path)
    assert TOKENS.read(path) == [TOKEN]
    assert [*path.parent.iterdir()] == [path]


# What is different now ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "url", "changes"),
    [
        (Observation(*NAME.about, NAME.said), URL, []),
        (Observation(*NAME.about, "400 a"), URL, [f"{', '.join(NAME.about)}: 400 a; on {DAY} it was: {NAME.said}"]),
        (Observation(*NAME.about, "400 a"), OTHER, []),
        (Observation("name-shape", "null", "400 a"), URL, []),
        (Observation(*NAME.about, "", "not asked"), URL, []),
    ],
    ids=["the same", "another answer", "another address", "another probe", "not asked"],
)
def test_an_answer_that_differs_from_the_kept_one_is_noted(
    now: Observation, url: str, changes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observations, "kept_answers", lambda: (NAME,))
    assert changed_answers([now], url) == changes


# The commands ------------------------------------------------------------------------------------------


class Unstamped(ReferenceServer):
    """Answers like an API: without the stamp. Of carrier it knows `ne`, of timezone nothing, and says so with a key."""

    def __init__(self) -> None:
        super().__init__()
        self.judges = {**JUDGES, "carrier": judging("carrier", ("ne",)), "timezone": self._telling}

    def _telling(self, _condition: dict[str, JSON], _choices: Choices) -> Iterator[Fault]:
        yield Fault(f"no {REFERENCE_KEY}", "/")

    def respond(self, status: int, value: JSON) -> Response:
        answer = super().respond(status, value)
        return Response(answer.status, (("Content-Type", "application/json"),), answer.body)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report.json of a run with questions on an API without stamp, over real sockets."""
    folder = tmp_path_factory.mktemp("live")
    with running(Unstamped()) as url:
        target = replace(served_target(url, AUDIENCE_ID, REFERENCE_KEY), name="live", evidence=f"asked at {url}")
        options = ["-q", "--no-summary", "--tb=no", "--trackly-questions", f"--trackly-report={folder}"]
        run_suite(target, "quick", options)
    return folder / "report.json"


def ran(command: str, *arguments: object) -> Result:
    return CliRunner().invoke(main, [command, *map(str, arguments)])


@COMMANDS
def test_a_command_merges_a_report_and_says_what_is_new(command: str, report: Path, path: Path) -> None:
    described = json.loads(report.read_text("utf-8"))
    done = ran(command, report, "--output", path)
    kind, entries = FILES[command], FILES[command].read(path)
    assert done.exit_code == 0
    assert [line.split(":")[0].strip() for line in done.output.splitlines()[:-1]] == ["new"] * len(entries)
    rows = [row for row in described[kind.in_report] if row["said"]]
    assert len(entries) == len(rows) > 9
    about = {tuple(row[name] for name in kind.fields[:2]): (row.get("outcome", ""), row["said"]) for row in rows}
    assert {entry.about: (entry.outcome, entry.said) for entry in entries} == about
    day = date.fromisoformat(described["started_at"][:10])
    assert {(entry.base_url, entry.date) for entry in entries} == {(described["base_url"], day)}
    assert REFERENCE_KEY not in path.read_text("utf-8")
    assert "[key]" in path.read_text("utf-8")
    again = ran(command, report, "--output", path)
    assert again.output == f"{path}: {len(entries)} entries, as before; review and commit it\n"


def test_the_outcome_of_a_token_is_kept(report: Path, path: Path) -> None:
    ran("vocabulary", report, "--output", path)
    outcomes = {(entry.kind, entry.token): (entry.outcome, entry.effort) for entry in read_observed(path)}
    assert outcomes["carrier.operator", "eq"] == (Outcome.REFUSED, "quick")
    assert outcomes["carrier.operator", "ne"] == (Outcome.ACCEPTED, "quick")
    assert outcomes["timezone.operator", "eq"] == (Outcome.UNDECIDED, "quick")


@COMMANDS
def test_a_report_is_printed_alone_and_no_file_is_written(
    command: str, report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = ran(command, report, "--output", "-")
    assert (done.exit_code, "Beware" in done.output, [*tmp_path.iterdir()]) == (0, False, [])
    assert done.output.startswith(FILES[command].header)


@COMMANDS
@pytest.mark.parametrize(
    ("given", "output", "message"),
    [
        ("missing.json", "kept.toml", "missing.json: "),
        ("spoilt.toml", "kept.toml", "spoilt.toml: "),
        ("report.json", "spoilt.toml", "spoilt.toml: "),
        ("report.json", "no/kept.toml", "cannot be written (No such file or directory)"),
    ],
)
def test_a_file_of_another_kind_is_a_usage_error(
    command: str, given: str, output: str, message: str, report: Path, tmp_path: Path
) -> None:
    (tmp_path / "spoilt.toml").write_text("# mine\n[[")
    (tmp_path / "report.json").write_bytes(report.read_bytes())
    done = ran(command, tmp_path / given, "--output", tmp_path / output)
    assert done.exit_code == 2
    assert message in " ".join(done.output.split())
    assert (tmp_path / "spoilt.toml").read_text() == "# mine\n[["


@COMMANDS
def test_without_a_checkout_a_file_has_to_be_named(
    command: str, report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observations, "data_root", lambda: tmp_path)
    done = ran(command, report)
    assert done.exit_code == 2
    assert "name the file with --output FILE" in " ".join(done.output.split())


def test_another_order_of_trying_asks_for_new_recordings(
    report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "contracts").mkdir()
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.setattr(observations, "data_root", lambda: tmp_path)
    assert "record again" not in ran("vocabulary", report, "--output", tmp_path / "elsewhere.toml").output
    assert "record again (make cassettes, make record)" in ran("vocabulary", report).output
    assert (tmp_path / "contracts" / "observed.toml").is_file()
    assert "record again" not in ran("vocabulary", report).output


# The contract ------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A contract with an observed.toml of its own."""
    (tmp_path / "observed.toml").write_text(TOKENS.toml([TOKEN]), "utf-8")
    for path in (data_root() / "contracts").iterdir():
        if path.name != "observed.toml":
            (tmp_path / path.name).symlink_to(path)
    return tmp_path


def test_the_contract_knows_what_was_observed(folder: Path) -> None:
    (observed,) = load_contract(folder).observed
    assert (observed.kind, observed.token, observed.outcome) == (*TOKEN.about, Outcome.REFUSED)
    (folder / "observed.toml").unlink()
    assert load_contract(folder).observed == ()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('kind = "carrier.operator"', 'kind = "time.unit"', "field kind: Expected `str` matching regex"),
        ("date = 2026-11-22", 'date = "2026-02-30"', "field date: Expected `date`, got `str`; write a date without"),
        ("date = 2026-11-22", "date = 2026-11-22T10:00:00", "field date: Expected `date`, got `datetime`"),
        ('"refused"', '"maybe"', "field outcome: Invalid enum value 'maybe'"),
    ],
)
def test_a_wrong_field_of_observed_tokens_is_an_error(folder: Path, old: str, new: str, said: str) -> None:
    path = folder / "observed.toml"
    path.write_text(path.read_text("utf-8").replace(old, new, 1), "utf-8")
    with pytest.raises(ContractError) as caught:
        load_contract(folder)
    assert str(caught.value).startswith(f"{path}: observed 1 (eq), {said}")


def test_the_kinds_that_are_read_are_those_of_which_tokens_are_tried(folder: Path) -> None:
    tried = {f"{kind}.{part}" for kind in CANDIDATE_TYPES for part in ("field", "operator")} | {"condition_type"}
    for kind in KINDS:
        (folder / "observed.toml").write_text(TOKENS.toml([replace(TOKEN, about=(kind, "eq"))]), "utf-8")
        with nullcontext() if kind in tried else pytest.raises(ContractError, match="field kind"):
            load_contract(folder)
