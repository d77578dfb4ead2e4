"""What the robots of many worlds know when a period begins: what they believe, plan and observe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numba
import numpy as np

from envs.arena.inexact.step import perceive_some, perceive_worlds
from envs.arena.observing import Pages, head_for_goals, observe_some, observe_worlds, remember_worlds
from envs.arena.worlds import Worlds
from envs.threads import in_parts, threads
from swarm.array_types import Int64s
from swarm.files.checks import generator
from swarm.scenario.scenario import Scenario
from swarm.tune.memory import LEAST, WAITED
from swarm.tune.observation import Observation

# Robots from which on waking the other threads pays.
_WORTH_THREADS = 128


class ObservedWorlds(Worlds):
    """Worlds whose robots plan and observe.

    Args:
        options: Of ``Worlds``.

    Attributes:
        threads: On which worlds are observed and stepped.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.threads = numba.get_num_threads() if self.num_worlds * self.num_robots >= _WORTH_THREADS else 1
        self._pages = Pages((self.num_worlds, self.num_robots), int(self.slots.sum()))

    def reset(self, seed: int | None = None) -> Observation:
        """Draw all worlds anew (from a new generator, if a seed is given) and observe them."""
        if seed is not None:
            self.rng = generator(seed)
        for b in range(self.num_worlds):
            self.load(b, self.next_scenario(b))
        return self.observe()

    def _perceive(self) -> None:
        """Where worlds are not exact and a period begins: what the robots believe in it."""
        source = self.source
        if source is None or not self.unseen.any():
            return
        source.draw(self.period, self.error_rngs, self.unseen)
        in_parts(
            perceive_some, perceive_worlds, self.threads, self.num_worlds, self.unseen, self._robots,
            self.geometry.arrays, source.truth(self.state), source.errors, source.news, self.period, source.own,
        )  # fmt: skip
        self.unseen[:] = False

    def plan(self) -> None:
        """Waypoints and what is left of the ways, in the worlds that have moved since they were planned last."""
        if not self.moved.any():
            return
        self._perceive()
        head_for_goals(self.moved, self.believed, self.goal, self.waypoint, self.remaining)
        for b, team in self._planners.items():
            if self.moved[b]:
                time, size = self.age[b] * self.period[b], len(self.scenarios[b].robots)
                own = self.believed, self.goal, self.told, self.waypoint, self.remaining
                team.plan(time, *(part[b, :size] for part in own))
                self._agreed[b, :size], self._straight[b, :size] = team.agreed, team.straight
        remember_worlds(self.moved, self.body, self.remaining, self.memory)
        for b, team in self._planners.items():
            if self.moved[b] and team.waits.any():
                waiting = np.flatnonzero(team.waits)
                self.memory[b, waiting, LEAST], self.memory[b, waiting, WAITED] = self.remaining[b, waiting], 0.0
        self.moved[:] = False

    def observe(self) -> Observation:
        """The observation of all robots: arrays with leading dimensions [B, N]."""
        seen = self._pages.take()
        self._observe_into(seen, np.arange(self.num_worlds))
        return seen

    def _observe_into(self, seen: Observation, worlds: Int64s) -> None:
        """Write what the robots of some worlds observe."""
        self.plan()
        told = self.age > 0  # else nobody has told anything yet
        parts: Any = Observation(*seen[:3]), seen.sender
        arguments = worlds, self._robots, self.geometry.arrays, self._sensed, self.slots, self._views, told, *parts
        if self.threads == 1 or len(worlds) * self.num_robots < _WORTH_THREADS:
            observe_some(*arguments)
        else:
            with threads(self.threads):
                observe_worlds(self.threads, *arguments)

    def begin_within(self, observation: Observation, scenarios: Mapping[int, Scenario]) -> None:
        """Put scenarios into some worlds, and observe these anew within the present observation."""
        for b, scenario in scenarios.items():
            self.load(b, scenario)
        self._observe_into(observation, np.array(list(scenarios)))
