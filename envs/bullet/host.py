"""The physics world as a process of its own: bodies of a whole fleet, each driven by another process, in real time.

It steps ``RATE`` times a second, tells each driver its own body's state and goal after every step, applies the newest
command while it is fresh (``swarm.runtime.drivers.base.COMMAND_TTL``), and else brakes. If the machine cannot keep up,
it catches up by a few steps and lets the rest of the time go: the world is then slower than the clock, never ahead.

An emergency stop is latched here too, until it is released or the world ends: a new world is one of new bodies, and the
robots' own processes, which drive them, keep theirs over every restart.

A status (JSON) has the keys ``scenario, count`` (robots), ``time`` (simulated [s]), ``collisions, deliveries,
min_clearance`` [m], ``stopped`` (emergency stop), ``lost`` (time let go [s]), ``rejected`` (by reason), ``first``,
and ``robots``: of each from ``first`` on ``[x, y, heading, speed, age of the newest command in ms or null, why it is
not executed (empty if it is), deliveries]``.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from envs.bullet.inexact_host import InexactHost
from envs.bullet.links import FORGOTTEN, BodyLinks
from envs.bullet.world import GOAL_RADII, world_of
from envs.rollout.results import contacts_of
from envs.rollout.score import Score
from swarm.array_types import Array
from swarm.errors import InputError
from swarm.runtime.drivers.bullet_wire import (
    HELD,
    MOST_SENSED,
    ROBOTS_A_REPLY,
    BodyState,
    Mailbox,
    Type,
    decode_request,
    encode_reply,
)
from swarm.runtime.fleet_file.read import FleetFile

RATE = 60
"""Steps a second."""
CATCH_UP = 3
"""Most steps in a row without listening in between."""


class PhysicsHost:
    """The bodies of a fleet, and the socket that their drivers talk to.

    Args:
        fleet: Names the scenario and the physics world's address.
        physics_hz: Physics steps a second, a multiple of ``RATE``; None: about 240.

    Attributes:
        address: Host and port.
        time: Simulated [s].
        lost: Seconds that the world fell behind the clock.
        latest: Longest delay of a step [s].

    Raises:
        InputError: If the fleet has no physics world, or its address cannot be used.
    """

    def __init__(self, fleet: FleetFile, physics_hz: float | None = None) -> None:
        if fleet.physics is None:
            raise InputError(f"{fleet.path}: physics", None, "host and port of the physics world")
        self.fleet, self.scenario, self.address = fleet, fleet.scenario, fleet.physics
        self.period = 1.0 / RATE
        self.mailbox = Mailbox(bind=fleet.physics)
        try:
            self.world = world_of(self.scenario, seed=fleet.seed, control_dt=self.period, physics_hz=physics_hz)
        except BaseException:
            self.mailbox.close()
            raise
        kinds = np.array([int(robot.kind) for robot in self.scenario.robots])
        self.inexact = InexactHost(fleet.errors, kinds, self.period, fleet.seed) if fleet.errors.any else None
        self.links = BodyLinks(self.scenario.robots, self.period)
        self.score = Score(self.scenario, self.world, goal_radii=GOAL_RADII, again=True)
        self.links.controls(math.inf, self.score.states)  # compiled before the clock runs
        self.steps, self.lost, self.latest = 0, 0.0, 0.0
        # So many datagrams are taken at a time, whoever floods the socket.
        self._most = 64 + 16 * len(self.scenario.robots)

    @property
    def time(self) -> float:
        """Simulated time [s]."""
        return self.steps * self.period

    def run(self, seconds: float, ended: Callable[[], bool]) -> None:
        """Run for so many simulated seconds, or until ``ended()``."""
        due = time.monotonic()
        while self.time < seconds and not ended():
            now = time.monotonic()
            if now < due:
                time.sleep(due - now)
                continue
            self.latest = max(self.latest, now - due)
            self.listen()
            for _ in range(CATCH_UP):
                self.step(time.monotonic())
                due += self.period
                if due > now:
                    break
            else:
                self.lost += now - due
                due = now
            self.tell()

    def listen(self) -> None:
        """Take what has been received, and answer questions."""
        for data, sender, arrived in self.mailbox.drain(self._most):
            request = decode_request(data, len(self.scenario.robots))
            if isinstance(request, str):
                self.links.rejected[request] += 1
                continue
            self.links.accept(request, sender, arrived)
            if request.type in (Type.STATUS, Type.STOP, Type.RELEASE):
                self.mailbox.send(encode_reply(json.dumps(self.status(request.robot), separators=(",", ":"))), sender)

    def step(self, now: float) -> None:
        """One step of the bodies; ``now`` [s], of the clock that commands are dated by."""
        controls = self.links.controls(now, self.score.states)
        self.world.step(controls if self.inexact is None else self.inexact.executed(controls))
        self.steps += 1
        self.score.note(self.time)

    def tell(self) -> None:
        """Send every driver that is there the state of its body."""
        now, score = time.monotonic(), self.score
        sensed, states = self._sense(), score.states
        if self.inexact is not None:
            now, states = self.inexact.measured(now, states)
            sensed = [self.inexact.sensed(rows) for rows in sensed]
        for i, link in enumerate(self.links.links):
            if link.peer is not None and now - link.heard < FORGOTTEN:
                state, goal = tuple(states[i].tolist()), tuple(score.goals[i].tolist())
                told = BodyState(
                    i, link.incarnation, now, state, goal, int(score.deliveries[i]), link.applied, link.held,
                    sensed[i],
                )  # fmt: skip
                self.mailbox.send(told.encode(), link.peer)

    def _sense(self) -> list[Array]:
        """What each body senses of the others: all within the sensing radius, nearest first."""
        states = self.score.states
        rows = np.column_stack([states[:, :2], states[:, 3:5], self.score.radii])
        apart = np.linalg.norm(states[:, None, :2] - states[None, :, :2], axis=2)
        np.fill_diagonal(apart, np.inf)
        order = np.argsort(apart, axis=1)[:, :MOST_SENSED]
        near = np.take_along_axis(apart, order, axis=1) <= self.scenario.sensing_radius
        return [rows[order[i, near[i]]] for i in range(len(states))]

    def status(self, first: int) -> dict[str, Any]:
        """The status, with robots from ``first`` on; see the module."""
        now, score = time.monotonic(), self.score
        robots = []
        for i, link in list(enumerate(self.links.links))[first : first + ROBOTS_A_REPLY]:
            x, y, heading, vx, vy = score.states[i].tolist()
            numbers = [round(value, 3) for value in (x, y, heading, math.hypot(vx, vy))]
            age = round(1e3 * (now - link.commanded)) if math.isfinite(link.commanded) else None
            robots.append([*numbers, age, HELD[link.held], int(score.deliveries[i])])
        return {
            "scenario": self.scenario.name, "count": len(self.scenario.robots), "time": round(self.time, 3),
            "collisions": score.collisions, "deliveries": int(score.deliveries.sum()),
            "min_clearance": self._clearance(), "stopped": self.links.stopped, "lost": round(self.lost, 3),
            "rejected": dict(self.links.rejected), "first": first, "robots": robots,
        }  # fmt: skip

    def _clearance(self) -> float | None:
        clearance = self.score.min_clearance
        return round(clearance, 4) if math.isfinite(clearance) else None

    def record(self) -> dict[str, Any]:
        """What the run came to."""
        score, links = self.score, self.links.links
        waits = max(float(score.longest_wait), float((self.time - score.last_delivery).max()))
        return {
            "kind": "physics", "fleet": self.fleet.name, "scenario": self.scenario.name, "seed": self.fleet.seed,
            "robots": len(links), "seconds": round(self.time, 3), "steps": self.steps, "rate": RATE,
            "deliveries": int(score.deliveries.sum()), "delivered": score.deliveries.tolist(),
            "collisions": score.collisions, "safe": np.logical_not(score.touched).tolist(),
            **contacts_of(score.contacts),
            "min_clearance": self._clearance(), "longest_wait": round(waits, 3),
            "timeouts": [link.timeouts for link in links], "clipped": [link.clipped for link in links],
            "rejected": dict(self.links.rejected), "stopped": self.links.stopped,
            "lost_seconds": round(self.lost, 3), "latest_ms": round(1e3 * self.latest, 1),
        }  # fmt: skip

    def close(self) -> None:
        """Give the socket and the bodies back."""
        self.mailbox.close()
        self.world.close()
