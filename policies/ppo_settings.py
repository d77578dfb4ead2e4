"""Settings of PPO: those that both trainings have, those of the tuner's alone, and their names in files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from swarm.errors import InputError

IN_FILES = {"gamma": "discount", "gae_lambda": "trace", "clip_coef": "clip", "max_grad_norm": "largest_gradient"}
"""Those of the first version, so that its trainings can be resumed."""
AGAIN = 0.75
"""How much of the noise and of the step size at the start there is when they start anew."""


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


@dataclass(frozen=True)
class TunerPPOSettings(PPOSettings):
    """Settings of the optimisation."""

    anneal: bool = True
    """Let the step size fall linearly to 0 at the end of the training."""
    value_clip: float | None = None
    """Largest useful change of a value in one update; None for no limit."""
    noise: tuple[float, float] = (0.25, 0.03)
    """Standard deviation of the actions at the start and at the end, linear in between. What is deployed is the mean,
    and noise gets robots out of traps in which the mean alone would stay: at the end there must be little of it."""
    stuck_noise: float = 1.0
    """How many times as large it is for robots that are stuck (``policies.tuner.exploration``); then it is also held
    for the time ``held``, in the mean, throughout the training. 1: they explore as everybody."""
    stuck_worlds: float = 0.35
    """Share of the worlds in which it is. Who waits for others looks as if it were stuck: where robots have to agree on
    who goes first, they learn that in the other worlds."""
    held: float = 60.0
    """Steps for which noise is held at the start, in the mean. Class-K parameters act while robots come closer: noise
    that is new at every step averages out to nothing there, and who goes first is never found out."""
    held_worlds: float = 0.5
    """Share of the worlds in which it is held."""
    held_until: float = 0.5
    """Share of the training over which the time for which it is held falls to one step."""
    restart: float = 1.0
    """Share of the training after which noise, its holding and the step size start anew, at three quarters of what they
    were, and fall again (warm restarts, Loshchilov and Hutter 2017); 1: never. What little noise at the end has made of
    it may be a dead end: a network that knows most of it finds the rest when it explores once more."""
    target_kl: float | None = 0.03
    """End the passes of an update early beyond this divergence from the old policy; None for never."""
    per_family: bool = False
    """Normalise advantages in each kind of worlds by itself, so that those with large ones do not drown the others."""
    near: float = 0.0
    """Price of the divergence from what was cloned (``--teachers``) at the start; it falls linearly to 0."""
    near_until: float = 0.5
    """Share of the training after which nothing holds the policy near what was cloned."""
    smooth: float = 0.0
    """Price of the squared change of the action in a step (as CAPS, Mysore et al. 2021): of what robots do, after the
    blend, from their last action on. It counts the rotation in rad, the others in shares of their box: so much do they
    move the command."""
    smooth_from: float = 0.0
    """Share of the training after which changes have their price: who does not know yet what to do has to try it."""
    smooth_knee: float = math.inf
    """Change beyond which its price grows linearly (Huber): one large turn, as robots need that make way, then costs no
    more than the same turn in many small ones, and to and fro costs most."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not all(0.0 < std < math.inf for std in self.noise):
            raise InputError("ppo.noise", self.noise, "two numbers above 0")
        for name in ("held", "stuck_noise"):
            if not 1.0 <= getattr(self, name) < math.inf:
                raise InputError(f"ppo.{name}", getattr(self, name), "1 or more")
        for name in ("held_worlds", "stuck_worlds", "smooth_from"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise InputError(f"ppo.{name}", getattr(self, name), "0 to 1")
        for name in ("held_until", "near_until", "restart"):
            if not 0.0 < getattr(self, name) <= 1.0:
                raise InputError(f"ppo.{name}", getattr(self, name), "above 0, at most 1")
        for name in ("near", "smooth"):
            if not 0.0 <= getattr(self, name) < math.inf:
                raise InputError(f"ppo.{name}", getattr(self, name), "0 or more")
        if not self.smooth_knee > 0.0:
            raise InputError("ppo.smooth_knee", self.smooth_knee, "above 0; .inf for none")


def to_file(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings under their names in files."""
    return {IN_FILES.get(name, name): value for name, value in settings.items()}


def from_file(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings under their names in code."""
    in_code = {old: new for new, old in IN_FILES.items()}
    return {in_code.get(name, name): value for name, value in settings.items()}
