"""Proximal policy optimisation of the follower: the action is a ranking of moves.

A ranking is drawn without replacement from the softmax of the scores (Plackett and Luce), by adding Gumbel noise and
sorting. Its first places alone are taken as the action; what follows them hardly matters, and would only add variance.
Every robot of every world is a sample of one policy; see `policies.tuner.ppo` for the advantages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from policies.follower.network import Follower
from policies.tuner.ppo import advantages, as_arrays
from swarm.array_types import Flags, Float32s, Int8s
from swarm.errors import InputError


@dataclass(frozen=True)
class RankingPPO:
    """Settings of the optimisation; those of the paper unless said otherwise."""

    rollout: int = 8
    """Steps of every world in one update."""
    epochs: int = 1
    """Passes over the samples of one update."""
    minibatches: int = 4
    """Parts into which the samples are split in a pass."""
    learning_rate: float = 1e-3
    """Step size of Adam at the start; it falls linearly to 0 (paper: 2.2e-4, for a far larger network)."""
    gamma: float = 0.9756
    """Weight of the reward one step later."""
    gae_lambda: float = 0.95
    """Weight of longer looks ahead in the advantage (lambda of GAE)."""
    clip_coef: float = 0.2
    """Largest useful change of a probability ratio in one update."""
    value_weight: float = 0.5
    """Weight of the value loss."""
    entropy: float = 0.03
    """Weight of the entropy of the first choice at the start; it falls linearly to 0 (paper: 0.023 throughout)."""
    places: int = 2
    """Places of a ranking that count as the action, 1 to 4."""
    max_grad_norm: float = 0.5
    """Norm to which gradients are cut (paper: 4)."""

    def __post_init__(self) -> None:
        for name in ("rollout", "epochs", "minibatches", "places"):
            if getattr(self, name) < 1:
                raise InputError(f"ppo.{name}", getattr(self, name), "1 or more")
        if self.places > 4:
            raise InputError("ppo.places", self.places, "at most 4: the last place is what is left")
        for name in ("gamma", "gae_lambda"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise InputError(f"ppo.{name}", getattr(self, name), "0 to 1")
        for name in ("learning_rate", "clip_coef", "max_grad_norm"):
            if not 0.0 < getattr(self, name) < np.inf:
                raise InputError(f"ppo.{name}", getattr(self, name), "a number above 0")


class RankingWorlds(Protocol):
    """S robots in worlds that step together, and begin anew on their own."""

    view: Float32s
    own: Float32s

    def step(self, ranking: Int8s) -> tuple[Float32s, Flags, list[dict[str, float]]]:
        """Move by rankings int8[S, 5], and observe.

        Returns:
            The reward [S]; whose world ended before this step, so that what is observed now does not follow from it
            [S]; and figures of the episodes that ended.
        """
        ...

    def state_dict(self) -> dict[str, Any]:
        """Arrays and plain values from which `load_state_dict` continues exactly."""
        ...

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Continue from a `state_dict`."""
        ...


def log_probability(scores: Tensor, ranking: Tensor, places: int) -> Tensor:
    """Log probability [n] of the first places of rankings int64[n, 5], drawn by scores [n, 5] without replacement."""
    ordered = scores.gather(1, ranking)
    total = torch.zeros_like(ordered[:, 0])
    for place in range(places):
        total = total + ordered[:, place] - ordered[:, place:].logsumexp(dim=1)
    return total


class Rollout(NamedTuple):
    """T steps of S robots."""

    view: Tensor  # [T, S, CHANNELS, WINDOW, WINDOW]
    own: Tensor  # [T, S, OWN]
    ranking: Tensor  # int64 [T, S, 5]
    log_probability: Tensor  # [T, S]
    value: Tensor  # [T, S]
    reward: Tensor  # [T, S]
    cut: Tensor  # bool [T, S]; True where the episode ended with this step: nothing is learnt from it


