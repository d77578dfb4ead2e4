"""Planners by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from swarm.errors import InputError
from swarm.files.references import FORM, check_part, is_reference, load_reference, make_part
from swarm.model.dynamics import Kind
from swarm.model.error_bounds import ErrorBounds
from swarm.planning import OwnPlanner, Planner, StatefulPlanner, stateful
from swarm.planning.headings.outlines import least_radius
from swarm.planning.passages.slices import Sizes, slices_of
from swarm.planning.passages.team import sizes_of
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import GridMap, World

PLANNERS = ("straight", "roadmap", "passages", "cells", "cells:pibt", "cells:guided")
_COPY = "copy for planners of a user's own"


def choose_planner(name: str, scenario: Scenario, sizes: Sizes | None = None) -> str:
    """The planner that ``auto`` stands for in a scenario; any other name is itself.

    Cells are reserved where each robot fits in one: the cells of a map of Nav2 are much smaller than a robot.

    Args:
        name: Of a planner, or ``auto``.
        scenario: World and robots.
        sizes: Of the team; None: nobody asks whether two robots can pass each other everywhere.
    """
    if name != "auto":
        return name
    grid = scenario.world.grid
    if grid is not None and all(robot.radius < 0.5 * grid.cell_size for robot in scenario.robots):
        return "cells"
    return "passages" if sizes is not None and slices_of(scenario.world, sizes).total > 0 else "roadmap"


def planner_of(name: str, scenario: Scenario, margin: float = 0.0, assumed: ErrorBounds | None = None) -> str:
    """The planner that ``auto`` stands for in a simulated run of a scenario; any other name is itself.

    There the agreement on passages needs messages that are heard in the next period. The arguments are those of
    ``swarm.planning.passages.team.sizes_of``.
    """
    late = scenario.errors.latency > scenario.dt
    return choose_planner(name, scenario, None if late else sizes_of(scenario, margin, assumed))


def check_planner(where: str, name: str, names: Sequence[str] = PLANNERS) -> None:
    """Refuse what names no planner.

    Raises:
        InputError: If it is none of ``names`` and no reference that can be loaded.
    """
    if name in names:
        return
    if not is_reference(name):
        known = (" or " if len(names) == 2 else ", ").join(names)
        raise InputError(where, name, f"{known}, or {FORM}")
    load_reference(where, name)


def make_planner(
    planner: str | Planner, spec: RobotSpec, world: World, *, dt: float, margin: float = 0.0, robot_id: int = 0,
    sizes: Sizes | None = None,
) -> StatefulPlanner:  # fmt: skip
    """The planner of one robot: by name, or the one that is given, with the defaults for what it lacks.

    Args:
        planner: ``straight`` (to the goal, whatever is in between), ``roadmap`` (shortest way around the static
            map), ``passages`` (the same, and places where two robots cannot pass each other are reserved before they
            are entered), ``cells`` (shared one-lane aisles: cells of the grid map are reserved likewise),
            ``cells:pibt`` and ``cells:guided`` (the same, led as those grid planners are: by the shortest way alone,
            or with the traffic that is expected on the map), or the reference of one of a user's own: a class that
            gets those of ``spec``, ``world``, ``dt``, ``margin`` and ``robot_id`` that it takes. A robot that does not
            cooperate goes straight.
        spec: The robot.
        world: The static map.
        dt: Control period [s].
        margin: Extra distance that it keeps [m].
        robot_id: Its identity.
        sizes: Of the team; of robots like this one, if not given.

    Raises:
        InputError: If the name is unknown, or cells are asked for in a world without a grid map.
    """
    if not isinstance(planner, str):
        check_part("planner", planner, Planner)
        return stateful(planner)
    own = planner.partition(":")[0] not in PLANNERS and is_reference(planner)
    if planner == "straight" or ((own or planner in PLANNERS) and not spec.cooperative):
        from swarm.planning.roadmap.planner import StraightPlanner

        return StraightPlanner()
    if planner == "roadmap" and (spec.footprint is not None or spec.limits.is_car):
        from swarm.planning.roadmap.outlined import HeadingPlanner, ways_of

        return HeadingPlanner(ways_of(world, spec, margin), spec.radius, margin)
    if planner == "roadmap":
        from swarm.planning.roadmap.planner import RoadmapPlanner

        return RoadmapPlanner(world, spec.radius, margin, turns=spec.kind == Kind.UNICYCLE, spins=spec.spins)
    if planner == "passages":
        from swarm.planning.passages.planner import PassagePlanner

        team = Sizes(least_radius(spec), spec.radius + margin, margin) if sizes is None else sizes
        return PassagePlanner(world, spec, team, margin=margin, dt=dt, robot_id=robot_id)
    if planner in PLANNERS:
        if world.grid is None:
            known = "a world with a grid map (environment.map); else straight, roadmap or passages"
            raise InputError("planner", planner, known)
        return _cell_planner(planner, world.grid, robot_id, dt, spec)
    if own:
        offered = {"spec": replace(spec), "world": _copy_of(world), "dt": dt, "margin": margin, "robot_id": robot_id}
        return OwnPlanner(make_part("planner", planner, Planner, offered), f"planner: {planner}")
    raise InputError("planner", planner, f"{', '.join(PLANNERS)}, or {FORM}")


def _copy_of(world: World) -> World:
    """The world for all planners of a user's own: what they write into it moves no obstacle."""
    if _COPY not in world.derived:
        world.derived[_COPY] = world.copy()
    copy: World = world.derived[_COPY]
    return copy


def _cell_planner(planner: str, grid: GridMap, robot_id: int, dt: float, spec: RobotSpec) -> StatefulPlanner:
    from swarm.planning.cells.planner import CellPlanner

    outlined = spec.footprint is not None
    if planner == "cells":
        return CellPlanner(grid, robot_id, dt, radius=spec.radius, speed=spec.limits.speed, outlined=outlined)
    from swarm.planning.cells.cell_map import CellMap
    from swarm.planning.cells.guides import shortest_way, traffic_costs

    shortest = planner == "cells:pibt"
    cell_map = CellMap(grid, traffic_costs(grid.free, 0.0) if shortest else traffic_costs(grid.free))
    propose = shortest_way(cell_map.columns, robot_id) if shortest else None
    return CellPlanner(
        cell_map, robot_id, dt, radius=spec.radius, speed=spec.limits.speed, propose=propose, outlined=outlined
    )
