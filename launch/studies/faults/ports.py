"""Ports of this machine for processes that are started here."""

from __future__ import annotations

import contextlib
import random
import socket

HOST = "127.0.0.1"
_PORTS = (12_000, 30_000)
_given = set[int]()


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago, for TCP and UDP, and that nobody got here before.

    They are below those that the system gives to calling sockets: a robot that calls a port of these on its own machine
    where nobody listens yet can reach itself, and then nobody else can listen there.
    """
    draw, found = random.SystemRandom(), list[int]()
    while len(found) < count:
        port = draw.randrange(*_PORTS)
        if port in _given:
            continue
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp, contextlib.suppress(OSError):
            tcp.bind((HOST, port))
            udp.bind((HOST, port))
            _given.add(port)
            found.append(port)
    return found
