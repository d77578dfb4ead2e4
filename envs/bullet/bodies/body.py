"""What all robots in a physical world share: a URDF file in the engine, its masses, contacts and motors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from envs.bullet.bodies.shaped import HULL_MARGIN
from envs.bullet.engine import bullet
from swarm.array_types import Array

# Metres in the shipped files.
NOMINAL_RADIUS = 0.25

# Motors can accelerate a robot this much [m/s²]. The tyres hold about 11 m/s², as the casters carry a part of
# the weight; nearer to that the wheels slip at the start, and the robot sets off in another direction.
MOTOR_ACCELERATION = 9.0

# Collision groups; the engine's rays belong to group 1.
RAY, GROUND, WALL, HULL, WHEEL = 1, 2, 4, 8, 16


def scale_of(radius: float) -> float:
    """Size relative to the nominal robot's, such that the padded hull has this radius [m]."""
    return (radius - HULL_MARGIN) / NOMINAL_RADIUS


class Body:
    """A robot in the engine: loaded from a URDF file and scaled.

    Args:
        client: The engine's connection.
        path: The file.
        start: ``float64[5]``: x, y, heading, vx, vy; the robot starts at rest, whatever its velocity here.
        heading: The heading the body is placed with [rad].
        scale: Size relative to the file's.
        mass_factor: Mass relative to the design's.
        height: Where the file's origin is above the ground [m].
    """

    hull_link = -1
    anchored = False
    blind = 0.0  # From so far on [m] rays begin: a ray does not see the hull that it starts in, but what is beside it.
    motors: Sequence[int] = (0, 1)
    tyres: Sequence[int] = ()  # Links that roll on the ground as spheres.
    flags: int = bullet.URDF_USE_INERTIA_FROM_FILE
    remembered: tuple[str, ...] = ()
    ramped = False  # What the motors are told changes within a period.

    def __init__(
        self, client: int, path: Path | str, start: Array, heading: float, scale: float, mass_factor: float,
        height: float = 0.0,
    ) -> None:  # fmt: skip
        self.client, self.start, self.scale = client, start.copy(), scale
        self.uid: int = bullet.loadURDF(
            str(path),
            (start[0], start[1], height),
            (0.0, 0.0, math.sin(heading / 2), math.cos(heading / 2)),
            useFixedBase=self.anchored,
            globalScaling=self.scale,
            flags=self.flags,
            physicsClientId=client,
        )
        self.mass, self.hull_links = 0.0, list[int]()
        for link in range(-1, bullet.getNumJoints(self.uid, physicsClientId=client)):
            self.mass += self._prepare(link, mass_factor)

    def _prepare(self, link: int, mass_factor: float) -> float:
        """Scales a link's mass, removes the engine's damping; it touches nothing, a tyre the ground."""
        mass, _, inertia = bullet.getDynamicsInfo(self.uid, link, physicsClientId=self.client)[:3]
        mass *= mass_factor * self.scale**3
        bullet.changeDynamics(
            self.uid,
            link,
            mass=mass,
            localInertiaDiagonal=[value * mass_factor * self.scale**5 for value in inertia],
            linearDamping=0.0,
            angularDamping=0.0,
            jointDamping=0.0,
            physicsClientId=self.client,
        )
        if self._touches(link)[0] & HULL:
            self.hull_links.append(link)
        self._let_touch(link, *(self._touches(link) if link in self.tyres else (0, 0)))
        return float(mass)

    def _let_touch(self, link: int, group: int, touches: int) -> None:
        bullet.setCollisionFilterGroupMask(self.uid, link, group, touches, physicsClientId=self.client)

    def meet_all(self) -> None:
        """Let the links touch what they may, when the tyres stand on the ground (``envs.bullet.contacts``)."""
        for link in range(-1, bullet.getNumJoints(self.uid, physicsClientId=self.client)):
            if link not in self.tyres:
                self._let_touch(link, *self._touches(link))

    def _touches(self, link: int) -> tuple[int, int]:
        """The collision group of a link, and the groups that it touches."""
        return (HULL, HULL | WALL | RAY) if link == self.hull_link else (WHEEL, GROUND)

    @property
    def moves_along(self) -> bool:
        """Whether what the motors are told changes within the present period."""
        return self.ramped

    def memory(self) -> dict[str, Any]:
        """What the robot keeps from one control period to the next, outside of the engine."""
        return {name: getattr(self, name) for name in self.remembered}

    def drive(self, speeds: Sequence[float], force: float) -> None:
        """Sets the motors' target speeds, with the same largest force (or torque) for all."""
        bullet.setJointMotorControlArray(
            self.uid,
            self.motors,
            bullet.VELOCITY_CONTROL,
            targetVelocities=speeds,
            forces=[force] * len(self.motors),
            physicsClientId=self.client,
        )
