"""GridEnv: lifelong multi-agent path finding as a PettingZoo ``ParallelEnv``."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from envs.grid.batch import CHANNELS, GridBatch
from envs.grid.episode import Episode, GridWorld, draw_episode
from envs.grid.maps import maze_map, puzzle_map, random_map, room_map, warehouse_map
from envs.render.grid_scene import GridScenes
from envs.render.rendered_env import Picture, RenderedEnv
from swarm.array_types import Float32s, Int64s
from swarm.errors import InputError
from swarm.files.checks import generator, whole
from swarm.planning.graph.moves import MOVES
from swarm.scenario.grid_map import GridMap
from swarm.scenario.instances import LifelongInstance, load_instances


class GridEnv(RenderedEnv):
    """Robots that move from cell to cell, all at once, from goal to goal.

    An action is one of five moves: 0 stay, 1 up, 2 down, 3 left, 4 right. Moves into walls, into cells that several
    robots want, and swaps are reverted, and so are moves after a robot that stays; rings of robots may turn.

    The observation of a robot is a window of ``radius`` cells in each direction around it, north up,
    ``float32[6, 2 radius + 1, 2 radius + 1]``, all values in [-1, 1]:

    0. ``walls``: 1 in walls and outside the map.
    1. ``robots``: 1 where another robot is.
    2. ``goal``: 1 at its goal; if that is outside of the window, at the nearest cell of the window's border.
    3. ``path``: 1 on the cells of its own shortest path, as far as the window shows it without a gap.
    4. ``next``: 1 where the shortest path of another robot goes next (those robots may themselves be out of the window
       by one cell).
    5. ``cost_to_go``: how many steps farther from its goal each cell is than its own, divided by 2 ``radius`` and cut
       to [-1, 1]; 1 in walls.

    The last four are zero (but for others' ``next``) for a robot that has no goal left: it stays an agent, and should
    yield. The reward is 1 for each goal that is reached. Nobody terminates; all are truncated after
    ``max_cycles`` steps. Infos tell ``goals`` (reached so far) and ``blocked`` (whether the last move was reverted).

    Each robot's distance field takes 2 bytes a cell: 10,000 robots on 140 × 500 cells take 1.8 GB. ``GridBatch`` is the
    same for many worlds at once, without dictionaries.

    Args:
        scenario: A map (starts and goals are drawn, see ``envs.grid.episode.draw_episode``), an instance (its targets
            in order), or a function that draws either from a generator, such as those of ``envs.grid.maps``; also the
            name of one of these (``MAPS``; ``random``: 20 × 20 cells, 30 % random walls), or a file: a map, or
            instances, one of which is drawn for each episode.
        robots: Number of robots; by default all of an instance's, or 16.
        max_cycles: Length of an episode.
        radius: Cells that a robot sees in each direction.
        render_mode: ``human``, ``rgb_array`` or None.
        steps: An older name of ``max_cycles``.

    Raises:
        InputError: If an argument is not usable, or the robots do not fit into the map.
    """

    metadata: ClassVar[dict[str, Any]] = {
        "name": "grid_v0", "render_modes": ["human", "rgb_array"], "render_fps": 8, "is_parallelizable": True,
    }  # fmt: skip

    def __init__(
        self, scenario: GridWorld | Callable[[np.random.Generator], GridWorld] | str | Path = "random", *,
        robots: int | None = None, max_cycles: int = 256, radius: int = 5, render_mode: str | None = None,
        steps: int | None = None,
    ) -> None:  # fmt: skip
        max_cycles = max_cycles if steps is None else steps
        for name, value in (("robots", robots), ("max_cycles", max_cycles), ("radius", radius)):
            if value is not None or name != "robots":
                whole(name, value)
        self._draw = drawn_from(scenario, robots)
        self.max_cycles, self.radius = max_cycles, radius
        self._rng = np.random.default_rng(0)
        self._scenes: GridScenes | None = None
        first = np.random.default_rng(0)
        self._begin(draw_episode(self._draw(first), robots, first))
        shape = (len(CHANNELS), 2 * radius + 1, 2 * radius + 1)
        super().__init__(
            self.batch.robots, spaces.Box(-1.0, 1.0, shape, np.float32), spaces.Discrete(len(MOVES)), render_mode
        )
        largest = float(np.iinfo(np.int32).max)  # maps of all sizes may be drawn
        self.state_space = spaces.Box(-1.0, largest, (self.batch.robots * 4 + 1,), np.float32)

    def _begin(self, episode: Episode) -> None:
        self._grid, self.batch = episode.grid, GridBatch([episode], self.radius)

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Float32s], dict[str, Any]]:
        """Begin an episode (drawn from ``seed``, if given) and observe it."""
        if seed is not None:
            self._rng = generator(seed)
        self.agents, self._begun = list(self.possible_agents), True
        self._begin(draw_episode(self._draw(self._rng), len(self.agents), self._rng))
        if self.render_mode == "human":
            self.render()
        return self._observe(), self._infos()

    def state(self) -> Float32s:
        """Of each robot cell and goal, (row, column) each, -1 without a goal; and the step: ``float32[4 N + 1]``."""
        batch = self.batch
        goals = np.where(batch.has_goal[0, :, None], batch.goals[0], -1)
        return np.append(np.concatenate([batch.cells[0], goals], axis=1).ravel(), batch.age[0]).astype(np.float32)

    def _observe(self) -> dict[str, Float32s]:
        return dict(zip(self.possible_agents, self.batch.observe()[0].copy(), strict=True))

    def _infos(self) -> dict[str, Any]:
        (reached,), (blocked,) = self.batch.reached.tolist(), self.batch.just_blocked.tolist()
        figures = zip(self.possible_agents, reached, blocked, strict=True)
        return {agent: {"goals": goals, "blocked": blocked} for agent, goals, blocked in figures}

    def step(
        self, actions: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, float], dict[str, bool], dict[str, bool], dict[str, Any]]:
        """All robots move."""
        if self._is_over(actions):
            return {}, {}, {}, {}, {}
        agents = self.agents
        (reached,) = self.batch.step(_moves(agents, actions)[None])
        truncated = bool(self.batch.age[0] >= self.max_cycles)
        if truncated:
            self.agents = []
        if self.render_mode == "human":
            self.render()
        return (
            self._observe(),
            dict(zip(agents, reached.astype(float).tolist(), strict=True)),
            dict.fromkeys(agents, False),
            dict.fromkeys(agents, truncated),
            self._infos(),
        )

    def _picture(self) -> Picture:
        if self._scenes is None or self._scenes.grid is not self._grid:
            self._scenes = GridScenes(self._grid)
        scenes, batch = self._scenes, self.batch
        goals = np.where(batch.has_goal[0, :, None], batch.goals[0], -1)
        scene = scenes.scene(
            self._grid.centre(batch.cells[0]), goals, lambda robot: self._grid.centre(batch.path(0, robot)),
            (f"step {batch.age[0]} of {self.max_cycles}    goals {batch.reached.sum()}",),
        )  # fmt: skip
        return scenes.bounds, self._grid.cell_size, scene


MAPS: dict[str, Callable[..., GridMap]] = {
    "random": random_map, "maze": maze_map, "room": room_map, "warehouse": warehouse_map, "puzzle": puzzle_map,
}  # fmt: skip
"""The families of maps by name (``envs.grid.maps``)."""


def drawn_from(
    scenario: GridWorld | Callable[[np.random.Generator], GridWorld] | str | Path, robots: int | None
) -> Callable[[np.random.Generator], GridWorld]:
    """Whatever a grid environment takes for a scenario, as a function that draws.

    Raises:
        InputError: If it is none of these, or the file is not usable.
    """
    if isinstance(scenario, str) and scenario == "random":
        return partial(random_map, at_least=1 + (robots or 16))
    if isinstance(scenario, str) and scenario in MAPS:
        return MAPS[scenario]
    if isinstance(scenario, str | Path):
        path = Path(scenario)
        if path.suffix not in (".map", ".jsonl"):
            raise InputError("scenario", str(scenario), f"a file .map or .jsonl, or maps: {', '.join(MAPS)}")
        if path.suffix == ".jsonl":
            return partial(_one_of, list(load_instances(path)))
        return partial(_one_of, [GridMap.from_movingai(path)])
    if isinstance(scenario, GridMap | LifelongInstance):
        return partial(_one_of, [scenario])
    if not callable(scenario):
        raise InputError("scenario", scenario, "a name or file of maps, a map, an instance, or a function that draws")
    return scenario


def _one_of(worlds: Sequence[GridWorld], rng: np.random.Generator) -> GridWorld:
    """One of several; of a single one without asking the generator."""
    return worlds[0] if len(worlds) == 1 else worlds[int(rng.integers(len(worlds)))]


def _moves(agents: list[str], actions: dict[str, Any]) -> Int64s:
    """Moves ``int64[N]`` in the order of the agents.

    Raises:
        InputError: If an agent has no action, or one that is no move.
    """
    moves = np.empty(len(agents), dtype=np.int64)
    for i, agent in enumerate(agents):
        action: Any = actions.get(agent)
        try:
            moves[i] = operator.index(action)  # also of an array without axes, as networks give one
        except (TypeError, OverflowError):
            moves[i] = -1
        if not 0 <= moves[i] < len(MOVES):
            raise InputError(f"action of {agent}", action, f"a whole number from 0 to {len(MOVES) - 1}")
    return moves
