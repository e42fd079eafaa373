"""Whether a client survives an answer: it returns, or raises an exception that its test declared.

Promises: a look-up, type or decoding error that nobody caught is never survival, whatever a test declares; a client
that never met the answer has survived nothing.
Refuses: to say what a client should make of an answer.
"""

from __future__ import annotations

import json
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trackly_contract.contract import contract
from trackly_contract.core import WIDTH, one_line, redacted, short
from trackly_contract.judge import describe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trackly_contract.gate.gate import Gate, Sent
    from trackly_contract.gate.scenarios import Answer, Operation

UNCAUGHT = (KeyError, IndexError, TypeError, AttributeError, json.JSONDecodeError, UnicodeDecodeError, RecursionError)
"""Exceptions that say a program did not expect what it read. A subclass of a client's own is its answer.

Libraries have a JSONDecodeError of their own, not always a subclass: that is no answer of a client either.
"""


class NotSurvivedError(AssertionError):
    """A client did not survive an answer, or never met it."""


class NotApplicableError(Exception):
    """What the client sent leaves no room for the answer: an update of the filter is answered with that filter."""


@dataclass(frozen=True)
class Survival:
    """One answer that a client has to survive; `operation` is the request that is answered so: read or update."""

    answer: Answer
    gate: Gate

    @property
    def name(self) -> str:
        """The name of the answer, such as `read-200-null-cache`."""
        return self.answer.name

    @property
    def operation(self) -> Operation:
        """`read` or `update`."""
        return self.answer.operation

    @property
    def audience_id(self) -> str:
        """The id of the audience that is there."""
        return self.gate.audience_id

    @contextmanager
    def survived(self, *declared: type[Exception]) -> Iterator[None]:
        """Answer every request of the operation so, inside; `declared` are exceptions that a client may raise.

        Raises NotSurvivedError for any other exception, and where the operation was not sent or was refused for a
        fault of its own; NotApplicableError where an update itself says otherwise.
        """
        number = self.gate.requests
        self.gate.force(self.answer, times=None)
        raised: Exception | None = None
        try:
            yield
        except AssertionError:
            raise
        except Exception as error:  # noqa: BLE001  # whatever a client raises is what is judged here
            raised = error
        finally:
            self.gate.release()
        asked = [sent for sent in list(self.gate.sent) if sent.number > number and sent.operation == self.operation]
        given = [sent for sent in asked if sent.answer is self.answer]
        if raised is not None and (_uncaught(raised) or not isinstance(raised, declared)):
            raise NotSurvivedError(self._text(given, _uncaught(raised) or raised)) from raised
        if not given:
            self._not_met(asked)

    def _not_met(self, asked: list[Sent]) -> None:
        if not asked:
            raise NotSurvivedError(
                f"{self.name}: never met, for the client sent no {self.operation}. Where a client has one operation "
                f"alone, say so: @pytest.mark.trackly_operation({'update' if self.operation == 'read' else 'read'!r})"
            )
        response = asked[-1].response
        if response is not None and response.succeeded and self.operation == "update":
            members = ", ".join(sorted(self.answer.members))
            raise NotApplicableError(f"{self.name}: the update sends {members} itself, so its answer shows that")
        told = describe(response) if response is not None else "nothing"
        raise NotSurvivedError(f"{self.name}: never met, for the {self.operation} was answered {told}")

    def _text(self, given: list[Sent], raised: BaseException) -> str:
        facts = [("docs", self._docs())] if self.answer.stands_on else []
        if given and given[-1].response is not None:
            response = given[-1].response
            body = response.body.decode("utf-8", "replace")
            facts.append(("answered", f"{response.status} {short(body)}"))
        else:
            facts.append(("answered", str(self.answer.connection if given else "not yet: it failed before")))
        facts.append(("raised", f"{type(raised).__name__}: {short(str(raised), 200)}"))
        facts += [("at", place) for place in _places(raised)]
        own = "expect this answer where it is read: return, or raise an exception of the client's own"
        listed = "" if _uncaught(raised) else f"or declare it: survived({type(raised).__name__})"
        facts.append(("instead", f"{own}{', ' if listed else ''}{listed}"))
        lines = [
            f"{self.name:<{WIDTH - 20}} not survived",
            f"  {self.answer.says}",
            *(f"  {name:<9}  {one_line(text)}" for name, text in facts),
        ]
        text = "\n".join(lines)
        for key in {*self.gate.keys, *(sent.request.header("x-api-key") or "" for sent in given)}:
            text = redacted(text, key)
        return text

    def _docs(self) -> str:
        rule = contract().rules.get(self.answer.stands_on)
        if rule is not None:
            return f"{rule.sources[-1].page}, {rule.sources[-1].section} ({rule.id})"
        return f"docs/edge-cases.md, {self.answer.stands_on}"


def _uncaught(raised: BaseException) -> BaseException | None:
    """Return the exception if it is one that nobody caught, or the first such one of a group."""
    if isinstance(raised, BaseExceptionGroup):
        return next(filter(None, map(_uncaught, raised.exceptions)), None)
    return raised if type(raised) in UNCAUGHT or type(raised).__name__ == "JSONDecodeError" else None


def _places(raised: BaseException) -> list[str]:
    """Return where it was raised: the last lines of it that are not of an installed package."""
    frames = [
        frame
        for frame in traceback.extract_tb(raised.__traceback__)
        if "site-packages" not in frame.filename and not frame.filename.startswith("<") and __file__ != frame.filename
    ]
    inside = [frame for frame in frames if "/lib/python" not in frame.filename.replace("\\", "/")] or frames
    return [f"{frame.filename}:{frame.lineno} in {frame.name}: {short(frame.line or '', 100)}" for frame in inside[-2:]]
