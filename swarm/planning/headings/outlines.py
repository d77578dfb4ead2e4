"""Which robots are planned for as outlines, and not as the discs around them."""

from __future__ import annotations

from swarm.array_types import Array
from swarm.planning.headings.fitting import poses_of
from swarm.planning.headings.poses import Poses, half_width
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.world import World


def planned_outline(spec: RobotSpec, exact: bool | None = None) -> Array | None:
    """The outline of a robot that is driven as one, float64[V, 2] [m]; None: it is driven as a disc.

    Args:
        spec: The robot.
        exact: Whether its world drives outlines; None: as ``swarm.model.footprint.driving`` says.
    """
    return None if exact is False else spec.footprint


def least_radius(spec: RobotSpec, exact: bool | None = None) -> float:
    """Half of the least width of a robot over all headings [m]; of a disc its radius. Arguments as above."""
    footprint = planned_outline(spec, exact)
    return spec.radius if footprint is None else half_width(footprint)


def poses_of_robot(world: World, spec: RobotSpec, margin: float, resolution: float | None = None) -> Poses:
    """What a robot with an outline may drive on (``poses_of``)."""
    if spec.footprint is None:
        raise ValueError("a disc has no poses")
    heading = float(spec.start[2])
    return poses_of(world, spec.footprint, spec.kind, spec.limits, heading, margin, resolution)
