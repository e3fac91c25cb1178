"""The demo company can be installed, without a warning, where the tests' database has none."""

import dbtools


def test_demo_data_of_ours_and_only_ours_is_installed(installed_db, addons):
    database = f"{installed_db}_demo"
    dbtools.copy(dbtools.base(), database)
    try:
        dbtools.install_demo(database, addons)
        with_demo = dbtools.sql("SELECT name FROM ir_module_module WHERE demo", database)
        assert sorted(name for [name] in with_demo) == sorted(addons)
    finally:
        dbtools.drop(database)
