"""What a log says: the messages of its channels, as JSON.

``swarm.World`` once a file and ``swarm.Period`` once a control period hold everything; the rest is for Foxglove to
draw, in its own well-known schemas (``foxglove.SceneUpdate``, ``foxglove.PoseInFrame``, ``foxglove.Log``). Foxglove
reads JSON schemas without unions, nulls and nested arrays, so what is not there is left out: a number that is infinite,
a robot's state before there is one. What is written in every period is filled into templates, which is four times as
cheap as building dictionaries.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from swarm.array_types import Array
from swarm.explanation import Override, sentence
from swarm.filter.tunables import NAMES
from swarm.model.footprint.overlap import placed
from swarm.runtime.control import Period
from swarm.runtime.link.inbox import Heard
from swarm.runtime.log.schemas import Json
from swarm.runtime.watchdog import MAY_MOVE
from swarm.scenario.scenario import Scenario
from swarm.sense.neighbours import N_ID, N_RADIUS, N_X, N_Y

FRAME = "world"
"""The one frame: x right, y up [m]."""
UNKNOWN_AGE = 999.0
"""Age [s] of a report whose age is not known, or larger."""
INFO, WARNING = 2, 3
"""Levels of ``foxglove.Log``."""

_PATH = 12  # Points of the way ahead that are kept.
_HEIGHT = 0.3  # [m], of what is drawn.
_SECOND = 1_000_000_000


def _colour(red: float, green: float, blue: float, alpha: float) -> str:
    return f'{{"r":{red},"g":{green},"b":{blue},"a":{alpha}}}'


_OWN, _GOAL, _BELIEVED = _colour(0.1, 0.4, 0.9, 1.0), _colour(0.1, 0.7, 0.3, 0.8), _colour(0.9, 0.5, 0.1, 0.4)
_SOLID, _ALARM = _colour(0.4, 0.4, 0.5, 1.0), _colour(0.85, 0.15, 0.15, 1.0)

_POINT = '{"x":%.4f,"y":%.4f}'
_STATE = '{"x":%.4f,"y":%.4f,"heading":%.4f,"vx":%.4f,"vy":%.4f}'
_TUNABLES = "{" + ",".join(f'"{name}":%.4f' for name in NAMES) + "}"
_DISC = '{"id":%d,"x":%.3f,"y":%.3f,"radius":%.3f}'
_HEARD = '{"id":%d,"x":%.3f,"y":%.3f,"vx":%.3f,"vy":%.3f,"age":%.3f}'
_STAMP = '{"sec":%d,"nsec":%d}'
_POSE = '{"position":{"x":%.4f,"y":%.4f,"z":%.3f},"orientation":{"x":0,"y":0,"z":%.5f,"w":%.5f}}'
_FLAT = '"orientation":{"x":0,"y":0,"z":0,"w":1}'
_SIZED = '"pose":{"position":{"x":%.4f,"y":%.4f,"z":%.3f},' + _FLAT + '},"size":{"x":%.4f,"y":%.4f,"z":%.3f}'
_CYLINDER = "{" + _SIZED + ',"bottom_scale":1,"top_scale":1,"color":%s}'
_CUBE = "{" + _SIZED + ',"color":%s}'
_TURNED_CUBE = '{"pose":%s,"size":{"x":%.4f,"y":%.4f,"z":%.3f},"color":%s}'
_LINE = (
    '{"type":0,"pose":' + _POSE % (0, 0, 0, 0, 1) + ',"thickness":0.05,"scale_invariant":false,'
    '"points":[%s],"color":%s,"colors":[],"indices":[]}'
)
_LINE_POINT = '{"x":%.4f,"y":%.4f,"z":0.05}'
_TEXT = '{"pose":%s,"billboard":true,"font_size":12,"scale_invariant":true,"color":' + _SOLID + ',"text":%s}'
_ENTITY = (
    '{"deletions":[],"entities":[{"timestamp":%s,"frame_id":"' + FRAME + '","id":"%s","lifetime":{"sec":%d,"nsec":0},'
    '"frame_locked":false,"metadata":[],"arrows":[],"cubes":[%s],"spheres":[],"cylinders":[%s],"lines":[%s],'
    '"triangles":[],"texts":[%s],"models":[]}]}'
)


@dataclass(frozen=True, eq=False)
class Entry:
    """One control period as the log takes it.

    Attributes:
        period: What happened.
        incarnation: Of the process.
        tick: Of the planner.
        override: Why the control is not the nominal one, if it is not.
        nominal: ``float64[2]``, the control that the robot would use if it were alone; None if it could not think.
        heard: The last report of each neighbour.
        dropped: Entries before this one that were not written.
    """

    period: Period
    incarnation: int
    tick: int
    override: Override | None
    nominal: Array | None
    heard: Sequence[Heard]
    dropped: int


def world_message(name: str, scenario: Scenario, robot_id: int = -1, incarnation: int = 0) -> Json:
    """``swarm.World``: whose log it is, -1 for all robots, and what does not change."""
    return {
        "fleet": name, "robot": robot_id, "incarnation": incarnation, "dt": scenario.dt,
        "bounds": dict(zip(("xmin", "ymin", "xmax", "ymax"), scenario.world.bounds.tolist(), strict=True)),
        "robots": [
            {"id": robot, "kind": spec.kind.label, "radius": spec.radius} | _footprint(spec.footprint)
            for robot, spec in enumerate(scenario.robots)
        ],
        "obstacles": [_obstacle(row) for row in scenario.world.obstacles.tolist()],
    }  # fmt: skip


def _footprint(footprint: Array | None) -> Json:
    """The corners of a robot that is no disc, in the frame of its body."""
    if footprint is None:
        return {}
    return {"footprint": [{"x": x, "y": y} for x, y in footprint.tolist()]}


def _obstacle(row: Sequence[float]) -> Json:
    """One of ``World.obstacles``; a box that is turned has an angle."""
    found = dict(zip(("x", "y", "half_x", "half_y", "rounding"), row, strict=False))
    return found if row[6] == 0.0 else found | {"angle": math.atan2(row[6], row[5])}


def period_message(robot_id: int, entry: Entry) -> str:
    """``swarm.Period``: everything about one control period."""
    period, command, reading, view = entry.period, entry.period.command, entry.period.reading, entry.period.view
    parts = [
        f'"time":{period.time:.6f},"robot":{robot_id},"incarnation":{entry.incarnation},"tick":{entry.tick},'
        f'"reason":{json.dumps(period.reason)},"dropped":{entry.dropped}'
    ]
    if reading is not None:
        parts.append(
            f'"state":{_STATE % tuple(reading.state.tolist())},"state_age":{period.time - reading.measured:.4f},'
            f'"goal_number":{reading.goal_number},"held":{json.dumps(reading.held)}'
        )
    if view is not None and command is not None:
        parts.append(
            f'"goal":{_POINT % tuple(view.goal.tolist())},"waypoint":{_POINT % tuple(command.plan.waypoint.tolist())},'
            f'"path":[{_many(_POINT, command.plan.path[:_PATH])}],'
            f'"tunables":{_TUNABLES % tuple(command.tunables.tolist())},'
            f'"control":{_pair(command.control)},"outcome":"{command.outcome}","relaxation":{command.relaxation:.6f},'
            f'"crowded":{"true" if view.truncated else "false"},'
            f'"believed":[{_many(_DISC, view.neighbours[:, [N_ID, N_X, N_Y, N_RADIUS]])}]'
        )
        if math.isfinite(command.clearance):
            parts.append(f'"clearance":{command.clearance:.4f}')
    if entry.nominal is not None:
        parts.append(f'"nominal":{_pair(entry.nominal)}')
    if period.sent is not None:
        parts.append(f'"sent":{_pair(period.sent.control)},"clipped":{"true" if period.sent.clipped else "false"}')
    if period.belief is not None:
        parts.append(f'"strangers":[{_many(_POINT, period.belief.strangers)}]')
        if period.belief.hold is not None:
            parts.append(f'"waits_for":{period.belief.hold}')
    if entry.override is not None:
        parts.append(f'"override":{_override(entry.override)}')
    parts.append(f'"heard":[{",".join(_heard(one) for one in entry.heard)}]')
    return "{" + ",".join(parts) + "}"


def words(entry: Entry) -> str:
    """What the robot does and why, in one line."""
    text = entry.period.reason
    return text if entry.override is None else f"{text}, {sentence(entry.override)}"


def log_message(robot_id: int, entry: Entry, nanoseconds: int) -> str:
    """``foxglove.Log`` in words."""
    level = INFO if entry.period.reason == MAY_MOVE else WARNING
    return (
        f'{{"timestamp":{_stamp(nanoseconds)},"level":{level},"message":{json.dumps(words(entry))},'
        f'"name":"robot {robot_id}","file":"","line":0}}'
    )


def pose_message(state: Array, nanoseconds: int) -> str:
    """``foxglove.PoseInFrame`` of a robot's state ``float64[5]``."""
    x, y, heading = state[:3].tolist()
    pose = _POSE % (x, y, 0.0, math.sin(0.5 * heading), math.cos(0.5 * heading))
    return f'{{"timestamp":{_stamp(nanoseconds)},"frame_id":"{FRAME}","pose":{pose}}}'


