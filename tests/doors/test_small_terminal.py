"""A run in a terminal of 80 columns without colours: what is ours fits it, and the verdict stands last."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.doors.test_plan import Counting, at_a_terminal, needs_a_terminal
from tests.support.processes import Served
from trackly_contract.core import Request, Response
from trackly_contract.reference import ReferenceServer

COLUMNS = 80


class Vague(Counting):
    """Refuses what it always did, each time with another code of its own."""

    def answer(self, request: Request) -> Response:
        answer = super().answer(request)
        return self.error(400, f"refused_{self.requests}_{'x' * 70}", "no") if answer.status == 400 else answer


@needs_a_terminal
@pytest.mark.parametrize(("make", "code"), [(Counting, 0), (Vague, 1)], ids=["conforming", "drifted"])
def test_the_end_of_a_run_fits_eighty_columns_and_is_the_end(
    serve: Callable[[ReferenceServer], Served], tmp_path: Path, make: type[Counting], code: int
) -> None:
    served = serve(make())
    assert isinstance(served.server, Counting)
    variables = {**served.variables, "COLUMNS": str(COLUMNS), "NO_COLOR": "1"}
    ended, shown = at_a_terminal((served.server, variables), tmp_path, "", "--trackly-yes")
    assert ended == code, shown
    assert "\x1b[" not in shown.replace("\x1b[?25", "")
    _, plan, rest = shown.partition("trackly-contract is about to change")
    _, title, end = rest.partition("= trackly-contract =")
    assert (bool(plan), bool(title)) == (True, True), shown
    lines = end.splitlines()[1:]
    assert lines[0].startswith("verdict    ")
    assert [line for line in lines if line.startswith(("FAILED", "____"))] == []
    assert max(map(len, [*rest.splitlines()[:5], *lines])) <= COLUMNS, shown
    assert len(lines) < 24
