"""What the jobs of the report on narrow places measure; options and results are plain enough for JSON."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from envs.arena.core import Draw
from envs.arena.episodes import Episodes, Track, draw_episodes, play
from envs.scenarios.parts import robot, wall
from studies.report.jobs import Record
from studies.report.narrow_places.central import is_solvable
from studies.report.narrow_places.waiting import most_passes
from studies.report.online_cbf.measurements import draw_of, pack, policy_of
from swarm.model.body import MARGIN
from swarm.model.dynamics import Kind
from swarm.model.error_bounds import ErrorBounds
from swarm.planning.registry import planner_of
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World

_WORLDS = 16  # in one batch


def inexact(case: Record, errors: Record) -> Draw:
    """Draw a case with declared errors: position [radii], age and dead time [periods], loss; empty: exact states.

    Doors and lanes are as wide as they are for robots with the radius and the margin that the errors ask for.
    """
    if not errors:
        return draw_of(case)

    def changed(rng: np.random.Generator) -> Scenario:
        first = draw_of(case)(deepcopy(rng))
        one, dt = first.robots[0], first.dt
        bounds = ErrorBounds(
            position=errors["position"] * one.radius, age=errors["age"] * dt, dead_time=errors["dead_time"] * dt,
            loss=errors["loss"],
        )  # fmt: skip
        body = one.body(dt=dt, sensing_radius=first.sensing_radius, errors=bounds)
        options = {**case["options"], "radius": one.radius + float(body[MARGIN])}
        scenario = draw_of({**case, "options": options})(rng)
        robots = tuple(replace(spec, radius=one.radius) for spec in scenario.robots)
        return replace(scenario, robots=robots, errors=bounds)

    return changed


def _run(scenarios: list[Scenario], planner: str, controller: str, seed: int, record: int = 0) -> Episodes:
    policy: Any = policy_of(controller)
    chosen = partial(planner_of, planner) if planner == "auto" else planner
    return play(
        scenarios, lambda core, _: policy(core.observe()), planner=chosen, worlds_at_once=_WORLDS, seed=seed,
        record=record, checks=6,
    )  # fmt: skip


def drive(options: Record) -> Record:
    """Episodes with a planner.

    Args:
        options: ``case``, ``planner``, ``controller``, ``episodes``, ``seed``, ``errors`` (empty: exact states);
            ``passes``, if it is to be counted how often others pass (``waiting.most_passes``).
    """
    draw = inexact(options["case"], options["errors"])
    scenarios = draw_episodes(draw, options["episodes"], options["seed"])
    record = len(scenarios) if options.get("passes") else 0
    result = _run(scenarios, options["planner"], options["controller"], options["seed"], record)
    return {**pack(result), "passes": [most_passes(track).tolist() for track in result.tracks]}


def drive_alone(options: Record) -> Record:
    """The same episodes once for every robot, the others gone.

    Args:
        options: As of ``drive``.

    Returns:
        ``time`` [s] of each robot in each episode, the horizon where it does not arrive, and ``reached``.
    """
    scenarios = draw_episodes(draw_of(options["case"]), options["episodes"], options["seed"])
    lonely = [replace(one, robots=(spec,)) for one in scenarios for spec in one.robots]
    result = _run(lonely, options["planner"], options["controller"], options["seed"])
    shape = len(scenarios), -1
    return {"time": result.time.reshape(shape).tolist(), "reached": result.reached.reshape(shape).astype(int).tolist()}


def solve(options: Record) -> Record:
    """Which of the same episodes a central search on cells ``solved``, whatever the robots do.

    Args:
        options: ``case``, ``episodes``, ``seed``.
    """
    scenarios = draw_episodes(draw_of(options["case"]), options["episodes"], options["seed"])
    return {"solved": [int(is_solvable(one)) for one in scenarios]}


def film(options: Record) -> Record:
    """One episode for a picture: the first in which everybody arrives, else the first of all.

    Args:
        options: As of ``drive``; ``case`` may be ``parked`` (see ``parked``).

    Returns:
        ``episode``, its number, ``state`` [T + 1, N, 5], and how many robots ``reached`` ``of`` how many.
    """
    scenarios = scenes_of(options)
    result = _run(scenarios, options["planner"], options["controller"], options["seed"], record=len(scenarios))
    number = int(np.argmax(result.complete))
    track, ours = result.tracks[number], result.counted[number]
    reached = int((result.reached[number] & ours).sum())
    return {"episode": number, "state": np.round(track.state, 4).tolist(), "reached": reached, "of": int(ours.sum())}


def scenes_of(options: Record) -> list[Scenario]:
    """The scenarios from which ``film`` chooses."""
    if options["case"] == "parked":
        return [parked()]
    return draw_episodes(draw_of(options["case"]), options["episodes"], options["seed"])


def track_of(options: Record, result: Record) -> Track:
    """The track of a result of ``film``; actions and outcomes are left out."""
    state = np.array(result["state"])
    shape = len(state) - 1, state.shape[1]
    scenario = scenes_of(options)[result["episode"]]
    return Track(scenario, state, np.zeros((*shape, 6)), np.zeros(shape, np.int64))


def parked(radius: float = 0.1, lane: float = 0.3) -> Scenario:
    """Two rooms with two lanes between them; a robot that is switched off stands in the nearer one.

    Args:
        radius: Of the robots [m].
        lane: Width of a lane [m].
    """
    room, length, low, high = 1.4, 1.2, 0.35, 1.05  # low, high: middles of the lanes
    right, half = 2.0 * room + length, 0.5 * lane
    edges = ((-radius, low - half), (low + half, high - half), (high + half, room + radius))
    boxes = np.array([wall(room, bottom, room + length, top) for bottom, top in edges])
    world = World(np.array([0.0, 0.0, right, room]), boxes)
    one = partial(robot, Kind.SINGLE_INTEGRATOR, radius=radius)
    middle = room + 0.5 * length, low
    robots = (
        one((0.4, 0.3), (right - 0.4, 0.3)), one((0.4, 0.8), (right - 0.4, 0.7)), one((right - 0.4, 0.5), (0.4, 0.5)),
        one(middle, middle, cooperative=False),
    )  # fmt: skip
    return Scenario(world, robots, horizon=60.0, dt=0.05, sensing_radius=1.0, name="two lanes, one blocked")
