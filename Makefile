# Needs GNU make, a POSIX sh and Python 3.11 or newer. Each target makes .venv by itself; ARGS="..." is passed on.
# make exits 2 for whatever fails: where the exit code counts (1 drift, 10 inconclusive), call .venv/bin/pytest.

PYTHON ?= python3
ARGS ?=

# Seconds after which a test of the project is taken to hang: it fails, shows where it stood, and the others go on.
LONGEST_TEST = 900

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help conformance test check live record docs proof bench cassettes corpus format lock clean

help: ## this list
	@echo 'usage: make TARGET [ARGS="..."] [PYTHON=python3.x]'
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' Makefile

conformance: .venv/.installed ## the suite on the embedded reference server; writes report/
	.venv/bin/pytest --trackly-report=report $(ARGS)

test: .venv/.installed ## all tests of the project itself, then the suite on the cassettes (ARGS: for the former)
	.venv/bin/pytest -n auto --dist worksteal --timeout=$(LONGEST_TEST) --durations=10 tests --ignore=tests/conformance $(ARGS)
	.venv/bin/pytest --trackly-target=replay --trackly-effort=quick

check: .venv/.installed ## lint, format, types, layers, generated files fresh, schemas valid
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports --no-cache
	.venv/bin/shellcheck docs/ci/*.sh
	.venv/bin/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	.venv/bin/zizmor --offline --quiet --persona pedantic .github/workflows
	.venv/bin/python -m tests.maintain.generated --check
	.venv/bin/python -m tests.maintain.corpus --check
	.venv/bin/python -m tests.maintain.edge_cases --check
	.venv/bin/python -m tests.maintain.architecture --check
	.venv/bin/python -m tests.faults.document --check
	.venv/bin/python -m tests.proof --check
	.venv/bin/pytest -q tests/contract/test_openapi.py

live: .venv/.installed ## the suite on the live API (TRACKLY_API_KEY, TRACKLY_AUDIENCE_ID); writes report/
	.venv/bin/pytest --trackly-target=live --trackly-report=report $(ARGS)

record: .venv/.installed ## the same, and records cassettes/live anew
	.venv/bin/pytest --trackly-target=live --trackly-report=report --trackly-record $(ARGS)

docs: .venv/.installed ## writes the generated files anew
	.venv/bin/python -m tests.maintain.generated
	.venv/bin/python -m tests.maintain.edge_cases
	.venv/bin/python -m tests.maintain.architecture
	.venv/bin/python -m tests.faults.document

proof: .venv/.installed ## the suite and Schemathesis on every mutant and variant; writes docs/proof.md (long)
	.venv/bin/python -m tests.proof

bench: .venv/.installed ## how fast things are
	.venv/bin/python -m tests.bench $(ARGS)

cassettes: .venv/.installed ## records cassettes/reference anew, from the reference server
	.venv/bin/python -m tests.maintain.record_reference

corpus: .venv/.installed ## makes the frozen corpus of generated bodies anew
	.venv/bin/python -m tests.maintain.corpus

format: .venv/.installed ## formats the code and mends what ruff can mend
	.venv/bin/ruff format
	.venv/bin/ruff check --fix

lock: .venv/.locked ## brings requirements.lock in line with pyproject.toml (ARGS=--upgrade: newest versions)
	.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --group dev \
	  --no-emit-index-url --custom-compile-command 'make lock' --output-file requirements.lock $(ARGS) pyproject.toml

clean: ## removes .venv, report/, build results and caches
	rm -rf .venv report build dist tests/tools/node_modules .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name .git -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +

# A venv knows its folder and its interpreter: where either has gone, or the checkout was copied, it is made anew.
ifneq ($(shell test -x .venv/bin/python && cat .venv/.folder 2>/dev/null),$(CURDIR))
.PHONY: .venv/.locked
endif

.venv/.locked: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo 'Python 3.11 or newer is needed; $(PYTHON) is:' "$$($(PYTHON) --version 2>&1)" >&2; \
	  echo 'Name another one: make PYTHON=python3.12 ...' >&2; \
	  exit 1; }
	@echo 'making .venv from requirements.lock (once; a minute or less)'
	@rm -rf .venv
	@{ $(PYTHON) -m venv .venv && pwd -P > .venv/.folder && \
	  .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock && \
	  touch $@; } || { rm -rf .venv; echo '.venv could not be made; it is removed, the next call begins anew' >&2; exit 1; }

.venv/.installed: .venv/.locked pyproject.toml
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
