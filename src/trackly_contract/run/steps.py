"""The steps of a run, in the order in which they are sent: from harmless to destructive, then restored.

A test asks for a step by its name; it and those before it are sent once, and no other. Between them tests send what
stands alone: requests that must be denied, and each body that must be rejected.
"""

import itertools
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from trackly_contract.contract import (
    CONTRADICTION,
    GUARD,
    NOBODY,
    UPDATE_FIELDS,
    RequestVector,
    Schemas,
    contract,
    guarded,
)
from trackly_contract.core import ABSENT, JSON, InconclusiveError, SkippedError, Verdict, differences, show
from trackly_contract.generate import (
    VECTOR_LISTS,
    Tokens,
    accepted,
    alone,
    corpus,
    plan,
    together,
    with_lists,
)
from trackly_contract.judge import WRONGLY_REJECTED, as_findings, differs
from trackly_contract.run.candidates import find_tokens
from trackly_contract.run.following import own_content
from trackly_contract.run.journal import JournalError
from trackly_contract.run.questions import ask_all
from trackly_contract.run.sandbox import NotAskedError, Stage
from trackly_contract.run.session import Session

Audience = dict[str, JSON]

REHEARSED = {
    ("name",): "update.success",
    ("description", "source_lists"): "update.optional",
    ("filter",): "update.success",
}
"""The parts in which the audience's own content is sent back, harmless ones first, and what a rejection breaks."""


@dataclass
class Script:
    """One run through the steps, and what later steps and tests need of earlier ones.

    `untouched` is the audience before anything was changed, `rehearsed` after its own content was sent back;
    `recounted` says whether the size endpoint counted; `left` is what could not be restored.
    """

    session: Session
    untouched: Audience = field(default_factory=dict)
    rehearsed: Audience = field(default_factory=dict)
    recounted: bool = False
    tokens: Tokens = field(default_factory=Tokens)
    left: list[str] = field(default_factory=list)
    _sent: int = 0
    _failed: InconclusiveError | SkippedError | None = None

    @property
    def known_lists(self) -> list[int]:
        """Sending lists that exist: those the audience came with."""
        return [entry for entry in self.untouched.get("source_lists") or [] if type(entry) is int]

    def reach(self, name: str) -> None:
        """Send the steps up to the named one, each once.

        Raises InconclusiveError or SkippedError, each time, where one of them could not be made.
        """
        for send in [*STEPS.values()][self._sent : [*STEPS].index(name) + 1]:
            try:
                if self._failed is not None:
                    raise self._failed
                send(self)
            except (InconclusiveError, SkippedError) as error:
                self._failed = error
                raise
            self._sent += 1

    def finish(self) -> None:
        """Restore the audience, if a step backed it up and none tried to restore it."""
        if self.session.sandbox.backup is not None and self.session.sandbox.stage is not Stage.CLOSED:
            try:
                _restore(self)
            except InconclusiveError as error:
                self.left = [str(error)]
            self.session.notes.extend(f"not put back: {line}" for line in self.left)


def _read_untouched(script: Script) -> None:
    """Read the audience before anything is changed; what an earlier run left behind is restored first."""
    _recover(script.session)
    with script.session.step("untouched"):
        audience = script.session.read("untouched")
    if audience is None:
        raise InconclusiveError("GET of the audience shows no audience, so nothing else can be asked")
    script.untouched = audience


def _recover(api: Session) -> None:
    try:
        backup = api.target.journal.read() if api.target.journal is not None else None
    except JournalError as error:
        raise InconclusiveError(str(error)) from None
    if backup is None:
        return
    if api.read_only:
        api.note(f"an earlier run left the audience changed: run `trackly-contract restore` ({backup.audience_id})")
        return
    with api.step("recover"):
        left = [*api.recover(backup), *api.sandbox.unsettled]
    if left:
        raise InconclusiveError(f"what an earlier run changed is not put back: {'; '.join(left)}")
    api.sandbox = api.new_sandbox()
    api.note("an earlier run was interrupted: the audience was put back first")


def _back_up(script: Script) -> None:
    if script.session.read_only:
        raise SkippedError("read-only: nothing is changed")
    with script.session.step("seen-again"):
        script.untouched = script.session.back_up(script.untouched)


