"""How often others pass a door or a lane while a robot waits before it, from what has been recorded."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from envs.arena.core import GOAL_RADII
from envs.arena.episodes import Track
from swarm.array_types import Array, Int64s
from swarm.planning.passages.search import labels_along
from swarm.planning.passages.slices import Slices, slices_of
from swarm.planning.passages.team import sizes_of

_NEAR = 2.0  # Who is nearer than so many slices to where it then enters a lane waits before it.
_THROUGH = 0.5  # Who leaves a lane farther than so many slices from where it entered has passed it.


class Visit(NamedTuple):
    """The samples of a track at which a robot enters a lane, and has left it."""

    lane: int
    entered: int
    left: int


def most_passes(track: Track) -> Int64s:
    """How often others passed a lane while a robot waited to get into it, at most, ``int64[N]``.

    A lane is where robots cannot pass each other (``swarm.planning.passages.lanes``); a door is one. Who has arrived
    waits no longer, and who never gets in is not counted here: it is one that does not arrive.
    """
    slices, place = slices_of(track.scenario.world, sizes_of(track.scenario)), track.state[..., :2]
    visits = [visits_of(slices, np.ascontiguousarray(one)) for one in place.transpose(1, 0, 2)]
    passes = [
        [one for one in some if math.dist(place[one.entered, i], place[one.left, i]) > _THROUGH * slices.length]
        for i, some in enumerate(visits)
    ]
    found = np.zeros(len(visits), np.int64)
    for i, spec in enumerate(track.scenario.robots):
        there = np.linalg.norm(place[:, i] - spec.goals[-1], axis=-1) <= GOAL_RADII * spec.radius
        end = int(np.argmax(there)) if there.any() else len(there)
        others = [one for j, some in enumerate(passes) if j != i for one in some]
        for lane, entered, _ in visits[i]:
            if entered <= end:
                since = _near_since(place[:, i], entered, _NEAR * slices.length)
                count = sum(one.lane == lane and since < one.entered < entered for one in others)
                found[i] = max(found[i], count)
    return found


def visits_of(slices: Slices, place: Array) -> list[Visit]:
    """When a robot enters lanes, and leaves them, by its places ``float64[T, 2]`` [m]; not where it is at first."""
    lane = slices.lanes.number[labels_along(slices.labels, slices.origin, slices.resolution, place)]
    changes = [*(np.flatnonzero(np.diff(lane)) + 1).tolist(), len(lane) - 1]
    return [Visit(int(lane[k]), k, end) for k, end in pairwise(changes) if lane[k] > 0]


def _near_since(place: Array, entered: int, near: float) -> int:
    """Since which sample a robot is near to where it then enters a lane."""
    far = np.flatnonzero(np.linalg.norm(place[:entered] - place[entered], axis=-1) > near)
    return int(far[-1]) + 1 if len(far) else 0
