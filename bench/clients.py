"""The registry of 200,000 clients, with our indexes and with only those that Odoo makes, in one process.

Prints, as medians of several rounds with both sides taking turns, as a manager:
- the search for a frequent word (every sixth client) and for a rare one in the registry, as the web client sends it:
  the whole call, which reads what the list shows, and of it the search of 80 clients and their count
- the same words in the box of a many2one, as it is on a contract and on an invoice
- the search for a part of the ИНН and of the phone number
- SQL statements and time to open the card of a client with 5 contracts and invoices, with 50, and with 500 contracts
  and 5,000 invoices; and to read a page of the registry, each client with a contract and an invoice, and with five

It fails when a search does without our indexes, or when more records behind a card or a list take more statements.
"""

import os
from datetime import date
from functools import partial

import dbtools
from lib import call, compare, measure
from lib.clients import CLIENTS, FREQUENT_CLIENTS, FREQUENT_WORD, RARE_CLIENTS, RARE_WORD, make_clients, make_users
from lib.invoices import copy_invoice, load_accounts, make_invoice
from lib.plans import show_plan
from lib.web import COUNT_LIMIT, LIST_LIMIT, MANY2ONE_LIMIT, Action

FEW = 5
# Contracts and invoices of a client: less than a page of the card's lists, more than a page, very many.
CARDS = ((FEW, FEW), (50, 50), (500, 5000))
BOXES = {"a contract": {}, "an invoice": {"res_partner_search_mode": "customer"}}
PART_OF_VAT, PART_OF_PHONE = "7700712", "158-38"


def main():
    ours = f"bench_{os.getpid()}"
    stock = f"{ours}_stock"
    try:
        dbtools.copy(dbtools.base(), ours)
        dbtools.install(ours, ["custom_crm"])
        indexes = our_indexes(ours)
        for name in indexes:
            dbtools.sql(f'DROP INDEX "{name}"', ours)
        call(ours, "clients.fill")
        dbtools.copy(ours, stock)
        for definition in indexes.values():
            dbtools.sql(definition, ours)
        dbtools.sql("VACUUM ANALYZE res_partner", ours)
        print(call(ours, "clients.compare_searches", stock, sorted(indexes)), end="")
        print(call(ours, "clients.compare_reads"), end="")
    finally:
        dbtools.drop(ours)
        dbtools.drop(stock)


def our_indexes(database):
    """The trigram indexes of contacts that Odoo doesn't have, with their definitions."""
    query = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'res_partner' AND indexdef LIKE '%trgm%'"
    stock = dict(dbtools.sql(query, dbtools.base()))
    return {name: definition for name, definition in dbtools.sql(query, database) if name not in stock}


# What follows runs within Odoo.


def fill(env):
    make_clients(env, make_users(env))


def as_manager(env):
    user = env["res.users"].search([("login", "=", "manager0")])
    context = {"lang": "ru_RU", "tz": "Europe/Moscow", "allowed_company_ids": user.company_ids.ids}
    return env(user=user.id, context=context, su=False)


def compare_searches(env, stock, indexes):
    other = type(env.registry)(stock).cursor()
    sides = {
        side: Action(as_manager(env), "custom_crm.action_clients")
        for side, env in {"ours": env, "stock": env(cr=other)}.items()
    }
    for words, expected in ((FREQUENT_WORD, FREQUENT_CLIENTS), (RARE_WORD, RARE_CLIENTS)):
        count = sides["ours"].model.search_count(sides["ours"].search_domain("name", words))
        assert count in expected, count
        print(f"«{words}»: {count} of {CLIENTS} clients")
        compare_words(sides, words)
    model = sides["ours"].model
    for name, part in (("vat", PART_OF_VAT), ("phone_mobile_search", PART_OF_PHONE)):
        domain = sides["ours"].search_domain(name, part)
        print(f"{name} «{part}»: {model.search_count(domain)} clients")
        compare_times("search and count", sides, lambda action, domain=domain: search_and_count(action.model, domain))

    print("plans of ours")
    for words in (FREQUENT_WORD, RARE_WORD):
        domain = sides["ours"].search_domain("name", words)
        # The first of many are found sooner by the index that has the names in their order.
        used = indexes if words == RARE_WORD else ()
        show_plan(f"«{words}», 80 clients", model._search(domain, limit=LIST_LIMIT, order=model._order), used)
        show_plan(f"«{words}», count", model._search(domain, limit=COUNT_LIMIT), indexes, is_count=True)
        domain = [("display_name", "ilike", words)]
        show_plan(f"«{words}», box", model._search(domain, limit=MANY2ONE_LIMIT, order=model._order), used)
    domain = sides["ours"].search_domain("vat", PART_OF_VAT)
    show_plan(f"vat «{PART_OF_VAT}»", model._search(domain, limit=LIST_LIMIT, order=model._order), indexes)
    other.close()


