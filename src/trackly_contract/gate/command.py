"""Serves the gate for a command, or until Ctrl-C, and says what was sent.

Promises: the command's own exit code comes first; what it printed stays apart from what is said here.
Refuses: to start a command through a shell.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from trackly_contract.gate.control import PREFIX, Control
from trackly_contract.gate.gate import Gate
from trackly_contract.gate.http import HOST, serve_forever
from trackly_contract.gate.http import PREFIX as API
from trackly_contract.gate.server import running_gate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from trackly_contract.gate.coverage import Coverage

PORT = 8377
MOST_SHOWN = 10
"""Faults that are shown; the control interface has them all."""


def variables(gate: Gate) -> dict[str, str]:
    """Return what a client is given, as variables of its environment."""
    return {
        "TRACKLY_BASE_URL": gate.base_url,
        "TRACKLY_API_KEY": gate.api_key,
        "TRACKLY_AUDIENCE_ID": gate.audience_id,
        "TRACKLY_CONTROL_URL": gate.base_url.removesuffix(API) + PREFIX,
    }


def _environment(gate: Gate) -> dict[str, str]:
    """Return the environment of a command: no proxy of this one stands between it and the gate."""
    direct = {name: ",".join(filter(None, [os.environ.get(name, ""), HOST])) for name in ("no_proxy", "NO_PROXY")}
    return {**os.environ, **direct, **variables(gate)}


def serve_gate(
    command: list[str],
    port: int | None,
    meant: Iterable[str],
    fail_under: list[tuple[str, float]],
    say: Callable[[str], object],
) -> int:
    """Serve while `command` runs, without one until Ctrl-C; return the exit code.

    Raises OSError, with what to do, where the port is taken or the command cannot be started.
    """
    gate = Gate(meant_always=frozenset(meant))
    control = Control(gate)
    where = port if port is not None else 0 if command else PORT
    serving = running_gate(control, where)

    def announce(base_url: str) -> None:
        say(f"reference server at {base_url} (a stand-in, not the API)")
        for name, value in variables(gate).items():
            say(f"  export {name}={value}")
        say("stop it with Ctrl-C")

    code = 0
    try:
        if command:
            with serving:
                code = _ended(command, gate)
        else:
            serve_forever(serving, announce)
    except OSError as error:
        if isinstance(error, _CannotStartError):
            raise
        raise OSError(f"port {where} cannot be used ({error.strerror}): choose another with --port") from None
    coverage = control.coverage.of(gate)
    failed = _told(control, coverage, fail_under, in_full=bool(command))
    return code or (int(failed) if command or fail_under else 0)


class _CannotStartError(OSError):
    pass


def _ended(command: list[str], gate: Gate) -> int:
    """Run the command to its end; a signal that ended it counts as shells count it."""
    try:
        code = subprocess.run(command, env=_environment(gate), check=False).returncode  # noqa: S603
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise _CannotStartError(
            f"{command[0]!r} cannot be started ({reason}): name a program and its arguments"
        ) from None
    except KeyboardInterrupt:
        return 130
    return code if code >= 0 else 128 - code


def _told(control: Control, coverage: Coverage, fail_under: list[tuple[str, float]], *, in_full: bool) -> bool:
    """Say on standard error what was sent; return whether something failed."""
    faults, below = control.failures(), coverage.below(fail_under)
    if not (control.requests or in_full or below):
        return False
    lines = [""]
    if in_full:
        lines += [f"{text}\n" for text in faults[:MOST_SHOWN]]
        lines += [f"and {len(faults) - MOST_SHOWN} more\n"] if len(faults) > MOST_SHOWN else []
        lines += [f"Meant? Then say so: --meant {faults[0].split()[0]}\n"] if faults else []
    lines.append(f"trackly gate   {_counted(control.requests, 'request')}, {_counted(len(faults), 'fault')}")
    lines += coverage.lines() + below if in_full or fail_under else []
    if not control.requests:
        lines.append("FAILED no request came: give the client TRACKLY_BASE_URL as its base URL")
    sys.stderr.write("\n".join(lines) + "\n")
    return bool(faults or below or not control.requests)


def _counted(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"
