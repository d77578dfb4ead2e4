"""A team of followers in an episode: all robots' decisions at once, one call of the network a step."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from swarm.array_types import Flags, Int64s
from swarm.planning.follower.policy import OnnxRanker
from swarm.planning.follower.team import FollowerMap, Followers, Ranker, gumbel, rank
from swarm.tune.controllers import shipped_checkpoint

SHIPPED = "follower"


class FollowerTeam:
    """What ``swarm.planning.follower.team.FollowerPlanner`` decides for every robot, in batches.

    Args:
        free: Where robots may be, ``bool[rows, columns]``.
        robots: Number of robots.
        ranker: Network, or a checkpoint folder; by default the shipped one.
    """

    def __init__(self, free: Flags, robots: int, ranker: Ranker | str | Path | None = None) -> None:
        if ranker is None or isinstance(ranker, str | Path):
            ranker = OnnxRanker(shipped_checkpoint(SHIPPED) if ranker is None else ranker)
        self.ranker = ranker
        self.followers = Followers(FollowerMap(free), np.arange(robots))
        self._tick = 0

    def moves(self, cells: Int64s, goals: Int64s, fresh: Flags) -> Int64s:
        """The moves ``int64[N]`` that the robots choose now; arguments as those of ``envs.grid.run.Team``."""
        team = self.followers
        team.forget(np.flatnonzero(fresh))
        team.plan(cells, goals)
        scores = self.ranker(team.view, team.own)
        self._tick += 1
        noise = self.ranker.temperature * gumbel(team.ids, self._tick)
        return team.decide(team.turned(rank(scores, noise)))
