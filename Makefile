# `make` or `make help` lists what there is. Everything installed goes into .venv.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
# Commands are run as modules: scripts in .venv/bin break when the checkout is moved or its path is long.
PY := $(BIN)/python
# Errors only; and byte code is left to the first import, which saves a fifth of the folder and a third of the time.
PIP := $(PY) -m pip --disable-pip-version-check --no-input -qq
INSTALL := $(PIP) install --no-compile
PYTHON ?= $(shell command -v python3.11 || command -v python3)
# One test process more than processors, since some wait for what they have started or killed; at most four, since more
# gain nothing against one database.
JOBS ?= $(shell n=$$(nproc 2>/dev/null || echo 2); n=$$((n + 1)); [ $$n -gt 4 ] && n=4; echo $$n)

.DEFAULT_GOAL := help
.PHONY: help run test lint soak bench mutants migration venv venv-dev venv-bench venv-mutants chromium clean clean-data

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: venv ## install, start everything, print the addresses; Ctrl-C stops (PORT, LANDFALL_VAR ... see docs)
	@exec $(PY) -m launch

test: lint chromium ## everything CI runs: lint, types, import lines, all tests on a real PostgreSQL
	@exec $(PY) -m pytest -n $(JOBS) -m "not soak"

lint: venv-dev ## ruff, mypy, import lines
	@$(PY) -m ruff check . && $(PY) -m ruff format --check . && $(PY) -m mypy && $(PY) -c \
	  'import sys; from importlinter.cli import lint_imports_command; sys.argv[0] = "lint-imports"; lint_imports_command()'

soak: venv-dev ## the slow checks: seeds, faults, long runs
	@exec $(PY) -m pytest -n $(JOBS) -m soak

bench: venv-bench ## measure, and print what against what
	@exec $(PY) -m bench

mutants: venv-mutants ## change customs/duty bit by bit; the law tests must notice (hours; what survives: docs/mutants.md)
	@PATH="$(CURDIR)/$(BIN):$$PATH" exec $(PY) -m mutmut run --max-children 1

migration: venv ## make migration name=add_thing: an empty migration with the next number
	@test -n "$(name)" || { echo "make migration: say name=verb_noun" >&2; exit 1; }
	@last=$$(ls migrations/versions | sed -n 's/^\([0-9]\{4\}\)_.*\.py$$/\1/p' | sort | tail -n 1); \
	next=$$(printf %04d $$((1$$last - 9999)))_$(name); \
	exec $(PY) -m flask --app wsgi db revision -m "$$next" --rev-id "$$next"

clean: ## remove .venv and caches; state in LANDFALL_VAR stays
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis mutants
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

clean-data: venv ## remove the state folder with the embedded database and its secrets
	@$(PY) -m core.embedded_postgres remove && rm -rf "$${LANDFALL_VAR:-var}"

# $(call installed,STAMP,FILES): does the stamp say that exactly these files were installed by this Python?
fingerprint = { $(PY) -V && cat $(1); } 2>/dev/null | sha256sum
DEV_FILES := requirements.txt requirements-dev.txt $(wildcard requirements-archive.txt)

venv:
	@$(PY) -c '' 2>/dev/null || { \
	  "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "make: Python 3.11 is needed; install it or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }; \
	  "$(PYTHON)" -m venv --clear $(VENV) || { \
	    echo "make: Python cannot make an environment; on Debian: apt-get install python3.11-venv" >&2; exit 1; }; }
	@test "$$(cat $(VENV)/installed 2>/dev/null)" = "$$($(call fingerprint,requirements.txt))" || { \
	  echo "installing into $(VENV) (the first time about a minute)" && \
	  $(INSTALL) -r requirements.txt && \
	  { $(call fingerprint,requirements.txt); } > $(VENV)/installed; }

venv-dev: venv
	@test "$$(cat $(VENV)/installed-dev 2>/dev/null)" = "$$($(call fingerprint,$(DEV_FILES)))" || { \
	  echo "installing what the tests need" && \
	  $(INSTALL) $(foreach file,$(DEV_FILES),-r $(file)) && \
	  { $(call fingerprint,$(DEV_FILES)); } > $(VENV)/installed-dev; }

venv-bench: venv-dev
	@test "$$(cat $(VENV)/installed-bench 2>/dev/null)" = "$$($(call fingerprint,requirements-bench.txt))" || { \
	  echo "installing what is measured against" && \
	  $(INSTALL) -r requirements-bench.txt && \
	  { $(call fingerprint,requirements-bench.txt); } > $(VENV)/installed-bench; }

venv-mutants: venv-dev
	@test "$$(cat $(VENV)/installed-mutants 2>/dev/null)" = "$$($(call fingerprint,requirements-mutants.txt))" || { \
	  echo "installing what changes the code" && \
	  $(INSTALL) -r requirements-mutants.txt && \
	  { $(call fingerprint,requirements-mutants.txt); } > $(VENV)/installed-mutants; }

chromium:
	@command -v chromium >/dev/null || { \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && echo "installing Chromium from Debian's packages" && \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	    chromium fonts-wqy-microhei >/dev/null; } </dev/null; } || \
	  echo "make: no Chromium, the browser tests will fail: as root, apt-get install chromium fonts-wqy-microhei" >&2
