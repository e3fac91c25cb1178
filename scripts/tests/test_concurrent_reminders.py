"""Reminders by two scheduled actions at once and by one that is killed: each invoice is reminded of once a level."""

import signal
import time

import dbtools
import pytest

SETUP = """
from datetime import date, timedelta
from odoo.fields import Command

company = env.company
if not company.chart_template:
    env["account.chart.template"].try_loading("generic_coa", company=company, install_demo=False)
company.crm_reminders = True
env.ref("custom_crm.ir_cron_reminders").active = True
env.ref("mail.ir_cron_mail_scheduler_action").active = False
due = company._crm_today() - timedelta(days=5)
clients = env["res.partner"].create([
    {"name": f"Client {number}", "email": f"client{number}@client.example"} for number in range(CLIENTS)
])
moves = env["account.move"].create([
    {
        "move_type": "out_invoice", "partner_id": client.id, "invoice_date": due, "invoice_date_due": due,
        "invoice_line_ids": [Command.create({"name": "Service", "price_unit": 100, "tax_ids": False})],
    }
    for client in clients for _number in range(2)
])
moves.action_post()
env.cr.commit()
"""

REMIND = """
import sys, time
from unittest.mock import patch
from odoo.addons.custom_crm.models import crm_reminder

crm_reminder.CHUNK_SIZE = 3
send = type(env["crm.reminder"])._send


def slow(self, *arguments):
    send(self, *arguments)
    self.env.flush_all()
    print("chunk", flush=True)
    time.sleep(PAUSE)


with patch.object(type(env["crm.reminder"]), "_send", slow):
    env["crm.reminder"]._cron_remind()
"""

REPORT = """
rows = env["crm.reminder"].search([])
mails = env["mail.mail"].search([("model", "=", "res.partner"), ("recipient_ids.email", "like", "@client.example")])
print(len(rows), len(rows.move_id), len(mails), len(mails.recipient_ids), set(rows.mapped("state")))
"""

CLIENTS = 12


@pytest.fixture
def database(fresh_db, odoo_shell):
    odoo_shell(fresh_db, f"CLIENTS = {CLIENTS}\n{SETUP}")
    return fresh_db


def check_each_once(database, odoo_shell):
    expected = f"{2 * CLIENTS} {2 * CLIENTS} {CLIENTS} {CLIENTS} {{'sent'}}"
    assert odoo_shell(database, REPORT).strip() == expected


def test_two_at_once(database, odoo_shell):
    """What the one has taken, the other leaves; nothing is left out in the end."""
    shells = [dbtools.start_shell(database, f"PAUSE = 0.2\n{REMIND}") for _number in range(2)]
    for shell in shells:
        dbtools.finish_shell(shell)
    # What both met at is left to the next time.
    odoo_shell(database, f"PAUSE = 0\n{REMIND}")
    check_each_once(database, odoo_shell)


@pytest.mark.parametrize("chunks", [1, 2, 4])
def test_killed(database, odoo_shell, chunks):
    """Killed before a chunk is saved: its rows and its letters are both gone, and made the next time."""
    shell = dbtools.start_shell(database, f"PAUSE = 0.5\n{REMIND}")
    seen = 0
    while seen < chunks:
        line = shell.stdout.readline()
        assert line, "the process has ended"
        seen += line.strip() == "chunk"
    shell.send_signal(signal.SIGKILL)
    shell.wait()
    time.sleep(0.5)
    rows, _moves, mails, *_rest = odoo_shell(database, REPORT).split()
    assert int(rows) == 2 * int(mails) == 2 * 3 * (chunks - 1)
    odoo_shell(database, f"PAUSE = 0\n{REMIND}")
    odoo_shell(database, f"PAUSE = 0\n{REMIND}")
    check_each_once(database, odoo_shell)
