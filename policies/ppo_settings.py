"""Settings of PPO that both trainings have, and their names in files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from swarm.errors import InputError

IN_FILES = {"gamma": "discount", "gae_lambda": "trace", "clip_coef": "clip", "max_grad_norm": "largest_gradient"}
"""Those of the first version, so that its trainings can be resumed."""


@dataclass(frozen=True)
class PPOSettings:
    """Settings of the optimisation; the defaults are those of the tuner."""

    rollout: int = 64
    """Steps of every world in one update."""
    epochs: int = 2
    """Passes over the samples of one update."""
    minibatches: int = 8
    """Parts into which the samples are split in a pass."""
    learning_rate: float = 1e-3
    """Step size of Adam at the start."""
    gamma: float = 0.995
    """Weight of the reward one step later."""
    gae_lambda: float = 0.95
    """Weight of longer looks ahead in the advantage (lambda of GAE)."""
    clip_coef: float = 0.2
    """Largest useful change of a probability ratio in one update."""
    value_weight: float = 0.5
    """Weight of the value loss."""
    max_grad_norm: float = 0.5
    """Norm to which gradients are cut."""

    def __post_init__(self) -> None:
        for name in ("rollout", "epochs", "minibatches"):
            if getattr(self, name) < 1:
                raise InputError(f"ppo.{name}", getattr(self, name), "1 or more")
        for name in ("gamma", "gae_lambda"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise InputError(f"ppo.{name}", getattr(self, name), "0 to 1")
        for name in ("learning_rate", "clip_coef", "max_grad_norm"):
            if not 0.0 < getattr(self, name) < math.inf:
                raise InputError(f"ppo.{name}", getattr(self, name), "a number above 0")


def to_file(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings under their names in files."""
    return {IN_FILES.get(name, name): value for name, value in settings.items()}


def from_file(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings under their names in code."""
    in_code = {old: new for new, old in IN_FILES.items()}
    return {in_code.get(name, name): value for name, value in settings.items()}
