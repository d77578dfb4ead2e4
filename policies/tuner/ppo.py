"""Proximal policy optimisation of the tuner: the action is a Gaussian around the tunables that it proposes.

The reward and value of a robot are its own; the episode is that of its world. See ``policies.ppo`` for the update.
"""

from __future__ import annotations

import copy
import math
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor

from policies import distributed
from policies.devices import CPU, to_device
from policies.ppo import PPO, advantages, as_arrays, clipped_loss
from policies.ppo_settings import AGAIN, TunerPPOSettings
from policies.tuner.exploration import Exploration, log_probability
from policies.tuner.network import Tuner, last_action
from policies.tuner.own_network import OwnTuner
from policies.tuner.rounds import Steps, silence, speak
from policies.tuner.widen import widened_training
from policies.tuner.worlds import LessonWorlds, VectorWorlds
from swarm.filter.tunables import COUNT, ROTATION, TUNABLES
from swarm.tune.observation import Observation, senders

MOVES = torch.tensor([one.high - one.low if k == ROTATION else 1.0 for k, one in enumerate(TUNABLES)])
"""What a change from one end of its box to the other counts, of each tunable: of the rotation the angle [rad]."""


def price_of_change(change: Tensor, knee: float) -> Tensor:
    """The squares of changes of any shape; beyond the knee linear with the slope that they have there (Huber)."""
    inner = change.abs().clamp(max=knee)
    return inner * (2.0 * change.abs() - inner)


class Rollout(NamedTuple):
    """T steps of S = B N robots."""

    ego: Tensor  # [T, S, EGO]
    edges: Tensor  # [T, S, P, EDGE]
    mask: Tensor  # [T, S, P]
    action: Tensor  # [T, S, 6], before clipping: what the density is of
    log_probability: Tensor  # [T, S]
    reward: Tensor  # [T, S]
    next_value: Tensor  # [T, S]; not a number where the next row's value applies
    terminated: Tensor  # bool [T, S]
    truncated: Tensor  # bool [T, S]
    active: Tensor  # bool [T, S]; False where the part of a robot was over before the step
    sender: Tensor  # int64 [T, S, P], who was heard, for two rounds of messages (else P is 0 here)
    embedding: Tensor  # [T, S, TOLD], what was told one step before, likewise
    family: Tensor  # int64 [T, S], which kind of world it is, where that counts (else 0)
    cloned: Tensor  # [T, S, 6], what the clone of the teachers would do, where it counts (else [T, S, 0])


