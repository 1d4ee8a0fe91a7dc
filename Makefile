# Needs Python 3.11 or later, git, make and a package index; everything else goes into $(VENV).

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# One more than there are processors: tests wait for processes and sockets a good part of their time.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(os.cpu_count() + 1)')
# With the exact version of each package it needs, so that none is chosen anew.
PARSER = @actions/workflow-parser@0.3.61 @actions/expressions@0.3.61 cronstrue@2.61.0 yaml@2.9.1
WORKFLOWS = .github/workflows/*.yml examples/workflows/*.yml

# What of the tests is run: SELECT is a further condition on their marks, TESTS are files or folders.
# The coverage gate is for all tests, so it holds where TESTS names none.
SELECTION = -m "not exploration$(if $(SELECT), and ($(SELECT)))"
GATE = --cov-fail-under=95
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

# What is worth running after every change: without AWS and without measuring coverage.
QUICK = tests/unit tests/consistency/golden tests/contract tests/functional

.PHONY: demo test quick explore check format clean

demo: $(VENV)/.installed
	$(BIN)/python scripts/demo.py

test: $(VENV)/.installed-dev
	$(PYTEST) $(SELECTION) --cov --cov-report=term $(if $(TESTS),$(TESTS),$(GATE))

quick: $(VENV)/.installed-dev
	$(PYTEST) -m "not exploration and not aws" $(QUICK)

explore: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n auto --dist worksteal -m exploration tests/model

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --platform darwin src
	$(BIN)/mypy --platform win32 src
	$(BIN)/lint-imports
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions action.yml composite/action.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows $(WORKFLOWS)
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/zizmor --offline --no-progress --quiet --persona=auditor \
	  action.yml composite/action.yml .github/dependabot.yml $(WORKFLOWS)

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build dist demo .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[action]'
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[action,dev]'
	touch $@

# GitHub's own parser of actions and workflows, for tests/consistency. Needs npm.
$(VENV)/.installed-parser: $(VENV)/.installed-dev
	npm install --prefix $(VENV)/node --ignore-scripts --no-audit --no-fund --no-package-lock \
	  --no-save --loglevel=error $(PARSER)
	touch $@
