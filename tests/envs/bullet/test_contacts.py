"""Tests for wheels that stand on the ground in one point each."""

import copy
from collections import Counter

import numpy as np
import pytest

from envs.bullet.bodies.body import GROUND, WHEEL
from envs.bullet.engine import ASSETS, bullet, connect, disconnect
from envs.bullet.ground import add_ground
from envs.bullet.world import BulletWorld
from swarm.array_types import Array
from swarm.model.dynamics import Kind, Limits

pytestmark = pytest.mark.bullet

HULL, WHEELS = -1, (0, 1)


def wheeled(starts: Array) -> BulletWorld:
    """Robots of 0.25 m at rows of x, y, heading."""
    count = len(starts)
    rows, limits = np.column_stack([starts, np.zeros((count, 2))]), Limits(1.0, turn_rate=4.0)
    return BulletWorld(rows, np.full(count, 0.25), [Kind.UNICYCLE] * count, limits, np.zeros((0, 5)))


def points(client: int) -> Counter[tuple[int, int]]:
    """How many points of contact each link of each body has with anything."""
    found = Counter[tuple[int, int]]()
    for _, first, second, one, other, *_ in bullet.getContactPoints(physicsClientId=client):
        found.update([(first, one), (second, other)])
    return found


def test_a_wheel_that_rolls_stands_in_one_point_in_a_copy_too() -> None:
    starts, commands = np.zeros((4, 3)), np.array([[1.0, 0.0], [0.05, 0.0], [0.3, -2.0], [-0.6, 1.0]])
    starts[:, 0] = 3.0 * np.arange(4)
    with wheeled(starts) as world, wheeled(starts):
        for period in range(30):
            world.step(commands)
            if period % 10 == 9:
                for at in (world, copy.deepcopy(world)):
                    counts = points(at.client)
                    assert all(counts[body, wheel] == 1 for body in range(1, 5) for wheel in WHEELS)


def test_hulls_that_start_beside_each_other_lose_touch_as_the_engine_has_it() -> None:
    with wheeled(np.array([[0.0, 0.0, 0.0], [0.501, 0.0, 0.0]])) as world:
        world.step(np.zeros((2, 2)))
        assert points(world.client)[1, HULL] > 0  # near, by the engine's share
        for _ in range(5):
            world.step(np.array([[0.0, 0.0], [0.2, 0.0]]))
        assert 0.52 < world.state()[1, 0] - world.state()[0, 0] < 0.56
        assert points(world.client)[1, HULL] == 0


def test_worlds_of_others_in_the_same_process_are_left_alone() -> None:
    """The share is one for all of them: there, a wheel that rolls has the points that the engine keeps."""
    with wheeled(np.zeros((1, 3))):
        client = connect(False, 1.0 / 60.0)
        add_ground(client)
        robot = bullet.loadURDF(str(ASSETS / "differential_drive.urdf"), physicsClientId=client)
        for link in range(-1, bullet.getNumJoints(robot, physicsClientId=client)):
            touches = (WHEEL, GROUND) if link in WHEELS else (0, 0)
            bullet.setCollisionFilterGroupMask(robot, link, *touches, physicsClientId=client)
        bullet.setJointMotorControlArray(
            robot, WHEELS, bullet.VELOCITY_CONTROL, targetVelocities=[4.0, 4.0], forces=[5.0, 5.0],
            physicsClientId=client,
        )  # fmt: skip
        most = 0
        for _ in range(30):
            bullet.stepSimulation(physicsClientId=client)
            most = max(most, *(points(client)[robot, link] for link in WHEELS))
        disconnect(client)
    assert most > 1
