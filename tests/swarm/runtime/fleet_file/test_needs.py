"""What the declared errors ask for, as a person reads it."""

import numpy as np
import pytest

from swarm.errors import InputError
from swarm.model.body import GROWTH, MARGIN, TOP_SPEED
from swarm.runtime.drivers.clocks import FARTHEST
from swarm.runtime.fleet_file.needs import needs_of, senses_of
from swarm.runtime.fleet_file.read import OLDEST, load_fleet

SCENARIO = """\
environment: {min: [0, 0], max: [9, 9]}
dt: 0.05
sensing_radius: 5
robots:
  - {type: unicycle, start: [1, 1, 0], goal: [8, 1], radius: 0.25, limits: {speed: 1, turn_rate: 4}}
"""
FLEET = """\
fleet: one
scenario: one.yaml
planner: straight
controller: fixed:2,1
margin: 0.02
driver: bullet
endpoints: 17400
physics: 127.0.0.1:17390
"""
ERRORS = "errors: {position: 0.01, slip: 0.1, age: 0.05, dead_time: 0.1, lag: 0.1}\n"


def load(folder, more="", scenario=SCENARIO):
    (folder / "one.yaml").write_text(scenario)
    (folder / "fleet.yaml").write_text(FLEET + more)
    return load_fleet(folder / "fleet.yaml")


def test_the_margin_that_is_needed_stands_beside_the_declared_one(tmp_path):
    """Of 1 m/s, a tenth goes elsewhere for 0.05 + 0.1 + 0.05 s and for the lag of 0.1 s: 30 mm, and 10 mm of place."""
    fleet = load(tmp_path, ERRORS)
    needs, keeps, drives = needs_of(fleet, 0)
    assert needs == "needs       a margin of 40 mm for a state 50 ms old, dead time 100 ms and a period of 50 ms"
    body = fleet.roster()[0].body
    assert body[MARGIN] == pytest.approx(0.04) and body[GROWTH] == pytest.approx(62.4e-3, abs=1e-4)
    assert "keeps       a margin of 40 mm, where 20 mm are declared, and 62.4 mm more for each period" in keeps
    assert body[TOP_SPEED] == 1.0 and drives == "drives      at most 1 m/s, by a sensing radius of 5 m"


def test_a_declared_margin_that_is_larger_is_kept(tmp_path):
    _, keeps, _ = needs_of(load(tmp_path, "errors: {position: 0.01}\n"), 0)
    assert "a margin of 20 mm, where 20 mm are declared" in keeps


def test_without_errors_the_time_that_the_margin_covers_is_said(tmp_path):
    """20 mm at 1 m/s: 20 ms."""
    fleet = load(tmp_path)
    (needs,) = needs_of(fleet, 0)
    assert [needs] == needs_of(load(tmp_path, "errors: {others: sensed}\n"), 0)
    assert "no errors are declared: 20 mm are driven in 20 ms" in needs


def test_a_clock_of_its_own_needs_a_period_more(tmp_path):
    (needs, *_) = needs_of(load(tmp_path, ERRORS + "clock: base\n"), 0)
    assert "45 mm for a state 100 ms old" in needs


def test_a_sensing_radius_that_slows_the_robot_is_said(tmp_path):
    short = SCENARIO.replace("sensing_radius: 5", "sensing_radius: 0.62")
    *_, drives = needs_of(load(tmp_path, "errors: {position: 0.01}\n", short), 0)
    top = load(tmp_path, "errors: {position: 0.01}\n", short).roster()[0].body[TOP_SPEED]
    assert top < 1.0 and f"at most {top:.3g} of 1 m/s, by a sensing radius of 0.62 m" in drives


def test_the_oldest_state_is_as_old_as_a_stamp_may_be(tmp_path):
    assert OLDEST == FARTHEST and np.isfinite(load(tmp_path, f"errors: {{age: {OLDEST}}}\n").roster()[0].body[MARGIN])
    with pytest.raises(InputError, match="at most 1 s"):
        load(tmp_path, f"errors: {{age: {OLDEST + 0.01}}}\n")


def test_declared_latency_and_loss_say_how_old_news_become_and_how_wide_others_count(tmp_path):
    """Of a hundred messages ten are lost: six in a row once in a million; there and back, with the wait for both."""
    fleet = load(tmp_path, "errors: {position: 0.01, latency: 0.1, loss: 0.1}\n")
    growth = fleet.roster()[0].body[GROWTH]
    _, _, hears, _ = needs_of(fleet, 0)
    assert hears.startswith("hears       news up to 1100 ms old (500 ms with none lost, 6 in a row at a loss of 10 %)")
    millimetres = [round(1e3 * growth * periods, 1) for periods in (22, 10)]
    assert f": {millimetres[0]:g} mm more around others ({millimetres[1]:g} mm with none lost); from 500 ms" in hears
    _, _, exact, _ = needs_of(load(tmp_path, "errors: {latency: 0.05}\n"), 0)
    assert exact == f"hears       news up to 400 ms old: {1e3 * growth * 8:g} mm more around others"
    assert len(needs_of(load(tmp_path, ERRORS), 0)) == 3


def test_how_far_to_sense_is_said_and_too_little_for_declared_strangers_refused(tmp_path):
    """Both radii, the margin, and a period each of the robot and of a stranger as large, at 1 and 1.5 m/s."""
    line = senses_of(load(tmp_path, "strangers: {speed: 1.5}\n"), 0)
    assert line == "senses      5 m; where robots are sensed, strangers of up to 1.5 m/s ask for 0.645 m"
    assert "1 m/s, the fastest here (faster ones for more), ask for" in senses_of(load(tmp_path), 0)
    assert senses_of(load(tmp_path, "strangers: {speed: 0}\n"), 0) == ""
    with pytest.raises(InputError, match=r"fleet\.yaml:9: strangers: sensing_radius: got 5\.0; valid"):
        load(tmp_path, "strangers: {speed: 100}\n")
