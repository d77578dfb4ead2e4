"""The counter of a wish: newer than what robots know, whatever clocks say, and however robots lie."""

from types import SimpleNamespace
from typing import Any

import pytest

from swarm.fleet.emergency import TOLD_BY_ROBOTS, _newer
from swarm.fleet.watch import FleetSnapshot, Watched
from swarm.runtime.link.estop import CEILING, EmergencyStop
from swarm.runtime.link.status import Status


def scene(*counters: int) -> FleetSnapshot:
    robots = tuple(Watched(Status(robot, 1, "emergency stop", True, counter)) for robot, counter in enumerate(counters))
    return FleetSnapshot(1.0, robots, None, {}, False)


def link(signs: bool, newest: EmergencyStop | None = None) -> Any:
    return SimpleNamespace(signs=signs, newest=newest, passed_on=list)


@pytest.mark.parametrize("signs", [False, True])
def test_a_release_is_newer_than_what_stopped_robots_tell(signs: bool) -> None:
    assert _newer(link(signs), scene(70, 90), EmergencyStop(False, 50)) == 91
    assert _newer(link(signs), scene(70, 90), EmergencyStop(False, 500)) == 500
    most = CEILING if signs else TOLD_BY_ROBOTS
    assert _newer(link(signs), scene(70, most, most - 1), EmergencyStop(False, 50)) == most
    assert _newer(link(signs), scene(70, most), EmergencyStop(False, 50)) == 71, "nobody has that from an operator"


def test_where_stops_are_signed_a_stop_of_a_slow_clock_grows_with_what_robots_pass_on() -> None:
    assert _newer(link(False), scene(90), EmergencyStop(True, 50)) == 50, "it is always obeyed by who hears it"
    released = EmergencyStop(False, 100)
    assert _newer(link(True, released), scene(90), EmergencyStop(True, 50)) == 101
    assert _newer(link(True, released), scene(), EmergencyStop(False, 100)) == 100, "its own wish comes back"
    assert _newer(link(True, EmergencyStop(True, 100)), scene(), EmergencyStop(False, 100)) == 101
    assert _newer(link(True, EmergencyStop(True, 7)), scene(), EmergencyStop(False, 100)) == 100
