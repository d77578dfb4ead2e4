"""The interface to a robot's body: its own state in, a command out, and what was actually sent.

A driver of one's own is a class with three methods, constructed from the fleet file and the robot's identity. It is
named in fleet.yaml as ``driver: my_file.py:CLASS`` (relative to fleet.yaml) or ``driver: package.module:CLASS``.
``swarm.runtime.drivers.line`` is a complete one, for a base that speaks lines of text. In short::

    class MyBase:
        def __init__(self, fleet: FleetFile, robot_id: int) -> None:
            self._spec = fleet.scenario.robots[robot_id]
            self._base, self._clock, self._last = open_my_base(robot_id), LearntClock(), None

        def read(self) -> Reading | None:  # never waits
            while (line := self._base.poll()) is not None:
                arrived = time.monotonic()
                measured = self._clock.measured(line.stamp, arrived)  # swarm.runtime.drivers.clocks
                if not isinstance(measured, str):
                    state = np.array(line.pose_and_velocity)
                    self._last = Reading(state, line.stamp, arrived, measured=measured)
            return self._last

        def write(self, control: Array) -> Sent:  # never waits
            control = clip(control, self._spec)
            self._base.send(control)
            return Sent(control, time.monotonic())

        def close(self) -> None:
            self._base.close()

The rules: no method blocks or raises because the body is silent, since the reading's age says so; ``arrived`` is when
the state arrived, not when it was read, and ``measured`` is earlier if the body's stamp says so; and the body itself
brakes if no command comes for ``COMMAND_TTL``: a control process that has been killed cannot do it. A driver may have
these attributes: ``problem``, one line of at most 96 characters for an operator, empty if there is nothing to say;
``doubt``, in a few words why its states must not be driven by, empty if they may; ``lifetime``, the seconds after
which the body brakes, if these are not ``COMMAND_TTL``; and ``obeys``, False if the body does not execute commands, as
a recording does not: then nobody expects it to move as it is told.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from swarm.array_types import Array
from swarm.errors import InputError
from swarm.files.checks import array, number
from swarm.files.own_code import Running, name_of
from swarm.files.references import load_reference
from swarm.model.dynamics import Kind
from swarm.runtime.fleet_file.read import FleetFile
from swarm.scenario.robot_spec import RobotSpec

COMMAND_TTL = 0.2
"""Seconds after which a body brakes if no newer command came."""

_SHIPPED = {
    "swarm.runtime.line_driver:LineDriver": "swarm.runtime.drivers.line:LineDriver",  # Its name in older fleet files.
    "bullet": "swarm.runtime.drivers.bullet:BulletDriver",
    "replay": "swarm.runtime.drivers.replay:ReplayDriver",
    "ros2": "swarm.runtime.drivers.ros2:Ros2Driver",
}


@dataclass(frozen=True, eq=False)
class Reading:
    """A robot's own state.

    Attributes:
        state: ``float64[5]``: x, y [m], heading [rad], vx, vy [m/s], world frame.
        stamp: When it was measured [s], by the clock of whoever measured it.
        arrived: When it arrived [s], by this process's ``time.monotonic``.
        goal: Where the body's side wants it to go [m]; None: the goals are the scenario's.
        goal_number: Grows with every goal that the body's side counted as reached.
        applied: ``float64[2]``, the control that the body executes, if it tells.
        held: Why the body does not execute the newest command: empty, ``command too old`` or ``emergency stop``.
        sensed: ``float64[k, SENSED]``, every robot within the sensing radius as the body itself senses it
            (``swarm.runtime.sensing``); None: it cannot sense robots, and all that is known of them is what they tell.
        measured: When it was measured [s], by this process's ``time.monotonic``: its age counts from then. By default,
            and at the latest, when it arrived.
        deviation: Standard deviations of the place [m], in the direction in which it is worst, and of the heading
            [rad], as the body itself says; None: it does not.
    """

    state: Array
    stamp: float
    arrived: float
    goal: tuple[float, float] | None = None
    goal_number: int = 0
    applied: Array | None = None
    held: str = ""
    sensed: Array | None = None
    measured: float = math.inf
    deviation: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "measured", min(self.arrived, self.measured))


@dataclass(frozen=True, eq=False)
class Sent:
    """What went to the body.

    Attributes:
        control: ``float64[2]``, after clipping to the limits.
        time: By this process's ``time.monotonic`` [s].
        clipped: Whether that is not what was asked for.
    """

    control: Array
    time: float
    clipped: bool = False


class Driver(Protocol):
    """What the control process needs of a body; see the module for the rules and an example."""

    def read(self) -> Reading | None:
        """The newest state; the same again if none came since; None if none ever came."""
        ...

    def write(self, control: Array) -> Sent:
        """Send a command ``float64[2]`` (``swarm.model.dynamics``); ``InputError`` if it is not two finite numbers."""
        ...

    def close(self) -> None:
        """Give everything back; the body brakes by itself."""
        ...


def clip(control: ArrayLike, spec: RobotSpec) -> Array:
    """A control within a robot's limits, ``float64[2]``, a new array.

    Raises:
        InputError: If it is not two finite numbers.
    """
    try:
        asked = np.array(control, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError("control", control, "two finite numbers") from None
    if asked.shape != (2,) or not np.isfinite(asked).all():
        raise InputError("control", control, "two finite numbers")
    largest = {
        Kind.SINGLE_INTEGRATOR: (spec.limits.speed, spec.limits.speed),
        Kind.DOUBLE_INTEGRATOR: (spec.limits.acceleration, spec.limits.acceleration),
        Kind.UNICYCLE: (spec.limits.speed, spec.limits.turn_rate),
    }[spec.kind]
    return np.array([math.copysign(min(abs(a), most), a) for a, most in zip(asked.tolist(), largest, strict=True)])


def make_driver(fleet: FleetFile, robot_id: int) -> Driver:
    """The driver that a fleet file names, for one robot.

    Raises:
        InputError: If the robot is not in the fleet, or the driver cannot be loaded.
    """
    count = len(fleet.scenario.robots)
    if not 0 <= robot_id < count:
        raise InputError("robot", robot_id, f"0 to {count - 1}, as {fleet.path} has {count} robots")
    where = f"{fleet.path}: driver"
    if fleet.driver not in _SHIPPED:  # What it is given is a copy, as of all parts of a user's own.
        fleet = replace(fleet, scenario=fleet.scenario.copy())
    found = load_reference(where, _SHIPPED.get(fleet.driver, fleet.driver))
    missing = [method for method in ("read", "write", "close") if not callable(getattr(found, method, None))]
    if missing:
        raise InputError(where, fleet.driver, f"a class with read, write and close (it has no {', '.join(missing)})")
    with Running(f"{where}: {fleet.driver}", found, "a driver that can be made"):
        driver: Driver = found(fleet, robot_id)
    return driver


def read_from(driver: Driver) -> Reading | None:
    """What a driver reads.

    Raises:
        InputError: If one of a user's own raises, or gives something else.
    """
    with _running(driver, "a Reading, or None"):
        found = driver.read()
        if not isinstance(found, Reading | None):
            raise InputError("read", found, "a Reading, or None")
        if found is not None:  # a copy, since a driver may go on in place
            found = replace(found, state=array("read: state", found.state, (5,), most=sys.float_info.max))
    return found


def write_to(driver: Driver, control: Array) -> Sent:
    """What a driver sends of a command ``float64[2]``.

    Raises:
        InputError: If one of a user's own raises, or gives something else.
    """
    with _running(driver, "a Sent"):
        sent = driver.write(control.copy())  # which a driver may clip in place
        if not isinstance(sent, Sent):
            raise InputError("write", sent, "a Sent")
    return sent


def _running(driver: Driver, valid: str) -> Running:
    """Code of a driver's; ``valid``: what it is to give."""
    return Running(f"driver: {name_of(driver)}", driver, valid)


