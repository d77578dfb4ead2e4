"""One-lane aisles in which somebody stands and says nothing: another is taken, or it is said that there is none."""

from __future__ import annotations

import numpy as np
import pytest

from envs.rollout.plants import ExactPlant
from envs.rollout.run import Run
from envs.rollout.team import Fleet
from swarm.model.dynamics import Kind, Limits
from swarm.scenario.grid_map import GridMap
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World


def cart(x: float, goal: float, cooperative: bool = True) -> RobotSpec:
    """A robot in the lower lane, which is at y = 0.5 m."""
    state, goals = np.array([x, 0.5, 0.0, 0.0, 0.0]), np.array([[goal, 0.5]])
    return RobotSpec(Kind.UNICYCLE, state, goals, 0.25, Limits(1.0, turn_rate=4.0), cooperative=cooperative)


def drive(rows: list[str], *robots: RobotSpec, planner: str = "cells") -> Run:
    """Until the first robot arrives."""
    scenario = Scenario(World.from_grid(GridMap.from_rows(rows)), robots, 40.0, 0.05, 3.0)
    run = Run(scenario, Fleet(scenario, planner=planner, controller="fixed:4,1"), ExactPlant(scenario))
    while run.tick_count < run.steps and not run.reached[0]:
        run.tick()
    assert not run.touched.any()
    return run


@pytest.mark.parametrize("planner", ["cells", "cells:guided", "cells:pibt"])
@pytest.mark.parametrize(("length", "place"), [(5, 2), (7, 3), (9, 4), (12, 5)])
def test_the_other_lane_of_a_ring_is_taken(planner: str, length: int, place: int) -> None:
    rows = ["." * length, "." + "#" * (length - 2) + ".", "." * length]
    run = drive(rows, cart(0.5, length - 0.5), cart(place + 0.5, place + 0.5, cooperative=False), planner=planner)
    wall = "." * place + "#" + "." * (length - place - 1)
    free = drive([*rows[:2], wall], cart(0.5, length - 0.5), planner=planner)
    assert run.reached[0] and free.reached[0]
    assert run.time <= 1.5 * free.time


def test_without_another_way_it_waits_and_says_for_whom() -> None:
    run = drive(["#######", "......."], cart(0.5, 6.5), cart(4.5, 4.5, cooperative=False))
    assert not run.reached[0]
    way = np.array(run.trajectory.position)[:, 0]
    assert np.linalg.norm(way[-200:] - way[-1], axis=1).max() < 0.05, "it goes to and fro"
    assert "the aisle is blocked at [4.50, 0.50]" in run.commands[0].plan.note
