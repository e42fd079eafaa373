"""The command line: the suite, the reference server and the restore, from a checkout or a wheel."""

from __future__ import annotations

import json
import re
import sys
import traceback
from argparse import ArgumentTypeError
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trackly_contract import __version__, contract, core, gate, run
from trackly_contract import judge as judging
from trackly_contract import pages as saved_pages
from trackly_contract import report as reporting
from trackly_contract.options import EFFORTS, TARGETS

if TYPE_CHECKING:
    from trackly_contract.report import Kind

FILE = click.Path(dir_okay=False, path_type=Path)
SIDES = ("api", "client", "both")

_report = click.argument("report", type=FILE)
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
_folder = click.option("--report", metavar="DIR", help="Write report.json, report.md and report.html into DIR.")
_waivers = click.option(
    "--waivers", metavar="FILE", help="Broken rules that FILE waives are noted (TOML: rule, reason, expires)."
)


class _Program(click.Group):
    """The commands: whatever happens, an exit code says nothing that was not found out."""

    def main(self, *arguments: Any, **options: Any) -> Any:
        core.guard_output()
        return super().main(*arguments, **options)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("stopped", err=True)
            ctx.exit(core.ExitCode.STOPPED)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception as error:  # noqa: BLE001  # its text may hold what was recorded
            last = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{type(error).__name__} in {Path(last.filename).name}, line {last.lineno}"
            click.echo(f"trackly-contract itself failed, which is no drift: {place}", err=True)
            ctx.exit(core.ExitCode.SUITE_FAILED)


