"""Ports of this machine, small fleets on them, and waiting for what other processes do."""

import time

from oracles.project import ROOT

from studies.faults.ports import free_ports
from swarm.runtime.journal import Journal
from swarm.runtime.link.handshake import map_digest


def free_port():
    """A port that was free a moment ago, for TCP and UDP, and that nobody got here before."""
    return free_ports(1)[0]


def free_endpoints(count):
    """Addresses on loopback whose ports were free a moment ago."""
    return {k: f"127.0.0.1:{port}" for k, port in enumerate(free_ports(count))}


def until(condition, seconds=600.0):
    """Wait until something holds; what the condition gave. The limit is patience with a busy machine, no judgement."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.003)
    return found


def seconds_until(condition):
    """Wait until something holds; the seconds that it took."""
    start = time.monotonic()
    until(condition)
    return time.monotonic() - start


def journal_of(fleet, robot, **options):
    """The journal of one robot of a fleet, as its control process opens it."""
    return Journal(fleet.name, robot, map_digest(fleet.scenario.world), fleet.journal, fleet.path, **options)


def write_fleet(path, name, robots, seconds, more=""):
    """Write the file of a fleet that delivers in the warehouse, in a physics world; ``more`` lines end in a newline."""
    ends = ", ".join(f"{i}: tcp/127.0.0.1:{free_port()}" for i in range(robots))
    path.write_text(
        f"fleet: {name}\n"
        f"deliveries: {{map: {ROOT}/envs/maps/warehouse.map, robots: {robots}, seed: 1, seconds: {seconds}}}\n"
        f"planner: cells\ncontroller: tuner\nmargin: 0.06\ndriver: bullet\nendpoints: {{{ends}}}\n"
        f"{more}physics: 127.0.0.1:{free_port()}\n"
    )
    return path
