# `make` alone prints the targets. Everything is installed into .venv of this checkout.

.DEFAULT_GOAL := help
.PHONY: help install test lint docs wheel clients pythons demo fleet faults authority clean

VENV   := .venv
PY     := $(VENV)/bin/python
STAMP  := $(VENV)/.installed
CLIENTS := .venv-clients
EXTRAS ?= train,sim,dev

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' Makefile
	@echo '  Variables: PYTHON=python3.12  PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu"  ARGS="--seed 1"'

install: $(STAMP) ## create .venv with exact versions (once; again only when they change)

# The stamp is newer than what it was made from, so a second `make install` does nothing.
$(STAMP): pyproject.toml constraints.txt
	@set -e; \
	usable() { "$$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }; \
	if ! usable $(PY); then \
	    chosen=; \
	    for candidate in $(PYTHON) python3.11 python3; do \
	        if usable "$$candidate"; then chosen=$$candidate; break; fi; \
	    done; \
	    if [ -z "$$chosen" ]; then \
	        echo 'error: no Python 3.11 or newer found (tried: $(strip $(PYTHON) python3.11 python3)).' >&2; \
	        echo '       Install Python 3.11, or name one: make install PYTHON=/path/to/python3.11' >&2; \
	        exit 1; \
	    fi; \
	    echo "creating $(VENV) with $$chosen"; \
	    "$$chosen" -m venv --clear $(VENV) || { \
	        rm -rf $(VENV); \
	        echo "error: $$chosen cannot create a virtual environment. On Debian and Ubuntu: apt install python3.11-venv" >&2; \
	        exit 1; }; \
	fi
	$(PY) -m pip install --disable-pip-version-check --quiet $(PIP_ARGS) -c constraints.txt -e '.[$(EXTRAS)]'
	@touch $@

lint: $(STAMP) ## ruff (rules, docstrings, format) and mypy
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

# Two processes share the compiled kernels, and each test file stays in one of them.
test: lint ## lint and every test, in two processes (ARGS="-n 0": in one)
	$(PY) -m pytest -q -n 2 --dist loadfile $(ARGS)

docs: $(STAMP) ## the site in out/site (guides, reports, API pages); a dead link is an error
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build $(ARGS)

wheel: $(STAMP) ## the wheel in empty environments: a robot, a fleet in physics (4 minutes; needs a package index)
	$(PY) -m pytest -q -rs -m slow tests/launch/test_wheel.py $(ARGS)

clients: ## PettingZoo's tests, SuperSuit, Stable-Baselines3 and Gymnasium, in .venv-clients (5 minutes; package index)
	@test -x $(CLIENTS)/bin/python || $(or $(PYTHON),python3.11) -m venv $(CLIENTS)
	$(CLIENTS)/bin/python -m pip install --disable-pip-version-check --quiet $(PIP_ARGS) -c constraints.txt \
	    -e '.[sim]' pytest hypothesis torch supersuit stable-baselines3
	SDL_VIDEODRIVER=dummy OMP_NUM_THREADS=1 $(CLIENTS)/bin/python -m pytest -q -rs tests/clients $(ARGS)

pythons: $(STAMP) ## every test with every Python from 3.11 on that is here (20 minutes each the first time)
	$(PY) tests/every_python.py $(ARGS)

demo: $(STAMP) ## 24 robots deliver in a warehouse, in physics: a table, out/demo.mp4, out/demo.png
	$(PY) launch/simulate.py --view both $(ARGS)

fleet: $(STAMP) ## 16 robots, a process each, in physics, with a table and a browser page (Ctrl-C ends it)
	$(PY) launch/fleet.py up envs/fleets/warehouse16.yaml $(ARGS)

faults: $(STAMP) ## fleets of real processes in a bad network, killed, stopped, lied to: 20 minutes (ARGS="--quick": 1)
	$(PY) launch/faults.py $(ARGS)

FLEET  ?= demo
ROBOTS ?= $(shell seq 0 15)

authority: $(STAMP) ## certificates of a fleet in out/authority/FLEET: FLEET=name ROBOTS="0 1 2"
	$(PY) launch/authority.py --fleet $(FLEET) --robots $(ROBOTS) --out out/authority/$(FLEET) $(ARGS)

clean: ## remove outputs and caches (.venv stays)
	rm -rf out build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
	find swarm envs policies launch tests -name __pycache__ -type d -prune -exec rm -rf {} +
