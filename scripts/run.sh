#!/usr/bin/env bash
# Runs Odoo on the database with the demo company, together with an SMTP server that keeps
# what it receives, until Ctrl-C. The address and the logins are what is printed last.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$ROOT"
read -ra addons <<<"${ADDONS:?This script is run by make.}"

python scripts/dbtools.py demo "${addons[@]}"

HTTP_PORT=$(python scripts/free-port.py 8069)
SMTP_PORT=$(python scripts/free-port.py 8025)
export HTTP_PORT SMTP_PORT
python scripts/dbtools.py serve-at custom_crm "http://localhost:$HTTP_PORT"

say "Starting Odoo."
python scripts/announce.py "http://localhost:$HTTP_PORT" "$DEV/log/odoo.log" "$DEV/mail/new" &
# Both stop when one does. 130 is how a program stopped by Ctrl-C ends.
exec honcho --no-colour start
