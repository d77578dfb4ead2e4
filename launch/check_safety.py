"""Drives teams with random tunables and counts collisions, between the samples too; writes ``docs/safety.md``.

Usage: ``python launch/check_safety.py [--steps N] [--seed K] [--out F.md]``. All dynamics, one kind a team and mixed,
with random radii and limits, loose and dense, also with robots that do not give way; the tunables are drawn at random
inside the box, anew at every step in some worlds and held for a while in others (which gets robots closer together).
"""

from __future__ import annotations

import dataclasses
import os
import platform
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import tyro
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from envs.arena.core import ArenaCore
from envs.arena.kernels import TOUCH
from envs.scenarios import mixed
from swarm.files.text_files import write_text
from swarm.model.dynamics import Kind
from swarm.scenario.scenario import Scenario

CHECKS = 6  # instants per period at which gaps are measured
WORLDS = 32
EPISODE = 300  # steps
# The corner of the box that drives robots at each other: high gains, power 1, hardly any rotation, full speed.
BOLD_LOW = np.array([0.9, 0.0, 0.9, 0.0, 0.45, 0.9])
BOLD_HIGH = np.array([1.0, 0.1, 1.0, 0.1, 0.55, 1.0])


@dataclass(frozen=True)
class Options:
    """Drive random teams with random tunables and count collisions."""

    steps: int = 10_000_000
    """Robot-steps in total."""
    seed: int = 0
    """Of worlds and tunables."""
    out: Path = Path("docs/safety.md")
    """Report to write."""


@dataclass
class Tally:
    """What one kind of team came to."""

    steps: int = 0
    collided: int = 0
    least: float = np.inf
    optimal: int = 0
    relaxed: int = 0
    braking: int = 0


def drive(core: ArenaCore, rng: np.random.Generator, tally: Tally) -> None:
    """One episode in all worlds of a core."""
    core.reset()
    shape = (core.num_worlds, core.num_robots)
    action = rng.uniform(0.0, 1.0, (*shape, 6))
    style = np.arange(core.num_worlds) % 3
    always, bold = style == 0, style == 2
    for _ in range(EPISODE):
        core.advance(action)
        anew = always[:, None] | (rng.random(shape) < 0.03)
        drawn = rng.uniform(0.0, 1.0, (*shape, 6))
        drawn[bold] = BOLD_LOW + drawn[bold] * (BOLD_HIGH - BOLD_LOW)
        action = np.where(anew[..., None], drawn, action)
    tally.steps += EPISODE * core.num_worlds * core.num_robots
    tally.collided += int((core.min_clearance < TOUCH).sum())
    tally.least = min(tally.least, float(core.min_clearance.min()))
    counts = core.outcomes.sum(axis=0)
    tally.optimal, tally.relaxed = tally.optimal + int(counts[0]), tally.relaxed + int(counts[1])
    tally.braking += int(counts[2])


def draw(rng: np.random.Generator, rude: float, **options: Any) -> Scenario:
    """A mixed team of which a share does not give way."""
    scenario = mixed.draw(rng, **options)
    robots = tuple(dataclasses.replace(robot, cooperative=bool(rng.random() >= rude)) for robot in scenario.robots)
    return dataclasses.replace(scenario, robots=robots)


def families() -> dict[str, partial[Scenario]]:
    """Kinds of teams: dynamics × team size × room."""
    teams = {kind.label: (kind,) for kind in Kind} | {"mixed": tuple(Kind), "mixed, a third rude": tuple(Kind)}
    # With finite accelerations of unicycles: of all, or of half.
    slow = {"unicycle, second order": 1.0, "mixed, second order": 0.5, "mixed, second order, a third rude": 0.5}
    teams |= {name: (Kind.UNICYCLE,) if name.startswith("uni") else tuple(Kind) for name in slow}
    return {
        f"{name}, {robots} robots, {label}": partial(
            draw,
            rude=1 / 3 if "rude" in name else 0.0,
            robots=robots,
            room=room,
            kinds=kinds,
            second_order=slow.get(name, 0.0),
        )
        for name, kinds in teams.items()
        for robots, room, label in ((8, 0.5, "loose"), (16, 0.3, "dense"), (32, 0.26, "packed"))
    }


def report(tallies: dict[str, Tally], options: Options, seconds: float) -> str:
    """The result as Markdown."""
    total = sum(tally.steps for tally in tallies.values())
    collided = sum(tally.collided for tally in tallies.values())
    lines = [
        "# Safety under random tunables",
        "",
        f"`python launch/check_safety.py --steps {options.steps} --seed {options.seed}`, {seconds / 60.0:.1f} minutes "
        f"on {platform.machine()}, {os.cpu_count()} cores.",
        "",
        f"**{total:,} robot-steps, {collided} collisions.** Gaps are measured at {CHECKS} instants of every control "
        f"period; a gap below {TOUCH:g} m is a collision. Tunables are drawn at random inside the box: from all of it "
        "anew at every step in a third of the worlds, from all of it and held for a while in another third, from its "
        "boldest corner in the last.",
        "",
        "| team | robot-steps | collided | smallest gap (m) | optimal % | relaxed % | braking % |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, tally in tallies.items():
        shares = " | ".join(f"{100.0 * n / tally.steps:.3f}" for n in (tally.optimal, tally.relaxed, tally.braking))
        lines.append(f"| {name} | {tally.steps:,} | {tally.collided} | {tally.least:.1e} | {shares} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Drive and report; 1 if anything collided."""
    options = tyro.cli(Options, prog="check_safety.py", description=__doc__)
    rng = np.random.default_rng(options.seed)
    tallies = {name: Tally() for name in families()}
    console, began, done = Console(), time.perf_counter(), 0
    columns = (TextColumn("safety"), BarColumn(), TextColumn("{task.fields[text]}"), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("safety", total=options.steps, text="")
        while done < options.steps:
            for name, draw in families().items():
                core = ArenaCore(draw, worlds=WORLDS, seed=int(rng.integers(1 << 31)), checks=CHECKS)
                drive(core, rng, tallies[name])
            done = sum(tally.steps for tally in tallies.values())
            collided = sum(tally.collided for tally in tallies.values())
            progress.update(task, completed=done, text=f"{done:,} robot-steps, {collided} collisions")
    text = report(tallies, options, time.perf_counter() - began)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_text(options.out, text)
    console.print(text, highlight=False)
    return 1 if any(tally.collided for tally in tallies.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
