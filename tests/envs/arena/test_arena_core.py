"""The batched core: no contact under random tunables, exact resumption, honest counting."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from oracles.contact import least_gap, path
from oracles.copies import assert_goes_on
from oracles.teams import limits_of

from envs.arena.core import ArenaCore
from envs.scenarios import clutter, swap
from swarm.errors import InputError
from swarm.filter.tunables import COUNT, STRAIGHT
from swarm.model.dynamics import Kind, Limits
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World

KINDS = list(Kind)
EMPTY = World(np.array([0.0, 0.0, 4.0, 4.0]))


pytestmark = pytest.mark.usefixtures("one_thread")


def mixed(rng: np.random.Generator) -> Scenario:
    """Sixteen robots of all kinds and several sizes in a tight room with boxes."""
    plan = clutter.draw(rng, robots=16, obstacles=6, side=2.2, radius=0.07, sensing_radius=0.9)
    robots = []
    for i, robot in enumerate(plan.robots):
        kind, state = KINDS[i % 3], robot.start.copy()
        state[2] = rng.uniform(-3, 3) if kind == Kind.UNICYCLE else 0.0
        limits = limits_of(kind, rng.uniform(0.3, 1.2), rng.uniform(0.6, 5.0), rng.uniform(2.0, 8.0))
        robots.append(RobotSpec(kind, state, robot.goals, rng.uniform(0.03, 0.07), limits))
    return Scenario(plan.world, tuple(robots), plan.horizon, plan.dt, plan.sensing_radius, "mixed")


def dense(kind: Kind, robots: int) -> ArenaCore:
    side = 0.4 * math.sqrt(robots)  # at least four radii apart, and little more
    return ArenaCore(
        lambda rng: clutter.draw(rng, robots=robots, obstacles=4, side=max(side, 1.4), kind=kind, horizon=6.0),
        worlds=4, seed=int(kind), checks=5,
    )  # fmt: skip


def check_no_contact(core: ArenaCore, steps: int) -> None:
    """Random tunables; in half of the worlds bold ones, that keep pushing everybody at everybody."""
    rng = np.random.default_rng(0)
    shape = (core.num_worlds, core.num_robots, COUNT)
    outcomes, least = np.zeros(3, np.int64), math.inf
    bold = rng.uniform([0.9, 0.0, 0.9, 0.0, 0.4, 0.9], [1.0, 0.1, 1.0, 0.1, 0.6, 1.0], shape)
    for _ in range(steps):
        action = rng.random(shape)
        action[::2] = bold[::2]
        core.step(action)
        assert not core.collided.any()
        least = min(least, float(core.clearance.min()))
        outcomes += np.bincount(core.outcome.ravel(), minlength=3)
    assert outcomes.sum() == steps * core.num_worlds * core.num_robots
    assert -1e-9 < least < 0.018  # they came close, so something was tested


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("robots", [8, 32])
def test_no_contact_under_any_tunables(kind: Kind, robots: int) -> None:
    check_no_contact(dense(kind, robots), 200)


def test_no_contact_in_mixed_teams() -> None:
    check_no_contact(ArenaCore(mixed, worlds=4, checks=5), 200)


@pytest.mark.parametrize("kind", KINDS)
def test_no_contact_in_a_swap_with_few_slots(kind: Kind) -> None:
    core = ArenaCore(
        lambda rng: swap.draw(rng, robots=16, kind=kind, spread=10.0), worlds=4, checks=5, neighbours=3, obstacles=2
    )
    check_no_contact(core, 200)


def test_without_the_filter_there_are_collisions() -> None:
    core = ArenaCore(lambda rng: swap.draw(rng, spread=8.0), worlds=2, filtered=False, redraw=False, checks=5)
    action = np.full((2, 8, COUNT), 0.5)
    action[..., 5] = 1.0
    for _ in range(200):
        core.step(action)
    assert core.collided.all()
    assert core.min_clearance.max() < 0.0


def test_a_gap_to_few_obstacles_counts_from_any_distance() -> None:
    boxes = np.array([[3.0 + 0.2 * k, 3.8, 0.05, 0.05] for k in range(5)])
    world = World(np.array([0.0, 0.0, 4.0, 4.0]), boxes)
    spec = RobotSpec(
        Kind.SINGLE_INTEGRATOR, np.array([0.5, 0.5, 0.0, 0.0, 0.0]), np.array([[0.5, 1.0]]), 0.05, Limits(1.0)
    )
    core = ArenaCore(lambda rng: Scenario(world, (spec,), sensing_radius=0.5), redraw=False)
    core.step(np.full((1, 1, COUNT), 0.5))
    assert core.clearance[0, 0] == pytest.approx(world.clearance(core.state[0, 0, :2]) - 0.05, abs=1e-12)
    assert core.clearance[0, 0] > 3.0


@pytest.mark.parametrize("kind", KINDS)
def test_clearances_are_those_of_the_oracle(kind: Kind) -> None:
    core, rng = ArenaCore(
        lambda rng: clutter.draw(rng, robots=10, obstacles=6, side=2.0, kind=kind), filtered=False, redraw=False,
        checks=5,
    ), np.random.default_rng(1)  # fmt: skip
    for _ in range(60):
        before = core.state[0].copy()
        core.step(rng.random((1, 10, COUNT)))
        times = core.period[0] * np.arange(1, 6) / 5
        moves = zip(core.kind[0], before, core.control[0], strict=True)
        paths = np.array([path(int(kind), state, control, times) for kind, state, control in moves])
        everywhere = np.array([-9.0, -9.0, 9.0, 9.0])
        least = least_gap(paths, core.body[0, :, 0], core.scenarios[0].world.obstacles, everywhere)
        assert core.clearance.min() == pytest.approx(least, abs=1e-9)
        assert paths[:, -1] == pytest.approx(core.state[0, :, :2], abs=1e-12)


def test_it_goes_on_exactly_from_what_was_saved() -> None:
    def make() -> ArenaCore:
        return ArenaCore(lambda rng: mixed_short(rng), worlds=3, seed=4)

    core, rng = make(), np.random.default_rng(5)
    for _ in range(25):
        core.step(rng.random((3, 16, COUNT)))
    saved, actions = core.state_dict(), rng.random((60, 3, 16, COUNT))
    other, ended = make(), 0
    other.load_state_dict(saved)
    for a, b in zip(core.observe(), other.observe(), strict=True):
        assert np.array_equal(np.asarray(a), np.asarray(b))
    for action in actions:
        one, two = core.step(action), other.step(action)
        ended += len(one[4]["episodes"])
        assert all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in zip(one[0], two[0], strict=True))
        assert all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in zip(one[1:4], two[1:4], strict=True))
        assert one[4]["episodes"] == two[4]["episodes"]
    assert ended > 3  # new worlds were drawn, too
    again = core.state_dict()
    assert again.keys() == saved.keys()
    assert all(np.array_equal(again[k], v, equal_nan=True) for k, v in other.state_dict().items() if k[0] not in "rd")
    assert again["rng"] == other.state_dict()["rng"]


def mixed_short(rng: np.random.Generator) -> Scenario:
    scenario = mixed(rng)
    horizon = float(rng.uniform(0.3, 1.0))
    return Scenario(scenario.world, scenario.robots, horizon, scenario.dt, scenario.sensing_radius)


def test_states_that_do_not_fit() -> None:
    core = ArenaCore(clutter.draw)
    saved = core.state_dict()
    for name in ("state", "rng", "drawn_from"):
        with pytest.raises(InputError, match=name):
            core.load_state_dict({k: v for k, v in saved.items() if k != name})
    with pytest.raises(InputError, match=r"goal.*shape"):
        core.load_state_dict({**saved, "goal": np.zeros((1, 3, 2))})


@pytest.mark.parametrize(
    "action", [np.zeros((1, 8, 5)), np.zeros((8, 6)), np.full((1, 8, 6), np.nan), "x", None, [[1], []]]
)
def test_actions_that_make_no_sense(action: Any) -> None:
    with pytest.raises(InputError, match="action"):
        ArenaCore(clutter.draw).step(action)


def two(goals: list[list[float]], start: tuple[float, float] = (1.0, 1.0), horizon: float = 3.0) -> Scenario:
    """A robot that stands at its goal, and one with the given goals."""
    limits = Limits(1.0)
    robots = [
        RobotSpec(Kind.SINGLE_INTEGRATOR, np.array([3.0, 3.0, 0, 0, 0]), np.array([[3.0, 3.0]]), 0.1, limits),
        RobotSpec(Kind.SINGLE_INTEGRATOR, np.array([*start, 0, 0, 0]), np.array(goals), 0.1, limits),
    ]
    return Scenario(EMPTY, tuple(robots), horizon, 0.1, 2.0)


def test_goals_are_handed_out_in_order_and_an_episode_ends_as_a_whole() -> None:
    core = ArenaCore(lambda rng: two([[2.0, 1.0], [1.0, 1.0]]), redraw=False)
    action = np.full((1, 2, COUNT), 0.5)
    action[..., 5] = 1.0
    for k in range(1, 40):
        before = np.linalg.norm(core.goal[0, 1] - core.state[0, 1, :2])
        _, reward, terminated, truncated, info = core.step(action)
        assert core.reached[0, 0]
        if terminated[0] or truncated[0]:
            break
        assert info["episodes"] == [] and info["final_observation"] is None
        assert info["resting"].tolist() == core.reached.tolist()
        if k > 1:
            assert reward[0, 0] == 0.0  # done: nothing to gain or to lose
            if core.deliveries[0, 1] == 0:
                closer = before - np.linalg.norm(core.goal[0, 1] - core.state[0, 1, :2])
                assert reward[0, 1] == pytest.approx(0.1 * closer / 0.1 - 0.04, abs=1e-6)
    # 0.8 m to the first goal's edge, and from there 0.8 m back to the edge of the second, 0.1 m a step.
    assert k in (15, 16, 17)
    assert (terminated[0], truncated[0]) == (True, False)
    assert core.deliveries[0].tolist() == [1, 2]
    assert core.reach_time[0] == pytest.approx([0.1, 0.1 * k])
    summary = info["episodes"][0]
    assert (summary["success"], summary["reached"], summary["collisions"]) == (1.0, 1.0, 0.0)
    assert summary["time"] == pytest.approx(0.5 * (0.1 + 0.1 * k))
    assert summary["deliveries"] == 3.0
    assert summary["return"] == pytest.approx(float(core.returns.mean()))


def test_the_horizon_truncates_and_a_new_world_is_drawn() -> None:
    core = ArenaCore(lambda rng: two([[1.0 + rng.random(), 3.9]], horizon=0.5), worlds=2, seed=1)
    goals = core.goal.copy()
    for k in range(1, 6):
        observation, _, terminated, truncated, info = core.step(np.full((2, 2, COUNT), 0.5))
        assert truncated.tolist() == [k == 5] * 2
        assert not terminated.any()
    assert len(info["episodes"]) == 2
    assert (core.age == 0).all()
    assert (core.goal[:, 1] != goals[:, 1]).any()
    assert not np.array_equal(info["final_observation"].ego, observation.ego)
    assert np.array_equal(core.observe().ego, observation.ego)


def test_a_reset_with_a_seed_is_a_reset_with_that_seed() -> None:
    core = ArenaCore(clutter.draw, worlds=2, seed=3)
    first, other, again = core.reset(9), core.reset(), core.reset(9)
    assert all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in zip(first, again, strict=True))
    assert not (first.ego == other.ego).all()
    fresh = ArenaCore(clutter.draw, worlds=2, seed=9).observe()
    assert all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in zip(first, fresh, strict=True))


def test_all_worlds_have_as_many_robots() -> None:
    core = ArenaCore(lambda rng: clutter.draw(rng, robots=int(rng.integers(2, 12))), seed=0)
    with pytest.raises(InputError, match="robots"):
        for _ in range(9):
            core.reset()


@pytest.mark.parametrize("kind", [Kind.SINGLE_INTEGRATOR, Kind.UNICYCLE])
def test_robots_that_the_filter_cannot_stop_in_time_are_refused(kind: Kind) -> None:
    """The exact dynamics have no motors: nobody would notice that the limit is not kept."""
    plan = partial(clutter.draw, robots=2, kind=kind, limits=Limits(0.5, 1.0, 4.0))
    with pytest.raises(InputError, match=r"scenario 'clutter': robots\[0\]: limits\.acceleration: got 1.0"):
        ArenaCore(plan)


def ramped(rng: np.random.Generator) -> Scenario:
    """A mixed team; its unicycles are of second order."""
    scenario = mixed(rng)
    limits = Limits(0.8, acceleration=0.6, turn_rate=3.0, turn_acceleration=6.0)
    robots = tuple(replace(r, limits=limits) if r.kind == Kind.UNICYCLE else r for r in scenario.robots)
    return replace(scenario, robots=robots)


def test_no_contact_with_unicycles_of_second_order() -> None:
    check_no_contact(ArenaCore(ramped, worlds=4, checks=5), 200)


def test_it_goes_on_exactly_with_unicycles_of_second_order() -> None:
    core, other = (ArenaCore(lambda rng: ramped(rng), worlds=2, seed=4) for _ in range(2))
    assert_goes_on(core, other, before=25, after=10)


def facing(gap: float, boxes: list[list[float]]) -> Scenario:
    """Two robots that drive at each other, ``gap`` m apart, and boxes."""
    limits = Limits(0.5, 10.0)
    robots = [
        RobotSpec(Kind.DOUBLE_INTEGRATOR, np.array([x, 2.0, 0.0, 0.0, 0.0]), np.array([[goal, 2.0]]), 0.05, limits)
        for x, goal in ((2.0 - 0.5 * gap, 3.5), (2.0 + 0.5 * gap, 0.5))
    ]
    return Scenario(World(EMPTY.bounds, np.array(boxes).reshape(-1, 4)), tuple(robots), 5.0, 0.05, 0.5)


@pytest.mark.parametrize("moved", [False, True])
def test_who_has_looked_looks_again_where_robots_were_moved_or_another_world_came(moved: bool) -> None:
    far, near = facing(0.6, []), facing(0.12, []) if moved else facing(0.6, [[2.0, 2.0, 0.24, 0.2]])
    looked, fresh = ArenaCore(lambda _: far), ArenaCore(lambda _: near)
    looked.observe()
    if moved:
        looked.state[:] = fresh.state
        looked.moved[:] = True
    else:
        looked.load(0, near)
    action = np.tile(STRAIGHT, (1, 2, 1))
    for core in (looked, fresh):
        core.advance(action)
    free = ArenaCore(lambda _: far)
    free.advance(action)
    assert (looked.control == fresh.control).all() and (looked.state == fresh.state).all()
    assert (looked.control != free.control).any()  # there was something to be seen
