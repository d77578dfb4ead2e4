"""The filter of one robot: by the fused kernel, with a solver of one's own, or with further rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from swarm.array_types import Array
from swarm.errors import InputError
from swarm.filter import qp, safety
from swarm.filter.further_rows import Constraint, further_rows, solve_with
from swarm.model import dynamics
from swarm.model.body import LOOK_AHEAD
from swarm.robot.command import Filtered
from swarm.sense.neighbours import MAX_NEIGHBOURS, MAX_OBSTACLES, Around
from swarm.sense.view import View

Solver = Callable[[Array, Array, Array, Array, Array], qp.Solution]


class Filter:
    """Nominal control, QP and shield of one robot.

    Args:
        kind: A value of ``Kind``.
        body: ``float64[BODY]``.
        solver: ``kernel``, ``cvxpy``, or a callable like ``swarm.filter.qp.solve``.
        constraint: Further rows of its QP; with the kernel alone.

    Raises:
        InputError: If there is no such solver, or it takes no further rows.
    """

    def __init__(self, kind: int, body: Array, solver: str | Solver, constraint: Constraint | None) -> None:
        self._kind, self._body, self._solver, self._constraint = kind, body, _make_solver(solver), constraint
        if self._solver is not None and constraint is not None:
            raise InputError("solver", solver, "'kernel', with a constraint")
        self._scratch, self.nominal = safety.scratch(MAX_NEIGHBOURS + MAX_OBSTACLES), np.empty(2)

    def want(self, view: View, around: Around, waypoint: Array, remaining: float, tunables: Array) -> Array:
        """The control ``float64[2]`` that the filter begins with, in the QP's variables; its own array ``nominal``."""
        me = self._kind, view.state, self._body, around
        safety.wanted_control(*me, waypoint, remaining, tunables, self._scratch, self.nominal)
        return self.nominal

    def want_instead(self, control: Array) -> None:
        """Begin with a control ``float64[2]`` of the robot's."""
        self.nominal[:] = control
        if self._kind == dynamics.UNICYCLE:  # the filter moves a point ahead of it
            self.nominal[1] *= self._body[LOOK_AHEAD]

    def filter(self, view: View, around: Around, tunables: Array) -> Filtered:
        """The safe control that is nearest to ``nominal``."""
        control, me = np.empty(2), (self._kind, view.state, self._body, around)
        if self._constraint is not None:
            return self._filter_further(self._constraint, view, around, tunables)
        if self._solver is None:
            outcome, relaxation = safety.filter_control(*me, self.nominal, tunables, self._scratch, control)
            return Filtered(control, outcome, relaxation)
        count = self._constrain(view, around, tunables)
        rows, rhs, box, *_ = self._scratch
        solution = self._solver(self.nominal, rows[:count], rhs[:count], box[0], box[1])
        control[:] = solution.control
        outcome = safety.dispose(*me, int(solution.relaxed), control, self._scratch)
        return Filtered(control, outcome, solution.relaxation)

    def _filter_further(self, constraint: Constraint, view: View, around: Around, tunables: Array) -> Filtered:
        """QP with the rows of a constraint behind ours, and shield."""
        control, me = np.empty(2), (self._kind, view.state, self._body, around)
        count = self._constrain(view, around, tunables)
        further = further_rows(constraint, view, self._kind, self._body)
        status, relaxation = solve_with(*further, self.nominal, count, self._scratch, control)
        return Filtered(control, safety.dispose(*me, status, control, self._scratch), relaxation)

    def _constrain(self, view: View, around: Around, tunables: Array) -> int:
        """Write the QP; returns its number of rows."""
        count = safety.constrain(self._kind, view.state, self._body, around, tunables, self._scratch)
        return safety.constrain_steering(self._body, around, float(self.nominal[0]), self._scratch, count)


def _make_solver(solver: str | Solver) -> Solver | None:
    """None is the fused kernel."""
    if solver == "kernel":
        return None
    if solver == "cvxpy":
        from swarm.filter.reference import ReferenceSolver

        return ReferenceSolver()
    if callable(solver):
        return solver
    raise InputError("solver", solver, "'kernel', 'cvxpy', or a callable like swarm.filter.qp.solve")
