"""Runs that are not exact, robot by robot: as the batched core has them, safe, and written as they really were."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from oracles.teams import limits_of

from envs.arena.core import ArenaCore
from envs.arena.errors import STYLES
from envs.arena.inexact.arrays import CHECKS
from envs.rollout.late_bodies import LateBodies
from envs.rollout.run import Run
from envs.rollout.team import Fleet
from envs.scenarios import mixed, swap
from swarm.model.dynamics import Kind
from swarm.model.error_bounds import EXACT, ErrorBounds
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World

ALL = ErrorBounds(
    position=0.004, heading=0.03, velocity=0.02, age=0.03, latency=0.06, loss=0.2, dead_time=0.045, lag=0.05, slip=0.05,
)  # fmt: skip
BOLD = np.array([0.95, 0.05, 0.95, 0.05, 0.5, 0.95])


def meeting(kind: Kind, errors: ErrorBounds, robots: int = 6) -> Scenario:
    scenario = swap.draw(np.random.default_rng(3), kind=kind, robots=robots, spread=8.0, sensing_radius=0.6)
    return replace(scenario, errors=errors)


def run_of(scenario: Scenario, style: str, seed: int = 0, assume: ErrorBounds | None = None) -> Run:
    fleet = Fleet(scenario, planner="straight", controller="fixed:6,1", assume=assume, seed=seed, style=style)
    return Run(scenario, fleet, LateBodies(scenario))


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("others", ["heard", "sensed"])
@pytest.mark.parametrize("style", STYLES)
def test_one_robot_at_a_time_is_the_batched_core(kind: Kind, others: str, style: str) -> None:
    """The same errors from the same seed: what each robot works out for itself is what the kernels of the core do."""
    errors = replace(ALL, others=others, loss=0.0 if others == "sensed" else ALL.loss)  # type: ignore[arg-type]
    scenario = meeting(kind, errors)
    core = ArenaCore(lambda rng: scenario, redraw=False, styles=(style,))
    core.begin_errors(0, np.random.default_rng(7))
    run, rng = run_of(scenario, style, seed=7), np.random.default_rng(1)
    for _ in range(70):
        action = np.clip(BOLD + rng.uniform(-0.3, 0.3, (6, 6)), 0.0, 1.0)
        core.plan()
        core.advance(action[None])
        commands = run.tick(action)
        np.testing.assert_allclose([command.control for command in commands], core.control[0], atol=1e-9)
        np.testing.assert_allclose(run.states[:, :2], core.state[0, :, :2], atol=1e-9)
    crept = np.linalg.norm(run.states[:, 3:5], axis=1) < 0.5 * scenario.robots[0].limits.speed
    assert crept.any() or kind == Kind.UNICYCLE  # they met


@pytest.mark.parametrize("kind", list(Kind))
def test_a_lag_alone_is_the_batched_core_as_well(kind: Kind) -> None:
    """A state that is measured just now and acted on at once: the drive is that at the end of the last period."""
    scenario = meeting(kind, ErrorBounds(lag=0.1))
    core = ArenaCore(lambda rng: scenario, redraw=False, seed=7, styles=("white",))
    run = run_of(scenario, "white", seed=7)
    for _ in range(20):
        action = np.tile(BOLD, (6, 1))
        core.plan()
        core.advance(action[None])
        commands = run.tick(action)
        np.testing.assert_allclose([command.control for command in commands], core.control[0], atol=1e-9)


@pytest.mark.parametrize("kind", list(Kind))
def test_nobody_touches_and_who_assumes_nothing_does(kind: Kind) -> None:
    errors = ErrorBounds(position=0.01, age=0.06, dead_time=0.06, lag=0.1)
    touched = {}
    for name, assume in (("declared", None), ("nothing", EXACT)):
        run = run_of(meeting(kind, errors, robots=8), "adversary", assume=assume)
        rng = np.random.default_rng(2)
        for _ in range(150):
            run.tick(np.clip(BOLD + rng.uniform(-0.3, 0.3, (8, 6)), 0.0, 1.0))
        touched[name] = run.collisions
    assert touched["declared"] == 0
    assert touched["nothing"] > 0


def test_trajectories_are_the_true_ones_six_instants_a_period() -> None:
    scenario = meeting(Kind.SINGLE_INTEGRATOR, ALL)
    run = run_of(scenario, "white")
    for _ in range(5):
        run.tick()
    track = run.trajectory
    assert np.diff(track.time) == pytest.approx(scenario.dt / CHECKS)
    assert len(track.time) == 5 * CHECKS + 1
    assert (track.position[-1] == run.plant.state()[:, :2]).all()
    believed = [robot.believed(view).state[:2] for robot, view in zip(
        run.fleet.robots, run.fleet.views(run.time, run.states, run.goals), strict=True)]  # fmt: skip
    assert np.linalg.norm(np.array(believed) - track.position[-1], axis=1).max() > 1e-4


def test_what_a_held_body_was_told_counts_and_not_what_its_mind_wanted() -> None:
    """A robot whose commands never arrive knows where it stands."""
    spec = RobotSpec(
        Kind.SINGLE_INTEGRATOR, np.array([1.0, 1.0, 0, 0, 0]), np.array([[5.0, 1.0]]), 0.1,
        limits_of(Kind.SINGLE_INTEGRATOR, 1.0, 1.0, 1.0),
    )  # fmt: skip
    scenario = Scenario(World(np.array([0.0, 0.0, 6.0, 2.0])), (spec,), dt=0.05, errors=ErrorBounds(dead_time=0.2))
    for held in (True, False):
        fleet = Fleet(scenario, planner="straight", controller="fixed:6,1")
        robot, believed = fleet.robots[0], []
        for k in range(8):
            view = fleet.views(0.05 * k, spec.start[None], spec.goals)[0]
            view.time, view.measured = 0.05 * k, 0.05 * k
            view.state = np.array([1.0, 1.0, 0.0, 0.0, 0.0])
            believed.append(float(robot.believed(view).state[0]))
            robot.step(view)
            if held:
                robot.sent(np.zeros(2))
        assert believed[-1] == pytest.approx(1.0 if held else 1.2)


def test_the_core_goes_on_exactly_from_what_it_saved() -> None:
    draw = partial(mixed.draw, robots=4, obstacles=2, room=0.4)
    one, other = (ArenaCore(draw, worlds=3, seed=s, errors=ALL) for s in (1, 5))
    rng = np.random.default_rng(0)
    actions = rng.random((24, 3, 4, 6))
    for action in actions[:12]:
        one.step(action)
    other.load_state_dict(one.state_dict())
    for action in actions[12:]:
        one.step(action)
        other.step(action)
    assert (one.state == other.state).all()
    assert math.isfinite(float(one.min_clearance.min()))
