"""Drives teams with random tunables and counts collisions; writes the tables of ``docs/safety.md``.

Usage: ``python launch/check_safety.py [--errors | --plausible | --shapes | --ablation | --strangers] [--steps N]
[--seed K] [--out F.md]``. With ``--errors`` nothing is exact: noise, ages, lags, lost messages, row by row, also pushed
by an adversary; with ``--plausible`` those of a plausible cart, and what they cost; with ``--shapes`` teams of
polygons, discs, cars and what is of second order, as with ``--errors``; with ``--ablation`` as well, with one part of
the filter switched off at a time (without some, robots are to collide); with ``--strangers`` among robots that ignore
everybody.
Else exact states: all dynamics, one kind a team and mixed, with random radii and limits, loose and dense, also with
robots that do not give way; the tunables are drawn at random inside the box, anew at every step in some worlds and held
for a while in others (which gets robots closer together).
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":
    from studies.command import begin

    begin()  # An interrupt leaves one line, also while all that follows is loaded.

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import tyro
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

from envs.arena.core import ArenaCore
from envs.commands.command import leave, parsed, run_command
from envs.commands.progress import ProgressBar
from studies.safety import ablation, inexact, plausible, strangers
from studies.safety.driving import CHECKS, Tally, drive
from studies.safety.teams import families
from swarm.errors import InputError
from swarm.files.checks import whole
from swarm.files.text_files import prepare, write_text
from swarm.tune.controllers import make_controller

WORLDS = 32


@dataclass(frozen=True)
class Options:
    """Drive random teams with random tunables and count collisions."""

    errors: bool = False
    """Drive teams that are not exact, row by row, instead of exact ones."""
    plausible: bool = False
    """Drive carts in the same episodes with exact states and with plausible errors, and compare."""
    shapes: bool = False
    """Drive teams of polygons, discs, cars and what is of second order that are not exact, row by row."""
    ablation: bool = False
    """Drive teams that are not exact with one part of the filter switched off at a time."""
    strangers: bool = False
    """Drive teams among robots that ignore everybody, row by row."""
    steps: int = 10_000_000
    """Robot-steps of the exact teams in total."""
    row_steps: int = 1_000_000
    """Robot-steps of each row of errors or shapes, and as many with an adversary; of each row of strangers."""
    episodes: int = 128
    """Episodes with the tuner in each row and dynamics, and of each dynamics past one who stands."""
    seed: int = 0
    """Of worlds and tunables."""
    out: Path = Path("docs/safety.md")
    """Report to write."""


def table(tallies: dict[str, Tally], command: str) -> list[str]:
    """The result with exact states, as Markdown."""
    total = sum(tally.steps for tally in tallies.values())
    collided = sum(tally.collided for tally in tallies.values())
    lines = [
        f"`{command}`", "", f"**{total:,} robot-steps, {collided} collisions.**", "",
        "| team | robot-steps | collided | smallest gap (m) | optimal % | relaxed % | braking % |",
        "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name, tally in tallies.items():
        shares = " | ".join(f"{100.0 * n / tally.steps:.3f}" for n in (tally.optimal, tally.relaxed, tally.braking))
        lines.append(f"| {name} | {tally.steps:,} | {tally.collided} | {tally.least:.1e} | {shares} |")
    return lines


def write_section(path: Path, name: str, lines: Sequence[str]) -> None:
    """Replace what stands between the marks of a section in a report; the rest of it is written by hand.

    Raises:
        InputError: If the file has no such marks.
    """
    begin, end = f"<!-- {name}: written by launch/check_safety.py -->", f"<!-- end of {name} -->"
    text = path.read_text(encoding="utf-8") if path.exists() else f"{begin}\n{end}\n"
    if begin not in text or end not in text:
        raise InputError(
            str(path), f"no section {name!r}", f"a file with the lines {begin!r} and {end!r}, or a new one"
        )
    head, rest = text.split(begin, 1)
    write_text(path, f"{head}{begin}\n" + "\n".join(lines) + f"\n{end}{rest.split(end, 1)[1]}")


def machine(seconds: float) -> str:
    """What the figures were made on."""
    return f"{seconds / 60.0:.1f} minutes on {platform.machine()}, {os.cpu_count()} cores."


def _command(name: str, options: Options) -> str:
    """What was called for a section whose rows are so many robot-steps long."""
    return (
        f"python launch/check_safety.py --{name} --row-steps {options.row_steps} --episodes {options.episodes} "
        f"--seed {options.seed}"
    )


def check_exact(options: Options, bar: ProgressBar) -> tuple[list[str], int]:
    """Teams with exact states: lines of the report, and how many robots collided."""
    rng, tallies = np.random.default_rng(options.seed), {name: Tally() for name in families()}
    began, done = time.perf_counter(), 0
    task = bar.add_task("safety", total=options.steps, text="")
    while done < options.steps:
        for name, draw in families().items():
            core = ArenaCore(draw, worlds=WORLDS, seed=int(rng.integers(1 << 31)), checks=CHECKS)
            drive(core, rng, tallies[name])
        done = sum(tally.steps for tally in tallies.values())
        collided = sum(tally.collided for tally in tallies.values())
        bar.update(task, completed=done, text=f"{done:,} robot-steps, {collided} collisions")
    command = f"python launch/check_safety.py --steps {options.steps} --seed {options.seed}"
    return [*table(tallies, command), "", machine(time.perf_counter() - began)], collided


def check_errors(options: Options, bar: ProgressBar) -> tuple[list[str], int]:
    """Teams whose states, messages and actuators are not exact: lines of the report, and how many robots collided."""
    return _check_rows(options, bar, "errors", inexact.ROWS)


def check_shapes(options: Options, bar: ProgressBar) -> tuple[list[str], int]:
    """The same of teams of polygons, discs, cars and what is of second order."""
    return _check_rows(options, bar, "shapes", inexact.SHAPES)


def _check_rows(options: Options, bar: ProgressBar, name: str, rows: Sequence[inexact.Row]) -> tuple[list[str], int]:
    began, outcomes, collided = time.perf_counter(), [], 0
    task = bar.add_task("safety", total=len(rows), text="")
    controller = make_controller("tuner")
    for one in inexact.measure(rows, options.row_steps, options.episodes, options.seed, controller):
        outcomes.append(one)
        collided += one.as_said.collided + one.pushed.collided
        bar.update(task, advance=1, text=f"{one.row.name}: {collided} collisions")
    command = _command(name, options)
    return [*inexact.table(outcomes, command), "", machine(time.perf_counter() - began)], collided


def check_plausible(options: Options, bar: ProgressBar) -> tuple[list[str], int]:
    """Carts without and with plausible errors: lines of the report, and how many robots collided."""
    began, costs = time.perf_counter(), []
    total = len(plausible.WORLDS) * len(plausible.KINDS) * len(plausible.PLANNERS)
    task = bar.add_task("safety", total=total, text="")
    for one in plausible.measure(options.episodes, options.seed, make_controller("tuner")):
        costs.append(one)
        bar.update(task, advance=1, text=", ".join(one.team))
    command = f"python launch/check_safety.py --plausible --episodes {options.episodes} --seed {options.seed}"
    lines = [*plausible.table(costs, command), "", machine(time.perf_counter() - began)]
    return lines, sum(one.collided for one in costs)


def check_parts(options: Options, bar: ProgressBar) -> tuple[list[str], int]:
    """Teams without one part of the filter: lines of the report, and how many robots collided with all of it."""
    began, found = time.perf_counter(), {}
    task = bar.add_task("safety", total=len(ablation.PARTS), text="")
    for name, rows in ablation.ablate(tuple(ablation.PARTS), options.row_steps, options.episodes, options.seed):
        found[name] = rows
        bar.update(task, advance=1, text=name)
    command = _command("ablation", options)
    collided = sum(row["collided"] for row in found["all"].values())
    return [*ablation.table(found, command), "", machine(time.perf_counter() - began)], collided


def check_strangers(options: Options, bar: ProgressBar) -> tuple[list[str], int]:
    """Teams among strangers: lines of the report, and how many contacts there were while ours moved, or among ours."""
    began, outcomes, wrong = time.perf_counter(), [], 0
    task = bar.add_task("safety", total=len(strangers.ROWS), text="")
    for one in strangers.measure(strangers.ROWS, options.row_steps, options.seed):
        outcomes.append(one)
        wrong += one.declared.moving + one.declared.collided
        bar.update(task, advance=1, text=f"{one.row.name}: {wrong} contacts")
    passed = strangers.arrivals(options.episodes, options.seed, make_controller("tuner"))
    command = _command("strangers", options)
    return [*strangers.table(outcomes, passed, command), "", machine(time.perf_counter() - began)], wrong


CHECKS_OF = {
    "errors": check_errors, "plausible": check_plausible, "shapes": check_shapes, "ablation": check_parts,
    "strangers": check_strangers, "exact": check_exact,
}  # fmt: skip
"""What is driven for a section of the report, by the names of their options."""


def check() -> int:
    """Drive and report; 1 if anything collided."""
    options, console = parsed(lambda: tyro.cli(Options, prog="check_safety.py", description=__doc__)), Console()
    chosen = [name for name in CHECKS_OF if name != "exact" and getattr(options, name)]
    if len(chosen) > 1:
        print(f"error: {InputError(f'--{chosen[1]}', f'together with --{chosen[0]}', 'one of them')}", file=sys.stderr)
        return 2
    section = chosen[0] if chosen else "exact"
    for name in ("steps", "row_steps", "episodes"):
        whole(f"--{name.replace('_', '-')}", getattr(options, name))
    whole("--seed", options.seed, least=0)
    prepare(options.out)
    columns = (TextColumn("safety"), BarColumn(), TextColumn("{task.fields[text]}"), TimeRemainingColumn())
    with ProgressBar(*columns, console=console) as bar:
        lines, collided = CHECKS_OF[section](options, bar)
    write_section(options.out, section, lines)
    console.print("\n".join(lines), highlight=False)
    return 1 if collided else 0


def main() -> int:
    """Check; 1 if anything collided, 2 on wrong input, 130 if interrupted."""
    return run_command(check)


if __name__ == "__main__":
    leave(main())
