"""The report on lifelong path finding: what it counts, and that a small one is written whole."""

import json

import numpy as np
import pytest
from oracles.mapf import violations
from rich.console import Console

from envs.grid_instances import examples
from envs.report.grid_measurements import conflicts, play
from envs.report.jobs import Lab, Store
from envs.report.lifelong_mapf import Scale, Study
from envs.report.lifelong_mapf_pictures import draw_pictures
from envs.report.lifelong_mapf_text import report
from swarm.errors import InputError
from swarm.instances import save_instances

FREE = np.array([[True, True, True], [True, False, True]])
STILL = [(0, 0), (0, 2)]


@pytest.mark.parametrize(
    ("after", "broken"),
    [
        ([(0, 1), (0, 2)], 0),
        ([(0, 2), (0, 2)], 2),  # a jump, into the other's cell
        ([(0, 1), (0, 1)], 1),
        ([(1, 0), (1, 1)], 2),  # a jump into a wall
        ([(1, 0), (1, 2)], 0),
    ],
)
def test_broken_rules_are_counted_as_an_independent_oracle_sees_them(after, broken):
    track = np.array([STILL, after])
    assert conflicts(track, FREE) == broken
    found = violations(
        ["...", ".#."],
        track.tolist(),
        STILL,
        [[(1, 0)], [(1, 2)]],
        [int(a == b) for a, b in zip(after, [(1, 0), (1, 2)], strict=True)],
    )
    assert bool(found) == bool(broken)


def test_swaps_are_counted_and_rotations_are_not():
    free = np.ones((2, 2), bool)
    square = [(0, 0), (0, 1), (1, 1), (1, 0)]
    assert conflicts(np.array([square, square[1:] + square[:1]]), free) == 0
    assert conflicts(np.array([square[:2], square[1::-1]]), free) == 1


def test_parts_that_are_left_out_change_what_robots_do():
    options = {"file": None, "suite": "puzzles", "first": 3, "count": 3, "robots": 4, "steps": 60, "planner": "guided"}
    whole, other = play(options), play(options | {"without": "joint"})
    assert whole["throughput"] != other["throughput"]
    assert whole["conflicts"] == other["conflicts"] == [0, 0, 0]
    assert all(0 < wait <= 60 for wait in whole["wait"])
    with pytest.raises(InputError, match="lanes"):
        play(options | {"without": "everything"})


def test_a_small_report_has_every_table_and_picture(tmp_path):
    given = tmp_path / "city.jsonl"
    case = examples("puzzles", 0, 1)[0]
    save_instances(given, [case])
    scale = Scale((("puzzles", 2),), steps=16, large=(5, 20), largest=5, large_steps=3)
    lab = Lab(Store(tmp_path / "raw"), 1, Console(quiet=True))
    study = Study(lab, scale, 3, (given,))
    study.run()
    pictures = draw_pictures(study, tmp_path / "pictures")
    text = report(study, "a machine", "a command", pictures)
    for name, _ in pictures:
        assert (tmp_path / "pictures" / name).stat().st_size > 1000
    for part in ("In short", "Puzzles, drawn", "City, given", "Waiting", "Large teams", "worth", "Where we lose"):
        assert part in text
    assert "nan" not in text and ": 0 found" in text
    mean = np.mean([study.throughput(suite, "guided").mean() for suite in study.suites if suite.file is None])
    assert f"{mean:.3f}" in text
    raw = [json.loads(path.read_text()) for path in (tmp_path / "raw").iterdir()]
    assert any(entry["job"]["options"].get("without") == "lanes" for entry in raw)


def test_instances_that_do_not_belong_together_are_refused(tmp_path):
    path = tmp_path / "mixed.jsonl"
    save_instances(path, [*examples("puzzles", 0, 1), *examples("mazes", 0, 1)])
    study = Study(Lab(Store(tmp_path), 1, Console(quiet=True)), Scale(), 3, (path,))
    with pytest.raises(InputError, match=r"mixed\.jsonl: counts"):
        study.suites  # noqa: B018
