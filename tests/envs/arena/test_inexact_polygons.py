"""Batched worlds of polygons that are not exact: bodies never overlap, judged by an oracle at the instants between."""

from __future__ import annotations

import math

import numpy as np
import pytest
from oracles.polygons import corners_at, depth, disc, random_polygon

from envs.arena.core import ArenaCore
from envs.arena.inexact.arrays import CHECKS
from swarm.model.dynamics import Kind, Limits
from swarm.model.error_bounds import EXACT, ErrorBounds
from swarm.model.footprint.polygon import box, reach
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World

ERRORS = {
    "place and heading": ErrorBounds(position=0.02, heading=0.06, velocity=0.02),
    "lag": ErrorBounds(lag=0.15),
    "lag of half a period": ErrorBounds(lag=0.025),
    "late news": ErrorBounds(latency=0.1, loss=0.4),
    "old states, dead time": ErrorBounds(age=0.1, dead_time=0.05),
    "slip": ErrorBounds(slip=0.2),
    "sensed": ErrorBounds(sensing=0.01, age=0.05, others="sensed"),
    "all": ErrorBounds(
        position=0.01, heading=0.02, velocity=0.02, age=0.05, latency=0.05, loss=0.1, dead_time=0.03, lag=0.1, slip=0.05
    ),
}
LIMITS = {
    Kind.SINGLE_INTEGRATOR: Limits(1.0),
    Kind.DOUBLE_INTEGRATOR: Limits(1.0, 2.0),
    Kind.UNICYCLE: Limits(1.0, turn_rate=3.0),
}
RAMPED = Limits(1.0, 2.0, 2.0, 4.0)
WALL = np.array([0.0, 0.0, 0.2, 0.06])
WALL_CORNERS = np.array([[0.2, 0.06], [-0.2, 0.06], [-0.2, -0.06], [0.2, -0.06]])


def crowd(rng: np.random.Generator, errors: ErrorBounds, discs: float) -> Scenario:
    """Six robots of all dynamics around a wall in a small room; all want to get to the other side."""
    robots: list[RobotSpec] = []
    for k in range(6):
        kind = Kind(k % 3)
        ramped = kind == Kind.UNICYCLE and errors.lag == 0.0 and rng.random() < 0.5
        limits = RAMPED if ramped else LIMITS[kind]
        angle = k * math.pi / 3.0
        x, y = 1.1 * math.cos(angle), 1.1 * math.sin(angle)
        polygon = None if rng.random() < discs else random_polygon(rng, 0.26)
        radius = 0.2 if polygon is None else reach(polygon)
        start = np.array([x, y, rng.uniform(-math.pi, math.pi), 0.0, 0.0])
        robots.append(RobotSpec(kind, start, np.array([[-x, -y]]), radius, limits, footprint=polygon))
    world = World(np.array([-1.6, -1.6, 1.6, 1.6]), np.array([WALL]))
    return Scenario(world, tuple(robots), dt=0.05, sensing_radius=3.0, errors=errors)


def overlap(core: ArenaCore, b: int) -> float:
    """How deep two bodies of a world overlapped at most at the instants of the last period [m]."""
    assert core.source is not None
    robots, worst = core.scenarios[b].robots, -math.inf
    for state in core.source.past[b, :CHECKS]:
        bodies = [
            disc(at[:2], robot.radius) if robot.footprint is None else corners_at(at, robot.footprint)
            for robot, at in zip(robots, state, strict=True)
        ]
        for i, body in enumerate(bodies):
            worst = max([worst, depth(body, WALL_CORNERS), *(depth(body, other) for other in bodies[:i])])
    return worst


def driven(errors: ErrorBounds, discs: float, assume: ErrorBounds | None, periods: int) -> tuple[float, float]:
    """The deepest overlap under tunables that are drawn anew now and then, and how far robots got on average [m]."""
    core = ArenaCore(
        lambda rng: crowd(rng, errors, discs), worlds=3, seed=5, errors=errors, assume=assume, redraw=False,
        styles=("adversary",) if discs == 0.0 else ("adversary", "constant", "white"),
    )  # fmt: skip
    rng, worst, before, way = np.random.default_rng(1), -math.inf, core.state.copy(), 0.0
    action = rng.uniform(0.0, 1.0, (3, 6, 6))
    for period in range(periods):
        if period % 15 == 0:
            action = rng.uniform(0.0, 1.0, action.shape)
        core.advance(action)
        core.arrive()
        worst = max(worst, *(overlap(core, b) for b in range(3)))
        way += float(np.hypot(*(core.state - before)[..., :2].T).mean())
        before = core.state.copy()
    return worst, way


@pytest.mark.parametrize("discs", [0.0, 0.4])
@pytest.mark.parametrize("name", ERRORS)
def test_bodies_never_overlap(name: str, discs: float) -> None:
    worst, way = driven(ERRORS[name], discs, None, 100)
    assert worst < 1e-9
    assert way > 0.2  # and they drive


@pytest.mark.parametrize("name", ["place and heading", "lag", "old states, dead time", "all"])
def test_who_takes_everything_for_exact_overlaps(name: str) -> None:
    assert driven(ERRORS[name], 0.0, EXACT, 100)[0] > 1e-4


def test_a_box_passes_a_gap_that_its_disc_does_not_fit() -> None:
    """A gap 0.5 m wide; 0.56 m is the disc. What is declared costs 1 cm of place, and corners by 1° of heading."""
    errors = ErrorBounds(position=0.01, heading=0.017, age=0.02)
    walls = np.array([[0.0, 1.75, 0.1, 1.5], [0.0, -1.75, 0.1, 1.5]])
    for kind, limits in (*LIMITS.items(), (Kind.UNICYCLE, RAMPED)):
        for footprint in (box(0.5, 0.25), None):
            start = np.array([-1.5, 0.2, 0.0, 0.0, 0.0])
            robot = RobotSpec(kind, start, np.array([[1.5, 0.0]]), reach(box(0.5, 0.25)), limits, footprint=footprint)
            world = World(np.array([-3.0, -3.0, 3.0, 3.0]), walls)
            scenario = Scenario(world, (robot,), dt=0.05, sensing_radius=2.5)
            core = ArenaCore(lambda _, drawn=scenario: drawn, errors=errors, redraw=False, seed=3)  # type: ignore[misc]
            for _ in range(350):
                core.advance(np.array([[[1.0, 0.5, 1.0, 0.5, 0.5, 1.0]]]))
                core.arrive()
            assert core.reached.all() == (footprint is not None), (kind, limits)
            assert core.min_clearance.min() >= 0.0


def test_worlds_of_one_batch_go_on_exactly_from_what_is_kept() -> None:
    """Also what was told of shapes; and a batch of which one world alone declares errors drives polygons in all."""
    errors = ERRORS["late news"]
    worlds = [crowd(np.random.default_rng(k), errors if k == 0 else EXACT, 0.3) for k in range(2)]

    def make() -> ArenaCore:
        drawn = iter(worlds * 3)
        return ArenaCore(lambda _: next(drawn), worlds=2, seed=1, redraw=False)

    def go(core: ArenaCore, seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        for _ in range(30):
            core.advance(rng.uniform(0.0, 1.0, (2, 6, 6)))
        return core.state.copy()

    first = make()
    go(first, 1)
    kept = first.state_dict()
    end = go(first, 2)
    second = make()
    second.load_state_dict(kept)
    np.testing.assert_array_equal(go(second, 2), end)
