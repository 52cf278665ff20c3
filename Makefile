# make demo         install, run the suite demo on MODELS, write site/index.html; HUB=1 downloads missing data from the hub
# make test         install test dependencies, lint, check types, run all tests
# make records      make the records in leaderboard/records anew; stop and start it as often as you like
# make screenshots  write the pictures in docs/screens, from the records kept with the project
PYTHON  ?= python3
VENV    ?= .venv
TIER    ?= quick
SEEDS   ?= 2
HUB     ?=
MODELS  ?= mamba tcnca monet finalmlp transformer mlp
RESULTS ?= results
SITE    ?= site
BIN     := $(VENV)/bin
PIP     := $(BIN)/python -m pip --disable-pip-version-check install --quiet --no-compile --constraint constraints.txt
# pip compiles with one core; this uses all, and skips the tests of packages. Errors are ignored, because packages may
# contain files for other versions of Python.
COMPILE := $(BIN)/python -m compileall -q -j 0 -x '/tests?/' $(VENV)/lib >/dev/null || true

.PHONY: demo screenshots test lint types records clean

demo: $(VENV)/demo.stamp
	$(HUB:%=ARCHARENA_HUB=%) $(BIN)/archarena run --suite demo --seeds $(SEEDS) $(MODELS:%=--model %) --tier $(TIER) \
		--results $(RESULTS); \
	status=$$?; \
	$(BIN)/archarena board $(RESULTS) --output $(SITE) && exit $$status

screenshots: $(VENV)/test.stamp
	$(BIN)/archarena board leaderboard/records/quick-cpu-3-seeds leaderboard/records/speed-cpu --output $(SITE)
	$(BIN)/python tests/benchmarks/screenshots.py $(SITE)

test: lint types
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal

lint: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/test.stamp
	$(BIN)/pyright --pythonpath $(BIN)/python

records: $(VENV)/demo.stamp
	$(BIN)/python tests/benchmarks/keep_records.py

clean:
	rm -rf $(VENV) $(SITE)

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/demo.stamp: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) --editable .
	$(COMPILE)
	touch $@

$(VENV)/test.stamp: $(VENV)/demo.stamp
	$(PIP) --editable .[dev]
	$(COMPILE)
	touch $@
