# Two commands suffice on a fresh machine: `make demo` and `make test`. Each does its own set-up in .venv.
VENV := .venv
PY := $(VENV)/bin/python

.PHONY: setup explorer demo test test-long check bench format clean

setup: ## the environment alone, idempotent
	@scripts/setup

explorer: setup ## the web explorer, built only when its sources changed
	@scripts/build-explorer

demo: explorer ## a living building with every surface up; ARGS="--port 0 --data DIR"
	@exec $(VENV)/bin/twin demo $(ARGS)

test: explorer ## all tests, two files at a time (at most 20 minutes)
	@$(PY) -m pytest -m "not long" -n 2 --dist loadfile $(ARGS)

test-long: explorer ## the big seeds; prints seed, count and result
	@$(PY) -m pytest -m long -s $(ARGS)

check: setup ## ruff, mypy and the layers of the house
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports

bench: explorer ## every benchmark; JSON in benchmarks/results/
	@$(PY) -m benchmarks $(ARGS)

format: setup
	@$(VENV)/bin/ruff check --fix -q . ; $(VENV)/bin/ruff format -q .

clean:
	rm -rf $(VENV) twin/_explorer twin/explorer/node_modules .cache dist build
