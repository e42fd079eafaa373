"""The report of a run as values: a verdict for every rule, and for the run. Does not judge: it folds findings.

A run on the reference server, or on recordings of it, never reads as if the API had responded.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from trackly_contract.contract import Rule, contract
from trackly_contract.core import RunVerdict, Verdict, one_line, run_verdict, short, worst
from trackly_contract.judge import Baseline, ClientFault, Finding, LiveRecording, Seen, Traffic, actual_text
from trackly_contract.report.waivers import Waiver


@dataclass(frozen=True)
class Recording:
    """What a report says of recorded traffic beside its rules.

    `faults` of the client's requests fail, `passed` do not: they are allowed, open, or of a side that does not count.
    """

    traffic: Traffic
    side: str
    faults: tuple[ClientFault, ...] = ()
    passed: tuple[ClientFault, ...] = ()


MOST_ALIKE = 3
"""Rules that are named one by one where the same is said of them; the report names them all."""

SCHEMA_VERSION = "1.1"
"""Version of `schemas/report.json`; docs/report.md says what a new one may change."""

SYMBOLS = {"held": "✓", "noted": "!", "broken": "✗", "inconclusive": "?", "skipped": "-", "conforms": "✓", "drift": "✗"}
"""What stands beside the verdict of a rule or of a run, so that no colour is needed."""


@dataclass(frozen=True)
class RuleResult:
    """What one run says of one rule.

    `reason` says why it was skipped or could not be found out; `waiver` is that of a rule which would be broken;
    `tally` counts the findings where not all of them are kept.
    """

    rule: Rule
    verdict: Verdict
    findings: tuple[Finding, ...]
    reason: str = ""
    waiver: Waiver | None = None
    tally: Counter[Verdict] | None = None

    @property
    def counted(self) -> Counter[Verdict]:
        """How many findings have each verdict."""
        return self.tally or Counter(finding.verdict for finding in self.findings)

    @property
    def differences(self) -> list[Finding]:
        """The findings that are not simply held."""
        return [f for f in self.findings if f.verdict in (Verdict.BROKEN, Verdict.NOTED)]

    @property
    def gravest(self) -> Finding | None:
        """The first of the gravest differences; None where there is none."""
        verdict = worst(finding.verdict for finding in self.differences)
        return next((finding for finding in self.differences if finding.verdict is verdict), None)


@dataclass(frozen=True)
class Report:
    """One run.

    `looked` says whether a test ran to its end; `left` what of the audience is not as it was, "" if it is; `unwritten`
    which files could not be written; `recording` is what a file adds.
    """

    session: Seen
    results: tuple[RuleResult, ...]
    complete: bool
    started_at: str
    suite_failures: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    last_live: LiveRecording | None = None
    looked: bool = True
    left: str = ""
    unwritten: tuple[str, ...] = ()
    recording: Recording | None = None

    @property
    def from_reference(self) -> bool:
        """Whether the reference server responded, whatever the target is called."""
        return self.session.stamped or self.session.target.of_reference

    @property
    def evidence(self) -> str:
        """What the responses are worth, in words."""
        target = self.session.target
        text = one_line(target.evidence)
        if target.name == "traffic":
            text += f"; responses from {target.base_url}"
        if self.session.stamped and target.name in ("live", "traffic"):
            text += "; stamped by the reference server: this says nothing of the API itself"
        return text

    @property
    def client_faults(self) -> int:
        """How many faults of the client's requests count; 0 where no traffic was judged."""
        return sum(found.times for found in self.recording.faults) if self.recording is not None else 0

    def before(self, finding: Finding) -> Baseline:
        """Return what the last live recording says of a difference; of recorded traffic nothing is looked up."""
        if self.recording is not None:
            return Baseline(said="")
        return self.last_live.before(finding) if self.last_live is not None else Baseline()

    @property
    def verdict(self) -> RunVerdict:
        """The verdict of the run: a suite that failed has found nothing out, and a changed audience is not well."""
        if self.suite_failures:
            return RunVerdict.INCONCLUSIVE
        said = [result.verdict for result in self.results]
        if self.recording is not None:  # what traffic cannot show is inconclusive for that rule alone
            said = [verdict for verdict in said if verdict is not Verdict.INCONCLUSIVE]
            left_out = self.recording.traffic.not_judged or self.recording.traffic.unreadable
            said += [Verdict.INCONCLUSIVE] if left_out else []
        found = run_verdict(said)
        sure = self.looked and not self.left
        return RunVerdict.INCONCLUSIVE if found is RunVerdict.CONFORMS and not sure else found

    def in_short(self, result: RuleResult) -> str:
        """Return the first grave difference of a rule, with what the last live recording says of it and its waiver."""
        finding = result.gravest
        text = short(actual_text(finding) if finding is not None else result.reason, 160)
        before = self.before(finding) if finding is not None else None
        if before is not None and before.recorded:
            text += f" (last live {short(before.said, 160)}{f', {before.reading}' if before.reading else ''})"
        return f"{text}; {result.waiver.text}" if result.waiver is not None else text

    def counts(self) -> Counter[Verdict]:
        """Return how many rules have each verdict."""
        return Counter(result.verdict for result in self.results)

    def alike(self, verdict: Verdict) -> list[tuple[int, str]]:
        """Return the rules of one verdict by what is said of them, the same of many once: how many, and the text."""
        found: dict[str, list[str]] = defaultdict(list)
        for result in (result for result in self.results if result.verdict is verdict):
            found[self.in_short(result)].append(result.rule.id)
        return [
            (len(ids), f"{', '.join(ids)}: {text}")
            if len(ids) <= MOST_ALIKE
            else (len(ids), f"{len(ids)} rules, {ids[0]} to {ids[-1]}: {text}")
            for text, ids in found.items()
        ]

    def headline(self) -> str:
        """Return the verdict as a sentence that claims no more than was seen."""
        names = {"live": "the API", "replay": "the recorded API"}
        who = names.get(self.session.target.name, "the recorded server")
        who = "the reference server" if self.from_reference else who
        said = {
            RunVerdict.CONFORMS: "conforms to",
            RunVerdict.DRIFT: "has drifted from",
            RunVerdict.INCONCLUSIVE: "could not be judged in full by",
        }[self.verdict]
        if self.suite_failures:
            return f"the suite itself failed, so nothing is said of {who}"
        part = "" if self.complete else f", as far as this {'traffic shows' if self.recording else 'run looked'}"
        faults = self.client_faults
        if faults:
            part += f"; the client's requests have {faults} {'fault' if faults == 1 else 'faults'}"
        aside = sum(result.waiver is not None for result in self.results)
        if aside:
            part += f", {aside} broken {'rule' if aside == 1 else 'rules'} waived"
        return f"{who} {said} its documentation{part}"


