"""The quadratic program of one robot, solved exactly: two variables, a box, any number of half-planes.

    minimise ‖u − u_nominal‖²   subject to   G u ≤ b,   lower ≤ u ≤ upper

The kernel is Seidel's incremental method (*Small-dimensional linear programming and convex hulls made easy*,
1991): rows are taken one at a time, and a row that the optimum so far violates must be active at the next one,
which leaves a problem on a line. When no point satisfies all rows, three rows prove it (Farkas' lemma in the
plane); the proof also says by how much all rows must give way before these three agree. Raising the relaxation
proof by proof ends at the smallest uniform relaxation, the same rows are solved with it, and the outcome says so.
There are no iterations to run out of, and no last iterate.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from swarm.array_types import Array, Int64s
from swarm.errors import InputError
from swarm.kernel_cache.references import inlined, uncounted

# INVALID is a number that no outcome of the filter has (``swarm.filter.safety``): 2 is BRAKING there.
OPTIMAL, RELAXED, INVALID = 0, 1, 3
# Distances (in units of u) under which a normalised row counts as satisfied.
_TOLERANCE = 1e-11
_PARALLEL = 1e-13
_MAX_RAISES = 256
ALL = 1 << 30
"""That all rows of a problem may be relaxed."""


class Solution(NamedTuple):
    """What the quadratic program gave.

    Attributes:
        control: ``float64[2]``, the minimiser.
        relaxed: Whether the rows had to give way.
        relaxation: By how much every row (scaled to unit norm) gave way; 0 when ``relaxed`` is false.
        residual: Largest violation of a normalised row and of the box at ``control``, computed afterwards from
            the problem as it was given (0 or less up to rounding when not relaxed).
    """

    control: Array
    relaxed: bool
    relaxation: float
    residual: float


@inlined
def _on_line(
    i: int, rows: Array, rhs: Array, relaxation: float, ux: float, uy: float, box: Array, deficit: Array, firm: int
) -> tuple[bool, float, float]:
    """Optimum on the line of row ``i`` subject to the rows before it and the box; or the proof that none exists."""
    own = 1.0 if i < firm else 0.0
    gx, gy = rows[i, 0], rows[i, 1]
    dx, dy = -gy, gx
    level = rhs[i] + (relaxation if i < firm else 0.0)
    px, py = level * gx, level * gy
    low, high, low_row, high_row = -np.inf, np.inf, -1, -1
    for j in range(-4, i):
        soft = 1.0
        if j < 0:  # sides of the box, as rows: x <= , y <= , -x <= , -y <=
            axis, sign = (j + 4) % 2, 1.0 if j < -2 else -1.0
            hx, hy = (sign, 0.0) if axis == 0 else (0.0, sign)
            side = sign * box[1 if sign > 0 else 0, axis]
            soft = 0.0
            if math.isinf(side):
                continue
        else:
            hx, hy, side = rows[j, 0], rows[j, 1], rhs[j] + (relaxation if j < firm else 0.0)
            soft = 1.0 if j < firm else 0.0
            if hx == 0.0 and hy == 0.0:
                continue
        along = hx * dx + hy * dy
        room = side - (hx * px + hy * py)
        if abs(along) < _PARALLEL:
            if room < -_TOLERANCE:  # opposite and apart: rows i and j alone cannot both hold
                deficit[0] = -(room) / (own + soft) if own + soft > 0.0 else np.inf
                return False, ux, uy
        elif along > 0.0:
            if room < high * along:
                high, high_row = room / along, j
        elif room < low * along:
            low, low_row = room / along, j
    if low > high:
        if low - high > _TOLERANCE:
            deficit[0] = _deficit_of_rows(rows, i, low_row, high_row, low, high, dx, dy, firm)
            return False, ux, uy
        low = high = 0.5 * (low + high)
    best = min(max((ux - px) * dx + (uy - py) * dy, low), high)
    return True, px + best * dx, py + best * dy


@uncounted
def _side(rows: Array, j: int, dx: float, dy: float, firm: int) -> tuple[float, float, float]:
    """Normal of row ``j`` (a side of the box if negative) along and across a line, and how far it may be relaxed."""
    if j >= 0:
        hx, hy, soft = rows[j, 0], rows[j, 1], 1.0 if j < firm else 0.0
    else:
        axis, sign, soft = (j + 4) % 2, 1.0 if j < -2 else -1.0, 0.0
        hx, hy = (sign, 0.0) if axis == 0 else (0.0, sign)
    return hx * dx + hy * dy, hx * dy - hy * dx, soft


@uncounted
def _deficit_of_rows(
    rows: Array, i: int, j: int, k: int, low: float, high: float, dx: float, dy: float, firm: int
) -> float:
    """How much more all soft rows must give way so that row ``i`` and its bounds ``j`` (low), ``k`` (high) agree.

    Multipliers that cancel the three normals: 1/|along| for the bounds, minus what they leave across for row i.
    """
    along_j, across_j, soft_j = _side(rows, j, dx, dy, firm)
    along_k, across_k, soft_k = _side(rows, k, dx, dy, firm)
    weight_j, weight_k = -1.0 / along_j, 1.0 / along_k
    # "across" is measured along the normal of row i, which is (dy, -dx). Where j and k meet, row i is violated, so its
    # multiplier is 0 or more, but for rows that miss each other by less than the tolerance: there ``max`` changes the
    # relaxation by less than the tolerance, and nothing else does (docs/mutants.md).
    weight_i = max(-(weight_j * across_j + weight_k * across_k), 0.0)
    total = (weight_i if i < firm else 0.0) + weight_j * soft_j + weight_k * soft_k
    return (low - high) / total if total > 0.0 else np.inf


@inlined
def _solve_given(
    ux: float, uy: float, rows: Array, rhs: Array, count: int, box: Array, relaxation: float, deficit: Array, firm: int
) -> tuple[bool, float, float]:
    """Seidel's method for unit rows, those before ``firm`` relaxed; on failure ``deficit[0]`` is what is missing."""
    x = min(max(ux, box[0, 0]), box[1, 0])
    y = min(max(uy, box[0, 1]), box[1, 1])
    for i in range(count):
        if rows[i, 0] * x + rows[i, 1] * y - rhs[i] - (relaxation if i < firm else 0.0) > _TOLERANCE:
            if rows[i, 0] == 0.0 and rows[i, 1] == 0.0:
                deficit[0] = -rhs[i] - relaxation
                return False, x, y
            found, x, y = _on_line(i, rows, rhs, relaxation, ux, uy, box, deficit, firm)
            if not found:
                return False, x, y
    return True, x, y


