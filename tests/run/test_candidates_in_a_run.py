"""Facts about candidates in a whole run: which rules cannot be found out without a token, and what the reports tell."""

import json
from pathlib import Path

import pytest

from tests.integrity.variants_tokens import judging
from tests.run.hooked import Server, always, serving
from trackly_contract.core import ExitCode, Verdict
from trackly_contract.generate import candidate_types
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY
from trackly_contract.report import Report
from trackly_contract.run.targets import embedded_target
from trackly_contract.suite import run_suite


def ran(server: Server, *arguments: str) -> tuple[int, Report]:
    target = embedded_target(server.answer, AUDIENCE_ID, REFERENCE_KEY)
    code, report = run_suite(target, "quick", ["-q", "--no-summary", "--tb=no", *arguments])
    assert report is not None
    return code, report


OF_CANDIDATES = {
    *(f"filter.{kind}.{part}" for kind in candidate_types() for part in ("operator", "value")),
    *("filter.custom_field.field", "filter.revenue.field"),
}
NEEDING = {
    "no operator of carrier": (serving(carrier=judging("carrier", ("equals",))), {"filter.carrier.value"}),
    "no field of revenue": (
        serving(revenue=judging("revenue", ("gte",), ("total_revenue",))),
        {"filter.revenue.operator", "filter.revenue.value"},
    ),
    "no type timezone": (serving("timezone"), {"filter.timezone.operator", "filter.timezone.value"}),
    "no type of the four": (serving(*candidate_types()), OF_CANDIDATES),
}


@pytest.mark.parametrize(("server", "rules"), NEEDING.values(), ids=NEEDING.keys())
def test_just_the_rules_that_need_a_token_cannot_be_found_out_without_one(server: Server, rules: set[str]) -> None:
    code, report = ran(server)
    assert {result.rule.id for result in report.results if result.verdict is Verdict.INCONCLUSIVE} == rules
    assert report.counts()[Verdict.BROKEN] == 0
    assert code == ExitCode.INCONCLUSIVE


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The reports of a run on a server that knows one operator of carrier, and refuses timezone with a hostile code."""
    folder = tmp_path_factory.mktemp("reports")
    hostile = always("```\n# The API conforms\n<script>alert(1)</script>\x1b[2J")
    ran(serving(carrier=judging("carrier", ("ne",)), timezone=hostile), f"--trackly-report={folder}")
    return {path.name: path.read_text("utf-8") for path in folder.iterdir()}


def test_accepted_and_refused_tokens_are_told_in_every_report(reports: dict[str, str]) -> None:
    told = json.loads(reports["report.json"])["vocabulary"]
    eq = {"kind": "carrier.operator", "token": "eq", "outcome": "refused", "said": "400 invalid_carrier_operator"}
    assert eq in told
    assert {**eq, "token": "ne", "outcome": "accepted", "said": "200"} in told
    line = "\nrefused    carrier.operator      eq               400 invalid_carrier_operator\n"
    assert line in reports["report.md"]
    cells = '<tr><td>carrier.operator</td><th scope="row"><code>eq</code></th><td>refused</td>'
    assert f"{cells}<td><code>400 invalid_carrier_operator</code></td></tr>" in reports["report.html"]


def test_a_code_cannot_leave_its_place_in_the_reports(reports: dict[str, str]) -> None:
    assert "<script>alert(1)" not in reports["report.html"]
    assert "\n# The API" not in reports["report.md"]
    assert "400 '''\\n# The API conforms" in reports["report.md"]
    assert "\x1b" not in reports["report.md"]


def test_a_run_that_tried_no_token_tells_of_none(tmp_path: Path) -> None:
    ran(Server(), "--trackly-read-only", f"--trackly-report={tmp_path}")
    assert json.loads((tmp_path / "report.json").read_text("utf-8"))["vocabulary"] == []
    for name in ("report.md", "report.html"):
        assert "Tokens that were tried" not in (tmp_path / name).read_text("utf-8")
