"""Proximal policy optimisation with parameter sharing: every robot of every world is a sample of one policy.

Schulman et al. 2017 (arXiv 1707.06347), with the customs of CleanRL's continuous PPO. To be read from top to
bottom: the settings, what is trained in, the advantages, and then the three parts of an update: collect,
estimate, optimise. The reward and value of a robot are its own; the episode is that of its world. Several processes
(``policies.distributed``) make one update together, as if the samples of all of them were in one place.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from policies import distributed
from policies.tuner.network import Tuner, to_graph
from policies.tuner.rounds import Steps, silence, speak
from swarm.array_types import AnyArray, Flags, Float32s
from swarm.errors import InputError
from swarm.filter.tunables import COUNT
from swarm.tune.observation import Observation, senders


@dataclass(frozen=True)
class PPOConfig:
    """Settings of the optimisation."""

    rollout: int = 64
    """Steps of every world in one update."""
    epochs: int = 2
    """Passes over the samples of one update."""
    minibatches: int = 8
    """Parts into which the samples are split in a pass."""
    learning_rate: float = 1e-3
    """Step size of Adam at the start."""
    anneal: bool = True
    """Let the step size fall linearly to 0 at the end of the training."""
    gamma: float = 0.995
    """Weight of the reward one step later."""
    gae_lambda: float = 0.95
    """Weight of longer looks ahead in the advantage (lambda of GAE)."""
    clip_coef: float = 0.2
    """Largest useful change of a probability ratio in one update."""
    value_clip: float | None = None
    """Largest useful change of a value in one update; None for no limit."""
    value_weight: float = 0.5
    """Weight of the value loss."""
    noise: tuple[float, float] = (0.25, 0.03)
    """Standard deviation of the actions at the start and at the end, linear in between. What is deployed is the mean,
    and noise gets robots out of traps in which the mean alone would stay: at the end there must be little of it."""
    held: float = 60.0
    """Steps for which noise is held at the start, in the mean. Class-K parameters act while robots come closer: noise
    that is new at every step averages out to nothing there, and who goes first is never found out."""
    held_worlds: float = 0.5
    """Share of the worlds in which it is held."""
    held_until: float = 0.5
    """Share of the training over which the time for which it is held falls to one step."""
    max_grad_norm: float = 0.5
    """Norm to which gradients are cut."""
    target_kl: float | None = 0.03
    """End the passes of an update early beyond this divergence from the old policy; None for never."""

    def __post_init__(self) -> None:
        for name in ("rollout", "epochs", "minibatches"):
            if getattr(self, name) < 1:
                raise InputError(f"ppo.{name}", getattr(self, name), "1 or more")
        for name in ("gamma", "gae_lambda"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise InputError(f"ppo.{name}", getattr(self, name), "0 to 1")
        if not all(0.0 < std < math.inf for std in self.noise):
            raise InputError("ppo.noise", self.noise, "two numbers above 0")
        if not 1.0 <= self.held < math.inf:
            raise InputError("ppo.held", self.held, "1 or more")
        if not 0.0 <= self.held_worlds <= 1.0:
            raise InputError("ppo.held_worlds", self.held_worlds, "0 to 1")
        if not 0.0 < self.held_until <= 1.0:
            raise InputError("ppo.held_until", self.held_until, "above 0, at most 1")
        for name in ("learning_rate", "clip_coef", "max_grad_norm"):
            if not 0.0 < getattr(self, name) < math.inf:
                raise InputError(f"ppo.{name}", getattr(self, name), "a number above 0")


class VectorWorlds(Protocol):
    """What can be trained in: B worlds of N robots that step together, and start anew when they end."""

    num_worlds: int
    num_robots: int

    @property
    def resting(self) -> Flags:
        """Robots [B, N] whose part is over though their world goes on; what they do is not learnt from."""
        ...

    def reset(self) -> Observation:
        """Observation of all robots, arrays [B, N, ...]."""
        ...

    def step(self, action: AnyArray) -> tuple[Observation, Float32s, Flags, Flags, dict[str, Any]]:
        """Apply actions [B, N, 6] in [0, 1].

        Returns:
            The next observation (of the new episode where one ended), the reward [B, N], which worlds ended
            for good and which only ran out of time [B], and a dict: ``final_observation``, the last one of
            the episodes that ended (arrays of all worlds; None if none did), ``episodes``, their figures, and
            ``resting``, as it was before worlds started anew.
        """
        ...

    def state_dict(self) -> dict[str, Any]:
        """Arrays and plain values from which :meth:`load_state_dict` continues exactly."""
        ...

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from a :meth:`state_dict`."""
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


