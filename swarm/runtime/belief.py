"""From what a robot hears and senses to what it plans and filters with.

A body that senses other robots knows where they are: what these report only adds who they are and what they mean to
do, and no report, be it late, lost or false, brings the robot nearer to anybody. One that does not sense them takes
others as discs that grow with the age of the news: a robot that was at a place t seconds ago is somewhere in a disc
around it, and whoever keeps out of that disc keeps clear of the robot, whatever it has done meanwhile. What somebody
means to do counts only while it is fresh.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from swarm.array_types import Array
from swarm.filter.tunables import MIDDLE, ROTATION, SPEED
from swarm.model.actuators import T_BODY_X, T_CORNER_Y, T_HEADING, T_TURN_RATE, TRAIL
from swarm.model.body import (
    ACCELERATION,
    GROWTH,
    MARGIN,
    PERIOD,
    RADIUS,
    REACH,
    ROUND,
    SENSING,
    TOP_SPEED,
    TURN_RATE,
    YIELDS,
    is_second_order,
)
from swarm.model.dynamics import DOUBLE_INTEGRATOR, STATE, UNICYCLE
from swarm.model.error_bounds import EXACT, ErrorBounds
from swarm.model.shapes import SENSED, SHAPE, stop_shape
from swarm.model.strangers import UNKNOWN, Strangers, longest_rest
from swarm.runtime.fleet_file.roster import HOLD_AGE, Peer, coasting_distance, stopping_distance
from swarm.runtime.link.inbox import Heard
from swarm.runtime.sensing import S_RADIUS, S_VX, S_VY, S_X, S_Y, SLACK, recognise
from swarm.sense.neighbours import (
    MAX_NEIGHBOURS,
    N_ACCELERATION,
    N_BODY_X,
    N_ERROR,
    N_ID,
    N_INTENT_X,
    N_INTENT_Y,
    N_RADIUS,
    N_REACH,
    N_ROTATION,
    N_SPEED,
    N_VX,
    N_VY,
    N_X,
    N_Y,
    NEIGHBOUR,
    count_on,
    describe,
    is_stranger,
    sense_robots,
)

INTENT_AGE = 0.25
"""Seconds after which nobody counts on what a robot meant to do."""
# News of a stranger that are older [s] make it no larger: it may be everywhere.
_OLDEST = 10.0


@dataclass(frozen=True)
class Belief:
    """What a robot knows of the others in one period.

    Attributes:
        neighbours: ``float64[k, 22]`` for the view.
        truncated: Whether somebody near had to be left out of ``neighbours``.
        hold: The robot that has to be waited for, or None.
        strangers: ``float64[k, 2]``, where robots are sensed that do not answer [m].
        shapes: ``float64[k, P, 2]``, the stop hulls of ``neighbours`` for the view; None: everybody is a disc.
    """

    neighbours: Array
    truncated: bool
    hold: int | None
    strangers: Array = field(default_factory=lambda: np.empty((0, 2)))
    shapes: Array | None = None


def believe(
    me: Peer, state: Array, heard: Iterable[Heard], roster: Mapping[int, Peer], dt: float, sensed: Array | None = None,
    *, errors: ErrorBounds = EXACT, age: float = 0.0, strangers: Strangers = UNKNOWN,
) -> Belief:  # fmt: skip
    """What a robot makes of the reports that it has, and of what it senses.

    With declared errors, neighbours are where they will be when the robot's next command acts.

    Args:
        me: The robot itself.
        state: Its own, ``float64[5]``; with declared errors, the one ahead (``swarm.robot.Robot.believed``).
        heard: Of each neighbour, the last report and its age.
        roster: All robots by identity.
        dt: Control period [s].
        sensed: ``float64[k, SENSED]`` (``swarm.runtime.sensing``), or None if the body does not sense robots.
        errors: What is declared of all robots.
        age: How old what is sensed is [s].
        strangers: What is counted on of those who do not answer, or are known to ignore everybody.
    """
    heard = list(heard)
    hold, silent, shapes = None, np.empty((0, 2)), None
    late = max(age, 0.0) + errors.dead_time
    if sensed is None:
        rows, hold = _by_reports(me, state, heard, roster, dt)
        shapes = _shapes(me, heard, roster, rows, errors)
        for row, one in zip(rows[1:], heard, strict=True):
            if roster[one.report.robot_id].body[YIELDS] < 0.0:
                _count_on(row, me, strangers, min(one.age, _OLDEST) + errors.dead_time, float(row[N_ERROR]))
    else:
        rows, known = _by_sensors(me, sensed, heard, roster, errors)
        silent = sensed[np.array(known, dtype=np.int64) < 0][:, [S_X, S_Y]]
        for row, which in zip(rows[1:], known, strict=True):
            if which < 0 or roster[heard[which].report.robot_id].body[YIELDS] < 0.0:
                _count_on(row, me, strangers, late, errors.sensing + errors.position)
        if errors.any:
            _grow(rows[1:], roster, errors, late / dt)
    describe(me.kind, state, me.body, state[:2], MIDDLE[ROTATION], MIDDLE[SPEED], -1, rows[0])
    found = np.empty((MAX_NEIGHBOURS, NEIGHBOUR))
    order = np.empty((MAX_NEIGHBOURS, 2))
    count, truncated = sense_robots(0, rows, me.body, found, order)
    if shapes is not None:
        shapes = shapes[order[:count, 1].astype(np.int64)]
    return Belief(found[:count], bool(truncated), hold, silent, shapes)


def _shapes(
    me: Peer, heard: list[Heard], roster: Mapping[int, Peer], rows: Array, errors: ErrorBounds
) -> Array | None:  # fmt: skip
    """The stop hulls of ``rows``, if some of the fleet are no discs; the rows grow by what is unknown of them.

    Without declared errors nobody tells how he turns: there, a polygon of second order and all others take each other
    for discs.
    """
    if all(len(peer.footprint) == 0 for peer in roster.values()):
        return None
    shapes, mine = np.zeros((len(rows), SHAPE, 2)), _tells_shape(me, errors)
    for shape, row, one in zip(shapes[1:], rows[1:], heard, strict=True):
        report, peer, trail = one.report, roster[one.report.robot_id], np.zeros(TRAIL)
        if not mine or not _tells_shape(peer, errors):
            shape[0, 1] = SENSED
            continue
        if len(peer.footprint) == 0:
            continue
        state = np.array(report.ahead[:STATE] if report.drive else report.state)
        if report.drive:
            trail[T_BODY_X : T_CORNER_Y + 1], trail[T_HEADING : T_TURN_RATE + 1] = report.ahead[STATE:-1], report.drive
        stop_shape(peer.kind, state, peer.body, trail, peer.footprint, shape)
        if not report.drive:
            _grow_hull(me, one, peer, row)
    return shapes


def _tells_shape(peer: Peer, errors: ErrorBounds) -> bool:
    """Whether others can know the stop hull of a robot."""
    return errors.any or len(peer.footprint) == 0 or not is_second_order(peer.body)


def _grow_hull(me: Peer, one: Heard, peer: Peer, row: Array) -> None:
    """Let all of a polygon be elsewhere by what it may have driven and turned since its state was measured."""
    turned = min(float(peer.body[TURN_RATE]) * one.age, 2.0) if peer.kind == UNICYCLE else 0.0
    grown = min(one.growth(peer) + turned * float(peer.body[RADIUS]), float(me.body[SENSING]))
    row[N_RADIUS] = peer.body[RADIUS]
    row[N_ERROR] = grown + ROUND * float(peer.body[RADIUS] + me.body[RADIUS])
    row[N_REACH] += row[N_ERROR]


def _count_on(row: Array, me: Peer, strangers: Strangers, late: float, error: float) -> None:
    """Make one a stranger who was at its place ``late`` seconds before the command acts, or ``error`` [m] beside it."""
    before = row.copy()
    row[N_ERROR] = error
    count_on(row, strangers.as_array(), late, float(me.body[PERIOD]) + longest_rest(me.kind, me.body))
    if not is_stranger(row):
        row[:] = before


def _by_reports(
    me: Peer, state: Array, heard: list[Heard], roster: Mapping[int, Peer], dt: float
) -> tuple[Array, int | None]:
    """Neighbour columns from the second row on, and who has to be waited for."""
    rows, hold = np.zeros((len(heard) + 1, NEIGHBOUR)), None
    stop = stopping_distance(me, float(np.hypot(state[3], state[4])), dt)
    for row, one in zip(rows[1:], heard, strict=True):
        robot, peer = one.report.robot_id, roster[one.report.robot_id]
        grown = (_foresee if one.report.ahead else _describe)(one, peer, float(me.body[SENSING]), row)
        gap = math.hypot(row[0] - state[0], row[1] - state[1]) - grown - me.body[RADIUS] - peer.body[RADIUS]
        if one.age > HOLD_AGE and gap <= stop + 2.0 * me.body[MARGIN]:
            hold = robot
    return rows, hold


def _by_sensors(
    me: Peer, sensed: Array, heard: list[Heard], roster: Mapping[int, Peer], errors: ErrorBounds
) -> tuple[Array, list[int]]:
    """Neighbour columns from the second row on, and which of ``heard`` each is, or -1."""
    rows = np.zeros((len(sensed) + 1, NEIGHBOUR))
    known = recognise(sensed, heard, roster, SLACK + errors.position + errors.sensing)
    slowest, fastest = _extremes(roster)
    for row, body, which in zip(rows[1:], sensed, known, strict=True):
        if which >= 0:
            one = heard[which]
            _describe(one, roster[one.report.robot_id], 0.0, row)
        else:  # Whatever it is, it brakes no worse and comes no farther than the worst of the roster.
            row[N_ACCELERATION], row[N_REACH] = slowest, fastest
            row[N_INTENT_X], row[N_INTENT_Y], row[N_ROTATION] = body[S_X], body[S_Y], MIDDLE[ROTATION]
            row[N_SPEED], row[N_ID] = MIDDLE[SPEED], -1
        row[N_X], row[N_Y], row[N_VX], row[N_VY] = body[S_X], body[S_Y], body[S_VX], body[S_VY]
        row[N_RADIUS] = body[S_RADIUS]
        if which >= 0:
            peer = roster[heard[which].report.robot_id]
            row[N_RADIUS] += coasting_distance(peer, math.hypot(body[S_VX], body[S_VY]))
    return rows, known


def _extremes(roster: Mapping[int, Peer]) -> tuple[float, float]:
    """The weakest brakes [m/s²] (inf: all stop at once) and the longest way in a period [m] of the roster."""
    weakest = min(
        float(peer.body[ACCELERATION]) if peer.kind == DOUBLE_INTEGRATOR or is_second_order(peer.body) else math.inf
        for peer in roster.values()
    )
    return weakest, max(float(peer.body[REACH]) for peer in roster.values())


def _grow(rows: Array, roster: Mapping[int, Peer], errors: ErrorBounds, periods: float) -> None:
    """Let sensed robots be where so many periods may have taken them, and where they are sensed wrongly.

    What runs ahead of a body that lags is not sensed; how far it may be counts as unknown.
    """
    fastest = max(_strayed(peer, periods) for peer in roster.values())
    ahead = math.sqrt(2.0) * max(float(peer.body[TOP_SPEED]) for peer in roster.values()) * errors.lag
    for row in rows:
        if is_stranger(row):
            continue
        peer = roster.get(int(row[N_ID]))
        growth = fastest if peer is None else _strayed(peer, periods)
        trails = ahead if peer is None else math.sqrt(2.0) * float(peer.body[TOP_SPEED]) * errors.lag
        grown = growth + trails + errors.sensing
        row[N_ERROR] = grown  # Where it believes to be itself does not matter.
        row[N_REACH] += grown


def _strayed(peer: Peer, periods: float) -> float:
    """How far a robot may have got from its stop hull in so many periods [m].

    The way to rest of a unicycle of second order changes with a command, all at once: a part of a period counts whole.
    """
    if is_second_order(peer.body):
        periods = float(np.ceil(periods - 1e-9))
    return periods * float(peer.body[GROWTH])


def _foresee(one: Heard, peer: Peer, far: float, row: Array) -> float:
    """Write the columns of a neighbour that tells its state ahead; returns by how much it may have moved meanwhile.

    It holds for one period after the one that it was told in, as seen by when commands act; so is what is wanted here.
    """
    period = float(peer.body[PERIOD])
    _write(one, peer, np.array(one.report.ahead[:STATE]), row)
    row[N_BODY_X : N_ERROR + 1] = one.report.ahead[STATE:]
    grown = _strayed(peer, one.off(period) / period)
    row[N_ERROR] += min(grown, far)
    row[N_REACH] += min(grown, far)
    return grown


def _describe(one: Heard, peer: Peer, far: float, row: Array) -> float:
    """Write a neighbour's columns, its radius grown; returns by how much it may have moved."""
    _write(one, peer, np.array(one.report.state), row)
    grown = one.growth(peer)
    row[N_RADIUS] += min(grown, far)  # Farther is as good as everywhere, and stays a number.
    # Whatever its turn rate, which no report tells.
    row[N_RADIUS] += coasting_distance(peer, math.hypot(one.report.state[3], one.report.state[4]), one.age)
    return grown


def _write(one: Heard, peer: Peer, state: Array, row: Array) -> None:
    """Write the columns of a neighbour at a state ``float64[5]``; what it means to do only while that is fresh."""
    report, fresh = one.report, one.age <= INTENT_AGE
    intent = np.array(report.message.waypoint) if fresh else state[:2]
    rotation, speed = (report.message.rotation, report.message.speed) if fresh else (MIDDLE[ROTATION], MIDDLE[SPEED])
    describe(peer.kind, state, peer.body, intent, rotation, speed, report.robot_id if fresh else -1, row)
