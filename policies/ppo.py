"""Proximal policy optimisation with parameter sharing: every robot of every world is a sample of one policy.

Schulman et al. 2017 (arXiv 1707.06347), with the customs of CleanRL's PPO. To be read from top to bottom: the
advantages, the clipped objective, and the update: collect, estimate, optimise. What a step of the worlds is, and what
the loss is made of, say ``policies.tuner.ppo`` and ``policies.follower.ppo``. Several processes
(``policies.distributed``) make one update together, as if the samples of all of them were in one place.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from policies import distributed
from policies.devices import to_device
from policies.ppo_settings import PPOSettings
from swarm.array_types import AnyArray
from swarm.errors import InputError

Rows = TypeVar("Rows", bound=NamedTuple)
"""What is stored of a step [S, ...], and of a rollout [T, S, ...]."""


class Worlds(Protocol):
    """What can be saved and gone on with."""

    def state_dict(self) -> dict[str, Any]:
        """Arrays and plain values from which ``load_state_dict`` continues exactly."""
        ...

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from a ``state_dict``."""
        ...


def advantages(
    reward: Tensor, value: Tensor, next_value: Tensor, terminated: Tensor, truncated: Tensor, gamma: float,
    gae_lambda: float,
) -> Tensor:  # fmt: skip
    """Generalised advantage estimates (Schulman et al. 2016, arXiv 1506.02438, eq. 16).

    Nothing follows a terminated step; a truncated one is worth ``next_value``; neither lets the sum run on.

    Args:
        reward: float32 [T, ...].
        value: V of the observation before the step, [T, ...].
        next_value: V of the observation after it, [T, ...]; of the old episode's last where truncated.
        terminated: Bool, broadcastable to [T, ...].
        truncated: Bool, broadcastable to [T, ...].
        gamma: Weight of the next step.
        gae_lambda: Lambda.

    Returns:
        float32 [T, ...].
    """
    surprise = reward + gamma * next_value.masked_fill(terminated, 0.0) - value
    ended = terminated | truncated
    result = torch.zeros_like(reward)
    later = torch.zeros_like(reward[0])
    for t in reversed(range(reward.shape[0])):
        later = surprise[t] + gamma * gae_lambda * later.masked_fill(ended[t], 0.0)
        result[t] = later
    return result


def clipped_loss(change: Tensor, gain: Tensor, clip_coef: float, count: int) -> tuple[Tensor, dict[str, Tensor]]:
    """The policy's part of the loss, and figures of the change.

    Args:
        change: Of the log probabilities of what was done [n], since the rollout.
        gain: Normalised advantages [n].
        clip_coef: Largest useful change of a probability ratio.
        count: Samples of all processes together: a mean over them is a sum here divided by all.
    """
    ratio = change.exp()
    near = ratio.clamp(1.0 - clip_coef, 1.0 + clip_coef)
    loss = -torch.min(gain * ratio, gain * near).sum() / count
    with torch.no_grad():
        kl = (ratio - 1.0 - change).sum() / count  # Schulman's low-variance estimate
        clipped = ((ratio - 1.0).abs() > clip_coef).float().sum() / count
    return loss, {"policy_loss": loss, "kl": kl, "clipped": clipped}


