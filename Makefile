# Two commands matter: `make book` and `make test`. `make` alone lists all.
PYTHON ?= python3
VENV := .venv
OVBOOK := $(VENV)/bin/ovbook

.PHONY: help setup book test lab render serve clean purge
.DEFAULT_GOAL := help

help:
	@echo "make book     set up, execute every chapter that is out of date, build book/_build/html/index.html"
	@echo "make test     set up, run all tests"
	@echo "make lab      open your own copies of the chapters in JupyterLab"
	@echo "make render   build the site from what is computed already; computes nothing"
	@echo "make serve    read the built site at http://127.0.0.1:8000/"
	@echo "make clean    remove the site and the executed chapters; results are kept"
	@echo "make purge    remove everything computed and installed here; asks first"

# Does nothing once done: the script compares the pins with those that .venv was completed for.
setup:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "ovbook: '$(PYTHON)' is not a Python of version 3.11 or later: name one, as in 'make PYTHON=python3.12 book'" >&2; exit 2; }
	@$(PYTHON) src/ovbook/press/environment.py $(VENV)

book: setup
	@echo "executing what is out of date, then building the pages"
	@$(OVBOOK) build

test: setup
	@echo "running the tests"
	@OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest -n auto --maxprocesses 4 --dist loadgroup --no-loadscope-reorder

lab: setup
	@$(OVBOOK) lab

render: setup
	@echo "building the pages from what is computed already"
	@$(OVBOOK) build --render-only

serve: setup
	@$(OVBOOK) serve

clean:
	@echo "removing the site and the executed chapters (the store and results/ stay)"
	@rm -rf book/_build book/chapters book/_generated .ovbook/press/site

# A store elsewhere (OVBOOK_STORE) may hold other things, so it is named and left alone.
purge:
	@echo "This removes the site, the executed chapters, .venv, the results in .ovbook, and your own lab copies in .ovbook/lab."
	@if [ -n "$$OVBOOK_STORE" ]; then echo "OVBOOK_STORE points at $$OVBOOK_STORE, which stays: remove it yourself if you want to."; fi
	@printf "Type yes to go on: "; read answer || true; \
	  if [ "$$answer" = yes ]; then \
	    rm -rf book/_build book/chapters book/_generated $(VENV) .ovbook && echo "removed"; \
	  else echo "nothing was removed"; fi
