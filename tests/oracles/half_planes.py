"""What one robot may do in one period, in plain numpy: the lines that halve the gaps, and how much of a control fits.

Written from the statement of the shield alone: between the stop segments of two bodies runs the line that halves their
gap, an obstacle's line touches it, a side of the bounds is one; the next place and the next stop point stay behind.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from oracles.contact import path
from oracles.teams import Team
from scipy.optimize import minimize_scalar

Line = tuple[np.ndarray, float]
"""Normal n and limit: n · x >= limit."""


def stop_point(kind: int, place: np.ndarray, velocity: np.ndarray, acceleration: float, dt: float) -> np.ndarray:
    """Where a robot comes to rest that slows down evenly over the fewest whole periods."""
    if kind != 1 or not velocity.any():
        return place
    periods = max(1, math.ceil(np.abs(velocity).max() / (acceleration * dt) - 1e-9))
    return place + 0.5 * velocity * periods * dt


def _on_segment(point: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The point of a segment that is closest."""
    way = end - start
    square = float(way @ way)
    return start if square == 0.0 else start + np.clip((point - start) @ way / square, 0.0, 1.0) * way


def closest(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The closest points of the segments ab and cd, which do not cross: one of them is an end."""
    pairs = [(a, _on_segment(a, c, d)), (b, _on_segment(b, c, d))]
    pairs += [(_on_segment(c, a, b), c), (_on_segment(d, a, b), d)]
    return min(pairs, key=lambda pair: float(np.linalg.norm(pair[0] - pair[1])))


def _of_obstacle(start: np.ndarray, end: np.ndarray, obstacle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The closest points of a segment and of the core of a rounded, turned box that it does not meet."""
    axes = np.array([obstacle[5:7], [-obstacle[6], obstacle[5]]])  # of the box, in rows

    def core(share: float) -> tuple[np.ndarray, np.ndarray]:
        point = start + share * (end - start)
        within = np.clip(axes @ (point - obstacle[:2]), -obstacle[2:4], obstacle[2:4])
        return point, obstacle[:2] + within @ axes

    def apart(share: float) -> float:
        return float(np.linalg.norm(np.subtract(*core(share))))

    found = minimize_scalar(apart, bounds=(0.0, 1.0), method="bounded", options={"xatol": 1e-12})
    return core(min((0.0, 1.0, float(found.x)), key=apart))


def lines_of(team: Team, i: int) -> list[Line]:
    """The lines of robot i among all obstacles, and all others that could meet it in a period and a stop."""
    bodies, found = team.bodies, []
    stops = [
        stop_point(kind, state[:2], state[3:], body[3], team.dt)
        for kind, state, body in zip(team.kinds, team.states, bodies, strict=True)
    ]
    places = team.states[:, :2]
    for j in range(len(places)):
        both = bodies[i, 0] + bodies[j, 0] + 2.0 * bodies[i, 7]
        if j != i and np.linalg.norm(places[i] - places[j]) < both + bodies[i, 8] + bodies[j, 8]:
            own, other = closest(places[i], stops[i], places[j], stops[j])
            apart = float(np.linalg.norm(own - other))
            normal = (own - other) / apart
            found.append((normal, float(normal @ own) - max(0.5 * (apart - both), 0.0)))
    for obstacle in team.obstacles:
        own, core = _of_obstacle(places[i], stops[i], obstacle)
        apart = float(np.linalg.norm(own - core))
        normal = (own - core) / apart
        gap = apart - obstacle[4] - bodies[i, 0] - bodies[i, 7]
        found.append((normal, float(normal @ own) - max(gap, 0.0)))
    low, high = team.bounds[:2], team.bounds[2:]
    found += [(np.eye(2)[axis], float(low[axis])) for axis in range(2)]
    return found + [(-np.eye(2)[axis], -float(high[axis])) for axis in range(2)]


def room(team: Team, i: int, control: np.ndarray, lines: list[Line]) -> float:
    """How far inside the nearest line a control leaves robot i and its stop point [m]; negative outside."""
    kind, state, dt = team.kinds[i], team.states[i], team.dt
    place = path(kind, state, control, np.array([dt]))[0]
    stop = stop_point(kind, place, state[3:] + control * dt, team.bodies[i, 3], dt)
    bulge = 0.5 * abs(control[0] * control[1]) * dt * dt if kind == 2 else 0.0
    return min(min(float(n @ place), float(n @ stop)) - limit - bulge for n, limit in lines)


def crossed(team: Team, i: int, controls: list[np.ndarray], lines: list[Line], within: float) -> bool:
    """Whether one of the controls from the first to the last leaves less room than ``within`` [m]."""
    mixed = [one + share * (other - one) for one, other in pairwise(controls) for share in np.linspace(0.0, 1.0, 33)]
    return any(room(team, i, control, lines) < within for control in mixed)
