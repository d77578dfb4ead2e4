"""Two ways out of a deadlock that need no learning: what a trained policy has to beat.

Both drive straight at their goal with fixed class-K parameters, and turn their nominal control when they have not come
nearer for a while. They are functions of the observation: what they have to remember is their last rotation, and
their random numbers are drawn from the bits of what they observe. So one object serves any number of robots, and the
outcome depends neither on their order nor on how worlds are batched.

Units as in the observation: lengths in sensing radii, times in what it takes to cross one at top speed.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from swarm.observation import EGO_ACTION, EGO_LOST, EGO_STUCK, Floats, Observation
from swarm.tunables import MIDDLE, ROTATION, SPEED, TUNABLES

Array = NDArray[np.float64]
Policy = Callable[[Observation], Array]
# Two rounds of messages: an observation and what is heard in its slots, [P, TOLD], give an action and what is told.
Talk = Callable[[Observation, Floats], tuple[Array, Array]]
Flags = NDArray[np.bool_]

MOST = TUNABLES[ROTATION].high
# Columns of the observation, see swarm.observation.
_REMAINING, _RADIUS, _PERIOD, _SPEED = 1, 9, 10, 13
_IS_OBSTACLE, _X, _Y, _GAP, _RIGHT, _LEFT = 1, 2, 3, 4, 12, 13
# Time without coming nearer from which on a robot is stuck.
_PATIENCE = 0.2
# A rotation (rad) below the first is none; the second is added at random, so that the observation of a robot that
# stands differs from step to step, and with it the random numbers.
_NONE, _JITTER = 0.01, 0.001
# The largest speed tunable (in [0, 1]) of a policy that shares its robots with a rule.
_HAIR = 0.999


class _State:
    """What the rules read of the robots themselves; every array is ``[...]``, the leading shape of the observation."""

    def __init__(self, observation: Observation) -> None:
        ego = observation.ego.astype(np.float64)
        self.rotation = MOST * ego[..., EGO_ACTION + ROTATION]
        self.turning: Flags = np.abs(self.rotation) > _NONE
        self.stuck: Flags = 10.0 * ego[..., EGO_STUCK] > _PATIENCE
        self.nearest_ever: Flags = ego[..., EGO_LOST] <= 0.0
        self.arrived: Flags = np.expm1(3.0 * ego[..., _REMAINING]) <= 2.0 * ego[..., _RADIUS]
        self.period = 0.1 * ego[..., _PERIOD]
        self.stands: Flags = ego[..., _SPEED] < 0.1


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
        self._action, self._turned, self._straight, self._largest = action, turned, straight, largest

    def __call__(self, observation: Observation) -> Array:
        """The actions ``float64[..., 6]``."""
        robot = _State(observation)
        chance, side = uniform(observation, 0), 2.0 * uniform(observation, 1) - 1.0
        start = ~robot.turning & robot.stuck & ~robot.arrived & (chance < robot.period / self._straight)
        stay = robot.turning & ~robot.arrived & (chance >= robot.period / self._turned)
        angle = np.copysign(0.3 + np.abs(side) * (self._largest - 0.3), side)
        return turned(self._action, np.where(start, angle, np.where(stay, robot.rotation, 0.0)), observation)


class WallFollowing:
    """A stuck robot follows the nearest surface until it is nearer to its goal than ever and the way is free.

    The rule of Bug2 (Lumelsky and Stepanov, 1987) with a condition for leaving that needs no line to the goal. It
    starts to the side on which an obstacle ends sooner, or away from a robot; it keeps that side but changes it now
    and then, sooner if it stands: what holds it may be something that it does not see.

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
        self._action, self._distance, self._free, self._within, self._keeps = action, distance, free, within, keeps

    def __call__(self, observation: Observation) -> Array:
        """The actions ``float64[..., 6]``."""
        robot = _State(observation)
        course, follows = self.course(observation, robot)
        return turned(self._action, np.where(follows, course, 0.0), observation)

    def course(self, observation: Observation, robot: _State) -> tuple[Array, Flags]:
        """The rotations (rad) along the surface, and which robots should take them, ``[...]``."""
        thing, gap = _nearest(observation)
        bearing = np.arctan2(thing[..., _Y], thing[..., _X])
        blocked = (gap < self._free) & (np.abs(bearing) < 0.5 * math.pi)
        start = ~robot.turning & robot.stuck & blocked
        stay = robot.turning & (gap < self._within) & (blocked | ~robot.nearest_ever)
        change = uniform(observation, 0) < robot.period / self._keeps * np.where(robot.stands, 5.0, 1.0)
        kept = np.where(change, -1.0, 1.0) * np.sign(robot.rotation)
        side = np.where(robot.turning, kept, _first_side(thing, bearing))
        # Along the surface, up to 0.3 rad towards it or away from it; 1: with the surface on the right.
        course = bearing + side * (0.5 * math.pi - 0.3 * np.clip(gap / self._distance - 1.0, -1.0, 1.0))
        course = np.remainder(course + math.pi, 2.0 * math.pi) - math.pi
        # The sign remembers the side, so it never turns to the other one.
        course = side * np.maximum(side * course, 2.0 * _NONE)
        return course, (start | stay) & ~robot.arrived


