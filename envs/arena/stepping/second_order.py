"""Unicycles of second order in worlds that are exact: a pass of their own over a world, so that others lose no time."""

from __future__ import annotations

from swarm.array_types import Array
from swarm.kernel_cache.references import inlined, uncounted
from swarm.kernel_cache.stack import stack_numbers
from swarm.model.actuators import T_SPEED, T_TURN_RATE, ramp
from swarm.model.body import coast_of, is_second_order
from swarm.sense.neighbours import trailing


@inlined
def coast_world(state: Array, body: Array, trail: Array, others: Array) -> None:
    """Write the ways to rest of one world's robots ``[N]`` into their trails and neighbour columns.

    Args:
        state: ``float64[N, 5]``.
        body: ``float64[N, BODY]``.
        trail: ``float64[N, TRAIL]``, with their speeds and turn rates; written.
        others: ``float64[N, NEIGHBOUR]``, written.
    """
    for i in range(len(body)):
        if is_second_order(body[i]):
            coast_of(state[i], body[i], trail[i])
            trailing(others[i], trail[i])


@inlined
def ramp_world(
    state: Array, body: Array, trail: Array, control: Array, check: int, checks: int, period: float, at: Array
) -> None:  # fmt: skip
    """Write where one world's robots are at an instant of the period; at its end, their drives are the commands.

    Args:
        state: ``float64[N, 5]``, at the beginning of the period.
        body: ``float64[N, BODY]``.
        trail: ``float64[N, TRAIL]``; at the end of the period, speeds and turn rates are replaced.
        control: ``float64[N, 2]``.
        check: The instant is after so many ...
        checks: ... of so many parts of the period.
        period: [s]
        at: ``float64[N, 5]``, written.
    """
    for i in range(len(body)):
        if is_second_order(body[i]):
            time = period if check == checks else period * check / checks
            _ramp_robot(state[i], trail[i], control[i], time, period, at[i])
            if check == checks:
                trail[i, T_SPEED], trail[i, T_TURN_RATE] = control[i, 0], control[i, 1]


@uncounted
def _ramp_robot(state: Array, trail: Array, control: Array, time: float, period: float, at: Array) -> None:
    """``ramp_world`` for one robot, ``time`` [s] after the beginning of the period."""
    ramp(state, trail[T_SPEED : T_TURN_RATE + 1], control, time, period, 0.0, at, stack_numbers(2))
