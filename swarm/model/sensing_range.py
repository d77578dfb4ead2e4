"""How far a robot has to sense, so that it stands before anybody can be there whom it has not seen.

Team mates that are heard need nothing besides: top speeds are lowered until two that do not see each other cannot touch
within a period (``swarm.model.dynamics.seen_speed``). Who is only sensed has come nearer since the scan by as much as
is unknown of it; who ignores everybody also while the robot comes to rest.
"""

from __future__ import annotations

import math

from swarm.array_types import Array
from swarm.model.body import ERROR, FLOOR, GROWTH, PERIOD, RADIUS, REACH
from swarm.model.error_bounds import ErrorBounds
from swarm.model.second_order import unsensed_way
from swarm.model.strangers import Strangers, covered, longest_rest, start_of


def range_for_team(body: Array, other: Array, errors: ErrorBounds) -> float:
    """How far [m] a robot has to sense another one of its team that is sensed and not heard.

    Args:
        body: ``float64[BODY]`` of the robot.
        other: ``float64[BODY]`` of the other.
        errors: What both declare.
    """
    periods = math.ceil((errors.age + errors.dead_time) / body[PERIOD] - 1e-9)
    unknown = periods * other[GROWTH] + unsensed_way(other, errors.lag) + errors.sensing + errors.position
    kept = max(2.0 * body[FLOOR], body[ERROR] + unknown)
    return float(body[RADIUS] + body[REACH] + other[RADIUS] + other[REACH] + kept)


def range_for_stranger(
    kind: int, body: Array, errors: ErrorBounds, strangers: Strangers, radius: float, speed: float
) -> float:  # fmt: skip
    """How far [m] a robot has to sense a stranger, so that it stands before that one can be there.

    Args:
        kind: A value of ``Kind``, of the robot.
        body: ``float64[BODY]`` of the robot.
        errors: What is declared of it.
        strangers: What is counted on of strangers; 0 if nobody is one.
        radius: Of the stranger [m].
        speed: How fast it may be when it is not seen yet [m/s].
    """
    pace, push, top = start_of(speed, strangers.as_array())
    if pace == 0.0 and push == 0.0:
        return 0.0
    time = errors.age + errors.dead_time + body[PERIOD] + longest_rest(kind, body)
    kept = max(body[FLOOR], body[ERROR] + errors.sensing + errors.position)
    return float(body[RADIUS] + body[REACH] + radius + kept + covered(pace, push, top, time))
