# The commands people type. Each makes the virtual environment first if it is not there.
SCALE   ?= smoke
PROFILE ?= local
TABLE   ?=
CORES   ?= all
VENV    ?= .venv
TESTS   ?= tests

CLUSTER_TESTS := tests/slurm

BIN   := $(abspath $(VENV))/bin
READY := $(VENV)/.ready
# commands of the pipeline say `python`: let it be the environment's
export PATH := $(BIN):$(PATH)

# the first interpreter of a version that the project supports
PYTHON ?= $(shell for p in python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null && echo $$p && break; done)

.PHONY: reproduce test test-cluster lint format plan lock clean-environment

reproduce: $(READY)  ## every declared table: make reproduce [SCALE=paper] [PROFILE=slurm] [TABLE=mlore/table02]
	@python -m workflow.reproduce --scale "$(SCALE)" --profile "$(PROFILE)" --table "$(TABLE)" --cores "$(CORES)"

test: $(READY)  ## make test [TESTS=tests/params]; all but the tests on a real SLURM
	@python -m pytest -n 2 --dist loadfile $(TESTS) $(if $(filter tests,$(TESTS)),--ignore=$(CLUSTER_TESTS))

test-cluster: $(READY)  ## the tests on a real SLURM, which they install and start; as root on Debian, else skipped
	@python -m pytest $(CLUSTER_TESTS)

lint: $(READY)
	@ruff check . && ruff format --check . && snakefmt --check Snakefile workflow && codespell

format: $(READY)
	@ruff check --fix . && ruff format . && snakefmt Snakefile workflow

plan: $(READY)  ## what would run: make plan [SCALE=paper]
	@python -m stages.plan --scale "$(SCALE)"

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 or 3.12 found on PATH; name one: make PYTHON=/path/to/python3.12"; exit 2; }
	@echo "making the environment in $(VENV) with $(PYTHON) (torch brings some gigabytes)"
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@python -m pip install --quiet --disable-pip-version-check --no-compile --use-pep517 --no-deps -r requirements.lock
	@python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)

lock:  ## pins of every dependency for Linux, Python 3.11 and 3.12; needs uv
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --no-header --no-annotate --no-emit-index-url --output-file requirements.lock

clean-environment:
	rm -rf "$(VENV)"
