"""Rules written by hand that a network can learn from before it learns by itself (``policies.tuner.cloning``).

A team in which everybody does the same can stay in each other's way for ever. The ids, which robots know of those in
sight, tell who goes first; what is left is to find the situations in which that helps.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from policies.tuner.network import last_action
from policies.tuner.worlds import LessonWorlds
from swarm.array_types import Array, Flags, Float32s
from swarm.errors import InputError
from swarm.filter.tunables import encode
from swarm.tune.controllers import Controller, OnnxController, make_controller
from swarm.tune.heuristics import talk_of
from swarm.tune.observation import EDGE_HIGHER_ID, EDGE_IS_ROBOT, EDGE_X, Observation

# The best single fixed setting.
_BOLD = (20.0, 1.0, 9.28, 1.0, 0.0, 1.0)


def give_way(observation: Observation, careful: float = 0.5) -> Array:
    """Two that meet alone: who has the higher id lets the other go first. Sets class-K alone.

    Args:
        observation: Of robots with any leading dimensions.
        careful: Gain for robots [1/s] of who makes way; everybody else is bold.

    Returns:
        ``float64[..., 6]``.
    """
    edges = observation.edges
    robots = observation.mask & (edges[..., EDGE_IS_ROBOT] > 0.5)
    first = robots & (edges[..., EDGE_X] > 0.0) & (edges[..., EDGE_HIGHER_ID] < 0.0)
    yields = (robots.sum(axis=-1) == 1) & first.any(axis=-1)
    return np.where(yields[..., None], encode(np.array([careful, *_BOLD[1:]])), encode(np.array(_BOLD)))


RULES: dict[str, Controller] = {"give_way": give_way, "give_way_soon": partial(give_way, careful=1.0)}
"""Teachers by name, besides everything that ``swarm.tune.controllers.make_controller`` takes."""


LED = "led:"
"""Before the name of a planner that leads the robots, as a teacher: ``led:auto``."""
PLANNERS = ("auto", "roadmap", "passages")
"""Planners that can teach."""


class Teacher(NamedTuple):
    """Who is imitated."""

    act: Callable[[Observation, Flags], Array]
    """What robots do: from the observation of B worlds, and of which n of them, ``bool[B]``; actions ``[n, N, 6]``."""
    blend: float = 1.0
    """Share of the way from the last action to the one that it proposes that it goes in one step."""

    def proposed(self, action: Array, ego: Float32s) -> Array:
        """What it proposed ``[..., 6]``, where it did ``action`` and the robots' features were ``ego`` ``[..., EGO]``.

        A network that blends learns this, since what it proposes is blended once more.
        """
        if self.blend == 1.0:
            return action
        last = last_action(ego.astype(np.float64))
        return np.clip(last + (action - last) / self.blend, 0.0, 1.0)


def taught_by(controller: Callable[[Observation], Array]) -> Teacher:
    """A controller as a teacher."""

    def act(observation: Observation, some: Flags) -> Array:
        return controller(Observation(*(None if part is None else part[some] for part in observation)))  # type: ignore[arg-type]

    return Teacher(act, controller.blend if isinstance(controller, OnnxController) else 1.0)


def make_teacher(text: str, worlds: LessonWorlds | None = None) -> Teacher:
    """The teacher that a command line names.

    Args:
        text: A rule, a controller, or ``led:`` and a planner.
        worlds: Where it teaches; planners need to know. None: only to see whether there is such a teacher.

    Raises:
        InputError: If there is none, or it takes two rounds of messages.
    """
    if text in RULES:
        return taught_by(RULES[text])
    if text.startswith(LED) and text.removeprefix(LED) in PLANNERS:
        lead = worlds.led_by(text.removeprefix(LED)) if worlds is not None else None
        return Teacher(lambda observation, some: np.empty(0) if lead is None else lead(some))
    try:
        teacher = make_controller(text)
    except InputError as error:
        known = ", ".join([*RULES, *(LED + name for name in PLANNERS)])
        raise InputError("--teachers", text, f"{known}, or a controller: {error.valid}") from error
    if talk_of(teacher) is not None:
        raise InputError("--teachers", text, "a controller that takes at most one round of messages")
    return taught_by(teacher)
