"""Whether robots sense far enough: refused where what is declared cannot hold, and the figure that is named will do."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from swarm.errors import InputError
from swarm.model.body import body_of
from swarm.model.dynamics import Kind, Limits
from swarm.model.error_bounds import EXACT, ErrorBounds
from swarm.model.footprint.polygon import box, reach
from swarm.model.sensing_range import range_for_stranger, range_for_team
from swarm.model.strangers import NOBODY, UNKNOWN, Strangers
from swarm.robot import Robot
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario import Scenario
from swarm.scenario.strangers_sensed import range_of
from swarm.scenario.world import World

SINGLE, DOUBLE, UNICYCLE = Kind
DECLARED = Strangers(1.0)
ROOM = World(np.array([0.0, 0.0, 30.0, 20.0]))


def spec(x: float, kind: Kind = DOUBLE, **more: Any) -> RobotSpec:
    start = np.array([x, 5.0, 0.0, 0.0, 0.0])
    return RobotSpec(kind, start, start[None, :2], 0.3, Limits(1.0, 1.0 if kind == DOUBLE else np.inf, 4.0), **more)


def among(sensing: float, strangers: Strangers, world: World = ROOM, errors: ErrorBounds = EXACT) -> Scenario:
    robots = (spec(5.0), spec(9.0, SINGLE, ignores=True))
    return Scenario(world, robots, dt=0.05, sensing_radius=sensing, errors=errors, strangers=strangers)


def test_a_radius_that_cannot_do_is_refused_with_one_that_does() -> None:
    with pytest.raises(InputError, match="sensing_radius") as refused:
        among(2.0, Strangers(1.5))
    found = re.search(r"at least ([\d.]+) m", str(refused.value))
    assert found is not None
    enough = float(found[1])
    # By hand: radii, a period and 20 periods of braking at 1 m/s along both axes, and 1.05 s at 1.5 m/s.
    assert enough == pytest.approx(0.6 + 2**0.5 * (0.05 + 0.5) + 1.5 * 1.05, abs=2e-3)
    assert among(enough, Strangers(1.5)).notes == ()
    with pytest.raises(InputError, match="sensing_radius"):
        among(enough - 0.01, Strangers(1.5))
    with pytest.raises(InputError, match="sensing_radius"):
        among(enough, Strangers(1.5), errors=ErrorBounds(age=0.1))  # it has come nearer since the scan


def test_who_senses_all_of_the_room_misses_nobody() -> None:
    small = World(np.array([4.0, 4.0, 9.5, 6.0]))
    assert among(6.0, Strangers(9.0), small).sensing_radius == 6.0
    with pytest.raises(InputError):
        among(6.0, Strangers(9.0))


def test_what_is_not_declared_is_only_said() -> None:
    (note,) = among(2.0, UNKNOWN).notes
    assert "2 m" in note and "not declared" in note
    enough = float(re.findall(r"ask for ([\d.]+) m", note)[0])
    assert among(enough, UNKNOWN).notes == () == among(2.0, NOBODY).notes
    nobody = replace(among(enough, UNKNOWN), robots=(spec(5.0), spec(9.0)), sensing_radius=2.0)
    assert nobody.notes == ()


def test_a_robot_refuses_what_is_too_little_for_strangers_of_any_size() -> None:
    declared: dict[str, Any] = {"dt": 0.05, "strangers": Strangers(1.5), "controller": "fixed:2,1"}
    with pytest.raises(InputError, match="sensing_radius") as refused:
        Robot(spec(5.0), ROOM, sensing_radius=2.0, **declared)
    enough = float(re.findall(r"at least ([\d.]+) m", str(refused.value))[0])
    Robot(spec(5.0), ROOM, sensing_radius=enough, **declared)
    Robot(spec(5.0, ignores=True), ROOM, sensing_radius=2.0, **declared)
    Robot(spec(5.0), ROOM, sensing_radius=2.0, **{**declared, "strangers": UNKNOWN})


def test_the_range_grows_with_everything_that_is_unknown() -> None:
    def need(errors: ErrorBounds, strangers: Strangers = DECLARED, speed: float = 1.0) -> float:
        body = body_of(UNICYCLE, 0.3, Limits(1.0, turn_rate=4.0), dt=0.05, sensing_radius=9.0, errors=errors)
        return range_for_stranger(int(UNICYCLE), body, errors, strangers, 0.2, speed)

    exact = need(ErrorBounds())
    assert exact == pytest.approx(0.5 + 0.05 + 0.05)
    worse: Any
    for worse in ({"age": 0.1}, {"dead_time": 0.1}, {"lag": 0.1}, {"position": 0.1}, {"sensing": 0.1}, {"slip": 0.1}):
        assert need(ErrorBounds(**worse)) > exact + 1e-3, worse
    assert need(ErrorBounds(age=0.1)) == pytest.approx(exact + 0.1)
    assert need(ErrorBounds(), Strangers(), 2.0) == pytest.approx(0.5 + 0.05 + 0.1 + 0.5 * 0.05**2)
    assert need(ErrorBounds(), NOBODY) == 0.0


def test_a_team_that_is_only_sensed_asks_for_what_it_may_have_moved_since() -> None:
    errors = ErrorBounds(age=0.1, sensing=0.02, others="sensed")
    one, other = (body_of(SINGLE, 0.3, Limits(v), dt=0.05, sensing_radius=9.0, errors=errors) for v in (1.0, 2.0))
    way = 2**0.5 * 0.05
    assert range_for_team(one, other, errors) == pytest.approx(0.6 + 3.0 * way + 2.0 * 2.0 * way + 0.02)


def test_a_polygon_senses_as_far_as_its_own_margin_asks() -> None:
    outline, errors = box(0.5, 0.25), ErrorBounds(heading=0.1)
    disc = replace(spec(5.0), radius=reach(outline))
    needs = [range_of(one, 0.3, 1.0, errors, DECLARED, dt=0.05) for one in (disc, replace(disc, footprint=outline))]
    body = replace(disc, footprint=outline).body(dt=0.05, sensing_radius=1e6, errors=errors)
    assert needs[1] == range_for_stranger(DOUBLE, body, errors, DECLARED, 0.3, 1.0) > needs[0]
