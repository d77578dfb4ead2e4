"""Robots that mean no good, and the shield that holds them back: what the tests of it share."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from oracles.contact import least_gap, path, ramped_path
from oracles.teams import Team, limits_of

from swarm.filter.barriers import control_box
from swarm.filter.shield import shield
from swarm.model.actuators import TRAIL, advance_ramped
from swarm.model.body import ACCELERATION, LOOK_AHEAD, TOP_SPEED, TURN_ACCELERATION, TURN_RATE, body_of
from swarm.model.dynamics import Kind, advance
from swarm.model.geometry import COLUMNS, as_obstacles
from swarm.sense.neighbours import NEIGHBOUR, OBSTACLE, Around, measure_obstacles

SINGLE, DOUBLE, UNICYCLE = Kind
INSTANTS = np.arange(1, 9) / 8.0


def admissible(team: Team, i: int, wish: np.ndarray) -> np.ndarray:
    """The control within the limits of robot i that is nearest to ``wish``."""
    body, kind = team.bodies[i], team.kinds[i]
    top = body[TOP_SPEED]
    if team.ramped(i):
        box = np.empty((2, 2))
        control_box(kind, team.states[i], body, team.trails[i], box)
        return np.clip(wish, box[0] / [1.0, body[LOOK_AHEAD]], box[1] / [1.0, body[LOOK_AHEAD]])
    if kind == UNICYCLE:
        return np.clip(wish, [-top, -body[TURN_RATE]], [top, body[TURN_RATE]])
    if kind == SINGLE:
        return np.clip(wish, -top, top)
    velocity = team.states[i, 3:]
    push = np.clip(wish, -body[ACCELERATION], body[ACCELERATION])
    return (np.clip(velocity + push * team.dt, -top, top) - velocity) / team.dt


def attack(team: Team, i: int, style: int, rng: np.random.Generator, *, aside: float = 0.0) -> np.ndarray:
    """A control that means no good: at the nearest robot at full throttle, at a wall, anything, or not a number.

    ``aside`` turns the way by an angle [rad]: past a robot instead of at it.
    """
    if style == 0:
        others = np.delete(team.states[:, :2], i, axis=0)
        target = others[np.linalg.norm(others - team.states[i, :2], axis=1).argmin()] if len(others) else np.zeros(2)
    elif style == 1 and len(team.obstacles):
        target = team.obstacles[i % len(team.obstacles), :2]
    else:
        target = team.states[i, :2] + rng.normal(size=2)
    way = target - team.states[i, :2]
    if aside:
        cos, sin = math.cos(aside), math.sin(aside)
        way = np.array([cos * way[0] - sin * way[1], sin * way[0] + cos * way[1]])
    wish = 100.0 * way / (np.linalg.norm(way) + 1e-9)
    if team.kinds[i] == UNICYCLE:
        error = math.remainder(math.atan2(way[1], way[0]) - team.states[i, 2], math.tau)
        wish = np.array([100.0 * math.cos(error), 10.0 * error]) if style < 3 else rng.normal(size=2) * 20.0
    control = admissible(team, i, wish)
    if rng.random() < 0.03:
        control[int(rng.integers(2))] = rng.choice([math.nan, math.inf, -math.inf])
    return control


def check_kept(team: Team, i: int, asked: np.ndarray, got: np.ndarray, share: float) -> None:
    """What came out is between what was asked and braking, and says so."""
    assert np.isfinite(got).all()
    assert 0.0 <= share <= 1.0
    assert (share == 1.0) == bool((asked == got).all()) or not asked.any() or share == 0.0
    limit = {SINGLE: TOP_SPEED, DOUBLE: ACCELERATION, UNICYCLE: TOP_SPEED}[Kind(team.kinds[i])]
    assert np.abs(got[: 1 if team.kinds[i] == UNICYCLE else 2]).max() <= team.bodies[i, limit] * (1.0 + 1e-8)


def check_ramp(team: Team, i: int, control: np.ndarray) -> None:
    """A command of a unicycle of second order keeps its accelerations, its turn rate, and its way to rest no loop."""
    body, now = team.bodies[i], team.drive(i)
    change = np.abs(control - now) / team.dt
    assert (change <= body[[ACCELERATION, TURN_ACCELERATION]] * (1.0 + 1e-7)).all()
    assert abs(control[1]) <= body[TURN_RATE] * (1.0 + 1e-9)
    time = max(abs(control[0]) / body[ACCELERATION], abs(control[1]) / body[TURN_ACCELERATION])
    assert 0.5 * abs(control[1]) * time <= 2.0 + 1e-9


def team_path(team: Team, i: int, control: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Where robot i is at ``times`` [s], ``[T, 2]``."""
    if team.ramped(i):
        return ramped_path(team.states[i], team.drive(i), control, team.dt, times)
    return path(team.kinds[i], team.states[i], control, times)


