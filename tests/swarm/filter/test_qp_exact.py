"""The edges of the QP: least relaxations in exact arithmetic, tolerances, residuals, and what is no problem at all."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swarm.errors import InputError
from swarm.filter import qp
from swarm.filter.reference import ReferenceSolver

LOWER, UPPER = -np.ones(2), np.ones(2)


UNIT = [(Fraction(x, z), Fraction(y, z)) for a, b, z in ((1, 0, 1), (3, 4, 5), (5, 12, 13))
        for x, y in ((a, b), (b, a), (-a, b), (-b, a), (a, -b), (b, -a), (-a, -b), (-b, -a))]  # fmt: skip


def exact_relaxation(rows: list[tuple[Fraction, Fraction]], rhs: list[int]) -> Fraction:
    """The least t with rows u <= rhs + t and |u| <= 1: the best corner (x, y, t) of all that satisfy everything."""
    sides = [(x, y, Fraction(-1), Fraction(b)) for (x, y), b in zip(rows, rhs, strict=True)]
    sides += [(Fraction(s), Fraction(0), Fraction(0), Fraction(1)) for s in (1, -1)]
    sides += [(Fraction(0), Fraction(s), Fraction(0), Fraction(1)) for s in (1, -1)]
    sides.append((Fraction(0), Fraction(0), Fraction(-1), Fraction(0)))
    least = None
    for (a, b, c, p), (d, e, f, q), (g, h, i, r) in combinations(sides, 3):
        det = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
        if det == 0:
            continue
        x = (p * (e * i - f * h) - b * (q * i - f * r) + c * (q * h - e * r)) / det
        y = (a * (q * i - f * r) - p * (d * i - f * g) + c * (d * r - q * g)) / det
        t = (a * (e * r - q * h) - b * (d * r - q * g) + p * (d * h - e * g)) / det
        if (least is None or t < least) and all(k * x + m * y + n * t <= o for k, m, n, o in sides):
            least = t
    assert least is not None
    return least


@settings(max_examples=120)
@given(
    st.lists(st.tuples(st.sampled_from(UNIT), st.integers(-9, 3)), min_size=1, max_size=5), st.sampled_from([0, 20, 40])
)
def test_the_relaxation_is_the_least_to_the_last_digits(
    problem: list[tuple[tuple[Fraction, Fraction], int]], doublings: int
) -> None:
    """Also where what is missing is large, beside which the tolerance of a row is nothing."""
    rows, rhs = [row for row, _ in problem], [b * 2**doublings for _, b in problem]
    exact = exact_relaxation(rows, rhs)
    solution = qp.solve(np.zeros(2), np.array(rows, dtype=float), np.array(rhs, dtype=float), LOWER, UPPER)
    assert solution.relaxed == (exact > 0)
    assert solution.relaxation == pytest.approx(float(exact), rel=1e-14, abs=1e-14)


def test_a_row_counts_as_satisfied_up_to_1e_11() -> None:
    for beyond, moved in ((0.9e-11, False), (1.1e-11, True)):
        solution = qp.solve(np.array([0.5, 0.0]), np.array([[1.0, 0.0]]), np.array([0.5 - beyond]), LOWER, UPPER)
        assert (solution.control[0] < 0.5) == moved
        # Two rows that contradict each other by so little do not, either.
        rows, rhs = np.array([[1.0, 0.0], [-1.0, 0.0]]), np.array([0.25, -0.25 - beyond])
        assert qp.solve(np.array([0.5, 0.0]), rows, rhs, LOWER, UPPER).relaxed == moved


def test_without_rows_the_residual_is_the_way_to_the_box() -> None:
    none = np.zeros((0, 2)), np.zeros(0)
    for nominal in ([0.25, 0.5], [0.5, -0.25], [-0.5, 0.25], [0.25, -0.5]):
        assert qp.solve(np.array(nominal), *none, LOWER, UPPER).residual == -0.5
    assert qp.solve(np.array([3.0, 0.0]), *none, LOWER, UPPER).residual == 0.0
    assert qp.solve(np.zeros(2), np.array([[2.0, 0.0]]), np.array([0.5]), LOWER, UPPER).residual == -0.25


def test_a_batch_says_which_of_its_problems_are_none() -> None:
    nominal, G, b = np.zeros((4, 2)), np.ones((4, 3, 2)), np.ones((4, 3))
    lower, upper = np.tile(LOWER, (4, 1)), np.tile(UPPER, (4, 1))
    nominal[1, 1], G[2, 2, 1], lower[3, 1] = np.nan, np.inf, 2.0
    control, status, _, _ = qp.solve_batch(nominal, G, b, lower, upper)
    assert status.tolist() == [qp.OPTIMAL, qp.INVALID, qp.INVALID, qp.INVALID]
    assert control[0].tolist() == [0.0, 0.0] and np.isnan(control[1:]).all()


def test_the_reference_without_rows_without_sides_and_without_a_solution() -> None:
    import cvxpy as cp

    none = np.zeros((0, 2)), np.zeros(0)
    nominal, nowhere = np.array([3.0, -2.0]), np.full(2, np.inf)
    solution = ReferenceSolver()(nominal, *none, -nowhere, nowhere)
    assert solution.control == pytest.approx(nominal, abs=1e-6) and not solution.relaxed
    solution = ReferenceSolver()(nominal, *none, np.array([-np.inf, -1.0]), np.array([1.0, np.inf]))
    assert solution.control == pytest.approx([1.0, -1.0], abs=1e-6)
    with pytest.raises(InputError, match="common point"):
        ReferenceSolver(lambda u: [cp.sum(u) >= 4.0])(nominal, *none, LOWER, UPPER)
    zero = ReferenceSolver()(np.zeros(2), np.zeros((1, 2)), np.array([-0.5]), LOWER, UPPER)
    assert zero.relaxed and zero.relaxation == pytest.approx(0.5, abs=1e-6)
