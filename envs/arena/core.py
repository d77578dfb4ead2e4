"""The batched core of the continuous environments: B worlds of N robots, one kernel call a step.

The trainer drives it directly; ``envs.arena.env.ArenaEnv`` is the view of a core with one world. A robot that has
reached its last goal stays there, and no robot ever leaves: a world ends as a whole, at its horizon or when all of
its robots have reached their last goals.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numba
import numpy as np

from envs.arena.errors import STYLES, ErrorSource
from envs.arena.inexact.step import perceive_worlds, step_inexact_worlds
from envs.arena.observing import Pages, head_for_goals, observe_some, observe_worlds, remember_worlds, ways_left
from envs.arena.reward import given_by, make_reward
from envs.arena.stepping.constrained import step_constrained
from envs.arena.stepping.geometry_store import GeometryStore
from envs.arena.stepping.robots import Counts, Robots
from envs.arena.stepping.step import step_some, step_worlds
from envs.arena.team_planner import TeamPlanner, make_team_planner
from envs.strangers import MOVING, STANDING, TOUCH
from envs.threads import threads
from swarm.array_types import AnyArray, Array, Flags, Float32s, Int64s
from swarm.errors import InputError
from swarm.files.text_files import located
from swarm.filter.further_rows import Constraint, make_constraint
from swarm.filter.safety import BRAKING, OPTIMAL, RELAXED
from swarm.filter.tunables import COUNT, MIDDLE, STRAIGHT
from swarm.model.actuators import T_CURVATURE, T_SPEED, T_TURN_RATE, TRAIL
from swarm.model.body import (
    ACCELERATION,
    BODY,
    LOOK_AHEAD,
    MARGIN,
    RADIUS,
    STEERING,
    TOP_SPEED,
    TURN_ACCELERATION,
    TURN_RATE,
    YIELDS,
    body_of,
    coast_of,
    is_second_order,
)
from swarm.model.dynamics import DOUBLE_INTEGRATOR, UNICYCLE, Kind, Limits, forward_speed
from swarm.model.error_bounds import ErrorBounds
from swarm.model.shapes import shape_size, stop_shape
from swarm.model.strangers import STRANGERS, Strangers
from swarm.scenario.scenario import Scenario
from swarm.sense.neighbours import MAX_NEIGHBOURS, MAX_OBSTACLES, N_PACE, NEIGHBOUR, describe, trailing
from swarm.tune.memory import LEAST, MEMORY, WAITED, blank
from swarm.tune.observation import Observation
from swarm.tune.reward import Reward as OwnReward
from swarm.tune.reward import StepRecord

Draw = Callable[[np.random.Generator], Scenario]
Chooser = Callable[[Scenario], str]

# Robots from which on waking the other threads pays.
_WORTH_THREADS = 128
# So many times the past that the first scenarios need is kept: later ones may have shorter periods.
_SLACK = 2.0
# Robots that are not there are so many sensing radii from the world, and from each other.
_FAR = 1000.0
# As in the GCBF+ protocol: a goal is reached within so many radii.
GOAL_RADII = 2.0


TUNED, CONTROLLED, FREE = "tunables", "control", "free"
ACTIONS = (TUNED, CONTROLLED, FREE)
"""What an action is.

* ``tunables``: the six tunables of ``swarm.filter.tunables``, in [0, 1].
* ``control``: two numbers in [-1, 1], shares of the robot's limits: of a single integrator its velocity along x and y,
  of a double integrator its acceleration along x and y, of a unicycle forward speed and turn rate. They take the place
  of the nominal control: QP and shield let pass the nearest control that is safe, with the boldest barriers.
* ``free``: the same controls without rows and lines for robots and obstacles, for research: then there are collisions,
  and they are counted. Actuators and the bounds of the world still hold.
