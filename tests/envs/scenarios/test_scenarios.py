"""Scenario families: the same seed gives the same scenario, all is in its place, and every goal can be reached."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from oracles.contact import surface_distance
from oracles.flood import parts

from envs.arena.core import ArenaCore
from envs.arena.env import ArenaEnv
from envs.arena.training import held_out
from envs.arena.training.styles import draw as draw_training
from envs.arena.training.worlds import training_worlds
from envs.scenarios import FAMILIES, clutter, dense, draw_family, moving, swap
from envs.scenarios.narrow import doorway
from swarm.errors import InputError
from swarm.filter.tunables import encode
from swarm.model.body import TOP_SPEED
from swarm.model.dynamics import Kind
from swarm.scenario.scenario import Scenario, load_scenario
from swarm.scenario.world import World

Draw = Callable[[np.random.Generator], Scenario]
ROOMY: dict[str, Draw] = {
    "clutter": clutter.draw, "dense": dense.draw, "swap": swap.draw, **held_out.FAMILIES,
}  # fmt: skip
DRAWS: dict[str, Draw] = {**FAMILIES, **ROOMY}
# Side of a cell [m], where the narrowest gap asks for one that is finer than an eighth of a radius.
CELL = {"corridor": 0.0025, "doorway": 0.0025, "door_swap": 0.0025, "merge": 0.0025}


def drawn(draw: Draw, seed: int) -> Scenario:
    return draw(np.random.default_rng(seed))


def goals_of(scenario: Scenario) -> np.ndarray:
    return np.array([robot.goals[-1] for robot in scenario.robots])


def starts_of(scenario: Scenario) -> np.ndarray:
    return np.array([robot.start[:2] for robot in scenario.robots])


def apart(points: np.ndarray) -> float:
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1)
    return float(distance[~np.eye(len(points), dtype=bool)].min())


@pytest.mark.parametrize("name", list(DRAWS))
def test_the_same_seed_is_the_same_scenario(name: str) -> None:
    first, again, other = (drawn(DRAWS[name], seed) for seed in (7, 7, 8))
    for a, b in zip(first.robots, again.robots, strict=True):
        assert (a.start == b.start).all()
        assert (a.goals == b.goals).all()
        assert (a.kind, a.radius, a.limits) == (b.kind, b.radius, b.limits)
    assert (first.world.obstacles == again.world.obstacles).all()
    assert any((a.start[:2] != b.start[:2]).any() for a, b in zip(first.robots, other.robots, strict=True))


@pytest.mark.parametrize("name", list(ROOMY))
def test_robots_and_goals_are_apart(name: str) -> None:
    for seed in range(10):
        scenario = drawn(ROOMY[name], seed)
        bounds = scenario.world.bounds
        starts, goals = starts_of(scenario), goals_of(scenario)
        radius = max(robot.radius for robot in scenario.robots)
        for points in (starts, goals):
            assert apart(points) > 3.0 * radius
            assert (points >= bounds[:2]).all()
            assert (points <= bounds[2:]).all()
            for obstacle in scenario.world.obstacles:
                assert surface_distance(points, obstacle).min() > 4.0 * radius
        for robot in scenario.robots:  # what is seen is enough for nearly full speed
            body = robot.body(dt=scenario.dt, sensing_radius=scenario.sensing_radius)
            assert body[TOP_SPEED] >= 0.95 * robot.limits.speed
            assert (robot.start[3:] == 0.0).all()


# Who draws as others do keeps goals without a way as well.
@pytest.mark.parametrize("name", [name for name in FAMILIES if name != "turned_clutter"])
def test_there_is_a_way_to_every_goal(name: str) -> None:
    for seed in range(3):
        scenario = draw_family(name, seed)
        for radius in sorted({robot.radius for robot in scenario.robots}):
            own = [robot for robot in scenario.robots if robot.radius == radius]
            points = np.concatenate([[robot.start[:2], *robot.goals] for robot in own])
            part = parts(scenario.world, radius, points, CELL.get(name, radius / 8.0))
            assert (part == part[0]).all() and part[0] > 0, (seed, part)


def test_on_the_open_floor_there_is_a_way_between_those_who_have_arrived() -> None:
    for seed in range(5):
        scenario = draw_family("open", seed, robots=2 + 2 * seed)
        goals, discs = goals_of(scenario), np.array([robot.radius for robot in scenario.robots])
        assert discs.min() >= 0.2 and discs.max() <= 0.8
        assert all(0.5 <= robot.limits.speed <= 1.5 for robot in scenario.robots)
        for i, goal in enumerate(goals):
            others = np.delete(np.column_stack([goals, discs]), i, axis=0)
            ends = np.stack([goal, scenario.world.bounds[:2]])
            part = parts(World(scenario.world.bounds, circles=others), discs[i], ends, 0.05)
            assert part[0] == part[1] > 0


@pytest.mark.parametrize("name", list(FAMILIES))
def test_a_family_is_filtered_saved_and_drawn(name: str, tmp_path: Path) -> None:
    core = ArenaCore(FAMILIES[name], seed=5)
    action = np.tile(encode(np.array([6.0, 1.0, 6.0, 1.0, 0.0, 1.0])), (1, core.num_robots, 1))
    before = core.state[..., :2].copy()
    for _ in range(60):
        core.step(action)
    assert core.min_clearance.min() >= 0.0 and not core.collided.any()
    assert np.linalg.norm(core.state[..., :2] - before, axis=-1).max() > 0.2

    scenario = draw_family(name, 5)
    assert scenario.name == name
    scenario.save(tmp_path / f"{name}.yaml")
    loaded = load_scenario(tmp_path / f"{name}.yaml")
    assert (loaded.robots, loaded.horizon, loaded.dt) == (scenario.robots, scenario.horizon, scenario.dt)

    env = ArenaEnv(name, render_mode="rgb_array")
    env.reset(seed=5)
    picture = env.render()
    assert len(env.agents) == len(scenario.robots) and picture is not None and np.ptp(picture) > 0
    env.close()


def test_an_unknown_family_is_named_and_so_are_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"labyrinth.*clutter.*doorway"):
        draw_family("labyrinth", 0)
    with pytest.raises(InputError, match="labyrinth"):
        ArenaEnv("labyrinth")


@pytest.mark.parametrize("name", ["merge", "door_swap", "corridor"])
def test_a_family_for_two_takes_no_third(name: str) -> None:
    with pytest.raises(InputError, match=rf"{name}.*2"):
        draw_family(name, 0, robots=3)


def test_clutter_is_drawn_as_in_the_protocol() -> None:
    longest = {Kind.SINGLE_INTEGRATOR: 0.6, Kind.DOUBLE_INTEGRATOR: 0.5, Kind.UNICYCLE: 0.6}
    for kind in Kind:
        rng, sides, headings = np.random.default_rng(1), [], []
        for _ in range(30):
            scenario = clutter.draw(rng, kind=kind)
            assert scenario.world.bounds.tolist() == [0.0, 0.0, 4.0, 4.0]
            assert round(scenario.horizon / scenario.dt) == 512 and scenario.sensing_radius == 0.5
            sides.append(2.0 * scenario.world.boxes[:, 2:])
            headings += [robot.start[2] for robot in scenario.robots]
        assert 0.1 <= np.min(sides) < 0.11 and 0.98 * longest[kind] < np.max(sides) <= longest[kind]
        assert (np.ptp(headings) > 5.0) == (kind == Kind.UNICYCLE)
    limits = {kind: clutter.draw(np.random.default_rng(0), kind=kind).robots[0].limits for kind in Kind}
    assert [limits[kind].speed for kind in Kind] == [1.0, 0.5, 0.8]
    assert limits[Kind.DOUBLE_INTEGRATOR].acceleration == 10.0
    assert clutter.draw(np.random.default_rng(0), limits=clutter.SLOW).robots[3].limits.acceleration == 1.0


def test_dense_teams_of_any_size_are_equally_dense_and_have_near_goals() -> None:
    for robots in (8, 1024):
        scenario = dense.draw(np.random.default_rng(2), robots=robots)
        side = scenario.world.bounds[2]
        assert side**2 / robots == pytest.approx(2.0) and len(scenario.world.boxes) == robots
        way = np.linalg.norm(goals_of(scenario) - starts_of(scenario), axis=1)
        assert way.max() <= 4.0
    assert 2.0 < way.mean() < 3.0 and way.max() > 3.9  # uniform in a disc of 4 m, less at the edges


def test_in_a_doorway_half_of_the_robots_come_from_each_side() -> None:
    for robots in range(2, 9):
        scenario = doorway.draw(np.random.default_rng(robots), robots=robots)
        left, right = starts_of(scenario)[:, 0] < 0.7, goals_of(scenario)[:, 0] > 1.3
        assert (left == right).all() and left.sum() == (robots + 1) // 2
        assert (left | (starts_of(scenario)[:, 0] > 1.3)).all()
        (_, below, _, low), (_, above, _, high) = scenario.world.boxes
        assert (above - high) - (below + low) == pytest.approx(2.4 * 0.05)


def test_in_the_corridor_one_robot_is_nearer_to_the_alcove() -> None:
    sides, nearer = set(), set()
    for seed in range(12):
        scenario = draw_family("corridor", seed)
        off = np.abs(starts_of(scenario)[:, 0] - 1.5)
        assert 0.08 < abs(off[0] - off[1]) < 0.42
        nearer.add(int(np.argmin(off)))
        ((x, y), *_) = scenario.world.boxes[3:, :2]
        sides.add(y > 0.33)
        # With one robot at the back of the alcove the other has room to pass; in the corridor alone it has not.
        for deep, ways in ((0.13, 1), (0.0, 2)):
            waiting = np.array([[x, 0.33 + math.copysign(deep, y - 0.33), 0.05]])
            world = World(scenario.world.bounds, scenario.world.boxes, waiting)
            assert len(set(parts(world, 0.05, goals_of(scenario), 0.0025))) == ways
    assert sides == {False, True} and nearer == {0, 1}


def test_patrols_and_rude_robots_have_free_ways_that_do_not_cross() -> None:
    share = np.linspace(0.0, 1.0, 200)[:, None]
    for seed in range(5):
        scenario = moving.draw(np.random.default_rng(seed), robots=5, movers=2, rude=1)
        assert [robot.cooperative for robot in scenario.robots] == [True] * 5 + [False] * 3
        assert [robot.radius for robot in scenario.robots] == [0.05] * 5 + [0.1] * 2 + [0.05]
        ways = [robot.start[:2] + share * (robot.goals[0] - robot.start[:2]) for robot in scenario.robots]
        for i, robot in enumerate(scenario.robots[5:], 5):
            assert scenario.world.clearance(ways[i]).min() > robot.radius
            for j in range(8):
                points = ways[j] if j > 4 else ways[j][[0, -1]]
                apart = np.linalg.norm(points[:, None] - ways[i], axis=-1).min() if i != j else np.inf
                assert apart > robot.radius + scenario.robots[j].radius
        for robot in scenario.robots[5:7]:
            there, back = robot.goals[0::2], robot.goals[1::2]
            assert (there == there[0]).all() and (back == robot.start[:2]).all()
            length = np.linalg.norm(there[0] - back[0])
            assert length >= 1.0 and len(robot.goals) * (length - 0.4) > robot.limits.speed * scenario.horizon


def test_patrols_have_goals_for_the_whole_horizon() -> None:
    core = ArenaCore(lambda rng: moving.draw(rng, robots=1, rude=0, kind=Kind.SINGLE_INTEGRATOR, horizon=30.0), seed=1)
    action = np.full((1, 3, 6), 0.5)
    for _ in range(1000):  # past the end of the episode, which is the arrival of the first robot
        core.advance(action)
        core.arrive()
    assert not core.reached[0, 1:].any() and (core.deliveries[0, 1:] > 2).all() and not core.collided.any()


def test_a_swap_is_across_the_circle() -> None:
    for seed in range(10):
        scenario = swap.draw(np.random.default_rng(seed), robots=6, kind=Kind.UNICYCLE, spread=20.0)
        middle = 0.5 * (scenario.world.bounds[:2] + scenario.world.bounds[2:])
        for robot in scenario.robots:
            way = robot.goals[0] - robot.start[:2]
            assert np.linalg.norm(way) == pytest.approx(2.0, abs=0.06)
            assert np.linalg.norm(0.5 * (robot.start[:2] + robot.goals[0]) - middle) < 0.02
            assert abs(math.remainder(math.atan2(way[1], way[0]) - robot.start[2], math.tau)) < 0.05
    wide = swap.draw(np.random.default_rng(0), robots=64)  # the circle grows with the team, and the time
    assert apart(starts_of(wide)) > 0.18
    way = np.linalg.norm(goals_of(wide) - starts_of(wide), axis=1).max()
    assert wide.robots[0].limits.speed * wide.horizon > 2.9 * way


def test_at_a_crossing_the_goals_are_in_the_opposite_arm() -> None:
    for robots in (4, 10, 24):
        scenario = draw_family("crossing", robots, robots=robots, width=8.0)
        middle = 0.5 * scenario.world.bounds[2:]
        starts, goals = starts_of(scenario) - middle, goals_of(scenario) - middle
        assert apart(starts) > 0.15 and apart(goals) > 0.15
        for i in range(robots):
            axis = i % 2
            assert (starts[i] * goals[i])[axis] < 0.0 and np.abs([starts[i], goals[i]])[:, 1 - axis].max() < 0.2
            assert np.abs([starts[i], goals[i]])[:, axis].min() > 0.4


def test_the_kinds_of_a_team_and_its_numbers_are_as_asked() -> None:
    for kind in Kind:
        scenario = clutter.draw(np.random.default_rng(0), robots=5, obstacles=3, side=3.0, kind=kind, radius=0.1)
        assert [robot.kind for robot in scenario.robots] == [kind] * 5
        assert [robot.radius for robot in scenario.robots] == [0.1] * 5
        assert scenario.world.boxes.shape == (3, 4)
        assert (scenario.world.boxes[:, 2:] * 2.0 <= 1.2).all()
        assert (scenario.world.boxes[:, 2:] * 2.0 >= 0.2).all()


def test_a_room_that_is_too_small_is_an_error_and_no_endless_loop() -> None:
    with pytest.raises(InputError, match="clutter"):
        clutter.draw(np.random.default_rng(0), robots=30, side=0.5)


def test_training_has_all_kinds_and_sizes() -> None:
    rng, seen = np.random.default_rng(0), set()
    for _ in range(300):
        scenario = draw_training(rng)
        seen.add((scenario.name, scenario.robots[0].kind, scenario.robots[0].radius))
    assert {kind for _, kind, _ in seen} == set(Kind)
    assert {0.05, 0.25} < {radius for *_, radius in seen}
    assert {"clutter", "roadmap", "swap", "door_swap_x4", "corridor_x4", "open"} < {name for name, *_ in seen}


def test_training_in_chosen_kinds_of_worlds() -> None:
    rng = np.random.default_rng(0)
    assert {draw_training(rng, 4, ("merge",)).name for _ in range(5)} == {"merge_x2"}
    assert training_worlds(0, 2, 4, styles=("swap",)).num_robots == 4
    for styles in (("swap", "nowhere"), ()):
        with pytest.raises(InputError, match=r"styles.*clutter, carts"):
            training_worlds(0, 2, 4, styles=styles)


def test_ids_say_nothing_of_places_in_training() -> None:
    rng = np.random.default_rng(0)
    left = [np.argmin([r.start[0] for r in draw_training(rng, 2, ("corridor",)).robots]) for _ in range(40)]
    assert 8 < sum(left) < 32


def test_training_worlds_end_at_different_times() -> None:
    worlds = training_worlds(1, 16, 2, styles=("corridor",))
    worlds.reset()
    assert len(set(worlds.age.tolist())) > 12
    assert (worlds.age < worlds.horizon).all()


def test_turned_clutter_is_drawn_as_the_protocol_says() -> None:
    sides: dict[Kind, list[np.ndarray]] = {kind: [] for kind in Kind}
    angles = []
    for seed in range(90):
        kind = list(Kind)[seed % 3]
        scenario = draw_family("turned_clutter", seed, kind=kind)
        world = scenario.world
        assert world.boxes.shape == (8, 4) and ((world.boxes[:, :2] >= 0.0) & (world.boxes[:, :2] <= 4.0)).all()
        sides[kind].append(2.0 * world.boxes[:, 2:])
        angles.append(world.angles)
        for points in (starts_of(scenario), goals_of(scenario)):
            assert points.shape == (8, 2) and ((points >= 0.0) & (points <= 4.0)).all()
            assert apart(points) > 0.2
            assert all((surface_distance(points, obstacle) > 0.2 - 1e-12).all() for obstacle in world.obstacles)
    for kind, most in ((Kind.SINGLE_INTEGRATOR, 0.6), (Kind.DOUBLE_INTEGRATOR, 0.5), (Kind.UNICYCLE, 0.6)):
        drawn = np.concatenate(sides[kind]).ravel()
        assert 0.1 <= drawn.min() < 0.11 and most - 0.01 < drawn.max() <= most
        assert drawn.mean() == pytest.approx(0.5 * (0.1 + most), abs=0.02)
    quarters = np.histogram(np.concatenate(angles), 4, (0.0, 2.0 * math.pi))[0]
    assert quarters.sum() == 720 and quarters.min() > 140  # four equal parts are 180 each, give or take 12
    again = draw_family("turned_clutter", 3, robots=4, obstacles=2, side=2.0)
    assert (
        len(again.robots) == 4
        and len(again.world.boxes) == 2
        and again == draw_family("turned_clutter", 3, robots=4, obstacles=2, side=2.0)
    )
