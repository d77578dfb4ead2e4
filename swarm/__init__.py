"""The robot's mind: everything that one robot needs to drive among others, and nothing else.

    from swarm import Robot, View, load_scenario

Names are loaded when they are first used, so that importing a part costs only that part.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from swarm.kernel_cache import register_kernels

if TYPE_CHECKING:
    from swarm.errors import InputError, SwarmError
    from swarm.model.dynamics import Kind, Limits
    from swarm.robot import Command, Robot
    from swarm.scenario.grid_map import GridMap
    from swarm.scenario.scenario import RobotSpec, Scenario, deliveries, load_scenario
    from swarm.scenario.world import World
    from swarm.sense.messages import Message
    from swarm.sense.view import View

__version__ = "0.1.0"

_HOME = {
    "Command": "robot",
    "GridMap": "scenario.grid_map",
    "InputError": "errors",
    "Kind": "model.dynamics",
    "Limits": "model.dynamics",
    "Message": "sense.messages",
    "Robot": "robot",
    "RobotSpec": "scenario.robot_spec",
    "Scenario": "scenario.scenario",
    "SwarmError": "errors",
    "View": "sense.view",
    "World": "scenario.world",
    "deliveries": "scenario.scenario",
    "load_scenario": "scenario.scenario",
}

__all__ = [
    "Command", "GridMap", "InputError", "Kind", "Limits", "Message", "Robot", "RobotSpec", "Scenario", "SwarmError",
    "View", "World", "deliveries", "load_scenario",
]  # fmt: skip

register_kernels("swarm", Path(__file__).parent)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'swarm' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(importlib.import_module(f"swarm.{_HOME[name]}"), name)
