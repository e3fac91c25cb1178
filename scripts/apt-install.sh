#!/usr/bin/env bash
# Installs the Debian packages named: as root, or through sudo. Who may do neither gets the
# one line to run.
set -euo pipefail
. "$(dirname "$0")/env.sh"

command -v apt-get >/dev/null || fail "This machine lacks: $*. Install them and start again."

install=(apt-get install --yes --no-install-recommends "$@")
if [ "$(id -u)" = 0 ]; then
    as_root=()
elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
    as_root=(sudo)
else
    fail "Packages are missing. Run this as root and start again:
apt-get update && ${install[*]}"
fi

say "Installing Debian packages that are missing: $*"
export DEBIAN_FRONTEND=noninteractive
quiet=(-qq -o Dpkg::Use-Pty=0)
"${as_root[@]}" "${install[@]}" "${quiet[@]}" >/dev/null 2>&1 ||
    { "${as_root[@]}" apt-get update -qq && "${as_root[@]}" "${install[@]}" "${quiet[@]}" >/dev/null; } ||
    fail "apt-get could not install: $*"
