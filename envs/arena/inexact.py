"""Worlds that are not exact: what robots believe of themselves and of others, and how their bodies really move.

The kernels for one world of ``envs.arena.kernels``; the errors themselves are drawn in ``envs.arena.errors``. Time runs
in sub-steps, ``CHECKS`` a period: so old may a state be, and so often are gaps looked at.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit, prange

from envs.arena.geometry_store import Geometry, geometry_of
from envs.arena.kernels import Counts, Robots, count_world, filter_world, gaps, robots_of, tell_minds
from envs.strangers import has_strangers, meet_world
from swarm.array_types import Array, Flags, Int8s, Int64s
from swarm.filter.hulls import shape_to_shape
from swarm.filter.tunables import ROTATION, SPEED
from swarm.model.actuators import T_ERROR, predict
from swarm.model.body import ARM, GROWTH, RADIUS, YIELDS, is_second_order
from swarm.model.dynamics import DOUBLE_INTEGRATOR, STATE, UNICYCLE
from swarm.model.error_bounds import (
    E_AGE,
    E_DEAD_TIME,
    E_HEADING,
    E_LAG,
    E_LATENCY,
    E_LOSS,
    E_POSITION,
    E_SENSING,
    E_SLIP,
    E_VELOCITY,
)
from swarm.model.geometry import to_obstacle
from swarm.model.narrowing import carry
from swarm.model.prediction import believe, foresee
from swarm.model.second_order import unsensed_way
from swarm.model.shapes import place_corners, stop_shape
from swarm.model.strangers import longest_rest
from swarm.sense.neighbours import (
    N_ERROR,
    N_REACH,
    N_X,
    N_Y,
    count_on,
    describe,
    trailing,
)

CHECKS = 6
"""Sub-steps of a period."""


class Truth(NamedTuple):
    """What really happens in B worlds; of one world the same without the first axis.

    Attributes:
        state: ``float64[B, N, 5]``.
        drive: ``float64[B, N, 2]`` (``swarm.model.actuators``).
        past: ``float64[B, H, N, 5]``, the states of the last sub-steps, the present one first.
        past_drive: ``float64[B, H, N, 2]``.
        commands: ``float64[B, N, P, 2]``, those of the last periods, the newest last.
    """

    state: Array
    drive: Array
    past: Array
    past_drive: Array
    commands: Array


class Errors(NamedTuple):
    """The errors of one period in B worlds; of one world the same without the first axis.

    Attributes:
        real: ``float64[B, ERRORS]``, bounds of what is simulated (``swarm.model.error_bounds``).
        assumed: ``float64[B, ERRORS]``, what the robots count on.
        position: ``float64[B, N, 2]`` [m].
        heading: ``float64[B, N]`` [rad].
        velocity: ``float64[B, N, 2]`` [m/s].
        slip: ``float64[B, N]``, share of the way.
        age: ``int64[B, N]``, of the state that a robot has, in sub-steps.
        lost: ``bool[B, N, N]``, messages to the robot of the first axis that do not come.
        sensing: ``float64[B, N, N, 2]``, of the robot of the first axis [m].
        adversary: ``bool[B]``, whether errors of the place, velocity and slip are pushed towards the nearest contact.
        sensed: ``bool[B]``, whether others are sensed, not heard.
    """

    real: Array
    assumed: Array
    position: Array
    heading: Array
    velocity: Array
    slip: Array
    age: Int64s
    lost: Flags
    sensing: Array
    adversary: Flags
    sensed: Flags


class Own(NamedTuple):
    """What robots know of their bodies when the command of a period acts; of one world without the first axis.

    Attributes:
        body: ``float64[B, N, 5]``, the body itself, not what runs ahead of it.
        drive: ``float64[B, N, 2]``, its drive.
        known: ``float64[B, N, KNOWN]`` (``swarm.model.narrowing``).
        speed: ``float64[B, N]``, the fastest that they have been since they were measured [m/s].
        error: ``float64[B, N]``, how far the bodies may be elsewhere [m].
    """

    body: Array
    drive: Array
    known: Array
    speed: Array
    error: Array


class News(NamedTuple):
    """What robots have told each other in B worlds; of one world the same without the first axis.

    Attributes:
        told: ``float64[B, L, N, NEIGHBOUR]``, what was told in the last L periods, the newest first.
        received: ``float64[B, N, N, NEIGHBOUR]``, what the robot of the first axis has heard last of each.
        missed: ``int64[B, N, N]``, periods by which that is older than what could be known.
        seen: ``float64[B, N, N, NEIGHBOUR]``, what the robot of the first axis takes the others for.
        told_shapes: ``float64[B, L, N, P, 2]`` (``swarm.model.shapes``), as ``told``; P is 0 where all are discs.
        shapes: ``float64[B, N, N, P, 2]``, what the robot of the first axis has heard last of each.
    """

    told: Array
    received: Array
    missed: Int64s
    seen: Array
    told_shapes: Array
    shapes: Array


@njit(cache=True)
def _away(i: int, state: Array, body: Array, geometry: Geometry) -> tuple[float, float]:
    """Unit vector from the nearest thing to robot ``i``."""
    x, y, best, nx, ny = state[i, 0], state[i, 1], math.inf, 1.0, 0.0
    for j in range(len(state)):
        dx, dy = x - state[j, 0], y - state[j, 1]
        distance = math.hypot(dx, dy)
        if j != i and 0.0 < distance < best + body[j, RADIUS]:
            best, nx, ny = distance - body[j, RADIUS], dx / distance, dy / distance
    for j in range(len(geometry.obstacles)):
        if geometry.obstacles[j, 2] + geometry.obstacles[j, 3] + geometry.obstacles[j, 4] > 0.0:
            gap, mx, my = to_obstacle(x, y, geometry.obstacles[j])
            if gap < best:
                best, nx, ny = gap, mx, my
    return nx, ny


@njit(cache=True)
def _push_polygon(i: int, truth: Truth, robots: Robots, errors: Errors) -> None:
    """The errors of place and heading of a polygon, so that its nearest point to another body looks farther away."""
    state, own = truth.state, np.empty((robots.footprint.shape[1], 2))
    corners = place_corners(state[i, 0], state[i, 1], state[i, 2], robots.footprint[i], own)
    theirs, best = np.empty_like(own), math.inf
    for j in range(len(state) if corners > 0 else 0):
        if j == i or math.hypot(state[i, 0] - state[j, 0], state[i, 1] - state[j, 1]) > 3.0 * robots.body[i, RADIUS]:
            continue
        many, radius = place_corners(state[j, 0], state[j, 1], state[j, 2], robots.footprint[j], theirs), 0.0
        if many == 0:
            many, radius = 1, robots.body[j, RADIUS]
            theirs[0, 0], theirs[0, 1] = state[j, 0], state[j, 1]
        distance, nx, ny, ax, ay = shape_to_shape(own, corners, theirs, many)
        if 0.0 < distance < best + radius:
            best = distance - radius
            errors.position[i, 0], errors.position[i, 1] = errors.real[E_POSITION] * nx, errors.real[E_POSITION] * ny
            arm = nx * (state[i, 1] - ay) + ny * (ax - state[i, 0])  # along the normal, for each rad
            errors.heading[i] = math.copysign(errors.real[E_HEADING], arm)


@njit(cache=True)
def push_world(truth: Truth, robots: Robots, geometry: Geometry, errors: Errors) -> None:
    """Let an adversary choose the errors of one world: at the bound, and so that contacts look farther away."""
    real, state, body = errors.real, truth.state, robots.body
    for i in range(len(state)):
        nx, ny = _away(i, state, body, geometry)
        errors.position[i, 0], errors.position[i, 1] = real[E_POSITION] * nx, real[E_POSITION] * ny
        errors.velocity[i, 0], errors.velocity[i, 1] = real[E_VELOCITY] * nx, real[E_VELOCITY] * ny
        closing = nx * state[i, 3] + ny * state[i, 4] < 0.0
        errors.slip[i] = real[E_SLIP] if closing else -real[E_SLIP]
        errors.heading[i] = math.copysign(real[E_HEADING], errors.heading[i])
        if robots.footprint.shape[1] > 0:
            _push_polygon(i, truth, robots, errors)
        for j in range(len(state)):
            dx, dy = state[j, 0] - state[i, 0], state[j, 1] - state[i, 1]
            scale = real[E_SENSING] / max(math.hypot(dx, dy), 1e-9)
            errors.sensing[i, j, 0], errors.sensing[i, j, 1] = scale * dx, scale * dy


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
    assumed, here = errors.assumed, np.empty(STATE)
    # Commands that may have acted since the state was measured.
    recent = math.ceil((assumed[E_AGE] + assumed[E_DEAD_TIME]) / period - 1e-9) + 1
    for i in range(len(robots.kind)):
        kind = robots.kind[i]
        measured(kind, i, truth, errors, robots.body[i, ARM] > 0.0, here, own.drive[i])
        age = min(errors.age[i] * period / CHECKS, assumed[E_AGE])  # who assumes that it is fresh reads no stamp
        if age < errors.age[i] * period / CHECKS and assumed[E_LAG] <= 0.0:
            own.drive[i] = truth.drive[i]
        predict(
            kind, here, own.drive[i], -age, assumed[E_DEAD_TIME], truth.commands[i], assumed[E_DEAD_TIME], period,
            assumed[E_LAG], 0.0, own.body[i], own.drive[i], is_second_order(robots.body[i]),
        )  # fmt: skip
        own.error[i], own.speed[i] = believe(
            kind, robots.body[i], assumed, truth.commands[i, -1 - recent : -1], age + assumed[E_DEAD_TIME], own.body[i],
            own.drive[i], own.known[i], robots.state[i], robots.trail[i],
        )  # fmt: skip


@njit(cache=True)
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


@njit(cache=True)
def hear_world(truth: Truth, robots: Robots, period: float, news: News, errors: Errors) -> None:
    """What comes of what was told: the rows that each robot of one world takes the others for.

    Who ignores everybody tells nothing, and is sensed.
    """
    count = len(robots.kind)
    late = max(math.ceil(errors.real[E_LATENCY] / period - 1e-9), 1) - 1
    for i in range(count):
        for j in range(count):
            if i != j and not errors.lost[i, j]:
                news.received[i, j] = news.told[late, j]
                if robots.footprint.shape[1] > 0:
                    news.shapes[i, j] = news.told_shapes[late, j]
                news.missed[i, j] = late
            else:
                news.missed[i, j] += 1
            row = news.seen[i, j]
            if robots.body[j, YIELDS] < 0.0:
                _sense_stranger(i, j, truth, robots, period, errors, row)
                continue
            row[:] = news.received[i, j]
            # Who assumes that every message comes at once does not look at its age.
            counts = errors.assumed[E_LATENCY] > 0.0 or errors.assumed[E_LOSS] > 0.0
            grown = news.missed[i, j] * robots.body[j, GROWTH] if counts else 0.0
            row[N_ERROR] += grown
            row[N_REACH] += grown
        _own_row(i, robots, news.seen[i, i])


@njit(cache=True)
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


@njit(cache=True)
def _own_row(i: int, robots: Robots, row: Array) -> None:
    _describe(i, robots, robots.state[i], robots.trail[i], robots.told[i], robots.last_action[i], row)


@njit(cache=True)
def drive_world(
    truth: Truth, robots: Robots, control: Array, period: float, geometry: Geometry, errors: Errors, clearance: Array,
    contacts: Int64s, touching: Int8s,
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
    """
    real, past, past_drive = errors.real, truth.past, truth.past_drive
    corners = np.empty_like(robots.footprint)
    clearance[:] = np.inf
    for i in range(len(robots.kind)):
        truth.commands[i, -1] = control[i]
    for check in range(CHECKS):
        for i in range(len(robots.kind)):
            predict(
                robots.kind[i], truth.state[i], truth.drive[i], period * check / CHECKS, period * (check + 1) / CHECKS,
                truth.commands[i], real[E_DEAD_TIME], period, real[E_LAG], errors.slip[i], truth.state[i],
                truth.drive[i], is_second_order(robots.body[i]),
            )  # fmt: skip
        for k in range(len(past) - 1, 0, -1):
            past[k] = past[k - 1]
            past_drive[k] = past_drive[k - 1]
        past[0], past_drive[0] = truth.state, truth.drive
        gaps(truth.state, robots.body, geometry, robots.footprint, corners, clearance)
        if has_strangers(robots.body):
            meet_world(truth.state, robots.body, contacts, touching)
    for i in range(len(robots.kind)):
        for k in range(truth.commands.shape[1] - 1):  # the last place is for the command of the next period
            truth.commands[i, k] = truth.commands[i, k + 1]


