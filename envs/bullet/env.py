"""BulletEnv: the same robots as bodies in a physics engine, as a PettingZoo ``ParallelEnv``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from envs.arena.core import Draw
from envs.arena.inexact.arrays import CHECKS
from envs.arena.reward import given_by, make_reward
from envs.arena.spaces import action_space, observation_space, split, stack, state_of, state_space
from envs.bullet.world import GOAL_RADII, world_of
from envs.render.rendered_env import Picture, RenderedEnv
from envs.rollout.delays import Delays
from envs.rollout.late_bodies import LateBodies
from envs.rollout.pictures import scene_of
from envs.rollout.plants import Plant
from envs.rollout.run import Run
from envs.rollout.team import Fleet
from envs.scenarios import clutter, drawn_from
from swarm.array_types import AnyArray, Array, Float32s
from swarm.errors import InputError
from swarm.files.checks import generator, whole
from swarm.filter.further_rows import Constraint
from swarm.filter.safety import OUTCOMES
from swarm.model.body import TOP_SPEED
from swarm.model.dynamics import Kind, Limits
from swarm.model.error_bounds import ErrorBounds
from swarm.model.strangers import Strangers
from swarm.robot import Command
from swarm.scenario.scenario import Scenario
from swarm.sense.neighbours import MAX_NEIGHBOURS, MAX_OBSTACLES
from swarm.tune.controllers import FixedController
from swarm.tune.observation import Observation
from swarm.tune.reward import Reward, StepRecord

# Extra distance (in metres, for robots of 0.25 m) that covers what motors do not do at once.
MARGIN = 0.06


def carts(rng: np.random.Generator) -> Scenario:
    """Eight wheeled robots of 0.25 m among boxes: what ``BulletEnv`` draws if nothing else is asked for."""
    return clutter.draw(
        rng, robots=8, obstacles=4, side=9.0, kind=Kind.UNICYCLE, limits=Limits(1.0, turn_rate=4.0), radius=0.25,
        horizon=20.0, dt=0.05, sensing_radius=2.5,
    )  # fmt: skip


def margin_of(given: float | None, scenario: Scenario) -> float:
    """The safety margin [m]: what wheels and motors do not do at once; discs without wheels follow more closely."""
    if given is not None:
        return given
    wheels = any(robot.kind == Kind.UNICYCLE for robot in scenario.robots)
    return min(MARGIN, (0.24 if wheels else 0.08) * min(robot.radius for robot in scenario.robots))


def start(
    scenario: Scenario, *, planner: str, controller: Any, margin: float = MARGIN, seed: int = 0, gui: bool = False,
    delays: Delays | None = None, assume: ErrorBounds | None = None, constraint: str | Constraint | None = None,
    physics_hz: float | None = None,
) -> Run:  # fmt: skip
    """A run of a scenario in a new physics world, one ``Robot`` per body.

    Args:
        scenario: World, robots, and the errors that are simulated.
        planner: Of every robot.
        controller: Of every robot.
        margin: Safety margin [m].
        seed: Of the spread of masses and motors, and of the errors.
        gui: Opens pybullet's own window.
        delays: Hold some of the robots.
        assume: Errors that the robots count on; None: those that are simulated.
        constraint: Further rows of every robot's QP.
        physics_hz: Physics steps a second; None: about 240.
    """
    inexact = scenario.errors.any or (assume is not None and assume.any)
    control_dt = scenario.dt / CHECKS if inexact else None
    world = world_of(scenario, seed=seed, gui=gui, control_dt=control_dt, physics_hz=physics_hz)
    fleet = Fleet(
        scenario, planner=planner, controller=controller, margin=margin, assume=assume, seed=seed,
        constraint=constraint,
    )  # fmt: skip
    plant: Plant = LateBodies(scenario, world) if inexact else world
    return Run(scenario, fleet, plant, goal_radii=GOAL_RADII, delays=delays)


def _tick(run: Run, actions: Array) -> tuple[StepRecord, list[Command]]:
    """One control period, and its record as one world's; distances are straight."""
    goals, done, delivered, touched = run.goals.copy(), run.reached.copy(), run.deliveries.copy(), run.touched.copy()
    state, before = run.states.copy(), np.linalg.norm(goals - run.states[:, :2], axis=1)
    commands = run.tick(actions)
    closer = before - np.linalg.norm(goals - run.states[:, :2], axis=1)
    return StepRecord(
        period=np.full((1, 1), run.scenario.dt), state_before=state[None], state=run.states[None],
        distance_before=before[None], distance=np.linalg.norm(run.goals - run.states[:, :2], axis=1)[None],
        closer=closer[None], fastest=run.fleet.bodies[None, :, TOP_SPEED] * run.scenario.dt,
        clearance=np.array([[command.clearance for command in commands]]), action=actions[None],
        control=np.array([[command.control for command in commands]]),
        outcome=np.array([[OUTCOMES.index(command.outcome) for command in commands]]),
        arrived=(run.deliveries > delivered)[None], reached=run.reached[None],
        collided=(run.touched & ~touched)[None], done=done[None],
    ), commands  # fmt: skip


