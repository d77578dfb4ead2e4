"""How smoothly a controller drives: how far its tunables and the robots' commands move from one period to the next."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from envs.arena.core import ArenaCore
from envs.arena.episodes import Policy
from swarm.array_types import Array, Flags, Int64s

FLIP = 0.5
"""A tunable that moves by more than this share of its box in one period flips."""


@dataclass
class Smoothness:
    """Watches a policy while it drives (``envs.arena.episodes.Act``), robots on their way alone.

    Attributes:
        policy: Who drives.
        steps: Periods of robots that follow another one of the same episode.
        flips: Those in which a tunable flips.
        change: By how much commands change in them, all together: shares of full speed, acceleration or turn rate.
    """

    policy: Policy
    steps: int = 0
    flips: int = 0
    change: float = 0.0
    _episode: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    _age: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    _before: tuple[Array, Array] = field(default_factory=lambda: (np.zeros(0), np.zeros(0)))

    def __call__(self, core: ArenaCore, episode: Int64s) -> Array:
        """The actions of the policy; what the last period changed is counted."""
        now = core.last_action.copy(), core.control.copy()
        if len(self._episode):
            # The first period of an episode has none before it: its tunables come from nowhere.
            follows = (episode == self._episode) & (core.age == self._age + 1) & (core.age > 1)
            self._count(core, now, follows[:, None] & ~core.resting)
        self._episode, self._age, self._before = episode.copy(), core.age.copy(), now
        return self.policy(core.observe())

    def _count(self, core: ArenaCore, now: tuple[Array, Array], counted: Flags) -> None:
        tunables, commands = (np.abs(new - old)[counted] for new, old in zip(now, self._before, strict=True))
        self.steps += int(counted.sum())
        self.flips += int((tunables > FLIP).any(axis=-1).sum())
        self.change += float(np.hypot(*(commands / core.full_control[counted]).T).sum())

    def figures(self) -> dict[str, float]:
        """``flips``: share of the periods; ``change``: of the command in a period, mean share of what is possible."""
        steps = max(1, self.steps)
        return {"flips": self.flips / steps, "change": self.change / steps}
