"""Control processes that are killed at any moment and started again from their journals.

The bodies, the network and the clock are the test's, the journals are real files.
"""

import math

import numpy as np
import pytest
from oracles import sensing_world
from oracles.cell_world import TinyGrid, draw_jobs
from oracles.loopback import journal_of
from oracles.sensing_world import Network, empty_box

from swarm.model.dynamics import step
from swarm.planning.cells.planner import CellPlanner
from swarm.runtime import journal as journal_module
from swarm.runtime.control import Control
from swarm.runtime.drivers.base import Reading, Sent
from swarm.runtime.fleet_file.read import load_fleet
from swarm.runtime.link.estop import EmergencyStop
from swarm.runtime.link.inbox import FORGOTTEN
from swarm.runtime.link.report_codec import Report, decode, encode
from swarm.runtime.lockstep import JOIN
from swarm.runtime.mind import mind_of
from swarm.runtime.watchdog import MAY_MOVE
from swarm.sense.messages import Message

DT, RADIUS, LIFETIME = 0.05, 0.3, 2
ROWS = ["..........", ".##.##.##.", ".##.##.##.", "..........", ".##.##.##.", ".........."]
AISLES = TinyGrid(ROWS)
SCENARIO = """
environment: {{min: [0, 0], max: [10, 6], map: {map}, cell_size: 1.0}}
dt: 0.05
sensing_radius: 3.0
robots:
"""
ROBOT = "  - {{type: unicycle, start: [{}, {}, 0], goal: [1.5, 0.5, 0], radius: 0.3, limits: {limits}}}\n"
FLEET = """
fleet: test
scenario: {scenario}
planner: {planner}
controller: fixed:4,1
margin: {margin}
driver: replay
recording: none
endpoints: 18000
journal: state
"""
BEFORE_WRITING, BEFORE_DRIVING, BEFORE_TELLING, AFTERWARDS = range(4)


class Killed(BaseException):
    """The process is gone at once."""


def fleet_in(folder, starts, name="a", margin=0.0, rows=ROWS, planner="cells"):
    """A fleet file in a folder; the robots start at these cells."""
    text = "\n".join(rows).replace("#", "@")
    (folder / f"{name}.map").write_text(f"type octile\nheight {len(rows)}\nwidth {len(rows[0])}\nmap\n{text}\n")
    robots = [ROBOT.format(*AISLES.centre(start), limits="{speed: 1.0, turn_rate: 4.0}") for start in starts]
    (folder / f"{name}-scenario.yaml").write_text(SCENARIO.format(map=f"{name}.map") + "".join(robots))
    (folder / f"{name}.yaml").write_text(FLEET.format(scenario=f"{name}-scenario.yaml", margin=margin, planner=planner))
    return load_fleet(folder / f"{name}.yaml")


