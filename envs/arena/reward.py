"""The reward of the tuner: progress, arrival, and a price on making the filter step in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from swarm.array_types import Float32s
from swarm.errors import InputError
from swarm.files.references import check_part, make_part
from swarm.filter.safety import BRAKING, RELAXED
from swarm.tune.reward import Reward as OwnReward
from swarm.tune.reward import StepRecord


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
        reward = self.progress * np.clip(step.closer / step.fastest, -1.0, 1.0) - self.time
        reward = reward + self.arrival * step.arrived
        reward = reward - self.relaxed * (step.outcome == RELAXED) - self.braking * (step.outcome == BRAKING)
        return np.where(step.done, 0.0, reward).astype(np.float32)


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
    found = np.asarray(reward(step))
    if found.shape != step.done.shape or not np.isfinite(found).all():
        raise InputError("reward", found, f"finite numbers of shape {step.done.shape}")
    return np.where(step.done, 0.0, found).astype(np.float32)
