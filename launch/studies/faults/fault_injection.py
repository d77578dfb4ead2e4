"""A robot's control process with a fault: ``python -m studies.faults.fault_injection KIND [VALUE] -- ARGUMENTS``.

What follows the two dashes goes to ``swarm.runtime.process``, whose code runs as it is, but for one thing:

* ``clock SECONDS``: its clocks, of the day and the monotonic one, are ahead by so much.
* ``lie place|jump|intent|stop``: it reports that it is elsewhere; that it is here and there in turns; that it holds the
  cells around others, goes before everybody and wants to go where it does not; that an operator has stopped it. Its
  body drives as it should.
* ``slow PERIODS``: after each SIGUSR1 so many periods take longer than they may.
* ``blind``: its body does not sense others, so it has to believe what they report.
* ``version MAJOR.MINOR``: it speaks another version of the protocol.
* ``witness FILE``: at its end it writes of each period when it began, when its own state had arrived, why it stood
  (empty: it did not), how late it began, how long its work took, and the processor's part of that [s]; JSON.

Nothing of ours may be imported here before the clocks are changed.
"""

from __future__ import annotations

import atexit
import json
import math
import runpy
import signal
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

_SLOW = 0.06  # Seconds by which a slow period takes longer; a period is 0.05.
_ASIDE = 2.0  # Metres by which places are false.


def _replace(place: object, name: str, by: object) -> None:
    """Put something else under a name of a module or a class."""
    setattr(place, name, by)


def clock(value: str) -> None:
    """Shift the clocks of this process; those that the kernel and the body's computer stamp with move along."""
    ahead, day, day_ns, monotonic = float(value), time.time, time.time_ns, time.monotonic
    time.time = lambda: day() + ahead
    time.time_ns = lambda: day_ns() + round(1e9 * ahead)
    time.monotonic = lambda: monotonic() + ahead
    from swarm.runtime.drivers import bullet, bullet_wire, clocks

    for module in (bullet_wire, clocks):  # What compares the clock of the day with the kernel's stamps.
        _replace(module, "time", SimpleNamespace(time=day, monotonic=time.monotonic))
    decode = bullet_wire.decode_state

    def stamped_here(data: bytes) -> Any:
        found = decode(data)
        return found if isinstance(found, str) else replace(found, stamp=found.stamp + ahead)

    _replace(bullet, "decode_state", stamped_here)


def lie(value: str) -> None:
    """Make every report false."""
    from swarm.runtime import control
    from swarm.runtime.link.report_codec import Report

    falsify = {"place": _elsewhere, "jump": _jumping, "intent": _pushing, "stop": _stopping}[value]

    def false(*fields: Any) -> Report:
        return falsify(Report(*fields))

    _replace(control, "Report", false)


def _elsewhere(report: Any) -> Any:
    """Beside its true place, as far as that is on the map: walls are not looked at."""
    x, y, *rest = report.state
    there = (abs(x - _ASIDE), abs(y - _ASIDE), *rest)
    ahead = report.ahead
    if ahead:  # where it will be, as far from there as it really is from here
        ahead = (there[0] + ahead[0] - x, there[1] + ahead[1] - y, *ahead[2:])
    return replace(report, state=there, ahead=ahead)


def _jumping(report: Any) -> Any:
    return _elsewhere(report) if report.sequence // 20 % 2 else report


def _pushing(report: Any) -> Any:
    message, intent = report.message, report.message.intent
    if intent is not None:
        wanted = tuple(cell + 1 for cell in intent.window)
        intent = replace(intent, priority=(1 << 41), claim_priority=(1 << 41), window=wanted)
    waypoint = (report.state[0] + math.sin(report.sequence), report.state[1] + math.cos(report.sequence))
    return replace(report, message=replace(message, intent=intent, waypoint=waypoint))


def _stopping(report: Any) -> Any:
    return replace(report, stopped=True, stop_counter=(1 << 61) + report.sequence)


def slow(value: str) -> None:
    """Some periods take too long, when told to."""
    from swarm.runtime.control import Control

    left, decide = 0, Control._decide

    def more(*_: object) -> None:
        nonlocal left
        left += int(value)

    def slowly(self: Control, *arguments: Any) -> Any:
        nonlocal left
        if left > 0:
            left -= 1
            time.sleep(_SLOW)
        return decide(self, *arguments)

    signal.signal(signal.SIGUSR1, more)
    _replace(Control, "_decide", slowly)


def blind(_: str) -> None:
    """The body senses nobody."""
    from swarm.runtime.drivers.bullet import BulletDriver

    read = BulletDriver.read

    def without(self: BulletDriver) -> Any:
        reading = read(self)
        return None if reading is None else replace(reading, sensed=None)

    _replace(BulletDriver, "read", without)


def version(value: str) -> None:
    """Another version of the protocol."""
    from swarm.runtime.link import report_codec as wire

    wire.MAJOR, wire.MINOR = map(int, value.split("."))


def witness(value: str) -> None:
    """Keep a record of the last periods."""
    from swarm.runtime.control import Control
    from swarm.runtime.loop import Rate
    from swarm.runtime.watchdog import MAY_MOVE

    kept: deque[list[Any]] = deque(maxlen=12_000)
    period, periods, rates = Control.period, Rate.periods, list[Rate]()

    def noted(self: Control) -> Any:
        before = time.thread_time()
        found = period(self)
        used = time.thread_time() - before
        arrived = None if found.reading is None else found.reading.arrived
        kept.append([found.time, arrived, "" if found.reason == MAY_MOVE else found.reason, used])
        return found

    def known(self: Rate, until: Callable[[], bool]) -> Any:
        rates.append(self)
        return periods(self, until)

    def write() -> None:
        times = zip(kept, rates[0].late, rates[0].took, strict=False)  # one may have begun and not ended
        rows = [[*row, late, took, used] for (*row, used), late, took in times]
        Path(value).write_text(json.dumps(rows), encoding="utf-8")

    _replace(Control, "period", noted)
    _replace(Rate, "periods", known)
    atexit.register(write)


ODDITIES: dict[str, Callable[[str], None]] = {
    "clock": clock, "lie": lie, "slow": slow, "blind": blind, "version": version, "witness": witness,
}  # fmt: skip


def main(arguments: list[str]) -> None:
    """Become a robot's process with something odd about it."""
    split = arguments.index("--")
    kind, *value = arguments[:split]
    ODDITIES[kind](value[0] if value else "")
    sys.argv = [sys.argv[0], *arguments[split + 1 :]]
    runpy.run_module("swarm.runtime.process", run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
