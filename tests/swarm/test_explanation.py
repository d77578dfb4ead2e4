"""Why a control is not the nominal one; the oracle leaves the named barrier out and solves again, with cvxpy."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.attackers import around_of
from oracles.contact import surface_distance
from oracles.teams import limits_of

from swarm import Neighbour, Robot, Strangers, View
from swarm.explanation import Override, explain, sentence
from swarm.filter import barriers
from swarm.filter.reference import ReferenceSolver
from swarm.filter.tunables import COUNT
from swarm.model.body import LOOK_AHEAD
from swarm.model.dynamics import Kind
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.world import World
from swarm.sense.neighbours import NEIGHBOUR

ROOM = World(np.array([0.0, 0.0, 4.0, 4.0]))
BOLD = np.array([0.5, 0.3, 0.5, 0.3, 0.5, 1.0])
REFERENCE = ReferenceSolver()


def a_robot(kind: Kind, *, start: tuple[float, float] = (2.0, 2.0), cooperative: bool = True) -> Robot:
    state, limits = np.array([*start, 0, 0, 0]), limits_of(kind, 1.0, 2.0, 4.0)
    spec = RobotSpec(kind, state, np.array([[3.5, 2.0]]), 0.1, limits, cooperative=cooperative)
    return Robot(spec, ROOM, dt=0.05, sensing_radius=1.5, planner="straight", controller="fixed:2,1")


def neighbour(robot_id: int, x: float, y: float, vx: float = 0.0, vy: float = 0.0) -> np.ndarray:
    row = np.zeros(NEIGHBOUR)
    row[[0, 1, 2, 3, 4, 7, 8, 9, 10, 13]] = x, y, vx, vy, 0.1, math.inf, 0.1, x, y, robot_id
    return row


def explicit(view: View) -> np.ndarray:
    """Its obstacles, which do not come from the map."""
    assert view.obstacles is not None
    return view.obstacles


def solve(robot: Robot, view: View, tunables: np.ndarray, nominal: np.ndarray) -> np.ndarray:
    """The reference's solution for a view with explicit obstacles, in the variables of the QP."""
    near, things = view.neighbours, explicit(view)
    size = len(near) + len(things) + 4
    rows, rhs, box = np.empty((size, 2)), np.empty(size), np.empty((2, 2))
    around = around_of(view.state, neighbours=near, obstacles=things, bounds=robot.bounds)
    count: int = barriers.build(robot.kind, view.state, robot.body, around, tunables, rows, rhs)
    barriers.control_box(robot.kind, view.state, robot.body, around.trail, box)
    return REFERENCE(nominal, rows[:count], rhs[:count], box[0], box[1]).control


def variables(robot: Robot, control: np.ndarray) -> np.ndarray:
    return control * [1.0, robot.body[LOOK_AHEAD] if robot.kind == Kind.UNICYCLE else 1.0]


def a_view(robot: Robot, rng: np.random.Generator) -> View:
    """Near others, some of them approaching; off the bounds."""
    near, things = [], []
    for k in range(int(rng.integers(0, 4))):
        angle, far = rng.uniform(-1.6, 1.6), rng.uniform(0.28, 0.6)
        near.append(neighbour(k + 3, 2 + far * math.cos(angle), 2 + far * math.sin(angle), *rng.uniform(-0.5, 0.2, 2)))
    for _ in range(int(rng.integers(0, 3))):
        angle, far = rng.uniform(-3, 3), rng.uniform(0.3, 0.6)
        things.append([2 + far * math.cos(angle), 2 + far * math.sin(angle), 0.05, 0.05, 0.03])
    state = [2.0, 2.0, rng.uniform(-0.5, 0.5), *rng.uniform(0.0, 0.3, 2)]
    if robot.kind == Kind.UNICYCLE:
        state[3:] = 0.3 * math.cos(state[2]), 0.3 * math.sin(state[2])
    others = np.array(near).reshape(-1, NEIGHBOUR)
    return View(0.0, state, [3.5, 2.0], others, obstacles=np.array(things).reshape(-1, 5))


