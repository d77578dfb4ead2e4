"""What the jobs of a report measure; options and results are plain enough for JSON."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache, partial
from typing import Any

import numba
import numpy as np

from envs.arena.core import ArenaCore, Draw
from envs.arena.episodes import Episodes, Policy, Track, draw_episodes, play
from envs.commands.evaluation.sweep import Setting, SweepTable, fine_grid, full_grid, sweep
from envs.scenarios import family
from envs.scenarios.parts import SLOW
from studies.report.jobs import Record
from studies.report.online_cbf.smoothness import Smoothness
from swarm.array_types import AnyArray
from swarm.model.dynamics import Kind
from swarm.planning.roadmap.occupancy import MOST_CELLS
from swarm.tune.controllers import Controller, make_controller
from swarm.tune.observation import Observation

# Robots in one batch; with roadmaps, bytes of distance fields in one batch.
_ROBOTS_AT_ONCE, _FIELD_BYTES = 4096, 1 << 30
# If no setting of the coarse sweep is complete in more than this share of the episodes, a finer one follows.
_HOPELESS = 0.6
# Settings that are measured again, on more episodes: the best by success, and the best by complete episodes.
_FINALISTS = 12


def draw_of(case: Record) -> Draw:
    """The function that draws a case: ``family`` and its ``options``; ``kind`` is a name, ``limits`` is ``slow``."""
    options = dict(case["options"])
    if "kind" in options:
        options["kind"] = Kind[options["kind"].upper()]
    if options.get("limits") == "slow":
        options["limits"] = SLOW
    return partial(family(case["family"]), **options)


def policy_of(controller: str, shared: bool = False) -> Policy:
    """A controller for batches; ``shared``: all robots of a world use the mean of what they propose."""
    made = _controller(controller)
    if not shared:
        return made

    def act(observation: Observation) -> Any:
        action = made(observation)
        return np.broadcast_to(action.mean(axis=1, keepdims=True), action.shape)

    return act


@cache
def _controller(text: str) -> Controller:
    return make_controller(text)


def worlds_at_once(case: Record, planner: str) -> int:
    """Worlds in one batch that fit into the memory: with a roadmap each robot has a field of distances."""
    scenario = draw_of(case)(np.random.default_rng(0))
    robots = len(scenario.robots)
    worlds = _ROBOTS_AT_ONCE // robots
    if planner == "roadmap":
        finest = 0.5 * min(robot.radius for robot in scenario.robots)
        area = float(np.prod(scenario.world.bounds[2:] - scenario.world.bounds[:2]))
        worlds = min(worlds, int(_FIELD_BYTES / (8.0 * robots * min(MOST_CELLS, area / finest**2))))
    return max(1, worlds)


def _run(
    options: Record, controller: str, episodes: int, seed: int, record: int = 0, watch: Smoothness | None = None
) -> Episodes:
    case, planner = options["case"], options["planner"]
    watch = watch or Smoothness(policy_of(controller, options.get("shared", False)))
    return play(
        draw_episodes(draw_of(case), episodes, seed), watch, seed=seed, planner=planner, record=record,
        filtered=options.get("filtered", True), worlds_at_once=worlds_at_once(case, planner),
    )  # fmt: skip


def drive(options: Record) -> Record:
    """Episodes of one controller.

    Args:
        options: ``case``, ``controller``, ``planner``, ``episodes``, ``seed``; ``filtered`` and ``shared`` if unusual.
    """
    watch = Smoothness(policy_of(options["controller"], options.get("shared", False)))
    result = _run(options, options["controller"], options["episodes"], options["seed"], watch=watch)
    return {**pack(result), "smoothness": watch.figures()}


def drive_rule(options: Record) -> Record:
    """Episodes of a hand rule with the best of several fixed settings, chosen on other episodes.

    Options as for ``drive``; ``rule`` and ``settings`` in place of ``controller``, and ``choice_episodes`` and
    ``choice_seed``, on which the setting is chosen: highest success, ties by deliveries, then time.
    """
    names = [named(options["rule"], setting) for setting in options["settings"]]
    scores = []
    for name in names:
        result = _run(options, name, options["choice_episodes"], options["choice_seed"])
        figures, ours = result.figures(), result.counted
        scores.append((figures["success"], float(result.deliveries[ours].mean()), -figures["time"]))
    chosen = names[max(range(len(names)), key=scores.__getitem__)]
    return {**drive({**options, "controller": chosen}), "controller": chosen}


def named(rule: str, setting: Sequence[float]) -> str:
    """A controller as ``make_controller`` takes it: a rule, or ``fixed``, with four numbers."""
    return f"{rule}:" + ",".join(f"{value:.6g}" for value in setting)


def pack(episodes: Episodes) -> Record:
    """Everything about the episodes but the tracks."""
    return {
        **{name: getattr(episodes, name).astype(int).tolist() for name in ("safe", "reached", "counted")},
        "reach_time": [[round(t, 4) if t == t else None for t in row] for row in episodes.reach_time.tolist()],
        "min_clearance": [[value] for value in episodes.min_clearance.min(axis=1).tolist()],
        **{name: getattr(episodes, name).tolist() for name in ("deliveries", "outcomes", "steps", "horizon")},
    }


def unpack(record: Record) -> Episodes:
    """The episodes of a result; ``min_clearance`` has one column, the smallest of all robots."""

    def column(name: str, dtype: type) -> AnyArray:
        return np.array(record[name], dtype=dtype)

    times = np.array([[np.nan if t is None else t for t in row] for row in record["reach_time"]], dtype=np.float64)
    return Episodes(
        safe=column("safe", bool), reached=column("reached", bool), counted=column("counted", bool), reach_time=times,
        min_clearance=column("min_clearance", np.float64), horizon=column("horizon", np.float64),
        deliveries=column("deliveries", np.int64), outcomes=column("outcomes", np.int64),
        steps=column("steps", np.int64),
    )  # fmt: skip


def sweep_case(options: Record) -> Record:
    """All fixed settings of one case: ``case``, ``planner``, ``gains``, ``powers``, ``fine``, ``robots``, ``seed``.

    A coarse grid over all four parameters; if it holds no setting that gets everybody home in 60 % of the episodes, a
    finer one; then the best again on four times as many other episodes, so that luck chooses less.

    Returns:
        ``coarse``, ``fine`` (or None) and ``finals``: tables.
    """
    draw, planner, seed = draw_of(options["case"]), options["planner"], options["seed"]
    team = len(draw(np.random.default_rng(0)).robots)
    episodes = int(np.clip(options["robots"] // team, 3, 40))
    run = partial(sweep, draw, planner=planner, family=options["case"]["family"])
    coarse = run(full_grid(options["gains"], options["powers"]), episodes, seed=seed)
    tables, fine = [coarse], None
    if max(setting.complete for setting in coarse.settings) < _HOPELESS and options["fine"]:
        fine = run(fine_grid(), max(4, episodes // 4), seed=seed)
        tables.append(fine)
    finalists = np.array([setting.parameters for setting in _finalists(tables)])
    finals = run(finalists, 4 * episodes, seed=seed + 1)
    return {"coarse": asdict(coarse), "fine": None if fine is None else asdict(fine), "finals": asdict(finals)}


def _finalists(tables: Sequence[SweepTable]) -> list[Setting]:
    """The best settings of all tables by success and by complete episodes, each once."""
    rows = [setting for table in tables for setting in table.settings]
    by_success = sorted(rows, key=lambda s: (-s.success, -s.deliveries, s.time))[:_FINALISTS]
    by_complete = sorted(rows, key=lambda s: (-s.complete, -s.success, s.time))[:_FINALISTS]
    return list({setting.parameters: setting for setting in (*by_success, *by_complete)}.values())


def table_of(record: Record) -> SweepTable:
    """A table out of a result of ``sweep_case``."""
    settings = tuple(Setting(**row) for row in record["settings"])
    return SweepTable(**{**record, "settings": settings})


def film(options: Record) -> Record:
    """One episode with each of two controllers, for a picture: the first in which the second does better.

    Args:
        options: ``case``, ``planner``, ``controllers`` (two), ``episodes`` to choose from, ``seed``.

    Returns:
        ``episode``, its number, and ``tracks``: state, action, and whether everybody arrived, of each controller.
    """
    episodes, seed = options["episodes"], options["seed"]
    runs = [_run(options, controller, episodes, seed, record=episodes) for controller in options["controllers"]]
    gain = runs[1].success.sum(axis=1).astype(int) - runs[0].success.sum(axis=1)
    number = int(np.argmax(gain + 0.5 * runs[1].complete))
    tracks = [
        {
            "state": np.round(run.tracks[number].state, 4).tolist(),
            "action": np.round(run.tracks[number].action, 4).tolist(),
            "reached": int((run.reached & run.counted)[number].sum()), "of": int(run.counted[number].sum()),
        }
        for run in runs
    ]  # fmt: skip
    return {"episode": number, "tracks": tracks}


def tracks_of(options: Record, result: Record) -> list[Track]:
    """The tracks of a result of ``film``; outcomes are left out."""
    scenario = draw_episodes(draw_of(options["case"]), result["episode"] + 1, options["seed"])[-1]
    found = []
    for track in result["tracks"]:
        state, action = np.array(track["state"]), np.array(track["action"])
        found.append(Track(scenario, state, action, np.zeros(action.shape[:2], np.int64)))
    return found


def decision_time(options: Record) -> Record:
    """Milliseconds in which all robots of a world decide, in one thread: observation, network, filter.

    The last includes moving the robots and measuring their gaps, which on real robots is nobody's work.

    Args:
        options: ``robots``, ``controller``, ``planner``, ``steps``.

    Returns:
        ``p50`` and ``p99`` of the whole, and the medians ``plan``, ``observe``, ``network``, ``filter``.
    """
    draw = draw_of({"family": "dense", "options": {"robots": options["robots"]}})
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    core, policy = ArenaCore(draw, seed=1, redraw=False, planner=options["planner"]), policy_of(options["controller"])
    core.threads = 1
    times = []
    for _ in range(options["steps"] + 5):
        marks = [time.perf_counter()]
        core.plan()
        marks.append(time.perf_counter())
        observation = core.observe()
        marks.append(time.perf_counter())
        action = policy(observation)
        marks.append(time.perf_counter())
        core.advance(action)
        marks.append(time.perf_counter())
        core.arrive()
        times.append(np.diff(marks))
    numba.set_num_threads(threads)
    late = 1e3 * np.array(times[5:])
    parts = dict(zip(("plan", "observe", "network", "filter"), np.median(late, axis=0).tolist(), strict=True))
    p50, p99 = np.percentile(late.sum(axis=1), [50, 99]).tolist()
    return {"p50": p50, "p99": p99, **parts}
