"""Further rows: they hold where they can, give way first and by the least, and never move the shield."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from swarm import Command, Constraint, InputError, Kind, Limits, Neighbour, Robot, RobotSpec, View, World
from swarm.array_types import Array
from swarm.filter import qp
from swarm.filter.further_rows import NO_ROWS, solve_with
from swarm.filter.safety import Scratch, scratch

ROW = st.tuples(st.floats(0.0, 6.3), st.floats(-1.5, 1.5))


def problem(rows: list[tuple[float, float]]) -> tuple[Array, Array]:
    """Unit rows by their angles [rad], and their right-hand sides."""
    angles, rhs = (np.array([row[k] for row in rows], dtype=np.float64) for k in range(2))
    return np.stack([np.cos(angles), np.sin(angles)], axis=1), rhs


def filled(rows: Array, rhs: Array) -> Scratch:
    found = scratch(len(rows))
    found.rows[: len(rows)], found.rhs[: len(rhs)] = rows, rhs
    found.box[:] = [[-1.0, -1.0], [1.0, 1.0]]
    return found


def least_relaxation(hard: Array, level: Array, soft: Array, rhs: Array) -> float | None:
    """How far the soft rows have to give way, by linear programming; None if the hard ones cannot hold."""
    A = np.block([[hard, np.zeros((len(hard), 1))], [soft, -np.ones((len(soft), 1))]])
    found = linprog([0.0, 0.0, 1.0], A, np.concatenate([level, rhs]), bounds=[(-1, 1), (-1, 1), (0, None)])
    return float(found.x[2]) if found.status == 0 else None


@given(
    ours=st.lists(ROW, max_size=5),
    further=st.lists(ROW, min_size=1, max_size=5),
    nominal=st.tuples(*[st.floats(-2, 2)] * 2),
)
def test_further_rows_give_way_first_and_by_the_least(
    ours: list[tuple[float, float]], further: list[tuple[float, float]], nominal: tuple[float, float]
) -> None:
    (hard, level), (soft, rhs), wanted, control = problem(ours), problem(further), np.array(nominal), np.empty(2)
    status, relaxation = solve_with(soft, rhs, wanted, len(hard), filled(hard, level), control)
    assert (np.abs(control) <= 1.0).all()
    least = least_relaxation(hard, level, soft, rhs)
    if least is None:  # ours cannot hold: they give way by as much as without further rows
        alone = qp.solve(wanted, hard, level, -np.ones(2), np.ones(2))
        assert status == qp.RELAXED and alone.relaxation <= relaxation + 1e-9
        assert (hard @ control - level).max() <= alone.relaxation + 1e-6
        return
    assert (hard @ control - level).max(initial=-1.0) <= 1e-8, "ours hold"
    assert (soft @ control - rhs).max() <= least + 1e-6, "the further ones by the least"
    if least < 1e-9:
        exact = qp.solve(wanted, np.vstack([hard, soft]), np.concatenate([level, rhs]), -np.ones(2), np.ones(2))
        assert control == pytest.approx(exact.control, abs=1e-4)
    elif least > 1e-6:
        assert status == qp.RELAXED and relaxation == pytest.approx(least, abs=1e-6)


@given(ours=st.lists(ROW, max_size=5), nominal=st.tuples(*[st.floats(-2, 2)] * 2))
def test_without_further_rows_nothing_changes(ours: list[tuple[float, float]], nominal: tuple[float, float]) -> None:
    hard, level = problem(ours)
    control, alone = np.empty(2), np.empty(2)
    room = filled(hard, level)
    status = solve_with(*NO_ROWS, np.array(nominal), len(hard), room, control)
    assert status == qp.solve_unit_rows(*nominal, room.rows, room.rhs, len(hard), room.box, alone, room.deficit)
    assert (control == alone).all()


def decided(kind: Kind, constraint: Constraint | None, *near: Neighbour) -> Command:
    """The command of a robot at rest whose goal is 4 m ahead."""
    limits = {
        Kind.SINGLE_INTEGRATOR: Limits(1.0),
        Kind.DOUBLE_INTEGRATOR: Limits(1.0, acceleration=2.0),
        Kind.UNICYCLE: Limits(1.0, turn_rate=4.0),
    }[kind]
    spec = RobotSpec(kind, np.zeros(5), np.array([[4.0, 0.5]]), 0.2, limits)
    world = World(np.array([-5.0, -5.0, 5.0, 5.0]), np.empty((0, 4)))
    robot = Robot(
        spec, world, dt=0.05, sensing_radius=3.0, planner="straight", controller="fixed:6,1", constraint=constraint
    )  # fmt: skip
    return robot.step(View(0.0, spec.start, spec.goals[0], list(near)))


@pytest.mark.parametrize("kind", list(Kind))
def test_a_robot_keeps_to_its_rows(kind: Kind) -> None:
    free = decided(kind, None)
    held = decided(kind, lambda view: (np.array([[2.0, 0.0], [0.0, 1.0], [0.0, -1.0]]), np.array([0.4, 0.05, 0.05])))
    assert free.control[0] > 0.3 and held.control[0] == pytest.approx(0.2) and held.outcome == "optimal"
    assert abs(free.control[1]) > 0.05 and abs(held.control[1]) <= 0.05 + 1e-9


@pytest.mark.parametrize("kind", [Kind.SINGLE_INTEGRATOR, Kind.UNICYCLE])
def test_no_row_drives_a_robot_into_another(kind: Kind) -> None:
    other = Neighbour((0.45, 0.0), radius=0.2, reach=0.05)
    forward = decided(kind, lambda view: (np.array([[-1.0, 0.0]]), np.array([-0.9])), other)  # at 0.9 m/s at least
    assert decided(kind, None, other).control[0] < 0.9
    # The gap is 5 cm, of which half may be used in a period of 50 ms.
    assert forward.control[0] * 0.05 <= 0.025 + 1e-9 and forward.outcome in ("relaxed", "braking")


@pytest.mark.parametrize(
    "rows", [None, ([[1.0, 0.0]], [1.0, 2.0]), ([[np.nan, 0.0]], [1.0]), ([[1.0, 0.0]] * 65, [1.0] * 65)]
)
def test_rows_that_are_none_are_refused(rows: object) -> None:
    spec = RobotSpec(Kind.SINGLE_INTEGRATOR, np.zeros(5), np.array([[1.0, 0.0]]), 0.2, Limits(1.0))
    world, given = World(np.array([-5.0, -5.0, 5.0, 5.0]), np.empty((0, 4))), cast(Constraint, lambda view: rows)
    robot = Robot(
        spec, world, dt=0.05, sensing_radius=3.0, planner="straight", controller="fixed:6,1", constraint=given
    )
    with pytest.raises(InputError, match="constraint"):
        robot.step(View(0.0, spec.start, spec.goals[0]))
