"""Teams under random tunables, and what one kind of team came to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from envs.arena.core import ArenaCore
from envs.strangers import TOUCH

EPISODE = 300
"""Steps."""
CHECKS = 6
"""Instants per period at which gaps are measured."""
# The corner of the box that drives robots at each other: high gains, power 1, hardly any rotation, full speed.
_BOLD_LOW = np.array([0.9, 0.0, 0.9, 0.0, 0.45, 0.9])
_BOLD_HIGH = np.array([1.0, 0.1, 1.0, 0.1, 0.55, 1.0])


@dataclass
class Tally:
    """What one kind of team came to."""

    steps: int = 0
    collided: int = 0
    least: float = np.inf
    optimal: int = 0
    relaxed: int = 0
    braking: int = 0


def drive(core: ArenaCore, rng: np.random.Generator, tally: Tally) -> None:
    """One episode in all worlds of a core.

    Tunables are drawn inside the box: from all of it anew at every step in a third of the worlds, from all of it and
    held for a while in another third, from its boldest corner in the last.
    """
    core.reset()
    shape = (core.num_worlds, core.num_robots)
    action = rng.uniform(0.0, 1.0, (*shape, 6))
    style = np.arange(core.num_worlds) % 3
    always, bold = style == 0, style == 2
    for _ in range(EPISODE):
        core.advance(action)
        anew = always[:, None] | (rng.random(shape) < 0.03)
        drawn = rng.uniform(0.0, 1.0, (*shape, 6))
        drawn[bold] = _BOLD_LOW + drawn[bold] * (_BOLD_HIGH - _BOLD_LOW)
        action = np.where(anew[..., None], drawn, action)
    tally.steps += EPISODE * core.num_worlds * core.num_robots
    tally.collided += int((core.min_clearance < TOUCH).sum())
    tally.least = min(tally.least, float(core.min_clearance.min()))
    counts = core.outcomes.sum(axis=0)
    tally.optimal, tally.relaxed = tally.optimal + int(counts[0]), tally.relaxed + int(counts[1])
    tally.braking += int(counts[2])
