"""The mind of a robot of a fleet: made out of the fleet file once, and ready before its first period."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from swarm import explanation
from swarm.errors import InputError
from swarm.model.body import PERIOD
from swarm.model.error_bounds import EXACT, ErrorBounds
from swarm.planning.passages.team import reach_of, sizes_of
from swarm.robot import Robot
from swarm.runtime.belief import believe
from swarm.runtime.fleet_file.braking import DEFAULT, Action
from swarm.runtime.fleet_file.read import FleetFile
from swarm.runtime.fleet_file.roster import Peer
from swarm.runtime.link.handshake import Handshake, handshake_of
from swarm.scenario.robot_spec import RobotSpec
from swarm.sense.messages import hearing_radius
from swarm.sense.view import View


@dataclass(frozen=True, eq=False)
class Mind:
    """All that one robot decides with.

    Attributes:
        robot: Decides.
        spec: Start, goals and limits of its body.
        roster: All robots of the fleet as the others see them, by identity.
        handshake: What it tells of itself, for others to know whether they fit.
        hearing_radius: Whom it has to hear: robots that are no farther [m].
        errors: What is declared of it as not exact.
        braking: What it does about each reason not to move.
    """

    robot: Robot
    spec: RobotSpec
    roster: Mapping[int, Peer]
    handshake: Handshake
    hearing_radius: float
    errors: ErrorBounds = EXACT
    braking: Mapping[str, Action] = field(default_factory=lambda: DEFAULT)

    @property
    def dt(self) -> float:
        """Control period [s]."""
        return float(self.robot.body[PERIOD])

    def rehearse(self) -> None:
        """Think once at the start, so that everything is compiled and loaded, and forget it."""
        start, robot = self.spec.start, self.robot
        belief = believe(self.roster[robot.robot_id], start, [], self.roster, self.dt)
        robot.step(View(0.0, start, start[:2], belief.neighbours))
        robot.sent(None)
        explanation.warm_up(robot)
        robot.reset()


def mind_of(fleet: FleetFile, robot_id: int) -> Mind:
    """The mind of one robot of a fleet.

    Raises:
        InputError: If the robot is not in the fleet, or planner, controller or constraint cannot be used.
    """
    scenario, roster, grid = fleet.scenario, fleet.roster(), fleet.scenario.world.grid
    if robot_id not in roster:
        raise InputError("robot", robot_id, f"0 to {len(roster) - 1}")
    sizes = sizes_of(scenario, fleet.margin, fleet.errors)
    robot = Robot(
        scenario.robots[robot_id], scenario.world, dt=scenario.dt, sensing_radius=scenario.sensing_radius,
        planner=fleet.planner, controller=fleet.controller, margin=fleet.margin, errors=fleet.errors_of(robot_id),
        strangers=fleet.strangers, robot_id=robot_id, sizes=sizes, constraint=fleet.constraint,
    )  # fmt: skip
    return Mind(
        robot, scenario.robots[robot_id], roster,
        handshake_of(
            robot_id, scenario.world, roster.values(), fleet.planner, fleet.controller, fleet.errors, fleet.strangers,
            fleet.keys is not None, fleet.constraint,
        ),
        hearing_radius(
            scenario.sensing_radius, None if grid is None else grid.cell_size,
            reach_of(fleet.planner, scenario, sizes),
        ), fleet.errors_of(robot_id),
        fleet.braking,
    )  # fmt: skip
