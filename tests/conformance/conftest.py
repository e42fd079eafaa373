"""The steps of a conformance run, each sent once and only when a test asks for it.

A step is a session fixture: what it sends is judged as it happens (trackly_contract.session), and tests look at
what was found. The order is from harmless to destructive: read, rehearse the restore, update, refuse, restore.
Nothing here knows what stands behind the target.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from trackly_contract.contract import NOBODY, Schemas, contract
from trackly_contract.core import ABSENT, JSON, InconclusiveError, Verdict, differences
from trackly_contract.generate import (
    VECTOR_LISTS,
    accepted_filters,
    alone,
    corpus,
    documented_conditions,
    together,
    update_sequence,
)
from trackly_contract.run import CASE, ask_all, find_tokens, own_content, refusal_code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trackly_contract.contract import RequestVector
    from trackly_contract.core import Exchange
    from trackly_contract.generate import Tokens
    from trackly_contract.run import Session

Audience = dict[str, JSON]


@pytest.fixture(scope="session")
def api(trackly_session: Session) -> Session:
    return trackly_session


@pytest.fixture(scope="session")
def untouched(api: Session) -> Audience:
    """The audience before anything was changed."""
    if api.interrupted:
        with api.step("recover"):
            api.recover()
    with api.step("untouched"):
        audience = api.read("untouched")
    if audience is None:
        raise InconclusiveError("GET of the audience shows no audience, so nothing else can be asked")
    found: Audience = audience
    return found


@pytest.fixture(scope="session")
def sandbox(api: Session, untouched: Audience) -> Iterator[Audience]:
    """The audience, kept in the journal and given back at the end whatever happens."""
    if api.read_only:
        pytest.skip("read-only: nothing is changed")
    api.back_up(untouched)
    yield untouched
    if api.backup is not None:
        with api.step(f"restore-{api.effort}"):
            api.notes.extend(f"not put back: {line}" for line in api.restore())


@pytest.fixture(scope="session")
def rehearsed(api: Session, sandbox: Audience) -> Audience:
    """The audience after its own content was sent back: the first write, and a rehearsal of the last."""
    with api.step("rehearsal"):
        before = len(api.findings)
        content = own_content(sandbox)
        # A refusal breaks a rule only if all of the content is documented; an audience may hold what is not.
        documented = Schemas(contract().vocabulary.documented()).decide(content).accepted
        exchange = api.update(content, "rehearsal")
        if not exchange.response.succeeded:
            api.discard_backup()
            # A list of the audience may be gone, and a server may be closed for writing: then nothing is broken.
            if documented and exchange.response.status < 500 and refusal_code(exchange) != "source_list_not_found":
                api.broke("update.success", "accepted: 2xx", exchange, "rehearsal")
            raise InconclusiveError(
                f"the audience's own content was refused ({exchange.response.status}): it could not be put back "
                "after a change, so nothing is changed"
            )
        audience = api.read("rehearsal")
        changed = [
            finding
            for finding in api.findings[before:]
            if finding.verdict is Verdict.BROKEN and finding.rule.startswith("update.")
        ]
    found: Audience = audience or {}
    gone = [place for place, _, now in differences(sandbox.get("filter"), found.get("filter")) if now is ABSENT]
    if changed or gone or not found:
        what = changed[0].got if changed else f"/filter{gone[0]} is gone" if gone else "no audience"
        raise InconclusiveError(
            f"sending the audience's own content back changed it ({what}): no further write is made"
        )
    return found


@pytest.fixture(scope="session")
def cached(api: Session, rehearsed: Audience) -> bool:
    """Whether a size is cached, counted if need be, so that an update can be seen to clear it."""
    with api.step("cached"):
        if rehearsed.get("cached_size") is None and api.count():
            api.read("cached")
    return bool(api.state.audience and api.state.audience.get("cached_size") is not None)


@pytest.fixture(scope="session")
def described(api: Session, cached: bool) -> Exchange:  # noqa: ARG001  # a cache must be there to be kept
    """Name and description come first: the size of the audience's own filter is cached, and may be more than 0.

    Of the two the description: the answer then shows whether a name came through that was sent with a bad key.
    """
    vector = contract().requests["update.description/unicode"]
    with api.step("described"):
        return api.update(vector.body, vector.id, ("update.optional",))


@pytest.fixture(scope="session")
def renamed(api: Session, described: Exchange) -> Exchange:  # noqa: ARG001  # one after the other
    vector = contract().requests["update.name.longest/255"]
    with api.step("renamed"):
        exchange = api.update(vector.body, vector.id, ("update.optional", "update.name.longest"))
        api.read("renamed")
    return exchange


@pytest.fixture(scope="session")
def retold(api: Session, renamed: Exchange) -> Exchange:  # noqa: ARG001  # one after the other
    vector = contract().requests["update.cache.kept/name-and-description"]
    with api.step("retold"):
        exchange = api.update(vector.body, vector.id, ("update.name", "update.description"))
        api.read("retold")
    return exchange


@pytest.fixture(scope="session")
def filtered(api: Session, retold: Exchange) -> Exchange:  # noqa: ARG001  # a cache must be there to be cleared
    """One update with every documented token; split to find the culprit only if it is refused."""
    with api.step("accepted-filters"):
        exchange = _accept(api, [*accepted_filters(), *documented_conditions()], ("update.optional",))
        api.read("accepted-filters")
    return exchange


def _accept(api: Session, vectors: list[RequestVector], rules: tuple[str, ...], *, first: bool = True) -> Exchange:
    judged = tuple(dict.fromkeys(vector.rule for vector in vectors))
    if len(vectors) == 1:
        exchange = api.update({"filter": alone(vectors[0])}, vectors[0].id, judged)
        if exchange.response.succeeded:
            api.held(rules, exchange, vectors[0].id)
        return exchange
    exchange = api.attempt({"filter": together(vectors)}, "accepted-filters")
    if exchange.response.succeeded:
        api.held((*judged, *rules), exchange, "accepted-filters")
        return exchange
    if first and not api.attempt({"filter": NOBODY}, "accepted-filters").response.succeeded:
        raise InconclusiveError(
            "the filter that matches nobody is refused here (a count of two thousand million clicks; how large a value "
            "may be is open): without it nothing can be tried safely"
        )
    half = len(vectors) // 2
    _accept(api, vectors[:half], rules, first=False)
    return _accept(api, vectors[half:], rules, first=False)


@pytest.fixture(scope="session")
def recounted(api: Session, filtered: Exchange) -> bool:  # noqa: ARG001  # there is nothing to count before
    """Whether the size endpoint counted again after the filter changed."""
    with api.step("recounted"):
        counted = api.count()
        api.read("recounted")
    return counted


@pytest.fixture(scope="session")
def listed(api: Session, recounted: bool) -> Exchange:  # noqa: ARG001  # a filter that matches nobody stands
    vector = contract().requests["update.source_lists/empty"]
    with api.step("listed"):
        return api.update(vector.body, vector.id, ("update.optional", "update.source_lists"))


@pytest.fixture(scope="session")
def tokens(api: Session, listed: Exchange) -> Tokens:  # noqa: ARG001  # one after the other
    """The tokens that the target accepts where the documentation has candidates only."""
    with api.step("candidates"):
        found = find_tokens(api)
        api.read("candidates")
        if api.count():  # with a size cached, a refused filter that clears it is seen
            api.read("counted")
    return found


@pytest.fixture(scope="session")
def known_lists(sandbox: Audience) -> list[int]:
    """Sending lists that exist: those the audience came with."""
    return [entry for entry in sandbox.get("source_lists") or [] if type(entry) is int]


@pytest.fixture(scope="session")
def sequenced(api: Session, tokens: Tokens, known_lists: list[int]) -> None:  # noqa: ARG001  # one after the other
    """Updates in a row, from `standard` on; at `thorough` those of the corpus too, refused ones and reads between."""
    if api.effort == "quick":
        return
    with api.step("walk"):
        for step in update_sequence(known_lists):
            if step.count_first:
                api.count()
                if "filter" not in step.body:  # what is kept can only be compared with what was read
                    api.read(f"walk: {step.id}")
            _step(api, f"walk: {step.id}", step.body)
            if step.read_after:
                api.read(f"walk: {step.id}")
    if api.effort == "thorough":
        with api.step("corpus"):
            _walk_the_corpus(api, known_lists)


def _walk_the_corpus(api: Session, known_lists: list[int]) -> None:
    rules = {rule.code: rule.id for rule in contract().rules.values() if rule.status == 400}
    refused = iter([entry for entry in corpus().rejected if not entry.candidates])
    for number, entry in enumerate(corpus().accepted):
        body = {**entry.body}
        if "source_lists" in body:
            body["source_lists"] = known_lists[: len(body["source_lists"])]
        if number % 3 == 0 and api.count():
            api.read(f"corpus: {entry.id}")
        _step(api, f"corpus: {entry.id}", body)
        for faulty in itertools.islice(refused, 2):
            body = {**faulty.body}
            if "source_lists" in body:
                known = dict(zip(VECTOR_LISTS, known_lists, strict=False))
                body["source_lists"] = [known.get(one, one) for one in body["source_lists"]]
            if not {*VECTOR_LISTS} & {*body.get("source_lists", ())} - {*known_lists}:
                api.refuse_body(body, rules[faulty.code], faulty.code, f"corpus: {faulty.id}")
        api.read(f"corpus: {entry.id}")


def _step(api: Session, case: str, body: Audience) -> None:
    """Send an update of several members; a refusal of one that was refused before is told already."""
    exchange = api.update(body, case)
    if exchange.response.succeeded or api.refuses_documented_filters():
        return
    rules = ["update.name.longest" if len(body.get("name", "")) == 255 else f"update.{name}" for name in body]
    if not any(finding.verdict is Verdict.BROKEN for rule in rules for finding in api.of(rule)):
        api.broke(rules[0], "accepted: 2xx", exchange, case)


@pytest.fixture(scope="session")
def questioned(api: Session, sequenced: None, tokens: Tokens, known_lists: list[int]) -> None:  # noqa: ARG001  # after it
    """What the documentation leaves open, asked where somebody wants to know; no rule depends on it."""
    if api.asks_questions:
        with api.step(CASE):
            api.answers += ask_all(api, tokens, known_lists)


@pytest.fixture(scope="session")
def restored(api: Session, listed: Exchange, questioned: None) -> list[str]:  # noqa: ARG001  # the last step
    """What could not be put back, after everything was."""
    with api.step(f"restore-{api.effort}"):  # what was counted before differs by effort
        return api.restore()
