"""What each part of the filter is worth where nothing is exact: collisions and arrivals with one part switched off.

Two parts are switched off by what is declared, the others in a copy of the tree, in which a few lines are replaced: the
product has no switch for them. Each variant runs in a process of its own, which compiles what is different.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator

from envs.arena.core import ArenaCore, Draw
from envs.arena.episodes import run_episodes
from studies.checkout import ROOT
from studies.safety.driving import CHECKS, EPISODE, Tally, drive
from studies.safety.inexact import EVERYTHING, PLAUSIBLE, WORLDS, Row, drawing
from swarm.errors import InputError, SwarmError
from swarm.model.dynamics import Kind
from swarm.model.error_bounds import ErrorBounds
from swarm.scenario.scenario import Scenario
from swarm.tune.controllers import make_controller

ROWS = (Row("a plausible robot", "carts", PLAUSIBLE), Row("all errors at once", "small", EVERYTHING))
# Limits of robots in a crowd, at most, in those of the protocol (``envs.scenarios.mixed``).
_FASTER = 1.3
_COPIED = ("swarm", "envs", "policies", "launch")
_LINES, _ROWS = "swarm/filter/hulls/lines.py", "swarm/filter/row.py"
_LINE = "line[L_SHARE], line[L_KAPPA] = max(share - _ROUNDING, 0.0), "


class CopyError(SwarmError):
    """A copy of the tree that did not run."""


@dataclass(frozen=True)
class Part:
    """A part of the filter.

    Attributes:
        name: What is done without it, for the table.
        changes: Of a copy of the tree: file, text, and what stands in its place, wherever it stands.
        declared: ``own`` where robots take the state that they measured for the present one; ``told`` where they tell
            it as it is, so that it is a period older; or nothing.
    """

    name: str
    changes: tuple[tuple[str, str, str], ...] = ()
    declared: str = ""


PARTS = {
    "all": Part("everything as it is"),
    "own": Part("own state not predicted: how far it may have got is unknown", declared="own"),
    "told": Part("others told the present state, not that after the command", declared="told"),
    "margin": Part(
        "the cone's worst case as a margin of every line",
        (
            (_LINES, "def _write(lines: Array, ", "def _write(reach: float, lines: Array, "),
            (_LINES, " _write(lines, ", " _write(reach, lines, "),
            (_LINES, f"{_LINE}kappa", f"{_LINE.removesuffix(', ')} - kappa * reach, 0.0"),
        ),
    ),
    "cone": Part(
        "no cone: every way counts as straight on",
        ((_LINES, f"{_LINE}kappa", f"{_LINE}0.0"), (_LINES, "    if apart <= 0.0:", "    if True:")),
    ),
    "recovery": Part(
        "no recovery row of double integrators",
        ((_ROWS, "if kind != DOUBLE_INTEGRATOR or body[ERROR]", "if True or body[ERROR]"),),
    ),
}
"""By name; the first is the filter itself."""


def changed(part: Part, tree: Path) -> None:
    """Make the changes of a part in a copy of the tree.

    Raises:
        InputError: If a text to replace is not there.
    """
    for name, before, after in part.changes:
        text = (tree / name).read_text(encoding="utf-8")
        if before not in text:
            raise InputError(f"ablation: {name}", "another text", f"one with {before!r}")
        (tree / name).write_text(text.replace(before, after), encoding="utf-8")


def _assumed(part: Part, scenario: Scenario) -> ErrorBounds | None:
    """What robots without a part assume; None: what is so."""
    if part.declared != "own":
        return None
    errors, robot = scenario.errors, scenario.robots[0]
    limits, kind = robot.limits, robot.kind
    # What a lag does with what it was told meanwhile is not known either: twice as much again, where it comes to rest.
    late = (errors.age + errors.dead_time) * (3.0 if errors.lag > 0.0 else 1.0)
    way = _FASTER * limits.speed * (1.0 if kind == Kind.UNICYCLE else math.sqrt(2.0)) * (1.0 + errors.slip)
    heading = _FASTER * limits.turn_rate * late if kind == Kind.UNICYCLE else 0.0
    velocity = _FASTER * math.sqrt(2.0) * limits.acceleration * late if kind == Kind.DOUBLE_INTEGRATOR else 0.0
    return replace(
        errors, age=0.0, dead_time=0.0, position=errors.position + way * late, heading=errors.heading + heading,
        velocity=errors.velocity + velocity,
    )  # fmt: skip


def _worlds(part: Part, row: Row, kind: Kind, *, crowded: bool) -> tuple[Draw, ErrorBounds | None]:
    """What draws the worlds of a row, and what robots assume in them."""
    sample = drawing(row, kind, crowded=False)(np.random.default_rng(0))
    if part.declared == "told":
        older = max(row.errors.latency, sample.dt) + sample.dt
        row = replace(row, errors=replace(row.errors, latency=older))
    return drawing(row, kind, crowded=crowded), _assumed(part, sample)


def measure(part: Part, steps: int, episodes: int, seed: int) -> dict[str, Any]:
    """Drive without a part: of every row, collisions (of random tunables and an adversary) and arrivals.

    Robots that cannot drive at all, since they see no farther than their margins, count as standing.
    """
    rng, found = np.random.default_rng(seed), {}
    controller = make_controller("tuner")
    for row in ROWS:
        tally, success = Tally(), []
        for kind in Kind:
            draw, assume = _worlds(part, row, kind, crowded=True)
            plain, assume_plain = _worlds(part, row, kind, crowded=False)
            try:
                for style in ("white", "adversary"):
                    _drive(draw, style, assume, steps // 6, rng, tally)
                arrived = run_episodes(
                    plain, controller, episodes, seed=seed, styles=(row.style,), checks=CHECKS, assume=assume_plain
                )
                success.append(arrived.figures()["success"])
            except InputError:
                success.append(0.0)
        found[row.name] = {"steps": tally.steps, "collided": tally.collided, "success": success}
    return found


def _drive(draw: Draw, style: str, assume: ErrorBounds | None, steps: int, rng: Generator, tally: Tally) -> None:
    """At least so many robot-steps under random tunables."""
    done = 0
    while done < steps:
        seed = int(rng.integers(1 << 31))
        core = ArenaCore(draw, worlds=WORLDS, seed=seed, checks=CHECKS, assume=assume, styles=(style,))
        drive(core, rng, tally)
        done += EPISODE * core.num_worlds * core.num_robots


def ablate(names: Sequence[str], steps: int, episodes: int, seed: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """``measure`` of parts, each in a process of its own and in a copy of the tree.

    Raises:
        CopyError: If a copy does not run; says what it said.
    """
    for name in names:
        with tempfile.TemporaryDirectory(prefix="swarm-ablation-") as folder:
            tree = Path(folder)
            for room in _COPIED:
                shutil.copytree(ROOT / room, tree / room, ignore=shutil.ignore_patterns("__pycache__"))
            changed(PARTS[name], tree)
            command = [sys.executable, "-m", "studies.safety.ablation", name, str(steps), str(episodes), str(seed)]
            path = os.pathsep.join((str(tree), str(tree / "launch")))
            done = subprocess.run(
                command, cwd=tree, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
            )  # fmt: skip
            if done.returncode:
                raise CopyError(f"ablation {name}: {done.stderr[-2000:]}")
            yield name, json.loads(done.stdout.splitlines()[-1])


def table(found: dict[str, dict[str, Any]], command: str) -> list[str]:
    """The parts as Markdown."""
    columns = [f"{row.name}: {what}" for row in ROWS for what in ("collided", "success %, SI / DI / unicycle")]
    lines = [f"`{command}`", "", f"| without | {' | '.join(columns)} |", "|---|" + "---|" * len(columns)]
    for name, rows in found.items():
        cells = []
        for row in ROWS:
            one = rows[row.name]
            cells += [f"{one['collided']} of {one['steps']:,}", " / ".join(f"{100.0 * x:.1f}" for x in one["success"])]
        lines.append(f"| {PARTS[name].name} | {' | '.join(cells)} |")
    return lines


if __name__ == "__main__":
    which, *numbers = sys.argv[1:]
    sys.stdout.write(json.dumps(measure(PARTS[which], *map(int, numbers))) + "\n")
