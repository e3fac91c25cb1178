"""Somebody becomes responsible for a contract while another user archives them: the contract is never left alone."""

import pytest

SETUP = """
import threading
import time

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.service.model import retrying
from odoo.tests import new_test_user

env = env(context={"no_reset_password": True})
group = env.ref("custom_crm.group_executor")
leaver = new_test_user(env, login="leaver", groups="custom_crm.group_executor")
substitute = new_test_user(env, login="substitute", groups="custom_crm.group_executor")
env.company.crm_default_user_id = substitute
client = env["res.partner"].create({"name": "Client"})
contract = env["crm.contract"].create({
    "partner_id": client.id, "payment_day": 10, "user_id": env.ref("base.user_admin").id,
})
env.cr.commit()


def make(env):
    contract.with_env(env).copy({"user_id": leaver.id})


def assign(env):
    contract.with_env(env).user_id = leaver.with_env(env)


def archive(env):
    leaver.with_env(env).action_archive()


def exclude(env):
    group.with_env(env).user_ids = [Command.unlink(leaver.id)]


def begin():
    # A transaction that can't see what is committed from now on.
    other = env(cr=env.registry.cursor())
    assert leaver.with_env(other).active and contract.with_env(other).user_id != leaver
    return other


def finish(action, other):
    try:
        retrying(lambda: action(other), other)
    except UserError:
        other.cr.rollback()
        print("refused")
    other.cr.close()


def is_waiting():
    env.cr.execute("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
    return bool(env.cr.fetchall())


def show():
    env.invalidate_all()
    contracts = env["crm.contract"].search([])
    assert len(contracts.filtered("has_responsible")) == len(contracts)
    print(*sorted(set(contracts.user_id.mapped("login"))))


def after(first, second):
    # The second one began before the first one was committed, and goes on after it.
    other = begin()
    first(env)
    env.cr.commit()
    finish(second, other)
    env.cr.rollback()
    show()


def during(first, second):
    # The second one runs while the first one is not committed yet.
    other = begin()
    first(env)
    env.flush_all()
    thread = threading.Thread(target=finish, args=(second, other))
    thread.start()
    for _step in range(100):
        if is_waiting() or not thread.is_alive():
            break
        time.sleep(0.1)
    env.cr.commit()
    thread.join()
    show()
"""

orders = pytest.mark.parametrize("order", ["after", "during"])
# Each way of both sides once: the rows that they write differ.
pairs = pytest.mark.parametrize(("assignment", "departure"), [("make", "archive"), ("assign", "exclude")])


@pytest.fixture
def race(fresh_db, odoo_shell):
    return lambda line: odoo_shell(fresh_db, f"{SETUP}\n\n{line}\n").split()


@orders
@pairs
def test_departure_sees_what_was_assigned_meanwhile(race, assignment, departure, order):
    """What the leaver got goes to the substitute at once, though the departure began before."""
    result = race(f"{order}({assignment}, {departure})")
    assert "substitute" in result
    assert "leaver" not in result


@orders
@pairs
def test_nothing_is_assigned_to_who_left_meanwhile(race, assignment, departure, order):
    assert race(f"{order}({departure}, {assignment})") == ["refused", "admin"]


def test_two_assign_to_the_same_at_once(race):
    """Neither waits for the other, neither is refused."""
    lines = ["other = begin()", "make(env)", "env.flush_all()", "make(other)", "other.cr.commit()", "other.cr.close()"]
    assert race("\n".join([*lines, "env.cr.commit()", "show()"])) == ["admin", "leaver"]
