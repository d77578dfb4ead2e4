"""Control processes of a fleet in one test process: bodies, network and clock are the test's."""

import math
from collections import Counter

import numpy as np

from swarm.model.actuators import TRAIL, ahead, move
from swarm.model.dynamics import step
from swarm.runtime.control import Control
from swarm.runtime.drivers.base import Reading, Sent
from swarm.runtime.fleet_file.read import load_fleet
from swarm.runtime.link import base as links
from swarm.runtime.mind import mind_of

DT = 0.05
FLEET = """
fleet: test
scenario: two.yaml
planner: {planner}
controller: fixed:4,1
margin: 0.0
driver: bullet
physics: 127.0.0.1:17999
endpoints: 18000
"""
SCENARIO = """
environment:
  min: [0, 0]
  max: [8, 8]
robots:
  - {type: unicycle_first_order_0_sphere, start: [1, 4, 0], goal: [7, 4, 0]}
  - {type: unicycle_first_order_0_sphere, start: [7, 4.2, 3.14], goal: [1, 4.2, 0]}
"""
DOUBLE = SCENARIO.replace("unicycle_first_order_0_sphere", "double_integrator_0").replace(", 0], goal", "], goal")
DOUBLE = DOUBLE.replace(", 3.14], goal", "], goal").replace("4, 0]}", "4]}").replace("4.2, 0]}", "4.2]}")


class World:
    """Bodies that do as they are told, and a network that carries everything by the next period."""

    def __init__(self, folder, planner="roadmap", scenario=SCENARIO, more=""):
        (folder / "two.yaml").write_text(scenario)
        (folder / "fleet.yaml").write_text(FLEET.format(planner=planner) + more)
        self.fleet = load_fleet(folder / "fleet.yaml")
        self.time, self.count = 100.0, len(self.fleet.scenario.robots)
        self.states = [robot.start.copy() for robot in self.fleet.scenario.robots]
        self.controls = [np.zeros(2) for _ in self.states]
        self.queues, self.wishes = [[] for _ in self.states], [[] for _ in self.states]
        self.handshakes = [[] for _ in self.states]
        self.silent, self.cut, self.last = set(), set(), [None] * self.count
        self.minds = [Control(mind_of(self.fleet, i), Body(self, i), Link(self, i), incarnation=1, clock=self.clock)
                      for i in range(self.count)]  # fmt: skip

    def clock(self):
        return self.time

    def run(self, seconds, stopped=()):
        for _ in range(round(seconds / DT)):
            for i, mind in enumerate(self.minds):
                if i not in stopped:
                    self.last[i] = mind.period()
            for i in range(self.count):
                after = np.empty(5)
                step(int(self.fleet.scenario.robots[i].kind), self.states[i], self.controls[i], DT, after)
                self.states[i] = after
            self.time += DT
            if self.count == 2:
                assert math.hypot(*(self.states[0] - self.states[1])[:2]) > 0.8, "they touch"

    def measured(self, i):
        return self.states[i].copy()

    def way(self):
        return [float(np.linalg.norm(state[:2] - robot.goals[0][:2]))
                for state, robot in zip(self.states, self.fleet.scenario.robots, strict=True)]  # fmt: skip


class Body:
    def __init__(self, world, i):
        self.world, self.i = world, i
        self.reading, self.late, self.problem = None, 0.0, ""
        self.doubt, self.deviation = "", None

    def read(self):
        if self.i not in self.world.silent:
            now = self.world.time
            self.reading = Reading(
                self.world.measured(self.i), now, now, measured=now - self.late, deviation=self.deviation
            )
        return self.reading

    def write(self, control):
        self.world.controls[self.i] = np.array(control)
        return Sent(np.array(control), self.world.time)


class Link(links.Link):
    def __init__(self, world, i):
        self.world, self.i, self.counts = world, i, Counter(oversized=2)

    def publish(self, data, to=None):
        for you in range(self.world.count) if to is None else to:
            if you != self.i and self.i not in self.world.cut:
                self.world.queues[you].append((self.i, data, self.world.time))

    def drain(self):
        found, self.world.queues[self.i] = self.world.queues[self.i], []
        return found

    def greet(self, data):
        for you in range(self.world.count):
            if you != self.i and self.i not in self.world.cut:
                self.world.handshakes[you].append((self.i, data, self.world.time))

    def greetings(self):
        found, self.world.handshakes[self.i] = self.world.handshakes[self.i], []
        return found

    def stops(self):
        found, self.world.wishes[self.i] = self.world.wishes[self.i], []
        return found


class LateWorld(World):
    """Bodies whose actuators take time, whose commands act late and whose states come late, as is declared."""

    def __init__(self, folder, errors, scenario=SCENARIO):
        super().__init__(folder, scenario=scenario, more=f"errors: {errors}\n")
        self.errors = self.fleet.errors
        self.drives = [np.zeros(2) for _ in self.states]
        self.steps = round(self.errors.dead_time / DT)
        self.waiting = [[np.zeros(2)] * self.steps for _ in self.states]
        self.history = [[state.copy()] * 10 for state in self.states]
        self.true, self.predicted = [[] for _ in self.states], [[] for _ in self.states]

    def measured(self, i):
        return self.history[i][-1 - round(self.errors.age / DT)].copy()

    def run(self, seconds, stopped=()):
        for _ in range(round(seconds / DT)):
            for i, mind in enumerate(self.minds):
                mind._driver.late = self.errors.age
                self.last[i] = mind.period()
                command = self.last[i].command
                if command is not None:
                    self.predicted[i].append(mind.robot.believed(self.last[i].view).state.copy())
            for i in range(self.count):
                self.waiting[i].append(self.controls[i])
                kind, after, drive = int(self.fleet.scenario.robots[i].kind), np.empty(5), np.empty(2)
                control = self.waiting[i].pop(0)
                found = np.empty(5)
                ahead(kind, self.states[i], self.drives[i], self.errors.lag, found, np.empty(TRAIL))
                self.true[i].append(found)
                move(kind, self.states[i], self.drives[i], control, DT, self.errors.lag, 0.0, after, drive)
                self.states[i], self.drives[i] = after, drive
                self.history[i].append(after.copy())
            self.time += DT