def _rehearse(script: Script) -> None:
    """Send the audience's own content back, part by part: the first writes, and a rehearsal of the last."""
    api, sandbox = script.session, script.session.sandbox
    sandbox.enter(Stage.REHEARSING)
    content = own_content(script.untouched)
    # A rejection breaks a rule only if all of the content is documented; an audience may hold what is not.
    documented = Schemas(contract().vocabulary.documented()).decide(content).accepted
    with api.step("rehearsal"):
        for names, rule in REHEARSED.items():
            body = {name: content[name] for name in names if name in content}
            exchange = api.update(body, "rehearsal")
            if not (response := exchange.response).succeeded:
                # A list of the audience may be gone, and a server may be closed for writing: then nothing is broken.
                if documented and response.status < 500 and response.code != "source_list_not_found":
                    api.findings += as_findings([(rule, WRONGLY_REJECTED)], exchange, "rehearsal")
                raise InconclusiveError(
                    f"the audience's own {' and '.join(body)} was refused ({response.status}): it could not be put "
                    "back after a change, so nothing is changed"
                )
            script.rehearsed = api.read("rehearsal") or {}
            changed = [
                f"/{name}{place} was {show(one, 120)}, is {show(other, 120)}"
                for name in (*UPDATE_FIELDS, "status")
                for place, one, other in differences(script.untouched.get(name), script.rehearsed.get(name))
                if differs(name, script.untouched.get(name), script.rehearsed.get(name)) or other is ABSENT
            ]
            changed += sandbox.backup.lost(script.rehearsed) if sandbox.backup is not None else []
            if changed:
                raise InconclusiveError(
                    f"sending the audience's own {' and '.join(body)} back changed it ({changed[0]}): "
                    "no further write is made"
                )
    sandbox.enter(Stage.OPEN)


def _cache(script: Script) -> None:
    """Have a size cached, counted if need be, so that an update can be seen to clear it."""
    with script.session.step("cached"):
        if script.rehearsed.get("cached_size") is None and script.session.count():
            script.session.read("cached")


def _update_with(case: str, name: str, *rules: str, read: bool = True) -> Callable[[Script], None]:
    """Return a step that sends the body of a vector, which shows each of `rules`, and then reads the audience."""

    def send(script: Script) -> None:
        with script.session.step(case):
            script.session.update(contract().requests[name].body, name, rules)
            if read:
                script.session.read(case)

    return send


def _draw_on_all_lists(script: Script) -> None:
    send = _update_with("listed", "update.source_lists/empty", "update.optional", "update.source_lists", read=False)
    with suppress(NotAskedError):  # where the filter that matches nobody does not show
        send(script)


def _rename(script: Script) -> None:
    """Send the name of the greatest length, and whatever else a rule on the value of one field accepts."""
    with script.session.step("renamed"):
        for vector in accepted("update"):
            script.session.update(vector.body, vector.id, ("update.optional", vector.rule))
        script.session.read("renamed")


def _filter(script: Script) -> None:
    """Send one update with every documented token; split it to find the culprit only if it is rejected."""
    with script.session.step("accepted-filters"):
        _accept(script.session, [*accepted("filter"), *plan().filters])
        script.session.read("accepted-filters")


def _accept(
    api: Session, vectors: Sequence[RequestVector], last: Sequence[Audience] = CONTRADICTION, *, first: bool = True
) -> None:
    rules = tuple(dict.fromkeys(vector.rule for vector in vectors))
    single = len(vectors) == 1
    case = vectors[0].id if single else "accepted-filters"
    found = alone(vectors[0], last) if single else together(vectors, last)
    exchange = api.update({"filter": found}, case, rules if single else ())
    if exchange.response.succeeded:
        shown = () if single else rules
        api.findings += as_findings([(rule, None) for rule in (*shown, "update.optional")], exchange, case)
    if exchange.response.succeeded or single:
        return
    if first:
        last = _accepted_guards(api, case)
    half = len(vectors) // 2
    _accept(api, vectors[:half], last, first=False)
    _accept(api, vectors[half:], last, first=False)
    if first and last is not CONTRADICTION:
        raise InconclusiveError("the filter that matches nobody is refused here: nothing else can be tried safely")


def _accepted_guards(api: Session, case: str) -> Sequence[Audience]:
    """Return what stands last in a filter that matches nobody and is accepted here.

    Where the contradiction is refused, another count finds the culprit, although it is not of another type.
    """
    exchange = api.update({"filter": NOBODY}, case)
    if exchange.response.succeeded:
        return CONTRADICTION
    another: list[Audience] = [{**GUARD, "field": "send_count"}]
    if not api.update({"filter": guarded(GUARD, last=another)}, case).response.succeeded:
        raise InconclusiveError(
            "the filter that matches nobody is refused here (a count of two thousand million clicks; how large a value "
            "may be is open): without it nothing can be tried safely"
        )
    # As many conditions are accepted, so it is the tokens of the contradiction that are not.
    api.findings += as_findings([("filter.time.known", WRONGLY_REJECTED)], exchange, case)
    return another