@inlined
def solve_unit_rows(
    ux: float, uy: float, rows: Array, rhs: Array, count: int, box: Array, control: Array, deficit: Array,
    firm: int = ALL,
) -> tuple[int, float]:  # fmt: skip
    """The kernel: exact optimum for rows of unit norm (or zero), or for the smallest uniform relaxation of them.

    Args:
        ux: Nominal control, first component.
        uy: Nominal control, second component.
        rows: ``float64[m, 2]``, each of norm 1 or exactly 0.
        rhs: ``float64[m]``.
        count: How many of the rows count.
        box: ``float64[2, 2]``, lower and upper bounds; never relaxed.
        control: ``float64[2]``, written.
        deficit: ``float64[1]``, scratch.
        firm: From this one on, rows are never relaxed either.

    Returns:
        OPTIMAL, RELAXED or INVALID (nothing finite was found: the input was not), and the relaxation.
    """
    relaxation = 0.0
    for _ in range(_MAX_RAISES):
        found, x, y = _solve_given(ux, uy, rows, rhs, count, box, relaxation, deficit, firm)
        if found:
            control[0], control[1] = min(max(x, box[0, 0]), box[1, 0]), min(max(y, box[0, 1]), box[1, 1])
            if not (math.isfinite(x) and math.isfinite(y)):
                return INVALID, relaxation
            return (RELAXED if relaxation > 0.0 else OPTIMAL), relaxation
        if not (deficit[0] > 0.0 and math.isfinite(deficit[0])):
            return INVALID, relaxation
        # The proof's rows now just agree; the last digits of that sum must not bring the same proof again.
        relaxation = (relaxation + deficit[0]) * (1.0 + 4e-16)
    return INVALID, relaxation


