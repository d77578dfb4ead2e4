"""What is declared as not exact is part of the observation: in a batch, in the environment, and of a robot alone."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from envs.arena.core import ArenaCore
from envs.arena.env import ArenaEnv
from envs.arena.team_planner import OwnTeam
from envs.rollout.team import Fleet
from envs.scenarios import clutter, draw_family
from swarm.filter.tunables import COUNT
from swarm.model.body import MARGIN, TOP_SPEED
from swarm.model.dynamics import Kind, Limits
from swarm.model.error_bounds import EXACT, ErrorBounds
from swarm.planning.passages.planner import PassagePlanner
from swarm.tune.observation import EGO_EXACT

BOUNDS = [
    EXACT,
    ErrorBounds(position=0.005),
    ErrorBounds(age=0.03, dead_time=0.04, lag=0.02),
    ErrorBounds(latency=0.1, loss=0.2),
    ErrorBounds(sensing=0.01),
    ErrorBounds(sensing=0.01, others="sensed"),
    ErrorBounds(position=0.002, velocity=0.02, age=0.03, loss=0.9),
]


def wanted(errors: ErrorBounds, margin: float) -> list[float]:
    """The four features of a robot with a radius of 0.05 m and a top speed of 0.5 m/s."""
    sensing = errors.sensing if errors.others == "sensed" else 0.0
    amounts = 10.0 * (margin + sensing) / 0.05, 10.0 * (errors.age + errors.dead_time + errors.lag), 10 * errors.latency
    return [*(amount / (1.0 + amount) for amount in amounts), errors.loss]


@pytest.mark.parametrize("errors", BOUNDS, ids=ErrorBounds.describe)
def test_it_is_the_same_everywhere(errors: ErrorBounds) -> None:
    kind, limits = Kind.DOUBLE_INTEGRATOR, Limits(0.5, acceleration=10.0)
    scenario = clutter.draw(np.random.default_rng(1), robots=3, kind=kind, limits=limits)
    scenario = dataclasses.replace(scenario, errors=errors)
    core, env = ArenaCore(lambda rng: scenario), ArenaEnv(lambda rng: scenario)
    assert core.body[0, 0, TOP_SPEED] == 0.5, "a lower top speed would need another formula"
    batched = core.observe().ego[0, :, EGO_EXACT:]
    np.testing.assert_allclose(batched, [wanted(errors, float(core.body[0, 0, MARGIN]))] * 3, rtol=1e-6)
    assert batched.any() == (errors.told != (0.0,) * 4 or errors.position > 0.0)
    alone, _ = env.reset(seed=0)
    assert all(env.observation_space(agent).contains(seen) for agent, seen in alone.items())
    np.testing.assert_array_equal([seen["ego"][EGO_EXACT:] for seen in alone.values()], batched)
    fleet = Fleet(scenario, planner="straight", controller="fixed:6,1")
    views = fleet.views(0.0, core.state[0].copy(), core.goal[0].copy())
    robots = [robot.observe(view).ego[EGO_EXACT:] for robot, view in zip(fleet.robots, views, strict=True)]
    np.testing.assert_array_equal(robots, batched)


def test_robots_see_what_they_assume() -> None:
    scenario = clutter.draw(np.random.default_rng(1), robots=3)
    errors = ErrorBounds(position=0.002, loss=0.3)
    real = ArenaCore(lambda rng: scenario, errors=errors, assume=EXACT).observe().ego[..., EGO_EXACT:]
    assumed = ArenaCore(lambda rng: scenario, errors=EXACT, assume=errors).observe().ego[..., EGO_EXACT:]
    assert not real.any() and (assumed[..., 3] == np.float32(0.3)).all()


@pytest.mark.parametrize("assumed", [EXACT, ErrorBounds(position=0.03, age=0.05, slip=0.1)], ids=ErrorBounds.describe)
def test_where_two_pass_each_other_is_what_they_assume_in_a_batch_as_in_a_fleet(assumed: ErrorBounds) -> None:
    scenario = dataclasses.replace(draw_family("rooms", 0), errors=ErrorBounds(position=0.01))
    core = ArenaCore(lambda _: scenario, worlds=1, planner="passages", assume=assumed)
    team, fleet = core._planners[0], Fleet(scenario, planner="passages", assume=assumed)
    assert isinstance(team, OwnTeam)
    for batched, alone in zip(team._planners.values(), fleet.robots, strict=True):
        assert isinstance(batched, PassagePlanner) and isinstance(alone.planner, PassagePlanner)
        assert batched.slices is alone.planner.slices


@pytest.mark.parametrize("family", ["rooms", "blocks"])
def test_a_world_of_a_batch_plans_together_what_its_robots_plan_one_by_one(family: str) -> None:
    scenario, calm = draw_family(family, 1), 0
    together, alone = (ArenaCore(lambda _: scenario, worlds=1, planner="passages") for _ in range(2))
    ours, theirs = together._planners[0], alone._planners[0]
    assert isinstance(ours, OwnTeam) and isinstance(theirs, OwnTeam) and ours._together is not None
    theirs._together = None
    action = np.full((1, len(scenario.robots), COUNT), 0.5)
    for _ in range(60):
        for core in (together, alone):
            core.step(action)
        calm += sum(getattr(planner, "keeper", None) is ours._together for planner in ours._planners.values())
        assert np.array_equal(together.state, alone.state) and np.array_equal(ours.waits, theirs.waits)
    assert calm > 0.5 * 60 * len(scenario.robots)