class Calls:
    """The calls of a driver's methods in each period, none of which may wait: their robot neither decides nor brakes.

    Args:
        driver: Whose.
        period: Of its robot [s].
        clock: Monotonic [s].

    Attributes:
        waited: Which method took longer than a period since the last ``read`` began, in words; empty: none.
    """

    def __init__(self, driver: Driver, period: float, clock: Callable[[], float]) -> None:
        self._driver, self._period, self._clock, self.waited = driver, period, clock, ""

    def read(self) -> Reading | None:
        """See ``read_from``."""
        self.waited = ""
        with self._timed("read"):
            return read_from(self._driver)

    def write(self, control: Array) -> Sent:
        """See ``write_to``."""
        with self._timed("write"):
            return write_to(self._driver, control)

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        begun = self._clock()
        yield
        if not self.waited and self._clock() - begun > self._period:
            self.waited = f"{name} of the driver takes longer than a period, {self._period:.3g} s; it must not wait"


def word_of(driver: Driver, name: str) -> str:
    """What a driver says by its attribute ``problem`` or ``doubt``; nothing if it has none.

    Raises:
        InputError: If one of a user's own raises.
    """
    with _running(driver, f"a {name}, a line of text"):
        return str(getattr(driver, name, ""))


def lifetime_of(driver: Driver) -> float:
    """The seconds after which a driver's body brakes.

    Raises:
        InputError: If one of a user's own raises, or gives no number above 0.
    """
    with _running(driver, "a lifetime in seconds"):
        return number("lifetime", getattr(driver, "lifetime", COMMAND_TTL), above=0.0)


@contextmanager
def closing(driver: Driver) -> Iterator[None]:
    """Let a driver give everything back in the end, whatever happens before; of two errors the first one is told.

    Raises:
        InputError: If one of a user's own raises.
    """
    try:
        yield
    except BaseException:
        with suppress(Exception):
            driver.close()
        raise
    with _running(driver, "a close that raises nothing"):
        driver.close()
