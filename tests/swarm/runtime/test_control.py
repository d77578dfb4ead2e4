"""Control processes of a fleet in one test process: bodies, network and clock are the test's."""

from dataclasses import replace

import numpy as np
import pytest
from oracles.control_world import DOUBLE, DT, Body, Link, World

from swarm.errors import InputError
from swarm.model.error_bounds import ErrorBounds
from swarm.runtime.control import Control, Period
from swarm.runtime.fleet_file.braking import JUMPED, LATE_NEWS, NO_MOTION
from swarm.runtime.fleet_file.roster import oldest_news
from swarm.runtime.journal import Memory
from swarm.runtime.link.estop import EmergencyStop
from swarm.runtime.link.status import MAX_TEXT
from swarm.runtime.loop import Rate
from swarm.runtime.mind import mind_of
from swarm.runtime.status_teller import StatusTeller
from swarm.runtime.watchdog import MAY_MOVE, RELEASE, STATE_AGE


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


@pytest.mark.parametrize("method", ["read", "write"])
def test_a_driver_that_waits_is_told_of_by_its_method(world, monkeypatch, method):
    """What comes of it, a state that is old or a period that is late, sends an operator to clocks and networks."""
    world.run(2.0)
    body, mind = world.minds[0]._driver, world.minds[0]
    usual, now = getattr(body, method), [0.0]
    monkeypatch.setattr(mind, "_clock", lambda: world.time + now[0])
    monkeypatch.setattr(body, method, lambda *given: (now.__setitem__(0, now[0] + 0.3), usual(*given))[1])
    world.run(2.0 * DT)
    assert mind.notes() == (f"{method} of the driver takes longer than a period, {DT:.3g} s; it must not wait",)
    monkeypatch.setattr(body, method, usual)
    world.run(DT)
    assert mind.notes() == ()


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


LATCHES = "errors: {position: 0.001}\nbraking: {own state jumped: latch}\n"


def jump(world, monkeypatch, metres):
    """Robot 0 measures itself elsewhere."""
    aside = np.array([0.0, metres, 0.0, 0.0, 0.0])
    monkeypatch.setattr(world, "measured", lambda i: world.states[i] + aside * (i == 0))


@pytest.mark.parametrize("more", ["errors: {position: 0.001}\n", LATCHES])
def test_what_a_reason_latches_an_operator_releases_also_after_a_restart(tmp_path, monkeypatch, more):
    latches, kept = more == LATCHES, Memory()
    world = World(tmp_path, more=more)

    class Kept:
        found, problem = Memory(), ""

        def keep(self, memory):
            nonlocal kept
            kept = memory

    def start(incarnation):
        mind, body, link = mind_of(world.fleet, 0), Body(world, 0), Link(world, 0)
        world.minds[0] = Control(
            mind, body, link, incarnation=incarnation, clock=world.clock, journal=Kept(),
        )  # fmt: skip

    start(2)
    world.run(1.0)
    jump(world, monkeypatch, 0.5)
    world.run(0.5)
    jump(world, monkeypatch, 0.0)
    world.run(0.1)
    told = StatusTeller(world.minds[0], Rate(DT)).status(world.last[0])
    assert told.reason.startswith(JUMPED) and told.stopped == told.reason.endswith(RELEASE) == latches
    assert kept.latched == (JUMPED if latches else "") and not world.controls[0].any()
    world.run(2.0)
    assert (world.last[0].reason == MAY_MOVE) != latches and world.last[1].reason == MAY_MOVE, "it stops no other"
    Kept.found = kept
    start(3)
    world.run(2.0)
    assert (world.last[0].reason == MAY_MOVE) != latches
    world.wishes[0].append(EmergencyStop(False, 7))
    world.run(0.2)
    assert world.last[0].reason == MAY_MOVE and kept.latched == ""
    assert ("braking: own state jumped: latch" in world.minds[0].notes()) == latches


