"""What a robot of the ``guided`` planner hears, read from the bytes straight into the rows of its ``GuidedState``.

The format is that of ``swarm.planning.guided.messages``, which says it in words and checks what is sent; a tick may
bring 120 answers that relay 120 robots each, too many to make an object of every one.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numba import njit

from swarm.array_types import Int8s, Int32s, Int64s, UInt8s
from swarm.errors import InputError
from swarm.planning.graph.grid_graph import GridGraph
from swarm.planning.guided.joint_search import GROUP, HORIZON
from swarm.planning.guided.kernels import GuidedState
from swarm.planning.guided.messages import ENTRY, HEAD, MEMBER, STUCK
from swarm.planning.guided.window import ENDED, STEPS
from swarm.planning.pibt.hearing import RADIUS
from swarm.planning.pibt.priority_inheritance import id_of_key
from swarm.sense.intent import RANKINGS

_RANKINGS = np.array(RANKINGS, dtype=np.int8)
_SIDE = 2 * RADIUS + 1
_HEAD, _ENTRY, _MEMBER = HEAD.size, ENTRY.size, MEMBER.size


@njit(cache=True)
def _number(data: UInt8s, at: int, size: int) -> int:
    """Little-endian, signed."""
    value = np.int64(0)
    for k in range(size):
        value |= np.int64(data[at + k]) << (8 * k)
    if size < 8 and value >> (8 * size - 1):
        value -= np.int64(1) << (8 * size)
    return int(value)


@njit(cache=True)
def _node_at(node: Int32s, cell: int) -> int:
    """The node of a flat cell, -1 if it is not free or not on the map."""
    rows, columns = node.shape
    return node[cell // columns, cell % columns] if 0 <= cell < rows * columns else -1


@njit(cache=True)
def _keep(states: GuidedState, row: int, here: int, key: int) -> None:
    states.cell[row], states.key[row], states.robot_id[row] = here, key, id_of_key(key)
    states.plans.leader[row], states.plans.fresh[row] = -1, False


@njit(cache=True)
def _read_heads(
    data: UInt8s, offsets: Int64s, node: Int32s, step: Int32s, states: GuidedState, windows: Int32s, rankings: Int8s
) -> int:
    """Fill rows 1 to k from k heads; returns the number of the first that makes no sense, or k."""
    for k in range(len(offsets)):
        at, row = offsets[k], k + 1
        here, goal = _node_at(node, _number(data, at, 4)), _number(data, at + 4, 4)
        key, code = _number(data, at + 8, 8), data[at + 16]
        if here < 0 or not -(1 << 47) <= key < 1 << 47 or (code & ~STUCK) >= len(_RANKINGS) or goal < -1:
            return k
        states.goal[row] = -1 if goal < 0 else _node_at(node, goal)
        if goal >= 0 and states.goal[row] < 0:
            return k
        _keep(states, row, here, key)
        rankings[row], states.stuck[row] = _RANKINGS[code & ~STUCK], code >= STUCK
        windows[row] = ENDED
        windows[row, 0] = here
        for time in range(STEPS):
            move = (data[at + 17 + time // 2] >> (4 * (time % 2))) & 15
            here = step[here, move] if move < 5 else -1
            if here < 0:
                break
            windows[row, time + 1] = here
    return len(offsets)


@njit(cache=True)
def _relayed_node(data: UInt8s, entry: int, node: Int32s, cell: int) -> int:
    """The node of a robot that somebody at a flat cell relays, -1 if it is not free or not on the map."""
    rows, columns = node.shape
    apart = _number(data, entry, 1)
    down = (apart + RADIUS + _SIDE * _SIDE) // _SIDE - _SIDE
    row, column = cell // columns + down, cell % columns + apart - down * _SIDE
    return node[row, column] if 0 <= row < rows and 0 <= column < columns else -1


@njit(cache=True)
def _read_relays(data: UInt8s, offsets: Int64s, node: Int32s, cells: Int64s, states: GuidedState, at: Int32s) -> int:
    """Fill the rows after those of the heads with whom the answers relay; how many rows there are then, or -1 - k."""
    count, bad = 1 + len(offsets), -1
    for row in range(count):
        at[states.cell[row]] = row
    for k in range(len(offsets)):
        start = offsets[k] + _HEAD + 1
        for entry in range(start, start + data[start - 1] * _ENTRY, _ENTRY):
            here, code = _relayed_node(data, entry, node, cells[states.cell[k + 1]]), data[entry + 7]
            if here < 0 or code >= len(_RANKINGS):
                bad = k
                break
            if at[here] < 0 and count < len(states.cell):
                _keep(states, count, here, _number(data, entry + 1, 6))
                states.first[count] = states.ranking[count] = _RANKINGS[code]
                at[here] = count
                count += 1
    for row in range(count):
        at[states.cell[row]] = -1
    return count if bad < 0 else -1 - bad


@njit(cache=True)
def _moves_told(data: UInt8s, at: int) -> int:
    """How many moves of a member of a plan are told, -1 if they make no sense: moves, and then nothing."""
    count = HORIZON
    for time in range(HORIZON):
        move = (data[at + time // 2] >> (4 * (time % 2))) & 15
        if move == 15:
            count = min(count, time)
        elif move > 4 or time > count:
            return -1
    return count


@njit(cache=True)
def _member_node(
    data: UInt8s, start: int, heard: int, robot_id: int, node: Int32s, cells: Int64s, states: GuidedState, row: int
) -> int:
    """Where a member of a plan is that begins with the robot in this row, by what that one has heard; -1 if unknown."""
    found = states.cell[row] if robot_id == states.robot_id[row] else -1
    for entry in range(start, start + heard * _ENTRY, _ENTRY):
        if id_of_key(_number(data, entry + 1, 6)) == robot_id:
            found = _relayed_node(data, entry, node, cells[states.cell[row]])
    return found


@njit(cache=True)
def _read_plan(
    data: UInt8s, start: int, end: int, row: int, node: Int32s, cells: Int64s, step: Int32s, states: GuidedState
) -> bool:
    """Keep the plan at the end of an answer, if there is one and it leads into no wall; whether it makes sense."""
    plans, heard = states.plans, int(data[start + _HEAD])
    entries = start + _HEAD + 1
    first = entries + heard * _ENTRY
    members = (end - first) // _MEMBER
    if members == 0:
        return True
    steps, whole = _moves_told(data, first + 4), True
    if heard >= GROUP or steps < 1:
        return False
    plans.members[row], plans.path[row] = -1, ENDED
    for k in range(members):
        at = first + k * _MEMBER
        robot_id = _number(data, at, 4)
        here = _member_node(data, entries, heard, robot_id, node, cells, states, row)
        leads = robot_id == states.robot_id[row]
        if here < 0 or leads != (k == 0) or np.any(plans.members[row, :k] == robot_id):
            return False
        if _moves_told(data, at + 4) != steps:
            return False
        plans.members[row, k], plans.path[row, k, 0] = robot_id, here
        for time in range(steps):
            here = step[here, (data[at + 4 + time // 2] >> (4 * (time % 2))) & 15] if here >= 0 else -1
            plans.path[row, k, time + 1] = here
        whole = whole and here >= 0
    if whole:
        plans.leader[row], plans.steps[row], plans.now[row] = states.robot_id[row], steps, 0
        plans.fresh[row] = True
    return True


@njit(cache=True)
def _read_plans(
    data: UInt8s, offsets: Int64s, node: Int32s, cells: Int64s, step: Int32s, states: GuidedState
) -> int:  # fmt: skip
    """Keep the new plans of k answers; returns the number of the first that makes no sense, or k."""
    for k in range(len(offsets)):
        end = offsets[k + 1] if k + 1 < len(offsets) else len(data)
        if not _read_plan(data, offsets[k], end, k + 1, node, cells, step, states):
            return k
    return len(offsets)


def _joined(messages: Iterable[bytes]) -> tuple[list[bytes], UInt8s, Int64s]:
    """Messages sorted by the cells of their senders, the bytes of all, and where each begins."""
    ordered = sorted(messages, key=lambda data: int.from_bytes(data[:4], "little"))
    offsets = np.cumsum([0, *(len(data) for data in ordered)])[:-1]
    return ordered, np.frombuffer(b"".join(ordered), dtype=np.uint8), offsets


def hear_messages(messages: Iterable[bytes], graph: GridGraph, states: GuidedState) -> tuple[int, UInt8s]:
    """Take in the first round: fill the rows from 1 on, in the order of the senders' cells.

    Returns:
        How many there are, and the entries by which an answer relays them, ``uint8[k, 8]``.

    Raises:
        InputError: If a message is not one of a robot on this map.
    """
    told, data, offsets = _joined(messages)
    for one in told:
        if len(one) != _HEAD:
            raise InputError("told", f"{len(one)} bytes", f"{_HEAD} bytes")
    good = _read_heads(data, offsets, graph.node, graph.step, states, states.told, states.first)
    if good < len(told):
        raise InputError("told", told[good].hex(), "cell, goal, key, ranking and window of a robot on this map")
    states.ranking[1 : good + 1] = states.first[1 : good + 1]
    heads = data.reshape(good, _HEAD)
    rows, columns = np.divmod(graph.cells[states.cell[: good + 1]], graph.columns)
    entries = np.empty((good, _ENTRY), dtype=np.uint8)
    entries[:, 0] = ((rows[1:] - rows[0]) * _SIDE + columns[1:] - columns[0]).astype(np.int8).view(np.uint8)
    entries[:, 1:7], entries[:, 7] = heads[:, 8:14], heads[:, 16] & ~np.uint8(STUCK)
    return good, entries


def hear_answers(messages: Iterable[bytes], graph: GridGraph, states: GuidedState, at: Int32s) -> tuple[int, int]:
    """Take in the second round: fill the rows from 1 on, then those that are only relayed.

    Args:
        messages: As they came.
        graph: The map.
        states: Rows to fill; row 0 is the robot itself.
        at: int32[nodes] full of -1, also afterwards.

    Returns:
        How many answers there are, and how many rows are filled.

    Raises:
        InputError: If a message is not one of a robot on this map.
    """
    answers, data, offsets = _joined(messages)
    planned = False
    for one in answers:
        end = _HEAD + 1 + one[_HEAD] * _ENTRY if len(one) > _HEAD else _HEAD + 1
        members, rest = divmod(len(one) - end, _MEMBER)
        if rest != 0 or not 0 <= members <= GROUP:
            raise InputError("answer", f"{len(one)} bytes", "a head, as many robots as it says, and at most a plan")
        planned = planned or members > 0
    good = _read_heads(data, offsets, graph.node, graph.step, states, states.window, states.ranking)
    count = _read_relays(data, offsets, graph.node, graph.cells, states, at) if good == len(answers) else -1 - good
    if count >= 0 and planned:
        good = _read_plans(data, offsets, graph.node, graph.cells, graph.step, states)
        count = count if good == len(answers) else -1 - good
    if count < 0:
        raise InputError("answer", answers[-1 - count].hex(), "what robots on this map have told")
    return len(answers), count
