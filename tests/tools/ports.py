"""Ports for servers that are told which to listen on, and that come back on the same one."""

import random
import socket

# Below what Linux gives to connections (32768 and up): in there, a connection that another test
# makes may have the port by the time that the server, or the server started again, wants it.
CANDIDATES = range(20_000, 32_000)


def free_port():
    while True:
        port = random.choice(CANDIDATES)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
