"""The batched core of the continuous environments: B worlds of N robots, one kernel call a step.

The trainer drives it directly; ``envs.arena.env.ArenaEnv`` is the view of a core with one world. A robot that has
reached its last goal stays there, and no robot ever leaves: a world ends as a whole, at its horizon or when all of
its robots have reached their last goals.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from envs.arena import saving
from envs.arena.actions import FREE, TUNED, action_size
from envs.arena.errors import STYLES, ErrorSource
from envs.arena.inexact.step import step_inexact_some, step_inexact_worlds
from envs.arena.observed_worlds import ObservedWorlds
from envs.arena.observing import ways_left
from envs.arena.reward import given_by, make_reward
from envs.arena.stepping.constrained import step_constrained
from envs.arena.stepping.step import step_some, step_worlds
from envs.arena.worlds import Chooser, Draw
from envs.strangers import MOVING, STANDING, TOUCH
from envs.threads import in_parts
from swarm.array_types import AnyArray, Array, Flags, Float32s
from swarm.errors import InputError
from swarm.files.checks import whole
from swarm.filter.further_rows import Constraint, make_constraint
from swarm.filter.safety import BRAKING, OPTIMAL, RELAXED
from swarm.filter.tunables import STRAIGHT, unturned
from swarm.model.body import RADIUS, TOP_SPEED
from swarm.model.error_bounds import ErrorBounds
from swarm.model.strangers import Strangers
from swarm.sense.neighbours import MAX_NEIGHBOURS, MAX_OBSTACLES
from swarm.tune.memory import blank
from swarm.tune.observation import Observation
from swarm.tune.reward import Reward as OwnReward
from swarm.tune.reward import StepRecord

__all__ = ["GOAL_RADII", "ArenaCore", "Chooser", "Draw"]

# As in the GCBF+ protocol: a goal is reached within so many radii.
GOAL_RADII = 2.0


class ArenaCore(ObservedWorlds):
    """B worlds, each drawn anew whenever its episode ends.

    Args:
        draw: Draws a scenario; all must have the same number of robots, unless ``robots`` is given.
        worlds: B.
        seed: Of the generator that ``draw`` is given.
        margin: Safety margin of every robot [m].
        filtered: False drives the nominal control as it is (to measure what the filter is worth).
        neighbours: K, most robots in a neighbourhood.
        obstacles: M, most obstacles in a neighbourhood.
        redraw: Whether a world whose episode ends is drawn anew in the same step.
        checks: Instants per period at which gaps are measured; 1 is the end of the period.
        planner: ``straight``, ``roadmap`` or the reference of one of a user's own, or a function that says which for a
            scenario.
        errors: What is not exact, simulated in every world; None: what each scenario declares. Gaps are then measured
            at ``envs.arena.inexact.arrays.CHECKS`` instants a period.
        assume: What the robots count on; None: what is simulated.
        strangers: What the robots count on of those who ignore them; None: what each scenario declares.
        styles: Of the errors, each world one of them for an episode (``envs.arena.errors``).
        delay: Some scenarios may declare errors, with an age, latency and dead time of so many periods, though the
            first ones are exact. None: if those are exact, all have to be.
        actions: One of ``envs.arena.actions.ACTIONS``.
        max_cycles: Most periods of an episode; None: as many as its scenario has.
        robots: N, where teams differ in size: the most. Smaller teams are filled up with robots that are not there: far
            away, at rest, counted nowhere.
        reward: A ``swarm.Reward`` or the reference of one; None: the built-in one.
        constraint: Further rows of every robot's QP, a ``swarm.Constraint`` or the reference of one; None: there are
            none. Worlds have to be exact then, and are stepped robot by robot.
    """

    def __init__(
        self,
        draw: Draw,
        *,
        worlds: int = 1,
        seed: int = 0,
        margin: float = 0.0,
        filtered: bool = True,
        neighbours: int = MAX_NEIGHBOURS,
        obstacles: int = MAX_OBSTACLES,
        redraw: bool = True,
        checks: int = 1,
        planner: str | Chooser = "straight",
        errors: ErrorBounds | None = None,
        assume: ErrorBounds | None = None,
        strangers: Strangers | None = None,
        styles: Sequence[str] = STYLES,
        delay: float | None = None,
        actions: str = "tunables",
        max_cycles: int | None = None,
        robots: int | None = None,
        reward: str | OwnReward | None = None,
        constraint: str | Constraint | None = None,
    ) -> None:
        for name, value in (("max_cycles", max_cycles), ("robots", robots)):
            if value is not None:
                whole(name, value)
        self.action_size = action_size(actions)
        self._controlled, self._filtered = actions != TUNED, filtered and actions != FREE
        self._redraw, self._checks = redraw, checks
        self.reward, self._constraint = make_reward(reward), make_constraint(constraint)
        super().__init__(
            draw, worlds=worlds, seed=seed, margin=margin, slots=np.array([neighbours, obstacles]), planner=planner,
            errors=errors, assume=assume, strangers=strangers, styles=styles, delay=delay, max_cycles=max_cycles,
            robots=robots,
        )  # fmt: skip
        if self.source is not None and self._constraint is not None:
            raise InputError("constraint", constraint, "none where errors are declared: batches of worlds are exact")

    def advance(self, action: Array) -> None:
        """Filter the tunables ``[B, N, 6]`` in [0, 1], move everybody for one period, and count what happened.

        The waypoints and the action are what the robots tell each other in the next period.
        """
        self.plan()
        if not self.cooperative.all():
            action = np.where(self.cooperative[..., None], action, STRAIGHT)
        if self._straight.any():
            action = unturned(action, self._straight)
        if self.source is None:
            self._step_exact(action)
        else:
            self._step_inexact(self.source, action)
        if self._missing.any():
            self._forget_missing()
        self.moved[:] = True
        self.age += 1

    def _step_exact(self, action: Array) -> None:
        robots, walls, checks = self._robots, self.geometry.arrays, self._checks
        if self._constraint is not None and self._filtered:
            step_constrained(
                self._constraint, robots, walls, self.slots, action, self.goal, self.age, self.period, checks,
                self._counts,
            )  # fmt: skip
        else:
            in_parts(
                step_some, step_worlds, self.threads, self.num_worlds, robots, walls, self._sensed, self.slots, action,
                self._filtered, self.period, checks, self._counts,
            )  # fmt: skip

    def _forget_missing(self) -> None:
        """Robots that are not there stay where they are, and count nowhere."""
        missing = self._missing
        for outcome in range(self.outcomes.shape[1]):
            self.outcomes[:, outcome] -= (missing & (self.outcome == outcome)).sum(axis=1)
        self.outcome[missing], self.control[missing] = OPTIMAL, 0.0
        self.state[missing], self.collided[missing] = self._parked[missing], False
        self.min_clearance[missing] = self.clearance[missing] = np.inf

    def _step_inexact(self, source: ErrorSource, action: Array) -> None:
        in_parts(
            step_inexact_some, step_inexact_worlds, self.threads, self.num_worlds, self._robots, self.geometry.arrays,
            self.slots, action, self._filtered, source.truth(self.state), source.errors, source.news, self.period,
            source.own, self._counts,
        )  # fmt: skip
        self.unseen[:] = True

    @property
    def resting(self) -> Flags:
        """Robots ``[B, N]`` whose part is over though their world goes on: at their last goals, or not cooperative."""
        return self.reached | ~self.cooperative

    def _distances(self) -> Array:
        """Metres from every robot to its goal, ``[B, N]``."""
        distances = np.empty_like(self.remaining)
        ways_left(self.state, self.goal, distances)
        return distances

    def arrive(self) -> Flags:
        """Note who is at its goal, hand out the next goals; returns who arrived in this step ``[B, N]``."""
        return self._arrive(self._distances())

    def _arrive(self, distances: Array) -> Flags:
        """``arrive``, where the distances ``[B, N]`` from the goals are known [m]."""
        arrived: Flags = (distances <= GOAL_RADII * self.body[..., RADIUS]) & ~self.reached
        for b, i in np.argwhere(arrived) if arrived.any() else ():
            goals = self.scenarios[b].robots[i].goals
            self.deliveries[b, i] += 1
            if self.goal_index[b, i] + 1 < len(goals):
                self.goal_index[b, i] += 1
                self.goal[b, i], self.memory[b, i] = goals[self.goal_index[b, i]], blank()
            else:
                self.reached[b, i] = True
                self.reach_time[b, i] = self.age[b] * self.period[b]
        return arrived

    def _checked(self, action: AnyArray) -> Array:
        """The action ``float64[B, N, 6]`` or ``[B, N, 2]``.

        Raises:
            InputError: If it has another shape or is not a number.
        """
        shape = self.num_worlds, self.num_robots, self.action_size
        try:
            found = np.ascontiguousarray(action, dtype=np.float64)
        except (TypeError, ValueError, RuntimeError) as error:  # of torch's tensors: with a gradient, or on a GPU
            raise self._refused(str(error)) from error
        if found.shape != shape:
            raise self._refused(f"shape {list(found.shape)}")
        if np.isnan(found).any():
            raise self._refused(action)
        return found

    def _refused(self, wrong: object) -> InputError:
        """The error of an action that is none."""
        shape = [self.num_worlds, self.num_robots, self.action_size]
        return InputError("action", wrong, f"{shape} numbers in [{-1 if self._controlled else 0}, 1]")

    def _chosen(self, action: Array) -> Array:
        """The tunables ``[B, N, 6]`` of an action; if that is a control, ``_wanted`` is written."""
        if not self._controlled:
            return action
        np.multiply(np.clip(action, -1.0, 1.0), self._full, out=self._wanted)
        self._wanted[~self.cooperative] = np.nan  # they go straight on, whatever anybody wants
        return np.broadcast_to(STRAIGHT, self.last_action.shape)

    def step(self, action: AnyArray) -> tuple[Observation, Float32s, Flags, Flags, dict[str, Any]]:
        """One control period of all worlds; worlds that end are drawn anew.

        Args:
            action: Tunables ``[B, N, 6]`` in [0, 1], or controls ``[B, N, 2]`` in [-1, 1]; values outside are clipped.

        Returns:
            The observation (of the new episode where one ended), reward ``[B, N]``, terminated ``[B]``, truncated
            ``[B]``, and ``info``: ``episodes``, a summary of each episode that ended, ``final_observation``, the
            last observation of these worlds alone (None if none ended), and ``resting`` before worlds were drawn anew.

        Raises:
            InputError: If the action has another shape or is not a number.
        """
        return self.step_checked(self._checked(action))

    def step_checked(self, action: Array) -> tuple[Observation, Float32s, Flags, Flags, dict[str, Any]]:
        """``step`` of an action of the right shape, float64, in which all are numbers."""
        tunables = self._chosen(action)
        self.plan()
        before, distance_before, state = self.remaining.copy(), self._distances(), self.state.copy()
        done_before = self.resting
        self.advance(tunables)
        distances = self._distances()
        arrived = self._arrive(distances)
        self.plan()
        closer = before - self.remaining
        if arrived.any():  # which may have changed the goal
            closer[arrived] = (distance_before - distances)[arrived]
        fastest = self.body[..., TOP_SPEED] * self.period[:, None]
        reward = given_by(
            self.reward,
            StepRecord(
                self.period[:, None], state, self.state, before, self.remaining, closer, fastest, self.clearance,
                self.last_action, self.control, self.outcome, arrived, self.reached, self.clearance < TOUCH,
                done_before,
            ),
        )  # fmt: skip
        self.returns += reward
        resting = self.resting
        terminated: Flags = np.logical_and.reduce(resting, axis=1)
        truncated = ~terminated & (self.age >= self.horizon)
        info: dict[str, Any] = {"episodes": [], "final_observation": None, "resting": resting}
        observation = self.observe()
        if (over := terminated | truncated).any():
            ended = np.flatnonzero(over)
            info["final_observation"] = Observation(*(np.asarray(part)[ended] for part in observation))
            info["episodes"] = [self.summary(int(b)) for b in ended]
            if self._redraw:
                self.begin_within(observation, {int(b): self.next_scenario(int(b)) for b in ended})
        return observation, reward, terminated, truncated, info

    def summary(self, b: int = 0) -> dict[str, float]:
        """Figures of the present episode of world ``b``; rates are over its robots that cooperate."""
        ours = self.cooperative[b]
        safe, reached = ~self.collided[b, ours], self.reached[b, ours]
        finished = np.where(reached, self.reach_time[b, ours], self.horizon[b] * self.period[b])
        steps = max(1, int(self.outcomes[b].sum()))
        return {
            "success": float((safe & reached).mean()),
            "reached": float(reached.mean()),
            "collisions": float(self.collided[b].sum()),
            "contacts_moving": float(self.contacts[b, MOVING]),
            "contacts_standing": float(self.contacts[b, STANDING]),
            "time": float(finished.mean()),
            "deliveries": float(self.deliveries[b].sum()),
            "min_clearance": float(self.min_clearance[b].min()),
            "relaxed": float(self.outcomes[b, RELAXED] / steps),
            "braking": float(self.outcomes[b, BRAKING] / steps),
            "return": float(self.returns[b, : len(self.scenarios[b].robots)].mean()),
        }

    def state_dict(self) -> dict[str, Any]:
        """Everything that a later ``load_state_dict`` needs to go on exactly: arrays and text."""
        return saving.state_of(self)

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Go on from a ``state_dict`` of a core of the same shape and the same ``draw``; detours begin anew.

        Raises:
            InputError: If something is missing or has another shape.
        """
        saving.restore(self, saved)
