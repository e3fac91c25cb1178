# Commands of the development environment. `make` lists them, `make run` and `make test`
# bring all they need. What is provisioned lies in .dev (or where CUSTOM_CRM_DEV says).

ADDONS := custom_crm custom_crm_l10n_ru custom_crm_helpdesk custom_crm_queue

DEV := $(abspath $(or $(CUSTOM_CRM_DEV),.dev))
STAMPS := $(DEV)/stamps
ENV := . scripts/env.sh &&

export ADDONS

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.PHONY: help setup provision packages odoo postgres base run test lint format lint-tools i18n bench screenshots wheel stop clean requirements

help: ## list these commands
	@echo "make COMMAND, where COMMAND is one of"
	@grep -hE '^[a-z0-9]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9]+):.*## (.*)/  \1\t\2/' | expand -t 16

setup: ## provision Odoo, Python packages, PostgreSQL and the base database
	@mkdir -p $(DEV)
	@flock --close $(DEV)/lock $(MAKE) provision

provision: packages odoo $(STAMPS)/venv $(STAMPS)/wkhtmltopdf postgres base
	@true

packages:
	@scripts/packages.sh

odoo: | packages
	@scripts/fetch-odoo.sh

$(STAMPS)/venv: requirements.txt requirements-dev.txt requirements-addons.txt scripts/venv.sh | packages
	@scripts/venv.sh
	@mkdir -p $(@D) && touch $@

$(STAMPS)/wkhtmltopdf: scripts/wkhtmltopdf.sh | $(STAMPS)/venv
	@scripts/wkhtmltopdf.sh
	@mkdir -p $(@D) && touch $@

postgres: | packages $(STAMPS)/venv
	@scripts/postgres.sh start
	@scripts/configure.sh

base: | odoo $(STAMPS)/venv postgres
	@$(ENV) python scripts/dbtools.py base >/dev/null

run: setup ## run Odoo with the demo company; the address and the logins are printed
	@scripts/run.sh || [ $$? = 130 ]

test: setup ## run all tests; ARGS="-k words" chooses, KEEP_DB=1 keeps the database
	@scripts/test.sh $(ARGS)

lint: ## check the code and the texts
	@mkdir -p $(DEV)
	@flock --close $(DEV)/lock $(MAKE) lint-tools
	@scripts/lint.sh

format: ## bring Python, XML and JavaScript into the common form
	@mkdir -p $(DEV)
	@flock --close $(DEV)/lock $(MAKE) lint-tools
	@$(ENV) ruff check --quiet --fix --exit-zero . && ruff format --quiet .
	@npm run --silent format

lint-tools: packages odoo $(STAMPS)/venv $(STAMPS)/node
	@true

$(STAMPS)/node: package.json package-lock.json
	@scripts/packages.sh lint
	@echo "Installing prettier and eslint." >&2
	@npm ci --silent --no-audit --no-fund --ignore-scripts
	@mkdir -p $(@D) && touch $@

i18n: setup ## export the terms of the add-ons and merge them into ru.po
	@$(ENV) python scripts/catalogues.py $(ADDONS)

bench: setup ## run the benchmarks in bench/
	@scripts/bench.sh

screenshots: setup ## take the screenshots of the user guide
	@$(ENV) python scripts/screenshots.py

wheel: $(STAMPS)/venv ## build a wheel of each add-on in dist/
	@$(ENV) for addon in $(ADDONS); do python -m build --wheel --no-isolation --outdir dist $$addon; done

stop: ## stop the PostgreSQL server
	@scripts/postgres.sh stop

clean: stop ## stop it and remove everything provisioned
	@scripts/clean.sh

requirements: ## pin the newest Python packages (needs uv)
	uv pip compile --quiet --universal --python-version 3.10 --fork-strategy fewest --no-header --no-annotate --upgrade requirements.in --output-file requirements.txt
	uv pip compile --quiet --universal --python-version 3.10 --fork-strategy fewest --no-header --no-annotate --upgrade requirements-dev.in --output-file requirements-dev.txt
