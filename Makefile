VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin

.PHONY: demo test smoke serve lint clean

demo: $(VENV)/.demo  ## install and start the app on http://127.0.0.1:7860
	$(BIN)/python app.py

smoke: $(VENV)/.demo  ## start the app, answer one real request, stop
	$(BIN)/python app.py --smoke

serve: $(VENV)/.serve  ## the same page over two workers that Ray Serve keeps
	$(BIN)/python -m pipeline.serving --workers 2

test: $(VENV)/.test  ## all but the slow tests, in the same environment
	$(BIN)/python tests/ensure_browser.py
	$(BIN)/python -m pytest

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet -r requirements.txt
	touch $@

$(VENV)/.test: requirements-test.txt $(VENV)/.demo
	$(BIN)/python -m pip install --quiet -r requirements-test.txt
	touch $@

$(VENV)/.serve: requirements-serve.txt $(VENV)/.demo
	$(BIN)/python -m pip install --quiet -r requirements-serve.txt
	touch $@

clean:
	rm -rf $(VENV) out
