"""The moves are the same as a table, as a step from cell to cell, and as what is added to a flat cell."""

from __future__ import annotations

import pytest

from swarm.planning.graph.moves import DOWN, LEFT, MOVES, RIGHT, STAY, UP, flat_steps, moved


def test_moves_lead_up_down_left_and_right() -> None:
    cells = {move: moved(5, 7, move) for move in (STAY, UP, DOWN, LEFT, RIGHT)}
    assert cells == {STAY: (5, 7), UP: (4, 7), DOWN: (6, 7), LEFT: (5, 6), RIGHT: (5, 8)}


@pytest.mark.parametrize("columns", [2, 9])
def test_flat_steps_are_the_table(columns: int) -> None:
    assert list(flat_steps(columns)) == [row * columns + column for row, column in MOVES.tolist()]


@pytest.mark.parametrize("move", [-1, 5, 127])
def test_what_is_no_move_stays(move: int) -> None:
    assert moved(5, 7, move) == (5, 7)
