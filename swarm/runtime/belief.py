"""From what a robot has heard to what it plans and filters with: others as discs that grow with the age of the news.

A robot that was at a place t seconds ago is somewhere in a disc around it; whoever keeps out of that disc keeps clear
of the robot, whatever it has done meanwhile. What it means to do counts only while it is fresh.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from swarm.body import MARGIN, RADIUS, SENSING
from swarm.messages import Message
from swarm.neighbours import MAX_NEIGHBOURS, N_RADIUS, NEIGHBOUR, describe, sense_robots
from swarm.runtime.inbox import Heard
from swarm.runtime.roster import Peer, stopping_distance
from swarm.tunables import MIDDLE, ROTATION, SPEED

INTENT_AGE = 0.25
"""Seconds after which nobody counts on what a robot meant to do."""
HOLD_AGE = 0.5
"""Seconds after which a robot that may be within stopping distance is waited for."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Belief:
    """What a robot knows of the others in one period.

    Attributes:
        neighbours: ``float64[k, 14]`` for the view.
        messages: Fresh ones, by robot.
        crowded: Whether somebody near had to be left out of ``neighbours``.
        hold: The robot that has to be waited for, or None.
    """

    neighbours: Array
    messages: Mapping[int, Message]
    crowded: bool
    hold: int | None


def believe(me: Peer, state: Array, heard: Iterable[Heard], roster: Mapping[int, Peer], dt: float) -> Belief:
    """What a robot makes of the reports that it has.

    Args:
        me: The robot itself.
        state: Its own, ``float64[5]``.
        heard: Of each neighbour, the last report and its age.
        roster: All robots by identity.
        dt: Control period, s.
    """
    heard = list(heard)
    rows, messages, hold = np.zeros((len(heard) + 1, NEIGHBOUR)), {}, None
    describe(me.kind, state, me.body, state[:2], MIDDLE[ROTATION], MIDDLE[SPEED], -1, rows[0])
    stop = stopping_distance(me, float(np.hypot(state[3], state[4])), dt)
    for row, one in zip(rows[1:], heard, strict=True):
        robot, peer = one.report.robot_id, roster[one.report.robot_id]
        grown = _describe(one, peer, float(me.body[SENSING]), row)
        if one.age <= INTENT_AGE:
            messages[robot] = one.report.message
        gap = math.hypot(row[0] - state[0], row[1] - state[1]) - grown - me.body[RADIUS] - peer.body[RADIUS]
        if one.age > HOLD_AGE and gap <= stop + 2.0 * me.body[MARGIN]:
            hold = robot
    found = np.empty((MAX_NEIGHBOURS, NEIGHBOUR))
    count, crowded = sense_robots(0, rows, me.body, found, np.empty((MAX_NEIGHBOURS, 2)))
    return Belief(found[:count], messages, bool(crowded), hold)


def _describe(one: Heard, peer: Peer, far: float, row: Array) -> float:
    """Write a neighbour's columns, its radius grown; returns by how much it may have moved."""
    report, fresh = one.report, one.age <= INTENT_AGE
    state = np.array(report.state)
    intent = np.array(report.message.waypoint) if fresh else state[:2]
    rotation, speed = (report.message.rotation, report.message.speed) if fresh else (MIDDLE[ROTATION], MIDDLE[SPEED])
    describe(peer.kind, state, peer.body, intent, rotation, speed, report.robot_id if fresh else -1, row)
    grown = one.growth(peer)
    row[N_RADIUS] += min(grown, far)  # Farther is as good as everywhere, and stays a number.
    return grown
