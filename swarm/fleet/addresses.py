"""Whether the addresses of a fleet are free here, before anything of it is started."""

from __future__ import annotations

import errno
import socket

from swarm.errors import InputError
from swarm.runtime.fleet_file.read import FleetFile

_FREE = "an address that nothing uses yet, of another fleet or of this one"


def check_free(fleet: FleetFile, *, world: bool) -> None:
    """Refuse a fleet whose robots or physics world would meet another's: two would drive the same bodies.

    Args:
        fleet: All of whose robots are to run here.
        world: Whether its physics world is to be started, too.

    Raises:
        InputError: Names the first address that is in use.
    """
    for robot, address in fleet.addresses.items():
        host, _, port = address.rpartition(":")
        if _in_use(host, int(port), socket.SOCK_STREAM):
            raise InputError(f"{fleet.path}: endpoints[{robot}]", fleet.endpoints[robot], _FREE)
    if world and fleet.physics is not None and _in_use(*fleet.physics, socket.SOCK_DGRAM):
        raise InputError(f"{fleet.path}: physics", "{}:{}".format(*fleet.physics), _FREE)


def _in_use(host: str, port: int, kind: socket.SocketKind) -> bool:
    """Whether somebody listens there. What cannot be bound for another reason is told by who needs it."""
    try:
        family, _, protocol, _, address = socket.getaddrinfo(host.strip("[]"), port, type=kind)[0]
        with socket.socket(family, kind, protocol) as probe:
            if kind == socket.SOCK_STREAM:  # not those who have just ended
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return error.errno == errno.EADDRINUSE
    return False