def log_probability(action: Tensor, mean: Tensor, std: float, free: Tensor) -> Tensor:
    """Log density [...] of Gaussian actions [..., 6]; only those that are ``free`` [6] count."""
    scaled = (action - mean) / std
    return (free * (-0.5 * scaled.square() - math.log(std) - 0.5 * math.log(2.0 * math.pi))).sum(dim=-1)


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


class PPO:
    """Trains a tuner in worlds; each :meth:`update` is one rollout and its optimisation.

    Args:
        worlds: Where to train.
        tuner: What to train.
        config: Settings.
        seed: Of the noise on the actions and of the shuffling.
        updates: Length of the training, for the annealing.
    """

    def __init__(self, worlds: VectorWorlds, tuner: Tuner, config: PPOConfig, *, seed: int, updates: int) -> None:
        self.worlds, self.tuner, self.config, self.updates = worlds, tuner, config, updates
        self.optimiser = torch.optim.Adam(tuner.parameters(), lr=config.learning_rate, eps=1e-5)
        self.random = torch.Generator().manual_seed(seed)
        self.done = 0  # updates so far
        self.episodes: list[Mapping[str, float]] = []  # those that ended in this update
        self.observation = worlds.reset()
        self.held = torch.randn(worlds.num_worlds * worlds.num_robots, COUNT, generator=self.random)  # noise
        self.embedding = silence(worlds.num_worlds * worlds.num_robots)  # in the step before, for two rounds
        distributed.start_alike(tuner)
        if config.minibatches > (samples := self.steps_per_update // distributed.size()):
            raise InputError("ppo.minibatches", config.minibatches, f"at most {samples}, all of an update")

    @property
    def steps_per_update(self) -> int:
        """Robot-steps in one update, of all processes."""
        return distributed.size() * self.config.rollout * self.worlds.num_worlds * self.worlds.num_robots

    @property
    def std(self) -> float:
        """Standard deviation of the actions in the present update."""
        first, last = self.config.noise
        return last + max(0.0, 1.0 - self.done / self.updates) * (first - last)

    def update(self) -> dict[str, float]:
        """One rollout and its optimisation; returns the figures of both."""
        if self.config.anneal:
            left = max(0.0, 1.0 - self.done / self.updates)
            self.optimiser.param_groups[0]["lr"] = left * self.config.learning_rate
        self.episodes = []
        with torch.no_grad():
            rollout = self.collect()
            value, advantage = self.estimate(rollout)
        figures = self.optimise(rollout, value, advantage)
        self.done += 1
        embedding = distributed.gather(json.dumps(self.episodes, default=float).encode())
        episodes = [episode for part in embedding for episode in json.loads(part)]
        names = list(episodes[0]) if episodes else []
        means = {name: float(np.mean([episode[name] for episode in episodes])) for name in names}
        reward = float(distributed.moments(rollout.reward[rollout.active])[0])
        return {"reward": reward, "episodes": float(len(episodes)), **means, **figures}

    def collect(self) -> Rollout:
        """Step all worlds with the present policy."""
        rollout = self._allocate()
        std = self.std * self.tuner.free
        worlds, robots = self.worlds.num_worlds, self.worlds.num_robots
        for t in range(self.config.rollout):
            sensed = flatten(self.observation)
            for stored, now in zip(rollout[:3], sensed, strict=True):
                stored[t] = now
            if self.tuner.rounds < 2:
                mean = self.tuner.mean(to_graph(*sensed))
            else:
                rollout.sender[t], rollout.embedding[t] = torch.from_numpy(senders(self.observation)), self.embedding
                mean, self.embedding = speak(self.tuner, sensed, rollout.sender[t], self.embedding)
            action = mean + std * self._noise()
            rollout.action[t] = action
            rollout.log_probability[t] = log_probability(action, mean, self.std, self.tuner.free)
            resting = self.worlds.resting
            rollout.active[t] = torch.from_numpy(~resting).flatten()
            executed = action.clamp(0.0, 1.0).view(worlds, robots, COUNT).numpy()
            self.observation, reward, terminated, truncated, info = self.worlds.step(executed)
            rollout.reward[t] = torch.from_numpy(np.asarray(reward, np.float32)).flatten()
            # For a robot the episode is over when its part is, whatever goes on around it.
            over = info["resting"] | terminated[:, None]
            rollout.terminated[t] = torch.from_numpy(over).flatten()
            rollout.truncated[t] = torch.from_numpy(truncated).repeat_interleave(robots)
            self.episodes += info["episodes"]
            if truncated.any():
                cut = np.flatnonzero(truncated)
                final = flatten(Observation(*(array[cut] for array in info["final_observation"][:3])))
                rollout.next_value[t].view(worlds, robots)[cut] = self._value(final).view(-1, robots)
        return rollout

    def _noise(self) -> Tensor:
        """Standard normal noise [S, 6] for one step; each sample's density is taken as if it stood alone."""
        noise = torch.randn(self.held.shape, generator=self.random)
        left = max(0.0, 1.0 - self.done / self.updates / self.config.held_until)
        steps = 1.0 + (self.config.held - 1.0) * left
        new = torch.rand(len(noise), 1, generator=self.random) * steps < 1.0
        new[round(self.config.held_worlds * len(noise)) :] = True
        self.held = torch.where(new, noise, self.held)
        return self.held

    def estimate(self, rollout: Rollout) -> tuple[Tensor, Tensor]:
        """Values and advantages, both [T, S]."""
        value = torch.zeros(self.config.rollout + 1, rollout.reward.shape[1])
        for t, row in enumerate(zip(rollout.ego, rollout.edges, rollout.mask, strict=True)):
            value[t, rollout.active[t]] = self._value(row, rollout.active[t].nonzero().squeeze(1))
        value[-1] = self._value(flatten(self.observation))
        next_value = torch.where(rollout.next_value.isnan(), value[1:], rollout.next_value)
        ends = rollout.terminated, rollout.truncated
        gamma, gae_lambda = self.config.gamma, self.config.gae_lambda
        return value[:-1], advantages(rollout.reward, value[:-1], next_value, *ends, gamma, gae_lambda)

    def optimise(self, rollout: Rollout, value: Tensor, advantage: Tensor) -> dict[str, float]:
        """Passes over the samples in minibatches."""
        flat = Rollout(*(array.flatten(0, 1) for array in rollout))
        value, advantage = value.flatten(), advantage.flatten()
        returns, active = advantage + value, flat.active.nonzero().squeeze(1)
        figures: list[dict[str, float]] = []
        for _ in range(self.config.epochs):
            order = active[torch.randperm(len(active), generator=self.random)]
            for chosen in order.tensor_split(self.config.minibatches):
                loss, detail = self._loss(flat, value, advantage, returns, chosen)
                self.optimiser.zero_grad()
                loss.backward()
                distributed.add_gradients(self.tuner.parameters())
                nn.utils.clip_grad_norm_(self.tuner.parameters(), self.config.max_grad_norm)
                self.optimiser.step()
                figures.append(detail)
            if self.config.target_kl is not None and figures[-1]["kl"] > self.config.target_kl:
                break
        (_, error, _), (_, spread, _) = (distributed.moments(part[active]) for part in (returns - value, returns))
        return {
            **{name: float(np.mean([detail[name] for detail in figures])) for name in figures[0]},
            "explained_variance": 1.0 - float(error.square() / spread.square().clamp(min=1e-8)),
            "std": self.std,
            "learning_rate": float(self.optimiser.param_groups[0]["lr"]),
        }

    def _loss(
        self, flat: Rollout, value: Tensor, advantage: Tensor, returns: Tensor, chosen: Tensor
    ) -> tuple[Tensor, dict[str, float]]:
        """This process's part of the loss of the samples that all processes have ``chosen``, and its parts summed."""
        config = self.config
        graph, heard = to_graph(*flat[:3], chosen), None
        if self.tuner.rounds > 1:
            heard = Steps(*flat[:3], flat.sender, flat.embedding, robots=len(self.embedding)).heard_now(
                self.tuner, chosen
            )
        now = log_probability(flat.action[chosen], self.tuner.mean(graph, heard), self.std, self.tuner.free)
        change = now - flat.log_probability[chosen]
        ratio = change.exp()
        gain = advantage[chosen]
        mean, spread, count = distributed.moments(gain)  # a mean over samples is a sum here divided by all of them
        gain = (gain - mean) / (spread + 1e-8)
        near = ratio.clamp(1.0 - config.clip_coef, 1.0 + config.clip_coef)
        policy_loss = -torch.min(gain * ratio, gain * near).sum() / count
        value_loss = self._value_loss(self.tuner.value(graph), value[chosen], returns[chosen]).sum() / count
        loss = policy_loss + config.value_weight * value_loss
        with torch.no_grad():
            detail = {
                "policy_loss": policy_loss,
                "value_loss": value_loss,
                "kl": (ratio - 1.0 - change).sum() / count,  # Schulman's low-variance estimate
                "clipped": ((ratio - 1.0).abs() > config.clip_coef).float().sum() / count,
            }
        sums = distributed.total(*(part.item() for part in detail.values()))
        return loss, dict(zip(detail, sums, strict=True))

    def _value_loss(self, value: Tensor, before: Tensor, returns: Tensor) -> Tensor:
        """Half the squared error; of the value or the clipped value, whichever is worse."""
        error = (value - returns).square()
        if (limit := self.config.value_clip) is not None:
            near = before + (value - before).clamp(-limit, limit)
            error = torch.max(error, (near - returns).square())
        return 0.5 * error

    def _value(self, sensed: tuple[Tensor, Tensor, Tensor], index: Tensor | None = None) -> Tensor:
        """V [S] of flat observations, or of those at ``index``."""
        return self.tuner.value(to_graph(*sensed, index))

    def _allocate(self) -> Rollout:
        """An empty rollout."""
        steps, robots = self.config.rollout, self.worlds.num_worlds * self.worlds.num_robots
        sensed = flatten(self.observation)
        slots, width = (sensed[2].shape[1], self.embedding.shape[1]) if self.tuner.rounds > 1 else (0, 0)
        ego, edges, mask = (torch.empty((steps, *array.shape), dtype=array.dtype) for array in sensed)
        return Rollout(
            ego=ego, edges=edges, mask=mask,
            action=torch.empty(steps, robots, COUNT),
            log_probability=torch.empty(steps, robots),
            reward=torch.empty(steps, robots),
            next_value=torch.full((steps, robots), math.nan),
            terminated=torch.empty(steps, robots, dtype=torch.bool),
            truncated=torch.empty(steps, robots, dtype=torch.bool),
            active=torch.empty(steps, robots, dtype=torch.bool),
            sender=torch.empty(steps, robots, slots, dtype=torch.int64),
            embedding=torch.empty(steps, robots, width),
        )  # fmt: skip

    def state_dict(self) -> dict[str, Any]:
        """All that :meth:`load_state_dict` needs to continue exactly: tensors, arrays and plain values."""
        return {
            "done": self.done,
            "tuner": self.tuner.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "random": self.random.get_state(),
            "held": self.held,
            "observation": list(self.observation),
            "told": self.embedding,
            "worlds": self.worlds.state_dict(),
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Continue from a :meth:`state_dict`; its arrays may be tensors by now."""
        self.done = saved["done"]
        self.tuner.load_state_dict(saved["tuner"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.random.set_state(saved["random"])
        self.held = saved["held"]
        self.observation = Observation(*as_arrays(saved["observation"]))
        self.embedding = saved.get("told", self.embedding)
        self.worlds.load_state_dict(as_arrays(saved["worlds"]))


def flatten(observation: Observation) -> tuple[Tensor, Tensor, Tensor]:
    """Tensors [S, ...] of an observation [B, N, ...]."""
    ego, edges, mask = (torch.from_numpy(np.ascontiguousarray(array)).flatten(0, 1) for array in observation[:3])
    return ego, edges, mask


def as_arrays(value: Any) -> Any:
    """Nested dicts and lists with numpy arrays in place of tensors."""
    if isinstance(value, Mapping):
        return {key: as_arrays(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_arrays(item) for item in value]
    return value.numpy().copy() if isinstance(value, Tensor) else value
