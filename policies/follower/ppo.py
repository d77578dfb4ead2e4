"""Proximal policy optimisation of the follower: the action is a ranking of moves.

A ranking is drawn without replacement from the softmax of the scores (Plackett and Luce), by adding Gumbel noise and
sorting. Its first places alone are taken as the action; what follows them hardly matters, and would only add variance.
Every robot of every world is a sample of one policy; see ``policies.ppo`` for the update.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from policies import distributed
from policies.follower.network import Follower
from policies.follower.own_network import OwnFollower
from policies.ppo import PPO, Worlds, advantages, clipped_loss
from policies.ppo_settings import PPOSettings
from swarm.array_types import Flags, Float32s, Int8s
from swarm.errors import InputError


@dataclass(frozen=True)
class RankingPPO(PPOSettings):
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
    max_grad_norm: float = 0.5
    """Norm to which gradients are cut (paper: 4)."""
    entropy: float = 0.03
    """Weight of the entropy of the first choice at the start; it falls linearly to 0 (paper: 0.023 throughout)."""
    places: int = 2
    """Places of a ranking that count as the action, 1 to 4."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.places < 1:
            raise InputError("ppo.places", self.places, "1 or more")
        if self.places > 4:
            raise InputError("ppo.places", self.places, "at most 4: the last place is what is left")


class RankingWorlds(Worlds, Protocol):
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


class FollowerPPO(PPO[Rollout]):
    """Trains a follower in worlds; see ``policies.ppo.PPO``."""

    name = "follower"
    worlds: RankingWorlds
    config: RankingPPO

    def __init__(
        self, worlds: RankingWorlds, follower: Follower | OwnFollower, config: RankingPPO, *, seed: int, updates: int
    ) -> None:
        super().__init__(worlds, follower, config, seed=seed, updates=updates)
        self.follower = follower

    @property
    def steps_per_update(self) -> int:
        """Robot-steps in one update, of all processes."""
        return distributed.size() * self.config.rollout * len(self.worlds.own)

    def step(self) -> Rollout:
        """Step all worlds once with the present policy."""
        view, own = self.sent(self.worlds.view), self.sent(self.worlds.own)
        scores, value = self.follower(view, own)
        uniform = torch.rand(scores.shape, generator=self.random).to(self.device)
        ranking = (scores - (-uniform.clamp(min=1e-9).log()).log()).argsort(dim=1, descending=True)
        reward, cut, ended = self.worlds.step(ranking.to(torch.int8).cpu().numpy())
        self.episodes += ended
        log = log_probability(scores, ranking, self.config.places)
        return Rollout(view, own, ranking, log, value, self.sent(reward), self.sent(cut))

    def rewards(self, rollout: Rollout) -> Tensor:
        """Those of all robots."""
        return rollout.reward

    def estimate(self, rollout: Rollout) -> tuple[Tensor, Tensor]:
        """Values and advantages, both [T, S]."""
        last = self.follower(self.sent(self.worlds.view), self.sent(self.worlds.own))[1]
        next_value = torch.cat([rollout.value[1:], last[None]])
        # A step that was cut has no surprise, and lets none through.
        reward = torch.where(rollout.cut, rollout.value, rollout.reward)
        never = torch.zeros_like(rollout.cut)
        rates = self.config.gamma, self.config.gae_lambda
        return rollout.value, advantages(reward, rollout.value, next_value, rollout.cut, never, *rates)

    def optimise(self, rollout: Rollout, value: Tensor, advantage: Tensor) -> dict[str, float]:
        """Passes over the samples that were not cut."""
        flat = Rollout(*(array.flatten(0, 1) for array in rollout))
        value, advantage = value.flatten(), advantage.flatten()
        returns, used = advantage + value, (~flat.cut).nonzero().squeeze(1)
        mean, spread, _ = distributed.moments(advantage[used], correction=1)
        gain = (advantage - mean) / (spread + 1e-8)
        figures = self.passes(used, lambda chosen: self._loss(flat, gain, returns, chosen))
        error, whole = (distributed.variance(part[used]) for part in (returns - value, returns))
        return {**figures, "explained_variance": 1.0 - float(error / whole.clamp(min=1e-8))}

    def _loss(self, flat: Rollout, gain: Tensor, returns: Tensor, chosen: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """This process's part of the loss of the samples that all processes have ``chosen``, and its parts."""
        config, count = self.config, max(1, round(distributed.total(len(chosen))[0]))
        scores, value = self.follower(flat.view[chosen], flat.own[chosen])
        change = log_probability(scores, flat.ranking[chosen], config.places) - flat.log_probability[chosen]
        policy_loss, figures = clipped_loss(change, gain[chosen], config.clip_coef, count)
        value_loss = 0.5 * (value - returns[chosen]).square().sum() / count
        log = scores.log_softmax(dim=1)
        entropy = -(log.exp() * log).sum(dim=1).sum() / count
        loss = policy_loss + config.value_weight * value_loss - self.left * config.entropy * entropy
        return loss, {**figures, "value_loss": value_loss, "entropy": entropy}