def map_message(world: Json, nanoseconds: int) -> str:
    """``foxglove.SceneUpdate`` of the obstacles of a ``swarm.World``; those not turned as far as they are inside."""
    low_x, low_y, high_x, high_y = (world["bounds"][name] for name in ("xmin", "ymin", "xmax", "ymax"))
    cubes, cylinders = [], []
    for one in world["obstacles"]:
        if one["half_x"] == one["half_y"] == 0.0:
            cylinders.append(_cylinder(one["x"], one["y"], one["rounding"], _HEIGHT, _SOLID))
            continue
        wide, high = one["half_x"] + one["rounding"], one["half_y"] + one["rounding"]
        if "angle" in one:  # drawn whole: what is inside of the bounds is no box
            pose = one["x"], one["y"], 0.5 * _HEIGHT, math.sin(0.5 * one["angle"]), math.cos(0.5 * one["angle"])
            cubes.append(_TURNED_CUBE % (_POSE % pose, 2.0 * wide, 2.0 * high, _HEIGHT, _SOLID))
            continue
        left, right = max(one["x"] - wide, low_x), min(one["x"] + wide, high_x)
        bottom, top = max(one["y"] - high, low_y), min(one["y"] + high, high_y)
        if left < right and bottom < top:
            middle = (0.5 * (left + right), 0.5 * (bottom + top), 0.5 * _HEIGHT)
            cubes.append(_CUBE % (*middle, right - left, top - bottom, _HEIGHT, _SOLID))
    corners = [[low_x, low_y], [high_x, low_y], [high_x, high_y], [low_x, high_y], [low_x, low_y]]
    return _scene("map", nanoseconds, 0, cubes, cylinders, [_line(corners, _SOLID)])


