"""Several workers on one run, and users who change its invoices and contracts meanwhile.

CUSTOM_CRM_SEED=n repeats what the users did by chance.
"""

import os
import random
import re
from collections import Counter

import billing
import dbtools
import pytest

# The processes wait for each other, so that they really begin at once.
TOGETHER = """
import time
from pathlib import Path
print("READY", flush=True)
while not Path({go!r}).exists():
    time.sleep(0.005)
"""

START_AND_BILL = """
from odoo.exceptions import UserError
from odoo.service.model import retrying
run = env["crm.billing.run"].browse({run})
try:
    retrying(run.action_start, env)
except UserError:
    # Somebody else is starting it.
    env.cr.rollback()
env["crm.billing.run"]._cron_bill()
env.cr.commit()
"""


def run_together(database, codes, go):
    """Run pieces of code at once, each in its own process.

    :param go: path of a file that does not exist
    :return: what each printed
    """
    processes = [dbtools.start_shell(database, TOGETHER.format(go=str(go)) + code) for code in codes]
    for process in processes:
        assert process.stdout.readline() == "READY\n", process.communicate()
    go.touch()
    return [dbtools.finish_shell(process) for process in processes]


def get_rng():
    seed = int(os.environ.get("CUSTOM_CRM_SEED") or random.randrange(10**6))
    print(f"CUSTOM_CRM_SEED={seed}")
    return random.Random(seed)


@pytest.mark.parametrize("workers", [2, 4])
def test_bad_contract_in_every_chunk(fresh_db, odoo_shell, tmp_path, workers):
    """Workers that start and bill one run at once; of seven periods two at least can't be billed."""
    count, bad = 20, range(1, 20, 3)
    run_id = billing.make_run(fresh_db, count, bad, started=False)
    run_together(fresh_db, [START_AND_BILL.format(run=run_id)] * workers, tmp_path / "go")
    billing.bill(fresh_db)
    billing.assert_billed_once(fresh_db, run_id, count, bad)
    errors = dict(
        dbtools.sql(
            "SELECT DISTINCT contract.name, replace(error, E'\\n', ' ') FROM crm_contract_period row"
            " JOIN crm_contract contract ON contract.id = row.contract_id WHERE error IS NOT NULL",
            fresh_db,
        )
    )
    for number in bad:
        expected = "Without an income account: Without an account." if number % 2 else "No service is in force"
        assert expected in errors[f"N{number}"]
    odoo_shell(fresh_db, billing.MEND_AND_RETRY.format(run=run_id))
    run_together(fresh_db, [START_AND_BILL.format(run=run_id)] * workers, tmp_path / "again")
    billing.bill(fresh_db)
    billing.assert_billed_once(fresh_db, run_id, count)


# A user who does something by chance, again and again. Refusals in words are right answers.
USER = """
import random
from datetime import date
from odoo.exceptions import UserError
from odoo.service.model import retrying
rng = random.Random({seed})
run = env["crm.billing.run"].browse({run})
{actions}


def act():
    name = rng.choice(list(ACTIONS))
    model, domain, action = ACTIONS[name]
    records = env[model].search(domain)
    if records:
        action(records.browse(rng.choice(records.ids)))
        return name


turns = 0
while turns < 60 and run.state != "done":
    try:
        name = retrying(act, env)
        print("DID", name)
    except UserError as error:
        name = "refused"
        env.cr.rollback()
        print("REFUSED", error)
    turns += name is not None
    time.sleep(0.05)
    env.invalidate_all()
"""

INVOICE_ACTIONS = """
drafts = [("period_id", "!=", False), ("state", "=", "draft")]
posted = [("period_id", "!=", False), ("state", "=", "posted")]
ACTIONS = {
    "post": ("account.move", drafts, lambda move: move.action_post()),
    "cancel": ("account.move", drafts, lambda move: move.button_cancel()),
    "delete": ("account.move", drafts, lambda move: move.unlink()),
    "reset": ("account.move", posted, lambda move: move.button_draft()),
}
"""

CONTRACT_ACTIONS = """
active = [("state", "=", "active")]
due = [("state", "=", "due")]
ACTIONS = {
    "suspend": ("crm.contract", active, lambda contract: contract.action_suspend(date(2026, 3, 11), "Holiday")),
    "finish": ("crm.contract", active, lambda contract: contract._finish(date(2026, 3, 20), "Moved")),
    "cancel": ("crm.contract", active, lambda contract: contract.action_cancel()),
    "change": ("crm.contract", active, lambda contract: contract.write({"payment_day": rng.randint(1, 31)})),
    "price": ("crm.contract.line", [], lambda line: line.write({"price_unit": rng.randint(1, 999)})),
    "bill": ("crm.contract.period", due, lambda period: period._bill_now(date(2026, 3, 1))),
    "skip": ("crm.contract.period", due, lambda period: period._skip("Gift")),
}
"""