@njit(cache=True)
def normalise(G: Array, b: Array, rows: Array, rhs: Array) -> None:
    """Write into ``rows``, ``rhs`` the half-planes ``G u <= b`` scaled to unit norm; zero rows stay as they are."""
    for i in range(G.shape[0]):
        norm = math.hypot(G[i, 0], G[i, 1])
        scale = 1.0 / norm if norm > 0.0 else 1.0
        rows[i, 0], rows[i, 1], rhs[i] = G[i, 0] * scale, G[i, 1] * scale, b[i] * scale


@njit(cache=True)
def _residual(rows: Array, rhs: Array, box: Array, control: Array) -> float:
    worst = -np.inf
    for axis in range(2):
        worst = max(worst, box[0, axis] - control[axis], control[axis] - box[1, axis])
    for i in range(rows.shape[0]):
        worst = max(worst, rows[i, 0] * control[0] + rows[i, 1] * control[1] - rhs[i])
    return worst


@njit(cache=True)
def _solve_one(
    nominal: Array, G: Array, b: Array, lower: Array, upper: Array, control: Array
) -> tuple[int, float, float]:
    rows, rhs, box, deficit = np.empty((b.size, 2)), np.empty(b.size), np.empty((2, 2)), np.empty(1)
    total = nominal[0] + nominal[1]
    for i in range(b.size):
        total += G[i, 0] + G[i, 1] + b[i]
    for axis in range(2):
        box[0, axis], box[1, axis] = lower[axis], upper[axis]
    if not math.isfinite(total) or not (lower[0] <= upper[0] and lower[1] <= upper[1]):
        control[0] = control[1] = np.nan
        return INVALID, 0.0, np.nan
    normalise(G, b, rows, rhs)
    status, relaxation = solve_unit_rows(nominal[0], nominal[1], rows, rhs, b.size, box, control, deficit)
    return status, relaxation, _residual(rows, rhs, box, control)


@njit(cache=True)
def solve_batch(nominal: Array, G: Array, b: Array, lower: Array, upper: Array) -> tuple[Array, Int64s, Array, Array]:
    """Solve one problem per leading entry.

    Args:
        nominal: ``float64[B, 2]``.
        G: ``float64[B, m, 2]``; rows need not be of unit norm, zero rows are allowed.
        b: ``float64[B, m]``.
        lower: ``float64[B, 2]``.
        upper: ``float64[B, 2]``.

    Returns:
        Control ``[B, 2]``, status ``[B]`` (OPTIMAL, RELAXED; INVALID with NaN control for input that is not
        finite), relaxation ``[B]`` and residual ``[B]`` as in ``Solution``.
    """
    count = nominal.shape[0]
    control, status = np.empty((count, 2)), np.empty(count, np.int64)
    relaxation, residual = np.empty(count), np.empty(count)
    for k in range(count):
        status[k], relaxation[k], residual[k] = _solve_one(nominal[k], G[k], b[k], lower[k], upper[k], control[k])
    return control, status, relaxation, residual


def solve(nominal: Array, G: Array, b: Array, lower: Array, upper: Array) -> Solution:
    """Solve one problem exactly; see the module for its statement.

    Args:
        nominal: ``float64[2]``.
        G: ``float64[m, 2]``; rows need not be of unit norm, zero rows are allowed.
        b: ``float64[m]``.
        lower: ``float64[2]``; may be -inf.
        upper: ``float64[2]``; may be inf.

    Raises:
        InputError: If shapes do not fit, a number is not finite, or a lower bound is above its upper one.
    """
    if G.shape != (b.size, 2) or nominal.shape != (2,) or lower.shape != (2,) or upper.shape != (2,):
        shapes = (nominal.shape, G.shape, b.shape, lower.shape, upper.shape)
        raise InputError("qp.solve shapes", shapes, "(2,), (m, 2), (m,), (2,), (2,)")
    control = np.empty(2)
    status, relaxation, residual = _solve_one(nominal, G, b, lower, upper, control)
    if status == INVALID:
        problem = (nominal.tolist(), G.tolist(), b.tolist(), lower.tolist(), upper.tolist())
        raise InputError("qp.solve", problem, "finite numbers with lower <= upper")
    return Solution(control, status == RELAXED, relaxation, residual)
