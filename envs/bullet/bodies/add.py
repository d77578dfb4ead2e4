"""Robots of a fleet in the engine: each the shipped one of its size or one's own, if this world has motors for it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from envs.bullet.bodies.body import MOTOR_ACCELERATION, scale_of
from envs.bullet.bodies.disc import HolonomicDisc
from envs.bullet.bodies.own import OwnBase, OwnWheels
from envs.bullet.bodies.shaped import HULL_BOTTOM, HULL_TOP
from envs.bullet.bodies.wheels import HALF_TRACK, DifferentialDrive
from swarm.array_types import Array
from swarm.errors import InputError
from swarm.model.dynamics import Kind, Limits
from swarm.scenario.urdf.body import UrdfBody

# The padding must stay a small part of a robot.
SMALLEST_RADIUS = 0.02
# Beyond this the hull of a small robot would fit under the hull of a large one.
LARGEST_RADIUS_RATIO = 8.0
_LOWEST = 0.6
"""From this share of its height on a robot of one's own has a hull that rays meet."""

Robot = DifferentialDrive | HolonomicDisc


def add_body(
    client: int, kind: Kind, start: Array, radius: float, limits: Limits, factors: Array, urdf: UrdfBody | None,
    footprint: Array | None = None,
) -> Robot:  # fmt: skip
    """Puts a robot of the given dynamics into the engine: one of its own, or else the shipped one of that size.

    The factors, ``float64[2]``, scale its mass and motor strength.
    """
    accelerated = kind == Kind.DOUBLE_INTEGRATOR
    if urdf is None and kind == Kind.UNICYCLE:
        return DifferentialDrive(client, start, radius, limits, factors, footprint)
    if urdf is None:
        return HolonomicDisc(client, start, radius, limits, factors, accelerated, footprint)
    urdf.check("RobotSpec", kind, limits)
    if kind == Kind.UNICYCLE:
        return OwnWheels(client, urdf, start, limits, factors)
    return OwnBase(client, urdf, start, limits, factors, accelerated)


def half_tracks(radii: Array, urdfs: Sequence[UrdfBody | None]) -> Array:
    """Half the distance between left and right wheels of each robot, ``float64[N]`` [m]."""
    shipped = [HALF_TRACK * scale_of(radius) for radius in radii.tolist()]
    return np.array([own if body is None else 0.5 * body.track for own, body in zip(shipped, urdfs, strict=True)])


def ray_height(radii: Array, urdfs: Sequence[UrdfBody | None]) -> float:
    """A height at which a ray meets the hull of every robot [m], if there is one."""
    scales = np.array([scale_of(r) for r, body in zip(radii, urdfs, strict=True) if body is None] or [1.0])
    heights = [body.heights[1] - body.heights[0] for body in urdfs if body is not None]
    if not heights:
        return math.sqrt(HULL_BOTTOM * scales.max() * HULL_TOP * scales.min())
    bottoms, tops = [_LOWEST * height for height in heights], list(heights)
    if len(heights) < len(urdfs):
        bottoms.append(HULL_BOTTOM * scales.max())
        tops.append(HULL_TOP * scales.min())
    return math.sqrt(max(bottoms) * min(tops))


def check_motors(kinds: Sequence[Kind], limits: Sequence[Limits], half_tracks: Array) -> None:
    """Refuses motors stronger than this world has: their robots would stop later than whoever drives them thinks."""
    for robot, (kind, limit, half_track) in enumerate(zip(kinds, limits, half_tracks.tolist(), strict=True)):
        # A double integrator's motors follow whatever acceleration it is commanded.
        if kind != Kind.DOUBLE_INTEGRATOR and MOTOR_ACCELERATION < limit.acceleration < math.inf:
            valid = f"at most {MOTOR_ACCELERATION:g} m/s², which this world's motors have, or none"
            raise InputError(f"robots[{robot}]: limits.acceleration", limit.acceleration, valid)
        if limit.is_second_order(kind):
            left = (MOTOR_ACCELERATION - limit.acceleration) / half_track
            if limit.is_car:
                _check_steering(f"robots[{robot}]", limit, left)
            elif limit.turn_acceleration > left:
                valid = f"at most {left:g} rad/s², which this world's motors have beside {limit.acceleration:g} m/s²"
                raise InputError(f"robots[{robot}]: limits.turn_acceleration", limit.turn_acceleration, valid)


def _check_steering(where: str, limit: Limits, most: float) -> None:
    """Refuses a car that steers faster than this world's motors can turn it, at ``most`` [rad/s²].

    Of one that steers at once a margin has to cover that, as of a robot that stops at once.
    """
    left = (most - limit.curvature * limit.acceleration) * limit.wheelbase * math.cos(limit.steering) ** 2 / limit.speed
    if limit.steering_rate > max(left, 0.0) and math.isfinite(limit.steering_rate):
        valid = f"at most {max(left, 0.0):.3g} rad/s, by which this world's motors turn it, or none"
        raise InputError(f"{where}: steering_rate", limit.steering_rate, valid)


def check_sizes(radii: Array, obstacles: Array) -> None:
    """Refuses radii (``float64[N]``) and obstacles (``float64[n, 7]``) that have no body."""
    if len(radii) and (radii.min() < SMALLEST_RADIUS or radii.max() > LARGEST_RADIUS_RATIO * radii.min()):
        valid = f"at least {SMALLEST_RADIUS} m, the largest at most {LARGEST_RADIUS_RATIO:g} times the smallest"
        raise InputError("radii", radii, valid)
    half, rounding = obstacles[:, 2:4], obstacles[:, 4]
    box = (half > 0.0).all(axis=1) & (rounding == 0.0)
    cylinder = (half == 0.0).all(axis=1) & (rounding > 0.0)
    for wrong in np.flatnonzero(~(box | cylinder)):
        valid = "a box (half sizes above 0, rounding 0) or a cylinder (half sizes 0, rounding above 0)"
        raise InputError(f"obstacles[{wrong}]", obstacles[wrong], valid)
