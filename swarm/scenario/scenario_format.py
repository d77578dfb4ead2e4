"""The parts of a scenario file: world and robots, from fields of YAML and back to plain values.

The layout is that of db-CBS and dynobench (https://github.com/IMRCLab/db-CBS, ``example/``), and more keys.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from swarm.array_types import Array
from swarm.errors import InputError
from swarm.files.text_files import located, write_text
from swarm.files.yaml_input import Field
from swarm.model.dynamics import Kind, Limits
from swarm.model.footprint import keys as shape_keys
from swarm.model.footprint.polygon import reach
from swarm.scenario.grid_map import GridMap
from swarm.scenario.map_file import load_map
from swarm.scenario.robot_spec import (
    CAR,
    ROBOT_TYPES,
    RobotSpec,
    RobotType,
    goal_layouts,
    numbers_from,
    outline_of,
    robot_type,
    start_layouts,
    state_from,
)
from swarm.scenario.urdf.keys import KEYS, body_entry, limits_of, read_body
from swarm.scenario.world import World

_STEERING = ("wheelbase", "steering", "steering_rate", "reverse_speed")
"""Keys of a car (``swarm.model.dynamics.Limits``)."""


def read_world(field: Field, folder: Path) -> World:
    """The world in the ``environment`` of a file that lies in ``folder``.

    Raises:
        InputError: If it is malformed; names the file, the line and the key.
    """
    has_map = isinstance(field.value, dict) and "map" in field.value
    corners = ["min", "max"]
    optional = ["obstacles", "map", "cell_size", "origin"]
    keys = field.mapping([], corners + optional) if has_map else field.mapping(corners, optional)
    grid = _read_map(keys, folder) if has_map else None
    for key in ("cell_size", "origin"):
        if grid is None and key in keys:
            raise InputError(keys[key].where, keys[key].value, f"no {key.replace('_', ' ')} without a map")
    edges = np.zeros(4) if grid is None else grid.bounds
    low = _from_above(keys["min"]) if "min" in keys else edges[:2]
    high = _from_above(keys["max"]) if "max" in keys else edges[2:]
    if not (low < high).all():
        raise InputError(keys.get("max", field).where, high.tolist(), f"more than min, {low.tolist()}")
    boxes: list[list[float]] = []
    circles: list[list[float]] = []
    angles: list[float] = []
    # A key without a value is an empty list, as in hand-edited files.
    listed = keys["obstacles"].items() if "obstacles" in keys and keys["obstacles"].value is not None else []
    for obstacle in listed:
        _read_obstacle(obstacle, boxes, circles, angles)
    with located(f"{field.where}: "):
        return World(np.array([*low, *high]), np.array(boxes), np.array(circles), grid, np.array(angles))


def _read_map(keys: dict[str, Field], folder: Path) -> GridMap:
    """The map that an environment names; a map of Nav2 has a cell size and an origin of its own."""
    cell_size = keys["cell_size"].number(above=0.0) if "cell_size" in keys else None
    file = folder / keys["map"].text()
    with located(f"{keys['map'].where}: "):
        grid, _ = load_map(file, cell_size)
    if "origin" not in keys:
        return grid
    x, y = keys["origin"].numbers(["x, y"]).tolist()
    return replace(grid, origin=(x, y))


def _read_obstacle(field: Field, boxes: list[list[float]], circles: list[list[float]], angles: list[float]) -> None:
    """Append an obstacle to the boxes of a world and their angles [rad], or to its circles."""
    # The type is read first: the other keys depend on it.
    shape = field.value.get("type") if isinstance(field.value, dict) else None
    if shape is not None and shape.value not in ("box", "circle", "sphere"):
        raise shape.error("box, circle or sphere")
    if shape is not None and shape.value != "box":
        keys = field.mapping(["type", "center", "radius"])
        circles.append([*_from_above(keys["center"]).tolist(), keys["radius"].number(above=0.0)])
    else:
        keys = field.mapping(["type", "center", "size"], ["angle"])
        half = _from_above(keys["size"], above=0.0) / 2.0
        angles.append(keys["angle"].number() if "angle" in keys else 0.0)
        boxes.append([*_from_above(keys["center"]).tolist(), *half.tolist()])


def _from_above(field: Field, above: float = -np.inf) -> Array:
    """The first two numbers of what may have a height: in db-CBS flat robots drive among obstacles that do."""
    return field.numbers(["x, y", "x, y, z"], above)[:2]


def check_types(robots: Field) -> None:
    """Refuse robots that are not driven; first, since their worlds may have three dimensions, and other obstacles.

    Raises:
        InputError: If a type is not driven; names the file, the line and the key.
    """
    for field in robots.items():
        kind = field.value.get("type") if isinstance(field.value, dict) else None
        if kind is not None:
            robot_type(kind.where, kind.text())


def read_robot(field: Field, folder: Path) -> RobotSpec:
    """One entry of ``robots`` of a file that lies in ``folder``.

    Raises:
        InputError: If it is malformed; names the file, the line and the key.
    """
    others = ["goal", "goals", "radius", "limits", "cooperative", "ignores", *KEYS, *shape_keys.KEYS, *_STEERING]
    keys = field.mapping(["type", "start"], others)
    base = robot_type(keys["type"].where, keys["type"].text())
    numbers = keys["start"].numbers(start_layouts(base))
    with located(f"{keys['start'].where}: "):
        start = state_from(numbers, base.reduced)
    goals, heading = _read_goals(field, keys, base)
    body = read_body(field, folder)
    radius, limits = base.radius, base.limits
    if body is not None:
        _check_plain(keys["type"], base)
        radius, limits = body.reach, limits_of(body, field, base.limits, base.kind)
    radius, footprint, note = _read_shape(keys, base, radius)
    limits = _read_limits(field, keys, limits)
    cooperative = keys["cooperative"].flag() if "cooperative" in keys else True
    ignores = keys["ignores"].flag() if "ignores" in keys else False
    if ignores and "cooperative" in keys and cooperative:
        raise keys["cooperative"].error("false, or no such key: who ignores everybody does not cooperate")
    with located(f"{field.where}.", drop="RobotSpec."):
        return RobotSpec(
            base.kind, start, goals, radius, limits, heading, keys["type"].text(), cooperative, ignores, body,
            footprint, note,
        )  # fmt: skip


def _read_limits(field: Field, keys: dict[str, Field], limits: Limits) -> Limits:
    """The limits of a type, or of a URDF file, with what the robot itself says; and how a car steers."""
    is_car = keys["type"].value == CAR
    names = ["speed", "acceleration"] if is_car else ["speed", "acceleration", "turn_rate", "turn_acceleration"]
    entries = keys["limits"].mapping([], names) if "limits" in keys else {}
    given = {name: entry.number(above=0.0) for name, entry in entries.items()}
    for name in _STEERING:
        if not is_car and name in keys:
            raise keys[name].error(f"no such key: only a {CAR} steers")
        if is_car and name in ("wheelbase", "steering") and name not in keys:
            raise InputError(f"{field.where}: {name}", None, f"this key is required of a {CAR}")
        if name in keys:
            given[name] = keys[name].number() if name == "reverse_speed" else keys[name].number(above=0.0)
    with located(f"{field.where}: "):
        return replace(limits, **given)


def _read_shape(keys: dict[str, Field], base: RobotType, radius: float) -> tuple[float, Array | None, str]:
    """Radius [m], outline (None: a disc) and a note of a robot whose type, or URDF file, has that radius."""
    footprint, note = shape_keys.read_outline(keys)
    given = keys["radius"].number(above=0.0) if "radius" in keys else None
    if footprint is not None:
        if given is not None and not shape_keys.same_radius(given, footprint):
            raise keys["radius"].error(f"no radius beside a shape, or {reach(footprint):.9g}, of the disc around it")
        return reach(footprint), footprint, note
    own = outline_of(base) if "shape" not in keys else None
    if own is not None and (given is None or shape_keys.same_radius(given, own)):
        return reach(own), own, ""
    return (radius if given is None else given), None, ""


def _check_plain(kind: Field, robot: RobotType) -> None:
    """Refuse a type that has a shape or limits of its own beside a URDF file."""
    if kind.text() != robot.kind.label:
        raise kind.error(f"{robot.kind.label}: shape and limits are those of the URDF file")


def _read_goals(field: Field, keys: dict[str, Field], robot: RobotType) -> tuple[Array, float | None]:
    """Goals ``float64[g, 2]`` and the goal's heading. A goal's velocity is read and not used."""
    if "goal" not in keys and "goals" not in keys:
        raise InputError(f"{field.where}: goal", None, "this key or goals is required")
    goals, heading = np.zeros((0, 2)), None
    if "goals" in keys:
        goals = np.array([entry.numbers(["x, y"]) for entry in keys["goals"].items()]).reshape(-1, 2)
        if len(goals) == 0:
            raise keys["goals"].error("at least one goal [x, y]")
    if "goal" in keys:
        numbers = keys["goal"].numbers(goal_layouts(robot))
        if robot.kind == Kind.UNICYCLE and len(numbers) > 2:
            heading = float(numbers[2])
        if "goals" in keys and not np.array_equal(goals[0], numbers[:2]):
            valid = f"the first of goals, {goals[0].tolist()}"
            raise InputError(keys["goal"].where, numbers[:2].tolist(), valid)
        goals = goals if "goals" in keys else numbers[None, :2]
    return goals, heading


def environment_entry(world: World) -> dict[str, Any]:
    """The ``environment`` of a scenario file, without the map."""
    boxes = [
        {"type": "box", "center": box[:2].tolist(), "size": (2.0 * box[2:]).tolist()}
        | ({"angle": angle} if angle != 0.0 else {})
        for box, angle in zip(world.boxes, world.angles.tolist(), strict=True)
    ]
    circles = [{"type": "circle", "center": c[:2].tolist(), "radius": float(c[2])} for c in world.circles]
    bounds = world.bounds.tolist()
    return {"min": bounds[:2], "max": bounds[2:], "obstacles": boxes + circles}


def save_map(grid: GridMap, path: Path) -> dict[str, Any]:
    """Write a scenario's map beside it and return the keys that name it.

    Raises:
        InputError: If it cannot be written, or another map of that name is there already.
    """
    file = path.with_name(f"{grid.name}.map")
    if not grid.name or file.name != f"{grid.name}.map" or file == path:
        raise InputError("GridMap.name", grid.name, "a name that a file beside the scenario can have")
    text = grid.to_movingai()
    if file.exists() and file.read_bytes() != text.encode("ascii"):
        if replace(GridMap.from_movingai(file, grid.cell_size), origin=grid.origin) != grid:
            raise InputError(str(file), "another map", "a folder without a different map of this name")
    else:
        write_text(file, text)
    keys = {"map": file.name, "cell_size": grid.cell_size}
    return keys if grid.origin == (0.0, 0.0) else keys | {"origin": list(grid.origin)}


def robot_entry(robot: RobotSpec, folder: Path) -> dict[str, Any]:
    """One robot of a scenario file in that folder; limits are written out, so that it does not rest on defaults."""
    goal = robot.goals[0].tolist()
    if robot.kind == Kind.DOUBLE_INTEGRATOR:
        goal += [0.0, 0.0]
    elif robot.goal_heading is not None:
        goal.append(float(robot.goal_heading))
    start = numbers_from(robot.start, robot.kind, ROBOT_TYPES[robot.type_name].reduced)
    entry: dict[str, Any] = {"type": robot.type_name, "start": start, "goal": goal}
    if robot.urdf is not None:
        entry |= body_entry(robot.urdf, folder)
    if len(robot.goals) > 1:
        entry["goals"] = robot.goals.tolist()
    limits = {name: float(value) for name, value in vars(robot.limits).items() if math.isfinite(value)}
    if robot.limits.is_car:
        del limits["turn_rate"]  # It follows from the others.
    entry |= {name: limits.pop(name) for name in _STEERING if name in limits}
    entry |= {"radius": robot.radius, "limits": limits}
    if robot.footprint is not None:
        entry["footprint"] = robot.footprint.tolist()
    elif outline_of(ROBOT_TYPES[robot.type_name]) is not None:
        entry["shape"] = "disc"  # By its type alone it would be a box.
    if robot.ignores:
        return entry | {"ignores": True}
    return entry if robot.cooperative else entry | {"cooperative": False}
