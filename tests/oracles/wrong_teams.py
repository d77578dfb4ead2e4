"""Teams whose robots see themselves and each other wrongly, within declared bounds, as an adversary likes it.

The truth is integrated in ``oracles.contact``. What is believed comes anew at every step: the own place and the places
of others are displaced, so that contacts look farther away or lie in another direction than they do; headings are
turned; ways are longer or shorter than planned.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from oracles.attackers import INSTANTS, attack, check_kept
from oracles.contact import lagging_path, least_gap
from oracles.teams import Team, limits_of, place, some_turned

from swarm.filter.hulls.shield import shield_hulls
from swarm.model.actuators import T_BODY_X, T_CORNER_X, T_ERROR, T_STRAY, TRAIL, ahead
from swarm.model.body import ACCELERATION, ERROR, STRAY, body_of
from swarm.model.dynamics import Kind
from swarm.model.error_bounds import ErrorBounds
from swarm.sense.neighbours import N_BODY_X, N_CORNER_X, N_VX, N_VY, N_X, N_Y, NEIGHBOUR, Around, describe

# Directions, relative to that from the contact, in which places are displaced [rad]; None: any.
DISPLACED = (0.0, 0.5 * math.pi, -0.5 * math.pi, None)


@dataclass
class WrongTeam(Team):  # type: ignore[misc]
    """A team with the errors of its bodies and sensors; ``states`` are the true ones.

    Attributes:
        errors: Bounds of what is simulated.
        drives: ``float64[N, 2]``, what the actuators give.
        room: ``float64[N]``, how far each robot is displaced, by itself and by others [m].
    """

    errors: ErrorBounds
    drives: np.ndarray
    room: np.ndarray


def shield_at_worst(kind: int, state: np.ndarray, body: np.ndarray, around: Around, control: np.ndarray) -> float:
    """``shield_hulls`` of a robot that knows no more of itself than its bounds say."""
    trail = around.trail.copy()
    trail[T_ERROR], trail[T_STRAY] = body[ERROR], body[STRAY]
    kept: float = shield_hulls(kind, state, body, around._replace(trail=trail), control)
    return kept


def draw_errors(rng: np.random.Generator) -> ErrorBounds:
    """Bounds as on real floors, each of them 0 in a third of the draws."""
    most = {"position": 0.03, "heading": 0.15, "slip": 0.15, "lag": 0.2}
    given = {name: float(rng.uniform(0.1, 1.0) * value * (rng.random() < 0.67)) for name, value in most.items()}
    return ErrorBounds(**given)  # type: ignore[arg-type]


def draw_wrong_team(
    rng: np.random.Generator, errors: ErrorBounds, *, kinds: tuple[Kind, ...] = tuple(Kind), most: int = 8,
    assumed: ErrorBounds | None = None,
) -> WrongTeam:  # fmt: skip
    """2 to ``most`` robots at rest in a room, which count on ``assumed`` (by default on what is simulated)."""
    count, dt = int(rng.integers(2, most + 1)), float(rng.choice([0.02, 0.05, 0.1]))
    drawn, radii = [int(rng.choice(kinds)) for _ in range(count)], rng.uniform(0.04, 0.12, count)
    limits = [
        limits_of(Kind(kind), rng.uniform(0.3, 1.5), rng.uniform(0.5, 10.0), rng.uniform(1.0, 9.0)) for kind in drawn
    ]
    bodies = [
        [body_of(Kind(kind), radius, limit, dt=dt, sensing_radius=2.5, errors=bounds)
         for kind, radius, limit in zip(drawn, radii, limits, strict=True)]
        for bounds in (errors, errors if assumed is None else assumed)
    ]  # fmt: skip
    room = np.array(bodies[0])[:, ERROR]
    side = float((radii + room).max()) * 2.0 * math.sqrt(count) * rng.uniform(1.5, 3.5) + 0.3
    obstacles = np.zeros((int(rng.integers(0, 4)), 5))
    obstacles[:, :2] = rng.uniform(0.0, side, (len(obstacles), 2))
    obstacles[:, 2:] = rng.uniform(0.02, 0.12, (len(obstacles), 3)) * rng.choice(
        [[1, 1, 0], [0, 0, 1], [1, 1, 1]], size=len(obstacles)
    )
    obstacles = some_turned(obstacles)
    bounds = np.array([-room.max(), -room.max(), side + room.max(), side + room.max()])
    places = place(rng, radii + room, side, obstacles)
    found = len(places)
    states = np.zeros((found, 5))
    states[:, :2], states[:, 2] = places, rng.uniform(-math.pi, math.pi, found)
    return WrongTeam(
        drawn[:found], states, np.array(bodies[1][:found]), obstacles, bounds, dt, errors, np.zeros((found, 2)),
        room[:found],
    )  # fmt: skip


def _away(team: WrongTeam, i: int) -> np.ndarray:
    """Unit vector to robot i from what is nearest to it."""
    at, best, away = team.states[i, :2], math.inf, np.array([1.0, 0.0])
    points = [other[:2] for j, other in enumerate(team.states) if j != i]
    points += [box[:2] + np.clip(at - box[:2], -box[2:4], box[2:4]) for box in team.obstacles]
    points += [np.array([at[0], side]) for side in team.bounds[1::2]] + [
        np.array([side, at[1]]) for side in team.bounds[::2]
    ]
    for point in points:
        distance = float(np.linalg.norm(at - point))
        if 0.0 < distance < best:
            best, away = distance, (at - point) / distance
    return away


def _way_to_rest(team: WrongTeam, i: int) -> float:
    """How far (m, at most) robot i gets without slip before it stands: what it lags, and what it brakes."""
    speed = float(np.abs(team.states[i, 3:]).sum())
    if team.kinds[i] != 1:
        return team.errors.lag * abs(team.drives[i, 0]) if team.kinds[i] == 2 else team.errors.lag * speed
    fastest = speed + team.errors.lag * float(np.abs(team.drives[i]).sum())
    return fastest * (team.errors.lag + 0.5 * fastest / team.bodies[i, ACCELERATION] + 0.5 * team.dt)


def _displaced(
    team: WrongTeam, i: int, away: np.ndarray, rng: np.random.Generator, lag: float
) -> tuple[np.ndarray, np.ndarray]:
    """A state and a trail for which robot i may be taken: turned by a heading error, and displaced along ``away``.

    What a wrong heading moves of the hull, and slip on the way to rest, count as displaced.
    """
    state, found, trail = team.states[i].copy(), np.empty(5), np.empty(TRAIL)
    turn = team.errors.heading * float(rng.choice([-1.0, 1.0, rng.uniform(-1.0, 1.0)])) if team.kinds[i] == 2 else 0.0
    share = team.errors.slip + 2.0 * math.sin(0.5 * abs(turn))
    room = max(team.room[i] - share * _way_to_rest(team, i), team.errors.position)
    which = DISPLACED[int(rng.integers(len(DISPLACED)))]
    angle = math.atan2(away[1], away[0]) + (rng.uniform(-math.pi, math.pi) if which is None else which)
    state[:2] += room * np.array([math.cos(angle), math.sin(angle)])
    state[2] += turn
    ahead(team.kinds[i], state, team.drives[i], lag, found, trail)
    return found, trail


def believed(
    team: WrongTeam, i: int, rng: np.random.Generator, lag: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What robot i takes itself for (state, trail), and rows ``[N, NEIGHBOUR]`` of what it takes all for."""
    state, trail = _displaced(team, i, _away(team, i), rng, lag)
    rows = np.zeros((len(team.kinds), NEIGHBOUR))
    for j, kind in enumerate(team.kinds):
        way = team.states[j, :2] - team.states[i, :2]
        there, trails = (state, trail) if j == i else _displaced(team, j, way, rng, lag)
        describe(kind, there, team.bodies[j], there[:2], 0.5, 0.5, j, rows[j])
        rows[j, N_BODY_X : N_BODY_X + 2] = trails[T_BODY_X : T_BODY_X + 2]
        rows[j, N_CORNER_X : N_CORNER_X + 2] = trails[T_CORNER_X : T_CORNER_X + 2]
    return state, trail, rows


