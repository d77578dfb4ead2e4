"""The state of B worlds of N robots as arrays: how a scenario is put into one, and how kernels take all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from envs.arena.actions import full_control
from envs.arena.errors import ErrorSource
from envs.arena.stepping.geometry_store import GeometryStore
from envs.arena.stepping.robots import FOUND, Counts, Robots, Sensed
from envs.arena.team_planner import TeamPlanner, make_team_planner
from swarm.array_types import Array, Int64s
from swarm.errors import InputError
from swarm.files.text_files import located
from swarm.filter.tunables import MIDDLE
from swarm.model.actuators import T_SPEED, T_TURN_RATE, TRAIL
from swarm.model.body import BODY, LOOK_AHEAD, body_of, coast_of, is_second_order, way_margin
from swarm.model.dynamics import UNICYCLE, Kind, Limits, forward_speed
from swarm.model.error_bounds import ErrorBounds
from swarm.model.shapes import shape_size, stop_shape
from swarm.model.strangers import STRANGERS, Strangers
from swarm.scenario.scenario import Scenario
from swarm.sense.neighbours import NEIGHBOUR, describe, trailing
from swarm.tune.memory import MEMORY, blank

Draw = Callable[[np.random.Generator], Scenario]
Chooser = Callable[[Scenario], str]

# So many times the past that the first scenarios need is kept: later ones may have shorter periods.
_SLACK = 2.0
# Robots that are not there are so many sensing radii from the world, and from each other.
_FAR = 1000.0


def _periods(scenario: Scenario, assume: ErrorBounds | None) -> float:
    """The largest age, latency and dead time that is simulated or assumed, in periods."""
    bounds = [scenario.errors] if assume is None else [scenario.errors, assume]
    return max(one.delay / scenario.dt for one in bounds)


class Worlds:
    """B worlds of N robots, each drawn anew whenever its episode ends; the arguments are those of ``ArenaCore``.

    Attributes:
        scenarios: What each world holds.
        source: Draws the errors, where worlds are not exact.
        unseen: ``bool[B]``, worlds that are not exact, in which a period has begun and nobody has looked.
        moved: ``bool[B]``, worlds that have moved since the robots planned last.
        trail: ``float64[B, N, TRAIL]``, what robots trail that are exact (``swarm.model.actuators``).
        touching: ``int8[B, N, N]``, contacts with strangers that go on (``envs.strangers``).
        drawn_from: States of the generator that the scenarios were drawn from.
        error_rngs: The generator of each world's errors.
    """

    def __init__(
        self, draw: Draw, *, worlds: int, seed: int, margin: float, slots: Int64s, planner: str | Chooser,
        errors: ErrorBounds | None, assume: ErrorBounds | None, strangers: Strangers | None, styles: Sequence[str],
        delay: float | None, max_cycles: int | None, robots: int | None,
    ) -> None:  # fmt: skip
        self._draw, self._margin, self._planner, self._max_cycles = draw, margin, planner, max_cycles
        self.rng = np.random.default_rng(seed)
        self.drawn_from = [self.rng.bit_generator.state] * worlds
        first = [self.next_scenario(b) for b in range(worlds)]
        self.num_worlds, self.num_robots = worlds, len(first[0].robots) if robots is None else robots
        self._fills_up, self._missing = robots is not None, np.zeros((worlds, self.num_robots), bool)
        self.slots = slots
        self._errors, self._assume, self._count_on = errors, assume, strangers
        self._allocate()
        first = [self._declared(scenario) for scenario in first]
        most = _SLACK * max(delay or 0.0, *(_periods(scenario, assume) for scenario in first))
        bounds = [one.errors for one in first] if assume is None else [*(one.errors for one in first), assume]
        inexact = delay is not None or any(one.any for one in bounds)
        self.source = ErrorSource(worlds, self.num_robots, most, styles) if inexact else None
        self._kept, self.error_rngs = most, [self.rng] * worlds
        for b, scenario in enumerate(first):
            self.load(b, scenario)

    def next_scenario(self, b: int) -> Scenario:
        """Draw a scenario for world ``b``, and keep what it was drawn from."""
        self.drawn_from[b] = self.rng.bit_generator.state
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
        self._straight = np.zeros(shape, bool)  # whether no controller turns it
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
        self.touching = np.zeros((*shape, self.num_robots), np.int8)
        self._strangers = np.zeros((self.num_worlds, STRANGERS))
        self._footprint = np.full((*shape, 0, 2), np.nan)
        self._parked = np.zeros((*shape, 5))  # robots that are not there
        self.geometry = GeometryStore(self.num_worlds)
        self.trail = np.zeros((*shape, TRAIL))
        self._sensed = Sensed(
            np.full((*shape, 5), np.nan), np.empty((shape[0], 1, shape[1], NEIGHBOUR)),
            np.zeros((*shape, FOUND + self.slots.sum()), np.int32),
        )  # fmt: skip
        self.unseen = np.zeros(self.num_worlds, bool)  # where a period has begun and nobody has looked

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
        self._put_robots(b, scenario)
        self._put_footprints(b, scenario)
        self._fill_up(b, scenario)
        self._planners.pop(b, None)
        self._agreed[b] = self._straight[b] = False
        planner = self._planner if isinstance(self._planner, str) else self._planner(scenario)
        if (planners := make_team_planner(planner, scenario, self.way_margin(b), self.assumed(scenario))) is not None:
            self._planners[b] = planners
        self._clear(b)
        self._strangers[b] = (scenario.strangers if self._count_on is None else self._count_on).as_array()
        self.begin_errors(b)

    def _put_robots(self, b: int, scenario: Scenario) -> None:
        """Give world ``b`` the robots of a scenario, at their starts and on the way to their first goals."""
        assumed, bodies = self.assumed(scenario), {}
        for i, robot in enumerate(scenario.robots):
            self.kind[b, i] = int(robot.kind)
            self.state[b, i] = robot.start
            alike = robot.build
            if alike not in bodies:
                with located(f"scenario {scenario.name!r}: robots[{i}]: "):
                    body = robot.body(
                        dt=scenario.dt, sensing_radius=scenario.sensing_radius, margin=self._margin, errors=assumed
                    )
                full = np.array(full_control(robot.kind, body))
                # The QP of a unicycle moves a point ahead of it.
                ahead = full * (1.0, body[LOOK_AHEAD] if robot.kind == UNICYCLE else 1.0)
                bodies[alike] = body, full, ahead, is_second_order(body)
            self.body[b, i], self.full_control[b, i], self._full[b, i], rolls = bodies[alike]
            self.goal[b, i], self.cooperative[b, i] = robot.goals[0], robot.cooperative
            self.trail[b, i] = 0.0
            if rolls:
                self.trail[b, i, T_SPEED] = forward_speed(self.state[b, i])

    def _clear(self, b: int) -> None:
        """Nothing has been told, remembered or counted yet in world ``b``."""
        self.memory[b], self.moved[b], self._sensed.state[b] = blank(), True, np.nan
        self.last_action[b] = MIDDLE
        self.told[b] = self.state[b, :, :2]  # nothing yet: here
        for array, value in (
            (self.goal_index, 0), (self.deliveries, 0), (self.reached, False), (self.reach_time, np.nan),
            (self.collided, False), (self.min_clearance, np.inf), (self.outcomes, 0), (self.age, 0),
            (self.returns, 0.0), (self.contacts, 0), (self.touching, 0),
        ):  # fmt: skip
            array[b] = value
        self.reached[b] = self._missing[b]

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
        self.kind[b, team:], self.trail[b, team:] = int(Kind.SINGLE_INTEGRATOR), 0.0
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

    def assumed(self, scenario: Scenario) -> ErrorBounds:
        """What the robots of a scenario count on."""
        return scenario.errors if self._assume is None else self._assume

    def way_margin(self, b: int) -> float:
        """The most that the ways of any robot of world ``b`` keep from obstacles besides its radius [m]."""
        scenario, errors = self.scenarios[b], self.assumed(self.scenarios[b])
        if not errors.any:
            return self._margin
        each = zip(scenario.robots, self.body[b], strict=False)
        return max(way_margin(robot.kind, body, robot.limits, errors) for robot, body in each)

    def begin_errors(self, b: int, rng: np.random.Generator | None = None) -> None:
        """The episode that begins in world ``b`` has all of its errors from a generator of its own.

        Args:
            b: Which world, as it was loaded.
            rng: None: a new one, seeded by the core's.
        """
        scenario = self.scenarios[b]
        assumed = self.assumed(scenario)
        if self.source is None:
            if scenario.errors.any or assumed.any:
                raise InputError(
                    f"scenario {scenario.name!r}: errors", scenario.errors.describe(), "none, as the first"
                )
            return
        if _periods(scenario, self._assume) > self._kept:
            valid = f"an age, latency and dead time of at most {self._kept:g} periods, {_SLACK:g} times the first's"
            raise InputError(f"scenario {scenario.name!r}: errors", scenario.errors.describe(), valid)
        rows, drives = np.empty((self.num_robots, NEIGHBOUR)), self.trail[b][:, T_SPEED : T_TURN_RATE + 1]
        for i in range(self.num_robots):
            robot_id = i if self.cooperative[b, i] else -1
            describe(
                self.kind[b, i], self.state[b, i], self.body[b, i], self.state[b, i, :2], 0.5, 0.5, robot_id, rows[i]
            )
            if is_second_order(self.body[b, i]):
                coast_of(self.state[b, i], self.body[b, i], self.trail[b, i])
                trailing(rows[i], self.trail[b, i])
        shapes = np.zeros((self.num_robots, shape_size(self._footprint.shape[2]), 2))
        for i in range(self.num_robots if shapes.shape[1] > 0 else 0):
            me = int(self.kind[b, i]), self.state[b, i], self.body[b, i], self.trail[b, i], self._footprint[b, i]
            stop_shape(*me, shapes[i])
        rng = np.random.default_rng(self.rng.integers(1 << 63)) if rng is None else rng
        self.source.begin(b, self.state[b], drives, rows, scenario.errors, assumed, rng, shapes)
        self.error_rngs[b], self.unseen[b] = rng, True

    @property
    def believed(self) -> Array:
        """The states ``float64[B, N, 5]`` that the robots decide on."""
        return self.state if self.source is None else self.source.believed

    @property
    def _robots(self) -> Robots:
        trail = self.trail if self.source is None else self.source.trail
        return Robots(
            self.kind, self.believed, self.body, self.waypoint, self.remaining, self.told, self.memory,
            self.last_action, self._wanted, trail, self._strangers, self._agreed, self._footprint,
        )  # fmt: skip

    @property
    def _views(self) -> Array:
        """All robots, as each robot takes them; where worlds are exact, room for how they are."""
        return self._sensed.rows if self.source is None else self.source.news.seen

    @property
    def _counts(self) -> Counts:
        return Counts(
            self.control, self.outcome, self.clearance, self.outcomes, self.min_clearance, self.collided, self.contacts,
            self.touching,
        )  # fmt: skip
