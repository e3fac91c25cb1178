"""Mailing by real processes: SMTP, PDFs, commits, and whatever is killed in between.

A short form by default; CUSTOM_CRM_FULL=1 runs the full one, CUSTOM_CRM_SEED=n repeats a failure.
"""

import os
import random
import signal
import time

import dbtools
import mailing
import pytest

FULL = bool(os.environ.get("CUSTOM_CRM_FULL"))
COUNT, KILLS = (300, 30) if FULL else (30, 6)
BAD = {1, 7, 8, 15, 20} if not FULL else {1, 50, 99, 100, 299}
SILENT = {0, 11, 29} if not FULL else {0, 150, 298}

WAIT = """
import time
from pathlib import Path
print("READY", flush=True)
while not Path({go!r}).exists():
    time.sleep(0.005)
"""

UNPATCHED = """#!/bin/sh
# As Debian's build: it takes one document only.
case "$*" in
*--version*) echo "wkhtmltopdf 0.12.6"; exit 0 ;;
*report.body.tmp.1.*) echo "Error: unpatched version of QT" >&2; exit 1 ;;
esac
exec {real} "$@"
"""


@pytest.fixture
def server(tmp_path):
    with mailing.mail_server(tmp_path / "mail") as server:
        yield server


def get_rng():
    seed = int(os.environ.get("CUSTOM_CRM_SEED") or random.randrange(10**6))
    print(f"CUSTOM_CRM_SEED={seed}")
    return random.Random(seed)


def run_together(database, code, number, go):
    processes = [dbtools.start_shell(database, WAIT.format(go=str(go)) + code) for _number in range(number)]
    for process in processes:
        assert process.stdout.readline() == "READY\n", process.communicate()
    go.touch()
    for process in processes:
        dbtools.finish_shell(process, 1200)


def send_uncertain_that_did_not_come(database, odoo_shell, server):
    """What a user does who has asked the clients."""
    received = set(server.get_received())
    for number, address, _state, is_uncertain, _delivery in mailing.get_rows(database):
        if is_uncertain:
            came = (number, address) in received
            action = "_finish('sent')" if came else "action_resend()"
            find = f"line = env['crm.invoice.mailing.line'].search([('move_id.name', '=', {number!r})])"
            odoo_shell(database, f"{find}\nline.{action}\nenv.cr.commit()")


def test_every_invoice_once(fresh_db, odoo_shell, server):
    """Of one page and of several pages, in one go; with bad addresses and without addresses."""
    mailing.make_mailing(fresh_db, COUNT, BAD, SILENT, lines="45 if i % 5 == 2 else 1 + i % 3")
    odoo_shell(fresh_db, server.get_code() + mailing.MAIL)
    mailing.assert_all_sent(fresh_db, server, COUNT, BAD, SILENT)


