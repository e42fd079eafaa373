"""The proof is measured and written as it says: figures are counted rightly, and the digest knows its inputs."""

from dataclasses import replace

import pytest

from tests.integrity.mutants import all_mutants
from tests.integrity.mutants_servers import CRASH
from tests.integrity.seams import behind, errors
from tests.integrity.variants import variants
from tests.proof import document, inputs
from tests.proof.document import Proof
from tests.proof.measure import CONFORMING, Job, Outcome, jobs, run
from tests.proof.schemathesis_runs import schemathesis_says
from trackly_contract.gate.http import running
from trackly_contract.reference import ReferenceServer

MUTANTS = {mutant.id: mutant for mutant in all_mutants()}
COUNT = len(MUTANTS)


def outcome(job: Job) -> Outcome:
    """Return what should be said of a job: drift of a mutant, under its own rules, and of nothing else."""
    mutant = MUTANTS[job.id] if job.kind == "mutant" else None
    broken = mutant.rules if mutant is not None and job.effort else ()
    return Outcome(job, int(mutant is not None), "drift" if mutant else "conforms", broken, 10, 0.5)


@pytest.fixture(autouse=True)
def _digested_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let documents bear a digest that costs nothing; the digest itself has a test of its own."""
    if "perfect" in request.fixturenames:
        monkeypatch.setattr(document, "digest", lambda: "the digest")


@pytest.fixture(scope="module")
def perfect() -> list[Outcome]:
    return [outcome(job) for job in jobs()]


def changed(outcomes: list[Outcome], job: Job, **changes: object) -> list[Outcome]:
    assert job in {outcome.job for outcome in outcomes}
    return [replace(o, **changes) if o.job == job else o for o in outcomes]  # type: ignore[arg-type]


NEEDLE = next(mutant for mutant in all_mutants() if not mutant.plain)
PLAIN = next(mutant for mutant in all_mutants() if mutant.plain)
VARIANT = variants()[0]


def test_a_proof_runs_every_server_at_every_effort_and_every_mutant_in_schemathesis_too() -> None:
    made = jobs()
    assert len(set(made)) == len(made)
    for effort in ("quick", "standard", "thorough"):
        assert {job.id for job in made if (job.kind, job.effort) == ("mutant", effort)} == {m.id for m in all_mutants()}
        assert {job.id for job in made if (job.kind, job.effort) == ("variant", effort)} == {v.id for v in variants()}
    assert {job.id for job in made if (job.kind, job.effort) == ("mutant", None)} == {m.id for m in all_mutants()}
    assert sum(job.kind == "reference" for job in made) == 4


def test_of_perfect_runs_nothing_is_missed_and_all_are_counted(perfect: list[Outcome]) -> None:
    proof = Proof(perfect)
    assert (proof.missed(), proof.misnamed(), proof.false_alarms()) == ([], [], [])
    plain = sum(mutant.plain for mutant in all_mutants())
    whole = (f"{COUNT} of {COUNT} (100.0 %)", f"{plain} of {plain} (100.0 %)", f"{COUNT} of {COUNT} (100.0 %)")
    assert [row[1:] for row in proof.caught()[:3]] == [whole] * 3
    assert sum(int(str(row[1])) for row in proof.families()) == COUNT
    assert "Inputs: `the digest`" in proof.document()


@pytest.mark.parametrize(("mutant", "effort"), [(NEEDLE, "standard"), (NEEDLE, "thorough"), (PLAIN, "quick")])
def test_a_mutant_that_is_not_caught_is_told(perfect: list[Outcome], mutant: object, effort: object) -> None:
    job = Job("mutant", mutant.id, effort)  # type: ignore[attr-defined, arg-type]
    proof = Proof(changed(perfect, job, code=0, verdict="conforms", broken=()))
    assert [o.job for o in proof.missed()] == [job]
    assert f"- `{effort}`: {job.id} (conforms)" in proof.document()


def test_a_needle_that_quick_misses_is_counted_and_not_told(perfect: list[Outcome]) -> None:
    proof = Proof(changed(perfect, Job("mutant", NEEDLE.id, "quick"), code=0, verdict="conforms", broken=()))
    assert proof.missed() == []
    assert proof.caught()[0][1] == f"{COUNT - 1} of {COUNT} ({100 * (COUNT - 1) / COUNT:.1f} %)"


def test_a_mutant_caught_under_three_other_rules_first_is_told(perfect: list[Outcome]) -> None:
    job = Job("mutant", NEEDLE.id, "standard")
    proof = Proof(changed(perfect, job, broken=("a", "b", "c", *NEEDLE.rules)))
    assert [o.job for o in proof.misnamed()] == [job]
    assert f"- `standard`: {NEEDLE.id}: `a`, `b`, `c`" in proof.document()


@pytest.mark.parametrize(("code", "verdict"), [(1, "drift"), (3, "conforms")])
def test_a_variant_called_drift_or_failed_on_is_a_false_alarm(perfect: list[Outcome], code: int, verdict: str) -> None:
    job = Job("variant", VARIANT.id, "quick")
    proof = Proof(changed(perfect, job, code=code, verdict=verdict, broken=("audience.id",)))
    assert [o.job for o in proof.false_alarms()] == [job]


def test_a_rule_that_names_no_mutant_and_one_that_none_needs_are_told(perfect: list[Outcome]) -> None:
    lost = [replace(o, broken=("read.flat",)) if "read.success" in o.broken else o for o in perfect]
    lost = [replace(o, broken=("audience.id", "audience.name")) if "audience.id" in o.broken else o for o in lost]
    rules = Proof(lost).rules()
    assert "read.success" in rules["silent"]
    assert "audience.id" in rules["needless"]


def test_a_run_says_what_a_user_would_see() -> None:
    caught = run(Job("mutant", PLAIN.id, "quick"))
    assert (caught.code, caught.verdict) == (1, "drift")
    assert set(PLAIN.rules) & set(caught.broken)
    fine = run(Job("reference", CONFORMING, "quick"))
    assert (fine.code, fine.verdict, fine.broken) == (0, "conforms", ())
    assert 0 < fine.requests <= 60


def test_schemathesis_raises_no_alarm_on_the_reference_server_and_one_on_a_server_that_fails() -> None:
    said = []
    for make in (ReferenceServer, behind(lambda *_: CRASH, "PUT")):
        with running(make()) as base_url:
            said.append(schemathesis_says(base_url, 3))
    assert said == [0, 1]


def test_the_digest_changes_with_what_a_server_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    servers = all_mutants()[:1]
    monkeypatch.setattr(inputs, "EFFORTS", ("quick",))
    monkeypatch.setattr(inputs, "variants", list)
    monkeypatch.setattr(inputs, "all_mutants", lambda: servers)
    before = inputs.digest()
    assert inputs.digest() == before
    shouting = errors(lambda error: {**error, "code": error["code"].upper()})
    monkeypatch.setattr(inputs, "all_mutants", lambda: [replace(servers[0], make=shouting)])
    assert inputs.digest() != before
