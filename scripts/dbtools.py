"""Databases of the development server: build, copy, install into, drop.

A database goes with its filestore, where Odoo keeps attachments and asset bundles. Copying
takes a second, so whoever needs a database copies one and drops it afterwards. Run it as
``dbtools.py base``, ``copy FROM TO``, ``install DATABASE ADDON...``, ``demo ADDON...``,
``serve-at DATABASE ADDRESS`` or ``drop DATABASE...`` within ``scripts/env.sh``, or import the functions.
"""

import ast
import fcntl
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

PREFIX = "custom_crm_base_"
DEMO = "custom_crm"
BUILDING_DEMO = "custom_crm_demo_building"


def odoo(log, *arguments):
    """Run an Odoo server that ends by itself; all it says goes to the log."""
    command = [sys.executable, "-m", "odoo", "server", "--config", str(CONF), "--no-http", "--stop-after-init"]
    with log.open("w") as output:
        subprocess.run([*command, *arguments], check=True, stdout=output, stderr=subprocess.STDOUT)


def sql(query, database="postgres"):
    """The rows that a query returns, as lists of strings."""
    command = [
        "psql",
        "-w",
        "-X",
        "-q",
        "-A",
        "-t",
        "-v",
        "ON_ERROR_STOP=1",
        "-d",
        database,
        "-c",
        query,
    ]
    output = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout
    return [line.split("|") for line in output.splitlines()]


def databases():
    return [row[0] for row in sql("SELECT datname FROM pg_database WHERE NOT datistemplate")]


def copy(source, target):
    """Copy a database that nobody is connected to, with its filestore."""
    subprocess.run(["createdb", "-w", "-T", source, target], check=True)
    # Odoo never changes a stored file, it only adds and deletes: links are enough.
    shutil.rmtree(FILESTORE / target, ignore_errors=True)
    if (FILESTORE / source).is_dir():
        shutil.copytree(FILESTORE / source, FILESTORE / target, copy_function=os.link)


def rename(old, new):
    if (FILESTORE / old).is_dir():
        shutil.rmtree(FILESTORE / new, ignore_errors=True)
        (FILESTORE / old).rename(FILESTORE / new)
    sql(f'ALTER DATABASE "{old}" RENAME TO "{new}"')


def drop(name):
    subprocess.run(
        ["dropdb", "-w", "--force", "--if-exists", name],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    shutil.rmtree(FILESTORE / name, ignore_errors=True)


def base():
    """The name of the base database: Odoo with the modules that we depend on, without us.

    It is built once for each state of what it depends on.
    """
    depends = [
        (DEV / "odoo-version").read_text(),
        (ROOT / "requirements.txt").read_text(),
        BASE_MODULES,
        BASE_LANGUAGES,
    ]
    name = PREFIX + hashlib.sha256("\n".join(depends).encode()).hexdigest()[:10]
    with (DEV / "base.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if name not in databases():
            build_base(name)
    return name


def build_base(name):
    print("Building the base database: a minute, once.", file=sys.stderr)
    for old in databases():
        if old.startswith(PREFIX):
            drop(old)
    building = PREFIX + "building"
    log = DEV / "log" / "base.log"
    try:
        odoo(
            log,
            f"--addons-path={DEV / 'odoo' / 'odoo' / 'addons'}",
            f"--database={building}",
            f"--init={BASE_MODULES}",
            f"--load-language={BASE_LANGUAGES}",
        )
    except subprocess.CalledProcessError:
        sys.exit(f"The base database could not be built. The log: {log}")
    rename(building, name)


def install(database, addons, *options):
    """Install or update add-ons; what Odoo warns of while it does so is an error."""
    log = DEV / "log" / f"{database}.log"
    names = ",".join(addons)
    try:
        odoo(log, f"--database={database}", f"--init={names}", *options)
    except subprocess.CalledProcessError:
        print(*log.read_text().splitlines()[-30:], sep="\n", file=sys.stderr)
        sys.exit(f"{names} could not be installed in {database}. The log: {log}")
    if subprocess.run(["checklog-odoo", str(log)], check=False).returncode:
        sys.exit(f"Installing {names} in {database} gave warnings. The log: {log}")


def missing(database, addons):
    """The modules that add-ons depend on, other than themselves, and that the database lacks."""
    depends = set()
    for addon in addons:
        depends |= set(ast.literal_eval((ROOT / addon / "__manifest__.py").read_text())["depends"])
    installed = {name for [name] in sql("SELECT name FROM ir_module_module WHERE state = 'installed'", database)}
    return sorted(depends - installed - set(addons))


def install_demo(database, addons):
    """Install add-ons with their own demo data, but without that of other modules.

    Odoo loads the demo data of a module only where all that it depends on has its own. So
    say for a moment that it has.
    """
    if others := missing(database, addons):
        install(database, others)
    sql("UPDATE ir_module_module SET demo = true WHERE state = 'installed'", database)
    install(database, addons)
    ours = ",".join(addons)
    sql(f"UPDATE ir_module_module SET demo = false WHERE name <> ALL (string_to_array('{ours}', ','))", database)  # noqa: S608


def demo(addons):
    """Bring the database with the demo company up to the state of the add-ons' files."""
    stamp = DEV / "stamps" / "demo"
    names = " ".join(addons)
    if DEMO not in databases():
        print("Building the database with the demo company.", file=sys.stderr)
        stamp.unlink(missing_ok=True)
        drop(BUILDING_DEMO)
        copy(base(), BUILDING_DEMO)
        install_demo(BUILDING_DEMO, addons)
        rename(BUILDING_DEMO, DEMO)
    elif not stamp.exists() or stamp.read_text() != names or newest(addons) > stamp.stat().st_mtime:
        print("Updating the database with the demo company.", file=sys.stderr)
        install(DEMO, addons, f"--update={','.join(addons)}")
    else:
        return
    stamp.write_text(names)


def serve_at(database, address):
    """Tell a database where its server is: PDFs take their styles from there, e-mails link to it."""
    for key in ("report.url", "web.base.url"):
        sql(
            f"INSERT INTO ir_config_parameter (key, value) VALUES ('{key}', '{address}')"  # noqa: S608
            " ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value",
            database,
        )


def newest(addons):
    """When a file of the add-ons was last changed."""
    files = [path for addon in addons for path in (ROOT / addon).rglob("*")]
    return max(path.stat().st_mtime for path in files if "__pycache__" not in path.parts)


def start_shell(database, code, **kwargs):
    """Start a process of its own that runs Python code in Odoo's shell.

    ``env`` is there as always. What the code prints comes out of the process; what it
    changes stays only if it calls ``env.cr.commit()``.
    """
    command = [sys.executable, "-m", "odoo", "shell", "--config", str(CONF)]
    command += [
        "--no-http",
        "--log-level=warn",
        "--shell-interface=python",
        f"--database={database}",
    ]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **kwargs,
    )
    process.stdin.write(code)
    process.stdin.close()
    process.stdin = None
    return process


def finish_shell(process, timeout=300):
    """What the code of ``start_shell`` printed, or an error with its traceback."""
    output, errors = process.communicate(timeout=timeout)
    if process.returncode:
        raise RuntimeError(errors)
    return output


def shell(database, code):
    return finish_shell(start_shell(database, code))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["base"]:
            print(base())
        case ["copy", source, target]:
            copy(source, target)
        case ["install", database, *addons]:
            install(database, addons)
        case ["demo", *addons]:
            demo(addons)
        case ["serve-at", database, address]:
            serve_at(database, address)
        case ["drop", *names]:
            for name in names:
                drop(name)
        case _:
            sys.exit(__doc__)
