"""An invoice goes into the archive while another user resets it to draft or pays it: it never changes in there."""

import pytest

SETUP = """
from odoo.exceptions import UserError
from odoo.service.model import retrying

if not env.company.chart_template:
    env["account.chart.template"].try_loading("generic_coa", company=env.company, install_demo=False)
client = env["res.partner"].create({"name": "Client"})
invoice = env["account.move"].create({
    "move_type": "out_invoice", "partner_id": client.id, "invoice_date": "2026-01-10",
    "invoice_line_ids": [(0, 0, {"name": "Service", "price_unit": 300, "tax_ids": False})],
})
invoice.action_post()
env.cr.commit()


def archive(env):
    invoice.with_env(env).action_move_to_archive()


def reset(env):
    invoice.with_env(env).button_draft()


def pay(env):
    wizard = env["account.payment.register"].with_context(active_model="account.move", active_ids=invoice.ids)
    wizard.create({})._create_payments()


def late(action):
    # The other's transaction: it began before the first one was committed, so it can't see what that did.
    other = env(cr=env.registry.cursor())
    assert not invoice.with_env(other).is_archived and invoice.with_env(other).state == "posted"
    yield
    try:
        retrying(lambda: action(other), other)
    except UserError:
        other.cr.rollback()
        print("refused")
    other.cr.close()


def race(first, second):
    steps = late(second)
    next(steps)
    first(env)
    env.cr.commit()
    next(steps, None)
    show()


def overlap(first, second):
    # Neither waits for the other, who has not committed yet.
    other = env(cr=env.registry.cursor())
    first(other)
    other.flush_all()
    try:
        second(env)
        env.flush_all()
    except UserError:
        print("busy")
    env.cr.rollback()
    other.cr.commit()
    other.cr.close()
    show()


def show():
    env.cr.rollback()
    env.invalidate_all()
    print(invoice.is_archived, invoice.state, invoice.amount_residual)
"""


@pytest.mark.parametrize(
    ("order", "outcome"),
    [
        ("race(archive, reset)", "refused True posted 300.0"),
        ("race(reset, archive)", "refused False draft 300.0"),
        ("race(archive, pay)", "True posted 0.0"),
        ("race(pay, archive)", "True posted 0.0"),
        ("race(archive, archive)", "True posted 300.0"),
        ("overlap(reset, archive)", "busy False draft 300.0"),
    ],
)
def test_an_invoice_in_the_archive_stays_posted(fresh_db, odoo_shell, order, outcome):
    assert odoo_shell(fresh_db, f"{SETUP}\n\n{order}\n").split() == outcome.split()
