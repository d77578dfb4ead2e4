"""Robots of one's own in a physical world: a URDF file as it is, moved by its wheels' motors or pushed at its base.

Every link touches ground, walls and other robots. What is no wheel glides on the ground, whatever it is a caster of,
unless the file gives it a friction; tyres hold as those of the shipped robots, unless the file says otherwise.
Continuous joints that are no wheels turn freely, all others are held at 0. The engine restores the contacts of a link
that collides as one shape; those of several are found anew, so that a copy goes on the same but for rounding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from envs.bullet.bodies.body import GROUND, HULL, RAY, WALL, WHEEL, Body
from envs.bullet.bodies.disc import HolonomicDisc
from envs.bullet.bodies.wheels import DifferentialDrive
from envs.bullet.engine import GRAVITY, bullet, silent
from swarm.array_types import Array
from swarm.errors import InputError
from swarm.model.dynamics import Limits
from swarm.scenario.urdf.body import UrdfBody
from swarm.scenario.urdf.model import read_urdf

TYRE_FRICTION = 1.6
# A link without a mass is a frame; the engine needs one for it [kg, kg m²].
_FRAME_MASS, _FRAME_INERTIA = 1e-3, 1e-6
_HOLDING_FORCE = 1e3  # [N or Nm]; of joints that are held and have no effort in the file
# How much of a wrong heading, and of a wrong turn rate, is taken away in a physics step.
_HEADING_GAIN, _TURN_GAIN = 0.1, 0.5


class OwnBody(Body):
    """A robot as its URDF file says, at its own size.

    Args:
        client: The engine's connection.
        urdf: The file, and where in it the robot's centre is.
        start: ``float64[5]``: x, y, heading, vx, vy; the robot starts at rest.
        mass_factor: Mass relative to the file's.
    """

    anchored = False
    tyres: Sequence[int] = ()  # Wheels of any shape, which may need more than one point to stand on.
    # The engine's own polygons would make wheels bumpy.
    flags: int = bullet.URDF_USE_INERTIA_FROM_FILE | bullet.URDF_USE_IMPLICIT_CYLINDER

    def _load(self, client: int, urdf: UrdfBody, start: Array, mass_factor: float) -> None:
        self.urdf, self._model = urdf, read_urdf(Path(urdf.path))
        if not any(link.has_mass for link in self._model.links.values()):
            raise InputError(f"{urdf.path}: links", "no mass", "an <inertial> with a mass: without, it is no body")
        heading = float(start[2])
        x, y = start[:2] - _turned(urdf.centre, heading)
        # The child link of a joint has the joint's number; the root has -1.
        self._joint_of: dict[str, int] = {}
        self._link_names = {-1: self._model.root}
        placed = np.array([x, y, heading, 0.0, 0.0])
        try:
            with silent():  # The engine tells of every link without a mass.
                Body.__init__(self, client, Path(urdf.path), placed, heading, 1.0, mass_factor, -urdf.heights[0])
        except bullet.error as error:
            raise InputError(
                urdf.path, str(error), "a file that pybullet loads; pybullet.loadURDF prints why"
            ) from None
        self.start, self.blind = start.copy(), urdf.reach
        inertial = bullet.getDynamicsInfo(self.uid, -1, physicsClientId=client)[3:5]
        self._to_centre = bullet.multiplyTransforms(
            *bullet.invertTransform(*inertial), (*urdf.centre, 0.0), (0.0, 0.0, 0.0, 1.0)
        )
        self._release_and_hold()

    def _prepare(self, link: int, mass_factor: float) -> float:
        """As of the shipped robots, and frames become light, what is no wheel glides, tyres hold."""
        if link >= 0:
            joint, child = (bullet.getJointInfo(self.uid, link, physicsClientId=self.client)[k] for k in (1, 12))
            self._joint_of[joint.decode()], self._link_names[link] = link, child.decode()
        name = self._link_names[link]
        part = self._model.links[name]
        if not part.has_mass:
            bullet.changeDynamics(
                self.uid, link, mass=_FRAME_MASS, localInertiaDiagonal=[_FRAME_INERTIA] * 3,
                physicsClientId=self.client,
            )  # fmt: skip
        if not part.has_friction:
            wheels = {self._model.joints[joint].child for joint in (*self.urdf.left, *self.urdf.right)}
            friction = TYRE_FRICTION if name in wheels else 0.0
            bullet.changeDynamics(self.uid, link, lateralFriction=friction, physicsClientId=self.client)
        return super()._prepare(link, mass_factor)

    def _touches(self, link: int) -> tuple[int, int]:
        return HULL | WHEEL, GROUND | HULL | WALL | RAY

    def _release_and_hold(self) -> None:
        """The engine brakes every joint a little by itself; wheels get their motors later."""
        for name, joint in self._model.joints.items():
            number = self._joint_of[name]
            if joint.type == "continuous":
                bullet.setJointMotorControl2(
                    self.uid, number, bullet.VELOCITY_CONTROL, force=0.0, physicsClientId=self.client
                )
            elif joint.type != "fixed":
                effort = bullet.getJointInfo(self.uid, number, physicsClientId=self.client)[10]
                bullet.setJointMotorControl2(
                    self.uid, number, bullet.POSITION_CONTROL, targetPosition=0.0, force=effort or _HOLDING_FORCE,
                    physicsClientId=self.client,
                )  # fmt: skip

    def _motion(self) -> tuple[Array, float, Array, float]:
        """Of the robot's centre: place ``float64[2]`` [m], heading [rad], velocity [m/s], and turn rate [rad/s]."""
        middle, turned = bullet.getBasePositionAndOrientation(self.uid, physicsClientId=self.client)
        velocity, spin = bullet.getBaseVelocity(self.uid, physicsClientId=self.client)
        centre, (qx, qy, qz, qw) = bullet.multiplyTransforms(middle, turned, *self._to_centre)
        heading = math.atan2(2.0 * (qw * qz + qx * qy), 1.0 - 2.0 * (qy * qy + qz * qz))
        moved = np.array(velocity) + np.cross(spin, np.subtract(centre, middle))
        return np.array(centre[:2]), heading, moved[:2], spin[2]


