"""``bench.py arena``: the batched core of continuous worlds.

``step`` is what a user of ``envs.make_vec`` gets: moving, arrivals, rewards, observations, episodes that end and worlds
drawn anew, in steady state. ``advance`` is the moving alone, in the first steps of episodes. Rates of several threads
are by the clock; those of one are by its processor time (CPU-s), which other work on the machine disturbs least.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numba
import numpy as np

from envs.arena.core import ArenaCore
from envs.arena.env import ArenaEnv
from envs.scenarios import clutter
from studies.bench.common import Figures, interleaved
from studies.bench.controller import robot_times
from swarm.array_types import Array
from swarm.filter.tunables import COUNT, MIDDLE, ROTATION

_ROBOTS = 8
_STEPS = 100
"""Of a fresh episode, and the fewest of a measurement."""
_WORLD_STEPS = 8192
"""At least so many in a measurement of ``step``: some twenty episodes end in it, even in a single world."""


def bench_arena() -> Figures:
    """Robot-steps/s, 8 robots and 8 obstacles a world: ``step`` whole, with episodes that end; ``advance`` alone."""
    figures: Figures = {}
    threads = numba.get_num_threads()
    for worlds in (1, 16, 64, 256, 1024):
        figures[f"{worlds} worlds"] = core_rates(worlds, threads)
    figures["ArenaEnv, 1 world"] = env_rate()
    figures["one Robot, deciding alone"] = {f"advance, {threads} threads": 1e6 / robot_times(100)[0]}
    return figures


def core_rates(worlds: int, threads: int, repeats: int = 7) -> Figures:
    """Robot-steps a second of one core, in turns, and how many times slower ``step`` is than ``advance``."""
    steady, fresh = ArenaCore(clutter.draw, worlds=worlds, seed=1), ArenaCore(clutter.draw, worlds=worlds, seed=1)
    action, start = random_action(worlds), fresh.state.copy()
    steps = max(_STEPS, -(-_WORLD_STEPS // worlds))
    settle(steady, action)

    def advance() -> None:
        fresh.state[:], fresh.moved[:] = start, True
        for _ in range(_STEPS):
            fresh.advance(action)

    def with_one(core: ArenaCore, work: Callable[[], object]) -> None:
        several, core.threads = core.threads, 1
        work()
        core.threads = several

    def step() -> None:
        run_steady(steady, action, steps)

    seconds = interleaved({f"step, {threads} threads": step, f"advance, {threads} threads": advance}, repeats)
    alone = {"step, CPU-s": lambda: with_one(steady, step), "advance, CPU-s": lambda: with_one(fresh, advance)}
    seconds |= interleaved(alone, repeats, time.process_time)
    counts = {name: steps if name.startswith("step") else _STEPS for name in seconds}
    rates = {name: worlds * _ROBOTS * counts[name] / value for name, value in seconds.items()}
    return {**rates, "advance / step": rates["advance, CPU-s"] / rates["step, CPU-s"]}


def random_action(worlds: int) -> Array:
    """Random tunables without a sideways rotation, ``[worlds, 8, 6]``."""
    action = np.random.default_rng(0).uniform(0.0, 1.0, (worlds, _ROBOTS, COUNT))
    action[..., ROTATION] = MIDDLE[ROTATION]
    return action


def settle(core: ArenaCore, action: Array) -> None:
    """Spread the ages of the worlds over an episode, and go on until every first episode has ended.

    Worlds that all begin at once would also end at once: a measurement would see all of their ends, or none.
    """
    core.age[:] = np.random.default_rng(1).integers(core.horizon)
    run_steady(core, action, int(core.horizon.max()))


def run_steady(core: ArenaCore, action: Array, steps: int) -> int:
    """So many steps of all worlds; returns how many episodes ended, each of which was drawn anew."""
    return sum(len(core.step(action)[4]["episodes"]) for _ in range(steps))


def env_rate(repeats: int = 56) -> Figures:
    """Robot-steps a CPU-second of the PettingZoo environment, reset whenever its episode ends; beside the core's.

    In many short turns: what else runs here changes within seconds, and the two differ by a fifth.
    """
    env, core = ArenaEnv("clutter"), ArenaCore(clutter.draw, seed=1)
    env.reset(seed=1)
    action, steps = random_action(1), _WORLD_STEPS // 16
    actions = dict(zip(env.possible_agents, action[0].astype(np.float32), strict=True))

    def run() -> None:
        for _ in range(steps):
            env.step(actions)
            if not env.agents:
                env.reset()

    seconds = interleaved({"env": run, "core": lambda: run_steady(core, action, steps)}, repeats, time.process_time)
    return {"step, CPU-s": steps * _ROBOTS / seconds["env"], "env / core": seconds["core"] / seconds["env"]}
