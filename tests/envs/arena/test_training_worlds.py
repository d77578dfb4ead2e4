"""How many robots the worlds of a training have, of those that are asked for."""

from __future__ import annotations

import numpy as np
import pytest

from envs.arena.training_worlds import STYLES, draw, training_worlds
from envs.scenarios import clutter
from swarm.errors import InputError
from swarm.scenario.scenario import Scenario

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
