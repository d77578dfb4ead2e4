"""evaluate.py: its results are what an independent check of the trajectories finds."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from oracles.mapf import violations
from oracles.project import ROOT

from envs.grid.run import GridRun
from swarm.scenario.grid_map import GridMap
from swarm.scenario.instances import load_instances
from swarm.scenario.nav2_map import save_nav2_map
from swarm.scenario.scenario import load_scenario

MAPS = ROOT / "envs" / "maps"
ARENA_KEYS = (
    "kind", "scenario", "seed", "controller", "planner", "robots", "steps", "dt", "safe", "reached", "reach_time",
    "min_clearance", "contacts_moving", "contacts_standing", "qp", "step_ms",
)  # fmt: skip
GRID_KEYS = (
    "kind", "suite", "map", "seed", "planner", "robots", "steps", "goals", "throughput", "blocked_moves",
    "longest_wait", "step_ms",
)  # fmt: skip
ONE_GOAL = """
environment: {min: [0, 0], max: [4, 4], obstacles: []}
robots:
  - {type: unicycle, start: [1, 2, 0], goal: [2, 2], radius: 0.2, limits: {speed: 0.5, turn_rate: 2.0}}
  - {type: unicycle, start: [3, 2, 3.14159], goal: [2, 2], radius: 0.2, limits: {speed: 0.5, turn_rate: 2.0}}