def drive(team: Team, rng: np.random.Generator, *, steps: int, slots: int) -> tuple[float, int]:
    """Let everybody attack for some steps; the smallest gap ever, and how often the shield stepped in."""
    least, held, styles = math.inf, 0, rng.integers(0, 4, len(team.kinds))
    for _ in range(steps):
        rows, controls = team.rows(), np.empty((len(team.kinds), 2))
        styles = np.where(rng.random(len(styles)) < 0.05, rng.integers(0, 4, len(styles)), styles)
        for i in range(len(team.kinds)):
            asked = attack(team, i, int(styles[i]), rng)
            controls[i] = asked
            share = team.shield(i, team.sense(i, rows, slots), controls[i])
            held += share < 1.0
            check_kept(team, i, asked, controls[i], share)
        times = team.dt * INSTANTS
        paths = np.array([team_path(team, i, controls[i], times) for i in range(len(team.kinds))])
        least = min(least, least_gap(paths, team.radii, team.obstacles, team.bounds))
        for i, kind in enumerate(team.kinds):
            if team.ramped(i):
                check_ramp(team, i, controls[i])
                now = team.drive(i)
                team.states[i], now[:] = advance_ramped(team.states[i], now, controls[i], team.dt, team.dt)
            else:
                team.states[i] = advance(Kind(kind), team.states[i], controls[i], team.dt)
        assert (np.abs(team.states[:, 3:]).max(axis=1) <= team.bodies[:, TOP_SPEED] + 1e-9).all()
    return least, held


def alone(kind: Kind, state: list[float], **body: Any) -> tuple[np.ndarray, np.ndarray]:
    limits = limits_of(kind, 1.0, 2.0, 4.0)
    return np.array(state, dtype=float), body_of(kind, 0.1, limits, dt=0.05, sensing_radius=2.0, **body)


def shielded(
    kind: Kind, state: np.ndarray, body: np.ndarray, control: list[float], *, things: list[list[float]] | None = None,
    bounds: tuple[float, ...] = (-9.0, -9.0, 9.0, 9.0), truncated: bool = False,
) -> tuple[np.ndarray, float]:  # fmt: skip
    around = around_of(state, obstacles=things, bounds=bounds, truncated=truncated)
    out, lines = np.array(control, dtype=float), np.empty((len(around.obstacles) + 5, 3))
    return out, shield(int(kind), state, body, around, out, lines)


def around_of(
    state: np.ndarray, *, neighbours: Any = None, obstacles: Any = None, bounds: Any = (-9.0, -9.0, 9.0, 9.0),
    truncated: bool = False,
) -> Around:  # fmt: skip
    """What a robot has around it, from rows of neighbours and of obstacles, of seven numbers or five."""
    near = np.array(neighbours if neighbours is not None and len(neighbours) else np.empty((0, NEIGHBOUR)), dtype=float)
    rows = as_obstacles(() if obstacles is None else obstacles)
    things = np.zeros((len(rows), OBSTACLE))
    things[:, :COLUMNS] = rows
    measure_obstacles(state, things, len(things))
    return Around(near, len(near), things, len(things), np.array(bounds, dtype=float), truncated, np.zeros(TRAIL))
