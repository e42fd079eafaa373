"""Making the corpus: what is made matches nobody, and `--check` says when it is stale."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.maintain import corpus as module
from tests.maintain.corpus import outdated, safe
from trackly_contract.contract import CONTRADICTION, GUARD, NOBODY, matches_nobody
from trackly_contract.core import data_root, differences
from trackly_contract.generate import RejectedBody, corpus


def test_it_is_of_the_present_inputs() -> None:
    assert outdated() == [], "run `make corpus` and commit what it writes"


ANY: dict[str, Any] = {"condition_type": "count", "field": "click_count", "operator": "gte", "value": 1}
BAD = {**ANY, "field": "zz_x"}


def rejected(operator: str) -> RejectedBody:
    return RejectedBody(
        {"filter": {"operator": operator, "conditions": [BAD]}},
        "invalid_count_field",
        "/filter/conditions/0/field",
        {"filter": {"operator": operator, "conditions": [ANY]}},
    )


def test_an_error_under_and_at_the_top_gets_the_guards_around_it() -> None:
    found = safe(rejected("AND"))
    assert found.body == {"filter": {"operator": "AND", "conditions": [GUARD, BAD, *CONTRADICTION]}}
    assert (found.path, found.code) == ("/filter/conditions/1/field", "invalid_count_field")
    assert [path for path, _, _ in differences(found.body, found.twin)] == [found.path]


def test_an_error_elsewhere_is_put_below_the_guards() -> None:
    found = safe(rejected("OR"))
    assert found.twin == {"filter": {**NOBODY, "groups": [{"operator": "OR", "conditions": [ANY]}]}}
    assert [path for path, _, _ in differences(found.body, found.twin)] == [found.path]
    assert matches_nobody(found.body["filter"])


def test_an_error_of_the_top_group_itself_is_put_below_the_guards() -> None:
    group = dict(NOBODY)
    for wrong, key in (({**group, "operator": "NOT"}, "operator"), ({"operator": "AND"}, "conditions")):
        code = "invalid_group_operator" if key == "operator" else "empty_filter_group"
        found = safe(RejectedBody({"filter": wrong}, code, f"/filter/{key}", {"filter": group}))
        assert found.path == f"/filter/groups/0/{key}"
        assert matches_nobody(found.body["filter"])


def test_an_error_in_a_nested_group_keeps_its_path() -> None:
    nested = [rejected("OR").body["filter"], rejected("OR").twin["filter"]]
    wrong, twin = ({"filter": {"operator": "AND", "conditions": [ANY], "groups": [group]}} for group in nested)
    found = safe(RejectedBody(wrong, "invalid_count_field", "/filter/groups/0/conditions/0/field", twin))
    assert [path for path, _, _ in differences(found.body, found.twin)] == [found.path]
    assert found.path == "/filter/groups/0/conditions/0/field"
    assert matches_nobody(found.body["filter"])


def test_a_body_without_a_filter_stays_as_it_is() -> None:
    named = RejectedBody({"name": "n" * 256}, "name_too_long", "/name", {"name": "n" * 255})
    assert safe(named) is named


def content() -> Any:
    return json.loads((data_root() / "contracts" / "corpus.json").read_text("utf-8"))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "contracts").mkdir()
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "contracts" / "corpus.json").write_text(json.dumps(content()), "utf-8")
    return tmp_path


def test_check_is_silent_about_a_fresh_file_and_writes_nothing(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = checkout / "contracts" / "corpus.json"
    before = path.read_bytes()
    assert module.main(["--check"], checkout) == 0
    assert module.main(["--check"]) == 0
    assert (path.read_bytes(), *capsys.readouterr()) == (before, "", "")


def test_check_names_the_inputs_that_changed(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = content()
    whole["inputs"]["vocabulary.toml"] = "0" * 64
    (checkout / "contracts" / "corpus.json").write_text(json.dumps(whole), "utf-8")
    assert module.main(["--check"], checkout) == 1
    said = capsys.readouterr().err
    assert (
        said
        == "contracts/corpus.json is stale (vocabulary.toml changed): run `make corpus` and commit what it writes\n"
    )


def test_check_says_what_is_wrong_with_the_file(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (checkout / "contracts" / "corpus.json").unlink()
    assert module.main(["--check"], checkout) == 1
    assert "No such file" in capsys.readouterr().err


def test_outside_a_checkout_nothing_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert module.main([], tmp_path) == 2
    assert "no checkout" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_it_is_written_one_entry_a_line_and_reads_as_what_was_made(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = content()
    monkeypatch.setattr(module, "_accepted", lambda: iter(whole["accepted"][:2]))
    monkeypatch.setattr(module, "_rejected", lambda: iter(whole["refused"][:3]))
    monkeypatch.setattr(module, "inputs", lambda _root=None: whole["inputs"])
    assert module.main([], checkout) == 0
    assert capsys.readouterr().out == "contracts/corpus.json written: 2 accepted bodies, 3 rejected ones\n"
    path = checkout / "contracts" / "corpus.json"
    assert len(path.read_text("ascii").splitlines()) == 4 + 2 + 2 + 3 + 2
    assert [entry.id for entry in corpus(path).rejected] == ["name_too_long/1", "name_too_long/2", "name_too_long/3"]