@njit(cache=True)
def truth_of(worlds: Truth, b: int) -> Truth:
    """What really happens in world ``b``."""
    return Truth(worlds.state[b], worlds.drive[b], worlds.past[b], worlds.past_drive[b], worlds.commands[b])


@njit(cache=True)
def errors_of(worlds: Errors, b: int) -> Errors:
    """The errors in world ``b``."""
    return Errors(
        worlds.real[b], worlds.assumed[b], worlds.position[b], worlds.heading[b], worlds.velocity[b], worlds.slip[b],
        worlds.age[b], worlds.lost[b], worlds.sensing[b], worlds.adversary[b], worlds.sensed[b],
    )  # fmt: skip


@njit(cache=True)
def self_of(worlds: Own, b: int) -> Own:
    """What robots know of their bodies in world ``b``."""
    return Own(worlds.body[b], worlds.drive[b], worlds.known[b], worlds.speed[b], worlds.error[b])


@njit(cache=True)
def news_of(worlds: News, b: int) -> News:
    """What robots have told each other in world ``b``."""
    return News(
        worlds.told[b], worlds.received[b], worlds.missed[b], worlds.seen[b], worlds.told_shapes[b], worlds.shapes[b]
    )


@njit(cache=True)
def _perceive(
    b: int, moved: Flags, robots: Robots, geometry: Geometry, truth: Truth, errors: Errors, news: News, period: Array,
    own: Own,
) -> None:  # fmt: skip
    """``perceive_worlds`` for world ``b``."""
    here, walls, real = robots_of(robots, b), geometry_of(geometry, b), truth_of(truth, b)
    wrong, said = errors_of(errors, b), news_of(news, b)
    if not moved[b]:
        return
    if wrong.adversary:
        push_world(real, here, walls, wrong)
    believe_world(real, here, period[b], wrong, self_of(own, b))
    if wrong.sensed:
        sense_world(real, here, period[b], wrong, said)
    else:
        hear_world(real, here, period[b], said, wrong)


