"""Prints the first port, from the one given upwards, that is free on this machine."""

import itertools
import socket
import sys

for port in itertools.count(int(sys.argv[1])):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            continue
    print(port)
    break
