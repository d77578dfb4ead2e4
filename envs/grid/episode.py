"""What an episode of lifelong path finding begins with: a map, starts, and where goals come from."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from envs.grid.kernels import NOWHERE
from swarm.array_types import Int32s, Int64s, Integers
from swarm.errors import InputError
from swarm.scenario.grid_map import GridMap
from swarm.scenario.instances import LifelongInstance

GridWorld = GridMap | LifelongInstance


@dataclass(frozen=True)
class GoalSource:
    """Where the robots' goals come from; with a pool the lists are not used.

    Attributes:
        listed: ``int32[N, k, 2]``, each robot's goals (row, column) in order, then ``NOWHERE``.
        pool: ``int32[p, 2]``, cells that goals are drawn from, without end; never the robot's own.
        seed: Of the goals that are drawn: goal k of robot i is a function of seed, i, k and the robot's cell.
    """

    listed: Int32s = field(default_factory=lambda: np.empty((0, 0, 2), np.int32))
    pool: Int32s = field(default_factory=lambda: np.empty((0, 2), np.int32))
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Episode:
    """A map, starts and goals that are possible; the kernels rely on that.

    Attributes:
        grid: The map.
        starts: ``int64[N, 2]`` (row, column), distinct free cells.
        goals: Where goals come from; each can be reached from its robot's start.

    Raises:
        InputError: If a start is no free cell or another robot's, or a goal cannot be reached from its start.
    """

    grid: GridMap
    starts: Int64s
    goals: GoalSource

    def __post_init__(self) -> None:
        grid, starts, (listed, pool) = self.grid, self.starts, (self.goals.listed, self.goals.pool)
        where = f"starts on {grid.name}"
        if starts.ndim != 2 or starts.shape[1] != 2 or not len(starts):
            raise InputError(where, list(starts.shape), "[N, 2] (row, column), one robot or more")
        parts = np.pad(grid.components(), 1, constant_values=-1)  # whatever is outside of the map is wall
        home = _at(parts, starts)
        if (home < 0).any() or len(set(map(tuple, starts.tolist()))) < len(starts):
            raise InputError(where, starts.tolist(), "free cells of the map, each for one robot")
        goals = pool[None] if len(pool) else listed
        lost = (_at(parts, goals) != home[:, None]) & (goals != NOWHERE).any(axis=-1)
        for robot in np.flatnonzero(lost.any(axis=1))[:1]:
            found = goals[0 if len(pool) else robot][lost[robot]].tolist()
            raise InputError(f"goals of robot {robot} on {grid.name}", found, "cells that it can reach")


def _at(parts: Int32s, cells: Integers) -> Int32s:
    """What a padded map holds at cells ``[..., 2]``."""
    inside = np.clip(cells + 1, 0, np.array(parts.shape) - 1)
    return parts[inside[..., 0], inside[..., 1]]


def listed_goals(instance: LifelongInstance, robots: int) -> GoalSource:
    """The targets of an instance's first robots, in their order."""
    targets = instance.targets[:robots]
    listed = np.full((robots, max(map(len, targets)), 2), NOWHERE, dtype=np.int32)
    for robot, cells in enumerate(targets):
        listed[robot, : len(cells)] = cells
    return GoalSource(listed)


def drawn_goals(pool: Int64s, rng: np.random.Generator) -> GoalSource:
    """Goals without end, drawn from the cells ``int64[p, 2]``, which must be two or more.

    Raises:
        InputError: If there are fewer: a robot on the only cell would never get another goal.
    """
    if len(np.unique(pool, axis=0)) < 2:
        raise InputError("cells that goals are drawn from", np.asarray(pool).tolist(), "2 or more")
    return GoalSource(pool=pool.astype(np.int32), seed=int(rng.integers(2**63)))


def draw_episode(world: GridWorld, robots: int | None, rng: np.random.Generator) -> Episode:
    """An episode on an instance (its first robots, its targets), or on a map with starts and goals drawn from ``rng``.

    Starts and goals on a map are cells of its largest connected part. If that has ``S`` and ``E`` cells, enough of
    both for all robots, then the robots start on ``S`` cells and goals are ``E`` cells. Otherwise they start anywhere,
    and goals are its ``S`` and ``E`` cells together if there are two or more, else all of its cells.

    Args:
        world: The instance or the map.
        robots: Number of robots; by default all of the instance's, or 16.
        rng: Source of all random numbers.

    Raises:
        InputError: If there are not so many robots, or not so many cells.
    """
    if isinstance(world, LifelongInstance):
        count = len(world.starts) if robots is None else robots
        if not 1 <= count <= len(world.starts):
            valid = f"1 to {len(world.starts)}, the robots of {world.map} (seed {world.seed})"
            raise InputError("robots", count, valid)
        return Episode(world.grid, world.starts[:count], listed_goals(world, count))
    cells, count = np.argwhere(world.largest_component()), 16 if robots is None else robots
    if len(cells) < 2 or not 1 <= count <= len(cells):
        found = f"{count} on {len(cells)} connected free cells"
        raise InputError("robots", found, "at least 2 cells, and 1 robot to as many as there are cells")
    homes, pool = _marked(world, cells, count)
    starts = homes[rng.choice(len(homes), size=count, replace=False)]
    return Episode(world, starts, drawn_goals(pool, rng))


def _marked(grid: GridMap, cells: Int64s, robots: int) -> tuple[Int64s, Int64s]:
    """Where robots start, and where their goals are."""
    symbols = np.array([grid.symbols[row][column] for row, column in cells])
    starts, ends = cells[symbols == "S"], cells[symbols == "E"]
    if len(starts) >= robots and len(ends) >= max(robots, 2):
        return starts, ends
    either = cells[np.isin(symbols, ["S", "E"])]
    return cells, either if len(either) > 1 else cells
