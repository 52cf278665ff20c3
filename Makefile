# make demo   install, run the quick suite on MODELS, write site/index.html
# make screenshots   write the pictures in docs/screens, from the records kept with the project
# make test   install test dependencies, lint, check types, run all tests
PYTHON  ?= python3
VENV    ?= .venv
TIER    ?= quick
MODELS  ?= mamba tcnca monet finalmlp transformer mlp
RESULTS ?= results
SITE    ?= site
BIN     := $(VENV)/bin
PIP     := $(BIN)/python -m pip --disable-pip-version-check install --quiet --no-compile --constraint constraints.txt
# pip compiles with one core; this uses all, and skips the tests of packages. Errors are ignored, because packages may
# contain files for other versions of Python.
COMPILE := $(BIN)/python -m compileall -q -j 0 -x '/tests?/' $(VENV)/lib >/dev/null || true

.PHONY: demo screenshots test lint types clean

demo: $(VENV)/demo.stamp
	$(BIN)/archarena run --suite quick $(MODELS:%=--model %) --tier $(TIER) --results $(RESULTS); \
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
