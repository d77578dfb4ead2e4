"""What stands in a physical world: the ground, walls, and robots that motors of limited strength move.

* A unicycle is ``assets/differential_drive.urdf``: two driven wheels under a hull, with two casters. So is a car: its
  wheels are led along its arcs.
* A single or double integrator is ``assets/holonomic_disc.urdf``: a hull on two crossed prismatic motors.
* Robots of one's own are in ``envs.bullet.own_bodies``.

The files have a nominal radius; a robot of another radius is the same robot scaled in all three dimensions
(masses with the cube of the scale). A robot with a footprint is the one of the disc around it, with
another hull (``envs.bullet.shaped``). Wheels and casters touch only the ground, hulls only hulls and walls.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from envs.bullet.engine import bullet
from envs.bullet.shaped import HULL_MARGIN, shaped
from swarm.array_types import Array
from swarm.errors import InputError
from swarm.model.dynamics import Kind, Limits

ASSETS = Path(__file__).parent / "assets"

# What the URDF files hold: metres at the nominal radius.
NOMINAL_RADIUS = 0.25
_WHEEL_RADIUS, HALF_TRACK = 0.07, 0.18
# The padding must stay a small part of a robot.
SMALLEST_RADIUS = 0.02
# Beyond this the hull of a small robot would fit under the hull of a large one.
LARGEST_RADIUS_RATIO = 8.0
WALL_HEIGHT = 0.5

# Motors can accelerate a robot this much [m/s²]. The tyres hold about 11 m/s², as the casters carry a part of
# the weight; nearer to that the wheels slip at the start, and the robot sets off in another direction.
MOTOR_ACCELERATION = 9.0
# A double integrator's motor needs strength to spare, or it could not follow the commanded acceleration.
_SPARE_FORCE = 3.0

WALL_LINK = -1  # A wall is all base.

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


class DifferentialDrive(Body):
    """Two driven wheels. A command is forward speed [m/s] and turn rate [rad/s]."""

    remembered = ("told", "change", "period", "wanted", "brakes")
    tyres: Sequence[int] = (0, 1)

    def __init__(
        self, client: int, start: Array, radius: float, limits: Limits, factors: Array, footprint: Array | None = None
    ) -> None:
        scale = scale_of(radius)
        with shaped(ASSETS / "differential_drive.urdf", footprint, 0.0, scale) as path:
            super().__init__(client, path, start, float(start[2]), scale, float(factors[0]))
        self._set_drive(limits, factors, _WHEEL_RADIUS * scale, HALF_TRACK * scale)

    def _set_drive(self, limits: Limits, factors: Array, wheel_radius: float, half_track: float) -> None:
        """What the wheels are told and how strongly they push; half the track and the wheels' radius in metres."""
        self.wheel_radius, self.half_track = wheel_radius, half_track
        self.limit = np.array([limits.speed, limits.turn_rate])
        self.ramped = limits.is_second_order(Kind.UNICYCLE)
        # Forward speed and turn rate that the wheels are told, and what they go to in a period.
        self.told, self.change, self.period = np.zeros(2), np.zeros(2), 1.0
        # What it is to do, if it can at once; and whether it brakes, and turns with what strength that leaves.
        self.wanted, self.brakes, self.elapsed = np.zeros(2), False, 0.0
        self.push = np.array([limits.acceleration, limits.turn_acceleration])
        # What is ramped needs strength to spare, or it could not follow.
        acceleration = MOTOR_ACCELERATION if self.ramped else min(limits.acceleration, MOTOR_ACCELERATION)
        self.acceleration = acceleration * float(factors[1])
        # Each wheel pushes half the mass.
        self.torque = 0.5 * self.mass * self.acceleration * self.wheel_radius

    def command(self, command: Array, period: float) -> None:
        """Starts a control period of so many seconds."""
        if self.ramped:
            most, self.period = self.push * period, period
            self.told = self.told + self.change
            self.change = np.clip(command - self.told, -most, most)
        else:
            (forward, turn), before = command.tolist(), self.wanted.tolist()
            if [forward, turn] != before:
                self.wanted = command.copy()
                self.brakes = self.brakes or abs(forward) < abs(before[0]) or forward * before[0] < 0.0
                self.told = np.array(self._moving()) if self.brakes else self.told
            self.elapsed = 0.0
            if not self.brakes:
                self._turn_wheels(forward, turn)

    @property
    def moves_along(self) -> bool:
        """Whether what the motors are told changes within the present period."""
        return self.ramped or self.brakes

    def substep(self, elapsed: float) -> None:
        """Moves the speeds along to those at the end of the period, ``elapsed`` seconds into it."""
        if self.ramped:
            now = self.told + elapsed / self.period * self.change
            self._turn_wheels(float(now[0]), float(now[1]))
        elif self.brakes:
            # Rounded, so that it is the same however many steps a period has.
            self.told = self._braked(self.acceleration * round(elapsed - self.elapsed, 9))
            self.elapsed, self.brakes = elapsed, self.told.tolist() != self.wanted.tolist()
            self._turn_wheels(float(self.wanted[0]), float(self.told[1]))

    def _braked(self, most: float) -> Array:
        """Forward speed and turn rate that wheels reach which become faster or slower by ``most`` [m/s].

        Who brakes does so first, and turns with what strength is left: as long as both wheels had to change sides at
        every command, a robot that was told to stand and turn to and fro would roll on.
        """
        (forward, turn), (now, turning) = self.wanted.tolist(), self.told.tolist()
        change, turned = forward - now, (turn - turning) * self.half_track
        change = min(max(change, -most), most)
        left = most - abs(change)
        reached = turn if abs(turned) <= left else turning + math.copysign(left, turned) / self.half_track
        return np.array([forward if abs(forward - now) <= most else now + change, reached])

    def _moving(self) -> tuple[float, float]:
        """How it moves: forward speed [m/s] and turn rate [rad/s]."""
        out = np.empty(5)
        self.read(out)
        spin = bullet.getBaseVelocity(self.uid, physicsClientId=self.client)[1][2]
        return float(out[3] * math.cos(out[2]) + out[4] * math.sin(out[2])), float(spin)

    def _turn_wheels(self, forward: float, turn_rate: float) -> None:
        turning = turn_rate * self.half_track
        left, right = (forward - turning) / self.wheel_radius, (forward + turning) / self.wheel_radius
        self.drive((left, right), self.torque)

    def read(self, out: Array) -> None:
        """Writes x, y, heading, vx, vy."""
        (out[0], out[1], _), (qx, qy, qz, qw) = bullet.getBasePositionAndOrientation(
            self.uid, physicsClientId=self.client
        )
        out[2] = math.atan2(2.0 * (qw * qz + qx * qy), 1.0 - 2.0 * (qy * qy + qz * qz))
        (out[3], out[4], _), _ = bullet.getBaseVelocity(self.uid, physicsClientId=self.client)


