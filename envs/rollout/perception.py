"""What the robots of a run that is not exact measure of themselves, and hear or sense of each other.

Everything is wrong inside the bounds that the scenario declares (``envs.arena.errors`` draws how): states are old and
off, messages late or lost, others sensed where they are not. What the robots make of it is their own affair.
"""

from __future__ import annotations

import math

import numpy as np

from envs.arena.errors import STYLES, ErrorSource
from envs.arena.inexact.adversary import push_world
from envs.arena.inexact.arrays import CHECKS, Truth, errors_of, news_of, truth_of
from envs.arena.inexact.belief import measured
from envs.arena.inexact.news import hear_world
from envs.arena.stepping.geometry_store import GeometryStore, geometry_of
from envs.arena.stepping.robots import Robots, robots_of
from swarm.array_types import Array, Int64s
from swarm.model.actuators import T_ERROR, T_SPEED, T_TURN_RATE, TRAIL
from swarm.model.body import ARM, GROWTH, YIELDS, coast_of, is_second_order
from swarm.model.dynamics import STATE, forward_speed
from swarm.model.error_bounds import ErrorBounds
from swarm.model.second_order import unsensed_way
from swarm.model.shapes import SENSED, SHAPE, stop_shape
from swarm.robot import Command
from swarm.scenario.robot_spec import footprints_of
from swarm.scenario.scenario import Scenario
from swarm.sense.messages import Message
from swarm.sense.neighbours import N_ERROR, N_REACH, N_X, N_Y, NEIGHBOUR, describe, trailing