def test_a_command_is_held_through_the_filter_while_a_neighbour_is_waited_for(tmp_path, monkeypatch):
    """Robot 1 has fallen silent: its disc grows; what was wanted before goes on for a while, as far as it is safe."""
    ways = []
    for braking in ("", "braking: {waits: {hold: 0.5}}\n"):
        (tmp_path / f"{bool(braking)}").mkdir()
        world = World(tmp_path / f"{bool(braking)}", more=braking)
        world.run(4.0)
        world.cut.add(1)
        asked, step = [], world.minds[0].robot.step

        def noted(view, *, wanted, step=step, asked=asked):
            asked.append(None if wanted is None else wanted.tolist())
            return step(view, wanted=wanted)

        monkeypatch.setattr(world.minds[0].robot, "step", noted)
        while world.last[0].reason == MAY_MOVE:
            last = world.last[0].sent.control.tolist()
            world.run(DT)
        assert world.last[0].reason == "waits for robot 1"
        held = [world.last[0]]
        before = world.states[0].copy()
        for _ in range(11):
            world.run(DT)
            held.append(world.last[0])
        ways.append(float(np.linalg.norm(world.states[0][:2] - before[:2])))
        moved = [one.sent.control.any() for one in held]
        assert moved == ([True] * 10 + [False] * 2 if braking else [False] * 12)
        assert asked[-13:] == ([None] + [last] * 10 + [None] * 2 if braking else [None] * 13)
        assert not world.controls[0].any()
    assert ways[0] == 0.0 < ways[1]


@pytest.mark.parametrize("braking", ["", "braking: {news older than declared: brake}\n"])
def test_news_that_are_older_than_latency_and_loss_explain_are_told_and_brake_if_so_declared(tmp_path, braking):
    errors = "errors: {position: 0.001, latency: 0.05, loss: 0.1}\n"
    world = World(tmp_path, more=errors + braking)
    world.run(4.0)
    assert not any(note.startswith("news") for mind in world.minds for note in mind.notes())
    world.cut.add(1)
    most = oldest_news(world.fleet.errors, DT)
    assert most == pytest.approx(2 * (0.05 + 9 * DT))
    world.run(most - 3 * DT)
    assert not any(note.startswith("news") for note in world.minds[0].notes())
    world.run(6 * DT)
    (note,) = (note for note in world.minds[0].notes() if note.startswith("news older than declared: of robot 1"))
    assert "where 1.00 s are explained" in note and len(note) <= MAX_TEXT
    assert world.minds[0].watchdog.reasons[LATE_NEWS] == (3 if braking else 0)
    world.cut.clear()
    world.run(1.0)
    assert world.last[0].reason == MAY_MOVE
    assert not any(note.startswith("news") for note in world.minds[0].notes())


class Signed(Link):  # type: ignore[misc]
    """Carries what operators sign, as it stands; what robots pass on arrives in the next period."""

    signs, newest = True, None

    def __init__(self, world, i):
        super().__init__(world, i)
        world.passed[i] = []

    def _take(self, wishes):
        for wish in wishes:
            if self.newest is None or wish.counter > self.newest.counter:
                self.newest = wish
        return wishes

    def stops(self):
        return self._take(super().stops())

    def pass_on(self):
        for passed in self.world.passed.values():
            passed.append(self.newest)

    def passed_on(self):
        found, self.world.passed[self.i] = self.world.passed[self.i], []
        return self._take(found)


def test_where_stops_are_signed_a_robot_that_is_reached_tells_the_others_and_reports_tell_nothing(
    tmp_path, monkeypatch
):
    world = World(tmp_path)
    world.passed = {}
    for i in range(2):
        mind, body, link = mind_of(world.fleet, i), Body(world, i), Signed(world, i)
        world.minds[i] = Control(mind, body, link, incarnation=2, clock=world.clock)
    world.run(1.0)
    world.minds[1]._latch.known = EmergencyStop(True, 99)  # it lies, or an earlier process of it was pushed
    world.run(1.0)
    assert [one.reason for one in world.last] == [MAY_MOVE, "emergency stop"]
    for latched, counter, reached in ((True, 100, 0), (False, 101, 1)):
        world.wishes[reached].append(EmergencyStop(latched, counter))
        world.run(0.5)
        assert [one.reason == "emergency stop" for one in world.last] == [latched] * 2
        assert [mind.stop for mind in world.minds] == [EmergencyStop(latched, counter)] * 2
