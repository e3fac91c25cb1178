"""Installing custom_crm in a database in use, with 200,000 contacts and 100,000 posted invoices, and removing it again.

Prints time and peak memory of the installation against the same in an empty database, as medians of several rounds that
take turns, and the time of the removal.

It fails when the registry holds others than the contacts that were invoiced, when an address in one line is another
than Odoo would compute, when installing changes a contact, bank, invoice, journal item or payment, or when the removal
leaves columns, indexes, constraints or sequences of the database or rows of any table other than they were.
"""

import os
import resource
import statistics
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from fnmatch import fnmatch

import dbtools
from lib import call
from lib.clients import CLIENTS, make_clients, make_users
from lib.invoices import copy_invoice, load_accounts, make_invoice

ROUNDS = 3
INVOICES = 100_000
# Every fourth contact was invoiced.
INVOICED = CLIENTS // 4
SAMPLE = 1000

SCHEMA = """
    SELECT 'column', table_name, column_name, data_type || is_nullable || COALESCE(column_default, '')
      FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    UNION ALL SELECT 'sequence', '', sequencename, '' FROM pg_sequences WHERE schemaname = 'public'
"""
COLUMNS = """
    SELECT table_name, column_name
      FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
     WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY table_name, ordinal_position
"""
# Odoo's own books of what is installed.
BOOKS = ("ir_*", "orm_signaling_*")
# What a removed module leaves in rows that are not its own: users lost its groups, so that they and their contacts were
# written; Russia had its address format and got it back; its regions keep their Russian names till Odoo's next update.
WRITTEN = {
    (table, column) for table in ("res_users", "res_partner", "res_country") for column in ("write_date", "write_uid")
} | {("res_country_state", "name")}

# What installing must not change either, however it fills columns of its own there.
KEPT = {
    "account_move",
    "account_move_line",
    "account_partial_reconcile",
    "account_payment",
    "res_bank",
    "res_company",
    "res_partner",
    "res_partner_bank",
}


def main():
    empty, filled, source = (f"bench_{os.getpid()}_{name}" for name in ("empty", "filled", "source"))
    try:
        dbtools.copy(dbtools.base(), source)
        call(source, "install.fill")
        figures = {"empty": [], "filled": []}
        for _round in range(ROUNDS):
            for side, origin, database in (("empty", dbtools.base(), empty), ("filled", source, filled)):
                dbtools.drop(database)
                dbtools.copy(origin, database)
                figures[side].append(install(database))
        for side, rounds in figures.items():
            seconds, megabytes = map(statistics.median, zip(*rounds, strict=True))
            print(f"installing, {side} database: {seconds:.1f} s, {megabytes:.0f} MB at most")
        print(call(filled, "install.check"), end="")
        assert not changed_tables(source, filled) & KEPT
        start = time.perf_counter()
        call(filled, "install.uninstall")
        print(f"removing, filled database: {time.perf_counter() - start:.1f} s")
        tables, schema = changed_tables(source, filled), changed_schema(source, filled)
        print(f"after removing, changed tables: {sorted(tables)}, other schema: {sorted(schema)}")
        assert not tables and not schema
    finally:
        for database in (empty, filled, source):
            dbtools.drop(database)


def install(database):
    """Seconds and peak memory in megabytes, measured in a process of its own: of this installation only."""
    with ProcessPoolExecutor(1) as pool:
        return pool.submit(install_here, database).result()


def install_here(database):
    start = time.perf_counter()
    dbtools.install(database, ["custom_crm"])
    return time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def changed_tables(before, after):
    """Tables of the first database whose rows differ in the other, in the columns that the first one has."""
    columns = defaultdict(list)
    for table, column in dbtools.sql(COLUMNS, before):
        if (table, column) not in WRITTEN and not any(fnmatch(table, books) for books in BOOKS):
            columns[table].append(f'"{column}"')
    query = " UNION ALL ".join(
        f"SELECT '{table}', count(*), sum(hashtextextended(ROW({', '.join(names)})::text, 0)::numeric) FROM \"{table}\""  # noqa: S608
        for table, names in columns.items()
    )
    old, new = ({table: figures for table, *figures in dbtools.sql(query, database)} for database in (before, after))
    return {table for table in columns if old[table] != new[table]}


def changed_schema(before, after):
    """Columns, indexes, constraints and sequences that only one of the databases has."""
    old, new = (set(map(tuple, dbtools.sql(SCHEMA, database))) for database in (before, after))
    return old ^ new


# What follows runs within Odoo.


def fill(env):
    load_accounts(env)
    make_clients(env, make_users(env))
    partners = env["res.partner"].search([("email", "like", "office@client")], order="id")[: INVOICED * 4 : 4]
    paid = make_invoice(env, partners[0])
    register = env["account.payment.register"].with_context(active_model="account.move", active_ids=paid.ids)
    register.create({}).action_create_payments()
    copy_invoice(env, make_invoice(env, partners[0]), partners, INVOICES - 2)


def check(env):
    env.cr.execute(
        """SELECT count(*), count(*) FILTER (WHERE is_client IS TRUE),
                  count(*) FILTER (WHERE is_client IS TRUE <> (invoiced.id IS NOT NULL))
             FROM res_partner
        LEFT JOIN (SELECT DISTINCT commercial_partner_id AS id FROM account_move) invoiced USING (id)"""
    )
    partners, clients, wrong = env.cr.fetchone()
    print(f"{clients} of {partners} contacts are clients, {wrong} of them wrongly")
    assert (clients, wrong) == (INVOICED, 0)
    sample = env["res.partner"].search([], order="id")[:: CLIENTS // SAMPLE]
    stored = sample.mapped("actual_address")
    env.add_to_compute(sample._fields["actual_address"], sample)
    assert stored == sample.mapped("actual_address")
    assert any(stored)


def uninstall(env):
    env["ir.module.module"].search([("name", "=", "custom_crm")]).button_immediate_uninstall()


if __name__ == "__main__":
    main()
