"""The state of worlds as arrays and text, from which a training goes on exactly."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from envs.arena.errors import ErrorSource
from envs.arena.worlds import Worlds
from swarm.array_types import AnyArray
from swarm.errors import InputError
from swarm.model.actuators import T_CURVATURE, T_SPEED, T_TURN_RATE
from swarm.model.body import STEERING, TURN_ACCELERATION, YIELDS
from swarm.sense.neighbours import N_PACE, NEIGHBOUR

_SAVED = (
    "state", "goal", "waypoint", "remaining", "moved", "memory", "told", "last_action", "goal_index", "deliveries",
    "reached", "reach_time", "collided", "min_clearance", "outcomes", "age", "returns",
)  # fmt: skip


def state_of(worlds: Worlds) -> dict[str, Any]:
    """Everything that a later ``restore`` needs to go on exactly: arrays and text."""
    arrays = {name: getattr(worlds, name).copy() for name in _SAVED}
    if np.isfinite(worlds.body[..., TURN_ACCELERATION]).any():
        arrays["drive"] = worlds.trail[..., T_SPEED : T_TURN_RATE + 1].copy()
    if np.isfinite(worlds.body[..., STEERING]).any():
        arrays["curvature"] = worlds.trail[..., T_CURVATURE].copy()
    if (worlds.body[..., YIELDS] < 0.0).any():
        arrays |= {"contacts": worlds.contacts.copy(), "touching": worlds.touching.copy()}
    if worlds.source is not None:
        arrays |= {f"errors.{name}": value.copy() for name, value in worlds.source.arrays().items()}
        arrays["errors.unseen"] = worlds.unseen.copy()
        arrays["errors.rngs"] = json.dumps([one.bit_generator.state for one in worlds.error_rngs])
    drawn_from, rng = json.dumps(worlds.drawn_from), json.dumps(worlds.rng.bit_generator.state)
    return {**arrays, "drawn_from": drawn_from, "rng": rng}


def restore(worlds: Worlds, saved: dict[str, Any]) -> None:
    """Go on from what ``state_of`` gave of worlds of the same shape and the same ``draw``; detours begin anew.

    Raises:
        InputError: If something is missing or has another shape.
    """
    for name in (*_SAVED, "drawn_from", "rng"):
        if name not in saved:
            raise InputError("ArenaCore state", sorted(saved), f"an entry {name!r}")
    for b, state in enumerate(json.loads(saved["drawn_from"])):
        worlds.rng.bit_generator.state = state
        worlds.load(b, worlds.next_scenario(b))
    for name in _SAVED:
        own, value = getattr(worlds, name), np.asarray(saved[name])
        if own.shape != value.shape:
            raise InputError(f"ArenaCore state: {name}", value.shape, f"shape {own.shape}")
        own[...] = value
    if "contacts" in saved:
        worlds.contacts[:], worlds.touching[:] = saved["contacts"], saved["touching"]
    if "drive" in saved:
        worlds.trail[..., T_SPEED : T_TURN_RATE + 1] = saved["drive"]
    if "curvature" in saved:
        worlds.trail[..., T_CURVATURE] = saved["curvature"]
    if worlds.source is not None:
        _restore_errors(worlds, worlds.source, saved)
    worlds.rng.bit_generator.state = json.loads(saved["rng"])


def _restore_errors(worlds: Worlds, source: ErrorSource, saved: dict[str, Any]) -> None:
    """The errors of worlds that are not exact."""
    for name, own in (*source.arrays().items(), ("unseen", worlds.unseen)):
        held: AnyArray = saved.get(f"errors.{name}", np.empty(0))
        if held.ndim > 1 and held.shape[-1] == N_PACE:  # from before there were strangers
            held = np.pad(held, [(0, 0)] * (held.ndim - 1) + [(0, NEIGHBOUR - N_PACE)])
        if held.shape != own.shape:
            raise InputError("ArenaCore state", sorted(saved), f"an entry 'errors.{name}' of shape {own.shape}")
        own[...] = held
    for b, state in enumerate(json.loads(saved.get("errors.rngs", "[]"))):
        worlds.error_rngs[b].bit_generator.state = state