horizon: 12
dt: 0.05
"""


@pytest.fixture(scope="module")
def evaluate() -> ModuleType:
    return import_module("envs.commands.evaluate")


def read(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text())


# Arena.


def check_arena(record: dict[str, Any], path: Path, folder: Path) -> None:
    """Safety, arrivals and clearance once more, from the trajectory alone."""
    scenario = load_scenario(path)
    with np.load(folder / f"{path.stem}.npz") as track:
        time, position, velocity, radius, goal = (
            track[key] for key in ("time", "position", "velocity", "radius", "goal")
        )
    count = len(scenario.robots)
    assert position.shape == velocity.shape == (record["steps"] + 1, count, 2)
    np.testing.assert_allclose(time, record["dt"] * np.arange(record["steps"] + 1), atol=1e-9)
    np.testing.assert_array_equal(position[0], [robot.start[:2] for robot in scenario.robots])
    np.testing.assert_array_equal(goal, [robot.goals[-1] for robot in scenario.robots])
    gaps = [
        np.linalg.norm(position[:, i] - position[:, j], axis=1) - radius[i] - radius[j]
        for i in range(count) for j in range(i)
    ]  # fmt: skip
    gaps += [scenario.world.clearance(position[:, i]) - radius[i] for i in range(count)]
    assert record["min_clearance"] == pytest.approx(min(gap.min() for gap in gaps), abs=1e-12)
    assert record["safe"] == [True] * count and record["min_clearance"] >= 0.0
    for i in range(count):
        there = np.flatnonzero(np.linalg.norm(position[:, i] - goal[i], axis=1) <= 2.0 * radius[i])
        assert record["reached"][i] == bool(len(there))
        assert record["reach_time"][i] == (pytest.approx(time[there[0]]) if len(there) else None)
    assert sum(record["qp"].values()) == record["steps"] * count


@pytest.mark.parametrize("planner", ["roadmap", "straight"])
def test_arena_results_hold_against_the_trajectories(evaluate: ModuleType, tmp_path: Path, planner: str) -> None:
    paths = [MAPS / "crossing.yaml", MAPS / "passage.yaml"]
    command = ["arena", *map(str, paths), "--controller", "fixed:4,1", "--planner", planner, "--seed", "3"]
    assert evaluate.main([*command, "--json", str(tmp_path / "r.json"), "--trajectories", str(tmp_path / "t")]) == 0
    records = read(tmp_path / "r.json")
    assert [record["scenario"] for record in records] == ["crossing", "passage"]
    for record, path in zip(records, paths, strict=True):
        assert tuple(record) == ARENA_KEYS
        expected = ("arena", 3, "fixed:4,1", planner)
        assert tuple(record[key] for key in ("kind", "seed", "controller", "planner")) == expected
        check_arena(record, path, tmp_path / "t")
    assert all(records[1]["reached"]) and records[1]["steps"] * records[1]["dt"] < 30.0


def test_two_robots_with_one_goal_stand_safely_near_it(evaluate: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "one_goal.yaml"
    path.write_text(ONE_GOAL)
    command = ["arena", str(path), "--controller", "fixed:4,1", "--json", str(tmp_path / "r.json")]
    assert evaluate.main([*command, "--trajectories", str(tmp_path)]) == 0
    check_arena(read(tmp_path / "r.json")[0], path, tmp_path)
    with np.load(tmp_path / "one_goal.npz") as track:
        assert np.linalg.norm(track["position"][-1] - [2.0, 2.0], axis=1).max() < 0.6
        assert np.linalg.norm(track["velocity"][-1], axis=1).max() < 0.05


def test_a_goal_without_a_way_is_said_before_and_counted(
    evaluate: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "narrow.yaml"
    path.write_text(
        "environment: {min: [0, 0], max: [6, 3], obstacles:\n"
        "  [{type: box, center: [3, 1], size: [0.2, 2]}, {type: box, center: [3, 3.4], size: [0.2, 1]}]}\n"
        "robots:\n"
        "  - {type: single_integrator, start: [1, 1], goal: [5, 1], radius: 0.2}\n"
        "  - {type: single_integrator, start: [1, 2], goal: [5, 2], radius: 0.6}\n"
        "horizon: 2\ndt: 0.05\n"
    )
    assert evaluate.main(["arena", str(path), "--controller", "fixed:4,1", "--json", str(tmp_path / "r.json")]) == 0
    (record,) = read(tmp_path / "r.json")
    (one,) = record["no_way"]
    assert one["robot"] == 1 and one["goal"] == [5.0, 2.0] and one["needs"] == pytest.approx(1.2)
    assert one["gap"] == pytest.approx(0.9, abs=0.02)
    said = " ".join(capsys.readouterr().out.split())
    assert "warning: narrow: robots[1]: no way leads to the goal [5, 2]" in said and "without" in said


def test_cells_drive_scenarios_with_a_grid_map(evaluate: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "m.map").write_text("type octile\nheight 3\nwidth 5\nmap\n.....\n.@@@.\n.....\n")
    (tmp_path / "s.yaml").write_text(
        "environment: {min: [0, 0], max: [5, 3], obstacles: [], map: m.map}\n"
        "robots:\n"
        "  - {type: unicycle, start: [0.5, 0.5, 0], goals: [[4.5, 2.5], [0.5, 2.5]], radius: 0.25}\n"
        "  - {type: unicycle, start: [4.5, 2.5, 0], goals: [[0.5, 0.5], [4.5, 0.5]], radius: 0.25}\n"
        "horizon: 20\ndt: 0.05\n"
    )
    command = ["arena", str(tmp_path / "s.yaml"), "--controller", "fixed:4,1", "--json", str(tmp_path / "r.json")]
    assert evaluate.main(command) == 0
    (record,) = read(tmp_path / "r.json")
    assert record["planner"] == "cells" and record["steps"] == 400, "lifelong: to the horizon"
    assert all(record["safe"])


# Grid.


def write_other_formats(folder: Path) -> list[str]:
    """A small file of each format that ``grid`` takes, with the map ``room`` where it needs one."""
    rows = ["......", ".@@@@.", "......", "......"]
    (folder / "room.map").write_text("\n".join(["type octile", "height 4", "width 6", "map", *rows, ""]))
    (folder / "room.scen").write_text("version 1\n0 room.map 6 4 0 0 5 3 8\n0 room.map 6 4 1 1 0 0 2\n")
    (folder / "rooms.yaml").write_text("hall: |-\n  @@..$$\n  .####.\n  !!!!!!\n")
    hall = {"agents_xy": [[0, 0], [2, 5]], "targets_xy": [[2, 0], [0, 5]], "map_name": "hall", "seed": 3}
    (folder / "list.yaml").write_text(json.dumps({"scenarios": {"a": hall}}))
    (folder / "agents").write_text("2\n0\n5\n")
    (folder / "tasks").write_text("2\n12,5\n23\n")
    keys = {"mapFile": "room.map", "agentFile": "agents", "taskFile": "tasks", "teamSize": 2, "version": "2024 LoRR"}
    (folder / "problem.json").write_text(json.dumps(keys))
    save_nav2_map(folder / "floor.yaml", GridMap.from_rows(["." * 12] * 8, 0.25))
    return ["room.map", "room.scen", "rooms.yaml", "list.yaml", "problem.json", "floor.yaml"]


def test_grid_takes_files_of_other_projects(
    evaluate: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [str(tmp_path / name) for name in write_other_formats(tmp_path)]
    command = ["grid", *paths, "--robots", "1", "--steps", "30", "--planner", "pibt"]
    assert evaluate.main([*command, "--json", str(tmp_path / "r.json")]) == 0
    records = read(tmp_path / "r.json")
    assert [record["map"] for record in records] == ["room", "room", "hall", "hall", "problem", "floor"]
    assert all(record["goals"] >= 1 for record in records) and records[3]["seed"] == 3
    said = capsys.readouterr().out.replace("\n", " ")
    assert "note: room.scen: 1 of 2 rows left out: 1 from or to a wall" in said
    assert "note: problem: a problem of 2024; robots move to any side without turning; tasks by turns" in said
    assert (
        evaluate.main(["grid", paths[-1], "--cell-size", "1", "--steps", "4", "--json", str(tmp_path / "r.json")]) == 0
    )
    assert read(tmp_path / "r.json")[0]["robots"] == 3  # half of 2 × 3 cells


def test_grid_results_hold_against_the_oracle(evaluate: ModuleType, tmp_path: Path) -> None:
    command = ["grid", str(MAPS / "examples.jsonl"), "--robots", "4", "12", "--planner", "pibt", "--steps", "120"]
    assert evaluate.main([*command, "--json", str(tmp_path / "r.json"), "--trajectories", str(tmp_path / "t")]) == 0
    records = read(tmp_path / "r.json")
    cases = {case.map: case for case in load_instances(MAPS / "examples.jsonl")}
    assert [(r["map"], r["robots"]) for r in records] == [(name, n) for name in cases for n in (4, 12)]
    for record in records:
        assert tuple(record) == GRID_KEYS and record["kind"] == "grid" and record["steps"] == 120
        case, n = cases[record["map"]], record["robots"]
        with np.load(tmp_path / "t" / f"{case.map}_{case.seed}_{n}.npz") as track:
            cells = track["cells"]
        assert cells.shape == (121, n, 2)
        targets = [list(map(tuple, one.tolist())) for one in case.targets[:n]]
        claims = [arrivals(cells[:, i].tolist(), targets[i]) for i in range(n)]
        assert violations(case.grid.rows, cells.tolist(), case.starts[:n].tolist(), targets, claims) == []
        assert record["goals"] == sum(claims) > 3 * n
        assert record["throughput"] == record["goals"] / 120


def arrivals(track: list[list[int]], targets: list[tuple[int, ...]]) -> int:
    done = 0
    for cell in track[1:]:
        done += done < len(targets) and tuple(cell) == targets[done]
    return done


def test_limit_and_the_team_sizes_of_the_instances(evaluate: ModuleType, tmp_path: Path) -> None:
    command = ["grid", str(MAPS / "examples.jsonl"), "--steps", "5", "--limit", "1", "--json", str(tmp_path / "r.json")]
    assert evaluate.main(command) == 0
    assert [(record["map"], record["robots"]) for record in read(tmp_path / "r.json")] == [
        ("rooms", 4), ("rooms", 8), ("rooms", 16),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["a.svg", "a.mp4"])
def test_the_first_episode_is_filmed(evaluate: ModuleType, tmp_path: Path, name: str) -> None:
    command = ["grid", str(MAPS / "examples.jsonl"), "--robots", "4", "--steps", "6", "--video", str(tmp_path / name)]
    assert evaluate.main(command) == 0
    content = (tmp_path / name).read_bytes()
    assert b"rooms   4 robots   guided" in content if name == "a.svg" else content[4:8] == b"ftyp"


def test_robots_without_goals_make_way(evaluate: ModuleType, tmp_path: Path) -> None:
    """The first robot is done at once, and sits where the second has to go."""
    line = {
        "suite": "lane", "map": "lane", "seed": 0, "rows": ["......", "......"], "starts": [[0, 3], [0, 0]],
        "targets": [[[0, 4]], [[0, 4]]], "counts": [2],
    }  # fmt: skip
    (tmp_path / "lane.jsonl").write_text(json.dumps(line))
    command = ["grid", str(tmp_path / "lane.jsonl"), "--robots", "2", "--steps", "12"]
    assert evaluate.main([*command, "--json", str(tmp_path / "r.json")]) == 0
    assert read(tmp_path / "r.json")[0]["goals"] == 2


def test_ctrl_c_leaves_the_results_so_far(
    evaluate: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, calls = GridRun.step, []

    def interrupted(run: Any) -> None:
        calls.append(run)
        if len(calls) > 15:
            raise KeyboardInterrupt
        step(run)

    monkeypatch.setattr(GridRun, "step", interrupted)
    command = ["grid", str(MAPS / "examples.jsonl"), "--robots", "2", "--steps", "10"]
    assert evaluate.main([*command, "--json", str(tmp_path / "r.json")]) == 130
    assert [record["map"] for record in read(tmp_path / "r.json")] == ["rooms"]


# Wrong input.


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (["arena", "nowhere.yaml", "--controller", "fixed:4,1"], "nowhere.yaml"),
        (["arena", "bad.yaml", "--controller", "fixed:4,1"], "bad.yaml"),
        (["arena", "good.yaml", "--controller", "fixed:x,1"], "fixed:GAIN,POWER"),
        (
            ["arena", "good.yaml", "--controller", "fixed:4,1", "--planner", "magic"],
            "straight, roadmap, passages, cells",
        ),
        (["arena", "good.yaml", "good.yaml", "--controller", "fixed:4,1", "--trajectories", "t"], "good.npz"),
        (["grid", "nowhere.jsonl"], "nowhere.jsonl"),
        (["grid", "bad.jsonl"], "bad.jsonl:1"),
        (["grid", "good.jsonl", "--robots", "99"], "at most 16"),
        (["grid", "good.jsonl", "--cell-size", "2"], "whose cells have no size"),
        (["grid", "good.yaml"], "a scenario (YAML"),
        (["grid", "good.jsonl", "--robots", "0"], "--robots"),
        (["grid", "good.jsonl", "--planner", "magic"], "pibt"),
        (["grid", "good.jsonl", "--video", "a.gif"], ".mp4 or .svg"),
        (["grid", "good.jsonl", "good.jsonl", "--trajectories", "t"], "rooms_7_4.npz"),
        (["arena", "good.yaml", "--trajectories", "good.jsonl"], "good.jsonl is no folder"),
        (["arena", "good.yaml", "--json", "good.jsonl/a.json"], "good.jsonl is no folder"),
        (["arena", "good.yaml", "--json", "."], "got 'a folder'"),
        (["family", "clutter", "--episodes", "0"], "--episodes: got 0; valid: 1 or more"),
        (["arena", "good.yaml", "--seed", "-1"], "--seed: got -1; valid: 0 or more"),
        (["family", "clutter", "--seed", "-1"], "--seed: got -1; valid: 0 or more"),
        (["sweep", "clutter", "--seed", "-1"], "--seed: got -1; valid: 0 or more"),
    ],
)
def test_wrong_input_is_told_before_anything_runs(
    evaluate: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    command: list[str], text: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.yaml").write_text(ONE_GOAL)
    (tmp_path / "bad.yaml").write_text(ONE_GOAL.replace("start: [3, 2", "start: [9, 2"))
    (tmp_path / "good.jsonl").write_bytes((MAPS / "examples.jsonl").read_bytes())
    (tmp_path / "bad.jsonl").write_text('{"suite": 1}')
    status = evaluate.main(command)
    error = capsys.readouterr().err
    assert status == 2 and text in error and error.startswith("error: ") and error.count("\n") == 1
    assert not (tmp_path / "t").exists()
