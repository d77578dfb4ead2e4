"""What is asked of the worlds in which a tuner is trained, and in which it learns from teachers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from policies.ppo import Worlds
from swarm.array_types import AnyArray, Array, Flags, Float32s
from swarm.tune.observation import Observation


class VectorWorlds(Worlds, Protocol):
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
            the worlds whose episodes ended, in their order (None if none did), ``episodes``, their figures, and
            ``resting``, as it was before worlds started anew.
        """
        ...


class LessonWorlds(VectorWorlds, Protocol):
    """Worlds that know their kinds, and whose episodes can be driven again."""

    @property
    def families(self) -> Sequence[str]:
        """What kind of world each is at present."""
        ...

    def begin(self, seed: int) -> Observation:
        """All worlds drawn anew from a seed, whole episodes: the same ones for the same seed."""
        ...

    def led_by(self, planner: str) -> Callable[[Flags], Array]:
        """A planner that leads the robots by their tunables: of n worlds ``bool[B]`` the actions ``[n, N, 6]``."""
        ...
