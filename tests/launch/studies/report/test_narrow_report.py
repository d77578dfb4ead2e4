"""The report on narrow places says what the measurements say: made-up results, known conclusions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pytest

from envs.scenarios import draw_family
from studies.report.jobs import Job, Lab
from studies.report.narrow_places import cases as study
from studies.report.narrow_places.central import Cells, cells_of, is_solvable, solves
from studies.report.narrow_places.measurements import film, parked, track_of
from studies.report.narrow_places.study import NarrowPlacesStudy
from studies.report.narrow_places.text import report

ROBOTS = 10


class MadeUp:
    """Results in which a share of the robots arrives, by the beginning of the job's name."""

    seconds, of_other_code, refused, later = 60.0, 0, 0, 2

    def __init__(self, **rates: float) -> None:
        self._rates = rates
        self.jobs: list[Job] = []

    def do(self, jobs: Sequence[Job], title: str, *, alone: bool = False) -> None:
        self.jobs += jobs

    def __getitem__(self, job: Job) -> dict[str, Any]:
        assert job in self.jobs, f"{job.name} is used but was not measured"
        name, episodes = job.name.replace(" ", "_"), job.options["episodes"]
        if name.endswith("alone"):
            return {"time": [[2.0] * ROBOTS] * episodes, "reached": [[1] * ROBOTS] * episodes}
        if name.endswith("solved"):
            return {"solved": [int(k >= self.refused) for k in range(episodes)]}
        rate = next((rate for start, rate in self._rates.items() if name.startswith(start)), 1.0)
        reached = [[k < round(rate * ROBOTS) for k in range(ROBOTS)]] * episodes
        return {
            "safe": np.ones((episodes, ROBOTS), int).tolist(), "reached": np.array(reached, int).tolist(),
            "counted": np.ones((episodes, ROBOTS), int).tolist(),
            "reach_time": [[3.0 if flag else None for flag in row] for row in reached],
            "min_clearance": [[0.01]] * episodes, "deliveries": np.array(reached, int).tolist(),
            "outcomes": [[90, 9, 1]] * episodes, "steps": [100] * episodes, "horizon": [15.0] * episodes,
            "passes": [[[0, 0], [7, self.later]] + [[1, 1]] * (ROBOTS - 2)] * episodes
            if job.options.get("passes") else [],
        }  # fmt: skip


def written(**rates: float) -> str:
    lab = MadeUp(**rates)
    of = NarrowPlacesStudy(cast(Lab, lab), episodes=4)
    of.run()
    return report(of, "a machine", "a command", [("door.png", "A door.")])


def test_where_all_is_well_nothing_falls_short() -> None:
    text = written()
    assert "Nowhere here." in text and "Collisions: 0 of" in text and "narrow_places/door.png" in text
    assert "| 1.50 | 7 | 2 | 100.0 |" in text  # three seconds against two alone, and everybody arrives alone


def test_draws_that_no_central_search_solves_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "0 of 54 draws are refused (0.0 %)" in written()
    monkeypatch.setattr(MadeUp, "refused", 1)
    assert "21 of 54 draws are refused (38.9 %)" in written()


def test_a_central_search_finds_a_way_where_there_is_one_and_only_there() -> None:
    lane = Cells([[1], [0, 2], [1, 3], [2]], [1] * 4)
    bay = Cells([[1], [0, 2], [1, 3, 4], [2], [2]], [1] * 5)
    room = Cells(lane.beside, [1, 2, 1, 1])
    for cells, found in ((lane, False), (bay, True), (room, True)):
        assert solves(cells, (0, 3), (3, 0)) == found
        assert solves(cells, (0, 2), (1, 3))
    assert not solves(bay, (0, 3), (3, 0), limit=1)


def test_draws_are_solved_in_their_own_world() -> None:
    """Two rooms, and a lane between them whose slices hold one robot each."""
    scenario = draw_family("bays", 1, robots=4)
    cells, starts, goals = cells_of(scenario)
    assert is_solvable(scenario)
    assert len([one for one in cells.holds if one >= 4]) == 2 and cells.holds.count(1) > 10
    assert all(cells.steps_to(goal)[start] > 10 for start, goal in zip(starts, goals, strict=True))


@pytest.mark.parametrize(
    "rates, said",
    [
        ({"rooms_8_single_auto": 0.9}, "rooms, 8 robots, single integrator: 90.0 % arrive, 0.0 % complete"),
        ({"bays_2_double_auto_errors": 0.5}, "bays, 2 robots, double integrator, with errors: 50.0 % arrive"),
        ({"merge_auto": 0.8}, "merge, 2 robots: 80.00 % with `auto`, 100.00 % with the roadmap"),
    ],
)
def test_what_falls_short_is_said(rates: dict[str, float], said: str) -> None:
    assert said in written(**rates)


def test_who_waits_while_many_others_pass_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MadeUp, "later", 5)
    assert "rooms, 8 robots, unicycle: 5 who came later go through while one waits, and not 3" in written()


def test_cases_are_unique_and_of_both_reports() -> None:
    names = [case.name for case in (*study.FAMILIES, *study.NARROW)]
    assert len(set(names)) == len(names)
    assert {"rooms", "bays", "blocks"} <= {case.drawn["family"] for case in study.NARROW}
    assert {"doorway", "door_swap", "corridor", "merge"} <= {case.name for case in study.FAMILIES}


def test_a_parked_robot_is_gone_around() -> None:
    options = {"case": "parked", "planner": "auto", "controller": "fixed:20,1,10,1", "episodes": 1, "seed": 0}
    result = film(options)
    assert result["reached"] == result["of"] == 3
    track = track_of(options, result)
    assert np.array_equal(track.state[0, 3], track.state[-1, 3])  # it never moved
    others, middle = track.state[:, :3, :2], parked().robots[3].start[:2]
    assert np.linalg.norm(others - middle, axis=-1).min() > 2.0 * parked().robots[3].radius