class FollowerPPO:
    """Trains a follower in worlds; each `update` is one rollout and its optimisation.

    Args:
        worlds: Where to train.
        follower: What to train.
        config: Settings.
        seed: Of the rankings and of the shuffling.
        updates: Length of the training, for the annealing.
    """

    def __init__(
        self, worlds: RankingWorlds, follower: Follower, config: RankingPPO, *, seed: int, updates: int
    ) -> None:
        self.worlds, self.follower, self.config, self.updates = worlds, follower, config, updates
        self.optimiser = torch.optim.Adam(follower.parameters(), lr=config.learning_rate, eps=1e-5)
        self.random = torch.Generator().manual_seed(seed)
        self.done = 0

    @property
    def steps_per_update(self) -> int:
        """Robot-steps in one update."""
        return self.config.rollout * len(self.worlds.own)

    @property
    def left(self) -> float:
        """Share of the training that is still to come."""
        return max(0.0, 1.0 - self.done / self.updates)

    def update(self) -> dict[str, float]:
        """One rollout and its optimisation; returns the figures of both."""
        self.optimiser.param_groups[0]["lr"] = self.left * self.config.learning_rate
        with torch.no_grad():
            rollout, last, episodes = self.collect()
            next_value = torch.cat([rollout.value[1:], last[None]])
            # A step that was cut has no surprise, and lets none through.
            reward = torch.where(rollout.cut, rollout.value, rollout.reward)
            never = torch.zeros_like(rollout.cut)
            rates = self.config.gamma, self.config.gae_lambda
            advantage = advantages(reward, rollout.value, next_value, rollout.cut, never, *rates)
        figures = self.optimise(rollout, advantage)
        self.done += 1
        names = list(episodes[0]) if episodes else []
        means = {name: float(np.mean([episode[name] for episode in episodes])) for name in names}
        return {"reward": float(rollout.reward.mean()), "episodes": float(len(episodes)), **means, **figures}

    def collect(self) -> tuple[Rollout, Tensor, list[dict[str, float]]]:
        """Step all worlds with the present policy; also the values [S] of what is seen in the end."""
        steps: list[tuple[Tensor, ...]] = []
        episodes: list[dict[str, float]] = []
        for _ in range(self.config.rollout):
            view, own = (torch.from_numpy(array.copy()) for array in (self.worlds.view, self.worlds.own))
            scores, value = self.follower(view, own)
            uniform = torch.rand(scores.shape, generator=self.random)
            ranking = (scores - (-uniform.clamp(min=1e-9).log()).log()).argsort(dim=1, descending=True)
            reward, cut, ended = self.worlds.step(ranking.to(torch.int8).numpy())
            log = log_probability(scores, ranking, self.config.places)
            steps.append((view, own, ranking, log, value, torch.from_numpy(reward), torch.from_numpy(cut)))
            episodes += ended
        last = self.follower(torch.from_numpy(self.worlds.view), torch.from_numpy(self.worlds.own))[1]
        return Rollout(*(torch.stack(parts) for parts in zip(*steps, strict=True))), last, episodes

    def optimise(self, rollout: Rollout, advantage: Tensor) -> dict[str, float]:
        """Passes over the samples in minibatches."""
        flat = Rollout(*(array.flatten(0, 1) for array in rollout))
        gain = advantage.flatten()
        returns, used = gain + flat.value, (~flat.cut).nonzero().squeeze(1)
        gain = (gain - gain[used].mean()) / (gain[used].std() + 1e-8)
        figures: list[dict[str, float]] = []
        for _ in range(self.config.epochs):
            order = used[torch.randperm(len(used), generator=self.random)]
            for chosen in order.tensor_split(self.config.minibatches):
                loss, detail = self._loss(flat, gain, returns, chosen)
                self.optimiser.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(self.follower.parameters(), self.config.max_grad_norm)
                self.optimiser.step()
                figures.append(detail)
        error, spread = (returns - flat.value)[used], returns[used]
        return {
            **{name: float(np.mean([detail[name] for detail in figures])) for name in figures[0]},
            "explained_variance": 1.0 - float(error.var() / spread.var().clamp(min=1e-8)),
            "learning_rate": float(self.optimiser.param_groups[0]["lr"]),
        }

    def _loss(self, flat: Rollout, gain: Tensor, returns: Tensor, chosen: Tensor) -> tuple[Tensor, dict[str, float]]:
        """Loss of a minibatch, and its parts."""
        config = self.config
        scores, value = self.follower(flat.view[chosen], flat.own[chosen])
        change = log_probability(scores, flat.ranking[chosen], config.places) - flat.log_probability[chosen]
        ratio = change.exp()
        near = ratio.clamp(1.0 - config.clip_coef, 1.0 + config.clip_coef)
        policy_loss = -torch.min(gain[chosen] * ratio, gain[chosen] * near).mean()
        value_loss = 0.5 * (value - returns[chosen]).square().mean()
        log = scores.log_softmax(dim=1)
        entropy = -(log.exp() * log).sum(dim=1).mean()
        loss = policy_loss + config.value_weight * value_loss - self.left * config.entropy * entropy
        return loss, {
            "policy_loss": policy_loss.item(),
            "value_loss": value_loss.item(),
            "entropy": entropy.item(),
            "kl": (ratio.detach() - 1.0 - change.detach()).mean().item(),
            "clipped": ((ratio.detach() - 1.0).abs() > config.clip_coef).float().mean().item(),
        }

    def state_dict(self) -> dict[str, Any]:
        """All that `load_state_dict` needs to continue exactly."""
        return {
            "done": self.done,
            "follower": self.follower.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "random": self.random.get_state(),
            "worlds": self.worlds.state_dict(),
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Continue from a `state_dict`; its arrays may be tensors by now."""
        self.done = saved["done"]
        self.follower.load_state_dict(saved["follower"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.random.set_state(saved["random"])
        self.worlds.load_state_dict(as_arrays(saved["worlds"]))
