"""Rows of convex polygons."""

from __future__ import annotations

import math

import numpy as np
import pytest

from envs.arena.episodes import play
from swarm.model.dynamics import Kind, Limits
from swarm.model.footprint.polygon import box, reach
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World
from swarm.tune.controllers import make_controller

CART = box(0.5, 0.25)


@pytest.mark.parametrize("off", [-0.004, -0.001, 0.002, 0.005])
def test_who_is_touched_at_the_middle_of_its_side_drives_on(off: float) -> None:
    limits = Limits(0.5, turn_rate=0.5)
    starts = [[1.0, 1.0, 0.0, 0.0, 0.0], [1.0 + off, 1.0 + 0.125 + 0.25 + 1e-5, -0.5 * math.pi, 0.0, 0.0]]
    goals = [[[2.5, 1.0]], [[1.0 + off, 1.375]]]
    robots = tuple(
        RobotSpec(Kind.UNICYCLE, np.array(start), np.array(goal), reach(CART), limits, footprint=CART)
        for start, goal in zip(starts, goals, strict=True)
    )
    scenario = Scenario(World(np.array([0.0, 0.0, 4.0, 3.0]), np.empty((0, 4))), robots, horizon=10.0, dt=0.05)
    fixed = make_controller("fixed:6,1")
    driven = play([scenario], lambda core, _: fixed(core.observe()), planner="straight")
    assert driven.safe.all() and driven.reached.all()


@pytest.mark.parametrize("turn", [0.0, math.pi])
def test_two_side_by_side_that_want_past_each_other_drive_out_before_they_turn(turn: float) -> None:
    limits = Limits(0.5, turn_rate=0.5)
    places, goals = [[1.5, 1.5], [1.751, 1.5]], [[[2.8, 1.7]], [[0.5, 1.3]]]
    robots = tuple(
        RobotSpec(
            Kind.UNICYCLE, np.array([*place, 0.5 * math.pi + off, 0.0, 0.0]), np.array(goal), reach(CART), limits,
            footprint=CART,
        )
        for place, off, goal in zip(places, (0.0, turn), goals, strict=True)
    )  # fmt: skip
    scenario = Scenario(World(np.array([0.0, 0.0, 3.3, 3.0]), np.empty((0, 4))), robots, horizon=40.0, dt=0.05)
    fixed = make_controller("fixed:6,1")
    driven = play([scenario], lambda core, _: fixed(core.observe()), planner="passages")
    assert driven.safe.all() and driven.reached.all()
