"""One robot alone with its view: equal to the batched core, deaf to what it cannot know, and strict about its view."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import cvxpy
import numpy as np
import pytest
from oracles.teams import limits_of

from envs.arena.core import ArenaCore
from envs.rollout.team import Fleet
from envs.scenarios import clutter, swap
from swarm import Robot, View
from swarm.array_types import Array
from swarm.errors import InputError
from swarm.filter.reference import ReferenceSolver
from swarm.model.body import BODY
from swarm.model.dynamics import Kind, Limits
from swarm.model.error_bounds import EXACT, ErrorBounds
from swarm.model.footprint.polygon import box, reach
from swarm.model.strangers import Strangers
from swarm.planning import Plan
from swarm.robot import way
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World
from swarm.sense.intent import WINDOW, Intent
from swarm.sense.messages import EMBEDDING, Message
from swarm.sense.neighbour import Neighbour
from swarm.sense.neighbours import N_ERROR, N_PUSH, NEIGHBOUR
from swarm.tune.heuristics import Recovery
from swarm.tune.memory import blank
from swarm.tune.observation import EGO_LOST, EGO_STUCK, Observation

KINDS = list(Kind)
FIXED = "fixed:2,1"
TOLD = np.linspace(-1.0, 1.0, EMBEDDING)
BOLD = np.array([1.0, 0.0, 1.0, 0.0, 0.5, 1.0])
ROOM = World(np.array([0.0, 0.0, 4.0, 4.0]), np.array([[2.0, 2.0, 0.3, 0.2]]), np.array([[1.0, 3.0, 0.3]]))


pytestmark = pytest.mark.usefixtures("one_thread")


def scenario_of(kind: Kind, seed: int) -> Scenario:
    return clutter.draw(np.random.default_rng(seed), kind=kind, robots=8, obstacles=6, side=1.5)


def a_robot(kind: Kind = Kind.SINGLE_INTEGRATOR, **options: object) -> Robot:
    spec = RobotSpec(kind, np.array([1.0, 1.0, 0, 0, 0]), np.array([[3.0, 3.0]]), 0.1, limits_of(kind, 1.0, 2.0, 4.0))
    given = {"dt": 0.05, "sensing_radius": 2.0, "planner": "straight", "controller": FIXED} | options
    return Robot(spec, ROOM, **given)  # type: ignore[arg-type]


def a_view(**options: object) -> View:
    return View(**({"time": 0.0, "state": [1.0, 1.0, 0, 0, 0], "goal": [3.0, 3.0]} | options))  # type: ignore[arg-type]


def neighbour(x: float, y: float, **columns: float) -> np.ndarray:
    row = np.zeros(NEIGHBOUR)
    row[[0, 1, 4, 7, 8, 9, 10]] = x, y, 0.1, math.inf, 0.1, x, y
    return row


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("margin", [0.0, 0.01])
def test_one_robot_at_a_time_is_the_batched_core(kind: Kind, margin: float) -> None:
    scenario = swap.draw(np.random.default_rng(3), kind=kind, robots=8, spread=8.0, sensing_radius=0.4)
    # They meet, or the comparison would be an easy one.
    assert compare_with_the_batched_core(scenario, "straight", margin) < 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_so_it_is_with_a_roadmap_and_with_robots_that_do_not_cooperate(kind: Kind) -> None:
    scenario = scenario_of(kind, 7)
    rude = [dataclasses.replace(robot, cooperative=i > 2) for i, robot in enumerate(scenario.robots)]
    compare_with_the_batched_core(dataclasses.replace(scenario, robots=tuple(rude)), "roadmap", 0.0)


def test_so_it_is_with_unicycles_of_second_order() -> None:
    scenario = swap.draw(np.random.default_rng(3), kind=Kind.UNICYCLE, robots=8, spread=8.0, sensing_radius=0.8)
    limits = Limits(0.5, acceleration=0.8, turn_rate=3.0, turn_acceleration=6.0)
    ramped = [dataclasses.replace(robot, limits=limits) for robot in scenario.robots[:5]]
    scenario = dataclasses.replace(scenario, robots=(*ramped, *scenario.robots[5:]))
    assert compare_with_the_batched_core(scenario, "straight", 0.0) < 0.05
    compare_with_the_batched_core(scenario, "roadmap", 0.01)


@pytest.mark.parametrize("second_order", [False, True])
def test_so_it_is_with_polygons_among_discs(second_order: bool) -> None:
    scenario = swap.draw(np.random.default_rng(3), kind=Kind.UNICYCLE, robots=8, spread=9.0, sensing_radius=0.8)
    limits = Limits(0.5, 0.8, 3.0, 6.0) if second_order else Limits(0.5, turn_rate=3.0)
    robots = [dataclasses.replace(robot, limits=limits) for robot in scenario.robots]
    for i, kind in ((1, Kind.SINGLE_INTEGRATOR), (2, Kind.DOUBLE_INTEGRATOR)):
        still = np.array([*robots[i].start[:3], 0.0, 0.0])
        robots[i] = RobotSpec(kind, still, robots[i].goals, robots[i].radius, limits_of(kind, 0.5, 2.0, 4.0))
    shape = box(0.09, 0.04)
    shaped = [dataclasses.replace(one, footprint=shape, radius=reach(shape)) for one in robots[:6]]
    scenario = dataclasses.replace(scenario, robots=(*shaped, *robots[6:]))
    assert compare_with_the_batched_core(scenario, "straight", 0.0, 1e-12) < 0.05


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("errors", [EXACT, ErrorBounds(age=0.03, dead_time=0.03, sensing=0.002)], ids=["exact", "late"])
def test_so_it_is_with_those_who_ignore_everybody(kind: Kind, errors: ErrorBounds) -> None:
    scenario = swap.draw(np.random.default_rng(3), kind=kind, robots=8, spread=6.0, sensing_radius=1.5)
    robots = [dataclasses.replace(robot, ignores=i > 4) for i, robot in enumerate(scenario.robots)]
    scenario = dataclasses.replace(scenario, robots=tuple(robots), errors=errors, strangers=Strangers(1.5, 3.0))
    if errors == EXACT:
        compare_with_the_batched_core(scenario, "straight", 0.0)
        return
    core, fleet = ArenaCore(lambda rng: scenario, redraw=False), Fleet(scenario, planner="straight", controller=FIXED)
    assert fleet.perception is not None
    source = core.source
    assert source is not None
    for name in ("position", "sensing", "slip", "age"):  # the same errors for both
        getattr(fleet.perception.source.errors, name)[:] = 0
    core.observe()
    rows = fleet.perception.rows(0)[5:]
    assert (rows[:, N_PUSH] == 3.0).all() and (rows[:, N_ERROR] >= 0.002 + 1.5 * 0.03**2).all()
    assert np.allclose(source.news.seen[0, 0, 5:, N_PUSH:], rows[:, N_PUSH:])


def compare_with_the_batched_core(scenario: Scenario, planner: str, margin: float, rounding: float = 0.0) -> float:
    """Observations and controls of 120 periods under random actions; returns the smallest gap."""
    core = ArenaCore(lambda rng: scenario, margin=margin, redraw=False, planner=planner)
    fleet = Fleet(scenario, planner=planner, controller=FIXED, margin=margin)
    rng, now = np.random.default_rng(1), 0.0
    for _ in range(120):
        action = BOLD + (1.0 - abs(BOLD - 0.5)) * rng.uniform(-0.4, 0.4, (8, 6))  # also outside the box
        states, goals = core.state[0].copy(), core.goal[0].copy()
        batched = core.observe()
        for i, (robot, view) in enumerate(zip(fleet.robots, fleet.views(now, states, goals), strict=True)):
            for one, many in zip(robot.observe(view), batched, strict=True):
                np.testing.assert_allclose(np.asarray(one), np.asarray(many)[0, i], rtol=0.0, atol=rounding)
        commands = fleet.step(now, states, goals, action)
        core.step(action[None])
        np.testing.assert_allclose([command.control for command in commands], core.control[0], atol=1e-12)
        names = ("optimal", "relaxed", "braking")
        assert [command.outcome for command in commands] == [names[k] for k in core.outcome[0]]
        now += scenario.dt
    return float(core.min_clearance.min())


@pytest.mark.parametrize("kind", KINDS)
def test_cvxpy_gives_the_control_of_the_kernel(kind: Kind) -> None:
    scenario = scenario_of(kind, seed=5)
    fleet = Fleet(scenario, planner="straight", controller=FIXED)
    rng, states = np.random.default_rng(2), np.array([robot.start for robot in scenario.robots])
    if kind == Kind.DOUBLE_INTEGRATOR:
        states[:, 3:] = rng.uniform(-0.2, 0.2, (8, 2))
    goals = np.array([robot.goals[0] for robot in scenario.robots])
    for spec, view in zip(scenario.robots, fleet.views(0.0, states, goals), strict=True):
        options: dict[str, Any] = {"dt": scenario.dt, "sensing_radius": 0.5, "planner": "straight", "controller": FIXED}
        action = rng.random(6)
        kernel = Robot(spec, scenario.world, **options).step(view, action)
        reference = Robot(spec, scenario.world, solver="cvxpy", **options).step(view, action)
        # A unicycle's turn rate is a variable of the QP divided by the look-ahead.
        scale = np.array([1.0, 0.01 if kind == Kind.UNICYCLE else 1.0])
        np.testing.assert_allclose(scale * kernel.control, scale * reference.control, atol=1e-6)
        assert kernel.outcome == reference.outcome
        assert kernel.relaxation == pytest.approx(reference.relaxation, abs=1e-6)


def test_a_constraint_of_ones_own_is_one_line() -> None:
    free = a_robot().step(a_view())
    slow = a_robot(solver=ReferenceSolver(lambda u: [cvxpy.norm(u) <= 0.4])).step(a_view())
    assert np.linalg.norm(free.control) > 0.9
    assert np.linalg.norm(slow.control) == pytest.approx(0.4, abs=1e-5)
    with pytest.raises(InputError, match="solver"):
        a_robot(solver="osqp")


def test_the_shield_is_behind_a_solver_of_ones_own() -> None:
    """Whatever a solver answers, the robot does not drive into the wall that it sees."""

    class Reckless:
        def __call__(self, nominal, rows, rhs, lower, upper):
            return ReferenceSolver()(np.array([1.0, 1.0]), rows[:0], rhs[:0], lower, upper)

    wall = np.array([[1.22, 1.0, 0.1, 5.0, 0.0]])  # its face is 2 cm from the hull
    command = a_robot(solver=Reckless()).step(a_view(obstacles=wall))
    assert command.outcome == "braking"
    assert command.control[0] * 0.05 <= 0.02
    assert command.clearance == pytest.approx(0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_what_it_cannot_know_does_not_change_what_it_does(kind: Kind) -> None:
    """Robots beyond the sensing radius may be anywhere, think anything and want anything."""
    scenario = clutter.draw(np.random.default_rng(4), kind=kind, robots=12, obstacles=4, side=1.8)
    states = np.array([robot.start for robot in scenario.robots])
    goals = np.array([robot.goals[0] for robot in scenario.robots])
    rng, changed, only_heard = np.random.default_rng(0), 0, 0
    for i in range(12):
        apart = np.linalg.norm(states[:, :2] - states[i, :2], axis=1)
        unseen = np.flatnonzero(apart > scenario.sensing_radius)
        unheard = np.flatnonzero(apart > 2.0 * scenario.sensing_radius)
        only_heard += len(unseen) - len(unheard)
        commands = []
        for audit in range(2):
            fleet = Fleet(scenario, planner="straight", controller=FIXED)
            fleet.messages = {j: Message(j, 0.0, (1.0, 1.0), 0.5, 0.5) for j in range(12)}
            there, wanted = states.copy(), goals.copy()
            if audit:
                there[unseen, 2:] += rng.normal(size=(len(unseen), 3))
                there[unheard, :2] += 3.0 * np.sign(there[unheard, :2] - states[i, :2])
                wanted[np.arange(12) != i] = rng.uniform(0, 3, (11, 2))
                for j in unheard:
                    fleet.messages[int(j)] = Message(int(j), 0.0, (9.0, -9.0), 0.0, 1.0)
            view = fleet.views(0.0, there, wanted)[i]
            assert set(view.messages) == set(range(12)) - {i} - set(unheard.tolist())
            commands.append(fleet.robots[i].step(view))
        assert (commands[0].control == commands[1].control).all()
        assert commands[0].outcome == commands[1].outcome
        # And what it does sense does change it.
        seen = np.flatnonzero((apart > 0.0) & (apart <= scenario.sensing_radius))
        if len(seen):
            there = states.copy()
            way = goals[i] - states[i, :2]
            there[seen[0], :2] = states[i, :2] + 0.12 * way / np.linalg.norm(way)
            view = Fleet(scenario, planner="straight", controller=FIXED).views(0.0, there, goals)[i]
            robot = Fleet(scenario, planner="straight", controller=FIXED).robots[i]
            changed += (robot.step(view).control != commands[0].control).any()
    assert changed > 3
    assert only_heard > 3


def test_obstacles_come_from_the_map_unless_the_view_has_them() -> None:
    beside = [1.0, 1.5, math.pi / 2, 0, 0]  # below the box, a circle ahead
    robot = a_robot(Kind.UNICYCLE)
    from_map = robot.step(a_view(state=beside, goal=[1.0, 3.9]))
    seen = a_robot(Kind.UNICYCLE).step(a_view(state=beside, goal=[1.0, 3.9], obstacles=ROOM.near(beside[:2], 2.0, 16)))
    blind = a_robot(Kind.UNICYCLE).step(a_view(state=beside, goal=[1.0, 3.9], obstacles=np.empty((0, 5))))
    assert (from_map.control == seen.control).all()
    assert from_map.clearance == pytest.approx(seen.clearance)
    assert from_map.clearance == pytest.approx(math.hypot(0.7, 0.3) - 0.1)
    assert blind.clearance == math.inf


def test_the_clearance_is_that_of_the_nearest_in_any_order() -> None:
    things = np.array([[3.0, 1.0, 0, 0, 0.1], [1.5, 1.0, 0, 0, 0.1]])
    near = np.array([neighbour(2.0, 2.0), neighbour(1.0, 1.28)])
    assert a_robot().step(a_view(obstacles=things)).clearance == pytest.approx(0.3)
    assert a_robot().step(a_view(obstacles=things, neighbours=near)).clearance == pytest.approx(0.08)


def test_who_is_crowded_brakes() -> None:
    command = a_robot(Kind.DOUBLE_INTEGRATOR).step(a_view(state=[1, 1, 0, 0.05, 0], truncated=True))
    assert command.outcome == "braking"
    assert command.control == pytest.approx([-1.0, 0.0])


@pytest.mark.parametrize(
    ("name", "value"),
    [("state", np.zeros(4)), ("state", [0, 0, math.nan, 0, 0]), ("state", "here"), ("goal", np.zeros(3)),
     ("goal", [math.inf, 0.0]), ("neighbours", np.zeros(NEIGHBOUR)), ("neighbours", np.zeros((1, NEIGHBOUR - 1))),
     ("neighbours", np.ones((17, NEIGHBOUR))), ("neighbours", np.full((1, NEIGHBOUR), math.nan)),
     ("neighbours", np.full((1, NEIGHBOUR), math.inf)), ("neighbours", -np.ones((1, NEIGHBOUR))),
     ("neighbours", np.zeros((1, NEIGHBOUR))), ("obstacles", np.zeros((1, 4))), ("obstacles", np.zeros((17, 5))),
     ("obstacles", [[0, 0, 1, 1, math.nan]]), ("obstacles", [[0, 0, -1, 1, 0]])],
)  # fmt: skip
def test_views_that_make_no_sense(name: str, value: object) -> None:
    with pytest.raises(InputError, match=rf"view\.{name}"):
        a_robot().step(a_view(**{name: value}))


@pytest.mark.parametrize("action", [np.zeros(5), np.full(6, math.nan), np.zeros((2, 6))])
def test_actions_that_make_no_sense(action: np.ndarray) -> None:
    with pytest.raises(InputError):
        a_robot().step(a_view(), action)


def test_lists_and_integers_are_welcome() -> None:
    command = a_robot().step(View(0.0, [1, 1, 0, 0, 0], [3, 3]))
    assert (command.control == a_robot().step(a_view()).control).all()


class Counting:
    """A planner that counts how often it is asked."""

    def __init__(self) -> None:
        self.asked, self.resets = 0, 0

    def plan(self, view: View) -> Plan:
        self.asked += 1
        return Plan(view.goal)

    def reset(self) -> None:
        self.resets += 1


def test_the_planner_is_asked_once_per_period_and_anew_for_a_new_view() -> None:
    planner = Counting()
    robot = a_robot(planner=planner)
    robot.observe(a_view())
    robot.step(a_view())
    assert planner.asked == 1
    robot.step(a_view(time=0.05))
    assert planner.asked == 2
    away = robot.step(a_view(time=0.05, goal=[1.0, 0.2]))  # another goal, and a clock that stands
    assert planner.asked == 3
    assert away.control[1] < 0.0
    robot.reset()
    assert planner.resets == 1
    assert (robot.last_action == 0.5).all()
    robot.step(a_view(time=0.05, goal=[1.0, 0.2]))
    assert planner.asked == 4


def test_a_planner_that_remembers_nothing_holds_no_cells_and_one_that_does_is_asked_for_all_it_has() -> None:
    class Plain:
        def plan(self, view: View) -> Plan:
            return Plan(view.goal)

    class Remembering(Counting):
        held = (4, 5)

        def resume(self, held: Sequence[int], x: float, y: float) -> bool:
            self.resumed = (held, x, y)
            return True

    robot = a_robot(planner=Plain())
    robot.reset()
    assert robot.planner.held == () and robot.planner.resume((1, 2), 1.0, 1.0) is False
    assert (robot.step(a_view()).control == a_robot().step(a_view()).control).all()
    assert a_robot(planner=Counting()).planner.held == ()
    planner = Remembering()
    found: Any = a_robot(planner=planner).planner
    assert found.held == (4, 5) and found.resume((1, 2), 3.0, 4.0)
    assert planner.resumed == ((1, 2), 3.0, 4.0)


def test_what_own_parts_write_into_a_view_changes_nothing_that_the_filter_sees() -> None:
    def steered(view: View) -> Plan:
        view.state += 0.5  # as a planner does that works in place
        view.goal -= view.state[:2]
        view.neighbours[:] = 9.0
        return Plan(np.array([2.0, 0.0]))

    def rows(view: View) -> tuple[Array, Array]:
        view.state[:], view.neighbours[:] = 0.0, 0.0
        return np.empty((0, 2)), np.empty(0)

    robots = (a_robot(planner=SimpleNamespace(plan=lambda view: Plan(np.array([2.0, 0.0])))),
              a_robot(planner=SimpleNamespace(plan=steered), constraint=rows),
              a_robot(planner=SimpleNamespace(plan=steered, held=(), reset=list, resume=lambda *_: False)))  # fmt: skip
    other = Neighbour((0.6, 0.05), radius=0.1, reach=0.05, velocity=(-0.5, 0.0))
    views = [a_view(neighbours=[other]) for _ in robots]
    controls = [robot.step(view).control.tolist() for robot, view in zip(robots, views, strict=True)]
    assert controls[0] == controls[1] == controls[2]
    assert all(
        (view.neighbours == views[0].neighbours).all() and (view.state == views[0].state).all() for view in views
    )


@pytest.mark.parametrize("waypoint", [None, [np.nan, 1.0], np.zeros(3), "there"])
def test_what_is_no_plan_is_one_clear_error(waypoint: Any) -> None:
    robot = a_robot(planner=SimpleNamespace(plan=lambda view: None if waypoint is None else Plan(waypoint)))
    with pytest.raises(InputError, match=r"planner: SimpleNamespace \(\S+test_robot\.py:\d+\): .*valid: "):
        robot.step(a_view())


def test_a_waypoint_may_be_any_two_numbers() -> None:
    def control(waypoint: Any) -> list[float]:
        return a_robot(planner=SimpleNamespace(plan=lambda view: Plan(waypoint))).step(a_view()).control.tolist()

    ways: tuple[Any, ...] = ([2, 3], (2.0, 3.0), np.array([2, 3], np.float32))
    assert all(control(way) == control(np.array([2.0, 3.0])) for way in ways)


def test_what_a_planner_lacks_is_a_default_and_what_it_has_is_its_own_at_any_time() -> None:
    class Holding:
        held: tuple[int, ...] = ()

        def plan(self, view: View) -> Plan:
            self.held = (7,)
            return Plan(view.goal)

    robot = a_robot(planner=Holding())
    robot.step(a_view())
    assert robot.planner.held == (7,)
    robot.reset()
    assert not robot.planner.resume((7,), 1.0, 1.0)


def test_a_controller_may_be_a_plain_function_and_one_that_talks_is_heard() -> None:
    class Talking:
        def __call__(self, observation: Observation) -> np.ndarray:
            raise AssertionError("a controller that talks is asked to talk")

        def talk(self, observation: Observation, heard: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return BOLD, TOLD

    silent = a_robot(controller=lambda observation: BOLD).step(a_view())
    told = a_robot(controller=Talking()).step(a_view())
    assert silent.message.embedding == () and told.message.embedding == tuple(TOLD)
    assert (silent.control == told.control).all() and (silent.action == BOLD).all()
    led = a_robot(controller=Recovery(Talking()))
    assert led.step(a_view()).message.embedding == tuple(TOLD)
    assert a_robot(controller=Recovery(lambda observation: BOLD)).step(a_view()).message.embedding == ()


def test_a_command_explains_itself() -> None:
    action = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 1.7])
    command = a_robot(robot_id=7).step(a_view(time=2.5), action)
    assert command.action.tolist() == [0.1, 0.2, 0.3, 0.4, 0.5, 1.0]
    assert command.tunables[5] == 1.0
    assert (command.message.robot_id, command.message.time) == (7, 2.5)
    assert command.message.waypoint == (3.0, 3.0)
    assert (command.message.rotation, command.message.speed) == (0.5, 1.0)
    assert command.outcome == "optimal"
    assert command.relaxation == 0.0


@pytest.mark.parametrize("kind", KINDS)
def test_a_robot_that_does_not_cooperate_goes_straight_on_and_still_touches_nobody(kind: Kind) -> None:
    state = np.array([1.0, 1.0, math.pi / 4, 0, 0])
    spec = RobotSpec(kind, state, np.array([[3.0, 3.0]]), 0.1, limits_of(kind, 1.0, 2.0, 4.0), cooperative=False)
    robot = Robot(spec, ROOM, dt=0.05, sensing_radius=2.0, controller=FIXED)
    free, side = a_view(state=state), a_view(state=state, neighbours=[neighbour(1.2, 1.4)])
    assert (robot.step(free).control == robot.step(side).control).all()  # another gives way, or would pass by
    assert robot.step(free, np.zeros(6)).tunables[5] == 1.0  # whatever a policy proposes
    blocked = a_view(state=state, neighbours=[neighbour(1.1415, 1.1415)])  # 0.1 mm away
    command = robot.step(blocked)
    assert command.outcome == "braking" and abs(command.control[0]) < 0.05


def test_it_remembers_for_how_long_it_has_come_no_nearer_to_this_goal() -> None:
    robot = a_robot()
    for k in range(5):
        seen = robot.observe(a_view(time=0.05 * k))
    assert seen.ego[EGO_STUCK] == pytest.approx(0.1 * 4 * 0.05 * 1.0 / 2.0)
    seen = robot.observe(a_view(time=0.3, state=[0.8, 1.0, 0, 0, 0]))
    assert seen.ego[EGO_LOST] == pytest.approx((math.hypot(2.2, 2.0) - math.sqrt(8.0)) / 2.0, abs=1e-6)
    assert robot.observe(a_view(time=0.35, state=[1.2, 1.0, 0, 0, 0])).ego[EGO_STUCK] == 0.0
    assert robot.observe(a_view(time=0.4, goal=[0.5, 3.0])).ego[EGO_LOST] == 0.0  # a new goal, a new memory


def test_who_waits_for_a_cell_is_not_stuck() -> None:
    class Waiting:
        def plan(self, view: View) -> Plan:
            intent = Intent(0, (0,), -1, 0, 1, (0, 1, 2, 3, 4), 0, False, (0,) * (WINDOW + 1))
            return Plan(view.state[:2].copy(), intent=intent, stop_distance=0.5)

    robot = a_robot(planner=Waiting())
    for k in range(100):
        seen = robot.observe(a_view(time=0.05 * k))
    assert seen.ego[EGO_STUCK] == 0.0 and seen.ego[EGO_LOST] == 0.0


def test_what_it_remembers_with_is_loaded_before_it_drives(monkeypatch: pytest.MonkeyPatch) -> None:
    """It took 3 ms of the first period in which a robot waited for nobody."""
    called = []
    monkeypatch.setattr(way, "remember_plan", lambda *told: called.append(told))
    kept = way.Way(np.zeros(BODY))
    assert len(called) == 1 and np.array_equal(kept.memory, blank())


def test_a_robot_that_cannot_stop_within_its_margin_is_refused() -> None:
    limits = Limits(1.0, acceleration=4.0, turn_rate=4.0)
    spec = RobotSpec(Kind.UNICYCLE, np.array([1.0, 1.0, 0, 0, 0]), np.array([[3.0, 3.0]]), 0.25, limits)
    with pytest.raises(InputError, match=r"limits.acceleration: got 4.0; valid: at least 10 m/s², or none"):
        Robot(spec, ROOM, dt=0.05, sensing_radius=2.0, planner="straight", controller=FIXED, margin=0.2)
    Robot(spec, ROOM, dt=0.05, sensing_radius=2.0, planner="straight", controller=FIXED, margin=0.5)


@pytest.mark.parametrize("kind", list(Kind))
def test_a_wanted_control_takes_the_place_of_the_plans_as_far_as_it_is_safe(kind: Kind) -> None:
    robot, wanted = a_robot(kind), np.array([0.3, -0.2])
    assert robot.step(a_view(), wanted=wanted).control == pytest.approx(wanted, abs=1e-9)
    assert robot.step(a_view()).control != pytest.approx(wanted, abs=1e-2)
    near = np.array([neighbour(1.21, 1.0)])
    assert robot.step(a_view(neighbours=near), wanted=np.array([1.0, 0.0])).control[0] < 0.9


def test_a_polygon_and_who_is_known_to_be_one_pass_each_other_where_discs_do_not() -> None:
    """Two boxes side by side, 0.3 m apart: known as such they drive on, and as discs of 0.28 m they stop."""
    shape = box(0.5, 0.25)
    start = np.array([1.0, 1.0, 0.0, 0.0, 0.0])
    spec = RobotSpec(
        Kind.UNICYCLE, start, np.array([[3.0, 1.0]]), reach(shape), Limits(1.0, turn_rate=2.0), footprint=shape
    )
    robot = Robot(spec, World(np.array([0.0, 0.0, 4.0, 4.0])), dt=0.05, sensing_radius=2.0, planner="straight",
                  controller=FIXED)  # fmt: skip
    there = Neighbour((1.0, 1.3), reach(shape), 0.1)
    told = dataclasses.replace(there, hull=(np.array([1.0, 1.3]) + shape).tolist())
    command = robot.step(View(0.0, start, [3.0, 1.0], [told]), action=BOLD)
    assert command.control[0] > 0.3
    assert command.clearance == pytest.approx(0.05)
    assert robot.step(View(0.0, start, [3.0, 1.0], [there]), action=BOLD).control[0] == 0.0
    with pytest.raises(InputError, match="hull"):
        Neighbour((0.0, 0.0), 0.1, 0.1, hull=((0.0, 0.0), (1.0, 0.0)))
    with pytest.raises(InputError, match=r"view\.shapes"):
        robot.step(View(0.0, start, [3.0, 1.0], [told], shapes=np.zeros((1, 4, 2))), action=BOLD)


@pytest.mark.parametrize(
    "part", [{"controller": None}, {"planner": None}, {"controller": 3}, {"planner": lambda view: None}]
)
def test_what_is_no_part_is_refused_at_the_door(part: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=rf"{next(iter(part))}: got .*valid: .*(which it lacks|that can be called so)"):
        a_robot(**part)
