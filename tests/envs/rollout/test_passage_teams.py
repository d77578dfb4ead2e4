"""Robots of one process that plan for passages in one call: what each decides is what it decides alone, bit for bit."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest
from oracles.copies import COPIES, assert_copy_agrees, assert_same, in_process

from envs.rollout.late_bodies import LateBodies
from envs.rollout.plants import ExactPlant
from envs.rollout.run import Run
from envs.rollout.team import Fleet
from envs.scenarios import draw_family
from envs.scenarios.narrow.dynamics import LIMITS
from swarm.array_types import Array
from swarm.model.dynamics import Kind
from swarm.model.error_bounds import EXACT, ErrorBounds
from swarm.planning.passages.planner import PassagePlanner
from swarm.planning.roadmap.waypoints import W_CELL
from swarm.planning.together import team
from swarm.planning.together.address import address_of, reals_at
from swarm.planning.together.calm import plan_some
from swarm.robot import Command
from swarm.scenario.scenario import Scenario

LATE = ErrorBounds(position=0.002, latency=0.05, age=0.03, dead_time=0.03, lag=0.03)
LOST = ErrorBounds(position=0.01, latency=0.1, loss=0.2)
WORLDS = [
    ("rooms", 0, EXACT), ("rooms", 1, LOST), ("bays", 2, EXACT), ("bays", 3, LATE), ("blocks", 4, EXACT),
    ("blocks", 5, LOST), ("warehouse", 6, EXACT), ("warehouse", 7, LATE), ("rooms", 8, LATE),
]  # fmt: skip


def run_of(scenario: Scenario, controller: str = "fixed:4,1") -> Run:
    plant = LateBodies(scenario) if scenario.errors.any else ExactPlant(scenario)
    return Run(scenario, Fleet(scenario, planner="passages", controller=controller, seed=1), plant)


def planners(run: Run) -> list[PassagePlanner]:
    found = [robot.planner for robot in run.fleet.robots]
    assert all(isinstance(one, PassagePlanner) for one in found)
    return found  # type: ignore[return-value]


def by_itself(run: Run) -> Run:
    """The same run, in which each planner is asked for itself alone."""
    run.fleet._minds._team = None
    return run


def said(command: Command) -> list[Any]:
    plan = command.plan
    flags = [plan.waits, plan.agreed, plan.straight, plan.note, plan.stop_distance, command.clearance]
    return [command.control, plan.waypoint, plan.path, flags, command.message]


def remembered(planner: PassagePlanner) -> list[Any]:
    numbers, held, told, there, before, let_out, place = planner.memory
    some = planner._giving.inherited, sorted(there), planner.route._cells[:, W_CELL].tolist()
    given = sorted(before), sorted(let_out), None if place is None else place.tolist()
    return [numbers, held.tolist(), told.tolist(), planner.held, planner._priority, *some, *given]


def drive(run: Run, periods: int = 20) -> list[Any]:
    """All that is decided, and where everybody is in the end."""
    return [[said(one)[:-1] for one in run.tick()] for _ in range(periods)] + [run.states.copy()]


def mixed(scenario: Scenario) -> Scenario:
    """Robots of three dynamics, one after the other; those of the warehouse as they are."""
    if scenario.world.grid is not None:
        return scenario
    kinds = [Kind.SINGLE_INTEGRATOR, Kind.DOUBLE_INTEGRATOR, Kind.UNICYCLE]
    robots = [
        replace(one, kind=kinds[i % 3], limits=LIMITS[kinds[i % 3]], type_name="")
        for i, one in enumerate(scenario.robots)
    ]
    return replace(scenario, robots=tuple(robots))


def count_calm(run: Run, calls: list[int]) -> None:
    """Note whose period is planned by the team."""
    for planner in planners(run):

        def keep(*some: Any, whole: Any = planner.keep, robot: int = planner.robot_id) -> None:
            calls.append(robot)
            whole(*some)

        planner.keep = keep  # type: ignore[method-assign, assignment]


@pytest.mark.parametrize(("family", "seed", "errors"), WORLDS, ids=lambda one: str(one) if one is not EXACT else "")
def test_a_team_decides_what_its_robots_decide_one_by_one(family: str, seed: int, errors: ErrorBounds) -> None:
    scenario = replace(mixed(draw_family(family, seed)), errors=errors)
    together, alone, calm = run_of(scenario), by_itself(run_of(scenario)), list[int]()
    count_calm(together, calm)
    for period in range(120):
        for one, other in zip(together.tick(), alone.tick(), strict=True):
            assert one.message == other.message, period
            assert_same(said(one)[:-1], said(other)[:-1])
        for mine, theirs in zip(planners(together), planners(alone), strict=True):
            if period % 9 in (0, mine.robot_id % 9):  # who is asked has back what is kept for it
                assert remembered(mine) == remembered(theirs), period
    assert together.states.tobytes() == alone.states.tobytes()
    assert len(calm) > 0.5 * 120 * len(scenario.robots)


def rooms() -> Run:
    run = run_of(draw_family("rooms", 3))
    drive(run, 30)
    return run


@pytest.mark.parametrize("how", COPIES)
def test_a_copied_team_goes_on_as_the_original_and_leaves_it_alone(how: str) -> None:
    run = rooms()
    copied = assert_copy_agrees(run, COPIES[how], drive)
    assert copied.fleet._minds._team is not run.fleet._minds._team
    before = [remembered(one) for one in planners(run)]
    drive(copied)
    assert [remembered(one) for one in planners(run)] == before


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_a_team_in_a_child_process_goes_on_as_the_parent(method: Literal["fork", "spawn"]) -> None:
    run = rooms()
    found = in_process(method, run, drive)
    assert_same(drive(run), found)


def test_who_forgets_everything_goes_on_with_the_others() -> None:
    together, alone = rooms(), by_itself(rooms())
    for run in (together, alone):
        run.fleet.robots[1].reset()
    assert_same(drive(together, 40), drive(alone, 40))


def test_a_team_that_was_asked_one_by_one_for_a_while_goes_on_together() -> None:
    together, alone = rooms(), by_itself(rooms())
    ours = together.fleet._minds._team
    together.fleet._minds._team = None
    assert_same(drive(together, 10), drive(alone, 10))
    together.fleet._minds._team = ours
    assert_same(drive(together, 40), drive(alone, 40))


def test_a_second_team_of_the_same_planners_goes_on_from_what_the_first_one_kept() -> None:
    together, alone = rooms(), by_itself(rooms())
    for _ in range(3):
        together.fleet._minds._team = team.PassageTeam.of(planners(together), together.scenario.world.bounds)
        assert_same(drive(together, 10), drive(alone, 10))


@pytest.mark.parametrize("shape", [(3, 4), (1, 1), (0, 4)])
def test_an_array_is_found_where_it_is(shape: tuple[int, int]) -> None:
    array: Array = np.random.default_rng(0).normal(size=shape)
    found = reals_at(address_of(array), shape)
    assert found.shape == shape
    np.testing.assert_array_equal(found, array)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_parts_of_a_team_on_threads_decide_the_same_and_a_fork_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    alone, together, calls = by_itself(rooms()), rooms(), list[int]()
    monkeypatch.setattr(team, "_A_THREAD", 2)
    monkeypatch.setattr(team, "cores", lambda: 3)

    def counted(*some: Any) -> None:
        calls.append(threading.get_ident())
        plan_some(*some)

    monkeypatch.setattr(team, "plan_some", counted)
    assert_same(drive(together, 40), drive(alone, 40))
    assert len(calls) >= 3 * 40 and len(set(calls)) > 1
    assert_same(in_process("fork", together, drive), drive(alone))