def _slip(team: WrongTeam, i: int, control: np.ndarray, rng: np.random.Generator) -> float:
    """The slip of robot i: longer ways towards the nearest contact, shorter ones from it, or anything."""
    if rng.random() < 0.3:
        return float(rng.uniform(-1.0, 1.0)) * team.errors.slip
    heading = team.states[i, 2]
    way = control if team.kinds[i] == 0 else team.states[i, 3:]
    if team.kinds[i] == 2:
        way = control[0] * np.array([math.cos(heading), math.sin(heading)])
    return team.errors.slip if way @ _away(team, i) < 0.0 else -team.errors.slip


def drive_wrong(team: WrongTeam, rng: np.random.Generator, *, steps: int, lag: float) -> tuple[float, int]:
    """Let everybody attack for some steps; the smallest gap ever, and how often the shield stepped in.

    Args:
        team: Changed.
        rng: Of the adversary.
        steps: Control periods.
        lag: What the robots take their actuators' time constant for [s].
    """
    count, least, held = len(team.kinds), math.inf, 0
    styles, aside = rng.integers(0, 4, count), rng.uniform(-2.0, 2.0, count)
    for _ in range(steps):
        controls = np.empty((count, 2))
        anew = rng.random(count) < 0.05
        styles, aside = (
            np.where(anew, rng.integers(0, 4, count), styles),
            np.where(anew, rng.uniform(-2.0, 2.0, count), aside),
        )
        for i in range(count):
            state, trail, rows = believed(team, i, rng, lag)
            places = np.concatenate([rows[:, [N_X, N_Y]], np.zeros((count, 1)), rows[:, [N_VX, N_VY]]], axis=1)
            places[i] = state
            minded = Team(team.kinds, places, team.bodies, team.obstacles, team.bounds, team.dt)
            asked = attack(minded, i, int(styles[i]), rng, aside=float(aside[i]) * (styles[i] < 2))
            controls[i] = asked
            around = minded.sense(i, rows, 16, trail)
            share = shield_at_worst(team.kinds[i], state, team.bodies[i], around, controls[i])
            if lag == team.errors.lag:  # or their own velocities are not as planned
                check_kept(team, i, asked, controls[i], share)
            held += share < 1.0
        paths = []
        for i, kind in enumerate(team.kinds):
            slip = _slip(team, i, controls[i], rng)
            path, team.states[i], team.drives[i] = lagging_path(
                kind, team.states[i], team.drives[i], controls[i], team.dt * INSTANTS, team.errors.lag, slip
            )
            paths.append(path)
        least = min(least, least_gap(np.array(paths), team.radii, team.obstacles, team.bounds))
    return least, held
