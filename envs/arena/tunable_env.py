"""What the continuous environments have in common: agents that choose tunables, and a picture from above."""

from __future__ import annotations

from typing import Any

from gymnasium import spaces
from pettingzoo import ParallelEnv

from envs.arena.spaces import action_space, observation_space
from envs.render.drawing import Painter, Scene
from swarm.array_types import Array, UInt8s
from swarm.errors import InputError


class TunableEnv(ParallelEnv):  # type: ignore[misc]
    """A ``ParallelEnv`` whose agents choose their tunables.

    Args:
        robots: Number of agents.
        slots: Edges in an observation.
        render_mode: ``human``, ``rgb_array`` or None.
    """

    def __init__(self, robots: int, slots: int, render_mode: str | None) -> None:
        modes = self.metadata["render_modes"]
        if render_mode is not None and render_mode not in modes:
            raise InputError("render_mode", render_mode, f"None, {', '.join(modes)}")
        self.render_mode = render_mode
        self.possible_agents = [f"robot_{i}" for i in range(robots)]
        self.agents: list[str] = []
        self.observation_spaces = {agent: observation_space(slots) for agent in self.possible_agents}
        self.action_spaces = {agent: action_space() for agent in self.possible_agents}
        self._painter: Painter | None = None

    def observation_space(self, agent: str) -> spaces.Dict:
        """Of one agent; all are alike."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Box:
        """Of one agent; all are alike."""
        return self.action_spaces[agent]

    def _picture(self) -> tuple[Array, Scene] | None:
        """Bounds and scene of this moment; None before the first reset."""
        raise NotImplementedError

    def render(self) -> UInt8s | None:
        """A picture from above: ``uint8[H, W, 3]``, or a window in mode ``human``."""
        picture: Any = None if self.render_mode is None else self._picture()
        if picture is None:
            return None
        bounds, scene = picture
        if self._painter is None:
            self._painter = Painter(tuple(bounds), pixels=720)
        if self.render_mode == "human":
            self._painter.show(scene)
            return None
        return self._painter.frame(scene)

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._painter is not None:
            self._painter.close()
            self._painter = None
