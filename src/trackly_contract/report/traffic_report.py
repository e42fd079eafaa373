"""Recorded traffic as a report: the same verdicts, files and exit codes as a run of the suite.

The report claims no more than the recording shows. Does not judge (judge/traffic.py).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from trackly_contract.contract import contract
from trackly_contract.core import RunVerdict, Verdict, one_line
from trackly_contract.judge import (
    BESIDE_THE_QUESTIONS,
    ClientFault,
    Seen,
    Severity,
    Source,
    Traffic,
    failure_text,
    request_text,
)
from trackly_contract.report import summary
from trackly_contract.report.report import Recording, Report, build_report
from trackly_contract.report.waivers import Waiver

Side = Literal["api", "client", "both"]

MOST_SHOWN = 5  # broken rules, and faults of the client, that are shown in full in the terminal


def fold(
    traffic: Traffic,
    files: Sequence[str],
    *,
    started_at: str,
    side: Side = "both",
    allow: Collection[str] = (),
    waivers: Mapping[str, Waiver] | None = None,
) -> Report:
    """Return the report of traffic that was watched to its end.

    `side` is whose faults count; faults of the client that `allow` names do not.
    """
    order = list(Severity)
    faults = sorted(traffic.faults.values(), key=lambda found: order.index(found.fault.severity))
    failing, passed = list[ClientFault](), list[ClientFault]()
    for found in faults:
        counts = side != "api" and found.fault.severity is not Severity.OPEN and not found.fault.names & set(allow)
        (failing if counts else passed).append(found)
    shown = (*(found.exchange for found in faults), *(finding.exchange for finding in traffic.findings.kept))
    by_number = {exchange.number: exchange for exchange in shown}
    exchanges = [by_number[number] for number in sorted(by_number)]
    addresses = ", ".join(traffic.addresses) or "no address of the API"
    watched = Seen(
        target=Source("traffic", addresses, f"recorded traffic: {', '.join(map(one_line, files))}", "", ""),
        stamped=traffic.stamped,
        requests=traffic.exchanges,
        writes=traffic.writes,
        findings=traffic.findings.kept,
        exchanges=exchanges,
        notes=[*_notes(traffic, side)],
    )
    seen = frozenset(traffic.findings.tally)
    reasons = dict.fromkeys(contract().rules, (Verdict.SKIPPED, "this traffic does not show it"))
    reasons |= {rule: (Verdict.INCONCLUSIVE, why) for rule, why in traffic.unseen.items() if rule not in seen}
    report = build_report(watched, started_at=started_at, looked_for=seen, reasons=reasons, waivers=waivers)
    results = tuple(replace(result, tally=traffic.findings.tally.get(result.rule.id)) for result in report.results)
    recording = Recording(traffic, side, tuple(failing), tuple(passed))
    return replace(report, results=results, recording=recording)


def _notes(traffic: Traffic, side: Side) -> Iterator[str]:
    if not traffic.exchanges:
        yield "no exchange with the audiences API in what was read: no request to .../v2/audiences/ID"
    if traffic.audiences.overlapping:
        yield (
            f"{traffic.audiences.overlapping} exchanges overlapped in time with another of the same audience, or stand "
            "out of order: each is judged by itself, and compared with no other"
        )
    if traffic.shared:
        yield "others change the audiences too (--shared): what they may explain is noted"
    if side != "both":
        yield f"only faults of the {side} count (--side {side})"


def counted_verdict(report: Report) -> RunVerdict:
    """Return what is said of the sides that count: drift for a fault, inconclusive for what was left out."""
    recording = report.recording
    assert recording is not None
    if recording.faults or (recording.side != "client" and report.verdict is RunVerdict.DRIFT):
        return RunVerdict.DRIFT
    traffic = recording.traffic
    left_out = traffic.unreadable or (recording.side != "client" and traffic.not_judged)
    return RunVerdict.INCONCLUSIVE if left_out or not traffic.exchanges else RunVerdict.CONFORMS


def lines(report: Report, folder: Path | None = None) -> list[str]:
    """Return what a terminal shows of a report; `folder` is where its files are, None if there are none."""
    return [*_in_full(report), *summary.lines(report, folder)]


def _in_full(report: Report) -> Iterator[str]:
    """Yield the first difference of each broken rule, and the faults of the client that fail, at most MOST_SHOWN."""
    assert report.recording is not None
    faults = report.recording.faults
    broken = [
        f"{failure_text(worst, result.rule, last_live='')}\n"
        f"  {'in':<9}  {one_line(_seen(worst.case, result.counted[Verdict.BROKEN]))}\n"
        for result in report.results
        if result.verdict is Verdict.BROKEN and (worst := result.gravest) is not None
    ]
    sent = [f"{request_text(each.fault, each.exchange.request, _seen(each.where, each.times))}\n" for each in faults]
    for texts in (broken, sent):
        yield from texts[:MOST_SHOWN]
        if len(texts) > MOST_SHOWN:
            yield f"  and {len(texts) - MOST_SHOWN} more; --report DIR has all of them\n"
    if faults:
        yield f"If this is intended, allow it: --allow {one_line(max(faults[0].fault.names, key=len))}\n"


def _seen(where: str, times: int) -> str:
    return where if times == 1 else f"{where}, and {times - 1} more"


def known_names() -> frozenset[str]:
    """Return the names that a fault of a client can have, without those of tokens."""
    return frozenset({*contract().rules, *contract().questions, *BESIDE_THE_QUESTIONS})
