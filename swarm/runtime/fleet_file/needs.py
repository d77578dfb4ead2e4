"""What the declared errors of a robot ask for, for people: the margin, and what it costs."""

from __future__ import annotations

import math

from swarm.model.body import GROWTH, MARGIN, TOP_SPEED, body_of, error_of
from swarm.runtime.fleet_file.read import FleetFile


def needs_of(fleet: FleetFile, robot: int) -> list[str]:
    """What the errors of a robot ask for, and what it drives with, for people; nothing if there are none."""
    errors, spec, scenario = fleet.errors_of(robot), fleet.scenario.robots[robot], fleet.scenario
    if not errors.any:
        return []
    body = body_of(
        spec.kind, spec.radius, spec.limits, dt=scenario.dt, sensing_radius=scenario.sensing_radius,
        margin=fleet.margin, cooperative=spec.cooperative, errors=errors, ignores=spec.ignores,
    )  # fmt: skip
    needed = error_of(spec.kind, spec.limits.speed, spec.limits, scenario.dt, errors)
    late = f"a state {_ms(errors.age)} old, dead time {_ms(errors.dead_time)} and a period of {_ms(scenario.dt)}"
    slower = "" if body[TOP_SPEED] >= spec.limits.speed else f" of {spec.limits.speed:g}"
    return [
        f"needs       a margin of {_mm(needed)} for {late}",
        f"keeps       a margin of {_mm(body[MARGIN])}, where {_mm(fleet.margin)} are declared, and "
        f"{_mm(body[GROWTH])} more for each period that news is late",
        f"drives      at most {body[TOP_SPEED]:.3g}{slower} m/s, by a sensing radius of {scenario.sensing_radius:g} m",
    ]


def _mm(metres: float) -> str:
    """Millimetres, rounded up to a tenth."""
    return f"{math.ceil(1e4 * metres - 1e-6) / 10.0:g} mm"


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:g} ms"
