"""``bench.py race``: two trainings of the tuner, by our kernels and by torch_geometric, to the same success."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence

import numpy as np
import torch

from envs.arena.training.worlds import training_worlds
from policies.distributed import share_cores
from policies.ppo_settings import TunerPPOSettings
from policies.tuner.network import Tuner
from policies.tuner.ppo import TunerPPO
from studies.bench.common import Figures
from swarm.array_types import Array

WORLDS, ROBOTS, UPDATES = 128, 8, 30
RECENT = 5
"""Updates over which success is a mean: that of one jumps with the episodes that happen to end in it."""
Curve = list[tuple[float, float]]
"""Minutes so far, and success, after each update."""


def bench_race(updates: int = UPDATES, worlds: int = WORLDS) -> Figures:
    """Two trainings of the tuner, update by update in turns: minutes to the highest success that both have."""
    share_cores(None)
    for kernels in (True, False):
        _trainer(kernels, 2, 1).update()  # compiles and loads
    trainers = {"kernels": _trainer(True, worlds, updates), "torch_geometric": _trainer(False, worlds, updates)}
    curves: dict[str, Curve] = {name: [] for name in trainers}
    for _ in range(updates):
        for name, trainer in trainers.items():  # in turns: both see the same machine
            began = time.perf_counter()
            figures = trainer.update()
            minutes = (time.perf_counter() - began) / 60.0
            so_far = curves[name][-1][0] if curves[name] else 0.0
            curves[name].append((so_far + minutes, figures.get("success", math.nan)))
    return figures_of(curves)


def figures_of(curves: Mapping[str, Curve]) -> Figures:
    """Of each training its minutes, its success in the end, and its minutes to the success that all reach, if known."""
    smooth = {name: recent([success for _, success in curve]) for name, curve in curves.items()}
    found: Figures = {
        name: {"updates": len(curve), "min": curve[-1][0], "success %": 100.0 * float(smooth[name][-1])}
        for name, curve in curves.items()
    }
    if all(np.isfinite(values).any() for values in smooth.values()):
        level = min(float(np.nanmax(values)) for values in smooth.values())
        needed = {name: curve[int(np.argmax(smooth[name] >= level))][0] for name, curve in curves.items()}
        for name, minutes in needed.items():
            found[name] |= {
                f"min to {100.0 * level:.1f} %": minutes,
                "of the slower one": minutes / max(needed.values()),
            }
    return found


def recent(success: Sequence[float]) -> Array:
    """The mean of each update's success and those before it; not a number while most of these are unknown."""
    rows = [np.array(success[max(0, k - RECENT + 1) : k + 1]) for k in range(len(success))]
    known = [2 * np.isfinite(row).sum() > RECENT for row in rows]
    return np.array([float(np.nanmean(row)) if enough else np.nan for row, enough in zip(rows, known, strict=True)])


def _trainer(kernels: bool, worlds: int, updates: int) -> TunerPPO:
    torch.manual_seed(0)
    return TunerPPO(
        training_worlds(0, worlds, ROBOTS), Tuner(kernels=kernels), TunerPPOSettings(), seed=0, updates=updates
    )
