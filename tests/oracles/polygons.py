"""Polygons in plain numpy, written apart from the kernels: where corners are, and whether two convex bodies overlap."""

from __future__ import annotations

import math

import numpy as np

from swarm.model.dynamics import Kind, Limits

# A box of 0.5 × 0.25 m, and limits by name of what it is driven as.
BOX = np.array([[0.25, 0.125], [-0.25, 0.125], [-0.25, -0.125], [0.25, -0.125]])
BOX_RADIUS = float(np.hypot(0.25, 0.125))
BOX_LIMITS = {
    "single": (Kind.SINGLE_INTEGRATOR, Limits(1.0)),
    "double": (Kind.DOUBLE_INTEGRATOR, Limits(1.0, 2.0)),
    "unicycle": (Kind.UNICYCLE, Limits(1.0, turn_rate=2.0)),
    "ramped": (Kind.UNICYCLE, Limits(1.0, 2.0, 2.0, 4.0)),
}


def corners_at(state: np.ndarray, footprint: np.ndarray) -> np.ndarray:
    """The corners of a body at a state (x, y, heading, ...)."""
    c, s = math.cos(state[2]), math.sin(state[2])
    return footprint @ np.array([[c, s], [-s, c]]) + state[:2]


def disc(centre: np.ndarray, radius: float, sides: int = 256) -> np.ndarray:
    """A polygon within a disc that misses its rim by less than radius * 1e-4."""
    angle = np.arange(sides) * 2.0 * math.pi / sides
    return centre + radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def depth(a: np.ndarray, b: np.ndarray) -> float:
    """How deep two convex polygons overlap at least along every normal of their sides; negative: they are apart."""
    least = math.inf
    for polygon in (a, b):
        side = np.roll(polygon, -1, axis=0) - polygon
        normal = np.stack([side[:, 1], -side[:, 0]], axis=1) / np.linalg.norm(side, axis=1, keepdims=True)
        one, other = a @ normal.T, b @ normal.T
        overlap = np.minimum(one.max(axis=0), other.max(axis=0)) - np.maximum(one.min(axis=0), other.min(axis=0))
        least = min(least, float(overlap.min()))
    return least


def random_polygon(rng: np.random.Generator, size: float) -> np.ndarray:
    """3 to 8 corners on an ellipse about the origin, counter-clockwise, no farther than ``size`` from it."""
    count = int(rng.integers(3, 9))
    gaps = rng.uniform(0.5, 1.0, count)
    angle = rng.uniform(0.0, 2.0 * math.pi) + 2.0 * math.pi * np.cumsum(gaps) / gaps.sum()
    return size * np.stack([np.cos(angle), rng.uniform(0.3, 1.0) * np.sin(angle)], axis=1)
