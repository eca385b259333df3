SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:
MAKEFLAGS += --no-print-directory
LAYERS := domain application adapters entrypoints
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv --quiet
UV_VERSION := 0.13.9
WORKERS ?= auto

.PHONY: help
help: ## List the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: $(VENV)/ready ## Set everything up, then serve (ORBITER_PORT, ORBITER_DATA_DIR… are honoured)
	@exec $(BIN)/orbiter serve

.PHONY: test
test: $(VENV)/ready-dev types-links | $(VENV)/browser ## Set everything up, then run every test, with a real PostgreSQL
	@$(BIN)/pytest -n $(WORKERS) $(ARGS)

.PHONY: check
check: $(VENV)/ready-dev types imports ## Check format, lint, types and layer rules
	@$(BIN)/ruff format --check .
	$(BIN)/ruff check .

.PHONY: types
types: $(VENV)/ready-dev types-links ## Check the types
	@$(BIN)/mypy | sed 's|^\.typing/orbiter/||'

.PHONY: imports
imports: $(VENV)/ready-dev ## Check that dependencies point inwards
	@$(BIN)/lint-imports

.PHONY: format
format: $(VENV)/ready-dev ## Format the code and mend what lint can mend
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

.PHONY: demo
demo: $(VENV)/ready ## Show a first workflow, on a server of its own or the one at ORBITER_URL
	@$(BIN)/python -m orbiter.entrypoints.demo

.PHONY: bench
bench: $(VENV)/ready-dev ## Measure Orbiter against the floors it stands on
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.bench $(ARGS)
	PYTHONPATH=tests $(BIN)/python -m benchmarks.durable $(ARGS)
	PYTHONPATH=tests $(BIN)/python -m benchmarks.agents $(ARGS)
	PYTHONPATH=tests $(BIN)/python -m benchmarks.deltas $(ARGS)

.PHONY: lock
lock: $(VENV)/uv ## Solve the dependencies anew into the hashed locks
	@compile="$(UV) pip compile pyproject.toml --all-extras --generate-hashes --universal --python-version 3.11 --no-header --no-emit-index-url --no-emit-find-links --upgrade"
	$$compile --group build -o requirements.lock
	$$compile --group build --group dev -c requirements.lock -o requirements-dev.lock

.PHONY: types-links
types-links:
	@mkdir -p .typing/orbiter
	for layer in $(LAYERS); do ln -sfn ../../$$layer .typing/orbiter/$$layer; done

# A lock is installed once for each of its contents; the stamp is newer than what it was made from.
$(VENV)/uv:
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Orbiter needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	touch $@

$(VENV)/ready: requirements.lock pyproject.toml | $(VENV)/uv
	@if [ -e $(VENV)/ready-dev ]; then rm $(VENV)/ready-dev; fi
	echo "Installing what Orbiter needs (requirements.lock)"
	VIRTUAL_ENV=$(VENV) $(UV) pip install --require-hashes -r requirements.lock
	VIRTUAL_ENV=$(VENV) $(UV) pip install --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/ready-dev: requirements-dev.lock $(VENV)/ready
	@echo "Installing what its tests need (requirements-dev.lock)"
	VIRTUAL_ENV=$(VENV) $(UV) pip install --require-hashes -r requirements-dev.lock
	touch $@

# The docs pages are looked at in a real browser, fetched where that takes no more than asking;
# elsewhere those tests are skipped.
$(VENV)/browser: | $(VENV)/uv
	@if ! { command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null \
	    && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	  echo "Installing Chromium for the tests of the docs pages"
	  export DEBIAN_FRONTEND=noninteractive
	  { timeout 60 apt-get update -qq && timeout 240 apt-get install -y -qq --no-install-recommends chromium; } \
	    >$(VENV)/browser.log 2>&1 || echo "That failed ($(VENV)/browser.log); those tests are skipped"
	fi
	touch $@
