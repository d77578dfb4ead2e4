"""An adversary that chooses the errors of a world: at the bound, and so that contacts look farther away."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from envs.arena.inexact.arrays import Errors, Truth
from envs.arena.stepping.geometry_store import Geometry
from envs.arena.stepping.robots import Robots
from swarm.array_types import Array
from swarm.filter.hulls.geometry import shape_to_shape
from swarm.model.body import RADIUS
from swarm.model.error_bounds import E_HEADING, E_POSITION, E_SENSING, E_SLIP, E_VELOCITY
from swarm.model.geometry import to_obstacle
from swarm.model.shapes import place_corners


@njit(cache=True)
def _away(i: int, state: Array, body: Array, geometry: Geometry) -> tuple[float, float]:
    """Unit vector from the nearest thing to robot ``i``."""
    x, y, best, nx, ny = state[i, 0], state[i, 1], math.inf, 1.0, 0.0
    for j in range(len(state)):
        dx, dy = x - state[j, 0], y - state[j, 1]
        distance = math.hypot(dx, dy)
        if j != i and 0.0 < distance < best + body[j, RADIUS]:
            best, nx, ny = distance - body[j, RADIUS], dx / distance, dy / distance
    for j in range(len(geometry.obstacles)):
        if geometry.obstacles[j, 2] + geometry.obstacles[j, 3] + geometry.obstacles[j, 4] > 0.0:
            gap, mx, my = to_obstacle(x, y, geometry.obstacles[j])
            if gap < best:
                best, nx, ny = gap, mx, my
    return nx, ny


@njit(cache=True)
def _push_polygon(i: int, truth: Truth, robots: Robots, errors: Errors) -> None:
    """The errors of place and heading of a polygon, so that its nearest point to another body looks farther away."""
    state, own = truth.state, np.empty((robots.footprint.shape[1], 2))
    corners = place_corners(state[i, 0], state[i, 1], state[i, 2], robots.footprint[i], own)
    theirs, best = np.empty_like(own), math.inf
    for j in range(len(state) if corners > 0 else 0):
        if j == i or math.hypot(state[i, 0] - state[j, 0], state[i, 1] - state[j, 1]) > 3.0 * robots.body[i, RADIUS]:
            continue
        many, radius = place_corners(state[j, 0], state[j, 1], state[j, 2], robots.footprint[j], theirs), 0.0
        if many == 0:
            many, radius = 1, robots.body[j, RADIUS]
            theirs[0, 0], theirs[0, 1] = state[j, 0], state[j, 1]
        distance, nx, ny, ax, ay = shape_to_shape(own, corners, theirs, many)
        if 0.0 < distance < best + radius:
            best = distance - radius
            errors.position[i, 0], errors.position[i, 1] = errors.real[E_POSITION] * nx, errors.real[E_POSITION] * ny
            arm = nx * (state[i, 1] - ay) + ny * (ax - state[i, 0])  # along the normal, for each rad
            errors.heading[i] = math.copysign(errors.real[E_HEADING], arm)


@njit(cache=True)
def push_world(truth: Truth, robots: Robots, geometry: Geometry, errors: Errors) -> None:
    """Let an adversary choose the errors of one world: at the bound, and so that contacts look farther away."""
    real, state, body = errors.real, truth.state, robots.body
    for i in range(len(state)):
        nx, ny = _away(i, state, body, geometry)
        errors.position[i, 0], errors.position[i, 1] = real[E_POSITION] * nx, real[E_POSITION] * ny
        errors.velocity[i, 0], errors.velocity[i, 1] = real[E_VELOCITY] * nx, real[E_VELOCITY] * ny
        closing = nx * state[i, 3] + ny * state[i, 4] < 0.0
        errors.slip[i] = real[E_SLIP] if closing else -real[E_SLIP]
        errors.heading[i] = math.copysign(real[E_HEADING], errors.heading[i])
        if robots.footprint.shape[1] > 0:
            _push_polygon(i, truth, robots, errors)
        for j in range(len(state)):
            dx, dy = state[j, 0] - state[i, 0], state[j, 1] - state[i, 1]
            scale = real[E_SENSING] / max(math.hypot(dx, dy), 1e-9)
            errors.sensing[i, j, 0], errors.sensing[i, j, 1] = scale * dx, scale * dy
