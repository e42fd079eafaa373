"""What an installed plugin adds to the start of somebody's own pytest: the process with it against the one without.

Whole processes run in turn, so that a change of the machine's speed meets both; no other plugin is loaded; compiled
modules are kept, as in an installation. tests/doors/test_start.py says what must not be imported.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.support.processes import finished

PLUGIN = ("-p", "trackly_contract.plugin")
ROUNDS = 9


def _seconds(folder: Path, *arguments: str) -> float:
    """Return how long one pytest with an empty test takes, from start to end of its process."""
    command = (sys.executable, "-m", "pytest", "-q", "--disable-plugin-autoload", "-p", "no:cacheprovider", *arguments)
    started = time.perf_counter()
    assert finished(*command, cwd=folder, PYTHONPYCACHEPREFIX=str(folder / "compiled")).returncode == 0
    return time.perf_counter() - started


def starts() -> list[str]:
    """Return the time of an empty pytest run without and with the plugin, and the ratio of the two."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_empty.py").write_text("def test_empty():\n    pass\n")
        _seconds(folder, *PLUGIN)  # compiles
        pairs = [(_seconds(folder), _seconds(folder, *PLUGIN)) for _ in range(ROUNDS)]
    without, added = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = statistics.median(both / alone for alone, both in pairs)
    return [
        "start of pytest      without ms   with the plugin ms   ratio",
        f"{'':<18} {without * 1e3:>12.0f} {added * 1e3:>20.0f} {ratio:>6.2f}x",
    ]
