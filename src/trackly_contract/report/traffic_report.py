"""Recorded traffic as a report: the same verdicts, files and exit codes as a run of the suite.

Promises: what a file shows never reads as more than the file; a stamped answer is a stand-in's; no key of a recording
shows in a text or a file; what the client sent is told apart from what the API did.
Refuses: to judge (traffic_judge.py).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from trackly_contract.contract import contract
from trackly_contract.core import (
    Exchange,
    ExitCode,
    RunVerdict,
    Verdict,
    one_line,
    redacted,
    redacted_body,
    short,
    without,
)
from trackly_contract.judge import (
    BESIDE_THE_QUESTIONS,
    ClientFault,
    Finding,
    Seen,
    Severity,
    Source,
    Traffic,
    Value,
    Words,
    failure_text,
    request_text,
)
from trackly_contract.report import report as reports
from trackly_contract.report.report import Report
from trackly_contract.report.waivers import Waiver

Side = Literal["api", "client", "both"]
SIDES: tuple[Side, ...] = ("api", "client", "both")

MOST_SHOWN = 5
"""Differences, and faults of the client, that are shown in full in the terminal."""

MOST_KEYS = 20
"""Keys that are looked for in all texts; what is told of an exchange is rid of its own key whatever their number."""


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
    failing: list[ClientFault] = []
    passed: list[ClientFault] = []
    faults = [_without_its_key(found) for found in traffic.faults.values()]
    for found in sorted(faults, key=lambda found: list(Severity).index(found.fault.severity)):
        counts = side != "api" and found.fault.severity is not Severity.OPEN and not found.fault.names & set(allow)
        (failing if counts else passed).append(found)
    shown: dict[int, Exchange] = {}
    for exchange in (*(f.exchange for f in traffic.findings.kept), *(f.exchange for f in faults)):
        if exchange is not None:
            shown.setdefault(exchange.number, _keyless(exchange))
    findings = [_keyless_finding(finding, shown) for finding in traffic.findings.kept]
    keys = dict.fromkeys(filter(None, (exchange.request.header("x-api-key") for exchange in shown.values())))
    addresses = ", ".join(traffic.addresses) or "no address of the API"
    watched = Seen(
        target=Source("traffic", addresses, f"recorded traffic: {', '.join(map(one_line, files))}"),
        stamped=traffic.stamped,
        requests=traffic.exchanges,
        writes=traffic.writes,
        findings=findings,
        exchanges=[shown[number] for number in sorted(shown)],
        notes=[*_notes(traffic, side)],
    )
    seen = frozenset(traffic.findings.tally)
    reasons = dict.fromkeys(contract().rules, "skipped: this traffic does not show it") | dict(traffic.unseen)
    report = reports.build_report(
        watched, started_at=started_at, looked_for=seen, reasons=reasons, waivers=waivers, last_live=None
    )
    results = tuple(replace(result, tally=traffic.findings.tally.get(result.rule.id)) for result in report.results)
    recording = reports.Recording(traffic, side, tuple(failing), tuple(passed), tuple(keys)[:MOST_KEYS])
    return replace(report, results=results, recording=recording)


def _keyless(exchange: Exchange) -> Exchange:
    """Return an exchange whose bodies hold no spelling of the key that it was sent with."""
    request, response = exchange.request, exchange.response
    key = request.header("x-api-key") or ""
    return Exchange(
        replace(request, body=redacted_body(request.body, key)),
        replace(response, body=redacted_body(response.body, key)),
        exchange.number,
    )


def _keyless_finding(finding: Finding, shown: Mapping[int, Exchange]) -> Finding:
    if finding.exchange is None:
        return finding
    key = finding.exchange.request.header("x-api-key") or ""
    expected, actual = _keyless_side(finding.expected, key), _keyless_side(finding.actual, key)
    return replace(finding, exchange=shown[finding.exchange.number], expected=expected, actual=actual)


def _keyless_side(side: Any, key: str) -> Any:
    """Return an expected or actual value without the key."""
    match side:
        case Value(json, problem):
            return Value(without(json, key), redacted(problem, key))
        case Words(text):
            return Words(redacted(text, key))
        case _:
            return side


def _without_its_key(found: ClientFault) -> ClientFault:
    key, fault = found.exchange.request.header("x-api-key") or "", found.fault
    fault = replace(fault, place=redacted(fault.place, key), got=redacted(fault.got, key))
    fault = replace(fault, instead=redacted(fault.instead, key), word=redacted(fault.word, key))
    return replace(found, fault=fault, exchange=_keyless(found.exchange))


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


def exit_code(report: Report) -> ExitCode:
    """Return how a judgement ends: drift for a fault of a side that counts, inconclusive for what was left out."""
    recording = report.recording
    assert recording is not None
    if recording.faults or (recording.side != "client" and report.verdict is RunVerdict.DRIFT):
        return ExitCode.DRIFT
    traffic = recording.traffic
    left_out = traffic.unreadable or (recording.side != "client" and traffic.not_judged)
    return ExitCode.INCONCLUSIVE if left_out or not traffic.exchanges else ExitCode.CONFORMS


def lines(report: Report, folder: str | None = None) -> Iterator[str]:
    """Yield what a terminal shows of a report; `folder` is where its files are, None if there are none."""
    for line in _lines(report, folder):
        yield report.redacted(line)


def _lines(report: Report, folder: str | None) -> Iterator[str]:
    recording = report.recording
    assert recording is not None
    traffic = recording.traffic
    yield from _differences(report)
    yield from _faults(report)
    yield f"verdict    {report.verdict.value}: {one_line(report.headline())}"
    stamp = ", stamped by a stand-in: this says nothing of the API itself" if traffic.stamped else ""
    yield f"evidence   {one_line(report.session.target.evidence)}; answered at {report.session.target.base_url}{stamp}"
    left = sum(times for times, _ in (*traffic.not_judged.values(), *traffic.unreadable.values()))
    yield (
        f"exchanges  judged {traffic.judged} of {traffic.records}; {traffic.elsewhere} to other addresses"
        f"{f'; {left} could not be judged' if left else ''}"
    )
    for reasons in (traffic.not_judged, traffic.unreadable):
        for reason, (times, where) in list(reasons.items())[:MOST_SHOWN]:
            yield one_line(f"  {times} x {where}: {short(reason, 200)}")
    yield f"rules      {len(report.results)}: {report.counted}"
    for verdict in (Verdict.BROKEN, Verdict.NOTED, Verdict.INCONCLUSIVE):
        yield from (f"  {verdict.value:<12} {one_line(told)}" for _, told in report.alike(verdict))
    fails, told_only = (sum(found.times for found in some) for some in (recording.faults, recording.passed))
    more = f", {told_only} more that {'fails' if told_only == 1 else 'fail'} nothing" if told_only else ""
    yield f"client     {_many(fails, 'fault')} in requests{more}"
    for note in report.notes:
        yield f"note       {one_line(note)}"
    if folder is not None:
        yield f"report     {one_line(folder)}/report.html"


def _differences(report: Report) -> Iterator[str]:
    """Yield the first difference of each broken rule in full, at most MOST_SHOWN."""
    broken = [result for result in report.results if result.verdict is Verdict.BROKEN]
    for result in broken[:MOST_SHOWN]:
        worst = next(found for found in result.findings if found.verdict is Verdict.BROKEN)
        yield failure_text(worst, result.rule, last_live="")
        yield f"  {'in':<9}  {one_line(_seen(worst.case, result.counted[Verdict.BROKEN]))}"
        yield ""
    if len(broken) > MOST_SHOWN:
        yield f"  and {_many(len(broken) - MOST_SHOWN, 'more broken rule')}; --report DIR has all of them\n"


def _many(count: int, one: str, more: str = "") -> str:
    """Return a number with its noun."""
    return f"{count} {one if count == 1 else more or f'{one}s'}"


def _seen(where: str, times: int) -> str:
    return where if times == 1 else f"{where}, and {times - 1} more"


def _faults(report: Report) -> Iterator[str]:
    """Yield the faults of the client that fail, in full, at most MOST_SHOWN."""
    assert report.recording is not None
    faults = report.recording.faults
    for found in faults[:MOST_SHOWN]:
        yield request_text(found.fault, found.exchange.request, _seen(found.where, found.times))
        yield ""
    if len(faults) > MOST_SHOWN:
        more = _many(len(faults) - MOST_SHOWN, "more kind", "more kinds")
        yield f"  and {more} of fault of the client; --report DIR has all of them\n"
    if faults:
        yield f"If this is intended, allow it: --allow {one_line(max(faults[0].fault.names, key=len))}\n"


def known_names() -> frozenset[str]:
    """Return the names that a fault of a client can have, without those of tokens."""
    return frozenset({*contract().rules, *contract().questions, *BESIDE_THE_QUESTIONS})
