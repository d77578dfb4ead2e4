"""What really happens, the errors, and what robots know and have told, in many worlds and in one of them."""

from __future__ import annotations

from typing import NamedTuple

from numba import njit

from swarm.array_types import Array, Flags, Int64s

CHECKS = 6
"""Sub-steps of a period."""


class Truth(NamedTuple):
    """What really happens in B worlds; of one world the same without the first axis.

    Attributes:
        state: ``float64[B, N, 5]``.
        drive: ``float64[B, N, 2]`` (``swarm.model.actuators``).
        past: ``float64[B, H, N, 5]``, the states of the last sub-steps, the present one first.
        past_drive: ``float64[B, H, N, 2]``.
        commands: ``float64[B, N, P, 2]``, those of the last periods, the newest last.
    """

    state: Array
    drive: Array
    past: Array
    past_drive: Array
    commands: Array


class Errors(NamedTuple):
    """The errors of one period in B worlds; of one world the same without the first axis.

    Attributes:
        real: ``float64[B, ERRORS]``, bounds of what is simulated (``swarm.model.error_bounds``).
        assumed: ``float64[B, ERRORS]``, what the robots count on.
        position: ``float64[B, N, 2]`` [m].
        heading: ``float64[B, N]`` [rad].
        velocity: ``float64[B, N, 2]`` [m/s].
        slip: ``float64[B, N]``, share of the way.
        age: ``int64[B, N]``, of the state that a robot has, in sub-steps.
        lost: ``bool[B, N, N]``, messages to the robot of the first axis that do not come.
        sensing: ``float64[B, N, N, 2]``, of the robot of the first axis [m].
        adversary: ``bool[B]``, whether errors of the place, velocity and slip are pushed towards the nearest contact.
        sensed: ``bool[B]``, whether others are sensed, not heard.
    """

    real: Array
    assumed: Array
    position: Array
    heading: Array
    velocity: Array
    slip: Array
    age: Int64s
    lost: Flags
    sensing: Array
    adversary: Flags
    sensed: Flags


class Own(NamedTuple):
    """What robots know of their bodies when the command of a period acts; of one world without the first axis.

    Attributes:
        body: ``float64[B, N, 5]``, the body itself, not what runs ahead of it.
        drive: ``float64[B, N, 2]``, its drive.
        known: ``float64[B, N, KNOWN]`` (``swarm.model.narrowing``).
        speed: ``float64[B, N]``, the fastest that they have been since they were measured [m/s].
        error: ``float64[B, N]``, how far the bodies may be elsewhere [m].
    """

    body: Array
    drive: Array
    known: Array
    speed: Array
    error: Array


class News(NamedTuple):
    """What robots have told each other in B worlds; of one world the same without the first axis.

    Attributes:
        told: ``float64[B, L, N, NEIGHBOUR]``, what was told in the last L periods, the newest first.
        received: ``float64[B, N, N, NEIGHBOUR]``, what the robot of the first axis has heard last of each.
        missed: ``int64[B, N, N]``, periods by which that is older than what could be known.
        seen: ``float64[B, N, N, NEIGHBOUR]``, what the robot of the first axis takes the others for.
        told_shapes: ``float64[B, L, N, P, 2]`` (``swarm.model.shapes``), as ``told``; P is 0 where all are discs.
        shapes: ``float64[B, N, N, P, 2]``, what the robot of the first axis has heard last of each.
    """

    told: Array
    received: Array
    missed: Int64s
    seen: Array
    told_shapes: Array
    shapes: Array


@njit(cache=True)
def truth_of(worlds: Truth, b: int) -> Truth:
    """What really happens in world ``b``."""
    return Truth(worlds.state[b], worlds.drive[b], worlds.past[b], worlds.past_drive[b], worlds.commands[b])


@njit(cache=True)
def errors_of(worlds: Errors, b: int) -> Errors:
    """The errors in world ``b``."""
    return Errors(
        worlds.real[b], worlds.assumed[b], worlds.position[b], worlds.heading[b], worlds.velocity[b], worlds.slip[b],
        worlds.age[b], worlds.lost[b], worlds.sensing[b], worlds.adversary[b], worlds.sensed[b],
    )  # fmt: skip


@njit(cache=True)
def self_of(worlds: Own, b: int) -> Own:
    """What robots know of their bodies in world ``b``."""
    return Own(worlds.body[b], worlds.drive[b], worlds.known[b], worlds.speed[b], worlds.error[b])


@njit(cache=True)
def news_of(worlds: News, b: int) -> News:
    """What robots have told each other in world ``b``."""
    return News(
        worlds.told[b], worlds.received[b], worlds.missed[b], worlds.seen[b], worlds.told_shapes[b], worlds.shapes[b]
    )
