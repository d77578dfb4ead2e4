"""JSON schemas of the messages in a log: Foxglove's well-known ones, as far as they are used, and two of our own."""

from __future__ import annotations

from typing import Any

from swarm.filter.tunables import TUNABLES

Json = dict[str, Any]

_PRIMITIVES = ("arrows", "cubes", "spheres", "cylinders", "lines", "triangles", "texts", "models")


def _number(text: str = "") -> Json:
    return {"type": "number", "description": text} if text else {"type": "number"}


def _integer(text: str = "") -> Json:
    return {"type": "integer", "description": text} if text else {"type": "integer"}


def _string(text: str = "") -> Json:
    return {"type": "string", "description": text} if text else {"type": "string"}


def _array(items: Json, text: str = "") -> Json:
    return {"type": "array", "items": items} | ({"description": text} if text else {})


def _object(title: str = "", text: str = "", /, **properties: Json) -> Json:
    found: Json = {"type": "object", "properties": properties}
    return found | ({"title": title} if title else {}) | ({"description": text} if text else {})


def _numbers(names: str, title: str = "", text: str = "") -> Json:
    return _object(title, text, **{name: _number() for name in names.split()})


_TIME = _object("time", sec=_integer(), nsec=_integer())
_DURATION = _object("duration", sec=_integer(), nsec=_integer())
_FLAG: Json = {"type": "boolean"}
_VECTOR = _numbers("x y z", "foxglove.Vector3")
_COLOUR = _numbers("r g b a", "foxglove.Color")
_POSE = _object("foxglove.Pose", position=_VECTOR, orientation=_numbers("x y z w", "foxglove.Quaternion"))
_LEVELS = ("UNKNOWN", "DEBUG", "INFO", "WARNING", "ERROR", "FATAL")
_USED: dict[str, Json] = {
    "cubes": _object("foxglove.CubePrimitive", pose=_POSE, size=_VECTOR, color=_COLOUR),
    "cylinders": _object(
        "foxglove.CylinderPrimitive", pose=_POSE, size=_VECTOR, bottom_scale=_number(), top_scale=_number(),
        color=_COLOUR,
    ),
    "lines": _object(
        "foxglove.LinePrimitive", type=_integer("0: strip, 1: loop, 2: list"), pose=_POSE, thickness=_number(),
        scale_invariant=_FLAG, points=_array(_VECTOR), color=_COLOUR, colors=_array(_COLOUR),
        indices=_array(_integer()),
    ),
    "texts": _object(
        "foxglove.TextPrimitive", pose=_POSE, billboard=_FLAG, font_size=_number(), scale_invariant=_FLAG,
        color=_COLOUR, text=_string(),
    ),
}  # fmt: skip
_ENTITY = _object(
    "foxglove.SceneEntity", timestamp=_TIME, frame_id=_string(), id=_string(), lifetime=_DURATION,
    frame_locked=_FLAG, metadata=_array(_object(key=_string(), value=_string())),
    **{kind: _array(_USED.get(kind, _object())) for kind in _PRIMITIVES},
)  # fmt: skip
_DELETION = _object("foxglove.SceneEntityDeletion", timestamp=_TIME, type=_integer(), id=_string())

_POINT = _numbers("x y", "", "m")
_PERIOD = _object(
    "swarm.Period", "One control period of one robot; what there was not is left out.",
    time=_number("when it began, by the monotonic clock of the process, s"), robot=_integer("identity"),
    incarnation=_integer("of the process"), tick=_integer("of the planner"),
    reason=_string("'moving', or why it did not move"),
    dropped=_integer("entries that this process could not write so far"),
    state=_numbers("x y heading vx vy", "", "its own; world frame, m, rad, m/s"),
    state_age=_number("since it was measured, s"), goal_number=_integer("goals that the body's side has counted"),
    held=_string("why the body does not execute the newest command"),
    goal=_POINT, waypoint=_POINT, path=_array(_POINT, "way ahead, m"),
    tunables=_object("", "physical values", **{one.name: _number(one.unit) for one in TUNABLES}),
    nominal=_array(_number(), "control if it were alone: velocity, acceleration, or forward speed and turn rate"),
    control=_array(_number(), "control after the filter"),
    sent=_array(_number(), "control that went to the body"), clipped=_FLAG,
    outcome=_string("optimal, relaxed or braking"), relaxation=_number("by how much the rows gave way"),
    clearance=_number("gap to the nearest robot or obstacle, m"),
    crowded={"type": "boolean", "description": "somebody near had to be left out"},
    waits_for=_integer("robot that is waited for"),
    override=_object(
        "", "why the control is not the nominal one", barrier=_string("robot, obstacle, bounds, limits or braking"),
        neighbour=_integer("identity, -1: none or unknown"), gap=_number("m"), where=_POINT,
        change=_number("m/s or m/s²"), sentence=_string(),
    ),
    believed=_array(_object(id=_integer(), x=_number(), y=_number(), radius=_number()), "discs it keeps clear of, m"),
    strangers=_array(_POINT, "robots that it senses and that do not answer, m"),
    heard=_array(_object(
        id=_integer(), x=_number(), y=_number(), vx=_number(), vy=_number(), age=_number("s; 999: unknown"),
    ), "last report of each neighbour"),
)  # fmt: skip
_WORLD = _object(
    "swarm.World", "Whose log it is, and what does not change.", fleet=_string(), robot=_integer("-1: all"),
    incarnation=_integer(), dt=_number("control period, s"), bounds=_numbers("xmin ymin xmax ymax", "", "m"),
    robots=_array(_object(
        id=_integer(), kind=_string(), radius=_number("m"),
        footprint=_array(_POINT, "corners in the frame of the body, x ahead, m; not of a disc"),
    )),
    obstacles=_array(_numbers("x y half_x half_y rounding angle", "", "boxes with rounded corners, m; turned, rad")),
)  # fmt: skip

SCHEMAS: dict[str, Json] = {
    "swarm.World": _WORLD,
    "swarm.Period": _PERIOD,
    "foxglove.SceneUpdate": _object(
        "foxglove.SceneUpdate", deletions=_array(_DELETION), entities=_array(_ENTITY)
    ),
    "foxglove.PoseInFrame": _object(
        "foxglove.PoseInFrame", timestamp=_TIME, frame_id=_string(), pose=_POSE
    ),
    "foxglove.Log": _object(
        "foxglove.Log", timestamp=_TIME, level={
            "oneOf": [{"title": title, "const": level} for level, title in enumerate(_LEVELS)],
        }, message=_string(), name=_string(), file=_string(), line=_integer(),
    ),
}  # fmt: skip
"""By name, as Foxglove knows them."""
