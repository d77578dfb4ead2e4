"""A run as an MCAP log: one JSON message a control period, readable by Foxglove and by ``mcap`` for Python."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from mcap.writer import Writer

from envs.rollout.run import Run
from swarm.errors import InputError
from swarm.files.text_files import atomic_path
from swarm.runtime.log.messages import map_message, world_message
from swarm.runtime.log.schemas import SCHEMAS

_SCHEMA = {
    "type": "object",
    "properties": {
        "time": {"type": "number", "description": "s"},
        "robots": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "id": {"type": "integer"},
                    "x": {"type": "number", "description": "m"},
                    "y": {"type": "number", "description": "m"},
                    "heading": {"type": "number", "description": "rad"},
                    "goal": {"type": "array", "items": {"type": "number"}},
                    "waypoint": {"type": "array", "items": {"type": "number"}},
                    "control": {"type": "array", "items": {"type": "number"}},
                    "tunables": {"type": "array", "items": {"type": "number"}},
                    "outcome": {"type": "string"},
                    "clearance": {"type": "number", "description": "m"},
                    "deliveries": {"type": "integer"},
                },
            },
        },
    },
}


class RunLog:
    """Writes a log beside its final name and moves it there when it is closed; use as a context manager.

    Nothing of it stays if it cannot be written, or if the block raises.

    Raises:
        InputError: From all methods, if the disk does not take it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._one_error(), ExitStack() as stack:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(stack.enter_context(atomic_path(path)).open("wb"))
            self._begin_file(file)
            self._stack = stack.pop_all()

    @contextmanager
    def _one_error(self) -> Iterator[None]:
        """A disk that does not take the log is one clear error."""
        try:
            yield
        except OSError as error:
            raise InputError(str(self._path), error.strerror or str(error), "a log, and room on the disk") from None

    def _begin_file(self, file: BinaryIO) -> None:
        self._writer = Writer(file)
        self._writer.start()
        schema = self._writer.register_schema("swarm.Fleet", "jsonschema", json.dumps(_SCHEMA).encode())
        self._channel = self._writer.register_channel("/fleet", "json", schema)
        self._began = False

    def _begin(self, run: Run, stamp: int) -> None:
        """What does not change: radii and obstacles, and the map as Foxglove draws it."""
        world = world_message(run.scenario.name, run.scenario)
        for topic, name, message in (
            ("/world", "swarm.World", json.dumps(world)),
            ("/map", "foxglove.SceneUpdate", map_message(world, stamp)),
        ):
            schema = self._writer.register_schema(name, "jsonschema", json.dumps(SCHEMAS[name]).encode())
            channel = self._writer.register_channel(topic, "json", schema)
            self._writer.add_message(channel, stamp, message.encode(), stamp)
        self._began = True

    def add(self, run: Run) -> None:
        """Append the present moment of a run."""
        with self._one_error():
            self._add(run)

    def _add(self, run: Run) -> None:
        stamp = round(run.time * 1e9)
        if not self._began:
            self._begin(run, stamp)
        robots: list[dict[str, Any]] = []
        for i, command in enumerate(run.commands):
            x, y, heading = (round(float(value), 4) for value in run.states[i, :3])
            robots.append(
                {
                    "id": i, "x": x, "y": y, "heading": heading,
                    "goal": run.goals[i].tolist(),
                    "waypoint": [round(value, 4) for value in command.plan.waypoint.tolist()],
                    "control": [round(value, 5) for value in command.control.tolist()],
                    "tunables": [round(value, 4) for value in command.tunables.tolist()],
                    "outcome": command.outcome,
                    "clearance": round(min(command.clearance, 1e6), 4),
                    "deliveries": int(run.deliveries[i]),
                }
            )  # fmt: skip
        data = json.dumps({"time": run.time, "robots": robots}).encode()
        self._writer.add_message(self._channel, stamp, data, stamp)

    def __enter__(self) -> RunLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._one_error():
            if error is not None:
                self._stack.__exit__(kind, error, trace)
                return
            with self._stack:
                self._writer.finish()
