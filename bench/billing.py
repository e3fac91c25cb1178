"""Billing subscriptions, created and posted: ours, OCA ``contract`` and Odoo itself, on the same clients and services.

Each side has a database of its own with the same accounts, clients and services, and in it one contract with each
client from 1 March on, billed by the month in advance. In each round every side in turn gets a fresh copy of it and
bills all contracts on 1 March, with real commits:
- ours: the scheduled action, for a run of ``crm.billing.run`` that was prepared and started beforehand; in one process,
  and in two that begin together, until the last one ends
- OCA: its scheduled action, which makes drafts, and ``action_post`` of all of them; in one process
- Odoo without either add-on: ``create`` and ``action_post`` of the same invoices in chunks of 100; in one process

Each process bills a few other contracts before. Afterwards every client must have exactly one invoice of the day,
posted, with the right total.

Prints, as medians of the rounds, contracts per second and how many times those of OCA in the same round they are, SQL
statements per contract, and how far the memory of the billing process grew at most; then how that stands to the bars.
``--quick`` takes 200 and 1,000 contracts instead of 1,000 and 5,000; ``--all`` adds 5,000 of three lines.
"""

import argparse
import gc
import os
import statistics
import sys
import time
from datetime import date
from pathlib import Path
from typing import NamedTuple

import dbtools
from lib import call, start
from lib.billing import SIDES, get_clients, get_services, make_base, total

DAY = date(2026, 3, 1)
# Each process bills so many other contracts before, which are of this month only.
WARM_UP, WARM_UP_DAY, WARM_UP_END = 20, date(2026, 1, 1), date(2026, 1, 31)
TIMEOUT = 3600
PREFIX = f"bench_{os.getpid()}_billing"

CLIENTS_INVOICED = """
SELECT count(*), sum(invoices)
  FROM (SELECT count(*) AS invoices, bool_and(state = 'posted' AND amount_total = {total}) AS is_right
          FROM account_move WHERE invoice_date = '{day}' GROUP BY partner_id) AS client
 WHERE is_right
"""


class Setup(NamedTuple):
    name: str
    side: str
    processes: int = 1


OCA = Setup("OCA `contract`", "oca")
ONE = Setup("ours, one process", "ours")
TWO = Setup("ours, two processes", "ours", 2)
ODOO = Setup("Odoo's `create` and `action_post`", "odoo")

# The bars: how many times as fast as OCA, by number of lines; SQL statements a contract; how many times as
# long as the fewer the more contracts take; growth of the memory.
MIN_RATIOS = {1: {ONE: 1.8, TWO: 3.5}, 3: {ONE: 1.5, TWO: 2.8}}
MAX_STATEMENTS, MAX_TIMES_AS_LONG, MAX_MEBIBYTES = 8, 5.3, 50


class Case(NamedTuple):
    contracts: int
    lines: int
    rounds: int
    setups: tuple[Setup, ...]

    @property
    def name(self):
        return f"{self.contracts:,} of {self.lines} line{'s' * (self.lines > 1)}"


class Figures(NamedTuple):
    seconds: float
    statements: float
    mebibytes: float


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--all", action="store_true", dest="is_all")
    options = parser.parse_args()
    few, many = (200, 1000) if options.quick else (1000, 5000)
    smallest = Case(100, 1, 1, (OCA, ONE))
    small = Case(few, 1, 3, (OCA, ONE, TWO, ODOO))
    big = Case(many, 1, 1, (OCA, ONE, TWO))
    cases = [smallest, small, big, Case(few, 3, 3, (OCA, ONE, TWO))]
    if options.is_all:
        cases.append(Case(many, 3, 1, (OCA, ONE, TWO)))
    try:
        make_databases(many)
        rounds = {case: measure_rounds(case) for case in cases}
    finally:
        dbtools.drop(PREFIX)
        for name in dbtools.databases():
            if name.startswith(f"{PREFIX}_"):
                dbtools.drop(name)
    print_table(rounds)
    print_verdict(rounds, smallest, small, big)


def make_databases(clients):
    """For each side one with its add-ons, but without contracts."""
    dbtools.copy(dbtools.base(), PREFIX)
    call(PREFIX, "billing.fill", clients)
    for name, side in SIDES.items():
        dbtools.copy(PREFIX, f"{PREFIX}_{name}")
        if side.addons:
            dbtools.install(f"{PREFIX}_{name}", side.addons)


def measure_rounds(case):
    """The figures of each setup, one for each round."""
    sides = {setup.side for setup in case.setups}
    for side in sides:
        dbtools.copy(f"{PREFIX}_{side}", f"{PREFIX}_{side}_case")
        call(f"{PREFIX}_{side}_case", "billing.make_contracts", side, case.contracts, case.lines, timeout=TIMEOUT)
        dbtools.sql("VACUUM ANALYZE", f"{PREFIX}_{side}_case")
    rounds = {setup: [] for setup in case.setups}
    for _round in range(case.rounds):
        for setup in case.setups:
            figures = measure(case, setup)
            rounds[setup].append(figures)
            print(f"{case.name}, {setup.name}: {case.contracts / figures.seconds:.1f} a second", file=sys.stderr)
    for side in sides:
        dbtools.drop(f"{PREFIX}_{side}_case")
    return rounds


