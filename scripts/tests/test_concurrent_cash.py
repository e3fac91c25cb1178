"""Two cashiers pay one invoice at the same time, each in a process of their own."""

import json

import dbtools
import pytest

SETUP = """
import json
company = env.company
if not company.chart_template:
    env["account.chart.template"].try_loading("generic_coa", company=company, install_demo=False)
desk = env["account.journal"].create({"name": "Cash desk", "code": "CDX", "type": "cash"})
client = env["res.partner"].create({"name": "Client"})
line = {"name": "Service", "price_unit": 100.0, "tax_ids": False}
invoice = env["account.move"].create(
    {"move_type": "out_invoice", "partner_id": client.id, "invoice_line_ids": [(0, 0, line)]}
)
invoice.action_post()
cashiers = env["res.users"].create(
    [
        {"name": login, "login": login, "group_ids": [(6, 0, env.ref("custom_crm.group_cashier").ids)]}
        for login in ("cashier_1", "cashier_2")
    ]
)
rows = [(0, 0, {"move_id": invoice.id, "amount": 80.0})]
receipts = env["account.payment"].create(
    [
        {
            "partner_id": client.id,
            "journal_id": desk.id,
            "payment_type": "inbound",
            "partner_type": "customer",
            "amount": 80.0,
            "allocation_ids": rows,
        }
        for cashier in cashiers
    ]
)
env.cr.commit()
print(json.dumps({"invoice": invoice.id, "receipts": receipts.ids, "cashiers": cashiers.ids}))
"""

# Each process does its steps in order; a step waits for a file or makes one. Posting goes through what the server
# itself uses to repeat a request after a serialization failure.
CASHIER = """
import pathlib, time
from odoo.exceptions import UserError
from odoo.service.model import retrying

def wait(name):
    until = time.monotonic() + 60
    while not (pathlib.Path({folder!r}) / name).exists():
        assert time.monotonic() < until, name
        time.sleep(0.02)

def tell(name):
    (pathlib.Path({folder!r}) / name).touch()

receipt = env(user={cashier})["account.payment"].browse({receipt})

def post():
    receipt.action_post()

for step, name in {steps!r}:
    if step == "wait":
        wait(name)
    elif step == "tell":
        tell(name)
    elif step == "begin":
        # the snapshot of the transaction is taken by its first query
        env.cr.commit()
        env.invalidate_all()
        assert env["account.move"].browse({invoice}).amount_residual == 100.0
    elif step == "post":
        try:
            retrying(post, env)
            print("posted")
        except UserError as error:
            env.cr.rollback()
            print("refused:", error)
    elif step == "commit":
        env.cr.commit()
"""

CHECK = """
import json
invoice = env["account.move"].browse({invoice})
receipts = env["account.payment"].browse({receipts})
partials = receipts.move_id.line_ids.matched_debit_ids
print(json.dumps({{
    "residual": invoice.amount_residual,
    "states": sorted(receipts.mapped("state")),
    "partials": partials.mapped("amount"),
    "name": invoice.name,
}}))
"""

AT_ONCE = (
    [("begin", ""), ("tell", "1"), ("wait", "2"), ("post", ""), ("commit", "")],
    [("begin", ""), ("tell", "2"), ("wait", "1"), ("post", ""), ("commit", "")],
)
# The second began while the first was not posted yet, and posts when it is.
STALE = (
    [("wait", "begun"), ("post", ""), ("commit", ""), ("tell", "posted")],
    [("begin", ""), ("tell", "begun"), ("wait", "posted"), ("post", ""), ("commit", "")],
)
# The first is in the middle of it while the second posts.
IN_BETWEEN = (
    [("post", ""), ("tell", "busy"), ("wait", "refused"), ("commit", "")],
    [("wait", "busy"), ("post", ""), ("tell", "refused"), ("commit", "")],
)


@pytest.mark.parametrize("scenario", [AT_ONCE, STALE, IN_BETWEEN], ids=["at_once", "stale", "in_between"])
def test_one_invoice_two_receipts(fresh_db, odoo_shell, tmp_path, scenario):
    ids = json.loads(odoo_shell(fresh_db, SETUP))
    processes = [
        dbtools.start_shell(
            fresh_db,
            CASHIER.format(folder=str(tmp_path), cashier=cashier, receipt=receipt, steps=steps, invoice=ids["invoice"]),
        )
        for cashier, receipt, steps in zip(ids["cashiers"], ids["receipts"], scenario, strict=True)
    ]
    said = sorted(dbtools.finish_shell(process).strip() for process in processes)
    result = json.loads(odoo_shell(fresh_db, CHECK.format(**ids)))
    assert said[0] == "posted"
    assert said[1].startswith("refused:")
    assert result["name"] in said[1]
    assert result["states"] == ["draft", "paid"]
    assert result["partials"] == [80.0]
    assert result["residual"] == 20.0
