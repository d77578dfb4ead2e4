"""Ways of robots in one world, with detours around others who stand in the way.

A static map knows nothing of a robot that has parked in a passage. A robot that has come no nearer for a while takes
those who stand around it for obstacles and goes around them, until it is nearer to its goal than it was before: the
rule by which the bug algorithms (Lumelsky and Stepanov 1987) leave an obstacle.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numba import njit

from swarm.array_types import Array, Flags, Int64s
from swarm.model.geometry import COLUMNS, circles
from swarm.planning.gaps import space_of
from swarm.planning.roadmap.many import Maps, is_in_free_cell, map_of, maps_of
from swarm.planning.roadmap.narrow import with_narrow
from swarm.planning.roadmap.waypoints import TOO_FAR, Field, field_to, trace, waypoint
from swarm.planning.silent import MEMORY
from swarm.scenario.world import World
from swarm.sense.neighbours import MAX_NEIGHBOURS, N_ID, N_INTENT_X, N_INTENT_Y, N_RADIUS, N_VX, N_VY, N_X, N_Y

PATIENCE = 2.0
"""Seconds without coming nearer, after which a robot looks for a way around those who stand."""
# Who moves less than this many of its radii in a second stands, and who is within so many radii of where it is heading;
# coming nearer counts from this share of a radius on.
_STILL, _ARRIVED, _NEARER = 0.1, 2.0, 0.05
# Rounding of clocks [s].
_TICK = 1e-9
# What the kernel leaves to do for a robot: nothing, a field on the plain map, through passages or for its detour, a new
# detour.
_NOTHING, _FIELD, _NARROW_FIELD, _DETOUR_FIELD, _STUCK = range(5)
# Columns of the progress of a robot: least way left on the plain map [m], least way left on the way that is followed at
# present [m], since when that is no less [s].
_PLAIN, _LEAST, _SINCE = range(3)


def stands(others: Array) -> Flags:
    """Which of the neighbours [m, 14] stay where they are: slow ones, and who says it has arrived."""
    left = np.hypot(others[:, N_INTENT_X] - others[:, N_X], others[:, N_INTENT_Y] - others[:, N_Y])
    still = np.hypot(others[:, N_VX], others[:, N_VY]) < _STILL * others[:, N_RADIUS]
    arrived: Flags = (left > 0.0) & (left <= _ARRIVED * others[:, N_RADIUS])
    return still | arrived


class _Fields(NamedTuple):
    """A field for each of n robots, one after the other."""

    values: Array  # float64[cells of all]
    place: Int64s  # int64[n, 7]: first of the values; on the grid: first row and column, rows, columns; of the start
    limit: Array  # float64[n]

    def put(self, k: int, field: Field) -> _Fields:
        """Keep the field of robot ``k``; behind the others, if it takes more room than the one before."""
        values, place, size = self.values, self.place, field.values.size
        sizes = place[:, 3] * place[:, 4]
        if size > sizes[k]:
            sizes[k] = 0
            end = (place[:, 0] + sizes).max()
            if end + size > len(values):
                end = sizes.sum()
                values = np.empty(2 * (end + size))
                for start, old, length in zip(np.cumsum(sizes) - sizes, place, sizes, strict=True):
                    values[start : start + length] = self.values[old[0] : old[0] + length]
                    old[0] = start
            place[k, 0] = end
        values[place[k, 0] : place[k, 0] + size] = field.values.ravel()
        place[k, 1:] = field.row, field.column, *field.values.shape, field.from_row, field.from_column
        self.limit[k] = field.limit
        return self._replace(values=values)


@njit(cache=True)
def _field(fields: _Fields, k: int) -> Field:
    first, row, column, height, width, from_row, from_column = fields.place[k]
    values = fields.values[first : first + height * width].reshape((height, width))
    return Field(values, row, column, fields.limit[k], from_row, from_column)


@njit(cache=True)
def _find_field(maps: Maps, k: int, others: Array, goal: Array, position: Array) -> Field:
    return field_to(map_of(maps, k, others), goal, position)


@njit(cache=True)
def _find_way(maps: Maps, k: int, others: Array, goal: Array, position: Array) -> tuple[Field, float, float, float]:
    """A field and the waypoint."""
    roadmap = map_of(maps, k, others)
    field = field_to(roadmap, goal, position)
    x, y, left = waypoint(roadmap, field, position, goal)
    return field, x, y, left


@njit(cache=True)
def _trace(maps: Maps, fields: _Fields, k: int, others: Array, x: float, y: float, most: int) -> Array:
    return trace(map_of(maps, k, others), _field(fields, k), x, y, most)


@njit(cache=True)
def _waypoint(maps: Maps, fields: _Fields, k: int, others: Array, position: Array, goal: Array, found: Array) -> bool:
    """Write the waypoint and the length of the way of robot ``k``; false if its field does not reach that far."""
    x, y, left = waypoint(map_of(maps, k, others), _field(fields, k), position, goal)
    if left == TOO_FAR:
        return False
    found[0], found[1], found[2] = x, y, left
    return True


@njit(cache=True)
def _follow(
    maps: Maps, fields: _Fields, narrow: _Fields, squeezes: Flags, detours: _Fields, others: Array, standing: Int64s,
    progress: Array, time: float, positions: Array, goals: Array, to_do: Int64s, found: Array,
) -> None:  # fmt: skip
    """Waypoints of all robots that have something to do, and what is left to do for them; see ``Ways``."""
    for k in range(len(goals)):
        if to_do[k] == _NOTHING:
            continue
        position, goal, near = positions[k], goals[k], _NEARER * maps.radius[k]
        maps.squeezed[k] = False
        if not _waypoint(maps, fields, k, others[k, :0], position, goal, found[k]):
            to_do[k] = _FIELD
            continue
        squeezes[k] = squeezes[k] and (found[k, 2] == np.inf or not is_in_free_cell(maps, k, position))
        if maps.turns[k] and (squeezes[k] or found[k, 2] == np.inf):
            maps.squeezed[k] = squeezes[k]
            if not squeezes[k] or not _waypoint(maps, narrow, k, others[k, :0], position, goal, found[k]):
                to_do[k] = _NARROW_FIELD
                continue
        if found[k, 2] < progress[k, _PLAIN] - near:
            progress[k, _PLAIN] = found[k, 2]
            if standing[k] > 0:
                standing[k] = 0
                progress[k, _LEAST], progress[k, _SINCE] = np.inf, time
        if standing[k] > 0 and not _waypoint(maps, detours, k, others[k, : standing[k]], position, goal, found[k]):
            to_do[k] = _DETOUR_FIELD
            continue
        if found[k, 2] < progress[k, _LEAST] - near:
            progress[k, _LEAST], progress[k, _SINCE] = found[k, 2], time
        stuck = time - progress[k, _SINCE] >= PATIENCE - _TICK and found[k, 2] > 2.0 * maps.radius[k]
        to_do[k] = _STUCK if stuck else _NOTHING


class Ways:
    """Waypoints of robots in one world, each with its own goal.

    Args:
        world: The static map.
        radii: Of the robots [m], float64[n].
        margin: Extra distance from obstacles [m].
        turns: Who drives along its heading only (unicycles), bool[n]; None: nobody.
    """

    def __init__(self, world: World, radii: Array, margin: float = 0.0, turns: Flags | None = None) -> None:
        count = len(radii)
        self._world, self._needed = world, radii + margin
        self._maps = maps_of(world, radii, margin, np.zeros(count, bool) if turns is None else turns)
        # By where a plain map begins, the place of the map with passages; and who has a field there.
        self._passages: dict[int, Int64s] = {}
        self._squeezes, self._nowhere = np.zeros(count, bool), np.zeros(count, bool)
        self._goals = np.full((count, 2), np.nan)
        self._fields, self._narrow, self._detours = (
            _Fields(np.empty(0), np.zeros((count, 7), np.int64), np.full(count, np.inf)) for _ in range(3)
        )
        self._progress = np.zeros((count, 3))
        self._blocking: dict[int, list[tuple[float, Array]]] = {}  # who says nothing: when seen; x, y, radius
        # Whom a robot goes around, as rows of obstacles, and how many these are; 0: it is on no detour.
        self._others, self._standing = np.zeros((count, MAX_NEIGHBOURS, COLUMNS)), np.zeros(count, np.int64)

    def plan(self, time: float, positions: Array, goals: Array, around: Callable[[int], Array]) -> Array:
        """Where to drive next.

        Args:
            time: Now [s].
            positions: World frame [m], float64[n, 2].
            goals: World frame [m], float64[n, 2].
            around: Of a robot's number: the robots that it senses, neighbours as in ``swarm.sense.neighbours``,
                float64[m, 14].

        Returns:
            x, y [m] and the length of the way [m] of each robot, float64[n, 3]; as in ``waypoint``, but who certainly
            has none stays where it is: ``nowhere`` tells.
        """
        found, to_do = np.empty((len(goals), 3)), np.full(len(goals), _FIELD)
        if (goals != self._goals).any():
            for k in np.flatnonzero((goals != self._goals).any(axis=1)).tolist():
                self._begin(k, time, goals[k], positions[k])
        while True:
            _follow(
                self._maps, self._fields, self._narrow, self._squeezes, self._detours, self._others, self._standing,
                self._progress, time, positions, self._goals, to_do, found,
            )  # fmt: skip
            if not to_do.any():
                return self._kept(positions, found)
            for k in np.flatnonzero(to_do).tolist():
                if to_do[k] == _FIELD:
                    self._fields = self._fields.put(k, self._find(k, self._others[k, :0], positions[k]))
                elif to_do[k] == _NARROW_FIELD:
                    self._squeeze(k, positions[k])
                elif to_do[k] == _DETOUR_FIELD:
                    others = self._others[k, : self._standing[k]]
                    self._detours = self._detours.put(k, self._find(k, others, positions[k]))
                else:
                    self._go_around(k, time, positions[k], around(k), found[k])
                    to_do[k] = _NOTHING

    @property
    def nowhere(self) -> Flags:
        """Who has no way to its goal, bool[n]; as of the last ``plan``."""
        return self._nowhere

    def _kept(self, positions: Array, found: Array) -> Array:
        """The waypoints, with that of whoever has no way where it is: it would drive along the walls for ever."""
        self._nowhere[:] = False
        for k in np.flatnonzero(found[:, 2] == np.inf).tolist():
            space = space_of(self._world, float(self._needed[k]))
            if not space.may_reach(positions[k], self._goals[k]):
                self._nowhere[k], found[k] = True, (*positions[k], 0.0)
        return found

    def path(self, k: int, x: float, y: float, most: int) -> Array:
        """At most ``most`` points [m] of what robot ``k`` follows at present, from a point on, float64[p, 2]."""
        standing = self._standing[k]
        fields = self._narrow if self._maps.squeezed[k] else self._fields
        fields = self._detours if standing else fields
        path: Array = _trace(self._maps, fields, k, self._others[k, :standing], x, y, most)
        return path

    @property
    def on_detour(self) -> Flags:
        """Who goes around others, bool[n]."""
        going: Flags = self._standing > 0
        return going

    def _find(self, k: int, others: Array, position: Array) -> Field:
        field: Field = _find_field(self._maps, k, others, self._goals[k], position)
        return field

    def _begin(self, k: int, time: float, goal: Array, position: Array) -> None:
        """Take up a new goal."""
        self._goals[k], self._standing[k] = goal, 0
        self._progress[k] = np.inf, np.inf, time
        self._blocking.pop(k, None)
        self._maps.squeezed[k] = self._squeezes[k] = False
        self._fields = self._fields.put(k, self._find(k, self._others[k, :0], position))

    def _squeeze(self, k: int, position: Array) -> None:
        """Look for a way through passages as well, for a robot that has none otherwise."""
        maps, plain = self._maps, int(self._maps.place[k, 0])
        maps.squeezed[k] = False
        if plain not in self._passages:
            roadmap = with_narrow(map_of(maps, k, self._others[k, :0]))
            ends = len(maps.narrow), len(maps.narrow) + len(roadmap.narrow)
            self._passages[plain] = np.array([len(maps.costs), *roadmap.cost.shape, *ends])
            costs = np.concatenate([maps.costs, roadmap.cost.ravel()])
            self._maps = maps._replace(costs=costs, narrow=np.concatenate([maps.narrow, roadmap.narrow]))
        maps.through[k] = self._passages[plain]
        maps.squeezed[k] = self._squeezes[k] = True
        self._narrow = self._narrow.put(k, self._find(k, self._others[k, :0], position))

    def _go_around(self, k: int, time: float, position: Array, others: Array, found: Array) -> None:
        """Begin a detour around those who stand, if there is one; it changes the waypoint ``found``."""
        self._progress[k, _LEAST:] = np.inf, time
        standing = others[stands(others)]
        known = self._remember(k, time, standing)
        around = circles(np.concatenate([standing[:, [N_X, N_Y, N_RADIUS]], known])[:MAX_NEIGHBOURS])
        if len(around) == 0:
            return
        field, *way = _find_way(self._maps, k, around, self._goals[k], position)
        if np.isfinite(way[2]):
            found[:], self._standing[k], self._others[k, : len(around)] = way, len(around), around
            self._detours = self._detours.put(k, field)

    def _remember(self, k: int, time: float, standing: Array) -> Array:
        """Those who say nothing and have been seen to stand in the way to this goal: x, y, radius [m], float64[m, 3].

        Else a robot that comes to the second of two blocked passages would forget the first one, and go to and fro.
        """
        seen = standing[:, [N_X, N_Y, N_RADIUS]]
        kept = [
            one for one in self._blocking.get(k, [])
            if time - one[0] < MEMORY and not (np.hypot(*(seen[:, :2] - one[1][:2]).T) < one[1][2]).any()
        ]  # fmt: skip
        self._blocking[k] = kept + [(time, row) for row in seen[standing[:, N_ID] < 0.0]]
        return np.array([row for _, row in kept]).reshape(-1, 3)