def compare_words(sides, words):
    domain = sides["ours"].search_domain("name", words)
    specification = sides["ours"].specification("list")
    compare_times(
        "registry, whole call",
        sides,
        lambda action: action.model.web_search_read(
            domain, specification, limit=LIST_LIMIT, order="", count_limit=COUNT_LIMIT
        ),
    )
    compare_times("registry, search and count of it", sides, lambda action: search_and_count(action.model, domain))
    for box, context in BOXES.items():
        compare_times(
            f"many2one box on {box}",
            sides,
            lambda action, context=context: (
                action.env["res.partner"]
                .with_context(**context)
                .web_name_search(words, {"display_name": {}}, limit=MANY2ONE_LIMIT)
            ),
        )


def search_and_count(model, domain):
    """What ``web_search_read`` does besides reading what the list shows."""
    found = model.search(domain, limit=LIST_LIMIT)
    return len(found) == LIST_LIMIT and model.search_count(domain, limit=COUNT_LIMIT)


def compare_times(what, sides, search):
    calls = {side: partial(measure, action.env, partial(search, action)) for side, action in sides.items()}
    ours, stock = compare(calls).values()
    print(f"  {what}: {ours.ms:.1f} ms against {stock.ms:.1f} ms, {stock.ms / ours.ms:.1f} times faster")


def compare_reads(env):
    load_accounts(env)
    products = env["product.product"].create(
        [{"name": f"Услуга {i}", "type": "service", "list_price": 1000, "taxes_id": False} for i in range(FEW)]
    )
    clients = env["res.partner"].search([("is_client", "=", True)], limit=len(CARDS) + 2 * LIST_LIMIT)
    action = Action(as_manager(env), "custom_crm.action_clients")
    partners = action.model

    card = action.specification("form")
    cards = {}
    for client, (contracts, invoices) in zip(clients, CARDS, strict=False):
        make_contracts(client, contracts, products)
        copy_invoice(env, make_invoice(env, client), client, invoices - 1, contract_id=turns(client.contract_ids))
        opened = partners.browse(client.id).with_context(bin_size=True)
        cards[f"{contracts} contracts and {invoices} invoices"] = partial(
            measure, action.env, partial(opened.web_read, card)
        )
    few, full, many = report_statements("card", compare(cards))
    assert few == full == many, (few, full, many)

    columns = action.specification("list")

    pages = {}
    for first, each in ((len(CARDS), 1), (len(CARDS) + LIST_LIMIT, FEW)):
        page = clients[first : first + LIST_LIMIT]
        for client in page:
            make_contracts(client, each, products)
        copy_invoice(env, make_invoice(env, page[0]), page, each * len(page))
        pages[f"contracts and invoices of each {each}"] = partial(
            measure, action.env, partial(partners.browse(page.ids).web_read, columns)
        )
    one, some = report_statements(f"registry page of {LIST_LIMIT} clients", compare(pages))
    assert some == one, (one, some)


def make_contracts(client, count, products):
    contracts = client.env["crm.contract"].create(
        [
            {
                "partner_id": client.id,
                "kind": "subscription",
                "payment_day": 10,
                "date_start": date(2026, 3, 1),
                "user_id": client.env.ref("base.user_admin").id,
                "line_ids": [(0, 0, {"product_id": products[number % len(products)].id})],
            }
            for number in range(count)
        ]
    )
    contracts.action_activate()


def turns(contracts):
    """SQL that shares copies of an invoice among contracts."""
    return f"(ARRAY{contracts.ids})[1 + number %% {len(contracts)}]"


def report_statements(what, figures):
    for side, figure in figures.items():
        print(f"{what}, {side}: {figure.statements} SQL, {figure.ms:.0f} ms")
    return [figure.statements for figure in figures.values()]


if __name__ == "__main__":
    main()
