# One word each. `make try` and `make test` need only Python >= 3.11, make and the package registries.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# One file per set of dependencies: installed again only when pyproject.toml changes.
TRY    := $(VENV)/.installed-try
DEV    := $(VENV)/.installed-dev

PURE_TESTS := tests/test_errors.py tests/test_phrases.py tests/domain tests/policy tests/wires \
	tests/engine/test_flow.py tests/engine/test_verdict.py
PURE := src/pisang/errors/*,src/pisang/domain/*,src/pisang/policy/*,src/pisang/wires/*,$\
	src/pisang/engine/flow.py,src/pisang/engine/effects.py,src/pisang/engine/verdict.py

.DEFAULT_GOAL := help
.PHONY: help try test check fix bench prove ray shape crash fuzz clean

help: ## what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Pisang needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12 ...")'
	@$(PYTHON) -m venv $(VENV)

$(TRY): pyproject.toml | $(VENV)/bin/python
	@echo "Setting up .venv (once, about half a minute)" >&2
	@$(BIN)/python -m pip --disable-pip-version-check -q install -e .
	@touch $@

$(DEV): pyproject.toml | $(VENV)/bin/python
	@echo "Setting up .venv with the developers' tools (once, about a minute)" >&2
	@$(BIN)/python -m pip --disable-pip-version-check -q install -e '.[dev]'
	@touch $@ $(TRY)

try: $(TRY) ## paint one picture offline, and learn how to use a real key
	@$(BIN)/pisang try
	@echo; echo "In this checkout the command is $(BIN)/pisang; elsewhere: pip install pisang"

test: $(DEV) ## every test; the pure layers must be covered whole, branch by branch
ifdef ARGS
	@$(BIN)/python -m pytest $(ARGS)
else
	@rm -f .coverage.pure*
	@COVERAGE_FILE=.coverage.pure $(BIN)/coverage run -m pytest -n auto $(PURE_TESTS)
	@COVERAGE_FILE=.coverage.pure $(BIN)/coverage combine -q
	@COVERAGE_FILE=.coverage.pure $(BIN)/coverage report --include='$(PURE)' --skip-covered --fail-under=100
	@$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(addprefix --ignore=,$(PURE_TESTS))
endif

check: $(DEV) ## style, types, layers, purity
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m tools.cycles

fix: $(DEV) ## what can be put right by itself
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .
	@$(BIN)/python -m tools.docs

bench: $(DEV) ## speed beside the peers, raw figures in bench/out/
	@$(BIN)/python -m bench

prove: $(DEV) ## five clients over one faulty upstream: who paid for what, and has it (90 s at most)
	@$(BIN)/python -m prove $(ARGS)

ray: $(DEV) ## batches on a Ray cluster of two nodes, one of them killed (2 min; installs Ray, 400 MB)
	@$(BIN)/python -c 'import ray' 2>/dev/null || $(BIN)/python -m pip --disable-pip-version-check -q install -e '.[ray]'
	@$(BIN)/python -m pytest tests/ray -s $(ARGS)

shape: $(DEV) ## sizes of files and functions beside the best code of the field
	@$(BIN)/python -m tools.shape

crash: $(DEV) ## the long versions of kills, power cuts and the simulator
	@PISANG_CRASH=long $(BIN)/python -m pytest -m crash $(ARGS)

fuzz: $(DEV) ## every decode entry point, SECONDS=20 each
	@$(BIN)/python -m fuzz $(SECONDS)

clean: ## remove what was built here
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage* bench/out prove/out
