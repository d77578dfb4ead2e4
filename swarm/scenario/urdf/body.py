"""The body of a robot of one's own: from a URDF file and the names of its wheel joints to a disc and limits.

x is forward in the frame of the root link, and y to the left. A disc is around the middle of the axle, or around the
root link's origin where nothing is an axle.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from swarm.array_types import Array
from swarm.errors import InputError
from swarm.files.checks import number
from swarm.model.dynamics import Kind, Limits
from swarm.scenario.urdf.model import Joint, Model, read_urdf

# Directions that differ by less count as the same, and wheels that differ by less (a share of the radius) as equal.
_PARALLEL, _EQUAL = 1e-3, 1e-2
# Limits may exceed what the wheels can by this share: rounding.
_ROUNDING = 1e-9
# Whatever is larger was drawn in millimetres [m].
_LARGEST = 30.0


@dataclass(frozen=True)
class UrdfBody:
    """What a URDF file says of a robot.

    Attributes:
        path: The file, as an absolute path.
        left: Joints of the wheels to the left; none of a planar base.
        right: Joints of those to the right.
        wheel_radius: Of every wheel [m]; 0 of a planar base.
        track: Between left and right wheels [m]; 0 of a planar base.
        wheel_speed: How fast every wheel turns at most [rad/s]; infinite where the file does not say.
        centre: x, y of the middle of the axle in the frame of the root link [m]: the robot's centre.
        reach: Radius of the smallest disc around the centre that holds what collides [m].
        heights: Lowest and highest z of what collides, in the frame of the root link [m].
    """

    path: str
    left: tuple[str, ...]
    right: tuple[str, ...]
    wheel_radius: float
    track: float
    wheel_speed: float
    centre: tuple[float, float]
    reach: float
    heights: tuple[float, float]

    @property
    def is_planar(self) -> bool:
        """Whether it is moved by its base, and not by wheels."""
        return not self.left

    def limits(self) -> Limits:
        """Those that the wheels have: of the speed, straight on, and of the turn rate, on the spot."""
        speed = self.wheel_speed * self.wheel_radius
        return Limits(speed, turn_rate=2.0 * speed / self.track)

    def note(self, radius: float) -> str:
        """What is to be said where the disc does not hold what collides; nothing where it does."""
        if radius >= self.reach * (1.0 - _ROUNDING):
            return ""
        name = Path(self.path).name
        return f"{name} reaches {self.reach:.3g} m from its centre, and is taken for a disc of radius {radius:.3g} m"

    def check(self, where: str, kind: Kind, limits: Limits) -> None:
        """Refuse dynamics and limits that the body does not have.

        Raises:
            InputError: With the figures.
        """
        if self.is_planar == (kind == Kind.UNICYCLE):
            valid = "single_integrator or double_integrator" if self.is_planar else "unicycle"
            base = "base: planar" if self.is_planar else "wheels"
            raise InputError(f"{where}.type", kind.label, f"{valid}, which {Path(self.path).name} is by `{base}`")
        if self.is_planar or math.isinf(self.wheel_speed):
            return
        speed = self.wheel_speed * self.wheel_radius
        turned = limits.turn_rate * self.track / 2.0
        figures = f"(joints of {self.wheel_speed:g} rad/s, wheels of {self.wheel_radius:g} m, track {self.track:g} m)"
        for name, value, most, unit in (
            ("speed", limits.speed, speed, "m/s"), ("turn_rate", limits.turn_rate, 2.0 * speed / self.track, "rad/s"),
        ):  # fmt: skip
            if value > most * (1.0 + _ROUNDING):
                raise InputError(f"{where}.limits.{name}", value, f"at most {most:.9g} {unit} {figures}")
        # Planned with both accelerations, speed and turn rate have to be there at once; else the arc is driven slower.
        if limits.is_second_order(kind) and limits.speed + turned > speed * (1.0 + _ROUNDING):
            valid = f"speed + turn_rate * track / 2 of at most {speed:.9g} m/s with a turn_acceleration {figures}"
            raise InputError(f"{where}.limits.speed", limits.speed, valid)


def planar_body(path: str | Path) -> UrdfBody:
    """The body of a base that moves any way in the plane, and keeps its heading.

    Raises:
        InputError: If the file cannot be used; names it and the link or joint.
    """
    model = read_urdf(Path(path))
    reach, heights = _disc(model, np.zeros(2))
    return UrdfBody(os.path.abspath(path), (), (), 0.0, 0.0, math.inf, (0.0, 0.0), reach, heights)


def wheeled_body(
    path: str | Path, left: Sequence[str], right: Sequence[str], radius: float | None = None, track: float | None = None
) -> UrdfBody:
    """The body of a differential drive.

    Args:
        path: The URDF file.
        left: Names of the joints of the wheels to the left.
        right: Names of those to the right.
        radius: Of the wheels [m]; None: the file's.
        track: Between left and right [m]; None: the file's.

    Raises:
        InputError: If the file or a joint cannot be used; names it, and what would be valid.
    """
    model = read_urdf(Path(path))
    names = [*left, *right]
    for side, joints in (("left", left), ("right", right)):
        if not joints:
            raise InputError(f"{path}: wheels.{side}", [], f"one or more of {_spinning(model)}")
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(f"{path}: wheels", twice[0], "each joint once")
    places = {name: _wheel_place(model, name) for name in names}
    middle = [np.mean([places[name][:2] for name in side], axis=0) for side in (left, right)]
    apart = float(middle[0][1] - middle[1][1])
    if apart <= 0.0:
        found = f"left wheels at y = {middle[0][1]:g} m, right ones at {middle[1][1]:g} m"
        raise InputError(f"{path}: wheels", found, "left wheels at the larger y of the root link, since x is forward")
    # Over the two sides, not over the wheels: there may be more of them on one side.
    centre = np.mean(middle, axis=0)
    reach, heights = _disc(model, centre)
    radii = {name: _wheel_radius(model, model.joints[name]) for name in names}
    return UrdfBody(
        os.path.abspath(path), tuple(left), tuple(right),
        _common_radius(path, radii) if radius is None else number(f"{path}: wheels.radius", radius, above=0.0),
        apart if track is None else number(f"{path}: wheels.track", track, above=0.0),
        min(model.joints[name].velocity or math.inf for name in names),
        (float(centre[0]), float(centre[1])), reach, heights,
    )  # fmt: skip


def _spinning(model: Model) -> str:
    """The joints that can be wheels', for errors."""
    found = [joint.name for joint in model.joints.values() if joint.type == "continuous"]
    return f"the continuous joints ({', '.join(found) if found else 'the file has none'})"


