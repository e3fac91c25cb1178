"""What tests that mail by real processes share: invoices, a mail server that can be killed, and what must hold."""

import contextlib
import email
import email.policy
import io
import re
import socket
import subprocess
import sys
import time
from collections import Counter

import dbtools
from pypdf import PdfReader

# Clients by number: some without an address, some whose address the mail server refuses.
SETUP = """
from odoo.fields import Command
env = env(context={"tracking_disable": True, "mail_create_nosubscribe": True})
company = env.company
company.write({"email": "billing@company.example", "crm_mailing_per_minute": 0})
(company.partner_id | env.ref("base.user_admin").partner_id).lang = "en_US"
mailing_cron = env.ref("custom_crm.ir_cron_mailing")
env["ir.cron"].search([("id", "!=", mailing_cron.id)]).active = False
# No server is there to fetch styles from.
env["ir.config_parameter"].set_param("report.url", "http://127.0.0.1:1")
product = env["product.product"].create({"name": "Service", "type": "service", "taxes_id": [Command.clear()]})


def get_email(i):
    return False if i in SILENT else f"bad{i}@example.com" if i in BAD else f"c{i}@example.com"


clients = env["res.partner"].create(
    [{"name": f"Client {i}", "is_company": True, "email": get_email(i)} for i in range(COUNT)]
)
moves = env["account.move"].create([
    {
        "move_type": "out_invoice",
        "partner_id": client.id,
        "invoice_date": "2026-03-01",
        "invoice_line_ids": [
            Command.create({"product_id": product.id, "price_unit": 1000 + line}) for line in range(LINES(i))
        ],
    }
    for i, client in enumerate(clients)
])
moves.action_post()
mailing = env["crm.invoice.mailing"]._make_selection(moves)
env.cr.commit()
if STARTED:
    mailing.action_start()
    env.cr.commit()
print(mailing.id)
"""

USE_SERVER = """
import odoo
odoo.tools.config["smtp_server"], odoo.tools.config["smtp_port"] = "127.0.0.1", {port}
"""

# As the server does it: by the scheduled action at its time, again and again while it says that something is left.
WAKE = """
env.ref("custom_crm.ir_cron_mailing").nextcall = env.cr.now()
env.cr.commit()
"""
WORK = """
from odoo.addons.base.models.ir_cron import IrCron
while IrCron._get_all_ready_jobs(env.cr):
    env.cr.rollback()
    IrCron._process_jobs(env.cr.dbname)
"""
MAIL = WAKE + WORK

# Without the lock that keeps one scheduled action from running twice.
MAIL_DIRECTLY = """
Mailing = env["crm.invoice.mailing"]
Mailing._cron_mail()
while Mailing.search_count([("state", "=", "running")]):
    env.cr.commit()
    time.sleep(0.05)
    Mailing._cron_mail()
"""

RESEND = """
env["crm.invoice.mailing"].browse({mailing}).action_resend_failed()
env.cr.commit()
"""


def make_mailing(database, count, bad=(), silent=(), *, lines="1", started=True):
    """A mailing of as many invoices; ``lines``: how many lines an invoice has, an expression of its number ``i``.

    :return: its id
    """
    head = (
        f"COUNT, BAD, SILENT, STARTED = {count}, {set(bad)!r}, {set(silent)!r}, {started}\nLINES = lambda i: {lines}\n"
    )
    return int(dbtools.shell(database, head + SETUP).split()[-1])


class MailServer:
    """A process that keeps what it receives; it may be killed and started again on the same port."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.process = None

    def start(self):
        command = [sys.executable, str(dbtools.ROOT / "scripts" / "smtp_catcher.py"), str(self.port), str(self.folder)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "READY\n"

    def kill(self):
        self.process.kill()
        self.process.communicate()

    def count(self):
        return len(list(self.folder.glob("*.eml")))

    def wait_for(self, count, seconds=120):
        deadline = time.monotonic() + seconds
        while self.count() < count:
            assert time.monotonic() < deadline, f"{self.count()} of {count} messages came"
            time.sleep(0.005)

    def get_code(self):
        """What makes an Odoo process use this server."""
        return USE_SERVER.format(port=self.port)

    def get_received(self):
        """(number in the PDF, address) of each message."""
        return sorted(map(read, self.folder.glob("*.eml")))


@contextlib.contextmanager
def mail_server(folder):
    server = MailServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def read(path):
    recipients, _empty, content = path.read_bytes().partition(b"\n\n")
    message = email.message_from_bytes(content, policy=email.policy.default)
    [pdf] = [part for part in message.iter_attachments() if part.get_content_type() == "application/pdf"]
    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf.get_content())).pages)
    [number] = set(re.findall(r"[^\W\d_]+/2026/\d{5}", text))
    return number, recipients.decode()


def get_rows(database):
    """(number, address, state, whether it is uncertain, state on the invoice) of each row."""
    rows = dbtools.sql(
        "SELECT move.name, client.email, line.state, line.is_uncertain, move.delivery_state"
        " FROM crm_invoice_mailing_line line JOIN account_move move ON move.id = line.move_id"
        " JOIN res_partner client ON client.id = move.partner_id ORDER BY line.id",
        database,
    )
    return [(number, address, state, flag == "t", delivery) for number, address, state, flag, delivery in rows]


def assert_never_twice(server):
    doubles = [row for row, times in Counter(server.get_received()).items() if times > 1]
    assert not doubles


def assert_rows_true(database, server):
    """Every message has the PDF of its client; what is said to be sent came once, what failed for certain did not."""
    rows = get_rows(database)
    received = Counter(server.get_received())
    known = {(number, address) for number, address, *_rest in rows}
    assert not received.keys() - known
    for number, address, state, is_uncertain, delivery in rows:
        times = received[number, address]
        if is_uncertain:
            assert times <= 1
            assert (state, delivery) == ("failed", "failed")
        else:
            assert times == (state == "sent"), (number, address, state)
            assert delivery == state, (number, state, delivery)
    assert not dbtools.sql(
        "SELECT id FROM mail_mail mail WHERE state = 'outgoing' AND EXISTS"
        " (SELECT FROM crm_invoice_mailing_line line WHERE line.message_id = mail.mail_message_id)",
        database,
    )


def assert_all_sent(database, server, count, bad=(), silent=()):
    """At the end: every good one exactly once, the others not at all."""
    assert_rows_true(database, server)
    states = Counter(state for _number, _address, state, *_rest in get_rows(database))
    assert states == Counter(sent=count - len(bad) - len(silent), failed=len(bad), no_address=len(silent))
    assert server.count() == count - len(bad) - len(silent)
    assert dbtools.sql("SELECT DISTINCT state FROM crm_invoice_mailing", database) == [["done"]]
