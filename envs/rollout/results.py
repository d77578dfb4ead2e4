"""Results of runs as plain records, and trajectories that anyone can check them from."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from envs.rollout.run import Run
from envs.strangers import MOVING, STANDING
from swarm.array_types import Int64s
from swarm.files.text_files import atomic_path, make_folder, write_text
from swarm.planning.graph.fields import distance_field
from swarm.scenario.robot_spec import footprints_of
from swarm.scenario.scenario import Scenario


def record(run: Run, *, kind: str, seed: int, controller: str, planner: str) -> dict[str, Any]:
    """What a run came to, in the layout of the results file."""
    times = np.array(run.fleet.step_ms)
    p50, p99 = (float(np.percentile(times, q)) for q in (50, 99)) if len(times) else (math.nan, math.nan)
    return {
        "kind": kind,
        "scenario": run.scenario.name,
        "seed": seed,
        "controller": controller,
        "planner": planner,
        "robots": len(run.radii),
        "steps": run.tick_count,
        "dt": run.scenario.dt,
        "safe": [not touched for touched in run.touched.tolist()],
        "reached": run.reached.tolist(),
        "reach_time": [None if math.isnan(time) else time for time in run.reach_time.tolist()],
        "min_clearance": run.min_clearance,
        **contacts_of(run.contacts),
        "qp": dict(run.outcomes),
        "step_ms": {"p50": p50, "p99": p99},
    }


def contacts_of(contacts: Int64s) -> dict[str, int]:
    """Contacts ``int64[2]`` with those who ignore everybody, as results have them."""
    return {"contacts_moving": int(contacts[MOVING]), "contacts_standing": int(contacts[STANDING])}


def alone(scenario: Scenario, seconds: float, tolerance: float = 0.0) -> int:
    """Deliveries if each robot were alone on the grid map: shortest 4-connected paths at top speed, without turning.

    Args:
        scenario: Robots on a grid map.
        seconds: Length of the run.
        tolerance: Distance at which a goal counts as reached [m]; the last leg is that much shorter.
    """
    grid = scenario.world.grid
    if grid is None:
        return 0
    total = 0
    for robot in scenario.robots:
        place, way = grid.cell_at(robot.start[:2]), 0.0
        for goal in robot.goals:
            cell = grid.cell_at(goal)
            way += float(distance_field(grid.free, *cell)[place]) * grid.cell_size
            if way - tolerance > seconds * robot.limits.speed:
                break
            total, place = total + 1, cell
    return total


def save_records(path: Path, records: list[dict[str, Any]]) -> None:
    """Write records as JSON, whole or not at all."""
    make_folder(path.parent)
    clean = json.loads(json.dumps(records), parse_constant=lambda constant: None)
    write_text(path, json.dumps(clean, indent=1) + "\n")


def save_trajectory(path: Path, run: Run) -> None:
    """Write time, positions, velocities, radii and last goals as ``.npz``, whole or not at all.

    Of robots that are no discs, headings and footprints too (rows of NaN fill those of few corners up).
    """
    make_folder(path.parent)
    track, footprints = run.trajectory, footprints_of(run.scenario.robots)
    shapes: dict[str, Any] = {}
    if footprints.shape[1] > 0:
        shapes = {"heading": np.array(track.heading), "footprint": footprints}
    with atomic_path(path) as partial, partial.open("wb") as file:
        np.savez_compressed(
            file, time=np.array(track.time), position=np.array(track.position), velocity=np.array(track.velocity),
            radius=run.radii, goal=run.goals, **shapes,
        )  # fmt: skip
