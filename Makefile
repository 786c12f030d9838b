# wedding_dbopt: build, install, test and show. `make` alone prints this help.
EXTENSION   := wedding_dbopt
VERSION     := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" $(EXTENSION).control)
SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The stages of the loop, in build and reading order: the map of the sources.
STAGES      := schema collect analyze findings recommend apply verify alert report schedule access
SCHEMA      := schemas planner_role setting context_rule objective season freeze user_rows statement samples load baseline compression tuning rewrite plan readiness finding alert
STATE_FILES := $(SCHEMA:%=sql/schema/%.sql)
CODE_FILES  := $(foreach stage,$(filter-out schema,$(STAGES)),$(sort $(wildcard sql/$(stage)/*.sql)))

# ------------------------------------------------------------------ what the machine must have
# PG_CONFIG chooses the server; without one, the release's default PostgreSQL is installed.
PG_CONFIG ?= $(or $(shell command -v pg_config),/usr/bin/pg_config)
PG_MAJOR   = $(or $(shell $(PG_CONFIG) --version 2>/dev/null | sed -n 's/^PostgreSQL \([0-9]*\).*/\1/p'),$(shell apt-cache depends postgresql 2>/dev/null | sed -n 's/.*Depends: postgresql-\([0-9]*\)$$/\1/p' | head -1))
DEBIAN_PACKAGES = postgresql-$(PG_MAJOR) postgresql-client-$(PG_MAJOR) postgresql-server-dev-$(PG_MAJOR) \
  postgresql-plpython3-$(PG_MAJOR) postgresql-$(PG_MAJOR)-cron postgresql-$(PG_MAJOR)-hypopg \
  postgresql-$(PG_MAJOR)-pgtap postgresql-$(PG_MAJOR)-plpgsql-check libtap-parser-sourcehandler-pgtap-perl \
  python3 python3-pip python3-venv
# What only the tests need: a real pooler.
TEST_PACKAGES = pgbouncer

ROOT_DO     := $(if $(filter 0,$(shell id -u)),,sudo)
PKGLIBDIR    = $(shell $(PG_CONFIG) --pkglibdir)
SHAREDIR     = $(shell $(PG_CONFIG) --sharedir)
VENDOR_DIR   = $(PKGLIBDIR)/$(EXTENSION)/$(VERSION)
# The interpreter that the server embeds, which need not be the python3 on the PATH.
SERVER_PYTHON = /usr/bin/$(shell ldd $(PKGLIBDIR)/plpython3.so 2>/dev/null | sed -n 's/.*libpython\(3\.[0-9]*\).*/python\1/p' | head -1)
INSTALL_SQL := extension/$(EXTENSION)--$(VERSION).sql

.PHONY: all help package-lists packages test-packages build install uninstall test unit sql system test-versions demo bench bench-season soak lint format docs dist clean

help: ## Print this help
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do printf '  make %-14s%s\n' "$$name" "$$text"; done

# A fresh machine has no package lists, and without them the release's PostgreSQL version is not known.
package-lists:
	@if [ -z "$(PG_MAJOR)" ]; then $(ROOT_DO) apt-get update -qq; fi

test-packages: package-lists
	@$(MAKE) --no-print-directory packages DEBIAN_PACKAGES="$(TEST_PACKAGES)"

packages: package-lists ## Install the Debian packages that are missing
	@missing=$$(for package in $(DEBIAN_PACKAGES); do \
	    dpkg-query -W -f='$${db:Status-Status}\n' $$package 2>/dev/null | grep -qx installed || echo $$package; done); \
	if [ -n "$$missing" ]; then \
	  echo "installing Debian packages:" $$missing; mkdir -p build; \
	  { $(ROOT_DO) apt-get update -qq; \
	    $(ROOT_DO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; \
	  } > build/packages.log 2>&1 || { cat build/packages.log; exit 1; }; \
	fi

all: build

build: $(INSTALL_SQL) ## Build the extension's SQL script from the sources

$(INSTALL_SQL): $(STATE_FILES) $(CODE_FILES) Makefile $(EXTENSION).control
	@{ echo '\echo Use "CREATE EXTENSION $(EXTENSION) CASCADE" to load this file. \quit'; \
	   echo 'set local search_path = pg_catalog, pg_temp;'; echo 'set local check_function_bodies = off;'; \
	   for file in $(STATE_FILES) $(CODE_FILES); do echo "-- $$file"; cat $$file; echo; done; } > $@

# ------------------------------------------------------------------ install
install: packages build ## Install the extension and its Python package into the server of PG_CONFIG
	@$(MAKE) --no-print-directory install-python install-sql

# The vendored folder: pinned, hash-checked wheels for the embedded interpreter, our package beside them, compiled,
# because the server may not write bytecode. Nothing is done when it is there already.
install-python:
	@if [ ! -x "$(SERVER_PYTHON)" ]; then echo "plpython3.so of $(PKGLIBDIR) and its interpreter are not there"; exit 1; fi
	@if ! cmp -s python/requirements.txt $(VENDOR_DIR)/requirements.txt; then \
	  echo "vendoring the Python packages into $(VENDOR_DIR)"; \
	  $(ROOT_DO) rm -rf $(VENDOR_DIR); $(ROOT_DO) mkdir -p $(VENDOR_DIR); \
	  $(ROOT_DO) $(SERVER_PYTHON) -m pip install -qq --disable-pip-version-check --root-user-action=ignore \
	    --no-deps --require-hashes --only-binary=:all: --target $(VENDOR_DIR) -r python/requirements.txt; \
	  $(ROOT_DO) $(SERVER_PYTHON) -m compileall -q $(VENDOR_DIR); \
	  $(ROOT_DO) install -m 644 python/requirements.txt $(VENDOR_DIR)/requirements.txt; \
	fi
	@if ! diff -rq -x __pycache__ python/$(EXTENSION) $(VENDOR_DIR)/$(EXTENSION) > /dev/null 2>&1; then \
	  echo "installing the Python package into $(VENDOR_DIR)"; \
	  $(ROOT_DO) rm -rf $(VENDOR_DIR)/.new; $(ROOT_DO) mkdir $(VENDOR_DIR)/.new; \
	  $(ROOT_DO) cp -r python/$(EXTENSION) $(VENDOR_DIR)/.new/; \
	  $(ROOT_DO) find $(VENDOR_DIR)/.new -name __pycache__ -prune -exec rm -rf {} +; \
	  $(ROOT_DO) chmod -R u=rwX,go=rX $(VENDOR_DIR)/.new; \
	  $(ROOT_DO) $(SERVER_PYTHON) -m compileall -q -s $(VENDOR_DIR)/.new -p $(VENDOR_DIR) $(VENDOR_DIR)/.new; \
	  if [ -d $(VENDOR_DIR)/$(EXTENSION) ]; then $(ROOT_DO) mv $(VENDOR_DIR)/$(EXTENSION) $(VENDOR_DIR)/.new/old; fi; \
	  $(ROOT_DO) mv $(VENDOR_DIR)/.new/$(EXTENSION) $(VENDOR_DIR)/; $(ROOT_DO) rm -rf $(VENDOR_DIR)/.new; \
	fi

install-sql:
	@if ! cmp -s $(INSTALL_SQL) $(SHAREDIR)/$(INSTALL_SQL) || ! cmp -s $(EXTENSION).control $(SHAREDIR)/extension/$(EXTENSION).control; then \
	  echo "installing the extension into $(SHAREDIR)/extension"; \
	  $(ROOT_DO) $(MAKE) --no-print-directory -s -f extension/pgxs.mk srcdir=. install PG_CONFIG=$(PG_CONFIG) INSTALL_SQL=$(INSTALL_SQL) > /dev/null; \
	fi

uninstall: ## Remove the extension and its Python package from the server of PG_CONFIG
	@$(ROOT_DO) $(MAKE) --no-print-directory -s -f extension/pgxs.mk srcdir=. uninstall PG_CONFIG=$(PG_CONFIG) INSTALL_SQL=$(INSTALL_SQL) > /dev/null
	@$(ROOT_DO) rm -rf $(VENDOR_DIR); $(ROOT_DO) rmdir --ignore-fail-on-non-empty $(PKGLIBDIR)/$(EXTENSION) 2>/dev/null || true

# ------------------------------------------------------------------ tests and demo
# Tools live in build/tools as plain folders (no virtual environment), so that the tree can be copied anywhere.
build/tools/%/.done: python/requirements-%.txt | packages
	@echo "installing the $* tools into build/tools/$*"; rm -rf build/tools/$*; mkdir -p build/tools/$*
	@/usr/bin/python3 -m pip install -qq --disable-pip-version-check --root-user-action=ignore --no-deps \
	  --require-hashes --target build/tools/$* -r $<
	@touch $@

AS_USER = tests/as_user
# Each worker has a cluster of its own; much of a test's time is waiting.
PYTEST = /usr/bin/python3 -m pytest -q -n $(or $(WORKERS),2) --dist worksteal -p no:cacheprovider -c python/pyproject.toml --rootdir .

test: unit sql system ## Run every test: unit, sql and system

unit: packages build/tools/test/.done ## Tests of the Python package, no server
	@$(AS_USER) env PYTHONPATH=build/tools/test:python $(PYTEST) tests/unit

sql: install build/tools/test/.done ## pgTAP tests of the SQL functions, in a throw-away cluster
	@$(AS_USER) env PYTHONPATH=build/tools/test:. PG_CONFIG=$(PG_CONFIG) /usr/bin/python3 -m tests.sql.run

system: install test-packages build/tools/test/.done ## Tests of the whole loop, install, privileges and crashes, in throw-away clusters
	@$(AS_USER) env PYTHONPATH=build/tools/test:python:. PG_CONFIG=$(PG_CONFIG) $(PYTEST) tests/system

test-versions: ## Run the tests on other PostgreSQL versions, in Debian releases of their own (SUITES="trixie forky")
	@$(ROOT_DO) tests/versions $(or $(SUITES),trixie forky)

demo: install build/tools/test/.done ## Show the whole loop on a wedding platform under load (minutes; SCALE=1)
	@$(AS_USER) env PYTHONPATH=build/tools/test:. PG_CONFIG=$(PG_CONFIG) SCALE=$(or $(SCALE),1) /usr/bin/python3 -m tests.demo.run

bench: install build/tools/test/.done ## Measure what the README claims
	@$(AS_USER) env PYTHONPATH=build/tools/test:python:. PG_CONFIG=$(PG_CONFIG) /usr/bin/python3 -m tests.bench.run

bench-season: install build/tools/test/.done ## Drive the season's load untuned, with single-column indexes and tuned by the loop (half an hour; SCALE=1)
	@$(AS_USER) env PYTHONPATH=build/tools/test:python:. PG_CONFIG=$(PG_CONFIG) SCALE=$(or $(SCALE),1) SECONDS=$(or $(SECONDS),60) /usr/bin/python3 -m tests.bench.run season_load

soak: install build/tools/test/.done ## Harm the loop at its work, a fault about every minute (40 minutes; SOAK_SECONDS=2400)
	@tests/small_disk $(AS_USER) env PYTHONPATH=build/tools/test:python:. PG_CONFIG=$(PG_CONFIG) SOAK_SECONDS=$(or $(SOAK_SECONDS),2400) SOAK_COMMIT=$$(git describe --always --dirty) /usr/bin/python3 -m tests.bench.run soak

lint: install build/tools/lint/.done build/tools/test/.done ## ruff, mypy, pgspot, plpgsql_check, documentation up to date
	@PYTHONPATH=build/tools/lint build/tools/lint/bin/ruff check -q --config python/pyproject.toml python tests
	@PYTHONPATH=build/tools/lint build/tools/lint/bin/ruff format -q --check --config python/pyproject.toml python tests
	@PYTHONPATH=build/tools/lint:build/tools/test MYPYPATH=python /usr/bin/python3 -m mypy --config-file python/pyproject.toml -p wedding_dbopt
	@PYTHONPATH=build/tools/lint:. /usr/bin/python3 -m tests.lint.spot $(INSTALL_SQL)
	@$(AS_USER) env PYTHONPATH=build/tools/test:. PG_CONFIG=$(PG_CONFIG) /usr/bin/python3 -m tests.lint.run

format: build/tools/lint/.done ## Format the Python sources
	@PYTHONPATH=build/tools/lint build/tools/lint/bin/ruff check -q --fix --config python/pyproject.toml python tests || true
	@PYTHONPATH=build/tools/lint build/tools/lint/bin/ruff format -q --config python/pyproject.toml python tests

docs: install build/tools/test/.done ## Generate the function reference from the installed comments
	@env PYTHONPATH=build/tools/test:. PG_CONFIG=$(PG_CONFIG) $(AS_USER) /usr/bin/python3 -m tests.lint.reference > build/reference.md
	@mv build/reference.md extension/$(EXTENSION).md

dist: build ## Pack the sources for PGXN
	@mkdir -p build && git archive --format zip --prefix=$(EXTENSION)-$(VERSION)/extension/ --add-file=$(INSTALL_SQL) \
	  --prefix=$(EXTENSION)-$(VERSION)/ -o build/$(EXTENSION)-$(VERSION).zip HEAD && echo build/$(EXTENSION)-$(VERSION).zip

clean: ## Remove what was built
	@if [ -d build/versions ]; then $(ROOT_DO) rm -rf build/versions; fi  # belongs to root
	@rm -rf build $(INSTALL_SQL)
