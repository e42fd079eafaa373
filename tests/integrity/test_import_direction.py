"""Imports point one way, libraries stand behind one module each, and the suite is blind to its target."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from trackly_contract import data

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKAGE = "trackly_contract"
SOURCE = data.root() / "src" / PACKAGE
SUITE = data.suite()

LAYERS = {
    "values": "exchange jsonvalue rule verdict secrets",
    "contract data, schemas, strategies": (
        "data vocabulary contract filters schemas cases accepted walk strategies broken corpus"
    ),
    "reference server, targets, judge": (
        "reference reference_choices reference_filter serve client cassettes recorder ledger standins swap"
        " journal lock offline targets"
        " judge judge_request followed faults conversation session candidates precedence limits questions"
        " interrupts live"
        " traffic traffic_har traffic_lines traffic_cassette traffic_files traffic_state traffic_body traffic_judge"
    ),
    "reports, documents": (
        "layout markdown snippets report_members report_advice report_assumed report_diff report_known report_matrix"
        " report report_view report_files failure request_text generated second_reading last_live waivers compare"
        " tomlfile observed answers github issues traffic_report"
        " docs_page docs_html docs_request docs_facts docs_file docs_held docs_which docs_drift"
    ),
    "gate for clients": "possible_answers gate gate_coverage gate_httpx gate_control gate_server gate_run survival",
    "pytest plugin, command line": (
        "gate_plugin run record_reference recording options terminal plugin cli recorded_verdicts atlas traffic_run"
    ),
}
"""Modules by layer, the lowest first: each imports from its own layer and from those above it in this list."""

LEVEL = {module: level for level, modules in enumerate(LAYERS.values()) for module in modules.split()}

REFERENCE_SERVER = [path.stem for path in SOURCE.glob("reference*.py")]
BESIDE_REFERENCE = {"exchange", "jsonvalue", "__init__", *REFERENCE_SERVER}

LIBRARIES = {
    "httpx": {"client", "gate_httpx"},
    "respx": {"gate_httpx"},
    "vcr": {"cassettes", "recorder"},
    "jsonschema": {"contract", "schemas", "generated", "waivers", "compare"},
    "referencing": {"schemas", "generated"},
    "waitress": {"serve", "gate_server"},
}
"""Libraries that only these modules may import."""

RECORDING = {"cassettes", "recorder", "ledger", "standins", "swap", "recording"}
HIDDEN_FROM_THE_SUITE = {*REFERENCE_SERVER, *RECORDING, "serve", "targets", "plugin", "run", "recorded_verdicts", "cli"}
TELLTALE = {"target", "trackly_target", "stamped", "base_url", "offline", "environ", "getenv"}
"""Attributes that would tell a test which target it faces."""


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield the dotted names that a module imports, under TYPE_CHECKING and inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(filter(None, [PACKAGE if node.level else "", node.module]))
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            first = node.args[0] if node.args else None
            yield first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else "unknown"


def ours(tree: ast.AST) -> set[str]:
    """The modules of the package that are imported; what the package itself has counts as `__init__`."""
    found = set()
    for name in imported(tree):
        first, *rest = name.split(".")
        if first == PACKAGE:
            found.add(rest[0] if rest and (SOURCE / f"{rest[0]}.py").is_file() else "__init__")
    return found


def libraries(tree: ast.AST) -> set[str]:
    return {name.partition(".")[0] for name in imported(tree)}


def parsed(path: Path) -> ast.AST:
    return ast.parse(path.read_text("utf-8"), str(path))


MODULES = [pytest.param(path, id=path.stem) for path in sorted(SOURCE.glob("**/*.py")) if path.stem != "__init__"]
TESTS = [pytest.param(path, id=path.stem) for path in sorted(SUITE.glob("**/*.py"))]


@pytest.mark.parametrize("path", MODULES)
def test_a_module_has_a_layer(path: Path) -> None:
    assert path.parent == SOURCE, f"{path.relative_to(SOURCE)}: the package is flat, put it beside the others"
    assert path.stem in LEVEL, f"{path.name} is new: add {path.stem!r} to its layer in LAYERS of {__name__}"


def test_a_listed_module_exists() -> None:
    gone = [module for module in LEVEL if not (SOURCE / f"{module}.py").is_file()]
    assert gone == [], f"take them out of LAYERS of {__name__}"
    assert len(LEVEL) == sum(len(modules.split()) for modules in LAYERS.values()), "a module stands in two layers"


@pytest.mark.parametrize("path", MODULES)
def test_a_module_imports_from_its_layer_and_below(path: Path) -> None:
    layers = list(LAYERS)
    here = LEVEL.get(path.stem, len(layers))
    above = [
        f"{path.stem} imports {module}, which is of the layer '{layers[LEVEL[module]]}'"
        for module in sorted(ours(parsed(path)) - {"__init__"})
        if LEVEL.get(module, here) > here
    ]
    assert above == []


@pytest.mark.parametrize("module", [*REFERENCE_SERVER, "serve"])
def test_the_reference_server_reads_neither_schemas_nor_contract(module: str) -> None:
    assert ours(parsed(SOURCE / f"{module}.py")) <= BESIDE_REFERENCE


@pytest.mark.parametrize("path", MODULES)
def test_a_library_stands_behind_its_module(path: Path) -> None:
    found = libraries(parsed(path))
    assert [name for name, modules in LIBRARIES.items() if name in found and path.stem not in modules] == []


def test_the_package_itself_imports_none_of_its_modules() -> None:
    assert ours(parsed(SOURCE / "__init__.py")) == set()


@pytest.mark.parametrize("path", TESTS)
def test_the_suite_does_not_import_what_answers_it(path: Path) -> None:
    tree = parsed(path)
    assert ours(tree) & HIDDEN_FROM_THE_SUITE == set()
    assert libraries(tree) & {*LIBRARIES, "os", "socket", "unknown"} == set()


def asks_for_the_target(tree: ast.AST) -> list[str]:
    """What in a module looks at the name or the kind of the target."""
    found = [node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr in TELLTALE]
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value.replace("-", "_").lower()
            found += [node.value for word in ("trackly_target", "trackly_base_url") if word in text]
            found += [node.value] if node.value in TELLTALE else []
    return found


@pytest.mark.parametrize("path", TESTS)
def test_the_suite_does_not_ask_which_target_it_faces(path: Path) -> None:
    assert asks_for_the_target(parsed(path)) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import trackly_contract.judge", {"judge"}),
        ("from trackly_contract import judge, __version__", {"judge", "__init__"}),
        ("from trackly_contract.judge import describe", {"judge"}),
        ("from . import judge", {"judge"}),
        ("from .judge import describe", {"judge"}),
        ("def f():\n    from trackly_contract.judge import describe", {"judge"}),
        ("import importlib\nimportlib.import_module('trackly_contract.judge')", {"judge"}),
        ("import trackly_contract_other.judge", set()),
    ],
)
def test_every_way_to_import_is_seen(text: str, found: set[str]) -> None:
    assert ours(ast.parse(text)) == found


@pytest.mark.parametrize(
    "text",
    [
        "config.option.trackly_target",
        "config.getoption('--trackly-target')",
        "api.target.name",
        "getattr(api, 'target')",
        "os.environ['X']",
    ],
)
def test_every_way_to_ask_for_the_target_is_seen(text: str) -> None:
    assert asks_for_the_target(ast.parse(text))
