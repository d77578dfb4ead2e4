"""What a robot remembers of its way: how near it has been to its present goal, and since when it comes no nearer.

These two numbers are what the bug algorithms (Lumelsky and Stepanov 1987) need to walk around an obstacle and to know
when to leave it; a policy that reacts to this moment alone cannot tell the way out of a dead end from the way in.
"""

from __future__ import annotations

import numpy as np

from swarm.array_types import Array
from swarm.kernel_cache.references import uncounted
from swarm.model.body import PERIOD, RADIUS

# Columns of a memory, float64[2]: least way left to the present goal so far [m], and time without coming nearer [s].
MEMORY = 2
LEAST, WAITED = range(MEMORY)
# Coming nearer counts from this share of the radius on: creeping towards a wall does not.
_NEARER = 0.05


def blank() -> Array:
    """The memory ``float64[2]`` of a robot that has just got its goal."""
    return np.array([np.inf, 0.0])


@uncounted
def remember(body: Array, remaining: float, memory: Array) -> None:
    """Take one period into account.

    Args:
        body: ``float64[BODY]``, see ``swarm.model.body``.
        remaining: Metres that are left to the goal now.
        memory: ``float64[2]``, changed in place.
    """
    if remaining < memory[LEAST] - _NEARER * body[RADIUS]:
        memory[LEAST], memory[WAITED] = remaining, 0.0
    else:
        memory[WAITED] += body[PERIOD]
