"""Billing run against Odoo's own batched create and post of the same invoices, in one process.

Prints invoices per second and SQL statements per invoice of both, and their ratio: the median of several rounds, each
on new contracts, with both sides taking turns.
"""

import os
import statistics

import dbtools

ROUNDS = 5
CONTRACTS = 200

CODE = """
import time
from datetime import date

product = env["product.product"].create({"name": "Service", "type": "service", "list_price": 1000, "taxes_id": [(5,)]})
client = env["res.partner"].create({"name": "Client"})
user = env.ref("base.user_admin")
env.company.write({"crm_billing_chunk_size": 100})


def contracts():
    records = env["crm.contract"].create([{
        "partner_id": client.id, "kind": "subscription", "payment_day": 10, "date_start": date(2026, 3, 1),
        "user_id": user.id, "line_ids": [(0, 0, {"product_id": product.id})],
    } for _number in range(%(contracts)d)])
    records.action_activate()
    return records


def ours():
    contracts()
    run = env["crm.billing.run"].create({"date": date(2026, 3, 1)})
    run.action_prepare()
    run.action_start()
    env.cr.commit()
    yield
    env["crm.billing.run"]._cron_bill()
    env.cr.commit()
    assert run.billed_count == %(contracts)d, run.failed_count


def odoo():
    periods = contracts()._ensure_periods(date(2026, 3, 1))
    vals = [period._prepare_invoice_vals(date(2026, 3, 1)) for period in periods]
    # Not for the next run of ours.
    periods.is_skipped = True
    for val in vals:
        del val["period_id"]
    env.cr.commit()
    yield
    for first in range(0, len(vals), 100):
        env["account.move"].create(vals[first:first + 100]).action_post()
        env.cr.commit()


def measure(side):
    steps = side()
    next(steps)
    env.invalidate_all()
    statements, start = env.cr.sql_log_count, time.perf_counter()
    next(steps, None)
    print("RESULT", side.__name__, time.perf_counter() - start, env.cr.sql_log_count - statements)


measure(ours), measure(odoo)
print("WARM")
for _round in range(%(rounds)d):
    measure(odoo)
    measure(ours)
"""


def main():
    database = f"bench_{os.getpid()}"
    dbtools.copy(dbtools.base(), database)
    try:
        dbtools.install(database, ["custom_crm"])
        output = dbtools.shell(database, CODE % {"contracts": CONTRACTS, "rounds": ROUNDS})
    finally:
        dbtools.drop(database)
    seconds, statements = {"ours": [], "odoo": []}, {"ours": [], "odoo": []}
    for line in output.split("WARM")[1].splitlines():
        if line.startswith("RESULT"):
            _word, side, second, statement = line.split()
            seconds[side].append(float(second))
            statements[side].append(int(statement))
    for side in ("ours", "odoo"):
        rate = CONTRACTS / statistics.median(seconds[side])
        print(f"{side}: {rate:.0f} invoices/s, {statistics.median(statements[side]) / CONTRACTS:.1f} SQL an invoice")
    ratio = statistics.median(theirs / own for theirs, own in zip(seconds["odoo"], seconds["ours"], strict=True))
    print(f"ratio: {ratio:.2f} times Odoo's speed")


if __name__ == "__main__":
    main()
