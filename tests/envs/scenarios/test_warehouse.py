"""The warehouse can be as small as one shelf: its parts are laid out as all of it."""

from __future__ import annotations

import numpy as np
import pytest

from envs.scenarios import warehouse
from swarm.errors import InputError
from swarm.scenario.grid_map import GridMap


@pytest.mark.parametrize(("shelves", "shape"), [((4, 7), (22, 34)), ((2, 3), (10, 18)), ((1, 1), (4, 10))])
def test_a_part_has_so_many_shelves(shelves: tuple[int, int], shape: tuple[int, int]) -> None:
    part = warehouse.draw(np.random.default_rng(0), robots=3, shelves=shelves).world.grid
    whole = GridMap.from_movingai(warehouse.MAP)
    assert part is not None and part.free.shape == shape
    assert (part.free == whole.free[: shape[0], : shape[1]]).all() and (part.free[-1] == part.free[0]).all()


def test_more_shelves_than_there_are() -> None:
    with pytest.raises(InputError, match=r"warehouse: shelves: got \(5, 7\); valid: 1 to 4 beside, 1 to 7 behind"):
        warehouse.draw(np.random.default_rng(0), shelves=(5, 7))
