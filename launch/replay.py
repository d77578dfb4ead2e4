"""Draws a moment of a run from its logs, and says why each robot did not do what it wanted.

Usage: ``python launch/replay.py LOG_OR_FOLDER [--at SECONDS] [--robot ID] [--out picture.png|film.mp4]``. A folder
holds the logs of all robots of a fleet; a log of ``launch/simulate.py`` works too. Without ``--at`` it is the last
moment, or the whole film. With ``--robot`` red circles show where that robot believed the others, and a small one
what held it back.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

if __name__ == "__main__":
    from studies.command import begin

    begin()  # An interrupt leaves one line, also while all that follows is loaded.

import numpy as np
import tyro
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

from envs.commands.command import AS_IT_IS, leave, parsed, run_command
from envs.commands.progress import ProgressBar
from envs.render.drawing import Painter
from envs.render.scene import Scene
from envs.render.video import write_png, write_video
from swarm.array_types import Array, UInt8s
from swarm.errors import InputError
from swarm.model.footprint.overlap import placed
from swarm.model.geometry import as_obstacles
from swarm.runtime.log.reader import Json, Logs, open_logs
from swarm.runtime.watchdog import MAY_MOVE

Periods = dict[int, list[tuple[int, Json]]]

SECOND = 1_000_000_000
TRAIL, FRAMES = 2.0, 20
"""Seconds of a robot's way that are drawn; and frames a second of a film."""
AROUND = 4.0
"""Metres around a robot that its picture shows."""
SILENT = 0.5
"""Seconds without a period after which a robot has no state that is known."""


@dataclass(frozen=True)
class Options:
    """Draw a moment of a run from its logs, and say why robots did not do what they wanted."""

    log: Annotated[Path, tyro.conf.Positional]
    """A log (.mcap), or a folder of the logs of all robots."""
    at: float | None = None
    """Seconds since the first log began; if not given, the last moment, or for a film the first."""
    seconds: float | None = None
    """Length of a film [s]; to the end if not given."""
    robot: int | None = None
    """Show what this robot believed, and explain it alone."""
    out: Path = Path("out/replay.png")
    """Picture (.png) or film (.mp4)."""

    def __post_init__(self) -> None:
        if self.out.suffix not in (".png", ".mp4"):
            raise InputError("--out", str(self.out), "a file that ends in .png or .mp4")
        if self.at is not None and not 0.0 <= self.at < 1e9:
            raise InputError("--at", self.at, "0 s or more")
        if self.seconds is not None and not 0.0 < self.seconds <= 86_400.0:
            raise InputError("--seconds", self.seconds, "above 0, at most 86400")


