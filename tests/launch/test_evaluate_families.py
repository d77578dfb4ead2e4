"""evaluate.py on families of scenarios: records that the tables follow from, and the whole table of a sweep."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from envs.arena.episodes import draw_episodes, play
from envs.commands.evaluation.sweep import load_tables
from envs.scenarios import family
from swarm.tune.controllers import make_controller


@pytest.fixture(scope="module")
def evaluate() -> ModuleType:
    return import_module("envs.commands.evaluate")


@pytest.mark.usefixtures("one_thread")
def test_families(evaluate: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["family", "merge", "swap", "--controller", "wall_following:6,1", "--episodes", "3", "--seed", "5"]
    path = tmp_path / "r.json"
    assert evaluate.main([*command, "--robots", "2", "--dynamics", "unicycle", "--json", str(path)]) == 0
    records = json.loads(path.read_text())
    assert [(record["scenario"], record["episode"]) for record in records] == [
        (name, k) for name in ("merge", "swap") for k in range(3)
    ]
    swaps = records[3:]
    for record in records:
        assert (record["robots"], record["seed"], record["planner"]) == (2, 5, "straight")
        assert all(record["safe"]) and sum(record["qp"].values()) == 2 * record["steps"]
        assert [time is not None for time in record["reach_time"]] == record["reached"]
    text = capsys.readouterr().out
    mean = np.mean([record["horizon"] if t is None else t for record in swaps for t in record["reach_time"]])
    assert f"{mean:.2f}" in text and "wall_following:6,1" in text


@pytest.mark.usefixtures("one_thread")
def test_sweep(evaluate: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["sweep", "merge", "swap", "--gains", "2", "--powers", "1", "--episodes", "2", "--robots", "2"]
    path = tmp_path / "sweep.json"
    assert evaluate.main([*command, "--seed", "5", "--json", str(path)]) == 0
    tables = load_tables(path)
    assert [(table.family, len(table.settings), table.seed) for table in tables] == [("merge", 4, 5), ("swap", 4, 5)]
    assert "best single" in capsys.readouterr().out


VARIED = """
from swarm import Kind, Limits, RobotSpec, Scenario, World

def draw(rng):
    spots = [[0.5 + 0.7 * i, 1.0] for i in range(rng.integers(2, 7))]
    goals = [[x, 1.4] for x, _ in spots]
    team = [RobotSpec(Kind.SINGLE_INTEGRATOR, [*p, 0, 0, 0], [g], 0.05, Limits(0.5)) for p, g in zip(spots, goals)]
    return Scenario(World([0, 0, 5, 3]), team, horizon=3.0, dt=0.03, sensing_radius=1.0)
"""


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("planner", ["straight", "roadmap"])
def test_teams_that_differ_in_size(
    evaluate: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], planner: str
) -> None:
    (tmp_path / "varied.py").write_text(VARIED)
    command = ["family", f"{tmp_path}/varied.py:draw", "--controller", "fixed:6,1", "--episodes", "12"]
    path = tmp_path / "r.json"
    assert evaluate.main([*command, "--planner", planner, "--json", str(path)]) == 0
    records = json.loads(path.read_text())
    sizes = [record["robots"] for record in records]
    drawn = draw_episodes(family(f"{tmp_path}/varied.py:draw"), 12, 0)
    assert sizes == [len(scenario.robots) for scenario in drawn] and len(set(sizes)) > 2
    for record in records:
        for key in ("safe", "reached", "counted", "reach_time", "deliveries"):
            assert len(record[key]) == record["robots"], key
        assert all(record["safe"]) and all(record["reached"]) and all(record["counted"])
        assert sum(record["qp"].values()) == record["robots"] * record["steps"]
        assert record["min_clearance"] < 1.0, "of those that are there, not of those far away"
    text = capsys.readouterr().out
    times = [time for record in records for time in record["reach_time"]]
    assert f"12 × {min(sizes)}–{max(sizes)}" in text and f"{np.mean(times):.2f}" in text


@pytest.mark.usefixtures("one_thread")
def test_episodes_are_the_same_beside_larger_teams(tmp_path: Path) -> None:
    (tmp_path / "varied.py").write_text(VARIED)
    scenarios = draw_episodes(family(f"{tmp_path}/varied.py:draw"), 6, 3)
    controller = make_controller("random_rotation:6,1")
    together = play(scenarios, lambda core, _: controller(core.observe()), record=6)
    for k, scenario in enumerate(scenarios):
        alone = play([scenario], lambda core, _: controller(core.observe()), record=1)
        np.testing.assert_array_equal(together.tracks[k].state, alone.tracks[0].state)
        assert together.outcomes[k].tolist() == alone.outcomes[0].tolist()
        assert together.reach_time[k, together.present[k]].tolist() == alone.reach_time[0].tolist()


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (["family", "nowhere"], "clutter, corridor"),
        (["family"], "families"),
        (["family", "swap", "swap"], "different names"),
        (
            ["family", "swap", "--planner", "cells"],
            "a world with a grid map (environment.map); else straight, roadmap or passages",
        ),
        (["family", "swap", "--episodes", "0"], "--episodes"),
        (["family", "swap", "--controller", "magic:1,1"], "wall_following:"),
        (
            ["family", "mixed", "--controller", "fixed:4,1", "--dynamics", "unicycle"],
            "--dynamics: got 'unicycle'; valid: left out: the family has no argument 'kind'",
        ),
        (["family", "door_swap", "--robots", "3"], "door_swap: robots: got 3; valid: 2"),
        (["sweep", "swap", "--gains", "0"], "--gains"),
    ],
)
def test_wrong_input(evaluate: ModuleType, capsys: pytest.CaptureFixture[str], command: list[str], text: str) -> None:
    assert evaluate.main(command) == 2
    error = capsys.readouterr().err
    assert text in error and error.startswith("error: ") and error.count("\n") == 1


@pytest.mark.parametrize("kind", ["family", "sweep"])
def test_robots_for_a_family_that_has_no_such_argument(
    evaluate: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    (tmp_path / "varied.py").write_text(VARIED)
    assert evaluate.main([kind, "swap", f"{tmp_path}/varied.py:draw", "--robots", "3"]) == 2
    said = capsys.readouterr().err
    assert "varied.py:draw: --robots: got 3; valid: left out: the family has no argument 'robots'" in said
