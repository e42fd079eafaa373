"""`trackly-contract restore` over whatever stands where a backup should, and whatever is around it.

A clear sentence each time; nothing is changed that need not be, and nothing is lost.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.doors.test_audience_kept import killed, puts
from tests.support.processes import COMMAND, finished
from tests.support.warm import Stand
from tests.support.way import AS_IT_WAS, Way
from trackly_contract.core import ExitCode
from trackly_contract.reference import AUDIENCE_ID


def _nested(path: Path) -> None:
    deep = '{"operator":"AND","groups":[' * 3_000 + "]}" * 3_000
    path.write_text(f'{{"base_url":"x","audience_id":"{AUDIENCE_ID}","audience":{{"filter":{deep}}}}}\n', "utf-8")


def _holding(text: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(text, "utf-8")


UNREADABLE: dict[str, Callable[[Path], object]] = {
    "a folder": Path.mkdir,
    "a link to itself": lambda path: path.symlink_to(path),
    "nested 3,000 deep": _nested,
    "empty": Path.touch,
    "no text": lambda path: path.write_bytes(b"\xff\xfe\0{"),
    "a number": _holding("7\n"),
    "a list of audiences": _holding('[{"audience_id": "x"}]\n'),
}
NO_BACKUP_OF_IT = UNREADABLE | {
    "nothing": lambda _path: None,
    "another audience's": _holding('{"base_url":"x","audience_id":"y","audience":{}}\n'),
    "one at another address": _holding(f'{{"base_url":"http://x","audience_id":"{AUDIENCE_ID}","audience":{{}}}}\n'),
    "one that was put back": _holding(
        f'{{"base_url":"x","audience_id":"{AUDIENCE_ID}","audience":{{}}}}\n{{"restored":true}}\n'
    ),
}


@pytest.mark.parametrize("what", NO_BACKUP_OF_IT)
def test_a_file_that_is_no_backup_of_this_audience_is_named_and_nothing_changed(
    stand: Stand, tmp_path: Path, what: str
) -> None:
    file = tmp_path / "kept.jsonl"
    NO_BACKUP_OF_IT[what](file)
    ended = stand.restore("--from", str(file))
    assert (ended.code, puts(stand), stand.content) == (ExitCode.CANNOT_BEGIN, [], AS_IT_WAS), ended.text
    assert str(file) in ended.text
    assert "Traceback" not in ended.text


@pytest.mark.parametrize("what", UNREADABLE)
def test_a_journal_that_cannot_be_read_stops_restore_and_run(stand: Stand, what: str) -> None:
    stand.state.mkdir(exist_ok=True)
    UNREADABLE[what](stand.journal.path)
    try:
        for ended, code in ((stand.restore(), ExitCode.CANNOT_BEGIN), (stand.run(), ExitCode.INCONCLUSIVE)):
            assert (ended.code, puts(stand), str(stand.journal.path) in ended.text) == (code, [], True), ended.text
            assert "Traceback" not in ended.text
    finally:
        _remove(stand.journal.path)


def _remove(path: Path) -> None:
    (path.rmdir if path.is_dir() else path.unlink)()


def test_a_name_that_the_terminal_cannot_show_is_put_back_all_the_same(stand: Stand) -> None:
    name = "Käufer 🎉 \u202e\x1b[31m"
    stand.server.store.audiences[AUDIENCE_ID]["name"] = name
    killed(stand)
    ran = finished(*COMMAND, "restore", PYTHONIOENCODING="ascii", LC_ALL="C", **stand.variables)
    assert (ran.returncode, stand.content["name"], stand.left()) == (0, name, []), ran.stdout + ran.stderr
    assert "put back: audience" in ran.stdout
    assert "\x1b" not in ran.stdout


def test_without_a_home_restore_says_where_to_keep_its_state(stand: Stand) -> None:
    ended = stand.restore(HOME="/dev/null/home", XDG_STATE_HOME="", TRACKLY_STATE_DIR="")
    assert (ended.code, puts(stand)) == (10, []), ended.text
    assert "set TRACKLY_STATE_DIR to a folder of your own" in ended.text
    assert "Traceback" not in ended.text


def test_the_backup_of_an_audience_that_somebody_deleted_is_forgotten_if_a_person_says_so(stand: Stand) -> None:
    killed(stand)
    stand.server.store.audiences.clear()
    assert (stand.restore().code, stand.left()) == (10, ["journal.jsonl"])
    ended = stand.restore("--theirs")
    assert (ended.code, stand.left()) == (0, []), ended.text
    assert f'it was {{"name":"{AS_IT_WAS["name"]}"' in ended.text


READ_ONLY = """
import errno, os, sys

def no_write(event, arguments):
    writes = event in ("os.remove", "os.rename", "os.mkdir") or (event == "open" and arguments[1] not in ("r", "rb"))
    if writes and str(arguments[0]).startswith({state!r}) and os.path.exists({marker!r}):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

sys.addaudithook(no_write)
"""


@pytest.mark.parametrize("number", [8, 20, 40, 56])
def test_a_state_folder_that_turns_read_only_loses_nothing(stand: Stand, tmp_path: Path, number: int) -> None:
    marker = tmp_path / "read-only"
    (stand.folder / "disk.py").write_text(READ_ONLY.format(state=str(stand.state), marker=str(marker)), "utf-8")

    def turned(way: Way) -> None:
        if len(way.asked) == number:
            marker.touch()

    stand.strike = turned
    ended = stand.run("-p", "disk")
    code = 0 if number == 56 else 10  # all was asked by then
    assert (ended.code, stand.content, "NOT AS IT WAS" in ended.text) == (code, AS_IT_WAS, False), ended.text
    assert str(stand.journal.path) in ended.text
    marker.unlink()
    ended = stand.restore()
    assert (ended.code, stand.content, stand.left()) == (0, AS_IT_WAS, []), ended.text
