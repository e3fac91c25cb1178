"""Doctests of the plain-Python modules in the add-ons' folders `tools`.

Each runs in a process that finds the add-on's own folder and no Odoo, so an import of Odoo
in there fails as well.
"""

import os
import subprocess
import sys

import pytest
from dbtools import ROOT

MODULES = sorted(path for path in ROOT.glob("custom_crm*/tools/*.py") if path.name != "__init__.py")
RUN = """
import doctest, importlib, sys
sys.exit(doctest.testmod(importlib.import_module(sys.argv[1])).failed)
"""


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_doctests(path):
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    result = subprocess.run(
        [sys.executable, "-c", RUN, f"tools.{path.stem}"],
        cwd=path.parent.parent,
        env=environment,
        capture_output=True,
        check=False,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr
