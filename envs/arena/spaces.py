"""Spaces of the continuous environments, and the way between dictionaries by agent and arrays."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from gymnasium import spaces

from envs.arena.actions import TUNED, action_size
from swarm.array_types import AnyArray, Array, Flags, Float32s
from swarm.errors import InputError
from swarm.filter.tunables import COUNT, OBSTACLE_GAIN, ROBOT_GAIN, SPEED
from swarm.tune.observation import (
    EDGE,
    EDGE_HIGHER_ID,
    EDGE_INTENT_X,
    EDGE_INTENT_Y,
    EDGE_IS_OBSTACLE,
    EDGE_IS_ROBOT,
    EDGE_LEFT,
    EDGE_RIGHT,
    EDGE_ROTATION,
    EDGE_SPEED,
    EGO,
    EGO_ACTION,
    EGO_DISTANCE,
    EGO_DOUBLE_INTEGRATOR,
    EGO_EXACT,
    EGO_HEADING_X,
    EGO_HEADING_Y,
    EGO_REMAINING,
    EGO_SINGLE_INTEGRATOR,
    EGO_TURN_RATE,
    EGO_UNICYCLE,
    Observation,
)

FLAT = "flat"
OBSERVATIONS = ("dict", FLAT)
# Lengths and speeds that are shares of a robot's own are as large as a scenario makes them.
_LARGE = 1e6
# Cosines and shares of lengths are rounded.
_UNIT = 1.0 + 1e-5


STATE_COLUMNS = 8
"""Numbers of one robot in the state of its world (``state_of``)."""


def action_space(actions: str = TUNED) -> spaces.Box:
    """Of one robot; a new space each time, because a space carries its own random numbers."""
    return spaces.Box(0.0 if actions == TUNED else -1.0, 1.0, (action_size(actions),), np.float32)


def observation_space(slots: int, observation: str = "dict") -> spaces.Dict | spaces.Box:
    """``ego`` [EGO], ``edges`` [slots, EDGE] and ``mask`` [slots], as in ``swarm.tune.observation``.

    Args:
        slots: Edges of a robot.
        observation: ``dict``, or ``flat``: all of it in one row, in this order, the mask as 0 and 1.

    Raises:
        InputError: If there is no such form.
    """
    if observation not in OBSERVATIONS:
        raise InputError("observation", observation, ", ".join(OBSERVATIONS))
    ego, edge = _bound(EGO, _EGO_UNIT, _EGO_SHARE), _bound(EDGE, _EDGE_UNIT, _EDGE_SHARE)
    edges = np.tile(edge[:, None, :], (1, slots, 1))
    if observation == FLAT:
        mask = np.array([np.zeros(slots), np.ones(slots)], np.float32)
        low, high = np.concatenate([ego, edges.reshape(2, -1), mask], axis=1)
        return spaces.Box(low, high, dtype=np.float32)
    return spaces.Dict(
        {"ego": spaces.Box(*ego), "edges": spaces.Box(*edges), "mask": spaces.MultiBinary(slots)}
    )  # fmt: skip


_EGO_SHARE = (
    EGO_DISTANCE, EGO_REMAINING, EGO_SINGLE_INTEGRATOR, EGO_DOUBLE_INTEGRATOR, EGO_UNICYCLE, EGO_TURN_RATE,
    *range(EGO_EXACT, EGO),
)  # fmt: skip
_EGO_UNIT = (EGO_HEADING_X, EGO_HEADING_Y, *range(EGO_ACTION, EGO_ACTION + COUNT))
_EDGE_SHARE = (EDGE_IS_ROBOT, EDGE_IS_OBSTACLE)
_EDGE_UNIT = (EDGE_INTENT_X, EDGE_INTENT_Y, EDGE_ROTATION, EDGE_SPEED, EDGE_RIGHT, EDGE_LEFT, EDGE_HIGHER_ID)


def _bound(columns: int, units: tuple[int, ...], shares: tuple[int, ...]) -> Float32s:
    """Least and largest values ``float32[2, columns]``: in [-1, 1], in [0, 1], or only by the scenario's numbers."""
    bound = np.full((2, columns), _LARGE, np.float32)
    bound[:, [*units, *shares]] = _UNIT
    bound[0] *= -1.0
    bound[0, list(shares)] = 0.0
    return bound