def measure(case, setup):
    database = f"{PREFIX}_run"
    dbtools.copy(f"{PREFIX}_{setup.side}_case", database)
    reader, writer = os.pipe()
    processes = []
    for number in range(1, setup.processes + 1):
        is_last = number == setup.processes
        arguments = (setup.side, case.contracts, case.lines, number, is_last, reader)
        processes.append(start(database, "billing.take_part", *arguments, pass_fds=[reader]))
        # One after the other, so that none takes the first contracts of another.
        processes[-1].stdout.readline()
    # Now all begin.
    os.close(writer)
    os.close(reader)
    outputs = [dbtools.finish_shell(process, TIMEOUT) for process in processes]
    starts, ends, statements, mebibytes = zip(*(map(float, output.split()) for output in outputs), strict=True)
    check(database, case)
    dbtools.drop(database)
    return Figures(max(ends) - min(starts), sum(statements) / case.contracts, max(mebibytes))


def check(database, case):
    [[clients, invoices]] = dbtools.sql(CLIENTS_INVOICED.format(day=DAY, total=total(case.lines)), database)
    [[all_invoices]] = dbtools.sql(f"SELECT count(*) FROM account_move WHERE invoice_date = '{DAY}'", database)  # noqa: S608
    assert int(clients) == int(invoices) == int(all_invoices) == case.contracts, (case, clients, invoices, all_invoices)


def median(rounds, setup, what):
    return statistics.median(getattr(figures, what) for figures in rounds[setup])


def ratio(rounds, setup):
    """How many times as fast as OCA in the same round."""
    pairs = zip(rounds[OCA], rounds[setup], strict=True)
    return statistics.median(theirs.seconds / ours.seconds for theirs, ours in pairs)


def print_table(rounds_of):
    print("| Contracts | Rounds | By | Contracts a second | Times OCA | SQL a contract | Memory, MiB |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for case, rounds in rounds_of.items():
        for setup in case.setups:
            cells = [
                case.name,
                case.rounds,
                setup.name,
                f"{case.contracts / median(rounds, setup, 'seconds'):.1f}",
                f"{ratio(rounds, setup):.2f}",
                f"{median(rounds, setup, 'statements'):.1f}",
                f"+{median(rounds, setup, 'mebibytes'):.0f}",
            ]
            print("|", " | ".join(map(str, cells)), "|")


def print_verdict(rounds_of, smallest, small, big):
    print()
    for case in list(rounds_of)[1:]:
        for setup, bar in MIN_RATIOS[case.lines].items():
            times = ratio(rounds_of[case], setup)
            verdict(times >= bar, f"{case.name}, {setup.name}: {times:.2f} times as fast as OCA, at least {bar}")
    for case in (smallest, big):
        statements = median(rounds_of[case], ONE, "statements")
        verdict(statements <= MAX_STATEMENTS, f"{case.name}: {statements:.1f} SQL a contract, at most {MAX_STATEMENTS}")
    times = median(rounds_of[big], ONE, "seconds") / median(rounds_of[small], ONE, "seconds")
    what = f"{big.contracts:,} take {times:.2f} times as long as {small.contracts:,}, at most {MAX_TIMES_AS_LONG}"
    verdict(times <= MAX_TIMES_AS_LONG, what)
    for case in (small, big):
        mebibytes = max(median(rounds_of[case], setup, "mebibytes") for setup in (ONE, TWO))
        verdict(mebibytes <= MAX_MEBIBYTES, f"{case.name}: +{mebibytes:.0f} MiB, at most {MAX_MEBIBYTES}")


def verdict(is_reached, what):
    print(f"{'reached' if is_reached else 'missed '}  {what}")


# What follows runs within Odoo.


def fill(env, clients):
    make_base(env, clients + TWO.processes * WARM_UP)


def make_contracts(env, name, contracts, lines):
    env = env(context={"mail_auto_subscribe_no_notify": True})
    SIDES[name].make_contracts(env, get_clients(env)[:contracts], get_services(env, lines), DAY)
    env.cr.commit()


def take_part(env, name, contracts, lines, number, is_last, barrier):
    """Bill some contracts of January, wait until all processes have done so, and bill those of March together."""
    env = env(context={"mail_auto_subscribe_no_notify": True})
    side, clients, services = SIDES[name], get_clients(env), get_services(env, lines)
    others = clients[-number * WARM_UP :][:WARM_UP]
    side.make_contracts(env, others, services, WARM_UP_DAY, WARM_UP_END)
    side.get_ready(env, WARM_UP_DAY)
    env.cr.commit()
    side.bill(env, WARM_UP_DAY, others, services)
    if is_last:
        side.get_ready(env, DAY)
    env.cr.commit()
    gc.collect()
    print("ready", flush=True)
    os.read(barrier, 1)
    # Like any scheduled action with a cursor of its own, it has read nothing yet.
    with env.registry.cursor() as cr:
        env = env(cr=cr, context={})
        resident = reset_peak()
        begin = time.monotonic()
        side.bill(env, DAY, clients[:contracts].with_env(env), services.with_env(env))
        print(begin, time.monotonic(), cr.sql_log_count, peak() - resident)


def reset_peak():
    """Let the peak of this process's memory begin anew; what it is now, in mebibytes."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak()


def peak():
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / 1024


if __name__ == "__main__":
    main()
