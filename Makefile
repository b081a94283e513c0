# make demo | test | lint | bench | test-nightly | clean. Each target runs one script or tool.
JOBS ?= 2
PYTHON ?= python3
export PYTHON
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export CMAKE_BUILD_PARALLEL_LEVEL := $(JOBS)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
VENV := .venv/bin/python
CMAKE_ARGS = $$(cat .venv/cmake-args)
SAY = @printf '\n== %s\n'

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test test-nightly lint bench clean setup-demo setup-test setup-live install
.PHONY: test-house test-lint test-cxx test-clang test-python test-aarch64 test-kernels test-wheel
.PHONY: test-live test-arm-engines

help:
	@echo "make demo             build everything and trace a network on five devices"
	@echo "make test             every test, the linters, 64-bit Arm under QEMU, the wheel"
	@echo "make lint             ruff, mypy and the rules of the house"
	@echo "make bench            kernel benchmarks on this machine"
	@echo "make test-nightly     the long tests"
	@echo "make test-live        new random nodes on the engines themselves, on this processor"
	@echo "make test-arm-engines the same on their 64-bit Arm binaries under QEMU"
	@echo "make clean            remove build products"

demo: setup-demo install
	$(VENV) examples/digits_gru/demo.py

test: setup-test test-house test-lint test-cxx test-clang install test-python test-aarch64 \
  test-kernels test-wheel
	@printf '\nall tests passed\n'

setup-demo setup-test setup-live: setup-%:
	@tools/setup.sh $*

# Incremental: objects stay in build/wheel.
install:
	$(SAY) "installing qsim into .venv (the first build takes minutes)"
	CMAKE_ARGS="$(CMAKE_ARGS)" $(VENV) -m pip install --quiet --no-build-isolation --no-deps \
	  --force-reinstall .

test-house:
	$(SAY) "rules of the house"
	python3 tools/house.py all

test-cxx:
	$(SAY) "C++ tests"
	cmake --preset dev $(CMAKE_ARGS)
	cmake --build --preset dev
	@rm -rf build/junit && mkdir -p build/junit
	ctest --preset dev --output-junit $(CURDIR)/build/junit/dev.xml

test-python:
	$(SAY) "Python tests"
	$(VENV) -m pytest -m "not nightly"

test-clang:
	$(SAY) "the same digests by Clang"
	tools/test_clang.sh

test-aarch64:
	$(SAY) "C++ tests on 64-bit Arm"
	tools/test_aarch64.sh

test-kernels:
	$(SAY) "kernels, and the jobs in which they equalled their profile"
	python3 tools/kernels_ran.py

test-wheel:
	$(SAY) "wheel in a clean environment"
	$(VENV) tests/build/wheel.py

test-nightly: setup-test install
	cmake --preset dev $(CMAKE_ARGS)
	cmake --build --preset dev
	ctest --preset nightly
	cmake --preset asan $(CMAKE_ARGS)
	cmake --build --preset asan
	ctest --preset asan
	$(VENV) -m pytest -m nightly
	$(VENV) tools/planted_faults.py --jobs $(JOBS)

test-live: setup-live install
	$(VENV) -m pytest tests/python/test_live_engines.py

# COUNT nodes of each operator, drawn from SEED.
test-arm-engines: setup-live install
	$(SAY) "engines on 64-bit Arm"
	tools/test_arm_engines.sh $(VENV)

lint: setup-test test-house test-lint

test-lint:
	$(SAY) "linters"
	$(VENV) -m ruff check .
	$(VENV) -m mypy

bench: setup-test
	cmake --preset release -B build/bench $(CMAKE_ARGS) -DQSIM_BENCHMARKS=ON -DQSIM_PYTHON=OFF
	cmake --build build/bench --target qsim_bench
	build/bench/benchmarks/qsim_bench $(BENCH_ARGS)

clean:
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find python tests tools examples -name __pycache__ -prune -exec rm -rf {} +
