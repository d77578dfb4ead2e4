"""What a report measures: results survive JSON, hand rules get their best setting, batches fit into the memory."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from envs.arena.episodes import Episodes, draw_episodes, play, run_episodes
from envs.scenarios.parts import SLOW
from studies.report.online_cbf import measurements
from studies.report.online_cbf.measurements import (
    draw_of,
    drive,
    drive_rule,
    film,
    sweep_case,
    table_of,
    tracks_of,
    unpack,
)
from studies.report.online_cbf.smoothness import Smoothness
from swarm.model.dynamics import Kind
from swarm.tune.controllers import make_controller
from swarm.tune.observation import Observation

MOVING = {"family": "moving", "options": {"robots": 2, "movers": 1, "rude": 1, "obstacles": 2, "horizon": 3.0}}
MERGE = {"family": "merge", "options": {"horizon": 6.0}}
pytestmark = pytest.mark.usefixtures("one_thread")


def options(case: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"case": case, "planner": "straight", "episodes": 3, "seed": 5, **more}


def test_a_result_has_everything_that_is_reported() -> None:
    direct = run_episodes(draw_of(MOVING), make_controller("fixed:6,1"), 3, seed=5)
    again = unpack(json.loads(json.dumps(drive(options(MOVING, controller="fixed:6,1")), allow_nan=False)))
    assert again.figures() == pytest.approx(direct.figures())
    for name in ("safe", "reached", "counted", "deliveries", "outcomes", "steps", "horizon"):
        np.testing.assert_array_equal(getattr(again, name), getattr(direct, name))
    np.testing.assert_allclose(again.time, direct.time, atol=1e-3)


def test_who_swings_from_end_to_end_is_told_from_who_does_not() -> None:
    def swinging(period: int) -> Smoothness:
        calls = iter(range(10**6))

        def act(observation: Observation) -> Any:
            action = np.full((*observation.ego.shape[:-1], 6), 0.1)
            action[..., 0] = 0.9 if next(calls) % period == 0 else 0.1
            action[..., 5] = action[..., 0]
            return action

        watch = Smoothness(act)
        play(draw_episodes(draw_of(MERGE), 2, 3), watch, seed=3)
        return watch

    always, seldom, never = (swinging(period).figures() for period in (2, 20, 10**6))
    assert always["flips"] == 1.0 and seldom["flips"] == pytest.approx(0.1, abs=0.02) and never["flips"] < 0.03
    assert always["change"] > 3.0 * seldom["change"] > 3.0 * never["change"] >= 0.0


def test_cases_name_dynamics_and_limits() -> None:
    case = {"family": "clutter", "options": {"kind": "double_integrator", "limits": "slow", "robots": 2}}
    robots = draw_of(case)(np.random.default_rng(0)).robots
    assert all(robot.kind == Kind.DOUBLE_INTEGRATOR and robot.limits == SLOW for robot in robots)


def test_a_hand_rule_gets_the_setting_that_is_best_on_other_episodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Setting 2 is the best on the episodes for choosing, setting 1 on those that are measured."""
    runs = []

    def made_up(_: Any, controller: str, episodes: int, seed: int, **more: Any) -> Episodes:
        runs.append((controller, seed))
        good = controller.endswith(":2,1,2,1") == (seed == 6)
        reached = np.full((episodes, 2), good)
        return Episodes(
            np.ones_like(reached), reached, np.where(reached, 1.0, np.nan), reached.astype(int), np.ones((episodes, 2)),
            np.ones_like(reached), np.ones((episodes, 3), int), np.ones(episodes, int), np.full(episodes, 9.0),
        )  # fmt: skip

    monkeypatch.setattr(measurements, "_run", made_up)
    settings = [(1.0, 1.0, 1.0, 1.0), (2.0, 1.0, 2.0, 1.0)]
    result = drive_rule(options(MERGE, rule="wall_following", settings=settings, choice_episodes=2, choice_seed=6))
    assert result["controller"] == "wall_following:2,1,2,1"
    assert runs[-1] == ("wall_following:2,1,2,1", 5)
    assert not unpack(result).reached.any()


def test_shared_is_the_mean_of_the_team(monkeypatch: pytest.MonkeyPatch) -> None:
    action = np.random.default_rng(0).uniform(size=(2, 3, 6))
    monkeypatch.setattr(measurements, "_controller", lambda text: lambda observation: action)
    nothing = Observation(np.empty(0, np.float32), np.empty(0, np.float32), np.empty(0, bool))
    shared = measurements.policy_of("any", shared=True)(nothing)
    np.testing.assert_allclose(shared, np.repeat(action.mean(axis=1, keepdims=True), 3, axis=1))
    np.testing.assert_array_equal(measurements.policy_of("any")(nothing), action)


def test_the_sweep_keeps_its_tables_and_looks_closer_where_nothing_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measurements, "fine_grid", lambda: np.array([[20.0, 1.0, 5.0, 1.0], [1.0, 1.0, 5.0, 1.0]]))
    wanted = {"case": MERGE, "planner": "straight", "gains": 2, "powers": 1, "robots": 6, "seed": 1}
    result = json.loads(json.dumps(sweep_case({**wanted, "fine": True})))
    coarse, fine, finals = (table_of(result[name]) for name in ("coarse", "fine", "finals"))
    assert (len(coarse.settings), len(fine.settings), finals.episodes) == (4, 2, 4 * coarse.episodes)
    assert finals.seed != coarse.seed
    assert {s.parameters for s in finals.settings} == {s.parameters for s in (*coarse.settings, *fine.settings)}
    assert sweep_case({**wanted, "fine": False})["fine"] is None


def test_distance_fields_of_a_batch_fit_into_the_memory() -> None:
    large = {"family": "dense", "options": {"robots": 256}}
    assert measurements.worlds_at_once(large, "straight") == 16
    assert measurements.worlds_at_once(large, "roadmap") == 2


def test_a_film_shows_an_episode_in_which_the_second_does_better() -> None:
    wanted = options(
        {"family": "swap", "options": {"robots": 2, "horizon": 8.0}},
        controllers=["fixed:0.2,3", "random_rotation:20,1"], episodes=2,
    )  # fmt: skip
    result = json.loads(json.dumps(film(wanted)))
    timid, bold = result["tracks"]
    assert bold["reached"] == bold["of"] == 2 > timid["reached"]
    tracks = tracks_of(wanted, result)
    starts = np.array([robot.start for robot in tracks[0].scenario.robots])
    np.testing.assert_allclose(tracks[1].state[0], starts, atol=1e-4)
