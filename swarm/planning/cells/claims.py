"""Which cell a robot claims, and how claims on one are compared, so that a robot that lies does not always win."""

from __future__ import annotations

import numpy as np
from numba import njit

from swarm.array_types import Flags, Int32s, Int64s
from swarm.planning.pibt.priority_inheritance import IDS, order_key, pibt_moves

LONGEST = 1 << 13
"""The largest order that counts [ticks]: who has waited so long goes no later than whoever says that he waited longer.
"""


def bounded_priority(key: int, robot_id: int) -> int:
    """The priority that a robot tells of itself as far as it counts: of an order that can be, with its own identity."""
    return order_key(min(key // IDS, LONGEST), robot_id)


def claim_rank(key: int, robot_id: int, cell: int) -> int:
    """What claims on one cell are compared by, the larger goes first; the same for whoever works it out.

    The order of a claim may be inherited from somebody whom its reader does not hear, so nobody can check it. Among
    those that are as large as they can be, the cell decides between the robots that claim it: one that lies about its
    order wins no more often than one that has waited so long.

    Args:
        key: The priority that the claim carries (``swarm.planning.pibt.priority_inheritance.priority_key``).
        robot_id: Who claims.
        cell: What is claimed, flat index.
    """
    if key // IDS < LONGEST:
        return key
    # Odd factors mix the bits, and no two robots get the same number.
    return LONGEST * IDS + ((robot_id * 0x9E37B ^ cell * 0x9E3779B1 >> 7) & (IDS - 1))


@njit(cache=True)
def first_move(known: Int64s, free: Flags, work: Int32s) -> tuple[int, int]:
    """The next cell of the first of n robots by ``pibt_moves`` without rotation, and the priority that it goes with.

    Args:
        known: Of each robot its cell, its priority, its next cell if that is settled (else -1), and the moves in the
            order in which it prefers them, int64[n, 8].
        free: Where robots may be, bool[rows, columns].
        work: As of ``pibt_moves``.
    """
    priority, ranking = known[:, 1].copy(), known[:, 3:].astype(np.int8)
    target, root = pibt_moves(known[:, 0].copy(), ranking, priority, free, known[:, 2].copy(), False, work)
    return target[0], priority[root[0]]
