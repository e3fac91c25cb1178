"""Fixtures for tests that need databases and processes of their own.

`make test` runs them with plain pytest, in no Odoo process, and names the database that it
installed the add-ons in by CUSTOM_CRM_TEST_DB.
"""

import itertools
import os

import dbtools
import pytest

# Helpers whose assertions tell what differs, as those of tests do.
pytest.register_assert_rewrite("billing", "mailing")

numbers = itertools.count(1)


@pytest.fixture(scope="session")
def addons():
    """The add-ons under test."""
    return os.environ.get("ADDONS", "custom_crm").split()


@pytest.fixture(scope="session")
def installed_db():
    """The database that `make test` installed the add-ons in. Read it, change nothing."""
    name = os.environ.get("CUSTOM_CRM_TEST_DB")
    if not name:
        pytest.skip("run it by `make test`")
    return name


@pytest.fixture
def fresh_db(installed_db):
    """A copy of that database which the test may do with as it likes."""
    name = f"{installed_db}_{next(numbers)}"
    dbtools.copy(installed_db, name)
    yield name
    dbtools.drop(name)


@pytest.fixture
def odoo_shell():
    """Runs code in a process of its own: ``odoo_shell(fresh_db, "print(env.user.login)")``.

    It returns what the code printed. For two processes at once use `dbtools.start_shell`
    and `dbtools.finish_shell`.
    """
    return dbtools.shell
