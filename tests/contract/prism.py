"""Prism, the mock and the proxy of Stoplight, as a process that ends with the test."""

from __future__ import annotations

import re
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.support.processes import environment
from tests.support.programs import tool
from trackly_contract.core.files import data_root

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUNDLE = data_root() / "schemas" / "openapi.bundled.json"
SECONDS = 60


@contextmanager
def prism(folder: Path, *arguments: str) -> Iterator[str]:
    """Run `prism *arguments`, its output in `folder`; yields the base URL once it listens, on loopback."""
    log = folder / "prism.log"
    with log.open("wb") as output:
        command = [tool("prism"), arguments[0], "--port", "0", "--host", "127.0.0.1", *arguments[1:]]
        running = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment(NO_COLOR="1"))
        try:
            yield _address(running, log)
        finally:
            running.terminate()
            running.wait(SECONDS)


def _address(running: subprocess.Popen[bytes], log: Path) -> str:
    until = time.monotonic() + SECONDS
    while running.poll() is None and time.monotonic() < until:
        found = re.search(r"listening on (http://127\.0\.0\.1:\d+)", log.read_text("utf-8", "replace"))
        if found:
            return found[1]
        time.sleep(0.1)
    raise AssertionError(f"Prism does not listen:\n{log.read_text('utf-8', 'replace')}")
