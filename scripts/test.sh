#!/usr/bin/env bash
# Installs the add-ons (names in ADDONS) in a fresh database and runs all tests: those of the
# add-ons with pytest-odoo, tours in Chromium included, then those in scripts/tests, which
# start processes of their own. The first add-on has to pass alone, before the others come
# into the same database. Arguments go to pytest. KEEP_DB=1 keeps the database.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$ROOT"
read -ra addons <<<"${ADDONS:?This script is run by make.}"
dbtools() { python scripts/dbtools.py "$@"; }

# Databases of runs that were killed.
for db in $(psql -w -X -A -t -d postgres -c "SELECT datname FROM pg_database WHERE datname ~ '^custom_crm_test_[0-9]+'"); do
    pid=${db#custom_crm_test_}
    kill -0 "${pid%%_*}" 2>/dev/null || dbtools drop "$db"
done

export CUSTOM_CRM_TEST_DB=custom_crm_test_$$
if [ -n "${KEEP_DB:-}" ]; then
    trap 'say "The database $CUSTOM_CRM_TEST_DB is kept."' EXIT
else
    trap 'dbtools drop "$CUSTOM_CRM_TEST_DB"' EXIT
fi

find "$DEV/log" -name 'custom_crm_test_*.log' -mtime +1 -delete
say "Installing ${addons[0]} in a fresh database."
dbtools copy "$(dbtools base)" "$CUSTOM_CRM_TEST_DB"
dbtools install "$CUSTOM_CRM_TEST_DB" "${addons[0]}"

# 5 is pytest's word for "no such test": arguments may choose tests of one part only.
result=0
run() { "$@" || { local code=$?; { [ $code = 5 ] && [ ${#chosen[@]} != 0 ]; } || result=$code; }; }
chosen=("$@")

test_addons() { run pytest --odoo-config="$DEV/odoo.conf" --odoo-database="$CUSTOM_CRM_TEST_DB" --odoo-http "$@"; }
test_addons "${addons[0]}" "$@"
if [ ${#addons[@]} -gt 1 ]; then
    say "Installing ${addons[*]:1} beside it."
    dbtools install "$CUSTOM_CRM_TEST_DB" "${addons[@]:1}"
    test_addons "${addons[@]:1}" "$@"
fi
run pytest -p no:odoo scripts/tests "$@"
exit $result
