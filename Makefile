# Two commands: `make run` opens the lab, `make test` runs the tests. Each sets itself up first.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TESTED := $(VENV)/.ready-test
CHECKING := node_modules/.ready

# Node checks the page's scripts. Where it is missing that is left out; in CI it must be there.
NODE := $(shell node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' 2>/dev/null && command -v npm)

.PHONY: run edit test fast test-slow test-scripts lint style lint-scripts env lock bench bench-watch bench-compiled bench-viewers bench-sweep soak faults fuzz audit corpus truth help clean
.DEFAULT_GOAL := help

run: $(READY) ## open the lab on http://127.0.0.1:8050
	@$(BIN)/python app.py

edit: $(READY) ## the lab while its code is edited: it starts anew, and its pages load anew
	@$(BIN)/watchfiles --sigint-timeout 10 "$(BIN)/python app.py --reload 1" diagnostics

# What is set up and checked by itself goes side by side. Browsers want a processor of their own;
# all other tests share what there is.
test: ## lint, check types and run every test
	@$(MAKE) --no-print-directory -j2 lint test-scripts
	$(BIN)/python -m pytest -rs -n auto --dist worksteal -m "not slow and not browser"
	$(BIN)/python -m pytest -rs -m "browser and not slow" tests/browser

fast: $(READY) ## the tests that take no time: under a minute
	$(BIN)/python -m pytest -q -n auto -m "not slow and not thorough and not browser" \
		--ignore tests/integrations

test-slow: $(TESTED) ## what takes long: trainings, all rooms and ends
	$(BIN)/python -m pytest -m slow

lint: style lint-scripts ## style and types, of Python and of the scripts

style: $(TESTED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

ifneq ($(NODE)$(CI),)
lint-scripts: $(READY) $(CHECKING)
	$(BIN)/python -m diagnostics.dashboard.typescript --check
	npm run --silent lint

test-scripts: $(CHECKING)
	npm run --silent test
else
lint-scripts test-scripts:
	@echo "$@ is left out: it needs Node 18 or newer, and npm."
endif

env: $(READY) ## make the environment in .venv

bench: $(READY) ## measure what the README's figures come from
	$(BIN)/python -m benchmarks.probe_cost
	$(BIN)/python -m benchmarks.page_start
	$(BIN)/python -m benchmarks.live_latency
	$(BIN)/python -m benchmarks.preview_latency
	$(BIN)/python -m benchmarks.scrubbing
	$(BIN)/python -m benchmarks.idle_memory

# What asks for torch comes without what it asks for, lest pip bring a build with CUDA along;
# Cockpit imports pkg_resources, which setuptools had up to 80.
bench-watch: INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade \
	--target $(VENV)/peers --constraint requirements.lock
bench-watch: $(READY) ## measure what watching costs beside peers, installed aside
	$(INSTALL) wandb tensorboard textual einops fastdownload fastprogress fasttransform \
		json-tricks matplotlib seaborn "setuptools<81"
	$(INSTALL) --no-deps backpack-for-pytorch cockpit-for-pytorch fastai nn-htop torchmortem unfoldNd
	PYTHONPATH=$(VENV)/peers $(BIN)/python -m benchmarks.watch_cost
	$(BIN)/python -m benchmarks.watch_budget
	$(BIN)/python -m benchmarks.watch_memory

bench-compiled: $(READY) ## measure what watching a compiled model costs; minutes, and a C++ compiler
	$(BIN)/python -m benchmarks.compiled_cost

bench-viewers: $(TESTED) ## one training and up to a hundred who watch it; two minutes
	$(BIN)/python -m benchmarks.viewers

bench-sweep: $(READY) ## how fast sweeps are, at initialization and trained; five minutes
	$(BIN)/python -m benchmarks.sweep

soak: $(TESTED) ## thirty strangers who train, toggle and leave, for five minutes
	$(BIN)/python -m benchmarks.soak

faults: $(READY) ## bad days: kill, fill, lock, delete, flip, and what is lost by it; four minutes
	$(BIN)/python -m benchmarks.faults

# Cases of each kind, seconds for each kind, and where they begin: SEED=1 tries others.
fuzz: SEED = 0
fuzz: export FUZZ_CASES = 2500
fuzz: export FUZZ_SECONDS = 60
fuzz: export FUZZ_SEED = $(SEED)
fuzz: $(TESTED) ## hostile and odd input of every kind, and what came of it; ten minutes at most
	$(BIN)/python -m pytest -q tests/fuzz

# What could not be looked up counts as a fault: silence is no clean bill.
audit: $(READY) ## faults that are known of the versions in the locks; asks the package index
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --target $(VENV)/audit pip-audit
	PYTHONPATH=$(VENV)/audit $(BIN)/python -m pip_audit --strict --disable-pip --no-deps \
		-r requirements.lock -r requirements-test.lock

truth: $(READY) ## the README's table of theory, papers and measurements
	$(BIN)/python -m benchmarks.truth

corpus: $(READY) ## judge networks and models, healthy and broken, at every moment of their runs
	$(BIN)/python -m benchmarks.corpus

lock: $(READY) ## pin what is installed now
	$(BIN)/pip freeze --exclude-editable | sed 's/+cpu//' | awk -F '==' \
		'NR == FNR { tests[$$1]; next } { print > ($$1 in tests ? "requirements-test.lock" : "requirements.lock") }' \
		requirements-test.lock -

clean: ## remove the environment
	rm -rf $(VENV) node_modules

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

$(READY): requirements.lock pyproject.toml scripts/install_torch.sh
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or say make PYTHON=/path/to/python." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@scripts/install_torch.sh $(BIN)/python
	@echo "Installing the rest from requirements.lock"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -c 'from diagnostics.engine.measure.probe import warm_up; warm_up()'
	@touch $@

# The trainers and TensorBoard, which only the tests of what works with them need.
$(TESTED): requirements-test.lock $(READY)
	@echo "Installing what only tests need from requirements-test.lock"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-test.lock
	@touch $@

# TypeScript and ESLint, which only check: the page is served as it is written.
$(CHECKING): package.json package-lock.json .npmrc
	@echo "Installing what checks the scripts from package-lock.json"
	@npm ci --loglevel=error >/dev/null
	@touch $@
