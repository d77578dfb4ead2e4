"""The robots of a fleet as the others see them, and how far they can come, and how old news of them can be."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from swarm.array_types import Array
from swarm.model.body import ACCELERATION, PERIOD, STRAY, TOP_SPEED, TURN_ACCELERATION, TURN_RATE, is_second_order
from swarm.model.dynamics import DOUBLE_INTEGRATOR, UNICYCLE, coast_periods
from swarm.model.error_bounds import ErrorBounds
from swarm.model.shapes import NO_FOOTPRINT

HOLD_AGE = 0.5
"""Seconds after which a robot that may be within stopping distance is waited for."""
UNLIKELY = 1e-6
"""Messages are lost so often in a row, at the declared loss of each: that is what old news has to be beyond."""


@dataclass(frozen=True, eq=False)
class Peer:
    """A robot of the roster as the others see it.

    Attributes:
        kind: Of its dynamics.
        body: ``float64[BODY]`` (``swarm.model.body.body_of``).
        bounds: x and y that it can have: low x, low y, high x, high y [m].
        footprint: ``float64[V, 2]`` (``swarm.model.shapes``) of one that is no disc.
    """

    kind: int
    body: Array
    bounds: tuple[float, float, float, float]
    footprint: Array = field(default_factory=lambda: NO_FOOTPRINT)


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


def loss_run(loss: float) -> int:
    """How many messages in a row are lost at most, of which each is lost with this probability (``UNLIKELY``)."""
    return math.ceil(math.log(UNLIKELY) / math.log(loss) - 1e-9) if loss > 0.0 else 0


def oldest_news(errors: ErrorBounds, period: float, run: int | None = None) -> float:
    """How old news can be besides the sender's state [s] (``swarm.runtime.link.inbox``), if messages are as declared.

    Twice, since it counts from our report that is acknowledged: the wait for a report that comes through, its way, and
    the periods at whose ends it is written, read and late.

    Args:
        errors: What is declared of messages.
        period: Between two reports [s].
        run: Messages lost in a row; None: as many as the declared loss explains.
    """
    lost = loss_run(errors.loss) if run is None else run
    return 2.0 * (errors.latency + (lost + 3) * period)
