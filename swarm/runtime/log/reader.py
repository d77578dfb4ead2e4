"""Reads logs back: of one robot, of a folder of robots, or of a simulation; a file that was cut, as far as it goes.

Only the chunks of the wanted time are unpacked. What is read is checked before it is used.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcap.records import Channel, Chunk, Footer, McapRecord, Message, Schema

from swarm.errors import InputError
from swarm.files.text_files import check_file
from swarm.runtime.log.chunks import LARGEST, VALID, records, unpack

Json = dict[str, Any]

_MOST_FILES = 10_000


@dataclass(frozen=True)
class LogFile:
    """One file.

    Attributes:
        path: The file.
        world: Its ``swarm.World``.
        start: Of its first message [ns].
        end: Of its last message [ns].
        complete: False if it has no end, since its writer was killed or still writes.
    """

    path: Path
    world: Json
    start: int
    end: int
    complete: bool


@dataclass(frozen=True)
class Logs:
    """Files that belong together.

    Attributes:
        files: By their beginning.
    """

    files: tuple[LogFile, ...]

    @property
    def start(self) -> int:
        """Of the first message [ns]."""
        return min(file.start for file in self.files)

    @property
    def end(self) -> int:
        """Of the last message [ns]."""
        return max(file.end for file in self.files)

    def periods(self, start: int, end: int) -> dict[int, list[tuple[int, Json]]]:
        """Stamp [ns] and ``swarm.Period`` of each robot, in order, from ``start`` to ``end`` [ns] (both included).

        Raises:
            InputError: If a message is not what its schema says.
        """
        found: dict[int, list[tuple[int, Json]]] = {}
        for file in self.files:
            if file.start <= end and file.end >= start:
                for name, stamp, message in _messages(file.path, start, end):
                    if start <= stamp <= end:
                        for period in _periods(file.path, name, message):
                            found.setdefault(period["robot"], []).append((stamp, period))
        for robot in found:
            found[robot].sort(key=lambda pair: pair[0])
        return dict(sorted(found.items()))


def open_logs(path: Path) -> Logs:
    """A log, or a folder of them.

    Raises:
        InputError: If there is none, if one is not a log, or if they are not of the same fleet.
    """
    paths = [path]
    if os.path.isdir(path):
        paths = sorted(path.glob("*.mcap"))
        if not 0 < len(paths) <= _MOST_FILES:
            raise InputError(str(path), f"{len(paths)} .mcap files", f"1 to {_MOST_FILES} logs")
    found = [file for one in paths if (file := _scan(one)) is not None]
    if not found:
        raise InputError(str(path), "nothing was written before its end", "a log with one message or more")
    for file in found:
        for key in ("fleet", "bounds", "obstacles", "robots"):
            if file.world[key] != found[0].world[key]:
                raise InputError(str(file.path), file.world["fleet"], f"the same {key} as in {found[0].path}")
    return Logs(tuple(sorted(found, key=lambda file: file.start)))


def _scan(path: Path) -> LogFile | None:
    """What is in a file, from its first message and the times of its chunks; None if it was cut before its first."""
    check_file(path, LARGEST)
    world, first, last, complete = None, None, 0, False
    for record in records(path):
        if isinstance(record, Chunk):
            first = record.message_start_time if first is None else min(first, record.message_start_time)
            last = max(last, record.message_end_time)
            if world is None:
                reader = _Decoder(path)
                names = (pair for one in unpack(path, record) if (pair := reader.take(one)) is not None)
                world = next((message for name, _, message in names if name == "swarm.World"), None)
                if world is None:
                    raise InputError(str(path), "it does not begin with swarm.World", VALID)
        complete = complete or isinstance(record, Footer)
    if world is None or first is None:
        if complete:
            raise InputError(str(path), "no message", VALID)
        return None
    _check(path, world, _WORLD)
    return LogFile(path, world, first, last, complete)


def _messages(path: Path, start: int, end: int) -> Iterator[tuple[str, int, Json]]:
    """Schema name, stamp [ns] and content of the messages of the chunks that touch a time."""
    reader, known = _Decoder(path), False
    for record in records(path):
        if isinstance(record, Chunk):
            if known and (record.message_end_time < start or record.message_start_time > end):
                continue
            known = True  # The first chunk says what the channels are.
            for one in unpack(path, record):
                if (found := reader.take(one)) is not None:
                    yield found


class _Decoder:
    """Turns the records of chunks into messages."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._schemas: dict[int, str] = {}
        self._channels: dict[int, str] = {}

    def take(self, record: McapRecord) -> tuple[str, int, Json] | None:
        """Schema name, stamp and content of a message of ours."""
        if isinstance(record, Schema):
            self._schemas[record.id] = record.name
        elif isinstance(record, Channel):
            self._channels[record.id] = self._schemas.get(record.schema_id, "")
        elif isinstance(record, Message):
            name = self._channels.get(record.channel_id, "")
            if name.startswith("swarm."):
                try:
                    message = json.loads(record.data)
                except ValueError as error:
                    raise InputError(f"{self._path}: {name}", str(error), VALID) from None
                if not isinstance(message, dict):
                    raise InputError(f"{self._path}: {name}", message, VALID)
                return name, record.log_time, message
        return None


