# What a person types. `make run` and `make test` need Python 3.11 or newer and nothing else.
.DEFAULT_GOAL := help
PYTHON ?= python3
PORT ?= 8900
DATA ?= weft-data
BIN := .venv/bin
export PATH := $(CURDIR)/.venv/bin:$(PATH)
WEB := $(shell find web -type f -not -path 'web/node_modules/*' -not -path 'web/dist/*' 2>/dev/null)

.PHONY: help setup run dev test check fix generate bench chaos clean
help: ## show what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Weft needs Python 3.11 or newer: make run PYTHON=python3.12")'
	@echo "Making an environment in .venv…"
	@$(PYTHON) -m venv .venv

.stamps/packages: requirements.lock | .venv/bin/python
	@mkdir -p .stamps
	@echo "Installing Python packages; this takes about a minute the first time…"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

.stamps/weft: .stamps/packages pyproject.toml hatch_build.py $(WEB)
	@echo "Building the web app…"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

.stamps/dev: .stamps/weft requirements-dev.lock
	@echo "Installing what tests and checks need…"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python tests/install_node.py
	@touch $@

.stamps/interop: tests/interop/package-lock.json | .stamps/dev
	@cd tests/interop && npm ci --no-audit --no-fund --silent
	@touch $@

.stamps/web: web/package-lock.json | .stamps/dev
	@cd web && npm ci --no-audit --no-fund --silent
	@touch $@

setup: .stamps/weft ## install everything into .venv and build the web app

run: setup ## serve at http://127.0.0.1:8900
	@exec $(BIN)/weft serve --port $(PORT) --data $(DATA)

dev: .stamps/dev .stamps/web ## serve with reload; the web app at http://127.0.0.1:5173
	@$(BIN)/weft serve --port $(PORT) --data $(DATA) --reload & trap 'kill $$!' EXIT; cd web && npm run dev

test: .stamps/dev .stamps/web .stamps/interop ## run every test: Python, web, browser (what needs a machine to itself comes last)
	cd web && npm test
	@$(BIN)/python -m pytest -q --cache-clear -n logical --maxprocesses 4 -m "not browser and not ray"; \
	side_by_side=$$?; \
	$(BIN)/python -m pytest -q -m "browser or ray" && exit $$side_by_side

check: .stamps/dev .stamps/web ## format, lint, types, import directions
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy -p weft_engine -p weft_ai -p weft_server
	$(BIN)/lint-imports --no-logo
	cd web && npm run check && npm run types

fix: .stamps/dev .stamps/web ## format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	cd web && npm run fix

generate: .stamps/dev .stamps/web ## refresh what is generated and committed
	$(BIN)/python -m weft_server.cli.main schema --out web/src/api/openapi.json
	$(BIN)/python docs/generate.py
	cd web && npm run generate

bench: .stamps/dev ## measure; the figures go to docs/benchmarks.md
	$(BIN)/python -m benchmarks

chaos: .stamps/dev ## kill jobs at random for half an hour; results must stay exact
	$(BIN)/python -m tests.engine.kernel.conformance.chaos --minutes 30

clean: ## remove what was installed and built; keeps weft-data
	rm -rf .venv .stamps server/weft_server/static web/node_modules tests/interop/node_modules
