"""ArenaEnv: continuous navigation as a PettingZoo ``ParallelEnv``, the view of a batched core with one world."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from envs.arena.actions import TUNED
from envs.arena.core import ArenaCore, Draw
from envs.arena.spaces import (
    action_space,
    careful,
    observation_space,
    split,
    stack,
    state_of,
    state_space,
)
from envs.render.rendered_env import Picture, RenderedEnv
from envs.render.scene import Scene
from envs.scenarios import drawn_from
from envs.strangers import TOUCH
from swarm.array_types import AnyArray, Float32s
from swarm.filter.further_rows import Constraint
from swarm.filter.safety import OUTCOMES
from swarm.model.body import RADIUS
from swarm.model.dynamics import UNICYCLE
from swarm.model.error_bounds import ErrorBounds
from swarm.model.footprint.overlap import outlines_at
from swarm.model.strangers import Strangers
from swarm.scenario.scenario import Scenario
from swarm.tune.reward import Reward


class ArenaEnv(RenderedEnv):
    """Robots with exact dynamics among static obstacles; every agent chooses its tunables at each step.

    An action is the six tunables of ``swarm.filter.tunables`` in [0, 1]: class-K gain and power for robots and for
    obstacles, sideways rotation of the nominal control, its speed; or a control (``envs.arena.actions.ACTIONS``). The
    filter makes any action safe. The observation is that of ``swarm.tune.observation``: ``ego``, ``edges`` and
    ``mask``. All agents stay until the episode ends for all of them: terminated when every robot is at its (last) goal,
    truncated at the scenario's horizon.

    Args:
        scenario: A scenario, its file, or what draws one: the name of a family (``envs.scenarios.FAMILIES``) or its
            reference, or a function of a generator (``swarm.Family``).
        actions: ``tunables``, ``control`` or ``free``.
        observation: ``dict``, or ``flat`` for one row of numbers.
        max_cycles: Most steps of an episode; None: as many as the scenario has.
        margin: Safety margin of every robot [m].
        errors: What is not exact, simulated; None: what the scenario declares.
        assume: What the robots count on; None: what is simulated.
        strangers: What the robots count on of those who ignore them; None: what the scenario declares.
        render_mode: ``human``, ``rgb_array`` or None.
        planner: ``straight``, ``roadmap``, or the reference of a ``swarm.Planner``.
        robots: Of the largest team, where teams differ in size: the agents of an episode are the first ones of
            ``possible_agents``. None: all teams are as large as the first.
        reward: A ``swarm.Reward`` or the reference of one; None: the built-in one.
        constraint: A ``swarm.Constraint`` or the reference of one.
    """

    metadata: ClassVar[dict[str, Any]] = {
        "name": "arena_v0", "render_modes": ["human", "rgb_array"], "render_fps": 30, "is_parallelizable": True,
    }  # fmt: skip

    def __init__(
        self, scenario: Scenario | Draw | str | Path = "clutter", *, actions: str = TUNED, observation: str = "dict",
        max_cycles: int | None = None, margin: float = 0.0, errors: ErrorBounds | None = None,
        assume: ErrorBounds | None = None, strangers: Strangers | None = None, render_mode: str | None = None,
        planner: str = "straight", robots: int | None = None, reward: str | Reward | None = None,
        constraint: str | Constraint | None = None,
    ) -> None:  # fmt: skip
        self.core = ArenaCore(
            drawn_from(scenario), margin=margin, redraw=False, errors=errors, assume=assume, strangers=strangers,
            actions=actions, max_cycles=max_cycles, planner=planner, robots=robots, reward=reward,
            constraint=constraint,
        )  # fmt: skip
        self._actions, self._form = actions, observation
        observed = observation_space(int(self.core.slots.sum()), observation)
        super().__init__(self.core.num_robots, observed, action_space(actions), render_mode)
        self.state_space = state_space(self.core.num_robots)

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Draw a scenario (from ``seed``, if given) and observe it."""
        observation = self.core.reset(seed)
        self.agents, self._begun = self.possible_agents[: len(self.core.scenarios[0].robots)], True
        self._nobody = dict.fromkeys(self.agents, False)
        if self.render_mode == "human":
            self.render()
        return split(self.agents, observation, self._form), {agent: {} for agent in self.agents}

    def step(
        self, actions: dict[str, AnyArray]
    ) -> tuple[dict[str, Any], dict[str, float], dict[str, bool], dict[str, bool], dict[str, Any]]:
        """One control period."""
        if self._is_over(actions):
            return {}, {}, {}, {}, {}
        core, agents = self.core, self.agents
        action = stack(agents, actions, self._actions)[None]
        if len(agents) < core.num_robots:
            action = np.pad(action, ((0, 0), (0, core.num_robots - len(agents)), (0, 0)))
        observation, reward, terminated, truncated, _ = core.step_checked(action)
        (rewards,), ended, cut = reward.tolist(), terminated.item(), truncated.item()
        (outcomes,), (clearances,), (reached,) = core.outcome.tolist(), core.clearance.tolist(), core.reached.tolist()
        (collided,), (deliveries,) = core.collided.tolist(), core.deliveries.tolist()
        infos = {
            agent: {
                "outcome": OUTCOMES[outcome], "clearance": clearance, "reached": there, "collided": touched,
                "deliveries": count,
            }
            for agent, outcome, clearance, there, touched, count in zip(
                agents, outcomes, clearances, reached, collided, deliveries, strict=False
            )
        }  # fmt: skip
        if ended or cut:
            self.agents = []
        if self.render_mode == "human":
            self.render()
        return (
            split(agents, observation, self._form),
            dict(zip(agents, rewards, strict=False)),
            dict.fromkeys(agents, True) if ended else self._nobody.copy(),
            dict.fromkeys(agents, True) if cut else self._nobody.copy(),
            infos,
        )

    def state(self) -> Float32s:
        """The whole world, as it really is: see ``envs.arena.spaces.state_of``."""
        core = self.core
        return state_of(core.state[0], core.goal[0], core.reached[0], float(core.age[0] * core.period[0]))

    def _picture(self) -> Picture:
        core, scenario = self.core, self.core.scenarios[0]
        team = slice(len(scenario.robots))
        state = core.state[0, team]
        course = np.arctan2(state[:, 4], state[:, 3])
        scene = Scene(
            scenario.world.obstacles, state[:, :2], core.body[0, team, RADIUS],
            headings=np.where(core.kind[0, team] == UNICYCLE, state[:, 2], course),
            outlines=outlines_at(scenario.robots, state), goals=core.goal[0, team],
            colour_value=careful(core.last_action[0, team]),
            contacts=core.clearance[0, team] < TOUCH,
            caption=(f"t = {core.age[0] * core.period[0]:.1f} s    reached {int(core.reached[0, team].sum())}",),
        )  # fmt: skip
        return scenario.world.bounds, None, scene
