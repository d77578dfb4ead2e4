"""Whether the sensing radius of a scenario is enough for those who ignore everybody, as the guarantee asks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from swarm.errors import InputError
from swarm.model.body import fastest_over_ground
from swarm.model.error_bounds import ErrorBounds
from swarm.model.sensing_range import range_for_stranger
from swarm.model.strangers import Strangers
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.world import World

# A sensing radius [m] by which nobody drives more slowly.
_FAR = 1e6
# Enough is a number in four digits, rounded up.
_DIGITS = 4


def rounded_up(metres: float) -> float:
    """The number in four digits, or a little more."""
    size = 10.0 ** (_DIGITS - 1 - math.floor(math.log10(metres)))
    return math.ceil(metres * size * (1.0 - 1e-12)) / size


def spans(world: World, sensing_radius: float) -> bool:
    """Whether a robot senses all of a world, wherever it is."""
    low, high = world.bounds[:2], world.bounds[2:]
    return bool(sensing_radius >= math.hypot(*(high - low)))


class Run(Protocol):
    """What is asked of a scenario."""

    @property
    def world(self) -> World:
        """The static map."""
        ...

    @property
    def robots(self) -> tuple[RobotSpec, ...]:
        """All of them."""
        ...

    @property
    def dt(self) -> float:
        """Control period [s]."""
        ...

    @property
    def sensing_radius(self) -> float:
        """In metres."""
        ...


def range_of(
    spec: RobotSpec, radius: float, speed: float, errors: ErrorBounds, strangers: Strangers, *, dt: float,
    sensing_radius: float = _FAR, margin: float = 0.0,
) -> float:  # fmt: skip
    """How far [m] a robot has to sense a stranger of a radius [m] that is not seen yet and so fast [m/s].

    By default as fast as its limits say; with a short sensing radius it drives more slowly.
    """
    body = spec.body(dt=dt, sensing_radius=sensing_radius, margin=margin, errors=errors)
    return range_for_stranger(int(spec.kind), body, errors, strangers, radius, speed)


def range_for_strangers(
    run: Run, robots: Sequence[RobotSpec], met: Sequence[RobotSpec], errors: ErrorBounds, strangers: Strangers,
    margin: float = 0.0, sensing_radius: float = _FAR,
) -> float:  # fmt: skip
    """How far [m] some robots have to sense strangers like those of ``met``; 0 if there are none.

    They may be as fast as is declared, or else as their limits say.
    """
    ours = {one.build: one for one in robots if not one.ignores}
    top = strangers.speed
    theirs = {(one.radius, fastest_over_ground(int(one.kind), one.limits.speed) if top is None else top) for one in met}
    needs = [
        range_of(one, *other, errors, strangers, dt=run.dt, sensing_radius=sensing_radius, margin=margin)
        for one in ours.values()
        for other in theirs
    ]
    return max(needs, default=0.0)


def check_strangers_sensed(
    where: str, run: Run, met: Sequence[RobotSpec], errors: ErrorBounds, strangers: Strangers, margin: float = 0.0
) -> None:
    """Refuse a sensing radius with which a robot may be met while it moves by strangers that are as declared.

    What is not declared is not refused: without a speed nobody knows how fast strangers are.

    Args:
        where: For the error.
        run: World, robots, period and sensing radius.
        met: Robots as large as the strangers are.
        errors: What is declared of the robots.
        strangers: What is declared of strangers.
        margin: Of the robots [m].

    Raises:
        InputError: Says how far would do.
    """
    if not strangers.speed or spans(run.world, run.sensing_radius):
        return
    asked = run, run.robots, met, errors, strangers, margin
    if range_for_strangers(*asked, run.sensing_radius) > run.sensing_radius:
        need = range_for_strangers(*asked)
        valid = (
            f"at least {rounded_up(need):g} m: so near a stranger of up to {strangers.speed:g} m/s may be before a "
            "robot that does not see it stands"
        )
        raise InputError(where, run.sensing_radius, valid)


def note_strangers_sensed(run: Run, errors: ErrorBounds, strangers: Strangers) -> str:
    """What is to be said of a sensing radius where nobody has declared how fast strangers are; else nothing."""
    met = [one for one in run.robots if one.ignores]
    if strangers.speed is not None or spans(run.world, run.sensing_radius):
        return ""
    asked = run, run.robots, met, errors, strangers
    if range_for_strangers(*asked, sensing_radius=run.sensing_radius) <= run.sensing_radius:
        return ""
    need = range_for_strangers(*asked)
    return (
        f"the sensing radius of {run.sensing_radius:g} m is too small for those who ignore everybody: as fast as they "
        f"are here, they ask for {rounded_up(need):g} m (strangers.speed is not declared)"
    )
