"""Robots that say nothing close the slice that they are in; who only speaks later does not."""

from __future__ import annotations

import numpy as np

from envs.scenarios import draw_family
from swarm.planning.passages.right_of_way import intent_of
from swarm.planning.passages.silent import Silent
from swarm.planning.passages.slices import slices_of
from swarm.planning.passages.team import sizes_of
from swarm.sense.neighbours import N_ID, N_RADIUS, N_X, N_Y, NEIGHBOUR
from swarm.sense.view import View


def test_a_slice_is_closed_until_who_stands_in_it_speaks() -> None:
    scenario = draw_family("bays", 2)
    slices = slices_of(scenario.world, sizes_of(scenario))
    rows, columns = np.nonzero(slices.labels == 1)
    row = np.zeros((1, NEIGHBOUR))
    row[0, [N_X, N_Y]] = slices.origin + (np.array([columns[0], rows[0]]) + 0.5) * slices.resolution
    row[0, N_RADIUS], row[0, N_ID] = scenario.robots[0].radius, 3
    silent, told = Silent(0.05), {3: intent_of(
        tick=1, held=[1], claim=0, claim_priority=0, priority=0, arrival=0, leaving=False, ahead=[1]
    )}  # fmt: skip
    silent.update(View(0.0, np.zeros(5), np.ones(2), row), {})
    assert silent.closed(slices) == {1}
    silent.update(View(0.05, np.zeros(5), np.ones(2), row), told)
    assert not silent.closed(slices)
    silent.update(View(0.1, np.zeros(5), np.ones(2), row), {})
    silent.update(View(9.0, np.zeros(5), np.ones(2), row[:0]), {})
    assert silent.closed(slices) == {1}  # it is remembered
