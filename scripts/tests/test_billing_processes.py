"""Billing and mailing by real processes, with commits, PDFs and an SMTP server."""

import email
import email.policy
import io
import socket
from concurrent.futures import ThreadPoolExecutor

import dbtools
import pytest
from aiosmtpd.controller import Controller
from pypdf import PdfReader

CONTRACTS = 40

SETUP = """
from datetime import date
env = env(context={"tracking_disable": True})
company = env.company
company.write({"crm_billing_chunk_size": 7, "email": "office@example.com"})
company.partner_id.country_id = env.ref("base.ru")
product = env["product.product"].create(
    {"name": "Обслуживание", "type": "service", "list_price": 1000, "taxes_id": [(5,)]}
)
clients = env["res.partner"].create(
    [
        {"name": f"Клиент {number}", "email": f"client{number}@example.com", "lang": "ru_RU"}
        for number in range(%(count)s)
    ]
)
contracts = env["crm.contract"].create(
    [
        {
            "partner_id": client.id,
            "kind": "subscription",
            "payment_day": 10,
            "date_start": date(2026, 2, 1),
            "user_id": env.ref("base.user_admin").id,
            "line_ids": [(0, 0, {"product_id": product.id})],
        }
        for client in clients
    ]
)
contracts.action_activate()
run = env["crm.billing.run"].create({"date": date(2026, 3, 1)})
run.action_prepare()
env.cr.commit()
print(run.id)
"""

# As two users at once: start, then bill; a refusal of the start is an answer too.
START_AND_BILL = """
from odoo.exceptions import UserError
from odoo.service.model import retrying
run = env["crm.billing.run"].browse(%(run)s)
try:
    retrying(run.action_start, env)
except UserError as error:
    env.cr.rollback()
env.cr.commit()
env["crm.billing.run"]._cron_bill()
env.cr.commit()
"""

BILL = """
env["crm.billing.run"]._cron_bill()
env.cr.commit()
"""


@pytest.fixture
def billing_run(fresh_db, odoo_shell):
    return int(odoo_shell(fresh_db, SETUP % {"count": CONTRACTS}).split()[-1])


def assert_billed_once(database, run_id):
    """Two periods a contract, each with exactly one posted invoice of its sum."""
    counts = dbtools.sql(
        "SELECT count(*), count(DISTINCT period_id), sum(amount_total)::int, count(DISTINCT name) FROM account_move"
        " WHERE period_id IS NOT NULL AND state = 'posted'",
        database,
    )
    number = str(2 * CONTRACTS)
    assert counts == [[number, number, str(2000 * CONTRACTS), number]]
    states = dbtools.sql("SELECT DISTINCT state FROM crm_contract_period", database)
    assert states == [["billed"]]
    assert dbtools.sql(f"SELECT state FROM crm_billing_run WHERE id = {run_id:d}", database) == [["done"]]  # noqa: S608


def test_started_twice(fresh_db, odoo_shell, billing_run):
    for _time in range(2):
        odoo_shell(fresh_db, START_AND_BILL % {"run": billing_run})
    assert_billed_once(fresh_db, billing_run)


def test_started_twice_at_once(fresh_db, odoo_shell, billing_run):
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda code: odoo_shell(fresh_db, code), [START_AND_BILL % {"run": billing_run}] * 2))
    odoo_shell(fresh_db, BILL)
    assert_billed_once(fresh_db, billing_run)


def test_killed_and_finished(fresh_db, odoo_shell, billing_run):
    """A killed run leaves nothing half done, and the next one bills the rest."""
    odoo_shell(fresh_db, f"env['crm.billing.run'].browse({billing_run}).action_start(); env.cr.commit()")
    # Killed within the third chunk: the invoices are made, but the transaction never ends.
    killed = dbtools.start_shell(
        fresh_db,
        """
import os, signal
Period = env.registry["crm.contract.period"]
bill, chunks = Period._bill, []
def bill_and_die(self, invoice_date):
    moves = bill(self, invoice_date)
    self.env.flush_all()
    chunks.append(self)
    if len(chunks) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return moves
Period._bill = bill_and_die
env["crm.billing.run"]._cron_bill()
""",
    )
    killed.communicate(timeout=300)
    assert killed.returncode == -9
    assert dbtools.sql("SELECT count(*) FROM account_move WHERE period_id IS NOT NULL", fresh_db) == [["14"]]
    odoo_shell(fresh_db, BILL)
    assert_billed_once(fresh_db, billing_run)


class Catcher:
    """An SMTP server that keeps what it receives."""

    def __init__(self):
        self.messages = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - the name is aiosmtpd's
        self.messages.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"


@pytest.fixture
def catcher():
    handler = Catcher()
    with socket.create_server(("127.0.0.1", 0)) as free:
        handler.port = free.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=handler.port)
    controller.start()
    yield handler
    controller.stop()


def test_mailed_with_the_pdf_of_the_invoice(fresh_db, odoo_shell, catcher):
    """From the run to the client's mailbox: one message an invoice, with its PDF in Russian."""
    run_id = int(odoo_shell(fresh_db, SETUP % {"count": 2}).split()[-1])
    numbers = odoo_shell(
        fresh_db,
        f"""
import odoo
odoo.tools.config["smtp_server"], odoo.tools.config["smtp_port"] = "127.0.0.1", {catcher.port}
run = env["crm.billing.run"].browse({run_id})
run.action_start()
env["crm.billing.run"]._cron_bill()
run.action_send()
env.cr.commit()
env["crm.invoice.mailing"]._cron_mail()
env.cr.commit()
for move in run.period_ids.move_id:
    print("NUMBER", move.name, move.partner_id.email, move.is_move_sent)
""",
    )
    expected = [line.split()[1:] for line in numbers.splitlines() if line.startswith("NUMBER")]
    assert len(expected) == 4
    assert {sent for _name, _address, sent in expected} == {"True"}
    received = {}
    for message in catcher.messages:
        [pdf] = [part for part in message.iter_attachments() if part.get_content_type() == "application/pdf"]
        text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf.get_content())).pages)
        [name] = [name for name, _address, _sent in expected if name in text]
        assert "Обслуживание" in text
        received[name] = email.utils.parseaddr(message["To"])[1]
    assert received == {name: address for name, address, _sent in expected}
    assert len(catcher.messages) == 4
