"""A process that joins a fleet as one of its robots and sends what no robot should: each kind for a while.

``python -m studies.faults.attacker FLEET_FILE ROBOT FILE SECONDS`` writes how many messages of each kind it sent to
each other robot as JSON. It takes the place of the robot's control process; without keys nobody can tell them apart.
"""

from __future__ import annotations

import json
import math
import os
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import zenoh

from swarm.runtime.fleet_file.read import load_fleet
from swarm.runtime.fleet_file.zenoh_config import robot_key, settings
from swarm.runtime.link.handshake import handshake_of
from swarm.runtime.link.report_codec import Report, decode, encode
from swarm.sense.messages import Message

RATE = 20.0
"""Messages a second to each robot, of most kinds."""
FLOOD = 1000.0
"""And of the kind that floods."""
_JUMP = 4.0  # Metres; farther than a robot comes in the seconds between two kinds.

EXPECTED = {
    "not a number": "oversized or malformed", "infinite": "oversized or malformed",
    "out of range": "out of range", "too fast": "out of range",
    "other schema": "oversized or malformed", "cut short": "oversized or malformed",
    "replayed": "not newer", "older incarnation": "older incarnation", "unknown sender": "unknown sender",
    "in the receiver's name": "own identity", "in another robot's name": "not its own",
    "for another map": "incompatible", "flooding": "flooding", "jumping": "jump",
}  # fmt: skip
"""What is sent after a valid report, and why it should be rejected."""
BESIDE_NEWER = ("replayed", "older incarnation")
"""Of these each follows a valid report: they are refused as long as the robot itself is heard."""
OVERSIZED = "oversized"
"""What is sent besides, and never reaches a robot's loop: its session counts it."""


class Attacker:
    """Makes messages; each valid one is newer than all before.

    Args:
        robot: Whose name it speaks in.
        others: The other robots of the roster.
        place: Where that robot stands [m].
        digest: Of map and roster.
    """

    def __init__(self, robot: int, others: list[int], place: tuple[float, float], digest: int) -> None:
        self.robot, self.others, self.incarnation, self.sequence = robot, others, int(time.time()), 0
        self.place, self.digest, self._heard = place, digest, dict[int, tuple[int, int, int]]()

    def hear(self, sample: zenoh.Sample) -> None:
        """Take a robot's report: a neighbour that acknowledges nothing would not be believed anyway."""
        heard = decode(sample.payload.to_bytes())
        self._heard[heard.robot_id] = (heard.robot_id, heard.incarnation, heard.sequence)

    def report(self, **changes: Any) -> Report:
        """A valid report, but for what is changed."""
        self.sequence += 1
        state = (*self.place, 0.0, 0.0, 0.0)
        robot = int(changes.get("robot_id", self.robot))
        message = Message(robot, 0.0, self.place, 0.0, 1.0, None, ())
        valid = Report(
            robot, self.incarnation, self.sequence, time.monotonic_ns(), state, 0.0, self.place, True, False,
            tuple(self._heard.values()), message, digest=self.digest,
        )  # fmt: skip
        return replace(valid, **changes)

    def message(self, kind: str, to: int) -> bytes:
        """One message of a kind."""
        valid = encode(self.report())
        x, y = self.place
        makers: dict[str, Callable[[], bytes]] = {
            "valid": lambda: valid,
            "not a number": lambda: _overwritten(valid, x, math.nan),
            "infinite": lambda: _overwritten(valid, y, math.inf),
            "out of range": lambda: encode(self.report(state=(1e6, y, 0.0, 0.0, 0.0))),
            "too fast": lambda: encode(self.report(state=(x, y, 0.0, 1e3, 0.0))),
            "other schema": lambda: b'{"x": 1.0}' + os.urandom(200),
            "cut short": lambda: valid[:-3],
            "replayed": lambda: encode(self.report(sequence=1)),
            "older incarnation": lambda: encode(self.report(incarnation=self.incarnation - 1)),
            "unknown sender": lambda: encode(self.report(robot_id=1000)),
            "in the receiver's name": lambda: encode(self.report(robot_id=to)),
            "in another robot's name": lambda: encode(
                self.report(robot_id=next(one for one in self.others if one != to))
            ),
            "for another map": lambda: encode(self.report(digest=self.digest ^ 1)),
            "jumping": lambda: encode(self.report(state=(x + _JUMP * (self.sequence // 8 % 2), y, 0.0, 0.0, 0.0))),
            "flooding": lambda: valid,
            OVERSIZED: lambda: valid + bytes(2048),
        }
        return makers[kind]()

    def messages(self, kind: str, to: int) -> list[bytes]:
        """What is sent at a time, the last one of the kind."""
        return [*([self.message("valid", to)] if kind in BESIDE_NEWER else []), self.message(kind, to)]


def _overwritten(data: bytes, place: float, number: float) -> bytes:
    """A report with another number in place of a coordinate, which no report object would take."""
    return data.replace(struct.pack("<d", place), struct.pack("<d", number))


def attack(path: Path, robot: int, seconds: float) -> dict[str, dict[str, int]]:
    """Send each kind to all others for so many seconds; how many were sent, by kind and receiver."""
    fleet = load_fleet(path)
    others = [one for one in range(len(fleet.endpoints)) if one != robot]
    x, y = fleet.scenario.robots[robot].start[:2].tolist()
    world, roster = fleet.scenario.world, fleet.roster().values()
    own = handshake_of(robot, world, roster, fleet.planner, fleet.controller, fleet.errors)
    attacker, sent = Attacker(robot, others, (x, y), own.digest), dict[str, dict[str, int]]()
    config = zenoh.Config()
    for key, value in settings(fleet.name, robot, fleet.addresses).items():
        config.insert_json5(key, json.dumps(value))
    with zenoh.open(config) as session:
        session.declare_subscriber(robot_key(fleet.name, "*", robot), attacker.hear)
        publishers = {
            to: session.declare_publisher(
                robot_key(fleet.name, robot, to), congestion_control=zenoh.CongestionControl.BLOCK, express=True
            )
            for to in others
        }  # fmt: skip
        time.sleep(2.0)
        for kind in ("valid", OVERSIZED, *EXPECTED):
            rate = FLOOD if kind == "flooding" else RATE
            sent[kind] = dict.fromkeys(map(str, others), 0)
            count, began = 0, time.monotonic()
            while (now := time.monotonic()) < began + seconds:
                if count <= (now - began) * rate:
                    count += 1
                    for to, publisher in publishers.items():
                        for message in attacker.messages(kind, to):
                            publisher.put(message)
                        sent[kind][str(to)] += 1
                else:
                    time.sleep(0.5 / rate)
            time.sleep(1.2)  # Whoever has jumped is not believed for a second.
    return sent


if __name__ == "__main__":
    result = attack(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[4]))
    Path(sys.argv[3]).write_text(json.dumps(result), encoding="utf-8")
