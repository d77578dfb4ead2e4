"""How claims on a cell are compared, so that a robot that lies about how long it has waited does not always win."""

from __future__ import annotations

from swarm.planning.pibt.priority_inheritance import IDS, order_key

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
