"""The two files of observations: what is written, what is merged, and what is left as it is."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace as with_fields
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from tests.integrity.variants_tokens import judging
from tests.run.hooked import always
from tests.support.reports import Unstamped
from tests.support.runs import served_target
from trackly_contract.cli import main
from trackly_contract.contract import KINDS, ContractError, Observation, Observed, Outcome
from trackly_contract.contract.load import load_contract
from trackly_contract.core.files import data_root
from trackly_contract.gate.http import running
from trackly_contract.generate import candidate_types
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY
from trackly_contract.reference.filter import JUDGES
from trackly_contract.report import ANSWERS, TOKENS, WrongFileError, changed_answers, observations
from trackly_contract.report.observations import Answered, Kind, kept_answers
from trackly_contract.suite import run_suite

URL, OTHER = "https://a.example/api", "https://b.example/api"
DAY, LATER = date(2026, 11, 22), date(2026, 12, 1)
NAME = Answered("name-shape", "an empty name", "200, stored as sent", URL, DAY)
TOKEN = Observed("carrier.operator", "eq", Outcome.REFUSED, "400 invalid_carrier_operator", URL, DAY, "quick")
BOTH = pytest.mark.parametrize(("kind", "entry"), [(ANSWERS, NAME), (TOKENS, TOKEN)], ids=["answers", "vocabulary"])
COMMANDS = pytest.mark.parametrize(("command", "kind"), [("answers", ANSWERS), ("vocabulary", TOKENS)])


def report_of(entry: Answered | Observed, **members: Any) -> dict[str, Any]:
    """Return what counts of the report of a live run that observed this entry."""
    _, subject, other = entry.key
    row = {"question": subject, "kind": subject, "probe": other, "token": other, "said": entry.said}
    row["outcome"] = getattr(entry, "outcome", "")
    run = {"target": "live", "stamped": False, "evidence": "asked", "base_url": entry.base_url, "effort": "quick"}
    return {**run, "started_at": f"{entry.date}T10:00:00+00:00", "answers": [row], "vocabulary": [row], **members}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kept.toml"


# A file ------------------------------------------------------------------------------------------------

CHANGED = "changed: {about}: {then}; on 2026-11-22 it was: {first}"


@BOTH
@pytest.mark.parametrize(
    ("changes", "line", "kept"),
    [
        ({}, "", "then"),
        ({"said": "404 not_found"}, CHANGED, "then"),
        ({"said": "404 not_found", "date": LATER}, CHANGED, "then"),
        ({"date": LATER}, "", "then"),
        ({"date": date(2026, 1, 2)}, "kept: {about}: the file has 2026-11-22, which is later than 2026-01-02", "first"),
        ({"base_url": OTHER}, "new: {about}: {then}", "both"),
    ],
    ids=["the same", "the same day", "a later day", "the same on a later day", "an earlier day", "another address"],
)
def test_of_two_entries_about_the_same_the_newer_counts(
    kind: Kind[Any], entry: Any, path: Path, changes: dict[str, Any], line: str, kept: str
) -> None:
    then, about = replace(entry, **changes), ", ".join(entry.key[1:])
    assert kind.keep(report_of(entry), path) == [f"new: {about}: {entry.result}"]
    changed = kind.keep(report_of(then), path)
    assert changed == ([line.format(about=about, first=entry.result, then=then.result)] if line else [])
    assert kind.read(path) == {"first": [entry], "then": [then], "both": [entry, then]}[kept]


@pytest.mark.parametrize(
    ("kind", "entries"),
    [
        (ANSWERS, [NAME, replace(NAME, probe="null"), replace(NAME, question="depth", probe="a")]),
        (TOKENS, [replace(TOKEN, kind="condition_type"), TOKEN, replace(TOKEN, kind="revenue.field")]),
    ],
)
def test_entries_are_in_the_order_of_the_contract(kind: Kind[Any], entries: list[Any], path: Path) -> None:
    in_order = [*entries, replace(entries[0], base_url=OTHER)]
    path.write_text(kind.toml(in_order[::-1]), "utf-8")
    assert kind.read(path) == in_order


HOSTILE = ['a"b', "a\\b", "[[observed]]", '"""', "a#b", "\U0001f4f1 Zoë", "a'b"]
UNSEEN = ["a\nb", "a\r\nb", "a\x1b[2J", "a\x7fb", "a\u2028b", "\ud800", "a\tb"]


