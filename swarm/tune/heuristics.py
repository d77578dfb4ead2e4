"""Two ways out of a deadlock that need no learning: what a trained policy has to beat.

Both drive straight at their goal with fixed class-K parameters, and turn their nominal control when they have not come
nearer for a while. They are functions of the observation: what they have to remember is their last rotation, and
their random numbers are drawn from the bits of what they observe. So one object serves any number of robots, and the
outcome depends neither on their order nor on how worlds are batched.

Each rule is a kernel that gives one robot its rotation (rad), or 0 if it drives straight on.

Units as in the observation: lengths in sensing radii, times in what it takes to cross one at top speed.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np
from numba import njit

from swarm.array_types import Array, Flags, Float32s
from swarm.filter.tunables import COUNT, MIDDLE, ROTATION, SPEED, TUNABLES
from swarm.mixing import FIRST_FACTOR, fold
from swarm.tune.observation import EGO_ACTION, EGO_LOST, EGO_STUCK, Observation, rows

Policy = Callable[[Observation], Array]
# Two rounds of messages: an observation and what is heard in its slots, [P, TOLD], give an action and what is told.
Talk = Callable[[Observation, Float32s], tuple[Array, Float32s]]
# Parameters of a rule, as its class documents them.
Settings = tuple[float, ...]

MOST = TUNABLES[ROTATION].high
# Columns of the observation, see swarm.tune.observation.
_REMAINING, _RADIUS, _PERIOD, _SPEED = 1, 9, 10, 13
_IS_OBSTACLE, _X, _Y, _GAP, _RIGHT, _LEFT = 1, 2, 3, 4, 12, 13
# Time without coming nearer from which on a robot is stuck.
_PATIENCE = 0.2
# Share of its patience that a robot has which sees no other: it waits for nobody.
_IMPATIENT = 0.25
# A rotation (rad) below the first is none; the second is added at random, so that the observation of a robot that
# stands differs from step to step, and with it the random numbers.
_NONE, _JITTER = 0.01, 0.001
# A surface nearer than this (rad) to the course stands across it.
_ACROSS = 1.0
# The largest speed tunable (in [0, 1]) of a policy that shares its robots with a rule.
_HAIR = 0.999


@njit(cache=True)
def uniform(ego: Float32s, draw: int) -> float:
    """A random number in [0, 1), a hash of the own features ``float32[EGO]``; another one for each ``draw``."""
    total = np.uint64(draw)
    for bits in ego.view(np.uint32):
        total = fold(total ^ np.uint64(bits))
    total *= FIRST_FACTOR
    return float((total ^ (total >> np.uint64(32))) >> np.uint64(11)) / 2.0**53


@njit(cache=True)
def _stuck(ego: Float32s, patience: float) -> bool:
    """Whether the robot has not come nearer for ``patience``, which is compared in the precision of the feature."""
    return ego[EGO_STUCK] > np.float32(0.1 * patience)


@njit(cache=True)
def _arrived(ego: Float32s) -> bool:
    return math.expm1(3.0 * ego[_REMAINING]) <= 2.0 * ego[_RADIUS]


@njit(cache=True)
def _encoded(rotation: float, ego: Float32s) -> float:
    """The rotation (rad) as part of an action, clipped to the box, with a jitter."""
    jitter = _JITTER * (2.0 * uniform(ego, 2) - 1.0)
    return 0.5 + 0.5 * min(max((rotation + jitter) / MOST, -1.0), 1.0)


@njit(cache=True)
def _random_rotation(ego: Float32s, settings: Settings) -> float:
    turned, straight, largest = settings
    rotation, period = MOST * ego[EGO_ACTION + ROTATION], 0.1 * ego[_PERIOD]
    if _arrived(ego):
        return 0.0
    if abs(rotation) > _NONE:
        return rotation if turned * uniform(ego, 0) >= period else 0.0
    if _stuck(ego, _PATIENCE) and straight * uniform(ego, 0) < period:
        side = 2.0 * uniform(ego, 1) - 1.0
        return math.copysign(0.3 + abs(side) * (largest - 0.3), side)
    return 0.0


@njit(cache=True)
def _nearest(edges: Float32s, mask: Flags) -> int:
    """The slot of the nearest robot or obstacle, -1 if there is none."""
    found, least = -1, np.inf
    for slot in range(mask.size):
        if mask[slot] and edges[slot, _GAP] < least:
            found, least = slot, edges[slot, _GAP]
    return found


@njit(cache=True)
def _first_side(thing: Float32s, bearing: float) -> float:
    """1 turns left, -1 right: where an obstacle ends sooner; away from a robot, right if it is dead ahead."""
    if thing[_IS_OBSTACLE] > 0.5:
        return -1.0 if abs(thing[_RIGHT]) < abs(thing[_LEFT]) else 1.0
    return -1.0 if bearing > -0.02 else 1.0


@njit(cache=True)
def _alone(edges: Float32s, mask: Flags) -> bool:
    """Whether no robot is seen: nobody who may make way."""
    robots = 0
    for slot in range(mask.size):
        robots += mask[slot] and edges[slot, _IS_OBSTACLE] < 0.5
    return robots == 0


@njit(cache=True)
def _bearing(thing: Float32s) -> float:
    return math.atan2(np.float64(thing[_Y]), np.float64(thing[_X]))


@njit(cache=True)
def _wrapped(angle: float) -> float:
    return (angle + math.pi) % (2.0 * math.pi) - math.pi


@njit(cache=True)
def _along(thing: Float32s, side: float, distance: float) -> float:
    """The course (rad) along a surface, up to 0.3 rad towards it or away from it; side 1: it is on the right."""
    farther = min(max(np.float64(thing[_GAP]) / distance - 1.0, -1.0), 1.0)
    return _bearing(thing) + side * (0.5 * math.pi - 0.3 * farther)


@njit(cache=True)
def _round_corners(edges: Float32s, mask: Flags, course: float, side: float, distance: float, free: float) -> float:
    """The course, turned to its side until no surface within ``free`` stands across it: out of inner corners."""
    turned = 0.0
    while turned < math.pi:
        most = 0.0
        for slot in range(mask.size):
            near = mask[slot] and edges[slot, _GAP] < free
            if near and abs(_wrapped(_bearing(edges[slot]) - course)) < _ACROSS:
                most = max(most, side * _wrapped(_along(edges[slot], side, distance) - course))
        if most < _NONE:
            break
        course, turned = course + side * most, turned + most
    return course


@njit(cache=True)
def _wall_following(
    ego: Float32s, edges: Float32s, mask: Flags, turning: bool, stuck: bool, alone: bool, settings: Settings
) -> float:
    """``turning``: the rule drove in the last step; ``stuck``: it is to begin if the way is blocked."""
    distance, free, within, keeps = settings
    nearest = _nearest(edges, mask) if (turning or stuck) and not _arrived(ego) else -1
    if nearest < 0:
        return 0.0
    thing = edges[nearest]
    gap, bearing = np.float64(thing[_GAP]), _bearing(thing)
    blocked = gap < free and abs(bearing) < 0.5 * math.pi
    if turning:
        if gap >= within or (ego[EGO_LOST] <= 0.0 and not blocked):
            return 0.0
        side = math.copysign(1.0, ego[EGO_ACTION + ROTATION])
        keeps *= 0.2 if ego[_SPEED] < 0.1 else 1.0
        if keeps * uniform(ego, 0) < 0.1 * ego[_PERIOD]:
            side = -side
    else:
        if not blocked:
            return 0.0
        side = _first_side(thing, bearing)
    course = _wrapped(_along(thing, side, distance))
    if alone:
        course = _round_corners(edges, mask, course, side, distance, free)
    # The sign remembers the side, so it never turns to the other one.
    return side * max(side * course, 2.0 * _NONE)


@njit(cache=True)
def _rotate_at_random(ego: Float32s, settings: Settings, actions: Array) -> None:
    for i in range(len(ego)):
        actions[i, ROTATION] = _encoded(_random_rotation(ego[i], settings), ego[i])


@njit(cache=True)
def _follow_walls(ego: Float32s, edges: Float32s, mask: Flags, settings: Settings, actions: Array) -> None:
    for i in range(len(ego)):
        turning, course = abs(MOST * ego[i, EGO_ACTION + ROTATION]) > _NONE, 0.0
        if turning or _stuck(ego[i], _PATIENCE):
            alone = _alone(edges[i], mask[i])
            course = _wall_following(ego[i], edges[i], mask[i], turning, True, alone, settings)
        actions[i, ROTATION] = _encoded(course, ego[i])


@njit(cache=True)
def _lead_out(ego: Float32s, edges: Float32s, mask: Flags, patience: float, settings: Settings, actions: Array) -> None:
    for i in range(len(ego)):
        turning, course = ego[i, EGO_ACTION + SPEED] >= 1.0, 0.0
        if turning or _stuck(ego[i], _IMPATIENT * patience):
            alone = _alone(edges[i], mask[i])
            stuck = _stuck(ego[i], patience * (_IMPATIENT if alone else 1.0))
            course = _wall_following(ego[i], edges[i], mask[i], turning, stuck, alone, settings)
        if course != 0.0:
            actions[i, ROTATION], actions[i, SPEED] = _encoded(course, ego[i]), 1.0
        elif actions[i, SPEED] > _HAIR:
            actions[i, SPEED] = _HAIR


class RandomRotation:
    """A stuck robot turns its nominal control by a random angle for a random time, then drives straight for another.

    Args:
        action: ``float64[6]`` in [0, 1], for everything but the rotation.
        turned: Mean time for which it is turned.
        straight: Mean time between two turns, while it is still stuck.
        largest: Angles are uniform between 0.3 and this to either side, rad.
    """

    def __init__(
        self, action: Array, *, turned: float = 1.0, straight: float = 0.4, largest: float = 2.0 * math.pi / 3.0
    ) -> None:
        self._action, self._settings = action, (turned, straight, largest)

    def __call__(self, observation: Observation) -> Array:
        """The actions ``float64[..., 6]``."""
        ego, _, _ = rows(observation)
        actions = _filled(observation, self._action)
        _rotate_at_random(ego, self._settings, actions.reshape(-1, COUNT))
        return actions


class WallFollowing:
    """A stuck robot follows the nearest surface until it is nearer to its goal than ever and the way is free.

    The rule of Bug2 (Lumelsky and Stepanov, 1987) with a condition for leaving that needs no line to the goal. It
    starts to the side on which an obstacle ends sooner, or away from a robot; it keeps that side but changes it now
    and then, sooner if it stands: what holds it may be something that it does not see. If it sees no robot, it goes on
    along whatever surface its course runs into.

    Args:
        action: ``float64[6]`` in [0, 1], for everything but the rotation.
        distance: Gap to the surface that it aims at.
        free: The way is blocked by anything ahead within this gap.
        within: A surface farther than this is lost.
        keeps: Mean time between changes of the side; a fifth of it for a robot that stands.
    """

    def __init__(
        self, action: Array, *, distance: float = 0.05, free: float = 0.1, within: float = 0.5, keeps: float = 5.0
    ) -> None:
        self._action, self.settings = action, (distance, free, within, keeps)

    def __call__(self, observation: Observation) -> Array:
        """The actions ``float64[..., 6]``."""
        actions = _filled(observation, self._action)
        _follow_walls(*rows(observation), self.settings, actions.reshape(-1, COUNT))
        return actions


def talk_of(policy: Policy) -> Talk | None:
    """Its method ``talk``, if it has one and takes two rounds of messages."""
    found: Talk | None = getattr(policy, "talk", None)
    return found


class Recovery:
    """A policy, and wall following for a robot that this leaves stuck.

    A policy that reacts to the moment can come to rest in a dead end: nothing changes there, so it does the same for
    ever. The rule takes over when a robot has not come nearer for ``patience``, and gives back when it is nearer than
    ever. Who is in charge is seen from the last speed: the rule drives at full speed, the policy a hair slower.

    Args:
        policy: What drives otherwise.
        patience: Time without coming nearer; long enough for a policy that lets others go first. A quarter of it for a
            robot that sees no other.
    """

    def __init__(self, policy: Policy, *, patience: float = 4.0) -> None:
        self._policy, self._patience = policy, patience
        self._settings = WallFollowing(MIDDLE).settings
        talk = talk_of(policy)
        self.talk: Talk | None = None if talk is None else functools.partial(self._talk, talk)

    def __call__(self, observation: Observation) -> Array:
        """The actions ``float64[..., 6]``."""
        return self._led_out(self._policy(observation), observation)

    def _talk(self, policy: Talk, observation: Observation, heard: Float32s) -> tuple[Array, Float32s]:
        """Action and what is told, of a policy that takes two rounds of messages."""
        action, embedding = policy(observation, heard)
        return self._led_out(action, observation), embedding

    def _led_out(self, action: Array, observation: Observation) -> Array:
        """The policy's actions, or the rule's where it is in charge."""
        actions = _filled(observation, action)
        _lead_out(*rows(observation), self._patience, self._settings, actions.reshape(-1, COUNT))
        return actions


def _filled(observation: Observation, action: Array) -> Array:
    """A copy of ``action``, ``[6]`` or ``[..., 6]``, for all robots: ``float64[..., 6]`` in C order for the kernels."""
    actions = np.empty((*observation.ego.shape[:-1], COUNT))
    actions[:] = action
    return actions
