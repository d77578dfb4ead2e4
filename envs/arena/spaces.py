"""Spaces of the continuous environments, and the way between dictionaries by agent and arrays."""

from __future__ import annotations

import numpy as np
from gymnasium import spaces

from swarm.array_types import AnyArray, Array
from swarm.errors import InputError
from swarm.filter.tunables import COUNT, OBSTACLE_GAIN, ROBOT_GAIN, SPEED
from swarm.tune.observation import EDGE, EGO, Observation


def action_space() -> spaces.Box:
    """The six tunables; a new space each time, because a space carries its own random numbers."""
    return spaces.Box(0.0, 1.0, (COUNT,), np.float32)


def observation_space(slots: int) -> spaces.Dict:
    """``ego`` [EGO], ``edges`` [slots, EDGE] and ``mask`` [slots], as in ``swarm.tune.observation``."""
    return spaces.Dict(
        {
            "ego": spaces.Box(-np.inf, np.inf, (EGO,), np.float32),
            "edges": spaces.Box(-np.inf, np.inf, (slots, EDGE), np.float32),
            "mask": spaces.MultiBinary(slots),
        }
    )


def split(agents: list[str], observation: Observation) -> dict[str, dict[str, AnyArray]]:
    """Observations ``[1, N, ...]`` or ``[N, ...]`` as one dictionary per agent."""
    count = len(agents)
    ego, mask = observation.ego.reshape(count, -1), observation.mask.reshape(count, -1)
    edges = observation.edges.reshape(count, -1, EDGE)
    return {
        agent: {"ego": ego[i], "edges": edges[i], "mask": mask[i].astype(np.int8)} for i, agent in enumerate(agents)
    }


def stack(agents: list[str], actions: dict[str, AnyArray]) -> Array:
    """Actions ``[N, 6]`` in the order of the agents.

    Raises:
        InputError: If an agent has no action, or one of the wrong shape, or one that is not a number.
    """
    stacked = np.empty((len(agents), COUNT))
    for i, agent in enumerate(agents):
        action = actions.get(agent)
        if action is None or np.shape(action) != (COUNT,) or not np.isfinite(action).all():
            raise InputError(f"action of {agent}", action, f"{COUNT} numbers in [0, 1]")
        stacked[i] = action
    return stacked


def careful(actions: Array) -> Array:
    """How conservative tunables ``[..., 6]`` are, from 0 (bold) to 1 (careful): low gains and low speed."""
    bold = (actions[..., ROBOT_GAIN] + actions[..., OBSTACLE_GAIN] + actions[..., SPEED]) / 3.0
    return np.clip(1.0 - bold, 0.0, 1.0)
