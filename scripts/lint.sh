#!/usr/bin/env bash
# Runs all linters over the add-ons (names in ADDONS) and the scripts, and says in the end
# which of them had something to say.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$ROOT"
read -ra addons <<<"${ADDONS:?This script is run by make.}"

failed=()
check() { # NAME COMMAND...
    say "== $1"
    "${@:2}" || failed+=("$1")
}

catalogues=()
for addon in "${addons[@]}"; do
    for file in "$addon"/i18n{,_extra}/*.po; do
        [ ! -e "$file" ] || catalogues+=("$file")
    done
done

check "ruff check" ruff check --quiet .
check "ruff format" ruff format --quiet --check .
# One README stands beside the add-ons.
check "pylint-odoo" pylint --disable=missing-readme "${addons[@]}"
check "oca-checks-odoo-module" oca-checks-odoo-module "${addons[@]}"
[ ${#catalogues[@]} = 0 ] || check "oca-checks-po" oca-checks-po "${catalogues[@]}"
check "licences" manifestoo --addons-path "$ROOT,$DEV/odoo/odoo/addons,$(echo "$DEV"/venv/lib/python*/site-packages/odoo/addons)" \
    --select-include "${ADDONS// /,}" check-licenses
check "names that Odoo 19 removed" pytest -q -p no:odoo scripts/tests/test_removed_names.py
check "prettier" npm run --silent prettier
check "eslint" npm run --silent eslint
check "shellcheck" shellcheck scripts/*.sh scripts/odoo .ci/run

[ ${#failed[@]} = 0 ] || fail "
Not clean: $(printf '%s, ' "${failed[@]}" | sed 's/, $//')"
say "Clean."
