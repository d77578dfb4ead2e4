"""What robots of the `guided` planner tell each other in the two rounds of a tick: at most 1 KiB each."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise, permutations

from swarm.errors import InputError
from swarm.planning.hearing import RADIUS
from swarm.planning.pibt import IDS, move_between
from swarm.planning.window import ENDED, STEPS

MAX_RELAYED = (2 * RADIUS + 1) ** 2 - 1
"""Most robots that are near one robot."""
_RANKINGS = tuple(permutations(range(5)))
_NUMBER = {ranking: number for number, ranking in enumerate(_RANKINGS)}
_HEAD = struct.Struct("<IqB5s")  # Cell, key, ranking, window.
_ENTRY = struct.Struct("<b6sB")  # Row offset and column offset in one byte, key, ranking.
_SIDE = 2 * RADIUS + 1

Ranking = tuple[int, ...]


@dataclass(frozen=True)
class Told:
    """First round: where a robot is and what it means to do.

    Attributes:
        cell: Flat cell (row * columns + column).
        key: Priority, unique; its last 20 bits tell who it is.
        ranking: The five moves, best first.
        moves: The moves of its window, as far as it knows; at most `STEPS`.
    """

    cell: int
    key: int
    ranking: Ranking
    moves: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.cell < 0 or not -(1 << 47) <= self.key < 1 << 47:
            raise InputError("told: cell, key", (self.cell, self.key), "a cell from 0 on, a key of 48 bits")
        if tuple(self.ranking) not in _NUMBER:
            raise InputError("told: ranking", self.ranking, "each of the moves 0 to 4 once")
        if len(self.moves) > STEPS or not all(move in range(5) for move in self.moves):
            raise InputError("told: moves", self.moves, f"at most {STEPS} moves 0 to 4")

    @property
    def robot_id(self) -> int:
        """Who it is."""
        return IDS - 1 - (self.key & (IDS - 1))

    def encode(self) -> bytes:
        """As bytes; see `decode_told`."""
        nibbles = [*self.moves, *[15] * (STEPS - len(self.moves))]
        window = bytes(low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2], strict=True))
        return _HEAD.pack(self.cell, self.key, _NUMBER[tuple(self.ranking)], window)


@dataclass(frozen=True)
class Answer:
    """Second round: what a robot means to do after hearing the others, and whom it has heard.

    Attributes:
        own: Of itself.
        heard: What others told in the first round, without their windows.
    """

    own: Told
    heard: tuple[Told, ...]

    def __post_init__(self) -> None:
        if len(self.heard) > MAX_RELAYED:
            raise InputError("answer: heard", len(self.heard), f"at most {MAX_RELAYED} robots")

    def encode(self, columns: int) -> bytes:
        """As bytes, for a map of so many columns; see `decode_answer`."""
        parts, (row, column) = [self.own.encode()], divmod(self.own.cell, columns)
        for told in self.heard:
            down, right = told.cell // columns - row, told.cell % columns - column
            if max(abs(down), abs(right)) > RADIUS:
                raise InputError("answer: heard", told.cell, f"cells within {RADIUS} of {self.own.cell}")
            place = down * _SIDE + right
            key = told.key.to_bytes(6, "little", signed=True)
            parts.append(_ENTRY.pack(place, key, _NUMBER[tuple(told.ranking)]))
        return b"".join(parts)


def decode_told(data: bytes) -> Told:
    """What `Told.encode` wrote.

    Raises:
        InputError: If the bytes are not such a message.
    """
    if len(data) != _HEAD.size:
        raise InputError("told", f"{len(data)} bytes", f"{_HEAD.size} bytes")
    cell, key, ranking, window = _HEAD.unpack(data)
    nibbles = [part for byte in window for part in (byte & 15, byte >> 4)]
    known = nibbles.index(15) if 15 in nibbles else STEPS
    if any(part != 15 for part in nibbles[known:]):
        raise InputError("told: window", window.hex(), "moves, and then nothing")
    return Told(cell, key, _ranking(ranking), tuple(nibbles[:known]))


def decode_answer(data: bytes, columns: int) -> Answer:
    """What `Answer.encode` wrote, for a map of so many columns.

    Raises:
        InputError: If the bytes are not such a message.
    """
    count, rest = divmod(len(data) - _HEAD.size, _ENTRY.size)
    if count < 0 or rest != 0:
        raise InputError("answer", f"{len(data)} bytes", f"{_HEAD.size} and a multiple of {_ENTRY.size} bytes")
    own = decode_told(data[: _HEAD.size])
    heard = []
    for k in range(count):
        place, key, ranking = _ENTRY.unpack_from(data, _HEAD.size + k * _ENTRY.size)
        down = (place + RADIUS + _SIDE * _SIDE) // _SIDE - _SIDE
        right = place - down * _SIDE
        cell = own.cell + down * columns + right
        if not 0 <= own.cell % columns + right < columns:
            raise InputError("answer: heard", place, "a place on the map")
        heard.append(Told(cell, int.from_bytes(key, "little", signed=True), _ranking(ranking), ()))
    return Answer(own, tuple(heard))


def _ranking(number: int) -> Ranking:
    if number >= len(_RANKINGS):
        raise InputError("ranking", number, f"a number below {len(_RANKINGS)}")
    return _RANKINGS[number]


def moves_of(window: list[int], columns: int) -> tuple[int, ...]:
    """The moves between the flat cells of a window, up to where it ends (`ENDED`)."""
    known = window.index(ENDED) if ENDED in window else len(window)
    return tuple(move_between(before, after, columns) for before, after in pairwise(window[:known]))
