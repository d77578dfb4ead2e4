"""Robots by URDF in the physical world: they do what they are told, as far as their joints can, and touch nobody."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from oracles.project import ROOT

import envs
from envs.bullet.engine import ASSETS, bullet
from envs.bullet.env import start
from envs.bullet.world import BulletWorld
from swarm.array_types import Array
from swarm.errors import InputError
from swarm.model.dynamics import Kind, Limits
from swarm.scenario.scenario import load_scenario
from swarm.scenario.urdf.body import UrdfBody, planar_body, wheeled_body

pytestmark = pytest.mark.bullet
SINGLE, DOUBLE, UNICYCLE = Kind
CART = (ASSETS / "cart.urdf").read_text(encoding="utf-8")
NOTHING = np.zeros((0, 5))
WALL = np.array([[1.5, 0.0, 0.5, 2.0, 0.0]])  # its face is at x = 1
CARTS = ROOT / "envs" / "maps" / "carts.yaml"


@pytest.fixture
def cart() -> UrdfBody:
    return wheeled_body(ASSETS / "cart.urdf", ["left_axle"], ["right_axle"])


@pytest.fixture
def plate() -> UrdfBody:
    return planar_body(ASSETS / "plate.urdf")


def changed(folder: Path, *pairs: tuple[str, str]) -> UrdfBody:
    """The cart with some of its text replaced."""
    text = CART
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    (folder / "own.urdf").write_text(text)
    return wheeled_body(folder / "own.urdf", ["left_axle"], ["right_axle"])


def world(
    body: UrdfBody, kind: Kind = UNICYCLE, heading: float = 0.0, limits: Limits | None = None, **more: Any
) -> BulletWorld:
    """One robot of one's own at the origin."""
    at = np.array([[0.0, 0.0, heading, 0.0, 0.0]])
    usual: dict[str, Any] = {"obstacles": NOTHING}
    limits = body.limits() if limits is None else limits
    return BulletWorld(at, np.array([body.reach]), [kind], limits, **(usual | more), urdfs=[body])


def drive(simulation: BulletWorld, command: Any, periods: int) -> Iterator[Array]:
    for _ in range(periods):
        simulation.step(np.array([command], dtype=float))
        yield simulation.state()[0]


def wheel_speeds(simulation: BulletWorld) -> list[float]:
    body = simulation._bodies[0]
    states = bullet.getJointStates(body.uid, body.motors, physicsClientId=simulation.client)
    return [abs(state[1]) for state in states]


@pytest.mark.parametrize(("speed", "turn_rate"), [(0.5, 0.0), (-0.4, 0.0), (0.0, 3.0), (0.4, 2.0)])
def test_a_cart_drives_and_turns_as_told(speed: float, turn_rate: float, cart: UrdfBody) -> None:
    with world(cart, heading=0.7) as simulation:
        states = np.array(list(drive(simulation, (speed, turn_rate), 40)))
        forward = states[:, 3] * np.cos(states[:, 2]) + states[:, 4] * np.sin(states[:, 2])
        rates = np.diff(np.unwrap(states[:, 2])) / simulation.control_dt
        assert np.abs(forward[5:] - speed).max() < 0.02
        assert np.abs(rates[5:] - turn_rate).max() < 0.05
        told = np.diff(states[:, :2], axis=0) / simulation.control_dt
        assert np.abs(told[5:] - 0.5 * (states[6:, 3:] + states[5:-1, 3:])).max() < 0.02
        stopped = list(drive(simulation, (0.0, 0.0), 20))[-1]
        assert math.dist(stopped[:2], states[-1, :2]) < 0.03 and np.abs(stopped[3:]).max() < 2e-3