class WayOut:
    """A policy, and wall following for a robot that this leaves stuck.

    A policy that reacts to the moment can come to rest in a dead end: nothing changes there, so it does the same for
    ever. The rule takes over when a robot has not come nearer for ``patience``, and gives back when it is nearer than
    ever. Who is in charge is seen from the last speed: the rule drives at full speed, the policy a hair slower.

    Args:
        policy: What drives otherwise.
        patience: Time without coming nearer.
    """

    def __init__(self, policy: Policy, *, patience: float = 1.0) -> None:
        self._policy, self._patience = policy, patience
        self._rule = WallFollowing(MIDDLE)
        talk = getattr(policy, "talk", None)
        self.talk: Talk | None = None if talk is None else functools.partial(self._talk, talk)

    def __call__(self, observation: Observation) -> Array:
        """The actions ``float64[..., 6]``."""
        return self._led_out(self._policy(observation), observation)

    def _talk(self, policy: Talk, observation: Observation, heard: Floats) -> tuple[Array, Array]:
        """Action and what is told, of a policy that takes two rounds of messages."""
        action, told = policy(observation, heard)
        return self._led_out(action, observation), told

    def _led_out(self, action: Array, observation: Observation) -> Array:
        """The policy's actions, or the rule's where it is in charge."""
        action = action.copy()
        turning = observation.ego[..., EGO_ACTION + SPEED] >= 1.0
        stuck = 10.0 * observation.ego[..., EGO_STUCK] > self._patience
        if not (turning | stuck).any():  # by far the most frequent case, and a cheap one
            action[..., SPEED] = np.minimum(action[..., SPEED], _HAIR)
            return action
        robot = _State(observation)
        robot.turning, robot.stuck = turning, stuck
        course, follows = self._rule.course(observation, robot)
        action[..., SPEED] = np.where(follows, 1.0, np.minimum(action[..., SPEED], _HAIR))
        return np.where(follows[..., None], turned(action, course, observation), action)


def _nearest(observation: Observation) -> tuple[Array, Array]:
    """The edge of the nearest robot or obstacle ``[..., EDGE]``, and its gap ``[...]``; inf if there is none."""
    gaps = np.where(observation.mask, observation.edges[..., _GAP], np.inf)
    nearest = gaps.argmin(axis=-1)[..., None]
    thing = np.take_along_axis(observation.edges, nearest[..., None], axis=-2)[..., 0, :].astype(np.float64)
    return thing, np.take_along_axis(gaps, nearest, axis=-1)[..., 0].astype(np.float64)


def _first_side(thing: Array, bearing: Array) -> Array:
    """1 turns left, -1 right: where an obstacle ends sooner; away from a robot, right if it is dead ahead."""
    shorter = np.where(np.abs(thing[..., _RIGHT]) < np.abs(thing[..., _LEFT]), -1.0, 1.0)
    away = np.where(bearing > -0.02, -1.0, 1.0)
    return np.where(thing[..., _IS_OBSTACLE] > 0.5, shorter, away)


def turned(action: Array, rotation: Array, observation: Observation) -> Array:
    """``action``, ``[6]`` or ``[..., 6]``, with rotations ``[...]`` (rad, clipped to the box) and a jitter."""
    actions = np.empty((*rotation.shape, action.shape[-1]))
    actions[:] = action
    jitter = _JITTER * (2.0 * uniform(observation, 2) - 1.0)
    actions[..., ROTATION] = 0.5 + 0.5 * np.clip((rotation + jitter) / MOST, -1.0, 1.0)
    return actions


def uniform(observation: Observation, draw: int) -> Array:
    """Random numbers ``float64[...]`` in [0, 1), a hash of the own features; other numbers for each ``draw``."""
    bits = np.ascontiguousarray(observation.ego, np.float32).view(np.uint32).astype(np.uint64)
    total = np.full(bits.shape[:-1], draw, np.uint64)
    with np.errstate(over="ignore"):
        for column in range(bits.shape[-1]):
            total = (total ^ bits[..., column]) * np.uint64(0x9E3779B97F4A7C15)
            total ^= total >> np.uint64(29)
        total *= np.uint64(0xBF58476D1CE4E5B9)
    return ((total ^ (total >> np.uint64(32))) >> np.uint64(11)).astype(np.float64) / 2.0**53
