"""A client is archived by one user while another puts a contract with it into force: never both."""

import pytest

SETUP = """
from odoo.exceptions import UserError, ValidationError
from odoo.service.model import retrying

client = env["res.partner"].create({"name": "Client"})
product = env["product.product"].create({"name": "Service", "type": "service"})
contract = env["crm.contract"].create({
    "partner_id": client.id, "kind": "subscription", "payment_day": 10, "user_id": env.ref("base.user_admin").id,
    "line_ids": [(0, 0, {"product_id": product.id})],
})
env.cr.commit()


def archive(env):
    client.with_env(env).action_archive()


def activate(env):
    contract.with_env(env).action_activate()


def late(action):
    # The other's transaction: it began before the first one was committed, so it can't see what that did.
    other = env(cr=env.registry.cursor())
    assert client.with_env(other).active and contract.with_env(other).state == "draft"
    yield
    try:
        retrying(lambda: action(other), other)
    except (UserError, ValidationError):
        other.cr.rollback()
        print("refused")
    other.cr.close()


def race(first, second):
    steps = late(second)
    next(steps)
    first(env)
    env.cr.commit()
    next(steps, None)
    env.cr.rollback()
    env.invalidate_all()
    print(client.active, contract.state)
"""


@pytest.mark.parametrize(
    ("order", "outcome"),
    [("race(activate, archive)", "refused True active"), ("race(archive, activate)", "refused False draft")],
)
def test_a_client_in_the_archive_has_no_contract_in_force(fresh_db, odoo_shell, order, outcome):
    assert odoo_shell(fresh_db, f"{SETUP}\n\n{order}\n").split() == outcome.split()
