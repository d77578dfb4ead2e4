"""Scale bars: of a round length, as long as they say."""

from __future__ import annotations

import numpy as np
import pygame
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.render.colours import INK
from envs.render.drawing import Painter
from envs.render.lettering import Lettering, round_length
from envs.render.scene import Scene


@given(st.floats(1e-3, 1e5))
def test_lengths_are_round_and_not_much_smaller_than_what_fits(most: float) -> None:
    length = round_length(most)
    assert 0.4 * most - 1e-12 < length <= most * (1.0 + 1e-6)
    assert f"{length:.3e}"[:5] in ("1.000", "2.000", "5.000")


@pytest.mark.parametrize(("unit", "length"), [(19.0, 5.0), (100.0, 1.0), (3.0, 50.0)])
def test_a_bar_is_as_long_as_it_says(unit: float, length: float) -> None:
    surface = pygame.Surface((800, 60), 0, 32)
    surface.fill((255, 255, 255))
    width = Lettering().scale_bar(surface, 10, 30, unit, 20)
    row = pygame.surfarray.array3d(surface)[:, 30]
    dark = np.flatnonzero((row == INK).all(axis=1))
    bar = dark[: np.flatnonzero(np.diff(dark) > 1)[0] + 1]
    assert bar[0] == pytest.approx(10, abs=1)
    assert bar[-1] - bar[0] == pytest.approx(length * unit, abs=2)
    assert dark[-1] <= 10 + width


def test_a_flat_picture_has_a_bar_of_its_own_scale() -> None:
    """34 m in 680 pixels: 20 pixels a metre, and 5 m are what fits below the world."""
    painter = Painter((0.0, 0.0, 34.0, 20.0), pixels=680)
    image = painter.frame(Scene(np.zeros((0, 5)), np.zeros((0, 2)), np.zeros(0)))
    below = image[painter.pixel((0.0, 0.0))[1] + 6 :, painter.pixel((0.0, 0.0))[0] - 2 :]
    rows = (np.abs(below.astype(int) - INK).sum(axis=2) < 60).sum(axis=1)
    assert rows.max() == pytest.approx(5 * 20, abs=12)  # and what of the text is on that row
    assert painter.pixel((5.0, 0.0))[0] - painter.pixel((0.0, 0.0))[0] == 100
