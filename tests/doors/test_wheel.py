"""Facts about the wheel: what it holds, and that all of it works where there is no checkout."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from tests.doors.installed import Installed, built, contents, installed, tracked_copy
from tests.pages.docs_pages import filled
from tests.support.processes import CHECKOUT, finished
from trackly_contract.reference import AUDIENCE_ID

SUFFIXES = {".py", ".pyi", ".json", ".toml", ".yaml", ".jinja", ".css", ".js", ".typed", ".sh", ".md", ".gitkeep"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that comes of the sdist that comes of the checkout."""
    return built(CHECKOUT, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def made(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return installed(wheel, tmp_path_factory.mktemp("elsewhere"))


# What it holds ---------------------------------------------------------------------------------------------


def test_the_sdist_builds_the_wheel_that_the_checkout_builds(wheel: Path, tmp_path: Path) -> None:
    assert contents(built(CHECKOUT, tmp_path, "--wheel")) == contents(wheel)


def test_what_git_ignores_is_in_no_wheel(wheel: Path, tmp_path: Path) -> None:
    copy = tracked_copy(tmp_path / "copy")
    for folder in ("contracts/rules", "schemas", "cassettes", "tests/conformance", "docs/ci", "src/trackly_contract"):
        (copy / folder / "__pycache__").mkdir()
        (copy / folder / "__pycache__" / "stray.pyc").touch()
        (copy / folder / "stray.orig").touch()
    assert set(contents(built(copy, tmp_path / "dist", "--wheel"))) == set(contents(wheel))


def test_the_wheel_holds_the_package_and_its_metadata_alone(wheel: Path) -> None:
    names = [PurePosixPath(name) for name in contents(wheel)]
    assert {name.parts[0].partition("-")[0] for name in names} == {"trackly_contract"}
    inside = [name for name in names if name.parts[0] == "trackly_contract"]
    assert {name.suffix or name.name for name in inside} <= SUFFIXES


def test_of_the_tests_the_wheel_holds_the_suite_alone(wheel: Path) -> None:
    prefix = "trackly_contract/data/tests/"
    held = {name.removeprefix(prefix) for name in contents(wheel) if "tests/" in name}
    assert held == {f"conformance/{path.name}" for path in (CHECKOUT / "tests" / "conformance").glob("*.py")}


@pytest.mark.parametrize("folder", ["schemas", "contracts", "cassettes/reference"])
def test_the_wheel_holds_the_data_as_it_is(wheel: Path, folder: str) -> None:
    prefix = "trackly_contract/data/"
    held = {name.removeprefix(prefix): text for name, text in contents(wheel).items() if f"/data/{folder}/" in name}
    found = {
        path.relative_to(CHECKOUT).as_posix(): path.read_bytes()
        for path in (CHECKOUT / folder).rglob("*")
        if path.suffix in SUFFIXES
    }
    assert held == found


# What works where it is installed --------------------------------------------------------------------------


def test_nothing_of_the_checkout_is_seen(made: Installed) -> None:
    asked = "import trackly_contract, trackly_contract.core.files as d; print(trackly_contract.__file__, d.data_root())"
    assert made.run("python", "-c", asked).split() == [
        str(made.packages / "trackly_contract" / "__init__.py"),
        str(made.packages / "trackly_contract" / "data"),
    ]


def test_check_conforms_and_leaves_nothing_behind(made: Installed) -> None:
    before = set(made.folder.iterdir())
    said = made.run("trackly-contract", "check", "--effort", "quick", "-q")
    assert "verdict    conforms" in said
    assert set(made.folder.iterdir()) == before


def test_docs_finds_no_difference_in_a_page_that_states_the_contract(made: Installed, tmp_path: Path) -> None:
    (tmp_path / "update.md").write_text(filled("update.md"), "utf-8")
    assert ": no difference" in made.run("trackly-contract", "docs", str(tmp_path / "update.md"))


def test_a_recipe_is_printed(made: Installed) -> None:
    assert made.run("trackly-contract", "recipe", "gate.sh") == (CHECKOUT / "docs/ci/gate.sh").read_text("utf-8")


def test_judge_names_what_an_answer_breaks(made: Installed, tmp_path: Path) -> None:
    url = f"https://app.tracklysms.com/api/v2/audiences/{AUDIENCE_ID}"
    line = {"method": "GET", "url": url, "status": 404, "response_body": {"error": "gone", "code": "gone"}}
    (tmp_path / "lines.jsonl").write_text(json.dumps(line), "utf-8")
    assert "broken       read.unknown_id" in made.run(
        "trackly-contract", "judge", "--side", "api", str(tmp_path / "lines.jsonl"), code=1
    )


def test_serve_judges_what_a_command_sends(made: Installed) -> None:
    asked = (
        "import os, urllib.request as u;"
        "u.build_opener(u.ProxyHandler({})).open(u.Request(os.environ['TRACKLY_BASE_URL'] + '/v2/audiences/'"
        "+ os.environ['TRACKLY_AUDIENCE_ID'] + '?x=1', headers={'X-Api-Key': os.environ['TRACKLY_API_KEY']}))"
    )
    assert "no page names a query parameter" in made.run(
        "trackly-contract", "serve", "--", str(made.scripts / "python"), "-c", asked, code=1
    )


GATED = """
import httpx

def send(base_url, gate, **options):
    key = {"X-Api-Key": gate.api_key}
    with httpx.Client(base_url=base_url, headers=key, trust_env=False) as client:
        return client.put(f"/v2/audiences/{gate.audience_id}", **options).status_code

def test_routed(trackly_api):
    assert send("https://app.tracklysms.com/api", trackly_api, json={"name": "x"}) == 200

def test_served(trackly_server):
    assert send(trackly_server.base_url, trackly_server, json={"name": "x"}) == 200

def test_at_fault(trackly_api):
    assert send("https://api.tracklysms.com/api", trackly_api, json={"title": "x"}) == 200
"""


def test_the_gate_judges_a_client(made: Installed) -> None:
    path = made.folder / "test_gated.py"
    path.write_text(GATED, "utf-8")
    try:
        said = made.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", path.name, code=1)
    finally:
        path.unlink()
    assert "1 failed, 2 passed" in said
    assert "FAILED test_gated.py::test_at_fault - Failed: unknown-key" in said


@pytest.fixture
def client(made: Installed) -> Iterator[Path]:
    """A client's one test, in a folder without settings."""
    path = made.folder / "test_client.py"
    path.write_text("def test_client():\n    pass\n")
    yield path
    path.unlink()


def test_the_plugin_says_nothing_in_a_clients_pytest(made: Installed, client: Path) -> None:
    said = made.run("python", "-m", "pytest", "-p", "no:cacheprovider", client.name)
    assert "1 passed" in said
    assert [line for line in said.splitlines() if "trackly" in line and not line.startswith("plugins: ")] == []


def test_the_plugin_offers_its_options_to_a_clients_pytest(made: Installed, client: Path) -> None:
    assert "--trackly-target=" in made.run("python", "-m", "pytest", "--help", client.name)


CLIENT = """
from trackly_contract.reference import ReferenceServer
from trackly_contract.gate import running
with running(ReferenceServer()) as base_url: TEXT: {type} = base_url
"""


@pytest.mark.parametrize(("type_of_it", "code"), [("str", 0), ("int", 1)])
def test_a_type_checker_sees_the_types(made: Installed, tmp_path: Path, type_of_it: str, code: int) -> None:
    (tmp_path / "client.py").write_text(CLIENT.format(type=type_of_it))
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--follow-imports=silent"]
    done = finished(*command, "--python-executable", str(made.scripts / "python"), "client.py", cwd=tmp_path)
    assert done.returncode == code, done.stdout + done.stderr
    assert ('expression has type "str", variable has type "int"' in done.stdout) is (code == 1)
