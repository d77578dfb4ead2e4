"""What robots have to know of their team to find the same slices."""

from __future__ import annotations

from collections.abc import Hashable

from swarm.files.text_files import located
from swarm.model.body import LOOK_AHEAD_RADII, MARGIN
from swarm.model.dynamics import Kind
from swarm.model.error_bounds import EXACT, ErrorBounds
from swarm.planning.headings.outlines import least_radius
from swarm.planning.passages.slices import Sizes, slices_of
from swarm.scenario.scenario import Scenario

# Unicycles pass each other in the open by rows about a point ahead of them: with that, and what rows keep, as much
# larger (in look-aheads).
_AHEAD = 1.1


def sizes_of(scenario: Scenario, margin: float = 0.0, assumed: ErrorBounds | None = None) -> Sizes:
    """The sizes of a scenario's team.

    Args:
        scenario: World and robots.
        margin: Extra distance that every robot keeps [m].
        assumed: Errors that the robots count on; None: those that the scenario declares.
    """
    errors = (scenario.errors if assumed is None else assumed) or EXACT
    found: dict[Hashable, tuple[float, float]] = {}
    for i, robot in enumerate(scenario.robots):
        if robot.build in found:
            continue
        with located(f"scenario {scenario.name!r}: robots[{i}]: "):
            body = robot.body(dt=scenario.dt, sensing_radius=scenario.sensing_radius, margin=margin, errors=errors)
        ahead = _AHEAD * (LOOK_AHEAD_RADII * robot.radius) if robot.kind == Kind.UNICYCLE else 0.0
        kept = float(body[MARGIN]) + ahead
        found[robot.build] = robot.radius + kept, kept
    two = sorted(found[robot.build] for robot in scenario.robots)[-2:]
    largest, kept = (sum(part) / len(two) for part in zip(*two, strict=True))
    return Sizes(min(least_radius(robot) for robot in scenario.robots), largest, kept)


def reach_of(planner: str, scenario: Scenario, sizes: Sizes) -> float:
    """Distance within which robots with a planner of this name have to hear each other for their passages [m]."""
    return slices_of(scenario.world, sizes).reach if planner == "passages" else 0.0
