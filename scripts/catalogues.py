"""Translation catalogues of the add-ons: ``catalogues.py ADDON...`` brings them up to date.

It installs the add-ons in a database of its own, exports the terms to ``i18n/ADDON.pot``
and merges them into ``i18n/ru.po``: translations stay, old terms go, new ones come with the
translation that Odoo has for the same words, or empty.
"""

import functools
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import dbtools
import polib

WIDTH = 78
PLURAL_FORMS = "nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);"


def export(database, addon):
    """The terms of an add-on as it is installed in a database."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"{addon}.pot")
        command = [sys.executable, "-m", "odoo", "i18n", "export", "--config", str(dbtools.CONF)]
        subprocess.run(
            [*command, f"--database={database}", f"--output={path}", addon],
            check=True,
            capture_output=True,
        )
        return polib.pofile(str(path), wrapwidth=WIDTH)


def template(addon):
    return dbtools.ROOT / addon / "i18n" / f"{addon}.pot"


def catalogue(addon):
    return dbtools.ROOT / addon / "i18n" / "ru.po"


def read(path):
    return polib.pofile(str(path), wrapwidth=WIDTH)


@functools.cache
def odoo_says():
    """Odoo's own Russian for terms that every add-on has, such as "Display Name"."""
    known = {}
    for module in ("base", "web", "mail", *dbtools.BASE_MODULES.split(",")):
        for addons in ("odoo/addons", "addons"):
            path = dbtools.DEV / "odoo" / addons / module / "i18n" / "ru.po"
            if path.exists():
                known = {entry.msgid: entry.msgstr for entry in read(path) if entry.translated()} | known
    return known


def update(database, addon):
    pot = export(database, addon)
    # The day of the export would change the file where nothing else does.
    for key in ("POT-Creation-Date", "PO-Revision-Date"):
        pot.metadata.pop(key, None)
    template(addon).parent.mkdir(exist_ok=True)
    pot.save(str(template(addon)))

    if catalogue(addon).exists():
        po = read(catalogue(addon))
    else:
        po = polib.POFile(wrapwidth=WIDTH)
        po.header = pot.header
        po.metadata = pot.metadata | {
            "Language": "ru",
            "Plural-Forms": PLURAL_FORMS,
        }
    po.merge(pot)
    order = {entry.msgid: number for number, entry in enumerate(pot)}
    kept = sorted((entry for entry in po if not entry.obsolete), key=lambda entry: order[entry.msgid])
    po[:] = kept
    for entry in po:
        if not entry.msgstr:
            entry.msgstr = odoo_says().get(entry.msgid, "")
    po.save(str(catalogue(addon)))
    missing = len([entry for entry in po if not entry.translated()])
    print(f"{addon}: {len(po)} terms, {missing} without a Russian translation")


def main(addons):
    database = f"custom_crm_i18n_{os.getpid()}"
    dbtools.copy(dbtools.base(), database)
    try:
        dbtools.install(database, addons)
        for addon in addons:
            update(database, addon)
    finally:
        dbtools.drop(database)


if __name__ == "__main__":
    main(sys.argv[1:])