class World(Network):  # type: ignore[misc]
    """Robots with a process each.

    Args:
        fleets: The fleet file of each robot's process.
        seed: Of goals and network.
        loss: Share of messages that are lost.
        delay: Longest delay [s].
        senses: Whether bodies sense each other.
    """

    def __init__(self, fleets, seed=0, loss=0.0, delay=0.0, senses=False):
        super().__init__(len(fleets), seed, loss, delay)
        self.fleets, self.senses = fleets, senses
        self.cells = fleets[0].planner == "cells"
        self.specs = fleets[0].scenario.robots
        self.states = [spec.start.copy() for spec in self.specs]
        self.goals, self.delivered = draw_jobs(AISLES, self.count, seed, 60)[1], [0] * self.count
        self.controls, self.ages = [np.zeros(2) for _ in fleets], [99] * self.count
        self.journals, self.last = [None] * self.count, [None] * self.count
        self.dies, self.changes, self.overlaps = {}, set(), []
        self.next = CellPlanner(AISLES, 0, DT, radius=RADIUS)  # as a process that starts now would plan
        self.smallest = math.inf

    def start(self, *robots):
        for i in robots or range(self.count):
            self.boxes[i] = empty_box()
            mind, self.journals[i] = mind_of(self.fleets[i], i), journal_of(self.fleets[i], i)
            self.minds[i] = Control(
                mind, Body(self, i), Link(self, i), incarnation=self.journals[i].incarnation,
                clock=lambda: self.time, journal=Dying(self, i),
            )  # fmt: skip

    def kill(self, i):
        self.journals[i].close()  # as the system does
        self.minds[i] = None

    def stop(self, latched, counter, *robots):
        """The operator reaches these robots, or all."""
        for i in robots or range(self.count):
            self.boxes[i]["stop"].append(EmergencyStop(latched, counter))

    def die(self, i, moment, changes):
        """Kill a process at this moment of its next period, or of the next one in which its journal changes."""
        self.dies[i] = moment
        (self.changes.add if changes else self.changes.discard)(i)

    def dying(self, i, moment):
        if self.dies.get(i) == moment and i not in self.changes:
            raise Killed

    def tick(self):
        self.deliver()
        for i in self.rng.permutation(self.count).tolist():
            if self.minds[i] is not None:
                try:
                    self.last[i] = self.minds[i].period()
                    self.dying(i, AFTERWARDS)
                except Killed:
                    self.kill(i)
                    del self.dies[i]
        for i in range(self.count):
            self.ages[i] += 1
            if self.ages[i] > LIFETIME:
                self.controls[i][:] = 0.0
            after = np.empty(5)
            step(int(self.specs[i].kind), self.states[i], self.controls[i], DT, after)
            self.states[i] = after
            if math.dist(after[:2], AISLES.centre(self.goals[i][self.delivered[i]])) < 0.2:
                self.delivered[i] += 1
        self.time += DT
        self.check()

    def run(self, seconds):
        for _ in range(round(seconds / DT)):
            self.tick()

    def held(self, i):
        """The cells of a robot: what its process holds, or what the next one will hold."""
        mind = self.minds[i]
        if mind is not None and mind.robot.planner.held:
            return mind.robot.planner.held
        self.next.reset()
        self.next.resume(self.known(i).held, *self.states[i][:2])
        return self.next.held

    def known(self, i):
        """What is in the journal."""
        slots = journal_module._slots(self.journals[i].path.read_bytes())
        return max(slots, key=lambda slot: slot.serial).memory

    def check(self):
        places = np.array(self.states)[:, :2]
        apart = np.linalg.norm(places[:, None] - places[None], axis=2) + 1e9 * np.eye(self.count)
        self.smallest = min(self.smallest, apart.min() - 2.0 * RADIUS)
        owner = {}
        for i in range(self.count):
            for cell in self.held(i) if self.journals[i] is not None and self.cells else ():
                if cell in owner:
                    self.overlaps.append((round(self.time - 100.0, 2), owner[cell], i, cell))
                owner[cell] = i

    def reasons(self):
        return [None if period is None else period.reason for period in self.last]


class Body:
    def __init__(self, world, i):
        self.world, self.i = world, i

    def read(self):
        world, i = self.world, self.i
        goal, sensed = AISLES.centre(world.goals[i][world.delivered[i]]), None
        if world.senses:
            near = [k for k in range(world.count) if k != i and math.dist(world.states[k][:2], world.states[i][:2]) < 3]
            sensed = np.array([[*world.states[k][:2], *world.states[k][3:5], RADIUS] for k in near]).reshape(-1, 5)
        return Reading(world.states[i].copy(), world.time, world.time, goal, world.delivered[i], sensed=sensed)

    def write(self, control):
        self.world.dying(self.i, BEFORE_DRIVING)
        self.world.controls[self.i], self.world.ages[self.i] = np.array(control), 0
        return Sent(np.array(control), self.world.time)


class Link(sensing_world.Link):  # type: ignore[misc]
    def publish(self, data, to=None):
        told = decode(data)
        # Whatever others read, the next process of this robot will know.
        known = self.world.known(self.i)
        assert told.message.intent is None or told.message.intent.held == known.held
        assert not told.stopped or known.stop == EmergencyStop(True, told.stop_counter)
        self.world.dying(self.i, BEFORE_TELLING)
        super().publish(data, to)


class Dying:
    """The journal of a process that may be killed before it writes."""

    def __init__(self, world, i):
        self.world, self.i = world, i
        self.found, self.problem = world.journals[i].found, ""

    def keep(self, memory):
        if memory != self.world.journals[self.i]._kept:
            self.world.changes.discard(self.i)
        self.world.dying(self.i, BEFORE_WRITING)
        return self.world.journals[self.i].keep(memory)


def team(folder, robots, seed, **told):
    return World([fleet_in(folder, draw_jobs(AISLES, robots, seed, 60)[0])] * robots, seed, **told)


