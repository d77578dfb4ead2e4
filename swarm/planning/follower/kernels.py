"""What a follower plans and decides: kernels for the first ``count`` of n robots.

A team passes all of its robots; a robot alone passes itself (``count`` is 1) and then those that it sees or has heard
of. Either way nothing is read of robots that a robot cannot know of.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from swarm.array_types import Array, Float32s, Int32s, Int64s
from swarm.mixing import split_mix
from swarm.planning.follower.costs import cost_field, find_path, see
from swarm.planning.follower.view import LEAST, REACH, WAITED
from swarm.planning.pibt.hearing import neighbours, relayed
from swarm.planning.pibt.priority_inheritance import pack_key

_FAR = 1 << 20  # cost left, in 64ths, from which on robots count as equally far


@njit(cache=True)
def gumbel_noise(ids: Int64s, tick: int) -> Float32s:
    """Standard Gumbel noise float32[n, 5], a function of identity, tick and move alone (SplitMix64 of the three)."""
    noise = np.empty((len(ids), 5), np.float32)
    for robot in range(len(ids)):
        for move in range(5):
            word = (np.uint64(ids[robot]) << np.uint64(36)) ^ (np.uint64(tick) << np.uint64(3)) ^ np.uint64(move)
            uniform = (np.float64(split_mix(split_mix(word)) >> np.uint64(11)) + 0.5) / 9007199254740992.0  # in (0, 1)
            noise[robot, move] = -np.log(-np.log(uniform))
    return noise


@njit(cache=True)
def plan_ways(
    count: int, cell: Int64s, goal: Int64s, ids: Int64s, robot_at: Int32s, static: Float32s, width: int,
    fields: Float32s, seen: Int32s, bits: int, held: Int64s, memory: Array, cost: Array, mark: Int32s, parent: Int32s,
    keys: Array, nodes: Int64s, epoch: int, way: Int32s, priority: Int64s,
) -> int:  # fmt: skip
    """Plan the paths of the first ``count`` robots, from what each knows itself.

    Args:
        count: Robots that plan.
        cell: int64[n], where everyone is.
        goal: int64[count], -1 without one.
        ids: int64[count], identities, which settle equal priorities.
        robot_at: int32[cells], index of the robot in each cell, -1 without one.
        static: float32[cells], see ``follower_costs``.
        width: Cells in a row.
        fields: float32[count, cells], made new for robots with another goal.
        seen: int32[count, 2**bits], what each has seen since its last goal.
        bits: See ``follower_costs.see``.
        held: int64[count], goals that the fields are of; replaced.
        memory: float64[count, 2], least cost left so far, and steps since; replaced.
        cost: Scratch of ``find_path``, and the four that follow.
        mark: Likewise.
        parent: Likewise.
        keys: Likewise.
        nodes: Likewise.
        epoch: Number of searches so far.
        way: int32[count, LENGTH], written: the path, own cell first, filled up with its last cell.
        priority: int64[n], written for the first ``count``: who is nearer to its goal goes first.

    Returns:
        Number of searches so far.
    """
    for robot in range(count):
        here = cell[robot]
        way[robot] = here
        priority[robot] = pack_key(0, ids[robot])
        if goal[robot] < 0:
            held[robot] = -1
            continue
        if held[robot] != goal[robot]:
            cost_field(static, width, goal[robot], fields[robot], keys, nodes)
            held[robot], seen[robot], memory[robot, LEAST] = goal[robot], 0, np.inf
        left = fields[robot, here]
        if not left < np.inf:
            continue
        for row in range(-REACH, REACH + 1):
            for place in range(here + row * width - REACH, here + row * width + REACH + 1):
                if robot_at[place] >= 0 and place != here:
                    see(seen[robot], bits, place)
        memory[robot, WAITED] = 0.0 if left < memory[robot, LEAST] else memory[robot, WAITED] + 1.0
        memory[robot, LEAST] = min(left, memory[robot, LEAST])
        priority[robot] = pack_key(_FAR - int(min(64.0 * left, _FAR - 1.0)), ids[robot])
        epoch += 1
        written = find_path(
            static, width, fields[robot], seen[robot], bits, here, goal[robot], cost, mark, parent, keys, nodes, epoch,
            way[robot],
        )  # fmt: skip
        way[robot, written:] = way[robot, written - 1]
    return epoch


@njit(cache=True)
def knowing(cell: Int64s, shape: tuple[int, int], robot_at: Int32s) -> tuple[Int64s, Int64s]:
    """Of whom each robot knows: itself, whom it hears, and whom these pass on, as ``own_moves`` takes them.

    Args:
        cell: int64[n].
        shape: Rows and columns, with the border.
        robot_at: int32[cells] full of -1, also afterwards.
    """
    n = len(cell)
    first, who = neighbours(cell, shape, robot_at)
    start, groups, mark = np.zeros(n + 1, np.int64), np.empty(32 * n, np.int64), np.full(n, -1, np.int32)
    for robot in range(n):
        near, passed_on = who[first[robot] : first[robot + 1]], relayed(robot, first, who, mark)
        at = start[robot]
        middle, end = at + 1 + len(near), at + 1 + len(near) + len(passed_on)
        while end > len(groups):
            groups = np.concatenate((groups, np.empty_like(groups)))
        groups[at], groups[at + 1 : middle], groups[middle:end] = robot, near, passed_on
        start[robot + 1] = end
    return start, groups