def _recount(script: Script) -> None:
    """Have the size endpoint count again after the filter changed."""
    with script.session.step("recounted"):
        script.recounted = script.session.count()
        script.session.read("recounted")


def _try_candidates(script: Script) -> None:
    api = script.session
    with api.step("candidates"):
        script.tokens = find_tokens(api, script.known_lists)
        shown = api.read("candidates") or {}
        if shown.get("source_lists") == [] != script.known_lists:  # no candidate was accepted
            api.update({"source_lists": script.known_lists}, "candidates")
        if api.count():  # with a size cached, a rejected filter that clears it is seen
            api.read("counted")


def _update_in_a_row(script: Script) -> None:
    """Send updates in a row, from `standard` on; at `thorough` those of the corpus too, rejected ones too."""
    api = script.session
    if api.effort == "quick":
        return
    with api.step("walk"):
        for step in plan().sequence:
            body = step.body(script.known_lists)
            if step.count_first:
                api.count()
                if "filter" not in body:  # what is kept can only be compared with what was read
                    api.read(f"walk: {step.id}")
            _update(api, f"walk: {step.id}", body)
            if step.read_after:
                api.read(f"walk: {step.id}")
    if api.effort == "thorough":
        with api.step("corpus"):
            _update_with_the_corpus(api, script.known_lists)


def _update_with_the_corpus(api: Session, known_lists: list[int]) -> None:
    vectors = {v.code: v for v in contract().requests.values() if v.code == contract().rules[v.rule].code}
    rejected = (entry for entry in corpus().rejected if not entry.candidates)
    for number, entry in enumerate(corpus().accepted):
        case, body = f"corpus: {entry.id}", {**entry.body}
        if "source_lists" in body:
            body["source_lists"] = known_lists[: len(body["source_lists"])]
        if number % 3 == 0 and api.count():
            api.read(case)
        _update(api, case, body)
        for faulty in itertools.islice(rejected, 2):
            body = with_lists(faulty.body, known_lists)
            if not {*VECTOR_LISTS} & {*body.get("source_lists", ())} - {*known_lists}:
                api.reject(vectors[faulty.code], body, f"corpus: {faulty.id}")
        api.read(case)


def _update(api: Session, case: str, body: Audience) -> None:
    """Send an update of several fields; a rejection of what was rejected before is reported already."""
    exchange = api.update(body, case)
    rules = ["update.name.longest" if len(body.get("name", "")) == 255 else f"update.{name}" for name in body]
    explaining = {*rules, *(vector.rule for vector in accepted("filter"))}
    reported = any(f.verdict is Verdict.BROKEN and f.rule in explaining for f in api.findings)
    if not exchange.response.succeeded and not reported:
        api.findings += as_findings([(rules[0], WRONGLY_REJECTED)], exchange, case)


def _ask_questions(script: Script) -> None:
    """Ask what the documentation leaves open, where somebody wants to know; no rule depends on it."""
    api = script.session
    if api.asks_questions:
        with api.step("questions"):
            api.answers += ask_all(api, script.tokens, script.known_lists)


def _restore(script: Script) -> None:
    with script.session.step(f"restore-{script.session.effort}"):  # what was counted before differs by effort
        script.left = script.session.restore()


STEPS: dict[str, Callable[[Script], None]] = {
    "untouched": _read_untouched,
    "backed up": _back_up,
    "rehearsed": _rehearse,
    # A size must be cached to be kept or cleared. That of the audience's own filter may be more than 0, so what keeps
    # it comes first. Of name and description the latter: the response then shows whether a name came through that was
    # sent with a bad key.
    "cached": _cache,
    "described": _update_with("described", "update.description/unicode", "update.optional", read=False),
    "renamed": _rename,
    "renamed and described": _update_with(
        "retold", "update.cache.kept/name-and-description", "update.name", "update.description"
    ),
    "filtered": _filter,
    # Now that a filter stands that matches nobody, the audience may draw on all lists; on its own again before tests
    # send what must be rejected, some of which nothing guards.
    "listed": _draw_on_all_lists,
    "recounted": _recount,
    "candidates tried": _try_candidates,
    "updated in a row": _update_in_a_row,
    "questions asked": _ask_questions,
    "restored": _restore,
}
"""What sends each step, in the order in which they are sent: a step needs all that stand before it."""
