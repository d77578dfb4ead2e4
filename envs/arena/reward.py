"""The reward of the tuner: progress, arrival, and a price on making the filter step in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from swarm.array_types import Array, Flags, Float32s, Int64s
from swarm.filter.safety import BRAKING, RELAXED


@dataclass(frozen=True)
class Reward:
    """Weights of the reward; nothing in it says on which side to pass, or who goes first."""

    progress: float = 0.1  # per step at full speed towards the goal
    time: float = 0.04  # price of every step before the arrival
    arrival: float = 3.0  # once
    relaxed: float = 0.05  # price of a QP whose rows had to give way
    braking: float = 0.02  # price of a control that the shield had to change

    def __call__(
        self, closer: Array, fastest: Array, arrived: Flags, done: Flags, outcome: Int64s,
    ) -> Float32s:  # fmt: skip
        """Reward of one step.

        Args:
            closer: By how much the robot is closer to its goal [m].
            fastest: How far it can get in one period [m].
            arrived: Who arrived in this step.
            done: Who had arrived before.
            outcome: OPTIMAL, RELAXED or BRAKING.

        Returns:
            ``float32``, of the shape of the arguments; 0 for robots that are done.
        """
        reward = self.progress * np.clip(closer / fastest, -1.0, 1.0) - self.time + self.arrival * arrived
        reward = reward - self.relaxed * (outcome == RELAXED) - self.braking * (outcome == BRAKING)
        return np.where(done, 0.0, reward).astype(np.float32)
