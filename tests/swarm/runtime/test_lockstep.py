"""Cells are reserved without a common clock: whatever the network does to messages, nobody holds what another holds."""

import heapq
import itertools
import math

import numpy as np
import pytest
from oracles.cell_world import TinyGrid, draw_jobs

from swarm.model.body import body_of
from swarm.model.dynamics import Kind, Limits
from swarm.planning.cells.planner import CellPlanner
from swarm.runtime.fleet_file.roster import Peer
from swarm.runtime.link.inbox import Heard, Inbox
from swarm.runtime.link.report_codec import Report, encode
from swarm.runtime.lockstep import JOIN, Lockstep
from swarm.runtime.sensing import SENSED, recognise
from swarm.sense.messages import Message
from swarm.sense.view import View

DT, SPEED, RADIUS, REACH = 0.05, 1.0, 0.3, 6.0
AISLES = TinyGrid(["..........", ".##.##.##.", ".##.##.##.", "..........", ".##.##.##.", ".........."])


class Mind:
    """One robot: planner, tick, inbox."""

    def __init__(self, i, roster, start):
        self.planner = CellPlanner(AISLES, i, DT, radius=RADIUS, speed=SPEED, communication_radius=REACH)
        self.inbox, self.lock, self.sequence = Inbox(i, 1, roster), Lockstep(roster, REACH, start), 0

    def step(self, i, now, position, goal, sensed=None):
        heard, strangers = self.inbox.heard(now), []
        self.lock.advance(*position, heard, now, sensed is not None)
        if sensed is not None:
            known = recognise(sensed, heard, self.lock.roster)
            strangers = sensed[np.array(known, dtype=int) < 0, :2]
        state = np.array([*position, 0.0, 0.0, 0.0])
        view = View(
            self.lock.tick * DT, state, goal, messages=self.lock.messages(), silent=self.lock.silent(),
            strangers=np.array(strangers).reshape(-1, 2) if self.lock.alone or len(strangers) else None,
        )  # fmt: skip
        plan = self.planner.plan(view)
        self.sequence += 1
        self.lock.told(self.sequence)
        self.inbox.sent(self.sequence, now)
        message = Message(i, now, tuple(position), 0.5, 0.5, plan.intent)
        report = Report(
            i,
            1,
            self.sequence,
            0,
            tuple(state),
            0.0,
            tuple(np.nan_to_num(goal)),
            True,
            False,
            self.inbox.acks(),
            message,
        )
        return plan, encode(report)


