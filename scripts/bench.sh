#!/usr/bin/env bash
# Runs the benchmarks: every bench/*.py, one after the other. What they compare us with
# comes from requirements-bench.txt.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$ROOT"

# --no-deps: "odoo" itself is no package of PyPI.
pip install --quiet --disable-pip-version-check --no-deps -r requirements-bench.txt

for benchmark in bench/*.py; do
    [ -e "$benchmark" ] || { say "There are no benchmarks yet."; exit; }
    say "== $benchmark"
    PYTHONPATH=$ROOT/scripts:$PYTHONPATH python "$benchmark"
done
