"""The fleet as a table in the terminal."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from swarm.fleet.watch import FleetSnapshot, Watched

STYLES = {"silent": "bold red", "stopped": "bold red", "held": "red", "waits": "yellow", "drives": "green"}

SAY = 10.0
"""Seconds between two lines about the fleet where there is no terminal."""
_LINES = 6


class FleetDisplay:
    """Shows a fleet in a console: a table that changes in a terminal, lines elsewhere.

    Args:
        console: Where.
        fleet: Name of the fleet.
    """

    def __init__(self, console: Console, fleet: str) -> None:
        self._console, self._fleet = console, fleet
        self._lines: deque[str] = deque(maxlen=_LINES)
        self._live: Live | None = None
        self._said = -math.inf

    def say(self, line: str, error: bool = False) -> None:
        """Show a line."""
        self._console.print(line, style="bold red" if error else None, highlight=False)

    def tell(self, line: str) -> None:
        """Something happened: below the table while there is one."""
        self._lines.append(f"{time.strftime('%H:%M:%S')} {line}")
        if not self._console.is_terminal or self._live is None:
            self.say(line)

    @contextmanager
    def live(self) -> Iterator[None]:
        """The fleet is shown from now on until this ends."""
        with Live(console=self._console, auto_refresh=False, transient=False) as self._live:
            yield
        self._live = None

    def show(self, scene: FleetSnapshot, restarts: Sequence[int]) -> None:
        """Show the fleet as it is now, with how often each robot's process was started again."""
        if self._console.is_terminal and self._live is not None:
            self._live.update(table(scene, self._fleet, restarts, tuple(self._lines)), refresh=True)
        elif time.monotonic() - self._said > SAY:
            self._said = time.monotonic()
            self.say(heading(scene, self._fleet))


def table(scene: FleetSnapshot, name: str, restarts: Sequence[int] = (), lines: Sequence[str] = ()) -> RenderableType:
    """The fleet at one moment.

    Args:
        scene: As it was seen.
        name: Of the fleet.
        restarts: How often each robot's process was started again; if not given, as far as it was seen.
        lines: What happened last.
    """
    found = Table(title=Text(heading(scene, name)), title_justify="left", box=SIMPLE_HEAD)
    for column, right in (
        ("robot", True), ("is", False), ("why", False), ("m/s", True), ("to goal", True), ("tick", True),
        ("done", True), ("news ms", True), ("late/work ms", True), ("restarts", True), ("rejected, notes", False),
    ):  # fmt: skip
        found.add_column(column, justify="right" if right else "left", no_wrap=right)
    for robot, one in enumerate(scene.robots):
        verdict, why = scene.verdict(robot)
        again = restarts[robot] if restarts else one.restarts
        found.add_row(
            str(robot), Text(verdict, STYLES[verdict]), Text(why), *_figures(scene, robot, one), str(again),
            Text(_remarks(one)),
        )  # fmt: skip
    return Group(found, *(Text(line, "dim") for line in lines))


def heading(scene: FleetSnapshot, name: str) -> str:
    """One line about the whole fleet."""
    verdicts = [scene.verdict(robot)[0] for robot in range(len(scene.robots))]
    parts = [f"{verdicts.count(one)} {one}" for one in STYLES if one in verdicts]
    if scene.world is not None:
        world = scene.world
        parts += [f"{world.deliveries} deliveries and {world.collisions} collisions in {world.time:.0f} s"]
        parts += [f"{world.lost:.1f} s behind the clock"] if world.lost > 0.1 else []
        parts += ["the physics world holds all bodies: EMERGENCY STOP"] if world.stopped else []
    elif scene.has_world:
        parts += ["the physics world does not answer"]
    parts += [f"{count} messages refused here: {why}" for why, count in scene.lost.items() if count]
    return f"{name}: {', '.join(parts)}"


def _figures(scene: FleetSnapshot, robot: int, one: Watched) -> tuple[RenderableType, ...]:
    """Speed, way to the goal, tick, deliveries, age of the neighbours' news, times of the loop."""
    status = one.status
    delivered = "" if scene.world is None else str(scene.world.delivered[robot])
    if status is None:
        return "", "", "", delivered, "", ""
    speed = "" if status.state is None else f"{math.hypot(*status.state[3:]):.2f}"
    way = "" if status.state is None or status.goal is None else f"{math.dist(status.state[:2], status.goal):.1f} m"
    known = [age for _, age in status.ages]
    ages = "" if not known else "never" if math.isinf(max(known)) else f"{1e3 * min(known):.0f}–{1e3 * max(known):.0f}"
    return speed, way, str(status.tick), delivered, ages, f"{status.late_ms:.0f}/{status.took_ms:.0f}"


def _remarks(one: Watched) -> str:
    """What it rejected, and what else it says."""
    if one.status is None:
        return ""
    return "; ".join([*(f"{count} {why}" for why, count in one.status.rejected.items()), *one.status.notes])
