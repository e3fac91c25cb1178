#!/usr/bin/env python3
"""Databases of the development server: copy, drop, build the base database.

A database goes with its filestore, where Odoo keeps attachments and asset bundles. Copying
takes a second, so whoever needs a database copies one and drops it afterwards. Run it as
``dbtools.py base``, ``dbtools.py copy FROM TO``, ``dbtools.py drop NAME`` within
``scripts/env.sh``, or import the functions.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEV = Path(os.environ["CUSTOM_CRM_DEV"])
CONF = DEV / "odoo.conf"
FILESTORE = DEV / "data" / "filestore"

BASE_MODULES = "account,contacts,hr,base_vat"
BASE_LANGUAGES = "ru_RU"


def odoo(*args, **kwargs):
    """Run an Odoo command and return when it has ended well."""
    command = [sys.executable, "-m", "odoo", args[0], "--config", str(CONF), *args[1:]]
    return subprocess.run(command, check=True, text=True, **kwargs)


def sql(query, database="postgres"):
    """The rows that a query returns, as lists of strings."""
    command = ["psql", "-w", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", query]
    output = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout
    return [line.split("|") for line in output.splitlines()]


def databases():
    return [row[0] for row in sql("SELECT datname FROM pg_database WHERE NOT datistemplate")]


def copy(source, target):
    """Copy a database that nobody is connected to, with its filestore."""
    subprocess.run(["createdb", "-w", "-T", source, target], check=True)
    # Odoo never changes a stored file, it only adds and deletes: links are enough.
    if (FILESTORE / source).is_dir():
        shutil.copytree(FILESTORE / source, FILESTORE / target, copy_function=os.link)


def drop(name):
    subprocess.run(["dropdb", "-w", "--force", "--if-exists", name], check=True, stderr=subprocess.DEVNULL)
    shutil.rmtree(FILESTORE / name, ignore_errors=True)


def base():
    """The name of the base database: Odoo with the modules that we depend on, without us.

    It is built once for each state of what it depends on.
    """
    depends = [(DEV / "odoo-version").read_text(), (ROOT / "requirements.txt").read_text(), BASE_MODULES, BASE_LANGUAGES]
    name = "base_" + hashlib.sha256("\n".join(depends).encode()).hexdigest()[:10]
    existing = databases()
    if name in existing:
        return name
    print("Building the base database: a minute, once.", file=sys.stderr)
    building = f"building_{name}"
    for old in existing:
        if old.startswith(("base_", "building_base_")):
            drop(old)
    log = DEV / "log" / "base.log"
    log.unlink(missing_ok=True)
    try:
        odoo(
            "server",
            "--no-http",
            f"--addons-path={DEV / 'odoo' / 'odoo' / 'addons'}",
            f"--database={building}",
            f"--init={BASE_MODULES}",
            f"--load-language={BASE_LANGUAGES}",
            f"--logfile={log}",
            "--stop-after-init",
        )
    except subprocess.CalledProcessError:
        sys.exit(f"The base database could not be built. The log: {log}")
    if (FILESTORE / building).is_dir():
        (FILESTORE / building).rename(FILESTORE / name)
    sql(f'ALTER DATABASE "{building}" RENAME TO "{name}"')
    return name


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["base"]:
            print(base())
        case ["copy", source, target]:
            copy(source, target)
        case ["drop", *names]:
            for name in names:
                drop(name)
        case _:
            sys.exit(__doc__)
