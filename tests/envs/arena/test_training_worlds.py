"""What the worlds of a training refuse before they are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from envs.arena.training_worlds import IN_PAIRS, STYLES, draw, training_worlds
from swarm.errors import InputError


def test_an_odd_team_is_refused_for_rooms_of_two_with_one_line_that_says_so() -> None:
    with pytest.raises(InputError, match=r"robots: got 3; valid: an even number, as rooms of swap, .*, corridor hold"):
        training_worlds(0, 2, 3)


@pytest.mark.parametrize("style", sorted(set(STYLES) - set(IN_PAIRS)))
def test_styles_that_do_not_come_in_pairs_take_an_odd_team(style: str) -> None:
    for seed in range(3):
        assert len(draw(np.random.default_rng(seed), 5, [style]).robots) == 5
