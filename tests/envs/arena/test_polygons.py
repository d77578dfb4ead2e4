"""Batched worlds of robots that are convex polygons."""

from __future__ import annotations

import math

import numpy as np
import pytest
from oracles.polygons import BOX, BOX_LIMITS, BOX_RADIUS, corners_at, depth

from envs.arena.core import ArenaCore
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World

BOLD = np.array([1.0, 0.5, 1.0, 0.5, 0.5, 1.0])


def box(name: str, x: float, y: float, heading: float, goal: tuple[float, float]) -> RobotSpec:
    kind, limits = BOX_LIMITS[name]
    return RobotSpec(kind, np.array([x, y, heading, 0, 0]), np.array([goal]), BOX_RADIUS, limits, footprint=BOX)


def gap_world(name: str, gap: float, footprint: bool = True) -> Scenario:
    """A box before a gap between two walls, and a goal behind it."""
    walls = np.array([[0.0, 1.5 + gap / 2, 0.1, 1.5], [0.0, -1.5 - gap / 2, 0.1, 1.5]])
    robot = box(name, -1.5, 0.3, 0.0, (1.5, 0.0))
    kind, limits = BOX_LIMITS[name]
    robot = robot if footprint else RobotSpec(kind, robot.start, robot.goals, BOX_RADIUS, limits)
    return Scenario(World(np.array([-3.0, -3, 3, 3]), walls), (robot,), dt=0.05, sensing_radius=2.5)


def drive(core: ArenaCore, periods: int) -> None:
    for _ in range(periods):
        core.advance(np.tile(BOLD, (core.num_worlds, core.num_robots, 1)))
        core.arrive()


@pytest.mark.parametrize("name", BOX_LIMITS)
def test_a_box_passes_a_gap_that_its_disc_does_not_fit(name: str) -> None:
    core = ArenaCore(lambda _: gap_world(name, 0.35), checks=6, redraw=False)
    drive(core, 250)
    assert core.reached.all()
    assert core.min_clearance.min() >= 0.0
    disc = ArenaCore(lambda _: gap_world(name, 0.35, footprint=False), checks=6, redraw=False)
    drive(disc, 250)
    assert not disc.reached.any()


def test_boxes_among_discs_keep_apart_and_gaps_are_those_of_bodies() -> None:
    """Through the same middle, with random tunables; overlaps judged by an oracle."""

    def crossing(_: np.random.Generator) -> Scenario:
        robots = []
        for k, name in enumerate(("single", "double", "unicycle", "ramped", "unicycle", "ramped")):
            angle = k * math.pi / 3
            x, y = 1.3 * math.cos(angle), 1.3 * math.sin(angle)
            robot = box(name, x, y, angle + 2.0, (-x, -y))
            if k == 4:
                robot = RobotSpec(robot.kind, robot.start, robot.goals, 0.15, robot.limits)
            robots.append(robot)
        return Scenario(World(np.array([-2.0, -2, 2, 2])), tuple(robots), dt=0.05, sensing_radius=3.0)

    core, rng = ArenaCore(crossing, checks=6, redraw=False), np.random.default_rng(3)
    boxes = [0, 1, 2, 3, 5]
    for _ in range(200):
        core.advance(rng.uniform(0.0, 1.0, (1, 6, 6)))
        bodies = [corners_at(core.state[0, i], BOX) for i in boxes]
        assert all(depth(a, b) < 0.0 for i, a in enumerate(bodies) for b in bodies[:i])
        if core.clearance[0, boxes].min() < 0.0:
            pytest.fail("a gap below 0")
    assert not core.collided.any()
    assert core.min_clearance[0, boxes].min() < 2.0 * (BOX_RADIUS - 0.125)  # nearer than discs could be
