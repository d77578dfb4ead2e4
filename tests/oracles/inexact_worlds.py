"""Arena worlds that are not exact, recorded, and simulated again in plain Python from their commands and slips."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from oracles.contact import lagging_path

from envs.arena.core import ArenaCore
from envs.arena.errors import STYLES, ErrorSource
from envs.scenarios import mixed
from swarm.filter.hulls.geometry import MOST, own_hull
from swarm.filter.tunables import COUNT
from swarm.model.actuators import TRAIL, ahead
from swarm.model.body import ACCELERATION
from swarm.model.dynamics import Kind
from swarm.model.error_bounds import ErrorBounds
from swarm.scenario.scenario import Scenario

DT = 0.03
ALL = ErrorBounds(
    position=0.004, heading=0.03, velocity=0.01, sensing=0.004, age=0.02, latency=0.05, loss=0.1, dead_time=0.04,
    lag=0.08, slip=0.05,
)  # fmt: skip


def drawn(
    rng: np.random.Generator, errors: ErrorBounds = ALL, kinds: tuple[Kind, ...] = tuple(Kind), **options: float
) -> Scenario:
    return replace(mixed.draw(rng, **{"robots": 6, "obstacles": 3, "kinds": kinds, "room": 0.35, "horizon": 30.0,
                                      "dt": DT, "sensing_radius": 1.2, **options}), errors=errors)  # type: ignore[arg-type]  # fmt: skip


def core_of(errors: ErrorBounds = ALL, *, worlds: int = 1, seed: int = 0, kinds: tuple[Kind, ...] = tuple(Kind),
            styles: Sequence[str] = STYLES, assume: ErrorBounds | None = None) -> ArenaCore:  # fmt: skip
    draw = partial(drawn, errors=errors, kinds=kinds)
    return ArenaCore(draw, worlds=worlds, seed=seed, styles=styles, assume=assume, redraw=False)


def source_of(core: ArenaCore) -> ErrorSource:
    assert core.source is not None
    return core.source


def bold(core: ArenaCore, rng: np.random.Generator) -> np.ndarray:
    """Actions that drive robots at each other: high gains, hardly any rotation, full speed."""
    low, high = np.array([0.9, 0.0, 0.9, 0.0, 0.45, 0.9]), np.array([1.0, 0.1, 1.0, 0.1, 0.55, 1.0])
    return rng.uniform(low, high, (core.num_worlds, core.num_robots, COUNT))


@dataclass
class Tape:
    """What happened in world 0 of a core, period by period, to be simulated again in plain Python."""

    start: np.ndarray
    kinds: np.ndarray
    errors: ErrorBounds
    commands: list[np.ndarray] = field(default_factory=list)
    slips: list[np.ndarray] = field(default_factory=list)
    believed: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    seen: list[np.ndarray] = field(default_factory=list)
    states: list[np.ndarray] = field(default_factory=list)

    def truth(self, i: int, end: float) -> tuple[np.ndarray, np.ndarray]:
        """State and drive of robot i at a time [s], from its commands and slips alone."""
        edges = {0.0, end}
        for k in range(len(self.slips) + 1):
            edges |= {time for time in (k * DT, k * DT + self.errors.dead_time) if time < end}
        state, drive, times = self.start[i].copy(), np.zeros(2), sorted(edges)
        for left, right in itertools.pairwise(times):
            middle = 0.5 * (left + right)
            acts, now = math.floor((middle - self.errors.dead_time) / DT), math.floor(middle / DT)
            control = self.commands[acts][i] if acts >= 0 else np.zeros(2)
            _, state, drive = lagging_path(
                int(self.kinds[i]), state, drive, control, np.array([right - left]), self.errors.lag,
                float(self.slips[now][i]),
            )  # fmt: skip
        return state, drive


def record(core: ArenaCore, periods: int, seed: int = 0) -> Tape:
    """Drive a core for some periods."""
    rng, source = np.random.default_rng(seed), source_of(core)
    tape = Tape(core.state[0].copy(), core.kind[0].copy(), core.scenarios[0].errors)
    for _ in range(periods):
        core.observe()
        tape.believed.append((core.believed[0].copy(), source.trail[0].copy()))
        tape.seen.append(source.news.seen[0].copy())
        tape.slips.append(source.errors.slip[0].copy())
        tape.states.append(core.state[0].copy())
        core.advance(bold(core, rng))
        core.arrive()
        tape.commands.append(core.control[0].copy())
    return tape


def hull_of(kind: int, state: np.ndarray, body: np.ndarray, trail: np.ndarray) -> np.ndarray:
    hull = np.empty((MOST, 2))
    return hull[: own_hull(kind, state, body[ACCELERATION], DT, trail, hull)]


def true_hull(tape: Tape, core: ArenaCore, i: int, k: int) -> np.ndarray:
    """Of robot i when its command of period k acts."""
    state, drive = tape.truth(i, k * DT + tape.errors.dead_time)
    found, trail = np.empty(5), np.empty(TRAIL)
    ahead(int(tape.kinds[i]), state, drive, tape.errors.lag, found, trail)
    return hull_of(int(tape.kinds[i]), found, core.body[0, i], trail)
