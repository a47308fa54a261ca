# csms. Needs make and Python 3.11 or newer, nothing else; all of it goes into .venv.
# Choose the Python with `make PYTHON=/path/to/python3 …`.

PYTHON_CANDIDATES := $(or $(PYTHON),python3.13 python3.12 python3.11 python3)
LOCK_PYTHON ?= python3.11
BIN := .venv/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# editable_mode=compat: a plain path entry in place of an import hook, which costs time at every start.
INSTALL_CSMS := $(PIP_INSTALL) --no-deps --no-build-isolation --config-settings editable_mode=compat --editable .

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo pictures run test test-slow compiled test-compiled torture fuzz soak bench load-bench lint lock dist \
	clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: .venv/.installed-run ## Try it: a daemon and simulated charge points
	@PATH="$(CURDIR)/.venv/bin:$$PATH" sh demo/run

pictures: .venv/.installed-run ## Make the pictures of the README again
	@$(BIN)/python demo/pictures.py docs/pictures

run: .venv/.installed-run ## Run the daemon in the foreground (ARGS="--listen 127.0.0.1:9000")
	@exec $(BIN)/csmsd $(ARGS)

test: .venv/.installed-test ## Run the tests (ARGS="tests/csmsd/ocpp -x")
	@$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder $(ARGS)

test-slow: .venv/.installed-test ## Run the tests that take long, and many examples of each property
	@$(BIN)/python -m pytest -m "slow or hypothesis" --hypothesis-profile thorough $(ARGS)

torture: .venv/.installed-test ## Break what it runs on, by the hundred (ARGS="--share 0.1 kills power-cuts")
	@$(BIN)/python -m tests.torture $(ARGS)

bench: .venv/.installed-test ## Run the measurements
	@$(BIN)/python -m pytest -m bench -s $(ARGS)

load-bench: .venv/.installed-test ## Compare strategies of load management on the same cars (ARGS="--hours 10000")
	@$(BIN)/python -m tests.bench.load_management $(ARGS)

fuzz: .venv/.installed-test ## Send csmsd a million frames out of the official schemas (ARGS="--frames 300000 --seed 7")
	@$(BIN)/python -m tests.fuzz.campaign $(ARGS)

soak: .venv/.installed-test ## Half an hour of what goes on all day, and whether anything grows (ARGS="--minutes 5")
	@$(BIN)/python -m tests.soak $(ARGS)

lint: .venv/.installed-test ## Check style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Resolved with the oldest supported Python and from the default index alone, whatever this machine's pip is set to.
lock: export PIP_CONFIG_FILE := /dev/null
lock: export PIP_EXTRA_INDEX_URL :=
lock: export PIP_FIND_LINKS :=
lock: export CUSTOM_COMPILE_COMMAND := make lock
lock: PIP_COMPILE = .venv-lock/bin/pip-compile --quiet --upgrade --generate-hashes --strip-extras --allow-unsafe \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options
lock: .venv-lock/.installed ## Renew requirements/*.txt
	$(PIP_COMPILE) --output-file requirements/lock.txt requirements/lock.in
	$(PIP_COMPILE) --output-file requirements/build.txt requirements/build.in
	$(PIP_COMPILE) --extra fast --output-file requirements/run.txt pyproject.toml requirements/run.in
	$(PIP_COMPILE) --output-file requirements/test.txt requirements/test.in

dist: .venv/.installed-$(if $(CSMS_COMPILE),test,run) ## Build the wheel into dist/ (CSMS_COMPILE=1: a compiled one)
	rm -rf build dist
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .
	rm -rf build
	@ls dist/*

# A copy, so that here csms stays what is written: a compiled module would go before its source.
compiled: .venv/.installed-test ## Compile csmsd, where there is a C compiler, into build/compiled
	rm -rf build/compiled && mkdir -p build/compiled
	git ls-files -z --cached --others --exclude-standard --deduplicate | xargs -0 cp --parents --no-dereference --target-directory build/compiled
	cd build/compiled && CSMS_COMPILE=1 ../../$(BIN)/python setup.py --quiet build_ext --inplace

test-compiled: compiled ## Run the tests on the compiled csmsd
	cd build/compiled && ../../$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder $(ARGS)

clean: ## Remove all that make has made, .venv too
	rm -rf .venv .venv-lock build dist csms.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find csmsd csmsctl tests -name __pycache__ -type d -prune -exec rm -rf {} +

# A .venv whose Python is gone (removed, upgraded) is made anew.
ifneq ($(shell $(BIN)/python -c '' 2>/dev/null && echo works),works)
.PHONY: .venv/.created
endif

.venv/.created:
	@for python in $(PYTHON_CANDIDATES); do \
	    if "$$python" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        "$$python" -m venv --clear .venv && touch $@; exit; \
	    fi; \
	done; \
	echo "csms needs Python 3.11 or newer with its venv module (Debian: python3-venv); tried: $(PYTHON_CANDIDATES)." >&2; \
	echo "Name one: make PYTHON=/path/to/python3 …" >&2; \
	exit 1

.venv/.installed-run: .venv/.created requirements/run.txt requirements/build.txt pyproject.toml
	@echo "Installing csms into .venv …"
	@$(PIP_INSTALL) --require-hashes -r requirements/build.txt -r requirements/run.txt
	@$(INSTALL_CSMS)
	@touch $@

# test.txt contains run.txt, so this makes both stamps.
.venv/.installed-test: .venv/.created requirements/test.txt requirements/build.txt pyproject.toml
	@echo "Installing csms and its test tools into .venv …"
	@$(PIP_INSTALL) --require-hashes -r requirements/build.txt -r requirements/test.txt
	@$(INSTALL_CSMS)
	@touch .venv/.installed-run $@

.venv-lock/.installed: requirements/lock.txt
	$(LOCK_PYTHON) -c 'import sys; v = sys.version_info; v[:2] == (3, 11) or sys.exit("make lock needs Python 3.11: make LOCK_PYTHON=/path/to/python3.11 lock")'
	$(LOCK_PYTHON) -m venv --clear .venv-lock
	.venv-lock/bin/python -m pip install --quiet --require-hashes -r requirements/lock.txt
	@touch $@
