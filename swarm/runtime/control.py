"""One robot's control process: hear, believe, plan, filter, act, tell; once per period.

Nothing here waits: what has arrived by the beginning of a period counts, and what has not is older by a period. The
same ``swarm.robot.Robot`` decides as in the simulation; what differs is where its view comes from.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from swarm import explanation
from swarm.array_types import Array
from swarm.explanation import Override
from swarm.model.actuators import T_BODY_X, T_BODY_Y, T_CORNER_X, T_CORNER_Y, T_ERROR, T_HEADING, T_SPEED, T_TURN_RATE
from swarm.model.body import full_braking
from swarm.model.dynamics import DOUBLE_INTEGRATOR
from swarm.robot import Command
from swarm.runtime.belief import Belief, believe
from swarm.runtime.drivers.base import Calls, Driver, Reading, Sent, lifetime_of, word_of
from swarm.runtime.drivers.doubts import Doubts
from swarm.runtime.drivers.executed import Executed
from swarm.runtime.fleet_file.braking import LATE_NEWS, WAITS, describe
from swarm.runtime.fleet_file.roster import oldest_news
from swarm.runtime.goals import Goals
from swarm.runtime.journal import Journal, Memory
from swarm.runtime.link.base import Link
from swarm.runtime.link.estop import EmergencyStop, StopLatch
from swarm.runtime.link.handshake import Handshakes
from swarm.runtime.link.handshake import encode as encode_handshake
from swarm.runtime.link.inbox import Heard, Inbox
from swarm.runtime.link.report_codec import Report, encode
from swarm.runtime.link.signed_stop import Relay
from swarm.runtime.lockstep import Lockstep
from swarm.runtime.mind import Mind
from swarm.runtime.watchdog import MAY_MOVE, Watchdog
from swarm.sense.view import View

_TOLD = [T_BODY_X, T_BODY_Y, T_CORNER_X, T_CORNER_Y, T_ERROR]
_TURNS = [T_HEADING, T_SPEED, T_TURN_RATE]  # Of a robot that is no disc.

FAR_EVERY = 4
"""Periods between two reports to a robot that is far."""


@dataclass(frozen=True, eq=False)
class Period:
    """What happened in one control period.

    Attributes:
        time: When it began [s].
        reason: ``watchdog.MAY_MOVE``, or why the robot did not move.
        reading: Its own state, if there was any.
        command: What its mind wanted, if it could think.
        sent: What went to the body, if anything did.
        belief: What it knew of the others, if it knew where it was itself.
        view: What its mind decided on, if it could think.
    """

    time: float
    reason: str
    reading: Reading | None = None
    command: Command | None = None
    sent: Sent | None = None
    belief: Belief | None = None
    view: View | None = None


class Control:
    """Joins the parts for one robot.

    Args:
        mind: What decides for it.
        driver: Of its body.
        link: To the others.
        incarnation: Larger than that of any earlier process of this robot.
        clock: Monotonic [s].
        journal: What the process before this one knew, and where to write what the next one has to; None: nowhere.

    Attributes:
        refusal: Who does not fit and keeps this robot from moving, and why; else None.
    """

    def __init__(
        self, mind: Mind, driver: Driver, link: Link, *, incarnation: int,
        clock: Callable[[], float] = time.monotonic, journal: Journal | None = None,
    ) -> None:  # fmt: skip
        self.robot, self.roster, self.dt, self.incarnation = mind.robot, mind.roster, mind.dt, incarnation
        self.robot_id = mind.robot.robot_id
        found = Memory() if journal is None else journal.found
        self.watchdog = Watchdog(self.dt, mind.errors.age or None, mind.braking, found.latched)
        self.braking, self.goals = mind.braking, Goals(mind.spec, found.goal)
        self.handshakes = Handshakes(mind.handshake, (one for one in self.roster if one != self.robot_id))
        self.digest = mind.handshake.digest
        self.inbox = Inbox(self.robot_id, incarnation, self.roster, self.digest, mind.errors)
        self.lockstep = Lockstep(self.roster, mind.hearing_radius, clock())
        self._errors, obeys = mind.errors, bool(getattr(driver, "obeys", True))
        self._doubts = Doubts(self.roster[self.robot_id], mind.errors, obeys)
        self._driver, self._link, self._clock, self._sequence = driver, link, clock, 0
        self._calls = Calls(driver, self.dt, lambda: self._clock())
        self._executed = Executed(self.robot, self.dt, lifetime_of(driver))
        self._journal, self._held = journal, found.held
        self._latch, self._relay = StopLatch(found.stop, found.doubted, clock(), signed=link.signs), Relay()
        self.lockstep.known = found.heard
        self.refusal: str | None = None
        self._wanted: Array | None = None  # The last command while it was free to move.
        self._late: Heard | None = None
        self._explained: tuple[Period, Override | None] | None = None

    def period(self) -> Period:
        """One control period."""
        now = self._clock()
        resumed = self.watchdog.begin(now)
        self._executed.begin(now)
        heard = self._listen(resumed, now)
        reading, latched = self._calls.read(), self.watchdog.latched
        if reading is None:
            self._late = None
            self._remember(heard)
            reason = self.watchdog.check(now, state_at=None, planned=False, waits_for=None, doubt=self._doubt)
            found = Period(now, reason)
        else:
            found = self._decide(now, reading, heard)
        if self.watchdog.latched != latched:
            self._remember(heard)
        self._executed.end(found.sent)
        self.watchdog.end(self._clock())
        return found

    @property
    def stop(self) -> EmergencyStop | None:
        """The newest wish of an operator that it knows."""
        return self._latch.known

    @property
    def rejected(self) -> Counter[str]:
        """How many messages were not taken, by reason: by the inbox, and before they came to it."""
        return self.inbox.rejected + self._link.counts

    def why(self, period: Period) -> Override | None:
        """Why the command of a period is not the nominal one (``swarm.explanation``); worked out once."""
        if self._explained is None or self._explained[0] is not period:
            override = None
            if period.command is not None and period.view is not None:
                override = explanation.explain(self.robot, period.view, period.command)
            self._explained = period, override
        return self._explained[1]

    def _listen(self, resumed: bool, now: float) -> list[Heard]:
        """Take what has arrived; after the process had been stopped, only what was told to stop it.

        Returns:
            The last report of each neighbour.
        """
        for robot, data, arrived in self._link.greetings():
            self.handshakes.receive(robot, data, arrived)
        if self.handshakes.due(now):
            self._link.greet(encode_handshake(self.handshakes.own))
        for robot, data, arrived in self._link.drain():
            if not resumed and self.inbox.receive(data, arrived, robot) == "incompatible":
                self.handshakes.suspect(robot, arrived)
        heard = self.inbox.heard(now)
        stopped = {one.report.robot_id: one.report.stop_counter for one in heard if one.report.stopped}
        self._latch.take(self._link.stops(), stopped, now, self._link.passed_on())
        if self._relay.due(self._link.newest, (one.report.stop_counter for one in heard), now):
            self._link.pass_on()
        if self._latch.latched and not self.watchdog.stopped:
            self.watchdog.stop()
        elif (self.watchdog.stopped or self._latch.released) and not self._latch.latched:
            self.watchdog.release()
        return heard

    def _remember(self, heard: list[Heard]) -> None:
        """Write down what a restart needs, before anybody can know of it."""
        if self._journal is not None:
            held = tuple(self.robot.planner.held)
            known = self.lockstep.known.union(one.report.robot_id for one in heard)
            self._journal.keep(Memory(
                self.goals.goal_index, held or self._held, self.stop, known, self._latch.doubted, self.watchdog.latched
            ))  # fmt: skip

    def notes(self) -> tuple[str, ...]:
        """What an operator should know of this robot and those that it hears."""
        now, problem = self._clock(), "" if self._journal is None else self._journal.problem
        late = "" if self._late is None else self._late.told(oldest_news(self._errors, self.dt))
        braking = f"braking: {changed}" if (changed := describe(self.braking)) else ""
        wrong = [text for text in (self.body_problem, problem, late) if text]
        return (*self.handshakes.misfits(now).values(), *wrong, *self.handshakes.notes(now), *filter(None, [braking]))

    @property
    def body_problem(self) -> str:
        """What its driver says is wrong with the body's side, or that it waits; empty: nothing."""
        return word_of(self._driver, "problem") or self._calls.waited

    @property
    def _doubt(self) -> str:
        """Why the driver says that its states must not be driven by; empty: they may."""
        return word_of(self._driver, "doubt")

    def _resume(self, reading: Reading) -> None:
        """Hold the cells again that the process before this one held, if the robot stands in them."""
        if self._held:
            self.robot.planner.resume(self._held, float(reading.state[0]), float(reading.state[1]))
            self._held = ()

    def _decide(self, now: float, reading: Reading, heard: list[Heard]) -> Period:
        self._resume(reading)
        senses = reading.sensed is not None
        self.lockstep.advance(reading.state[0], reading.state[1], heard, now, senses)
        view = self._view(now, reading)
        state = self.robot.believed(view).state
        belief = believe(
            self.roster[self.robot_id], state, heard, self.roster, self.dt, reading.sensed, errors=self._errors,
            age=now - reading.measured, strangers=self.robot.strangers,
        )  # fmt: skip
        alone = self.lockstep.alone or len(belief.strangers) > 0
        view.neighbours, view.truncated, view.shapes = belief.neighbours, belief.truncated, belief.shapes
        view.strangers = belief.strangers if alone else None
        self._late = self._find_late(heard)
        why = WAITS if belief.hold is not None else LATE_NEWS if self._late is not None else MAY_MOVE
        command = self.robot.step(view, wanted=self._wanted if self.watchdog.holding(now, why) else None)
        self._remember(heard)
        self.refusal = self.handshakes.refusal(now, senses)
        # Who senses the others need hear only one of them, who tells if all are stopped.
        joined = (senses and bool(heard)) or self.lockstep.joined(heard, now, senses)
        reason = self.watchdog.check(
            now, state_at=reading.measured, planned=True, waits_for=belief.hold, joined=joined, refusal=self.refusal,
            doubt=self._doubt or self._doubts.of(now, reading),
            late=None if self._late is None else self._late.report.robot_id, took=self._clock() - now,
        )  # fmt: skip
        sent, moves = None, reason == MAY_MOVE or self.watchdog.holds
        if moves:
            sent = self._calls.write(command.control)
            self._wanted = sent.control if reason == MAY_MOVE else self._wanted
        elif abs(now - reading.measured) <= self.watchdog.state_age or self.robot.kind != DOUBLE_INTEGRATOR:
            # An acceleration that brakes by an old state drives backwards in the end; then the body brakes by itself.
            sent = self._calls.write(full_braking(self.robot.kind, state, self.robot.body, view.drive))
        self.robot.drive = None if sent is None else sent.control.copy()
        ahead = self.robot.ahead(self._executed.take(sent))
        way = None if ahead is None or not moves else ahead[0][:2] - state[:2]
        self._doubts.told(now, reading, way)
        self._tell(now, reading, command, view, moves, ahead)
        return Period(now, reason, reading, command, sent, belief, view)

    def _find_late(self, heard: list[Heard]) -> Heard | None:
        """The oldest news of a robot that may be near, if it is older than the declared latency and loss explain."""
        near = [one for one in heard if one.report.robot_id in self.lockstep.near]
        if not near or not (self._errors.latency or self._errors.loss):
            return None
        oldest = max(near, key=lambda one: one.age - one.report.state_age)
        late = oldest.age - oldest.report.state_age > oldest_news(self._errors, self.dt)
        return oldest if late else None

    def _view(self, now: float, reading: Reading) -> View:
        """What the robot knows, before it looks around; its own state as it was measured."""
        time, goal = self.lockstep.tick * self.dt, self._goal(reading)
        measured = time - (now - reading.measured)
        return View(
            time, reading.state, goal, messages=self.lockstep.messages(), silent=self.lockstep.silent(),
            measured=measured,
        )  # fmt: skip

    def _goal(self, reading: Reading) -> tuple[float, float]:
        """Where to go: what the body's side says, else the scenario's next goal."""
        if reading.goal is not None:
            return reading.goal
        return self.goals.now(float(reading.state[0]), float(reading.state[1]))

    def _tell(
        self, now: float, reading: Reading, command: Command, view: View, armed: bool,
        ahead: tuple[Array, Array] | None,
    ) -> None:  # fmt: skip
        self._sequence += 1
        age = min(max(now - reading.measured, 0.0), 10.0)
        goal = float(view.goal[0]), float(view.goal[1])
        report = Report(
            self.robot_id, self.incarnation, self._sequence, round(now * 1e9), tuple(reading.state.tolist()), age,
            goal, armed, self.watchdog.stopped, self.inbox.acks(), command.message,
            0 if self.stop is None else self.stop.counter, self.digest,
            () if ahead is None else (*ahead[0].tolist(), *ahead[1][_TOLD].tolist()),
            () if ahead is None or len(self.robot.footprint) == 0 else tuple(ahead[1][_TURNS].tolist()),
        )  # fmt: skip
        self.inbox.sent(self._sequence, now)
        self.lockstep.told(self._sequence)
        self._link.publish(encode(report), self._readers())

    def _readers(self) -> list[int]:
        """Who is told now: those who may be near soon, and of the others each in turn."""
        return [
            one for one in self.roster
            if one != self.robot_id and (one in self.lockstep.soon or (one + self._sequence) % FAR_EVERY == 0)
        ]  # fmt: skip
