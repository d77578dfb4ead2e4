"""What a robot of the ``guided`` planner does in one tick, in the three parts between which messages go round.

Each function is one robot's part and reads its own row and those rows that it has been told (``who``); a team is a
loop over robots, and a robot alone holds what it has heard in the rows after its own (``swarm.planning.guided.robot``).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from swarm.array_types import Array, Flags, Float32s, Int8s, Int32s, Int64s
from swarm.mixing import mix
from swarm.planning.graph.cost_field import FAR, UNIT
from swarm.planning.graph.grid_graph import copy_row, order_moves
from swarm.planning.graph.traffic import DENSITY
from swarm.planning.guided.joint_plan import (
    ORDER,
    STUCK,
    Plans,
    heard_plan,
    key_of,
    make_plan,
    make_plans,
    may_search,
    next_node,
    patience,
    place,
    still_on,
)
from swarm.planning.guided.joint_search import GROUP, Search
from swarm.planning.guided.window import ENDED, STEPS, Room, plan_window, rank
from swarm.planning.pibt.hearing import involved
from swarm.planning.pibt.priority_inheritance import IDS, own_moves, pack_key

_FADING = 0.98  # Of what was seen, from tick to tick.
_SEEN = 500.0  # Free cells that count as seen before the first look.
_STALLED, _EPOCH, _SHARE = 8, 8, 4  # Ticks without coming nearer; of a turn at going first; one turn in so many.
_DESPERATE = 64  # Ticks without coming nearer, after which a turn is longer and minds nobody.
# A key is the order, and the identity; orders from ``joint_plan.ORDER`` on are of robots that follow a plan.
_TURNS = 1 << 22  # Orders from here on are of robots whose turn it is; below 0 of those on their way.
_IDLE = -(1 << 23)
UNKNOWN = 1 << 40  # Least cost left, while the goal is new.


class Rules(NamedTuple):
    """What all robots do alike; each part can be left out to see what it is worth.

    Attributes:
        lanes: Price of one robot a step that comes the other way, at the density that is seen [steps].
        meeting: Price of a cell or an edge that a neighbour's window takes [``cost_field.UNIT`` a step].
        halves: Whether half of the robots, by chance, plan after hearing the first round.
        relay: Whether robots mind those of whom they are only told.
        turns: Whether robots that come no nearer get turns at going first.
        joint: Whether a handful of stuck robots plan together.
    """

    lanes: float = 6.0
    meeting: int = 4 * UNIT
    halves: bool = True
    relay: bool = True
    turns: bool = True
    joint: bool = True


RULES = Rules()
"""Everything."""


class GuidedState(NamedTuple):
    """State of n robots, and what they tell. Nodes are those of a ``GridGraph``.

    Attributes:
        robot_id: Identities, 0 to 1,048,575, int64[n].
        cell: Where each robot is, int32[n].
        goal: Where it has to go, -1 without a goal, int32[n].
        stuck: Whether it would like a joint plan, bool[n].
        window: Where it expects to be, from now on, int32[n, STEPS + 1].
        told: The same as told in the first round of messages.
        ranking: Its moves, the best first, int8[n, 5].
        first: The same as told in the first round.
        key: Priority, larger goes first, all different, int64[n].
        nearest: Least cost left since the goal is new, int64[n].
        stalled: Ticks since then, int64[n].
        patience: Ticks without coming nearer after which it is stuck, int64[n].
        density: Robots and free cells that it has seen, fading, float64[n, 2].
        scale: Cost of traffic that comes the other way (``cost_field.step_cost``), float64[n].
        plans: Of what it follows together with others.
        rules: The same for all.
    """

    robot_id: Int64s
    cell: Int32s
    goal: Int32s
    stuck: Flags
    window: Int32s
    told: Int32s
    ranking: Int8s
    first: Int8s
    key: Int64s
    nearest: Int64s
    stalled: Int64s
    patience: Int64s
    density: Array
    scale: Array
    plans: Plans
    rules: Rules


def make_minds(robot_ids: Int64s, rules: Rules) -> GuidedState:
    """Robots that have not yet been anywhere."""
    n = len(robot_ids)
    return GuidedState(
        robot_id=np.ascontiguousarray(robot_ids, dtype=np.int64), cell=np.full(n, -1, np.int32),
        goal=np.full(n, -1, np.int32), stuck=np.zeros(n, np.bool_), window=np.full((n, STEPS + 1), ENDED, np.int32),
        told=np.full((n, STEPS + 1), ENDED, np.int32), ranking=np.zeros((n, 5), np.int8),
        first=np.zeros((n, 5), np.int8), key=np.zeros(n, np.int64), nearest=np.full(n, UNKNOWN, np.int64),
        stalled=np.zeros(n, np.int64), patience=np.full(n, STUCK, np.int64),
        density=np.tile([DENSITY * _SEEN, _SEEN], (n, 1)), scale=np.zeros(n), plans=make_plans(n), rules=rules,
    )  # fmt: skip


@njit(cache=True)
def look(states: GuidedState, i: int, seen: int, visible: int) -> None:
    """Remember how crowded it is: how many robots are seen, on how many free cells; have less patience there."""
    states.patience[i] = patience(seen, visible)
    states.density[i, 0] = _FADING * states.density[i, 0] + seen
    states.density[i, 1] = _FADING * states.density[i, 1] + visible


@njit(cache=True)
def new_goal(states: GuidedState, i: int) -> None:
    """Forget how near it was; weigh traffic by how crowded it is."""
    states.nearest[i], states.stalled[i] = UNKNOWN, 0
    states.scale[i] = states.rules.lanes * UNIT * states.density[i, 0] / (DENSITY * max(states.density[i, 1], 1.0))


@njit(cache=True)
def _epoch(states: GuidedState, i: int, tick: int) -> int:
    """Number of the turn at going first that a stalled robot has now, -1 if it has none."""
    epoch = tick // (8 * _EPOCH if states.stalled[i] >= _DESPERATE else _EPOCH)
    if not states.rules.turns or states.stalled[i] < _STALLED or mix(epoch, states.robot_id[i]) % _SHARE > 0:
        return -1
    return epoch


@njit(cache=True)
def is_late(states: GuidedState, i: int, tick: int) -> bool:
    """Whether it plans in the second round, after hearing the first; by chance, anew in every tick."""
    return states.rules.halves and mix(tick, states.robot_id[i]) % 2 == 1


@njit(cache=True)
def begin(states: GuidedState, i: int, tick: int, left: int) -> bool:
    """A tick begins: take one step off the window, and work out the priority.

    Robots with a joint plan go first; then those that have come no nearer for some time, by turns; then who is nearest
    to its goal.

    Args:
        states: All robots.
        i: The robot; where it is, is up to date.
        tick: The same for all robots.
        left: Cost left to its goal.

    Returns:
        Whether it tells what it meant to do before: it follows a plan, or waits for what the others tell.
    """
    window, here, robot_id = states.window[i], states.cell[i], states.robot_id[i]
    kept = window[1] == here
    if kept:
        for time in range(STEPS):
            window[time] = window[time + 1]
        window[STEPS] = ENDED
    else:
        window[:] = ENDED
        window[0] = here
    if states.nearest[i] == UNKNOWN or not still_on(states.plans, i, robot_id, here):
        states.plans.leader[i] = -1
    states.plans.fresh[i] = False
    states.stalled[i] += 1
    if left < states.nearest[i]:
        states.nearest[i], states.stalled[i] = left, 0
    states.stuck[i] = (
        states.goal[i] >= 0 and states.stalled[i] >= states.patience[i] and may_search(states.plans, i, tick)
    )
    if states.plans.leader[i] >= 0:
        states.key[i] = key_of(states.plans.leader[i], robot_id)
        _follow(states, i)
        return True
    epoch = _epoch(states, i, tick)
    order = max(-left, -_TURNS)
    if states.goal[i] < 0:
        order = _IDLE
    elif epoch >= 0:
        order = _TURNS + mix(epoch, robot_id + IDS) % _TURNS
    states.key[i] = pack_key(order, robot_id)
    return kept and is_late(states, i, tick)


@njit(cache=True)
def _follow(states: GuidedState, i: int) -> None:
    """Make what is left of the plan the window."""
    plans, member = states.plans, place(states.plans, i, states.robot_id[i])
    states.window[i] = ENDED
    for time in range(min(STEPS, plans.steps[i] - plans.now[i]) + 1):
        states.window[i, time] = plans.path[i, member, plans.now[i] + time]


@njit(cache=True)
def _agree(step: Int32s, states: GuidedState, i: int, near: Int32s, tick: int, room: Search) -> None:
    """After the first round: drop the plan if somebody else has, or make one."""
    plans, stuck, planned = states.plans, states.stuck[i], False
    for row in near:
        if place(plans, i, states.robot_id[row]) >= 0:
            with_us = states.key[row] == key_of(plans.leader[i], states.robot_id[row])
            if not with_us or not still_on(plans, i, states.robot_id[row], states.cell[row]):
                plans.leader[i] = -1
        planned = planned or states.key[row] >= ORDER * IDS
        if stuck and states.stuck[row] and states.key[row] > states.key[i]:
            stuck, plans.tried[i] = False, tick  # The other tries.
    if states.rules.joint and stuck and not planned and len(near) < GROUP:
        urgent = states.stalled[i] >= _STALLED
        make_plan(step, states.robot_id, states.cell, states.goal, i, near, tick, urgent, plans, room)


@njit(cache=True)
def reconsider(
    step: Int32s, field: Int32s, against: Float32s, states: GuidedState, i: int, tick: int, near: Int32s, room: Room,
    search: Search,
) -> None:  # fmt: skip
    """After the first round: what the robot means to do now, its window and its ranking."""
    followed = states.plans.leader[i] >= 0
    _agree(step, states, i, near, tick, search)
    if states.plans.leader[i] >= 0:
        _follow(states, i)
        keep(step, field, states, i, tick, states.window[i], states.ranking[i])
    elif followed or is_late(states, i, tick):
        now = int(np.int64(0))  # no constant: with one, all that is called would be compiled for it alone
        plan(step, field, against, states, i, tick, states.told, near, now, room, states.window[i], states.ranking[i])
    else:
        copy_row(states.told[i], states.window[i])
        copy_row(states.first[i], states.ranking[i])


@njit(cache=True)
def plan(
    step: Int32s, field: Int32s, against: Float32s, states: GuidedState, i: int, tick: int, windows: Int32s, who:
    Int32s, later: int, room: Room, window: Int32s, ranking: Int8s,
) -> None:  # fmt: skip
    """Plan a new window, and rank the moves by it; see ``window.plan_window``."""
    heedless = states.stalled[i] >= _DESPERATE and _epoch(states, i, tick) >= 0
    price = 0 if heedless else states.rules.meeting
    seed = mix(tick, states.robot_id[i] + 2 * IDS) % IDS
    plan_window(
        step, field, against, states.scale[i], windows, who, later, price, seed, states.window[i].copy(), room, window,
        ranking,
    )  # fmt: skip


@njit(cache=True)
def keep(step: Int32s, field: Int32s, states: GuidedState, i: int, tick: int, window: Int32s, ranking: Int8s) -> None:
    """Tell the window as it is; the moves are ranked by the way left, its next step first."""
    costs, preferred = np.full(5, FAR, dtype=np.int32), -1
    copy_row(states.window[i], window)
    for move in range(5):
        after = step[states.cell[i], move]
        if after >= 0:
            costs[move] = field[after] + (UNIT // 2 if move == 0 else 0)
            if after == window[1]:
                costs[move], preferred = -1, move
    rank(costs, preferred, mix(tick, states.robot_id[i]) % IDS, ranking)


@njit(cache=True)
def _obey(step: Int32s, states: GuidedState, leaders: Int32s, rows: Int64s, keys: Int64s, ranking: Int8s) -> None:
    """Have robots do what new plans tell them, which they did not know when they told what they meant to do."""
    for k in range(len(rows)):
        robot_id = states.robot_id[rows[k]]
        row = heard_plan(states.plans, leaders, robot_id)
        if row >= 0:
            keys[k] = key_of(states.plans.leader[row], robot_id)
            costs = np.empty(5, dtype=np.int64)
            for at in range(5):
                move = ranking[k, at]
                planned = step[states.cell[rows[k]], move] == next_node(states.plans, row, robot_id)
                costs[move] = -1 if planned else at
            order_moves(costs, ranking[k])


@njit(cache=True)
def decide(
    step: Int32s, two: Int32s, place: Int32s, free: Flags, states: GuidedState, i: int, near: Int32s, relayed: Int32s,
    at: Int32s, work: Int32s,
) -> int:  # fmt: skip
    """The move of one robot: priority inheritance among those that it knows of, by what they have told last.

    Args:
        step: Of the graph.
        two: The nodes within two steps of each (``hearing.two_steps``).
        place: Row and column of each node.
        free: The map.
        states: All robots.
        i: The robot.
        near: Robots that it hears itself, int32[k].
        relayed: Robots of which it was told, int32[m]; of them it knows the ranking of the first round.
        at: int32[nodes] full of -1, also afterwards.
        work: int32[2, rows * columns] full of -1, also afterwards.

    Returns:
        0 to 4.
    """
    known = np.concatenate((near, relayed)) if states.rules.relay else near
    for row in known:
        at[states.cell[row]] = row
    rows = np.empty(len(known) + 1, dtype=np.int64)
    rows = rows[: involved(i, states.cell, two, place, len(free) + free.shape[1], at, rows)]
    for row in relayed:
        at[states.cell[row]] = -1  # of those near, and of itself, it has heard the second round
    count = len(rows)
    cells, ranking = np.empty(count, dtype=np.int64), np.empty((count, 5), dtype=np.int8)
    keys = np.empty(count, dtype=np.int64)
    for k in range(count):
        row = rows[k]
        here = states.cell[row]
        cells[k], keys[k] = place[here, 0] * free.shape[1] + place[here, 1], states.key[row]
        copy_row((states.ranking if at[here] == row else states.first)[row], ranking[k])
    for row in near:
        at[states.cell[row]] = -1
    at[states.cell[i]] = -1
    leaders = np.append(near, np.int32(i))
    leaders = leaders[states.plans.fresh[leaders]]
    if len(leaders) > 0:
        _obey(step, states, leaders, rows, keys, ranking)
    first = np.array([0, count])
    return own_moves(first, np.arange(count), cells, ranking, keys, free, work)[0]
