"""Installing into a database in use and uninstalling: 200,000 contacts, 100,000 posted invoices.

Prints how long installation takes and how much memory it takes at most, against the same in an empty database. Fails
when the registry isn't who was invoiced, when an address isn't what the ORM computes, or when uninstalling leaves a
stock column of contacts, banks, invoices, journal items or payments other than it was, or a column of ours behind.
"""

import os
import resource
import time

import dbtools
from lib import call
from lib.clients import CLIENTS, make_clients, make_users
from lib.invoices import copy_invoice, load_accounts, make_invoice

INVOICES, INVOICED = 100_000, 50_000
TABLES = (
    "res_partner",
    "res_partner_bank",
    "res_bank",
    "account_move",
    "account_move_line",
    "account_payment",
    "account_partial_reconcile",
)


def main():
    empty, used = (f"bench_{os.getpid()}_{name}" for name in ("empty", "used"))
    try:
        dbtools.copy(dbtools.base(), empty)
        print_figures("an empty database", *install(empty))
        dbtools.copy(dbtools.base(), used)
        call(used, "install.fill")
        before = columns(used)
        sums = {table: checksum(used, table, before[table]) for table in TABLES}
        print_figures(f"one with {CLIENTS} contacts and {INVOICES} invoices", *install(used))
        assert {table: checksum(used, table, before[table]) for table in TABLES} == sums, "installing changes data"
        print(call(used, "install.check"), end="")
        start = time.perf_counter()
        call(used, "install.uninstall")
        print(f"uninstalling: {time.perf_counter() - start:.0f} s")
        assert columns(used) == before, "uninstalling leaves columns behind"
        assert {table: checksum(used, table, before[table]) for table in TABLES} == sums, "uninstalling changes data"
        print(f"after uninstalling {len(TABLES)} tables are as they were: {', '.join(TABLES)}")
    finally:
        dbtools.drop(empty)
        dbtools.drop(used)


def install(database):
    """Seconds and MiB; the memory is the most that any process so far took, so the larger database comes last."""
    start = time.perf_counter()
    dbtools.install(database, ["custom_crm"])
    return time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def print_figures(what, seconds, megabytes):
    print(f"installing in {what}: {seconds:.0f} s, {megabytes:.0f} MiB at most")


def columns(database):
    """The columns of each table, but who wrote last and when: giving the administrator a role touches that contact."""
    names = ", ".join(f"'{table}'" for table in TABLES)
    query = f"""SELECT table_name, column_name FROM information_schema.columns
                 WHERE table_schema = 'public' AND table_name IN ({names})
                   AND column_name NOT IN ('write_date', 'write_uid') ORDER BY 1, 2"""  # noqa: S608
    result = {}
    for table, column in dbtools.sql(query, database):
        result.setdefault(table, []).append(column)
    return result


def checksum(database, table, names):
    row = ", ".join(f'"{name}"' for name in names)
    query = f"SELECT count(*), sum(hashtextextended(ROW({row})::text, 0)::numeric) FROM {table}"  # noqa: S608
    return dbtools.sql(query, database)


# What follows runs within Odoo.


def fill(env):
    load_accounts(env)
    make_clients(env, make_users(env))
    clients = env["res.partner"].search([("vat", "!=", False)], limit=INVOICED, order="id")
    copy_invoice(env, make_invoice(env, clients[0]), clients, INVOICES - 1)


def check(env):
    """The registry is who was invoiced; addresses are what the ORM computes."""
    env.cr.execute(
        """SELECT count(*), count(*) FILTER (WHERE is_client IS DISTINCT FROM (id IN (
                      SELECT commercial_partner_id FROM account_move WHERE move_type = 'out_invoice')) AND is_client)
             FROM res_partner WHERE is_client"""
    )
    clients, strangers = env.cr.fetchone()
    assert (clients, strangers) == (INVOICED, 0), (clients, strangers)
    sample = env["res.partner"].search([("street", "!=", False)], limit=500)
    stored = sample.mapped("actual_address")
    sample._compute_actual_address()
    assert sample.mapped("actual_address") == stored
    env.cr.rollback()
    print(f"{clients} contacts are clients: those who were invoiced")


def uninstall(env):
    env["ir.module.module"].search([("name", "=", "custom_crm")]).button_immediate_uninstall()


if __name__ == "__main__":
    main()
