"""The mind of a robot of a fleet: made as the fleet file says, and ready before its first period."""

from __future__ import annotations

from collections.abc import Mapping

from swarm import explanation
from swarm.array_types import Array
from swarm.model.body import PERIOD
from swarm.robot import Robot
from swarm.runtime.belief import believe
from swarm.runtime.fleet_file.read import FleetFile
from swarm.runtime.fleet_file.roster import Peer
from swarm.sense.view import View


def robot_of(fleet: FleetFile, robot_id: int) -> Robot:
    """The mind of one robot of a fleet; ``InputError`` if the planner or the controller cannot be used."""
    scenario = fleet.scenario
    return Robot(
        scenario.robots[robot_id], scenario.world, dt=scenario.dt, sensing_radius=scenario.sensing_radius,
        planner=fleet.planner, controller=fleet.controller, margin=fleet.margin, robot_id=robot_id,
    )  # fmt: skip


def rehearse(fleet: FleetFile, robot_id: int) -> None:
    """Let a mind like that of this robot think once, so that all is compiled; ``InputError`` as ``robot_of``."""
    think_once(robot_of(fleet, robot_id), fleet.scenario.robots[robot_id].start, fleet.roster())


def think_once(robot: Robot, start: Array, roster: Mapping[int, Peer]) -> None:
    """Think once at the start ``float64[5]``, and forget it."""
    belief = believe(roster[robot.robot_id], start, [], roster, float(robot.body[PERIOD]))
    robot.step(View(0.0, start, start[:2], belief.neighbours))
    explanation.warm_up(robot)
    robot.reset()
