# One verb, one line: `make run`, `make test`, `make check`. The environment is .venv in this folder.
SHELL := /bin/bash
PYTHON ?= python3
HTTP_PORT ?= 8080
GRPC_PORT ?= 50051
VENV := .venv
BIN := $(VENV)/bin
comma := ,
PINS := constraints/core.txt
PIP := $(BIN)/python -m pip --disable-pip-version-check
# A machine with a working NVIDIA driver gets the GPU parts beside the CPU ones.
GPU := $(shell nvidia-smi -L >/dev/null 2>&1 && echo yes)
EXTRAS := all-cpu$(if $(GPU),$(comma)gpu)
TORCH := torch==2.13.0

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run test test-slow check format bench bench-gpu proto clean

help:  ## Say what can be made.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "HyperCube needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Creating $(VENV) with $$($(PYTHON) --version) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(BIN)/python pyproject.toml $(PINS)
	@echo "Installing heal7-hypercube[$(EXTRAS)] (once; about a minute) ..."
	@$(PIP) install --quiet --upgrade -c $(PINS) pip
	@$(PIP) install --quiet -c $(PINS) --editable '.[$(EXTRAS)]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "Installing the development tools ..."
	@# Triton's interpreter needs torch. Without a GPU the CPU build must come first, or several GB of CUDA follow:
	@# from an index of the user's that has it, else from torch's own.
	@$(if $(GPU),true,$(PIP) install --quiet -c $(PINS) '$(TORCH)+cpu' 2>/dev/null || \
		$(PIP) install --quiet --index-url https://download.pytorch.org/whl/cpu '$(TORCH)')
	@$(PIP) install --quiet -c $(PINS) --group dev
	@touch $@

setup: $(VENV)/.installed  ## Create .venv with what this machine's defaults use.
setup-dev: $(VENV)/.installed-dev

run: setup  ## Set up, then serve: HTTP 8080, gRPC 50051 (HTTP_PORT=… GRPC_PORT=… move it).
	@exec $(BIN)/hypercube serve --http-port $(HTTP_PORT) --grpc-port $(GRPC_PORT) $(ARGS)

test: setup-dev  ## Set up, then run the tests that every change must pass.
	@$(BIN)/python -m pytest -m "not slow" $(ARGS)

test-slow: setup-dev  ## The exhaustive, soak and chaos tests.
	@$(BIN)/python -m pytest -m slow $(ARGS)

check: setup-dev  ## Format, lint, type-check strictly, check the import layers.
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --verbose 2>&1 | tail -n 25 | grep -E 'KEPT|BROKEN|Contracts|->' ; exit $${PIPESTATUS[0]}

format: setup-dev  ## Format and mend what the linter can.
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: setup-dev  ## The CPU benchmarks; rows go to benchmarks/results.
	@$(BIN)/python -m benchmarks $(ARGS)

bench-gpu: setup-dev  ## The GPU benchmarks; says so in one line where there is no GPU.
	@$(BIN)/python -m benchmarks.gpu $(ARGS) || [ $$? = 3 ]

proto:  ## Regenerate hypercube/wire/v1 from proto/, with a compiler whose output runs on protobuf 6 and 7.
	@test -d .venv-proto || $(PYTHON) -m venv .venv-proto
	@.venv-proto/bin/python -m pip --disable-pip-version-check install --quiet grpcio-tools==1.76.0 'setuptools<81' mypy-protobuf==3.7.0
	@PATH="$(CURDIR)/.venv-proto/bin:$$PATH" .venv-proto/bin/python scripts/generate_protos.py

clean:  ## Remove what was built, not the downloaded models.
	@rm -rf $(VENV) .venv-proto .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build
