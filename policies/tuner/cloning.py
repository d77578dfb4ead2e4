"""Behaviour cloning: before it learns by itself, a network learns what the best of several teachers does.

A lesson is a set of whole episodes. Every teacher drives all of them; of each episode the teacher that brings the most
robots home is kept, so that a team that has to agree on who goes first is seen agreeing. Among equals the one that is
best in worlds of that kind is kept, which labels like situations alike. The network then imitates the actions, and
learns what they are worth, from observations that contain what the robots told each other. From the second lesson on
it drives too: its own figures show what it has learnt, but it is nobody's teacher. Then also half of the worlds are
driven by the network while the teacher says what it would do, so that the network learns to find back from where its
own mistakes lead (DAgger, Ross et al. 2011).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, cast

import numpy as np
import torch
from torch import Tensor

from policies import distributed
from policies.devices import on_cpu
from policies.tuner.evaluate import by_tuner
from policies.tuner.ppo import TunerPPO, flatten
from policies.tuner.teachers import Teacher, taught_by
from policies.tuner.worlds import LessonWorlds
from swarm.array_types import Array, Flags, Float32s, Int64s
from swarm.filter.tunables import COUNT
from swarm.tune.observation import Observation

ENOUGH = 4
"""Worlds of a kind in which a teacher shows what it can do there."""
PASSES, LAST_PASSES = 4, 24
"""Passes over the samples of all lessons until then, after each and after the last one, at most."""
LEARNT, LAST_LEARNT = 1_500_000, 6_000_000
"""Samples that are learnt from after each lesson and after the last one, counted in every pass: of more samples fewer
passes are enough, and lessons of many worlds would otherwise take longer than what is learnt after them."""
BATCH = 2048
"""Samples of one step of the optimiser, at most."""
MINIBATCHES = 16
"""Steps of the optimiser in a pass, at least."""
LEARNING_RATE = 1e-3
"""Falls to 0 over the passes after the last lesson."""
NETWORK = "network"
"""Name of what is taught, among those who drive."""


class Drive(NamedTuple):
    """What became of the first episode in each of B worlds; not a number where it was not driven."""

    success: Array  # float64 [B], share of the robots
    time: Array  # float64 [B], mean time to the goal [s]
    deliveries: Array  # float64 [B], goals that were reached


class Samples(NamedTuple):
    """n robots in one step each."""

    ego: Tensor
    edges: Tensor
    mask: Tensor
    action: Tensor  # [n, 6]
    returns: Tensor  # [n], discounted


class Lessons:
    """Teaches the network of a training.

    Args:
        ppo: The training, before its first update; its worlds are started anew in the end.
        teachers: By name.
        seed: Of the episodes.
        lessons: How many.
    """

    def __init__(self, ppo: TunerPPO, teachers: Mapping[str, Teacher], *, seed: int, lessons: int) -> None:
        self.ppo, self.teachers, self.lessons = ppo, teachers, lessons
        self.worlds = cast(LessonWorlds, ppo.worlds)
        self._seeds = np.random.SeedSequence(seed).generate_state(lessons)
        self._optimiser = torch.optim.Adam(ppo.network.parameters(), lr=LEARNING_RATE)
        self._random = torch.Generator().manual_seed(seed)
        self.losses: list[float] = []
        self._beaten: set[tuple[str, str]] = set()

    def teach(self, tell: Callable[[str], None] | None = None) -> str:
        """All lessons; returns a table of how well everybody drove in the last one (Markdown).

        Args:
            tell: Called with a line after each lesson.
        """
        seen: list[Samples] = []
        whole: Samples
        for k, seed in enumerate(self._seeds.tolist()):
            drives, families = self.compare(seed, drives_too=k > 0)
            choice = best_of([drives[name] for name in self.teachers], families)
            self._remember(choice, families)
            corrected = np.arange(self.worlds.num_worlds) % 2 == 0 if k > 0 else np.zeros(self.worlds.num_worlds, bool)
            seen.append(self._watch(seed, choice, corrected))
            whole = Samples(*map(torch.cat, zip(*seen, strict=True)))
            self.losses.append(self._imitate(whole, passes_over(whole, LEARNT, PASSES), 1.0))
            if tell is not None:
                tell(f"lesson {k + 1} of {self.lessons}: {len(whole.action):,} samples, error {self.losses[-1]:.2g}")
        self.losses.append(self._imitate(whole, passes_over(whole, LAST_LEARNT, LAST_PASSES), 0.0))
        self.ppo.observation = self.worlds.reset()
        self.ppo.keep_clone()
        return table_of(drives, families)

    def _remember(self, choice: Int64s, families: Sequence[str]) -> None:
        """Kinds of worlds of which there were several, and a teacher the best in none: it is not asked there again."""
        kinds, names = np.array(families), np.array(list(self.teachers))
        for family in np.unique(kinds):
            if (here := kinds == family).sum() >= ENOUGH:
                self._beaten |= {(name, str(family)) for name in set(names) - set(names[choice[here]])}

    def compare(self, seed: int, *, drives_too: bool) -> tuple[dict[str, Drive], list[str]]:
        """How well every teacher (and the network) drives the episodes of a lesson, and of what kind they are."""
        drivers = {**self.teachers, **({NETWORK: taught_by(by_tuner(on_cpu(self.ppo.tuner)))} if drives_too else {})}
        drives = {}
        for name, driver in drivers.items():
            observation = self.worlds.begin(seed)
            families = list(self.worlds.families)
            asked = [(name, family) not in self._beaten for family in families]
            drives[name] = self._drive(driver, observation, np.array(asked))
        return drives, families

    def _drive(self, teacher: Teacher, observation: Observation, some: Flags) -> Drive:
        """The first episode in some worlds, to its end; not a number for the others."""
        action = np.zeros((*observation.ego.shape[:2], COUNT))
        running, found = some.copy(), Drive(*np.full((len(Drive._fields), len(some)), np.nan))
        while running.any():
            action[running] = teacher.act(observation, running)
            observation, _, terminated, truncated, info = self.worlds.step(action)
            ended = np.flatnonzero(terminated | truncated)
            for b, summary in zip(ended, info["episodes"], strict=True):
                if running[b]:
                    for name, of_all in found._asdict().items():
                        of_all[b] = summary[name]
                    running[b] = False
        return found

    def _watch(self, seed: int, choice: Int64s, corrected: Flags) -> Samples:
        """The episodes once more; what is learnt from them.

        Args:
            seed: Of the episodes.
            choice: Number of the teacher of each world.
            corrected: Worlds in which the network drives, and the teacher says what it would do, ``bool[B]``.
        """
        network = taught_by(by_tuner(on_cpu(self.ppo.tuner)))
        worlds, teachers = self.worlds, list(self.teachers.values())
        observation, running = worlds.begin(seed), np.ones(worlds.num_worlds, bool)
        seen: list[tuple[Flags, tuple[Tensor, ...]]] = []
        rewards: list[Float32s] = []
        while running.any():
            action = np.zeros((*observation.ego.shape[:2], COUNT))
            proposed = np.zeros_like(action)
            for k in np.unique(choice[running]):
                mine = running & (choice == k)
                action[mine] = teachers[k].act(observation, mine)
                proposed[mine] = teachers[k].proposed(action[mine], observation.ego[mine])
            learns = running[:, None] & ~worlds.resting
            rows = torch.from_numpy(learns.flatten())
            parts = (*flatten(observation), torch.from_numpy(proposed).float().flatten(0, 1))
            seen.append((learns, tuple(part[rows] for part in parts)))
            if corrected.any():
                action[corrected] = network.act(observation, corrected)
            observation, reward, terminated, truncated, _ = worlds.step(action)
            rewards.append(np.where(learns, reward, 0.0).astype(np.float32))
            running &= ~(terminated | truncated)
        returns = discounted(np.stack(rewards), self.ppo.config.gamma)
        worth = torch.cat([torch.from_numpy(returns[t][learns]) for t, (learns, _) in enumerate(seen)])
        ego, edges, mask, actions = (torch.cat(parts) for parts in zip(*(row for _, row in seen), strict=True))
        return Samples(*(part.to(self.ppo.device) for part in (ego, edges, mask, actions, worth)))

    def _imitate(self, samples: Samples, passes: int, last: float) -> float:
        """Passes over samples; returns the mean squared error of the actions in the last one.

        Args:
            samples: What was seen in all lessons until now.
            passes: How many.
            last: To which share the learning rate falls.
        """
        network, count = self.ppo.network, len(samples.action)
        least = min(counts_of(count))
        batches = min(max(MINIBATCHES, least // BATCH), least)
        for k in range(passes):
            self._optimiser.param_groups[0]["lr"] = LEARNING_RATE * (1.0 + (last - 1.0) * k / passes)
            errors = []
            for chosen in torch.randperm(count, generator=self._random).tensor_split(batches):
                loss, error = self._loss(samples, chosen.sort().values.to(self.ppo.device))
                self._optimiser.zero_grad()
                loss.backward()
                distributed.add_gradients(network.parameters())
                self._optimiser.step()
                errors.append(error)
        return float(np.mean(errors))

    def _loss(self, samples: Samples, chosen: Tensor) -> tuple[Tensor, float]:
        """This process's part of the loss, and the mean squared error of the actions that the network sets."""
        tuner = self.ppo.tuner
        mean, _, value = tuner.judge(tuner.see(*samples[:3], chosen))
        squares = (tuner.free * (mean - samples.action[chosen]).square()).sum(dim=-1)
        whole = distributed.total(len(chosen))[0]
        worth = (value - samples.returns[chosen]).square()
        loss = (squares.sum() + 0.01 * worth.sum()) / whole
        error, number = distributed.total(float(squares.detach().sum()), float(len(chosen)))
        return loss, error / number


