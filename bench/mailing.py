"""Mailing invoices: ours and Odoo's own scheduled action, with the same report, to a real SMTP server.

In each round every side in turn gets a fresh copy of one database with posted invoices, each of a client of its own,
and mails them, from the start until the SMTP server has them all; with real commits, PDFs and SMTP:
- Odoo: ``_cron_account_move_send``, ten invoices at a time, again and again, and then at once the mail queue; in one
  process. On a wkhtmltopdf that takes one document only it sends nothing that way, so there one invoice at a time.
- ours: the scheduled action, for a mailing that was prepared beforehand; in one process and in two that begin together

Each process mails a few other invoices before. Afterwards the server must have exactly one message for each client,
with a PDF. The unpatched wkhtmltopdf is Debian's, where it is installed; elsewhere the patched one, kept from taking
more than one document.

Prints, as medians of the rounds, invoices per second and how many times those of Odoo in the same round they are, and
how that stands to the bars. ``--quick`` takes 100 and 20 invoices instead of 300 and 60, and one round.
"""

import argparse
import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import dbtools
from lib import call, start

# Each process mails so many other invoices before.
WARM_UP = 5
TIMEOUT = 3600
DATABASE = f"bench_{os.getpid()}_mailing"
DEBIAN = "/usr/bin/wkhtmltopdf"

ONE_DOCUMENT_ONLY = """#!/bin/sh
case "$*" in
*--version*) echo "wkhtmltopdf 0.12.6"; exit 0 ;;
*report.body.tmp.1.*) exit 1 ;;
esac
exec {patched} "$@"
"""


class Setup(NamedTuple):
    name: str
    side: str
    processes: int = 1
    batch: int = 10


class Case(NamedTuple):
    name: str
    invoices: int
    rounds: int
    theirs: Setup
    bars: tuple[tuple[Setup, float], ...]


