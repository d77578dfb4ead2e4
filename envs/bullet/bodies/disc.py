"""A hull that is pushed in the plane, and keeps its heading."""

from __future__ import annotations

import numpy as np

from envs.bullet.bodies.body import MOTOR_ACCELERATION, Body, scale_of
from envs.bullet.bodies.shaped import shaped
from envs.bullet.engine import ASSETS, bullet
from swarm.array_types import Array
from swarm.model.dynamics import Limits

# A double integrator's motor needs strength to spare, or it could not follow the commanded acceleration.
_SPARE_FORCE = 3.0


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

    def substep(self, elapsed: float, step: float) -> None:
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
