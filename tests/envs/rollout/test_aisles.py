"""On cells that robots hold for themselves, a network turns nobody aside into those of others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from envs.rollout.plants import ExactPlant
from envs.rollout.run import Run
from envs.rollout.team import Fleet
from swarm.filter.tunables import encode
from swarm.model.dynamics import Kind, Limits
from swarm.scenario.grid_map import GridMap
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario import deliveries
from swarm.tune.observation import Observation


class Turning:
    """A policy that always turns aside: two that meet, each turned into the lane of the other, stood there for ever."""

    def __init__(self, rotation: float) -> None:
        self._action = encode(np.array([5.0, 1.0, 5.0, 1.0, rotation, 1.0]))

    def __call__(self, observation: Observation) -> np.ndarray:
        return np.broadcast_to(self._action, (*observation.ego.shape[:-1], 6))


@pytest.mark.parametrize("rotation", [-0.9, 0.9])
def test_two_that_meet_in_lanes_beside_each_other_pass(rotation: float) -> None:
    grid = GridMap.from_rows(["#" * 14, "#............#", "#............#", "#" * 14])
    limits, side = Limits(1.0, turn_rate=4.0), 1.5 if rotation > 0.0 else 2.5
    specs = tuple(
        RobotSpec(Kind.UNICYCLE, np.array([x, y, heading, 0, 0]), np.array([[14.0 - x, y]]), 0.25, limits)
        for x, y, heading in ((1.5, side, 0.0), (12.5, 4.0 - side, np.pi))
    )
    scenario = replace(deliveries(grid, 2, np.random.default_rng(0), 1, horizon=40.0), robots=specs)
    run = Run(
        scenario, Fleet(scenario, planner="cells", controller=Turning(rotation), margin=0.06), ExactPlant(scenario)
    )
    while run.tick_count < run.steps:
        run.tick()
    assert run.reached.all() and run.collisions == 0