class OwnWheels(OwnBody, DifferentialDrive):
    """A differential drive with wheels of its own. A command is forward speed [m/s] and turn rate [rad/s].

    A wheel turns no faster than its joint may: if one would have to, all turn slower by the same share, so that the arc
    stays the one that was commanded.
    """

    def __init__(self, client: int, urdf: UrdfBody, start: Array, limits: Limits, factors: Array) -> None:
        self._load(client, urdf, start, float(factors[0]))
        names = [*urdf.left, *urdf.right]
        self.motors = [self._joint_of[name] for name in names]
        self._set_drive(limits, factors, urdf.wheel_radius, 0.5 * urdf.track)
        # Both sides together push what two wheels of a shipped robot would, and several a side push tyres aside, too.
        self.torque = 2.0 / len(names) * self.torque + (self._scrub() if len(names) > 2 else 0.0)
        self._check_efforts(names, limits)
        axes = [
            self._model.place(self._model.joints[name].child)[:3, :3] @ self._model.joints[name].axis for name in names
        ]
        self._forward = np.sign([axis[1] for axis in axes])
        self._sides = np.array([-1.0] * len(urdf.left) + [1.0] * len(urdf.right))

    def _scrub(self) -> float:
        """What a motor needs to make its tyre slide [Nm]; without, wheels in a row hold each other's heading."""
        holds = max(bullet.getDynamicsInfo(self.uid, motor, physicsClientId=self.client)[1] for motor in self.motors)
        return float(holds) * self.mass * GRAVITY * self.wheel_radius / len(self.motors)

    def _check_efforts(self, names: Sequence[str], limits: Limits) -> None:
        """Motors are no stronger than the file says, and strong enough for the accelerations that are declared."""
        for name, number in zip(names, self.motors, strict=True):
            effort = bullet.getJointInfo(self.uid, number, physicsClientId=self.client)[10]
            turned = limits.turn_acceleration * self.half_track if self.ramped else 0.0
            declared = limits.acceleration + turned
            needed = self.mass * declared * self.wheel_radius / len(names)
            if 0.0 < effort < needed < math.inf:
                valid = f"at least {needed:.3g} Nm for the declared acceleration, or a lower one"
                raise InputError(f"{self.urdf.path}: joint {name}: limit effort", effort, valid)
            self.torque = min(self.torque, effort) if effort > 0.0 else self.torque
        pushed = len(names) * self.torque / (self.mass * self.wheel_radius)
        self.acceleration = min(self.acceleration, pushed)

    def _turn_wheels(self, forward: float, turn_rate: float) -> None:
        speeds = (forward + self._sides * turn_rate * self.half_track) / self.wheel_radius
        fastest = float(np.abs(speeds).max())
        if fastest > self.urdf.wheel_speed:
            speeds *= self.urdf.wheel_speed / fastest
        self.drive((speeds * self._forward).tolist(), self.torque)


