"""What a unicycle that is no disc does where another stands too near to turn: it drives straight out of there.

Carts that press against each other side by side, each of which wants to turn, would stand for ever: corners need room,
and nobody makes any. Forward or backward there often is some.
"""

from __future__ import annotations

import math

from swarm.array_types import Array
from swarm.kernel_cache.references import inlined, uncounted
from swarm.model.body import RADIUS, TOP_SPEED
from swarm.sense.neighbours import N_RADIUS, N_X, N_Y, Around

# It turns rather than drives if it wants to be slower than so much of its top speed, and cannot if rows leave it so
# much of the turn; it drives out with so much of its top speed, if rows leave it half of that.
_SLOW, _LITTLE, _OUT = 0.5, 0.1, 0.3


@inlined
def side_of_nearest(state: Array, body: Array, around: Around, nominal: Array) -> float:
    """On which side the nearest other is of a robot that wants to turn: 1 left, -1 right; 0: it need not ask for room.

    That is so if it would rather drive than turn, and if nobody's disc meets its own.
    """
    least, side = math.inf, 0.0
    turns = nominal[1] != 0.0 and abs(nominal[0]) <= _SLOW * body[TOP_SPEED]
    for k in range(around.num_neighbours if turns else 0):
        other = around.neighbours[k]
        dx, dy = other[N_X] - state[0], other[N_Y] - state[1]
        away = math.hypot(dx, dy)
        if away < min(least, body[RADIUS] + other[N_RADIUS]):
            least, side = away, math.copysign(1.0, dy * math.cos(state[2]) - dx * math.sin(state[2]))
    return side


@uncounted
def drive_out(body: Array, side: float, rows: Array, rhs: Array, count: int, nominal: Array) -> None:
    """Change the nominal control of a robot that wants to turn where its rows leave no room for that.

    Args:
        body: ``float64[BODY]``.
        side: On which the other is (``side_of_nearest``). Who has it on its left drives on if there is room, who has it
            on its right drives back: so two that stand side by side part, whichever way they look.
        rows: ``float64[m, 2]``, of the QP.
        rhs: ``float64[m]``, their right-hand sides.
        count: How many of them there are.
        nominal: ``float64[2]`` (v, look_ahead * turn rate) [m/s], changed: straight on or back, if there is room.
    """
    speed, turn = _OUT * body[TOP_SPEED], nominal[1]
    if _room(rows, rhs, count, 0.0, math.copysign(1.0, turn)) > _LITTLE * abs(turn):
        return
    for way in (side, -side):
        if _room(rows, rhs, count, way, 0.0) >= 0.5 * speed:
            nominal[0], nominal[1] = way * speed, 0.0
            return


@uncounted
def _room(rows: Array, rhs: Array, count: int, x: float, y: float) -> float:
    """How far along a direction (x, y) of the variables all rows go, from standing [m/s]."""
    most = math.inf
    for k in range(count):
        along = rows[k, 0] * x + rows[k, 1] * y
        if along > 0.0:
            most = min(most, rhs[k] / along)
    return most
