"""Recording over real HTTP, from a server that bears no stamp; what leaves old recordings as they are; their age."""

import shutil
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integrity.mutants import mutants
from tests.support.processes import Ran
from tests.support.way import Strike, Way, Wire, answering, at_body, closed, framed

RECORD = ("--trackly-target=live", "--trackly-effort=quick", "--trackly-record", "-q", "-p", "tests.doors.elsewhere")
REPLAY = ("--trackly-target=replay", "--trackly-effort=quick", "-q", "-p", "tests.doors.elsewhere")

TALKATIVE = (("Set-Cookie", "session=abc"), ("X-Request-Id", "r-123"), ("X-Account", "Somebody Ltd"))


def _talkative(wire: Wire) -> None:
    """Answer with more headers."""
    wire.send(framed(wire.answer(), None, *TALKATIVE))


class Recording:
    """Runs of the suite whose cassettes stand in a folder of their own."""

    def __init__(self, run: Callable[..., Ran], serve: Callable[..., Way], folder: Path) -> None:
        self.run, self.serve, self.folder = run, serve, folder
        self.live = folder / "cassettes" / "live"

    def record(
        self,
        *more: str,
        server: object = None,
        stamped: bool = False,
        strike: Callable[[Way], Strike | None] = lambda _way: _talkative,
        **variables: str,
    ) -> Ran:
        served = self.serve(server, stamped)
        served.strike = strike
        return self._run(*RECORD, *more, **{**served.variables, **variables})

    def replay(self, *more: str, **variables: str) -> Ran:
        return self._run(*REPLAY, *more, **variables)

    def _run(self, *arguments: str, **variables: str) -> Ran:
        places = {"PYTHONPATH": str(self.folder), "CASSETTES": str(self.live.parent)}
        return self.run(*arguments, **{**places, **variables})

    def plugin(self, name: str, text: str) -> tuple[str, str]:
        """Write a plugin; return the options of a run with it."""
        (self.folder / f"{name}.py").write_text(textwrap.dedent(text), "utf-8")
        return "-p", name

    def content(self) -> dict[str, bytes]:
        """Return everything there is beside and in the folder of live recordings."""
        files = [path for path in self.live.parent.rglob("*") if path.is_file()]
        return {str(path.relative_to(self.live.parent)): path.read_bytes() for path in files}


@pytest.fixture
def tapes(run_pytest: Callable[..., Ran], serve: Callable[..., Way], tmp_path: Path) -> Recording:
    return Recording(run_pytest, serve, tmp_path)


RECORDED: list[Path] = []
"""Where the first recording of this process is kept: each test begins with a copy of it."""


