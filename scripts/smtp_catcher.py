"""An SMTP server that keeps what it receives: ``smtp_catcher.py PORT FOLDER``.

Each message becomes a file before the client hears that it was taken. Addresses that begin with «bad» are refused.
Tests and benchmarks run it in a process of its own, which they may kill.
"""

import sys
import time
import uuid
from pathlib import Path

from aiosmtpd.controller import Controller


class Catcher:
    def __init__(self, folder):
        self.folder = folder

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - aiosmtpd's names
        if address.startswith("bad"):
            return "550 No such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        name = f"{time.time_ns()}-{uuid.uuid4().hex}"
        half = self.folder / f"{name}.half"
        half.write_text("\n".join(envelope.rcpt_tos) + "\n\n")
        with half.open("ab") as file:
            file.write(envelope.content)
        half.rename(self.folder / f"{name}.eml")
        return "250 Taken"


if __name__ == "__main__":
    port, folder = int(sys.argv[1]), Path(sys.argv[2])
    controller = Controller(Catcher(folder), hostname="127.0.0.1", port=port)
    controller.start()
    print("READY", flush=True)
    sys.stdin.read()
