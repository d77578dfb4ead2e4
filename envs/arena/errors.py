"""Draws the errors of worlds that are not exact, inside their declared bounds, and keeps what their kernels need.

Four styles, each world one of them for an episode: ``white`` (anew in every period: a normal distribution of a third of
the bound, cut at the bound), ``constant`` (drawn once, at the bound), ``varying`` (wanders slowly through the bounds)
and ``adversary`` (pushed to the bound so that the nearest contact looks farther away than it is).

For trainings, the bounds are drawn as well (``declaring``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from envs.arena.inexact.arrays import CHECKS, Errors, News, Own, Truth
from swarm.array_types import AnyArray, Array, Flags, Int64s
from swarm.errors import InputError
from swarm.model.actuators import TRAIL
from swarm.model.error_bounds import (
    E_AGE,
    E_HEADING,
    E_LOSS,
    E_POSITION,
    E_SENSING,
    E_SLIP,
    E_VELOCITY,
    ERRORS,
    ErrorBounds,
)
from swarm.model.narrowing import KNOWN
from swarm.model.shapes import NO_SHAPES, SENSED
from swarm.scenario.scenario import Scenario
from swarm.sense.neighbours import NEIGHBOUR

STYLES = ("white", "constant", "varying", "adversary")
# Time in which an error that varies forgets where it was [s].
_MEMORY = 1.0

RADII = {"position": 0.15}
OLDEST = 1.0
PERIODS = {"age": OLDEST, "dead_time": OLDEST, "latency": OLDEST, "lag": 4.0}
SHARES = {"heading": 0.06, "loss": 0.2, "slip": 0.1}
"""The largest bounds that are drawn, by their names: in radii of the smallest robot, in periods, as they are."""


def declaring(draw: Callable[[np.random.Generator], Scenario], share: float, rng: np.random.Generator) -> Scenario:
    """Draw a scenario; this share of them declares bounds of its own, evenly from 0 to the largest.

    In half of them each bound is drawn by itself, which hardly ever makes all of them large at once; in the other half
    all are the same share of the largest.
    """
    scenario = draw(rng)
    if rng.random() >= share:
        return scenario
    radius = min(robot.radius for robot in scenario.robots)
    most = {name: radius * radii for name, radii in RADII.items()}
    most |= {name: scenario.dt * periods for name, periods in PERIODS.items()} | SHARES
    together = rng.random() < 0.5
    shares = np.full(len(most), rng.random()) if together else rng.random(len(most))
    bounds: dict[str, Any] = {name: top * one for (name, top), one in zip(most.items(), shares, strict=True)}
    return replace(scenario, errors=ErrorBounds(**bounds))


class ErrorSource:
    """The errors of B worlds of N robots, and what is remembered of the past for them.

    Args:
        worlds: B.
        robots: N.
        most: Of all worlds, the largest age, latency and dead time in periods: so much of the past is kept.
        styles: Of the worlds, drawn evenly from these for every episode.
    """

    def __init__(self, worlds: int, robots: int, most: float, styles: Sequence[str] = STYLES) -> None:
        for style in styles:
            if style not in STYLES:
                raise InputError("error style", style, ", ".join(STYLES))
        self._styles = [STYLES.index(style) for style in styles]
        shape, periods = (worlds, robots), math.ceil(most - 1e-9) + 1
        self.style, self.age = np.zeros(worlds, np.int64), np.zeros(worlds, np.int64)
        self.errors = Errors(
            np.zeros((worlds, ERRORS)), np.zeros((worlds, ERRORS)), np.zeros((*shape, 2)), np.zeros(shape),
            np.zeros((*shape, 2)), np.zeros(shape), np.zeros(shape, np.int64), np.zeros((*shape, robots), bool),
            np.zeros((*shape, robots, 2)), np.zeros(worlds, bool), np.zeros(worlds, bool),
        )  # fmt: skip
        depth = periods * CHECKS + 1
        self.truth_drive = np.zeros((*shape, 2))
        self.past, self.past_drive = np.zeros((worlds, depth, robots, 5)), np.zeros((worlds, depth, robots, 2))
        self.commands = np.zeros((*shape, 2 * periods + 2, 2))
        self.told = np.zeros((worlds, periods, robots, NEIGHBOUR))
        self.news = News(
            self.told, np.zeros((*shape, robots, NEIGHBOUR)), np.zeros((*shape, robots), np.int64),
            np.zeros((*shape, robots, NEIGHBOUR)), np.zeros((worlds, periods, robots, 0, 2)),
            np.zeros((*shape, robots, 0, 2)),
        )  # fmt: skip
        self.own = Own(
            np.zeros((*shape, 5)), np.zeros((*shape, 2)), np.zeros((*shape, KNOWN)), np.zeros(shape), np.zeros(shape)
        )
        self.believed, self.trail = np.zeros((*shape, 5)), np.zeros((*shape, TRAIL))

    def widen(self, points: int) -> None:
        """Make room for shapes of so many rows (``swarm.model.shapes``)."""
        told, heard = self.news.told_shapes, self.news.shapes
        if points > told.shape[3]:
            more = [(0, 0)] * 3 + [(0, points - told.shape[3]), (0, 0)]
            self.news = self.news._replace(told_shapes=np.pad(told, more), shapes=np.pad(heard, more))

    def truth(self, state: Array) -> Truth:
        """What is, for the kernels; ``state``: ``float64[B, N, 5]``."""
        return Truth(state, self.truth_drive, self.past, self.past_drive, self.commands)

    def arrays(self) -> dict[str, AnyArray]:
        """All that the errors of the next periods depend on, by name; the arrays themselves."""
        parts: dict[str, Errors | News | Own] = {"errors": self.errors, "news": self.news, "own": self.own}
        found: dict[str, AnyArray] = {
            f"{name}.{key}": value for name, part in parts.items() for key, value in part._asdict().items()
        }
        if self.news.shapes.shape[3] == 0:
            found = {name: value for name, value in found.items() if name not in ("news.told_shapes", "news.shapes")}
        for name in ("style", "age", "truth_drive", "past", "past_drive", "commands", "believed", "trail"):
            found[name] = getattr(self, name)
        return found

    def begin(
        self, b: int, state: Array, drive: Array, rows: Array, real: ErrorBounds, assumed: ErrorBounds,
        rng: np.random.Generator, shapes: Array = NO_SHAPES,
    ) -> None:  # fmt: skip
        """An episode begins in world ``b``.

        Args:
            b: Which world.
            state: ``float64[N, 5]``, where the robots are.
            drive: ``float64[N, 2]`` of unicycles of second order, 0 of others (``swarm.model.actuators``).
            rows: ``float64[N, NEIGHBOUR]``, what they would tell of themselves as they stand.
            real: What is simulated.
            assumed: What the robots count on.
            rng: Draws the style of the errors.
            shapes: ``float64[N, P, 2]``, as ``rows``; P is 0 where all are discs.
        """
        errors, news = self.errors, self.news
        self.style[b] = self._styles[int(rng.integers(len(self._styles)))]
        errors.real[b], errors.assumed[b] = real.as_array(), assumed.as_array()
        errors.adversary[b] = self.style[b] == STYLES.index("adversary")
        errors.sensed[b] = real.others == "sensed"
        self.truth_drive[b], self.commands[b], self.past_drive[b] = drive, drive[:, None], drive
        self.own.known[b] = 0.0
        self.past[b] = state
        news.told[b], news.received[b], news.missed[b] = rows, rows, 0
        self.widen(shapes.shape[1])
        news = self.news
        if shapes.shape[1] > 0:
            news.told_shapes[b], news.shapes[b] = shapes, shapes
        if errors.sensed[b]:
            news.shapes[b, :, :, :1] = 0.0, SENSED
        for part in (errors.position, errors.heading, errors.velocity, errors.slip, errors.sensing):
            part[b] = 0.0
        errors.age[b], errors.lost[b] = 0, False
        self.age[b] = 0

    def draw(self, period: Array, rngs: Sequence[np.random.Generator], where: Flags) -> None:
        """The errors of the next period, of each world from its own generator.

        Args:
            period: ``float64[B]`` [s]
            rngs: B sources of random numbers.
            where: ``bool[B]``, the worlds in which a period begins; nothing changes in the others.
        """
        errors, which = self.errors, np.flatnonzero(where)
        kinds = (
            (errors.position, E_POSITION, True), (errors.heading, E_HEADING, False),
            (errors.velocity, E_VELOCITY, True), (errors.slip, E_SLIP, False), (errors.sensing, E_SENSING, True),
        )  # fmt: skip
        steps = np.floor(errors.real[:, E_AGE] / period * CHECKS + 1e-9).astype(np.int64)
        fresh = [np.zeros_like(part) for part, _, _ in kinds]
        for b in which.tolist():
            rng, real = rngs[b], errors.real[b]
            for part, (_, column, _) in zip(fresh, kinds, strict=True):
                if real[column] > 0.0:
                    rng.standard_normal(out=part[b])
            if steps[b] > 0:
                low = 0 if self.style[b] == STYLES.index("white") else steps[b]
                errors.age[b] = rng.integers(low, steps[b] + 1, len(errors.age[b]))
            if real[E_LOSS] > 0.0:
                errors.lost[b] = rng.random(errors.lost[b].shape) < real[E_LOSS]
        fade = np.exp(-period[which] / _MEMORY)
        for drawn, (part, column, ball) in zip(fresh, kinds, strict=True):
            bound = errors.real[which, column]
            if (bound > 0.0).any():
                part[which] = self._of_style(which, drawn[which] / 3.0, part[which], bound, ball, fade)
        self.age[which] += 1

    def _of_style(self, which: Int64s, fresh: Array, part: Array, bound: Array, ball: bool, fade: Array) -> Array:
        """One kind of error of some worlds, after the last; ``ball``: the last axis is a vector of bounded length."""
        wide = (slice(None),) + (None,) * (part.ndim - 1)
        size = np.linalg.norm(fresh, axis=-1, keepdims=True) if ball else np.abs(fresh)
        edge = fresh / np.maximum(size, 1e-12)  # at the bound
        white = fresh / np.maximum(size, 1.0)
        old = part / np.maximum(bound, 1e-12)[wide]
        wander = old * fade[wide] + np.sqrt(1.0 - fade[wide] ** 2) * 1.5 * fresh
        length = np.linalg.norm(wander, axis=-1, keepdims=True) if ball else np.abs(wander)
        wander = wander / np.maximum(length, 1.0)
        style, first = self.style[which][wide], (self.age[which] == 0)[wide]
        held = np.where(first, edge, old)
        unit: Array = np.where(style == 0, white, np.where(style == 2, wander, held))
        return bound[wide] * unit
