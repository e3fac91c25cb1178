"""Waits until the Odoo at an address answers and then says where it is and who may log in."""

import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

address, log, mail = sys.argv[1:]
parent = os.getppid()

while os.getppid() == parent:
    try:
        with urllib.request.urlopen(f"{address}/web/login", timeout=60):
            break
    except (urllib.error.URLError, TimeoutError):
        time.sleep(0.5)
else:
    sys.exit()

print(
    f"""
Odoo's log:   {log}
Sent e-mails: {mail}
Ctrl-C stops it.

{address}
{Path(__file__).with_name("logins.txt").read_text()}""",
    flush=True,
)
