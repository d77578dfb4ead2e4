"""Runs robot by robot of polygons: no bodies overlap, as an oracle says; gaps that are counted are those of bodies."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from oracles.polygons import corners_at, depth, disc

from envs.render.drawing import Painter
from envs.rollout.late_bodies import LateBodies
from envs.rollout.pictures import scene_of
from envs.rollout.plants import ExactPlant
from envs.rollout.results import save_trajectory
from envs.rollout.run import Run
from envs.rollout.team import Fleet
from swarm.explanation import explain, sentence
from swarm.model.dynamics import Kind, Limits
from swarm.model.error_bounds import EXACT, ErrorBounds
from swarm.model.footprint.polygon import box, reach
from swarm.runtime.log.messages import world_message
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario import Scenario, load_scenario
from swarm.scenario.world import World

LATE = ErrorBounds(
    position=0.01, heading=0.02, velocity=0.02, age=0.05, latency=0.05, loss=0.1, dead_time=0.03, lag=0.1, slip=0.05
)
SENSED = ErrorBounds(sensing=0.01, age=0.05, others="sensed")
RAMPED = ErrorBounds(position=0.01, heading=0.02, age=0.05, latency=0.05)


def crossing(errors: ErrorBounds) -> Scenario:
    """Boxes of all dynamics and a disc on a circle around a wall, each going to the place on the other side."""
    shape, robots = box(0.5, 0.25), []
    for k in range(6):
        angle = k * math.pi / 3.0
        x, y = 1.3 * math.cos(angle), 1.3 * math.sin(angle)
        kind = (Kind.UNICYCLE, Kind.SINGLE_INTEGRATOR, Kind.DOUBLE_INTEGRATOR)[k % 3]
        limits = Limits(1.0, 2.0 if kind == Kind.DOUBLE_INTEGRATOR else math.inf, 2.0)
        if k == 3 and errors.lag == 0.0:
            limits = Limits(1.0, 2.0, 2.0, 4.0)
        start = np.array([x, y, angle + 2.0, 0.0, 0.0])
        footprint = None if k == 4 else shape
        radius = 0.15 if footprint is None else reach(shape)
        robots.append(RobotSpec(kind, start, np.array([[-x, -y]]), radius, limits, footprint=footprint))
    world = World(np.array([-2.0, -2.0, 2.0, 2.0]), np.array([[0.0, 0.0, 0.1, 0.05]]))
    return Scenario(world, tuple(robots), dt=0.05, sensing_radius=3.0, errors=errors)


def bodies(scenario: Scenario, states: np.ndarray) -> list[np.ndarray]:
    return [
        disc(at[:2], robot.radius) if robot.footprint is None else corners_at(at, robot.footprint)
        for robot, at in zip(scenario.robots, states, strict=True)
    ]


def apart(scenario: Scenario, states: np.ndarray) -> float:
    """The least distance along a normal of a side, over all pairs: no more than the gap [m]."""
    shapes = bodies(scenario, states)
    return min(-depth(one, other) for i, one in enumerate(shapes) for other in shapes[:i])


@pytest.mark.parametrize("errors", [EXACT, LATE, SENSED, RAMPED], ids=["exact", "late", "sensed", "ramped"])
def test_boxes_go_past_each_other_and_never_overlap(errors: ErrorBounds) -> None:
    scenario = crossing(errors)
    fleet = Fleet(scenario, planner="straight", controller="fixed:2,1", seed=1, style="adversary")
    plant = LateBodies(scenario) if errors.any else ExactPlant(scenario)
    run, least, said = Run(scenario, fleet, plant), math.inf, set()
    for _ in range(160):
        views = fleet.views(run.time, run.states, run.goals) if not errors.any else []
        commands = run.tick()
        samples = plant.samples if isinstance(plant, LateBodies) else run.states[None]
        least = min(least, *(apart(scenario, sample) for sample in samples))
        for robot, view, command in zip(fleet.robots, views, commands, strict=False):
            if (why := explain(robot, view, command)) is not None:
                said.add(sentence(why).split(",")[0])
    assert run.collisions == 0
    assert least >= 0.0
    assert run.min_clearance >= -1e-9
    way = np.hypot(*(run.states[:, :2] - [robot.start[:2] for robot in scenario.robots]).T)
    assert way.mean() > 0.3
    if not errors.any:
        assert run.min_clearance < 2.0 * (reach(box(0.5, 0.25)) - 0.125)  # nearer than discs could be
        assert any(text.startswith("slowed by robot") for text in said)


def test_contacts_of_boxes_are_those_of_their_bodies() -> None:
    """Without a filter: side by side they pass 10 cm apart, though their discs overlap; head on they touch."""
    spec = crossing(EXACT).robots[0]
    for aside, touches in ((0.35, False), (0.2, True)):
        robots = tuple(
            replace(spec, start=np.array([x, y, 0.0 if x < 0.0 else math.pi, 0.0, 0.0]), goals=np.array([[-x, y]]))
            for x, y in ((-1.0, 0.0), (1.0, aside))
        )
        scenario = Scenario(World(np.array([-2.0, -2.0, 2.0, 2.0])), robots, dt=0.05, sensing_radius=3.0)
        plant, least = ExactPlant(scenario), math.inf
        for _ in range(40):
            plant.step(np.array([[1.0, 0.0], [1.0, 0.0]]))
            least = min(least, apart(scenario, plant.state()))
            if len(plant.onsets()):
                break
        assert (len(plant.onsets()) > 0) == touches
        assert (least < 0.0) == touches


def test_pictures_and_trajectories_show_boxes_at_their_headings(tmp_path: Path) -> None:
    robot = crossing(EXACT).robots[0]
    robot = replace(robot, start=np.array([0.0, 1.0, math.pi / 2.0, 0.0, 0.0]), goals=np.array([[0.0, 1.5]]))
    scenario = Scenario(World(np.array([-2.0, -2.0, 2.0, 2.0])), (robot,), dt=0.05, sensing_radius=3.0)
    run = Run(scenario, Fleet(scenario, planner="straight", controller="fixed:2,1"), ExactPlant(scenario))
    painter = Painter(scenario.world.bounds, pixels=400)
    scene = scene_of(run)
    picture = painter.frame(scene)
    colour = {name: picture[row, column] for name, (column, row) in {
        "ahead": painter.pixel((0.0, 1.2)), "beside": painter.pixel((0.18, 1.0)), "floor": painter.pixel((1.5, -1.5)),
    }.items()}  # fmt: skip
    assert (colour["beside"] == colour["floor"]).all()
    assert (colour["ahead"] != colour["floor"]).any()
    run.tick()
    save_trajectory(tmp_path / "one.npz", run)
    with np.load(tmp_path / "one.npz") as saved:
        assert saved["heading"].shape == (2, 1)
        assert saved["heading"][0, 0] == math.pi / 2.0
        np.testing.assert_array_equal(saved["footprint"][0], box(0.5, 0.25))
    assert world_message("one", scenario)["robots"][0]["footprint"][2] == {"x": 0.25, "y": 0.125}


def test_the_example_of_boxes_changes_sides_through_a_gap_that_no_disc_fits() -> None:
    scenario = load_scenario(Path(__file__).parents[3] / "envs" / "maps" / "boxes.yaml")
    run = Run(scenario, Fleet(scenario, planner="passages", controller="tuner"), ExactPlant(scenario))
    reached = np.zeros(len(scenario.robots), bool)
    for _ in range(800):
        run.tick()
        reached |= np.linalg.norm(run.states[:, :2] - run.goals, axis=1) <= 2.0 * run.radii
    assert reached.all() and run.collisions == 0
    gap = 3.1 - 0.9 - 1.8
    assert all(2.0 * robot.radius > gap for robot in scenario.robots)
