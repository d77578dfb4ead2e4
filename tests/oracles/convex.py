"""Convex sets in plain numpy and scipy: whether two of them meet, and certificates of a distance."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog, nnls


def meet(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether the convex hulls of two sets of points ``[n, 2]`` have a point in common."""
    equal = np.vstack([
        np.hstack([a.T, -b.T]),
        np.hstack([np.ones(len(a)), np.zeros(len(b))]),
        np.hstack([np.zeros(len(a)), np.ones(len(b))]),
    ])  # fmt: skip
    return bool(linprog(np.zeros(len(a) + len(b)), A_eq=equal, b_eq=[0.0, 0.0, 1.0, 1.0]).status == 0)


def outside(point: np.ndarray, points: np.ndarray) -> float:
    """How far (m, about) a point is from the convex hull of others: the residual of the best convex weights."""
    weight = 1e3  # of the condition that the weights add up to 1
    _, residual = nnls(np.vstack([(points - point).T, np.full(len(points), weight)]), np.array([0.0, 0.0, weight]))
    return float(residual)


def separation(a: np.ndarray, b: np.ndarray, normal: np.ndarray) -> float:
    """Width [m] of the strip between two hulls across ``normal``: no distance of the hulls is less."""
    return float((a @ normal).min() - (b @ normal).max())


def sampled_distance(a: np.ndarray, b: np.ndarray, samples: int = 60) -> float:
    """Smallest distance [m] of points sampled on the edges between all points: the distance, or a little more."""
    share = np.linspace(0.0, 1.0, samples)[:, None]
    on_a, on_b = (
        np.concatenate([p + share * (q - p) for p in points for q in points]) for points in (a, b)
    )  # fmt: skip
    return float(np.linalg.norm(on_a[:, None] - on_b[None], axis=-1).min())
