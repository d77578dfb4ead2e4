"""Ports of this machine, small fleets on them, and waiting for what other processes do."""

import time

from oracles.project import ROOT

from studies.faults.ports import free_ports


def free_port():
    """A port that was free a moment ago, for TCP and UDP, and that nobody got here before."""
    return free_ports(1)[0]


def free_endpoints(count):
    """Addresses on loopback whose ports were free a moment ago."""
    return {k: f"127.0.0.1:{port}" for k, port in enumerate(free_ports(count))}


def until(condition, seconds=30.0):
    """Wait until something holds; the seconds that it took. The limit is patience with a busy machine, no judgement."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < seconds, "it did not happen in time"
        time.sleep(0.01)
    return time.monotonic() - start


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
