"""Meetings: those who drive towards each other are found, and nobody else."""

from __future__ import annotations

import numpy as np

from envs.rollout.meetings import Meeting, meetings, nearest

RADII = np.full(4, 0.25)


def passing(count: int = 41) -> np.ndarray:
    """Robots 0 and 2 pass each other at the middle sample; 1 stands near 3; nobody else is near."""
    x = np.linspace(-4.0, 4.0, count)
    track = np.zeros((count, 4, 2))
    track[:, 0], track[:, 2] = np.column_stack([x, 0 * x]), np.column_stack([-x, 0.7 + 0 * x])
    track[:, 1], track[:, 3] = (20.0, 20.0), (20.6, 20.0)
    return track


def test_those_who_pass_each_other_are_found_before_they_are_past() -> None:
    (found,) = meetings(passing(), RADII, apart=40)
    assert found.pair == (0, 2)
    assert 17 <= found.at <= 20


def test_who_stands_beside_another_meets_nobody() -> None:
    track = passing()
    track[:, 0] = (0.0, -30.0)
    assert meetings(track, RADII, apart=5) == []


def test_nobody_meets_alone() -> None:
    assert meetings(np.zeros((9, 1, 2)), RADII[:1], apart=3) == []


def test_meetings_are_apart_and_in_order() -> None:
    track = np.concatenate([passing(), passing()[::-1], passing()])
    found = meetings(track, RADII, apart=30)
    assert len(found) >= 3
    assert np.diff([one.at for one in found]).min() >= 30


def test_each_sample_shows_the_nearest_meeting() -> None:
    chosen = [Meeting(4, (0, 1)), Meeting(10, (2, 3))]
    assert nearest(chosen, 12).tolist() == [0] * 8 + [1] * 4
