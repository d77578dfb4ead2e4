"""Contacts in plain numpy: where bodies are between samples, and how far their surfaces are apart.

Nothing here comes from the code under test: motion is integrated by Gauss-Legendre quadrature, distances are
written out.
"""

from __future__ import annotations

import numpy as np

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)


def path(kind: int, state: np.ndarray, control: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Positions ``[T, 2]`` of one robot at ``times`` [s] after ``state`` (5,) under a constant control (2,)."""
    x, y, heading, vx, vy = state
    if kind == 2:  # unicycle: forward speed, turn rate
        at = 0.5 * times[:, None] * (_NODES + 1.0)
        course = np.exp(1j * (heading + control[1] * at))
        moved = 0.5 * times * control[0] * (course @ _WEIGHTS)
        return np.stack([x + moved.real, y + moved.imag], axis=1)
    if kind == 1:  # double integrator: acceleration
        return np.array([x, y]) + times[:, None] * np.array([vx, vy]) + 0.5 * times[:, None] ** 2 * control
    return np.array([x, y]) + times[:, None] * control


def ramped_path(state: np.ndarray, drive: np.ndarray, control: np.ndarray, dt: float, times: np.ndarray) -> np.ndarray:
    """Positions ``[T, 2]`` of a unicycle whose speed and turn rate go linearly from ``drive`` to ``control`` (2,)."""
    at = 0.5 * times[:, None] * (_NODES + 1.0)
    rate = (control - drive) / dt
    course = np.exp(1j * (state[2] + drive[1] * at + 0.5 * rate[1] * at**2))
    moved = 0.5 * times * (((drive[0] + rate[0] * at) * course) @ _WEIGHTS)
    return np.stack([state[0] + moved.real, state[1] + moved.imag], axis=1)


def robot_gaps(paths: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Smallest gap ``[N, N]`` [m] over the instants of ``paths`` ``[N, T, 2]``; inf on the diagonal."""
    apart = np.linalg.norm(paths[:, None] - paths[None], axis=-1).min(axis=-1) - radii[:, None] - radii[None]
    np.fill_diagonal(apart, np.inf)
    return apart


def surface_distance(points: np.ndarray, obstacle: np.ndarray) -> np.ndarray:
    """Distance ``[...]`` [m] from points ``[..., 2]`` to a rounded box (7,), or (5,) if not turned; negative inside."""
    apart = points - obstacle[:2]
    if len(obstacle) > 5:
        c, s = obstacle[5:7]
        apart = apart @ np.array([[c, -s], [s, c]])
    beyond = np.abs(apart) - obstacle[2:4]
    outside = np.linalg.norm(np.maximum(beyond, 0.0), axis=-1)
    return outside + np.minimum(beyond.max(axis=-1), 0.0) - obstacle[4]


def least_gap(paths: np.ndarray, radii: np.ndarray, obstacles: np.ndarray, bounds: np.ndarray) -> float:
    """Smallest gap [m] of a team between robots, to obstacles ``[n, 7]``, and of centres to the bounds (4,)."""
    gaps = [robot_gaps(paths, radii).min()]
    gaps += [(surface_distance(paths, obstacle).min(axis=1) - radii).min() for obstacle in obstacles]
    gaps += [(paths - bounds[:2]).min(), (bounds[2:] - paths).min()]
    return float(min(gaps))


def lagging_path(
    kind: int, state: np.ndarray, drive: np.ndarray, control: np.ndarray, times: np.ndarray, lag: float, slip: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``path`` of a robot whose actuators lag and whose way is longer by a share ``slip``.

    Args:
        kind: 0, 1 or 2.
        state: At the start (5,).
        drive: What the actuators give at the start (2,).
        control: The constant command (2,).
        times: Instants (T,) [s], the last one the end.
        lag: Time constant [s], 0: none.
        slip: Of the way.

    Returns:
        Positions ``[T, 2]``, and state (5,) and drive (2,) at the last instant.
    """
    at = np.concatenate([0.5 * times[:, None] * (_NODES + 1.0), times[:, None]], axis=1)  # the instant itself last
    fade = np.exp(-at / lag) if lag > 0.0 else np.zeros_like(at)
    drives = control + (drive - control) * fade[..., None]
    summed = control * at[..., None] + (drive - control) * (lag * (1.0 - fade))[..., None]
    headings = np.full(at.shape, state[2])
    if kind == 2:
        headings = state[2] + summed[..., 1]
        velocity = drives[..., :1] * np.stack([np.cos(headings), np.sin(headings)], axis=-1)
    else:
        velocity = drives if kind == 0 else state[3:] + summed
    moved = 0.5 * times[:, None] * np.einsum("tkd,k->td", velocity[:, :-1], _WEIGHTS)
    positions = state[:2] + (1.0 + slip) * moved
    end = np.array([*positions[-1], (headings[-1, -1] + np.pi) % (2.0 * np.pi) - np.pi, *velocity[-1, -1]])
    return positions, end, drives[-1, -1]
