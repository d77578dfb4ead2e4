"""What all environments have in common as PettingZoo's: agents that are all alike, and a picture from above."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from gymnasium import spaces
from pettingzoo import ParallelEnv

from envs.registry import check_begun
from envs.render.drawing import Painter
from envs.render.scene import Scene
from swarm.array_types import Array, UInt8s
from swarm.errors import InputError

_PIXELS = 720
# A dict is a mapping, but is known to be one without a search.
_ACTIONS = (dict, Mapping)


Picture = tuple[Array | Sequence[float], float | None, Scene]
"""Bounds (xmin, ymin, xmax, ymax) and distance of the grid lines (or None), as ``Painter`` takes them, and a scene."""


class RenderedEnv(ParallelEnv):  # type: ignore[misc]
    """A ``ParallelEnv`` with a picture.

    Args:
        robots: Number of agents.
        observation: Space of what each observes.
        action: Space of what each does.
        render_mode: ``human``, ``rgb_array`` or None.
    """

    def __init__(self, robots: int, observation: Any, action: Any, render_mode: str | None) -> None:
        modes = self.metadata["render_modes"]
        if render_mode is not None and render_mode not in modes:
            raise InputError("render_mode", render_mode, f"None, {', '.join(modes)}")
        self.render_mode = render_mode
        self.possible_agents = [f"robot_{i}" for i in range(robots)]
        self.agents: list[str] = []
        self._begun = False
        # Every agent has its own spaces, since a space that is sampled has a generator of its own.
        self.observation_spaces = {agent: deepcopy(observation) for agent in self.possible_agents}
        self.action_spaces = {agent: deepcopy(action) for agent in self.possible_agents}
        self._painter: Painter | None = None

    def __getstate__(self) -> dict[str, Any]:
        """A copy opens a window of its own, when it has something to show."""
        return {**vars(self), "_painter": None}

    def _is_over(self, actions: Any) -> bool:
        """Whether the episode has ended: a step does nothing then, as PettingZoo wants it.

        Raises:
            InputError: If none has begun, or there is no dict of actions.
        """
        check_begun(self.metadata["name"], self._begun)
        if not isinstance(actions, _ACTIONS):
            raise InputError(f"{self.metadata['name']}: actions", actions, "a dict with an action for each agent")
        return not self.agents

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        """Of one agent; all are alike."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space[Any]:
        """Of one agent; all are alike."""
        return self.action_spaces[agent]

    def _picture(self) -> Picture | None:
        """What there is to see at this moment; None before the first reset."""
        raise NotImplementedError

    def render(self) -> UInt8s | None:
        """A picture from above: ``uint8[H, W, 3]``, or a window in mode ``human``."""
        picture = None if self.render_mode is None else self._picture()
        if picture is None:
            return None
        bounds, grid, scene = picture
        if self._painter is None or (self._painter.bounds, self._painter.grid) != (tuple(bounds), grid):
            RenderedEnv.close(self)
            self._painter = Painter(bounds, pixels=_PIXELS, grid=grid)
        if self.render_mode == "human":
            self._painter.show(scene)
            return None
        return self._painter.frame(scene)

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._painter is not None:
            self._painter.close()
            self._painter = None
