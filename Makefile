# The command CI runs is the command a person runs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.settle-setup

export DO_NOT_TRACK := 1
export DBT_SEND_ANONYMOUS_USAGE_STATS := false

.PHONY: help setup demo up check diff docs test smoke nightly bench lint style types sql lock load simulate soak audit

help: ## This list
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP) ## Build .venv from requirements.lock

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "settle needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 || true). Install it, or say: make PYTHON=python3.11" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the locked dependencies into .venv (about a minute) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

demo: setup ## One payout week after another, end to end (DATA=DIR for CSV files)
	@$(BIN)/settle demo $(if $(DATA),--data "$(DATA)")

up: setup ## The graph, its daemon, the receiver and a local rail, until Ctrl-C
	@$(BIN)/settle up

check: setup ## Lint, types, and what changed in the models with its tests, in seconds
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@git diff --name-only --diff-filter=d main -- '*.sql' | grep -v orchestrator/queries/\|orchestrator/.*/sql/\|orchestrator/dbt/ \
		| xargs -r $(BIN)/sqlfluff lint -q
	$(BIN)/settle check

diff: setup ## Which rows and sums of the public views a change would move
	@$(BIN)/settle diff

docs: setup ## dbt's own pages on every column, in .settle/dbt/target
	@$(BIN)/settle docs

PYTEST := $(BIN)/pytest --dist loadgroup --no-loadscope-reorder
# Of the slow two, each says what it has to say in one piece (GNU make 4; macOS has 3.81).
TOGETHER := --jobs 2 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

lint: style ## Style and types; the slow two beside each other
	@$(MAKE) --no-print-directory $(TOGETHER) types sql

style: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

sql: setup
	$(BIN)/sqlfluff lint --processes 2 -q models macros snapshots tests/dbt orchestrator/database

test: style ## Lint, types, dbt build with unit and data tests, pytest; the slow lint beside it
	@said=$$(mktemp) && trap 'rm -f "$$said"' EXIT; \
	$(MAKE) --no-print-directory --keep-going $(TOGETHER) types sql >"$$said" 2>&1 & \
	$(PYTEST) -n 3 --durations 30; tests=$$?; \
	wait $$!; lint=$$?; cat "$$said"; \
	exit $$((tests | lint))

smoke: setup ## In a minute: arithmetic, the rail's contract, a server, a build, a payment
	$(PYTEST) -n 2 tests/unit tests/reference tests/halfin/test_contract.py \
		tests/functions/test_gate.py tests/functions/test_submit.py \
		tests/models/test_dbt.py::test_unit_and_data_tests_pass_on_an_empty_database

nightly: setup ## What make test leaves out, for an hour or two: long, rare, or many of a kind
	$(PYTEST) -n 3 -m nightly --durations 30
	@$(MAKE) --no-print-directory simulate
	@$(MAKE) --no-print-directory load
	@$(MAKE) --no-print-directory soak WEEKS=60

bench: setup ## Measure (SCALE=small|medium|full, ONLY="limit views"): goals and numbers
	@$(BIN)/python -m tests.performance.bench $(ONLY) --scale $(or $(SCALE),small)

lock: setup ## Re-resolve requirements.lock for every platform
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 --group dev pyproject.toml -o requirements.lock

load: setup ## 40,000 webhooks beside a close and a pay, then half that rate for MINUTES=5
	$(BIN)/python -m tests.performance.load.webhooks $(or $(EVENTS),40000) $(or $(MINUTES),5)

simulate: setup ## N=100 hostile histories of WEEKS=12, resumed; SEED=7 tells one step by step
	@$(BIN)/python -m tests.simulation --histories $(or $(N),100) --weeks $(or $(WEEKS),12) \
		$(if $(SEED),--seed $(SEED))

soak: setup ## WEEKS=200 payout weeks in one process; WHOLE=1 has every data test each week
	$(BIN)/python -m tests.performance.load.soak $(or $(WEEKS),200) $(or $(WHOLE),1)

audit: setup ## Known advisories of the locked packages, where the index tells them
	@$(BIN)/python -m tests.performance.load.audit requirements.lock
