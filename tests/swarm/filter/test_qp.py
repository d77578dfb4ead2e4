"""The QP kernel against quadprog, cvxpy, linear programming and exact arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import quadprog
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from swarm.errors import InputError
from swarm.filter import qp
from swarm.filter.reference import ReferenceSolver

LOWER, UPPER = -np.ones(2), np.ones(2)
PROBLEMS = 10_000


def draw_problem(rng: np.random.Generator, near: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A nominal control and 0 to 64 rows, some parallel, duplicate, opposite, zero, or (``near``) nearly parallel."""
    rows = int(rng.integers(0, 65))
    G = rng.normal(size=(rows, 2)) * rng.choice([0.1, 1.0, 30.0], size=(rows, 1))
    b = (rng.normal(size=rows) + rng.choice([0.0, 1.0, 3.0])) * np.linalg.norm(G, axis=1)
    for i in range(1, rows):
        style, j = rng.random(), int(rng.integers(i))
        if style < 0.05:
            G[i], b[i] = G[j], b[j]
        elif style < 0.1:
            G[i] = 2.0 * G[j]
        elif style < 0.15:
            G[i] = -G[j]
        elif style < 0.2 and near:
            G[i] = G[j] * (1.0 + 1e-7 * rng.normal(size=2))
        elif style < 0.22:
            G[i], b[i] = 0.0, abs(b[i])
    return 2.0 * rng.normal(size=2), G, b


def least_relaxation(G: np.ndarray, b: np.ndarray) -> float:
    """The smallest uniform relaxation of the rows, scaled to unit norm, by linear programming."""
    norm = np.linalg.norm(G, axis=1)
    norm[norm == 0.0] = 1.0
    A = np.c_[G / norm[:, None], -np.ones(len(b))]
    return float(linprog([0, 0, 1], A, b / norm, bounds=[(-1, 1), (-1, 1), (0, None)]).x[2])


def by_quadprog(nominal: np.ndarray, G: np.ndarray, b: np.ndarray) -> np.ndarray | None:
    zero = np.linalg.norm(G, axis=1) == 0.0  # quadprog takes no rows of zeros
    if (b[zero] < 0.0).any():
        return None
    G, b = G[~zero], b[~zero]
    norm = np.linalg.norm(G, axis=1)
    G, b = G / norm[:, None], b / norm
    normals = np.vstack([-G, np.eye(2), -np.eye(2)]).T
    try:
        return quadprog.solve_qp(np.eye(2), nominal, normals, np.concatenate([-b, LOWER, -UPPER]))[0]
    except ValueError:
        return None


