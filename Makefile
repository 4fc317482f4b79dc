# What a person does here: `make run`, `make demo`, `make test`. Needs python3.11 or newer; no GPU, root, Redis or PostgreSQL.
# Settings come from the environment: PORT=8001 make run. See .env.example.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --constraint constraints.txt
# The newest that really runs: a version manager's shim may be there without its Python.
PY ?= $(shell for each in python3.13 python3.12 python3.11 python3; do \
	$$each -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$each && break; done)
# Another index for torch, for example PyTorch's own without CUDA. Empty: what pip is configured with.
TORCH_INDEX ?=
TORCH := torch==2.13.0

.PHONY: run demo demo-kill torture test lint chromium clean

run: $(VENV)/installed
	@$(BIN)/python manage.py up

demo: $(VENV)/installed
	@$(BIN)/python manage.py demo

demo-kill: $(VENV)/installed
	@$(BIN)/python manage.py torture --kills 40

# With the tests' engine, which starts at once and paints plain colours: processes are to die, pictures do not matter.
torture: export DARKROOM_ENGINE := tests.fakes.FakeEngine
torture: export DARKROOM_CHECKPOINT := fake-sdxl
torture: $(VENV)/installed
	@$(BIN)/python manage.py torture --kills $(or $(KILLS),1000) $(if $(SEED),--seed $(SEED))

# OpenMP threads that spin while they wait starve each other where tests run side by side.
test: export OMP_WAIT_POLICY ?= PASSIVE
test: lint chromium
	$(BIN)/python -m pytest --numprocesses 2 --cov --cov-report=term
	DARKROOM_TEST_DATABASE=postgresql $(BIN)/python -m pytest --numprocesses 2
	rm -rf build/demo
	DARKROOM_HOME=build/demo $(BIN)/python manage.py demo

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports

# The browser tests drive the system's chromium.
chromium:
	@command -v chromium >/dev/null || { \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "Installing chromium for the browser tests ..."; \
			apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; \
		else \
			echo "The browser tests need chromium: sudo apt-get install chromium"; exit 1; \
		fi; }

clean:
	rm -rf $(VENV) build dist .coverage .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

$(BIN)/pip:
	@test -n "$(PY)" || { echo "Darkroom needs Python 3.11 or newer: sudo apt-get install python3 python3-venv"; exit 1; }
	@$(PY) -c 'import ensurepip' 2>/dev/null || \
		{ echo "This Python cannot make virtual environments: sudo apt-get install python3-venv"; exit 1; }
	$(PY) -m venv $(VENV)

$(VENV)/installed: pyproject.toml constraints.txt | $(BIN)/pip
	@echo "Installing PyTorch, the largest part ..."
	@$(PIP) $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) $(TORCH)
	@echo "Installing the rest ..."
	@$(PIP) --editable '.[gpu]'
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	@echo "Installing what the tests need ..."
	@$(PIP) --editable '.[gpu,s3,recipe,dev]'
	@touch $@