class _Command(click.Command):
    """A command that ends as a usage error where a file that it was given is something else, or cannot be used."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (OSError, ValueError) as error:
            files = (reporting.WrongFileError, reporting.WaiverError, contract.ContractError, judging.NotTrafficError)
            if isinstance(error, (OSError, *files, core.UnwritableError)):
                raise click.UsageError(str(error), ctx) from None
            raise


def _print(text: str, *, for_programs: bool = False) -> None:
    """Print a text; where standard output cannot be written, say so and print it on standard error.

    Raises UnwritableError instead if it is for programs, which would get a part of it.
    """
    click.echo(text)
    failure = core.output_failure()
    if failure is None or isinstance(failure, BrokenPipeError):
        return
    why = f"standard output cannot be written ({failure.strerror})"
    if for_programs:
        raise core.UnwritableError(why)
    click.echo(f"{why}\n{text}", err=True)


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="trackly-contract")
def main() -> None:
    """Contract tests for the audiences API of Trackly SMS: GET and PUT /v2/audiences/{id}.

    `check --live` and `restore` read TRACKLY_API_KEY (never printed, never stored), TRACKLY_AUDIENCE_ID (a sandbox
    audience that nobody uses), TRACKLY_BASE_URL (default https://app.tracklysms.com/api) and TRACKLY_STATE_DIR (where
    journal and lock live).
    """


main.command_class = _Command


@main.command(
    short_help="Run the suite: on the reference server, or --live.", context_settings={"ignore_unknown_options": True}
)
@click.option("--live", is_flag=True, help="Ask the API that the TRACKLY_ variables name (as --target live).")
@click.option(
    "--target", type=click.Choice(TARGETS), default="reference", show_default=True, help="Who is asked, or replayed."
)
@click.option("--effort", type=click.Choice(EFFORTS), default="standard", show_default=True, help="How much is asked.")
@click.option("--read-only", is_flag=True, help="Send GET of the audience only.")
@_folder
@_waivers
@click.option("--yes", is_flag=True, help="Do not ask before the first write.")
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def check(*, live: bool, target: str, pytest_arguments: tuple[str, ...], **options: str | bool | None) -> None:
    """Run the conformance suite; further arguments go to pytest.

    Such as --trackly-questions (ask what the documentation leaves open), --trackly-max-requests=N, --junitxml=FILE or
    -k filter.time.

    Exit code 0: conforms. 1: drift. 10: nothing is broken, but something could not be found out, or no report
    written. 3: the suite itself failed. 2: it was stopped. 4: it could not begin.
    """
    from trackly_contract.suite import run_suite  # noqa: PLC0415  # pytest is slow to import, and --help need not wait

    given = [f"--trackly-target={'live' if live else target}"]
    for name, value in options.items():  # each is called as it is in the plugin
        if value:
            option = f"--trackly-{name.replace('_', '-')}"
            given.append(option if value is True else f"{option}={value}")
    code, _ = run_suite(None, None, [*given, *pytest_arguments])
    sys.exit(code)


def _required(_context: click.Context, _option: click.Parameter, texts: tuple[str, ...]) -> list[tuple[str, float]]:
    try:
        return [gate.required(text) for text in texts]
    except ArgumentTypeError as error:
        raise click.BadParameter(str(error)) from None


def _known(_context: click.Context, _option: click.Parameter, allow: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [name for name in allow if name.partition(":")[0] not in reporting.known_names()]
    if unknown:
        raise click.UsageError(f"--allow: no rule or question is called {', '.join(unknown)}")
    return allow


def _names(_context: click.Context, _option: click.Parameter, hosts: tuple[str, ...]) -> tuple[str, ...]:
    for host in hosts:
        if not re.fullmatch(r"[\w.-]+", host):
            raise click.BadParameter(f"{host!r} must be a name alone, without http:// and port")
    return hosts


_allow = partial(click.option, "--allow", multiple=True, metavar="NAME", callback=_known)


@main.command(
    short_help="Serve the reference server, alone or for a COMMAND.",
    context_settings={"allow_interspersed_args": False},
)
@click.option("--port", type=click.IntRange(0, 65535), help="0 takes any free one.  [default: 8377; with COMMAND 0]")
@_allow(help="Allow a violation by its name; may be given again.")
@click.option(
    "--fail-under",
    multiple=True,
    callback=_required,
    metavar="[responses:|requests:]PERCENT",
    help="Fail below that share of responses received, and of kinds of requests sent; may be given again.",
)
@click.option(
    "--allow-host",
    multiple=True,
    callback=_names,
    metavar="NAME",
    help="Also take requests whose Host is NAME, such as host.docker.internal; may be given again.",
)
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def serve(*, command: tuple[str, ...], **options: Any) -> None:
    """Serve the reference server over HTTP, on loopback only; with COMMAND, while it runs.

    It does what the documentation says; nothing it does is evidence of the API. Every request is judged, and
    http://127.0.0.1:PORT/control arranges and inspects (docs/gate.md).

    COMMAND finds TRACKLY_BASE_URL, TRACKLY_API_KEY, TRACKLY_AUDIENCE_ID and TRACKLY_CONTROL_URL in its environment.
    Exit code: its own, if it is not 0; else 1 if a request had a violation, none arrived, or too little was covered.
    4: it cannot be started, or the port is taken.
    """
    sys.exit(gate.serve_gate(list(command), **options))


@main.command(short_help="Put a live audience back after an interrupted run.")
@click.option("--ours", "choice", flag_value="ours", help="Put everything back, also what somebody else changed.")
@click.option("--theirs", "choice", flag_value="theirs", help="Leave what others changed, and forget the backup.")
@click.option(
    "--from",
    "file",
    type=click.Path(path_type=Path),
    help="A backup that was kept elsewhere, for instance by a CI job.",
)
def restore(choice: str | None, file: Path | None) -> None:
    """Put a live audience back as it was before an interrupted run.

    Looks at the audience that TRACKLY_BASE_URL and TRACKLY_AUDIENCE_ID name, shows what differs from its backup, and
    puts back what the suite changed. What somebody else changed stays, until --ours or --theirs says what shall be.
    Exit code 0: it is as it was, or as you said; 10: it is not, and the backup stays; 4: it cannot begin.
    """
    code, said = run.put_back(choice, file, click.echo)
    for line in said:
        click.echo(core.one_line(line), err=code != core.ExitCode.CONFORMS)
    sys.exit(code)


@main.command(short_help="Say what changed between two report.json.")
@click.argument("old", type=FILE)
@click.argument("new", type=FILE)
@_json
def compare(old: Path, new: Path, *, as_json: bool) -> None:
    """Say what changed between two runs: OLD and NEW are their files report.json.

    Exit code 0: nothing got worse. 1: a rule is broken that was not. 10: something is not known any more that was.
    2: a file is no report.
    """
    before, after = reporting.load_report(old), reporting.load_report(new)
    comparison = reporting.compare_reports(before, after)
    text = json.dumps(comparison, indent=2) if as_json else reporting.comparison_text(comparison, before, after)
    _print(text, for_programs=as_json)
    sys.exit(comparison["exit_code"])


@main.command(short_help="Say which issues a run opens and closes.")
@_report
@click.option(
    "--known",
    type=FILE,
    help="What `gh issue list --state all --json number,title,state,stateReason` printed; without it, none is known.",
)
@click.option("--into", required=True, type=click.Path(path_type=Path), help="The folder to write; it must be new.")
def issues(report: Path, known: Path | None, into: Path) -> None:
    """Say which issues to open and to close after a run: REPORT is its file report.json.

    Writes open/RULE.md (a title, an empty line, a text) for each rule that is broken and has no issue, and
    close/NUMBER.md for each open issue whose rule holds again. Exit code 0: written. 2: a file is something else.
    """
    actions = reporting.plan_issues(reporting.load_report(report), reporting.read_issues(known) if known else [])
    try:
        reporting.write_issues(actions, into)
    except FileExistsError:
        raise click.UsageError(f"{into}: it is there already; name a folder that is not") from None
    click.echo("\n".join(action.line for action in actions) or "no issue to open, none to close")


@main.command(short_help="Print a script for CI; without NAME, list them.")
@click.argument("name", required=False)
def recipe(name: str | None) -> None:
    """Print a recipe for a CI service; without NAME, list them.

    For example: trackly-contract recipe nightly.sh > nightly.sh
    """
    found = {path.name: path for path in sorted((core.data_root() / "docs" / "ci").iterdir()) if path.suffix == ".sh"}
    if name is None:
        click.echo("\n".join(found))
    elif name in found:
        _print(found[name].read_text("utf-8").rstrip("\n"), for_programs=True)
    else:
        raise click.UsageError(f"there is no recipe {name!r}, only {', '.join(found)}")


@main.command(short_help="Compare saved documentation pages with the contract.")
@click.argument("pages", metavar="PAGE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@_json
def docs(pages: tuple[Path, ...], *, as_json: bool) -> None:
    """Compare saved documentation pages with the contract: PAGE is one of the two pages as HTML, text or Markdown.

    Exit code 0: they state the same. 1: they differ. 2: a file is no whole page of one of the two operations.
    """
    compared, refused = saved_pages.compare_pages(pages)
    if as_json:
        _print(json.dumps(saved_pages.described_pages(compared, refused), indent=2), for_programs=True)
    for page in () if as_json else compared:
        _print("\n".join(page.lines()))
    if refused:
        raise click.UsageError("\n".join(refused))
    sys.exit(1 if any(page.differences for page in compared) else 0)


@main.command(short_help="Judge recorded traffic: HAR, cassettes, JSON lines.")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--side", type=click.Choice(SIDES), default="both", show_default=True, help="Whose faults count.")
@_allow(help="Allow a violation of the client; may be given again.")
@click.option("--shared", is_flag=True, help="Others change the audiences too: what they may explain is noted.")
@_folder
@_waivers
def judge(*, files: tuple[str, ...], shared: bool, report: str | None, waivers: str | None, **counts: Any) -> None:
    """Judge recorded traffic, what the API answered and what the client sent.

    FILE is a HAR file, a cassette of vcrpy or Schemathesis, or JSON lines; - is standard input (docs/traffic.md).

    Exit code 0: conforms. 1: an answer breaks a rule, or a request is refused or undocumented (--side says whose
    faults count). 10: nothing of this, but something could not be judged, or no report written. 3: a bug of ours.
    2: no file can be read.
    """
    now = datetime.now(UTC)
    waived = reporting.load_waivers(Path(waivers), contract.contract().rules, now.date()) if waivers else {}
    traffic, at = judging.Traffic(shared=shared), now.isoformat(timespec="seconds")
    found = reporting.fold(traffic, _watched(files, traffic), started_at=at, waivers=waived, **counts)
    found, folder = reporting.write_report(found, Path(report)) if report is not None else (found, None)
    _print("\n".join((*reporting.lines(found, folder), *reporting.github_lines(found))))
    sys.exit(core.Ending(unwritten=[*found.unwritten]).exit_code(reporting.counted_verdict(found)))


def _watched(paths: tuple[str, ...], traffic: judging.Traffic) -> list[str]:
    """Judge files one after the other, and return the names of those that were read; the others are unreadable."""
    read = list[str]()
    for path in paths:
        name = "standard input" if path == "-" else path
        try:
            with click.open_file(path, "rb") as stream:
                for item in judging.read_traffic(stream, name):
                    traffic.watch(item)
            read.append(name)
        except (OSError, judging.NotTrafficError) as error:
            why = f"{name}: cannot be read ({error.strerror})" if isinstance(error, OSError) else str(error)
            traffic.watch(judging.Unreadable(name, why))
    traffic.finish()
    if not read:
        raise judging.NotTrafficError("\n".join(traffic.unreadable))
    return read


_output = click.option(
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="The file to merge into; - prints. In a checkout it is the one in contracts/ where nothing else is said.",
)


def _merged(kind: Kind[Any], report: Path, output: Path | None) -> None:
    """Merge what a report holds into a file, and say what changed in it; or print it."""
    path = output or kind.file
    if path is None:
        raise click.UsageError("there is no checkout here: name the file with --output FILE, or - to print")
    described = reporting.load_report(report)
    if str(path) == "-":
        _print(kind.printed(described).rstrip("\n"), for_programs=True)
        return
    changes = kind.keep(described, path)
    entries = kind.read(path)
    for change in changes:
        click.echo(f"  {change}")
    click.echo(f"{path}: {len(entries)} entries{'' if changes else ', as before'}; review and commit it")


@main.command(short_help="Keep what a live run was answered to the open questions.")
@_report
@_output
def answers(report: Path, output: Path | None) -> None:
    """Write down what a live run was answered to the open questions: REPORT is its file report.json.

    The run must have asked them (--trackly-questions). contracts/answers.toml is for review and for version control;
    docs/edge-cases.md shows it. Exit code 0: written. 2: a file is something else, or holds nothing to keep.
    """
    _merged(reporting.ANSWERS, report, output)


@main.command(short_help="Keep which undocumented tokens a live run found accepted.")
@_report
@_output
def vocabulary(report: Path, output: Path | None) -> None:
    """Write down which undocumented tokens a live run found accepted: REPORT is its file report.json.

    contracts/observed.toml is for review and for version control. The suite reads it to try first what was accepted,
    and last what was refused; nobody fails over it. Exit code 0: written. 2: a file is something else, or holds
    nothing to keep.
    """
    _merged(reporting.TOKENS, report, output)


if __name__ == "__main__":
    main()