@njit(cache=True, parallel=True)
def perceive_worlds(
    moved: Flags, robots: Robots, geometry: Geometry, truth: Truth, errors: Errors, news: News, period: Array,
    own: Own,
) -> None:  # fmt: skip
    """What the robots of B worlds believe at the beginning of a period, of themselves and of each other.

    Args:
        moved: ``bool[B]``, the worlds in which a period begins.
        robots: State and trail are written: when the command of this period acts.
        geometry: What stands still.
        truth: What is.
        errors: Of this period.
        news: What was told; what is seen is written.
        period: ``float64[B]`` [s]
        own: Written.
    """
    for b in prange(len(robots.kind)):
        _perceive(b, moved, robots, geometry, truth, errors, news, period, own)


@njit(cache=True)
def _step(
    b: int, robots: Robots, geometry: Geometry, slots: Int64s, action: Array, filtered: bool, truth: Truth,
    errors: Errors, news: News, period: Array, own: Own, counts: Counts,
) -> None:  # fmt: skip
    """``step_inexact_worlds`` for world ``b``."""
    here, walls, real = robots_of(robots, b), geometry_of(geometry, b), truth_of(truth, b)
    wrong, said = errors_of(errors, b), news_of(news, b)
    control, outcome, clearance = counts.control[b], counts.outcome[b], counts.clearance[b]
    filter_world(here, walls, slots, action[b], filtered, control, outcome, said.seen, said.shapes)
    tell_world(here, period[b], action[b], control, wrong, self_of(own, b), said)
    drive_world(real, here, control, period[b], walls, wrong, clearance, counts.contacts[b], counts.touching[b])
    count_world(outcome, clearance, counts.outcomes[b], counts.min_clearance[b], counts.collided[b])
    tell_minds(here, action[b])


@njit(cache=True, parallel=True)
def step_inexact_worlds(
    robots: Robots, geometry: Geometry, slots: Int64s, action: Array, filtered: bool, truth: Truth, errors: Errors,
    news: News, period: Array, own: Own, counts: Counts,
) -> None:  # fmt: skip
    """``step_worlds`` of worlds that are not exact; arguments as there and in ``perceive_worlds``."""
    for b in prange(len(robots.kind)):
        _step(b, robots, geometry, slots, action, filtered, truth, errors, news, period, own, counts)
