"""What an installed plugin adds to the start of somebody's own pytest: the process with it against the one without.

Promises: whole processes in turn, so that a change of the machine's speed meets both; no other plugin is loaded;
compiled modules are kept, as in an installation.
Refuses: to judge: tests/doors/test_start.py says what must not be imported.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PLUGIN = ("-p", "trackly_contract.plugin")
ROUNDS = 9
SECONDS = 60


def _seconds(folder: Path, *arguments: str) -> float:
    """Return how long one pytest with an empty test takes, from start to end of its process."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PYTHONDONTWRITE"))}
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={**kept, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPYCACHEPREFIX": str(folder / "compiled")},
        stdout=subprocess.DEVNULL,
        timeout=SECONDS,
        check=True,
    )
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
