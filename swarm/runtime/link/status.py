"""What a robot tells whoever watches the fleet, a few times a second: a record, and its bytes (JSON, at most 1 KiB).

Nothing that drives depends on it. Who reads it trusts nothing in it: every field is checked, and texts are bounded and
printable, since they are shown to people. msgspec reads it, and refuses what does not fit the bounds of a field's type.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal, NoReturn

import msgspec
from msgspec import Meta

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

_LONGEST = 1 << 64

Pair = tuple[float, float]


@dataclass(frozen=True)
class Status:
    """What is told of one robot; its attributes are the keys of the JSON object.

    Attributes:
        robot: Its identity.
        incarnation: Of its process.
        reason: Why it stands, or ``swarm.runtime.watchdog.MAY_MOVE``.
        stopped: Whether an emergency stop is latched, or a reason of its own that an operator has to release.
        stop_counter: Of the newest wish of an operator that it knows, 0: none.
        tick: Of its planner.
        state: x, y [m], heading [rad], vx, vy [m/s]; None if it does not know.
        goal: Where it is going [m].
        waypoint: Of its plan [m].
        tunables: Physical values (``swarm.filter.tunables``).
        control: What went to the body.
        outcome: Of its filter, one of ``swarm.filter.safety.OUTCOMES``; empty: it did not decide.
        override: What changed its control, None: nothing.
        ages: Of the nearest robots heard: identity, and how old their news is [s] (inf: unknown).
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


_Number = Annotated[float, Meta(ge=-1e6, le=1e6)]
_Whole = Annotated[int, Meta(ge=0, lt=1 << 32)]
_Count = Annotated[int, Meta(ge=0)]  # Below _LONGEST, which is more than a bound of msgspec can be.
_Text = Annotated[str, Meta(max_length=MAX_TEXT)]  # Printable, which no bound of msgspec says.
_Barrier = Literal["robot", "obstacle", "bounds", "limits", "braking"]
_Override = tuple[_Barrier, Annotated[int, Meta(ge=-1, lt=1 << 32)], _Number | None, _Number, _Number, _Number]


class _Told(msgspec.Struct):
    """The JSON object; its attributes are those of ``Status``, None instead of infinite."""

    version: Literal[1]  # VERSION
    robot: _Whole
    incarnation: _Count
    reason: _Text
    stopped: bool
    stop_counter: _Count
    tick: _Whole
    outcome: _Text
    ages: Annotated[list[tuple[_Whole, _Number | None]], Meta(max_length=MAX_AGES)]
    rejected: Annotated[dict[_Text, _Count], Meta(max_length=MAX_REASONS)]
    overruns: _Whole
    late_ms: _Number
    took_ms: _Number
    notes: Annotated[tuple[_Text, ...], Meta(max_length=MAX_NOTES)]
    state: tuple[_Number, _Number, _Number, _Number, _Number] | None = None
    goal: tuple[_Number, _Number] | None = None
    waypoint: tuple[_Number, _Number] | None = None
    tunables: Annotated[tuple[_Number, ...], Meta(min_length=COUNT, max_length=COUNT)] | None = None
    control: tuple[_Number, _Number] | None = None
    override: _Override | None = None


_TOLD = msgspec.json.Decoder(_Told)


def decode(data: bytes) -> Status:
    """What ``encode`` wrote.

    Raises:
        InputError: If the bytes are not such a status; names what is wrong.
    """
    if len(data) > MAX_BYTES:
        raise InputError("status", f"{len(data)} bytes", f"at most {MAX_BYTES}")
    try:
        told = _TOLD.decode(data.decode())  # Of bytes, msgspec checks the UTF-8 only in fields that it knows.
    except (ValueError, RecursionError) as error:  # msgspec's own errors are ValueErrors
        _refuse(data, str(error))
    for key, texts in {"reason": (told.reason,), "notes": told.notes, "rejected": tuple(told.rejected)}.items():
        if not all(map(str.isprintable, texts)):
            raise InputError(f"status: {key}", texts, "printable text")
    rejected = max(told.rejected.values(), default=0)
    counts = {"incarnation": told.incarnation, "stop_counter": told.stop_counter, "rejected": rejected}
    for key, most in counts.items():
        if most >= _LONGEST:
            raise InputError(f"status: {key}", most, f"a whole number below {_LONGEST}")
    if told.outcome not in ("", *OUTCOMES):
        raise InputError("status: outcome", told.outcome, f"{', '.join(OUTCOMES)}, or nothing")
    fields = msgspec.structs.asdict(told)
    del fields["version"]
    fields["ages"] = tuple((robot, math.inf if age is None else age) for robot, age in told.ages)
    if told.override is not None:
        barrier, neighbour, gap, x, y, change = told.override
        fields["override"] = Override(barrier, neighbour, math.inf if gap is None else gap, (x, y), change)
    return Status(**fields)


def _refuse(data: bytes, wrong: str) -> NoReturn:
    """``InputError`` with the key that msgspec complains of, if it names one, and what stands there."""
    place, found = re.search(r"\$\.(\w+)", wrong), data[:40]
    with contextlib.suppress(ValueError, RecursionError):  # it may be malformed farther on
        found = found if place is None else json.loads(data)[place[1]]
    where = "status" if place is None else f"status: {place[1]}"
    raise InputError(where, found, f"JSON of a status of version {VERSION} ({wrong})") from None
