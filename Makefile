# Commands of the development environment. `make` lists them, `make run` and `make test`
# bring all they need. What is provisioned lies in .dev (or where CUSTOM_CRM_DEV says).

ADDONS := custom_crm

DEV := $(abspath $(or $(CUSTOM_CRM_DEV),.dev))
STAMPS := $(DEV)/stamps
ENV := . scripts/env.sh &&

export ADDONS

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.PHONY: help setup provision packages odoo postgres base run test stop clean requirements

help: ## list these commands
	@echo "make COMMAND, where COMMAND is one of"
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  \1\t\2/' | expand -t 16

setup: ## provision Odoo, Python packages, PostgreSQL and the base database
	@mkdir -p $(DEV)
	@flock --close $(DEV)/lock $(MAKE) provision

provision: packages odoo $(STAMPS)/venv $(STAMPS)/wkhtmltopdf postgres base
	@true

packages:
	@scripts/packages.sh

odoo: | packages
	@scripts/fetch-odoo.sh

$(STAMPS)/venv: requirements.txt requirements-dev.txt scripts/venv.sh | packages
	@scripts/venv.sh
	@mkdir -p $(@D) && touch $@

$(STAMPS)/wkhtmltopdf: scripts/wkhtmltopdf.sh | $(STAMPS)/venv
	@scripts/wkhtmltopdf.sh
	@mkdir -p $(@D) && touch $@

postgres: | packages
	@scripts/postgres.sh start
	@scripts/configure.sh

base: | odoo $(STAMPS)/venv postgres
	@$(ENV) python scripts/dbtools.py base >/dev/null

run: setup ## run Odoo with the demo company; the address and the logins are printed
	@scripts/run.sh || [ $$? = 130 ]

test: setup ## run all tests; ARGS="-k words" chooses, KEEP_DB=1 keeps the database
	@scripts/test.sh $(ARGS)

stop: ## stop the PostgreSQL server
	@scripts/postgres.sh stop

clean: stop ## stop it and remove everything provisioned
	@scripts/clean.sh

requirements: ## pin the newest Python packages (needs uv)
	uv pip compile --quiet --universal --python-version 3.10 --fork-strategy fewest --no-header --no-annotate --upgrade requirements.in --output-file requirements.txt
	uv pip compile --quiet --universal --python-version 3.10 --fork-strategy fewest --no-header --no-annotate --upgrade requirements-dev.in --output-file requirements-dev.txt
