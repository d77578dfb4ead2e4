"""What robots of the ``guided`` planner tell each other in the two rounds of a tick: at most 1 KiB each."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise

from swarm.errors import InputError
from swarm.planning.graph.moves import move_between
from swarm.planning.guided.joint_search import GROUP, HORIZON
from swarm.planning.guided.window import ENDED, STEPS
from swarm.planning.pibt.hearing import RADIUS
from swarm.planning.pibt.priority_inheritance import id_of
from swarm.sense.intent import RANKING_NUMBER, Ranking

MAX_RELAYED = (2 * RADIUS + 1) ** 2 - 1
"""Most robots that are near one robot."""
STUCK = 128  # In the byte of the ranking.
HEAD = struct.Struct(f"<IiqB{STEPS // 2}s")  # Cell, goal, key, ranking, window.
ENTRY = struct.Struct("<b6sB")  # Row offset and column offset in one byte, key, ranking.
MEMBER = struct.Struct(f"<I{HORIZON // 2}s")  # Identity, moves.
_SIDE = 2 * RADIUS + 1


@dataclass(frozen=True)
class GuidedMessage:
    """First round: where a robot is and what it means to do.

    Attributes:
        cell: Flat cell (row * columns + column).
        key: Priority, unique; its last 20 bits tell who it is.
        ranking: The five moves, best first.
        moves: The moves of its window, as far as it knows; at most ``STEPS``.
        goal: Flat cell where it has to go; -1: nowhere, or not told.
        stuck: Whether it would like a joint plan.
    """

    cell: int
    key: int
    ranking: Ranking
    moves: tuple[int, ...]
    goal: int = -1
    stuck: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.cell < 1 << 31 or not -1 <= self.goal < 1 << 31:
            raise InputError("told: cell, goal", (self.cell, self.goal), "a cell from 0 on, a goal from -1 on")
        if not -(1 << 47) <= self.key < 1 << 47:
            raise InputError("told: key", self.key, "a key of 48 bits")
        if tuple(self.ranking) not in RANKING_NUMBER:
            raise InputError("told: ranking", self.ranking, "each of the moves 0 to 4 once")
        if len(self.moves) > STEPS or not all(move in range(5) for move in self.moves):
            raise InputError("told: moves", self.moves, f"at most {STEPS} moves 0 to 4")

    @property
    def robot_id(self) -> int:
        """Who it is."""
        return id_of(self.key)

    def encode(self) -> bytes:
        """As bytes; read by ``decode.hear_messages``."""
        ranking = RANKING_NUMBER[tuple(self.ranking)] | (STUCK if self.stuck else 0)
        return HEAD.pack(self.cell, self.goal, self.key, ranking, pack_moves(self.moves, STEPS))


@dataclass(frozen=True)
class Answer:
    """Second round: what a robot means to do after hearing the others, and whom it has heard.

    Attributes:
        own: Of itself.
        heard: What others told in the first round, without their windows and goals.
        plan: A new joint plan: the identity and the moves of each member, all as long, itself first; mostly empty.
    """

    own: GuidedMessage
    heard: tuple[GuidedMessage, ...]
    plan: tuple[tuple[int, tuple[int, ...]], ...] = ()

    def __post_init__(self) -> None:
        if len(self.heard) > MAX_RELAYED:
            raise InputError("answer: heard", len(self.heard), f"at most {MAX_RELAYED} robots")
        if self.plan:
            self._check_plan()

    def _check_plan(self) -> None:
        members, steps = [robot_id for robot_id, _ in self.plan], len(self.plan[0][1])
        known = {told.robot_id for told in self.heard}
        if len(set(members)) < len(members):
            raise InputError("answer: plan", members, "each member once")
        if len(self.heard) >= GROUP or members[0] != self.own.robot_id or not set(members[1:]) <= known:
            raise InputError("answer: plan", members, f"itself, and of fewer than {GROUP} others that it has heard")
        for _, moves in self.plan:
            if len(moves) != steps or not 1 <= steps <= HORIZON or not all(move in range(5) for move in moves):
                raise InputError("answer: plan", moves, f"1 to {HORIZON} moves 0 to 4, as many for each member")

    def encode(self, columns: int) -> bytes:
        """As bytes, for a map of so many columns; read by ``decode.hear_answers``."""
        parts, (row, column) = [self.own.encode(), bytes([len(self.heard)])], divmod(self.own.cell, columns)
        for told in self.heard:
            down, right = told.cell // columns - row, told.cell % columns - column
            if max(abs(down), abs(right)) > RADIUS:
                raise InputError("answer: heard", told.cell, f"cells within {RADIUS} of {self.own.cell}")
            place = down * _SIDE + right
            key = told.key.to_bytes(6, "little", signed=True)
            parts.append(ENTRY.pack(place, key, RANKING_NUMBER[tuple(told.ranking)]))
        parts += [MEMBER.pack(robot_id, pack_moves(moves, HORIZON)) for robot_id, moves in self.plan]
        return b"".join(parts)


def pack_moves(moves: tuple[int, ...], room: int) -> bytes:
    """Moves as half bytes, filled up with 15."""
    nibbles = [*moves, *[15] * (room - len(moves))]
    return bytes(low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2], strict=True))


def moves_of(window: list[int], columns: int) -> tuple[int, ...]:
    """The moves between the flat cells of a window, up to where it ends (``ENDED``)."""
    known = window.index(ENDED) if ENDED in window else len(window)
    return tuple(move_between(before, after, columns) for before, after in pairwise(window[:known]))
