"""Cars in batched worlds: nobody touches anybody, and no car turns or steers faster than it can."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from oracles.copies import assert_goes_on

from envs.arena.core import ArenaCore
from envs.scenarios import mixed
from swarm.filter.tunables import COUNT, STRAIGHT
from swarm.model.actuators import T_SPEED, T_TURN_RATE, advance_ramped
from swarm.model.body import is_car, is_second_order
from swarm.model.dynamics import Kind, Limits, advance
from swarm.model.error_bounds import ErrorBounds
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World

UNICYCLE = Kind.UNICYCLE
STEPS, PARTS = 120, 12
LIMITS = {
    "at once": Limits(1.0, wheelbase=0.3, steering=0.5),
    "at once, forward only": Limits(1.0, wheelbase=0.3, steering=0.5, reverse_speed=0.0),
    "accelerates": Limits(1.0, 1.0, wheelbase=0.3, steering=0.5),
    "accelerates, slow backwards": Limits(1.0, 1.0, wheelbase=0.3, steering=0.5, reverse_speed=0.3),
    "steers slowly": Limits(1.0, 1.0, wheelbase=0.3, steering=0.5, steering_rate=1.0),
    "steers slowly, forward only": Limits(1.0, 1.0, wheelbase=0.3, steering=0.5, steering_rate=1.0, reverse_speed=0.0),
}


class Tracks:
    """What the cars of a core have driven: finite differences of their places and headings alone."""

    def __init__(self, core: ArenaCore) -> None:
        self.core, self.tightest, self.fastest = core, 0.0, 0.0
        shape = core.kind.shape
        cars = [(b, i) for b in range(shape[0]) for i in range(shape[1]) if is_car(core.body[b, i])]
        self.cars = {at: core.scenarios[at[0]].robots[at[1]].limits for at in cars}
        self.steered, self.since = np.zeros(shape), np.zeros(shape)

    def before(self) -> None:
        self._states = self.core.state.copy()
        self._drives = self.core.trail[..., T_SPEED : T_TURN_RATE + 1].copy()

    def after(self) -> None:
        """Look at the period that was driven: curvature and steering rate, in shares of their limits."""
        for at, limits in self.cars.items():
            path = self._path(at, float(self.core.period[at[0]]))
            ways = np.hypot(*np.diff(path[:, :2], axis=0).T)
            turns = np.remainder(np.diff(path[:, 2]) + math.pi, 2.0 * math.pi) - math.pi
            ways *= 1.0 + turns**2 / 24.0  # arcs, not their chords
            middle = path[:-1, 2] + 0.5 * turns
            backwards = np.diff(path[:, 0]) * np.cos(middle) + np.diff(path[:, 1]) * np.sin(middle) < 0.0
            turns[backwards] *= -1.0
            for way, turn in zip(ways, turns, strict=True):
                self._look(at, limits, float(way), float(turn), float(self.core.period[at[0]]) / PARTS)

    def _path(self, at: tuple[int, int], dt: float) -> np.ndarray:
        start, drive, control = self._states[at], self._drives[at], self.core.control[at]
        times = dt * np.arange(PARTS + 1) / PARTS
        if is_second_order(self.core.body[at]):
            path = np.array([advance_ramped(start, drive, control, time, dt)[0] for time in times])
        else:
            path = np.array([advance(UNICYCLE, start, control, time) for time in times])
        assert path[-1, :2] == pytest.approx(self.core.state[at][:2], abs=1e-12)
        return path

    def _look(self, at: tuple[int, int], limits: Limits, way: float, turn: float, time: float) -> None:
        self.since[at] += time
        if way < 1e-6:
            assert abs(turn) <= limits.curvature * way * 1.01 + 1e-12
            return
        self.tightest = max(self.tightest, abs(turn) / way / limits.curvature)
        angle = math.atan(limits.wheelbase * turn / way)
        self.fastest = max(self.fastest, abs(angle - self.steered[at]) / self.since[at] / limits.steering_rate)
        self.steered[at], self.since[at] = angle, 0.0


def attack(core: ArenaCore, rng: np.random.Generator, held: np.ndarray) -> np.ndarray:
    """Controls in [-1, 1]: at the nearest other robot at full throttle, or at random and held for a while."""
    shape, state = core.kind.shape, core.state
    apart = np.linalg.norm(state[:, :, None, :2] - state[:, None, :, :2], axis=-1) + np.where(
        np.eye(shape[1]), 9e9, 0.0
    )
    nearest = np.take_along_axis(state, apart.argmin(axis=2)[..., None], axis=1)
    way = (nearest - state)[..., :2]
    ahead = way[..., 0] * np.cos(state[..., 2]) + way[..., 1] * np.sin(state[..., 2])
    aside = way[..., 1] * np.cos(state[..., 2]) - way[..., 0] * np.sin(state[..., 2])
    at_it = np.stack([np.sign(ahead), np.sign(aside * ahead)], axis=-1)
    other = way / (np.abs(way).max(axis=-1, keepdims=True) + 1e-9)
    at_it = np.where((core.kind == UNICYCLE)[..., None], at_it, other)
    anew = rng.random(shape) < 0.05
    held[anew] = rng.uniform(-1.0, 1.0, (int(anew.sum()), 2))
    style = (np.arange(core.num_worlds) % 2)[:, None, None]
    return np.where(style == 0, at_it, held)


TEAMS = {
    "cars": {"kinds": (UNICYCLE,), "cars": 1.0},
    "mixed": {"cars": 0.6, "second_order": 0.5},
}


@pytest.mark.parametrize("team", list(TEAMS))
@pytest.mark.parametrize("actions", ["tunables", "control"])
def test_nobody_touches_anybody_and_cars_keep_to_their_arcs(team: str, actions: str) -> None:
    rng, core = np.random.default_rng(3), ArenaCore(
        partial(mixed.draw, robots=12, room=0.28, sensing_radius=1.0, horizon=99.0, **TEAMS[team]),  # type: ignore[arg-type]
        worlds=6, seed=5, checks=6, actions=actions, redraw=False,
    )  # fmt: skip
    tracks, held = Tracks(core), np.zeros((*core.kind.shape, 2))
    action = rng.random((*core.kind.shape, COUNT))
    for step in range(STEPS):
        if actions == "control":
            action = attack(core, rng, held)
        elif step % 10 == 0:
            action = rng.random((*core.kind.shape, COUNT))
        tracks.before()
        core.step(action)
        tracks.after()
    assert len(tracks.cars) > 10
    assert not core.collided.any()
    assert core.min_clearance.min() >= -1e-9
    assert core.outcomes[:, 2].sum() > (20 if actions == "control" else -1)  # the shield has had to step in
    assert 0.9 < tracks.tightest <= 1.0 + 1e-6
    assert 0.5 < tracks.fastest <= 1.0 + 1e-3


def test_without_the_shield_cars_collide() -> None:
    draw = partial(mixed.draw, robots=12, room=0.28, sensing_radius=1.0, horizon=99.0, kinds=(UNICYCLE,), cars=1.0)
    core = ArenaCore(draw, worlds=4, seed=5, actions="free", redraw=False)
    rng, held = np.random.default_rng(3), np.zeros((*core.kind.shape, 2))
    tracks = Tracks(core)
    for _ in range(40):
        tracks.before()
        core.step(attack(core, rng, held))
        tracks.after()
    assert core.collided.sum() > 10
    assert tracks.tightest <= 1.0 + 1e-6  # no car can do otherwise


def alone(rng: np.random.Generator, limits: Limits) -> Scenario:
    """A car that looks anywhere, and a goal anywhere near it: also beside it, within its arcs."""
    start = np.array([0.0, 0.0, rng.uniform(-math.pi, math.pi), 0.0, 0.0])
    car = RobotSpec(UNICYCLE, start, rng.uniform(-2.0, 2.0, (1, 2)), 0.2, limits)
    return Scenario(World(np.array([-20.0, -20.0, 20.0, 20.0])), (car,), 99.0, 0.05, 3.0, "alone")


@pytest.mark.parametrize("name", LIMITS)
def test_a_car_comes_to_any_goal_and_rests_there(name: str) -> None:
    core = ArenaCore(partial(alone, limits=LIMITS[name]), worlds=96, seed=1, redraw=False)
    for _ in range(500):
        core.advance(np.broadcast_to(STRAIGHT, (96, 1, COUNT)))
    assert np.linalg.norm(core.state[:, 0, :2] - core.goal[:, 0], axis=1).max() < 0.55 * 0.2
    assert np.abs(core.state[:, 0, 3:]).max() < 0.02


def in_a_room(rng: np.random.Generator, limits: Limits, walls: bool) -> Scenario:
    """A car alone in a room of 1.8 x 1.8 m for its middle, three radii of its tightest arc, looking anywhere."""
    half, size = 0.9, 0.2
    start = np.array([*rng.uniform(0.1 - half, half - 0.1, 2), rng.uniform(-math.pi, math.pi), 0.0, 0.0])
    car = RobotSpec(UNICYCLE, start, rng.uniform(0.15 - half, half - 0.15, (1, 2)), size, limits)
    side, long = half + size + 0.1, half + size + 0.2
    boxes = [[side, 0.0, 0.1, long], [-side, 0.0, 0.1, long], [0.0, side, long, 0.1], [0.0, -side, long, 0.1]]
    room = World(np.array([-9.0, -9.0, 9.0, 9.0]), np.array(boxes)) if walls else World(half * np.array([-1, -1, 1, 1]))
    return Scenario(room, (car,), 99.0, 0.05, 3.0, "in a room")


@pytest.mark.parametrize("walls", [False, True])
@pytest.mark.parametrize("name", ["accelerates", "accelerates, slow backwards", "steers slowly"])
def test_a_car_in_a_room_turns_in_several_moves(name: str, walls: bool) -> None:
    core = ArenaCore(partial(in_a_room, limits=LIMITS[name], walls=walls), worlds=96, seed=1, redraw=False)
    for _ in range(800):
        core.advance(np.broadcast_to(STRAIGHT, (96, 1, COUNT)))
    assert np.linalg.norm(core.state[:, 0, :2] - core.goal[:, 0], axis=1).max() < 0.55 * 0.2


def test_it_goes_on_exactly_while_cars_stand_with_their_wheels_turned() -> None:
    core, other = (
        ArenaCore(partial(mixed.draw, robots=6, kinds=(UNICYCLE,), cars=1.0), worlds=3, seed=4) for _ in range(2)
    )
    assert_goes_on(core, other, before=25, after=20)


def steered_at_once(rng: np.random.Generator, errors: ErrorBounds) -> Scenario:
    """A mixed team; its cars have no steering rate, since errors are declared."""
    scenario = mixed.draw(rng, robots=8, room=0.45, sensing_radius=2.0, horizon=99.0, cars=0.7)
    robots = [replace(one, limits=replace(one.limits, steering_rate=math.inf)) for one in scenario.robots]
    return replace(scenario, robots=tuple(robots), errors=errors)


@pytest.mark.parametrize(
    "errors",
    [
        ErrorBounds(position=0.01, heading=0.03, slip=0.05),
        ErrorBounds(position=0.005, age=0.03, dead_time=0.03, latency=0.03, loss=0.2),
        ErrorBounds(position=0.005, heading=0.02, sensing=0.005, age=0.03, others="sensed"),
    ],
    ids=["wrong", "late", "sensed"],
)
def test_cars_that_are_not_exact_touch_nobody(errors: ErrorBounds) -> None:
    core = ArenaCore(partial(steered_at_once, errors=errors), worlds=6, seed=7, redraw=False)
    rng, action = np.random.default_rng(8), np.zeros((6, 8, COUNT))
    start = core.state.copy()
    for step in range(150):
        action = rng.random(action.shape) if step % 8 == 0 else action
        core.advance(action)
    assert not core.collided.any()
    assert sum(is_car(body) for body in core.body.reshape(48, -1)) > 8
    assert np.linalg.norm((core.state - start)[..., :2], axis=-1).max() > 0.2
