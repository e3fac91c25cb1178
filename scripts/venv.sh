#!/usr/bin/env bash
# Makes the virtual environment .dev/venv with the pinned Python packages.
set -euo pipefail
. "$(dirname "$0")/env.sh"

python=$("$ROOT/scripts/find-python.sh")
say "Making a virtual environment with $("$python" --version) and the pinned packages."
if ! "$DEV/venv/bin/python" -c '' 2>/dev/null; then
    "$python" -m venv --clear "$DEV/venv"
fi
"$DEV/venv/bin/python" -m pip install --quiet --disable-pip-version-check --use-pep517 \
    -r "$ROOT/requirements.txt" -r "$ROOT/requirements-dev.txt" ||
    fail "pip could not install the packages of requirements.txt and requirements-dev.txt."
"$DEV/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
    -r "$ROOT/requirements-addons.txt" ||
    fail "pip could not install the add-ons of requirements-addons.txt."
