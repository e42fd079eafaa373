"""Facts about the lock: one run at a time, given up by its owner alone, taken over only from who is gone for sure."""

from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
import sys
import textwrap
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import pytest

from trackly_contract.run import LockedError, lock
from trackly_contract.run.journal import Journal
from trackly_contract.run.lock import Owner, locked

if TYPE_CHECKING:
    from pathlib import Path

posix = pytest.mark.skipif(os.name != "posix", reason="processes are asked after on POSIX alone")
with_proc = pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="only /proc tells")  # noqa: PTH110

NO_SUCH_PROCESS = 2**22 + 1
"""Beyond the largest id that Linux gives, and that of other systems."""


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal.of("https://app.tracklysms.com/api", "664f1a2b3c4d5e6f7a8b9c0d", tmp_path / "state")


@pytest.fixture
def path(journal: Journal) -> Path:
    return journal.path.with_name(journal.path.name.replace(".journal.json", ".lock"))


def leave(path: Path, owner: Owner) -> None:
    """Leave a lock behind, as a run does that is killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(owner)), "utf-8")


def refusal(journal: Journal) -> str:
    with pytest.raises(LockedError) as caught, locked(journal, "check, quick"):
        pass
    return str(caught.value)


def test_the_lock_stands_beside_the_journal_while_it_is_held(journal: Journal, path: Path) -> None:
    with locked(journal, "check, standard"):
        assert [*journal.path.parent.iterdir()] == [path]


def test_the_lock_is_gone_after(journal: Journal) -> None:
    with locked(journal, "check, standard"):
        pass
    assert [*journal.path.parent.iterdir()] == []


def test_the_lock_is_gone_after_an_error(journal: Journal, path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), locked(journal, "check, standard"):
        raise KeyboardInterrupt
    assert not path.exists()


def test_the_lock_says_who_holds_it(journal: Journal, path: Path) -> None:
    with locked(journal, "check, standard"):
        entry = json.loads(path.read_text("utf-8"))
    assert (entry["what"], entry["pid"], entry["host"]) == ("check, standard", os.getpid(), socket.gethostname())
    assert entry["started"].endswith("+00:00")


def test_a_second_run_is_refused(journal: Journal) -> None:
    with locked(journal, "check, standard"):
        text = refusal(journal)
    assert f"another run is using this audience (check, standard: process {os.getpid()} on " in text


def test_a_refusal_names_the_file_and_the_next_step(journal: Journal, path: Path) -> None:
    with locked(journal, "restore"):
        text = refusal(journal)
    assert text.startswith(f"{path}: ")
    assert "Wait until it has ended" in text
    assert "remove the file and run `trackly-contract restore`" in text


def test_a_refused_run_leaves_the_lock_of_the_other(journal: Journal, path: Path) -> None:
    with locked(journal, "check, standard"):
        before = path.read_bytes()
        refusal(journal)
        assert path.read_bytes() == before


def test_another_audience_has_another_lock(journal: Journal, tmp_path: Path) -> None:
    other = Journal.of("https://app.tracklysms.com/api", "f" * 24, tmp_path / "state")
    with locked(journal, "check, quick"), locked(other, "check, quick"):
        pass


def test_one_run_after_the_other_is_fine(journal: Journal) -> None:
    for _ in range(2):
        with locked(journal, "check, quick") as told:
            assert told == ""


@posix
def test_the_lock_of_a_process_that_is_no_more_is_taken_over_and_told(journal: Journal, path: Path) -> None:
    leave(path, replace(Owner.this_process("check, thorough"), pid=NO_SUCH_PROCESS))
    with locked(journal, "check, quick") as told:
        assert f"taken over (check, thorough: process {NO_SUCH_PROCESS} on " in told
        assert json.loads(path.read_text("utf-8"))["pid"] == os.getpid()


@with_proc
def test_a_process_that_was_given_the_same_number_later_is_another(journal: Journal, path: Path) -> None:
    leave(path, replace(Owner.this_process("check, quick"), born="another boot 1234"))
    with locked(journal, "check, quick") as told:
        assert "taken over" in told


@posix
def test_where_nobody_tells_when_a_process_began_the_number_decides(
    journal: Journal, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(path, Owner.this_process("check, quick"))
    monkeypatch.setattr(lock, "_born", lambda _pid: "")
    assert f"If process {os.getpid()} is no run of trackly-contract" in refusal(journal)


@with_proc
def test_a_process_that_ended_and_was_not_waited_for_is_no_more(journal: Journal, path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        born = lock._born(process.pid)
        process.stdin.write(b"\n")
        process.stdin.flush()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert born
        leave(path, replace(Owner.this_process("check, quick"), pid=process.pid, born=born))
        with locked(journal, "check, quick") as told:
            assert "taken over" in told


@posix
def test_a_process_of_somebody_else_is_there(journal: Journal, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(_pid: int, _signal: int) -> None:
        raise PermissionError

    leave(path, Owner.this_process("check, quick"))
    monkeypatch.setattr(os, "kill", kill)
    assert "another run is using this audience" in refusal(journal)


@pytest.mark.parametrize("elsewhere", [{"host": "ci-7"}, {"pids": "pid:[7]"}], ids=["host", "container"])
def test_the_lock_of_another_host_or_container_is_never_taken_over(
    journal: Journal, path: Path, elsewhere: dict[str, Any]
) -> None:
    leave(path, replace(Owner.this_process("check, quick"), pid=NO_SUCH_PROCESS, **elsewhere))
    text = refusal(journal)
    assert "Whether it still runs cannot be seen from" in text
    assert "when it is sure to be over, remove the file and run `trackly-contract restore`" in text
    assert path.exists()


OWNER = {"what": "x", "pid": NO_SUCH_PROCESS, "host": "x", "started": "x", "pids": "", "born": ""}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"7",
        b"{}",
        json.dumps({**OWNER, "more": 1}).encode(),
        json.dumps({**OWNER, "pid": "7"}).encode(),
        json.dumps({**OWNER, "pid": True}).encode(),
        json.dumps({**OWNER, "pid": 0}).encode(),
        json.dumps({**OWNER, "pid": -1}).encode(),
        json.dumps({**OWNER, "host": None}).encode(),
    ],
)
def test_a_lock_that_cannot_be_read_is_told_and_stays(journal: Journal, path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    text = refusal(journal)
    assert text.startswith(f"{path}: the lock of this audience cannot be read (")
    assert "remove the file" in text
    assert path.read_bytes() == content


def test_a_lock_that_another_took_meanwhile_is_not_given_up(journal: Journal, path: Path) -> None:
    with locked(journal, "check, quick"):
        leave(path, replace(Owner.this_process("check, quick"), host="ci-7"))
    assert path.exists()


def test_a_lock_that_was_removed_by_hand_is_no_trouble(journal: Journal, path: Path) -> None:
    with locked(journal, "check, quick"):
        path.unlink()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    text = refusal(Journal(tmp_path / "state" / "x.journal.json"))
    assert "set TRACKLY_STATE_DIR to a folder of your own" in text


def test_a_file_system_without_links_has_a_lock_too(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*_: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", link)
    with locked(journal, "check, quick"):
        assert "another run is using this audience" in refusal(journal)


@posix
def test_the_folder_of_a_lock_is_nobody_elses(journal: Journal) -> None:
    with locked(journal, "check, quick"):
        assert journal.path.parent.stat().st_mode & 0o077 == 0


TAKING = """
import os, sys, time
from pathlib import Path
from trackly_contract.run import lock
from trackly_contract.journal import Journal
from trackly_contract.lock import LockedError, locked

read = lock._read

def slowly(path):
    owner = read(path)
    time.sleep(0.005)  # for others to do the same meanwhile
    return owner

lock._read = slowly
folder = Path(sys.argv[1])
held = 0
for _ in range(30):
    child = os.fork()
    if child == 0:
        try:
            with locked(Journal(folder / "x.journal.json"), "race"):
                os.close(os.open(folder / "alone", os.O_CREAT | os.O_EXCL))
                time.sleep(0.005)
                os.unlink(folder / "alone")
                os._exit(10)  # the lock stays: the next has to take it over
        except LockedError:
            os._exit(0)
        except BaseException:
            os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == 1:
        sys.exit("two at once")
    held += code == 10
print(held)
"""


@posix
def test_two_that_take_over_at_once_do_not_both_have_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", textwrap.dedent(TAKING), str(tmp_path)]
    racing = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    ended = [(*process.communicate(timeout=60), process.returncode) for process in racing]
    assert [(text, code) for _, text, code in ended] == [("", 0)] * 4
    assert sum(int(held) for held, _, _ in ended) > 30
