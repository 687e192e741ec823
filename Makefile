# The command CI runs is the command a person runs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What `make demo` and `make up` run; and with it what developing needs.
RUNTIME := $(VENV)/.settle-runtime
STAMP := $(VENV)/.settle-setup
UV := $(BIN)/uv

export DO_NOT_TRACK := 1
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
# One interpreter and one package index: the ones that pip is set up for.
export UV_PYTHON := $(BIN)/python
export UV_PYTHON_DOWNLOADS := never
# Once, as each process would otherwise where PYTHONDONTWRITEBYTECODE is set: seconds of every verb.
export UV_COMPILE_BYTECODE := 1

.PHONY: help setup demo up check changed-models changed-sql diff docs site reference currencies screenshots test ci smoke nightly bench lint style types sql imports layers lock load simulate soak audit

help: ## This list
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP) ## Build .venv from requirements-dev.lock: everything to run and develop

INDEX = UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$$($(BIN)/python -m pip config get global.index-url 2>/dev/null || true)}"
# Its own modules too, which no installer compiles where they are edited.
INSTALL_SETTLE = $(UV) pip install --quiet --no-deps --no-build-isolation -e . \
	&& $(BIN)/python -m compileall -q orchestrator

$(UV): requirements-bootstrap.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "settle needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 || true). Install it, or say: make PYTHON=python3.11" >&2; exit 1; }
	@test -x $(BIN)/python -a -d $(VENV)/lib || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-bootstrap.lock
	@touch $(UV)

$(RUNTIME): requirements.lock pyproject.toml | $(UV)
	@echo "Installing what settle runs on into .venv (about half a minute the first time) ..."
	@$(INDEX) $(UV) pip install --quiet --no-deps --require-hashes -r requirements.lock
	@$(INSTALL_SETTLE)
	@touch $(RUNTIME)

$(STAMP): requirements-dev.lock pyproject.toml | $(UV)
	@echo "Installing what developing settle needs into .venv (about a minute the first time) ..."
	@$(INDEX) $(UV) pip install --quiet --no-deps --require-hashes -r requirements-dev.lock
	@$(INSTALL_SETTLE)
	@touch $(RUNTIME) $(STAMP)

demo: $(RUNTIME) ## One payout week after another, end to end (DATA=DIR for CSV files)
	@$(BIN)/settle demo $(if $(DATA),--data "$(DATA)")

up: $(RUNTIME) ## The graph, its daemon, the receiver and a local rail, until Ctrl-C
	@$(BIN)/settle up

check: setup ## Style, types, and the changed models with all that reads them, tested
	@$(MAKE) --no-print-directory $(TOGETHER) changed-models style types changed-sql

changed-models: setup
	$(BIN)/settle check

changed-sql: setup
	@git diff --name-only --diff-filter=d main -- '*.sql' | grep -v orchestrator/queries/\|orchestrator/.*/sql/\|orchestrator/dbt/ \
		| xargs -r $(BIN)/sqlfluff lint -q

diff: setup ## Which rows and sums of the public views a change would move
	@$(BIN)/settle diff

docs: $(RUNTIME) ## dbt's own pages on every column, in .settle/dbt/target
	@$(BIN)/settle docs

site: setup ## The documentation as pages in .settle/site; a dead link or anchor fails
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

reference: setup ## Write docs/reference/{cli,environment,rights}.md from the code
	@$(BIN)/python -m tools.reference
	@$(BIN)/python -m tools.rights

currencies: setup ## Write seeds/currencies.csv from the locked package of ISO 4217
	@$(BIN)/python -m tools.currencies

screenshots: setup ## Take the pictures of README and docs again, from a generated week
	@$(BIN)/python -m tools.screenshots

PYTEST := $(BIN)/pytest --dist loadgroup --no-loadscope-reorder
# Of the slow two, each says what it has to say in one piece (GNU make 4; macOS has 3.81).
TOGETHER := --jobs 2 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

lint: style ## Style, types, what may import what, the models' layers, dead links
	@$(MAKE) --no-print-directory $(TOGETHER) types sql imports layers site

style: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

imports: setup
	$(BIN)/lint-imports --no-logo

# Parsed without a server: what the profile names is not asked.
PARSE = DBT_PROFILES_DIR=.settle/layers DBT_TARGET_PATH=.settle/layers/target DBT_LOG_PATH=.settle/layers/logs
layers: setup
	@mkdir -p .settle/layers && cp profiles.yml.example .settle/layers/profiles.yml
	@$(PARSE) $(BIN)/dbt --quiet parse --no-partial-parse
	@COLUMNS=160 $(BIN)/dbt-bouncer run --config-file dbt-bouncer.yml

sql: setup
	$(BIN)/sqlfluff lint --processes 2 -q models macros snapshots tests/dbt orchestrator/database docs/examples/mapping

test: style ## Lint, types, dbt build with unit and data tests, pytest; the slow lint beside it
	@$(call beside_lint,not nightly and not many)

ci: style ## The same with all of a kind where make test has some; .ci/run is this
	@$(call beside_lint,not nightly)

define beside_lint
said=$$(mktemp) && trap 'rm -f "$$said"' EXIT; \
$(MAKE) --no-print-directory --keep-going $(TOGETHER) types sql imports layers site >"$$said" 2>&1 & \
$(PYTEST) -n 3 -m "$(1)" --durations 30; tests=$$?; \
wait $$!; lint=$$?; cat "$$said"; \
exit $$((tests | lint))
endef

smoke: setup ## In a minute: arithmetic, the rail's contract, a server, a build, a payment
	$(PYTEST) -n 2 tests/unit tests/reference tests/halfin/test_contract.py \
		tests/functions/decisions/test_gate.py tests/functions/batches/test_submit.py \
		tests/models/test_dbt.py::test_unit_and_data_tests_pass_on_an_empty_database

nightly: setup ## What make test leaves out, for an hour or two: long, rare, or many of a kind
	$(PYTEST) -n 3 -m nightly --durations 30
	@$(MAKE) --no-print-directory simulate
	@$(MAKE) --no-print-directory load
	@$(MAKE) --no-print-directory soak WEEKS=60

bench: setup ## Measure (SCALE=small|medium|full, ONLY="limit views"): goals and numbers
	@$(BIN)/python -m tests.performance.bench $(ONLY) --scale $(or $(SCALE),small)

lock: $(UV) ## Resolve the lock files anew, for every platform
	@$(COMPILE) pyproject.toml -o requirements.lock
	@$(COMPILE) pyproject.toml --group dev --group docs --constraints requirements.lock -o requirements-dev.lock
	@$(COMPILE) --group bootstrap --no-annotate -o requirements-bootstrap.lock

COMPILE = $(INDEX) $(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url \
	--no-header --python-version 3.11

load: setup ## 40,000 webhooks beside a close and a pay, then half that rate for MINUTES=5
	$(BIN)/python -m tests.performance.load.webhooks $(or $(EVENTS),40000) $(or $(MINUTES),5)

simulate: setup ## N=100 hostile histories of WEEKS=12, resumed; SEED=7 tells one step by step
	@$(BIN)/python -m tests.simulation --histories $(or $(N),100) --weeks $(or $(WEEKS),12) \
		$(if $(SEED),--seed $(SEED))

soak: setup ## WEEKS=200 payout weeks in one process; WHOLE=1 has every data test each week
	$(BIN)/python -m tests.performance.load.soak $(or $(WEEKS),200) $(or $(WHOLE),1)

audit: setup ## Known advisories of the locked packages
	$(BIN)/pip-audit --disable-pip --require-hashes --progress-spinner off --requirement requirements-dev.lock
