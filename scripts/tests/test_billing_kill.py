"""Workers of a billing run killed at random points: what was committed stays, the rest leaves no trace.

A short form by default; CUSTOM_CRM_FULL=1 runs the full one, CUSTOM_CRM_SEED=n repeats a failure.
"""

import itertools
import os
import random
import signal
import time

import billing
import dbtools

FULL = bool(os.environ.get("CUSTOM_CRM_FULL"))
CONTRACTS, KILLS = (500, 30) if FULL else (120, 6)

# The worker tells what it is about to do, so that it can be killed within.
TELLING_WORKER = (
    """
import functools
from odoo.sql_db import Cursor


def tell(cls, name):
    method = getattr(cls, name)

    @functools.wraps(method)
    def told(self, *args, **kwargs):
        print(name, flush=True)
        return method(self, *args, **kwargs)

    setattr(cls, name, told)


tell(env.registry["crm.billing.run"], "_cron_bill")
tell(env.registry["crm.billing.run"], "_send_or_tell")
tell(env.registry["crm.contract.period"], "_claim")
tell(env.registry["crm.contract.period"], "_bill_halves")
tell(env.registry["account.move"], "create")
tell(env.registry["account.move"], "_post")
tell(Cursor, "commit")
"""
    + billing.BILL
)

# Where to kill: at which call at most, and how long after it at most, in seconds. All by turns.
POINTS = {
    "_cron_bill": (1, 3),
    "_claim": (3, 0.1),
    "create": (3, 0.2),
    "_post": (3, 0.2),
    "commit": (10, 0.01),
    "_bill_halves": (3, 0.5),
}


def kill_at(database, point, count, delay):
    """Kill a worker ``delay`` seconds after it comes to the point for the ``count``-th time.

    :return: False if it came to its end before
    """
    worker = dbtools.start_shell(database, TELLING_WORKER)
    for line in worker.stdout:
        count -= line.strip() == point
        if not count:
            break
    time.sleep(delay)
    worker.kill()
    worker.communicate(timeout=60)
    return worker.returncode == -signal.SIGKILL


def count_billed(database):
    [[billed]] = dbtools.sql("SELECT count(*) FROM crm_contract_period WHERE state = 'billed'", database)
    return int(billed)


def test_killed_again_and_again(fresh_db, odoo_shell):
    """Some contracts can't be billed, so workers die while they look for the bad one of a chunk, too."""
    seed = int(os.environ.get("CUSTOM_CRM_SEED") or random.randrange(10**6))
    print(f"CUSTOM_CRM_SEED={seed}")
    rng = random.Random(seed)
    bad = range(8, CONTRACTS, 25)
    run_id = billing.make_run(fresh_db, CONTRACTS, bad, started=True)
    points = itertools.cycle(POINTS)
    kills = 0
    while kills < KILLS:
        point = next(points)
        calls, seconds = POINTS[point]
        place = (point, rng.randint(1, calls), rng.uniform(0, seconds))
        was_killed = kill_at(fresh_db, *place)
        kills += was_killed
        print(*place, "killed" if was_killed else "not killed", count_billed(fresh_db))
        billing.assert_ledger_agrees(fresh_db)
        billing.assert_invoices_whole(fresh_db)
        assert not dbtools.sql("SELECT id FROM account_move WHERE state <> 'posted'", fresh_db)
        [[state]] = dbtools.sql("SELECT state FROM crm_billing_run", fresh_db)
        assert state == "running", "The run was too short to be killed so often."
    billing.bill(fresh_db)
    billing.assert_billed_once(fresh_db, run_id, CONTRACTS, bad)
    odoo_shell(fresh_db, billing.MEND_AND_RETRY.format(run=run_id) + billing.BILL)
    billing.assert_billed_once(fresh_db, run_id, CONTRACTS)


def test_killed_at_the_end(fresh_db, odoo_shell):
    """A run that is done has started the mailing of its invoices: a worker can't die in between."""
    billing.make_run(fresh_db, 3, started=True)
    dbtools.sql("UPDATE res_company SET crm_billing_send = true", fresh_db)
    mailing = "(SELECT res_id FROM ir_model_data WHERE name = 'ir_cron_mailing')"
    dbtools.sql(f"UPDATE ir_cron SET active = true, nextcall = '2100-01-01' WHERE id = {mailing}", fresh_db)  # noqa: S608
    assert kill_at(fresh_db, "_send_or_tell", 1, 0)
    odoo_shell(fresh_db, "env['crm.billing.run']._cron_bill(); env.cr.commit()")
    handed_over = "SELECT count(*) FROM crm_invoice_mailing_line WHERE state = 'queued'"
    assert dbtools.sql(handed_over, fresh_db) == [["6"]]
    assert dbtools.sql("SELECT state FROM crm_billing_run", fresh_db) == [["done"]]
