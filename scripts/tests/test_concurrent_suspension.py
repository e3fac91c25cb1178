"""A contract is suspended while a billing run is being prepared: the suspended days are never billed."""

import pytest

SETUP = """
from datetime import date
from odoo.exceptions import UserError
from odoo.service.model import retrying

client = env["res.partner"].create({"name": "Client"})
product = env["product.product"].create({"name": "Service", "type": "service", "list_price": 1000, "taxes_id": False})
contract = env["crm.contract"].create({
    "partner_id": client.id, "kind": "subscription", "payment_day": 10, "user_id": env.ref("base.user_admin").id,
    "date_start": "2026-02-01", "line_ids": [(0, 0, {"product_id": product.id})],
})
contract.action_activate()
run = env["crm.billing.run"].create({"date": "2026-02-01"})
env.cr.commit()


def prepare(env):
    run.with_env(env).action_prepare()


def suspend(env):
    contract.with_env(env).action_suspend(date(2026, 2, 11), "x")


def late(action):
    # The other's transaction: it began before the first one was committed, so it can't see what that did.
    other = env(cr=env.registry.cursor())
    assert contract.with_env(other).state == "active" and not contract.with_env(other).period_ids
    yield
    retrying(lambda: action(other), other)
    other.cr.close()


def race(first, second):
    steps = late(second)
    next(steps)
    first(env)
    env.cr.commit()
    next(steps, None)
    env.cr.rollback()
    env.invalidate_all()
    contract._ensure_periods(date(2026, 2, 1))
    print(contract.state, *(f"{row.date_start}/{row.date_end}" for row in contract.period_ids))
"""


@pytest.mark.parametrize("order", ["race(prepare, suspend)", "race(suspend, prepare)"])
def test_suspended_days_are_not_prepared(fresh_db, odoo_shell, order):
    result = odoo_shell(fresh_db, f"{SETUP}\n\n{order}\n").split()
    assert result == ["suspended", "2026-02-01/2026-02-10"]
