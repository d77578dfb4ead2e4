"""The robot's mind: everything that one robot needs to drive among others, and nothing else.

    from swarm import Robot, View, load_scenario

    scenario = load_scenario("envs/maps/passage.yaml")
    spec = scenario.robots[0]
    robot = Robot(spec, scenario.world, dt=scenario.dt, sensing_radius=scenario.sensing_radius)
    command = robot.step(View(time=0.0, state=spec.start, goal=spec.goals[0]))

One step is: sense (a ``View``), plan (a waypoint), tune (the filter's parameters), filter (a safe control), act (a
``Command``). To describe a run: ``Scenario``, ``RobotSpec``, ``Kind``, ``Limits``, ``ErrorBounds``, ``Strangers``,
``World``, ``GridMap``; ``load_scenario`` reads a scenario file, ``load_fleet`` a fleet file, ``deliveries`` draws a
scenario on a grid map. To decide: ``Robot``, ``View`` with ``Neighbour`` and ``Message``, ``Command``; ``explain`` says
why a control was changed. To write parts of your own, each a protocol that says what is asked: ``Family``, ``Map``,
``Network``, ``RankingNetwork``, ``Reward`` and its ``StepRecord``, ``Planner`` and its ``Plan``, ``Controller`` and its
``Observation``, ``Constraint``, ``Driver``. What goes wrong is a ``SwarmError``; wrong input is an ``InputError``,
which is also a ``ValueError``.

Rooms, each importing only what comes before it:

    errors, kernel_cache, files   errors; compiled kernels; bounded reading and writing
    model, scenario               what a robot is; what a run is
    sense                         view, neighbours, messages
    filter, tune, planning        quadratic program and shield; what proposes its parameters; where to drive
    robot, explanation            the five steps joined; why a control was changed
    runtime                       the control process of one robot (``swarm-robot``)
    fleet                         many processes: start, watch, stop (``swarm-fleet``)

Worlds to drive in (``envs``) and training (``policies``) are not its business: nothing here imports them, nor torch.
Lengths are in m, times in s, angles in rad; x points right, y up. Names are loaded when they are first used, so that
importing a part costs only that part.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from swarm.kernel_cache import register_kernels

if TYPE_CHECKING:
    from swarm.errors import InputError, SwarmError
    from swarm.explanation import explain
    from swarm.filter.further_rows import Constraint
    from swarm.model.dynamics import Kind, Limits
    from swarm.model.error_bounds import ErrorBounds
    from swarm.model.strangers import Strangers
    from swarm.planning import Plan, Planner
    from swarm.planning.follower.network import RankingNetwork
    from swarm.robot import Command, Robot
    from swarm.runtime.drivers.base import Driver
    from swarm.runtime.fleet_file.read import load_fleet
    from swarm.scenario.family import Family, Map
    from swarm.scenario.grid_map import GridMap
    from swarm.scenario.robot_spec import RobotSpec
    from swarm.scenario.scenario import Scenario, deliveries, load_scenario
    from swarm.scenario.world import World
    from swarm.sense.messages import Message
    from swarm.sense.neighbour import Neighbour
    from swarm.sense.view import View
    from swarm.tune.controllers import Controller
    from swarm.tune.network import Network
    from swarm.tune.observation import Observation
    from swarm.tune.reward import Reward, StepRecord

__version__ = "0.1.0"

_HOME = {
    "Command": "robot",
    "Constraint": "filter.further_rows",
    "Controller": "tune.controllers",
    "Driver": "runtime.drivers.base",
    "ErrorBounds": "model.error_bounds",
    "Family": "scenario.family",
    "GridMap": "scenario.grid_map",
    "InputError": "errors",
    "Kind": "model.dynamics",
    "Limits": "model.dynamics",
    "Map": "scenario.family",
    "Message": "sense.messages",
    "Neighbour": "sense.neighbour",
    "Network": "tune.network",
    "Observation": "tune.observation",
    "Plan": "planning",
    "Planner": "planning",
    "RankingNetwork": "planning.follower.network",
    "Reward": "tune.reward",
    "Robot": "robot",
    "RobotSpec": "scenario.robot_spec",
    "Scenario": "scenario.scenario",
    "StepRecord": "tune.reward",
    "Strangers": "model.strangers",
    "SwarmError": "errors",
    "View": "sense.view",
    "World": "scenario.world",
    "deliveries": "scenario.scenario",
    "explain": "explanation",
    "load_fleet": "runtime.fleet_file.read",
    "load_scenario": "scenario.scenario",
}

__all__ = [
    "Command", "Constraint", "Controller", "Driver", "ErrorBounds", "Family", "GridMap", "InputError", "Kind", "Limits",
    "Map", "Message", "Neighbour", "Network", "Observation", "Plan", "Planner", "RankingNetwork", "Reward", "Robot",
    "RobotSpec", "Scenario", "StepRecord", "Strangers", "SwarmError", "View", "World", "deliveries", "explain",
    "load_fleet", "load_scenario",
]  # fmt: skip

register_kernels("swarm", Path(__file__).parent)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'swarm' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(importlib.import_module(f"swarm.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
