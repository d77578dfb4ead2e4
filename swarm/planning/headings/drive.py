"""From poses along a way to where a robot drives now: it turns on the spot, drives straight, and turns again.

The waypoint is the farthest pose on the way that is reached so. Where there is no room to turn, the robot turns before
it drives, and stops where it turns next.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from swarm.array_types import Array
from swarm.model.shapes import place_corners
from swarm.planning.headings.field import turn_between
from swarm.planning.headings.poses import Poses, hull_fits, room_at, straight_fits, sweep_fits

_TURN_STEP = 0.2  # Turns are looked at in parts of so much at most [rad].
THERE = 0.15
"""So many reaches from its goal a robot that turns is there: it would turn on the spot for the rest of the way."""
_ROOMY = 1.25  # With so many reaches around it, a robot turns while it drives; else it turns on the spot first,
_STRAIGHT, _ABOUT = 0.08, 0.4  # unless its heading is wrong by no more, or by no more and nothing is ahead [rad].
_SHARP = 0.5  # Before it turns by more, it slows down [rad].
_SPOT = 1e-3  # Way within which a robot stops that turns on the spot, in reaches.
_AT = 0.35  # A pose nearer than so many cells is a turn on the spot.
_HALVINGS = 6
_OFF = 0.05  # A robot is off its way if it is so many cells beside it.
_ON_THE_WAY = 1.5  # A pose is on a way that comes as near to it as so many cells.


@njit(cache=True)
def turn_fits(poses: Poses, x: float, y: float, start: float, end: float, needed: float) -> bool:
    """Whether the outline keeps ``needed`` [m] from obstacles at all headings of the shorter turn."""
    if room_at(poses, x, y) >= poses.reach + needed:
        return True
    turn = turn_between(start, end)
    count = int(abs(turn) / _TURN_STEP) + 1
    for k in range(count):
        if not sweep_fits(poses, x, y, start + k / count * turn, start + (k + 1) / count * turn, needed):
            return False
    return True


@njit(cache=True)
def _is_at(poses: Poses, state: Array, target: Array) -> bool:
    """Whether a robot is at a pose but for its heading, or just past it: it does not drive backwards."""
    dx, dy = target[0] - state[0], target[1] - state[1]
    away = math.hypot(dx, dy)
    if away < _AT * poses.resolution:
        return True
    return away < poses.resolution and abs(turn_between(state[2], math.atan2(dy, dx))) > 0.5 * math.pi


@njit(cache=True)
def reaches(poses: Poses, state: Array, target: Array, needed: float) -> bool:
    """Whether a robot comes to a pose by a turn, a straight way and a turn; NaN for a heading is any."""
    x, y, heading, to_x, to_y, end = state[0], state[1], state[2], target[0], target[1], target[2]
    if len(poses.angles) == 1:
        return straight_fits(poses, x, y, to_x, to_y, heading, needed)
    if _is_at(poses, state, target):
        return end != end or turn_fits(poses, x, y, heading, end, needed)
    along = math.atan2(to_y - y, to_x - x)
    if not straight_fits(poses, x, y, to_x, to_y, along, needed) or not turn_fits(poses, x, y, heading, along, needed):
        return False
    return end != end or turn_fits(poses, to_x, to_y, along, end, needed)


@njit(cache=True)
def kept_at(poses: Poses, x: float, y: float, heading: float) -> float:
    """What ways from here keep from obstacles [m]: as much as all do, or less where the robot itself keeps less."""
    corners, most = np.empty_like(poses.footprint), poses.margin + poses.tolerance
    count = place_corners(x, y, heading, poses.footprint, corners)
    low, high = 0.0, 1.0
    for k in range(_HALVINGS):
        share = 1.0 if k == 0 else 0.5 * (low + high)
        if hull_fits(poses, corners, count, x, y, poses.reach, share * most):
            low = share
            if k == 0:
                break
        else:
            high = share
    return low * most


@njit(cache=True)
def first_pose(poses: Poses, state: Array, path: Array, stop: int, needed: float) -> int:
    """The pose from which on it is looked for a farther one: the second; if the robot is off the way, the first.

    Of a robot that does not turn: another turns, and cannot go aside to that pose.
    """
    if stop > 1 and len(poses.angles) == 1 and not reaches(poses, state, path[1], needed):
        off = math.hypot(path[0, 0] - state[0], path[0, 1] - state[1])
        return 0 if off > _OFF * poses.resolution else 1
    return min(1, stop - 1)


@njit(cache=True)
def farthest_pose(poses: Poses, state: Array, path: Array, stop: int) -> int:
    """The last of the first ``stop`` poses of a way that a robot reaches; at least ``first_pose``.

    Args:
        poses: What the robot may drive on.
        state: Of the robot: x, y [m], heading [rad], float64[3] or more.
        path: Poses, float64[n, 3].
        stop: How many of them count, at least one.
    """
    needed = kept_at(poses, state[0], state[1], state[2])
    if reaches(poses, state, path[stop - 1], needed):
        return stop - 1
    low = first_pose(poses, state, path, stop, needed)
    for stride in (32, 8, 2, 1):
        while low + stride < stop and reaches(poses, state, path[low + stride], needed):
            low += stride
    return low


@njit(cache=True)
def still_counts(poses: Poses, state: Array, path: Array, stop: int, held: Array, chosen: Array) -> bool:
    """Whether a robot goes on to the pose where it wanted to turn, and not to another that it has chosen now.

    Else it would choose anew before it is there, and could not turn, or would turn to and fro.
    """
    if _is_at(poses, state, held) and abs(turn_between(state[2], held[2])) < 0.5 * _STRAIGHT:
        return False
    along = math.atan2(chosen[1] - state[1], chosen[0] - state[0])
    apart = math.hypot(chosen[0] - held[0], chosen[1] - held[1])
    if apart > _ON_THE_WAY * poses.resolution and abs(turn_between(state[2], along)) <= _STRAIGHT:
        return False  # it need not stop there
    for k in range(stop):
        if math.hypot(path[k, 0] - held[0], path[k, 1] - held[1]) <= _ON_THE_WAY * poses.resolution:
            return reaches(poses, state, held, 0.5 * kept_at(poses, state[0], state[1], state[2]))
    return False


@njit(cache=True)
def is_tight(poses: Poses, pose: Array) -> bool:
    """Whether a pose has a heading, and hardly room around it to turn to any other."""
    return pose[2] == pose[2] and room_at(poses, pose[0], pose[1]) < _ROOMY * (poses.reach + poses.margin)


@njit(cache=True)
def _may_drive(poses: Poses, state: Array, error: float, away: float, tight: bool) -> bool:
    """Whether a robot drives on although its heading is not yet that of its way; ``tight``: to where it is narrow."""
    x, y, heading = state[0], state[1], state[2]
    if abs(error) <= _STRAIGHT:
        return True
    if not tight and room_at(poses, x, y) >= _ROOMY * (poses.reach + poses.margin):
        return True
    if abs(error) > _ABOUT:
        return False
    ahead = min(away * math.cos(error), poses.reach)
    to_x, to_y = x + ahead * math.cos(heading), y + ahead * math.sin(heading)
    return straight_fits(poses, x, y, to_x, to_y, heading, kept_at(poses, x, y, heading))


@njit(cache=True)
def command(poses: Poses, state: Array, target: Array, left: float, ends: bool) -> tuple[float, float, float]:
    """Where to drive (x, y), and the way after which the robot must be able to stop [m].

    Args:
        poses: What the robot may drive on.
        state: Of the robot: x, y [m], heading [rad], float64[3] or more.
        target: The pose to go to, float64[3]; NaN for a heading is any.
        left: What is left of the whole way [m].
        ends: Whether the robot has to stop there in any case.
    """
    x, y, heading, turns_there = state[0], state[1], state[2], target[2] == target[2]
    away = math.hypot(target[0] - x, target[1] - y)
    if len(poses.angles) == 1:
        return target[0], target[1], away if ends else left
    if not turns_there and away < THERE * poses.reach:
        return x, y, 0.0
    along, tight = math.atan2(target[1] - y, target[0] - x), is_tight(poses, target)
    if turns_there and _is_at(poses, state, target):
        along = target[2]
    elif _may_drive(poses, state, turn_between(heading, along), away, tight):
        # What is left of the way counts turns as well: at the goal, which has no heading, it would not stop in time.
        stops = not turns_there or abs(turn_between(along, target[2])) > _SHARP or tight
        return target[0], target[1], min(away, left) if ends or stops else left
    needed = 0.5 * kept_at(poses, x, y, heading)
    behind = abs(turn_between(heading, along)) > 0.5 * math.pi
    if not behind and not turn_fits(poses, x, y, heading, along, needed):  # straight on, to where there is room
        to_x, to_y = x + poses.resolution * math.cos(heading), y + poses.resolution * math.sin(heading)
        if straight_fits(poses, x, y, to_x, to_y, heading, needed):
            return to_x, to_y, poses.resolution
    ahead = poses.reach + away
    return x + ahead * math.cos(along), y + ahead * math.sin(along), _SPOT * poses.reach
