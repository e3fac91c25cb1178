"""Receivables among 100,000 invoices of 5,000 clients: all of them open against the last 10,000, in one process.

Prints, as medians of several rounds, as a manager, SQL statements and time of what the web client sends for
- the list of receivables as it opens: grouped by client, with sums
- the list of what is overdue: 80 invoices and their count
- the pivot by responsible and age, the graph by age
- planned against received by month

It fails when more open invoices take more statements, or when what is open is found without the index of open items.
"""

import os
from functools import partial

import dbtools
from lib import call, compare, measure
from lib.clients import make_clients, make_users, vacuum
from lib.invoices import copy_invoice, load_accounts, make_invoice
from lib.plans import show_plan
from lib.web import COUNT_LIMIT, LIST_LIMIT, Action

CLIENTS, INVOICES = 5_000, 100_000
OPEN_ITEMS = {"account_move_line_crm_open_item_index"}
OVERDUE = [("days_overdue", ">", 0)]

# Due from 150 days ago until 49 days from now.
DUE = """
UPDATE account_move_line line
   SET date_maturity = %(today)s - 150 + line.move_id %% 200
  FROM account_account account
 WHERE account.id = line.account_id AND account.account_type = 'asset_receivable'
"""
PAID = """
UPDATE account_move_line line
   SET amount_residual = 0, amount_residual_currency = 0, reconciled = TRUE
  FROM account_account account
 WHERE account.id = line.account_id AND account.account_type = 'asset_receivable'
   AND line.move_id <= (SELECT max(id) FROM account_move) - 10000
"""


def main():
    most = f"bench_{os.getpid()}"
    few = f"{most}_few"
    try:
        dbtools.copy(dbtools.base(), most)
        dbtools.install(most, ["custom_crm"])
        call(most, "receivables.fill")
        dbtools.copy(most, few)
        call(few, "receivables.pay")
        print(call(most, "receivables.compare_receivables", few), end="")
    finally:
        dbtools.drop(few)
        dbtools.drop(most)


# What follows runs within Odoo.


def fill(env):
    load_accounts(env)
    make_clients(env, make_users(env), CLIENTS)
    clients = env["res.partner"].search([("is_client", "=", True)])
    copy_invoice(env, make_invoice(env, clients[0]), clients, INVOICES - 1)
    change(env, DUE)


def pay(env):
    change(env, PAID)


def change(env, statement):
    env.cr.execute(statement, {"today": env.company._crm_today()})
    vacuum(env.cr, "account_move_line")


def as_manager(env):
    user = env["res.users"].search([("login", "=", "manager0")])
    context = {"lang": "ru_RU", "tz": "Europe/Moscow", "allowed_company_ids": user.company_ids.ids}
    return env(user=user.id, context=context, su=False)


def compare_receivables(env, few):
    other = type(env.registry)(few).cursor()
    managers = {"10,000 open": as_manager(env(cr=other)), "all open": as_manager(env)}
    receivables = {side: Action(manager, "custom_crm.action_receivables") for side, manager in managers.items()}
    plans = {side: Action(manager, "custom_crm.action_payment_plan") for side, manager in managers.items()}
    for side, action in receivables.items():
        print(f"{side}: {action.model.search_count([])} receivables, {action.model.search_count(OVERDUE)} overdue")
    for what, sides, read in (
        ("list by client", receivables, read_groups),
        ("list of overdue ones", receivables, read_overdue),
        ("pivot by responsible and age", receivables, partial(read_pivot, rows="user_id", columns="age")),
        ("graph by age", receivables, read_graph),
        ("planned and received by month", plans, read_months),
    ):
        compare_statements(what, sides, read)
    model = receivables["10,000 open"].model
    show_plan("overdue, 80 items", model._search(OVERDUE, limit=LIST_LIMIT), OPEN_ITEMS)
    show_plan("overdue, count", model._search(OVERDUE, limit=COUNT_LIMIT), OPEN_ITEMS, is_count=True)
    other.execute("DROP INDEX account_move_line_crm_open_item_index")
    show_plan("the same without the index", model._search(OVERDUE, limit=LIST_LIMIT))
    other.rollback()
    other.close()


def compare_statements(what, sides, read):
    calls = {side: partial(measure, action.env, partial(read, action)) for side, action in sides.items()}
    figures = compare(calls)
    print(f"{what}: {', '.join(f'{side} {n.statements:.0f} SQL, {n.ms:.0f} ms' for side, n in figures.items())}")
    assert figures["all open"].statements <= figures["10,000 open"].statements, what


def read_groups(action):
    sums = ("amount_debt", "amount_overdue", "amount_advance", "amount_residual")
    action.model.web_read_group(
        [], ["partner_id"], [f"{name}:sum" for name in sums] + ["days_overdue:max"], limit=LIST_LIMIT
    )


def read_overdue(action):
    action.model.web_search_read(OVERDUE, action.specification("list"), limit=LIST_LIMIT, count_limit=COUNT_LIMIT)


def read_pivot(action, rows, columns):
    action.model.formatted_read_grouping_sets(
        [], [[], [rows], [columns], [rows, columns]], ["amount_residual:sum", "__count"]
    )


def read_graph(action):
    action.model.formatted_read_group([], ["age", "user_id"], ["amount_residual:sum", "__count"])


def read_months(action):
    action.model.formatted_read_grouping_sets(
        [], [[], ["date:month"]], ["amount_planned:sum", "amount_received:sum", "amount_open:sum", "__count"]
    )


if __name__ == "__main__":
    main()