def four_wheels(folder: Path) -> UrdfBody:
    """A robot whose wheels stand two a side, and have to slide when it turns."""
    inertia = '<mass value="{}"/><inertia ixx="{}" ixy="0" ixz="0" iyy="{}" iyz="0" izz="{}"/>'
    links = ['<link name="base"><inertial>' + inertia.format(5, 0.02, 0.04, 0.05) + "</inertial></link>"]
    for number, (x, y) in enumerate([(0.15, 0.18), (-0.15, 0.18), (0.15, -0.18), (-0.15, -0.18)]):
        links.append(
            f'<link name="wheel{number}"><inertial>{inertia.format(0.3, 3e-4, 5e-4, 3e-4)}</inertial><collision>'
            '<origin rpy="1.5708 0 0"/><geometry><cylinder radius="0.06" length="0.04"/></geometry></collision></link>'
            f'<joint name="axle{number}" type="continuous"><parent link="base"/><child link="wheel{number}"/>'
            f'<origin xyz="{x} {y} 0"/><axis xyz="0 1 0"/><limit effort="3" velocity="20"/></joint>'
        )
    (folder / "four.urdf").write_text(f'<robot name="four">{"".join(links)}</robot>')
    return wheeled_body(folder / "four.urdf", ["axle0", "axle1"], ["axle2", "axle3"])


@pytest.mark.parametrize("turn_rate", [1.0, 3.0])
def test_wheels_behind_each_other_slide_when_their_robot_turns(turn_rate: float, tmp_path: Path) -> None:
    """Each pair holds the other's heading: as far as a turn is not lost in that, it is told (docs/formats.md)."""
    with world(four_wheels(tmp_path)) as simulation:
        states = np.array(list(drive(simulation, (0.0, turn_rate), 40)))
        rates = np.diff(np.unwrap(states[:, 2])) / simulation.control_dt
        assert rates[5:].mean() == pytest.approx(0.6 * turn_rate, rel=0.15)
        assert np.abs(states[:, :2]).max() < 0.1


def test_no_wheel_turns_faster_than_its_joint_may_and_the_arc_stays(cart: UrdfBody) -> None:
    limits = cart.limits()
    with world(cart) as simulation:
        for _ in drive(simulation, (limits.speed, limits.turn_rate), 20):
            assert max(wheel_speeds(simulation)) < 1.02 * cart.wheel_speed
        state = simulation.state()[0]
        (after,) = drive(simulation, (limits.speed, limits.turn_rate), 1)
        rate = math.remainder(after[2] - state[2], math.tau) / simulation.control_dt
        radius = limits.speed / limits.turn_rate
        assert math.hypot(*after[3:]) / rate == pytest.approx(radius, rel=0.05)
        assert rate == pytest.approx(0.5 * limits.turn_rate, rel=0.05)


def test_a_cart_of_second_order_reaches_its_command_at_the_end_of_the_period(cart: UrdfBody) -> None:
    with world(cart, limits=Limits(0.4, acceleration=0.5, turn_rate=2.0, turn_acceleration=5.0)) as simulation:
        for period, state in enumerate(drive(simulation, (0.4, 0.0), 12), start=1):
            assert math.hypot(*state[3:]) == pytest.approx(0.025 * period, abs=0.01)


def test_wheels_whose_axes_point_the_other_way_drive_the_same_way(cart: UrdfBody, tmp_path: Path) -> None:
    turned = changed(
        tmp_path, ('<origin xyz="0 -0.12 0"/><axis xyz="0 1 0"/>', '<origin xyz="0 -0.12 0"/><axis xyz="0 -1 0"/>')
    )
    ends = []
    for body in (cart, turned):
        with world(body) as simulation:
            ends.append(list(drive(simulation, (0.4, 1.0), 20))[-1])
    assert ends[1] == pytest.approx(ends[0], abs=2e-3)
    assert ends[0][0] > 0.3


def test_the_state_is_that_of_the_middle_of_the_axle(tmp_path: Path) -> None:
    ahead = [(f'<origin xyz="0 {y} 0"/>', f'<origin xyz="-0.1 {y} 0"/>') for y in ("0.12", "-0.12")]
    body = changed(tmp_path, *ahead)
    assert body.centre == (-0.1, 0.0) and body.reach == pytest.approx(math.hypot(0.32, 0.1))
    with world(body, heading=1.2) as simulation:
        assert simulation.state()[0] == pytest.approx((0.0, 0.0, 1.2, 0.0, 0.0), abs=1e-6)
        for period, state in enumerate(drive(simulation, (0.0, 2.0), 60)):
            assert math.hypot(*state[:2]) < 0.01
            assert period < 5 or math.hypot(*state[3:]) < 0.02


