"""The steps of a run, in the order in which they are sent: from harmless to destructive, then restored.

A test asks for a step by its name; it and the steps that it needs are sent once, and no other. Between them tests send
what stands alone: reads that must be denied after `untouched`, updates that must be denied after `rehearsal`, each
body that must be rejected after `candidates`. What a step sends is judged as it happens (session.py). Nothing here
knows what stands behind the target.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from trackly_contract.contract import NOBODY, RequestVector, Schemas, contract
from trackly_contract.core import ABSENT, JSON, InconclusiveError, SkippedError, Verdict, differences
from trackly_contract.generate import (
    VECTOR_LISTS,
    Tokens,
    accepted_filters,
    alone,
    corpus,
    documented_conditions,
    together,
    update_sequence,
)
from trackly_contract.judge import Rejected, Rejection, actual_text
from trackly_contract.run.candidates import find_tokens
from trackly_contract.run.questions import CASE as QUESTIONS
from trackly_contract.run.questions import ask_all
from trackly_contract.run.session import Session, own_content

Audience = dict[str, JSON]


@dataclass
class Script:
    """One run through the steps, and what later steps and tests need of earlier ones.

    `untouched` is the audience before anything was changed, `rehearsed` after its own content was sent back; `cached`
    and `recounted` say whether the size endpoint counted; `tokens` are those that the target accepts where the
    documentation has candidates only; `left` is what could not be restored.
    """

    session: Session
    untouched: Audience = field(default_factory=dict)
    rehearsed: Audience = field(default_factory=dict)
    recounted: bool = False
    tokens: Tokens = field(default_factory=lambda: Tokens({}, {}))
    left: list[str] = field(default_factory=list)
    _done: set[str] = field(default_factory=set)
    _failed: dict[str, InconclusiveError | SkippedError] = field(default_factory=dict)

    @property
    def known_lists(self) -> list[int]:
        """Sending lists that exist: those the audience came with."""
        return [entry for entry in self.untouched.get("source_lists") or [] if type(entry) is int]

    def reach(self, *names: str) -> None:
        """Send the named steps and what they need, each once.

        Raises InconclusiveError or SkippedError, each time, where a step could not be made.
        """
        for name in names:
            if name in self._failed:
                raise self._failed[name]
            if name in self._done:
                continue
            step = next(step for step in STEPS if step.name == name)
            try:
                self.reach(*step.needs)
                step.send(self)
            except (InconclusiveError, SkippedError) as error:
                self._failed[name] = error
                raise
            self._done.add(name)

    def finish(self) -> None:
        """Restore the audience, if a step backed it up and none restored it."""
        if self.session.backup is not None:
            try:
                _restore(self)
            except InconclusiveError as error:
                self.left = [str(error)]
            self.session.notes.extend(f"not put back: {line}" for line in self.left)


def _read_untouched(script: Script) -> None:
    """Read the audience before anything is changed; what an earlier run left behind is restored first."""
    api = script.session
    if api.interrupted:
        with api.step("recover"):
            api.recover()
    with api.step("untouched"):
        audience = api.read("untouched")
    if audience is None:
        raise InconclusiveError("GET of the audience shows no audience, so nothing else can be asked")
    script.untouched = audience


def _back_up(script: Script) -> None:
    if script.session.read_only:
        raise SkippedError("read-only: nothing is changed")
    script.session.back_up(script.untouched)


def _rehearse(script: Script) -> None:
    """Send the audience's own content back: the first write, and a rehearsal of the last."""
    api, sandbox = script.session, script.untouched
    with api.step("rehearsal"):
        before = len(api.findings)
        content = own_content(sandbox)
        # A rejection breaks a rule only if all of the content is documented; an audience may hold what is not.
        documented = Schemas(contract().vocabulary.documented()).decide(content).accepted
        exchange = api.update(content, "rehearsal")
        response = exchange.response
        if not response.succeeded:
            api.discard_backup()
            # A list of the audience may be gone, and a server may be closed for writing: then nothing is broken.
            if documented and response.status < 500 and response.code != "source_list_not_found":
                api.broke("update.success", exchange, "rehearsal")
            raise InconclusiveError(
                f"the audience's own content was refused ({response.status}): it could not be put back "
                "after a change, so nothing is changed"
            )
        script.rehearsed = api.read("rehearsal") or {}
        broken = [finding for finding in api.findings[before:] if finding.verdict is Verdict.BROKEN]
        changed = [finding for finding in broken if finding.rule.startswith("update.")]
    shown = script.rehearsed.get("filter")
    gone = [place for place, _, now in differences(sandbox.get("filter"), shown) if now is ABSENT]
    if changed or gone or not script.rehearsed:
        what = actual_text(changed[0]) if changed else f"/filter{gone[0]} is gone" if gone else "no audience"
        raise InconclusiveError(
            f"sending the audience's own content back changed it ({what}): no further write is made"
        )


