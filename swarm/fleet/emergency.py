"""Emergency stop and release from outside: said again and again until everybody has confirmed, or is named."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from swarm.fleet.watch import FleetSnapshot, FleetWatch
from swarm.runtime.drivers.bullet import ask
from swarm.runtime.drivers.bullet_wire import Address, Type
from swarm.runtime.link.estop import CEILING, EmergencyStop
from swarm.runtime.link.transport import Transport

AGAIN = 0.1
"""Seconds between two times that a wish is told."""
TOLD_BY_ROBOTS = 1 << 63
"""Counters from here on are not believed when a robot tells them: some are left for the release."""


@dataclass(frozen=True)
class Answers:
    """Who has confirmed a wish.

    Attributes:
        robots: Identities of those that have not.
        world: Whether the physics world has; None: there is none.
        seconds: How long it took.
    """

    robots: tuple[int, ...]
    world: bool | None
    seconds: float

    @property
    def complete(self) -> bool:
        """Whether all have."""
        return not self.robots and self.world is not False

    def text(self, latched: bool) -> str:
        """What to tell a person."""
        done = "stopped" if latched else "released"
        parts = []
        if self.world is not None:
            parts.append(f"the physics world {'has ' + done + ' all bodies' if self.world else 'DOES NOT ANSWER'}")
        if self.robots:
            parts.append(f"NOT CONFIRMED by robot {', '.join(map(str, self.robots))}")
        else:
            parts.append(f"every robot has confirmed that it is {done}")
        return f"{'; '.join(parts)} ({self.seconds:.1f} s)"


def wish(watch: FleetWatch, latched: bool, patience: float, clock: Callable[[], float] = time.monotonic) -> Answers:
    """Stop or release all, and wait for the answers.

    A release needs a larger counter than any wish that a robot knows, whatever the clocks of operators say: it grows
    with what the robots tell. Where wishes are signed, so does a stop, since robots pass on only what is newer; and
    what robots tell without a signature counts only as far as a clock can have told it. What they told before this wish
    was first said does not count as an answer.

    Args:
        watch: Of the fleet.
        latched: Stop, or release.
        patience: Seconds after which those are named who have not confirmed.
        clock: Monotonic [s].
    """
    start, physics = clock(), watch.fleet.physics if watch.fleet.driver == "bullet" else None
    counter, world = time.time_ns(), None if physics is None else False
    while True:
        scene = watch.look()
        counter = _newer(watch.transport, scene, EmergencyStop(latched, counter))
        watch.transport.tell_stop(EmergencyStop(latched, counter))
        if physics is not None and not world:
            world = _confirmed(physics, latched)
        missing = tuple(robot for robot in range(len(scene.robots)) if not _answers(scene, robot, latched, start))
        answers = Answers(missing, world, clock() - start)
        if answers.complete or answers.seconds > patience:
            return answers
        time.sleep(AGAIN)


def _newer(link: Transport, scene: FleetSnapshot, own: EmergencyStop) -> int:
    """The counter that makes a wish newer than those of others that robots know, if it has to be."""
    counter, most = own.counter, CEILING if link.signs else TOLD_BY_ROBOTS
    if not own.latched:
        counter = max(counter, _newest_stop(scene, most) + 1)
    link.passed_on()
    if link.newest is not None and link.newest != own:
        counter = max(counter, link.newest.counter + 1)
    return counter


def _newest_stop(scene: FleetSnapshot, most: int) -> int:
    """The largest counter below ``most`` that a robot is stopped by."""
    found = [one.status.stop_counter for one in scene.robots if one.status is not None and one.status.stopped]
    return max((counter for counter in found if counter < most), default=0)


def _answers(scene: FleetSnapshot, robot: int, latched: bool, start: float) -> bool:
    """Whether a robot has told, since then, that it is stopped, or not."""
    one = scene.robots[robot]
    return one.status is not None and one.heard > start and one.status.stopped == latched


def _confirmed(physics: Address, latched: bool) -> bool:
    """Whether the physics world does it."""
    told = ask(physics, Type.STOP if latched else Type.RELEASE, timeout=2.0 * AGAIN)
    return told is not None and told.get("stopped") is latched
