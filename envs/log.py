"""A run as an MCAP log: one JSON message a control period, readable by Foxglove and by ``mcap`` for Python."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mcap.writer import Writer

from envs.run import Run
from swarm.runtime.log_messages import map_message, world_message
from swarm.runtime.log_schemas import SCHEMAS
from swarm.text_files import atomic_path

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
    """Writes a log beside its final name and moves it there when it is closed; use as a context manager."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._place = atomic_path(path)
        self._file = self._place.__enter__().open("wb")
        self._writer = Writer(self._file)
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

    def __exit__(self, *error: Any) -> None:
        self._writer.finish()
        self._file.close()
        self._place.__exit__(*error)