def _cache(script: Script) -> None:
    """Have a size cached, counted if need be, so that an update can be seen to clear it."""
    with script.session.step("cached"):
        if script.rehearsed.get("cached_size") is None and script.session.count():
            script.session.read("cached")


def _describe(script: Script) -> None:
    """Update name and description first: the size of the audience's own filter is cached, and may be more than 0.

    Of the two the description: the response then shows whether a name came through that was sent with a bad key.
    """
    vector = contract().requests["update.description/unicode"]
    with script.session.step("described"):
        script.session.update(vector.body, vector.id, ("update.optional",))


def _rename(script: Script) -> None:
    vector = contract().requests["update.name.longest/255"]
    with script.session.step("renamed"):
        script.session.update(vector.body, vector.id, ("update.optional", "update.name.longest"))
        script.session.read("renamed")


def _rename_and_describe(script: Script) -> None:
    vector = contract().requests["update.cache.kept/name-and-description"]
    with script.session.step("retold"):
        script.session.update(vector.body, vector.id, ("update.name", "update.description"))
        script.session.read("retold")


def _filter(script: Script) -> None:
    """Send one update with every documented token; split it to find the culprit only if it is rejected."""
    with script.session.step("accepted-filters"):
        _accept(script.session, [*accepted_filters(), *documented_conditions()], ("update.optional",))
        script.session.read("accepted-filters")


def _accept(api: Session, vectors: Sequence[RequestVector], rules: tuple[str, ...], *, first: bool = True) -> None:
    judged = tuple(dict.fromkeys(vector.rule for vector in vectors))
    if len(vectors) == 1:
        exchange = api.update({"filter": alone(vectors[0])}, vectors[0].id, judged)
        if exchange.response.succeeded:
            api.held(rules, exchange, vectors[0].id)
        return
    exchange = api.update({"filter": together(vectors)}, "accepted-filters")
    if exchange.response.succeeded:
        api.held((*judged, *rules), exchange, "accepted-filters")
        return
    if first and not api.update({"filter": NOBODY}, "accepted-filters").response.succeeded:
        raise InconclusiveError(
            "the filter that matches nobody is refused here (a count of two thousand million clicks; how large a value "
            "may be is open): without it nothing can be tried safely"
        )
    half = len(vectors) // 2
    _accept(api, vectors[:half], rules, first=False)
    _accept(api, vectors[half:], rules, first=False)


def _recount(script: Script) -> None:
    """Have the size endpoint count again after the filter changed."""
    with script.session.step("recounted"):
        script.recounted = script.session.count()
        script.session.read("recounted")


def _list(script: Script) -> None:
    vector = contract().requests["update.source_lists/empty"]
    with script.session.step("listed"):
        script.session.update(vector.body, vector.id, ("update.optional", "update.source_lists"))


def _try_candidates(script: Script) -> None:
    api = script.session
    with api.step("candidates"):
        script.tokens = find_tokens(api)
        api.read("candidates")
        if api.count():  # with a size cached, a rejected filter that clears it is seen
            api.read("counted")


