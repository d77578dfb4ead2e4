"""Lifelong instances drawn at random: starts, and lists of goals that nobody can use up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from envs.grid.episode import draw_episode
from envs.grid.maps import MAPS, maze_map, puzzle_map, random_map, room_map, warehouse_map
from swarm.array_types import Int64s
from swarm.errors import InputError
from swarm.planning.graph.fields import FieldCache, distance_field
from swarm.scenario.grid_map import GridMap
from swarm.scenario.instances import LifelongInstance

_FIELDS = 1024


def draw_instance(
    rng: np.random.Generator, world: str | GridMap, robots: int, *, suite: str = "drawn", seed: int = 0,
    steps: int = 256, goals: int | None = None, counts: Sequence[int] | None = None,
    places: tuple[Int64s, Int64s] | None = None,
) -> LifelongInstance:  # fmt: skip
    """An instance with starts and goals as in ``envs.grid.episode.draw_episode``.

    Args:
        rng: Source of all random numbers.
        world: A map, or a kind of maps (a name of ``envs.grid.maps.MAPS``).
        robots: Number of robots.
        suite: Name of the family that the instance belongs to.
        seed: What it is called by; draws nothing.
        steps: Length of an episode that no robot reaches all of its goals in, however fast it is.
        goals: Number of goals of each robot, instead.
        counts: Team sizes that the instance is for; by default all robots.
        places: Cells where robots may start and cells where goals may be, each ``int64[n, 2]``, of which those in the
            largest connected part count; by default as in ``draw_episode``.

    Returns:
        The instance; a robot's goal is never the one before, nor is the first its start.

    Raises:
        InputError: If there is no such kind, or the robots do not fit into the map, or a number is not usable.
    """
    for name, value in (("robots", robots), ("steps", steps), ("goals", goals)):
        if value is not None and value < 1:
            raise InputError(name, value, "1 or more")
    if isinstance(world, str):
        if world not in MAPS:
            raise InputError("kind of map", world, ", ".join(MAPS))
        world = MAPS[world](rng)
    grid = world
    fields = FieldCache(lambda row, column: distance_field(grid.free, row, column), _FIELDS)
    if places is None:
        episode = draw_episode(grid, robots, rng)
        starts, pool = episode.starts, episode.goals.pool.astype(np.int64)
    else:
        starts, pool = _draw_starts(rng, grid, robots, places)
    targets = tuple(_draw_goals(rng, start, pool, fields, steps, goals) for start in starts)
    return LifelongInstance(suite, grid.name, seed, grid, starts, targets, tuple(counts or (robots,)))


def _draw_starts(
    rng: np.random.Generator, grid: GridMap, robots: int, places: tuple[Int64s, Int64s]
) -> tuple[Int64s, Int64s]:
    """Starts among the first of two lists of cells, and those of the other that can be reached."""
    part = grid.largest_component()
    homes, pool = (cells[part[cells[:, 0], cells[:, 1]]] for cells in places)
    if robots > len(homes) or len(pool) < 2:
        found = f"{robots} on {len(homes)} connected cells to start from, and {len(pool)} to go to"
        raise InputError("robots", found, "at most one for each of these cells, and 2 cells or more to go to")
    return homes[rng.choice(len(homes), size=robots, replace=False)], pool


def _draw_goals(
    rng: np.random.Generator, start: Int64s, pool: Int64s, fields: FieldCache, steps: int, goals: int | None
) -> Int64s:
    """One robot's goals: so many, or until a robot that is never held up needs all of the steps for them."""
    cells, needed = [start], 0
    while len(cells) <= goals if goals is not None else needed <= steps:
        goal = pool[rng.integers(len(pool))]
        if (goal != cells[-1]).any():
            needed += int(fields[tuple(goal)][tuple(cells[-1])])
            cells.append(goal)
    return np.array(cells[1:])


class _Suite(NamedTuple):
    """How the example instances of a suite are drawn."""

    draw: Callable[[np.random.Generator], GridMap]
    instances: int
    counts: tuple[int, ...]


def _odd(rng: np.random.Generator) -> int:
    return int(rng.choice([17, 19, 21]))


def _random(rng: np.random.Generator) -> GridMap:
    rows, columns = rng.integers(17, 22, 2).tolist()
    return random_map(rng, rows, columns, rng.uniform(0.1, 0.3), 128)


_TEAMS = (8, 16, 24, 32, 48, 64)
_SUITES = {
    "random": _Suite(_random, 4, _TEAMS),
    "mazes": _Suite(lambda rng: maze_map(rng, _odd(rng), _odd(rng), rng.uniform(0.2, 0.6)), 4, _TEAMS),
    "rooms": _Suite(lambda rng: room_map(rng, 23, 23, int(rng.integers(4, 7)), rng.uniform(0.3, 0.9)), 4, _TEAMS),
    "warehouse": _Suite(lambda rng: warehouse_map(rng, missing=0.1), 2, (32, 64, 96, 128, 160, 192)),
    "puzzles": _Suite(puzzle_map, 12, (2, 3, 4)),
}
EXAMPLES = tuple(_SUITES)
"""Names of the suites that ``envs/instances`` holds examples of."""


def examples(suite: str, first: int = 0, instances: int | None = None) -> list[LifelongInstance]:
    """The instances of ``envs/instances/<suite>.jsonl``, or others of their kind.

    The files were written by ``save_instances(path, examples(suite))``.

    Args:
        suite: A name of ``EXAMPLES``.
        first: Seed of the first instance; those that follow have the next ones.
        instances: How many; by default as many as the file holds.

    Raises:
        InputError: If there is no such suite.
    """
    if suite not in _SUITES:
        raise InputError("suite", suite, ", ".join(EXAMPLES))
    draw, count, counts = _SUITES[suite]
    drawn = []
    for seed in range(first, first + (count if instances is None else instances)):
        rng = np.random.default_rng([EXAMPLES.index(suite), seed])
        grid = draw(rng)
        named = GridMap(grid.free, grid.cell_size, f"{suite}-{seed:03d}", grid.symbols)
        drawn.append(draw_instance(rng, named, counts[-1], suite=suite, seed=seed, counts=counts))
    return drawn
