"""Batched episodes: the same for every policy and every batch size, and what the tracks say."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Literal

import numpy as np
import pytest

from envs.arena.core import ArenaCore
from envs.arena.episodes import Episodes, draw_episodes, run_episodes
from envs.arena.inexact.arrays import CHECKS
from envs.scenarios import clutter, moving, swap
from swarm.errors import InputError
from swarm.model.error_bounds import ErrorBounds
from swarm.scenario.scenario import Scenario
from swarm.tune.controllers import make_controller
from swarm.tune.memory import blank
from swarm.tune.observation import Observation

pytestmark = pytest.mark.usefixtures("one_thread")
FIGURES = ("safe", "reached", "reach_time", "deliveries", "min_clearance", "counted", "outcomes", "steps")
SMALL = partial(clutter.draw, robots=4, obstacles=4, side=2.0, horizon=4.0)


def run(count: int, **options: object) -> Episodes:
    return run_episodes(SMALL, make_controller("random_rotation:6,1"), count, seed=3, **options)  # type: ignore[arg-type]


def test_the_batch_changes_nothing() -> None:
    whole, single, few = run(5), run(5, worlds_at_once=1), run(3, worlds_at_once=2)
    for name in FIGURES:
        np.testing.assert_array_equal(getattr(single, name), getattr(whole, name), err_msg=name)
        np.testing.assert_array_equal(getattr(few, name), getattr(whole, name)[:3], err_msg=name)


@pytest.mark.parametrize("others", ["heard", "sensed"])
def test_the_batch_changes_no_error(others: Literal["heard", "sensed"]) -> None:
    errors = ErrorBounds(
        position=0.004, heading=0.02, velocity=0.01, sensing=0.003, age=0.03, latency=0.06, loss=0.2, dead_time=0.02,
        lag=0.04, slip=0.05, others=others,
    )  # fmt: skip

    def draw(rng: np.random.Generator) -> Scenario:
        # Some worlds are exact, so that not all draw the same kinds of errors, and end at other times.
        scenario = SMALL(rng, horizon=float(rng.choice([1.5, 3.0])))
        return replace(scenario, errors=errors if rng.random() < 0.7 else replace(errors, position=0.0, loss=0.0))

    one, three, all_of_them = (
        run_episodes(draw, make_controller("fixed:6,1"), 8, seed=3, worlds_at_once=worlds, checks=CHECKS)
        for worlds in (1, 3, 8)
    )
    for name in FIGURES:
        np.testing.assert_array_equal(getattr(three, name), getattr(one, name), err_msg=name)
        np.testing.assert_array_equal(getattr(all_of_them, name), getattr(one, name), err_msg=name)
    other = run_episodes(draw, make_controller("fixed:6,1"), 8, seed=4, checks=CHECKS)
    assert not np.array_equal(other.min_clearance, one.min_clearance)


def test_every_episode_has_its_own_seed() -> None:
    first, again, other = (
        [scenario.robots[0].start.tolist() for scenario in draw_episodes(SMALL, 3, seed)] for seed in (3, 3, 4)
    )
    assert first == again
    assert len({tuple(start) for start in first + other}) == 6


def test_the_tracks_tell_the_same() -> None:
    result = run(4, record=2, worlds_at_once=3)
    assert len(result.tracks) == 2
    for k, track in enumerate(result.tracks):
        steps, dt = int(result.steps[k]), track.scenario.dt
        assert track.state.shape == (steps + 1, 4, 5) and track.action.shape == (steps, 4, 6)
        assert np.bincount(track.outcome.ravel(), minlength=3).tolist() == result.outcomes[k].tolist()
        for i, robot in enumerate(track.scenario.robots):
            np.testing.assert_array_equal(track.state[0, i], robot.start)
            away = np.linalg.norm(track.state[1:, i, :2] - robot.goals[0], axis=1)
            there = np.flatnonzero(away <= 2.0 * robot.radius)
            assert result.reached[k, i] == bool(len(there))
            if len(there):
                assert result.reach_time[k, i] == pytest.approx((there[0] + 1) * dt)
            at = track.state[1:, :, :2]
            gaps = [np.linalg.norm(at[:, i] - at[:, j], axis=1) - 0.1 for j in range(4) if j != i]
            gaps.append(track.scenario.world.clearance(at[:, i]) - 0.05)
            assert result.min_clearance[k, i] == pytest.approx(min(gap.min() for gap in gaps), abs=1e-9)
        assert steps * dt == pytest.approx(result.reach_time[k].max() if result.reached[k].all() else 4.0, abs=dt)


def test_figures_of_robots_that_do_not_cooperate() -> None:
    draw = partial(moving.draw, robots=3, movers=1, rude=1, obstacles=2, horizon=3.0)
    result = run_episodes(draw, make_controller("fixed:6,1"), 2, seed=0)
    assert 0 < result.counted.sum() < result.counted.size
    figures = result.figures()
    assert figures["success"] == (result.safe & result.reached)[result.counted].mean()
    assert figures["time"] == np.where(result.reached, result.reach_time, 3.0)[result.counted].mean()
    assert figures["safe"] == result.safe.mean() == 1.0
    assert result.complete.tolist() == [result.reached[k, result.counted[k]].all() for k in range(2)]


def test_without_the_filter_robots_collide_and_that_is_no_success() -> None:
    draw = partial(swap.draw, robots=6, horizon=8.0)
    result = run_episodes(draw, make_controller("fixed:6,1"), 2, seed=0, filtered=False)
    assert result.reached.all() and not result.safe.all()
    assert (result.success == result.safe).all() and result.figures()["min_clearance"] < 0.0


def test_the_roadmap_leads_around() -> None:
    straight, roadmap = (
        run_episodes(SMALL, make_controller("fixed:6,1"), 12, seed=1, planner=name).figures()
        for name in ("straight", "roadmap")
    )
    assert roadmap["success"] > straight["success"]


def wrong_shape(observation: Observation) -> np.ndarray:
    return np.full(6, 0.5)


def no_number(observation: Observation) -> np.ndarray:
    return np.full((*observation.ego.shape[:-1], 6), np.nan)


@pytest.mark.parametrize(
    ("draw", "policy", "episodes", "text"),
    [(SMALL, no_number, 0, "episodes"), (SMALL, wrong_shape, 1, "actions"), (SMALL, no_number, 1, "actions")],
)  # fmt: skip
def test_wrong_input(draw: object, policy: object, episodes: int, text: str) -> None:
    with pytest.raises(InputError, match=text):
        run_episodes(draw, policy, episodes, seed=0)  # type: ignore[arg-type]


def test_a_robot_that_gets_a_new_goal_in_its_last_step_is_observed() -> None:
    """Nothing is remembered of the goal then, and where an episode is over nobody plans: no feature is infinite."""
    core = ArenaCore(SMALL, worlds=2, seed=0, redraw=False)
    core.reset()
    core.memory[1, 0], core.moved[:] = blank(), False
    core.plan()
    observation = core.observe()
    assert np.isfinite(observation.ego).all()
