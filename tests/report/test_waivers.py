"""Facts about waivers: which files can be used, what they do to a run, and that they stay in sight."""

import json
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator
from msgspec.structs import replace

from tests.support.reports import TakesAnyUnit, target_of
from trackly_contract.cli import main
from trackly_contract.contract import contract, document
from trackly_contract.core import ExitCode, RunVerdict
from trackly_contract.reference import ReferenceServer
from trackly_contract.report import Report, Waiver, WaiverError
from trackly_contract.report.waivers import load_waivers as load
from trackly_contract.suite import run_suite

TODAY = date(2026, 11, 22)
GOOD = {"rule": '"filter.time.unit"', "reason": '"they know, ticket 12"', "expires": "2026-12-31"}


def entry(**changes: str | None) -> str:
    """Return one entry as TOML; None leaves a member out."""
    members = {**GOOD, **changes}
    return "[[waiver]]\n" + "".join(f"{name} = {value}\n" for name, value in members.items() if value is not None)


def read(tmp_path: Path, text: str) -> dict[str, Waiver]:
    path = tmp_path / "waivers.toml"
    path.write_text(text, "utf-8")
    return load(path, contract().rules, TODAY)


def test_a_waiver_is_read_with_its_reason_and_last_day(tmp_path: Path) -> None:
    found = read(tmp_path, entry(reason='" they know, ticket 12 "'))
    assert found == {"filter.time.unit": Waiver("filter.time.unit", "they know, ticket 12", date(2026, 12, 31))}
    assert found["filter.time.unit"].text == "waived until 2026-12-31: they know, ticket 12"


def test_a_waiver_holds_on_its_last_day(tmp_path: Path) -> None:
    assert read(tmp_path, entry(expires="2026-11-22"))


def test_an_empty_list_of_waivers_waives_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "waiver = []") == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (entry(expires="2026-11-21"), "the waiver of filter.time.unit expired on 2026-11-21; check the rule again"),
        (entry(rule=f'"{"x" * 90_000}"'), f"the waiver of {'x' * 50} ... {'x' * 25}: there is no rule of that name"),
        (entry(rule='"zz"'), "the waiver of zz: there is no rule of that name; see docs/rules.md"),
        (entry(rule='"audience.cached_size.never"'), "the waiver of audience.cached_size.never: it is never broken"),
        (entry(reason=None), "waiver 1 (filter.time.unit): Object missing required field `reason`; each waiver is an"),
        (entry(reason='" "'), "waiver 1 (filter.time.unit): field 'reason': it is empty; say why the rule is waived"),
        (entry(expires=None), "waiver 1 (filter.time.unit): Object missing required field `expires`"),
        (
            entry(expires='"2026-12-31"'),
            "waiver 1 (filter.time.unit), field expires: Expected `date`, got `str`; write",
        ),
        (
            entry(expires="2026-12-31T00:00:00"),
            "waiver 1 (filter.time.unit), field expires: Expected `date`, got `date",
        ),
        (entry(rule=None), "waiver 1: Object missing required field `rule`"),
        (entry(rule="7"), "waiver 1, field rule: Expected `str`, got `int`"),
        (entry(until="2026-12-31"), "waiver 1 (filter.time.unit): Object contains unknown field `until`"),
        (entry() + entry(expires="2027-01-01"), "waiver 2 (filter.time.unit): it is there already; keep one entry"),
        ("[[waiver]", "not TOML: "),
        ("", "Object missing required field `waiver`; each waiver is an entry [[waiver]] with rule, reason, expires"),
        (f"waiver = {'9' * 10_000}", "not TOML: Exceeds the limit"),
        (f"waiver = {'[' * 3_000}{']' * 3_000}", "not TOML: arrays or tables nest too deep"),
        (f"waiver{'.a' * 5_000} = 1", "not TOML: line 1 has more than 30 dots"),
    ],
    ids=range(18),
)
def test_an_error_in_a_file_of_waivers_names_file_entry_and_field(tmp_path: Path, text: str, said: str) -> None:
    start = time.process_time()
    with pytest.raises(WaiverError) as caught:
        read(tmp_path, text)
    assert time.process_time() - start < 1
    assert str(caught.value).startswith(f"{tmp_path / 'waivers.toml'}: {said}")


