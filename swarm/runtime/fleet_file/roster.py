"""The robots of a fleet as the others see them, and how far they can come in some time."""

from __future__ import annotations

import math
from dataclasses import dataclass

from swarm.array_types import Array
from swarm.model.body import ACCELERATION, PERIOD, STRAY, TOP_SPEED, TURN_ACCELERATION, TURN_RATE, is_second_order
from swarm.model.dynamics import DOUBLE_INTEGRATOR, UNICYCLE, coast_periods


@dataclass(frozen=True, eq=False)
class Peer:
    """A robot of the roster as the others see it.

    Attributes:
        kind: Of its dynamics.
        body: ``float64[BODY]`` (``swarm.model.body.body_of``).
        bounds: x and y that it can have: low x, low y, high x, high y [m].
    """

    kind: int
    body: Array
    bounds: tuple[float, float, float, float]


def top_speed(peer: Peer) -> float:
    """Top speed whatever the direction [m/s], with slip if it is declared; the limits of integrators are per axis."""
    along = float(peer.body[TOP_SPEED]) * (1.0 if peer.kind == UNICYCLE else math.sqrt(2.0))
    return along * (1.0 + float(peer.body[STRAY]))


def growth(peer: Peer, speed: float, age: float) -> float:
    """How far a robot that had a speed can have come meanwhile: v·t + a·t²/2, and no faster than it can [m]."""
    fastest = top_speed(peer) * age
    if peer.kind != DOUBLE_INTEGRATOR or math.isinf(age):
        return fastest
    return min(fastest, speed * age + 0.5 * math.sqrt(2.0) * float(peer.body[ACCELERATION]) * age * age)


def stopping_distance(peer: Peer, speed: float, dt: float) -> float:
    """Way until a robot stands if it brakes after this period [m]."""
    way = speed * dt
    if peer.kind == DOUBLE_INTEGRATOR:
        way += speed * speed / (2.0 * float(peer.body[ACCELERATION]))
    return way + coasting_distance(peer, speed)


def coasting_distance(peer: Peer, speed: float, age: float = 0.0) -> float:
    """Longest way to rest [m] of a unicycle of second order that had a speed, whatever its turn rate; 0 for others."""
    body = peer.body
    if not is_second_order(body):
        return 0.0
    push, turn_push, dt = float(body[ACCELERATION]), float(body[TURN_ACCELERATION]), float(body[PERIOD])
    speed = max(speed, min(speed + push * age, float(body[TOP_SPEED])))
    return 0.5 * speed * dt * coast_periods(speed, float(body[TURN_RATE]), push, turn_push, dt)
