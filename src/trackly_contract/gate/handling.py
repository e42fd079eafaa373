"""Whether a client handles a scenario: it returns, or raises an exception that its test declared."""

import json
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from trackly_contract.core import WIDTH, redacted, short
from trackly_contract.gate.gate import Gate, JudgedRequest
from trackly_contract.gate.scenarios import Scenario
from trackly_contract.judge import about, describe, fact_text

# They show that a program did not expect what it read. A subclass of a client's own is a decision of the client.
UNCAUGHT = (KeyError, IndexError, TypeError, AttributeError, json.JSONDecodeError, UnicodeDecodeError, RecursionError)


class NotHandledError(AssertionError):
    """A client did not handle a scenario, or never met it."""


class NotApplicableError(Exception):
    """The client's own update rules the scenario out: an update of the filter is answered with that filter."""


class ScenarioCase:
    """A scenario for the client of one test; `operation`, read or update, is the one that gets its response."""

    def __init__(self, scenario: Scenario, gate: Gate) -> None:
        self.scenario, self.gate = scenario, gate
        self.name, self.operation, self.audience_id = scenario.name, scenario.operation, gate.audience_id

    @contextmanager
    def handled(self, *declared: type[Exception]) -> Iterator[None]:
        """Force the scenario upon every request of its operation inside; the client may raise what is `declared`.

        Raises NotHandledError for any other exception, and where the client never got the response;
        NotApplicableError where that is because an update sets another value itself.
        """
        number = self.gate.requests
        self.gate.force(self.scenario, times=None)
        raised: Exception | None = None
        try:
            yield
        except AssertionError:
            raise
        except Exception as error:  # noqa: BLE001  # whatever a client raises is what is judged here
            raised = error
        finally:
            self.gate.release()
        asked = [one for one in list(self.gate.sent) if one.number > number and one.operation == self.operation]
        if raised is not None and (_uncaught(raised) or not isinstance(raised, declared)):
            raise NotHandledError(self._text(asked, raised)) from raised
        if not asked:
            other = "update" if self.operation == "read" else "read"
            one = f"If the client has only one operation, say so: @pytest.mark.trackly_operation({other!r})"
            raise NotHandledError(f"{self.name}: never met, because the client sent no {self.operation}. {one}")
        if not any(one.scenario is self.scenario for one in asked):
            response = asked[-1].response
            if response is not None and response.succeeded and self.operation == "update":
                fields = ", ".join(sorted(self.scenario.audience))
                raise NotApplicableError(f"{self.name}: the update sends {fields} itself, so the response shows that")
            shown = describe(response) if response is not None else "nothing"
            raise NotHandledError(f"{self.name}: never met, because the response to the {self.operation} was {shown}")

    def _text(self, asked: list[JudgedRequest], raised: BaseException) -> str:
        uncaught, scenario = _uncaught(raised), self.scenario
        raised = uncaught or raised
        given = [one.response for one in asked if one.scenario is scenario]
        shown: str = scenario.connection if given else "not yet: the client failed before"
        if given and given[-1] is not None:
            shown = f"{given[-1].status} {short(given[-1].body.decode('utf-8', 'replace'))}"
        instead = "expect this response where it is read: return, or raise an exception of the client's own"
        docs = about(scenario.based_on)[1] if scenario.based_on else ""
        facts = {
            "docs": docs if docs.endswith(scenario.based_on) else f"{docs} ({scenario.based_on})",
            "response": shown,
            "raised": f"{type(raised).__name__}: {short(redacted(str(raised), *self.gate.keys), 200)}",
            "at": redacted(_place(raised), *self.gate.keys),
            "instead": instead if uncaught else f"{instead}, or declare it: handled({type(raised).__name__})",
        }
        return fact_text(f"{self.name:<{WIDTH - 20}} not handled", scenario.description, facts)


def _uncaught(raised: BaseException) -> BaseException | None:
    """Return the exception if it is one that nobody caught, or the first such one of a group."""
    if isinstance(raised, BaseExceptionGroup):
        return next(filter(None, map(_uncaught, raised.exceptions)), None)
    return raised if type(raised) in UNCAUGHT or type(raised).__name__ == "JSONDecodeError" else None


def _place(raised: BaseException) -> str:
    """Return where it was raised: the last line of it that is of no library."""
    frames = list(traceback.extract_tb(raised.__traceback__))
    library = re.compile(rf"site-packages|[/\\]lib[/\\]python|\A<|\A{re.escape(__file__)}\Z")
    own = [frame for frame in frames if not library.search(frame.filename)] or frames
    texts = [f"{frame.filename}:{frame.lineno} in {frame.name}: {short(frame.line or '', 100)}" for frame in own]
    return texts[-1] if texts else ""  # nobody raised it: one of a group