def _periods(path: Path, name: str, message: Json) -> list[Json]:
    """The periods in a message, checked: one of a robot's log, one of each robot in a simulation's."""
    if name == "swarm.Period":
        found = [message]
    elif name == "swarm.Fleet":
        found = [_of_simulation(robot) for robot in message.get("robots", []) if isinstance(robot, dict)]
    else:
        return []
    for period in found:
        _check(path, period, _PERIOD)
    return found


def _of_simulation(robot: Json) -> Json:
    """A robot of a simulation's log as a period."""
    found = {"robot": robot.get("id"), "reason": "moving", "state": {"vx": 0.0, "vy": 0.0} | robot}
    for name in ("goal", "waypoint"):
        place = robot.get(name)
        if isinstance(place, list) and len(place) == 2:
            found[name] = {"x": place[0], "y": place[1]}
    return found | {name: robot[name] for name in ("control", "outcome", "clearance", "sentence") if name in robot}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _numbers(names: str) -> Callable[[Any], bool]:
    def check(value: Any) -> bool:
        return isinstance(value, dict) and all(_is_number(value.get(name)) for name in names.split())

    return check


def _list_of(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(check(one) for one in value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_override(value: Any) -> bool:
    return (
        isinstance(value, dict) and _is_text(value.get("sentence")) and _is_whole(value.get("neighbour"))
        and _numbers("x y")(value.get("where"))
    )  # fmt: skip


def _is_obstacle(value: Any) -> bool:
    return _numbers("x y half_x half_y rounding")(value) and _is_number(value.get("angle", 0.0))


def _is_robot(value: Any) -> bool:
    return _numbers("id radius")(value) and _list_of(_numbers("x y"))(value.get("footprint", []))


# What is used of a message: how it is checked, and whether it has to be there.
_PERIOD: dict[str, tuple[Callable[[Any], bool], bool]] = {
    "robot": (_is_whole, True), "reason": (_is_text, True), "state": (_numbers("x y heading vx vy"), False),
    "goal": (_numbers("x y"), False), "waypoint": (_numbers("x y"), False), "path": (_list_of(_numbers("x y")), False),
    "control": (_list_of(_is_number), False), "nominal": (_list_of(_is_number), False),
    "outcome": (_is_text, False), "clearance": (_is_number, False), "sent": (_list_of(_is_number), False),
    "state_age": (_is_number, False), "held": (_is_text, False), "override": (_is_override, False),
    "believed": (_list_of(_numbers("id x y radius")), False), "heard": (_list_of(_numbers("id x y")), False),
}  # fmt: skip
_WORLD: dict[str, tuple[Callable[[Any], bool], bool]] = {
    "fleet": (_is_text, True), "robot": (_is_whole, True), "dt": (_is_number, True),
    "bounds": (_numbers("xmin ymin xmax ymax"), True), "robots": (_list_of(_is_robot), True),
    "obstacles": (_list_of(_is_obstacle), True),
}  # fmt: skip


def _check(path: Path, message: Json, fields: dict[str, tuple[Callable[[Any], bool], bool]]) -> None:
    for name, (check, needed) in fields.items():
        if (name in message or needed) and not check(message.get(name)):
            raise InputError(f"{path}: {name}", message.get(name), VALID)
