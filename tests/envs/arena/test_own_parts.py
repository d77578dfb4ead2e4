"""Parts of a user's own in batches of worlds, and teams that differ in size."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
from pettingzoo.test import parallel_api_test

import envs
from envs.arena.core import ArenaCore
from envs.arena.training.worlds import training_worlds
from envs.rollout.team import Fleet
from envs.scenarios import FAMILIES, clutter
from envs.strangers import TOUCH
from swarm import InputError, Scenario, StepRecord, View
from swarm.array_types import Array
from swarm.filter.safety import OUTCOMES
from swarm.filter.tunables import COUNT
from swarm.model.dynamics import Kind
from swarm.model.error_bounds import ErrorBounds
from swarm.planning.registry import make_planner
from swarm.scenario.grid_map import GridMap
from swarm.scenario.scenario import deliveries
from swarm.scenario.world import World
from swarm.tune.controllers import make_controller

WALK = """
import numpy as np
from swarm import Plan

class Beside:
    '''To a point left of the goal, and to a stop before it.'''
    def __init__(self, robot_id):
        self.aside = np.array([0.0, 0.1 * robot_id])
    def plan(self, view):
        return Plan(view.goal + self.aside, stop_distance=0.5)
"""


def slow(view: View) -> tuple[Array, Array]:
    """No faster than 0.1 m/s (or m/s²) along x where another robot is sensed."""
    near = len(view.neighbours) > 0
    return (np.array([[1.0, 0.0], [-1.0, 0.0]]), np.full(2, 0.1)) if near else (np.empty((0, 2)), np.empty(0))


def sizes(rng: np.random.Generator) -> Scenario:
    return clutter.draw(rng, robots=int(rng.integers(2, 7)), obstacles=4, side=2.0, kind=Kind(int(rng.integers(3))))


@pytest.mark.parametrize("planner", ["straight", "roadmap"])
def test_robots_that_are_not_there_change_nothing(planner: str) -> None:
    scenario = clutter.draw(np.random.default_rng(4), robots=5, obstacles=6, side=1.5, kind=Kind.UNICYCLE, horizon=1.5)
    exact, filled = (
        ArenaCore(lambda rng: scenario, worlds=2, redraw=False, planner=planner, robots=robots) for robots in (None, 8)
    )
    rng = np.random.default_rng(0)
    seen, padded = exact.reset(), filled.reset()
    assert padded.ego.shape[1] == 8
    for _ in range(40):
        for ours, theirs in zip(seen, padded, strict=True):
            assert ours is not None and theirs is not None and np.array_equal(ours, theirs[:, :5])
        action = rng.random((2, 8, COUNT))
        seen, reward, terminated, _, info = exact.step(action[:, :5])
        padded, filled_reward, filled_terminated, _, filled_info = filled.step(action)
        assert np.array_equal(reward, filled_reward[:, :5]) and (filled_reward[:, 5:] == 0.0).all()
        assert np.array_equal(terminated, filled_terminated) and filled_info["resting"][:, 5:].all()
        assert info["episodes"] == filled_info["episodes"]
    assert np.array_equal(exact.state, filled.state[:, :5]) and exact.summary(1) == filled.summary(1)
    assert exact.outcomes.sum() == filled.outcomes.sum() > 0


def test_without_asking_teams_have_one_size_and_never_more_than_asked_for() -> None:
    teams = [clutter.draw(np.random.default_rng(1), robots=n, obstacles=0) for n in (3, 4)]
    core = ArenaCore(lambda rng: teams[0])
    with pytest.raises(InputError, match=r"robots: got 4; valid: 3, or robots=N for teams of up to N$"):
        core.load(0, teams[1])
    with pytest.raises(InputError, match="at most 3"):
        ArenaCore(lambda rng: teams[1], robots=3)


WRITES = """
import numpy as np
from swarm import Plan

class Steered:
    def __init__(self, spec, world):
        spec.start[:], spec.goals[:] = 0.0, 0.0
        world.bounds[:], world.boxes[:], world.obstacles[:] = 0.0, 9.0, 9.0

    def plan(self, view):
        plan = Plan(view.goal.copy())
        view.state[:2], view.goal[:], view.neighbours[:] = view.goal, 0.0, 0.0
        return plan

def reward(step):
    for values in step:
        values[:] = 0
    return step.closer

def rows(view):
    view.state[:2] += 0.5
    return np.empty((0, 2)), np.empty(0)

def middle(observation):
    for values in observation[:3]:
        values[:] = 0
    return np.full(6, 0.5)