WORKER = "env['crm.billing.run']._cron_bill()"

NEXT_RUN = """
from datetime import date
run = env["crm.billing.run"].create({"date": date(2026, 3, 1)})
run.action_prepare()
run.action_start()
env.cr.commit()
env["crm.billing.run"]._cron_bill()
env.cr.commit()
"""


# A run that finds nothing due stays a draft.
STATES = """
SELECT DISTINCT state FROM crm_billing_run run
 WHERE EXISTS (SELECT FROM crm_contract_period row WHERE row.run_id = run.id)
"""


def get_done(outputs):
    done = Counter(re.findall(r"DID (.*)", "\n".join(outputs)))
    print(done, *re.findall(r"REFUSED .*", "\n".join(outputs)), sep="\n")
    return done


def test_users_change_invoices_meanwhile(fresh_db, odoo_shell, tmp_path):
    """Drafts of the run are posted, cancelled and deleted while it goes on; what lost its invoice is billed again."""
    run_id = billing.make_run(fresh_db, 40, chunk=5, post=False, started=True)
    user = USER.format(seed=get_rng().randrange(10**6), run=run_id, actions=INVOICE_ACTIONS)
    done = get_done(run_together(fresh_db, [billing.BILL, WORKER, user], tmp_path / "go"))
    # What they come to do depends on how fast the machine is.
    assert done
    billing.assert_ledger_agrees(fresh_db)
    odoo_shell(fresh_db, NEXT_RUN)
    billing.assert_ledger_agrees(fresh_db)
    assert billing.get_invoiced(fresh_db) == billing.get_expected(range(40))
    assert dbtools.sql(STATES, fresh_db) == [["done"]]


def test_users_change_contracts_meanwhile(fresh_db, odoo_shell, tmp_path):
    """A contract that is suspended, finished or cancelled is billed as it was, or as it is, but never both."""
    run_id = billing.make_run(fresh_db, 40, chunk=5, started=True)
    rng = get_rng()
    users = [USER.format(seed=rng.randrange(10**6), run=run_id, actions=CONTRACT_ACTIONS) for _number in range(2)]
    done = get_done(run_together(fresh_db, [billing.BILL, *users], tmp_path / "go"))
    assert done
    odoo_shell(fresh_db, NEXT_RUN)
    billing.assert_ledger_agrees(fresh_db)
    billing.assert_invoices_whole(fresh_db)
    assert dbtools.sql(STATES, fresh_db) == [["done"]]
    rows = dbtools.sql(
        "SELECT contract.state, string_agg(to_char(row.date_start, 'MM-DD') || '/' || to_char(row.date_end, 'MM-DD'),"
        " ' ' ORDER BY row.date_start) FROM crm_contract contract LEFT JOIN crm_contract_period row"
        " ON row.contract_id = contract.id AND (row.state = 'billed' OR row.skip_reason IS NOT NULL)"
        " GROUP BY contract.id",
        fresh_db,
    )
    february, march = "02-10/02-28", "03-01/03-31"
    allowed = {
        "active": {f"{february} {march}"},
        "suspended": {f"{february} {march}", f"{february} 03-01/03-10"},
        "finished": {f"{february} {march}", f"{february} 03-01/03-20"},
        # Skipped before.
        "cancelled": {"", february, march, f"{february} {march}"},
    }
    assert not [(state, days) for state, days in rows if days not in allowed[state]]
    assert not dbtools.sql(
        "SELECT move.name FROM account_move move JOIN crm_contract contract ON contract.id = move.contract_id"
        " WHERE contract.state = 'cancelled' AND move.state <> 'cancel'",
        fresh_db,
    )


