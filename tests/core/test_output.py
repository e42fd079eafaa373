"""Facts about standard output that is guarded: nothing is lost where somebody reads slowly, nothing raises."""

import os
import subprocess
import sys

import pytest

START = "from trackly_contract.core import guard_output, output_failure; guard_output()\n"

pytestmark = pytest.mark.skipif(os.name != "posix", reason="consoles of Windows are no files")


def test_all_of_a_text_arrives_where_the_stream_does_not_wait_for_its_reader() -> None:
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    command = [sys.executable, "-c", f"{START}print('x' * 300_000)"]
    with subprocess.Popen(command, stdout=theirs) as process, os.fdopen(ours, encoding="ascii") as reader:
        os.close(theirs)
        assert (reader.read(), process.wait()) == ("x" * 300_000 + "\n", 0)


@pytest.mark.parametrize(
    ("encoding", "shown"), [("ascii", "\\xe9\\u2713"), ("latin-1", "\xe9\\u2713"), ("utf-8", "\xe9✓")]
)
def test_what_cannot_be_encoded_is_escaped(encoding: str, shown: str) -> None:
    command = [sys.executable, "-c", f"{START}print('\\u00e9\\u2713')"]
    done = subprocess.run(command, capture_output=True, check=True, env={**os.environ, "PYTHONIOENCODING": encoding})
    assert done.stdout.decode(encoding) == f"{shown}\n"


def test_what_was_printed_before_stays_in_order() -> None:
    command = [sys.executable, "-c", f"print(1)\n{START}print(2)\nguard_output()\nprint(3)"]
    assert subprocess.run(command, capture_output=True, check=True, text=True).stdout == "1\n2\n3\n"


def test_a_stream_that_a_program_put_in_place_is_left_alone() -> None:
    script = "import io, sys; sys.stdout = mine = io.StringIO(); guard_output(); assert sys.stdout is mine"
    subprocess.run([sys.executable, "-c", f"from trackly_contract.core import guard_output\n{script}"], check=True)


@pytest.mark.parametrize(
    ("where", "failure"),
    [(">/dev/full", "OSError(28"), (">&-", "OSError(9"), ("| true", "BrokenPipeError(32"), (">/dev/null", "None")],
)
def test_why_something_was_not_written_is_known(where: str, failure: str) -> None:
    script = f"{START}import sys, time; time.sleep(0.2); print(1); sys.stderr.write(repr(output_failure()))"
    done = subprocess.run(
        ["bash", "-c", f'"$0" -c "$1" {where}; exit ${{PIPESTATUS[0]}}', sys.executable, script],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.startswith(failure)) == (0, True), done.stderr
