"""What robots measure and believe of themselves."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from envs.arena.inexact.arrays import CHECKS, Errors, Own, Truth
from envs.arena.stepping.robots import Robots
from swarm.array_types import Array
from swarm.model.actuators import predict
from swarm.model.body import ARM, is_second_order
from swarm.model.dynamics import DOUBLE_INTEGRATOR, STATE, UNICYCLE
from swarm.model.error_bounds import E_AGE, E_DEAD_TIME, E_LAG
from swarm.model.prediction import believe


@njit(cache=True)
def measured(kind: int, i: int, truth: Truth, errors: Errors, shaped: bool, found: Array, drive: Array) -> None:
    """What robot ``i`` measures of itself, and the drive that it had then, which it knows.

    Of an integrator the heading matters where it is a polygon (``shaped``).
    """
    age = errors.age[i]
    for k in range(STATE):
        found[k] = truth.past[age, i, k]
    drive[0], drive[1] = truth.past_drive[age, i, 0], truth.past_drive[age, i, 1]
    found[0], found[1] = found[0] + errors.position[i, 0], found[1] + errors.position[i, 1]
    if kind == UNICYCLE or shaped:
        found[2] += errors.heading[i]
    if kind == DOUBLE_INTEGRATOR:
        found[3], found[4] = found[3] + errors.velocity[i, 0], found[4] + errors.velocity[i, 1]


@njit(cache=True)
def believe_world(truth: Truth, robots: Robots, period: float, errors: Errors, own: Own) -> None:
    """Write what the robots of one world believe: ``robots.state`` and ``robots.trail``, when the command acts.

    Args:
        truth: What is.
        robots: State and trail are written.
        period: [s]
        errors: Of this period.
        own: Written.
    """
    assumed, here, before = errors.assumed, np.empty(STATE), np.empty(2)
    # Commands that may have acted since the state was measured.
    recent = math.ceil((assumed[E_AGE] + assumed[E_DEAD_TIME]) / period - 1e-9) + 1
    for i in range(len(robots.kind)):
        kind = robots.kind[i]
        measured(kind, i, truth, errors, robots.body[i, ARM] > 0.0, here, own.drive[i])
        age = min(errors.age[i] * period / CHECKS, assumed[E_AGE])  # who assumes that it is fresh reads no stamp
        if age < errors.age[i] * period / CHECKS and assumed[E_LAG] <= 0.0:
            own.drive[i] = truth.drive[i]
        before[0], before[1] = own.drive[i, 0], own.drive[i, 1]
        predict(
            kind, here, before, -age, assumed[E_DEAD_TIME], truth.commands[i], assumed[E_DEAD_TIME], period,
            assumed[E_LAG], 0.0, own.body[i], own.drive[i], is_second_order(robots.body[i]),
        )  # fmt: skip
        own.error[i], own.speed[i] = believe(
            kind, robots.body[i], assumed, truth.commands[i, -1 - recent : -1], age + assumed[E_DEAD_TIME], before,
            own.body[i], own.drive[i], own.known[i], robots.state[i], robots.trail[i],
        )  # fmt: skip
