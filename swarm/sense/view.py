"""All that a robot decides on: what its planner, its policy and its filter get to see in one control period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from swarm.array_types import Array
from swarm.errors import InputError
from swarm.model.dynamics import STATE
from swarm.model.geometry import COLUMNS, as_obstacles, describes_obstacles
from swarm.model.shapes import SHAPE
from swarm.sense.messages import Message
from swarm.sense.neighbour import Neighbour, hulls_of, rows_of
from swarm.sense.neighbours import (
    MAX_NEIGHBOURS,
    MAX_OBSTACLES,
    N_ACCELERATION,
    N_BODY_X,
    N_PACE,
    N_RADIUS,
    N_REACH,
    NEIGHBOUR,
)

_NOBODY = np.empty((0, 2))


@dataclass
class View:
    """All that one robot knows in one control period.

    Attributes:
        time: Time [s].
        state: ``float64[5]``, its own: x, y, heading, vx, vy (world frame).
        goal: ``float64[2]``, world frame [m].
        neighbours: ``float64[k, 22]``, robots that it senses, at most 16 (columns in ``swarm.sense.neighbours``); given
            as such rows, the last three or eight columns 0 if not given, or as a list of ``Neighbour``, which becomes
            them. Of robots with declared errors, as they will be when the command acts.
        messages: The last message of each robot within its communication radius, by id.
        obstacles: ``float64[m, 7]``, obstacles that it senses, at most 16 (``swarm.model.geometry``; without the
            last two columns if none is turned); None takes them from the static map.
        truncated: Whether somebody near had to be left out of ``neighbours``.
        strangers: ``float64[k, 2]``, robots that it senses and that do not answer [m]; None: everybody who may be near
            answers, which is a stronger claim than that no stranger is sensed.
        drive: ``float64[2]``, of a unicycle of second order its own forward speed [m/s] and turn rate [rad/s]; None:
            those of its last command, which its robot then writes here.
        silent: ``float64[k, 2]``, last known places of robots that have been silent for long [m].
        measured: When the own state was measured, in the time of ``time`` [s]; None: just now.
        shapes: ``float64[k, P, 2]``, the stop hulls of the neighbours (``swarm.model.shapes``), if these know that of
            this robot as well; None: nobody knows of anybody that he is no disc.
    """

    time: float
    state: Array
    goal: Array
    neighbours: Array
    messages: Mapping[int, Message]
    obstacles: Array | None
    truncated: bool
    strangers: Array | None
    silent: Array
    drive: Array | None
    measured: float | None
    shapes: Array | None

    def __init__(
        self, time: float, state: ArrayLike, goal: ArrayLike, neighbours: Sequence[Neighbour] | ArrayLike = (),
        messages: Mapping[int, Message] | None = None, obstacles: ArrayLike | None = None, truncated: bool = False,
        strangers: Array | None = None, silent: Array | None = None, drive: Array | None = None,
        measured: float | None = None, shapes: Array | None = None,
    ) -> None:  # fmt: skip
        self.measured, self.shapes = measured, shapes
        self.time, self.truncated, self.strangers = time, truncated, strangers
        self.state, self.goal = _contiguous("state", state), _contiguous("goal", goal)
        rows = _contiguous("neighbours", _rows(neighbours))
        if shapes is None and not isinstance(neighbours, np.ndarray) and isinstance(neighbours, Sequence):
            self.shapes = hulls_of([one for one in neighbours if isinstance(one, Neighbour)])
        if rows.ndim == 2 and rows.shape[1] in (N_BODY_X, N_PACE):  # of exact robots, and where nobody is a stranger
            rows = np.pad(rows, ((0, 0), (0, NEIGHBOUR - rows.shape[1])))
        self.neighbours = rows
        self.messages = {} if messages is None else messages
        self.obstacles = None if obstacles is None else as_obstacles(_contiguous("obstacles", obstacles))
        self.silent = _NOBODY if silent is None else silent
        self.drive = drive

    def copied(self) -> View:
        """The same with arrays of its own: for code of a user's own, whatever it writes into what it is given."""
        other = copy(self)
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray):
                setattr(other, name, value.copy())
        return other


def _rows(neighbours: Sequence[Neighbour] | ArrayLike) -> object:
    """Neighbours that a user describes as rows; anything else as it is."""
    if not isinstance(neighbours, np.ndarray) and isinstance(neighbours, Sequence):
        described = [one for one in neighbours if isinstance(one, Neighbour)]
        if len(described) == len(neighbours):
            return rows_of(described)
    return neighbours


def _contiguous(name: str, value: object) -> Array:
    """Lists, integers and slices are welcome in a view; the kernels are compiled for contiguous float64 alone.

    Raises:
        InputError: If it holds anything but numbers.
    """
    try:
        return np.ascontiguousarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"view.{name}", value, "numbers") from None


def check_view(view: View) -> None:
    """Refuse what is not a number or does not fit."""
    if view.state.shape != (STATE,) or not np.isfinite(view.state).all():
        raise InputError("view.state", view.state, "5 finite numbers: x, y, heading, vx, vy")
    if view.goal.shape != (2,) or not np.isfinite(view.goal).all():
        raise InputError("view.goal", view.goal, "2 finite numbers: x, y")
    near = view.neighbours
    fits = near.ndim == 2 and near.shape[1] == NEIGHBOUR and len(near) <= MAX_NEIGHBOURS
    if not fits or not describes_robots(near):
        valid = f"finite numbers of shape (at most {MAX_NEIGHBOURS}, {NEIGHBOUR}); radius and reach 0 or more"
        raise InputError("view.neighbours", near, valid)
    shapes = view.shapes
    if shapes is not None and (shapes.shape != (len(near), SHAPE, 2) or not np.isfinite(shapes).all()):
        raise InputError("view.shapes", shapes.shape, f"finite numbers of shape ({len(near)}, {SHAPE}, 2), or None")
    if view.obstacles is not None:
        obstacles = view.obstacles
        fits = obstacles.ndim == 2 and obstacles.shape[1] == COLUMNS and len(obstacles) <= MAX_OBSTACLES
        if not fits or not describes_obstacles(obstacles):
            valid = (
                f"finite numbers of shape (at most {MAX_OBSTACLES}, {COLUMNS}, or 5 if none is turned); "
                "sizes 0 or more, cosine and sine of an angle"
            )
            raise InputError("view.obstacles", obstacles, valid)


def describes_robots(near: Array) -> bool:
    """Whether neighbour columns are finite (but for the brakes of one that stops at once) and sizes not negative."""
    finite = np.isfinite(near[:, :N_ACCELERATION]).all() and np.isfinite(near[:, N_REACH:]).all()
    sizes = min(near[:, N_RADIUS].min(initial=0.0), near[:, N_REACH].min(initial=0.0))
    return bool(finite and sizes >= 0.0 and (near[:, N_ACCELERATION] > 0.0).all())
