#!/usr/bin/env bash
# Writes .dev/odoo.conf, the configuration that every Odoo here runs with.
set -euo pipefail
. "$(dirname "$0")/env.sh"

standard=
[ ! -d "$DEV/odoo/addons" ] || standard=$DEV/odoo/addons,
# The add-ons that pip installed.
packages=$(cd "$DEV"/venv/lib/python*/site-packages/odoo/addons && pwd) 2>/dev/null ||
    fail "The add-ons of requirements-addons.txt are not in $DEV/venv. Run: make setup"
mkdir -p "$DEV"/{data,log,mail/{new,cur,tmp}}
cat >"$DEV/odoo.conf" <<CONF
[options]
addons_path = $standard$packages,$ROOT
data_dir = $DEV/data
screenshots = $DEV/screenshots
db_host = $PGHOST
db_port = ${PGPORT:-5432}
db_user = ${PGUSER:-$(id -un)}
http_interface = 127.0.0.1
list_db = False
max_cron_threads = 1
smtp_server = localhost
smtp_port = 8025
workers = 0
CONF
