"""Lines between hulls whose shapes are wrong within a bound: nobody comes nearer than by half of what there is."""

from __future__ import annotations

import math

import numpy as np
import pytest
from oracles.attackers import around_of

from swarm.filter.hulls.geometry import MOST, closest, hull_to_hull, hull_to_obstacle, inside, other_hull
from swarm.filter.hulls.lines import LINE, build_lines, keeps
from swarm.model.actuators import T_ERROR, TRAIL
from swarm.model.body import RADIUS, REACH, body_of
from swarm.model.dynamics import Kind, Limits
from swarm.model.geometry import as_obstacles
from swarm.sense.neighbours import (
    N_ACCELERATION,
    N_BODY_X,
    N_CORNER_X,
    N_ERROR,
    N_RADIUS,
    N_REACH,
    N_X,
    NEIGHBOUR,
)

LONG = 1.0


def shape(rng: np.random.Generator, corners: int) -> np.ndarray:
    """A hull about a metre in size, often a flat one."""
    flat = rng.choice([1.0, 0.1, 0.01])
    points: np.ndarray = rng.uniform(-0.5, 0.5, (corners, 2)) * [LONG, LONG * flat]
    turn = rng.uniform(-math.pi, math.pi)
    return points @ np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])


def moved(rng: np.random.Generator, hull: np.ndarray, error: float, away: np.ndarray) -> np.ndarray:
    """The corners elsewhere by the bound or less: anywhere, turned, or so that they look farther away or nearer."""
    style = int(rng.integers(4))
    if style == 0:
        off = rng.normal(size=hull.shape)
    elif style == 1:  # turned about its first corner
        arm = hull - hull[0]
        off = np.stack([-arm[:, 1], arm[:, 0]], axis=1) * rng.choice([-1.0, 1.0])
    else:
        off = np.outer(rng.uniform(-1.0, 1.0, len(hull)) if style == 2 else rng.choice([-1.0, 1.0], len(hull)), away)
    size = float(np.linalg.norm(off, axis=1).max())
    return hull + off * error / max(size, 1e-12)


def row_of(hull: np.ndarray, radius: float, error: float) -> np.ndarray:
    """Neighbour columns of a hull of three corners, or of a point."""
    row = np.zeros(NEIGHBOUR)
    row[N_X : N_X + 2], row[N_RADIUS], row[N_ACCELERATION], row[N_REACH] = hull[0], radius, np.inf, 9.0
    row[N_ERROR] = error
    if len(hull) == MOST:
        row[N_BODY_X : N_BODY_X + 2], row[N_CORNER_X : N_CORNER_X + 2] = hull[1] - hull[0], hull[2] - hull[0]
    return row


def ways(rng: np.random.Generator, hull: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """New points, mostly beside what is nearest or towards it: ``float64[n, 2]``."""
    along = np.array([-normal[1], normal[0]])
    sizes = 10.0 ** rng.uniform(-3.0, -0.5, 40)
    angles = rng.choice([0.0, math.pi], 40) + rng.normal(size=40) * 0.3
    steps = sizes[:, None] * (np.cos(angles)[:, None] * along + np.sin(angles)[:, None] * normal)
    return np.asarray(hull[rng.integers(len(hull), size=40)] + steps)


@pytest.mark.parametrize("corners", [1, MOST])
@pytest.mark.parametrize("obstacle", [False, True])
def test_nobody_comes_nearer_than_its_share_of_the_true_gap(corners: int, obstacle: bool) -> None:
    rng, tested, tight = np.random.default_rng(corners), 0, 0.0
    for _ in range(1500):
        error = 10.0 ** rng.uniform(-3.0, -0.7, 2) * [1.0, 0.0 if obstacle else 1.0]
        true, there = shape(rng, MOST), shape(rng, corners)
        way = rng.normal(size=2)
        there = there + way / np.linalg.norm(way) * rng.uniform(0.1, 2.0)
        box = as_obstacles([[*there[0], *rng.uniform(0.0, 0.5, 2), 0.01]])[0]
        if obstacle:
            gap, nx, ny, _, _ = hull_to_obstacle(true, MOST, box)
            gap += box[4]
        else:
            gap, nx, ny, _, _ = hull_to_hull(true, MOST, there, corners)
        if gap <= 0.03 or (nx, ny) == (0.0, 0.0):
            continue
        normal, both = np.array([nx, ny]), gap * rng.choice([1.0, rng.uniform(0.5, 1.0)])
        own, body = moved(rng, true, error[0], normal), body_of(
            Kind.UNICYCLE, 0.1, Limits(1.0, turn_rate=1.0), dt=0.05, sensing_radius=9.0
        )  # fmt: skip
        body[RADIUS], body[REACH] = (both - box[4] if obstacle else 0.5 * both), 9.0
        row = row_of(moved(rng, there, error[1], -normal), 0.5 * both, error[1])
        state, trail, lines = np.array([*own[0], 0.0, 0.0, 0.0]), np.zeros(TRAIL), np.empty((8, LINE))
        trail[T_ERROR] = error[0]
        met = {"obstacles": [box.tolist()]} if obstacle else {"neighbours": [row]}
        around = around_of(state, bounds=(-99.0, -99.0, 99.0, 99.0), **met)._replace(trail=trail)  # type: ignore[arg-type]
        if body[RADIUS] <= 0.0 or build_lines(2, state, body, around, own, MOST, lines) != 1:
            continue
        least = -(gap - both) * (1.0 if obstacle else 0.5)
        for point in ways(rng, own, normal):
            x, y = point.tolist()
            if keeps(x, y, 0.0, own, MOST, lines, 1):
                inner = point if inside(x, y, own, MOST) else np.array(closest(x, y, own, MOST))
                comes = max(float(normal @ (point - lines[0, 2:4])), float(normal @ (point - inner)))
                assert comes >= least - 1e-9
                tested += 1
                tight = min(tight, comes)
    assert tested > 5000 and tight < -0.05


def test_the_columns_of_a_hull_are_its_corners() -> None:
    hull, found = shape(np.random.default_rng(0), MOST), np.empty((MOST, 2))
    assert other_hull(row_of(hull, 0.1, 0.0), 0.05, found) == MOST
    assert found == pytest.approx(hull)
