"""The reward of the tuner: progress, arrival, and a price on making the filter step in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

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
        reward = np.empty(np.shape(closer), np.float32)
        prices = self.progress, self.time, self.arrival, self.relaxed, self.braking
        _sum_up(
            np.ravel(closer), np.ravel(fastest), np.ravel(arrived), np.ravel(done), np.ravel(outcome), prices,
            reward.reshape(-1),
        )  # fmt: skip
        return reward


@njit(cache=True)
def _sum_up(
    closer: Array, fastest: Array, arrived: Flags, done: Flags, outcome: Int64s,
    prices: tuple[float, float, float, float, float], reward: Float32s,
) -> None:  # fmt: skip
    progress, time, arrival, relaxed, braking = prices
    for i in range(len(reward)):
        share = closer[i] / fastest[i]
        if share > 1.0:
            share = 1.0
        elif share < -1.0:
            share = -1.0
        value = progress * share - time + arrival * arrived[i]
        value = value - relaxed * (outcome[i] == RELAXED) - braking * (outcome[i] == BRAKING)
        reward[i] = 0.0 if done[i] else value
