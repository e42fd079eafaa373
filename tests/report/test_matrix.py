"""Facts about the table of operators by condition type; that of codes by place is looked at in test_html.py."""

import json
from collections.abc import Iterator

import pytest

from tests.support.reports import Unstamped, ran, target_of
from trackly_contract.contract import contract
from trackly_contract.core import JSON, Verdict
from trackly_contract.reference.filter import Fault
from trackly_contract.report import Report
from trackly_contract.report.matrix import Cell, Known, OperatorCell, Saw, operators, operators_by_type


class Refusing(Unstamped):
    """Refuses two operators: one that is documented, one that no page states."""

    def faults(self, body: dict[str, JSON]) -> Iterator[Fault]:
        text = json.dumps(body.get("filter"))
        codes = {'"not_within"': "invalid_time_operator", '"carrier"': "invalid_carrier_operator"}
        yield from (Fault(code, "/filter") for operator, code in codes.items() if operator in text)
        yield from super().faults(body)


@pytest.fixture(scope="module")
def conforming(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return ran(Unstamped(), tmp_path_factory.mktemp("conforming")).report


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Report:
    found = ran(target_of(Refusing()), tmp_path_factory.mktemp("refusing"), "--trackly-effort=standard")
    return found[1]  # at quick the ceilings leave no room for single tokens


def rows(report: Report) -> dict[str, tuple[list[OperatorCell], Cell]]:
    return {kind: (cells, invented) for kind, cells, invented in operators_by_type(report)}


def cell(report: Report, kind: str, operator: str) -> OperatorCell:
    return rows(report)[kind][0][operators().index(operator)]


def test_every_type_has_every_operator_that_any_page_names(conforming: Report) -> None:
    assert [*rows(conforming)] == contract().vocabulary.words("condition_type")
    assert all(len(cells) == len(operators()) for cells, _ in rows(conforming).values())


@pytest.mark.parametrize("operator", ["within", "not_within", "before", "after", "exists", "not_exists"])
def test_a_documented_operator_that_was_accepted_names_its_evidence(conforming: Report, operator: str) -> None:
    found = cell(conforming, "time", operator)
    assert (found.known, found.saw) == (Known.DOCUMENTED, Saw.ACCEPTED)
    exchange = conforming.session.exchanges[found.exchange - 1]
    assert exchange.response.succeeded
    assert f'"operator":"{operator}"' in exchange.request.body.decode()


def test_what_no_page_states_is_told_from_what_no_page_names(conforming: Report) -> None:
    assert cell(conforming, "carrier", "ne").known is Known.CANDIDATE
    assert cell(conforming, "carrier", "ne").saw is Saw.NOTHING
    assert cell(conforming, "carrier", "within").known is Known.UNNAMED


def test_a_candidate_that_was_tried_says_what_came(conforming: Report, refusing: Report) -> None:
    assert cell(conforming, "carrier", "eq").saw is Saw.ACCEPTED
    found = cell(refusing, "carrier", "eq")
    assert (found.known, found.saw) == (Known.CANDIDATE, Saw.REFUSED)
    assert refusing.session.exchanges[found.exchange - 1].response.status == 400


def test_a_documented_operator_that_is_refused_is_broken_and_its_neighbours_are_not(refusing: Report) -> None:
    assert cell(refusing, "time", "not_within").saw is Saw.BROKEN
    assert {cell(refusing, "time", operator).saw for operator in ("within", "not_exists", "after")} == {Saw.ACCEPTED}
    evidence = refusing.session.exchanges[cell(refusing, "time", "not_within").exchange - 1]
    assert '"operator":"not_within"' in evidence.request.body.decode()


def test_an_invented_operator_is_refused_for_every_type(conforming: Report) -> None:
    assert {invented.verdict for _, invented in rows(conforming).values()} == {Verdict.HELD}
    assert all(invented.exchange for _, invented in rows(conforming).values())
