"""Active business processes: 2,000 open stages against 20,000 of them, with three times as many closed, in one process.

Prints, as medians of several rounds, as a manager, SQL statements and time of what the web client sends for
- the list of active processes: 80 open stages and their count
- the board, grouped by stage, each column with its first cards
- the overdue ones and those of the user
- the form of a stage

It fails when 20,000 stages take more statements than a few, or when the filter of overdue ones does without the index
of deadlines.
"""

import os
from functools import partial

import dbtools
from lib import call, compare, measure
from lib.clients import make_clients, make_users
from lib.plans import show_plan
from lib.stages import copy_contracts, make_patterns, make_process
from lib.web import COUNT_LIMIT, LIST_LIMIT, Action

# Few are more than a page of overdue ones and of one user's.
FEW, MANY, PASSED = 2_000, 20_000, 3
DEADLINES = {"crm_contract_stage_open_deadline"}


def main():
    few = f"bench_{os.getpid()}"
    many = f"{few}_many"
    try:
        dbtools.copy(dbtools.base(), few)
        dbtools.install(few, ["custom_crm"])
        call(few, "stages.fill", FEW)
        dbtools.copy(few, many)
        call(many, "stages.fill", MANY - FEW)
        print(call(many, "stages.compare_stages", few), end="")
    finally:
        dbtools.drop(few)
        dbtools.drop(many)


# What follows runs within Odoo.


def fill(env, count):
    patterns = env["crm.contract"].search([("process_id", "!=", False), ("name", "not like", "B-%")])
    if not patterns:
        users = make_users(env)
        make_clients(env, users, FEW)
        product = env["product.product"].create({"name": "Услуга", "type": "service", "taxes_id": False})
        patterns = make_patterns(env, make_process(env), env["res.partner"].search([], limit=1), product)
    users = env["res.users"].search([("login", "like", "manager%")])
    clients = env["res.partner"].search([("is_client", "=", True)])
    copy_contracts(env, patterns, clients, users, count, PASSED)


def as_manager(env):
    user = env["res.users"].search([("login", "=", "manager0")])
    context = {"lang": "ru_RU", "tz": "Europe/Moscow", "allowed_company_ids": user.company_ids.ids}
    return env(user=user.id, context=context, su=False)


def compare_stages(env, few):
    other = type(env.registry)(few).cursor()
    sides = {
        "few": Action(as_manager(env(cr=other)), "custom_crm.action_contract_stages"),
        "many": Action(as_manager(env), "custom_crm.action_contract_stages"),
    }
    for side, action in sides.items():
        opened, closed = (action.model.search_count([("state", operator, "open")]) for operator in ("=", "!="))
        print(f"{side}: {opened} open stages, {closed} closed")
    is_open = [("state", "=", "open")]
    for what, read in {
        "list of active processes": partial(read_list, domain=is_open),
        "list of overdue ones": partial(read_list, domain=[("is_overdue", "=", True)]),
        "list of my own": partial(read_list, domain=[*is_open, ("user_id", "=", sides["many"].env.uid)]),
        "board by stage": partial(read_board, domain=is_open),
        "form of a stage": read_form,
    }.items():
        compare_statements(what, sides, read)
    model = sides["many"].model
    overdue = [("is_overdue", "=", True)]
    show_plan("overdue, 80 stages", model._search(overdue, limit=LIST_LIMIT, order="date_deadline, id"), DEADLINES)
    show_plan("overdue, count", model._search(overdue, limit=COUNT_LIMIT), DEADLINES, is_count=True)
    show_plan("open, 80 stages", model._search(is_open, limit=LIST_LIMIT, order="date_deadline, id"), DEADLINES)
    other.close()


def compare_statements(what, sides, read):
    calls = {side: partial(measure, action.env, partial(read, action)) for side, action in sides.items()}
    figures = compare(calls)
    print(f"{what}: {', '.join(f'{side} {n.statements:.0f} SQL, {n.ms:.0f} ms' for side, n in figures.items())}")
    assert figures["many"].statements <= figures["few"].statements, what


def read_list(action, domain):
    action.model.web_search_read(
        domain, action.specification("list"), limit=LIST_LIMIT, order="date_deadline, id", count_limit=COUNT_LIMIT
    )


def read_board(action, domain):
    action.model.web_read_group(
        domain,
        ["stage_id"],
        auto_unfold=True,
        unfold_read_specification=action.specification("kanban"),
        unfold_read_default_limit=40,
    )


def read_form(action):
    stage = action.model.search([("state", "=", "open"), ("name", "=", "Этап 4")], limit=1)
    stage.with_context(bin_size=True).web_read(action.specification("form"))


if __name__ == "__main__":
    main()
