"""Rows of a user's own in a robot's quadratic program; the shield behind it decides last, as ever.

All rows hold if they can. If they cannot, the further rows give way first: ours stay as they are, and the further ones
are relaxed by the least that leaves a control (found by bisection, each time with the exact kernel). Where ours alone
cannot hold, they are relaxed as without further rows, and the further ones as far as that takes. Either way the outcome
is *relaxed*. So no further row weakens the barriers, and the guarantee does not rest on the quadratic program anyway.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from swarm.array_types import Array
from swarm.errors import InputError
from swarm.files.own_code import Running, name_of
from swarm.files.references import check_part, make_part
from swarm.filter import qp
from swarm.filter.safety import Scratch
from swarm.model.body import LOOK_AHEAD
from swarm.model.dynamics import UNICYCLE
from swarm.sense.view import View

MOST = 64
NO_ROWS = np.empty((0, 2)), np.empty(0)
_BISECTIONS = 40


class Constraint(Protocol):
    """A function of what a robot sees that gives further rows a · u ≤ b on its control u.

    u is the velocity [m/s] of a single integrator, the acceleration [m/s²] of a double integrator (both world frame),
    or forward speed [m/s] and turn rate [rad/s] of a unicycle.
    """

    def __call__(self, view: View) -> tuple[Array, Array]:
        """The rows ``float64[r, 2]`` and their right-hand sides ``float64[r]``, at most 64; none: r is 0."""
        ...


def make_constraint(constraint: str | Constraint | None) -> Constraint | None:
    """The constraint that a reference stands for; None or an empty text: there is none.

    Raises:
        InputError: If it cannot be loaded, or takes something else than a view.
    """
    if constraint is None or constraint == "":
        return None
    if isinstance(constraint, str):
        found: Constraint = make_part("constraint", constraint, Constraint)
        return found
    check_part("constraint", constraint, Constraint)
    return constraint


def further_rows(constraint: Constraint, view: View, kind: int, body: Array) -> tuple[Array, Array]:
    """A constraint's rows in the variables of the QP, of unit norm: ``float64[r, 2]``, ``float64[r]``.

    Raises:
        InputError: If they are something else.
    """
    with Running(f"constraint: {name_of(constraint)}", constraint, "a function that gives rows for any view"):
        given, level = _checked(constraint(view.copied()))
    if kind == UNICYCLE:
        given[:, 1] /= body[LOOK_AHEAD]
    rows, rhs = np.empty(given.shape), np.empty(level.shape)
    qp.normalise(given, level, rows, rhs)
    return rows, rhs


def _checked(found: object) -> tuple[Array, Array]:
    """Rows ``float64[r, 2]`` and right-hand sides ``float64[r]``, copies; refuses what is none."""
    try:
        given, level = (np.array(part, dtype=np.float64) for part in found)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        raise InputError("", found, "rows float64[r, 2] and right-hand sides float64[r]") from None
    given = given.reshape(0, 2) if given.size == 0 else given
    if given.shape != (level.size, 2) or level.ndim != 1 or level.size > MOST:
        raise InputError("shapes", (given.shape, level.shape), f"(r, 2) and (r,), r at most {MOST}")
    if not np.isfinite(given).all() or not np.isfinite(level).all():
        raise InputError("", (given.tolist(), level.tolist()), "finite numbers")
    return given, level


def solve_with(
    rows: Array, rhs: Array, nominal: Array, count: int, scratch: Scratch, control: Array
) -> tuple[int, float]:
    """The control nearest to the nominal one under the filter's rows and further ones.

    Args:
        rows: ``float64[r, 2]``, further ones of unit norm, in the variables of the QP.
        rhs: ``float64[r]``.
        nominal: ``float64[2]``.
        count: Rows in ``scratch``, which come first.
        scratch: The filter's problem (``swarm.filter.safety.constrain``).
        control: ``float64[2]``, written.

    Returns:
        OPTIMAL, RELAXED or ``qp.INVALID``, and the largest relaxation of a row.
    """
    box, deficit, (ux, uy) = scratch.box, scratch.deficit, nominal
    ours = scratch.rhs[:count].copy()
    both, size = np.concatenate([scratch.rows[:count], rows]), count + len(rhs)
    status, relaxation = qp.solve_unit_rows(ux, uy, both, np.concatenate([ours, rhs]), size, box, control, deficit)
    if status != qp.RELAXED or not len(rhs):
        return status, relaxation
    status, relaxation = qp.solve_unit_rows(ux, uy, both, ours, count, box, control, deficit)  # ours alone
    if status == qp.INVALID:
        return status, relaxation
    ours += relaxation * (1.0 + 1e-9)
    low, high, found = 0.0, max(0.0, float((rows @ control - rhs).max())) * (1.0 + 1e-9), np.empty(2)
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        given = qp.solve_unit_rows(ux, uy, both, np.concatenate([ours, rhs + middle]), size, box, found, deficit)[0]
        if given == qp.OPTIMAL:
            high, control[:] = middle, found
        else:
            low = middle
    return qp.RELAXED, max(relaxation, high)