@pytest.mark.parametrize("kind", list(Kind))
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=8)
def test_without_the_named_barrier_the_control_would_differ_most(kind: Kind, seed: int) -> None:
    rng = np.random.default_rng(seed)
    robot = a_robot(kind)
    view = a_view(robot, rng)
    command = robot.step(view, rng.uniform(0.0, 1.0, COUNT))
    nominal, found = robot.nominal(view, command), explain(robot, view, command)
    control = variables(robot, command.control)
    if found is None:
        assert np.allclose(control, nominal, atol=1e-8)
        return
    assert found.change == pytest.approx(np.linalg.norm(control - nominal))
    if found.barrier == "braking":
        return
    assert np.allclose(solve(robot, view, command.tunables, nominal), control, atol=1e-5)
    changes = {}
    for k in range(len(view.neighbours)):
        rest = dataclasses.replace(view, neighbours=np.delete(view.neighbours, k, axis=0))
        changes["robot", k] = np.linalg.norm(solve(robot, rest, command.tunables, nominal) - control)
    things = explicit(view)
    for k in range(len(things)):
        rest = dataclasses.replace(view, obstacles=np.delete(things, k, axis=0))
        changes["obstacle", k] = np.linalg.norm(solve(robot, rest, command.tunables, nominal) - control)
    most = max(changes.values(), default=0.0)
    if found.barrier == "limits":
        assert most < 1e-4
        return
    if found.barrier == "robot":
        change = changes["robot", found.neighbour - 3]
        assert found.where == tuple(view.neighbours[found.neighbour - 3, :2])
        assert found.gap == pytest.approx(np.linalg.norm(np.array(found.where) - view.state[:2]) - 0.2)
    else:
        gaps = [surface_distance(view.state[:2], obstacle) - 0.1 for obstacle in things]
        change = changes["obstacle", int(np.argmin(np.abs(np.array(gaps) - found.gap)))]
        assert np.linalg.norm(np.array(found.where) - view.state[:2]) == pytest.approx(found.gap + 0.1)
    assert change > most - 1e-4
    if most < 1e-4:  # Others say the same, so none makes the difference alone; without any of them, there is one.
        rest = dataclasses.replace(view, neighbours=view.neighbours[:0], obstacles=things[:0])
        assert np.linalg.norm(solve(robot, rest, command.tunables, nominal) - control) > 1e-5


def test_a_free_robot_and_one_that_only_its_actuators_limit() -> None:
    robot = a_robot(Kind.SINGLE_INTEGRATOR)
    view = View(0.0, [2.0, 2.0, 0, 0, 0], [3.5, 2.0])
    assert explain(robot, view, robot.step(view, BOLD)) is None
    robot = a_robot(Kind.DOUBLE_INTEGRATOR)
    found = explain(robot, view, robot.step(view, BOLD))
    assert found is not None and (found.barrier, found.neighbour, found.gap) == ("limits", -1, math.inf)


@pytest.mark.parametrize("kind", [Kind.SINGLE_INTEGRATOR, Kind.UNICYCLE])
def test_the_bounds_are_named_by_their_side(kind: Kind) -> None:
    robot = a_robot(kind)
    view = View(0.0, [3.85, 3.7, 0.3, 0, 0], [6.0, 3.9], obstacles=np.empty((0, 5)))
    found = explain(robot, view, robot.step(view, BOLD))
    assert found is not None and (found.barrier, found.neighbour) == ("bounds", -1)
    assert found.gap == pytest.approx(0.15) and found.where == pytest.approx((4.0, 3.7))