class BulletEnv(RenderedEnv):
    """Robots with wheels and motors in pybullet; every agent chooses its tunables at each step.

    Actions and observations are those of ``ArenaEnv``; what robots sense of each other is read from the simulation,
    and contacts that the engine reports count as collisions. All agents stay until the episode ends for all.

    Args:
        scenario: As of ``ArenaEnv``; eight carts among boxes if not given.
        observation: ``dict``, or ``flat`` for one row of numbers.
        max_cycles: Most steps of an episode; None: as many as the scenario has.
        planner: Name of every robot's planner, or the reference of one (``swarm.Planner``).
        margin: Safety margin [m].
        errors: What is not exact, simulated; None: what the scenario declares.
        assume: What the robots count on; None: what is simulated.
        strangers: What the robots count on of those who ignore them; None: what the scenario declares.
        render_mode: ``human``, ``rgb_array`` or None.
        reward: A ``swarm.Reward`` or the reference of one; None: the built-in one.
        constraint: A ``swarm.Constraint`` or the reference of one.
        physics_hz: Physics steps a second, a whole number of them a period (of a sixth of one, with errors); None:
            about 240. Fewer are faster and less exact.
    """

    metadata: ClassVar[dict[str, Any]] = {
        "name": "bullet_v0", "render_modes": ["human", "rgb_array"], "render_fps": 20, "is_parallelizable": True,
    }  # fmt: skip

    def __init__(
        self, scenario: Scenario | Draw | str | Path | None = None, *, planner: str = "roadmap",
        observation: str = "dict", max_cycles: int | None = None, margin: float = MARGIN,
        errors: ErrorBounds | None = None, assume: ErrorBounds | None = None, strangers: Strangers | None = None,
        render_mode: str | None = None, reward: str | Reward | None = None,
        constraint: str | Constraint | None = None, physics_hz: float | None = None,
    ) -> None:  # fmt: skip
        if max_cycles is not None:
            whole("max_cycles", max_cycles)
        self._errors, self._assume, self._strangers = errors, assume, strangers
        self._draw: Draw = carts if scenario is None else drawn_from(scenario)
        self._form, self._max_cycles = observation, max_cycles
        first = self._draw(np.random.default_rng(0))
        observed = observation_space(MAX_NEIGHBOURS + MAX_OBSTACLES, observation)
        super().__init__(len(first.robots), observed, action_space(), render_mode)
        self.state_space = state_space(len(first.robots))
        self._planner, self._margin = planner, margin
        self._rng = np.random.default_rng(0)
        self.run: Run | None = None
        self.reward, self._constraint, self._physics_hz = make_reward(reward), constraint, physics_hz

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Draw a scenario (from ``seed``, if given), build its physics world and observe it."""
        if seed is not None:
            self._rng = generator(seed)
        if self.run is not None:
            self.run.close()
        scenario = self._draw(self._rng)
        if self._errors is not None:
            scenario = replace(scenario, errors=self._errors)
        if self._strangers is not None:
            scenario = replace(scenario, strangers=self._strangers)
        if len(scenario.robots) != len(self.possible_agents):
            raise InputError("scenario: robots", len(scenario.robots), f"{len(self.possible_agents)}, as in the first")
        middle = FixedController(2.0, 1.0)  # never asked: the actions come from outside
        self.run = start(
            scenario, planner=self._planner, controller=middle, margin=self._margin,
            seed=int(self._rng.integers(1 << 31)), assume=self._assume, constraint=self._constraint,
            physics_hz=self._physics_hz,
        )  # fmt: skip
        self.agents, self._begun = list(self.possible_agents), True
        if self.render_mode == "human":
            self.render()
        return split(self.agents, self._observe(self.run), self._form), {agent: {} for agent in self.agents}

    def _observe(self, run: Run) -> Observation:
        """What every robot would base its tunables on now."""
        views = run.fleet.views(run.time, run.states, run.goals)
        parts = [robot.observe(view) for robot, view in zip(run.fleet.robots, views, strict=True)]
        return Observation(*(np.stack(part) for part in zip(*parts, strict=True)))

    def step(
        self, actions: dict[str, AnyArray]
    ) -> tuple[dict[str, Any], dict[str, float], dict[str, bool], dict[str, bool], dict[str, Any]]:
        """One control period."""
        if self._is_over(actions) or self.run is None:
            return {}, {}, {}, {}, {}
        run, agents = self.run, self.agents
        chosen = stack(agents, actions)
        step, commands = _tick(run, chosen)
        reward = given_by(self.reward, step)[0]
        terminated = bool(run.reached.all())
        truncated = not terminated and run.tick_count >= min(run.steps, self._max_cycles or run.steps)
        infos = {
            agent: {
                "outcome": commands[i].outcome, "clearance": commands[i].clearance,
                "reached": bool(run.reached[i]), "collided": bool(run.touched[i]),
                "deliveries": int(run.deliveries[i]),
            }
            for i, agent in enumerate(agents)
        }  # fmt: skip
        if terminated or truncated:
            self.agents = []
        if self.render_mode == "human":
            self.render()
        return (
            split(agents, self._observe(run), self._form),
            {agent: float(reward[i]) for i, agent in enumerate(agents)},
            dict.fromkeys(agents, terminated),
            dict.fromkeys(agents, truncated),
            infos,
        )

    def state(self) -> Float32s:
        """The whole world, as it really is: see ``envs.arena.spaces.state_of``.

        Raises:
            InputError: If there is none yet.
        """
        run = self.run
        if run is None:
            raise InputError("state", "no world", "after reset()")
        return state_of(run.states, run.goals, run.reached, run.time)

    def _picture(self) -> Picture | None:
        return None if self.run is None else (self.run.scenario.world.bounds, None, scene_of(self.run))

    def close(self) -> None:
        """Close the window and the physics world."""
        super().close()
        if self.run is not None:
            self.run.close()
            self.run, self._begun = None, False
