"""What robots tell, hear and sense of each other."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from envs.arena.inexact.arrays import CHECKS, Errors, News, Own, Truth
from envs.arena.stepping.robots import Robots
from swarm.array_types import Array
from swarm.filter.tunables import ROTATION, SPEED
from swarm.kernel_cache.references import uncounted
from swarm.model.actuators import T_ERROR
from swarm.model.body import GROWTH, YIELDS
from swarm.model.dynamics import STATE
from swarm.model.error_bounds import E_AGE, E_DEAD_TIME, E_LAG, E_LATENCY, E_LOSS, E_POSITION, E_SENSING, E_SLIP
from swarm.model.narrowing import carry
from swarm.model.prediction import foresee
from swarm.model.second_order import unsensed_way
from swarm.model.shapes import stop_shape
from swarm.model.strangers import longest_rest
from swarm.sense.neighbours import N_ERROR, N_REACH, N_X, N_Y, NEIGHBOUR, count_on, describe, trailing


@uncounted
def _describe(i: int, robots: Robots, state: Array, trail: Array, intent: Array, action: Array, row: Array) -> None:
    """Neighbour columns of robot ``i`` in a state; one that does not cooperate tells nothing of its mind."""
    if robots.body[i, YIELDS] > 0.0:
        describe(robots.kind[i], state, robots.body[i], intent, action[ROTATION], action[SPEED], i, row)
    else:
        describe(robots.kind[i], state, robots.body[i], state[:2], 0.5, 0.5, -1, row)
    trailing(row, trail)
    row[N_ERROR] = trail[T_ERROR]


@njit(cache=True)
def tell_world(
    robots: Robots, period: float, action: Array, control: Array, errors: Errors, own: Own, news: News,
) -> None:  # fmt: skip
    """What the robots of one world tell: where they will be a period after their command has begun to act."""
    told, assumed = news.told, errors.assumed
    shaped, outlines = robots.footprint.shape[1] > 0, news.told_shapes
    for k in range(len(told) - 1, 0, -1):
        told[k] = told[k - 1]
        if shaped:
            outlines[k] = outlines[k - 1]
    after, then, found, trail = np.empty(STATE), np.empty(2), np.empty(STATE), np.empty(robots.trail.shape[1])
    for i in range(len(robots.kind)):
        way, change = foresee(
            robots.kind[i], robots.body[i], assumed, control[i], own.error[i], own.speed[i], own.body[i], own.drive[i],
            own.known[i], after, then, found, trail,
        )  # fmt: skip
        carry(own.known[i], own.body[i], after, way, change, assumed[E_SLIP], period)
        _describe(i, robots, found, trail, robots.waypoint[i], action[i], told[0, i])
        if shaped:
            stop_shape(robots.kind[i], found, robots.body[i], trail, robots.footprint[i], outlines[0, i])


@uncounted
def hear_world(truth: Truth, robots: Robots, period: float, news: News, errors: Errors) -> None:
    """What comes of what was told: the rows that each robot of one world takes the others for.

    Who ignores everybody tells nothing, and is sensed.
    """
    count = len(robots.kind)
    late = max(math.ceil(errors.real[E_LATENCY] / period - 1e-9), 1) - 1
    for i in range(count):
        for j in range(count):
            if i != j and not errors.lost[i, j]:
                for column in range(NEIGHBOUR):
                    news.received[i, j, column] = news.told[late, j, column]
                for point in range(news.shapes.shape[2]):
                    for axis in range(2):
                        news.shapes[i, j, point, axis] = news.told_shapes[late, j, point, axis]
                news.missed[i, j] = late
            else:
                news.missed[i, j] += 1
            row = news.seen[i, j]
            if robots.body[j, YIELDS] < 0.0:
                _sense_stranger(i, j, truth, robots, period, errors, row)
                continue
            for column in range(NEIGHBOUR):
                row[column] = news.received[i, j, column]
            # Who assumes that every message comes at once does not look at its age.
            counts = errors.assumed[E_LATENCY] > 0.0 or errors.assumed[E_LOSS] > 0.0
            grown = news.missed[i, j] * robots.body[j, GROWTH] if counts else 0.0
            row[N_ERROR] += grown
            row[N_REACH] += grown
        _own_row(i, robots, news.seen[i, i])


@uncounted
def _sense_stranger(i: int, j: int, truth: Truth, robots: Robots, period: float, errors: Errors, row: Array) -> None:
    """What robot ``i`` takes one for who ignores everybody: what it counts on since its scan, whose age it knows."""
    assumed, age = errors.assumed, errors.age[i]
    found = truth.past[age, j]
    describe(robots.kind[j], found, robots.body[j], found[:2], 0.5, 0.5, -1, row)
    row[N_X] += errors.sensing[i, j, 0] + errors.position[i, 0]
    row[N_Y] += errors.sensing[i, j, 1] + errors.position[i, 1]
    row[N_ERROR] = assumed[E_SENSING] + assumed[E_POSITION]
    late = min(age * period / CHECKS, assumed[E_AGE]) + assumed[E_DEAD_TIME]
    count_on(row, robots.strangers, late, period + longest_rest(robots.kind[i], robots.body[i]))


@njit(cache=True)
def sense_world(truth: Truth, robots: Robots, period: float, errors: Errors, news: News) -> None:
    """The rows that each robot of one world takes the others for, if it senses them and hears only what they mean."""
    count = len(robots.kind)
    assumed, trail = errors.assumed, np.zeros(robots.trail.shape[1])
    for i in range(count):
        age = errors.age[i]
        late = assumed[E_AGE] + assumed[E_DEAD_TIME]
        for j in range(count):
            row = news.seen[i, j]
            if robots.body[j, YIELDS] < 0.0:
                _sense_stranger(i, j, truth, robots, period, errors, row)
                continue
            _describe(j, robots, truth.past[age, j], trail, robots.told[j], robots.last_action[j], row)
            # Seen from the place that it measured of itself at the same instant: that error moves others too.
            row[N_X] += errors.sensing[i, j, 0] + errors.position[i, 0]
            row[N_Y] += errors.sensing[i, j, 1] + errors.position[i, 1]
            # What runs ahead of a body that lags is not sensed, nor how one of second order turns.
            grown = unsensed_way(robots.body[j], assumed[E_LAG]) + assumed[E_SENSING]
            grown += math.ceil(late / period - 1e-9) * robots.body[j, GROWTH] + assumed[E_POSITION]
            row[N_ERROR] += grown
            row[N_REACH] += grown
        _own_row(i, robots, news.seen[i, i])


@uncounted
def _own_row(i: int, robots: Robots, row: Array) -> None:
    _describe(i, robots, robots.state[i], robots.trail[i], robots.told[i], robots.last_action[i], row)