def test_an_arm_is_held_and_a_caster_rolls(tmp_path: Path) -> None:
    arm = (
        '<link name="arm"><inertial><mass value="0.3"/><inertia ixx="0.001" ixy="0" ixz="0" iyy="0.001" iyz="0" '
        'izz="0.001"/></inertial><collision><origin xyz="0 0 0.1"/><geometry><sphere radius="0.03"/></geometry>'
        '</collision></link><joint name="shoulder" type="revolute"><parent link="chassis"/><child link="arm"/>'
        '<origin xyz="0 0 0.1"/><axis xyz="0 1 0"/><limit lower="-1" upper="1" effort="20" velocity="1"/></joint>'
        "</robot>"
    )
    with world(changed(tmp_path, ("</robot>", arm))) as simulation:
        list(drive(simulation, (0.6, 0.0), 20))
        body: Any = simulation._bodies[0]
        angle, speed = (
            bullet.getJointState(body.uid, body._joint_of[name], physicsClientId=simulation.client)[column]
            for name, column in (("shoulder", 0), ("left_axle", 1))
        )
        assert abs(angle) < 0.05 and speed == pytest.approx(10.0, rel=0.02)


@pytest.mark.parametrize(
    ("geometry", "turns"),
    [
        ('<box size="0.3 0.2 0.4"/>', "0.4 -0.7 1.1"),
        ('<cylinder radius="0.1" length="0.5"/>', "1.1 0.3 -0.2"),
        ('<sphere radius="0.2"/>', "0 0 0"),
        ('<mesh filename="wedge.obj" scale="0.2 0.2 0.4"/>', "0.2 0.5 -1"),
        ('<mesh filename="package://own/wedge.obj" scale="0.2 0.2 0.4"/>', "0.2 0.5 -1"),
    ],
)
def test_what_is_read_of_a_shape_is_what_the_engine_has(
    geometry: str, turns: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own").mkdir()
    monkeypatch.chdir(tmp_path / "own")
    Path("wedge.obj").write_text("v 1 0 0\nv 0 1 0\nv -1 -1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 2 3 4\nf 3 1 4\n")
    Path("own.urdf").write_text(
        '<robot name="own"><link name="base"><inertial><mass value="1"/>'
        '<inertia ixx="0.01" ixy="0" ixz="0" iyy="0.01" iyz="0" izz="0.01"/></inertial>'
        f'<collision><origin xyz="0.1 -0.2 0.5" rpy="{turns}"/><geometry>{geometry}</geometry></collision>'
        "</link></robot>"
    )
    body = planar_body(Path("own.urdf"))
    around, up = np.meshgrid(np.linspace(0.0, math.tau, 720), np.linspace(0.001, body.heights[1] - body.heights[0], 60))
    ahead = np.stack([np.cos(around), np.sin(around), np.zeros_like(up)], axis=-1).reshape(-1, 3)
    middle = np.column_stack([np.zeros((up.size, 2)), up.ravel()])
    with world(body, SINGLE, limits=Limits(0.5)) as simulation:
        uid, client = simulation._bodies[0].uid, simulation.client
        floor = bullet.getBodyUniqueId(0, physicsClientId=client)  # the first body of a world
        ground = bullet.getClosestPoints(uid, floor, 0.5, physicsClientId=client)
        hits: list[Any] = []
        for batch in np.array_split(np.arange(len(middle)), 8):
            starts, ends = middle[batch] + 1.1 * body.reach * ahead[batch], middle[batch]
            hits += bullet.rayTestBatch(starts.tolist(), ends.tolist(), physicsClientId=client)
    # It stands on the ground; rays from outside meet it as far out as the disc reaches, and nowhere beyond.
    assert min(point[8] for point in ground) == pytest.approx(0.0, abs=2e-3)
    outermost = max(math.hypot(*hit[3][:2]) for hit in hits if hit[0] == uid)
    assert 0.98 * body.reach < outermost < body.reach + 2e-3


@pytest.mark.parametrize("kind", [SINGLE, DOUBLE])
def test_a_base_moves_as_told_and_keeps_its_heading(kind: Kind, plate: UrdfBody) -> None:
    limits = Limits(0.5, acceleration=2.0 if kind == DOUBLE else math.inf)
    with world(plate, kind, 0.7, limits) as simulation:
        states = list(drive(simulation, (0.4, -0.2), 10))
        for period, state in enumerate(states, start=1):
            share = 0.05 * period if kind == DOUBLE else 1.0
            if kind == DOUBLE or period > 2:
                assert state[3:] == pytest.approx((0.4 * share, -0.2 * share), abs=0.005)
            assert simulation._bodies[0]._motion()[1] == pytest.approx(0.7, abs=1e-3)  # type: ignore[union-attr]
        assert states[-1][2] == 0.7


@pytest.mark.parametrize("kind", list(Kind))
def test_a_wall_stops_it_and_counts_once(kind: Kind, cart: UrdfBody, plate: UrdfBody) -> None:
    body = cart if kind == UNICYCLE else plate
    limits = Limits(0.5, acceleration=2.0 if kind == DOUBLE else math.inf, turn_rate=2.0)
    front = 0.22 if kind == UNICYCLE else 0.18
    with world(body, kind, 0.0, limits, obstacles=WALL) as simulation:
        for state in drive(simulation, (0.5, 0.0), 60):
            if state[0] < 0.98 - front:
                assert simulation.collisions == 0
        assert state[0] == pytest.approx(1.0 - front, abs=0.01)
        assert simulation.contacts().tolist() == [[0, -1]] and simulation.collisions == 1


def test_lidar_sees_others_and_not_itself(cart: UrdfBody, plate: UrdfBody) -> None:
    at = np.array([[0.0, 0.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0, 0.0]])
    kinds, limits = [UNICYCLE, SINGLE, UNICYCLE], Limits(0.5, turn_rate=2.0)
    with BulletWorld(at, np.full(3, 0.25), kinds, limits, NOTHING, urdfs=[cart, plate, None]) as simulation:
        assert simulation.sense(0, 2.0, 4) == pytest.approx(np.array([(0.82, 0.0), (0.0, 0.75)]), abs=5e-3)
        assert simulation.sense(1, 2.0, 2) == pytest.approx(np.array([(0.22, 0.0)]), abs=5e-3)


def test_a_copy_drives_on_as_the_world_itself() -> None:
    run = start(load_scenario(CARTS), planner="straight", controller="fixed:6,1", seed=3)
    simulation: Any = run.plant
    commands = np.array([(0.5, 1.0), (0.3, -2.0), (0.2, 0.3), (-0.5, 0.5), (0.5, 0.0), (0.1, 0.2)])
    for _ in range(7):
        simulation.step(commands)
    with copy.deepcopy(simulation) as other:
        for _ in range(10):
            simulation.step(commands)
            other.step(commands)
            assert np.array_equal(simulation.state(), other.state())
    run.close()


def test_they_come_to_their_goals_among_others_and_touch_nobody() -> None:
    scenario = load_scenario(CARTS)
    assert {robot.urdf is None for robot in scenario.robots} == {True, False}
    for seed in (0, 1):
        run = start(scenario, planner="roadmap", controller="tuner", seed=seed)
        for _ in range(run.steps):
            run.tick()
        assert run.reached.all() and run.collisions == 0
        run.close()


def test_kinematic_worlds_take_them_as_discs() -> None:
    scenario = load_scenario(CARTS)
    env = envs.make("arena_v0", scenario=scenario)
    env.reset(seed=0)
    for _ in range(40):
        env.step({agent: np.full(6, 0.5) for agent in env.agents})
    moved = env.core.state[0, :, :2] - [robot.start[:2] for robot in scenario.robots]
    assert np.hypot(*moved.T).min() > 0.1


@pytest.mark.parametrize(
    ("old", "new", "limits", "said"),
    [
        (
            'effort="1.5"',
            'effort="0.1"',
            Limits(0.5, 2.0, 2.0, 20.0),
            "joint left_axle: limit effort: got 0.1; valid: at least",
        ),
        ('<mass value="', '<mass value="0" was="', None, "links: got 'no mass'"),
    ],
)
def test_bodies_that_cannot_drive_are_refused(
    old: str, new: str, limits: Limits | None, said: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=said):
        world(changed(tmp_path, (old, new)), limits=limits)