def test_a_rule_that_is_noted_at_most_cannot_be_waived(tmp_path: Path) -> None:
    path = tmp_path / "waivers.toml"
    path.write_text(entry(), "utf-8")
    rule = replace(contract().rules["filter.time.unit"], basis="inferred")
    with pytest.raises(WaiverError, match="it is never broken, for it is inferred; remove the entry"):
        load(path, {rule.id: rule}, TODAY)


@pytest.mark.parametrize(("name", "why"), [("gone.toml", "No such file"), (".", "Is a directory")])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, why: str) -> None:
    with pytest.raises(WaiverError, match=f"the file cannot be read .{why}"):
        load(tmp_path / name, {}, TODAY)


# A run --------------------------------------------------------------------------------------------------


def waiving(folder: Path, text: str, server: ReferenceServer, *arguments: str) -> tuple[int, Report | None]:
    (folder / "waivers.toml").write_text(text, "utf-8")
    options = [f"--trackly-report={folder / 'report'}", f"--trackly-waivers={folder / 'waivers.toml'}"]
    return run_suite(target_of(server), "quick", ["-q", *options, *arguments])


def day(days: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days=days)).isoformat()


def described(folder: Path) -> Any:
    return json.loads((folder / "report" / "report.json").read_text("utf-8"))


def test_a_waived_rule_is_noted_in_the_terminal_and_in_every_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, report = waiving(tmp_path, entry(expires=day(9), reason='"see <b> & ```"'), TakesAnyUnit())
    assert report is not None
    assert (code, report.verdict) == (ExitCode.CONFORMS, RunVerdict.CONFORMS)
    assert report.headline().endswith("conforms to its documentation, 1 broken rule waived")
    printed = capsys.readouterr().out
    assert f"noted        filter.time.unit: 200; waived until {day(9)}: see <b> & ```" in printed
    assert ("1 waived" in printed, "failed" in printed) == (True, False)
    told = described(tmp_path)
    assert list(Draft202012Validator(document("report.json")).iter_errors(told)) == []
    assert told["notes"] == []
    rule = next(rule for rule in told["rules"] if rule["id"] == "filter.time.unit")
    assert (rule["verdict"], rule["waiver"]) == ("noted", {"reason": "see <b> & ```", "expires": day(9)})
    html, markdown = ((tmp_path / "report" / f"report.{form}").read_text("utf-8") for form in ("html", "md"))
    assert f"<strong>waived until {day(9)}: see &lt;b&gt; &amp; ```</strong>" in html
    assert f"```text\nwaived until {day(9)}: see <b> & '''\n```" in markdown


def test_a_waiver_hides_no_other_rule(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, report = waiving(tmp_path, entry(expires=day(9), rule='"filter.time.value"'), TakesAnyUnit())
    assert report is not None
    assert (code, report.verdict) == (ExitCode.DRIFT, RunVerdict.DRIFT)
    note = "the waiver of filter.time.value was not needed: it is held here; remove it if that stays so"
    assert note in capsys.readouterr().out
    assert described(tmp_path)["notes"] == [note]


def test_a_waiver_of_a_rule_that_this_run_did_not_check_is_not_called_needless(tmp_path: Path) -> None:
    waiving(tmp_path, entry(expires=day(9)), ReferenceServer(), "-k", "audience.name")
    assert described(tmp_path)["notes"] == []


def test_the_command_hands_its_file_of_waivers_on(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    done = CliRunner().invoke(main, ["check", "--effort", "quick", "--waivers", str(tmp_path / "gone.toml")])
    assert done.exit_code == pytest.ExitCode.USAGE_ERROR
    assert "gone.toml: the file cannot be read" in done.output + capfd.readouterr().err


def test_an_expired_waiver_stops_the_run_before_anything_is_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = TakesAnyUnit()
    with patch.object(server, "answer") as answer:
        code, report = waiving(tmp_path, entry(expires=day(-1)), server)
    assert (code, report, answer.called) == (pytest.ExitCode.USAGE_ERROR, None, False)
    assert f"the waiver of filter.time.unit expired on {day(-1)}" in capsys.readouterr().err