class TunerPPO(PPO[Rollout]):
    """Trains a tuner in worlds; see ``policies.ppo.PPO``."""

    name = "tuner"
    worlds: VectorWorlds
    config: TunerPPOSettings

    def __init__(
        self, worlds: VectorWorlds, tuner: Tuner | OwnTuner, config: TunerPPOSettings, *, seed: int, updates: int
    ) -> None:
        super().__init__(worlds, tuner, config, seed=seed, updates=updates)
        self.tuner: Any = tuner
        self.observation = worlds.reset()
        robots = worlds.num_worlds * worlds.num_robots
        self.exploration = Exploration(robots, config, self.random)
        self.embedding = silence(robots, self.device)  # in the step before, for two rounds
        self.clone: Any = None  # the network as it was when it had learnt from its teachers
        self.taught = ""  # what is to be told of that

    @property
    def steps_per_update(self) -> int:
        """Robot-steps in one update, of all processes."""
        return distributed.size() * self.config.rollout * self.worlds.num_worlds * self.worlds.num_robots

    @property
    def _part(self) -> tuple[float, float]:
        """The present part of the training: share of noise and step size that it begins with, and how much is over."""
        done, first = min(self.done / self.updates, 1.0), self.config.restart
        if done < first or first == 1.0:
            return 1.0, done / first
        return AGAIN, (done - first) / (1.0 - first)

    @property
    def left(self) -> float:
        """Which share of noise and step size at the start is left."""
        most, over = self._part
        return most * (1.0 - over)

    @property
    def learning_rate(self) -> float:
        """Step size of the present update."""
        return super().learning_rate if self.config.anneal else self.config.learning_rate

    @property
    def std(self) -> float:
        """Standard deviation of the actions in the present update, of robots that are not stuck."""
        return self.exploration.usual_std(self.left)

    def step(self) -> Rollout:
        """Step all worlds once with the present policy."""
        worlds, robots = self.worlds.num_worlds, self.worlds.num_robots
        ego, edges, mask = flatten(self.observation, self.device)
        mean, std, sender, embedding = self._propose(ego, edges, mask)
        action = mean + std * self.tuner.free * self.exploration.noise(ego, self._part[1]).to(self.device)
        active = self.sent(~self.worlds.resting).flatten()
        family, cloned = self._families(), self._cloned(ego, edges, mask)
        executed = self.tuner.executed(action.clamp(0.0, 1.0), ego).view(worlds, robots, COUNT).cpu().numpy()
        self.observation, reward, terminated, truncated, info = self.worlds.step(executed)
        self.episodes += info["episodes"]
        next_value = torch.full((worlds, robots), math.nan, device=self.device)
        if truncated.any():
            cut, last = np.flatnonzero(truncated), truncated[terminated | truncated]
            final = flatten(Observation(*(array[last] for array in info["final_observation"][:3])), self.device)
            next_value[self.sent(cut)] = self._value(final).view(-1, robots)
        return Rollout(
            ego=ego, edges=edges, mask=mask, action=action,
            log_probability=log_probability(action, mean, std, self.tuner.free),
            reward=self.sent(np.asarray(reward, np.float32)).flatten(),
            next_value=next_value.flatten(),
            # For a robot the episode is over when its part is, whatever goes on around it.
            terminated=self.sent(info["resting"] | terminated[:, None]).flatten(),
            truncated=self.sent(truncated).repeat_interleave(robots),
            active=active, sender=sender, embedding=embedding, family=family, cloned=cloned,
        )  # fmt: skip

    def _families(self) -> Tensor:
        """Number of the kind of world that each robot is in, int64 [S]; the same for all processes."""
        if not self.config.per_family:
            return torch.zeros(len(self.embedding), dtype=torch.int64, device=self.device)
        numbers = [zlib.crc32(name.encode()) for name in cast(LessonWorlds, self.worlds).families]
        return torch.tensor(numbers, device=self.device).repeat_interleave(self.worlds.num_robots)

    @property
    def nearness(self) -> float:
        """Price of the divergence from the clone in the present update; 0 without one."""
        left = max(0.0, 1.0 - self.done / self.updates / self.config.near_until)
        return 0.0 if self.clone is None else left * self.config.near

    def _cloned(self, ego: Tensor, edges: Tensor, mask: Tensor) -> Tensor:
        """Mean actions [S, 6] of the clone; [S, 0] where nothing holds the policy near it."""
        if self.nearness <= 0.0:
            return ego.new_empty(len(ego), 0)
        mean: Tensor = self.clone.propose(self.clone.see(ego, edges, mask))[0]
        return mean

    def keep_clone(self) -> None:
        """Hold the policy near what it is now, from the next update on."""
        self.clone = copy.deepcopy(self.tuner).requires_grad_(False)

    def _std(self, ego: Tensor) -> float | Tensor:
        """Standard deviation of the actions of all robots, from their features [S, EGO]."""
        return self.exploration.std(ego, torch.arange(len(ego), device=ego.device), self.left)

    def _propose(self, ego: Tensor, edges: Tensor, mask: Tensor) -> tuple[Tensor, float | Tensor, Tensor, Tensor]:
        """Mean actions [S, 6], their deviation, who was heard [S, P], and what was told one step before [S, TOLD]."""
        if not isinstance(self.tuner, Tuner) or self.tuner.rounds < 2:
            none = ego.new_empty(len(ego), 0)
            mean, std = self.tuner.propose(self.tuner.see(ego, edges, mask))
            return mean, self._std(ego) if std is None else std, none.long(), none
        sender, before = self.sent(senders(self.observation)).long(), self.embedding
        mean, self.embedding = speak(self.tuner, (ego, edges, mask), sender, before)
        return mean, self._std(ego), sender, before

    def estimate(self, rollout: Rollout) -> tuple[Tensor, Tensor]:
        """Values and advantages, both [T, S]."""
        value = rollout.reward.new_zeros(self.config.rollout + 1, rollout.reward.shape[1])
        for t, row in enumerate(zip(rollout.ego, rollout.edges, rollout.mask, strict=True)):
            value[t, rollout.active[t]] = self._value(row, rollout.active[t].nonzero().squeeze(1))
        value[-1] = self._value(flatten(self.observation, self.device))
        next_value = torch.where(rollout.next_value.isnan(), value[1:], rollout.next_value)
        ends = rollout.terminated, rollout.truncated
        gamma, gae_lambda = self.config.gamma, self.config.gae_lambda
        return value[:-1], advantages(rollout.reward, value[:-1], next_value, *ends, gamma, gae_lambda)

    def rewards(self, rollout: Rollout) -> Tensor:
        """Those of robots whose part was not over."""
        return rollout.reward[rollout.active]

    def optimise(self, rollout: Rollout, value: Tensor, advantage: Tensor) -> dict[str, float]:
        """Passes over the samples of robots whose part was not over."""
        flat = Rollout(*(array.flatten(0, 1) for array in rollout))
        value, advantage = value.flatten(), advantage.flatten()
        returns, active = advantage + value, flat.active.nonzero().squeeze(1)
        if self.config.per_family:
            advantage = distributed.normalised(advantage, flat.family, flat.active)
        figures = self.passes(
            active, lambda chosen: self._loss(flat, value, advantage, returns, chosen), self.config.target_kl
        )
        (_, error, _), (_, spread, _) = (distributed.moments(part[active]) for part in (returns - value, returns))
        explained = 1.0 - float(error.square() / spread.square().clamp(min=1e-8))
        return {"std": self.std, **figures, "explained_variance": explained}

    def _loss(
        self, flat: Rollout, value: Tensor, advantage: Tensor, returns: Tensor, chosen: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """This process's part of the loss of the samples that all processes have ``chosen``, and its parts."""
        chosen = chosen.sort().values  # what is read from memory lies in this order; a sum has none
        seen, heard = self.tuner.see(*flat[:3], chosen), None
        if isinstance(self.tuner, Tuner) and self.tuner.rounds > 1:
            heard = Steps(*flat[:3], flat.sender, flat.embedding, robots=len(self.embedding)).heard_now(
                self.tuner, chosen
            )
        action, own_std, judged = self.tuner.judge(seen, heard)
        rows = chosen % len(self.embedding)
        std = self.exploration.std(flat.ego[chosen], rows, self.left) if own_std is None else own_std
        now = log_probability(flat.action[chosen], action, std, self.tuner.free)
        gain = advantage[chosen]
        mean, spread, count = distributed.moments(gain)
        if not self.config.per_family:
            gain = (gain - mean) / (spread + 1e-8)
        policy_loss, figures = clipped_loss(now - flat.log_probability[chosen], gain, self.config.clip_coef, count)
        if own_std is not None:
            figures["std"] = own_std.detach().mean(dim=-1).sum() / count
        value_loss = self._value_loss(judged, value[chosen], returns[chosen]).sum() / count
        loss = policy_loss + self.config.value_weight * value_loss
        if flat.cloned.shape[-1]:  # the divergence of Gaussians of one deviation
            apart = self.tuner.free * ((action - flat.cloned[chosen]) / std).square()
            loss = loss + self.nearness * 0.5 * apart.sum() / count
        if self.config.smooth > 0.0 and self.done >= self.config.smooth_from * self.updates:
            ego = flat.ego[chosen]
            change = self.tuner.free * MOVES.to(ego.device) * (self.tuner.executed(action, ego) - last_action(ego))
            loss = loss + self.config.smooth * price_of_change(change, self.config.smooth_knee).sum() / count
        return loss, {**figures, "value_loss": value_loss}

    def _value_loss(self, value: Tensor, before: Tensor, returns: Tensor) -> Tensor:
        """Half the squared error; of the value or the clipped value, whichever is worse."""
        error = (value - returns).square()
        if (limit := self.config.value_clip) is not None:
            near = before + (value - before).clamp(-limit, limit)
            error = torch.max(error, (near - returns).square())
        return 0.5 * error

    def _value(self, sensed: tuple[Tensor, Tensor, Tensor], index: Tensor | None = None) -> Tensor:
        """V [S] of flat observations, or of those at ``index``."""
        return self.tuner.value(self.tuner.see(*sensed, index))

    def state_dict(self) -> dict[str, Any]:
        """All that ``load_state_dict`` needs to continue exactly: tensors, arrays and plain values."""
        own = {"held": self.exploration.held, "observation": list(self.observation), "told": self.embedding}
        if self.clone is not None:
            own |= {"clone": self.clone.state_dict(), "taught": self.taught}
        return {**super().state_dict(), **own}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Continue from a ``state_dict``; its arrays may be tensors by now."""
        saved = widened_training(saved, self.tuner)
        super().load_state_dict(saved)
        self.exploration.held = saved["held"]
        self.observation = Observation(*as_arrays(saved["observation"]))
        self.embedding = saved.get("told", self.embedding).to(self.device)
        if "clone" in saved:
            self.keep_clone()
            self.clone.load_state_dict(saved["clone"])
            self.taught = saved["taught"]


def flatten(observation: Observation, device: torch.device = CPU) -> tuple[Tensor, Tensor, Tensor]:
    """Tensors [S, ...] on a device of an observation [B, N, ...]; copies, since worlds may reuse theirs."""
    ego, edges, mask = (to_device(array, device).flatten(0, 1) for array in observation[:3])
    return ego, edges, mask
