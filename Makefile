# make run · make test · make check · make bench · make clocks
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/pip --disable-pip-version-check
PORT   ?= 8000
CLOCKED := tests/grants/delivery tests/grants/credit tests/grants/core tests/grants/access tests/journeys/test_main_job.py
MO     := $(patsubst %.po,%.mo,$(wildcard grants/translations/*/LC_MESSAGES/messages.po))

.PHONY: run test clocks check bench translations lock clean
.DEFAULT_GOAL := run

$(VENV)/run.stamp: requirements/run.txt
	@echo "Preparing Python in $(VENV) (once; about a minute) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Semilla needs Python 3.11 or newer: make PYTHON=python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --progress-bar on --require-hashes -r requirements/run.txt
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/run.stamp
	@echo "Adding what tests and checks need ..."
	@$(PIP) install --progress-bar on --no-deps --require-hashes -r requirements/dev.txt
	@touch $@

# The console command `grants`, from this checkout.
$(VENV)/package.stamp: pyproject.toml $(VENV)/run.stamp
	@$(BIN)/python .ci/link_checkout.py
	@touch $@

%.mo: %.po $(VENV)/run.stamp
	@$(BIN)/pybabel -q compile -i $< -o $@

run: $(VENV)/package.stamp $(MO)
	@PORT=$(PORT) $(BIN)/grants run

test: $(VENV)/dev.stamp $(VENV)/package.stamp $(MO)
	$(BIN)/python -m pytest -n 2 $(ARGS)

# Deliveries, credit and the whole journey in two zones, and minutes before a month and a year end where the programme works.
MOMENTS := 2027-02-28T23:57:00-05:00 2026-12-31T23:57:00-05:00 2026-12-31T18:57:00-05:00
clocks: $(VENV)/dev.stamp $(VENV)/package.stamp $(MO)
	for zone in UTC America/Guayaquil; do TZ=$$zone $(BIN)/python -m pytest -n 2 -q $(CLOCKED) || exit 1; done
	for moment in $(MOMENTS); do TEST_CLOCK=$$moment $(BIN)/python -m pytest -n 2 -q $(CLOCKED) || exit 1; done

check: $(VENV)/dev.stamp $(VENV)/package.stamp $(MO)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python .ci/check_translations.py
	$(BIN)/python -m pytest -q tests/test_migrations.py

bench: $(VENV)/dev.stamp $(VENV)/package.stamp $(MO)
	$(BIN)/python -m tests.bench $(ARGS)

# After changing a sentence: read the new ones into the catalogues, then translate them.
translations: $(VENV)/dev.stamp
	$(BIN)/python .ci/update_translations.py

# After changing pyproject.toml. uv is needed only here.
lock:
	uv pip compile -q --generate-hashes --universal --python-version 3.11 --no-header pyproject.toml -o requirements/run.txt
	uv pip compile -q --generate-hashes --universal --python-version 3.11 --no-header --extra dev pyproject.toml -c requirements/run.txt -o requirements/dev.txt

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
