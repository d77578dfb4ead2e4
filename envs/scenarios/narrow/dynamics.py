"""Robots of the larger families with narrow places: limits of wheeled robots of 0.1 m, by their dynamics."""

from __future__ import annotations

from swarm.model.dynamics import Kind, Limits

LIMITS = {
    Kind.SINGLE_INTEGRATOR: Limits(1.0),
    Kind.DOUBLE_INTEGRATOR: Limits(0.5, acceleration=1.0),
    Kind.UNICYCLE: Limits(0.8, turn_rate=3.0),
}
RADIUS, DT, SENSING = 0.1, 0.05, 1.0
"""Radius [m], control period [s] and sensing radius [m]."""
GAPS = (2.4, 3.2)
"""Least and largest width of a narrow place, in radii."""
