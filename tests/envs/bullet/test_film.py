"""Films in three dimensions: robots are where the camera says, behind what is in front of them, and rings are true."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
import pytest

from envs.bullet import env as bullet
from envs.bullet.film import Film, slowing_gap
from envs.bullet.stage import Stage
from envs.render.camera import Camera
from envs.scenarios import draw_family
from swarm import Kind, Limits, RobotSpec, Scenario, World
from swarm.array_types import Array, UInt8s
from swarm.filter.barriers import class_k
from swarm.filter.tunables import ROBOT_GAIN, ROBOT_POWER, SPEED, decode

pytestmark = pytest.mark.bullet

RED = (200, 30, 30)


def spec(x: float, y: float) -> RobotSpec:
    start, goals = np.array([x, y, 0.0, 0.0, 0.0]), np.array([[5.0, 5.0]])
    return RobotSpec(Kind.UNICYCLE, start, goals, radius=0.25, limits=Limits(speed=1.0, turn_rate=3.0))


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    world = World(np.array([0.0, 0.0, 10.0, 10.0]), boxes=np.array([[5.0, 4.0, 3.0, 0.5]]))
    made = Stage(Scenario(world, (spec(2.0, 2.0),), horizon=1.0, dt=0.05), [RED])
    yield made
    made.close()


def untouched(image: UInt8s) -> UInt8s:
    return image


def red(image: UInt8s) -> Array:
    """Where the image is of the robot's colour: rows, columns."""
    parts = image.astype(int)
    return np.argwhere((parts[..., 0] > parts[..., 1] + 60) & (parts[..., 0] > parts[..., 2] + 60)).astype(float)


@pytest.mark.parametrize("azimuth", [0.0, math.pi / 2])
@pytest.mark.parametrize("place", [(2.0, 2.0), (7.5, 8.0), (3.0, 6.5)])
def test_a_robot_is_where_the_camera_projects_it(stage: Stage, place: tuple[float, float], azimuth: float) -> None:
    camera = Camera(np.array([5.0, 5.0, 0.0]), azimuth, 1.0, 22.0, (320, 320))
    image = stage.picture(camera, stage.still(camera), np.array([[*place, 0.3, 0.0, 0.0]]), untouched)
    assert image.shape == (320, 320, 3)
    column, row, _ = camera.project(np.array([*place, 0.11]))[0]
    assert red(image).mean(axis=0) == pytest.approx((row, column), abs=2.0)


def test_a_robot_behind_a_shelf_is_hidden_and_in_front_of_it_is_not(stage: Stage) -> None:
    camera = Camera(np.array([5.0, 4.0, 0.0]), math.pi / 2, 0.35, 18.0, (320, 320))
    still = stage.still(camera)
    near, far = (stage.picture(camera, still, np.array([[5.0, y, 0.0, 0.0, 0.0]]), untouched) for y in (3.0, 4.85))
    assert len(red(near)) > 100
    assert len(red(far)) < 0.1 * len(red(near))


def test_what_is_drawn_on_the_floor_is_hidden_by_shelves(stage: Stage) -> None:
    camera = Camera(np.array([5.0, 5.0, 0.0]), 0.0, 1.0, 22.0, (320, 320))
    still, nobody = stage.still(camera), np.array([[500.0, 0.0, 0.0, 0.0, 0.0]])
    image = stage.picture(camera, still, nobody, lambda under: np.full_like(under, 7))
    assert ((image == 7).all(axis=2) == still.floor).all()
    column, row, _ = camera.project(np.array([5.0, 4.0, 0.5]))[0]
    assert not still.floor[round(row), round(column)]
    column, row, _ = camera.project(np.array([5.0, 8.0, 0.0]))[0]
    assert still.floor[round(row), round(column)]


@pytest.mark.parametrize("seed", range(5))
def test_the_ring_is_where_half_of_the_bound_is_the_wanted_speed(seed: int) -> None:
    tunables = decode(np.random.default_rng(seed).uniform(size=6))
    gap = slowing_gap(tunables, 1.5)
    bound = class_k(gap, tunables[ROBOT_GAIN], tunables[ROBOT_POWER])
    assert 0.5 * bound == pytest.approx(1.5 * tunables[SPEED])


@pytest.mark.parametrize("view", ["3d", "both"])
def test_a_film_has_a_picture_for_each_moment_and_changes_nothing(view: str) -> None:
    scenario = draw_family("door_swap", seed=3)
    runs = [bullet.start(scenario, planner="roadmap", controller="fixed:4,1", margin=0.01, seed=0) for _ in range(2)]
    film = Film(runs[0], view, 2)
    for _ in range(24):
        runs[0].tick()
        film.note(runs[0])
        runs[1].tick()
    frames = list(film.frames())
    film.close()
    assert len(frames) == len(film) > 3
    assert 10.0 < film.fps < 20.0
    assert {frame.shape for frame in frames} == {(800, 1280, 3) if view == "both" else (720, 1280, 3)}
    assert all((one != other).any() for one, other in itertools.pairwise(frames))
    assert (runs[0].states == runs[1].states).all()
    for run in runs:
        run.close()
