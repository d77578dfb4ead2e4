"""How many robots the worlds of a training have, of those that are asked for."""

from __future__ import annotations

import numpy as np
import pytest

from envs.arena.training_worlds import STYLES, draw

IN_PAIRS = ("merge", "door_swap", "door", "corridor")
"""Those whose rooms hold two robots each; swap has such rooms half of the time."""


@pytest.mark.parametrize("style", STYLES)
def test_of_an_odd_team_rooms_for_two_leave_out_one(style: str) -> None:
    sizes = {len(draw(np.random.default_rng(seed), 5, [style]).robots) for seed in range(3)}
    assert sizes <= ({4, 5} if style == "swap" else {4} if style in IN_PAIRS else {5})