def _wheel_place(model: Model, name: str) -> Array:
    """Where a wheel's joint is in the frame of the root link, ``float64[3]``."""
    where = f"{model.path}: joint {name}"
    if name not in model.joints:
        raise InputError(where, "no such joint", f"one of {_spinning(model)}")
    joint = model.joints[name]
    if joint.type != "continuous":
        raise InputError(f"{where}: type", joint.type, f"one of {_spinning(model)}")
    for above in model.chain(joint.parent):
        if above.type != "fixed":
            raise InputError(f"{where}: joint {above.name} above it", above.type, "fixed joints up to the root link")
    place = model.place(joint.child)
    axis = place[:3, :3] @ joint.axis
    if abs(axis[1]) < 1.0 - _PARALLEL:
        raise InputError(f"{where}: axis", axis.round(3).tolist(), "along y of the root link, since x is forward")
    return place[:3, 3]


def _wheel_radius(model: Model, joint: Joint) -> float:
    """Distance of what a wheel's link collides as from its axis [m]."""
    shapes = model.links[joint.child].shapes
    if not shapes:
        where = f"{model.path}: link {joint.child} (wheel of joint {joint.name}): collision"
        raise InputError(where, None, "collision geometry: the radius of a wheel is that of what touches the ground")
    return max(float(_spun(shape.points, np.zeros(3), joint.axis)[1].max()) + shape.rounding for shape in shapes)


def _common_radius(path: str | Path, radii: dict[str, float]) -> float:
    """The radius of all wheels; some are not quite round."""
    least, most = min(radii.values()), max(radii.values())
    if most > (1.0 + _EQUAL) * least:
        found = ", ".join(f"{name} {radius:g} m" for name, radius in radii.items())
        raise InputError(f"{path}: radii of the wheels", found, "wheels of one radius, or wheels.radius")
    return most


def _spun(points: Array, origin: Array, axis: Array) -> tuple[Array, Array]:
    """The centres ``float64[k, 3]`` and radii ``float64[k]`` of the circles that points describe around an axis."""
    centres = origin + np.outer((points - origin) @ axis, axis)
    return centres, np.linalg.norm(points - centres, axis=1)


def _disc(model: Model, centre: Array) -> tuple[float, tuple[float, float]]:
    """Radius of the smallest disc around a centre that holds what collides, however wheels turn; and its heights."""
    reach, low, high = 0.0, math.inf, -math.inf
    for name, link in model.links.items():
        place = model.place(name)
        for shape in link.shapes:
            points = shape.points @ place[:3, :3].T + place[:3, 3]
            low = min(low, float(points[:, 2].min()) - shape.rounding)
            high = max(high, float(points[:, 2].max()) + shape.rounding)
            points, around = _swept(model, name, points)
            reach = max(reach, float((np.hypot(*(points[:, :2] - centre).T) + around).max()) + shape.rounding)
    if not reach > 0.0:
        raise InputError(
            f"{model.path}: links", "nothing that collides", "collision geometry, of which the disc is made"
        )
    if reach > _LARGEST:
        valid = f'at most {_LARGEST:g} m: lengths are in metres (a mesh in millimetres has scale="0.001 0.001 0.001")'
        raise InputError(f"{model.path}: what collides", f"a reach of {reach:.6g} m", valid)
    return reach, (low, high)


def _swept(model: Model, link: str, points: Array) -> tuple[Array, Array]:
    """Points and balls around them that hold all places of a link's points, as the joints above it turn.

    A wheel's circle is upright: seen from above it is a line, and its two ends are enough, also where the wheel is on a
    swivel. Every other circle is held by a ball, which is exact for a swivel.
    """
    around = np.zeros(len(points))
    free = [joint for joint in model.chain(link) if joint.type == "continuous"]
    axes = [model.place(joint.child)[:3, :3] @ joint.axis for joint in free]
    for k, joint in enumerate(free):
        centres, radii = _spun(points, model.place(joint.child)[:3, 3], axes[k])
        swivels = all(abs(axis[2]) > 1.0 - _PARALLEL for axis in axes[k + 1 :])
        if abs(axes[k][2]) < _PARALLEL and swivels and not around.any():
            ahead = np.outer(radii, np.cross(axes[k], [0.0, 0.0, 1.0]))
            points, around = np.concatenate([centres + ahead, centres - ahead]), np.zeros(2 * len(points))
        else:
            points, around = centres, around + radii
    return points, around
