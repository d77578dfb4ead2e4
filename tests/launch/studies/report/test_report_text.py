"""The texts of reports say what the measurements say: made-up results, known conclusions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from envs.commands.evaluation.sweep import Setting as Row
from envs.commands.evaluation.sweep import SweepTable, actions_of, full_grid
from studies.faults.checks import Check
from studies.report.deployment.text import inexact
from studies.report.jobs import Job, Lab
from studies.report.online_cbf import cases as study
from studies.report.online_cbf.floors import floors, solved_online_only
from studies.report.online_cbf.study import OnlineCbfStudy, Scale
from studies.report.online_cbf.text import report
from studies.report.online_cbf.where_worse import where_worse

CASES = tuple(case for case in study.FAMILIES if case.name in ("merge", "clutter_double", "open", "dense", "warehouse"))
FIXED, RULE, ONLINE = 0.9, 0.8, 1.0


class MadeUp:
    """Results of a world in which success depends on who drives alone; ``rates`` overrules by job name."""

    seconds, of_other_code = 120.0, 0

    def __init__(self, folder: Path, **rates: float) -> None:
        self._folder, self._rates = str(folder), rates
        self.jobs: list[Job] = []

    def do(self, jobs: Sequence[Job], title: str, *, alone: bool = False) -> None:
        self.jobs += jobs

    def __getitem__(self, job: Job) -> dict[str, Any]:
        assert job in self.jobs, f"{job.name} is used but was not measured"
        kind = job.function.split(":")[1]
        return {"drive": self._drive, "drive_rule": self._drive, "sweep_case": self._sweep, "decision_time": _time}[
            kind
        ](job)

    def _drive(self, job: Job) -> dict[str, Any]:
        controller = job.options.get("controller", "")
        success = RULE if "rule" in job.options else ONLINE if controller.startswith(self._folder) else FIXED
        success = next((rate for name, rate in self._rates.items() if name in job.name.replace(" ", "_")), success)
        episodes, robots = job.options["episodes"], 10
        reached = np.arange(robots)[None] < round(robots * success) * np.ones((episodes, 1))
        time = 4.0 if success == ONLINE else 5.0
        shaky = controller.startswith("alone:") and job.options["case"]["family"] == "dense"
        return {
            "safe": np.ones((episodes, robots), int).tolist(), "reached": reached.astype(int).tolist(),
            "counted": np.ones((episodes, robots), int).tolist(),
            "reach_time": [[time if flag else None for flag in row] for row in reached],
            "min_clearance": [[0.01]] * episodes, "deliveries": reached.astype(int).tolist(),
            "outcomes": [[90, 9, 1]] * episodes, "steps": [100] * episodes, "horizon": [15.0] * episodes,
            "smoothness": {"flips": 0.02 if "merge_wall" in self._rates else 0.0, "change": 0.1 if shaky else 0.02},
        }  # fmt: skip

    def _sweep(self, job: Job) -> dict[str, Any]:
        complete = 0.4 if "merge" in job.name else 0.9
        settings = full_grid(job.options["gains"], job.options["powers"])
        means = (1.0, FIXED, FIXED, complete, 5.0, 0.01, 1.0)
        rows = [Row(*(*setting, *means)) for setting in settings]
        table = asdict(SweepTable(job.options["case"]["family"], "straight", 1, 10, 8, tuple(rows)))
        return {"coarse": table, "fine": None, "finals": table}


def _time(job: Job) -> dict[str, Any]:
    return {"p50": 0.4, "p99": 0.6, "plan": 0.0, "observe": 0.1, "network": 0.2, "filter": 0.1}


def measured(tmp_path: Path, cases: Iterable[study.Case] = CASES, **rates: float) -> OnlineCbfStudy:
    folder = tmp_path / "tuner"
    folder.mkdir()
    for name in ("policy.onnx", "config.yaml"):
        (folder / name).write_text("made up")
    broken = tmp_path / "ablations" / "class_k"
    broken.mkdir(parents=True)
    made = MadeUp(folder, **rates)
    scale = Scale(episodes=4, gains=3, powers=1, largest=128)
    of = OnlineCbfStudy(cast(Lab, made), scale, tuner=str(folder), ablations=broken.parent, families=tuple(cases))
    of.run()
    return of


def line(of: OnlineCbfStudy, start: str) -> Any:
    (found,) = (entry for entry in floors(of) if entry.what.startswith(start))
    return found


def test_everything_that_is_shown_was_measured_and_every_number_of_ours_is_there(tmp_path: Path) -> None:
    of = measured(tmp_path)
    text = report(of, "a machine", "a command", [("team_size.png", "teams")])
    assert "Checkpoint `class_k` is left out" in text
    for words in ("### Merge", "GCBF+ protocol", "Constant density", "2 to 10 robots", "Time per decision", "*teams*"):
        assert words in text
    for row in (row for row in text.splitlines() if row.startswith("| ")):
        assert "nan" not in row and "None" not in row
    assert "100.00 [" in text and "90.00 [" in text and "80.00 [" in text
    assert "published" not in text  # what others publish is of other worlds


@pytest.mark.parametrize("rate", [1.0, 0.9])
def test_floors_are_reached_or_not_by_the_numbers(tmp_path: Path, rate: float) -> None:
    of = measured(tmp_path, dense_128_online=rate, merge_online=rate)
    assert line(of, "Constant density").reached is (rate == 1.0)
    assert line(of, "GCBF+ protocol").reached is True
    assert line(of, "Class-K alone").reached is None
    assert line(of, "Collisions").measured.startswith("0 in ")
    solved = [case.name for case, *_ in solved_online_only(of)]
    assert solved == (["merge"] if rate == 1.0 else [])


def test_how_smooth_is_judged_in_every_family(tmp_path: Path) -> None:
    flips, change = "Tunables that move", "Mean change of the command"
    of = measured(tmp_path)
    assert line(of, flips).reached is True
    assert line(of, change).measured == "more in 1 (dense) of 5 families" and line(of, change).reached is False
    (tmp_path / "other").mkdir()
    assert line(measured(tmp_path / "other", merge_wall=1.0), flips).reached is False


def test_sooner_at_the_goal_counts_only_where_online_is_as_successful(tmp_path: Path) -> None:
    what = "Families in which online is at least 10 % sooner"
    assert line(measured(tmp_path), what).measured.startswith("4: ")
    (tmp_path / "other").mkdir()
    assert line(measured(tmp_path / "other", merge_online=0.8, open_online=0.8), what).measured.startswith("2: ")


def test_where_it_loses_is_said(tmp_path: Path) -> None:
    text = where_worse(measured(tmp_path))
    assert "No fixed setting and no hand rule is more successful" in text and "every robot arrived" in text
    (tmp_path / "other").mkdir()
    rates: dict[str, Any] = {"merge_online,": 0.5, "merge_online": 0.8, "merge_wall": 1.0}
    text = where_worse(measured(tmp_path / "other", **rates))
    assert "| merge, 2 robots | wall following | 100.00 | 80.00 | +20.00 [" in text
    assert "| merge, 2 robots | best fixed, per family | 90.00 | 80.00 | +10.00 [" in text
    assert "| merge, 2 robots | 50.00 | 80.00 | +30.00 [" in text
    assert "Exactly as successful: merge, 2 robots (random rotation)" in text
    assert "| merge, 2 robots | **online** | 8 of 40 | 4 | 0 |" in text


def test_hand_rules_are_offered_the_best_settings_of_the_sweep(tmp_path: Path) -> None:
    of = measured(tmp_path)
    (case,) = (case for case in of.families if case.name == "merge")
    job = of.job(case, study.WALL)
    assert of.best(case).parameters in job.options["settings"] and of.single in job.options["settings"]
    assert job.options["choice_seed"] != job.options["seed"]
    np.testing.assert_array_equal(actions_of([study.BOLD])[0, :4], [1.0, 0.0, 1.0, 0.0])


def test_a_matrix_with_declared_errors_is_shown_as_far_as_it_was_made() -> None:
    assert "Not measured yet: `python launch/faults.py --errors position=0.005," in inexact({}, 44)
    collisions = asdict(Check("collisions", 1, "≤ 0", False))
    made = {"deliveries_a_minute": 12.0, "min_clearance_m": 0.1, "checks": [collisions]}
    text = inexact({"overruns": made, "reordered": {"error": "no start", "checks": [collisions]}}, 44)
    assert "2 of 44 cells were made so; collisions in all of them together: 1." in text
    assert "| overruns | 0 of 1 | 1 | 100 mm | 12.0 |" in text
    assert "- overruns: NOT KEPT: collisions: 1 (≤ 0)" in text and "- reordered: no start" in text