class PPO(ABC, Generic[Rows]):
    """Trains a network in worlds; each ``update`` is one rollout and its optimisation.

    Args:
        worlds: Where to train.
        network: What to train, on the device that it is on.
        config: Settings.
        seed: Of the exploration and of the shuffling.
        updates: Length of the training, for the annealing.

    Raises:
        InputError: If there are more minibatches than samples.
    """

    name: ClassVar[str]
    """Of the network, in a saved state."""

    def __init__(self, worlds: Worlds, network: nn.Module, config: PPOSettings, *, seed: int, updates: int) -> None:
        self.worlds, self.network, self.config, self.updates = worlds, network, config, updates
        self.device = next(network.parameters()).device
        self.optimiser = torch.optim.Adam(network.parameters(), lr=config.learning_rate, eps=1e-5, fused=True)
        self.random = torch.Generator().manual_seed(seed)  # on the cores, whatever the device
        self.done = 0  # updates so far
        self.episodes: list[Mapping[str, float]] = []  # those that ended in this update
        distributed.start_alike(network)
        if config.minibatches > (samples := self.steps_per_update // distributed.size()):
            raise InputError("ppo.minibatches", config.minibatches, f"at most {samples}, all of an update")

    @property
    @abstractmethod
    def steps_per_update(self) -> int:
        """Robot-steps in one update, of all processes."""

    @abstractmethod
    def step(self) -> Rows:
        """Step all worlds once with the present policy; what is stored of it. Notes episodes that ended."""

    @abstractmethod
    def estimate(self, rollout: Rows) -> tuple[Tensor, Tensor]:
        """Values and advantages, both [T, S]."""

    @abstractmethod
    def optimise(self, rollout: Rows, value: Tensor, advantage: Tensor) -> dict[str, float]:
        """Change the network by ``passes`` over the samples; returns figures."""

    @abstractmethod
    def rewards(self, rollout: Rows) -> Tensor:
        """Those whose mean is logged."""

    @property
    def left(self) -> float:
        """Share of the training that is still to come."""
        return max(0.0, 1.0 - self.done / self.updates)

    @property
    def learning_rate(self) -> float:
        """Step size of the present update."""
        return self.left * self.config.learning_rate

    def sent(self, array: AnyArray) -> Tensor:
        """A copy of what the worlds say, where the network is."""
        return to_device(array, self.device)

    def update(self) -> dict[str, float]:
        """One rollout and its optimisation; returns the figures of both."""
        rate = self.optimiser.param_groups[0]["lr"] = self.learning_rate
        self.episodes = []
        with torch.no_grad():
            rollout = self.collect()
            value, advantage = self.estimate(rollout)
        figures = self.optimise(rollout, value, advantage)
        self.done += 1
        parts = distributed.gather(json.dumps(self.episodes, default=float).encode())
        episodes = [episode for part in parts for episode in json.loads(part)]
        names = list(episodes[0]) if episodes else []
        means = {name: float(np.mean([episode[name] for episode in episodes])) for name in names}
        reward = float(distributed.moments(self.rewards(rollout))[0])
        return {"reward": reward, "episodes": float(len(episodes)), **means, **figures, "learning_rate": rate}

    def collect(self) -> Rows:
        """A rollout: its steps one after the other."""
        for t in range(self.config.rollout):
            row = self.step()
            if t == 0:
                rollout = row._make(part.new_empty((self.config.rollout, *part.shape)) for part in row)
            for stored, now in zip(rollout, row, strict=True):
                stored[t] = now
        return rollout

    def passes(
        self, samples: Tensor, loss_of: Callable[[Tensor], tuple[Tensor, dict[str, Tensor]]],
        target_kl: float | None = None,
    ) -> dict[str, float]:  # fmt: skip
        """Passes over samples in minibatches, a step of the optimiser for each; means of the figures.

        Args:
            samples: Indices int64 [n].
            loss_of: This process's part of the loss of those chosen, and this process's parts of figures.
            target_kl: End the passes beyond this divergence from the old policy.
        """
        figures: list[dict[str, float]] = []
        for _ in range(self.config.epochs):
            order = samples[torch.randperm(len(samples), generator=self.random).to(samples.device)]
            for chosen in order.tensor_split(self.config.minibatches):
                loss, parts = loss_of(chosen)
                self.optimiser.zero_grad()
                loss.backward()
                distributed.add_gradients(self.network.parameters())
                nn.utils.clip_grad_norm_(self.network.parameters(), self.config.max_grad_norm)
                self.optimiser.step()
                sums = distributed.total(*(part.item() for part in parts.values()))
                figures.append(dict(zip(parts, sums, strict=True)))
            if target_kl is not None and figures[-1]["kl"] > target_kl:
                break
        return {name: float(np.mean([detail[name] for detail in figures])) for name in figures[0]}

    def state_dict(self) -> dict[str, Any]:
        """All that ``load_state_dict`` needs to continue exactly: tensors, arrays and plain values."""
        return {
            "done": self.done,
            self.name: self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "random": self.random.get_state(),
            "worlds": self.worlds.state_dict(),
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Continue from a ``state_dict``; its arrays may be tensors by now."""
        self.done = saved["done"]
        self.network.load_state_dict(saved[self.name])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.random.set_state(saved["random"])
        self.worlds.load_state_dict(as_arrays(saved["worlds"]))


def as_arrays(value: Any) -> Any:
    """Nested dicts and lists with numpy arrays in place of tensors."""
    if isinstance(value, Mapping):
        return {key: as_arrays(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_arrays(item) for item in value]
    return value.numpy().copy() if isinstance(value, Tensor) else value