def flat(observation: Observation) -> Float32s:
    """The observation ``float32[..., EGO + slots * EDGE + slots]`` in one row for each robot."""
    lead = observation.ego.shape[:-1]
    return np.concatenate([observation.ego, observation.edges.reshape(*lead, -1), observation.mask], axis=-1)


def state_space(robots: int) -> spaces.Box:
    """Of all robots of a world together, see ``state_of``."""
    return spaces.Box(-_LARGE, _LARGE, (robots * STATE_COLUMNS + 1,), np.float32)


def state_of(states: Array, goals: Array, reached: Flags, time: float) -> Float32s:
    """Of each robot of a world x, y [m], heading [rad], velocity [m/s], goal [m], whether it is there; the time [s].

    Args:
        states: ``float64[N, 5]``, as they really are.
        goals: ``float64[N, 2]``.
        reached: ``bool[N]``.
        time: Since the episode began.

    Returns:
        ``float32[8 N + 1]``; headings as angles in [-pi, pi].
    """
    state = np.concatenate([states, goals, reached[:, None]], axis=1)
    state[:, 2] = np.arctan2(np.sin(state[:, 2]), np.cos(state[:, 2]))
    return np.append(state.ravel(), time).astype(np.float32)


def split(agents: list[str], observation: Observation, form: str = "dict") -> dict[str, Any]:
    """Observations ``[1, N, ...]`` or ``[N, ...]`` of the first robots, one entry per agent: a dictionary, or a row."""
    if form == FLAT:
        rows = flat(observation)
        return dict(zip(agents, rows.reshape(-1, rows.shape[-1]), strict=False))
    ego, edges, mask = observation[:3]
    if ego.ndim > 2:
        ego, edges, mask = ego[0], edges[0], mask[0]
    parts = zip(agents, ego, edges, mask.view(np.int8), strict=False)
    return {agent: {"ego": own, "edges": near, "mask": there} for agent, own, near, there in parts}


def stack(agents: list[str], actions: dict[str, AnyArray], kind: str = TUNED) -> Array:
    """Actions ``[N, 6]`` or ``[N, 2]`` in the order of the agents.

    Raises:
        InputError: If an agent has no action, or one of the wrong shape, or one that is not a number.
    """
    size = action_size(kind)
    try:
        stacked: Array = np.array([actions[agent] for agent in agents], np.float64)
        # A finite sum has finite terms; huge ones whose sum is not finite are looked at one by one.
        fits = stacked.shape == (len(agents), size)
        if fits and (math.isfinite(sum(stacked.ravel().tolist())) or np.isfinite(stacked).all()):
            return stacked
    except (KeyError, TypeError, ValueError):
        pass  # said below, by the name of the agent
    low = 0 if kind == TUNED else -1
    for agent in agents:
        action = actions.get(agent)
        if action is None or np.shape(action) != (size,) or not np.isfinite(action).all():
            raise InputError(f"action of {agent}", action, f"{size} numbers in [{low}, 1]")
    raise InputError("actions", actions, f"{size} numbers in [{low}, 1] for each agent")


def careful(actions: Array) -> Array:
    """How conservative tunables ``[..., 6]`` are, from 0 (bold) to 1 (careful): low gains and low speed."""
    bold = (actions[..., ROBOT_GAIN] + actions[..., OBSTACLE_GAIN] + actions[..., SPEED]) / 3.0
    return np.clip(1.0 - bold, 0.0, 1.0)
