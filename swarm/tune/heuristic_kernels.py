"""Kernels of the hand-written rules (``swarm.tune.heuristics``): each gives a robot its rotation, or 0 for straight on.

Units as in the observation: lengths in sensing radii, times in what it takes to cross one at top speed; angles in rad.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from swarm.array_types import Array, Flags, Float32s
from swarm.filter.tunables import ROTATION, SPEED, TUNABLES
from swarm.mixing import FIRST_FACTOR, fold
from swarm.tune.observation import (
    EDGE_GAP,
    EDGE_HIGHER_ID,
    EDGE_INTENT_X,
    EDGE_INTENT_Y,
    EDGE_IS_OBSTACLE,
    EDGE_LEFT,
    EDGE_RIGHT,
    EDGE_VX,
    EDGE_VY,
    EDGE_X,
    EDGE_Y,
    EGO_ACTION,
    EGO_EXACT,
    EGO_LOST,
    EGO_PERIOD,
    EGO_RADIUS,
    EGO_REMAINING,
    EGO_SPEED,
    EGO_STUCK,
    EGO_VX,
    EGO_VY,
)

# Parameters of a rule, as its class documents them.
Settings = tuple[float, ...]

MOST = TUNABLES[ROTATION].high
# Time without coming nearer from which on a robot is stuck.
_PATIENCE = 0.2
# Who is slower than this share of its top speed stands; who tells a way shorter than this (as a feature) has arrived.
_STANDS, _WANTS = 0.05, 0.3
# Times the patience of a robot that sees somebody with right of way, who may be about to move; and of one that sees
# only robots that have arrived, who will not.
_YIELDS, _PARKED = 5.0 / 3.0, 0.25
# A rotation [rad] below the first is none; the second is added at random, so that the observation of a robot that
# stands differs from step to step, and with it the random numbers.
_NONE, _JITTER = 0.01, 0.001
# A surface nearer than this [rad] to the course stands across it.
_ACROSS = 1.0
# The largest speed tunable (in [0, 1]) of a policy that shares its robots with a rule; and by how much of its box a
# policy that is at rest changes the rotation in a step: one that turns back on its way along a wall changes it by more.
_HAIR, _AT_REST = 0.999, 0.01


@njit(cache=True)
def uniform(ego: Float32s, draw: int) -> float:
    """A random number in [0, 1), a hash of the own features ``float32[EGO]``; another one for each ``draw``.

    What is declared is the same at every step, and takes no part in it.
    """
    total = np.uint64(draw)
    for bits in ego[:EGO_EXACT].view(np.uint32):
        total = fold(total ^ np.uint64(bits))
    total *= FIRST_FACTOR
    return float((total ^ (total >> np.uint64(32))) >> np.uint64(11)) / 2.0**53


@njit(cache=True)
def _stuck(ego: Float32s, patience: float) -> bool:
    """Whether the robot has not come nearer for ``patience``, which is compared in the precision of the feature."""
    return ego[EGO_STUCK] > np.float32(0.1 * patience)


@njit(cache=True)
def _arrived(ego: Float32s) -> bool:
    return math.expm1(3.0 * ego[EGO_REMAINING]) <= 2.0 * ego[EGO_RADIUS]


@njit(cache=True)
def _encoded(rotation: float, ego: Float32s) -> float:
    """The rotation [rad] as part of an action, clipped to the box, with a jitter."""
    jitter = _JITTER * (2.0 * uniform(ego, 2) - 1.0)
    return 0.5 + 0.5 * min(max((rotation + jitter) / MOST, -1.0), 1.0)


@njit(cache=True)
def _random_rotation(ego: Float32s, settings: Settings) -> float:
    turned, straight, largest = settings
    rotation, period = MOST * ego[EGO_ACTION + ROTATION], 0.1 * ego[EGO_PERIOD]
    if _arrived(ego):
        return 0.0
    if abs(rotation) > _NONE:
        return rotation if turned * uniform(ego, 0) >= period else 0.0
    if _stuck(ego, _PATIENCE) and straight * uniform(ego, 0) < period:
        side = 2.0 * uniform(ego, 1) - 1.0
        return math.copysign(0.3 + abs(side) * (largest - 0.3), side)
    return 0.0


@njit(cache=True)
def _nearest(edges: Float32s, mask: Flags, ahead: bool) -> int:
    """The slot of the nearest robot or obstacle, of those ahead if so wished; -1 if there is none."""
    found, least = -1, np.inf
    for slot in range(mask.size):
        if mask[slot] and edges[slot, EDGE_GAP] < least and (edges[slot, EDGE_X] > 0.0 or not ahead):
            found, least = slot, edges[slot, EDGE_GAP]
    return found


@njit(cache=True)
def _first_side(thing: Float32s, bearing: float) -> float:
    """1 turns left, -1 right: where an obstacle ends sooner; away from a robot, right if it is dead ahead."""
    if thing[EDGE_IS_OBSTACLE] > 0.5:
        return -1.0 if abs(thing[EDGE_RIGHT]) < abs(thing[EDGE_LEFT]) else 1.0
    return -1.0 if bearing > -0.02 else 1.0


@njit(cache=True)
def _wants(robot: Float32s) -> bool:
    """Whether a robot tells that it has not arrived."""
    return math.hypot(robot[EDGE_INTENT_X], robot[EDGE_INTENT_Y]) > _WANTS


@njit(cache=True)
def _left_behind(ego: Float32s, edges: Float32s, mask: Flags, patience: float) -> bool:
    """Whether a robot stands, and nobody that it sees moves: then nothing will change by itself.

    Who has the lowest id of those who want somewhere has right of way: if it stands, it is stuck. The others are more
    patient, since it may be about to go; who only sees robots that have arrived waits for nothing.
    """
    yields, waiting, seen = False, False, False
    for slot in range(mask.size):
        if not mask[slot] or edges[slot, EDGE_IS_OBSTACLE] > 0.5:
            continue
        edge = edges[slot]
        if math.hypot(edge[EDGE_VX] + ego[EGO_VX], edge[EDGE_VY] + ego[EGO_VY]) > _STANDS:
            return False
        wants = _wants(edge)
        yields = yields or (wants and edge[EDGE_HIGHER_ID] < 0.0)
        waiting, seen = waiting or wants, True
    if seen and not waiting:
        patience *= _PARKED
    elif yields:
        patience *= _YIELDS
    return ego[EGO_SPEED] < _STANDS and _stuck(ego, patience)


@njit(cache=True)
def _bearing(thing: Float32s) -> float:
    return math.atan2(np.float64(thing[EDGE_Y]), np.float64(thing[EDGE_X]))


@njit(cache=True)
def _wrapped(angle: float) -> float:
    return (angle + math.pi) % (2.0 * math.pi) - math.pi


@njit(cache=True)
def _along(thing: Float32s, side: float, distance: float) -> float:
    """The course [rad] along a surface, up to 0.3 rad towards it or away from it; side 1: it is on the right."""
    farther = min(max(np.float64(thing[EDGE_GAP]) / distance - 1.0, -1.0), 1.0)
    return _bearing(thing) + side * (0.5 * math.pi - 0.3 * farther)


@njit(cache=True)
def _round_corners(edges: Float32s, mask: Flags, course: float, side: float, distance: float, free: float) -> float:
    """The course, turned to its side until no surface within ``free`` stands across it: out of inner corners.

    Robots that want somewhere are none: they may make way.
    """
    turned = 0.0
    while turned < math.pi:
        most = 0.0
        for slot in range(mask.size):
            edge = edges[slot]
            if not mask[slot] or edge[EDGE_GAP] >= free or (edge[EDGE_IS_OBSTACLE] < 0.5 and _wants(edge)):
                continue
            if abs(_wrapped(_bearing(edge) - course)) < _ACROSS:
                most = max(most, side * _wrapped(_along(edge, side, distance) - course))
        if most < _NONE:
            break
        course, turned = course + side * most, turned + most
    return course


@njit(cache=True)
def _wall_following(
    ego: Float32s, edges: Float32s, mask: Flags, turning: bool, stuck: bool, settings: Settings
) -> float:
    """``turning``: the rule drove in the last step; ``stuck``: it is to begin if the way is blocked."""
    distance, free, within, keeps = settings
    nearest = _nearest(edges, mask, not turning) if (turning or stuck) and not _arrived(ego) else -1
    if nearest < 0:
        return 0.0
    thing = edges[nearest]
    gap, bearing = np.float64(thing[EDGE_GAP]), _bearing(thing)
    blocked = gap < free and abs(bearing) < 0.5 * math.pi
    if turning:
        if gap >= within or (ego[EGO_LOST] <= 0.0 and not blocked):
            return 0.0
        side = math.copysign(1.0, ego[EGO_ACTION + ROTATION])
        keeps *= 0.2 if ego[EGO_SPEED] < 0.1 else 1.0
        if keeps * uniform(ego, 0) < 0.1 * ego[EGO_PERIOD]:
            side = -side
    else:
        if not blocked:
            return 0.0
        side = _first_side(thing, bearing)
    course = _round_corners(edges, mask, _wrapped(_along(thing, side, distance)), side, distance, free)
    # The sign remembers the side, so it never turns to the other one.
    return side * max(side * course, 2.0 * _NONE)


@njit(cache=True)
def rotate_at_random(ego: Float32s, settings: Settings, actions: Array) -> None:
    """Write the rotations of robots that turn at random while they are stuck into ``actions`` ``float64[n, 6]``."""
    for i in range(len(ego)):
        actions[i, ROTATION] = _encoded(_random_rotation(ego[i], settings), ego[i])


@njit(cache=True)
def follow_walls(ego: Float32s, edges: Float32s, mask: Flags, settings: Settings, actions: Array) -> None:
    """Write the rotations of robots that follow walls while they are stuck into ``actions`` ``float64[n, 6]``."""
    for i in range(len(ego)):
        turning, course = abs(MOST * ego[i, EGO_ACTION + ROTATION]) > _NONE, 0.0
        if turning or _stuck(ego[i], _PATIENCE):
            course = _wall_following(ego[i], edges[i], mask[i], turning, True, settings)
        actions[i, ROTATION] = _encoded(course, ego[i])


@njit(cache=True)
def lead_out(ego: Float32s, edges: Float32s, mask: Flags, patience: float, settings: Settings, actions: Array) -> None:
    """Write rotation and speed of robots that wall following drives into ``actions``, a policy's ``float64[n, 6]``."""
    for i in range(len(ego)):
        turning, course = ego[i, EGO_ACTION + SPEED] >= 1.0, 0.0
        at_rest = abs(actions[i, ROTATION] - 0.5 - 0.5 * ego[i, EGO_ACTION + ROTATION]) < _AT_REST
        stuck = at_rest and _stuck(ego[i], _PARKED * patience) and _left_behind(ego[i], edges[i], mask[i], patience)
        if turning or stuck:
            course = _wall_following(ego[i], edges[i], mask[i], turning, stuck, settings)
        if course != 0.0:
            actions[i, ROTATION], actions[i, SPEED] = _encoded(course, ego[i]), 1.0
        elif actions[i, SPEED] > _HAIR:
            actions[i, SPEED] = _HAIR
