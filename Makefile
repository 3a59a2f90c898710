# `make demo` and `make test` do all the set-up themselves; `make help` lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
ONLY ?= all

export GENTIE_DATA_DIR ?= $(CURDIR)/var
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
export PYTHONUNBUFFERED := 1
# Where no node is installed, the environment's own is found here.
export PATH := $(CURDIR)/$(BIN):$(PATH)

# $(call step,words,command): one line before, one after with the time taken; the command's own
# output only where it fails.
define step
	@printf '· %s …\n' '$(1)'; began=$$SECONDS; log=$$(mktemp); \
	if ( $(2) ) >"$$log" 2>&1 </dev/null; then \
	  printf '  %s: %s s\n' '$(1)' $$((SECONDS - began)); rm -f "$$log"; \
	else \
	  code=$$?; cat "$$log" >&2; rm -f "$$log"; printf '  %s: FAILED\n' '$(1)' >&2; exit $$code; \
	fi
endef

# The files are complete, so pip has nothing to choose. Left to it, the pip that Python 3.11 brings
# takes the newest release of what another package names with an extra, which has no hash here.
LOCKED := -m pip install --quiet --no-deps --require-hashes

# The stamps are made in the order in which the targets list them.
.NOTPARALLEL:

.PHONY: help setup demo test check fix bench soak peers requirements reference messages wheel clean \
        test-engines test-all browser

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | \
	  awk -F '\t' '{printf "  make %-14s %s\n", $$1, $$2}'

# ------------------------------------------------------------------------------------- set-up

setup: $(STAMPS)/dev $(STAMPS)/gentie $(STAMPS)/assets ## prepare everything; a second time does nothing

$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'gentie needs Python 3.11 or later: name it, as in make PYTHON=python3.12' >&2; exit 2; }
	$(call step,Python environment in $(VENV),$(PYTHON) -m venv --clear $(VENV) && mkdir -p $(STAMPS))
	@touch $@

# What serving needs; the development set includes all of it at the same versions.
$(STAMPS)/portal: requirements/portal.txt requirements/build.txt | $(STAMPS)/venv
	@if [ -e $(STAMPS)/dev ] && [ ! $(STAMPS)/dev -ot requirements/dev.txt ]; then touch $@; fi
	@[ -e $@ ] && [ ! $@ -ot requirements/portal.txt ] && [ ! $@ -ot requirements/build.txt ] || \
	  $(MAKE) _portal

.PHONY: _portal
_portal:
	$(call step,Python packages that serving needs,$(BIN)/python $(LOCKED) -r requirements/build.txt -r requirements/portal.txt)
	@touch $(STAMPS)/portal

$(STAMPS)/dev: requirements/dev.txt | $(STAMPS)/venv
	$(call step,Python packages for development,$(BIN)/python $(LOCKED) -r requirements/dev.txt)
	@touch $@

$(STAMPS)/gentie: pyproject.toml | $(STAMPS)/venv
	$(call step,gentie itself,$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --no-index --editable .)
	@touch $@

# node from PyPI where the machine has none that is new enough.
$(STAMPS)/node: requirements/node.txt | $(STAMPS)/venv
	@if node -e 'process.exit(parseInt(process.versions.node) >= 18 ? 0 : 1)' 2>/dev/null && \
	    npm --version >/dev/null 2>&1; then \
	  printf '· node %s\n' "$$(node --version)"; \
	else $(MAKE) _node; fi
	@touch $@

.PHONY: _node
_node:
	$(call step,node from PyPI (none installed here),$(BIN)/python $(LOCKED) -r requirements/node.txt)

$(STAMPS)/assets: package.json package-lock.json $(wildcard frontend/*.mjs) | $(STAMPS)/node
	$(call step,front-end packages,npm ci --silent --no-audit --no-fund)
	$(call step,front-end files,node frontend/collect.mjs)
	@touch $@

# ---------------------------------------------------------------------------------------- run

demo: $(STAMPS)/portal $(STAMPS)/gentie $(STAMPS)/assets ## serve the demonstration
	@$(BIN)/gentie demo

# --------------------------------------------------------------------------------------- test

check: setup ## style, types, contracts
	$(call step,format,$(BIN)/ruff format --check --quiet .)
	$(call step,lint,$(BIN)/ruff check --quiet .)
	$(call step,types,$(BIN)/mypy --no-error-summary)
	$(call step,contracts between rooms,$(BIN)/lint-imports)

fix: setup ## format, and mend what can be mended
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

browser: setup ## find or fetch a Chromium for the browser tests
	@$(BIN)/python -m tests.browser.chromium

# The engines' tests where Django cannot be imported: `pip install gentie` must be enough.
LOWER := $(wildcard $(addprefix src/gentie/,workbench formats engines rulebook quantities))
test-engines: setup
	@echo '· tests of the engines, without Django'
	@PYTHONPATH=tests/without_django $(BIN)/python -m pytest -p no:django \
	  -o addopts='--import-mode=importlib --strict-markers' -q -rs -n auto --dist loadgroup \
	  --cov --cov-report= $(LOWER) || [ $$? -eq 5 ]

test-all: setup browser
	@echo '· every other test'
	@$(BIN)/python -m pytest -q -rs -n auto --dist loadgroup --cov --cov-append \
	  --cov-report=term:skip-covered $(addprefix --ignore=,$(LOWER))

test: ## style, types, contracts, every test
	@$(MAKE) check
	@rm -f .coverage .coverage.*
	@$(MAKE) test-engines
	@$(MAKE) test-all

soak: setup ## the long proofs
	@$(BIN)/python -m pytest -m soak -rs -v

bench: setup $(if $(filter n1 study restudy certainty,$(ONLY)),,peers) ## measure; `make bench ONLY=n1` for one
	@$(BIN)/python -m bench $(ONLY)

# ------------------------------------------------------------------------------------- others

peers: .venv-peers/.stamp ## an environment of their own for the second opinions
.venv-peers/.stamp: requirements/peers.txt
	$(call step,environment for second opinions,$(PYTHON) -m venv --clear .venv-peers && .venv-peers/bin/python $(LOCKED) -r requirements/peers.txt)
	@touch $@

requirements: $(STAMPS)/dev ## compile requirements/*.in to hashed *.txt
	@cd requirements && for name in build runtime portal exchange dev peers node; do \
	  echo "· $$name"; \
	  ../$(BIN)/uv --quiet pip compile $$name.in --output-file $$name.txt --universal \
	    --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	    --custom-compile-command 'make requirements'; done

reference: setup ## write the generated pages of docs/reference
	@$(BIN)/python docs/make_reference.py

messages: setup ## write the catalogue of everything that can be translated
	@$(BIN)/python docs/make_messages.py

wheel: setup ## build the wheel, front-end files included
	$(call step,wheel,$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --no-index --wheel-dir dist .)

clean: ## remove what was made, data excepted
	rm -rf $(VENV) .venv-peers node_modules .cache src/gentie/portal/static/vendor \
	  .coverage .coverage.* htmlcov build dist .mypy_cache .ruff_cache .pytest_cache \
	  .import_linter_cache .hypothesis screenshots
