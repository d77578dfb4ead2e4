"""Instances of path finding from a file of any format that has some, and the continuous scenario of an instance."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from envs.formats.league import load_problem, problem_files
from envs.formats.pogema import load_pogema_maps, pogema_instances
from envs.formats.scen import TEAM, scen_instances
from envs.grid.instances import draw_instance
from swarm.array_types import Int64s
from swarm.errors import InputError
from swarm.files.formats import Format, recognise
from swarm.files.text_files import located
from swarm.model.dynamics import Kind, Limits
from swarm.scenario.grid_map import GridMap
from swarm.scenario.instances import LifelongInstance, load_instances
from swarm.scenario.map_file import MAP_FORMATS, load_map
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World

GRID_FORMATS = (
    Format.INSTANCES, *MAP_FORMATS, Format.MOVINGAI_SCEN, Format.POGEMA_MAPS, Format.POGEMA_SCENARIOS,
    Format.LEAGUE_PROBLEM,
)  # fmt: skip
Places = tuple[Int64s, Int64s]


@dataclass(frozen=True)
class Wanted:
    """What a file does not say.

    Attributes:
        robots: Robots on a map, where they are drawn; 16 if not given, fewer on small maps.
        steps: Length of an episode that no robot on a map reaches all of its goals in.
        seed: Of starts and goals on a map.
        cell_size: Side of the cells of a map of Nav2 [m], at least its own.
        map_path: The map of MovingAI's rows, or the list of maps of POGEMA's scenarios, if it is not beside them.
    """

    robots: int | None = None
    steps: int = 256
    seed: int = 0
    cell_size: float | None = None
    map_path: Path | None = None


def read_instances(path: Path, wanted: Wanted) -> tuple[Iterable[LifelongInstance], list[str]]:
    """The instances in a file, or in a folder of problems of the League of Robot Runners.

    Returns:
        The instances (of JSON lines one by one: a malformed line raises when its turn comes), and what is to be said.

    Raises:
        InputError: If the file has no format that is read, or is malformed.
    """
    if os.path.isdir(path):
        problems = [load_problem(file) for file in problem_files(path)]
        return [problem.instance() for problem in problems], [note for found in problems for note in found.notes()]
    form = recognise(path, GRID_FORMATS)
    if wanted.cell_size is not None and form not in (Format.NAV2_MAP, Format.IMAGE):
        raise InputError("--cell-size", wanted.cell_size, f"none: {path} is {form.value}, whose cells have no size")
    if form is Format.INSTANCES:
        return load_instances(path), []
    if form is Format.MOVINGAI_SCEN:
        return scen_instances(path, wanted.map_path)
    if form is Format.POGEMA_SCENARIOS:
        return pogema_instances(path, wanted.map_path), []
    if form is Format.LEAGUE_PROBLEM:
        problem = load_problem(path)
        return [problem.instance()], problem.notes()
    if form is Format.POGEMA_MAPS:
        maps = load_pogema_maps(path).values()
        drawn = (found.instance(path.stem) for found in maps)
        return [
            given or _draw(found.grid, path, wanted, (found.homes, found.places))
            for given, found in zip(drawn, maps, strict=True)
        ], []
    grid, notes = load_map(path, wanted.cell_size)
    return [_draw(grid, path, wanted)], list(notes)


def _draw(grid: GridMap, path: Path, wanted: Wanted, places: Places | None = None) -> LifelongInstance:
    """Robots and goals on a map: as many as are wanted, or 16, but on at most half of the cells."""
    room = int(grid.largest_component().sum()) if places is None else len(places[0])
    robots = wanted.robots or max(1, min(TEAM, room // 2))
    with located(f"{path}: {grid.name}: "):
        return draw_instance(
            np.random.default_rng(wanted.seed), grid, robots, suite=path.stem, seed=wanted.seed, steps=wanted.steps,
            places=places,
        )  # fmt: skip


def driven(instance: LifelongInstance, robots: int, horizon: float) -> Scenario:
    """An instance as a continuous scenario: wheeled robots of 0.25 m on cells of 1 m, goals in their order.

    Args:
        instance: Map, starts, targets.
        robots: Its first so many robots.
        horizon: Length of a run [s].

    Raises:
        InputError: If the instance has not so many robots.
    """
    if not 1 <= robots <= len(instance.starts):
        raise InputError("robots", robots, f"1 to {len(instance.starts)}, the robots of {instance.map}")
    grid, specs = instance.grid, []
    for start, cells in zip(instance.starts[:robots], instance.targets, strict=False):
        # In a run of so many seconds nobody can be at more goals than this; the league has thousands.
        goals = grid.centre(cells[: 8 + math.ceil(horizon / grid.cell_size)])
        state = np.array([*grid.centre(start), 0.0, 0.0, 0.0])
        specs.append(RobotSpec(Kind.UNICYCLE, state, goals, 0.25 * grid.cell_size, Limits(1.0, turn_rate=4.0)))
    return Scenario(
        World.from_grid(grid), tuple(specs), horizon, sensing_radius=3.0 * grid.cell_size, name=instance.map
    )
