#!/usr/bin/env bash
# Removes everything provisioned: the folder .dev, and the cluster if it lies elsewhere.
set -euo pipefail
. "$(dirname "$0")/env.sh"

[ ! -L "$DEV/pg" ] || rm -rf "$(readlink -f "$DEV/pg")"
rm -rf "$DEV"
