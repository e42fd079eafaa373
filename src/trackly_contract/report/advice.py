"""What a difference means for people: since when it exists, whether it affects their client, and what to do.

Says which clients meet a difference; does not know anybody's client. Says nothing about the API where the reference
server responded.
"""

from dataclasses import dataclass

from trackly_contract.contract import Impact, Rule
from trackly_contract.core import RunVerdict, Verdict
from trackly_contract.judge import NEVER, Baseline, Finding, Reading, Success


def impact(finding: Finding, rule: Rule, *, waived: bool = False) -> Impact:
    """Return what a difference does to a client that was written from the documentation.

    `waived`: the difference is noted only because somebody waived the rule, which helps no client.
    """
    if finding.verdict is Verdict.NOTED and not waived:
        return Impact("no", "the documentation allows it; only a client that relies on more than it promises notices")
    succeeded = finding.exchange is not None and finding.exchange.response.succeeded
    if rule.code is not None and not succeeded:
        meets = f"a client that looks for {rule.status} {rule.code} to tell this mistake from others"
        return Impact("yes", f"{meets}: it meets something else")
    if rule.code is None and isinstance(finding.expected, Success):
        return Impact("yes", "a client that sends what the documentation allows here is refused")
    if rule.impact is not None:
        return rule.impact
    if rule.code is None:
        return Impact("perhaps", "a client that relies on this rule")
    return Impact(
        "perhaps",
        "not one that sends only what is documented; but one that counts on the refusal is no longer told of its "
        "mistake, and the audience may select other people than were meant",
    )


@dataclass(frozen=True, slots=True)
class Since:
    """Since when a difference is there, in words; `known` if a recording shows it."""

    known: bool
    text: str


_UNKNOWN_SINCE = {"": "recorded traffic shows no earlier day", NEVER: "no live recording has this request"}


def since(before: Baseline, *, day: str, stand_in: bool) -> Since:
    """Return since when a difference is there; `day` is that of the run."""
    if stand_in:
        return Since(False, "not asked of the API: a stand-in answered, and its answers have no history")
    if not before.recorded:
        why = _UNKNOWN_SINCE.get(before.said, before.said)
        return Since(False, f"not known ({why}); seen on {day}")
    if before.reading is Reading.KNOWN:
        return Since(True, f"since the last live recording or before: it answered {before.said} then too")
    if before.reading is Reading.NEW:
        return Since(True, f"between the last live recording ({before.said}) and {day}")
    if before.reading is Reading.MOVED:
        return Since(True, f"between the last live recording ({before.said}) and {day}; the documentation allows both")
    return Since(False, f"cannot be told: recorded was {before.said}, which the audience's own content may explain")


def steps(  # one parameter a circumstance
    verdict: RunVerdict,
    *,
    stand_in: bool,
    suite_failed: bool,
    live: bool,
    left: bool,
    traffic: bool = False,
    client: bool = False,
) -> list[str]:
    """Return what to do after a run, the first thing first.

    `traffic`: a recording was judged; `client`: the requests in it have faults that count.
    """
    found: list[str] = []
    waiving = "--waivers FILE" if traffic else "--trackly-waivers=FILE"
    if left:
        found.append("Put the audience back: trackly-contract restore. The notes say what is not as it was.")
    if suite_failed:
        return [
            *found,
            "Report the failed tests to the project: this is a bug of the suite, and says nothing of the API.",
        ]
    if stand_in and not traffic:
        found.append("Do not conclude anything of the API. To ask it: make live, or trackly-contract check --live.")
    if client:
        found.append("Mend the client: below stands what it sent that a page refuses, or that no page knows.")
    if verdict is RunVerdict.DRIFT:
        found += [
            "Read below which clients meet each difference, and look whether yours is one of them.",
            "Send the request yourself, with the program given under the rule, to see the answer with your own eyes.",
        ]
        if not stand_in:
            found += [
                "Write to the vendor: below stand the request, both answers and the page that they contradict.",
                f"Where you can live with it for a while: waive the rule until a day ({waiving}).",
            ]
    elif verdict is RunVerdict.INCONCLUSIVE:
        found.append("Nothing is broken. Read below why something could not be found out, mend that, and run again.")
    elif traffic and not found:
        found.append("Nothing to mend in what was judged. The skipped rules are those that this traffic does not show.")
    elif live:
        found.append("Nothing to mend. Keep the answers (make record), so that the next difference has a day.")
    return found