@pytest.mark.parametrize(
    ("seed", "loss", "delay", "senses"),
    [(0, 0.0, 0.0, True), (1, 0.3, 0.3, True), (3, 0.0, 0.2, False), (4, 0.3, 0.1, False)],
)
def test_no_cell_is_held_twice_whenever_processes_are_killed(tmp_path, seed, loss, delay, senses):
    world = team(tmp_path, 5, seed, loss=loss, delay=delay, senses=senses)
    world.start()
    back, kills = {}, 0
    for tick in range(round(30.0 / DT)):
        alive = [i for i in range(5) if world.minds[i] is not None]
        for i in set(range(5)).difference(alive):
            if back.setdefault(i, tick + int(world.rng.integers(2, 60))) <= tick:
                del back[i]
                world.start(i)
        if tick > 60 and len(alive) > 2 and world.rng.random() < 0.05:
            victim = int(world.rng.choice(alive))
            if victim not in world.dies:
                world.die(victim, int(world.rng.integers(4)), world.rng.random() < 0.7)
                kills += 1
        world.tick()
        assert not world.overlaps
    print(f"{kills} kills, {sum(world.delivered)} deliveries, smallest clearance {world.smallest:.3f} m")
    assert kills > 10 and sum(world.delivered) >= 3 and world.smallest > 0.0


def test_a_restarted_robot_holds_what_it_held_and_drives_on(tmp_path):
    world = team(tmp_path, 3, 0)
    world.start()
    world.run(JOIN + 4.0)
    before = [list(mind.robot.planner.held) for mind in world.minds]
    incarnations = [mind.incarnation for mind in world.minds]
    victim = max(range(3), key=lambda i: len(before[i]))
    assert len(before[victim]) > 1
    world.kill(victim)
    world.run(0.3)
    world.start(victim)
    world.tick()
    held = world.minds[victim].robot.planner.held
    assert held == [cell for cell in before[victim] if cell in held] and len(held) > 1
    assert world.minds[victim].incarnation > incarnations[victim]
    world.run(0.5)
    assert world.last[victim].reason == MAY_MOVE
    world.run(8.0)
    assert not world.overlaps and sum(world.delivered) > 0


def test_goals_of_its_own_go_on_where_they_were(tmp_path):
    world = team(tmp_path, 2, 0)
    world.start()
    world.minds[0].goals.goal_index = 7
    world.run(0.1)
    world.kill(0)
    world.start(0)
    assert world.minds[0].goals.goal_index == 7 and world.minds[1].goals.goal_index == 0


def test_a_robot_that_was_carried_away_holds_the_cell_it_stands_on(tmp_path):
    world = team(tmp_path, 2, 0)
    world.start()
    world.run(JOIN + 3.0)
    world.kill(0)
    world.states[0][:2] = AISLES.centre((3, 9))
    world.start(0)
    world.tick()
    assert world.minds[0].robot.planner.held == [world.next.map.cell_at(*AISLES.centre((3, 9)))]


def test_who_senses_nobody_waits_for_those_it_has_heard_before(tmp_path):
    world = team(tmp_path, 3, 0)
    world.start()
    world.run(3.0)
    world.kill(1)
    world.kill(2)
    world.run(0.2)
    world.start(1)
    world.run(JOIN + 3.0)
    assert world.last[1].reason == "has not heard the others yet"  # robot 2 stands somewhere
    world.start(2)
    world.run(1.0)
    assert world.reasons() == [MAY_MOVE] * 3


def test_who_senses_others_waits_for_one_of_them_and_for_a_moment_only(tmp_path):
    world = team(tmp_path, 3, 0, senses=True)
    world.start()
    world.run(3.0)
    world.kill(1)
    world.kill(2)
    world.run(0.2)
    world.start(1)
    world.run(0.2)
    assert world.last[1].reason == MAY_MOVE  # robot 0 is heard; robot 2 is seen
    world.kill(0)
    world.kill(1)
    world.run(0.2)
    world.start(1)
    world.run(JOIN - 0.1)
    assert world.last[1].reason == "has not heard the others yet"
    world.run(0.2)
    assert world.last[1].reason == MAY_MOVE and not world.overlaps


# -- the emergency stop ---------------------------------------------------------------------------------------------


def test_a_robot_that_was_killed_while_stopped_stays_stopped(tmp_path):
    world = team(tmp_path, 2, 0)
    world.start()
    world.run(3.0)
    world.stop(True, 5)
    world.tick()
    for i in (0, 1):
        world.kill(i)
    world.start(0)
    world.run(JOIN + 1.0)
    assert world.last[0].reason == "emergency stop"
    world.stop(False, 5, 0)  # no newer than the stop
    world.start(1)
    world.run(1.0)
    assert world.reasons() == ["emergency stop"] * 2
    world.stop(False, 6)
    world.run(1.0)
    assert world.reasons() == [MAY_MOVE] * 2


