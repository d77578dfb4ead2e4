"""The robot's quadratic program as cvxpy states it: the readable definition of what ``swarm.filter.qp`` computes.

It is a thousand times slower than the kernel and there to be read, to be checked against, and to be extended: a
constraint of one's own is one line, and stays hard when the rows must give way::

    solver = ReferenceSolver(lambda u: [cvxpy.norm(u) <= 0.4])
    robot = Robot(spec, world, dt=0.05, sensing_radius=2.0, solver=solver)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from swarm.array_types import Array
from swarm.errors import InputError
from swarm.filter.qp import Solution

# A relaxation below this (in units of u) is what an interior-point method leaves of a feasible problem.
_FEASIBLE = 1e-7


class ReferenceSolver:
    """Solve with cvxpy; call it like ``swarm.filter.qp.solve``.

    Args:
        constraints: Takes the variable u and returns more cvxpy constraints on it.
    """

    def __init__(self, constraints: Callable[[Any], list[Any]] | None = None) -> None:
        self._constraints = constraints

    def __call__(self, nominal: Array, G: Array, b: Array, lower: Array, upper: Array) -> Solution:
        """Minimise ‖u − u_nominal‖² subject to G u ≤ b and the box; shapes as in ``swarm.filter.qp.solve``.

        Raises:
            InputError: If even the box and the added constraints have no common point.
        """
        import cvxpy as cp

        norm = np.linalg.norm(G, axis=1) if len(G) else np.zeros(0)
        scale = np.where(norm > 0.0, norm, 1.0)
        G, b = G / scale[:, None], b / scale
        u, excess = cp.Variable(2), cp.Variable(nonneg=True)
        hard = _finite(u, lower, upper)
        hard += self._constraints(u) if self._constraints is not None else []
        least = 0.0
        if len(b):
            least = _solve(cp.Problem(cp.Minimize(excess), [G @ u <= b + excess, *hard]))
        relaxation = least if least > _FEASIBLE else 0.0
        rows = [G @ u <= b + relaxation * (1.0 + 1e-9)] if len(b) else []
        _solve(cp.Problem(cp.Minimize(cp.sum_squares(u - nominal)), [*rows, *hard]))
        control = np.asarray(u.value, dtype=np.float64)
        slack = np.concatenate([G @ control - b, lower - control, control - upper])
        return Solution(control, relaxation > 0.0, relaxation, float(slack.max()))


def _finite(u: Any, lower: Array, upper: Array) -> list[Any]:
    """The sides of the box that exist."""
    sides = [u[k] >= lower[k] for k in range(2) if np.isfinite(lower[k])]
    return sides + [u[k] <= upper[k] for k in range(2) if np.isfinite(upper[k])]


def _solve(problem: Any) -> float:
    """Solve to high accuracy; the optimal value."""
    import cvxpy as cp

    tight = {"tol_gap_abs": 1e-12, "tol_gap_rel": 1e-12, "tol_feas": 1e-12}
    problem.solve(solver=cp.CLARABEL, **tight)
    if problem.status not in ("optimal", "optimal_inaccurate"):
        raise InputError("reference QP", problem.status, "a box and added constraints that have a common point")
    return float(problem.value)
