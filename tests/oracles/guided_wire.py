"""The messages of the ``guided`` planner, read the slow way: every one becomes an object, which checks itself."""

from __future__ import annotations

from swarm.errors import InputError
from swarm.planning.guided.joint_search import GROUP
from swarm.planning.guided.messages import ENTRY, HEAD, MEMBER, STUCK, Answer, GuidedMessage
from swarm.planning.pibt.hearing import RADIUS
from swarm.sense.intent import RANKINGS, Ranking

_SIDE = 2 * RADIUS + 1


def decode_message(data: bytes) -> GuidedMessage:
    """What ``GuidedMessage.encode`` wrote.

    Raises:
        InputError: If the bytes are not such a message.
    """
    if len(data) != HEAD.size:
        raise InputError("told", f"{len(data)} bytes", f"{HEAD.size} bytes")
    cell, goal, key, ranking, window = HEAD.unpack(data)
    return GuidedMessage(cell, key, _ranking(ranking & ~STUCK), _unpack(window), goal, bool(ranking & STUCK))


def decode_answer(data: bytes, columns: int) -> Answer:
    """What ``Answer.encode`` wrote, for a map of so many columns.

    Raises:
        InputError: If the bytes are not such a message.
    """
    count = data[HEAD.size] if len(data) > HEAD.size else 0
    start = HEAD.size + 1 + count * ENTRY.size
    members, rest = divmod(len(data) - start, MEMBER.size)
    if not 0 <= members <= GROUP or rest != 0:
        raise InputError("answer", f"{len(data)} bytes", "a head, as many robots as it says, and at most a plan")
    own = decode_message(data[: HEAD.size])
    heard = []
    for k in range(count):
        place, key, ranking = ENTRY.unpack_from(data, HEAD.size + 1 + k * ENTRY.size)
        down = (place + RADIUS + _SIDE * _SIDE) // _SIDE - _SIDE
        right = place - down * _SIDE
        cell = own.cell + down * columns + right
        if not 0 <= own.cell % columns + right < columns:
            raise InputError("answer: heard", place, "a place on the map")
        heard.append(GuidedMessage(cell, int.from_bytes(key, "little", signed=True), _ranking(ranking), ()))
    plan = [MEMBER.unpack_from(data, start + k * MEMBER.size) for k in range(members)]
    return Answer(own, tuple(heard), tuple((robot_id, _unpack(moves)) for robot_id, moves in plan))


def _unpack(data: bytes) -> tuple[int, ...]:
    nibbles = [part for byte in data for part in (byte & 15, byte >> 4)]
    known = nibbles.index(15) if 15 in nibbles else len(nibbles)
    if any(part != 15 for part in nibbles[known:]):
        raise InputError("moves", data.hex(), "moves, and then nothing")
    return tuple(nibbles[:known])


def _ranking(number: int) -> Ranking:
    if number >= len(RANKINGS):
        raise InputError("ranking", number, f"a number below {len(RANKINGS)}")
    return RANKINGS[number]
