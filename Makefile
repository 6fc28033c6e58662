# Everything here sets itself up: python3 (3.11 or newer) with venv, and git, are enough.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: help demo test lint format oracle corpus package bench docs clean

help:            ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "checkseries needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(STAMP)   ## check the embedded series on the embedded tree
	@$(BIN)/python fixtures/demo.py $(BIN)/checkseries

test: $(STAMP)   ## the fast suite
	$(BIN)/pytest -q -n auto -m "not corpus and not tree and not package"

lint: $(STAMP)   ## formatter, linter, types, generated docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python docs/generate.py --check
	$(BIN)/python docs/readme.py --check

format: $(STAMP) ## let the formatter decide
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

oracle: $(STAMP) ## compare with git, conf, gcc on the trees of $$CHECKSERIES_TREES
	$(BIN)/pytest -q -n 2 -m "tree or oracle"

corpus: $(STAMP) ## the labelled series of $$CHECKSERIES_CORPUS
	$(BIN)/pytest -q -n 2 -m "corpus and not tree"

package: $(STAMP) ## wheel, sdist, editable and hook installations
	$(BIN)/pytest -q -m package

bench: $(STAMP)  ## time SERIES on TREE beside checkpatch.pl
	$(BIN)/python tests/bench.py --tree "$(TREE)" --series "$(SERIES)"

docs: $(STAMP)   ## write the page of every rule
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/readme.py

clean:           ## remove what make made
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
