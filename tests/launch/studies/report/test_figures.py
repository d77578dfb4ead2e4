"""Plots of reports: files that are there, small, and not empty."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from envs.arena.episodes import Track
from envs.scenarios import draw_family
from studies.report import figures
from studies.report.online_cbf.pictures import who_goes_first


def track(family: str, steps: int = 120) -> Track:
    """Everybody drives straight to the goal, the first robot at double pace."""
    scenario = draw_family(family, 0)
    starts = np.array([robot.start for robot in scenario.robots])
    goals = np.array([robot.goals[-1] for robot in scenario.robots])
    pace = np.where(np.arange(len(starts)) == 0, 2.0, 1.0)
    share = np.minimum(np.linspace(0.0, 1.0, steps + 1)[:, None] * pace, 1.0)[..., None]
    state = np.repeat(starts[None], steps + 1, axis=0)
    state[..., :2] += share * (goals - starts[:, :2])
    action = np.full((steps, len(starts), 6), 0.5)
    action[:, 0, 0] = 1.0
    return Track(scenario, state, action, np.zeros(action.shape[:2], np.int64))


def check(path: Path) -> None:
    image = imread(path)
    assert path.stat().st_size < 150_000
    assert min(image.shape[:2]) > 200
    assert image[..., :3].std() > 0.02


def test_trajectories(tmp_path: Path) -> None:
    pairs = [[(f"{family} {k}", track(family)) for k in range(2)] for family in ("clutter", "moving", "swap")]
    figures.trajectories(tmp_path / "new" / "trajectories.png", pairs)
    check(tmp_path / "new" / "trajectories.png")


def test_choices_of_two_robots(tmp_path: Path) -> None:
    figures.choices(tmp_path / "meeting.png", track("merge"), "merge")
    check(tmp_path / "meeting.png")


def test_success_against_team_size(tmp_path: Path) -> None:
    figures.team_sizes(tmp_path / "sizes.png", {"online": {8: 100.0, 64: 99.0}, "fixed": {8: 99.0, 1024: 82.7}})
    check(tmp_path / "sizes.png")


@pytest.mark.parametrize(("first", "gain"), [(0, "20.0/s"), (1, "2.0/s")])
def test_who_goes_first(first: int, gain: str) -> None:
    film = track("door_swap")
    if first == 1:
        film.state[:, 0] = film.state[0, 0]  # never leaves
    words = f"Robot {first} is there first; until then its gain for robots is {gain}"
    assert who_goes_first(film).startswith(words)