class Replay:
    """Draws the moments of some logs.

    Args:
        logs: The logs.
        robot: Whose belief is shown, if anybody's.
    """

    def __init__(self, logs: Logs, robot: int | None) -> None:
        world = logs.files[0].world
        self.logs, self.robot = logs, robot
        self.radii = {one["id"]: float(one["radius"]) for one in world["robots"]}
        self.footprints = {
            one["id"]: np.array([_point(corner) for corner in one["footprint"]])
            for one in world["robots"] if one.get("footprint")
        }  # fmt: skip
        if robot is not None and robot not in self.radii:
            raise InputError("--robot", robot, f"one of {', '.join(map(str, sorted(self.radii)))}")
        self.bounds = [float(world["bounds"][name]) for name in ("xmin", "ymin", "xmax", "ymax")]
        names = ("x", "y", "half_x", "half_y", "rounding")
        self.obstacles = as_obstacles([[one[name] for name in names] for one in world["obstacles"]])
        angles = np.array([one.get("angle", 0.0) for one in world["obstacles"]])
        self.obstacles[:, 5], self.obstacles[:, 6] = np.cos(angles), np.sin(angles)
        self.painter = Painter(self.bounds, pixels=960)

    def look_at(self, periods: Periods, at: float) -> None:
        """Show only what is around the robot whose belief is shown."""
        place = self.now(periods, at).get(self.robot if self.robot is not None else -1)
        if place is not None:
            x, y = _state(place[1])[:2]
            near = np.array([x - AROUND, y - AROUND, x + AROUND, y + AROUND])
            near[:2], near[2:] = np.maximum(near[:2], self.bounds[:2]), np.minimum(near[2:], self.bounds[2:])
            if (near[:2] < near[2:]).all():
                self.painter = Painter(near, pixels=960)

    def load(self, start: float, end: float) -> Periods:
        """The periods between two times since the beginning [s], and those of the trails before."""
        first = self.logs.start
        found = self.logs.periods(first + round((start - TRAIL) * SECOND), first + round(end * SECOND))
        return {robot: periods for robot, periods in found.items() if robot in self.radii}

    def now(self, periods: Periods, at: float) -> dict[int, tuple[float, Json]]:
        """Of each robot, the last period until then that had a state, and how old it is [s]."""
        found, moment = {}, self.logs.start + round(at * SECOND)
        for robot, entries in periods.items():
            k = bisect_right(entries, moment, key=lambda entry: entry[0]) - 1
            while k >= 0 and "state" not in entries[k][1]:
                k -= 1
            if k >= 0:
                found[robot] = ((moment - entries[k][0]) / SECOND, entries[k][1])
        return found

    def scene(self, periods: Periods, at: float) -> Scene:
        """What there is to see."""
        now = self.now(periods, at)
        robots = list(now)
        states = np.array([_state(period) for _, period in now.values()]).reshape(-1, 5)
        goals = [_point(period["goal"]) if "goal" in period else [np.nan] * 2 for _, period in now.values()]
        paths = []
        for state, (_, period) in zip(states, now.values(), strict=True):
            way = [_point(point) for point in period.get("path", [period["waypoint"]] if "waypoint" in period else [])]
            paths.append(np.array([state[:2].tolist(), *way]))
        links = []
        for i, (_, period) in enumerate(now.values()):
            other = period.get("override", {}).get("neighbour", -1)
            if other in robots:
                links.append((i, robots.index(other)))
        return Scene(
            self.obstacles, states[:, :2], np.array([self.radii[robot] for robot in robots]), headings=states[:, 2],
            outlines=[
                placed(self.footprints[robot], state) if robot in self.footprints else None
                for robot, state in zip(robots, states, strict=True)
            ],
            goals=np.array(goals).reshape(-1, 2), paths=paths, trails=[self._trail(periods[r], at) for r in robots],
            links=links, labels=[str(robot) for robot in robots], discs=self._discs(now),
            caption=self._caption(now, at),
        )  # fmt: skip

    def words(self, periods: Periods, at: float) -> list[str]:
        """What each robot did and why, a line each."""
        now = self.now(periods, at)
        lines = [_words(robot, *now[robot]) for robot in now if self.robot in (None, robot)]
        return lines or ["nothing is known of that moment"]

    def _trail(self, entries: list[tuple[int, Json]], at: float) -> Array:
        end = self.logs.start + round(at * SECOND)
        states = [
            _state(period)[:2] for stamp, period in entries
            if end - round(TRAIL * SECOND) <= stamp <= end and "state" in period
        ]  # fmt: skip
        return np.array(states).reshape(-1, 2)

    def _discs(self, now: dict[int, tuple[float, Json]]) -> Array | None:
        if self.robot is None or self.robot not in now:
            return None
        period = now[self.robot][1]
        discs = [[one["x"], one["y"], one["radius"]] for one in period.get("believed", [])]
        if "override" in period:
            discs.append([*_point(period["override"]["where"]), 0.2 * self.radii[self.robot]])
        return np.array(discs).reshape(-1, 3)

    def _caption(self, now: dict[int, tuple[float, Json]], at: float) -> tuple[str, ...]:
        if self.robot is None:
            held = sum(period["reason"] != MAY_MOVE for _, period in now.values())
            return (f"t = {at:.2f} s     {len(now)} robots, {held} may not move",)
        if self.robot not in now:
            return (f"t = {at:.2f} s     robot {self.robot}: not known",)
        return (f"t = {at:.2f} s     {_words(self.robot, *now[self.robot]).split(';')[0]}",)


