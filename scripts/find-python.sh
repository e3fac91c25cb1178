#!/usr/bin/env bash
# Prints the first Python on this machine that Odoo 19 accepts (3.10 to 3.13) and that can
# make a virtual environment.
set -euo pipefail

check='import sys, ensurepip, venv; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))'
for python in python3 python3.13 python3.12 python3.11 python3.10 /usr/bin/python3; do
    if "$python" -c "$check" 2>/dev/null; then
        command -v "$python"
        exit
    fi
done
echo "No Python 3.10 to 3.13 with venv is on this machine." >&2
exit 1