class OwnBase(OwnBody, HolonomicDisc):
    """A base that is pushed in the plane and keeps its heading. A command is a velocity or an acceleration."""

    remembered = (*HolonomicDisc.remembered, "target")

    def __init__(
        self, client: int, urdf: UrdfBody, start: Array, limits: Limits, factors: Array, accelerated: bool
    ) -> None:
        self._load(client, urdf, start, float(factors[0]))
        self._set_motors(limits, factors, accelerated)
        self.ramped = True  # It is pushed anew in every physics step.
        self.target = np.zeros(2)
        self._inertia, self._middle = self._balance()

    def _balance(self) -> tuple[float, Array]:
        """Moment of inertia about the upright [kg m²], and where the middle of all masses is in the base's frame."""
        base = bullet.getBasePositionAndOrientation(self.uid, physicsClientId=self.client)
        masses, places, inertias = [], [], []
        for link in range(-1, bullet.getNumJoints(self.uid, physicsClientId=self.client)):
            mass, _, inertia = bullet.getDynamicsInfo(self.uid, link, physicsClientId=self.client)[:3]
            state = base if link < 0 else bullet.getLinkState(self.uid, link, physicsClientId=self.client)
            masses.append(mass)
            places.append(state[0])
            inertias.append(max(inertia))
        middle = np.average(places, axis=0, weights=masses)
        apart = np.sum((np.array(places) - middle)[:, :2] ** 2, axis=1)
        local, _ = bullet.multiplyTransforms(*bullet.invertTransform(*base), middle.tolist(), (0.0, 0.0, 0.0, 1.0))
        return float(np.sum(inertias) + np.dot(masses, apart)), np.array(local)

    def drive(self, speeds: Sequence[float], force: float) -> None:
        """Sets the velocity to push towards [m/s]."""
        self.target = np.array(speeds)

    def substep(self, elapsed: float, step: float) -> None:
        """Pushes the base for the physics step of ``step`` seconds that ends ``elapsed`` seconds into the period."""
        super().substep(elapsed, step)
        _, heading, velocity, turn_rate = self._motion()
        push = np.clip(self.mass * (self.target - velocity) / step, -self.force, self.force)
        astray = math.remainder(heading - self.start[2], math.tau)
        wanted = -_HEADING_GAIN * astray / step
        most = self.force * self.urdf.reach
        turn = min(max(_TURN_GAIN * self._inertia * (wanted - turn_rate) / step, -most), most)
        base = bullet.getBasePositionAndOrientation(self.uid, physicsClientId=self.client)
        at, _ = bullet.multiplyTransforms(*base, self._middle.tolist(), (0.0, 0.0, 0.0, 1.0))
        bullet.applyExternalForce(self.uid, -1, (*push, 0.0), at, bullet.WORLD_FRAME, physicsClientId=self.client)
        bullet.applyExternalTorque(self.uid, -1, (0.0, 0.0, turn), bullet.WORLD_FRAME, physicsClientId=self.client)

    def _joints(self) -> tuple[Array, Array]:
        """Position relative to the start, and velocity."""
        place, _, velocity, _ = self._motion()
        return place - self.start[:2], velocity


def _turned(point: Sequence[float], heading: float) -> Array:
    """A point of the plane, turned about the origin."""
    x, y = point
    cos, sin = math.cos(heading), math.sin(heading)
    return np.array([cos * x - sin * y, sin * x + cos * y])
