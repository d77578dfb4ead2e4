"""Which headings fit where: the outline of a robot, turned, against the obstacles around each cell of a grid.

Headings at which the outline is the same (of a box, those half a turn apart) are looked at once. Where it is narrow, a
cell stands for the point in it with the most room, so that a lane little wider than the robot needs no fine grid.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from swarm.array_types import Array, Flags, Int64s
from swarm.filter.narrow import ROW_MARGIN, ROW_MARGIN_BRAKING
from swarm.model.dynamics import Kind, Limits
from swarm.model.geometry import COLUMNS
from swarm.model.shapes import place_corners
from swarm.planning.headings.poses import (
    INDEXED,
    Poses,
    can_turn,
    half_width,
    hull_fits,
    hull_room,
    is_inside,
    middle_of,
    point_of,
    room_at,
    straight_fits,
    sweep_fits,
)
from swarm.scenario.obstacle_index import surface_distance
from swarm.scenario.world import World

QUARTER = 4
"""Headings in a quarter of a turn."""
_QUARTER_MOVES = ((0, 1), (1, 2), (1, 1), (2, 1))  # rows and columns
FINE = 0.5
"""Side of a cell, in half widths of the outline."""
TOLERANCE = 0.08
"""What ways keep from obstacles besides the margin, for a robot that drives not exactly: so many half widths."""
# In a narrow place, points so many to each side of the middle of a cell are tried, and middles are preferred a little.
_TRIES, _CENTRED = 4, 1e-3
_LEAST = 0.04  # Where it is narrow, ways keep more than rows do by at least so many half widths: else robots creep.
_MOST_POSES = 4_000_000
_DETOUR = 0.3  # Extra cost of a cell where the robot has no room to turn.
# What it costs more where it is nearer to a wall than so many tolerances.
_TIGHT, _SNUG = 2.0, 4.0
_TURN_COSTS = 1.0, 16.0  # Least and most that a turn to the next heading costs [cells].
_SAME = 1e-9


def poses_of(
    world: World, footprint: Array, kind: Kind, limits: Limits, heading: float, margin: float,
    resolution: float | None = None,
) -> Poses:  # fmt: skip
    """What a robot may drive on; made once for all that are alike.

    Args:
        world: The static map.
        footprint: Its outline, float64[V, 2] [m].
        kind: Its dynamics.
        limits: Of its actuators.
        heading: At its start [rad]; counts if it does not turn.
        margin: That it keeps from obstacles [m].
        resolution: Side of a cell [m]; None: a quarter of its width.
    """
    key = ("poses", footprint.tobytes(), kind, None if kind == Kind.UNICYCLE else heading, limits, margin, resolution)
    if key not in world.derived:
        world.derived[key] = _make(world, footprint, kind, limits, heading, margin, resolution)
    made: Poses = world.derived[key]
    return made


def _make(
    world: World, footprint: Array, kind: Kind, limits: Limits, heading: float, margin: float, resolution: float | None
) -> Poses:
    thin, reach = half_width(footprint), float(np.hypot(*footprint.T).max())
    sides, origin = world.bounds[2:] - world.bounds[:2], world.bounds[:2].copy()
    turns = kind == Kind.UNICYCLE
    if resolution is None:
        states = 4 * QUARTER if turns else 1
        resolution = max(FINE * thin, math.sqrt(float(sides.prod()) * states / _MOST_POSES))
    columns, rows = (max(1, math.ceil(side / resolution - 1e-9)) for side in sides.tolist())
    moves = _moves() if turns else np.array([(r, c) for r in (-1, 0, 1) for c in (-1, 0, 1) if r or c])
    angles = np.arctan2(moves[:, 0], moves[:, 1]) if turns else np.array([heading])
    turn = limits.speed / limits.turn_rate * 2.0 * math.pi / len(angles) / resolution if turns else math.inf
    turn = min(max(turn, _TURN_COSTS[0]), _TURN_COSTS[1])
    slow = kind == Kind.DOUBLE_INTEGRATOR or limits.is_second_order(kind)
    least = (_LEAST + (ROW_MARGIN_BRAKING if slow else ROW_MARGIN)) * thin
    shapes, steps = _shape_angles(angles, footprint)
    grid, many = (rows, columns), len(shapes) // 2 or 1
    poses = Poses(
        np.zeros((len(shapes), *grid), bool), np.zeros((many, *grid), bool), np.zeros((len(moves), *grid), bool),
        np.zeros((many, *grid, 2), np.float32), np.ones((many, *grid), np.float32), angles, moves, turn, origin,
        world.bounds, resolution, np.ascontiguousarray(footprint), reach, margin, max(TOLERANCE * thin, least), least,
        world.index(INDEXED * reach + margin), np.empty((0, COLUMNS)),
    )  # fmt: skip
    _fill(poses, shapes, steps)
    _open(poses, np.ones(grid, np.bool_))
    return poses


def _moves() -> Int64s:
    """Rows and columns of the steps at all headings, from x counter-clockwise."""
    found = [np.array(_QUARTER_MOVES)]
    for _ in range(3):
        found.append(np.column_stack([found[-1][:, 1], -found[-1][:, 0]]))
    return np.concatenate(found)


def _shape_angles(angles: Array, footprint: Array) -> tuple[Array, Array]:
    """Headings at which outlines differ, each with the one half-way to the next, and how far it is to what follows.

    Of a robot that does not turn, its heading.
    """
    if len(angles) == 1:
        return angles, np.zeros(1)
    alike = all(np.hypot(*(footprint + corner).T).min() <= _SAME for corner in footprint)
    half = 0.5 * np.mod(np.roll(angles, -1) - angles, 2.0 * math.pi)
    many = len(angles) // 2 if alike else len(angles)
    return np.column_stack([angles, angles + half])[:many].ravel(), np.repeat(half[:many], 2)


@njit(cache=True)
def _best_beside(poses: Poses, x: float, y: float, heading: float, ahead: bool, best: Array) -> float:
    """The largest distance from obstacles [m] within half a cell of a middle, and the ``best`` offset there [m].

    It is looked for beside the heading, and ``ahead`` as well.
    """
    corners, most = np.empty_like(poses.footprint), -1.0
    tries, side = (_TRIES if ahead else 0), poses.resolution / (2 * _TRIES)
    for i in range(-tries, tries + 1):
        for j in range(-_TRIES, _TRIES + 1):
            dx = side * (i * math.cos(heading) - j * math.sin(heading))
            dy = side * (i * math.sin(heading) + j * math.cos(heading))
            if not is_inside(poses, x + dx, y + dy):
                continue
            count = place_corners(x + dx, y + dy, heading, poses.footprint, corners)
            room = hull_room(poses.obstacles, poses.others, corners, count, x + dx, y + dy, poses.reach, poses.reach)
            room -= _CENTRED * (abs(i) + abs(j)) * side
            if room > most:
                most, best[0], best[1] = room, dx, dy
    return most


@njit(cache=True)
def _roomiest(poses: Poses, x: float, y: float) -> tuple[float, float]:
    """The point about a cell's middle from which it is farthest to all obstacles, or the middle itself.

    It is that point if obstacles are on more than one side, so that it lies not at the border of what is looked at.
    """
    most, at_i, at_j, side = -np.inf, 0, 0, poses.resolution / (2 * _TRIES)
    last = 3 * _TRIES // 2
    for i in range(-last, last + 1):
        for j in range(-last, last + 1):
            room = room_at(poses, x + i * side, y + j * side) - _CENTRED * (abs(i) + abs(j)) * side
            if room > most and is_inside(poses, x + i * side, y + j * side):
                most, at_i, at_j = room, i, j
    if max(abs(at_i), abs(at_j)) == last:
        return x, y
    return x + at_i * side, y + at_j * side


@njit(cache=True)
def _fit(poses: Poses, shapes: Array, steps: Array, row: int, column: int) -> None:
    """Write at which headings the outline fits in a cell, and between which it can turn; ``_shape_angles`` of both."""
    (x0, y0), needed = middle_of(poses, row, column), poses.margin + poses.tolerance
    corners, best, one = np.empty_like(poses.footprint), np.empty(2), len(shapes) == 1
    x, y = (x0, y0) if one else _roomiest(poses, x0, y0)
    for k in range(0 if one else len(shapes)):
        poses.turning[k, row, column] = sweep_fits(poses, x, y, shapes[k], shapes[k] + steps[k], needed)
    for k in range(len(poses.free)):
        count = place_corners(x, y, shapes[k if one else 2 * k], poses.footprint, corners)
        poses.free[k, row, column] = hull_fits(poses, corners, count, x, y, poses.reach, needed)
        poses.offset[k, row, column, 0], poses.offset[k, row, column, 1] = x - x0, y - y0
        if not one and (can_turn(poses.turning, k, row, column) or can_turn(poses.turning, k - 1, row, column)):
            continue
        most = _best_beside(poses, x0, y0, shapes[k if one else 2 * k], one, best)
        poses.free[k, row, column] = most >= poses.margin + poses.least
        tight = 1.0 - (most - poses.margin) / (_SNUG * poses.tolerance)
        poses.cost[k, row, column] += _TIGHT * min(max(tight, 0.0), 1.0)
        if poses.free[k, row, column]:
            poses.offset[k, row, column, 0], poses.offset[k, row, column, 1] = best[0], best[1]


@njit(cache=True)
def _fill(poses: Poses, shapes: Array, steps: Array) -> None:
    """Write where the outline fits, and what cells cost."""
    needed, (rows, columns) = poses.margin + poses.tolerance, poses.cost.shape[1:]
    for row in range(rows):
        for column in range(columns):
            x, y = middle_of(poses, row, column)
            room = room_at(poses, x, y)
            poses.cost[:, row, column] = 1.0 + _DETOUR * min(max(2.0 - room / (poses.reach + needed), 0.0), 1.0)
            if not is_inside(poses, x, y):
                continue
            if room >= poses.reach + needed:
                poses.turning[:, row, column], poses.free[:, row, column] = True, True
            elif room > -poses.resolution:
                _fit(poses, shapes, steps, row, column)


def among_others(poses: Poses, others: Array) -> Poses:
    """The same with further obstacles (rows as in ``ObstacleIndex.obstacles``)."""
    if len(others) == 0:
        return poses._replace(others=others)
    parts = {name: getattr(poses, name).copy() for name in ("turning", "free", "open", "offset", "cost")}
    found = poses._replace(others=others, **parts)
    _open(found, _close(found, *_shape_angles(found.angles, found.footprint)))
    return found


@njit(cache=True)
def _open(poses: Poses, changed: Flags) -> None:
    """Write on which moves from some cells the outline fits."""
    (rows, columns), least = poses.cost.shape[1:], poses.margin + poses.least
    far = poses.reach + least + 3.0 * poses.resolution
    for row in range(rows):
        for column in range(columns):
            if not changed[row, column]:
                continue
            roomy = room_at(poses, *middle_of(poses, row, column)) >= far
            for move in range(len(poses.moves)):
                heading, to_row, to_column = move % len(poses.angles), row + poses.moves[move, 0], 0
                to_column = column + poses.moves[move, 1]
                if to_row < 0 or to_row >= rows or to_column < 0 or to_column >= columns:
                    continue
                shape = heading % len(poses.free)
                fits = poses.free[shape, row, column] and poses.free[shape, to_row, to_column]
                if fits and not roomy:
                    x, y = point_of(poses, heading, row, column)
                    to_x, to_y = point_of(poses, heading, to_row, to_column)
                    fits = straight_fits(poses, x, y, to_x, to_y, poses.angles[heading], least)
                poses.open[move, row, column] = fits


@njit(cache=True)
def _close(poses: Poses, shapes: Array, steps: Array) -> Flags:
    """Look anew where the outline fits near ``others``; from which cells moves may have changed."""
    far, (rows, columns) = poses.reach + poses.margin + poses.tolerance, poses.cost.shape[1:]
    changed = np.zeros((rows, columns), np.bool_)
    for row in range(rows):
        for column in range(columns):
            x, y = middle_of(poses, row, column)
            for k in range(len(poses.others)):
                changed[row, column] |= surface_distance(poses.others, k, x, y) < far + 3.0 * poses.resolution
                if surface_distance(poses.others, k, x, y) < far:
                    poses.offset[:, row, column], poses.cost[:, row, column] = 0.0, 1.0 + _DETOUR
                    _fit(poses, shapes, steps, row, column)
                    break
    return changed
