"""The sweep: its rows are what each setting comes to alone, and the best are chosen from the whole table."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from envs.arena.episodes import run_episodes
from envs.commands.evaluation.sweep import (
    Setting,
    SweepTable,
    best_fixed,
    best_single,
    fine_grid,
    full_grid,
    gains,
    load_tables,
    save_tables,
    sweep,
)
from envs.scenarios import swap
from swarm.errors import InputError
from swarm.tune.controllers import make_controller

SWAP = partial(swap.draw, robots=3, horizon=6.0)


@pytest.fixture(scope="module")
def table() -> SweepTable:
    return sweep(SWAP, full_grid(2, 2), 3, seed=4, family="swap")


@pytest.mark.usefixtures("one_thread")
def test_each_row_is_what_its_setting_comes_to_alone(table: SweepTable, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(table.settings) == 16 and (table.robots, table.episodes) == (3, 3)
    for row in (table.settings[0], table.settings[6], table.settings[15]):
        controller = make_controller("fixed:" + ",".join(map(str, row.parameters)))
        figures = run_episodes(SWAP, controller, 3, seed=4).figures()
        for name in ("safe", "reached", "success", "complete", "time", "clearance"):
            assert getattr(row, name) == pytest.approx(figures[name], abs=1e-12), name
        assert row.deliveries == row.reached, "one goal each"
    assert len({row.time for row in table.settings}) > 3
    monkeypatch.setattr("envs.commands.evaluation.sweep._EPISODES_AT_ONCE", 15)
    calls: list[int] = []
    assert sweep(SWAP, full_grid(2, 2), 3, seed=4, family="swap", report=calls.append) == table
    assert calls == [5, 5, 5, 1]


def test_the_grids() -> None:
    full, fine = full_grid(7, 3), fine_grid()
    assert full.shape == (21 * 21, 4) and len(np.unique(full, axis=0)) == 441
    assert fine.shape == (5 * 375, 4)
    np.testing.assert_array_equal(fine[:375, :2], fine[:375, 2:])
    for grid in (full, fine):
        np.testing.assert_array_equal(grid[:, :2].min(axis=0), [0.2, 1.0])
        np.testing.assert_array_equal(grid[:, :2].max(axis=0), [20.0, 3.0])
    assert np.allclose(gains(3), [0.2, 2.0, 20.0]) and gains(1).tolist() == [2.0]


def row(gain: float, success: float, time: float, deliveries: float = 1.0) -> Setting:
    return Setting(gain, 1.0, gain, 1.0, 1.0, success, success, success, time, 0.1, deliveries)


def tables() -> list[SweepTable]:
    first = SweepTable("a", "straight", 0, 1, 2, (row(1.0, 0.9, 5.0), row(2.0, 0.9, 4.0), row(3.0, 0.5, 1.0)))
    return [first, replace(first, family="b", settings=(row(1.0, 0.9, 5.0), row(2.0, 0.6, 5.0), row(4.0, 1.0, 1.0)))]


def test_the_best() -> None:
    first, second = tables()
    assert best_fixed(first).robot_gain == 2.0, "ties by time"
    lifelong = replace(first, settings=(row(1.0, 0.0, 9.0, 3.5), row(2.0, 0.0, 9.0, 3.0)))
    assert best_fixed(lifelong).robot_gain == 1.0, "where nobody is ever done, by deliveries"
    assert best_fixed(second).robot_gain == 4.0
    assert best_single([first, second])[0] == 1.0, "over both, of the settings that both have"
    with pytest.raises(InputError, match="in common"):
        best_single([first, replace(second, settings=second.settings[2:])])
    with pytest.raises(InputError, match="in common"):
        best_single([])


def test_tables_are_kept(table: SweepTable, tmp_path: Path) -> None:
    path = tmp_path / "out" / "sweep.json"
    save_tables(path, [table, *tables()])
    again = load_tables(path)
    assert again[1:] == tables()
    assert [row.parameters for row in again[0].settings] == [row.parameters for row in table.settings]
    for one, other in zip(again[0].settings, table.settings, strict=True):
        assert one.time == pytest.approx(other.time, rel=1e-5)
    assert best_fixed(again[0]).parameters == best_fixed(table).parameters
    path.write_text("[1]")
    for bad in (path, tmp_path / "none.json"):
        with pytest.raises(InputError, match="written by evaluate"):
            load_tables(bad)


def test_wrong_settings() -> None:
    for settings in (np.ones((2, 3)), np.ones(4), np.empty((0, 4))):
        with pytest.raises(InputError, match="robot_gain"):
            sweep(SWAP, settings, 1, seed=0)
