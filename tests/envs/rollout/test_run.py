"""Runs, robot by robot: what is counted, what is written, and that anyone can check the one from the other."""

from __future__ import annotations

import json
import resource
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from mcap.reader import make_reader
from oracles.contact import robot_gaps

from envs.arena.reward import Reward
from envs.rollout.log import RunLog
from envs.rollout.pictures import scene_of
from envs.rollout.plants import ExactPlant
from envs.rollout.results import alone, record, save_records, save_trajectory
from envs.rollout.run import Run
from envs.rollout.score import Score
from envs.rollout.team import Fleet
from envs.rollout.team_kernels import within
from envs.scenarios import clutter, swap
from swarm.errors import InputError
from swarm.model.dynamics import Kind, Limits
from swarm.planning import Plan
from swarm.scenario.grid_map import GridMap
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World
from swarm.tune.reward import StepRecord

FIXED = "fixed:2,1"


class Stub:
    """Minds that want the same at every step, whatever they see: no filter."""

    def __init__(self, controls: list[list[float]]) -> None:
        self.controls, self.step_ms = np.array(controls, dtype=float), [1.0]
        self.kinds = np.zeros(len(controls), np.int64)

    def step(self, now: float, states: Any, goals: Any, actions: Any = None) -> list[Any]:
        return [
            SimpleNamespace(control=control, outcome="optimal", plan=Plan(goal), action=np.full(6, 0.5))
            for control, goal in zip(self.controls, goals, strict=True)
        ]  # fmt: skip


def disc(x: float, y: float, *goals: tuple[float, float]) -> RobotSpec:
    return RobotSpec(Kind.SINGLE_INTEGRATOR, np.array([x, y, 0, 0, 0]), np.array(goals), 0.1, Limits(1.0))


def scenario_of(*robots: RobotSpec, boxes: list[list[float]] | None = None, horizon: float = 4.0) -> Scenario:
    world = World(np.array([0.0, 0.0, 4.0, 4.0]), np.array(boxes or np.empty((0, 4)), dtype=float))
    return Scenario(world, robots, horizon, 0.1, 2.0, "test")


def stubbed(scenario: Scenario, controls: list[list[float]]) -> Run:
    return Run(scenario, Stub(controls), ExactPlant(scenario))  # type: ignore[arg-type]