class HolonomicDisc(Body):
    """Two crossed prismatic motors. A command is a velocity [m/s] or an acceleration [m/s²], world frame."""

    hull_link = 1
    anchored = True
    remembered: tuple[str, ...] = ("velocity_before", "acceleration")

    def __init__(
        self, client: int, start: Array, radius: float, limits: Limits, factors: Array, accelerated: bool,
        footprint: Array | None = None,
    ) -> None:  # fmt: skip
        scale = scale_of(radius)
        # It is placed with heading 0, since its motors push along the world's axes: the hull is turned instead.
        with shaped(ASSETS / "holonomic_disc.urdf", footprint, float(start[2]), scale) as path:
            super().__init__(client, path, start, 0.0, scale, float(factors[0]))
        self._set_motors(limits, factors, accelerated)

    def _set_motors(self, limits: Limits, factors: Array, accelerated: bool) -> None:
        """What the motors are told, and how strong they are."""
        self.accelerated = self.ramped = accelerated
        self.speed = limits.speed
        self.limit = np.full(2, limits.acceleration if accelerated else limits.speed)
        acceleration = min(limits.acceleration, MOTOR_ACCELERATION)
        if accelerated:
            acceleration = max(MOTOR_ACCELERATION, _SPARE_FORCE * acceleration)
        self.force = self.mass * acceleration * float(factors[1])
        self.velocity_before, self.acceleration = np.zeros(2), np.zeros(2)

    def command(self, command: Array, period: float) -> None:
        """Starts a control period of so many seconds."""
        if self.accelerated:
            self.velocity_before, self.acceleration = self._joints()[1], command
        else:
            self.drive((float(command[0]), float(command[1])), self.force)

    def substep(self, elapsed: float) -> None:
        """Moves the target speed along the commanded acceleration, ``elapsed`` seconds into the period."""
        if self.accelerated:
            target = np.clip(self.velocity_before + elapsed * self.acceleration, -self.speed, self.speed)
            self.drive((float(target[0]), float(target[1])), self.force)

    def _joints(self) -> tuple[Array, Array]:
        """Position relative to the start, and velocity."""
        (x, vx, *_), (y, vy, *_) = bullet.getJointStates(self.uid, self.motors, physicsClientId=self.client)
        return np.array([x, y]), np.array([vx, vy])

    def read(self, out: Array) -> None:
        """Writes x, y, heading, vx, vy; a disc keeps the heading it started with."""
        position, velocity = self._joints()
        out[:2], out[2], out[3:] = self.start[:2] + position, self.start[2], velocity


