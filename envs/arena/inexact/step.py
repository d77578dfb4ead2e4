"""A step of worlds that are not exact: what is believed when a period begins, and how bodies move under it."""

from __future__ import annotations

import math

from numba import njit, prange

from envs.arena.inexact.adversary import push_world
from envs.arena.inexact.arrays import CHECKS, Errors, News, Own, Truth, errors_of, news_of, self_of, truth_of
from envs.arena.inexact.belief import believe_world
from envs.arena.inexact.news import hear_world, sense_world, tell_world
from envs.arena.stepping.desk import desk_for
from envs.arena.stepping.filtering import filter_robots
from envs.arena.stepping.geometry_store import Geometry, geometry_of
from envs.arena.stepping.motion import count_world, gaps
from envs.arena.stepping.robots import Counts, Robots, Sensed, robots_of
from envs.arena.stepping.sensing import tell_minds
from envs.strangers import has_strangers, meet_world
from swarm.array_types import Array, Flags, Int8s, Int64s
from swarm.kernel_cache.references import inlined, uncounted
from swarm.model.actuators import predict
from swarm.model.body import is_second_order
from swarm.model.error_bounds import E_DEAD_TIME, E_LAG


@inlined
def _copy(to: Array, what: Array) -> None:
    """Write ``float64[N, k]`` into another array of that shape."""
    for i in range(what.shape[0]):
        for k in range(what.shape[1]):
            to[i, k] = what[i, k]


@uncounted
def drive_world(
    truth: Truth, robots: Robots, control: Array, period: float, geometry: Geometry, errors: Errors, clearance: Array,
    contacts: Int64s, touching: Int8s, corners: Array, nearest: Array,
) -> None:  # fmt: skip
    """Move the bodies of one world for a period under what is really so, and look at their gaps at every sub-step.

    Args:
        truth: Replaced.
        robots: Kinds and bodies.
        control: ``float64[N, 2]``, the commands of this period.
        period: [s]
        geometry: What stands still.
        errors: Of this period.
        clearance: ``float64[N]``, written: smallest gaps [m].
        contacts: ``int64[2]``, added to (``envs.strangers``).
        touching: ``int8[N, N]``, there as well.
        corners: To work in, see the desk.
        nearest: As ``corners``.
    """
    real, past, past_drive = errors.real, truth.past, truth.past_drive
    clearance[:] = math.inf
    for i in range(len(robots.kind)):
        truth.commands[i, -1, 0], truth.commands[i, -1, 1] = control[i, 0], control[i, 1]
    for k in range(len(past) - 1, CHECKS - 1, -1):
        _copy(past[k], past[k - CHECKS])
        _copy(past_drive[k], past_drive[k - CHECKS])
    for check in range(CHECKS):
        for i in range(len(robots.kind)):
            predict(
                robots.kind[i], truth.state[i], truth.drive[i], period * check / CHECKS, period * (check + 1) / CHECKS,
                truth.commands[i], real[E_DEAD_TIME], period, real[E_LAG], errors.slip[i], truth.state[i],
                truth.drive[i], is_second_order(robots.body[i]),
            )  # fmt: skip
        _copy(past[CHECKS - 1 - check], truth.state)
        _copy(past_drive[CHECKS - 1 - check], truth.drive)
        gaps(truth.state, robots.body, geometry, robots.footprint, corners, nearest, clearance)
        if has_strangers(robots.body):
            meet_world(truth.state, robots.body, contacts, touching)
    for i in range(len(robots.kind)):
        for k in range(truth.commands.shape[1] - 1):  # the last place is for the command of the next period
            for axis in range(2):
                truth.commands[i, k, axis] = truth.commands[i, k + 1, axis]


@njit(cache=True)
def perceive_some(
    first: int, last: int, moved: Flags, robots: Robots, geometry: Geometry, truth: Truth, errors: Errors, news: News,
    period: Array, own: Own,
) -> None:  # fmt: skip
    """``perceive_worlds`` for the worlds from ``first`` to before ``last``, one after the other."""
    for b in range(first, last):
        if not moved[b]:
            continue
        here, walls, real = robots_of(robots, b), geometry_of(geometry, b), truth_of(truth, b)
        wrong, said = errors_of(errors, b), news_of(news, b)
        if wrong.adversary:
            push_world(real, here, walls, wrong)
        believe_world(real, here, period[b], wrong, self_of(own, b))
        if wrong.sensed:
            sense_world(real, here, period[b], wrong, said)
        else:
            hear_world(real, here, period[b], said, wrong)


@njit(cache=True, parallel=True)
def perceive_worlds(
    parts: int, moved: Flags, robots: Robots, geometry: Geometry, truth: Truth, errors: Errors, news: News,
    period: Array, own: Own,
) -> None:  # fmt: skip
    """What the robots of B worlds believe at the beginning of a period, of themselves and of each other.

    Args:
        parts: Into so many parts the worlds are divided, one for a thread.
        moved: ``bool[B]``, the worlds in which a period begins.
        robots: State and trail are written: when the command of this period acts.
        geometry: What stands still.
        truth: What is.
        errors: Of this period.
        news: What was told; what is seen is written.
        period: ``float64[B]`` [s]
        own: Written.
    """
    count = len(robots.kind)
    for k in prange(parts):
        first, last = count * k // parts, count * (k + 1) // parts
        perceive_some(first, last, moved, robots, geometry, truth, errors, news, period, own)


@njit(cache=True)
def step_inexact_some(
    first: int, last: int, robots: Robots, geometry: Geometry, slots: Int64s, action: Array, filtered: bool,
    truth: Truth, errors: Errors, news: News, period: Array, own: Own, counts: Counts,
) -> None:  # fmt: skip
    """``step_inexact_worlds`` for the worlds from ``first`` to before ``last``, one after the other."""
    desk = desk_for(robots.kind.shape[1], slots, robots.footprint.shape[2])
    for b in range(first, last):
        here, walls, real = robots_of(robots, b), geometry_of(geometry, b), truth_of(truth, b)
        wrong, said = errors_of(errors, b), news_of(news, b)
        control, outcome, clearance = counts.control[b], counts.outcome[b], counts.clearance[b]
        filter_robots(
            here, walls, action[b], filtered, control, outcome, Sensed(here.state, said.seen, desk.note), False,
            said.shapes, desk,
        )  # fmt: skip
        tell_world(here, period[b], action[b], control, wrong, self_of(own, b), said)
        drive_world(
            real, here, control, period[b], walls, wrong, clearance, counts.contacts[b], counts.touching[b],
            desk.corners, desk.nearest,
        )  # fmt: skip
        count_world(outcome, clearance, counts.outcomes[b], counts.min_clearance[b], counts.collided[b])
        tell_minds(here, action[b])


@njit(cache=True, parallel=True)
def step_inexact_worlds(
    parts: int, robots: Robots, geometry: Geometry, slots: Int64s, action: Array, filtered: bool, truth: Truth,
    errors: Errors, news: News, period: Array, own: Own, counts: Counts,
) -> None:  # fmt: skip
    """``step_worlds`` of worlds that are not exact; arguments as there and in ``perceive_worlds``."""
    count = len(robots.kind)
    for k in prange(parts):
        first, last = count * k // parts, count * (k + 1) // parts
        step_inexact_some(
            first, last, robots, geometry, slots, action, filtered, truth, errors, news, period, own, counts
        )  # fmt: skip