@pytest.mark.parametrize("kind", list(Kind))
def test_the_shield_brakes_for_somebody(kind: Kind) -> None:
    robot = a_robot(kind, cooperative=False)
    near = np.array([neighbour(8, 1.75, 2.0), neighbour(7, 2.26, 2.0, -1.0), neighbour(9, 2.0, 2.9)])
    view = View(0.0, [2.0, 2.0, 0, 0.8, 0], [3.5, 2.0], near, obstacles=np.empty((0, 5)))
    command = robot.step(view)
    found = explain(robot, view, command)
    assert command.outcome == "braking" and found is not None
    assert (found.barrier, found.neighbour) == ("braking", 7) and found.gap == pytest.approx(0.06)
    assert sentence(found) == "braking for robot 7, 0.06 m away"
    free = robot.step(dataclasses.replace(view, neighbours=near[[0, 2]], time=1.0))
    assert free.outcome == "optimal"


def test_who_cannot_see_all_that_is_near_brakes_for_nobody_in_particular() -> None:
    robot = a_robot(Kind.SINGLE_INTEGRATOR)
    view = View(0.0, [2.0, 2.0, 0, 0, 0], [3.5, 2.0], truncated=True)
    found = explain(robot, view, robot.step(view, BOLD))
    assert found is not None
    assert (found.barrier, found.neighbour, found.gap, found.where) == ("braking", -1, math.inf, (2.0, 2.0))


def test_two_robots_in_one_place_are_one_reason() -> None:
    robot = a_robot(Kind.SINGLE_INTEGRATOR)
    near = np.array([neighbour(4, 2.25, 2.0), neighbour(5, 2.25, 2.0)])
    view = View(0.0, [2.0, 2.0, 0, 0, 0], [3.5, 2.0], near)
    found = explain(robot, view, robot.step(view, BOLD))
    assert found is not None and found.barrier == "robot" and found.neighbour in (4, 5)


def test_nothing_of_the_robot_changes() -> None:
    views = [a_view(a_robot(Kind.UNICYCLE), np.random.default_rng(seed)) for seed in range(20)]
    alone, watched = a_robot(Kind.UNICYCLE), a_robot(Kind.UNICYCLE)
    for k, view in enumerate(views):
        view.time = 0.05 * k
        expected, command = alone.step(view), watched.step(view)
        explain(watched, view, command)
        assert (expected.control == command.control).all()
        assert (expected.tunables == command.tunables).all()


@pytest.mark.parametrize(
    ("override", "text"),
    [
        (Override("robot", 5, 0.213, (0, 0), 1.0), "slowed by robot 5, 0.21 m away"),
        (Override("robot", -1, 0.213, (0, 0), 1.0), "slowed by an unknown robot, 0.21 m away"),
        (Override("obstacle", -1, 0.1, (0, 0), 1.0), "slowed by an obstacle, 0.10 m away"),
        (Override("bounds", -1, -0.1, (0, 0), 1.0), "slowed by the edge of the map, 0.00 m away"),
        (Override("limits", -1, math.inf, (0, 0), 1.0), "limited by its actuators"),
        (Override("braking", -1, 0.1, (0, 0), 1.0), "braking for something 0.10 m away"),
        (Override("braking", -1, math.inf, (0, 0), 1.0), "braking, since it cannot see all that is near"),
    ],
)
def test_in_words(override: Override, text: str) -> None:
    assert sentence(override) == text


def test_a_stranger_beside_its_way_slows_who_could_not_stop_before_it_comes() -> None:
    robot, state = a_robot(Kind.DOUBLE_INTEGRATOR), [2.0, 2.0, 0.0, 0.9, 0.0]
    beside = Neighbour((2.0, 2.28), 0.1, 0.5, stranger=Strangers())
    for near, outcome in (([beside], "braking"), ([dataclasses.replace(beside, stranger=None)], "optimal")):
        view = View(0.0, state, [3.5, 2.0], near, obstacles=np.empty((0, 5)))
        command = robot.step(view)
        assert command.outcome == outcome
    view = View(0.0, state, [3.5, 2.0], [beside], obstacles=np.empty((0, 5)))
    override = explain(robot, view, robot.step(view))
    assert override is not None
    assert (override.barrier, override.neighbour) == ("braking", -1) and override.gap == pytest.approx(0.08)
