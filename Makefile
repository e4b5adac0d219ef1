# The commands of this project; `make` prints them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run test prove lint messages secrets lock sbom audit release

BIN := .venv/bin
TOOLS := .venv/tools/bin
INSTALL := -m pip install --quiet --disable-pip-version-check --require-hashes

help: ## Print these lines
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

run: .venv/run ## Open the shop with its worker and the sandbox on this machine; Ctrl-C closes it
	@if [ -z "$${ENV_FILE:-}" ] && [ ! -e .env ]; then export SHOP_MODE="$${SHOP_MODE:-demo}"; fi; \
	exec $(BIN)/python manage.py runstack

# Hundreds of processes start in the tests: what they compile is kept, whatever the machine says otherwise.
test .venv/test: export PYTHONDONTWRITEBYTECODE :=
test: .venv/test ## Check everything: run all tests, and beside them style, types, imports, templates, settings
	@nice $(MAKE) --no-print-directory lint >.venv/lint.log 2>&1 & lint=$$!; status=0; \
	$(BIN)/python -m pytest -q -n 3 --no-loadscope-reorder || status=$$?; \
	wait $$lint || { status=$$?; cat .venv/lint.log; }; exit $$status

prove .venv/prove: export SHOP_PROVE := 1
prove: .venv/prove test ## The same with full counts and the long tests; takes as long as it takes

lint messages: export ENV_FILE := /dev/null
lint messages: export SHOP_MODE := demo
lint: export VAR_DIR := $(CURDIR)/.venv/lint
lint: .venv/test ## Check style, types, imports, templates and settings
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy --no-error-summary .
	@$(BIN)/lint-imports
	@$(BIN)/djlint templates --lint --quiet
	@$(BIN)/python manage.py check --fail-level WARNING
	@$(BIN)/python manage.py makemigrations --check --dry-run

messages: .venv/test ## Collect the texts for translation into locale/; they are compiled when the shop starts
	@$(BIN)/python manage.py makemessages --locale zh_Hant --no-location --no-obsolete

secrets: .venv/run ## Print fresh secrets for a production .env
	@$(BIN)/python -m shop.keyring.generate

# Every file of every package is named by its hash; `--universal`: for each Python and machine that we support.
COMPILE = $(TOOLS)/uv --no-config pip compile --quiet --universal --generate-hashes \
	--custom-compile-command "make lock" $(UPGRADE)
lock: .venv/tools/ready ## Write the lock files from pyproject.toml; UPGRADE=--upgrade takes what is newest
	@$(COMPILE) pyproject.toml --output-file requirements.txt
	@$(COMPILE) pyproject.toml --group dev --constraints requirements.txt --output-file requirements-dev.txt
	@$(COMPILE) --group pyproject.toml:tools --output-file .ci/tools.txt
	@for group in scanners semgrep tls; do $(COMPILE) --group pyproject.toml:$$group --output-file .ci/$$group.txt; done
	@$(COMPILE) --group pyproject.toml:postgresql --output-file .ci/postgresql.txt
	@for version in 3.11 3.12 3.13 3.14; do for machine in x86_64 aarch64; do \
		$(TOOLS)/uv --no-config pip install --quiet --dry-run --require-hashes --only-binary :all: --target .venv/dry \
		--python-version $$version --python-platform $$machine-manylinux_2_28 -r requirements-dev.txt || \
		{ echo "Not for Python $$version on $$machine." >&2; exit 1; }; done; done

sbom: .venv/tools/ready ## Print what the shop consists of, as CycloneDX
	@$(TOOLS)/python -W ignore -m cyclonedx_py requirements --pyproject pyproject.toml --output-reproducible requirements.txt

audit: .venv/tools/ready ## Ask PyPI's database for known weaknesses of what is locked (needs the network)
	@for lock in requirements-dev.txt .ci/tools.txt; do $(TOOLS)/pip-audit --strict --disable-pip --require-hashes -r $$lock; done

release: export SHOP_MODE := demo
release: export DJANGO_SETTINGS_MODULE := shop.settings
release: export ENV_FILE := /dev/null
release: .venv/test ## Write down what this release knows of the database, for the next one to keep
	@$(BIN)/python -m shop.tests.harness.released_schema

# --- surroundings: made once, remade when the requirements change ------------------------------------------------

# The first Python that is new enough and can make virtual environments.
FIND_PYTHON = for python in $${PYTHON:-python3 python3.11 python3.12 python3.13 python3.14 python}; do \
	"$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; python=; done; \
	test -n "$$python" || { echo "Python 3.11 or newer with its venv module is missing (Debian: apt-get install python3-venv)." >&2; exit 1; }

.venv/python:
	@$(FIND_PYTHON); "$$python" -m venv .venv && touch $@

.venv/run: .venv/python requirements.txt
	@echo "Installing what the shop needs …"
	@$(BIN)/python $(INSTALL) -r requirements.txt
	@touch $@

.venv/test: .venv/run requirements-dev.txt
	@echo "Installing what the tests need …"
	@$(BIN)/python $(INSTALL) -r requirements-dev.txt
	@$(BIN)/python -m shop.tests.harness.machine
	@echo "Compiling the tests and listing Unicode, which each of several processes would do anew …"
	@$(BIN)/python -c 'from hypothesis import strategies; strategies.text().validate()'
	@collect="$(BIN)/python -m pytest -q --collect-only"; \
	$$collect shop payments >/dev/null 2>&1 & $$collect catalog cart checkout consulting >/dev/null 2>&1 & wait
	@touch $@

.venv/prove: .venv/test .venv/scanners/ready .venv/semgrep/ready .venv/tls/ready
	@$(BIN)/python -m shop.tests.harness.machine
	@touch $@

.venv/tools/ready .venv/scanners/ready .venv/semgrep/ready .venv/tls/ready: .venv/%/ready: .venv/python .ci/%.txt
	@$(BIN)/python -m venv .venv/$*
	@.venv/$*/bin/python $(INSTALL) -r .ci/$*.txt
	@touch $@
