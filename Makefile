# Every command of the project. `make help` lists them.
PORT    ?= 8000
HOST    ?= 127.0.0.1
DATA    ?= ./var
SAMPLES ?= yes
WORKERS ?= 1

PLANS       ?= 10000 1000000
SEED        ?= 1
CONNECTIONS ?= 2

SEQUENCES ?= 10000
REQUESTS  ?= 10000

PYTHON  ?= python3
VENV    := .venv
BIN     := $(VENV)/bin
LOCKED  := $(BIN)/pip install --quiet --disable-pip-version-check --constraint requirements.lock

.DEFAULT_GOAL := help
.PHONY: help run test durability audit-check check audit-dependencies format bench bench-search openapi docs definitions lock clean

help: ## List the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-18s %s\n", $$1, $$2}'

run: $(VENV)/run.stamp ## Set up, start the service with its own MongoDB and sample plans (PORT HOST DATA SAMPLES WORKERS)
	@exec $(BIN)/recovery-plan serve --host "$(HOST)" --port "$(PORT)" --data "$(DATA)" --samples "$(SAMPLES)" --workers "$(WORKERS)"

test: $(VENV)/dev.stamp ## Set up and run every test, on a real MongoDB
	$(BIN)/pytest

durability: $(VENV)/dev.stamp ## Try many random operations while primaries step down and processes are killed (SEQUENCES SEED)
	SEQUENCES="$(SEQUENCES)" $(BIN)/pytest -s tests/durability/test_random_operations.py

audit-check: $(VENV)/dev.stamp ## Ask for thousands of mixed things and hold the audit to every answer (REQUESTS)
	REQUESTS="$(REQUESTS)" $(BIN)/pytest -q tests/audit/test_exactness.py

check: $(VENV)/dev.stamp ## Format, lint, types, import layers, freshness of generated files; writes nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/recovery-plan openapi --check openapi/r4.json
	$(BIN)/recovery-plan guide --check docs/profiles
	$(BIN)/python -m tests.support.views_page --check
	$(BIN)/python -m tests.support.snapshots --check
	$(BIN)/python -m tests.support.validation_rules --check
	$(BIN)/python -m tests.support.guide --check
	$(BIN)/python -m tests.support.r5 --check

audit-dependencies: ## Look for known weaknesses of the pinned dependencies (needs PyPI); what cannot be looked up fails
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/pip install --quiet --disable-pip-version-check pip-audit
	.venv-audit/bin/pip-audit --strict --no-deps --disable-pip --requirement requirements.lock

format: $(VENV)/dev.stamp ## Put the code into its one format and mend what the linter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/dev.stamp ## Measure the service beside the floor in one run and print the ratios
	$(BIN)/python -m tests.bench

bench-search: $(VENV)/dev.stamp ## Fill databases, measure the listed searches in each and say which goals are met (PLANS SEED CONNECTIONS)
	$(BIN)/python -m tests.bench.search --plans "$(PLANS)" --seed "$(SEED)" --connections "$(CONNECTIONS)"

openapi: $(VENV)/run.stamp ## Write openapi/r4.json anew from the definitions
	$(BIN)/recovery-plan openapi --write openapi/r4.json

docs: $(VENV)/run.stamp ## Write docs/profiles anew: the pages about the profiles, from the definitions
	$(BIN)/recovery-plan guide --write docs/profiles

definitions: $(VENV)/dev.stamp ## Write anew what follows from our definitions: docs/views.md, snapshots, the guide's list, the package, the R5 forms
	$(BIN)/python -m tests.support.views_page
	$(BIN)/python -m tests.support.snapshots
	$(BIN)/python -m tests.support.validation_rules
	$(BIN)/python -m tests.support.guide
	$(BIN)/python -m tests.support.r5

lock: ## Pin every dependency anew in requirements.lock (needs uv)
	uv pip compile --universal --python-version 3.11 --all-extras --no-header --no-annotate pyproject.toml --output-file requirements.lock

clean: ## Remove the virtual environment and caches, never the data
	rm -rf $(VENV) .venv-audit .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/bin/pip:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: $(VENV)/bin/pip pyproject.toml requirements.lock
	$(LOCKED) --editable '.[embedded]'
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp
	$(LOCKED) --editable '.[embedded,motor,test,check]'
	@touch $@