"""


def action_size(actions: str) -> int:
    """How many numbers an action has.

    Raises:
        InputError: If there is no such kind of action.
    """
    if actions not in ACTIONS:
        raise InputError("actions", actions, ", ".join(ACTIONS))
    return COUNT if actions == TUNED else 2


def full_control(kind: int, body: Array) -> tuple[float, float]:
    """The largest control of a robot, which an action (1, 1) stands for."""
    if kind == UNICYCLE:
        return body[TOP_SPEED], body[TURN_RATE]
    most = body[ACCELERATION] if kind == DOUBLE_INTEGRATOR else body[TOP_SPEED]
    return most, most


def _periods(scenario: Scenario, assume: ErrorBounds | None) -> float:
    """The largest age, latency and dead time that is simulated or assumed, in periods."""
    bounds = [scenario.errors] if assume is None else [scenario.errors, assume]
    return max(one.delay / scenario.dt for one in bounds)


class ArenaCore:
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
        actions: one of ``ACTIONS``.
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
        if max_cycles is not None and max_cycles < 1:
            raise InputError("max_cycles", max_cycles, "1 or more, or None")
        self.action_size = action_size(actions)
        self._controlled, self._max_cycles = actions != TUNED, max_cycles
        filtered = filtered and actions != FREE
        self._draw, self._margin, self._filtered = draw, margin, filtered
        self._redraw, self._checks, self._planner = redraw, checks, planner
        self.rng = np.random.default_rng(seed)
        self._drawn_from = [self.rng.bit_generator.state] * worlds
        first = [self._next(b) for b in range(worlds)]
        self.num_worlds, self.num_robots = worlds, len(first[0].robots) if robots is None else robots
        self._fills_up, self._missing = robots is not None, np.zeros((worlds, self.num_robots), bool)
        self.slots = np.array([neighbours, obstacles])
        self._errors, self._assume, self._count_on = errors, assume, strangers
        self.threads = numba.get_num_threads() if worlds * self.num_robots >= _WORTH_THREADS else 1
        self.reward, self._constraint = make_reward(reward), make_constraint(constraint)
        self._allocate()
        first = [self._declared(scenario) for scenario in first]
        most = _SLACK * max(delay or 0.0, *(_periods(scenario, assume) for scenario in first))
        bounds = [one.errors for one in first] if assume is None else [*(one.errors for one in first), assume]
        inexact = delay is not None or any(one.any for one in bounds)
        if inexact and self._constraint is not None:
            raise InputError("constraint", constraint, "none where errors are declared: batches of worlds are exact")
        self._source = ErrorSource(worlds, self.num_robots, most, styles) if inexact else None
        self._kept, self._error_rngs = most, [self.rng] * worlds
        for b, scenario in enumerate(first):
            self.load(b, scenario)

    def _next(self, b: int) -> Scenario:
        """Draw a scenario for world ``b``, and keep what it was drawn from."""
        self._drawn_from[b] = self.rng.bit_generator.state
        return self._draw(self.rng)

    def _allocate(self) -> None:
        shape = (self.num_worlds, self.num_robots)
        self.scenarios: list[Scenario] = [None] * self.num_worlds  # type: ignore[list-item]
        self.kind = np.zeros(shape, np.int64)
        self.state, self.body = np.zeros((*shape, 5)), np.zeros((*shape, BODY))
        self.goal = np.zeros((*shape, 2))
        self.cooperative = np.ones(shape, bool)
        self.waypoint, self.remaining = np.zeros((*shape, 2)), np.zeros(shape)
        self.memory = np.zeros((*shape, MEMORY))
        self.moved = np.ones(self.num_worlds, bool)  # since the last planning
        self._agreed = np.zeros(shape, bool)  # whether who goes first is agreed
        self._planners: dict[int, TeamPlanner] = {}  # of the worlds whose robots do not go straight
        self.told = np.zeros((*shape, 2))  # the waypoints that the robots told each other in the last period
        self.clearance = np.full(shape, np.inf)
        self.control, self.outcome = np.zeros((*shape, 2)), np.zeros(shape, np.int64)
        self._wanted = np.full((*shape, 2), np.nan)  # in the variables of the QP
        self.full_control, self._full = np.zeros((2, *shape, 2))  # the second in the variables of the QP
        self.last_action = np.tile(MIDDLE, (*shape, 1))
        self.goal_index, self.deliveries = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        self.reached, self.reach_time = np.zeros(shape, bool), np.full(shape, np.nan)
        self.collided, self.min_clearance = np.zeros(shape, bool), np.full(shape, np.inf)
        self.outcomes = np.zeros((self.num_worlds, 3), np.int64)
        self.period, self.horizon = np.zeros(self.num_worlds), np.zeros(self.num_worlds, np.int64)
        self.age, self.returns = np.zeros(self.num_worlds, np.int64), np.zeros(shape)
        self.contacts = np.zeros((self.num_worlds, 2), np.int64)  # with strangers (``envs.strangers``)
        self._touching = np.zeros((*shape, self.num_robots), np.int8)
        self._strangers = np.zeros((self.num_worlds, STRANGERS))
        self._footprint = np.full((*shape, 0, 2), np.nan)
        self._parked = np.zeros((*shape, 5))  # robots that are not there
        self.geometry = GeometryStore(self.num_worlds)
        self._pages = Pages(shape, int(self.slots.sum()))
        self._trail, self._room = np.zeros((*shape, TRAIL)), np.empty((shape[0], 1, shape[1], NEIGHBOUR))
        self._unseen = np.zeros(self.num_worlds, bool)  # where a period has begun and nobody has looked

    def load(self, b: int, scenario: Scenario) -> None:
        """Put a scenario into world ``b`` and clear everything that was counted there."""
        scenario = self._declared(scenario)
        team = len(scenario.robots)
        if team > self.num_robots or (team < self.num_robots and not self._fills_up):
            valid = f"at most {self.num_robots}" if self._fills_up else f"{self.num_robots}"
            valid += ", or robots=N for teams of up to N"
            raise InputError(f"scenario {scenario.name!r}: robots", team, valid)
        self.scenarios[b] = scenario
        self.period[b] = scenario.dt
        self.horizon[b] = max(1, round(scenario.horizon / scenario.dt))
        if self._max_cycles is not None:
            self.horizon[b] = min(self.horizon[b], self._max_cycles)
        self.geometry.put(b, scenario.world, scenario.sensing_radius)
        assumed, bodies = self._assumed(scenario), {}
        for i, robot in enumerate(scenario.robots):
            self.kind[b, i] = int(robot.kind)
            self.state[b, i] = robot.start
            alike = robot.build
            if alike not in bodies:
                with located(f"scenario {scenario.name!r}: robots[{i}]: "):
                    bodies[alike] = robot.body(
                        dt=scenario.dt, sensing_radius=scenario.sensing_radius, margin=self._margin, errors=assumed
                    )
            self.body[b, i], self.full_control[b, i] = bodies[alike], full_control(robot.kind, bodies[alike])
            ahead = self.body[b, i, LOOK_AHEAD] if robot.kind == UNICYCLE else 1.0  # the QP moves a point ahead
            self._full[b, i] = self.full_control[b, i] * (1.0, ahead)
            self.goal[b, i], self.cooperative[b, i] = robot.goals[0], robot.cooperative
            self._trail[b, i] = 0.0
            if is_second_order(self.body[b, i]):
                self._trail[b, i, T_SPEED] = forward_speed(self.state[b, i])
        self._put_footprints(b, scenario)
        self._fill_up(b, scenario)
        self._planners.pop(b, None)
        self._agreed[b] = False
        planner = self._planner if isinstance(self._planner, str) else self._planner(scenario)
        margin = float(self.body[b, :, MARGIN].max())
        if (planners := make_team_planner(planner, scenario, margin)) is not None:
            self._planners[b] = planners
        self.memory[b], self.moved[b] = blank(), True
        self.last_action[b] = MIDDLE
        self.told[b] = self.state[b, :, :2]  # nothing yet: here
        for array, value in (
            (self.goal_index, 0), (self.deliveries, 0), (self.reached, False), (self.reach_time, np.nan),
            (self.collided, False), (self.min_clearance, np.inf), (self.outcomes, 0), (self.age, 0),
            (self.returns, 0.0), (self.contacts, 0), (self._touching, 0),
        ):  # fmt: skip
            array[b] = value
        self.reached[b] = self._missing[b]
        self._strangers[b] = (scenario.strangers if self._count_on is None else self._count_on).as_array()
        self.begin_errors(b)

    def _put_footprints(self, b: int, scenario: Scenario) -> None:
        """Give world ``b`` the polygons of its robots."""
        most = max(0 if robot.footprint is None else len(robot.footprint) for robot in scenario.robots)
        if most > self._footprint.shape[2]:
            wider = np.full((*self._footprint.shape[:2], most, 2), np.nan)
            wider[:, :, : self._footprint.shape[2]] = self._footprint
            self._footprint = wider
        self._footprint[b] = np.nan
        for i, robot in enumerate(scenario.robots if most > 0 else ()):
            if robot.footprint is not None:
                self._footprint[b, i, : len(robot.footprint)] = robot.footprint

    def _fill_up(self, b: int, scenario: Scenario) -> None:
        """Robots that are not there, behind those of a scenario: bodies at rest where nobody ever comes."""
        team = len(scenario.robots)
        self._missing[b] = np.arange(self.num_robots) >= team
        if team == self.num_robots:
            return
        first, places = scenario.robots[0], np.arange(1, self.num_robots - team + 1)
        self.kind[b, team:], self._trail[b, team:] = int(Kind.SINGLE_INTEGRATOR), 0.0
        self.body[b, team:] = body_of(
            Kind.SINGLE_INTEGRATOR, first.radius, Limits(first.limits.speed), dt=scenario.dt,
            sensing_radius=scenario.sensing_radius, cooperative=False,
        )  # fmt: skip
        self.state[b, team:] = 0.0
        self.state[b, team:, 0] = scenario.world.bounds[2] + _FAR * scenario.sensing_radius * places
        self.goal[b, team:], self.cooperative[b, team:] = self.state[b, team:, :2], False
        self._parked[b] = self.state[b]

    def _declared(self, scenario: Scenario) -> Scenario:
        """The scenario with the errors that are simulated in it."""
        return scenario if self._errors is None else replace(scenario, errors=self._errors)

    def _assumed(self, scenario: Scenario) -> ErrorBounds:
        """What the robots of a scenario count on."""
        return scenario.errors if self._assume is None else self._assume

    def begin_errors(self, b: int, rng: np.random.Generator | None = None) -> None:
        """The episode that begins in world ``b`` has all of its errors from a generator of its own.

        Args:
            b: Which world, as it was loaded.
            rng: None: a new one, seeded by the core's.
        """
        scenario = self.scenarios[b]
        assumed = self._assumed(scenario)
        if self._source is None:
            if scenario.errors.any or assumed.any:
                raise InputError(
                    f"scenario {scenario.name!r}: errors", scenario.errors.describe(), "none, as the first"
                )
            return
        if _periods(scenario, self._assume) > self._kept:
            valid = f"an age, latency and dead time of at most {self._kept:g} periods, {_SLACK:g} times the first's"
            raise InputError(f"scenario {scenario.name!r}: errors", scenario.errors.describe(), valid)
        rows, drives = np.empty((self.num_robots, NEIGHBOUR)), self._trail[b][:, T_SPEED : T_TURN_RATE + 1]
        for i in range(self.num_robots):
            robot_id = i if self.cooperative[b, i] else -1
            describe(
                self.kind[b, i], self.state[b, i], self.body[b, i], self.state[b, i, :2], 0.5, 0.5, robot_id, rows[i]
            )
            if is_second_order(self.body[b, i]):
                coast_of(self.state[b, i], self.body[b, i], self._trail[b, i])
                trailing(rows[i], self._trail[b, i])
        shapes = np.zeros((self.num_robots, shape_size(self._footprint.shape[2]), 2))
        for i in range(self.num_robots if shapes.shape[1] > 0 else 0):
            me = int(self.kind[b, i]), self.state[b, i], self.body[b, i], self._trail[b, i], self._footprint[b, i]
            stop_shape(*me, shapes[i])
        rng = np.random.default_rng(self.rng.integers(1 << 63)) if rng is None else rng
        self._source.begin(b, self.state[b], drives, rows, scenario.errors, assumed, rng, shapes)
        self._error_rngs[b], self._unseen[b] = rng, True

    @property
    def _robots(self) -> Robots:
        trail = self._trail if self._source is None else self._source.trail
        return Robots(
            self.kind, self.believed, self.body, self.waypoint, self.remaining, self.told, self.memory,
            self.last_action, self._wanted, trail, self._strangers, self._agreed, self._footprint,
        )  # fmt: skip

    @property
    def _views(self) -> Array:
        """All robots, as each robot takes them; where worlds are exact, room for how they are."""
        return self._room if self._source is None else self._source.news.seen

    @property
    def _counts(self) -> Counts:
        return Counts(
            self.control, self.outcome, self.clearance, self.outcomes, self.min_clearance, self.collided, self.contacts,
            self._touching,
        )  # fmt: skip

    def reset(self, seed: int | None = None) -> Observation:
        """Draw all worlds anew (from a new generator, if a seed is given) and observe them."""
        if seed is not None:
            self.rng = np.random.default_rng(seed)
        for b in range(self.num_worlds):
            self.load(b, self._next(b))
        return self.observe()

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
                self._agreed[b, :size] = team.agreed
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
        arguments = worlds, self._robots, self.geometry.arrays, self.slots, self._views, told, *parts
        if self.threads == 1 or len(worlds) * self.num_robots < _WORTH_THREADS:
            observe_some(*arguments)
        else:
            with threads(self.threads):
                observe_worlds(self.threads, *arguments)

    def advance(self, action: Array) -> None:
        """Filter the tunables ``[B, N, 6]`` in [0, 1], move everybody for one period, and count what happened.

        The waypoints and the action are what the robots tell each other in the next period.
        """
        self.plan()
        if not self.cooperative.all():
            action = np.where(self.cooperative[..., None], action, STRAIGHT)
        if self._source is None:
            self._step_exact(action)
        else:
            self._step_inexact(self._source, action)
        if self._missing.any():
            self._forget_missing()
        self.moved[:] = True
        self.age += 1

    def _step_exact(self, action: Array) -> None:
        worlds, checks = (self._robots, self.geometry.arrays, self.slots, action), self._checks
        if self._constraint is not None and self._filtered:
            step_constrained(self._constraint, *worlds, self.goal, self.age, self.period, checks, self._counts)
        elif self.threads == 1:
            step_some(0, self.num_worlds, *worlds, self._filtered, self.period, checks, self._counts)
        else:
            with threads(self.threads):
                step_worlds(self.threads, *worlds, self._filtered, self.period, checks, self._counts)

    def _forget_missing(self) -> None:
        """Robots that are not there stay where they are, and count nowhere."""
        missing = self._missing
        for outcome in range(self.outcomes.shape[1]):
            self.outcomes[:, outcome] -= (missing & (self.outcome == outcome)).sum(axis=1)
        self.outcome[missing], self.control[missing] = OPTIMAL, 0.0
        self.state[missing], self.collided[missing] = self._parked[missing], False
        self.min_clearance[missing] = self.clearance[missing] = np.inf

    def _step_inexact(self, source: ErrorSource, action: Array) -> None:
        with threads(self.threads):
            step_inexact_worlds(
                self._robots, self.geometry.arrays, self.slots, action, self._filtered, source.truth(self.state),
                source.errors, source.news, self.period, source.own, self._counts,
            )  # fmt: skip
        self._unseen[:] = True

    @property
    def resting(self) -> Flags:
        """Robots ``[B, N]`` whose part is over though their world goes on: at their last goals, or not cooperative."""
        return self.reached | ~self.cooperative

    def _distances(self) -> Array:
        """Metres from every robot to its goal, ``[B, N]``."""
        distances = np.empty_like(self.remaining)
        ways_left(self.state, self.goal, distances)
        return distances

    @property
    def believed(self) -> Array:
        """The states ``float64[B, N, 5]`` that the robots decide on."""
        return self.state if self._source is None else self._source.believed

    def _perceive(self) -> None:
        """Where worlds are not exact and a period begins: what the robots believe in it."""
        source = self._source
        if source is None or not self._unseen.any():
            return
        source.draw(self.period, self._error_rngs, self._unseen)
        with threads(self.threads):
            perceive_worlds(
                self._unseen, self._robots, self.geometry.arrays, source.truth(self.state), source.errors, source.news,
                self.period, source.own,
            )  # fmt: skip
        self._unseen[:] = False

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
        action = np.ascontiguousarray(action, dtype=np.float64)
        if action.shape != (self.num_worlds, self.num_robots, self.action_size) or np.isnan(action).any():
            low = -1 if self._controlled else 0
            shape = f"[{self.num_worlds}, {self.num_robots}, {self.action_size}]"
            raise InputError("action", action, f"{shape} numbers in [{low}, 1]")
        return action

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
            last observation of all worlds if one ended, else None, and ``resting`` before worlds were drawn anew.

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
            info["final_observation"] = observation
            info["episodes"] = [self.summary(int(b)) for b in ended]
            if self._redraw:
                observation = self.begin_anew(observation, {int(b): self._next(int(b)) for b in ended})
        return observation, reward, terminated, truncated, info

    def begin_anew(self, observation: Observation, scenarios: Mapping[int, Scenario]) -> Observation:
        """Put scenarios into some worlds; returns the present observation, and these worlds observed anew in it."""
        again = self._pages.take()
        for part, before in zip(again, observation, strict=True):
            np.copyto(part, before)  # type: ignore[arg-type]  # nothing is None in what the core observes
        return self.begin_within(again, scenarios)

    def begin_within(self, observation: Observation, scenarios: Mapping[int, Scenario]) -> Observation:
        """``begin_anew``, in the present observation itself: the last ones of these worlds are overwritten."""
        for b, scenario in scenarios.items():
            self.load(b, scenario)
        self._observe_into(observation, np.array(list(scenarios)))
        return observation

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
        arrays = {name: getattr(self, name).copy() for name in _SAVED}
        if np.isfinite(self.body[..., TURN_ACCELERATION]).any():
            arrays["drive"] = self._trail[..., T_SPEED : T_TURN_RATE + 1].copy()
        if np.isfinite(self.body[..., STEERING]).any():
            arrays["curvature"] = self._trail[..., T_CURVATURE].copy()
        if (self.body[..., YIELDS] < 0.0).any():
            arrays |= {"contacts": self.contacts.copy(), "touching": self._touching.copy()}
        if self._source is not None:
            arrays |= {f"errors.{name}": value.copy() for name, value in self._source.arrays().items()}
            arrays["errors.unseen"] = self._unseen.copy()
            arrays["errors.rngs"] = json.dumps([one.bit_generator.state for one in self._error_rngs])
        drawn_from, rng = json.dumps(self._drawn_from), json.dumps(self.rng.bit_generator.state)
        return {**arrays, "drawn_from": drawn_from, "rng": rng}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Go on from a ``state_dict`` of a core of the same shape and the same ``draw``; detours begin anew.

        Raises:
            InputError: If something is missing or has another shape.
        """
        for name in (*_SAVED, "drawn_from", "rng"):
            if name not in saved:
                raise InputError("ArenaCore state", sorted(saved), f"an entry {name!r}")
        for b, state in enumerate(json.loads(saved["drawn_from"])):
            self.rng.bit_generator.state = state
            self.load(b, self._next(b))
        for name in _SAVED:
            own, value = getattr(self, name), np.asarray(saved[name])
            if own.shape != value.shape:
                raise InputError(f"ArenaCore state: {name}", value.shape, f"shape {own.shape}")
            own[...] = value
        if "contacts" in saved:
            self.contacts[:], self._touching[:] = saved["contacts"], saved["touching"]
        if "drive" in saved:
            self._trail[..., T_SPEED : T_TURN_RATE + 1] = saved["drive"]
        if "curvature" in saved:
            self._trail[..., T_CURVATURE] = saved["curvature"]
        if self._source is not None:
            for name, own in (*self._source.arrays().items(), ("unseen", self._unseen)):
                held: AnyArray = saved.get(f"errors.{name}", np.empty(0))
                if held.ndim > 1 and held.shape[-1] == N_PACE:  # from before there were strangers
                    held = np.pad(held, [(0, 0)] * (held.ndim - 1) + [(0, NEIGHBOUR - N_PACE)])
                if held.shape != own.shape:
                    raise InputError("ArenaCore state", sorted(saved), f"an entry 'errors.{name}' of shape {own.shape}")
                own[...] = held
            for b, state in enumerate(json.loads(saved.get("errors.rngs", "[]"))):
                self._error_rngs[b].bit_generator.state = state
        self.rng.bit_generator.state = json.loads(saved["rng"])


_SAVED = (
    "state", "goal", "waypoint", "remaining", "moved", "memory", "told", "last_action", "goal_index", "deliveries",
    "reached", "reach_time", "collided", "min_clearance", "outcomes", "age", "returns",
)  # fmt: skip
