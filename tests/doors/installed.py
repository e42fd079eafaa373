"""The wheel, built and installed where nothing of the checkout is seen: what tests/doors/test_wheel.py looks at.

Nothing is fetched: what the wheel requires is linked from the environment that runs the tests, and nothing else is.
"""

import shutil
import sys
import venv
import zipfile
from dataclasses import dataclass
from importlib.metadata import Distribution, PathDistribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.processes import CHECKOUT, finished


@dataclass(frozen=True)
class Installed:
    """An environment that holds the wheel and what it requires, and an empty folder to work in."""

    scripts: Path
    packages: Path
    folder: Path

    def run(self, program: str, *arguments: str, code: int | None = 0) -> str:
        """Run one of the environment's programs in the empty folder; return what it printed.

        Fails unless it ends with `code`; None is any.
        """
        done = finished(str(self.scripts / program), *arguments, cwd=self.folder)
        said = done.stdout + done.stderr
        assert code in (None, done.returncode), f"exit code {done.returncode}\n{said}"
        return said


def _succeeds(*command: str) -> None:
    done = finished(*command)
    assert done.returncode == 0, done.stdout + done.stderr


def built(source: Path, into: Path, *options: str) -> Path:
    """Build `source` into a folder and return the wheel; without options, from an sdist that is built first."""
    _succeeds(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(into), *options, str(source))
    return next(into.glob("*.whl"))


def contents(wheel: Path) -> dict[str, bytes]:
    """Return the files of a wheel by name."""
    with zipfile.ZipFile(wheel) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def tracked_copy(into: Path) -> Path:
    """Copy the checkout as it stands, without what git ignores at its top and without git's own."""
    at_top = {".git", ".venv", "report", "dist", "build"}
    everywhere = shutil.ignore_patterns(".*_cache", "__pycache__", ".hypothesis", "node_modules")

    def left_out(folder: str, names: list[str]) -> set[str]:
        return everywhere(folder, names) | (at_top & set(names) if Path(folder) == CHECKOUT else set())

    return Path(shutil.copytree(CHECKOUT, into, ignore=left_out))


def installed(wheel: Path, folder: Path) -> Installed:
    """Install a wheel into a new environment in `folder`."""
    home = folder / "environment"
    venv.create(home, with_pip=False, symlinks=True)
    scripts = home / "bin"
    pip = (sys.executable, "-m", "pip", "--python", str(scripts / "python"), "install", "--quiet")
    _succeeds(*pip, "--no-index", "--no-deps", "--no-compile", "--disable-pip-version-check", str(wheel))
    packages = next(home.rglob("trackly_contract")).parent
    [ours] = packages.glob("trackly_contract-*.dist-info")
    for needed in _required(PathDistribution(ours)):
        for top in {file.parts[0] for file in needed.files or ()} - {"..", "__pycache__"}:
            if not (packages / top).exists():
                (packages / top).symlink_to(Path(str(needed.locate_file(top))))
    (folder / "empty").mkdir()
    return Installed(scripts, packages, folder / "empty")


def _required(whole: Distribution) -> list[Distribution]:
    """Return the distributions that one requires on this machine, those of its requirements included."""
    found: dict[str, Distribution] = {}
    waiting = [(whole, "")]
    while waiting:
        needing, extra = waiting.pop()
        for requirement in map(Requirement, needing.requires or ()):
            name = canonicalize_name(requirement.name)
            if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
                continue
            if name not in found:
                found[name] = distribution(name)
                waiting += [(found[name], each) for each in ("", *requirement.extras)]
    return list(found.values())
