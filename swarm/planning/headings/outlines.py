"""What planners ask of a robot that may have an outline: its least width, and where it may drive."""

from __future__ import annotations

from swarm.planning.headings.fitting import poses_of
from swarm.planning.headings.poses import Poses, half_width
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.world import World


def least_radius(spec: RobotSpec) -> float:
    """Half of the least width of a robot over all headings [m]; of a disc its radius."""
    return spec.radius if spec.footprint is None else half_width(spec.footprint)


def poses_of_robot(world: World, spec: RobotSpec, margin: float, resolution: float | None = None) -> Poses:
    """What a robot with an outline may drive on (``poses_of``)."""
    if spec.footprint is None:
        raise ValueError("a disc has no poses")
    heading = float(spec.start[2])
    return poses_of(world, spec.footprint, spec.kind, spec.limits, heading, margin, resolution)
