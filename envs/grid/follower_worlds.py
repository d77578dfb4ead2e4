"""Where followers are trained: worlds of all kinds of maps and team sizes, each on a new map in every episode."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from envs.grid.batch import GridBatch
from envs.grid.episode import draw_episode
from envs.grid.maps import maze_map, puzzle_map, random_map, room_map, warehouse_map
from swarm.array_types import Flags, Float32s, Int8s, Int64s
from swarm.errors import InputError
from swarm.planning.follower.team import FollowerMap, Followers
from swarm.planning.follower.view import CHANNELS, OWN, WINDOW
from swarm.scenario.grid_map import GridMap

LIMIT = 256
"""Steps of an episode."""
REWARD = 0.1
"""For reaching the next cell of the path; the only reward (0.01 in the paper, and for every such cell; here it must be
nearer to the goal than the robot has been before, else stepping back and forth pays)."""
SHARED = 3
"""A robot's reward is the mean over all robots within so many cells (in the paper its own), so that yielding pays."""


def _odd(rng: np.random.Generator, low: int, high: int) -> int:
    return int(rng.integers(low // 2, high // 2 + 1)) * 2 + 1


def _random(rng: np.random.Generator) -> GridMap:
    rows, columns = rng.integers(17, 22, 2).tolist()
    return random_map(rng, rows, columns, rng.uniform(0.05, 0.3), 128)


def _mazes(rng: np.random.Generator) -> GridMap:
    return maze_map(rng, _odd(rng, 17, 21), _odd(rng, 17, 21), rng.uniform(0.1, 0.7))


def _rooms(rng: np.random.Generator) -> GridMap:
    return room_map(rng, 23, 23, int(rng.integers(3, 8)), rng.uniform(0.3, 0.9))


def _warehouse(rng: np.random.Generator) -> GridMap:
    return warehouse_map(rng, int(rng.integers(25, 38)), 46, int(rng.integers(5, 13)), missing=rng.uniform(0.0, 0.3))


def _large(rng: np.random.Generator) -> GridMap:
    return random_map(rng, 48, 48, rng.uniform(0.1, 0.3), 1024)


class Slot(NamedTuple):
    """Worlds of a kind: how maps are drawn, and how many robots the worlds have."""

    draw: Callable[[np.random.Generator], GridMap]
    robots: tuple[int, ...]


_TEAMS = (8, 16, 24, 32, 48, 64)
KINDS: dict[str, Slot] = {
    "random": Slot(_random, _TEAMS * 2),
    "mazes": Slot(_mazes, _TEAMS * 3),
    "rooms": Slot(_rooms, (16, 32, 64)),
    "warehouse": Slot(_warehouse, (48, 80, 112, 176)),
    "large": Slot(_large, (128, 192)),
    "puzzles": Slot(puzzle_map, (2, 3, 4) * 28),
}
"""Kinds of worlds by name; as many robots as fit in a batch of about two thousand."""


class _World:
    """One world: its episodes one after the other, and its part of the batch."""

    def __init__(self, slot: Slot, robots: int, seed: Sequence[int], rows: slice) -> None:
        self.slot, self.robots, self.seed, self.rows, self.episode = slot, robots, tuple(seed), rows, -1
        self.begin(0)

    def begin(self, episode: int) -> None:
        """Begin an episode; a number is an episode."""
        rng = np.random.default_rng([*self.seed, episode])
        self.episode = episode
        self.batch = GridBatch([draw_episode(self.slot.draw(rng), self.robots, rng)])
        self.team = Followers(FollowerMap(self.batch.free[0]), np.arange(self.robots))

    def step(self, ranking: Int8s) -> tuple[Float32s, dict[str, float] | None]:
        """Move, and begin anew at the end of the episode; the reward, and figures of an episode that ended."""
        moves = self.team.decide(self.team.turned(ranking))
        wanted, nearer = self.team.next_cells(), self.team.nearer()
        (hit,), (cells,) = self.batch.step(moves[None]), self.batch.cells
        reward = np.where(nearer & (cells == wanted).all(axis=1), np.float32(REWARD), np.float32(0.0))
        reward = shared(cells, reward)
        if self.batch.age[0] < LIMIT:
            self.team.forget(np.flatnonzero(hit))
            return reward, None
        figures = {
            "throughput": 100.0 * float(self.batch.reached.mean()) / LIMIT,
            "blocked": float(self.batch.blocked.mean()) / LIMIT,
        }
        self.begin(self.episode + 1)
        return reward, figures

    def observe(self, view: Float32s, own: Float32s) -> None:
        """Plan, and write what the robots see."""
        self.team.plan(self.batch.cells[0], self.batch.goals[0])
        view[self.rows], own[self.rows] = self.team.view, self.team.own

    def state_dict(self) -> dict[str, Any]:
        """What has changed since the episode began, and its number."""
        return {"episode": self.episode, "core": self.batch.state_dict(), "team": self.team.state_dict()}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Continue from a ``state_dict``."""
        self.begin(saved["episode"])
        self.batch.load_state_dict(saved["core"])
        self.team.load_state_dict(saved["team"])


def shared(cells: Int64s, reward: Float32s) -> Float32s:
    """Mean reward of the robots within ``SHARED`` cells of each, itself included, ``float32[N]``."""
    near = (np.abs(cells[:, None] - cells[None]).max(axis=2) <= SHARED).astype(np.float32)
    return (near @ reward) / near.sum(axis=1)


class FollowerWorlds:
    """Robots of worlds of many kinds in one batch.

    Args:
        seed: Of all maps, starts and goals.
        kinds: Names of ``KINDS``.

    Attributes:
        view: ``float32[S, CHANNELS, WINDOW, WINDOW]``, what all robots see now; overwritten by each step.
        own: ``float32[S, OWN]``, likewise.

    Raises:
        InputError: If there is no such kind.
    """

    def __init__(self, seed: int, kinds: Sequence[str] = tuple(KINDS)) -> None:
        for kind in kinds or ("",):
            if kind not in KINDS:
                raise InputError("kind of worlds", kind, ", ".join(KINDS))
        self.worlds: list[_World] = []
        first = 0
        for kind in kinds:
            for robots in KINDS[kind].robots:
                rows = slice(first, first + robots)
                self.worlds.append(_World(KINDS[kind], robots, (seed, len(self.worlds)), rows))
                first += robots
        # Not all at once: worlds end at different times.
        for number, world in enumerate(self.worlds):
            world.batch.age += LIMIT * number // len(self.worlds)
        self.view = np.zeros((first, CHANNELS, WINDOW, WINDOW), np.float32)
        self.own = np.zeros((first, OWN), np.float32)
        self._observe()

    def _observe(self) -> None:
        for world in self.worlds:
            world.observe(self.view, self.own)

    def step(self, ranking: Int8s) -> tuple[Float32s, Flags, list[dict[str, float]]]:
        """Move by rankings ``int8[S, 5]``, and observe; see ``policies.follower.ppo.RankingWorlds``."""
        reward, cut = np.zeros(len(self.own), np.float32), np.zeros(len(self.own), bool)
        episodes = []
        for world in self.worlds:
            reward[world.rows], figures = world.step(ranking[world.rows])
            if figures is not None:
                cut[world.rows] = True
                episodes.append(figures)
        self._observe()
        return reward, cut, episodes

    def state_dict(self) -> dict[str, Any]:
        """Arrays and plain values from which ``load_state_dict`` continues exactly."""
        return {"worlds": [world.state_dict() for world in self.worlds], "view": self.view, "own": self.own}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Continue from a ``state_dict``."""
        for world, state in zip(self.worlds, saved["worlds"], strict=True):
            world.load_state_dict(state)
        self.view[:], self.own[:] = saved["view"], saved["own"]
