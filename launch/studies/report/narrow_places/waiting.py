"""How often others pass a door or a lane while a robot waits before it, from what has been recorded."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from envs.arena.core import GOAL_RADII
from envs.arena.episodes import Track
from swarm.array_types import Array, Int64s
from swarm.planning.passages.slices import Slices, labels_along, slices_of
from swarm.planning.passages.team import sizes_of

_NEAR = 2.0  # Who is nearer than so many slices to where it then enters a lane waits before it.
_THROUGH = 0.5  # Who leaves a lane farther than so many slices from where it entered has passed it.


class Visit(NamedTuple):
    """The samples of a track at which a robot enters a lane, and has left it, and what it does there.

    Attributes:
        lane: Its number.
        entered: The first sample in it.
        left: The first one out of it again.
        since: From when on the robot was near to where it then entered.
        came: The same of the passage, of which the lane may be a part: from when on it was near to where it entered.
        narrow: Slices through which it went that are not only room before a mouth.
    """

    lane: int
    entered: int
    left: int
    since: int
    came: int
    narrow: frozenset[int]


def most_passes(track: Track) -> Int64s:
    """How often others passed a door or lane while a robot waited to get into it, at most, ``int64[N, 2]``.

    First all others, then those of them alone who came to it later than this one. A lane is where robots cannot pass
    each other (``swarm.planning.passages.lanes``); a door is one. A long lane leads through several doors: others pass
    a robot only where it wants through itself, and where that is narrow. Whoever came first may go first: the last one
    of a queue is passed by all of it in any order, but by nobody who came later. Who has arrived waits no longer, and
    who never gets in is not counted here: it is one that does not arrive.
    """
    slices, place = slices_of(track.scenario.world, sizes_of(track.scenario)), track.state[..., :2]
    visits = [visits_of(slices, np.ascontiguousarray(one)) for one in place.transpose(1, 0, 2)]
    passes = [
        [one for one in some if math.dist(place[one.entered, i], place[one.left, i]) > _THROUGH * slices.length]
        for i, some in enumerate(visits)
    ]
    found = np.zeros((len(visits), 2), np.int64)
    for i, spec in enumerate(track.scenario.robots):
        there = np.linalg.norm(place[:, i] - spec.goals[-1], axis=-1) <= GOAL_RADII * spec.radius
        end = int(np.argmax(there)) if there.any() else len(there)
        others = [one for j, some in enumerate(passes) if j != i for one in some]
        for mine in (one for one in visits[i] if one.entered <= end):
            passed_by = [one for one in others if _passes(one, mine)]
            found[i] = np.maximum(found[i], [len(passed_by), sum(one.came > mine.came for one in passed_by)])
    return found


def _passes(one: Visit, waits: Visit) -> bool:
    """Whether another robot goes through where one waits to get in."""
    meanwhile = one.lane == waits.lane and waits.since < one.entered < waits.entered
    return meanwhile and not one.narrow.isdisjoint(waits.narrow)


def visits_of(slices: Slices, place: Array) -> list[Visit]:
    """When a robot enters lanes, and leaves them, by its places ``float64[T, 2]`` [m]; not where it is at first."""
    labels = labels_along(slices.labels, slices.origin, slices.resolution, place)
    lane, near = slices.lanes.number[labels], _NEAR * slices.length
    changes = [*(np.flatnonzero(np.diff(lane)) + 1).tolist(), len(lane) - 1]
    found = []
    for k, end in pairwise(changes):
        if lane[k] > 0:
            room = np.flatnonzero(labels[:k] == 0)  # before it entered the passage
            came = _near_since(place, int(room[-1]) + 1, near) if len(room) else 0
            narrow = frozenset(number for number in set(labels[k:end].tolist()) if _is_narrow(slices, number))
            found.append(Visit(int(lane[k]), k, end, _near_since(place, k, near), came, narrow))
    return found


def _is_narrow(slices: Slices, number: int) -> bool:
    """Whether a slice is not only room before a mouth."""
    return bool(slices.narrow[slices.cells_of(number)].any())


def _near_since(place: Array, entered: int, near: float) -> int:
    """Since which sample a robot is near to where it then enters a lane."""
    far = np.flatnonzero(np.linalg.norm(place[:entered] - place[entered], axis=-1) > near)
    return int(far[-1]) + 1 if len(far) else 0
