"""How good a policy is: whole episodes in worlds, without exploration."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from policies.tuner.network import Tuner
from policies.tuner.own_network import OwnTuner
from policies.tuner.ppo import flatten
from policies.tuner.rounds import silence, speak
from policies.tuner.worlds import VectorWorlds
from swarm.array_types import Array
from swarm.filter.tunables import COUNT
from swarm.tune.observation import Observation, senders

Policy = Callable[[Observation], Array]


def by_tuner(tuner: Tuner | OwnTuner) -> Policy:
    """The mean action of a network, for observations ``[B, N, ...]``.

    With two rounds of messages the policy keeps what was told from one call to the next; in the first step of an
    episode nobody is heard, so that it may go from worlds to worlds.
    """
    embedding = silence(0)

    def act(observation: Observation) -> Array:
        nonlocal embedding
        seen = flatten(observation)
        with torch.no_grad():
            if tuner.rounds < 2 or isinstance(tuner, OwnTuner):
                mean = tuner.propose(tuner.see(*seen))[0]  # type: ignore[arg-type]  # each takes what it sees
            else:
                embedding = embedding if len(embedding) == len(seen[0]) else silence(len(seen[0]))
                mean, embedding = speak(tuner, seen, torch.from_numpy(senders(observation)), embedding)
            mean = tuner.executed(mean, seen[0])
        return mean.numpy().astype(np.float64).reshape(*observation.ego.shape[:2], COUNT)

    return act


def always(action: Array) -> Policy:
    """The same action ``[6]`` for everybody, whatever is observed."""
    return lambda observation: np.tile(action, (*observation.ego.shape[:2], 1))


def evaluate_policy(worlds: VectorWorlds, policy: Policy, episodes: int) -> dict[str, float]:
    """Means over the first episode of each world, and over further ones until there are ``episodes``.

    Every world counts the same number of episodes: counting whichever end first would favour the short ones.
    """
    rounds = -(-episodes // worlds.num_worlds)
    figures: list[list[dict[str, float]]] = [[] for _ in range(worlds.num_worlds)]
    observation = worlds.reset()
    while min(len(entries) for entries in figures) < rounds:
        observation, _, terminated, truncated, info = worlds.step(policy(observation))
        ended = np.flatnonzero(terminated | truncated)
        for b, summary in zip(ended, info["episodes"], strict=True):
            figures[b].append(summary)
    counted = [summary for entries in figures for summary in entries[:rounds]]
    return {name: float(np.mean([summary[name] for summary in counted])) for name in counted[0]}