def build_report(
    session: Seen,
    *,
    started_at: str,
    looked_for: frozenset[str],
    reasons: Mapping[str, tuple[Verdict, str]],
    suite_failures: tuple[str, ...] = (),
    waivers: Mapping[str, Waiver] | None = None,
    last_live: LiveRecording | None = None,
) -> Report:
    """Fold a session into a report.

    `looked_for` are the rules whose tests ran to an end; `reasons` say of a rule why it was skipped or could
    not be checked; `waivers` are by rule; `last_live` is the baseline of every difference.
    """
    rules, waivers = contract().rules, waivers or {}
    notes = [*session.notes]
    by_rule: dict[str, list[Finding]] = defaultdict(list)
    for finding in session.findings:
        by_rule[finding.rule].append(finding)
    nothing_shown = Verdict.INCONCLUSIVE, "no answer of this run shows it"
    not_asked = Verdict.SKIPPED, "not part of this run"
    results = []
    for rule in rules.values():
        found, reason = tuple(by_rule[rule.id]), ""
        verdict = worst(finding.verdict for finding in found)
        if verdict in (Verdict.HELD, Verdict.NOTED) and reasons.get(rule.id, not_asked)[0] is Verdict.INCONCLUSIVE:
            verdict, reason = reasons[rule.id]  # it held where it was looked at, which was not everywhere
        waiver = waivers.get(rule.id) if verdict is Verdict.BROKEN else None
        if waiver is not None:
            verdict = Verdict.NOTED
        elif verdict is None and rule.untested is not None:
            verdict, reason = Verdict.SKIPPED, f"untested: {rule.untested}"
        elif verdict is None:
            verdict, reason = reasons.get(rule.id) or (nothing_shown if rule.id in looked_for else not_asked)
        elif rule.id in waivers and verdict is not Verdict.INCONCLUSIVE:
            notes.append(f"the waiver of {rule.id} was not needed: it is {verdict} here; remove it if that stays so")
        results.append(RuleResult(rule, verdict, found, reason, waiver))
    if session.read_only:
        skipped = [result for result in results if result.verdict is Verdict.SKIPPED]
        notes.append(
            f"read-only: {len(skipped)} rules need an update, a count or a filter of ours and were not checked, "
            "nor can it be said whether the audience could be restored"
        )
    missing = [rule for rule in rules.values() if rule.untested is None and rule.id not in looked_for]
    complete = not session.read_only and not missing
    return Report(session, tuple(results), complete, started_at, suite_failures, tuple(notes), last_live)
