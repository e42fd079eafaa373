"""Recording over real HTTP, from a server that bears no stamp; what leaves old recordings as they are; their age."""

import shutil
import textwrap
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.integrity.mutants import mutants
from tests.support.processes import CHECKOUT, Ran, Served
from trackly_contract.core import Request, Response
from trackly_contract.core.http import STAMP
from trackly_contract.reference import ReferenceServer

RECORD = ("--trackly-target=live", "--trackly-effort=quick", "--trackly-record", "-q", "-p", "tests.doors.elsewhere")
REPLAY = ("--trackly-target=replay", "--trackly-effort=quick", "-q", "-p", "tests.doors.elsewhere")

ELSEWHERE = (CHECKOUT / "tests" / "doors" / "elsewhere.py").read_text("utf-8")
"""What `-p tests.doors.elsewhere` does."""


class Unstamped:
    """Stands for the live API: answers as the server inside does, without the stamp, and is talkative in headers."""

    def __init__(self, inner: ReferenceServer | None = None) -> None:
        self.inner = inner or ReferenceServer()
        self.choices, self.store = self.inner.choices, self.inner.store

    def answer(self, request: Request) -> Response:
        answer = self.inner.answer(request)
        headers = tuple(header for header in answer.headers if header[0] != STAMP)
        told = (("Set-Cookie", "session=abc"), ("X-Request-Id", "r-123"), ("X-Account", "Somebody Ltd"))
        return Response(answer.status, (*headers, *told), answer.body)


class Recording:
    """Runs of the suite whose cassettes stand in a folder of their own."""

    def __init__(self, run: Callable[..., Ran], serve: Callable[..., Served], folder: Path) -> None:
        self.run, self.serve, self.folder = run, serve, folder
        self.live = folder / "cassettes" / "live"

    def record(self, *more: str, server: object = None, **variables: str) -> Ran:
        served = self.serve(server or Unstamped())
        return self._run(*RECORD, *more, **{**served.variables, **variables})

    def replay(self, *more: str, **variables: str) -> Ran:
        return self._run(*REPLAY, *more, **variables)

    def _run(self, *arguments: str, **variables: str) -> Ran:
        places = {"PYTHONPATH": str(self.folder), "CASSETTES": str(self.live.parent)}
        return self.run(*arguments, **{**places, **variables})

    def content(self) -> dict[str, bytes]:
        """Return everything there is beside and in the folder of live recordings."""
        files = [path for path in self.live.parent.rglob("*") if path.is_file()]
        return {str(path.relative_to(self.live.parent)): path.read_bytes() for path in files}


@pytest.fixture
def tapes(run_pytest: Callable[..., Ran], serve: Callable[..., Served], tmp_path: Path) -> Recording:
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
    assert "recorded 42 cases into " in ran.text
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
    assert isinstance(server, ReferenceServer)
    assert tapes.record(server=Unstamped(server)).code == 1
    again = tapes.replay()
    assert again.code == 1, again.text
    assert "filter.time.unit/weeks" in again.text


def test_nothing_is_left_beside_finished_recordings(old: dict[str, bytes]) -> None:
    assert {name.partition("/")[0] for name in old} == {"live"}


# What leaves the old recordings as they were ---------------------------------------------------------


def test_a_stamped_run_leaves_them(tapes: Recording, old: dict[str, bytes]) -> None:
    ran = tapes.record(server=ReferenceServer())
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
def test_a_run_that_does_not_end_leaves_them(
    tapes: Recording, old: dict[str, bytes], tmp_path: Path, stop: str, code: int
) -> None:
    (tmp_path / "stops.py").write_text(
        textwrap.dedent(
            f"""
            from trackly_contract.run import Session

            def confirm_unchanged(self):
                {stop}

            Session.confirm_unchanged = confirm_unchanged
            """
        )
    )
    ran = tapes.record("-p", "stops")
    assert ran.code == code, ran.text
    assert tapes.content() == old


class Garbled(Unstamped):
    """Answers one update with what cannot be unpacked."""

    def answer(self, request: Request) -> Response:
        if b"weeks" in request.body:
            return Response(200, (("Content-Encoding", "gzip"),), b"no gzip")
        return super().answer(request)


@pytest.fixture
def dropping() -> Iterator[str]:
    """Serve a server that ends the connection instead of answering one update; yields its base URL."""
    api = Unstamped()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.close_connection = b"weeks" in body
            if not self.close_connection:
                path = self.path.removeprefix("/api")
                answer = api.answer(Request(self.command, path, tuple(self.headers.items()), body))
                self.send_response(answer.status)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

        do_PUT = do_GET  # noqa: N815  # the name is the library's

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/api"
        server.shutdown()
        thread.join()


def test_a_run_with_a_request_that_got_no_answer_leaves_them(
    tapes: Recording, old: dict[str, bytes], dropping: str
) -> None:
    ran = tapes.record(TRACKLY_BASE_URL=dropping)
    assert ran.code == 10, ran.text
    assert "nothing recorded: not everything was answered" in ran.text
    assert tapes.content() == old


def test_a_run_with_an_answer_that_cannot_be_read_leaves_them(tapes: Recording, old: dict[str, bytes]) -> None:
    ran = tapes.record(server=Garbled())
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
def test_recordings_that_nothing_asks_for_fail_a_whole_replay(tapes: Recording, tmp_path: Path) -> None:
    (tmp_path / "skips.py").write_text(
        textwrap.dedent(
            """
            from contextlib import nullcontext
            from trackly_contract.run import Session

            original = Session.step
            Session.step = lambda self, case: nullcontext() if case == "cached" else original(self, case)
            """
        )
    )
    ran = tapes.replay("-p", "skips")
    assert ran.code == 3, ran.text
    assert "cached.yaml: recorded but never asked for; record again (make record)" in ran.text
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
def test_an_unmatched_request_is_told_without_a_stack_trace(tapes: Recording, tmp_path: Path) -> None:
    (tmp_path / "asks_otherwise.py").write_text(
        "from trackly_contract.contract import filters\nfilters.GUARD['value'] = 1_999_999_999\n"
    )
    ran = tapes.replay("-p", "asks_otherwise")
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
    assert ran.report is not None
    assert ran.report["evidence"] == f"recorded from the live API on 2026-11-01; {age}"
    assert "record again" not in ran.text
