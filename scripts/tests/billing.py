"""What tests that bill by real processes share: contracts with known sums, workers, and what must hold at the end."""

from decimal import ROUND_HALF_UP, Decimal

import dbtools

# Begun on 10 February and billed on 1 March: 19 of the 28 days of February, and all of March.
SETUP = """
from datetime import date
env = env(context={"tracking_disable": True, "mail_create_nosubscribe": True})
company = env.company
company.write({"crm_billing_chunk_size": CHUNK, "crm_billing_post": POST, "income_account_id": False})
(company.partner_id | env.ref("base.user_admin").partner_id).lang = "en_US"
billing = env.ref("custom_crm.ir_cron_billing")
env["ir.cron"].search([("id", "!=", billing.id)]).active = False
# Only the good services know their account.
account = env["account.account"].search([("account_type", "=", "income")], limit=1)
env["account.journal"].search([("type", "=", "sale")]).default_account_id = False
env["product.category"].search([]).property_account_income_categ_id = False
tax = env["account.tax"].create({"name": "VAT 20", "amount": 20, "type_tax_use": "sale", "price_include_override":
    "tax_excluded"})
good, extra, lost = env["product.product"].create([
    {"name": name, "type": "service", "taxes_id": [(6, 0, tax.ids)], "property_account_income_id": income}
    for name, income in [("Service", account.id), ("Extra", account.id), ("Without an account", False)]
])
clients = env["res.partner"].create([{"name": f"Client {i}", "email": f"c{i}@example.com"} for i in range(COUNT)])


def lines(i):
    main = {"product_id": good.id, "price_unit": 1000 + i, "tax_ids": [(6, 0, tax.ids)]}
    more = {"product_id": extra.id, "quantity": 3, "price_unit": 33.33, "discount": 10, "tax_ids": [(5,)]}
    if i in BAD:
        # By turns two things that a user may really do wrong.
        main |= {"product_id": lost.id} if i % 2 else {"date_to": date(2026, 1, 31)}
        more |= {} if i % 2 else {"date_to": date(2026, 1, 31)}
    return [(0, 0, main), (0, 0, more)]


contracts = env["crm.contract"].create([
    {
        "name": f"N{i}",
        "partner_id": client.id,
        "kind": "subscription",
        "payment_day": 10,
        "date_start": date(2026, 2, 10),
        "user_id": env.ref("base.user_admin").id,
        "line_ids": lines(i),
    }
    for i, client in enumerate(clients)
])
contracts.action_activate()
run = env["crm.billing.run"].create({"date": date(2026, 3, 1)})
run.action_prepare()
if STARTED:
    run.action_start()
env.cr.commit()
print(run.id)
"""

# As the server does it: by the scheduled action at its time, again and again while it says that something is left.
BILL = """
from odoo.addons.base.models.ir_cron import IrCron
env.ref("custom_crm.ir_cron_billing").nextcall = env.cr.now()
env.cr.commit()
while IrCron._get_all_ready_jobs(env.cr):
    env.cr.rollback()
    IrCron._process_jobs(env.cr.dbname)
"""

MEND_AND_RETRY = """
account = env["account.account"].search([("account_type", "=", "income")], limit=1)
env["product.product"].search([("name", "=", "Without an account")]).property_account_income_id = account
env["crm.contract.line"].search([("date_to", "!=", False)]).date_to = False
env["crm.billing.run"].browse({run}).action_retry_failed()
env.cr.commit()
"""


def make_run(database, count, bad=(), *, chunk=7, post=True, started=False):
    """A run of two periods a contract; ``bad``: numbers of contracts that can't be billed.

    :return: its id
    """
    head = f"COUNT, BAD, CHUNK, POST, STARTED = {count}, {set(bad)!r}, {chunk}, {post}, {started}\n"
    return int(dbtools.shell(database, head + SETUP).split()[-1])


def start(database, run_id):
    dbtools.shell(database, f"env['crm.billing.run'].browse({run_id}).action_start(); env.cr.commit()")


def bill(database):
    """Let the scheduled action work to its end."""
    dbtools.shell(database, BILL)


def to_kopeck(amount):
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def get_sums(number):
    """What contract ``number`` costs in February and in March: one service with 20 % on it, one without and cheaper."""
    sums = []
    for days in (19, 28):
        # The part after the first nine days is the whole less those.
        main, more = (
            price - to_kopeck(price * (28 - days) / 28) for price in (Decimal(1000 + number), Decimal("89.99"))
        )
        sums.append(main + to_kopeck(main * 20 / 100) + more)
    return sums


