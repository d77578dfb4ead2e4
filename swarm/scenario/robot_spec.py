"""One robot of a scenario: its kind, start, goals, disc and limits; and the types that scenario files name.

Limits and shapes of dynobench's types: https://github.com/quimortiz/dynobench (``models/``). What is driven is the
outline of a body that has one, else its disc.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from swarm.array_types import Array
from swarm.errors import InputError
from swarm.files.checks import ArrayRecord, array, not_tiny, number
from swarm.model.body import body_of
from swarm.model.dynamics import Kind, Limits, coast_periods, stop_offset
from swarm.model.error_bounds import EXACT, ErrorBounds
from swarm.model.footprint.keys import same_radius
from swarm.model.footprint.polygon import box, outline, reach
from swarm.scenario.urdf.body import UrdfBody

# A speed or a lateral slip [m/s] so small is rounding.
_ROUNDING = 1e-6


class RobotType(NamedTuple):
    """What a type's name alone says.

    Attributes:
        kind: Its dynamics.
        radius: Of the enclosing disc [m].
        limits: Its actuators.
        box: Length and width of a body that is no disc [m].
        reduced: Whether the numbers of its states are x, y, heading, speed, turn rate.
    """

    kind: Kind
    radius: float
    limits: Limits
    box: tuple[float, float] | None = None
    reduced: bool = False


def _box(length: float, width: float, limits: Limits, *, reduced: bool = False) -> RobotType:
    return RobotType(Kind.UNICYCLE, math.hypot(length / 2, width / 2), limits, (length, width), reduced)


_SINGLE = RobotType(Kind.SINGLE_INTEGRATOR, 0.1, Limits(0.5))
_DOUBLE = RobotType(Kind.DOUBLE_INTEGRATOR, 0.1, Limits(0.5, acceleration=2.0))
_BOX = _box(0.5, 0.25, Limits(0.5, turn_rate=0.5))
_SECOND_ORDER = _box(0.5, 0.25, Limits(0.5, 0.25, 0.5, 0.25), reduced=True)
_UNICYCLE_LIMITS = Limits(0.5, turn_rate=2.0)
CAR = "car"
"""The type of a unicycle that steers (``swarm.model.steering``)."""
ROBOT_TYPES: dict[str, RobotType] = {
    "single_integrator": _SINGLE,
    "double_integrator": _DOUBLE,
    "unicycle": RobotType(Kind.UNICYCLE, 0.1, _UNICYCLE_LIMITS),
    CAR: RobotType(Kind.UNICYCLE, 0.25, _UNICYCLE_LIMITS),  # wheelbase and steering it has to say itself
    # db-CBS.
    "single_integrator_0": _SINGLE,
    "double_integrator_0": _DOUBLE,
    "unicycle_first_order_0": _BOX,
    "unicycle_first_order_0_sphere": RobotType(Kind.UNICYCLE, 0.4, _UNICYCLE_LIMITS),
    "unicycle_second_order_0": _SECOND_ORDER,
    # dynobench.
    "integrator1_2d_v0": _SINGLE,
    "integrator2_2d_v0": _DOUBLE,
    "unicycle1_v0": _BOX,
    "unicycle1_sphere_v0": RobotType(Kind.UNICYCLE, 0.4, Limits(0.5, turn_rate=0.5)),
    "unicycle2_v0": _SECOND_ORDER,
}
_CANNOT_STOP = ("unicycle1_v1", "unicycle1_v2")
"""Unicycles of dynobench that drive at 0.25 m/s or more: whoever cannot stand cannot be kept from collisions."""
_TRAILERS = ("car1_v0",)
"""Types of dynobench that pull a trailer; those of db-CBS say so in their names."""

_FULL = "x, y, heading, vx, vy"
_REDUCED = ("x, y, heading", "x, y, heading, speed, turn rate")
START_LAYOUTS: dict[Kind, tuple[str, ...]] = {
    Kind.SINGLE_INTEGRATOR: ("x, y", "x, y, heading", _FULL),
    Kind.DOUBLE_INTEGRATOR: ("x, y", "x, y, vx, vy", _FULL),
    Kind.UNICYCLE: ("x, y, heading", _FULL),
}
GOAL_LAYOUTS: dict[Kind, tuple[str, ...]] = {**START_LAYOUTS, Kind.UNICYCLE: ("x, y", "x, y, heading", _FULL)}


def robot_type(where: str, name: str) -> RobotType:
    """The type of a name.

    Raises:
        InputError: If it is not one that this stack drives; lists those.
    """
    if name not in ROBOT_TYPES:
        why = "; this one cannot stand still" if name in _CANNOT_STOP else ""
        if name in _TRAILERS or "trailer" in name:
            why = "; this one pulls a trailer, which swings on while the steering is held: no outline turns with both"
        valid = f"a type that this stack drives (others are not driven{why}): {', '.join(ROBOT_TYPES)}"
        raise InputError(where, name, valid)
    return ROBOT_TYPES[name]


def start_layouts(robot: RobotType) -> tuple[str, ...]:
    """The lists of numbers that a start may be."""
    return _REDUCED if robot.reduced else START_LAYOUTS[robot.kind]


def goal_layouts(robot: RobotType) -> tuple[str, ...]:
    """The lists of numbers that a goal may be."""
    return ("x, y", *_REDUCED) if robot.reduced else GOAL_LAYOUTS[robot.kind]


def outline_of(robot: RobotType) -> Array | None:
    """The outline that a type has by its name, ``float64[4, 2]`` [m]; None: it is driven as a disc."""
    return None if robot.box is None else box(*robot.box)


def state_from(numbers: Array, reduced: bool = False) -> Array:
    """``float64[5]`` (x, y, heading, vx, vy) from a list of 2 to 5 numbers in one of the layouts."""
    state = np.zeros(5)
    if reduced and len(numbers) == 5:
        x, y, heading, speed, turn_rate = numbers.tolist()
        if turn_rate != 0.0:
            raise InputError("turn rate", turn_rate, "0: robots do not start while they turn")
        return np.array([x, y, heading, speed * math.cos(heading), speed * math.sin(heading)])
    if len(numbers) == 4:
        state[[0, 1, 3, 4]] = numbers
    else:
        state[: len(numbers)] = numbers
    return state


def numbers_from(state: Array, kind: Kind, reduced: bool = False) -> list[float]:
    """The shortest list of the kind's layouts that ``state_from`` turns into this state."""
    x, y, heading, vx, vy = state.tolist()
    if reduced and (vx != 0.0 or vy != 0.0):
        return [x, y, heading, vx * math.cos(heading) + vy * math.sin(heading), 0.0]
    if kind == Kind.DOUBLE_INTEGRATOR and heading == 0.0:
        return [x, y, vx, vy]
    if vx != 0.0 or vy != 0.0 or kind == Kind.DOUBLE_INTEGRATOR:
        return [x, y, heading, vx, vy]
    return [x, y, heading] if kind == Kind.UNICYCLE or heading != 0.0 else [x, y]


