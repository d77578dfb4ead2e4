"""Unicycles of second order where something is not exact: believed within their errors, and apart."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from oracles.convex import outside
from oracles.inexact_worlds import ALL, DT, Tape, bold, drawn, hull_of, record

from envs.arena.core import ArenaCore
from envs.arena.errors import STYLES
from envs.rollout.late_bodies import LateBodies
from envs.rollout.run import Run
from envs.rollout.team import Fleet
from envs.strangers import TOUCH
from swarm.filter.hulls.geometry import MOST, other_hull
from swarm.model.actuators import T_BODY_X, T_CORNER_Y, T_ERROR, T_SPEED, T_TURN_RATE, TRAIL
from swarm.model.body import coast_of
from swarm.model.dynamics import Kind
from swarm.model.error_bounds import EXACT, ErrorBounds
from swarm.scenario.scenario import Scenario
from swarm.sense.neighbours import N_ERROR

pytestmark = pytest.mark.usefixtures("one_thread")
STYLE = pytest.mark.parametrize("style", STYLES)
# Old news of a robot that needs long to stop and to turn say little: where all were old, nobody would move.
HEARD = replace(ALL, lag=0.0, latency=0.0)
SENSED = replace(HEARD, age=0.0, dead_time=0.0, loss=0.0, others="sensed")
OTHERS = pytest.mark.parametrize("errors", [HEARD, SENSED], ids=["heard", "sensed"])


def slow(rng: np.random.Generator, errors: ErrorBounds = HEARD, kinds: tuple[Kind, ...] = (Kind.UNICYCLE,)) -> Scenario:
    room = 0.35 if errors.others == "heard" else 1.5
    return drawn(rng, errors, kinds, second_order=1.0, room=room, sensing_radius=2.0)


def moving(rng: np.random.Generator, errors: ErrorBounds) -> Scenario:
    """The same, but all start in motion."""
    scenario = slow(rng, replace(errors, age=0.0))  # an old place would be one where nobody was
    starts = [robot.start.copy() for robot in scenario.robots]
    for start in starts:
        start[3:] = 0.05 * math.cos(start[2]), 0.05 * math.sin(start[2])
    robots = (replace(robot, start=start) for robot, start in zip(scenario.robots, starts, strict=True))
    return replace(scenario, robots=tuple(robots))


def true_motion(tape: Tape, i: int, end: float) -> tuple[np.ndarray, np.ndarray]:
    """State and drive of robot i, which starts at rest, at a time [s], in many small steps."""
    count = round(end / 1e-4)
    edges = 1e-4 * np.arange(count + 1)
    middles = 0.5 * (edges[1:] + edges[:-1])
    told = np.array([np.zeros(2), *(commands[i] for commands in tape.commands)])
    knots = tape.errors.dead_time + DT * np.arange(len(told))
    speed, rate = (np.interp(middles, knots, column) for column in told.T)
    turned = tape.start[i, 2] + np.concatenate([[0.0], np.cumsum(1e-4 * rate)])
    course = turned[:-1] + 0.5e-4 * rate
    slips = np.array([slips[i] for slips in tape.slips])[np.floor(middles / DT).astype(int)]
    way = (1.0 + slips) * speed * 1e-4
    place = tape.start[i, :2] + np.array([(way * np.cos(course)).sum(), (way * np.sin(course)).sum()])
    drive = np.array([np.interp(end, knots, column) for column in told.T])
    return np.array([*place, turned[-1], drive[0] * math.cos(turned[-1]), drive[0] * math.sin(turned[-1])]), drive


def true_hull(tape: Tape, core: ArenaCore, i: int, k: int, slip: float) -> np.ndarray:
    """Of robot i when its command of period k acts, if it slips by so much on its way to rest."""
    state, drive = true_motion(tape, i, k * DT + tape.errors.dead_time)
    trail = np.zeros(TRAIL)
    trail[T_SPEED : T_TURN_RATE + 1] = drive
    coast_of(state, core.body[0, i], trail)
    trail[T_BODY_X : T_CORNER_Y + 1] *= 1.0 + slip
    return hull_of(Kind.UNICYCLE, state, core.body[0, i], trail)


@STYLE
def test_bodies_move_as_a_plain_simulation_of_their_commands(style: str) -> None:
    core = ArenaCore(slow, styles=[style], redraw=False)
    tape = record(core, 25)
    fastest = 0.0
    for k in (1, 7, 24):
        for i in range(core.num_robots):
            state, drive = true_motion(tape, i, k * DT)
            fastest = max(fastest, abs(drive[0]))
            assert math.remainder(state[2] - tape.states[k][i, 2], math.tau) == pytest.approx(0.0, abs=1e-6)
            assert np.delete(state, 2) == pytest.approx(np.delete(tape.states[k][i], 2), abs=1e-6)
    assert fastest > 0.1


@STYLE
@OTHERS
def test_what_robots_believe_of_ways_to_rest_is_within_their_errors(style: str, errors: ErrorBounds) -> None:
    """Of themselves, and of others as they lie to them, however both slip on."""
    core = ArenaCore(partial(slow, errors=errors), styles=[style], redraw=False)
    tape, most = record(core, 25), 0.0
    assert np.abs(tape.commands)[..., 0].max() > 0.1
    for k in (0, 5, 11, 17, 22):
        for slip in (-errors.slip, errors.slip):
            hulls = [true_hull(tape, core, j, k, slip) for j in range(core.num_robots)]
            state, trail = tape.believed[k]
            for i, truth in enumerate(hulls):
                own = hull_of(Kind.UNICYCLE, state[i], core.body[0, i], trail[i])
                away = max(outside(point, own) for point in truth)
                assert away <= trail[i, T_ERROR] + 1e-7
                most = max(most, away / trail[i, T_ERROR])
                shift = state[i, :2] - truth[0]
                for j in set(range(core.num_robots)) - {i}:
                    row, told = tape.seen[k][i, j], np.empty((MOST, 2))
                    told = told[: other_hull(row, DT, told)]
                    away = max(outside(point + shift, told) for point in hulls[j])
                    assert away <= trail[i, T_ERROR] + row[N_ERROR] + 1e-7
    assert most > 0.3  # they do err


@STYLE
@OTHERS
@pytest.mark.parametrize("draw", [slow, moving])
def test_one_robot_at_a_time_is_the_batched_core(
    style: str, errors: ErrorBounds, draw: Callable[[np.random.Generator, ErrorBounds], Scenario]
) -> None:
    """The same errors from the same seed: what each robot works out for itself is what the kernels of the core do."""
    scenario = draw(np.random.default_rng(3), errors)
    core = ArenaCore(lambda rng: scenario, redraw=False, styles=(style,))
    core.begin_errors(0, np.random.default_rng(7))
    fleet = Fleet(scenario, planner="straight", controller="fixed:6,1", seed=7, style=style)
    run, rng = Run(scenario, fleet, LateBodies(scenario)), np.random.default_rng(1)
    fastest = 0.0
    for _ in range(50):
        action = bold(core, rng)
        core.plan()
        core.advance(action)
        commands = run.tick(action[0])
        np.testing.assert_allclose([command.control for command in commands], core.control[0], atol=1e-7)
        np.testing.assert_allclose(run.states[:, :2], core.state[0, :, :2], atol=1e-7)
        fastest = max(fastest, float(np.abs(core.control[0, :, 0]).max()))
    assert fastest > 0.1


def test_nobody_touches_and_who_assumes_nothing_does() -> None:
    errors = ErrorBounds(position=0.01, slip=0.05, age=0.05, dead_time=0.05, heading=0.03, loss=0.1)
    collided = {}
    for name, assume in (("declared", None), ("nothing", EXACT)):
        core = ArenaCore(partial(slow, errors=errors), worlds=8, redraw=False, assume=assume, styles=("adversary",))
        rng = np.random.default_rng(0)
        for _ in range(200):
            core.advance(bold(core, rng))
        collided[name] = int((core.min_clearance < TOUCH).sum())
    assert collided["declared"] == 0
    assert collided["nothing"] > 0


def test_the_core_goes_on_exactly_from_what_it_saved() -> None:
    one, other = (ArenaCore(partial(slow, kinds=tuple(Kind)), worlds=3, seed=seed) for seed in (1, 5))
    rng = np.random.default_rng(0)
    actions = rng.random((24, 3, one.num_robots, 6))
    for action in actions[:12]:
        one.step(action)
    other.load_state_dict(one.state_dict())
    for action in actions[12:]:
        one.step(action)
        other.step(action)
    assert (one.state == other.state).all()
