"""The benchmarks of lifelong planners and of the arena measure what they say; the others only call libraries."""

from __future__ import annotations

import numpy as np
import pytest

from envs.arena.core import ArenaCore
from envs.grid.maps import puzzle_map
from envs.scenarios import clutter, draw_family
from studies.bench import alone, arena, passages
from studies.bench.common import spread
from studies.bench.lifelong import TeamSize, team_figures
from studies.bench.race import bench_race, figures_of
from swarm.errors import SwarmError
from swarm.scenario.grid_map import GridMap


def test_the_robot_that_is_timed_does_what_the_team_does() -> None:
    crowd = alone.alone_times(GridMap(np.ones((11, 11), np.bool_)), 100, 30)
    assert len(crowd) == 30 and all(took > 0.0 for took, _ in crowd)
    assert max(heard for _, heard in crowd) > 80
    stuck = alone.alone_times(puzzle_map(np.random.default_rng(0)), 4, 50)  # with joint plans
    assert {heard for _, heard in stuck} == {3}


def test_messages_that_are_not_the_team_s_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alone, "_near", lambda cells, robot: [])
    with pytest.raises(SwarmError, match="in its team"):
        alone.alone_times(GridMap(np.ones((7, 7), np.bool_)), 40, 60)


def test_planners_take_turns_on_the_same_team() -> None:
    figures = team_figures(TeamSize("warehouse", 32, 1, 60))
    assert [name.split(", ")[-1] for name in figures] == ["guided", "pibt", "astar"]
    for entry in figures.values():
        assert 0.0 < entry["ms least"] <= entry["ms p50"] <= entry["ms p99"]
        assert 50.0 < entry["MB"] < 4000.0
    assert figures["warehouse, 32 robots, guided"]["goals a step"] > 0.1


def test_the_spread_is_that_of_the_times() -> None:
    assert spread([5.0, *[2.0] * 99]) == pytest.approx({"ms p50": 2.0, "ms p99": 2.03, "ms least": 2.0})


def test_a_steady_arena_has_episodes_that_end_at_different_times_and_begin_anew() -> None:
    core, action = ArenaCore(clutter.draw, worlds=6, seed=1), arena.random_action(6)
    first = list(core.scenarios)
    arena.settle(core, action)
    assert all(now is not before for now, before in zip(core.scenarios, first, strict=True))
    assert len(set(core.age)) == 6
    # Every episode ends within its horizon, 512 steps.
    assert arena.run_steady(core, action, int(core.horizon.max())) >= 6
    assert (core.age < core.horizon).all()


def test_the_arena_s_figures_are_of_the_whole_step_first_and_of_moving_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arena, "_WORLD_STEPS", 64)
    ended: list[int] = []
    steady = arena.run_steady
    monkeypatch.setattr(arena, "run_steady", lambda *given: ended.append(steady(*given)))
    figures = arena.core_rates(2, 2, repeats=1)
    assert list(figures) == ["step, 2 threads", "advance, 2 threads", "step, CPU-s", "advance, CPU-s", "advance / step"]
    assert all(value > 0.0 for value in figures.values())
    assert figures["advance / step"] == pytest.approx(figures["advance, CPU-s"] / figures["step, CPU-s"])
    assert len(ended) == 5 and ended[0] >= 2  # to settle, and each of two twice
    assert min(arena.env_rate(repeats=1).values()) > 0.0


def test_a_race_is_to_the_success_that_both_reach_and_a_lucky_update_is_no_success() -> None:
    nan = float("nan")
    slow = [(2.0 * k, success) for k, success in enumerate([nan, nan, 0.2, 0.2, 0.4, 0.6, 0.6, 0.6, 0.6, 0.6], start=1)]
    fast = [(1.0 * k, success) for k, success in enumerate([nan, 1.0, 0.1, 0.1, 0.1, 0.7, 0.7, 0.7, 0.7, 0.7], start=1)]
    found = figures_of({"slow": slow, "fast": fast})
    key = "min to 60.0 %"
    # The last five of slow are 0.6 in the end; of fast (0.1 + 4 × 0.7) / 5 = 0.58 is not enough, the next is 0.7.
    assert found["slow"][key] == 20.0 and found["fast"][key] == 10.0
    assert found["fast"]["of the slower one"] == 0.5 and found["slow"]["success %"] == pytest.approx(60.0)


@pytest.mark.torch
def test_a_race_is_of_two_trainings_that_do_the_same() -> None:
    ours, plain = bench_race(updates=8, worlds=24).values()
    assert ours["updates"] == plain["updates"] == 8 and ours["min"] > 0.0 and plain["min"] > 0.0
    assert ours.keys() == plain.keys() and 0.0 <= ours["success %"] <= 100.0
    assert max(ours["of the slower one"], plain["of the slower one"]) == 1.0


def test_decisions_where_one_fits_are_timed_for_all_and_for_each() -> None:
    scenario = draw_family("bays", 0, robots=2)
    (every, clock), single = passages.times_of_all(scenario, 3), passages.times_of_one(scenario, 3)
    assert len(every) == len(clock) == 3 and len(single) == 6
    assert min(every + clock + single) > 0.0
