#!/usr/bin/env bash
# Starts or stops our own PostgreSQL cluster in .dev/pg: `postgres.sh start` or `stop`.
# It listens on a unix socket only. It is a throw-away for development: fast, not safe
# against a power cut.
set -euo pipefail
. "$(dirname "$0")/env.sh"

if [ -z "$OWN_SOCKET" ]; then
    psql -w -d postgres -c '' >/dev/null || fail "The PostgreSQL server that PGHOST names ($PGHOST) does not answer."
    exit
fi

# PostgreSQL refuses to run as root: then it runs as the user postgres, who came with the package.
as_owner() {
    cd /
    if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

running() { pg_isready --quiet; }

# A socket's path has at most 107 bytes, and the owner must be able to enter its folder.
choose_folder() {
    local socket=$DEV/pg/socket/.s.PGSQL.$PGPORT elsewhere
    if [ ${#socket} -le 107 ] && as_owner test -x "$DEV"; then
        mkdir -m 700 "$DEV/pg"
    else
        elsewhere=/var/tmp/custom_crm-$(printf %s "$DEV" | cksum | cut -d' ' -f1)
        say "PostgreSQL cannot live under $DEV: its data goes to $elsewhere."
        rm -rf "$elsewhere"
        mkdir -m 700 "$elsewhere"
        ln -sfn "$elsewhere" "$DEV/pg"
    fi
}

create() {
    local folder
    say "Making a PostgreSQL cluster."
    rm -rf "$DEV/pg"
    choose_folder
    folder=$(readlink -f "$DEV/pg")
    mkdir -m 700 "$folder/socket"
    [ "$(id -u)" != 0 ] || chown -R postgres: "$folder"
    as_owner initdb --locale=C.UTF-8 --encoding=UTF8 --auth=trust --username=odoo \
        --no-sync --pgdata="$folder/data" >/dev/null || fail "initdb could not make the cluster in $folder."
    cat >>"$folder/data/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$folder/socket'
max_connections = 100
shared_buffers = 512MB
work_mem = 16MB
maintenance_work_mem = 128MB
fsync = off
synchronous_commit = off
full_page_writes = off
CONF
    touch "$DEV/pg/ready"
}

case ${1:-} in
start)
    running && exit
    [ -e "$DEV/pg/ready" ] || create
    folder=$(readlink -f "$DEV/pg")
    export PGHOST=$folder/socket
    say "Starting PostgreSQL."
    as_owner pg_ctl start --silent --wait --pgdata="$folder/data" --log="$folder/log" ||
        fail "PostgreSQL does not start. Its log: $folder/log"
    ;;
stop)
    running || exit 0
    say "Stopping PostgreSQL."
    as_owner pg_ctl stop --silent --mode=fast --pgdata="$(readlink -f "$DEV/pg")/data"
    ;;
*)
    fail "usage: postgres.sh start|stop"
    ;;
esac
