# The two commands:  make demo  and  make test.  All of them:  make help
# Settings: ARGS="..." goes to the program; PYTHON=/path/to/python3.13 makes .venv; see scripts/prepare for the rest.

SHELL = /bin/sh
BIN = .venv/bin
ARGS =
# Tests at once: the live ones mostly wait for callers to listen and phones to ring
WORKERS = 4
export PYTHON

.PHONY: help prepare prepare-test demo test test-long bench lock clean

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/make \1|\2/p' Makefile | awk -F '|' '{ printf "  %-18s %s\n", $$1, $$2 }'

prepare: ## get what the demo needs: Debian packages, .venv, the pages, Asterisk
	@scripts/prepare demo

prepare-test: ## get what the tests need
	@scripts/prepare test

demo: prepare ## see it work, with real calls (for example ARGS="--headless --calls 30")
	@$(BIN)/callcenter demo $(ARGS)

test: prepare-test ## lint, types, import contracts and all tests but the long ones (ARGS goes to pytest)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -m "not long" -n $(WORKERS) --dist worksteal $(ARGS)

test-long: prepare-test ## the tests that take minutes (ARGS goes to pytest)
	$(BIN)/pytest -m long $(ARGS)

bench: prepare-test ## measure what the product promises
	@$(BIN)/callcenter bench $(ARGS)

LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --extra build

lock: prepare-test ## lock the versions anew after a change of pyproject.toml (newest ones: ARGS=--upgrade)
	$(LOCK) pyproject.toml -o requirements.lock $(ARGS)
	$(LOCK) --extra dev pyproject.toml -o requirements-dev.lock $(ARGS)

clean: ## remove what was made here (not var, where data lies, and not the cache folder)
	rm -rf .venv agent_ui/node_modules agent_ui/dist dist var/prepare
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find callcenter migrations tests -name __pycache__ -type d -prune -exec rm -rf {} +