"""


def test_what_own_parts_write_into_what_they_are_given_moves_nobody(tmp_path: Path) -> None:
    (tmp_path / "writes.py").write_text(WRITES)
    scenario = clutter.draw(np.random.default_rng(3), robots=4, obstacles=4, side=1.5, kind=Kind.SINGLE_INTEGRATOR)
    untouched, part = copy.deepcopy(scenario), f"{tmp_path}/writes.py:"
    plain = ArenaCore(lambda rng: scenario, redraw=False)
    steered = ArenaCore(lambda rng: scenario, redraw=False, planner=f"{part}Steered", reward=f"{part}reward")
    bounded = ArenaCore(lambda rng: scenario, redraw=False, constraint=f"{part}rows")
    controller = make_controller(f"{part}middle")
    seen = [core.reset() for core in (plain, steered, bounded)]
    for _ in range(30):
        before = seen[0].ego.copy()
        action = controller(seen[0])
        assert (seen[0].ego == before).all() and before.any()
        seen = [core.step(action)[0] for core in (plain, steered, bounded)]
        assert (plain.state == steered.state).all() and np.allclose(plain.state, bounded.state, rtol=0.0, atol=1e-12)
        assert (plain.remaining == steered.remaining).all() and (plain.clearance == steered.clearance).all()
    assert scenario == untouched and (scenario.world.obstacles == untouched.world.obstacles).all()


def test_what_an_own_planner_writes_into_its_world_moves_no_obstacle_of_a_map(tmp_path: Path) -> None:
    (tmp_path / "writes.py").write_text(WRITES.replace("world.boxes[:]", "world.grid.free[:]"))
    grid = GridMap.from_rows(["...", ".#.", "..."])
    world, untouched = World.from_grid(grid), World.from_grid(grid)
    scenario = deliveries(grid, 2, np.random.default_rng(0))
    for spec in scenario.robots:
        make_planner(f"{tmp_path}/writes.py:Steered", spec, world, dt=0.05)
    assert world == untouched and (world.obstacles == untouched.obstacles).all() and world.grid is grid


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_can_be_trained_in_with_three_robots(name: str) -> None:
    worlds = training_worlds(1, 2, 3, families=[name])
    worlds.reset()
    for _ in range(3):
        observation, reward, *_ = worlds.step(np.full((2, worlds.num_robots, COUNT), 0.5))
    assert np.isfinite(observation.ego).all() and np.isfinite(reward).all()
    assert worlds.num_robots >= 3 and (~worlds.resting).any()


def test_every_kind_of_world_can_be_trained_in_with_three_robots() -> None:
    worlds = training_worlds(1, 40, 3)
    assert {len(scenario.robots) for scenario in worlds.scenarios} == {2, 3}
    worlds.step(np.full((40, 3, COUNT), 0.5))
    saved = worlds.state_dict()
    again = training_worlds(2, 40, 3)
    again.load_state_dict(saved)
    first, second = (one.step(np.full((40, 3, COUNT), 0.3)) for one in (worlds, again))
    assert np.array_equal(first[1], second[1]) and np.array_equal(first[0].ego, second[0].ego)


@pytest.mark.parametrize("errors", [None, ErrorBounds(position=0.002, latency=0.03)])
def test_teams_of_changing_size_begin_and_end_in_the_same_worlds(errors: ErrorBounds | None) -> None:
    core = ArenaCore(sizes, worlds=6, robots=6, errors=errors, margin=0.0)
    core.reset(3)
    seen = set()
    core.horizon[:] = 5
    for _ in range(12):
        seen |= {len(scenario.robots) for scenario in core.scenarios}
        _, reward, _, _, info = core.step(np.full((6, 6, COUNT), 0.5))
        assert np.isfinite(reward).all()
        core.horizon[:] = np.minimum(core.horizon, 5)
        assert all(0.0 <= episode["success"] <= 1.0 and np.isfinite(episode["return"]) for episode in info["episodes"])
    assert len(seen) > 2


def test_a_reward_sees_what_happened() -> None:
    records = []

    def reward(step: StepRecord) -> Array:
        records.append(copy.deepcopy(step))
        return np.ones(step.done.shape)

    core = ArenaCore(lambda rng: clutter.draw(rng, robots=4, side=2.0), worlds=3, reward=reward, redraw=False)
    core.reset(1)
    reached = np.zeros((3, 4), bool)
    for _ in range(300):
        before, done = core.state.copy(), core.resting
        _, given, *_ = core.step(np.full((3, 4, COUNT), 0.6))
        step = records[-1]
        assert np.array_equal(given, np.where(done, 0.0, 1.0)) and np.array_equal(step.done, done)
        assert np.array_equal(step.state_before, before) and np.array_equal(step.state, core.state)
        way = np.linalg.norm(step.state[..., :2] - step.state_before[..., :2], axis=-1)
        assert (np.abs(step.closer) <= way + 1e-9).all() and (way <= 1.5 * step.fastest + 1e-9).all()
        assert step.closer == pytest.approx(step.distance_before - step.distance, abs=1e-9)
        assert np.array_equal(step.collided, step.clearance < TOUCH) and set(np.unique(step.outcome)) <= set(
            range(len(OUTCOMES))
        )
        reached |= step.arrived
        assert np.array_equal(step.reached, reached)
    assert reached.any()


@pytest.mark.parametrize("wrong", [lambda step: 1.0, lambda step: np.full(step.done.shape, np.nan)])
def test_a_reward_that_is_none_is_refused(wrong: object) -> None:
    core = ArenaCore(lambda rng: clutter.draw(rng, robots=2), reward=wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"reward: <lambda> \(\S+test_own_parts\.py:\d+\): rewards.*: got"):
        core.step(np.full((1, 2, COUNT), 0.5))


def test_a_planner_leads_robots_in_batches_as_alone(tmp_path: Path) -> None:
    (tmp_path / "walk.py").write_text(WALK)
    reference, scenario = (
        f"{tmp_path / 'walk.py'}:Beside",
        clutter.draw(np.random.default_rng(2), robots=4, obstacles=0),
    )
    core, fleet = (
        ArenaCore(lambda rng: scenario, planner=reference),
        Fleet(scenario, planner=reference, controller="fixed:6,1"),
    )
    core.observe()
    goals = np.array([robot.goals[0] for robot in scenario.robots])
    assert core.waypoint[0] == pytest.approx(goals + [[0.0, 0.1 * i] for i in range(4)])
    assert core.remaining[0] == pytest.approx(0.5)
    action = np.full((1, 4, COUNT), 0.5)
    states = core.state[0].copy()
    core.step(action)
    commands = fleet.step(0.0, states, goals, action[0])
    assert core.control[0] == pytest.approx(np.array([command.control for command in commands]), abs=1e-9)


@pytest.mark.parametrize("kind", list(Kind))
def test_a_constraint_holds_in_batches_as_alone(kind: Kind) -> None:
    scenario = clutter.draw(np.random.default_rng(5), robots=6, obstacles=3, side=1.2, kind=kind)
    core, free = ArenaCore(lambda rng: scenario, constraint=slow), ArenaCore(lambda rng: scenario)
    fleet = Fleet(scenario, planner="straight", controller="fixed:6,1", constraint=slow)
    goals, differs = np.array([robot.goals[0] for robot in scenario.robots]), False
    for k in range(5):
        states, action = core.state[0].copy(), np.full((1, 6, COUNT), 0.5)
        commands = fleet.step(k * scenario.dt, states, goals, action[0])
        core.step(action)
        free.step(action)
        assert core.control[0] == pytest.approx(np.array([command.control for command in commands]), abs=1e-6)
        assert [OUTCOMES[one] for one in core.outcome[0]] == [command.outcome for command in commands]
        differs |= not np.allclose(core.control, free.control)
    assert differs and not core.collided.any()
    with pytest.raises(InputError, match="errors are declared"):
        ArenaCore(lambda rng: scenario, constraint=slow, errors=ErrorBounds(position=0.01))


def of_three_to_six(rng: np.random.Generator) -> Scenario:
    """A family whose teams differ in size."""
    return clutter.draw(rng, robots=int(rng.integers(3, 7)), obstacles=2)


def test_agents_of_an_environment_are_those_of_the_episode_where_teams_differ_in_size() -> None:
    env = envs.make("arena_v0", scenario=of_three_to_six, robots=6, max_cycles=20, render_mode="rgb_array")
    sizes = set()
    for seed in range(6):
        observations, _ = env.reset(seed=seed)
        alone = envs.make("arena_v0", scenario=env.core.scenarios[0], max_cycles=20)
        alone.reset()
        assert list(observations) == env.agents == alone.agents == env.possible_agents[: len(env.agents)]
        sizes.add(len(env.agents))
        action = {agent: env.action_space(agent).sample() for agent in env.agents}
        for _ in range(20):
            found, expected = env.step(action), alone.step(action)
            assert found[1:] == expected[1:]
            assert all(np.array_equal(found[0][agent]["ego"], one["ego"]) for agent, one in expected[0].items())
        assert env.agents == [] and env.state_space.contains(env.state())
        env.render()
    assert len(sizes) > 2
    parallel_api_test(env, num_cycles=100)
    with pytest.raises(InputError, match=r"robots: got \d; valid: at most 3"):
        small = envs.make("arena_v0", scenario=of_three_to_six, robots=3)
        for seed in range(10):
            small.reset(seed=seed)


def test_vector_worlds_fill_smaller_teams_up_with_robots_that_rest() -> None:
    many = envs.make_vec("arena_v0", worlds=5, scenario=of_three_to_six, robots=6)
    many.reset(seed=3)
    action = many.action_space.sample()
    observation, reward, _, _, info = many.step(action)
    for b in range(5):
        one = envs.make("arena_v0", scenario=of_three_to_six, robots=6)
        one.reset(seed=3 + b)
        team = len(one.agents)
        expected = one.step({agent: action[b, i] for i, agent in enumerate(one.agents)})
        assert reward[b, :team].tolist() == list(expected[1].values()) and (reward[b, team:] == 0.0).all()
        assert info["resting"][b, team:].all() and not info["resting"][b, :team].any()
        assert np.array_equal(observation["edges"][b, 0], expected[0]["robot_0"]["edges"])
