"""The physical world: robots do what they are told, within limits, and every touch is counted once."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from envs.bullet.bodies.body import NOMINAL_RADIUS
from envs.bullet.engine import ASSETS, bullet
from envs.bullet.world import BulletWorld, world_of
from envs.rollout.run import Run
from envs.rollout.team import Fleet
from swarm.array_types import Array
from swarm.errors import InputError
from swarm.model.actuators import advance_ramped
from swarm.model.dynamics import Kind, Limits
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World

pytestmark = pytest.mark.bullet
SINGLE, DOUBLE, UNICYCLE = Kind
LIMITS = Limits(1.0, turn_rate=4.0)
NOTHING = np.zeros((0, 5))
WALL = np.array([[1.5, 0.0, 0.5, 2.0, 0.0]])  # its face is at x = 1


def world(*starts: tuple[float, float, float], **options: Any) -> BulletWorld:
    """Robots of radius 0.25 m at (x, y, heading)."""
    count = len(starts)
    rows = np.zeros((count, 5))
    rows[:, :3] = np.array(starts).reshape(count, 3)
    usual: dict[str, Any] = {
        "radii": np.full(count, 0.25),
        "kinds": [UNICYCLE] * count,
        "limits": LIMITS,
        "obstacles": NOTHING,
    }
    return BulletWorld(rows, **(usual | options))


def drive(simulation: BulletWorld, command: Any, periods: int) -> Iterator[Array]:
    """Gives the same command for some periods; yields the state after each."""
    for _ in range(periods):
        simulation.step(np.array(command, dtype=float).reshape(-1, 2))
        yield simulation.state()


def forward_speed(state: Array) -> float:
    x_speed, y_speed = state[3:]
    return float(x_speed * math.cos(state[2]) + y_speed * math.sin(state[2]))


@pytest.mark.parametrize("radius", [0.1, 0.25, 0.3])
@pytest.mark.parametrize("seed", [None, 3])
def test_drives_straight_and_stops_short(radius: float, seed: int | None) -> None:
    with world((1.0, 2.0, 0.7), radii=np.array([radius]), seed=seed) as simulation:
        states = list(drive(simulation, (1.0, 0.0), 40))
        assert all(abs(forward_speed(state[0]) - 1.0) < 0.05 for state in states[2:])
        ahead = states[-1][0, :2] - (1.0, 2.0)
        assert ahead @ (math.cos(0.7), math.sin(0.7)) == pytest.approx(1.95, abs=0.02)
        assert abs(ahead @ (-math.sin(0.7), math.cos(0.7))) < 0.005
        assert states[-1][0, 2] == pytest.approx(0.7, abs=0.003)
        stopped = list(drive(simulation, (0.0, 0.0), 20))[-1]
        assert math.dist(stopped[0, :2], states[-1][0, :2]) < 0.08
        assert np.abs(stopped[0, 3:]).max() < 2e-3


@pytest.mark.parametrize("hertz", [20, 60])
@pytest.mark.parametrize("seed", [None, 3])
def test_comes_to_rest_as_soon_while_it_turns_to_and_fro(hertz: int, seed: int | None) -> None:
    """What is told to turn changes at every command, by more than the motors can do beside braking."""
    with world((1.0, 2.0, 0.7), control_dt=1.0 / hertz, seed=seed) as simulation:
        (*_, before) = drive(simulation, (1.0, 0.0), 2 * hertz)
        far = 0.0
        for k in range(hertz):
            (state,) = drive(simulation, (0.0, 4.0 if k % 2 else -4.0), 1)
            far = max(far, math.dist(state[0, :2], before[0, :2]))
        assert far < 0.06


@pytest.mark.parametrize("command", [(0.0, 4.0), (0.5, -3.0), (1.0, 2.0), (-0.6, 1.0)])
def test_tracks_speed_and_turn_rate(command: tuple[float, float]) -> None:
    with world((0.0, 0.0, 0.0)) as simulation:
        states = list(drive(simulation, command, 20))
        headings = np.unwrap([state[0, 2] for state in states])
        rates = np.diff(headings) / simulation.control_dt
        assert np.abs(rates[2:] - command[1]).max() < 0.05 * abs(command[1])
        assert all(abs(forward_speed(state[0]) - command[0]) < 0.05 for state in states[3:])


def test_does_not_tip_when_it_reverses_hard() -> None:
    with world((0.0, 0.0, 0.0)) as simulation:
        uid = simulation._bodies[0].uid
        for speed in (1.0, -1.0, 1.0):
            for _ in drive(simulation, (speed, 0.0), 10):
                turned = bullet.getBasePositionAndOrientation(uid, physicsClientId=simulation.client)[1]
                roll, pitch, _ = bullet.getEulerFromQuaternion(turned)
                assert max(abs(roll), abs(pitch)) < 0.02


def test_holonomic_disc_follows_a_velocity_and_keeps_its_heading() -> None:
    with world((0.0, 0.0, 1.0), kinds=[SINGLE]) as simulation:
        states = list(drive(simulation, (0.6, -0.3), 20))
        assert np.allclose([state[0, 3:] for state in states[2:]], (0.6, -0.3), atol=0.02)
        assert states[-1][0, 2] == 1.0
        stopped = list(drive(simulation, (0.0, 0.0), 10))[-1]
        assert math.dist(stopped[0, :2], states[-1][0, :2]) < 0.05


def test_double_integrator_accelerates_as_told_up_to_its_speed() -> None:
    limits = Limits(0.5, acceleration=2.0)
    with world((0.0, 0.0, 0.0), kinds=[DOUBLE], limits=limits) as simulation:
        states = list(drive(simulation, (1.0, -2.0), 12))
        for period, state in enumerate(states, start=1):
            assert state[0, 3:] == pytest.approx((min(0.05 * period, 0.5), max(-0.1 * period, -0.5)), abs=0.01)


def test_commands_beyond_the_limits_are_clipped() -> None:
    with world((0.0, 0.0, 0.0), limits=Limits(0.4, turn_rate=1.0)) as simulation:
        assert forward_speed(list(drive(simulation, (1e9, 0.0), 10))[-1][0]) == pytest.approx(0.4, abs=0.01)
    with world((0.0, 0.0, 0.0), kinds=[DOUBLE], limits=Limits(1.0, acceleration=1.0)) as simulation:
        assert next(drive(simulation, (50.0, 0.0), 1))[0, 3] == pytest.approx(0.05, abs=0.005)


@pytest.mark.parametrize("kind", list(Kind))
def test_a_wall_stops_a_robot_and_counts_once(kind: Kind) -> None:
    limits = Limits(1.0, acceleration=2.0 if kind == DOUBLE else math.inf, turn_rate=4.0)
    with world((0.0, 0.0, 0.0), kinds=[kind], limits=limits, obstacles=WALL) as simulation:
        onsets = 0
        for state in drive(simulation, (1.0, 0.0), 50):
            onsets += len(simulation.onsets())
            if state[0, 0] < 0.65:
                assert simulation.collisions == 0
                assert simulation.contacts().shape == (0, 2)
        assert state[0, 0] == pytest.approx(0.75, abs=0.005)
        assert simulation.contacts().tolist() == [[0, -1]]
        assert simulation.collisions == onsets == 1


def test_leaving_and_coming_back_is_a_second_collision() -> None:
    with world((0.5, 0.0, 0.0), obstacles=WALL) as simulation:
        for speed, periods in ((0.5, 15), (-0.5, 5), (0.5, 10)):
            list(drive(simulation, (speed, 0.0), periods))
        assert simulation.collisions == 2


def test_a_touch_at_the_start_is_none_that_has_begun() -> None:
    with world((0.0, 0.0, 0.0), (0.5, 0.0, 0.0)) as simulation:
        assert simulation.contacts().tolist() == [[0, 1]]
        list(drive(simulation, [(-0.5, 0.0), (0.5, 0.0)], 10))
        assert simulation.collisions == 0 and simulation.contacts().shape == (0, 2)
        list(drive(simulation, [(0.5, 0.0), (-0.5, 0.0)], 20))
        assert simulation.collisions == 1


def test_robots_that_meet_collide_and_passing_ones_do_not() -> None:
    kinds = [UNICYCLE, SINGLE]
    commands = [(0.8, 0.0), (-0.8, 0.0)]
    with world((0.0, 0.0, 0.0), (1.5, 0.0, 0.0), kinds=kinds) as simulation:
        list(drive(simulation, commands, 30))
        assert simulation.contacts().tolist() == [[0, 1]]
        assert simulation.collisions == 1
        assert np.diff(simulation.state()[:, 0])[0] == pytest.approx(0.5, abs=0.01)
    # The same, one centimetre clear of each other.
    with world((0.0, 0.0, 0.0), (1.5, 0.51, 0.0), kinds=kinds) as simulation:
        list(drive(simulation, commands, 30))
        assert simulation.state()[0, 0] > simulation.state()[1, 0]
        assert simulation.collisions == 0


def test_lidar_measures_walls_cylinders_and_robots() -> None:
    obstacles = np.array([[1.5, 0.0, 0.5, 2.0, 0.0], [0.0, 2.0, 0.0, 0.0, 0.4]])
    starts = (0.0, 0.0, 0.0), (-1.2, 0.0, 0.0)
    with world(*starts, obstacles=obstacles, radii=np.array([0.25, 0.1])) as simulation:
        hits = simulation.sense(0, 3.0, 4)
        assert hits == pytest.approx(np.array([(1.0, 0.0), (0.0, 1.6), (-1.1, 0.0)]), abs=2e-3)
        assert len(simulation.sense(0, 3.0, 4, robots=False)) == 2
        assert len(simulation.sense(0, 0.9, 32)) == 0
        both = simulation.sense_all(3.0, 4)
        assert np.array_equal(both[0], hits)
        assert both[1][0] == pytest.approx((-0.25, 0.0), abs=2e-3)


def test_lidar_turns_with_the_robot() -> None:
    with world((0.0, 0.0, math.pi / 2), obstacles=WALL) as simulation:
        ahead, *others = simulation.sense(0, 3.0, 4)
        assert ahead == pytest.approx((1.0, 0.0), abs=1e-3)  # the last of the four rays: to its right
        assert not others


def test_neighbours_are_the_nearest_first() -> None:
    with world((0.0, 0.0, 0.0), (2.0, 0.0, 0.0), (0.0, 1.0, 0.3), (5.0, 0.0, 0.0)) as simulation:
        index, states = simulation.neighbours(0, 2.5)
        assert index.tolist() == [2, 1]
        assert np.array_equal(states, simulation.state()[[2, 1]])
        assert simulation.neighbours(3, 0.5)[1].shape == (0, 5)


def test_worlds_are_independent_and_repeatable() -> None:
    def run(simulation: BulletWorld) -> Array:
        return np.array(list(drive(simulation, [(0.7, 0.5), (0.3, -1.0)], 20)))

    starts = (0.0, 0.0, 0.0), (1.0, 0.0, 2.0)
    with world(*starts, seed=1) as first, world(*starts, seed=2) as other:
        alone = run(first)
        list(drive(other, [(1.0, 0.0), (1.0, 0.0)], 5))
        with world(*starts, seed=1) as again:
            assert np.array_equal(run(again), alone)
    with world(*starts, seed=2) as other:
        assert not np.array_equal(run(other), alone)


def test_closed_worlds_give_their_engine_back() -> None:
    for _ in range(3):
        simulation = world((0.0, 0.0, 0.0))
        client = simulation.client
        simulation.close()
        simulation.close()
        assert not bullet.isConnected(client)
    forgotten = world((0.0, 0.0, 0.0))
    client = forgotten.client
    del forgotten
    assert not bullet.isConnected(client)


def test_engine_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    kinds = [UNICYCLE, DOUBLE]
    with world((-1.0, 0.0, 0.0), (0.0, 0.0, 0.0), kinds=kinds, obstacles=WALL) as simulation:
        list(drive(simulation, [(1.0, 0.0), (1.0, 0.0)], 2))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("command", [[(math.nan, 0.0)], [(math.inf, 0.0)], [(0.0,)], [(0.0, 0.0)] * 2, "fast"])
def test_bad_commands_are_refused(command: Any) -> None:
    with world((0.0, 0.0, 0.0)) as simulation, pytest.raises(InputError, match="commands"):
        simulation.step(command)


@pytest.mark.parametrize(
    ("starts", "options", "message"),
    [
        ([(0, 0, 0), (0.4, 0, 0)], {}, "robot 0 overlaps robot 1"),
        ([(0, 0, 0), (0.9, 0, 0)], {"obstacles": WALL}, "robot 1 overlaps obstacle 0"),
        ([(math.nan, 0, 0)], {}, "starts"),
        ([(0, 0, 0)], {"radii": np.array([0.0])}, "radii"),
        ([(0, 0, 0), (3, 0, 0)], {"radii": np.array([0.05, 1.0])}, "radii"),
        ([(0, 0, 0)], {"obstacles": np.array([[3.0, 0, 0.5, 0.5, 0.1]])}, r"obstacles\[0\]"),
        ([(0, 0, 0)], {"kinds": []}, "kinds"),
        ([(0, 0, 0)], {"control_dt": 0.0}, "control_dt"),
    ],
)
def test_bad_worlds_are_refused(starts: list[Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        world(*starts, **options)


@pytest.mark.parametrize("name", ["differential_drive", "holonomic_disc"])
def test_the_disc_encloses_every_part(name: str) -> None:
    tree = ElementTree.parse(ASSETS / f"{name}.urdf")
    placed = {joint.find("child").get("link"): joint.find("origin") for joint in tree.iter("joint")}  # type: ignore[union-attr]
    for link in tree.iter("link"):
        joint = placed.get(link.get("name"))
        x, y, _ = map(float, joint.get("xyz", "0 0 0").split()) if joint is not None else (0.0, 0.0, 0.0)
        for visual in link.iter("visual"):
            cylinder = visual.find("geometry/cylinder")
            origin = visual.find("origin")
            if cylinder is not None and origin is not None and origin.get("rpy"):  # a wheel, on its side
                radius, length = (float(cylinder.attrib[name]) for name in ("radius", "length"))
                reach = math.hypot(abs(x) + radius, abs(y) + length / 2)
            else:
                shape = cylinder if cylinder is not None else visual.find("geometry/sphere")
                reach = 0.0 if shape is None else math.hypot(x, y) + float(shape.attrib["radius"])
            assert reach <= NOMINAL_RADIUS


RAMPED = Limits(1.0, acceleration=0.5, turn_rate=4.0, turn_acceleration=5.0)


def test_a_unicycle_of_second_order_reaches_its_command_at_the_end_of_the_period() -> None:
    with world((0.0, 0.0, 0.3), limits=RAMPED) as simulation:
        expected, drive_now, rng = simulation.state()[0], np.zeros(2), np.random.default_rng(0)
        for _ in range(120):
            change = rng.uniform(-0.6, 1.0, 2) * [0.5 * 0.05, 5.0 * 0.05]
            asked = np.clip(drive_now + change, [-0.5, -2.0], [0.5, 2.0])
            expected, drive_now = advance_ramped(simulation.state()[0], drive_now, asked, 0.05, 0.05)
            simulation.step(asked[None])
            state = simulation.state()[0]
            assert np.abs(state[:2] - expected[:2]).max() < 1e-3
            assert math.remainder(state[2] - expected[2], math.tau) == pytest.approx(0.0, abs=5e-3)
            assert forward_speed(state) == pytest.approx(asked[0], abs=0.01)


def test_no_command_gets_more_out_of_it_than_its_accelerations() -> None:
    with world((0.0, 0.0, 0.0), limits=RAMPED) as simulation:
        for k, state in enumerate(drive(simulation, (1.0, 0.0), 20)):
            assert forward_speed(state[0]) == pytest.approx(0.025 * (k + 1), abs=0.01)
        (state, *_) = drive(simulation, (0.0, 0.0), 1)
        assert forward_speed(state[0]) == pytest.approx(0.475, abs=0.01)


def test_motors_that_cannot_turn_so_quickly_are_refused() -> None:
    with pytest.raises(InputError, match=r"robots\[0\]: limits.turn_acceleration"):
        world((0.0, 0.0, 0.0), limits=Limits(1.0, acceleration=8.0, turn_rate=4.0, turn_acceleration=6.0))


@pytest.mark.parametrize(("push", "turn_push"), [(0.3, 5.0), (1.0, 5.0), (2.0, 10.0)])
def test_slow_brakes_do_not_touch_head_on(push: float, turn_push: float) -> None:
    limits = Limits(1.0, push, 4.0, turn_push)
    specs = tuple(
        RobotSpec(UNICYCLE, np.array([x, y, heading, 0.0, 0.0]), np.array([[8.0 - x, 2.0]]), 0.25, limits)
        for x, y, heading in ((1.0, 2.0, 0.0), (7.0, 2.02, math.pi))
    )
    scenario = Scenario(World(np.array([0.0, 0.0, 8.0, 4.0])), specs, 20.0, 0.05, 3.0, "head on")
    run = Run(scenario, Fleet(scenario, planner="straight", controller="fixed:4,1"), world_of(scenario, seed=0))
    for _ in range(run.steps):
        run.tick()
    run.close()
    assert run.collisions == 0
    assert run.states[:, :2] == pytest.approx(np.array([[7.0, 2.0], [1.0, 2.0]]), abs=0.05)  # so they have met


def test_contacts_are_all_that_the_engine_lists_but_those_with_the_ground() -> None:
    rng, places = np.random.default_rng(0), [(0.8 * (i % 5) + 0.5, 0.8 * (i // 5) + 0.5) for i in range(20)]
    walls = np.array([[2.1, -0.1, 3.0, 0.1, 0.0], [2.1, 3.3, 3.0, 0.1, 0.0], [-0.3, 1.6, 0.0, 0.0, 0.2]])
    limits, kinds = (
        Limits(1.0, acceleration=4.0, turn_rate=4.0),
        [(UNICYCLE, UNICYCLE, SINGLE, DOUBLE)[i % 4] for i in range(20)],
    )
    seen: set[tuple[int, int]] = set()
    with world(*((x, y, x + y) for x, y in places), kinds=kinds, limits=limits, obstacles=walls) as simulation:
        ground, *bodies = (bullet.getBodyUniqueId(k, physicsClientId=simulation.client) for k in range(24))
        numbers = dict(zip(bodies, [-1, -2, -3, *range(20)], strict=True))
        simulation.substeps = 1  # what the engine lists afterwards is what it listed in the step
        for commands in rng.uniform(-1.0, 1.0, (12, 20, 2)).repeat(120, axis=0):
            simulation.step(commands)
            listed = bullet.getContactPoints(physicsClientId=simulation.client)
            touching = [p[1:3] for p in listed if ground not in p[1:3] and (p[8] <= 0.0 or p[9] > 0.0)]
            pairs = [sorted((numbers[one], numbers[other])) for one, other in touching]
            wanted = {(one, other) if one >= 0 else (other, one) for one, other in pairs}
            assert set(map(tuple, simulation.contacts().tolist())) == wanted
            seen |= wanted
    kinds_met = {tuple(sorted(kinds[robot] for robot in pair if robot >= 0)) for pair in seen}
    assert {(kind,) for kind in Kind} | {(UNICYCLE, UNICYCLE), (SINGLE, UNICYCLE)} <= kinds_met, kinds_met
