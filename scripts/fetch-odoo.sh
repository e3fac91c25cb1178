#!/usr/bin/env bash
# Puts Odoo 19 at .dev/odoo: what ODOO_SOURCE names, else the Debian package odoo-19, else
# a clone from GitHub. Writes the exact version to .dev/odoo-version.
set -euo pipefail
. "$(dirname "$0")/env.sh"

series=19.0
source=${ODOO_SOURCE:-}

finish() { # WHERE VERSION
    ln -sfn "$1" "$DEV/odoo"
    printf '%s\n' "$2" >"$DEV/odoo-version"
    printf '%s\n' "$source" >"$DEV/odoo-source"
    exit
}

# The package leaves some files to other packages, as links: they become real files.
mend_package() { # FOLDER that the packages were unpacked in
    local tree=$1 odoo=$1/usr/lib/python3/dist-packages/odoo link
    # Font Awesome in sid is a later major version without these names: Odoo's own copy serves.
    local icons=$odoo/addons/web/static/src/libs/fontawesome/fonts/fontawesome-webfont.woff
    find "$odoo" -type l | while read -r link; do
        case $link in
        */fontawesome/*) cp --remove-destination "$icons" "$link" ;;
        *) [ ! -e "$link" ] || cp --remove-destination "$(readlink -f "$link")" "$link" ;;
        esac
    done
    # Not in the package: it blurs the background of video calls.
    local blur=$odoo/addons/mail/static/lib/selfie_segmentation
    mkdir -p "$blur"
    [ -e "$blur/selfie_segmentation.js" ] ||
        echo "/* left out of the Debian package */" >"$blur/selfie_segmentation.js"
    # `python -m odoo` shall find the package odoo here and nothing else.
    rm -rf "$tree.new"
    mkdir "$tree.new"
    mv "$odoo" "$tree.new/odoo"
    rm -rf "$tree"
    mv "$tree.new" "$tree"
}

# Asks the machine's own Debian mirror for packages of sid, with an apt state of our own:
# nothing of the system changes.
from_debian() {
    command -v apt-get >/dev/null || return 1
    local mirror apt=$DEV/apt tree=$DEV/odoo-debian package version
    local key=/usr/share/keyrings/debian-archive-keyring.gpg
    # shellcheck disable=SC2016 # apt-get fills the name in
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m1 '/debian/$') || return 1
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/debs"
    echo "deb [signed-by=$key] $mirror sid main" >"$apt/sources.list"
    local private=(-o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=-
        -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache"
        -o APT::Sandbox::User= -o Acquire::Languages=none)
    say "Fetching the Debian package odoo-19."
    apt-get "${private[@]}" -qq update || return 1
    (cd "$apt/debs" && apt-get "${private[@]}" -qq download odoo-19 libjs-jquery libjs-underscore \
        libjs-jquery-form fonts-roboto-unhinted fonts-montserrat) || return 1
    version=$(dpkg-deb --field "$apt"/debs/odoo-19_*.deb Version)
    say "Unpacking Odoo $version."
    rm -rf "$tree"
    for package in "$apt"/debs/*.deb; do
        dpkg-deb --extract "$package" "$tree" || return 1
    done
    mend_package "$tree"
    rm -rf "$apt"
    finish "$tree" "debian $version"
}

from_github() {
    local tree=$DEV/odoo-git
    say "Cloning Odoo $series from GitHub."
    rm -rf "$tree"
    timeout 15 git ls-remote --exit-code https://github.com/odoo/odoo "$series" >/dev/null 2>&1 || return 1
    git clone --quiet --depth 1 --branch "$series" https://github.com/odoo/odoo "$tree" || return 1
    finish "$tree" "git $(git -C "$tree" rev-parse HEAD)"
}

if [ -n "$source" ]; then
    source=$(cd "$source" 2>/dev/null && pwd) || fail "ODOO_SOURCE=$ODOO_SOURCE is not a folder."
    [ -e "$source/odoo/release.py" ] || fail "ODOO_SOURCE=$source holds no Odoo: there is no odoo/release.py in it."
    grep -q 'version_info = (19,' "$source/odoo/release.py" || fail "ODOO_SOURCE=$source is not Odoo $series."
    [ "$(readlink "$DEV/odoo")" = "$source" ] || say "Taking Odoo from $source."
    finish "$source" "$source $(git -C "$source" rev-parse HEAD 2>/dev/null || cksum <"$source/odoo/release.py")"
fi

# What was fetched before stays, unless it came from an ODOO_SOURCE that is named no more.
if [ -e "$DEV/odoo/odoo/release.py" ] && [ -z "$(cat "$DEV/odoo-source")" ]; then
    exit
fi
from_debian || from_github || fail "Odoo $series is not to be had: neither the Debian package odoo-19 nor GitHub can be reached. Name a folder with Odoo in ODOO_SOURCE."