ONE = Setup("ours, one process", "ours")
TWO = Setup("ours, two processes", "ours", 2)
ODOO = Setup("Odoo's scheduled action", "odoo")
ODOO_SINGLY = Setup("Odoo, one invoice at a time", "odoo", batch=1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    is_quick = parser.parse_args().quick
    many, few, rounds = (100, 20, 1) if is_quick else (300, 60, 3)
    cases = [
        Case("patched wkhtmltopdf", many, rounds, ODOO, ((ONE, 2.5), (TWO, 4))),
        Case("unpatched wkhtmltopdf", few, rounds, ODOO_SINGLY, ((ONE, 3), (TWO, 5))),
    ]
    with tempfile.TemporaryDirectory() as folder:
        paths = {cases[0]: os.environ["PATH"], cases[1]: f"{make_unpatched(Path(folder))}:{os.environ['PATH']}"}
        try:
            dbtools.copy(dbtools.base(), DATABASE)
            dbtools.install(DATABASE, ["custom_crm"])
            call(DATABASE, "mailing.fill", many + TWO.processes * WARM_UP)
            dbtools.sql("VACUUM ANALYZE", DATABASE)
            times = {case: measure_rounds(case, paths[case]) for case in cases}
        finally:
            for name in dbtools.databases():
                if name.startswith(DATABASE):
                    dbtools.drop(name)
    print_table(times)


def make_unpatched(folder):
    """A folder with a wkhtmltopdf that takes one document only."""
    target = folder / "wkhtmltopdf"
    if Path(DEBIAN).exists():
        target.symlink_to(DEBIAN)
    else:
        target.write_text(ONE_DOCUMENT_ONLY.format(patched=shutil.which("wkhtmltopdf")))
        target.chmod(0o755)
    return folder


def measure_rounds(case, path):
    """Seconds of each setup, one for each round."""
    seconds = {setup: [] for setup in (case.theirs, *dict(case.bars))}
    for _round in range(case.rounds):
        for setup, results in seconds.items():
            results.append(measure(case, setup, path))
            print(f"{case.name}, {setup.name}: {case.invoices / results[-1]:.1f} a second", file=sys.stderr)
    return seconds


def measure(case, setup, path):
    database = f"{DATABASE}_run"
    dbtools.copy(DATABASE, database)
    with tempfile.TemporaryDirectory() as folder, run_mail_server(folder) as port:
        reader, writer = os.pipe()
        processes = []
        for number in range(1, setup.processes + 1):
            arguments = (setup.side, case.invoices, setup.batch, number, number == setup.processes, reader, port)
            environment = {**os.environ, "PATH": path}
            processes.append(start(database, "mailing.take_part", *arguments, pass_fds=[reader], env=environment))
            # One after the other, so that none takes the first invoices of another.
            processes[-1].stdout.readline()
        # Now all begin.
        os.close(writer)
        os.close(reader)
        outputs = [dbtools.finish_shell(process, TIMEOUT) for process in processes]
        check(folder, case.invoices)
    begins, ends = zip(*(map(float, output.split()) for output in outputs), strict=True)
    dbtools.drop(database)
    return max(ends) - min(begins)


@contextlib.contextmanager
def run_mail_server(folder):
    port = int(subprocess.check_output([sys.executable, dbtools.ROOT / "scripts" / "free-port.py", "8025"]))
    command = [sys.executable, dbtools.ROOT / "scripts" / "smtp_catcher.py", str(port), folder]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    server.stdout.readline()
    try:
        yield port
    finally:
        server.kill()
        server.communicate()


def check(folder, invoices):
    """One message with a PDF for each client; those of the warm-up are others."""
    messages = [path.read_bytes() for path in Path(folder).glob("*.eml")]
    received = [text.split(b"\n", 1)[0].decode() for text in messages if b"application/pdf" in text]
    expected = {f"office@client{number}.example" for number in range(invoices)}
    found = sorted(address for address in received if address in expected)
    assert found == sorted(expected), (len(messages), len(found), invoices)


def print_table(times):
    print("| wkhtmltopdf | Invoices | Rounds | By | Invoices a second | Times Odoo |")
    print("| --- | --- | --- | --- | --- | --- |")
    verdicts = []
    for case, seconds in times.items():
        for setup, results in seconds.items():
            ratio = statistics.median(theirs / ours for theirs, ours in zip(seconds[case.theirs], results, strict=True))
            speed = case.invoices / statistics.median(results)
            print(
                "|", case.name, "|", case.invoices, "|", case.rounds, "|", setup.name, f"| {speed:.1f} | {ratio:.2f} |"
            )
            if bar := dict(case.bars).get(setup):
                word = "reached" if ratio >= bar else "missed "
                verdicts.append(f"{word}  {case.name}, {setup.name}: {ratio:.2f} times as fast as Odoo, at least {bar}")
    print("", *verdicts, sep="\n")


# What follows runs within Odoo.


def fill(env, count):
    """So many posted invoices of three lines, each of a client of its own."""
    from lib.invoices import load_accounts

    from odoo.fields import Command

    load_accounts(env)
    env = env(context={"tracking_disable": True, "mail_create_nosubscribe": True})
    env.company.write({"email": "billing@company.example", "country_id": env.ref("base.ru").id})
    # No server is there to fetch styles from, on either side.
    env["ir.config_parameter"].set_param("report.url", "http://127.0.0.1:1")
    clients = env["res.partner"].create(
        [
            {
                "name": f"ООО «Клиент {number}»",
                "is_company": True,
                "email": f"office@client{number}.example",
                "lang": "ru_RU",
            }
            for number in range(count)
        ]
    )
    lines = [Command.create({"name": f"Услуга {price}", "price_unit": price}) for price in (1000, 500, 250)]
    env["account.move"].create(
        [
            {
                "move_type": "out_invoice",
                "partner_id": client.id,
                "invoice_date": "2026-03-01",
                "invoice_line_ids": lines,
            }
            for client in clients
        ]
    ).action_post()
    env.cr.commit()


def take_part(env, side, invoices, batch, number, is_last, barrier, port):
    """Mail some other invoices, wait until all processes have done so, and mail those that count together."""
    import odoo

    odoo.tools.config["smtp_server"], odoo.tools.config["smtp_port"] = "127.0.0.1", port
    get_ready, mail = SIDES[side]
    moves = env["account.move"].search([("state", "=", "posted")], order="id")
    last = len(moves) - (number - 1) * WARM_UP
    get_ready(moves[last - WARM_UP : last])
    env.cr.commit()
    mail(env, batch)
    if is_last:
        get_ready(moves[:invoices])
    env.cr.commit()
    print("ready", flush=True)
    os.read(barrier, 1)
    # Like any scheduled action with a cursor of its own, it has read nothing yet.
    with env.registry.cursor() as cr:
        env = env(cr=cr, user=1, context={})
        begin = time.monotonic()
        mail(env, batch)
        print(begin, time.monotonic())


def get_ready_ours(moves):
    moves.env["crm.invoice.mailing"]._make_selection(moves).action_start()


def mail_ours(env, batch):
    Mailing = env["crm.invoice.mailing"]
    Mailing._cron_mail()
    while Mailing.search_count([("state", "=", "running")], limit=1):
        # The other process has the last ones in hand.
        env.cr.commit()
        time.sleep(0.02)
        Mailing._cron_mail()


def get_ready_odoo(moves):
    user = moves.env.ref("base.user_admin")
    moves.sending_data = {"author_user_id": user.id, "author_partner_id": user.partner_id.id}


def mail_odoo(env, batch):
    Move = env["account.move"].with_context(mail_notify_force_send=False)
    while Move.search_count([("sending_data", "!=", False)], limit=1):
        Move._cron_account_move_send(batch)
        env.cr.commit()
        env.invalidate_all()
    env["mail.mail"].process_email_queue()
    env.cr.commit()


SIDES = {"ours": (get_ready_ours, mail_ours), "odoo": (get_ready_odoo, mail_odoo)}


if __name__ == "__main__":
    main()