@dataclass(frozen=True, eq=False)
class RobotSpec(ArrayRecord):
    """One robot as a scenario describes it.

    Attributes:
        kind: Its dynamics.
        start: ``float64[5]`` x, y [m], heading [rad], vx, vy [m/s], world frame.
        goals: ``float64[g, 2]`` [m], world frame, in order; one or more.
        radius: Radius of the disc that encloses it [m].
        limits: Its actuators. A double integrator needs an acceleration, a unicycle a turn rate. The other two reach
            a commanded speed at once without an acceleration; with one, the robot's margin has to cover what it
            takes longer to stop (checked where the margin is known: ``swarm.model.body.body_of``). A unicycle with a
            turn acceleration too is of second order: both are planned with. With a wheelbase it is a car.
        goal_heading: Heading at the last goal [rad], if the file gives one; no part of reaching the goal.
        type_name: Its type in a scenario file; the kind's own name if not given.
        cooperative: False for one that takes no account of the others: it goes straight on, tells nothing, and only
            stops before it would touch somebody.
        ignores: True for a stranger, who does not even stop: it drives to its goals, around obstacles, as if nobody
            else were there. It is not cooperative either, whatever is said of that.
        urdf: Its body, if it has one of its own: the physics world drives that, all others the outline or the disc.
        footprint: Its outline, ``float64[V, 2]`` [m], convex, counter-clockwise, in the frame of the body, 3 ≤ V ≤ 8;
            its radius is then that of the disc around it. None: it is a disc. Given otherwise (the other way round,
            not convex, of more corners), it is made such a one.
        shape_note: What is to be said of how the footprint was made of what was given.
    """

    kind: Kind
    start: Array
    goals: Array
    radius: float
    limits: Limits
    goal_heading: float | None = None
    type_name: str = ""
    cooperative: bool = True
    ignores: bool = False
    urdf: UrdfBody | None = None
    footprint: Array | None = None
    shape_note: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.kind, Kind):
            raise InputError("RobotSpec.kind", self.kind, f"swarm.Kind.{', swarm.Kind.'.join(Kind.__members__)}")
        if not isinstance(self.limits, Limits):
            raise InputError("RobotSpec.limits", self.limits, "a swarm.Limits")
        object.__setattr__(self, "type_name", _checked_type(self.kind, self.limits, self.type_name))
        object.__setattr__(self, "cooperative", self.cooperative and not self.ignores)
        object.__setattr__(self, "start", array("RobotSpec.start", self.start, (5,)))
        object.__setattr__(self, "goals", array("RobotSpec.goals", self.goals, (None, 2)))
        object.__setattr__(self, "radius", number("RobotSpec.radius", self.radius, above=0.0))
        not_tiny("RobotSpec.radius", self.radius)
        if self.footprint is not None:
            self._set_footprint(*outline("RobotSpec.footprint", self.footprint))
        if len(self.goals) == 0:
            raise InputError("RobotSpec.goals", [], "at least one goal [x, y]")
        if self.goal_heading is not None:
            number("RobotSpec.goal_heading", self.goal_heading)
        if self.urdf is not None:
            self.urdf.check("RobotSpec", self.kind, self.limits)
        self._check_velocity()

    @property
    def spins(self) -> bool:
        """Whether it can turn on the spot from one moment to the next: a unicycle of first order, no car."""
        return self.kind == Kind.UNICYCLE and not (self.limits.is_car or self.limits.is_second_order(self.kind))

    @property
    def build(self) -> Hashable:
        """What ``body`` asks of the robot: equal for robots whose bodies are."""
        corners = None if self.footprint is None else self.footprint.tobytes()
        return self.kind, self.radius, self.limits, self.cooperative, self.ignores, corners

    def body(self, *, dt: float, sensing_radius: float, margin: float = 0.0, errors: ErrorBounds = EXACT) -> Array:
        """What the kernels read of it, ``float64[BODY]``; arguments and errors as of ``swarm.model.body.body_of``."""
        return body_of(
            self.kind, self.radius, self.limits, dt=dt, sensing_radius=sensing_radius, margin=margin,
            cooperative=self.cooperative, errors=errors, ignores=self.ignores, footprint=self.footprint,
        )  # fmt: skip

    def _set_footprint(self, footprint: Array, note: str) -> None:
        """Take this outline, whose reach the radius has to be."""
        if not same_radius(self.radius, footprint):
            valid = f"{reach(footprint):.9g} m, of the disc around the footprint, or none, or no footprint"
            raise InputError("RobotSpec.radius", self.radius, valid)
        object.__setattr__(self, "footprint", footprint)
        object.__setattr__(self, "radius", reach(footprint))
        object.__setattr__(self, "shape_note", note or self.shape_note)

    def _check_velocity(self) -> None:
        heading, vx, vy = self.start[2:].tolist()
        speed = math.hypot(vx, vy) if self.kind == Kind.UNICYCLE else max(abs(vx), abs(vy))
        if speed > self.limits.speed + _ROUNDING:
            valid = f"a start velocity within the robot's limit of {self.limits.speed:g} m/s"
            raise InputError("RobotSpec.start", [vx, vy], valid)
        slip = vy * math.cos(heading) - vx * math.sin(heading)
        if self.kind == Kind.UNICYCLE and abs(slip) > _ROUNDING:
            raise InputError("RobotSpec.start", [vx, vy], "a start velocity along the unicycle's heading")
        backwards = -(vx * math.cos(heading) + vy * math.sin(heading))
        if backwards > self.limits.reverse_speed + _ROUNDING:
            valid = f"a start velocity within the car's reverse_speed of {self.limits.reverse_speed:g} m/s"
            raise InputError("RobotSpec.start", [vx, vy], valid)