@pytest.mark.parametrize("planner", ["cells", "roadmap"])
def test_a_robot_that_comes_later_and_knows_nothing_learns_the_stop_before_it_moves(tmp_path, planner):
    starts = draw_jobs(AISLES, 3, 0, 60)[0]
    world = World([fleet_in(tmp_path, starts, planner=planner)] * 3, senses=planner == "roadmap")
    world.start(0, 1)
    world.run(3.0)
    world.stop(True, 5, 0)  # the operator reaches one of them only
    world.tick()
    world.kill(0)
    world.run(0.5)
    assert world.last[1].reason == "emergency stop"
    before = world.states[2].copy()
    world.start(2)
    world.run(4.0)
    assert world.last[2].reason == "emergency stop" and np.array_equal(before, world.states[2])
    world.start(0)
    world.run(1.0)
    world.stop(False, 6, 2)  # one is released: the others do not follow, nor do they stop it again
    world.run(1.0)
    assert world.reasons() == ["emergency stop", "emergency stop", MAY_MOVE]
    world.stop(False, 6)
    world.run(1.0)
    assert world.reasons() == [MAY_MOVE] * 3


def test_what_a_robot_lies_can_stop_the_others_but_an_operator_releases_them_for_good(tmp_path):
    """Robot 2 tells of a stop with the largest counter, in reports of the largest incarnation; then it is honest."""
    world = team(tmp_path, 3, 0)
    world.start()
    world.run(3.0)
    true, world.minds[2] = world.minds[2], None
    state, digest = tuple(world.states[2].tolist()), true.digest
    told = Report(2, 2**32 - 2, 2**32 - 1, 0, state, 0.0, (1.0, 1.0), True, True, (), Message(2, 0.0, (1.0, 1.0), 0, 0),
                  2**63 - 1, digest)  # fmt: skip
    world.send(2, "report", encode(told))
    world.run(0.5)
    assert world.reasons()[:2] == ["emergency stop"] * 2
    for counter in (10, 20):  # each time with a process that is started anew
        world.stop(False, counter)
        world.run(0.2)
        assert not any(mind.watchdog.stopped for mind in world.minds[:2])
        world.stop(True, counter + 5)
        world.run(0.2)
        world.kill(0)
        world.start(0)
        world.run(JOIN + 0.5)
        assert [mind.stop for mind in world.minds[:2]] == [EmergencyStop(True, counter + 5)] * 2
    world.stop(False, 30)
    world.run(0.2)
    world.minds[2] = true
    world.run(FORGOTTEN + 1.0)
    assert world.reasons() == [MAY_MOVE] * 3  # its own reports are heard again, or they would wait for it


# -- robots that do not fit -----------------------------------------------------------------------------------------


def camps(folder, *names, senses=False):
    """Robots of which each has a map of its own name."""
    starts = draw_jobs(AISLES, len(names), 0, 60)[0]
    rows = {"a": ROWS, "b": [*ROWS[:4], ".##.##....", ROWS[5]]}
    return World([fleet_in(folder, starts, name, rows=rows[name]) for name in names], senses=senses)


def test_two_camps_of_one_each_stand_and_say_why(tmp_path):
    world = camps(tmp_path, "a", "b")
    before = np.array(world.states)
    world.start()
    world.run(4.0)
    ours, theirs = (mind.handshakes.own.map.hex() for mind in world.minds)
    assert world.reasons() == [
        f"robot 1 has another map: {theirs}, here {ours}", f"robot 0 has another map: {ours}, here {theirs}"
    ]  # fmt: skip
    assert np.array_equal(before, np.array(world.states))
    assert world.minds[0].inbox.status()[1].keys() == {"incompatible"} and not world.minds[0].inbox.heard(world.time)
    assert world.minds[0].watchdog.reasons["incompatible"] > 0
    world.kill(1)
    world.fleets[1] = world.fleets[0]
    world.start(1)  # with the right map
    world.run(2.0)
    assert world.reasons() == [MAY_MOVE] * 2


def test_of_those_who_sense_others_the_larger_camp_goes_on(tmp_path):
    world = camps(tmp_path, "a", "b", "a", senses=True)
    world.start()
    world.run(4.0)
    reasons = world.reasons()
    assert reasons[0] == reasons[2] == MAY_MOVE and "another map" in reasons[1]
    assert any("robot 1 has another map" in note for note in world.minds[0].notes())


def test_another_policy_is_noted_and_runs(tmp_path):
    starts = draw_jobs(AISLES, 2, 0, 60)[0]
    world = World([fleet_in(tmp_path, starts), fleet_in(tmp_path, starts, "c", planner="cells:pibt")])
    world.start()
    world.run(3.0)
    assert world.reasons() == [MAY_MOVE] * 2 and "another policy" in world.minds[0].notes()[0]