def _point(point: Json) -> list[float]:
    return [point["x"], point["y"]]


def _state(period: Json) -> list[float]:
    return [period["state"][name] for name in ("x", "y", "heading", "vx", "vy")]


def _numbers(values: list[float]) -> str:
    return "(" + ", ".join(f"{value:.2f}" for value in values) + ")"


def _words(robot: int, age: float, period: Json) -> str:
    """A robot's period as a line of text."""
    text = f"robot {robot}: {period['reason']}"
    if "override" in period:
        text += f", {period['override']['sentence']}"
    elif period.get("outcome", "optimal") != "optimal":
        text += f", its filter: {period['outcome']}"
    if age > SILENT:
        text += f" ({age:.1f} s before)"
    parts = [text, f"at {_numbers(_state(period)[:2])} m"]
    parts += [f"goal {_numbers(_point(period['goal']))} m"] if "goal" in period else []
    if "nominal" in period and "control" in period:
        parts.append(f"wanted {_numbers(period['nominal'])}, filtered {_numbers(period['control'])}")
    parts += [f"clearance {period['clearance']:.2f} m"] if "clearance" in period else []
    return "; ".join(parts)


def frames(replay: Replay, start: float, end: float) -> Iterator[UInt8s]:
    """The pictures of a film; the logs are read in pieces of ten seconds."""
    times = np.arange(start, end + 1e-9, 1.0 / FRAMES)
    for piece in np.array_split(times, max(1, round(len(times) / (10 * FRAMES)))):
        periods = replay.load(float(piece[0]), float(piece[-1]))
        for at in piece.tolist():
            yield replay.painter.frame(replay.scene(periods, at))


def run(options: Options, console: Console) -> None:
    """Read, say, draw."""
    logs = open_logs(options.log)
    replay = Replay(logs, options.robot)
    length = (logs.end - logs.start) / SECOND
    if options.at is not None and options.at > length:
        raise InputError("--at", options.at, f"0 to {length:.2f} s, the length of the logs")
    film = options.out.suffix == ".mp4"
    at = options.at if options.at is not None else (0.0 if film else length)
    moment = datetime.fromtimestamp((logs.start / SECOND) + at, UTC)
    day = f", {moment:%Y-%m-%d %H:%M:%S} UTC" if moment.year > 1970 else ""  # that of a simulation begins at 0
    console.print(f"t = {at:.2f} s of {length:.2f} s{day}", highlight=False)
    for file in logs.files:
        if not file.complete:
            cut = f"{file.path} has no end: it was cut, or is still being written"
            console.print(cut, highlight=False, soft_wrap=True)
    periods = replay.load(at, at)
    for line in replay.words(periods, at):
        console.print(line, **AS_IT_IS)
    if film:
        end = length if options.seconds is None else min(length, at + options.seconds)
        columns = "film", BarColumn(), TextColumn("{task.percentage:3.0f} %"), TimeRemainingColumn()
        with ProgressBar(*columns, console=console, transient=True) as bar:
            count = round((end - at) * FRAMES) + 1
            write_video(options.out, bar.track(frames(replay, at, end), total=count), FRAMES)
    else:
        replay.look_at(periods, at)
        write_png(options.out, replay.painter.frame(replay.scene(periods, at)))
    console.print(f"written: {options.out}", **AS_IT_IS)


def main(arguments: list[str] | None = None) -> int:
    """Replay; 2 on wrong input, 130 if interrupted."""

    def replay() -> int:
        run(parsed(lambda: tyro.cli(Options, prog="replay.py", description=__doc__, args=arguments)), Console())
        return 0

    return run_command(replay)


if __name__ == "__main__":
    leave(main())