def test_mail_server_killed_and_started_again(fresh_db, odoo_shell, server):
    mailing_id = mailing.make_mailing(fresh_db, COUNT, BAD, SILENT)
    worker = dbtools.start_shell(fresh_db, server.get_code() + mailing.MAIL)
    server.wait_for(COUNT // 3)
    server.kill()
    dbtools.finish_shell(worker)
    mailing.assert_rows_true(fresh_db, server)
    assert dbtools.sql("SELECT state FROM crm_invoice_mailing", fresh_db) == [["done"]]
    assert server.count() < COUNT - len(BAD) - len(SILENT)
    server.start()
    odoo_shell(fresh_db, mailing.RESEND.format(mailing=mailing_id) + server.get_code() + mailing.MAIL)
    mailing.assert_rows_true(fresh_db, server)
    send_uncertain_that_did_not_come(fresh_db, odoo_shell, server)
    odoo_shell(fresh_db, server.get_code() + mailing.MAIL)
    mailing.assert_all_sent(fresh_db, server, COUNT, BAD, SILENT)


def test_mail_server_that_restarts(fresh_db, odoo_shell, server):
    """In a few seconds: nothing but what was under way is to be sent again."""
    mailing.make_mailing(fresh_db, COUNT)
    worker = dbtools.start_shell(fresh_db, server.get_code() + mailing.MAIL)
    server.wait_for(COUNT // 3)
    server.kill()
    time.sleep(1)
    server.start()
    dbtools.finish_shell(worker)
    mailing.assert_rows_true(fresh_db, server)
    failed = [row for row in mailing.get_rows(fresh_db) if row[2] != "sent"]
    assert all(is_uncertain for _number, _address, _state, is_uncertain, _delivery in failed)
    assert len(failed) <= 1


@pytest.mark.parametrize("workers", [2, 4])
def test_workers_at_once(fresh_db, server, tmp_path, workers):
    mailing.make_mailing(fresh_db, COUNT, BAD, SILENT)
    # Small chunks, so that each gets some.
    code = (
        "from odoo.addons.custom_crm.models import crm_invoice_mailing_worker\ncrm_invoice_mailing_worker.CHUNK = 4\n"
    )
    run_together(fresh_db, code + server.get_code() + mailing.MAIL_DIRECTLY, workers, tmp_path / "go")
    mailing.assert_all_sent(fresh_db, server, COUNT, BAD, SILENT)


def test_two_scheduled_actions_at_once(fresh_db, server, tmp_path):
    mailing.make_mailing(fresh_db, COUNT, BAD, SILENT)
    dbtools.shell(fresh_db, mailing.WAKE)
    run_together(fresh_db, server.get_code() + mailing.WORK, 2, tmp_path / "go")
    mailing.assert_all_sent(fresh_db, server, COUNT, BAD, SILENT)


def test_unpatched_wkhtmltopdf(fresh_db, server, tmp_path):
    """Debian's build makes one document a process."""
    real = next(path for path in os.environ["PATH"].split(":") if os.access(f"{path}/wkhtmltopdf", os.X_OK))
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "wkhtmltopdf"
    script.write_text(UNPATCHED.format(real=f"{real}/wkhtmltopdf"))
    script.chmod(0o755)
    mailing.make_mailing(fresh_db, 8, {3}, {5}, lines="45 if i == 2 else 1")
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    dbtools.finish_shell(dbtools.start_shell(fresh_db, server.get_code() + mailing.MAIL, env=environment))
    mailing.assert_all_sent(fresh_db, server, 8, {3}, {5})


# The worker tells what it is about to do, so that it can be killed within.
TELLING = """
import functools
from odoo.sql_db import Cursor
from odoo.addons.base.models.ir_cron import IrCron
from odoo.addons.custom_crm.models import crm_invoice_mailing_worker
import smtplib
crm_invoice_mailing_worker.CHUNK = 7


def tell(cls, name):
    method = getattr(cls, name)

    @functools.wraps(method)
    def told(self, *args, **kwargs):
        print(name, flush=True)
        return method(self, *args, **kwargs)

    setattr(cls, name, told)


for name in ("_claim", "_make", "_claim_sending", "_commit_result", "_drop_sent_mails"):
    tell(env.registry["crm.invoice.mailing.line"], name)
tell(env.registry["crm.invoice.mailing"], "_recover")
tell(smtplib.SMTP, "data")
tell(smtplib.SMTP, "sendmail")
tell(Cursor, "commit")
"""

# Where to kill: at which call at most, and how long after it at most, in seconds. All by turns.
POINTS = {
    "_claim": (2, 0.05),
    "_make": (1, 0.5),
    "_claim_sending": (4, 0.01),
    "sendmail": (4, 0.005),
    "data": (4, 0.005),
    "_commit_result": (4, 0.005),
    "_drop_sent_mails": (1, 0.02),
    "commit": (15, 0.005),
    "_recover": (1, 0.02),
}


def kill_at(database, server, point, count, delay):
    """Kill a worker ``delay`` seconds after it comes to the point for the ``count``-th time.

    :return: False if it came to its end before
    """
    worker = dbtools.start_shell(database, TELLING + server.get_code() + mailing.MAIL)
    for line in worker.stdout:
        count -= line.strip() == point
        if not count:
            break
    time.sleep(delay)
    worker.kill()
    worker.communicate(timeout=60)
    return worker.returncode == -signal.SIGKILL


def test_killed_at_random_points(fresh_db, odoo_shell, server):
    """Whatever is killed whenever: no client gets anything twice, and what is said of each message is true."""
    rng = get_rng()
    mailing_id = mailing.make_mailing(fresh_db, COUNT, BAD, SILENT)
    points = list(POINTS)
    rng.shuffle(points)
    kills = 0
    for number in range(KILLS):
        point = points[number % len(points)]
        calls, seconds = POINTS[point]
        place = point, rng.randint(1, calls), rng.uniform(0, seconds)
        was_killed = kill_at(fresh_db, server, *place)
        kills += was_killed
        print(*place, "killed" if was_killed else "not killed", server.count())
        mailing.assert_never_twice(server)
    odoo_shell(fresh_db, server.get_code() + mailing.MAIL)
    mailing.assert_rows_true(fresh_db, server)
    uncertain = [row for row in mailing.get_rows(fresh_db) if row[3]]
    assert len(uncertain) <= kills
    odoo_shell(fresh_db, mailing.RESEND.format(mailing=mailing_id) + server.get_code() + mailing.MAIL)
    mailing.assert_rows_true(fresh_db, server)
    send_uncertain_that_did_not_come(fresh_db, odoo_shell, server)
    odoo_shell(fresh_db, server.get_code() + mailing.MAIL)
    mailing.assert_all_sent(fresh_db, server, COUNT, BAD, SILENT)


def test_one_killed_while_another_goes_on(fresh_db, odoo_shell, server):
    """The living one takes up the rows of the dead one, but never those of a living one."""
    mailing.make_mailing(fresh_db, COUNT)
    small = (
        "from odoo.addons.custom_crm.models import crm_invoice_mailing_worker\ncrm_invoice_mailing_worker.CHUNK = 4\n"
    )
    code = "import time\n" + small + server.get_code() + mailing.MAIL_DIRECTLY
    first, second = (dbtools.start_shell(fresh_db, code) for _number in range(2))
    server.wait_for(COUNT // 3)
    first.kill()
    first.communicate()
    dbtools.finish_shell(second)
    mailing.assert_rows_true(fresh_db, server)
    assert sum(row[3] for row in mailing.get_rows(fresh_db)) <= 1
    assert dbtools.sql("SELECT state FROM crm_invoice_mailing", fresh_db) == [["done"]]
