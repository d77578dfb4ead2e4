"""Two driven wheels: what they are told, and what they reach of it with motors of limited strength."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from envs.bullet.bodies.body import MOTOR_ACCELERATION, Body, scale_of
from envs.bullet.bodies.shaped import shaped
from envs.bullet.engine import ASSETS, bullet
from swarm.array_types import Array
from swarm.model.dynamics import Kind, Limits

# Metres in the shipped file.
_WHEEL_RADIUS, HALF_TRACK = 0.07, 0.18


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
        self.wanted, self.brakes = np.zeros(2), False
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
            if not self.brakes:
                self._turn_wheels(forward, turn)

    @property
    def moves_along(self) -> bool:
        """Whether what the motors are told changes within the present period."""
        return self.ramped or self.brakes

    def substep(self, elapsed: float, step: float) -> None:
        """Moves the speeds along to ``elapsed`` seconds into the period, the end of a physics step of ``step`` s."""
        if self.ramped:
            now = self.told + elapsed / self.period * self.change
            self._turn_wheels(float(now[0]), float(now[1]))
        elif self.brakes:
            self.told = self._braked(self.acceleration * step)
            self.brakes = self.told.tolist() != self.wanted.tolist()
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
        _, heading, (vx, vy), turn_rate = self._motion()
        return float(vx * math.cos(heading) + vy * math.sin(heading)), turn_rate

    def _turn_wheels(self, forward: float, turn_rate: float) -> None:
        turning = turn_rate * self.half_track
        left, right = (forward - turning) / self.wheel_radius, (forward + turning) / self.wheel_radius
        self.drive((left, right), self.torque)

    def read(self, out: Array) -> None:
        """Writes x, y, heading, vx, vy of the middle of the axle."""
        out[:2], out[2], out[3:], _ = self._motion()

    def _motion(self) -> tuple[Sequence[float] | Array, float, Sequence[float] | Array, float]:
        """Of the middle of the axle: place [m], heading [rad], velocity [m/s], and turn rate [rad/s]."""
        (x, y, _), (qx, qy, qz, qw) = bullet.getBasePositionAndOrientation(self.uid, physicsClientId=self.client)
        (vx, vy, _), (_, _, spin) = bullet.getBaseVelocity(self.uid, physicsClientId=self.client)
        return (x, y), math.atan2(2.0 * (qw * qz + qx * qy), 1.0 - 2.0 * (qy * qy + qz * qz)), (vx, vy), spin
