"""Two robots that pass each other and log it: what a control process hands to its log, without processes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from swarm import Robot, View
from swarm.model.dynamics import step
from swarm.runtime.belief import Belief
from swarm.runtime.control import Control, Period
from swarm.runtime.drivers.base import Reading, Sent
from swarm.runtime.fleet_file.read import FleetFile, load_fleet
from swarm.runtime.link.inbox import Heard
from swarm.runtime.link.report_codec import Report
from swarm.runtime.watchdog import MAY_MOVE
from swarm.sense.messages import Message
from swarm.sense.neighbours import NEIGHBOUR, describe

DT = 0.05
FLEET = """
fleet: pair
scenario: two.yaml
planner: roadmap
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
  obstacles:
    - {type: box, center: [4, 1], size: [2, 1]}
    - {type: circle, center: [4, 7], radius: 0.5}
robots:
  - {type: unicycle_first_order_0_sphere, start: [2.4, 4, 0], goal: [7, 4, 0]}
  - {type: unicycle_first_order_0_sphere, start: [5.6, 4.2, 3.14], goal: [1, 4.2, 0]}
dt: 0.05
"""


def make_fleet(folder: Path) -> FleetFile:
    (folder / "two.yaml").write_text(SCENARIO)
    (folder / "fleet.yaml").write_text(FLEET)
    return load_fleet(folder / "fleet.yaml")


class Pair:
    """Drives two robots exactly; each period gives what their control processes would log.

    Attributes:
        controls: What a log asks of a ``swarm.runtime.control.Control``, of each robot.
    """

    def __init__(self, fleet: FleetFile, start: float = 100.0) -> None:
        self.fleet, self.time = fleet, start
        scenario, self.roster = fleet.scenario, fleet.roster()
        self.robots = [
            Robot(spec, scenario.world, dt=DT, sensing_radius=scenario.sensing_radius, planner=fleet.planner,
                  controller=fleet.controller, robot_id=i)
            for i, spec in enumerate(scenario.robots)
        ]  # fmt: skip
        self.states = [spec.start.copy() for spec in scenario.robots]
        self.heard: list[list[Heard]] = [[], []]
        self.controls: list[Any] = [
            SimpleNamespace(
                robot=robot, inbox=SimpleNamespace(heard=lambda now, i=i: self.heard[i]),
                lockstep=SimpleNamespace(tick=7), _explained=None,
                why=lambda period, i=i: Control.why(self.controls[i], period),
            ) for i, robot in enumerate(self.robots)
        ]  # fmt: skip

    def tick(self) -> list[Period]:
        """One period of both."""
        found = [self._period(i) for i in range(2)]
        for i, period in enumerate(found):
            assert period.command is not None
            after = np.empty(5)
            step(self.robots[i].kind, self.states[i], period.command.control, DT, after)
            self.states[i] = after
        self.time += DT
        return found

    def _period(self, i: int) -> Period:
        other, row, goal = 1 - i, np.zeros((1, NEIGHBOUR)), self.fleet.scenario.robots[i].goals[0][:2]
        state = self.states[other]
        describe(self.robots[other].kind, state, self.roster[other].body, state[:2], 0.5, 0.5, other, row[0])
        message = Message(other, 0.0, (1.0, 2.0), 0.5, 0.5)
        report = Report(other, 1, 1, 0, tuple(state.tolist()), 0.0, (1.0, 2.0), True, False, (), message)
        self.heard[i] = [Heard(report, 0.031, 1)]
        view = View(self.time, self.states[i].copy(), goal, row)
        command = self.robots[i].step(view)
        reading = Reading(view.state, self.time, self.time - 0.01)
        belief = Belief(row, False, None)
        return Period(self.time, MAY_MOVE, reading, command, Sent(command.control, self.time), belief, view)
