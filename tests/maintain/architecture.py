"""Draws docs/architecture.md: the rooms and what each imports, read from the code, and a walk through them.

The layers are those of pyproject.toml, which import-linter holds; the arrows are the imports that there are. A file
that the walk names and that is not there is an error.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import grimp

from tests.maintain import generated, markdown
from trackly_contract.core.files import data_root

PACKAGE = "trackly_contract"
NAMES = {"run": "jobs", "judge": "middle", "contract": "ground", "core": "base"}
"""The name of a layer, by a room that it has; every other layer holds doors."""


def layers() -> list[tuple[str, list[str]]]:
    """Return the layers, the highest first: a name, and the modules or rooms in it."""
    settings = tomllib.loads((data_root() / "pyproject.toml").read_text("utf-8"))
    listed = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    found: list[tuple[str, list[str]]] = []
    for layer in listed:
        modules = [module.strip().removeprefix(f"{PACKAGE}.") for module in layer.split("|")]
        name = next((NAMES[module] for module in modules if module in NAMES), "doors")
        if found and found[-1][0] == name:
            found[-1][1].extend(modules)
        else:
            found.append((name, modules))
    return found


def imports(modules: Sequence[str]) -> set[tuple[str, str]]:
    """Return the pairs of rooms (or doors) of which the first imports the second."""
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    found = set()
    for importer in graph.modules:
        for imported in graph.find_modules_directly_imported_by(importer):
            one, other = (module.split(".")[1] if "." in module else "" for module in (importer, imported))
            if one != other and {one, other} <= set(modules):
                found.add((one, other))
    return found


def drawing() -> str:
    """Return the rooms as a Mermaid flowchart; arrows to core, which everything imports, are left out."""
    floors = layers()
    modules = [module for _, inside in floors for module in inside]
    lines = ["flowchart TD"]
    for name, inside in floors:
        lines += [f"  subgraph {name}", "    direction LR", *(f"    {module}" for module in inside), "  end"]
    arrows = sorted(imports(modules), key=lambda pair: (modules.index(pair[0]), modules.index(pair[1])))
    lines += [f"  {one} --> {other}" for one, other in arrows if other != "core"]
    return "\n".join(lines)


def rooms() -> dict[str, str]:
    """Return what each room and door is for: the first sentence of its docstring."""
    found = {}
    for _, inside in layers():
        for module in inside:
            folder = data_root() / "src" / PACKAGE / module
            path = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
            text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
            found[module] = " ".join(text.split("\n\n")[0].split())
    return found


def document() -> str:
    """Return docs/architecture.md. Raises FileNotFoundError for a file that its walk names and that is not there."""
    template = markdown.templates().get_template("architecture.md.jinja")
    text = template.render(drawing=drawing(), rooms=rooms())
    for named in re.findall(r"\]\(\.\./((?:src|tests)/[^)#]+)\)", text):
        if not Path(data_root() / named).exists():
            raise FileNotFoundError(f"docs/architecture.md names {named}, which is not there: mend its template")
    return text


FILES = {"docs/architecture.md": document}


if __name__ == "__main__":
    sys.exit(generated.main(files=FILES))
