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

from swarm.array_types import Array, Float32s
from swarm.filter.tunables import COUNT, MIDDLE
from swarm.tune.heuristic_kernels import follow_walls, lead_out, rotate_at_random
from swarm.tune.observation import Observation, rows

Policy = Callable[[Observation], Array]
# Two rounds of messages: an observation and what is heard in its slots, [P, TOLD], give an action and what is told.
Talk = Callable[[Observation, Float32s], tuple[Array, Float32s]]


class RandomRotation:
    """A stuck robot turns its nominal control by a random angle for a random time, then drives straight for another.

    Args:
        action: ``float64[6]`` in [0, 1], for everything but the rotation.
        turned: Mean time for which it is turned.
        straight: Mean time between two turns, while it is still stuck.
        largest: Angles are uniform between 0.3 and this to either side [rad].
    """

    takes_batches = True

    def __init__(
        self, action: Array, *, turned: float = 1.0, straight: float = 0.4, largest: float = 2.0 * math.pi / 3.0
    ) -> None:
        self._action, self._settings = action, (turned, straight, largest)

    def __call__(self, observation: Observation) -> Array:
        """The actions ``float64[..., 6]``."""
        ego, _, _ = rows(observation)
        actions = _filled(observation, self._action)
        rotate_at_random(ego, self._settings, actions.reshape(-1, COUNT))
        return actions


class WallFollowing:
    """A stuck robot follows the nearest surface until it is nearer to its goal than ever and the way is free.

    The rule of Bug2 (Lumelsky and Stepanov, 1987) with a condition for leaving that needs no line to the goal. It
    starts to the side on which an obstacle ends sooner, or away from a robot; it keeps that side but changes it now
    and then, sooner if it stands: what holds it may be something that it does not see. It goes on along whatever
    surface its course runs into, robots that have arrived among them.

    Args:
        action: ``float64[6]`` in [0, 1], for everything but the rotation.
        distance: Gap to the surface that it aims at.
        free: The way is blocked by anything ahead within this gap.
        within: A surface farther than this is lost.
        keeps: Mean time between changes of the side; a fifth of it for a robot that stands.
    """

    takes_batches = True

    def __init__(
        self, action: Array, *, distance: float = 0.05, free: float = 0.1, within: float = 0.5, keeps: float = 5.0
    ) -> None:
        self._action, self.settings = action, (distance, free, within, keeps)

    def __call__(self, observation: Observation) -> Array:
        """The actions ``float64[..., 6]``."""
        actions = _filled(observation, self._action)
        follow_walls(*rows(observation), self.settings, actions.reshape(-1, COUNT))
        return actions


def talk_of(policy: Policy) -> Talk | None:
    """Its method ``talk``, if it has one and takes two rounds of messages."""
    found: Talk | None = getattr(policy, "talk", None)
    return found


class Recovery:
    """A policy, and wall following for a robot that this leaves stuck.

    A policy that reacts to the moment can come to rest in a dead end: nothing changes there, so it does the same for
    ever. The rule takes over when a robot stands that has not come nearer for ``patience``, its policy turns it as in
    the last step, and nobody whom it sees moves: who is about to turn back, or waits for somebody that moves, is not
    stuck. Of those who stand before each other, the one with the lowest id has right of way, and so is stuck first; the
    others have more patience. Who only sees robots that have arrived waits for nobody, and has a quarter of it. The
    rule gives back when the robot is nearer than ever. Who is in charge is seen from the last speed: the rule drives at
    full speed, the policy a hair slower.

    Args:
        policy: What drives otherwise.
        patience: Time without coming nearer; long enough for a policy that lets others go first.
    """

    def __init__(self, policy: Policy, *, patience: float = 4.0) -> None:
        self._policy, self._patience = policy, patience
        self.takes_batches: bool = getattr(policy, "takes_batches", False)
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
        lead_out(*rows(observation), self._patience, self._settings, actions.reshape(-1, COUNT))
        return actions


def _filled(observation: Observation, action: Array) -> Array:
    """A copy of ``action``, ``[6]`` or ``[..., 6]``, for all robots: ``float64[..., 6]`` in C order for the kernels."""
    actions = np.empty((*observation.ego.shape[:-1], COUNT))
    actions[:] = action
    return actions
