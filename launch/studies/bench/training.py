"""``bench.py training``: one update of the tuner, part by part, beside the same network by torch_geometric."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import numpy as np
import torch

from envs.arena.training.worlds import training_worlds
from policies.distributed import share_cores
from policies.ppo_settings import TunerPPOSettings
from policies.tuner.network import Tuner
from policies.tuner.ppo import TunerPPO
from studies.bench.common import Figures

Result = TypeVar("Result")
WORLDS, ROBOTS, REPEATS = 128, 8, 5


def timed(seconds: list[float], work: Callable[[], Result]) -> Result:
    """What ``work`` returns; how long it took is added to ``seconds``."""
    began = time.perf_counter()
    result = work()
    seconds.append(time.perf_counter() - began)
    return result


def bench_training() -> Figures:
    """One update of the tuner's training: its parts, and the passes also by torch_geometric."""
    threads = share_cores(None)
    torch.manual_seed(0)
    config = TunerPPOSettings(target_kl=None)  # all passes, whatever the rounding
    ours = TunerPPO(training_worlds(0, WORLDS, ROBOTS), Tuner(), config, seed=0, updates=100)
    plain = TunerPPO(training_worlds(0, 2, ROBOTS), Tuner(kernels=False), config, seed=0, updates=100)
    times: dict[str, list[float]] = {name: [] for name in ("rollout", "values", "passes", "passes, torch_geometric")}
    for _ in range(REPEATS + 1):  # the first is not counted: it compiles
        with torch.no_grad():
            rollout = timed(times["rollout"], ours.collect)
            value, advantage = timed(times["values"], partial(ours.estimate, rollout))
        plain.network.load_state_dict(ours.network.state_dict())
        plain.optimiser.load_state_dict(copy.deepcopy(ours.optimiser.state_dict()))
        plain.random.set_state(ours.random.get_state())
        for name, ppo in (("passes", ours), ("passes, torch_geometric", plain)):
            timed(times[name], partial(ppo.optimise, rollout, value, advantage))
    steps = WORLDS * ROBOTS * config.rollout
    return {
        f"{name}, {threads} threads": {"s": (s := float(np.median(seen[1:]))), "robot-steps/s": steps / s}
        for name, seen in times.items()
    }
