"""A handful of robots that are stuck follow one plan: who makes it, who follows it, and when it is dropped.

Of robots that are stuck and hear at most ``GROUP`` - 1 others, the first in order plans for itself and for those that
it hears, when it has heard the first round (``joint_search``). Its answer tells the plan; the others take it over, and
until it ends all of them go before everybody else. Who finds a robot elsewhere, gets a new goal, or hears that
somebody has dropped the plan, drops it too.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from swarm.array_types import Flags, Int32s, Int64s
from swarm.planning.graph.grid_graph import copy_row
from swarm.planning.guided.joint_search import GROUP, HORIZON, Search, plan_jointly, within_reach
from swarm.planning.pibt.priority_inheritance import pack_key

STUCK = 3
"""Ticks without coming nearer after which a robot is stuck."""
_EAGER, _CROWDED = 1, 12  # The same where another robot is seen for every so many free cells, or more.
ORDER = 1 << 23
"""Who follows a plan has a key from ``ORDER * IDS`` on; larger than that by the identity of its leader."""
_PAUSE = 2  # Ticks from one search to the next.
_NONE = -1


class Plans(NamedTuple):
    """What n robots know of the plans that they follow.

    Attributes:
        leader: Who made it, -1 without a plan, int64[n].
        members: Identities, the leader first, -1 after the last, int64[n, GROUP].
        path: Node of each member at each step, -1 after the last, int32[n, GROUP, HORIZON + 1].
        steps: Steps that it has, int64[n].
        now: Step at which the members are, int64[n].
        fresh: Whether the robot has made it in this tick, bool[n].
        tried: Tick of the robot's last search, int64[n].
    """

    leader: Int64s
    members: Int64s
    path: Int32s
    steps: Int64s
    now: Int64s
    fresh: Flags
    tried: Int64s


def make_plans(n: int) -> Plans:
    """No robot follows a plan."""
    return Plans(
        np.full(n, _NONE, np.int64), np.full((n, GROUP), _NONE, np.int64),
        np.full((n, GROUP, HORIZON + 1), _NONE, np.int32), np.zeros(n, np.int64), np.zeros(n, np.int64),
        np.zeros(n, np.bool_), np.full(n, -_PAUSE, np.int64),
    )  # fmt: skip


@njit(cache=True)
def patience(seen: int, visible: int) -> int:
    """Ticks without coming nearer after which a robot is stuck that sees so many others on so many free cells."""
    return _EAGER if _CROWDED * seen >= visible else STUCK


@njit(cache=True, inline="always")
def key_of(leader: int, robot_id: int) -> int:
    """Key of a robot that follows a leader's plan."""
    return pack_key(ORDER + leader, robot_id)


@njit(cache=True)
def place(plans: Plans, i: int, robot_id: int) -> int:
    """Which member of the plan that robot i knows a robot is, -1 if none."""
    if plans.leader[i] >= 0:
        for k in range(GROUP):
            if plans.members[i, k] == robot_id:
                return k
    return _NONE


@njit(cache=True)
def may_search(plans: Plans, i: int, tick: int) -> bool:
    """Whether it follows no plan, and has not searched for a while."""
    return plans.leader[i] < 0 and tick - plans.tried[i] >= _PAUSE


@njit(cache=True)
def still_on(plans: Plans, i: int, robot_id: int, here: int) -> bool:
    """Whether robot i's plan goes on and has a robot at a node now."""
    member = place(plans, i, robot_id)
    return member >= 0 and plans.now[i] < plans.steps[i] and plans.path[i, member, plans.now[i]] == here


@njit(cache=True)
def next_node(plans: Plans, i: int, robot_id: int) -> int:
    """Where robot i's plan has a member go next."""
    return plans.path[i, place(plans, i, robot_id), plans.now[i] + 1]


@njit(cache=True)
def make_plan(
    step: Int32s, robot_id: Int64s, where: Int32s, goal: Int32s, i: int, near: Int32s, tick: int, urgent: bool,
    plans: Plans, room: Search,
) -> None:  # fmt: skip
    """Robot i plans for itself and for those near it that are within reach, if they are few and there is a plan.

    Args:
        step: Of the graph, int32[nodes, 5].
        robot_id: Identities, int64[n].
        where: Node of each robot, int32[n].
        goal: Node of each robot's goal, -1 if it has none, int32[n].
        i: The robot.
        near: Robots that it has heard, int32[k], k less than ``GROUP``.
        tick: The same for all robots.
        urgent: Whether it is enough that robot i comes nearer.
        plans: Where the plan goes.
        room: Memory of the search.
    """
    plans.tried[i] = tick
    others = within_reach(step, where, i, near, room)
    if len(others) == 0:
        return
    rows = np.concatenate((np.array([i], dtype=np.int32), others))
    plans.path[i], plans.members[i] = _NONE, _NONE
    steps = plan_jointly(step, where[rows], goal[rows], urgent, room, plans.path[i])
    if steps > 0:
        plans.leader[i], plans.steps[i], plans.now[i], plans.fresh[i] = robot_id[i], steps, 0, True
        for k in range(len(rows)):
            plans.members[i, k] = robot_id[rows[k]]


@njit(cache=True)
def heard_plan(plans: Plans, near: Int32s, robot_id: int) -> int:
    """Of plans that are new, that which a robot follows: the row of the leader, -1 without one."""
    best = _NONE
    for row in near:
        if best >= 0 and plans.leader[row] <= plans.leader[best]:
            continue
        if plans.fresh[row] and place(plans, row, robot_id) >= 0:
            best = row
    return best


@njit(cache=True)
def advance(plans: Plans, i: int, near: Int32s, robot_id: int) -> None:
    """The tick is over: take over a plan that was told, or go on in one's own."""
    row = heard_plan(plans, near, robot_id)
    if row >= 0:
        plans.leader[i], plans.steps[i], plans.now[i] = plans.leader[row], plans.steps[row], 1
        copy_row(plans.members[row], plans.members[i])
        for k in range(plans.path.shape[1]):
            copy_row(plans.path[row, k], plans.path[i, k])
    elif plans.leader[i] >= 0:
        plans.now[i] += 1