def _update_in_a_row(script: Script) -> None:
    """Send updates in a row, from `standard` on; at `thorough` those of the corpus too, rejected ones too."""
    api = script.session
    if api.effort == "quick":
        return
    with api.step("walk"):
        for step in update_sequence(script.known_lists):
            if step.count_first:
                api.count()
                if "filter" not in step.body:  # what is kept can only be compared with what was read
                    api.read(f"walk: {step.id}")
            _update(api, f"walk: {step.id}", step.body)
            if step.read_after:
                api.read(f"walk: {step.id}")
    if api.effort == "thorough":
        with api.step("corpus"):
            _update_with_the_corpus(api, script.known_lists)


def _update_with_the_corpus(api: Session, known_lists: list[int]) -> None:
    rules = {rule.code: rule.id for rule in contract().rules.values() if rule.status == 400}
    rejected = iter([entry for entry in corpus().rejected if not entry.candidates])
    for number, entry in enumerate(corpus().accepted):
        body = {**entry.body}
        if "source_lists" in body:
            body["source_lists"] = known_lists[: len(body["source_lists"])]
        if number % 3 == 0 and api.count():
            api.read(f"corpus: {entry.id}")
        _update(api, f"corpus: {entry.id}", body)
        for faulty in itertools.islice(rejected, 2):
            body = {**faulty.body}
            if "source_lists" in body:
                known = dict(zip(VECTOR_LISTS, known_lists, strict=False))
                body["source_lists"] = [known.get(one, one) for one in body["source_lists"]]
            if not {*VECTOR_LISTS} & {*body.get("source_lists", ())} - {*known_lists}:
                error = (rules[faulty.code], Rejection(400, faulty.code))
                api.reject_body(body, Rejected((error,)), f"corpus: {faulty.id}")
        api.read(f"corpus: {entry.id}")


def _update(api: Session, case: str, body: Audience) -> None:
    """Send an update of several fields; a rejection of one that was rejected before is reported already."""
    exchange = api.update(body, case)
    if exchange.response.succeeded or api.rejects_documented_filters():
        return
    rules = ["update.name.longest" if len(body.get("name", "")) == 255 else f"update.{name}" for name in body]
    if not any(finding.verdict is Verdict.BROKEN for rule in rules for finding in api.of(rule)):
        api.broke(rules[0], exchange, case)


def _ask_questions(script: Script) -> None:
    """Ask what the documentation leaves open, where somebody wants to know; no rule depends on it."""
    api = script.session
    if api.asks_questions:
        with api.step(QUESTIONS):
            api.answers += ask_all(api, script.tokens, script.known_lists)


def _restore(script: Script) -> None:
    with script.session.step(f"restore-{script.session.effort}"):  # what was counted before differs by effort
        script.left = script.session.restore()


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a run: its name, what sends it, and the steps that must have been sent before."""

    name: str
    send: Callable[[Script], None]
    needs: tuple[str, ...] = ()


STEPS = (
    Step("untouched", _read_untouched),
    Step("backed up", _back_up, needs=("untouched",)),
    Step("rehearsed", _rehearse, needs=("backed up",)),
    Step("cached", _cache, needs=("rehearsed",)),
    Step("described", _describe, needs=("cached",)),  # a cache must be there to be kept
    Step("renamed", _rename, needs=("described",)),
    Step("renamed and described", _rename_and_describe, needs=("renamed",)),
    Step("filtered", _filter, needs=("renamed and described",)),  # a cache must be there to be cleared
    Step("recounted", _recount, needs=("filtered",)),  # there is nothing to count before
    Step("listed", _list, needs=("recounted",)),  # a filter that matches nobody stands
    Step("candidates tried", _try_candidates, needs=("listed",)),
    Step("updated in a row", _update_in_a_row, needs=("candidates tried",)),
    Step("questions asked", _ask_questions, needs=("updated in a row",)),
    Step("restored", _restore, needs=("questions asked",)),
)
"""Every step, in the order in which they are sent."""
