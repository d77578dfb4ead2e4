"""The hand rules: straight while it goes well, sidewise when stuck, the same for one robot and for many."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from swarm.filter.tunables import ROTATION, SPEED, TUNABLES, decode
from swarm.tune.controllers import make_controller
from swarm.tune.heuristic_kernels import uniform
from swarm.tune.heuristics import Recovery
from swarm.tune.observation import (
    EDGE,
    EDGE_GAP,
    EDGE_HIGHER_ID,
    EDGE_INTENT_X,
    EDGE_INTENT_Y,
    EDGE_IS_OBSTACLE,
    EDGE_IS_ROBOT,
    EDGE_LEFT,
    EDGE_RIGHT,
    EDGE_VX,
    EDGE_X,
    EDGE_Y,
    EGO,
    EGO_ACTION,
    EGO_EXACT,
    EGO_LOST,
    EGO_PERIOD,
    EGO_RADIUS,
    EGO_REMAINING,
    EGO_SPEED,
    EGO_STUCK,
    EGO_VX,
    Observation,
)  # fmt: skip

MOST = TUNABLES[ROTATION].high
RULES = ("random_rotation", "wall_following")


def observed(
    count: int = 1, *, rotation: float = 0.0, stuck: float = 0.0, lost: float = 0.0,
    thing: dict[int, float] | None = None, remaining: float = 4.0, speed: float = 1.0,
) -> Observation:  # fmt: skip
    """Robots 0.1 sensing radii large, with a period of 0.03, that differ a little in how far they have to go."""
    ego = np.zeros((count, EGO), np.float32)
    ego[:, EGO_REMAINING] = np.log1p(remaining + 1e-4 * np.arange(count)) / 3.0
    ego[:, EGO_RADIUS], ego[:, EGO_PERIOD], ego[:, EGO_SPEED] = 0.1, 0.3, speed
    ego[:, EGO_ACTION + ROTATION], ego[:, EGO_STUCK], ego[:, EGO_LOST] = rotation / MOST, stuck, lost
    edges, mask = np.zeros((count, 6, EDGE), np.float32), np.zeros((count, 6), bool)
    if thing is not None:
        mask[:, 4:] = True
        edges[:, 5, EDGE_IS_OBSTACLE], edges[:, 5, EDGE_GAP] = 1.0, 0.9  # another wall, farther away
        for column, value in thing.items():
            edges[:, 4, column] = value
    return Observation(ego, edges, mask)


def rotations(rule: str, observation: Observation) -> np.ndarray:
    return decode(make_controller(f"{rule}:6,1")(observation))[..., ROTATION]


# A wall 0.03 ahead that reaches 0.2 to the right and 0.4 to the left.
WALL = {EDGE_IS_OBSTACLE: 1.0, EDGE_X: 0.13, EDGE_GAP: 0.03, EDGE_RIGHT: -0.2, EDGE_LEFT: 0.4}
# A wall on the right, along the way.
BESIDE = {EDGE_IS_OBSTACLE: 1.0, EDGE_Y: -0.15, EDGE_GAP: 0.05, EDGE_RIGHT: -0.4, EDGE_LEFT: -0.1}


@pytest.mark.parametrize("rule", RULES)
def test_one_robot_is_a_batch_of_one(rule: str) -> None:
    rng = np.random.default_rng(0)
    many = Observation(
        rng.random((3, 40, EGO), np.float32), rng.normal(0, 0.3, (3, 40, 6, EDGE)).astype(np.float32),
        rng.random((3, 40, 6)) < 0.7,
    )  # fmt: skip
    controller = make_controller(f"{rule}:6,1.5,3,2")
    actions = controller(many)
    assert actions.shape == (3, 40, 6) and np.unique(actions[..., ROTATION]).size > 60
    for b, i in np.ndindex(3, 40):
        one = Observation(many.ego[b, i], many.edges[b, i], many.mask[b, i])
        np.testing.assert_array_equal(controller(one), actions[b, i])
    np.testing.assert_allclose(np.delete(decode(actions), ROTATION, axis=-1)[0, 0], [6.0, 1.5, 3.0, 2.0, 1.0])


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    "state", [{"thing": WALL}, {"stuck": 1.0, "thing": WALL, "remaining": 0.15}, {"rotation": 1.0, "remaining": 0.15}]
)
def test_straight_while_it_goes_well_and_at_the_goal(rule: str, state: dict[str, Any]) -> None:
    assert np.abs(rotations(rule, observed(500, **state))).max() < 0.002


def test_random_rotation_takes_turns() -> None:
    started = np.abs(rotations("random_rotation", observed(20_000, stuck=0.5))) > 0.01
    assert started.mean() == pytest.approx(0.03 / 0.4, rel=0.1)
    angles = rotations("random_rotation", observed(20_000, stuck=0.5))[started]
    assert np.abs(angles).min() > 0.29 and np.abs(angles).max() == pytest.approx(2.0 * math.pi / 3.0, abs=0.01)
    assert abs((angles > 0.0).mean() - 0.5) < 0.05
    kept = rotations("random_rotation", observed(20_000, stuck=0.5, rotation=-0.8))
    assert (np.abs(kept) < 0.01).mean() == pytest.approx(0.03, rel=0.2)
    assert np.abs(kept[np.abs(kept) > 0.01] + 0.8).max() < 0.002


def test_wall_following_goes_along_on_the_shorter_side() -> None:
    right = rotations("wall_following", observed(50, stuck=0.5, thing=WALL))
    np.testing.assert_allclose(right, -(0.5 * math.pi + 0.3 * 0.4), atol=0.002)  # nearer than it aims at: turns away
    left = rotations("wall_following", observed(50, stuck=0.5, thing=WALL | {EDGE_RIGHT: -0.4, EDGE_LEFT: 0.2}))
    np.testing.assert_allclose(left, -right, atol=0.003)
    robot = {EDGE_IS_ROBOT: 1.0, EDGE_X: 0.13, EDGE_Y: -0.05, EDGE_GAP: 0.05}  # on the right ahead: passed on its left
    bearing = math.atan2(-0.05, 0.13)
    np.testing.assert_allclose(
        rotations("wall_following", observed(50, stuck=0.5, thing=robot)), bearing + 0.5 * math.pi, atol=0.002
    )


def test_wall_following_leaves_a_corner_of_what_makes_no_way() -> None:
    corner = observed(50, stuck=0.5, thing=WALL)
    corner.edges[:, 0, [EDGE_IS_ROBOT, EDGE_INTENT_X, EDGE_X, EDGE_GAP]], corner.mask[:, 0] = [1.0, 0.5, 0.7, 0.5], True
    corner.edges[:, 5, EDGE_Y], corner.edges[:, 5, EDGE_GAP] = -0.14, 0.04  # on the right
    for what, leaves in (("a second wall", True), ("a robot that has arrived", True), ("one that wants on", False)):
        corner.edges[:, 5, [EDGE_IS_OBSTACLE, EDGE_IS_ROBOT]] = [1.0, 0.0] if what == "a second wall" else [0.0, 1.0]
        corner.edges[:, 5, EDGE_INTENT_X] = 0.0 if leaves else 0.5
        course = decode(make_controller("wall_following:6,1")(corner))[:, ROTATION]
        if leaves:
            assert (course < -2.35).all(), f"along {what}, not into it"
        else:
            np.testing.assert_allclose(course, -(0.5 * math.pi + 0.3 * 0.4), atol=0.002, err_msg=what)


def test_wall_following_keeps_its_side_until_it_is_past() -> None:
    for rotation in (1.2, 0.03):
        course = rotations("wall_following", observed(2000, rotation=rotation, lost=0.1, thing=BESIDE))
        assert (course > 0.01).mean() > 0.98, "keeps the side, whatever the course"
    stands = rotations("wall_following", observed(2000, rotation=1.2, lost=0.1, thing=BESIDE, speed=0.0))
    assert 0.01 < (stands < 0.0).mean() < 0.06, "looks on the other side now and then"
    assert np.abs(rotations("wall_following", observed(rotation=1.2, thing=BESIDE)))[0] < 0.002, "nearer than ever"
    ahead = rotations("wall_following", observed(rotation=1.2, thing=WALL))
    assert ahead[0] > 1.0, "nearer than ever, but the way is not free"
    assert np.abs(rotations("wall_following", observed(rotation=1.2, lost=0.5)))[0] < 0.002, "nothing to follow"


def test_the_random_numbers_are_uniform_and_their_own() -> None:
    egos = observed(50_000).ego
    first, second = (np.array([uniform(ego, draw) for ego in egos]) for draw in (0, 1))
    for numbers in (first, second):
        shares = np.histogram(numbers, 20, (0.0, 1.0))[0] / 50_000
        assert np.abs(shares - 0.05).max() < 0.005
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.02
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < 0.02
    np.testing.assert_array_equal(first[:100], [uniform(ego, 0) for ego in egos[:100]])


def hashed(ego: np.ndarray, draw: int) -> np.ndarray:
    """What ``uniform`` draws for robots ``[n, EGO]``, in whole numbers of Python."""
    numbers = []
    for row in ego[:, :EGO_EXACT].copy().view(np.uint32).tolist():
        total = draw
        for bits in row:
            total = (total ^ bits) * 0x9E3779B97F4A7C15 % 2**64
            total ^= total >> 29
        total = total * 0xBF58476D1CE4E5B9 % 2**64
        numbers.append((total ^ (total >> 32)) >> 11)
    return np.array(numbers) / 2.0**53


def past_corners(course: float, side: float, near: np.ndarray) -> float:
    """The course of a robot, turned along whichever of the surfaces ``near`` it runs into."""
    bearings, begun = np.arctan2(near[:, EDGE_Y], near[:, EDGE_X]), course
    along = bearings + side * (0.5 * math.pi - 0.3 * np.clip(near[:, EDGE_GAP] / 0.05 - 1.0, -1.0, 1.0))
    while side * (course - begun) < math.pi:
        blocking = np.cos(bearings - course) > math.cos(1.0)
        turns = side * np.angle(np.exp(1j * (along - course)))[blocking]
        if (turns < 0.01).all():
            break
        course += side * turns.max()
    return course


def courses(observation: Observation) -> np.ndarray:
    """The rotations [rad] of wall following with its own settings, all robots ``[n]`` at once; 0 for straight on."""
    ego, edges = observation.ego.astype(np.float64), observation.edges.astype(np.float64)
    rotation = MOST * ego[:, EGO_ACTION + ROTATION]
    turning = np.abs(rotation) > 0.01
    counts = observation.mask & (turning[:, None] | (edges[..., EDGE_X] > 0.0))  # what blocks is ahead
    gaps = np.where(counts, edges[..., EDGE_GAP], np.inf)
    thing, gap = edges[np.arange(len(ego)), gaps.argmin(axis=1)], gaps.min(axis=1)
    bearing = np.arctan2(thing[:, EDGE_Y], thing[:, EDGE_X])
    blocked = (gap < 0.1) & (np.abs(bearing) < 0.5 * math.pi)
    start = ~turning & (10.0 * ego[:, EGO_STUCK] > 0.2) & blocked
    stay = turning & (gap < 0.5) & (blocked | (ego[:, EGO_LOST] > 0.0))
    shorter = np.where(np.abs(thing[:, EDGE_RIGHT]) < np.abs(thing[:, EDGE_LEFT]), -1.0, 1.0)
    first = np.where(thing[:, EDGE_IS_OBSTACLE] > 0.5, shorter, np.where(bearing > -0.02, -1.0, 1.0))
    change = hashed(observation.ego, 0) < 0.1 * ego[:, EGO_PERIOD] / np.where(ego[:, EGO_SPEED] < 0.1, 1.0, 5.0)
    side = np.where(turning, np.where(change, -1.0, 1.0) * np.sign(rotation), first)
    course = bearing + side * (0.5 * math.pi - 0.3 * np.clip(gap / 0.05 - 1.0, -1.0, 1.0))
    course = np.remainder(course + math.pi, 2.0 * math.pi) - math.pi
    arrived = np.hypot(edges[..., EDGE_INTENT_X], edges[..., EDGE_INTENT_Y]) <= 0.3
    surface = observation.mask & (edges[..., EDGE_GAP] < 0.1) & ((edges[..., EDGE_IS_OBSTACLE] > 0.5) | arrived)
    for i in np.flatnonzero(surface.any(axis=1)):
        course[i] = past_corners(course[i], side[i], edges[i, surface[i]])
    course = side * np.maximum(side * course, 0.02)
    arrived = np.expm1(3.0 * ego[:, EGO_REMAINING]) <= 2.0 * ego[:, EGO_RADIUS]
    return np.where((start | stay) & ~arrived, course, 0.0)


def test_wall_following_is_its_formula() -> None:
    rng, count = np.random.default_rng(0), 5000
    ego = rng.uniform(-1.0, 1.0, (count, EGO)).astype(np.float32)
    ego[:, EGO_REMAINING], ego[:, EGO_RADIUS], ego[:, EGO_PERIOD] = rng.uniform(0.0, [[0.6], [0.2], [3.0]], (3, count))
    ego[:, EGO_SPEED], ego[:, EGO_STUCK] = rng.choice([[0.05, 0.5], [0.0, 0.3]], count, axis=1)
    ego[:, EGO_ACTION + ROTATION] *= rng.choice([0.001, 1.0], count)
    edges = rng.normal(0.0, 0.1, (count, 6, EDGE)).astype(np.float32)
    edges[..., EDGE_IS_OBSTACLE] = rng.integers(0, 2, (count, 6))
    edges[..., EDGE_GAP] = rng.uniform(-0.05, 0.8, (count, 6))
    edges[..., EDGE_INTENT_X] = rng.choice([0.1, 0.9], (count, 6))  # has arrived, or wants on
    edges[:2000, :, EDGE_IS_OBSTACLE] = 1.0  # in a corner, nobody else there
    edges[:2000, :3, EDGE_GAP] = rng.uniform(0.0, 0.12, (2000, 3))
    observation = Observation(ego, edges, rng.random((count, 6)) < rng.random((count, 1)))
    course = courses(observation)
    jittered = (course + 0.001 * (2.0 * hashed(ego, 2) - 1.0)) / MOST
    actions = make_controller("wall_following:6,1")(observation)
    np.testing.assert_allclose(actions[:, ROTATION], 0.5 + 0.5 * np.clip(jittered, -1.0, 1.0), rtol=0, atol=1e-12)
    assert 0.1 < (course > 0.0).mean() < 0.4 and 0.1 < (course < 0.0).mean() < 0.4


# The rotation [rad] that ``policy`` always gives.
ALWAYS = 0.4 * MOST


def policy(observation: Observation) -> np.ndarray:
    """Always the same, on the edge of the box."""
    return np.broadcast_to([0.1, 0.2, 0.3, 0.4, 0.7, 1.0], (*observation.ego.shape[:-1], 6))


def in_charge(observation: Observation) -> Observation:
    """The rule drove in the last step."""
    observation.ego[:, EGO_ACTION + SPEED] = 1.0
    return observation


def test_the_way_out_leaves_the_policy_alone_while_it_comes_nearer() -> None:
    for state in ({"thing": WALL}, {"thing": WALL, "stuck": 0.09}, {"stuck": 0.5}):
        actions = Recovery(policy)(observed(20, rotation=ALWAYS, **state))  # type: ignore[arg-type]
        np.testing.assert_allclose(actions, np.tile([0.1, 0.2, 0.3, 0.4, 0.7, 0.999], (20, 1)))


def test_the_way_out_follows_the_wall_until_it_is_nearer_than_ever_and_free() -> None:
    recovery = Recovery(policy)
    begun = recovery(observed(20, stuck=0.51, rotation=ALWAYS, thing=WALL, speed=0.0))
    assert (begun[:, SPEED] == 1.0).all() and (decode(begun)[:, ROTATION] < -1.5).all()
    np.testing.assert_allclose(begun[:, :4], np.tile([0.1, 0.2, 0.3, 0.4], (20, 1)))
    gone_on = recovery(in_charge(observed(20, rotation=1.2, lost=0.1, thing=BESIDE)))
    assert (gone_on[:, SPEED] == 1.0).all()
    past = recovery(in_charge(observed(20, rotation=1.2, thing=BESIDE)))
    assert (past[:, SPEED] < 1.0).all() and (past[:, ROTATION] == 0.7).all()


def led_out(
    stuck: float, speed: float, moves: float = 0.0, wants: float = 1.0, higher_id: float = 1.0, rotation: float = ALWAYS
) -> bool:
    """Whether a robot before a wall, which sees another one, is led out."""
    seen = observed(20, stuck=stuck, rotation=rotation, thing=WALL, speed=speed)
    seen.ego[:, EGO_VX], seen.mask[:, 0] = speed, True
    columns = [EDGE_IS_ROBOT, EDGE_X, EDGE_GAP, EDGE_VX, EDGE_INTENT_X, EDGE_HIGHER_ID]
    seen.edges[:, 0, columns] = [1.0, 0.7, 0.5, moves - speed, wants, higher_id]
    led = Recovery(policy)(seen)[:, SPEED] == 1.0
    assert led.all() or not led.any()
    return bool(led.all())


def test_who_moves_or_waits_for_somebody_that_moves_is_not_stuck() -> None:
    assert led_out(0.41, 0.0)
    assert not led_out(0.39, 0.0)
    assert not led_out(0.41, 0.2)
    assert not led_out(0.95, 0.0, moves=0.2)


def test_who_stands_for_a_moment_because_its_policy_turns_it_back_is_not_stuck() -> None:
    assert led_out(0.95, 0.0, rotation=ALWAYS + 0.015 * MOST)
    assert not led_out(0.95, 0.0, rotation=ALWAYS + 0.03 * MOST)
    assert not led_out(0.95, 0.0, rotation=-ALWAYS)


def test_who_only_sees_robots_that_have_arrived_waits_for_nobody() -> None:
    assert led_out(0.11, 0.0, wants=0.0)
    assert not led_out(0.09, 0.0, wants=0.0)
    assert not led_out(0.95, 0.0, wants=0.0, moves=0.2)


def test_who_has_right_of_way_and_stands_is_stuck_before_those_who_wait_for_it() -> None:
    assert not led_out(0.65, 0.0, higher_id=-1.0)
    assert led_out(0.68, 0.0, higher_id=-1.0)
    assert led_out(0.41, 0.0, higher_id=-1.0, wants=0.0)  # it has arrived


def test_what_is_nearer_behind_hides_nothing_ahead() -> None:
    seen = observed(20, stuck=0.41, rotation=ALWAYS, thing=WALL, speed=0.0)
    seen.edges[:, 0, [EDGE_IS_OBSTACLE, EDGE_X, EDGE_GAP]], seen.mask[:, 0] = [1.0, -0.12, 0.02], True
    assert (Recovery(policy)(seen)[:, SPEED] == 1.0).all()


def test_the_way_out_leaves_what_the_policy_gave_as_it_is() -> None:
    given = np.full((20, 6), 1.0)
    led = Recovery(lambda _: given)(observed(20, stuck=0.51, rotation=MOST, thing=WALL, speed=0.0))
    assert (led[:, ROTATION] < 1.0).all()
    assert (given == 1.0).all()


def test_the_way_out_of_one_robot_is_that_of_a_batch() -> None:
    many = in_charge(observed(30, rotation=1.2, lost=0.1, stuck=0.5, thing=WALL))
    together = Recovery(policy)(many)
    for i in range(30):
        np.testing.assert_array_equal(Recovery(policy)(Observation(*(part[i] for part in many[:3]))), together[i])
