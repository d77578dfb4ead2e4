"""How exact a robot's body is, estimated from a log of a drive: prints ``errors:`` and ``limits:`` to paste.

Usage: ``python launch/calibrate.py LOG [--robot ID] [--out picture.png|.svg]``. LOG is a log of a robot's process, a
folder of them, a log of ``launch/simulate.py``, or a bag of ROS 2 (MCAP) with ``nav_msgs/Odometry`` and
``geometry_msgs/Twist`` or ``TwistStamped``. docs/calibration.md says how to drive for it. ``--selftest`` calibrates
simulated bodies whose values are known.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

if __name__ == "__main__":
    from studies.command import begin

    begin()  # An interrupt leaves one line, also while all that follows is loaded.

import tyro
from rich.console import Console
from rich.table import Table

from envs.commands.command import AS_IT_IS, leave, parsed, run_command
from envs.commands.progress import ProgressBar
from studies.calibration.calibrate import Calibration, calibrate
from studies.calibration.picture import draw
from studies.calibration.read import read_drives
from studies.calibration.ros2_bag import Topics
from studies.calibration.selftest import BODIES, COVERED, covered, selftest
from studies.calibration.text import errors_of, table_of, yaml_of
from swarm.errors import InputError
from swarm.files.text_files import make_folder, write_text
from swarm.model.dynamics import Kind


@dataclass(frozen=True)
class Options:
    """Estimate how exact a robot's body is from a log of a drive."""

    log: Annotated[Path | None, tyro.conf.Positional] = None
    """A log (.mcap) or a bag of ROS 2, or a folder of them."""
    robot: int | None = None
    """Which robot; all that are in the log if not given. In a bag, N stands for the topics of /robotN."""
    odom: str | None = None
    """Bag: topic of the odometry; /robotN/odom, or the only one of its type, if not given."""
    cmd_vel: str | None = None
    """Bag: topic of the commands; /robotN/cmd_vel, or the only one of its type, if not given."""
    kind: Literal["unicycle", "single_integrator"] = "unicycle"
    """Bag: dynamics of the base; single_integrator is one that drives in every direction."""
    command_timeout: float = 0.5
    """Bag: seconds after which the base brakes without a new command (cmd_vel_timeout)."""
    out: Path = Path("out/calibration.png")
    """Picture (.png or .svg); of several robots, each one's with its number."""
    json: Path | None = None
    """Results file."""
    selftest: bool = False
    """Instead of a log: simulated bodies of every kind, whose values are known."""
    seeds: int = 10
    """Selftest: drives of each body."""

    def __post_init__(self) -> None:
        if (self.log is None) != self.selftest:
            raise InputError("LOG", None if self.log is None else str(self.log), "a log, or --selftest without one")
        if self.out.suffix not in (".png", ".svg"):
            raise InputError("--out", str(self.out), "a file that ends in .png or .svg")
        if not 0.0 < self.command_timeout <= 60.0:
            raise InputError("--command-timeout", self.command_timeout, "above 0 s, at most 60")
        if not 1 <= self.seeds <= 10_000:
            raise InputError("--seeds", self.seeds, "1 to 10000")


def record(found: Calibration) -> dict[str, Any]:
    """A robot for the results file."""
    values = {
        name: {"value": float(one.value), "low": float(one.low), "high": float(one.high)}
        for name, one in found.values.items()
    }  # fmt: skip
    return {
        "place": found.drive.place, "kind": found.drive.kind.label, "windows": len(found.windows.index),
        "values": values, "oldest": found.timing.oldest, "gap": found.timing.gap, "notes": list(found.notes),
        "errors": errors_of([found]).declared(),
    }  # fmt: skip


def run(options: Options, log: Path, console: Console) -> None:
    """Read, estimate, say, draw."""
    topics = Topics(options.odom, options.cmd_vel, Kind[options.kind.upper()], options.command_timeout)
    drives = read_drives(log, options.robot, topics)
    found: dict[int, Calibration] = {}
    for robot, drive in drives.items():
        try:
            found[robot] = calibrate(drive)
        except InputError as error:
            # Of many robots some may not have driven; the others can be told of.
            if len(drives) == 1:
                raise
            print(f"left out: {error}", file=sys.stderr)
    if not found:
        raise InputError(str(log), f"none of {len(drives)} robots", "a robot that drove for a while")
    for robot, one in found.items():
        console.print(table_of(robot, one))
        for note in one.notes:
            console.print(f"  {note}", **AS_IT_IS)
        path = options.out if len(found) == 1 else options.out.with_stem(f"{options.out.stem}-robot{robot}")
        draw(one, path, f"robot {robot}")
        console.print(f"written: {path}", **AS_IT_IS)
    console.print("A constant offset of the position is in no log of the robot alone: measure it, and add it.")
    print(yaml_of(found))
    if options.json is not None:
        write_json(options.json, {str(robot): record(one) for robot, one in found.items()})


def run_selftest(options: Options, console: Console) -> bool:
    """Calibrate known bodies; whether every value was near enough, and the interval of each right often enough."""
    with ProgressBar(*ProgressBar.get_default_columns(), console=console) as progress:
        task = progress.add_task("selftest", total=len(BODIES) * options.seeds)
        rows = selftest(BODIES, range(options.seeds), lambda: progress.advance(task))
    table = Table("body", "value", "truth", "worst error of what is allowed", "truth inside its 95 % interval")
    for row in rows:
        inside = f"{row.inside} of {row.drives}"
        table.add_row(row.body, row.name, f"{row.truth:.4g}", f"{100.0 * row.worst:.0f} %", inside)
    console.print(table)
    if options.json is not None:
        write_json(options.json, [row.record() for row in rows])
    shares = covered(rows)
    told = ", ".join(f"{name} {100.0 * share:.0f} %" for name, share in shares.items())
    console.print(f"truth inside, over all bodies: {told}", highlight=False)
    return all(row.worst <= 1.0 for row in rows) and min(shares.values()) >= COVERED


def write_json(path: Path, content: object) -> None:
    """A results file."""
    make_folder(path.parent)
    write_text(path, json.dumps(content, indent=1) + "\n")


def parse_and_calibrate(arguments: list[str] | None) -> int:
    """Do what the command line says; 1 if the selftest fails."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    options = parsed(lambda: tyro.cli(Options, prog="calibrate.py", description=__doc__, args=arguments))
    if options.log is None:
        return 0 if run_selftest(options, console) else 1
    run(options, options.log, console)
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Calibrate; 1 if the selftest fails, 2 on wrong input, 130 if interrupted."""
    return run_command(lambda: parse_and_calibrate(arguments))


if __name__ == "__main__":
    leave(main())
