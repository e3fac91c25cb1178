"""Two users complete the same stage at the same moment: one does, the other is told so, one next stage is opened."""

import pytest

SETUP = """
from odoo.exceptions import UserError
from odoo.service.model import retrying

admin = env.ref("base.user_admin")
client = env["res.partner"].create({"name": "Client"})
product = env["product.product"].create({"name": "Service", "type": "service"})
process = env["crm.process"].create({
    "name": "Connection", "user_id": admin.id,
    "stage_ids": [
        (0, 0, {"name": "Survey", "sequence": 1, "item_ids": [(0, 0, {"name": "Photos"})]}),
        (0, 0, {"name": "Installation", "sequence": 2}),
    ],
})
contract = env["crm.contract"].create({
    "partner_id": client.id, "kind": "subscription", "payment_day": 10, "user_id": admin.id, "process_id": process.id,
    "line_ids": [(0, 0, {"product_id": product.id})],
})
contract.action_activate()
stage = contract.current_stage_id
if ticked:
    stage.item_ids.action_toggle()
env.cr.commit()


def complete(env):
    stage.with_env(env).action_complete()


def skip(env):
    stage.with_env(env)._skip("Not needed")


def untick(env):
    stage.with_env(env).item_ids.action_toggle()


def take_over(env):
    stage.with_env(env).action_take_over_items()


def in_time(action, other):
    # As the server does it: tried again when the database says that somebody was faster.
    try:
        retrying(lambda: action(other), other)
        print("done")
    except UserError:
        other.cr.rollback()
        print("refused")


def another():
    # The other's transaction: it has begun already, so it can't see what the first one does.
    other = env(cr=env.registry.cursor(), user=admin)
    assert stage.with_env(other).state == "open"
    return other


def at_once(first, second):
    # The second one comes before the first is saved.
    other = another()
    first(env)
    env.flush_all()
    in_time(second, other)
    env.cr.commit()
    other.cr.close()
    report()


def after(first, second):
    # The second one comes when the first is saved, but looked before.
    other = another()
    first(env)
    env.cr.commit()
    in_time(second, other)
    other.cr.close()
    report()


def report():
    env.cr.rollback()
    env.invalidate_all()
    print(*contract.stage_ids.sorted("id").mapped("state"))
"""


@pytest.mark.parametrize("order", ["at_once", "after"])
@pytest.mark.parametrize("second", ["complete", "skip"])
def test_a_stage_is_closed_once(fresh_db, odoo_shell, order, second):
    code = f"ticked = True\n{SETUP}\n\n{order}(complete, {second})\n"
    assert odoo_shell(fresh_db, code).split() == ["refused", "done", "open"]


@pytest.mark.parametrize("order", ["after"])
def test_a_mandatory_item_is_not_unticked_while_the_stage_is_completed(fresh_db, odoo_shell, order):
    code = f"ticked = True\n{SETUP}\n\n{order}(complete, untick)\nprint(stage.item_ids.is_done)\n"
    assert odoo_shell(fresh_db, code).split() == ["refused", "done", "open", "True"]


def test_a_stage_is_not_completed_while_its_mandatory_item_is_unticked(fresh_db, odoo_shell):
    code = f"ticked = True\n{SETUP}\n\nafter(untick, complete)\n"
    assert odoo_shell(fresh_db, code).split() == ["refused", "open"]


@pytest.mark.parametrize("order", ["at_once", "after"])
def test_a_new_item_is_taken_over_once(fresh_db, odoo_shell, order):
    code = f"ticked = True\n{SETUP}\n"
    code += "process.stage_ids[0].item_ids = [(0, 0, {'name': 'Video'})]\nenv.cr.commit()\n"
    code += f"{order}(take_over, take_over)\nprint(*stage.item_ids.mapped('name'))\n"
    outcome = odoo_shell(fresh_db, code).split()
    assert outcome[1:] == ["open", "Photos", "Video"]
