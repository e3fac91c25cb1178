# shellcheck shell=bash
# The environment that all other scripts work in: paths, PATH, Python and PostgreSQL.
# Source it. It starts nothing and makes nothing but the folder .dev, where everything
# provisioned lies; CUSTOM_CRM_DEV names another folder.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
DEV=${CUSTOM_CRM_DEV:-$ROOT/.dev}
mkdir -p "$DEV"
DEV=$(cd "$DEV" && pwd -P)
export ROOT CUSTOM_CRM_DEV="$DEV"

say() { printf '%s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# PostgreSQL's own commands: on PATH, or where Debian hides the newest of them.
for pg_bin in /usr/lib/postgresql/*/bin; do
    [ ! -x "$pg_bin/initdb" ] || PG_BIN=$pg_bin
done

PATH=$DEV/venv/bin:$DEV/wkhtmltox/bin:${PG_BIN:+$PG_BIN:}$PATH
export PATH
export PYTHONPATH=$DEV/odoo PYTHONNOUSERSITE=1 PYTHONUNBUFFERED=1
unset PYTHONHOME PGDATABASE

# The server is the one that the user names in PGHOST, else our own cluster in .dev/pg.
OWN_SOCKET=$(readlink -f "$DEV/pg")/socket
if [ "${PGHOST:-$OWN_SOCKET}" = "$OWN_SOCKET" ]; then
    export PGHOST=$OWN_SOCKET PGPORT=5432 PGUSER=odoo
else
    OWN_SOCKET=
fi