def passes_over(samples: Samples, learnt: int, most: int) -> int:
    """How many passes over samples come to so many that are learnt from: 1 to ``most``, the same for all processes."""
    return min(max(learnt // max(counts_of(len(samples.action))), 1), most)


def counts_of(count: int) -> list[int]:
    """How many samples each process has."""
    return [json.loads(part) for part in distributed.gather(json.dumps(count).encode())]


def best_of(drives: Sequence[Drive], families: Sequence[str]) -> Int64s:
    """For each world the number of its teacher: most robots home; among equals, the best in worlds of that kind.

    Where work never ends nobody is ever home: there most deliveries count.
    """
    success, time, deliveries = (np.stack([getattr(drive, name) for drive in drives]) for name in Drive._fields)
    endless = np.nanmax(success, axis=0) == 0.0
    success = np.where(endless, deliveries, success)
    success, time = np.where(np.isnan(success), -1.0, success), np.where(np.isnan(time), np.inf, time)
    choice, kinds = np.zeros(len(families), np.int64), np.array(families)
    for family in np.unique(kinds):
        here = kinds == family
        order = np.lexsort((time[:, here].mean(axis=1), -success[:, here].mean(axis=1)))
        choice[here] = order[np.argmax(success[order][:, here], axis=0)]
    return choice


def discounted(reward: Float32s, gamma: float) -> Float32s:
    """Sums [T, ...] of all later rewards [T, ...], each step's weight ``gamma`` of the one before."""
    returns, later = np.empty_like(reward), np.zeros_like(reward[0])
    for t in reversed(range(len(reward))):
        later = reward[t] + gamma * later
        returns[t] = later
    return returns


def table_of(drives: Mapping[str, Drive], families: Sequence[str]) -> str:
    """Success in %, and mean time to the goal in s, of everybody by kind of world (Markdown)."""
    worlds: dict[str, list[int]] = defaultdict(list)
    for b, family in enumerate(families):
        worlds[family].append(b)
    lines = ["| worlds | " + " | ".join(drives) + " |", "|---" * (len(drives) + 1) + "|"]
    for family in sorted(worlds):
        some = worlds[family]
        shown = [Drive(*(part[some].mean() for part in drive)) for drive in drives.values()]
        cells = ["–" if np.isnan(d.success) else f"{100.0 * d.success:.1f} / {d.time:.2f}" for d in shown]
        if max(np.nan_to_num(d.success) for d in shown) == 0.0:
            cells = ["–" if np.isnan(d.success) else f"{d.deliveries:.1f} deliveries" for d in shown]
        lines.append(f"| {len(some)} of {family} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
