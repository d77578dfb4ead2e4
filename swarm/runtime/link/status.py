"""What a robot tells whoever watches the fleet, a few times a second: a record, and its bytes (JSON, at most 1 KiB).

Nothing that drives depends on it. Who reads it trusts nothing in it: every field is checked, and texts are bounded and
printable, since they are shown to people.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from swarm.errors import InputError
from swarm.explanation import Override
from swarm.filter.safety import OUTCOMES
from swarm.filter.tunables import COUNT

VERSION = 1
MAX_BYTES = 1024
EVERY = 0.2
"""Seconds between two status records of a robot, at least."""
MAX_TEXT, MAX_AGES, MAX_NOTES, MAX_REASONS = 96, 8, 4, 16
"""Most characters of a text; most neighbours, notes and reasons of rejection that are told."""
BARRIERS = ("robot", "obstacle", "bounds", "limits", "braking")

_FARTHEST, _LARGEST, _LONGEST = 1e6, 1 << 32, 1 << 64

Pair = tuple[float, float]


@dataclass(frozen=True)
class Status:
    """What is told of one robot; its attributes are the keys of the JSON object.

    Attributes:
        robot: Its identity.
        incarnation: Of its process.
        reason: Why it stands, or ``swarm.runtime.watchdog.MAY_MOVE``.
        stopped: Whether an emergency stop is latched.
        stop_counter: Of the newest wish of an operator that it knows, 0: none.
        tick: Of its planner.
        state: x, y, heading, vx, vy (m, rad, m/s); None if it does not know.
        goal: m.
        waypoint: Of its plan, m.
        tunables: Physical values (``swarm.filter.tunables``).
        control: What went to the body.
        outcome: Of its filter, one of ``swarm.filter.safety.OUTCOMES``; empty: it did not decide.
        override: What changed its control, None: nothing.
        ages: Of the nearest robots heard: identity, and how old their news is, s (inf: unknown).
        rejected: Reports that it refused, by reason.
        overruns: Late periods so far.
        late_ms: How late its periods begin, 99 of 100 at most.
        took_ms: How long their work takes, 99 of 100 at most.
        notes: What else a person should know, such as robots that run something incompatible.
    """

    robot: int
    incarnation: int
    reason: str
    stopped: bool = False
    stop_counter: int = 0
    tick: int = 0
    state: tuple[float, ...] | None = None
    goal: Pair | None = None
    waypoint: Pair | None = None
    tunables: tuple[float, ...] | None = None
    control: Pair | None = None
    outcome: str = ""
    override: Override | None = None
    ages: tuple[tuple[int, float], ...] = ()
    rejected: Mapping[str, int] = field(default_factory=dict)
    overruns: int = 0
    late_ms: float = 0.0
    took_ms: float = 0.0
    notes: tuple[str, ...] = ()


def encode(status: Status) -> bytes:
    """A status as bytes: numbers rounded; lists shortened, notes first, until it fits into ``MAX_BYTES``."""
    while len(data := _dump(status)) > MAX_BYTES:
        if status.notes:
            status = replace(status, notes=status.notes[:-1])
        elif status.rejected:
            status = replace(status, rejected=dict(list(status.rejected.items())[:-1]))
        elif status.ages:
            status = replace(status, ages=status.ages[:-1])
        else:
            raise InputError("status", f"{len(data)} bytes", f"at most {MAX_BYTES}")
    return data


def _dump(status: Status) -> bytes:
    fields = status.override
    found = {"version": VERSION} | vars(status) | {
        "reason": _shown(status.reason), "notes": [_shown(note) for note in status.notes[:MAX_NOTES]],
        "state": _rounded(status.state), "goal": _rounded(status.goal), "waypoint": _rounded(status.waypoint),
        "tunables": _rounded(status.tunables), "control": _rounded(status.control),
        "override": None if fields is None else [
            fields.barrier, fields.neighbour, *map(_number, (fields.gap, *fields.where, fields.change)),
        ],
        "ages": [[robot, _number(age)] for robot, age in status.ages[:MAX_AGES]],
        "rejected": {_shown(why): count for why, count in list(status.rejected.items())[:MAX_REASONS]},
        "late_ms": round(status.late_ms, 1), "took_ms": round(status.took_ms, 1),
    }  # fmt: skip
    return json.dumps(found, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _rounded(values: tuple[float, ...] | None) -> list[float | None] | None:
    return None if values is None else [_number(value) for value in values]


def _number(value: float) -> float | None:
    """To a tenth of a millimetre; None is infinite."""
    return round(float(value), 4) if math.isfinite(value) else None


def _shown(text: str) -> str:
    """A text on one line, not too long."""
    return "".join(one if one.isprintable() else " " for one in text)[:MAX_TEXT]


def decode(data: bytes) -> Status:
    """What ``encode`` wrote.

    Raises:
        InputError: If the bytes are not such a status; names what is wrong.
    """
    if len(data) > MAX_BYTES:
        raise InputError("status", f"{len(data)} bytes", f"at most {MAX_BYTES}")
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError):
        raise InputError("status", data[:40], "a JSON object") from None
    if not isinstance(fields, dict) or fields.get("version") != VERSION:
        raise InputError("status", data[:40], f"an object of version {VERSION}")
    read = _Reader(fields)
    return Status(
        robot=read.whole("robot"), incarnation=read.whole("incarnation", _LONGEST), reason=read.text("reason"),
        stopped=read.flag("stopped"), stop_counter=read.whole("stop_counter", _LONGEST), tick=read.whole("tick"),
        state=read.numbers("state", 5), goal=read.pair("goal"), waypoint=read.pair("waypoint"),
        tunables=read.numbers("tunables", COUNT), control=read.pair("control"), outcome=read.outcome(),
        override=read.override(), ages=read.ages(), rejected=read.rejected(), overruns=read.whole("overruns"),
        late_ms=read.number("late_ms", fields.get("late_ms")), took_ms=read.number("took_ms", fields.get("took_ms")),
        notes=tuple(read.text("notes", note) for note in read.items("notes", MAX_NOTES)),
    )  # fmt: skip


class _Reader:
    """Reads the fields of an object from outside; ``InputError`` for each that is not as it should be."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self._fields = fields

    def _wrong(self, key: str, valid: str) -> InputError:
        return InputError(f"status: {key}", self._fields.get(key), valid)

    def number(self, key: str, value: object, farthest: float = _FARTHEST) -> float:
        if type(value) not in (int, float) or not -farthest <= value <= farthest:  # type: ignore[operator]
            raise self._wrong(key, "finite numbers")
        return float(value)  # type: ignore[arg-type]

    def whole(self, key: str, most: int = _LARGEST, value: object = None, least: int = 0) -> int:
        value = self._fields.get(key) if value is None else value
        if type(value) is not int or not least <= value < most:
            raise self._wrong(key, f"a whole number from {least} on")
        return value

    def flag(self, key: str) -> bool:
        value = self._fields.get(key)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def text(self, key: str, value: object = None) -> str:
        value = self._fields.get(key) if value is None else value
        if not isinstance(value, str) or len(value) > MAX_TEXT or not value.isprintable():
            raise self._wrong(key, f"printable text of at most {MAX_TEXT} characters")
        return value

    def items(self, key: str, most: int) -> list[Any]:
        value = self._fields.get(key)
        if not isinstance(value, list) or len(value) > most:
            raise self._wrong(key, f"a list of at most {most}")
        return value

    def numbers(self, key: str, count: int) -> tuple[float, ...] | None:
        if self._fields.get(key) is None:
            return None
        values = self.items(key, count)
        if len(values) != count:
            raise self._wrong(key, f"{count} numbers, or null")
        return tuple(self.number(key, value) for value in values)

    def pair(self, key: str) -> Pair | None:
        found = self.numbers(key, 2)
        return None if found is None else (found[0], found[1])

    def outcome(self) -> str:
        value = self.text("outcome")
        if value not in ("", *OUTCOMES):
            raise self._wrong("outcome", f"{', '.join(OUTCOMES)}, or nothing")
        return value

    def override(self) -> Override | None:
        if self._fields.get("override") is None:
            return None
        values = self.items("override", 6)
        if len(values) != 6 or values[0] not in BARRIERS:
            raise self._wrong("override", f"one of {', '.join(BARRIERS)}, neighbour, gap, x, y, change")
        barrier, neighbour, gap, *rest = values
        x, y, change = (self.number("override", value) for value in rest)
        return Override(
            barrier, self.whole("override", _LARGEST, neighbour, -1), self._or_infinite("override", gap), (x, y), change
        )

    def ages(self) -> tuple[tuple[int, float], ...]:
        found = []
        for entry in self.items("ages", MAX_AGES):
            if not isinstance(entry, list) or len(entry) != 2 or entry[0] is None:
                raise self._wrong("ages", "pairs of robot and age")
            found.append((self.whole("ages", _LARGEST, entry[0]), self._or_infinite("ages", entry[1])))
        return tuple(found)

    def rejected(self) -> dict[str, int]:
        value = self._fields.get("rejected")
        if not isinstance(value, dict) or len(value) > MAX_REASONS or None in value.values():
            raise self._wrong("rejected", f"at most {MAX_REASONS} counts by reason")
        return {self.text("rejected", why): self.whole("rejected", _LONGEST, count) for why, count in value.items()}

    def _or_infinite(self, key: str, value: object) -> float:
        return math.inf if value is None else self.number(key, value)
