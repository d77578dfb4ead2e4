"""Coarser physics steps: robots follow their commands nearly as well, and touches are still seen."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest

import envs
from envs.bullet.engine import ASSETS
from envs.bullet.env import BulletEnv
from envs.bullet.world import BulletWorld
from swarm.array_types import Array
from swarm.errors import InputError
from swarm.model.dynamics import Kind, Limits
from swarm.scenario.urdf.body import wheeled_body

pytestmark = pytest.mark.bullet
COARSE = 60.0  # [Hz]
LIMITS = Limits(1.0, turn_rate=4.0)
SINGLE, DOUBLE, UNICYCLE = Kind


def team(*starts: tuple[float, float, float], physics_hz: float | None = COARSE, **options: Any) -> BulletWorld:
    """Wheeled robots of 0.25 m at (x, y, heading)."""
    count = len(starts)
    rows = np.column_stack([np.array(starts), np.zeros((count, 2))])
    return BulletWorld(
        rows, np.full(count, 0.25), [UNICYCLE] * count, LIMITS, np.zeros((0, 5)), physics_hz=physics_hz, **options
    )


def drive(world: BulletWorld, command: tuple[float, float], periods: int) -> Array:
    """The states of robot 0 after each period in which all robots have this command."""
    states = []
    for _ in range(periods):
        world.step(np.tile(command, (world.num_robots, 1)))
        states.append(world.state()[0])
    return np.array(states)


def forward(states: Array) -> Array:
    return states[:, 3] * np.cos(states[:, 2]) + states[:, 4] * np.sin(states[:, 2])


@pytest.mark.parametrize("command", [(1.0, 0.0), (0.0, 4.0), (0.5, -3.0), (1.0, 2.0), (-0.6, 1.0)])
def test_speed_and_turn_rate_are_followed_within_0_05_and_6_percent(command: tuple[float, float]) -> None:
    with team((0.0, 0.0, 0.7)) as world:
        assert world.substeps == 3
        states = drive(world, command, 30)
    rates = np.diff(np.unwrap(states[:, 2])) / 0.05
    assert np.abs(rates[2:] - command[1]).max() < 0.06 * abs(command[1]) + 0.005
    assert np.abs(forward(states)[3:] - command[0]).max() < 0.05


@pytest.mark.parametrize("seed", [None, 3])
def test_a_robot_alone_drives_and_brakes_as_by_default_within_3_cm_and_3_degrees(seed: int | None) -> None:
    with team((1.0, 2.0, 0.7), seed=seed) as world, team((1.0, 2.0, 0.7), physics_hz=None, seed=seed) as usual:
        for command in ((1.0, 0.0), (0.0, 0.0), (0.0, 2.0), (-0.8, 0.0), (0.0, 0.0)):
            one, other = drive(world, command, 20), drive(usual, command, 20)
            assert np.abs(one[:, :2] - other[:, :2]).max() < 0.03
            assert np.abs(np.unwrap(one[:, 2]) - np.unwrap(other[:, 2])).max() < math.radians(3.0)
        assert np.ptp(one[-10:, :2], axis=0).max() < 2e-3  # it stands, and rocks a little between its casters


@pytest.mark.parametrize("kind", [SINGLE, DOUBLE])
def test_discs_follow_as_well(kind: Kind) -> None:
    limits = Limits(1.0, acceleration=2.0) if kind == DOUBLE else Limits(1.0)
    with BulletWorld(np.zeros((1, 5)), np.array([0.25]), [kind], limits, np.zeros((0, 5)), physics_hz=COARSE) as world:
        states = drive(world, (0.6, -0.3), 20)
        passed = 0.05 * np.arange(1, 21)[:, None] if kind == DOUBLE else 1.0
        assert np.allclose(states[2:, 3:], (np.array((0.6, -0.3)) * passed)[-18:], atol=0.02)


def test_a_robot_of_ones_own_follows_as_well() -> None:
    body = wheeled_body(ASSETS / "cart.urdf", ["left_axle"], ["right_axle"])
    made_of = np.zeros((1, 5)), np.array([body.reach]), [UNICYCLE], Limits(0.5, turn_rate=3.0), np.zeros((0, 5))
    for speed, turn_rate in ((0.5, 0.0), (0.0, 3.0), (0.4, 2.0)):
        with BulletWorld(*made_of, physics_hz=COARSE, urdfs=[body]) as world:
            states = drive(world, (speed, turn_rate), 30)
        assert np.abs(forward(states)[5:] - speed).max() < 0.03
        assert np.abs(np.diff(np.unwrap(states[:, 2]))[5:] / 0.05 - turn_rate).max() < 0.06 * turn_rate + 0.005


@pytest.mark.parametrize("physics_hz", [COARSE, 40.0, None])
def test_two_that_meet_without_the_filter_touch_once(physics_hz: float | None) -> None:
    with team((0.0, 0.0, 0.0), (2.0, 0.02, math.pi), physics_hz=physics_hz) as world:
        for period in range(40):
            world.step(np.array([[1.0, 0.0], [1.0, 0.0]]))
            if period < 10:
                assert world.collisions == 0 and world.contacts().shape == (0, 2)
        assert world.collisions == 1 and world.contacts().tolist() == [[0, 1]]


def test_the_usual_number_of_steps_is_that_of_240_hz_and_a_copy_has_the_same() -> None:
    with team((0.0, 0.0, 0.0), physics_hz=240.0) as given, team((0.0, 0.0, 0.0), physics_hz=None) as usual:
        assert given.substeps == usual.substeps == 12
        assert np.array_equal(drive(given, (1.0, 2.0), 10), drive(usual, (1.0, 2.0), 10))
    with team((0.0, 0.0, 0.0), physics_hz=None, control_dt=0.03) as odd:
        assert odd.substeps == 7
    with team((0.0, 0.0, 0.0)) as world:
        drive(world, (1.0, 2.0), 5)
        with copy.deepcopy(world) as again:
            assert again.substeps == 3
            assert np.array_equal(drive(again, (1.0, 2.0), 5), drive(world, (1.0, 2.0), 5))


@pytest.mark.parametrize("wrong", [0.0, -60.0, math.nan, math.inf, 50.0, 61.0, 20.0, 1e9])
def test_steps_that_are_no_whole_number_or_too_long_are_refused(wrong: float) -> None:
    valid = r"physics_hz: got \S+; valid: a multiple of 20 Hz \(.*\), at least 40 Hz for .*, at most 10000 Hz"
    with pytest.raises(InputError, match=valid):
        team((0.0, 0.0, 0.0), physics_hz=wrong)


@pytest.mark.parametrize(
    ("limits", "radius", "least"),
    [(Limits(0.5, turn_rate=1.0), 0.25, 20), (Limits(1.0, turn_rate=12.0), 0.25, 120), (LIMITS, 0.06, 180)],
)
def test_faster_and_smaller_robots_need_shorter_steps(limits: Limits, radius: float, least: float) -> None:
    made_of = np.zeros((1, 5)), np.array([radius]), [UNICYCLE], limits, np.zeros((0, 5))
    with pytest.raises(InputError, match=f"at least {least:g} Hz"):
        BulletWorld(*made_of, physics_hz=10.0)
    BulletWorld(*made_of, physics_hz=least).close()


def test_the_environment_takes_them_and_refuses_wrong_ones() -> None:
    env = envs.make("bullet_v0", physics_hz=60)
    env.reset(seed=1)
    assert isinstance(env, BulletEnv) and env.run is not None
    assert isinstance(env.run.plant, BulletWorld) and env.run.plant.substeps == 3
    env.close()
    with pytest.raises(InputError, match="physics_hz: got 70"):
        envs.make("bullet_v0", physics_hz=70).reset(seed=1)
