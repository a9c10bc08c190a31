# Two commands do all the set-up: `make quickstart` and `make test`. Both are safe to repeat.

PYTHON := $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin

.PHONY: quickstart test lint bench install install-dev clean

quickstart: install
	$(BIN)/koba quickstart

test: install-dev lint
	$(BIN)/pytest -n logical --maxprocesses 4 --max-worker-restart 2

lint: install-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install-dev
	$(BIN)/python -m tests.benchmarks

install: .venv/installed
install-dev: .venv/installed-dev

# uv does not read pip's configuration: local wheels, such as a CPU build of torch, are handed on.
FIND_LINKS = UV_FIND_LINKS="$$($(BIN)/pip config get global.find-links 2>/dev/null)"

.venv/bin/uv:
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check uv

.venv/installed: pyproject.toml | .venv/bin/uv
	$(FIND_LINKS) $(BIN)/uv pip install --quiet --python $(BIN)/python -e '.[cpu]'
	touch $@

.venv/installed-dev: pyproject.toml | .venv/bin/uv
	$(FIND_LINKS) $(BIN)/uv pip install --quiet --python $(BIN)/python -e '.[cpu,dev,bench]'
	touch $@ .venv/installed

clean:
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache
