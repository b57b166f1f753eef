# `make lab` opens the course, `make test` proves that all of it works.

# PYTHON makes .venv the first time; ARGS is passed on (make lab ARGS=--no-browser).
PYTHON ?= python3
ARGS ?=
python := .venv/bin/python
ready := .venv/.ready

.PHONY: help lab test test-fast assignments bench measure lint format clean warm

help:  ## list what make can do
	@sed -n 's/^\([a-z-]*\):.*##/  make \1 \t/p' Makefile | expand -t 20

lab: warm  ## set everything up (the first time) and open the course in JupyterLab
	@$(python) -m jupyterlab \
	  --LabApp.default_url=/lab/tree/chapters/00_start_here.ipynb $(ARGS)

test: warm  ## run everything: unit tests, cross-checks, chapters and solutions
	@$(python) -m pytest --nbval tests chapters $(ARGS)

test-fast: warm  ## run the unit tests alone
	@$(python) -m pytest $(ARGS)

assignments: $(ready)  ## make what students get of the problem sets, in release/
	@$(python) chapters/assignments/build.py

bench: warm  ## time the kernels and whole training steps beside torch
	@$(python) -m benchmarks $(ARGS)

measure: warm  ## time every chapter and rewrite the table of chapters in README.md
	@$(python) -m benchmarks.measure_chapters

lint: $(ready)  ## check the style of the code
	@$(python) -m ruff check . && $(python) -m ruff format --check .

format: $(ready)  ## correct the style of the code
	@$(python) -m ruff check --fix . && $(python) -m ruff format .

clean:  ## remove .venv and every cache
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +

warm: $(ready)
	@$(python) -m mini

# The stamp is put in place last. A set-up that was cut short leaves .unfinished
# behind, and the next one begins with an empty .venv; pip has kept the downloads.
$(ready): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(PYTHON) is not Python 3.11 or newer. If you have one, name it:" \
	    "PYTHON=python3.12 make lab"; exit 1; }
	@if [ -e .venv/.unfinished ]; then rm -rf .venv; fi
	@echo "Setting up .venv with the pinned packages: a few minutes, once."
	@mkdir -p .venv && touch .venv/.unfinished
	@$(PYTHON) -m venv .venv
	@$(python) -m pip install -qq --disable-pip-version-check \
	  --constraint constraints.txt --editable .
	@$(python) -m jupyter labextension disable --log-level=ERROR \
	  "@jupyterlab/apputils-extension:announcements"  # no news, no questions
	@mv .venv/.unfinished $@
