"""One robot's control process: hear, believe, plan, filter, act, tell; once per period.

Nothing here waits: what has arrived by the beginning of a period counts, and what has not is older by a period. The
same `swarm.robot.Robot` decides as in the simulation; what differs is where its view comes from.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from swarm.body import full_braking
from swarm.errors import InputError
from swarm.messages import hearing_radius
from swarm.robot import Command, Robot, View
from swarm.runtime.belief import Belief, believe
from swarm.runtime.driver import Driver, Reading, Sent
from swarm.runtime.estop import EmergencyStop, follow
from swarm.runtime.fleet_file import FleetFile
from swarm.runtime.guard import MAY_MOVE, Guard
from swarm.runtime.inbox import Inbox
from swarm.runtime.lockstep import Lockstep
from swarm.runtime.wire import Report, encode


class Link(Protocol):
    """What carries bytes between robots; `swarm.runtime.transport.Transport` is one."""

    def publish(self, data: bytes) -> None:
        """Tell the others."""
        ...

    def drain(self) -> list[tuple[int, bytes, float]]:
        """What has arrived: sender, bytes, and when."""
        ...

    def stops(self) -> list[EmergencyStop]:
        """Emergency stops and releases that have arrived."""
        ...


@dataclass(frozen=True, eq=False)
class Period:
    """What happened in one control period.

    Attributes:
        time: When it began, s.
        reason: `guard.MAY_MOVE`, or why the robot did not move.
        reading: Its own state, if there was any.
        command: What its mind wanted, if it could think.
        sent: What went to the body, if anything did.
        belief: What it knew of the others, if it knew where it was itself.
    """

    time: float
    reason: str
    reading: Reading | None = None
    command: Command | None = None
    sent: Sent | None = None
    belief: Belief | None = None


class Control:
    """Joins the parts for one robot.

    Args:
        fleet: Roster, map, limits, planner, controller.
        robot_id: Which one.
        driver: Of its body.
        link: To the others.
        incarnation: Larger than that of any earlier process of this robot.
        clock: Monotonic, s.

    Raises:
        InputError: If the robot is not in the fleet, or the planner or the controller cannot be used.
    """

    def __init__(
        self, fleet: FleetFile, robot_id: int, driver: Driver, link: Link, *, incarnation: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        scenario, roster = fleet.scenario, fleet.roster()
        if robot_id not in roster:
            raise InputError("robot", robot_id, f"0 to {len(roster) - 1}")
        self.robot_id, self.dt, self.incarnation = robot_id, scenario.dt, incarnation
        self.spec, self.roster = scenario.robots[robot_id], roster
        self.robot = Robot(
            self.spec, scenario.world, dt=scenario.dt, sensing_radius=scenario.sensing_radius, planner=fleet.planner,
            controller=fleet.controller, margin=fleet.margin, robot_id=robot_id,
        )  # fmt: skip
        grid = scenario.world.grid
        radius = hearing_radius(scenario.sensing_radius, None if grid is None else grid.cell_size)
        self.guard = Guard(scenario.dt)
        self.inbox = Inbox(robot_id, incarnation, roster)
        self.lockstep = Lockstep(roster, radius, clock())
        self._driver, self._link, self._clock, self._sequence = driver, link, clock, 0
        self._stop: EmergencyStop | None = None

    def warm_up(self) -> None:
        """Think once at the start, so that everything is compiled and loaded before the first period."""
        start, me = self.spec.start, self.roster[self.robot_id]
        belief = believe(me, start, [], self.roster, self.dt)
        self.robot.step(View(0.0, start, start[:2], belief.neighbours))
        self.robot.reset()

    def period(self) -> Period:
        """One control period."""
        now = self._clock()
        resumed = self.guard.begin(now)
        self._listen(resumed)
        reading = self._driver.read()
        if reading is None:
            reason = self.guard.judge(now, state_at=None, planned=False, waits_for=None)
            found = Period(now, reason)
        else:
            found = self._decide(now, reading)
        self.guard.end(self._clock())
        return found

    def _listen(self, resumed: bool) -> None:
        """Take what has arrived; after the process had been stopped, only what was told to stop it."""
        for wish in self._link.stops():
            self._stop = follow(self._stop, wish)
        if self._stop is not None and self._stop.latched != self.guard.stopped:
            if self._stop.latched:
                self.guard.stop()
            else:
                self.guard.release()
        for _, data, arrived in self._link.drain():
            if not resumed:
                self.inbox.receive(data, arrived)

    def _decide(self, now: float, reading: Reading) -> Period:
        heard = self.inbox.heard(now)
        belief = believe(self.roster[self.robot_id], reading.state, heard, self.roster, self.dt)
        self.lockstep.advance(reading.state[0], reading.state[1], heard, now)
        goal = np.array(self._goal(reading))
        view = View(
            self.lockstep.tick * self.dt, reading.state, goal, belief.neighbours, self.lockstep.messages(heard), None,
            belief.crowded,
        )  # fmt: skip
        command = self.robot.step(view)
        reason = self.guard.judge(now, state_at=reading.arrived, planned=True, waits_for=belief.hold)
        control = command.control
        if reason != MAY_MOVE:
            control = full_braking(self.robot.kind, reading.state, self.robot.body)
        sent = self._driver.write(control)
        self._tell(now, reading, command, (float(goal[0]), float(goal[1])), reason == MAY_MOVE)
        return Period(now, reason, reading, command, sent, belief)

    def _goal(self, reading: Reading) -> tuple[float, float]:
        """Where to go: what the body's side says, else the scenario's first goal."""
        if reading.goal is not None:
            return reading.goal
        return float(self.spec.goals[0][0]), float(self.spec.goals[0][1])

    def _tell(self, now: float, reading: Reading, command: Command, goal: tuple[float, float], armed: bool) -> None:
        self._sequence += 1
        age = min(max(now - reading.arrived, 0.0), 10.0)
        report = Report(
            self.robot_id, self.incarnation, self._sequence, round(now * 1e9), tuple(reading.state.tolist()), age,
            goal, armed, self.guard.stopped, self.inbox.acks(), command.message,
        )  # fmt: skip
        self.inbox.sent(self._sequence, now)
        self.lockstep.told(self._sequence)
        self._link.publish(encode(report))