@pytest.mark.parametrize("text", [*HOSTILE, *UNSEEN])
def test_no_text_leaves_its_field(path: Path, text: str) -> None:
    path.write_text(ANSWERS.toml([replace(NAME, said=text)], remark=f"x{text}"), "utf-8")
    (read,) = ANSWERS.read(path)
    assert read == replace(NAME, said=read.said)
    assert (read.said == text) is (text in HOSTILE)
    assert read.said.isprintable()
    path.write_text(ANSWERS.toml([read]), "utf-8")
    assert ANSWERS.read(path) == [read]


def test_the_projects_own_answers_are_those_of_the_checkout() -> None:
    folder = data_root() / "contracts"
    assert (ANSWERS.file, TOKENS.file) == (folder / "answers.toml", folder / "observed.toml")
    assert kept_answers() == ANSWERS.read(folder / "answers.toml")


# What is not kept --------------------------------------------------------------------------------------

SPOILT: dict[str, Callable[[str], str]] = {
    "not TOML": lambda text: f"{text}[[",
    "it is there already": lambda text: text + text,
    "there is no question zz": lambda text: text.replace("name-shape", "zz").replace("carrier.operator", "zz"),
    "missing required field `said`": lambda text: text.replace("said = ", "# "),
}


@BOTH
@pytest.mark.parametrize("message", SPOILT)
def test_a_file_that_cannot_be_read_stays_as_it_is(kind: Kind[Any], entry: Any, path: Path, message: str) -> None:
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
    ({"target": "reference", "evidence": "a mock\n[x]"}, "a mock\\n[x]"),
    ({"target": "replay", "evidence": "recorded from the live API"}, "recorded from the live API"),
]


@BOTH
@pytest.mark.parametrize(("members", "why"), NOT_LIVE)
def test_what_a_live_api_did_not_do_is_printed_with_a_warning_and_not_kept(
    kind: Kind[Any], entry: Any, path: Path, members: dict[str, Any], why: str
) -> None:
    report = report_of(entry, **members)
    with pytest.raises(WrongFileError, match="`--output -` prints it all the same") as caught:
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
        (ANSWERS, report_of(NAME, answers=[]), "nothing to keep under 'answers': .* lacked --trackly-questions"),
        (ANSWERS, report_of(replace(NAME, said="")), "nothing to keep under 'answers'"),
        (TOKENS, report_of(TOKEN, vocabulary=[]), "nothing to keep under 'vocabulary'"),
    ],
)
def test_a_report_without_entries_is_rejected(
    kind: Kind[Any], report: dict[str, Any], message: str, path: Path
) -> None:
    for attempt in (lambda: kind.keep(report, path), lambda: kind.printed(report)):
        with pytest.raises(WrongFileError, match=message):
            attempt()
    assert not path.exists()


@BOTH
def test_a_report_about_what_the_contract_does_not_know_is_rejected(kind: Kind[Any], entry: Any) -> None:
    with pytest.raises(ContractError, match=r"^the report: there is no (question|kind) zz$"):
        kind.printed(report_of(replace(entry, **{kind.entry.__struct_fields__[0]: "zz"})))


# What is different now ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "url", "changes"),
    [
        (Observation(*NAME.key[1:], NAME.said), URL, []),
        (Observation(*NAME.key[1:], "400 a"), URL, [f"{', '.join(NAME.key[1:])}: 400 a; on {DAY} it was: {NAME.said}"]),
        (Observation(*NAME.key[1:], "400 a"), OTHER, []),
        (Observation("name-shape", "null", "400 a"), URL, []),
        (Observation(*NAME.key[1:], "", "not asked"), URL, []),
    ],
    ids=["the same", "another answer", "another address", "another probe", "not asked"],
)
def test_an_answer_that_differs_from_the_kept_one_is_noted(
    now: Observation, url: str, changes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observations, "kept_answers", lambda: (NAME,))
    assert changed_answers([now], url) == changes


# The commands ------------------------------------------------------------------------------------------


