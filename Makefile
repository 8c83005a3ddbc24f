# Everything starts from a fresh machine: `make demo` and `make test` set up what they need.
SHELL := /bin/bash
.DELETE_ON_ERROR:
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
VENDOR := src/clearway/reporting/assets/vendor
ASSETS := $(VENDOR)/echarts.min.js $(VENDOR)/topojson-client.min.js

.PHONY: demo test soak bench lint types contracts check setup assets system browser lock data clean help

help:
	@echo "make demo   read a notice, plan the country at its peak, simulate and compare, serve the page on a terminal"
	@echo "make test   every test, those in a real browser included"
	@echo "make soak   long proofs: thousands of random cases, interrupted writes, big files"
	@echo "make bench  measure speed and memory"
	@echo "make check  lint, types and import contracts"
	@echo "make data   rebuild the built-in case, names of places and the sample notice"
	@echo "make lock   renew requirements.lock"

demo: setup assets
	@$(BIN)/python -m clearway.cli.demo

test: setup assets browser
	@$(BIN)/python -m pytest -n 2 --dist loadfile

soak: setup assets
	@CLEARWAY_SOAK=1 $(BIN)/python -m pytest -n 2 -m soak

bench: $(VENV)/.bench
	@$(BIN)/python -m benchmarks

$(VENV)/.bench: requirements-bench.lock $(VENV)/.ready
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-bench.lock || { echo "The peers (requirements-bench.lock) could not be installed; that needs a package index once." >&2; exit 1; }
	@touch $@

check: lint types contracts

lint: setup
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . || { $(BIN)/ruff format --diff . 2>/dev/null | head -40; exit 1; }

types: setup
	@$(BIN)/mypy

contracts: setup
	@$(BIN)/lint-imports

data: setup
	@$(BIN)/python -m scripts.china
	@$(BIN)/python -m scripts.names
	@$(BIN)/python -m scripts.sample_notice

# ---------------------------------------------------------------- set-up

setup: $(VENV)/.ready

$(VENV)/.ready: requirements.lock pyproject.toml scripts/setup.sh
	@PYTHON="$(PYTHON)" VENV="$(VENV)" bash scripts/setup.sh venv
	@touch $@

assets: $(ASSETS)

$(ASSETS) &: frontend/package-lock.json
	@bash scripts/setup.sh assets

browser:
	@bash scripts/setup.sh browser

lock: setup
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra dev -o requirements.lock pyproject.toml
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra dev --extra bench -c requirements.lock -o requirements-bench.lock pyproject.toml

clean:
	rm -rf $(VENV) $(VENDOR) frontend/node_modules build out
