"""Measures everything that a report says, and writes it.

Usage: ``python launch/report.py online_cbf [--episodes 100] [--quick] [--reuse]`` writes ``docs/online_cbf.md`` and the
pictures in ``docs/online_cbf/``; ``… narrow_places`` and ``… lifelong_mapf [--instances FILE.jsonl …] [--published
FILE.json]`` likewise, and ``… deployment`` from the fault suite (``launch/faults.py``). Raw results are kept in
``runs/``; an interrupted run goes on with ``--reuse``.
"""

from __future__ import annotations

import os
import platform
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

if __name__ == "__main__":
    from studies.command import begin

    begin()  # An interrupt leaves one line, also while all that follows is loaded.

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import tyro
from rich.console import Console

from envs.commands.command import AS_IT_IS, leave, parsed, run_command
from envs.commands.machine import processor
from studies.checkout import ROOT
from studies.faults.trial import Setup
from studies.report.deployment import study as deployment
from studies.report.deployment import text as deployment_text
from studies.report.jobs import Lab, Store
from studies.report.lifelong_mapf import pictures as lifelong_mapf_pictures
from studies.report.lifelong_mapf import study as lifelong_mapf
from studies.report.lifelong_mapf import text as lifelong_mapf_text
from studies.report.lifelong_mapf.published_baselines import load_published
from studies.report.narrow_places import pictures as narrow_places_pictures
from studies.report.narrow_places import text as narrow_places_text
from studies.report.narrow_places.study import NarrowPlacesStudy
from studies.report.online_cbf.pictures import draw_pictures
from studies.report.online_cbf.study import QUICK, OnlineCbfStudy, Scale
from studies.report.online_cbf.text import report
from swarm.errors import InputError
from swarm.files.text_files import check_place, make_folder, write_text

MACHINE = f"{processor()}, Python {platform.python_version()}"


@dataclass(frozen=True)
class Options:
    """Measure, and write the report."""

    what: Annotated[Literal["online_cbf", "narrow_places", "lifelong_mapf", "deployment"], tyro.conf.Positional]
    """Which report."""
    episodes: int | None = None
    """Of each family and method (100 if not given; narrow_places: 16), more or fewer where the report says so;
    lifelong_mapf: of each suite."""
    instances: tuple[Path, ...] = ()
    """lifelong_mapf: files of instances to measure besides those that are drawn; random, mazes, warehouse, city and
    puzzles.jsonl are taken for the benchmark's, for which there are floors."""
    published: Path | None = None
    """lifelong_mapf: results of others for some of these instances, a JSON list with one object an episode: suite, map,
    seed, robots, and under the name of each method its throughput; they stand beside ours in pairs."""
    quick: bool = False
    """A few episodes of everything, to see that it works; writes to out/, not to docs/."""
    reuse: bool = False
    """Take results that are there instead of measuring them again."""
    seed: int | None = None
    """Of the episodes (7000000; narrow_places: 9000000; lifelong_mapf: 30000; deployment: 1)."""
    processes: int = 2
    """Measurements that run at the same time, one thread each."""
    tuner: str = "tuner"
    """Checkpoint folder of the tuner."""
    ablations: Path = ROOT / "policies" / "checkpoints" / "ablations"
    """Folder of the checkpoints to compare with; those that are missing are left out."""
    runs: Path | None = None
    """Folder for raw results (runs/NAME, or runs/NAME_quick)."""
    out: Path | None = None
    """Folder for the report (docs, or out)."""

    def __post_init__(self) -> None:
        for name in ("episodes", "processes"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise InputError(f"--{name}", value, "1 or more")


def online_cbf(options: Options, lab: Lab, folder: Path, command: str) -> str:
    """Measure what is missing; returns the report."""
    scale = QUICK if options.quick else Scale()
    if options.episodes is not None:
        scale = replace(scale, episodes=options.episodes)
    seed = 7_000_000 if options.seed is None else options.seed
    study = OnlineCbfStudy(lab, scale, seed, options.tuner, options.ablations)
    study.run()
    return report(study, MACHINE, command, draw_pictures(study, folder))


def lifelong(options: Options, lab: Lab, folder: Path, command: str) -> str:
    """Measure what is missing; returns the report."""
    scale = lifelong_mapf.QUICK if options.quick else lifelong_mapf.Scale()
    if options.episodes is not None:
        drawn = tuple((suite, options.episodes) for suite, _ in scale.drawn)
        scale = replace(scale, drawn=drawn, given=options.episodes)
    seed = 30_000 if options.seed is None else options.seed
    published = None if options.published is None else load_published(options.published)
    study = lifelong_mapf.LifelongMapfStudy(lab, scale, seed, options.instances, published)
    study.run()
    pictures = lifelong_mapf_pictures.draw_pictures(study, folder)
    return lifelong_mapf_text.report(study, MACHINE, command, pictures)


def narrow_places(options: Options, lab: Lab, folder: Path, command: str) -> str:
    """Measure what is missing; returns the report."""
    episodes = options.episodes or (2 if options.quick else 16)
    seed = 9_000_000 if options.seed is None else options.seed
    study = NarrowPlacesStudy(lab, episodes, seed, options.tuner)
    study.run()
    return narrow_places_text.report(study, MACHINE, command, narrow_places_pictures.draw_pictures(study, folder))


def deployed(options: Options, lab: Lab, folder: Path, command: str) -> str:
    """Run what is missing of the fault suite; returns the report, which has no pictures."""
    seed = 1 if options.seed is None else options.seed
    study = deployment.DeploymentStudy(lab, Setup(seed=seed), seconds=10.0 if options.quick else 20.0)
    return deployment_text.report(study, study.run(), MACHINE, command)


def write(options: Options, console: Console, command: str) -> Path:
    """Measure what is missing and write the report; returns its file."""
    makers = {
        "online_cbf": online_cbf, "narrow_places": narrow_places, "lifelong_mapf": lifelong, "deployment": deployed,
    }  # fmt: skip
    make = makers[options.what]
    runs = options.runs or Path("runs") / (f"{options.what}_quick" if options.quick else options.what)
    out = options.out or Path("out" if options.quick else "docs")
    # Timings of processes count there: one trial at a time.
    processes = 1 if options.what == "deployment" else options.processes
    lab = Lab(Store(runs, options.reuse), processes, console)
    check_place(out, is_folder=True)
    text = make(options, lab, out / options.what, command)
    make_folder(out)
    write_text(out / f"{options.what}.md", text)
    return out / f"{options.what}.md"


def parse_and_write(arguments: Sequence[str] | None) -> int:
    """Write what the command line asks for."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    given = sys.argv[1:] if arguments is None else list(arguments)
    options = parsed(lambda: tyro.cli(Options, prog="report.py", description=__doc__, args=given))
    path = write(options, console, shlex.join(["python", "launch/report.py", *given]))
    console.print(f"written: {path}", **AS_IT_IS)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Write a report; 2 on wrong input, 130 if interrupted (what was measured by then is kept)."""
    return run_command(lambda: parse_and_write(arguments), interrupted="interrupted; go on with --reuse")


if __name__ == "__main__":
    leave(main())
