"""Cars in the physics world: wheels that are led along their arcs."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from envs.bullet.world import world_of
from swarm.errors import InputError
from swarm.model.dynamics import Kind, Limits
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World

pytestmark = pytest.mark.bullet
CAR = Limits(1.0, 1.0, wheelbase=0.35, steering=0.5, steering_rate=1.5, reverse_speed=0.5)


def alone(limits: Limits) -> Scenario:
    start = np.array([5.0, 5.0, 0.0, 0.0, 0.0])
    robot = RobotSpec(Kind.UNICYCLE, start, np.array([[9.0, 9.0]]), 0.3, limits)
    return Scenario(World(np.array([0.0, 0.0, 10.0, 10.0])), (robot,), 20.0, 0.05, 4.0)


@pytest.mark.parametrize("way", [1.0, -1.0], ids=["forward", "backwards"])
def test_a_car_drives_the_arc_that_it_is_told(way: float) -> None:
    world = world_of(alone(CAR), seed=0)
    curve, places = 0.8 * CAR.curvature, []
    for k in range(100):
        speed = way * min(0.4, 0.05 * k)
        world.step(np.array([[speed, curve * speed]]))
        if k >= 20:
            places.append(world.state()[0, :3].copy())
    world.close()
    path = np.array(places)
    turned = np.abs(np.unwrap(path[:, 2])[-1] - path[0, 2])
    length = np.hypot(*np.diff(path[:, :2], axis=0).T).sum()
    assert length > 1.0
    assert turned / length == pytest.approx(curve, rel=0.05)


def test_a_steering_that_is_faster_than_the_motors_turn_it_is_refused() -> None:
    with pytest.raises(InputError, match=r"robots\[0\]: steering_rate: got 40\.0; valid: at most .* rad/s"):
        world_of(alone(replace(CAR, steering_rate=40.0)), seed=0)
    world_of(alone(replace(CAR, steering_rate=math.inf)), seed=0).close()