class Telling(Unstamped):
    """Of carrier it knows `ne`, of timezone nothing, and says so with a key."""

    def __init__(self) -> None:
        super().__init__()
        self.judges = {**JUDGES, "carrier": judging("carrier", ("ne",)), "timezone": always(f"no {REFERENCE_KEY}")}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report.json of a run with questions on an API without stamp, over real sockets."""
    folder = tmp_path_factory.mktemp("live")
    with running(Telling()) as url:
        served = served_target(url, AUDIENCE_ID, REFERENCE_KEY)
        target = with_fields(served, name="live", evidence=f"asked at {url}", of_reference=False)
        options = ["-q", "--no-summary", "--tb=no", "--trackly-questions", f"--trackly-report={folder}"]
        run_suite(target, "quick", options)
    return folder / "report.json"


def ran(command: str, *arguments: object) -> Result:
    return CliRunner().invoke(main, [command, *map(str, arguments)])


@COMMANDS
def test_a_command_merges_a_report_and_says_what_is_new(
    command: str, kind: Kind[Any], report: Path, path: Path
) -> None:
    described = json.loads(report.read_text("utf-8"))
    done = ran(command, report, "--output", path)
    entries = kind.read(path)
    assert done.exit_code == 0
    assert [line.split(":")[0].strip() for line in done.output.splitlines()[:-1]] == ["new"] * len(entries)
    rows = [row for row in described[kind.in_report] if row["said"]]
    assert len(entries) == len(rows) > 9
    assert {entry.said for entry in entries} == {row["said"] for row in rows}
    day = date.fromisoformat(described["started_at"][:10])
    assert {(entry.base_url, entry.date) for entry in entries} == {(described["base_url"], day)}
    assert REFERENCE_KEY not in path.read_text("utf-8")
    assert "[key]" in path.read_text("utf-8")
    again = ran(command, report, "--output", path)
    assert again.output == f"{path}: {len(entries)} entries, as before; review and commit it\n"


def test_the_outcome_of_a_token_is_kept(report: Path, path: Path) -> None:
    ran("vocabulary", report, "--output", path)
    outcomes = {(entry.kind, entry.token): (entry.outcome, entry.effort) for entry in TOKENS.read(path)}
    assert outcomes["carrier.operator", "eq"] == (Outcome.REFUSED, "quick")
    assert outcomes["carrier.operator", "ne"] == (Outcome.ACCEPTED, "quick")
    assert outcomes["timezone.operator", "eq"] == (Outcome.UNDECIDED, "quick")


@COMMANDS
def test_a_report_is_printed_alone_and_no_file_is_written(
    command: str, kind: Kind[Any], report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = ran(command, report, "--output", "-")
    assert (done.exit_code, "Beware" in done.output, [*tmp_path.iterdir()]) == (0, False, [])
    assert done.output.startswith(kind.header)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for the checkout; it is none yet."""
    monkeypatch.setattr(observations, "data_root", lambda: tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", ["answers", "vocabulary"])
@pytest.mark.parametrize(
    ("given", "output", "message"),
    [
        ("missing.json", "kept.toml", "missing.json: "),
        ("report.json", "spoilt.toml", "spoilt.toml: "),
        ("report.json", "no/kept.toml", "cannot be written (there is no such folder)"),
        ("report.json", "", "name the file with --output FILE"),
    ],
    ids=["no report", "another file", "no folder", "no checkout"],
)
def test_a_file_of_another_kind_is_a_usage_error(
    command: str, given: str, output: str, message: str, report: Path, checkout: Path
) -> None:
    (checkout / "spoilt.toml").write_text("# mine\n[[")
    (checkout / "report.json").write_bytes(report.read_bytes())
    done = ran(command, checkout / given, *(("--output", checkout / output) if output else ()))
    assert done.exit_code == 2
    assert message in " ".join(done.output.split())
    assert (checkout / "spoilt.toml").read_text() == "# mine\n[["


def test_in_a_checkout_the_file_is_the_one_in_contracts(report: Path, checkout: Path) -> None:
    (checkout / "contracts").mkdir()
    (checkout / "pyproject.toml").touch()
    assert ran("vocabulary", report).exit_code == 0
    assert (checkout / "contracts" / "observed.toml").is_file()


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
    assert load_contract(folder).observed == [TOKEN]
    (folder / "observed.toml").unlink()
    assert load_contract(folder).observed == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
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
    tried = {f"{kind}.{part}" for kind in candidate_types() for part in ("field", "operator")} | {"condition_type"}
    for kind in KINDS:
        (folder / "observed.toml").write_text(TOKENS.toml([replace(TOKEN, kind=kind)]), "utf-8")
        with nullcontext() if kind in tried else pytest.raises(ContractError, match="field kind"):
            load_contract(folder)