Robot = DifferentialDrive | HolonomicDisc


def add_robot(
    client: int, kind: Kind, start: Array, radius: float, limits: Limits, factors: Array,
    footprint: Array | None = None,
) -> Robot:  # fmt: skip
    """Puts a robot of the given dynamics into the engine; the factors scale its mass and motor strength."""
    if kind == Kind.UNICYCLE:
        return DifferentialDrive(client, start, radius, limits, factors, footprint)
    return HolonomicDisc(client, start, radius, limits, factors, kind == Kind.DOUBLE_INTEGRATOR, footprint)


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


def add_ground(client: int) -> int:
    """Puts the ground into the engine; returns its body."""
    shape = bullet.createCollisionShape(bullet.GEOM_PLANE, physicsClientId=client)
    uid: int = bullet.createMultiBody(0.0, shape, physicsClientId=client)
    bullet.changeDynamics(uid, -1, lateralFriction=1.0, physicsClientId=client)
    bullet.setCollisionFilterGroupMask(uid, -1, GROUND, WHEEL, physicsClientId=client)
    return uid


def add_wall(client: int, obstacle: Array) -> int:
    """Puts an obstacle (``swarm.model.geometry``) into the engine; returns its body."""
    x, y, half_x, half_y, rounding, cosine, sine = map(float, obstacle)
    if rounding > 0.0:
        geometry: dict[str, Any] = {"radius": rounding, "height": WALL_HEIGHT}
        shape = bullet.createCollisionShape(bullet.GEOM_CYLINDER, **geometry, physicsClientId=client)
    else:
        geometry = {"halfExtents": (half_x, half_y, WALL_HEIGHT / 2)}
        shape = bullet.createCollisionShape(bullet.GEOM_BOX, **geometry, physicsClientId=client)
    uid: int = bullet.createMultiBody(
        0.0,
        shape,
        basePosition=(x, y, WALL_HEIGHT / 2),
        baseOrientation=quaternion(cosine, sine),
        useMaximalCoordinates=1,  # A plain rigid body: several times cheaper where there are many.
        physicsClientId=client,
    )
    bullet.setCollisionFilterGroupMask(uid, -1, WALL, HULL | RAY, physicsClientId=client)
    return uid


def quaternion(cosine: float, sine: float) -> tuple[float, float, float, float]:
    """Of a turn about the vertical axis by the angle of this cosine and sine."""
    half = 0.5 * math.atan2(sine, cosine)
    return 0.0, 0.0, math.sin(half), math.cos(half)


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