class Perception:
    """Errors of one run, and what has been told.

    Args:
        scenario: World, robots, and what is really so (``scenario.errors``).
        assumed: What the robots count on.
        kinds: ``int64[N]``.
        bodies: ``float64[N, BODY]``.
        seed: Of all errors.
        style: One of ``envs.arena.errors.STYLES``, or None: drawn.

    Attributes:
        source: Draws the errors.
    """

    def __init__(
        self, scenario: Scenario, assumed: ErrorBounds, kinds: Int64s, bodies: Array, *, seed: int = 0,
        style: str | None = None,
    ) -> None:  # fmt: skip
        self._strangers = scenario.strangers.as_array()
        self.real, self.assumed, self._dt = scenario.errors, assumed, scenario.dt
        self._kinds, self._bodies, count = kinds, bodies, len(kinds)
        most = max(one.delay / scenario.dt for one in (self.real, assumed))
        styles = STYLES if style is None else (style,)
        self.source = ErrorSource(1, count, most, styles)
        self._rng = np.random.default_rng(seed)
        self._store = GeometryStore(1)
        self._store.put(0, scenario.world, scenario.sensing_radius)
        starts = np.array([robot.start for robot in scenario.robots])
        self._tells = np.array([robot.cooperative for robot in scenario.robots])
        rows, drives = np.empty((count, NEIGHBOUR)), np.zeros((count, 2))
        self._footprints = footprints_of(scenario.robots)
        self._shaped = self._footprints.shape[1] > 0
        shapes = np.zeros((count, SHAPE if self._shaped else 0, 2))
        for i in range(count):
            describe(kinds[i], starts[i], bodies[i], starts[i, :2], 0.5, 0.5, i if self._tells[i] else -1, rows[i])
            if is_second_order(bodies[i]):
                drives[i, 0] = forward_speed(starts[i])
                trailing(rows[i], self._way_to_rest(i, starts[i], drives[i]))
            if self._shaped:
                stop_shape(
                    kinds[i], starts[i], bodies[i], self._way_to_rest(i, starts[i], drives[i]), self._footprints[i],
                    shapes[i],
                )  # fmt: skip
        self.source.begin(0, starts, drives, rows, self.real, assumed, self._rng, shapes)
        self.late = max(math.ceil(self.real.latency / scenario.dt - 1e-9), 1)
        self._told: list[dict[int, Message]] = [{} for _ in range(self.late)]  # the newest first
        self._heard: list[dict[int, Message]] = [{} for _ in range(count)]
        self._begin_period()

    def _way_to_rest(self, i: int, state: Array, drive: Array) -> Array:
        """What a robot trails ``float64[TRAIL]`` that is exact: nothing, or a unicycle of second order its arc."""
        trail = np.zeros(TRAIL)
        if is_second_order(self._bodies[i]):
            trail[T_SPEED : T_TURN_RATE + 1] = drive
            coast_of(state, self._bodies[i], trail)
        return trail

    def _begin_period(self) -> None:
        """Draw the errors of a period, and deliver what was told."""
        source = self.source
        source.draw(np.array([self._dt]), [self._rng], np.array([True]))
        truth, errors, robots = self._truth(), errors_of(source.errors, 0), self._robots()
        if source.errors.adversary[0]:
            push_world(truth, robots, geometry_of(self._store.arrays, 0), errors)
        hear_world(truth, robots, self._dt, news_of(source.news, 0), errors)
        for i, j in np.argwhere(~source.errors.lost[0]).tolist():
            if i != j and j in self._told[-1]:
                self._heard[i][j] = self._told[-1][j]

    def _truth(self) -> Truth:
        return truth_of(self.source.truth(self.source.past[:, 0]), 0)

    def _robots(self) -> Robots:
        """The robots as the kernels take them, as far as these look at them here."""
        none = np.zeros((1, len(self._kinds), TRAIL))
        worlds = Robots(
            self._kinds[None], self.source.past[:, 0], self._bodies[None], none[..., :2], none[..., 0], none[..., :2],
            none[..., :2], none[..., :6], none[..., :2], none, self._strangers[None],
            np.zeros((1, len(self._kinds)), bool), self._footprints[None],
        )  # fmt: skip
        return robots_of(worlds, 0)

    def measured(self, i: int) -> tuple[Array, float]:
        """What robot ``i`` measures of its own state, ``float64[5]``, and how old that is [s]."""
        errors, state = errors_of(self.source.errors, 0), np.empty(STATE)
        measured(self._kinds[i], i, self._truth(), errors, self._bodies[i, ARM] > 0.0, state, np.empty(2))
        return state, int(errors.age[i]) * self._dt / CHECKS

    def rows(self, i: int) -> Array:
        """What robot ``i`` takes all others for, ``float64[N, NEIGHBOUR]``."""
        seen: Array = self.source.news.seen[0, i]
        return self._sensed(i) if self.real.others == "sensed" else seen.copy()

    def shapes(self, i: int) -> Array:
        """The stop hulls of all others as robot ``i`` knows them, ``float64[N, P, 2]`` (``swarm.model.shapes``)."""
        found: Array = self.source.news.shapes[0, i].copy()
        if self.real.others == "sensed":
            found[:, :1] = 0.0, SENSED
        return found

    def _sensed(self, i: int) -> Array:
        """Where others are, by a scan in the robot's own frame; what they mean to do, by what they told last."""
        source, errors = self.source, self.source.errors
        rows: Array = source.news.received[0, i].copy()
        age = int(errors.age[0, i])
        late = math.ceil((self.assumed.age + self.assumed.dead_time) / self._dt - 1e-9)
        for j, row in enumerate(rows):
            if self._bodies[j, YIELDS] < 0.0:
                row[:] = source.news.seen[0, i, j]
                continue
            intent, rotation, speed, robot_id = row[9:11].copy(), row[11], row[12], int(row[13])
            found = source.past[0, age, j]
            describe(self._kinds[j], found, self._bodies[j], intent, rotation, speed, robot_id, row)
            row[N_ERROR] = 0.0
            # Seen from the place that it measured of itself at the same instant: that error moves others too.
            row[[N_X, N_Y]] += errors.sensing[0, i, j] + errors.position[0, i]
            # What runs ahead of a body that lags is not sensed, nor how one of second order turns.
            way = unsensed_way(self._bodies[j], self.assumed.lag)
            grown = late * self._bodies[j, GROWTH] + way + self.assumed.sensing + self.assumed.position
            row[N_ERROR] += grown
            row[N_REACH] += grown
        return rows

    def heard(self, i: int) -> dict[int, Message]:
        """The last message of each robot that robot ``i`` has heard."""
        return self._heard[i]

    def end_period(self, commands: list[Command], samples: Array) -> None:
        """What was decided and told, and what happened.

        Args:
            commands: Of all robots.
            samples: ``float64[CHECKS, N, 5]``, the true states at the sub-steps of the period.
        """
        source = self.source
        told = source.news.told[0]
        told[1:] = told[:-1].copy()
        outlines = source.news.told_shapes[0]
        outlines[1:] = outlines[:-1].copy()
        for j, command in enumerate(commands):
            if command.ahead is None:
                found = samples[-1, j]
                trail = self._way_to_rest(j, found, command.control)
            else:
                found, trail = command.ahead
            row, message = told[0, j], command.message
            if self._tells[j]:
                describe(
                    self._kinds[j], found, self._bodies[j], message.waypoint_world, message.rotation, message.speed, j,
                    row,
                )  # fmt: skip
            else:
                describe(self._kinds[j], found, self._bodies[j], found[:2], 0.5, 0.5, -1, row)
            trailing(row, trail)
            row[N_ERROR] = trail[T_ERROR]
            if self._shaped:
                stop_shape(self._kinds[j], found, self._bodies[j], trail, self._footprints[j], outlines[0, j])
        self._told = [{j: one.message for j, one in enumerate(commands) if self._tells[j]}, *self._told][: self.late]
        past = source.past[0]
        past[CHECKS:] = past[:-CHECKS].copy()
        past[:CHECKS] = samples[::-1]
        self._begin_period()
