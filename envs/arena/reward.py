"""The reward of the tuner: progress, arrival, and a price on making the filter step in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from swarm.array_types import Array, Flags, Float32s, Int64s
from swarm.files.checks import array
from swarm.files.own_code import Running, name_of
from swarm.files.references import check_part, make_part
from swarm.filter.safety import BRAKING, RELAXED
from swarm.tune.reward import Reward as OwnReward
from swarm.tune.reward import StepRecord

_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Reward:
    """Weights of the reward; nothing in it says on which side to pass, or who goes first."""

    progress: float = 0.1  # per step at full speed towards the goal
    time: float = 0.04  # price of every step before the arrival
    arrival: float = 3.0  # once
    relaxed: float = 0.05  # price of a QP whose rows had to give way
    braking: float = 0.02  # price of a control that the shield had to change

    def __call__(self, step: StepRecord) -> Float32s:
        """Reward of one step, ``float32``; 0 for robots that are done."""
        reward = np.empty(np.shape(step.closer), np.float32)
        prices = self.progress, self.time, self.arrival, self.relaxed, self.braking
        _sum_up(
            np.ravel(step.closer), np.ravel(step.fastest), np.ravel(step.arrived), np.ravel(step.done),
            np.ravel(step.outcome), prices, reward.reshape(-1),
        )  # fmt: skip
        return reward


def make_reward(reward: str | OwnReward | None) -> OwnReward:
    """The reward that a reference stands for; None or an empty text: the built-in one.

    Raises:
        InputError: If it cannot be loaded, or takes something else than the record of a step.
    """
    if reward is None or reward == "":
        return Reward()
    if isinstance(reward, str):
        found: OwnReward = make_part("reward", reward, OwnReward)
        return found
    check_part("reward", reward, OwnReward)
    return reward


def given_by(reward: OwnReward, step: StepRecord) -> Float32s:
    """What a reward gives for a step, ``float32[B, N]``; 0 for robots that are done.

    Raises:
        InputError: If that is something else than a number for each robot.
    """
    if isinstance(reward, Reward):
        return reward(step)  # right by its making
    with Running(f"reward: {name_of(reward)}", reward, f"finite numbers of shape {step.done.shape}"):
        own = StepRecord._make(values.copy() for values in step)  # the world goes on from these arrays
        found = array("rewards", reward(own), step.done.shape, most=_LARGEST)
    return np.where(step.done, 0.0, found).astype(np.float32)


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
