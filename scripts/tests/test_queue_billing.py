"""Billing by jobs of queue_job: real processes, commits, a real server with its job runner."""

import os
import signal
import socket
import subprocess
import sys
import time

import billing
import dbtools
import pytest

CONTRACTS, CHUNK = 20, 5
BAD = {3, 10}
JOBS = str(2 * CONTRACTS // CHUNK)
WAIT = 240

# As queue_job's runner and controller do it, until no job is left. All processes begin at the same moment.
WORK = """
import time
from pathlib import Path
from odoo.addons.queue_job.controllers.main import RunJobController

Path({folder!r}, str({number})).touch()
while len(list(Path({folder!r}).iterdir())) < {processes}:
    time.sleep(0.05)
while True:
    env.cr.execute(
        "UPDATE queue_job SET state = 'enqueued', date_enqueued = now() AT TIME ZONE 'UTC' WHERE id = ("
        "SELECT id FROM queue_job WHERE state = 'pending' ORDER BY eta NULLS FIRST, id LIMIT 1 FOR UPDATE SKIP LOCKED)"
        " RETURNING uuid, greatest(extract(epoch FROM eta - now() AT TIME ZONE 'UTC'), 0)"
    )
    found = env.cr.fetchone()
    env.cr.commit()
    if not found:
        break
    time.sleep(found[1] or 0)
    RunJobController._runjob(env, RunJobController._acquire_job(env, found[0]))
    env.invalidate_all()
"""

# Killed when the invoices of a chunk are made, but not yet committed.
DIE = """
import os, signal
Period = env.registry["crm.contract.period"]
bill = Period._bill
def bill_and_die(self, invoice_date):
    bill(self, invoice_date)
    self.env.flush_all()
    os.kill(os.getpid(), signal.SIGKILL)
Period._bill = bill_and_die
"""

# The runner believes that a job is dead ten seconds after it was handed out and nobody holds it.
REQUEUE = """
from odoo.addons.queue_job.jobrunner.runner import Database
env.cr.execute("UPDATE queue_job SET date_enqueued = date_enqueued - interval '1 minute' WHERE state = 'started'")
env.cr.commit()
database = Database(env.cr.dbname)
database.requeue_dead_jobs()
database.close()
"""

UNINSTALL = """
env["ir.module.module"].search([("name", "=", "custom_crm_queue")]).button_immediate_uninstall()
"""


@pytest.fixture
def started_run(fresh_db):
    return billing.make_run(fresh_db, CONTRACTS, BAD, chunk=CHUNK, started=True)


def work(database, folder, *heads):
    """Perform all jobs, one process for each head, the code that it runs beforehand; ``DIE`` kills it."""
    folder.mkdir()
    processes = [
        dbtools.start_shell(database, head + WORK.format(folder=str(folder), number=number, processes=len(heads)))
        for number, head in enumerate(heads)
    ]
    for head, process in zip(heads, processes, strict=True):
        _output, errors = process.communicate(timeout=WAIT)
        assert process.returncode == (-signal.SIGKILL if head == DIE else 0), errors


def get_states(database):
    """Numbers of jobs by their state."""
    return dict(dbtools.sql("SELECT state, count(*) FROM queue_job GROUP BY state", database))


def test_many_processes_and_one_killed(fresh_db, started_run, tmp_path):
    """No period is billed twice or left out, and the scheduled action is not needed for it."""
    assert get_states(fresh_db) == {"pending": JOBS}
    work(fresh_db, tmp_path / "first", "", DIE, "")
    assert get_states(fresh_db).keys() == {"done", "started"}
    billing.assert_ledger_agrees(fresh_db)
    billing.assert_invoices_whole(fresh_db)
    dbtools.shell(fresh_db, REQUEUE)
    work(fresh_db, tmp_path / "second", "")
    assert get_states(fresh_db).keys() == {"done"}
    billing.assert_billed_once(fresh_db, started_run, CONTRACTS, BAD)


def test_jobs_beside_the_scheduled_action(fresh_db, started_run, tmp_path):
    """It takes what the killed one left."""
    cron = dbtools.start_shell(fresh_db, billing.BILL)
    work(fresh_db, tmp_path / "jobs", "", DIE)
    dbtools.finish_shell(cron)
    billing.bill(fresh_db)
    billing.assert_billed_once(fresh_db, started_run, CONTRACTS, BAD)


def test_scheduled_action_alone(fresh_db, started_run, tmp_path):
    """Without a job runner everything is billed as well; jobs that are run later find nothing to do."""
    billing.bill(fresh_db)
    billing.assert_billed_once(fresh_db, started_run, CONTRACTS, BAD)
    work(fresh_db, tmp_path / "jobs", "")
    assert get_states(fresh_db) == {"done": JOBS}
    billing.assert_billed_once(fresh_db, started_run, CONTRACTS, BAD)


def test_server_with_job_runner(fresh_db, started_run, tmp_path):
    """As it is set up for real: two workers of a server share the jobs; nobody runs scheduled actions."""
    log = dbtools.DEV / "log" / f"{fresh_db}_server.log"
    # The server starts parts of itself by the path of the script that it was started with.
    script = tmp_path / "odoo"
    script.write_text("from odoo.cli.command import main\nmain()\n")
    command = [sys.executable, str(script), "server", "--config", str(dbtools.CONF), f"--database={fresh_db}"]
    command += [f"--http-port={find_port()}", f"--gevent-port={find_port()}", f"--logfile={log}"]
    command += ["--workers=2", "--max-cron-threads=0", "--load=base,rpc,web,queue_job"]
    server = subprocess.Popen(command, env={**os.environ, "ODOO_QUEUE_JOB_CHANNELS": "root:2,root.custom_crm:2"})
    try:
        deadline = time.monotonic() + WAIT
        while get_states(fresh_db).keys() != {"done"} and time.monotonic() < deadline:
            assert server.poll() is None
            time.sleep(0.5)
    finally:
        server.terminate()
        server.wait(timeout=60)
    assert get_states(fresh_db).keys() == {"done"}, f"The log: {log}"
    billing.assert_billed_once(fresh_db, started_run, CONTRACTS, BAD)
    assert dbtools.sql("SELECT count(DISTINCT worker_pid) FROM queue_job", fresh_db) == [["2"]]


def find_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def test_uninstall(fresh_db, started_run):
    """Jobs go with the add-on, and the scheduled action bills what they would have."""
    dbtools.shell(fresh_db, UNINSTALL)
    assert get_states(fresh_db) == {}
    assert dbtools.sql("SELECT count(*) FROM queue_job_channel WHERE name = 'custom_crm'", fresh_db) == [["0"]]
    billing.bill(fresh_db)
    billing.assert_billed_once(fresh_db, started_run, CONTRACTS, BAD)