def by_enumeration(nominal: np.ndarray, G: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The best of all points that can be optimal (nominal, feet on lines, corners) and are feasible up to 1e-9."""
    zero = np.linalg.norm(G, axis=1) == 0.0
    rows, rhs = np.vstack([G[~zero], np.eye(2), -np.eye(2)]), np.concatenate([b[~zero], UPPER, -LOWER])
    norm = np.linalg.norm(rows, axis=1)
    rows, rhs = rows / norm[:, None], rhs / norm
    feet = nominal + (rhs - rows @ nominal)[:, None] * rows
    i, j = np.triu_indices(len(rows), 1)
    det = rows[i, 0] * rows[j, 1] - rows[i, 1] * rows[j, 0]
    i, j, det = i[det != 0.0], j[det != 0.0], det[det != 0.0]
    x = (rhs[i] * rows[j, 1] - rhs[j] * rows[i, 1]) / det
    y = (rows[i, 0] * rhs[j] - rows[j, 0] * rhs[i]) / det
    points = np.vstack([nominal, feet, np.stack([x, y], axis=1)])
    inside = points[(points @ rows.T <= rhs + 1e-9).all(axis=1)]
    return inside[np.argmin(np.linalg.norm(inside - nominal, axis=1))]


def check_solution(solution: qp.Solution, nominal: np.ndarray, G: np.ndarray, b: np.ndarray) -> None:
    """The primal residual, computed here."""
    slack = np.concatenate([G @ solution.control - b, LOWER - solution.control, solution.control - UPPER])
    assert slack.max() <= 1e-8


def test_ten_thousand_problems_agree_with_quadprog() -> None:
    """Rows of unit norm, none nearly parallel: on others quadprog (0.1.14) can cycle for ever."""
    rng = np.random.default_rng(7)
    verdicts = {True: 0, False: 0}
    for _ in range(PROBLEMS):
        nominal, G, b = draw_problem(rng, near=False)
        solution, other = qp.solve(nominal, G, b, LOWER, UPPER), by_quadprog(nominal, G, b)
        verdicts[solution.relaxed] += 1
        assert solution.relaxed == (other is None)
        if other is None:
            assert solution.relaxation > 0.0
        else:
            check_solution(solution, nominal, G, b)
            assert np.abs(solution.control - other).max() <= 1e-8
    assert min(verdicts.values()) > 1000


def test_nearly_parallel_rows_agree_with_enumeration_and_linear_programming() -> None:
    rng = np.random.default_rng(11)
    verdicts = {True: 0, False: 0}
    for _ in range(2000):
        nominal, G, b = draw_problem(rng, near=True)
        solution, least = qp.solve(nominal, G, b, LOWER, UPPER), least_relaxation(G, b)
        if abs(least) < 1e-7 and least != 0.0:
            continue  # neither clearly feasible nor clearly not
        verdicts[solution.relaxed] += 1
        assert solution.relaxed == (least > 0.0)
        assert solution.relaxation == pytest.approx(least, rel=1e-9, abs=1e-7)
        if not solution.relaxed:
            check_solution(solution, nominal, G, b)
            best = by_enumeration(nominal, G, b)
            # Rows at an angle of 1e-7 magnify the last digits of their corner; the optimum's value they do not.
            mine, theirs = np.linalg.norm(solution.control - nominal), np.linalg.norm(best - nominal)
            assert mine == pytest.approx(theirs, abs=1e-7)
    assert min(verdicts.values()) > 300


def test_solutions_equal_quadprogs_to_1e_8_on_well_posed_rows() -> None:
    rng = np.random.default_rng(8)
    for _ in range(3000):
        nominal, G, b = well_posed(rng)
        solution, other = qp.solve(nominal, G, b, LOWER, UPPER), by_quadprog(nominal, G, b)
        assert solution.relaxed == (other is None)
        if other is not None:
            assert np.abs(solution.control - other).max() <= 1e-8


def well_posed(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of which no two are nearly parallel without being parallel."""
    rows = int(rng.integers(0, 65))
    angles = rng.integers(0, 64, rows) * (2.0 * np.pi / 64)
    G = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return 2.0 * rng.normal(size=2), G, rng.uniform(-0.3, 1.0, rows)


def test_agrees_with_the_statement_in_cvxpy() -> None:
    rng, reference = np.random.default_rng(9), ReferenceSolver()
    relaxed = 0
    for _ in range(120):
        nominal, G, b = well_posed(rng)
        length = rng.choice([0.25, 1.0, 4.0], len(b))  # rows need not be of unit norm
        G, b = G * length[:, None], b * length
        mine, theirs = qp.solve(nominal, G, b, LOWER, UPPER), reference(nominal, G, b, LOWER, UPPER)
        relaxed += mine.relaxed
        assert mine.relaxed == theirs.relaxed
        assert mine.relaxation == pytest.approx(theirs.relaxation, abs=1e-8)
        assert np.abs(mine.control - theirs.control).max() <= (1e-6 if mine.relaxed else 1e-8)
        assert mine.residual == pytest.approx(theirs.residual, abs=1e-6)
    assert 10 < relaxed < 110


@settings(max_examples=150)
@given(
    st.lists(st.tuples(*[st.integers(-6, 6)] * 3), max_size=8),
    st.tuples(st.integers(-9, 9), st.integers(-9, 9)),
)
def test_is_optimal_in_exact_arithmetic(rows: list[tuple[int, int, int]], nominal: tuple[int, int]) -> None:
    """Small whole numbers: every candidate (nominal, feet on lines, corners) is enumerated with fractions."""
    sides = [(x, y, b) for x, y, b in rows] + [(1, 0, 3), (0, 1, 3), (-1, 0, 3), (0, -1, 3)]
    candidates = [(Fraction(nominal[0]), Fraction(nominal[1]))]
    proper = [side for side in sides if side[:2] != (0, 0)]
    for x, y, b in proper:
        k = Fraction(b - x * nominal[0] - y * nominal[1], x * x + y * y)
        candidates.append((nominal[0] + k * x, nominal[1] + k * y))
    for i, (x, y, b) in enumerate(proper):
        for v, w, c in proper[:i]:
            if det := x * w - y * v:
                candidates.append((Fraction(b * w - y * c, det), Fraction(x * c - b * v, det)))
    feasible = [p for p in candidates if all(x * p[0] + y * p[1] <= b for x, y, b in sides)]
    G = np.array([row[:2] for row in rows], dtype=float).reshape(-1, 2)
    h = np.array([row[2] for row in rows], dtype=float)
    solution = qp.solve(np.array(nominal, float), G, h, np.full(2, -3.0), np.full(2, 3.0))
    assert solution.relaxed == (not feasible)
    if feasible:
        best = min(feasible, key=lambda p: (p[0] - nominal[0]) ** 2 + (p[1] - nominal[1]) ** 2)
        assert np.allclose(solution.control, [float(best[0]), float(best[1])], atol=1e-9)


def test_batch_equals_single() -> None:
    rng = np.random.default_rng(10)
    G, b = rng.normal(size=(200, 9, 2)), rng.normal(size=(200, 9))
    nominal = rng.normal(size=(200, 2))
    lower, upper = np.tile(LOWER, (200, 1)), np.tile(UPPER, (200, 1))
    control, status, relaxation, residual = qp.solve_batch(nominal, G, b, lower, upper)
    for k in range(200):
        single = qp.solve(nominal[k], G[k], b[k], LOWER, UPPER)
        assert (single.control == control[k]).all() and single.relaxed == (status[k] == qp.RELAXED)
        assert single.relaxation == relaxation[k] and single.residual == residual[k]


def test_the_residual_is_that_of_the_problem_as_given() -> None:
    solution = qp.solve(np.zeros(2), np.array([[3.0, 0.0], [-3.0, 0.0]]), np.array([-3.0, -3.0]), 5 * LOWER, 5 * UPPER)
    assert solution.relaxed
    assert solution.relaxation == pytest.approx(1.0)
    assert solution.residual == pytest.approx(1.0)
    assert solution.control == pytest.approx([0.0, 0.0])


def test_a_zero_row_that_cannot_hold_is_relaxed() -> None:
    solution = qp.solve(np.array([0.3, 0.2]), np.zeros((1, 2)), np.array([-0.5]), LOWER, UPPER)
    assert solution.relaxed
    assert solution.relaxation == pytest.approx(0.5)
    assert solution.control == pytest.approx([0.3, 0.2])


@pytest.mark.parametrize(
    "change",
    [
        {"nominal": np.array([np.nan, 0.0])},
        {"G": np.array([[np.inf, 0.0]])},
        {"b": np.array([np.nan])},
        {"lower": np.array([2.0, -1.0])},
        {"lower": np.array([-1.0, 2.0])},
        {"upper": np.array([1.0, -2.0])},
        {"lower": np.zeros(3)},
        {"upper": np.zeros(3)},
        {"nominal": np.array([0.0, np.inf])},
        {"G": np.array([[0.0, np.nan]])},
        {"b": np.zeros(2)},
        {"nominal": np.zeros(3)},
    ],
)
def test_bad_input_is_an_error(change: dict[str, np.ndarray]) -> None:
    problem = {"nominal": np.zeros(2), "G": np.ones((1, 2)), "b": np.ones(1), "lower": LOWER, "upper": UPPER}
    with pytest.raises(InputError, match=r"qp\.solve"):
        qp.solve(**(problem | change))


def test_one_added_line_constrains_the_reference() -> None:
    import cvxpy as cp

    solution = ReferenceSolver(lambda u: [cp.norm(u) <= 0.4])(
        np.array([1.0, 1.0]), np.zeros((0, 2)), np.zeros(0), LOWER, UPPER
    )
    assert np.linalg.norm(solution.control) == pytest.approx(0.4, abs=1e-6)


def test_firm_rows_hold_however_much_the_others_give_way() -> None:
    """Rows of a cone that are never relaxed, behind rows that may be: by linear programming and enumeration."""
    rng = np.random.default_rng(5)
    relaxed = 0
    for _ in range(2000):
        nominal, G, b = well_posed(rng)
        slope = rng.uniform(0.1, 2.0)
        cone = np.array([[-slope, 1.0], [-slope, -1.0]]) / np.hypot(slope, 1.0)
        rows, rhs = np.concatenate([G, cone]), np.concatenate([b, np.zeros(2)])
        A = np.c_[rows, np.where(np.arange(len(rows)) < len(b), -1.0, 0.0)]
        least = linprog([0, 0, 1], A, rhs, bounds=[(-1, 1), (-1, 1), (0, None)]).x[2]
        control, deficit = np.empty(2), np.empty(1)
        box = np.array([LOWER, UPPER])
        status, relaxation = qp.solve_unit_rows(*nominal, rows, rhs, len(rows), box, control, deficit, len(b))
        assert status == (qp.RELAXED if least > 1e-12 else qp.OPTIMAL)
        assert relaxation == pytest.approx(least, abs=1e-9)
        relaxed += status == qp.RELAXED
        assert (cone @ control).max() <= 1e-10
        best = by_enumeration(nominal, rows, rhs + np.where(np.arange(len(rows)) < len(b), relaxation, 0.0))
        assert np.linalg.norm(control - nominal) == pytest.approx(np.linalg.norm(best - nominal), abs=1e-7)
    assert 200 < relaxed < 1800
