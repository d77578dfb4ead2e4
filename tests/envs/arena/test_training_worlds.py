"""What the worlds of a training have: robots, of those that are asked for, and errors of their own."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest

from envs.arena.errors import PERIODS, RADII
from envs.arena.training.styles import STYLES, draw
from envs.arena.training.worlds import TrainingArena, training_worlds
from envs.scenarios import clutter
from swarm.errors import InputError
from swarm.model.error_bounds import EXACT, ErrorBounds
from swarm.scenario.scenario import Scenario
from swarm.tune.observation import EGO_EXACT

IN_PAIRS = ("merge", "door_swap", "door", "corridor")
"""Those whose rooms hold two robots each; swap has such rooms half of the time."""


@pytest.mark.parametrize("style", STYLES)
def test_of_an_odd_team_rooms_for_two_leave_out_one(style: str) -> None:
    sizes = {len(draw(np.random.default_rng(seed), 5, [style]).robots) for seed in range(3)}
    assert sizes <= ({4, 5} if style == "swap" else {4} if style in IN_PAIRS else {5})


def varied(rng: np.random.Generator) -> Scenario:
    return clutter.draw(rng, robots=int(rng.integers(2, 7)), obstacles=0)


def test_families_are_asked_for_robots_and_refuse_what_they_cannot() -> None:
    reference = f"{__file__}:varied"
    for robots, most in ((None, 8), (3, 3), (12, 12)):
        worlds = training_worlds(0, 2, robots, families=["clutter"])
        assert worlds.num_robots == most and {len(one.robots) for one in worlds.scenarios} == {most}
    worlds = training_worlds(0, 16, families=[reference, "door_swap"])
    assert worlds.num_robots == 8 and {len(one.robots) for one in worlds.scenarios} > {2}
    with pytest.raises(InputError, match=r"--robots: got 3; valid: left out: the family has no argument 'robots'"):
        training_worlds(0, 2, 3, families=["clutter", reference])
    worlds = training_worlds(0, 2, 3, families=["door_swap"])
    assert worlds.num_robots == 3 and {len(one.robots) for one in worlds.scenarios} == {2}


def declared(worlds: TrainingArena) -> list[ErrorBounds]:
    return [scenario.errors for scenario in worlds.scenarios]


def test_a_share_of_the_worlds_declares_bounds_within_the_largest() -> None:
    worlds = training_worlds(3, 200, 4, styles=["clutter", "mixed", "open"], errors_drawn=0.4)
    some = [(scenario, scenario.errors) for scenario in worlds.scenarios if scenario.errors != EXACT]
    assert 60 <= len(some) <= 100
    for name, most in (
        ("position", RADII),
        ("age", PERIODS),
        ("dead_time", PERIODS),
        ("latency", PERIODS),
        ("lag", PERIODS),
    ):
        unit = [min(robot.radius for robot in one.robots) if most is RADII else one.dt for one, _ in some]
        shares = np.array([getattr(errors, name) for _, errors in some]) / np.array(unit) / most[name]
        assert 0.0 < shares.min() < 0.1 and 0.9 < shares.max() <= 1.0, name
    alike = [math.isclose(errors.loss / 0.2, errors.slip / 0.1) for _, errors in some]
    assert 0.35 < np.mean(alike) < 0.65  # all at once
    assert 0.15 < max(errors.loss for _, errors in some) <= 0.2
    assert 0.08 < max(errors.slip for _, errors in some) <= 0.1
    for errors, seen in zip(declared(worlds), worlds.observe().ego[..., EGO_EXACT:], strict=True):
        assert seen.all() == (errors != EXACT) == seen.any()


def test_without_errors_the_worlds_are_those_that_were_drawn_before() -> None:
    plain, none = training_worlds(5, 16), training_worlds(5, 16, errors_drawn=0.0)
    action = np.full((16, 8, 6), 0.5)
    for _ in range(5):
        first, second = plain.step(action), none.step(action)
        assert all(np.array_equal(a, b) for a, b in zip(first[0], second[0], strict=True))
        assert np.array_equal(first[1], second[1])


def test_worlds_that_declare_errors_go_on_exactly_and_are_drawn_again_alike() -> None:
    make = partial(training_worlds, 7, 12, 4, styles=["swap", "door"], errors_drawn=0.5)
    worlds, other, rng = make(), make(), np.random.default_rng(0)
    worlds.reset()
    actions = rng.random((30, 12, 4, 6))
    for action in actions[:15]:
        worlds.step(action)
    other.load_state_dict(worlds.state_dict())
    assert declared(other) == declared(worlds) and len(set(declared(worlds))) > 3
    for action in actions[15:]:
        (first, *_), (second, *_) = worlds.step(action), other.step(action)
        assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    began = [worlds.begin(11), declared(worlds), worlds.step(actions[0])[0]]
    again = [worlds.begin(11), declared(worlds), worlds.step(actions[0])[0]]
    assert began[1] == again[1]
    for k in (0, 2):
        assert all(np.array_equal(a, b) for a, b in zip(began[k], again[k], strict=True))
