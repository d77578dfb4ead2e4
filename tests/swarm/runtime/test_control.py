"""Control processes of a fleet in one test process: bodies, network and clock are the test's."""

from dataclasses import replace

import numpy as np
import pytest
from oracles.control_world import DOUBLE, Body, Link, World

from swarm.errors import InputError
from swarm.model.error_bounds import ErrorBounds
from swarm.runtime.control import Control, Period
from swarm.runtime.drivers.doubts import NO_MOTION
from swarm.runtime.link.estop import EmergencyStop
from swarm.runtime.loop import Rate
from swarm.runtime.mind import mind_of
from swarm.runtime.watchdog import MAY_MOVE, STATE_AGE


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_two_robots_pass_each_other_and_arrive(world):
    world.run(45.0)
    assert max(world.way()) < 0.3
    assert world.minds[0].inbox.rejected.total() == 0


def test_without_its_own_state_a_robot_stands(world):
    world.silent.add(0)
    world.run(1.0)
    assert world.last[0].reason == "no own state" and world.last[0].sent is None
    world.silent.clear()
    world.run(2.0)
    assert world.last[0].reason == MAY_MOVE and world.way()[0] < 5.8
    world.silent.add(0)
    world.run(0.4)
    assert world.last[0].reason == "no own state" and not world.controls[0].any()


@pytest.mark.parametrize("late", [0.1, 0.3, 2.0])
def test_a_state_is_as_old_as_since_it_was_measured(world, late):
    world.run(2.0)
    before, body = world.way()[0], world.minds[0]._driver
    body.late, body.problem = late, "a stamp that is wrong"
    world.run(0.5)
    assert (world.last[0].reason == MAY_MOVE) == (late < STATE_AGE) == (world.way()[0] < before - 0.1)
    mind = world.minds[1]
    (heard,) = mind.inbox.heard(world.time)
    assert heard.report.state_age == pytest.approx(late, abs=1e-6) and heard.age >= late
    assert world.minds[0].notes() == ("a stamp that is wrong",) and mind.notes() == ()


def test_no_acceleration_is_commanded_by_an_old_state(tmp_path, monkeypatch):
    world = World(tmp_path, scenario=DOUBLE)
    world.run(4.0)
    assert abs(world.states[0][3]) > 0.1
    world.silent.add(0)
    world.run(0.4)
    assert world.last[0].reason == "no own state" and world.last[0].sent is None


def test_the_emergency_stop_is_latched_and_released(world):
    world.run(1.0)
    for wishes in world.wishes:
        wishes.append(EmergencyStop(True, 5))
    world.run(0.1)
    before = [state.copy() for state in world.states]
    world.wishes[0].append(EmergencyStop(False, 4))  # older than the stop
    world.run(1.0)
    assert [entry.reason for entry in world.last] == ["emergency stop"] * 2
    assert np.allclose(before, world.states)
    for wishes in world.wishes:
        wishes.append(EmergencyStop(False, 6))
    world.run(1.0)
    assert all(entry.reason == MAY_MOVE for entry in world.last)


def test_a_process_that_was_stopped_drops_what_was_queued_meanwhile(world):
    world.run(3.5)
    taken = world.minds[0].inbox.heard(world.time)[0].report.sequence
    world.run(1.5, stopped={0})
    world.controls[0][:] = 0.0  # its body's time-to-live
    assert world.minds[0].period().reason == "own state from before the stop"
    assert not world.controls[0].any()
    assert world.minds[0].inbox.heard(world.time)[0].report.sequence == taken
    world.run(0.5)
    assert world.minds[0].watchdog.resumes == 1 and world.last[0].reason == MAY_MOVE


def test_a_neighbour_that_falls_silent_is_waited_for_and_believed_again(world):
    world.run(4.0)
    world.cut.add(1)
    world.run(12.0)
    assert world.last[0].reason == "waits for robot 1"
    world.cut.clear()
    world.run(1.0)
    assert world.last[0].reason == MAY_MOVE


def test_what_was_lost_before_the_inbox_counts_as_rejected_too(world):
    mind = world.minds[0]
    assert mind.inbox.receive(b"rubbish", 0.0) and mind.rejected == {"oversized or malformed": 1, "oversized": 2}


def test_a_period_is_explained_once(world, monkeypatch):
    mind, calls = world.minds[0], []
    monkeypatch.setattr("swarm.explanation.explain", lambda *given: calls.append(given) or "because")
    period = mind.period()
    assert mind.why(period) == mind.why(period) == "because" and len(calls) == 1
    assert mind.why(mind.period()) == "because" and len(calls) == 2
    assert mind.why(Period(0.0, "no own state")) is None and len(calls) == 2


def test_a_robot_that_is_not_in_the_fleet(world):
    with pytest.raises(InputError, match="0 to 1"):
        mind_of(world.fleet, 2)


def test_periods_keep_their_pace_and_missed_ones_are_left_out():
    now, slept = [0.0], []

    def sleep(seconds):
        slept.append(seconds)
        now[0] += seconds

    rate, began = Rate(0.05, lambda: now[0], sleep), []
    for start, work in zip(rate.periods(lambda: False), (0.01, 0.12, 0.01, 0.05, 0.0), strict=False):
        began.append(round(start, 9))
        now[0] += work
    assert began[:5] == [0.0, 0.05, 0.2, 0.25, 0.3]
    assert max(rate.late) == pytest.approx(0.0, abs=1e-9)
    assert list(rate.took)[:2] == pytest.approx([0.01, 0.12])


def test_periods_begin_in_their_own_phase():
    now = [0.013]

    def sleep(seconds):
        now[0] += seconds

    for phase in (0.0, 0.25, 0.9):
        rate = Rate(0.05, lambda: now[0], sleep, phase=phase)
        began = [start for start, _ in zip(rate.periods(lambda: False), range(3), strict=False)]
        assert [(start / 0.05 - phase + 0.5) % 1.0 for start in began] == pytest.approx([0.5] * 3, abs=1e-6)
        assert max(rate.late) < 1e-9


def test_robots_that_declare_different_errors_do_not_drive_together(tmp_path):
    world = World(tmp_path)
    world.fleet = replace(world.fleet, errors=ErrorBounds(position=0.001))
    before = world.way()
    world.minds[1] = Control(mind_of(world.fleet, 1), Body(world, 1), Link(world, 1), incarnation=1, clock=world.clock)
    world.run(3.0)
    assert world.way() == before
    assert all("declared errors" in mind.refusal for mind in world.minds)
    world.minds[0] = Control(mind_of(world.fleet, 0), Body(world, 0), Link(world, 0), incarnation=2, clock=world.clock)
    world.run(5.0)
    assert max(world.way()) < min(before) and all(mind.refusal is None for mind in world.minds)


@pytest.mark.parametrize("obeys", [True, False])
def test_only_of_a_body_that_executes_commands_it_is_asked_that_it_moves(tmp_path, monkeypatch, obeys):
    monkeypatch.setattr(Body, "obeys", obeys, raising=False)
    world = World(tmp_path, more="errors: {position: 0.001}\n")
    monkeypatch.setattr(world, "measured", lambda i: world.fleet.scenario.robots[i].start.copy())
    world.run(4.0)
    stuck = [mind.watchdog.reasons[NO_MOTION] for mind in world.minds]
    assert all(stuck) == obeys == any(stuck)
    assert all(mind.watchdog.reasons[MAY_MOVE] for mind in world.minds)