def world(robots, seed, seconds, loss=0.0, delay=0.0, cut=None, dead=None, sensing=None):
    """Robots drive at full speed to their waypoints; each has a clock of its own. Returns deliveries and overlaps.

    Args:
        robots: How many.
        seed: Of jobs and network.
        seconds: How long.
        loss: Share of messages that are lost.
        delay: Longest delay [s]; drawn for each message, so that they overtake each other.
        cut: (from, to): while no message comes from one half of the robots to the other.
        dead: (robot, from): from when it does nothing any more.
        sensing: Radius within which robots sense each other [m]; None: they do not.
    """
    rng = np.random.default_rng(seed)
    bounds = (0.0, 0.0, 10.0, 6.0)
    body = body_of(Kind.UNICYCLE, RADIUS, Limits(SPEED, turn_rate=4.0), dt=DT, sensing_radius=REACH)
    offset, roster = rng.uniform(-2.0, 2.0, robots), {k: Peer(Kind.UNICYCLE, body, bounds) for k in range(robots)}
    minds = [Mind(i, roster, offset[i]) for i in range(robots)]
    starts, goals = draw_jobs(AISLES, robots, seed, 60)
    position = np.array([AISLES.centre(start) for start in starts])

    def around(i):
        if sensing is None:
            return None
        apart = np.linalg.norm(position - position[i], axis=1)
        return np.array([[*position[k], 0.0, 0.0, RADIUS] for k in range(robots) if k != i and apart[k] <= sensing]
                        ).reshape(-1, SENSED)  # fmt: skip

    delivered, overlaps, wire, count = [0] * robots, [], [], itertools.count()
    times = [[] for _ in range(robots)]
    for tick in range(round(seconds / DT)):
        now = tick * DT
        while wire and wire[0][0] <= now:
            _, _, you, data = heapq.heappop(wire)
            minds[you].inbox.receive(data, now + offset[you])
        for i in rng.permutation(robots).tolist():
            if dead is not None and i == dead[0] and now >= dead[1]:
                continue
            goal = AISLES.centre(goals[i][delivered[i]])
            plan, data = minds[i].step(i, now + offset[i], position[i], goal, around(i))
            for you in range(robots):
                split = cut is not None and cut[0] <= now < cut[1] and (i < robots // 2) != (you < robots // 2)
                if you != i and not split and rng.random() >= loss:
                    heapq.heappush(wire, (now + 1e-3 + rng.uniform(0.0, delay), next(count), you, data))
            way = plan.waypoint - position[i]
            length = math.hypot(*way)
            if length > 1e-9:
                position[i] += way / length * min(SPEED * DT, length)
            if math.hypot(*(goal - position[i])) <= 0.15:
                delivered[i] += 1
                times[i].append(now)
        owner = {}
        for i, mind in enumerate(minds):
            for cell in mind.planner.held:
                if cell in owner:
                    overlaps.append((tick, owner[cell], i, cell))
                owner[cell] = i
        apart = np.linalg.norm(position[:, None] - position[None], axis=2) + 1e9 * np.eye(robots)
        if apart.min() < 2.0 * RADIUS:
            overlaps.append((tick, "touch"))
    return np.array(delivered), overlaps, times


@pytest.mark.parametrize(("loss", "delay", "least"), [(0.0, 0.0, 12), (0.3, 0.1, 8), (0.6, 0.0, 3), (0.1, 0.5, 2)])
def test_no_cell_is_ever_held_twice_and_work_goes_on(loss, delay, least):
    delivered, overlaps, _ = world(6, 0, 40.0, loss, delay)
    assert overlaps == []
    assert delivered.sum() >= least, delivered


def test_a_partition_stops_claims_and_heals():
    delivered, overlaps, times = world(6, 3, 45.0, cut=(12.0, 20.0))
    assert overlaps == []
    late = [sum(19.0 < time < 20.0 for time in own) for own in times]
    assert sum(late) <= 2  # by then everybody may be anywhere
    assert all(any(time > 20.0 for time in own) for own in times), times
    assert delivered.min() >= 2


def test_a_dead_robot_s_cells_stay_held():
    delivered, overlaps, _ = world(4, 5, 30.0, dead=(2, 6.0))
    assert overlaps == [] and delivered.sum() > 0


@pytest.mark.parametrize(("loss", "delay", "least"), [(0.0, 0.0, 12), (0.6, 0.0, 3), (0.1, 0.5, 2), (1.0, 0.0, 1)])
def test_who_senses_others_shares_cells_whatever_is_heard(loss, delay, least):
    delivered, overlaps, _ = world(6, 0, 40.0, loss, delay, sensing=3.0)
    assert overlaps == []
    assert delivered.sum() >= least, delivered


@pytest.mark.parametrize("seed", range(4))
def test_a_partition_stops_nobody_who_senses_others(seed):
    _, overlaps, times = world(6, seed, 45.0, cut=(12.0, 30.0), sensing=3.0)
    assert overlaps == []
    assert sum(16.0 < time < 30.0 for own in times for time in own) >= 2, times
    assert sum(time > 31.0 for own in times for time in own) >= 4, times


def test_a_dead_robot_stops_nobody_who_senses_it():
    late = {3.0: 0, None: 0}
    for seed in range(4):
        for sensing in late:
            _, overlaps, times = world(5, seed, 26.0, dead=(2, 6.0), sensing=sensing)
            assert overlaps == []
            late[sensing] += sum(time > 12.0 for own in times for time in own)
    # Goals beside it cannot be reached any more, so in the end all wait for it.
    assert late[3.0] >= 12 and late[None] <= 4, late


def test_the_tick_waits_for_those_who_may_be_near_only():
    body = body_of(Kind.UNICYCLE, RADIUS, Limits(SPEED, turn_rate=4.0), dt=DT, sensing_radius=REACH)
    roster = {k: Peer(Kind.UNICYCLE, body, (0.0, 0.0, 99.0, 99.0)) for k in (1, 2)}
    lock = Lockstep(roster, REACH, 0.0)

    def heard(x, age, acked):
        message = Message(2, 0.0, (x, 0.0), 0.5, 0.5)
        return [
            Heard(Report(2, 1, 1, 0, (x, 0.0, 0.0, 0.0, 0.0), 0.0, (0.0, 0.0), True, False, (), message), age, acked)
        ]

    assert not lock.advance(0.0, 0.0, heard(50.0, 0.1, 4), 1.0)  # nothing has been told yet
    lock.told(5)
    assert not lock.advance(0.0, 0.0, [], JOIN - 0.1)  # somebody is missing
    lock.told(6)
    assert not lock.advance(0.0, 0.0, heard(5.0, 0.1, 4), 9.0)
    assert not lock.advance(0.0, 0.0, heard(8.0, 2.5, 4), 9.0)  # it may have come nearer since
    assert not lock.advance(0.0, 0.0, heard(90.0, math.inf, -1), 9.0)
    assert lock.advance(0.0, 0.0, heard(8.0, 0.1, 4), 9.0) and lock.tick == 1
    lock.told(7)
    assert lock.advance(0.0, 0.0, heard(5.0, 0.1, 7), 9.0) and lock.tick == 2
    lock.told(8)
    assert lock.advance(0.0, 0.0, [], JOIN + 0.1)  # it is not there
