"""A test of the project that hangs ends; nothing of that reaches who installs the wheel or runs the suite alone."""

import re
import tomllib

from trackly_contract.core.files import data_root

PROJECT = tomllib.loads((data_root() / "pyproject.toml").read_text("utf-8"))
MAKEFILE = (data_root() / "Makefile").read_text("utf-8")


def test_every_run_of_the_projects_own_tests_has_a_limit() -> None:
    runs = [
        line
        for line in MAKEFILE.splitlines()
        if line.startswith("\t.venv/bin/pytest") and "--ignore=tests/conformance" in line
    ]
    assert runs != []
    assert [line for line in runs if "--timeout=$(LONGEST_TEST)" not in line] == []
    assert re.search(r"^LONGEST_TEST = [0-9]+$", MAKEFILE, re.MULTILINE)


def test_the_limit_needs_no_plugin_where_only_the_suite_runs() -> None:
    assert not any(name.startswith("pytest-timeout") for name in PROJECT["project"]["dependencies"])
    assert not any(name.startswith("timeout") for name in PROJECT["tool"]["pytest"]["ini_options"])
    assert "--timeout" not in PROJECT["tool"]["pytest"]["ini_options"]["addopts"]