def test_a_touch_is_counted_once_between_samples_too() -> None:
    """Two pass through each other in the middle of a period, at 10 m/s from one side to the other."""
    scenario = scenario_of(disc(1.0, 1.0, (3, 1)), disc(1.7, 1.0, (1, 1)), disc(3.0, 3.0, (3, 3)))
    run = stubbed(scenario, [[10.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
    run.tick()
    assert run.collisions == 1
    assert run.touched.tolist() == [True, True, False]
    for _ in range(3):
        run.tick()
    assert run.collisions == 1


def test_a_touch_that_lasts_is_one_and_a_second_one_is_another() -> None:
    scenario = scenario_of(disc(1.0, 1.0, (3, 1)), disc(1.5, 1.0, (1, 1)))
    run = stubbed(scenario, [[1.0, 0.0], [0.0, 0.0]])
    counts = []
    for _ in range(14):
        run.tick()
        counts.append(run.collisions)
    assert counts == [0, 0, 0] + [1] * 11
    run.fleet.controls[0] = -1.0, 0.0  # type: ignore[attr-defined]
    for _ in range(14):
        run.tick()
    assert run.collisions == 2


def test_a_wall_is_touched_too() -> None:
    scenario = scenario_of(disc(1.0, 1.0, (3, 1)), boxes=[[1.5, 1.0, 0.1, 0.5]])
    run = stubbed(scenario, [[1.0, 0.0]])
    for _ in range(5):
        run.tick()
    assert run.collisions == 1
    assert run.min_clearance < 0.0


def test_clearance_and_goals() -> None:
    scenario = scenario_of(disc(1.0, 1.0, (2, 1), (2, 2)), disc(1.0, 2.0, (1, 2)))
    run = stubbed(scenario, [[1.0, 0.0], [0.0, 0.0]])
    assert run.deliveries.tolist() == [0, 1]  # it stands at its goal from the start
    assert run.reached.tolist() == [False, True]
    assert run.reach_time[1] == 0.0
    assert run.min_clearance == pytest.approx(0.8)
    for _ in range(9):
        run.tick()
    assert run.deliveries.tolist() == [1, 1]
    assert run.goals[0].tolist() == [2, 2]
    run.fleet.controls[0] = 0.0, 1.0  # type: ignore[attr-defined]
    for _ in range(12):
        run.tick()
    assert run.reached.all()
    assert run.reach_time[0] == pytest.approx(1.8)  # 0.9 s each: the goals count within two radii
    assert run.lifelong
    assert run.steps == 40


def driven(kind: Kind = Kind.DOUBLE_INTEGRATOR, ticks: int = 80) -> Run:
    scenario = swap.draw(np.random.default_rng(0), robots=5, kind=kind, spread=8.0, sensing_radius=0.6)
    run = Run(scenario, Fleet(scenario, planner="straight", controller=FIXED), ExactPlant(scenario))
    for _ in range(ticks):
        run.tick()
    return run


@pytest.mark.parametrize("kind", list(Kind))
def test_a_fleet_that_minds_touches_nobody(kind: Kind) -> None:
    run = driven(kind, 150)
    assert run.collisions == 0
    assert run.min_clearance > 0.0
    left = np.linalg.norm(run.goals - run.states[:, :2], axis=1)
    assert left.mean() < 0.8 * np.linalg.norm(run.goals - run.trajectory.position[0], axis=1).mean()
    assert sum(run.outcomes.values()) == 150 * 5
    paths = np.array(run.trajectory.position).transpose(1, 0, 2)
    assert robot_gaps(paths, run.radii).min() == pytest.approx(run.min_clearance)


def test_the_same_run_twice_is_the_same() -> None:
    one, two = driven(ticks=30), driven(ticks=30)
    assert (np.array(one.trajectory.position) == np.array(two.trajectory.position)).all()


def test_results_can_be_written_and_have_no_nan(tmp_path: Path) -> None:
    run = driven(ticks=5)
    lonely = scenario_of(disc(1.0, 1.0, (3, 1)))
    standing = Run(lonely, Fleet(lonely, planner="straight", controller=FIXED), ExactPlant(lonely))
    records = [record(r, kind="arena", seed=3, controller=FIXED, planner="straight") for r in (run, standing)]
    save_records(tmp_path / "deep" / "results.json", records)
    text = (tmp_path / "deep" / "results.json").read_text()
    assert "NaN" not in text
    assert "Infinity" not in text
    first, second = json.loads(text)
    wanted = "kind, scenario, seed, controller, planner, robots, steps, dt, safe, reached, reach_time, min_clearance, "
    wanted += "contacts_moving, contacts_standing"
    assert ", ".join(first) == f"{wanted}, qp, step_ms"
    assert (first["robots"], first["steps"], first["safe"]) == (5, 5, [True] * 5)
    assert first["reach_time"] == [None] * 5
    assert set(first["qp"]) == {"optimal", "relaxed", "braking"}
    assert sum(first["qp"].values()) == 25
    assert 0.0 < first["step_ms"]["p50"] <= first["step_ms"]["p99"]
    assert second["min_clearance"] is None  # nobody and nothing near
    assert second["step_ms"] == {"p50": None, "p99": None}


def test_trajectories_can_be_checked_by_anyone(tmp_path: Path) -> None:
    run = driven(ticks=40)
    save_trajectory(tmp_path / "a" / "swap.npz", run)
    with np.load(tmp_path / "a" / "swap.npz", allow_pickle=False) as data:
        shapes = {name: data[name].shape for name in data.files}
        assert shapes == {
            "time": (41,), "position": (41, 5, 2), "velocity": (41, 5, 2), "radius": (5,), "goal": (5, 2),
        }  # fmt: skip
        assert data["time"] == pytest.approx(np.arange(41) * run.scenario.dt)
        assert data["position"][0] == pytest.approx(np.array([r.start[:2] for r in run.scenario.robots]))
        moved = np.diff(data["position"], axis=0)
        mean = 0.5 * (data["velocity"][1:] + data["velocity"][:-1]) * run.scenario.dt  # exact: constant acceleration
        assert moved == pytest.approx(mean, abs=1e-12)
        assert (data["goal"] == run.goals).all()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["swap.npz"]


def test_the_log_is_readable(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "run.mcap"
    run = driven(ticks=0)
    with RunLog(path) as log:
        for _ in range(6):
            run.tick()
            log.add(run)
        assert not path.exists()  # whole or not at all
    with path.open("rb") as stream:
        messages = list(make_reader(stream).iter_messages())
    messages = [found for found in messages if found[1].topic == "/fleet"]
    assert len(messages) == 6
    schema, channel, message = messages[-1]
    assert schema is not None
    assert (channel.topic, schema.encoding, channel.message_encoding) == ("/fleet", "jsonschema", "json")
    data = json.loads(message.data, parse_constant=pytest.fail)
    assert data["time"] == pytest.approx(run.time)
    assert message.log_time == round(run.time * 1e9)
    keys = set(json.loads(schema.data)["properties"]["robots"]["items"]["properties"])
    assert [robot["id"] for robot in data["robots"]] == list(range(5))
    for robot, state in zip(data["robots"], run.states, strict=True):
        assert set(robot) == keys
        assert [robot["x"], robot["y"]] == pytest.approx(state[:2], abs=1e-4)


def test_a_log_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), RunLog(tmp_path / "run.mcap"):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("room", [100, 3000, 20_000], ids=["begin", "end", "midst"])
def test_a_log_that_does_not_fit_on_the_disk_is_one_clear_error_and_leaves_nothing(tmp_path: Path, room: int) -> None:
    """The system lets no file become larger than ``room`` bytes."""
    run, before = driven(ticks=5), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        with pytest.raises(InputError, match=r"run\.mcap.*File too large.*room"), RunLog(tmp_path / "run.mcap") as log:
            for _ in range(20 if room < 20_000 else 10_000):
                log.add(run)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_what_the_robots_would_deliver_alone() -> None:
    grid = GridMap.from_rows(["....", ".##.", "...."])
    ends = [grid.centre((0, 3)), grid.centre((2, 0)), grid.centre((0, 0))]
    start = np.array([*grid.centre((0, 0)), 0, 0, 0])
    robot = RobotSpec(Kind.UNICYCLE, start, np.array(ends), 0.3, Limits(2.0, turn_rate=1.0))
    scenario = Scenario(World.from_grid(grid), (robot,), 60.0, 0.05, 4.0)
    # 3 cells to the first, 5 to the second around the walls, 2 to the third, at 2 cells a second.
    counts = {1.4: 0, 1.5: 1, 3.9: 1, 4.0: 2, 4.9: 2, 5.0: 3, 60.0: 3}
    assert {seconds: alone(scenario, seconds) for seconds in counts} == counts
    assert alone(scenario, 1.4, tolerance=0.2) == 1
    assert alone(scenario_of(disc(1, 1, (2, 2))), 60.0) == 0  # no grid, no count


def test_pictures_show_what_is_there() -> None:
    run = driven(ticks=20)
    scene = scene_of(run, trail=0.3)
    assert "deliveries" in scene.caption[0]
    assert scene.trails is not None and scene.trails[0] is not None and scene.paths is not None
    assert len(scene.trails) == 5
    assert len(scene.trails[0]) == 10
    assert len(scene.paths) == 5
    assert scene.contacts is None
    assert scene_of(driven(ticks=0), lines=("a", "b")).caption == ("a", "b")


def test_reward() -> None:
    reward = Reward()
    nothing: list[Any] = [np.zeros(4) for _ in StepRecord._fields]
    step = StepRecord(*nothing)
    closer, fastest = np.array([1.0, -5.0, 0.5, 1.0]), np.ones(4)
    arrived, done = np.array([False, False, True, False]), np.array([False, False, False, True])
    outcome = np.array([0, 1, 2, 0])
    expected = [0.1 - 0.04, -0.1 - 0.04 - 0.05, 0.05 - 0.04 + 3.0 - 0.02, 0.0]
    step = step._replace(closer=closer, fastest=fastest, arrived=arrived, done=done, outcome=outcome)
    assert reward(step) == pytest.approx(expected, abs=1e-6) and reward(step).dtype == np.float32


def test_the_default_clutter_is_driven_without_a_touch() -> None:
    scenario = clutter.draw(np.random.default_rng(2), robots=6, obstacles=6, side=2.0, kind=Kind.SINGLE_INTEGRATOR)
    run = Run(scenario, Fleet(scenario, planner="roadmap", controller="fixed:20,1"), ExactPlant(scenario))
    for _ in range(120):
        run.tick()
    assert run.collisions == 0
    assert run.reached.sum() >= 3


def test_a_contact_counts_by_how_fast_the_robot_is_when_it_begins() -> None:
    """It brakes to rest within the period in which it is met: at first it moves, in the end it stands."""
    for gap, moving in ((0.001, 1), (0.019, 0)):
        ours = RobotSpec(
            Kind.DOUBLE_INTEGRATOR, np.array([1.0, 1.0, 0.0, 0.0, 0.05]), np.array([[2.0, 1.0]]), 0.1, Limits(0.5, 1.0)
        )
        stranger = replace(disc(1.2 + gap, 1.0, (0.2, 1.0)), ignores=True)
        scenario = replace(scenario_of(stranger), robots=(ours, stranger), dt=0.05)
        plant = ExactPlant(scenario)
        score = Score(scenario, plant, goal_radii=1.0)
        plant.step(np.array([[0.0, -1.0], [-0.4, 0.0]]))
        score.note(0.05)
        assert score.contacts.tolist() == [moving, 1 - moving] and score.states[0, 4] == 0.0


def test_contacts_with_those_who_ignore_everybody_count_apart() -> None:
    """One drives into a robot that stands, another robot drives into one that stands and ignores everybody."""
    team = [
        disc(0.5, 1.0, (0.5, 1.0)),
        disc(1.5, 1.0, (0.2, 1.0)),
        disc(0.5, 3.0, (2.0, 3.0)),
        disc(1.5, 3.0, (1.5, 3.0)),
    ]
    team = [replace(one, ignores=i % 2 == 1) for i, one in enumerate(team)]
    run = stubbed(scenario_of(*team), [[0.0, 0.0], [-1.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
    for _ in range(20):
        run.tick()
    assert run.contacts.tolist() == [1, 1] and run.collisions == 0 and not run.touched.any()
    assert run.min_clearance >= 1.8 - 1e-9, "between those who keep the rules"
    result = record(run, kind="test", seed=0, controller="", planner="")
    assert result["contacts_moving"] == result["contacts_standing"] == 1


@pytest.mark.parametrize("count", [0, 1, 7, 200])
def test_who_hears_whom_is_as_far_as_they_are_apart(count: int) -> None:
    places = np.random.default_rng(count).uniform(0.0, 4.0, (count, 5))
    places[1:3] = places[:2]
    others, first = within(places, 1.5)
    apart = np.sqrt(((places[:, None, :2] - places[:, :2]) ** 2).sum(axis=-1))
    for i in range(count):
        near = [j for j in np.flatnonzero(apart[i] <= 1.5).tolist() if j != i]
        assert others[first[i] : first[i + 1]].tolist() == near
    assert first[-1] == len(others)
