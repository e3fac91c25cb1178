"""The fixtures that other tests rely on."""

import dbtools
import pytest


def test_processes_share_a_copy_and_leave_the_original_alone(installed_db, fresh_db, odoo_shell):
    create = "env['res.partner'].create({'name': '%s'}); env.cr.commit()"
    first = dbtools.start_shell(fresh_db, create % "Первый")
    second = dbtools.start_shell(fresh_db, create % "Второй")
    dbtools.finish_shell(first)
    dbtools.finish_shell(second)

    count = "print(env['res.partner'].search_count([('name', 'in', ('Первый', 'Второй'))]))"
    assert odoo_shell(fresh_db, count).strip() == "2"
    assert odoo_shell(installed_db, count).strip() == "0"


def test_an_error_in_the_shell_is_an_error_here(fresh_db, odoo_shell):
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        odoo_shell(fresh_db, "1 / 0")
