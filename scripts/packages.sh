#!/usr/bin/env bash
# Finds out which system packages are missing, by what we need from them, and has them
# installed by name. With the word "lint" it looks for what only `make lint` needs.
set -euo pipefail
. "$(dirname "$0")/env.sh"

missing=()
need() { # PACKAGE COMMAND...: the package is missing unless the command succeeds
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || missing+=("$package")
}
has() { command -v "$1"; }
has_browser() { has google-chrome || has chromium || has chromium-browser || has google-chrome-stable; }
has_font() { fc-list ":family=$1" | grep -q .; }
has_library() { PATH=$PATH:/sbin:/usr/sbin ldconfig -p | grep -q "$1"; }
node_is_new() { node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 18 || (a == 18 && b >= 18) ? 0 : 1)'; }

if [ "${1:-}" = lint ]; then
    need nodejs node_is_new
    need npm has npm
    need shellcheck has shellcheck
else
    need git has git
    need python3-venv "$ROOT/scripts/find-python.sh"
    [ -z "$OWN_SOCKET" ] || need postgresql has initdb
    need postgresql-client has psql
    need chromium has_browser
    need poppler-utils has pdftoppm
    need fontconfig has fc-list
    need fonts-dejavu-core has_font "DejaVu Sans"
    # libraries of the patched wkhtmltopdf
    need libxrender1 has_library libXrender.so.1
    need libxext6 has_library libXext.so.6
    need libfontconfig1 has_library libfontconfig.so.1
fi

[ ${#missing[@]} = 0 ] || "$ROOT/scripts/apt-install.sh" "${missing[@]}"