@pytest.fixture
def old(tapes: Recording, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the recordings of a whole run, which stand there from before."""
    if not RECORDED:
        ran = tapes.record(TODAY="2026-11-01")
        assert ran.code == 0, ran.text
        RECORDED.append(tmp_path_factory.mktemp("recorded") / "cassettes")
        shutil.move(tapes.live.parent, RECORDED[0])
    shutil.copytree(RECORDED[0], tapes.live.parent)
    return tapes.content()


# Recording -----------------------------------------------------------------------------------------


def test_a_whole_run_is_recorded_and_replayed(tapes: Recording) -> None:
    ran = tapes.record()
    assert "recorded 43 cases into " in ran.text
    again = tapes.replay()
    assert again.code == 0, again.text
    assert "the recorded API conforms to its documentation" in again.text
    assert "recorded from the live API on " in again.text


def test_only_listed_headers_are_recorded(old: dict[str, bytes]) -> None:
    written = b"".join(old.values())
    assert [word for word in (b"session=abc", b"r-123", b"Somebody", b"127.0.0.1") if word in written] == []


@pytest.mark.usefixtures("old")
def test_a_drifted_api_is_recorded_and_its_replay_is_drift(tapes: Recording) -> None:
    server = next(mutant.make() for mutant in mutants() if mutant.id == "invalid_time_unit accepted")
    assert tapes.record(server=server).code == 1
    again = tapes.replay()
    assert again.code == 1, again.text
    assert "filter.time.unit/weeks" in again.text


def test_nothing_is_left_beside_finished_recordings(old: dict[str, bytes]) -> None:
    assert {name.partition("/")[0] for name in old} == {"live"}


# What leaves the old recordings as they were ---------------------------------------------------------


def test_a_stamped_run_leaves_them(tapes: Recording, old: dict[str, bytes]) -> None:
    ran = tapes.record(stamped=True)
    assert "nothing recorded: the answers bear the reference server's stamp" in ran.text
    assert tapes.content() == old


NARROW = {
    "-k": ("-k", "filter.time.unit"),
    "--deselect": ("--deselect", "tests/conformance/test_4_every_response.py::test_no_unreported_breakage"),
    "one test": ("tests/conformance/test_3_rejecting.py::test_rejected_updates_changed_nothing",),
    "one file": ("tests/conformance/test_4_every_response.py",),
    "read-only": ("--trackly-read-only",),
}


@pytest.mark.parametrize("narrow", NARROW.values(), ids=NARROW.keys())
def test_a_narrowed_run_leaves_them(tapes: Recording, old: dict[str, bytes], narrow: tuple[str, ...]) -> None:
    ran = tapes.record(*narrow)
    assert "nothing recorded: the run " in ran.text
    assert tapes.content() == old


STOPS = {
    "interrupted": ("raise KeyboardInterrupt", 2),
    "a bug of the suite": ("raise LookupError('a bug')", 3),
    "killed": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -9),
}


@pytest.mark.parametrize(("stop", "code"), STOPS.values(), ids=STOPS.keys())
def test_a_run_that_does_not_end_leaves_them(tapes: Recording, old: dict[str, bytes], stop: str, code: int) -> None:
    stops = f"""
        from trackly_contract.run import Session

        def require_nothing_unreported(self):
            {stop}

        Session.require_nothing_unreported = require_nothing_unreported
        """
    ran = tapes.record(*tapes.plugin("stops", stops))
    assert ran.code == code, ran.text
    assert tapes.content() == old


GARBLED = answering(200, b"no gzip", ("Content-Encoding", "gzip"))


@pytest.mark.parametrize("fault", [closed, GARBLED], ids=["no answer", "an answer that cannot be unpacked"])
def test_a_run_in_which_not_everything_was_answered_leaves_them(
    tapes: Recording, old: dict[str, bytes], fault: Strike
) -> None:
    ran = tapes.record(strike=at_body(b"weeks", fault))
    assert ran.code == 10, ran.text
    assert "nothing recorded: not everything was answered" in ran.text
    assert tapes.content() == old


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_sent(tapes: Recording) -> None:
    tapes.live.parent.write_bytes(b"")
    ran = tapes.record()
    assert ran.code == pytest.ExitCode.USAGE_ERROR
    assert "nothing can be recorded here" in ran.text


# Replaying -----------------------------------------------------------------------------------------


def test_a_swap_that_was_cut_off_is_finished_by_the_next_start(tapes: Recording, old: dict[str, bytes]) -> None:
    tapes.live.rename(tapes.live.with_name(".old-live"))
    assert tapes.replay().code == 0
    assert tapes.content() == old


@pytest.mark.usefixtures("old")
def test_recordings_that_nothing_asks_for_fail_a_whole_replay(tapes: Recording) -> None:
    skips = """
        from contextlib import nullcontext
        from trackly_contract.run import Session

        original = Session.step
        Session.step = lambda self, case: nullcontext() if case == "cached" else original(self, case)
        """
    ran = tapes.replay(*tapes.plugin("skips", skips))
    assert ran.code == 3, ran.text
    assert "cached.yaml, so record again (make record)" in ran.text
    assert "the recordings do not fit the suite, which is no drift" in ran.text


@pytest.mark.usefixtures("old")
def test_a_narrowed_replay_is_not_blamed_for_what_it_does_not_ask(tapes: Recording) -> None:
    ran = tapes.replay("-k", "filter.time.unit")
    assert ran.code == 0, ran.text
    assert "never asked for" not in ran.text


@pytest.mark.usefixtures("old")
def test_a_damaged_recording_is_a_usage_error_that_names_the_file(tapes: Recording) -> None:
    (tapes.live / "listed.yaml").write_bytes(b"")
    ran = tapes.replay()
    assert ran.code == pytest.ExitCode.USAGE_ERROR
    assert f"{tapes.live / 'listed.yaml'}: not as it was recorded" in ran.text
    assert "record again (make record)" in ran.text


@pytest.mark.usefixtures("old")
def test_an_unmatched_request_is_told_without_a_stack_trace(tapes: Recording) -> None:
    asks_otherwise = "from trackly_contract.contract import filters\nfilters.GUARD['value'] = 1_999_999_999\n"
    ran = tapes.replay(*tapes.plugin("asks_otherwise", asks_otherwise))
    assert ran.code == 3, ran.text
    assert "body: /filter/" in ran.text
    assert "sent 1999999999, recorded 2000000000" in ran.text
    assert "Traceback" not in ran.text
    assert "src/trackly_contract" not in ran.text


# Age -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "age"), [("2026-11-01", "0 days old"), ("2026-11-02", "1 day old"), ("2027-01-29", "89 days old")]
)
@pytest.mark.usefixtures("old")
def test_replay_says_how_old_the_recordings_are(tapes: Recording, day: str, age: str) -> None:
    ran = tapes.replay(TODAY=day)
    assert ran.report["evidence"] == f"recorded from the live API on 2026-11-01; {age}"
    assert "record again" not in ran.text