# Two transactions at once. The second one began before the first one changed anything, as on a screen that was opened
# earlier; it acts while the first one is not committed yet, or just afterwards.
TWO_AT_ONCE = """
import threading
from datetime import date
from odoo.exceptions import UserError
from odoo.service.model import retrying

Run = env["crm.billing.run"]
ACTIONS = {
    "bill": lambda contract: contract.env["crm.billing.run"]._bill_chunk(),
    "bill by hand": lambda contract: contract.period_ids.sorted("date_start")[0]._bill_now(date(2026, 3, 1)),
    "cancel": lambda contract: contract.action_cancel(),
    "finish": lambda contract: contract._finish(date(2026, 2, 14), "Moved"),
    "skip": lambda contract: contract.period_ids.sorted("date_start")[0]._skip("Gift"),
    "suspend": lambda contract: contract.action_suspend(date(2026, 2, 15), "Holiday"),
}


def in_thread(contract, action, has_begun, go):
    with env.registry.cursor() as cr:
        contract = contract.with_env(env(cr=cr))
        contract.period_ids.mapped("state")
        has_begun.set()
        go.wait()
        try:
            retrying(lambda: action(contract), contract.env)
        except UserError:
            cr.rollback()


def bill(contract):
    run = Run.create({"date": date(2026, 3, 1), "contract_ids": [(6, 0, contract.ids)]})
    run.action_prepare()
    run.action_start()
    return run


def race(contract, first, second, is_late):
    run = bill(contract)
    env.cr.commit()
    has_begun, go = threading.Event(), threading.Event()
    thread = threading.Thread(target=in_thread, args=[contract, ACTIONS[second], has_begun, go])
    thread.start()
    has_begun.wait()
    ACTIONS[first](contract)
    env.flush_all()
    if not is_late:
        go.set()
        thread.join(0.3)
    env.cr.commit()
    go.set()
    thread.join(60)
    assert not thread.is_alive()
    env.invalidate_all()
    Run._cron_bill()
    # What the change left to bill.
    bill(contract)
    Run._cron_bill()
    env.invalidate_all()
    rows = contract.period_ids.sorted("date_start")
    return [contract.state, run.state, *(f"{row.date_start:%m-%d}/{row.date_end:%m-%d} {row.state}" for row in rows)]


for number, (first, second, is_late) in enumerate(CASES):
    contract = env["crm.contract"].search([("name", "=", f"N{number}")])
    print("CASE", number, *race(contract, first, second, is_late), sep="|")
"""

WHOLE = ["02-10/02-28 billed", "03-01/03-31 billed"]
CUT = ["02-10/02-14 billed"]
OUTCOMES = {
    ("bill", "suspend"): ["suspended", *WHOLE],
    ("suspend", "bill"): ["suspended", *CUT],
    ("bill", "finish"): ["finished", *WHOLE],
    ("finish", "bill"): ["finished", *CUT],
    ("bill", "cancel"): ["active", *WHOLE],
    ("cancel", "bill"): ["cancelled"],
    ("bill", "bill by hand"): ["active", *WHOLE],
    ("bill by hand", "bill"): ["active", *WHOLE],
    ("bill", "skip"): ["active", *WHOLE],
    ("skip", "bill"): ["active", "02-10/02-28 skipped", WHOLE[1]],
    ("bill", "bill"): ["active", *WHOLE],
}


def test_change_while_a_chunk_is_not_committed(fresh_db, odoo_shell):
    """Whoever comes first wins: the other sees it, however old what it has read is."""
    cases = [(*actions, is_late) for actions in OUTCOMES for is_late in (False, True)]
    billing.make_run(fresh_db, len(cases))
    output = odoo_shell(fresh_db, f"CASES = {cases!r}\n{TWO_AT_ONCE}")
    found = [line.split("|")[2:] for line in output.splitlines() if line.startswith("CASE")]
    expected = [[state, "done", *rows] for state, *rows in OUTCOMES.values() for _is_late in (False, True)]
    assert dict(zip(cases, found, strict=True)) == dict(zip(cases, expected, strict=True))
    billing.assert_ledger_agrees(fresh_db)
    billing.assert_invoices_whole(fresh_db)


TWO_FAILURES = """
from odoo.exceptions import UserError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
first, second = env["crm.contract.period"].search([("contract_id.name", "=", "N0")], order="id")
cr = env.registry.cursor()
second = second.with_env(env(cr=cr))
# Another worker that began before the first one failed.
second.state
first._record_failure(UserError("x"))
env.cr.commit()
try:
    second._record_failure(UserError("y"))
except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
    print("AGAIN")
    cr.rollback()
    second._record_failure(UserError("y"))
cr.commit()
"""


def test_two_workers_fail_with_one_contract(fresh_db, odoo_shell):
    """They tell the responsible once."""
    billing.make_run(fresh_db, 1, started=True)
    assert odoo_shell(fresh_db, TWO_FAILURES) == "AGAIN\n"
    assert dbtools.sql("SELECT state FROM crm_contract_period", fresh_db) == [["failed"]] * 2
    assert billing.get_alarmed(fresh_db) == [["N0"]]


TWO_CLOSE = """
Run = env["crm.billing.run"]
Run._bill_chunk()
env.cr.commit()


def close_by_another(self):
    Run.search([])
    with env.registry.cursor() as cr:
        Run.with_env(env(cr=cr))._close_finished()
    return 0


env.registry["crm.billing.run"]._bill_chunk = close_by_another
Run._cron_bill()
env.cr.commit()
"""


def test_two_workers_close_one_run(fresh_db, odoo_shell):
    """The slower one does not fail, and the run says once that it is done."""
    billing.make_run(fresh_db, 1, started=True)
    odoo_shell(fresh_db, TWO_CLOSE)
    assert dbtools.sql("SELECT state FROM crm_billing_run", fresh_db) == [["done"]]
    done = "SELECT count(*) FROM mail_message WHERE model = 'crm.billing.run' AND body LIKE '%2 billed%'"
    assert dbtools.sql(done, fresh_db) == [["1"]]
