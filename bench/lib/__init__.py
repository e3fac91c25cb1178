"""What several benchmarks need."""

import statistics
import time
from pathlib import Path
from typing import NamedTuple

import dbtools

BENCH = Path(__file__).resolve().parent.parent
WARM_UP, ROUNDS = 2, 9


def start(database, function, *arguments, **kwargs):
    """Start ``module.function(env, *arguments)`` in a process of its own, in Odoo's shell on the database."""
    module = function.partition(".")[0]
    code = f"import sys\nsys.path.insert(0, {str(BENCH)!r})\nimport {module}\n{function}(env, *{arguments!r})\n"
    return dbtools.start_shell(database, code, **kwargs)


def call(database, function, *arguments, timeout=1800):
    """What ``module.function(env, *arguments)`` prints in a process of its own, in Odoo's shell on the database."""
    return dbtools.finish_shell(start(database, function, *arguments), timeout)


class Figures(NamedTuple):
    ms: float
    statements: float


def measure(env, function):
    """How long a function takes that finds nothing read before, as every call of the web client does."""
    env.invalidate_all()
    env.transaction.clear()
    statements, start = env.cr.sql_log_count, time.perf_counter()
    function()
    return Figures((time.perf_counter() - start) * 1000, env.cr.sql_log_count - statements)


def compare(sides):
    """The median figures of sides that take turns, each of them a function that measures."""
    rounds = [{side: function() for side, function in sides.items()} for _round in range(WARM_UP + ROUNDS)]
    return {
        side: Figures(*map(statistics.median, zip(*(measured[side] for measured in rounds[WARM_UP:]), strict=True)))
        for side in sides
    }