def assert_ledger_agrees(database):
    """Whatever happened: no period has two invoices, and what a row says is what its invoice says."""
    assert not dbtools.sql(
        "SELECT period_id FROM account_move WHERE period_id IS NOT NULL AND move_type = 'out_invoice'"
        " AND state <> 'cancel' GROUP BY period_id HAVING count(*) > 1",
        database,
    )
    assert not dbtools.sql(
        "SELECT row.id, row.state, move.id FROM crm_contract_period row LEFT JOIN account_move move ON"
        " move.period_id = row.id AND move.move_type = 'out_invoice' AND move.state <> 'cancel'"
        " WHERE row.move_id IS DISTINCT FROM move.id OR (row.state = 'billed') <> (move.id IS NOT NULL)"
        " OR (move.id IS NOT NULL AND row.amount_total <> move.amount_total)"
        " OR (row.state = 'failed') <> (row.error IS NOT NULL AND move.id IS NULL)",
        database,
    )
    # No day of a contract is in two rows.
    assert not dbtools.sql(
        "SELECT a.id, b.id FROM crm_contract_period a JOIN crm_contract_period b ON a.contract_id = b.contract_id"
        " AND a.id < b.id AND daterange(a.date_start, a.date_end, '[]') && daterange(b.date_start, b.date_end, '[]')"
        " WHERE a.state <> 'skipped' AND b.state <> 'skipped'",
        database,
    )


def assert_invoices_whole(database):
    """Each invoice has all of its items, which balance, its line in the chatter, its follower; numbers have no gap."""
    assert not dbtools.sql(
        "SELECT move.id FROM account_move move LEFT JOIN account_move_line item ON item.move_id = move.id"
        " WHERE move.period_id IS NOT NULL GROUP BY move.id HAVING sum(item.balance) IS DISTINCT FROM 0"
        " OR count(*) FILTER (WHERE item.display_type = 'payment_term') <> 1"
        " OR count(*) FILTER (WHERE item.display_type = 'product') <> 2"
        " OR count(*) FILTER (WHERE item.display_type = 'tax') <> 1"
        " OR sum(item.balance) FILTER (WHERE item.display_type = 'payment_term') <> move.amount_total",
        database,
    )
    assert not dbtools.sql(
        "SELECT id FROM account_move move WHERE period_id IS NOT NULL AND ("
        "(SELECT count(*) FROM mail_message WHERE model = 'account.move' AND res_id = move.id"
        " AND body LIKE '%' || move.invoice_origin || ':%') <> 1 OR"
        " (SELECT count(*) FROM mail_followers WHERE res_model = 'account.move' AND res_id = move.id) <> 1)",
        database,
    )
    [[first, last, numbers, names, count]] = dbtools.sql(
        "SELECT min(sequence_number), max(sequence_number), count(DISTINCT sequence_number), count(DISTINCT name),"
        " count(*) FROM account_move WHERE move_type = 'out_invoice' AND state = 'posted'",
        database,
    )
    assert last == numbers == names == count or count == "0"
    assert first == "1" or count == "0"


def get_invoiced(database):
    """(contract, first day, sum, due date) of each invoice that is not cancelled."""
    return dbtools.sql(
        "SELECT contract.name, row.date_start, move.amount_total, move.invoice_date_due FROM account_move move"
        " JOIN crm_contract_period row ON row.id = move.period_id"
        " JOIN crm_contract contract ON contract.id = row.contract_id"
        " WHERE move.state <> 'cancel' ORDER BY contract.id, row.date_start, move.id",
        database,
    )


def get_expected(numbers):
    """The same of all periods of the contracts, each once, as the run on 1 March bills them."""
    result = []
    for number in sorted(numbers):
        february, march = get_sums(number)
        result.append([f"N{number}", "2026-02-10", str(february), "2026-03-01"])
        result.append([f"N{number}", "2026-03-01", str(march), "2026-03-10"])
    return result


def assert_billed_once(database, run_id, count, bad=()):
    """Two posted invoices of the right sums for each contract but the bad ones; nothing else, nothing half."""
    assert_ledger_agrees(database)
    assert_invoices_whole(database)
    expected = get_expected(set(range(count)) - set(bad))
    assert get_invoiced(database) == expected
    assert dbtools.sql("SELECT state, count(*) FROM account_move GROUP BY state", database) == [
        ["posted", str(len(expected))]
    ]
    failed = dbtools.sql(
        "SELECT contract.name, row.run_id FROM crm_contract_period row"
        " JOIN crm_contract contract ON contract.id = row.contract_id"
        " WHERE row.state = 'failed' ORDER BY contract.id",
        database,
    )
    assert failed == [[f"N{number}", str(run_id)] for number in sorted(bad) for _period in range(2)]
    assert get_alarmed(database) == [[f"N{number}"] for number in sorted(bad)]
    assert dbtools.sql(f"SELECT state FROM crm_billing_run WHERE id = {run_id:d}", database) == [["done"]]  # noqa: S608


def get_alarmed(database):
    """Contracts with an activity, once for each of it."""
    return dbtools.sql(
        "SELECT contract.name FROM mail_activity JOIN crm_contract contract ON contract.id = res_id"
        " WHERE res_model = 'crm.contract' ORDER BY contract.id",
        database,
    )
