"""Serves the gate for a command, or until Ctrl-C, and reports what was sent. Does not use a shell."""

import os
import subprocess
import time
from collections.abc import Iterable
from contextlib import ExitStack, suppress

import click

from trackly_contract.core import ExitCode
from trackly_contract.gate.control import CONTROL, Control, Seen
from trackly_contract.gate.gate import Gate, shown
from trackly_contract.gate.http import HOST, PREFIX, running

PORT = 8377


class CannotBeginError(click.ClickException):
    """Nothing can be served, so no request was judged; the text says why."""

    exit_code = ExitCode.CANNOT_BEGIN


def variables(gate: Gate) -> dict[str, str]:
    """Return what a client needs, as variables of its environment."""
    return {
        "TRACKLY_BASE_URL": gate.base_url,
        "TRACKLY_API_KEY": gate.api_key,
        "TRACKLY_AUDIENCE_ID": gate.audience_id,
        "TRACKLY_CONTROL_URL": gate.base_url.removesuffix(PREFIX) + CONTROL,
    }


def serve_gate(
    command: list[str],
    port: int | None,
    allow: Iterable[str],
    allow_host: Iterable[str],
    fail_under: list[tuple[str, float]],
) -> int:
    """Serve while `command` runs, without one until Ctrl-C; return the exit code.

    Raises CannotBeginError where the port is taken or the command cannot be started.
    """
    control = Control(Gate(allow))
    control.gate.hosts.update(allow_host)
    where = port if port is not None else 0 if command else PORT
    code = 0
    with ExitStack() as stack:
        try:
            base_url = stack.enter_context(running(control, where))
        except OSError as error:
            taken = f"port {where} cannot be used ({error.strerror}): choose another with --port"
            raise CannotBeginError(taken) from None
        if command:
            code = _run(command, control.gate)
        else:
            stack.enter_context(suppress(KeyboardInterrupt))
            exports = [f"  export {name}={value}" for name, value in variables(control.gate).items()]
            click.echo("\n".join([f"mock API at {base_url}, not the API itself", *exports, "stop it with Ctrl-C"]))
            while True:
                time.sleep(1)
    failed = _report(control.seen(), fail_under, in_full=bool(command))
    return code or (int(failed) if command or fail_under else 0)


def _run(command: list[str], gate: Gate) -> int:
    """Run the command to its end; return its exit code, for a signal that ended it the one that shells have."""
    # No proxy of the environment may stand between the command and the gate.
    past = {name: os.environ.get(name) for name in ("no_proxy", "NO_PROXY")}
    direct = {name: f"{hosts},{HOST}" if hosts else HOST for name, hosts in past.items() if hosts != "*"}
    environment = {**os.environ, **direct, **variables(gate)}
    try:
        code = subprocess.run(command, env=environment, check=False).returncode  # noqa: S603
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        text = f"{command[0]!r} cannot be started ({reason}): name a program and its arguments"
        raise CannotBeginError(text) from None
    except KeyboardInterrupt:
        return 130
    return code if code >= 0 else 128 - code


def _report(seen: Seen, fail_under: list[tuple[str, float]], *, in_full: bool) -> bool:
    """Report on standard error what was sent; return whether something failed."""
    below = seen.coverage.below(fail_under)
    if not (seen.requests or in_full or below or seen.unjudged):
        return False
    lines = ["", shown(seen.failures, "--allow {}", between=" --allow "), ""] if in_full and seen.failures else [""]
    counted = ((seen.requests, "request"), (len(seen.failures), "violation"))
    texts = [f"{number or 'no'} {what}{'' if number == 1 else 's'}" for number, what in counted]
    lines.append(f"{'trackly gate':<18}  {', '.join(texts)}")
    lines += [f"{'not judged':<18}  {number} x {what}" for what, number in seen.unjudged.items()]
    lines += seen.coverage.lines() + below if in_full or fail_under else []
    if not seen.requests:
        lines.append("FAILED no request arrived: give the client TRACKLY_BASE_URL as its base URL")
    click.echo("\n".join(lines), err=True)
    return bool(seen.failures or below or not seen.requests)
