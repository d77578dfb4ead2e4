"""Nothing changes but the frame when a whole world is turned: robots, goals and boxes."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from envs.arena.core import ArenaCore
from envs.scenarios import draw_family
from swarm.filter.tunables import encode
from swarm.model.dynamics import Kind
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World

FAR = np.array([-30.0, -30.0, 30.0, 30.0])


def turned(scenario: Scenario, angle: float) -> Scenario:
    """The scenario in a frame that is turned about the origin; its bounds are far away."""
    c, s = math.cos(angle), math.sin(angle)
    turn, robots = np.array([[c, s], [-s, c]]), []
    for robot in scenario.robots:
        heading = robot.start[2] + (angle if robot.kind == Kind.UNICYCLE else 0.0)
        start = np.array([*robot.start[:2] @ turn, heading, *robot.start[3:] @ turn])
        robots.append(replace(robot, start=start, goals=robot.goals @ turn))
    world = scenario.world
    boxes = np.column_stack([world.boxes[:, :2] @ turn, world.boxes[:, 2:]])
    return replace(scenario, world=World(FAR, boxes, angles=world.angles + angle), robots=tuple(robots))


def made(scenario: Scenario, angle: float, _: np.random.Generator) -> Scenario:
    """The turned scenario, whatever is drawn."""
    return turned(scenario, angle)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("family", ["clutter", "turned_clutter"])
def test_a_turned_world_is_driven_in_the_same_way(kind: Kind, family: str) -> None:
    scenario = draw_family(family, 4, kind=kind, robots=8, obstacles=8, side=1.8)
    action = np.tile(encode(np.array([6.0, 1.0, 6.0, 1.0, 0.3, 1.0])), (1, len(scenario.robots), 1))
    for angle in (0.5 * math.pi, 0.7, -2.0):
        c, s = math.cos(angle), math.sin(angle)
        turn = np.array([[c, s], [-s, c]])
        plain, other = (ArenaCore(partial(made, scenario, by)) for by in (0.0, angle))
        for _ in range(15):
            plain.step(action)
            other.step(action)
        assert np.linalg.norm(plain.state[0, :, :2] - [r.start[:2] for r in scenario.robots], axis=1).max() > 0.05
        np.testing.assert_allclose(other.state[0, :, :2], plain.state[0, :, :2] @ turn, atol=1e-6)
        assert not other.collided.any()
