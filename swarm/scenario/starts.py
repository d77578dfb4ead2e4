"""Which starts and goals are possible: free, apart, and such that everybody can still brake."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from swarm.errors import InputError
from swarm.model.body import ROUND
from swarm.model.dynamics import Kind
from swarm.model.error_bounds import ErrorBounds
from swarm.model.footprint.overlap import covered, gap, is_free, may_fit
from swarm.model.geometry import segment_to_obstacle, segment_to_segment
from swarm.scenario.robot_spec import RobotSpec, way_to_rest
from swarm.scenario.world import World

# Robots that touch at the start are allowed, and touching is exact only up to rounding.
_TOUCH = 1e-9
_TURN = 2.0 * math.pi + 0.01
"""A whole turn, however it is rounded [rad]."""


def check_places(world: World, robots: tuple[RobotSpec, ...], errors: ErrorBounds) -> None:
    """Refuse a start that is not free of obstacles, a goal that is no free point, and what is out of bounds.

    Raises:
        InputError: Names the robot.
    """
    low, high = world.bounds[:2], world.bounds[2:]
    owner = np.repeat(np.arange(len(robots)), [len(robot.goals) for robot in robots])
    starts = np.array([robot.start[:2] for robot in robots])
    goals = np.concatenate([robot.goals for robot in robots])
    radius = np.array([robot.radius for robot in robots])
    for key, points, who in (("start", starts, np.arange(len(robots))), ("goal", goals, owner)):
        beyond = (points < low) | (points > high)
        for index in np.flatnonzero(beyond.any(axis=1))[:1] if beyond.any() else ():
            inside = f"a centre in the bounds, x {low[0]:g} to {high[0]:g} and y {low[1]:g} to {high[1]:g}"
            raise InputError(f"Scenario.robots[{who[index]}].{key}", points[index].tolist(), inside)
        clearance = world.clearance(points)
        near = np.flatnonzero(clearance < (radius[who] - _TOUCH if key == "start" else np.finfo(float).tiny))
        for index in [k for k in near if key == "goal" or not _fits(world, robots[k], errors)][:1]:
            size = f"at least {radius[who[index]]:g} m from" if key == "start" else "outside of"
            valid = f"a centre {size} obstacles (the nearest is {clearance[index]:g} m away)"
            if key == "start" and robots[who[index]].footprint is not None:
                valid = (
                    f"a place and a heading at which its footprint {_apart_by(ROUND * radius[index], errors)} obstacles"
                )
            raise InputError(f"Scenario.robots[{who[index]}].{key}", points[index].tolist(), valid)


def check_apart(robots: tuple[RobotSpec, ...], errors: ErrorBounds) -> None:
    """Refuse two robots that overlap at the start: a sweep along x, for thousands of robots.

    Raises:
        InputError: Names them.
    """
    outlined = errors.others == "heard"  # who only senses others does not know their outlines
    xy = np.array([robot.start[:2] for robot in robots])
    radius = np.array([robot.radius for robot in robots])
    order = np.argsort(xy[:, 0], kind="stable")
    last = np.searchsorted(xy[order, 0], xy[order, 0] + radius[order] + radius.max(), side="right")
    for place in np.flatnonzero(last > np.arange(1, len(order) + 1)):  # others are within reach along x
        i, others = order[place], order[place + 1 : last[place]]
        apart = np.hypot(*(xy[others] - xy[i]).T) - radius[others] - radius[i]
        for j in [k for k in others[apart < -_TOUCH] if not (outlined and _fit_together(robots[i], robots[k], errors))][
            :1
        ]:
            a, b = sorted((int(i), int(j)))
            distance = float(np.hypot(*(xy[a] - xy[b])))
            both = radius[a] + radius[b]
            valid = f"starts at least {both:g} m apart, the sum of the two radii"
            if outlined and not (robots[a].footprint is None and robots[b].footprint is None):
                valid = f"starts at which one's outline {_apart_by(ROUND * both, errors)} the other's"
            where = f"Scenario.robots[{a}].start and robots[{b}].start"
            raise InputError(where, f"{distance:g} m apart", valid)


def _fits(world: World, robot: RobotSpec, errors: ErrorBounds, span: tuple[float, float] = (0.0, 0.0)) -> bool:
    """Whether a robot touches no obstacle on a straight way [m] from its start as an outline; False if it is a disc."""
    near = world.near(robot.start[:2], robot.radius + math.hypot(*span), len(world.obstacles))
    slack = _TOUCH - ROUND * robot.radius * errors.any
    return robot.footprint is not None and is_free(covered(robot.footprint, robot.start, span), near, slack)


def _fit_together(
    one: RobotSpec, other: RobotSpec, errors: ErrorBounds,
    spans: Sequence[tuple[float, float]] = ((0.0, 0.0), (0.0, 0.0)),
) -> bool:  # fmt: skip
    """Whether two robots do not touch on straight ways [m] from their starts as outlines; False if both are discs."""
    pair = (one, other)
    if all(robot.footprint is None for robot in pair):
        return False
    shapes = [covered(robot.footprint, robot.start, span) for robot, span in zip(pair, spans, strict=True)]
    discs = sum(robot.radius for robot in pair if robot.footprint is None)
    kept = ROUND * (one.radius + other.radius) if errors.any and discs == 0.0 else discs
    return gap(*shapes) >= kept - _TOUCH


def _apart_by(least: float, errors: ErrorBounds) -> str:
    """How far outlines have to be from each other or from obstacles, for people."""
    return f"is {least:.3g} m away from" if errors.any else "does not overlap"


def note_goal(world: World, robot: RobotSpec) -> str:
    """What is to be said of a robot whose outline overlaps an obstacle at a goal, however it stands there."""
    if robot.footprint is None:
        return ""
    heading = None if robot.kind == Kind.UNICYCLE else float(robot.start[2])
    for goal in robot.goals[world.clearance(robot.goals) < robot.radius]:
        if not may_fit(robot.footprint, goal, heading, world.near(goal, robot.radius, len(world.obstacles))):
            how = "with any heading" if heading is None else "with the heading that it keeps"
            return f"a robot's footprint does not fit at its goal {goal.tolist()} {how}: it stops before"
    return ""


def note_turns(world: World, robots: Sequence[RobotSpec]) -> list[str]:
    """What is to be said of angles of more than a turn, which are taken as they are: surely somebody meant degrees."""
    headings = [(f"robot {i} has a heading", max(robot.start[2], robot.goal_heading or 0.0, key=abs))
                for i, robot in enumerate(robots)]  # fmt: skip
    boxes = [(f"box {i} is turned", angle) for i, angle in enumerate(world.angles)]
    found = []
    for things, by in ((headings, "of"), (boxes, "by")):
        odd = [f"{what} {by} {angle:.9g} rad" for what, angle in things if abs(angle) > _TURN]
        others = f" (and {len(odd) - 1} more so)" if odd[1:] else ""
        found += [f"{one}{others}, more than a turn: angles are in radians, 90° are 1.5708" for one in odd[:1]]
    return found


def check_can_stop(world: World, robots: tuple[RobotSpec, ...], dt: float, errors: ErrorBounds) -> None:
    """Refuse a start in motion that cannot come to rest without touching anything: the shield's guarantee builds on it.

    Raises:
        InputError: Names the robot.
    """
    starts = [robot.start for robot in robots]
    spans = [way_to_rest(robot, dt) for robot in robots]
    for i in (k for k, span in enumerate(spans) if span != (0.0, 0.0)):
        where, valid = f"Scenario.robots[{i}].start", "a velocity from which the robot can still brake in time"
        x, y, need = starts[i][0], starts[i][1], robots[i].radius - _TOUCH
        for thing in world.near((x, y), math.hypot(*spans[i]) + robots[i].radius, len(world.obstacles)):
            if segment_to_obstacle(x, y, *spans[i], thing)[0] < need and not _fits(world, robots[i], errors, spans[i]):
                raise InputError(where, starts[i].tolist(), valid)
        end = np.array([x, y]) + spans[i]
        if (end < world.bounds[:2]).any() or (end > world.bounds[2:]).any():
            raise InputError(where, starts[i].tolist(), valid)
        for j in range(len(robots)):
            apart = segment_to_segment(x, y, *spans[i], starts[j][0], starts[j][1], *spans[j])[0]
            pair, ways = (robots[i], robots[j]), (spans[i], spans[j])
            fits = errors.others == "heard" and apart < need + robots[j].radius and _fit_together(*pair, errors, ways)
            if j != i and apart < need + robots[j].radius and not fits:
                raise InputError(where, starts[i].tolist(), f"{valid} (robot {j} is in the way)")
