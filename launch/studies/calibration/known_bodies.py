"""Drives of bodies whose every value is known: what a calibration has to find again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studies.calibration.drive import Drive
from swarm.array_types import Array
from swarm.model.actuators import move
from swarm.model.dynamics import Kind


@dataclass(frozen=True)
class Body:
    """What is not exact of a body, and when it is told and measured.

    Attributes:
        kind: Dynamics.
        dead_time: s.
        lag: s.
        slip: Share of the way.
        position: Standard deviation [m].
        heading: Standard deviation [rad].
        velocity: Standard deviation [m/s].
        period: Between commands [s].
        rate: States a second [1/s].
        age: Mean age of a state when it is used [s]; each is drawn within half of it to both sides.
        seconds: Length of the drive.
        speed: Largest commanded speed [m/s].
        acceleration: Largest commanded acceleration of a double integrator [m/s²].
        turn_rate: Largest commanded turn rate of a unicycle [rad/s].
    """

    kind: Kind
    dead_time: float = 0.08
    lag: float = 0.15
    slip: float = 0.05
    position: float = 0.01
    heading: float = 0.02
    velocity: float = 0.02
    period: float = 0.05
    rate: float = 50.0
    age: float = 0.03
    seconds: float = 60.0
    speed: float = 0.6
    acceleration: float = 1.2
    turn_rate: float = 1.5


def drive_of(body: Body, seed: int) -> tuple[Drive, dict[str, float]]:
    """A drive that excites everything, and the truth by the names of what is estimated."""
    rng = np.random.default_rng([seed, int(body.kind), round(1e3 * body.lag)])
    told: Array = np.arange(round(body.seconds / body.period), dtype=np.float64) * body.period
    commands = _commands(body, rng, told)
    count = round(body.seconds * body.rate)
    measured = (np.arange(count) + rng.uniform(-0.2, 0.2, count)) / body.rate
    measured = measured[(measured > 0.0) & (measured < told[-1])]
    states, drives = _driven(body, told, commands, measured)
    deviations = np.array([body.position, body.position, body.heading, body.velocity, body.velocity])
    noisy = states + deviations * rng.standard_normal(states.shape)
    ages = body.age * rng.uniform(0.5, 1.5, len(told))
    drive = Drive(
        f"simulated {body.kind.label}", body.kind, told, commands, measured, noisy, ages, told, True, 0.2
    )  # fmt: skip
    return drive, _truth(body, states, drives)


def _commands(body: Body, rng: np.random.Generator, told: Array) -> Array:
    """Steps of 0.3 to 1.5 s; now and then at the limit, now and then at rest."""
    most = {
        Kind.SINGLE_INTEGRATOR: (body.speed, body.speed),
        Kind.DOUBLE_INTEGRATOR: (body.acceleration, body.acceleration),
        Kind.UNICYCLE: (body.speed, body.turn_rate),
    }[body.kind]
    commands, until, held, velocity = np.zeros((len(told), 2)), 1.0, np.zeros(2), np.zeros(2)
    for k, time in enumerate(told.tolist()):
        if time >= until:
            until = time + rng.uniform(0.3, 1.5)
            held = np.array(most) * np.clip(rng.uniform(-1.5, 1.5, 2), -1.0, 1.0)
        if body.kind == Kind.DOUBLE_INTEGRATOR:
            too_fast = (np.abs(velocity + held * body.period) > body.speed) & (held * velocity > 0.0)
            held = np.where(too_fast, 0.0, held)
            velocity = velocity + held * body.period
        commands[k] = held
    return commands


def _driven(body: Body, told: Array, commands: Array, measured: Array) -> tuple[Array, Array]:
    """True states and drives when they were measured."""
    state, drive, time = np.array([1.0, 2.0, 0.4, 0.0, 0.0]), np.zeros(2), 0.0
    states, drives = np.empty((len(measured), 5)), np.empty((len(measured), 2))
    # One list of moments: commands that begin to act, and measurements.
    moments = sorted(
        [(t + body.dead_time, 0, k) for k, t in enumerate(told)] + [(t, 1, k) for k, t in enumerate(measured)]
    )
    control = np.zeros(2)
    for moment, measures, k in moments:
        if moment > time:
            move(int(body.kind), state, drive, control, moment - time, body.lag, body.slip, state, drive)
            time = moment
        if measures:
            states[k], drives[k] = state, drive
        else:
            control = commands[k]
    return states, drives


def _truth(body: Body, states: Array, drives: Array) -> dict[str, float]:
    most = np.abs(drives).max(axis=0)
    truth = {
        name: float(getattr(body, name)) for name in ("dead_time", "lag", "slip", "position", "heading", "velocity")
    }
    truth |= {"rate": body.rate, "age": body.age}
    if body.kind == Kind.DOUBLE_INTEGRATOR:
        return truth | {"speed": float(np.abs(states[:, 3:]).max()), "acceleration": float(most.max())}
    if body.kind == Kind.UNICYCLE:
        return truth | {"speed": float(most[0]), "turn_rate": float(most[1])}
    return truth | {"speed": float(most.max())}