def scene_message(
    robot_id: int, radius: float, entry: Entry, nanoseconds: int, footprint: Array | None = None
) -> str | None:  # fmt: skip
    """``foxglove.SceneUpdate``: the robot, its way, its goal, and what it takes the others for."""
    command, view = entry.period.command, entry.period.view
    if command is None or view is None:
        return None
    x, y, heading = view.state[:3].tolist()
    goal_x, goal_y = view.goal.tolist()
    colour = _OWN if entry.period.reason == MAY_MOVE else _ALARM
    discs, lines = [_cylinder(goal_x, goal_y, 0.5 * radius, 0.02, _GOAL)], []
    if footprint is None:
        discs.insert(0, _cylinder(x, y, radius, _HEIGHT, colour))
    else:
        lines.append(_ring(placed(footprint, view.state), colour))
    for k, (other_x, other_y, size) in enumerate(view.neighbours[:, [N_X, N_Y, N_RADIUS]].tolist()):
        if view.shapes is not None and view.shapes[k, 0, 0] > 0.0:
            lines.append(_ring(view.shapes[k, 1 : 1 + int(view.shapes[k, 0, 0])], _BELIEVED))
        else:
            discs.append(_cylinder(other_x, other_y, size, 0.05, _BELIEVED))
    nose = [x + 1.5 * radius * math.cos(heading), y + 1.5 * radius * math.sin(heading)]
    lines += [_line([[x, y], nose], colour), _line([[x, y], *command.plan.path[:_PATH].tolist()], _GOAL)]
    text = _TEXT % (_POSE % (x, y, 2.0 * _HEIGHT, 0.0, 1.0), json.dumps(f"{robot_id}: {words(entry)}"))
    return _scene(f"robot {robot_id}", nanoseconds, 1, [], discs, lines, [text])


def _stamp(nanoseconds: int) -> str:
    return _STAMP % divmod(nanoseconds, _SECOND)


def _many(template: str, rows: Array) -> str:
    """The template for each row of ``rows``, separated by commas."""
    return ",".join([template] * len(rows)) % tuple(rows.ravel().tolist())


def _pair(values: Array) -> str:
    return f"[{values[0]:.5f},{values[1]:.5f}]"


def _override(override: Override) -> str:
    gap = f'"gap":{override.gap:.4f},' if math.isfinite(override.gap) else ""
    return (
        f'{{"barrier":"{override.barrier}","neighbour":{override.neighbour},{gap}"where":{_POINT % override.where},'
        f'"change":{override.change:.4f},"sentence":{json.dumps(sentence(override))}}}'
    )


def _heard(one: Heard) -> str:
    x, y, _, vx, vy = one.report.state
    return _HEARD % (one.report.robot_id, x, y, vx, vy, min(one.age, UNKNOWN_AGE))


def _cylinder(x: float, y: float, radius: float, height: float, colour: str) -> str:
    return _CYLINDER % (x, y, 0.5 * height, 2.0 * radius, 2.0 * radius, height, colour)


def _ring(corners: Array, colour: str) -> str:
    """A closed line along corners ``float64[n, 2]``."""
    return _line([*corners.tolist(), corners[0].tolist()], colour)


def _line(points: Iterable[Sequence[float]], colour: str) -> str:
    return _LINE % (",".join(_LINE_POINT % (x, y) for x, y in points), colour)


def _scene(
    name: str, nanoseconds: int, lifetime: int, cubes: Sequence[str], cylinders: Sequence[str], lines: Sequence[str],
    texts: Sequence[str] = (),
) -> str:  # fmt: skip
    """A ``foxglove.SceneUpdate`` of one entity; ``lifetime`` [s], 0 for ever."""
    kinds = (",".join(kind) for kind in (cubes, cylinders, lines, texts))
    return _ENTITY % (_stamp(nanoseconds), name, lifetime, *kinds)
