"""Calibration finds again what is known of simulated bodies, and says what a drive does not tell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from studies.calibration.calibrate import calibrate
from studies.calibration.drive import Drive, cut
from studies.calibration.interval import of_deviation, of_ratio
from studies.calibration.known_bodies import Body, drive_of
from studies.calibration.selftest import BODIES, COVERED, covered, selftest
from studies.calibration.text import errors_of, rounded, yaml_of
from swarm.errors import InputError
from swarm.model.dynamics import Kind


@pytest.mark.parametrize("body", BODIES, ids=lambda body: f"{body.kind.label}-{body.lag}")
def test_every_value_is_found_again(body: Body) -> None:
    rows = selftest([body], [3, 4])
    expected = {"dead_time", "lag", "slip", "position", "heading", "velocity", "rate", "age", "speed"}
    assert expected <= {row.name for row in rows}
    assert {row.name: row.worst for row in rows if row.worst > 1.0} == {}
    # At 95 % a few of some twenty may be outside.
    assert sum(row.inside for row in rows) >= 0.9 * sum(row.drives for row in rows)


@pytest.mark.slow
def test_the_intervals_hold_the_truth() -> None:
    rows = selftest(BODIES, range(100, 110))
    assert {(row.body, row.name): row.worst for row in rows if row.worst > 1.0} == {}
    assert min(covered(rows).values()) >= COVERED
    assert sum(row.inside for row in rows) >= 0.94 * sum(row.drives for row in rows)


def told(drive: Drive, commands: list[float]) -> Drive:
    """The same with these commands all the time; the states are those of a body that stands, or goes on and on."""
    speed = commands[0]
    states = drive.states.copy()
    rng = np.random.default_rng(0)
    states[:] = 0.0
    states[:, 0], states[:, 3] = speed * drive.measured, speed
    return replace(
        drive, commands=np.tile(commands, (len(drive.told), 1)),
        states=states + 0.01 * rng.standard_normal(states.shape),
    )  # fmt: skip


def test_a_constant_speed_tells_neither_dead_time_nor_lag_nor_turn_rate() -> None:
    drive = told(drive_of(Body(Kind.UNICYCLE), 0)[0], [0.4, 0.0])
    found = calibrate(drive)
    assert not {"dead_time", "lag", "turn_rate"} & set(found.values)
    assert found.values["slip"].holds(0.0) and found.values["speed"].value == pytest.approx(0.4, abs=0.01)
    text = " ".join(found.notes)
    for words in ("Not identifiable: dead time", "Not identifiable: lag", "No turns", "Commands hardly changed"):
        assert words in text
    pasted = yaml_of({0: found})
    assert "# lag: not shown" in pasted and "\n  lag:" not in pasted and "turn_rate" not in pasted


def test_a_robot_that_stands_tells_its_noise_alone() -> None:
    found = calibrate(told(drive_of(Body(Kind.SINGLE_INTEGRATOR), 0)[0], [0.0, 0.0]))
    assert set(found.values) == {"position", "heading", "velocity", "rate", "age"}
    assert found.values["position"].holds(0.01)
    assert any("hardly moved" in note for note in found.notes)
    assert "limits" not in yaml_of({0: found})


def test_what_no_log_shows_is_left_to_the_user() -> None:
    drive, _ = drive_of(Body(Kind.UNICYCLE), 5)
    # An offset of 20 cm all the time changes nothing that is found, and the text says so.
    shifted = replace(drive, states=drive.states + np.array([0.2, 0.2, 0.0, 0.0, 0.0]))
    here, there = calibrate(drive), calibrate(shifted)
    assert there.values["position"].value == pytest.approx(here.values["position"].value, rel=1e-3)
    (line,) = [line for line in yaml_of({0: there}).splitlines() if line.startswith("  position:")]
    assert "no log shows that" in line
    assert "sensing" not in errors_of([there]).declared()


def test_a_measurement_that_wanders_is_said_to() -> None:
    drive, _ = drive_of(Body(Kind.SINGLE_INTEGRATOR, position=0.002), 5)
    wander = 0.02 * np.sin(2.0 * drive.measured)[:, None] * np.array([1.0, 1.0, 0.0, 0.0, 0.0])
    found = calibrate(replace(drive, states=drive.states + wander))
    assert any("What remains wanders" in note and "position 0.002" in note for note in found.notes)
    assert found.values["dead_time"].holds(0.08) and found.values["lag"].holds(0.15)


def test_a_drive_that_is_too_short_is_refused() -> None:
    drive, _ = drive_of(Body(Kind.UNICYCLE, seconds=8.0), 0)
    with pytest.raises(InputError, match="simulated unicycle: got '2 windows"):
        calibrate(drive)
    with pytest.raises(InputError, match="0 commands"):
        calibrate(replace(drive, told=np.empty(0), commands=np.empty((0, 2))))


def test_windows_keep_clear_of_breaks_in_the_commands() -> None:
    drive, _ = drive_of(Body(Kind.UNICYCLE), 0)
    keep = (drive.told < 20.0) | (drive.told > 24.0)
    windows = cut(replace(drive, told=drive.told[keep], commands=drive.commands[keep]))
    assert len(windows.segments) == 2
    for index in windows.index:
        times = drive.measured[index]
        assert times.max() < 20.0 or times.min() > 24.0 + 1.0


def test_intervals_of_numbers_whose_spread_is_known() -> None:
    rng = np.random.default_rng(7)
    inside_mean = inside_deviation = 0
    for _ in range(200):
        numbers = rng.normal(3.0, 0.5, (12, 30))
        inside_mean += of_ratio(numbers.sum(axis=1), np.full(12, 30.0)).holds(3.0)
        inside_deviation += of_deviation(np.sum((numbers - 3.0) ** 2, axis=1), 360.0).holds(0.5)
    assert 180 <= inside_mean <= 200 and 180 <= inside_deviation <= 200


def test_bounds_are_rounded_to_their_side() -> None:
    assert rounded(0.012345) == 0.0124 and rounded(0.012345, up=False) == 0.0123 and rounded(0.0) == 0.0