@lru_cache(maxsize=256)  # the robots of a team, and of all the scenarios of a family, are alike
def _checked_type(kind: Kind, limits: Limits, type_name: str) -> str:
    """The type of a robot, the kind's own if it has none.

    Raises:
        InputError: If type, kind and limits do not fit.
    """
    name = type_name or (CAR if limits.is_car else kind.label)
    if robot_type("RobotSpec.type_name", name).kind != kind:
        of_kind = [key for key, value in ROBOT_TYPES.items() if value.kind == kind]
        raise InputError("RobotSpec.type_name", name, f"one of the kind's types: {', '.join(of_kind)}")
    if limits.is_car != (name == CAR):
        valid = f"{CAR}, with a wheelbase and a steering, or another type without them"
        raise InputError("RobotSpec.type_name", name, valid)
    _check_limits(kind, limits, name)
    return name


def _check_limits(kind: Kind, limits: Limits, type_name: str) -> None:
    """Refuse limits that are needed and not given, infinite or tiny."""
    needed: tuple[str, ...] = ("acceleration",) if kind == Kind.DOUBLE_INTEGRATOR else ()
    needed = ("turn_rate",) if kind == Kind.UNICYCLE else needed
    if ROBOT_TYPES[type_name].reduced:
        needed = ("acceleration", "turn_rate", "turn_acceleration")
    for name in ("speed", "acceleration", "turn_rate", "turn_acceleration"):
        value = getattr(limits, name)
        if math.isfinite(value) or name in needed:
            number(f"RobotSpec.limits.{name}", value, above=0.0)
            if name != "turn_rate" or not limits.is_car:  # whose arcs may be as wide as they like
                not_tiny(f"RobotSpec.limits.{name}", value)


def footprints_of(robots: Sequence[RobotSpec]) -> Array:
    """The outlines of robots ``float64[N, V, 2]`` (``swarm.model.shapes``); V is 0 if all are discs."""
    most = max([0, *(len(robot.footprint) for robot in robots if robot.footprint is not None)])
    found = np.full((len(robots), most, 2), np.nan)
    for row, robot in zip(found, robots, strict=True):
        if robot.footprint is not None:
            row[: len(robot.footprint)] = robot.footprint
    return found


def way_to_rest(robot: RobotSpec, dt: float) -> tuple[float, float]:
    """Where a robot that starts in motion, and straight on, comes to rest, relative to its start [m]."""
    x, y = robot.start[3:].tolist()
    if x == y == 0.0:
        return 0.0, 0.0
    if robot.limits.is_second_order(robot.kind):
        time = 0.5 * dt * coast_periods(math.hypot(x, y), 0.0, robot.limits.acceleration, 1.0, dt)
        return x * time, y * time
    return stop_offset(robot.kind, x, y, robot.limits.acceleration, dt)
