"""How the tuner explores: Gaussian noise on its actions, held for a while, and larger where a robot is stuck.

What is deployed is the mean. A robot that stands at a wall sees nearly the same at every step, and small noise that is
new at every step averages out to nothing: without large noise that is held it never finds out that there is a way
around, and what the network would do there is never learnt.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from policies.ppo_settings import TunerPPOSettings
from swarm.filter.tunables import COUNT
from swarm.tune.observation import EGO_STUCK

STUCK = 0.05
"""From here on a robot counts as stuck (column ``EGO_STUCK``): it has not come nearer to its goal in half the time in
which it could cross its sensing radius."""


class Exploration:
    """The noise of S robots.

    Args:
        robots: S.
        config: Settings of the training.
        random: Where noise comes from.

    Attributes:
        held: The present standard normal noise, [S, 6].
    """

    def __init__(self, robots: int, config: TunerPPOSettings, random: torch.Generator) -> None:
        self.config, self.random = config, random
        self.held = torch.randn(robots, COUNT, generator=random)

    def usual_std(self, left: float) -> float:
        """Standard deviation of the actions of robots that are not stuck; ``left`` as in ``std``."""
        first, last = self.config.noise
        return last + left * (first - last)

    def std(self, ego: Tensor, rows: Tensor, left: float) -> float | Tensor:
        """Standard deviation of the actions of robots with features ``ego`` [n, EGO]: one number, or [n, 1].

        Args:
            ego: Their own features.
            rows: Which of the S robots each is, int64 [n].
            left: Share of the noise at the start, beyond that at the end, that is left.
        """
        usual = self.usual_std(left)
        if self.config.stuck_noise == 1.0:
            return usual
        return torch.where(self._tries(ego, rows), usual * self.config.stuck_noise, usual).unsqueeze(-1)

    def noise(self, ego: Tensor, done: float) -> Tensor:
        """Standard normal noise [S, 6] for one step; each sample's density is taken as if it stood alone.

        Args:
            ego: The robots' own features [S, EGO].
            done: Share of the training, or of its present part, that is over.
        """
        noise = torch.randn(self.held.shape, generator=self.random)
        left = max(0.0, 1.0 - done / self.config.held_until)
        steps = 1.0 + (self.config.held - 1.0) * left
        luck = torch.rand(len(noise), 1, generator=self.random)
        new = luck * steps < 1.0
        new[round(self.config.held_worlds * len(noise)) :] = True
        if self.config.stuck_noise != 1.0:
            tries = self._tries(ego, torch.arange(len(ego), device=ego.device))
            new = torch.where(tries.cpu().unsqueeze(-1), luck * self.config.held < 1.0, new)
        self.held = torch.where(new, noise, self.held)
        return self.held

    def _tries(self, ego: Tensor, rows: Tensor) -> Tensor:
        """Which robots explore with larger noise since they are stuck, bool [n]; in the last worlds of all."""
        return is_stuck(ego) & (rows >= round((1.0 - self.config.stuck_worlds) * len(self.held)))


def is_stuck(ego: Tensor) -> Tensor:
    """Which robots with features ``ego`` [..., EGO] are stuck, bool [...]."""
    return ego[..., EGO_STUCK] >= STUCK


def log_probability(action: Tensor, mean: Tensor, std: float | Tensor, free: Tensor) -> Tensor:
    """Log density [...] of Gaussian actions [..., 6] (``std`` too, or one number); only ``free`` [6] ones count."""
    scaled, log_std = (action - mean) / std, std.log() if isinstance(std, Tensor) else math.log(std)
    return (free * (-0.5 * scaled.square() - log_std - 0.5 * math.log(2.0 * math.pi))).sum(dim=-1)
