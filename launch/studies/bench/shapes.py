"""``bench.py shapes``: robots that are boxes beside the discs around them, in the same worlds."""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np

from envs.arena.core import ArenaCore
from envs.scenarios import clutter
from studies.bench.arena import random_action
from studies.bench.common import Figures
from swarm.model.dynamics import Kind, Limits
from swarm.model.footprint.polygon import box
from swarm.scenario.scenario import Scenario

_WORLDS, _STEPS = 16, 100
_LENGTH, _WIDTH = 2.0 / math.sqrt(1.25), 1.0 / math.sqrt(1.25)
"""Of a box twice as long as wide, in radii of the disc around it."""
_TEAMS: dict[str, tuple[Kind, Limits | None]] = {
    "single integrators": (Kind.SINGLE_INTEGRATOR, None),
    "double integrators": (Kind.DOUBLE_INTEGRATOR, None),
    "unicycles": (Kind.UNICYCLE, None),
    "unicycles, second order": (Kind.UNICYCLE, Limits(1.0, 2.0, 4.0, 8.0)),
}


def bench_shapes(repeats: int = 11) -> Figures:
    """Microseconds of a robot-step, 16 worlds of 8 robots and 8 obstacles, one thread: discs, and boxes within them."""
    return {name: _compared(kind, limits, repeats) for name, (kind, limits) in _TEAMS.items()}


def _compared(kind: Kind, limits: Limits | None, repeats: int) -> Figures:
    """Medians of the first steps of episodes with one kind of robots; discs and boxes take turns.

    Time of the process, so that other work on the machine counts less.
    """
    cores = {shape: _core(kind, limits, boxes=shape == "boxes") for shape in ("discs", "boxes")}
    starts, action = {shape: core.state_dict() for shape, core in cores.items()}, random_action(_WORLDS)
    times: dict[str, list[float]] = {shape: [] for shape in cores}
    for _ in range(repeats):
        for shape, core in cores.items():
            core.load_state_dict(starts[shape])
            core.advance(action)
            began = time.process_time()
            for _ in range(_STEPS):
                core.advance(action)
            times[shape].append(1e6 * (time.process_time() - began) / (_STEPS * core.kind.size))
    discs, boxes = (float(np.median(times[shape])) for shape in ("discs", "boxes"))
    return {"us, discs": discs, "us, boxes": boxes, "boxes / discs": boxes / discs}


def _core(kind: Kind, limits: Limits | None, *, boxes: bool) -> ArenaCore:
    """Worlds of random clutter; the same ones for discs and for boxes."""

    def draw(rng: np.random.Generator) -> Scenario:
        scenario = clutter.draw(rng, kind=kind, limits=limits)
        radius = scenario.robots[0].radius
        outline = box(_LENGTH * radius, _WIDTH * radius) if boxes else None
        return replace(scenario, robots=tuple(replace(robot, footprint=outline) for robot in scenario.robots))

    core = ArenaCore(draw, worlds=_WORLDS, seed=1, redraw=False)
    core.threads = 1
    return core
