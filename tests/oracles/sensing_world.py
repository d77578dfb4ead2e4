"""Control processes of a fleet in one test process, whose bodies sense each other and whose network may lose messages.

Bodies, network and clock are the test's.
"""

import heapq
import itertools
import math
from collections import Counter

import numpy as np

from swarm.model.dynamics import step
from swarm.planning.passages.slices import slices_of
from swarm.planning.passages.team import sizes_of
from swarm.runtime.control import Control
from swarm.runtime.drivers.base import Reading, Sent
from swarm.runtime.fleet_file.read import load_fleet
from swarm.runtime.link import base as links
from swarm.runtime.mind import mind_of

LIFETIME = 2
"""Periods for which a body executes a command."""


class Network:
    """Messages between processes, some lost and some late.

    Args:
        count: Of the processes.
        seed: Of what is lost and late.
        loss: Share of messages that are lost.
        delay: Longest delay [s].
    """

    def __init__(self, count, seed=0, loss=0.0, delay=0.0):
        self.count, self.rng, self.loss, self.delay = count, np.random.default_rng(seed), loss, delay
        self.time, self.wire, self.number = 100.0, [], itertools.count()
        self.boxes, self.minds = [empty_box() for _ in range(count)], [None] * count

    def send(self, me, kind, data, to=None):
        for you in range(self.count) if to is None else to:
            if you != me and self.rng.random() >= self.loss:
                at = self.time + 1e-3 + self.rng.uniform(0.0, self.delay)
                heapq.heappush(self.wire, (at, next(self.number), you, kind, (me, data, at)))

    def deliver(self):
        """Put what has come by now into the boxes of the processes that live."""
        while self.wire and self.wire[0][0] <= self.time:
            _, _, you, kind, entry = heapq.heappop(self.wire)
            if self.minds[you] is not None:
                self.boxes[you][kind].append(entry)


def empty_box():
    return {"report": [], "hello": [], "stop": []}


class SensingWorld(Network):
    """Robots with a process each.

    Args:
        path: Of the fleet file.
        seed: Of the network.
        loss: Share of messages that are lost.
        delay: Longest delay [s].

    Attributes:
        smallest: Smallest gap between two bodies so far [m].
        longest: Of all messages [bytes].
        most: The most robots that were ever at once in a slice for one.
        reached: How many goals each robot has reached.
    """

    def __init__(self, path, seed=0, loss=0.0, delay=0.0):
        self.fleet = load_fleet(path)
        scenario = self.fleet.scenario
        super().__init__(len(scenario.robots), seed, loss, delay)
        self.specs, self.dt = scenario.robots, scenario.dt
        self.states = [robot.start.copy() for robot in self.specs]
        self.controls, self.ages = [np.zeros(2) for _ in self.specs], [99] * self.count
        self.reached, self.started = [0] * self.count, [0] * self.count
        self.last = [None] * self.count
        self.slices = slices_of(scenario.world, sizes_of(scenario, self.fleet.margin, self.fleet.errors))
        self.mouths = self.slices.mouths
        self.smallest, self.longest, self.most = math.inf, 0, 0

    def start(self, *robots):
        for i in robots or range(self.count):
            self.boxes[i], self.started[i] = empty_box(), self.started[i] + 1
            self.minds[i] = Control(
                mind_of(self.fleet, i), Body(self, i), Link(self, i), incarnation=self.started[i],
                clock=lambda: self.time,
            )  # fmt: skip

    def kill(self, i):
        self.minds[i] = None

    def goal(self, i):
        goals = self.specs[i].goals
        return goals[self.reached[i] % len(goals)]

    def send(self, me, kind, data, to=None):
        self.longest = max(self.longest, len(data))
        super().send(me, kind, data, to)

    def run(self, seconds, until=lambda: False):
        for _ in range(round(seconds / self.dt)):
            if until():
                break
            self.tick()

    def tick(self):
        self.deliver()
        for i in self.rng.permutation(self.count).tolist():
            if self.minds[i] is not None:
                self.last[i] = self.minds[i].period()
        for i, spec in enumerate(self.specs):
            self.ages[i] += 1
            if self.ages[i] > LIFETIME:
                self.controls[i] = np.zeros(2)
            after = np.empty(5)
            step(int(spec.kind), self.states[i], self.controls[i], self.dt, after)
            self.states[i] = after
            self.reached[i] += math.dist(after[:2], self.goal(i)) < spec.radius
        self.time += self.dt
        self.look()

    def look(self):
        places = [(state[0], state[1], spec.radius) for state, spec in zip(self.states, self.specs, strict=True)]
        for (x, y, radius), (other_x, other_y, other) in itertools.combinations(places, 2):
            self.smallest = min(self.smallest, math.hypot(other_x - x, other_y - y) - radius - other)
        inside = [self.slices.at(x, y) for x, y, _ in places]
        narrow = [number for number in inside if number > 0 and not self.mouths[number]]
        self.most = max([self.most, *(narrow.count(number) for number in narrow)])


class Body:
    def __init__(self, world, i):
        self.world, self.i = world, i

    def read(self):
        world, i = self.world, self.i
        own, reach = world.states[i], world.fleet.scenario.sensing_radius
        near = [k for k in range(world.count) if k != i and math.dist(world.states[k][:2], own[:2]) < reach]
        sensed = [[*world.states[k][[0, 1, 3, 4]], world.specs[k].radius] for k in near]
        goal = tuple(world.goal(i).tolist())
        return Reading(
            own.copy(), world.time, world.time, goal, world.reached[i], sensed=np.array(sensed).reshape(-1, 5)
        )

    def write(self, control):
        self.world.controls[self.i], self.world.ages[self.i] = np.array(control), 0
        return Sent(np.array(control), self.world.time)


class Link(links.Link):
    def __init__(self, world, i):
        self.world, self.i, self.counts = world, i, Counter()

    def publish(self, data, to=None):
        self.world.send(self.i, "report", data, to)

    def greet(self, data):
        self.world.send(self.i, "hello", data)

    def _take(self, kind):
        box = self.world.boxes[self.i]
        found, box[kind] = box[kind], []
        return found

    def drain(self):
        return self._take("report")

    def greetings(self):
        return self._take("hello")

    def stops(self):
        return self._take("stop")
