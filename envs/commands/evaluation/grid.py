"""``evaluate.py grid``: lifelong path finding on grid maps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

from envs.commands.command import AS_IT_IS
from envs.commands.evaluation.common import Record, check_names, progress_bar
from envs.formats.read import Wanted, read_instances
from envs.grid.run import FILMS, GridRun, team_of
from swarm.errors import InputError
from swarm.scenario.instances import LifelongInstance


@dataclass(frozen=True)
class Grid:
    """Run lifelong path finding; moves in conflict are reverted, robots hear each other within 5 cells."""

    instances: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Files of instances (.jsonl), maps (.map, .yaml of Nav2), MovingAI's .scen, POGEMA's .yaml, or League problems."""
    robots: tuple[int, ...] = ()
    """Team sizes, each an episode of every instance; if not given, those that an instance names, or 16 on a map."""
    planner: str = "guided"
    """Planner of every robot; follower:FOLDER for a checkpoint of one's own."""
    steps: int = 256
    """Steps of an episode."""
    cell_size: float | None = None
    """Cells of a map of Nav2 [m], coarser than its own: a cell is free if all of it is."""
    map: Path | None = None
    """Map of .scen files, or list of maps of POGEMA's scenarios; the one beside them if not given."""
    limit: int | None = None
    """Instances taken from each file, from its beginning; all if not given."""
    json: Path | None = None
    """Results file."""
    trajectories: Path | None = None
    """Folder for one .npz an episode, <map>_<seed>_<robots>.npz."""
    video: Path | None = None
    """Film of the first episode: .mp4, or .svg, which every browser animates."""
    notes: tuple[str, ...] = field(init=False, repr=False)
    """What is to be said of the files."""
    episodes: tuple[tuple[LifelongInstance, int], ...] = field(init=False, repr=False)
    """The instances, each with a team size; all files are read first: a bad one is found at once, not after an hour."""

    def __post_init__(self) -> None:
        team_of(self.planner)
        if not self.instances:
            raise InputError("INSTANCES", "nothing", "one or more files of instances or maps")
        if self.video is not None and self.video.suffix not in FILMS:
            raise InputError("--video", str(self.video), f"a file that ends in {' or '.join(FILMS)}")
        for name, values in (("robots", self.robots), ("steps", [self.steps]), ("limit", [self.limit])):
            for value in values:
                if value is not None and value < 1:
                    raise InputError(f"--{name}", value, "1 or more")
        notes: list[str] = []
        object.__setattr__(self, "episodes", tuple(self._read(notes)))
        object.__setattr__(self, "notes", tuple(notes))
        if self.trajectories is not None:
            check_names(f"{instance.map}_{instance.seed}_{robots}" for instance, robots in self.episodes)

    def _read(self, notes: list[str]) -> Iterator[tuple[LifelongInstance, int]]:
        """The episodes that were asked for, from the files; what is to be said of these is appended to the notes."""
        wanted = Wanted(max(self.robots, default=None), self.steps, cell_size=self.cell_size, map_path=self.map)
        for path in self.instances:
            instances, found = read_instances(path, wanted)
            notes.extend(found)
            for instance in islice(instances, self.limit):
                for robots in self.robots or instance.counts:
                    if robots > len(instance.starts):
                        where = f"--robots, for {path}, {instance.map} with seed {instance.seed}"
                        raise InputError(where, robots, f"at most {len(instance.starts)}, the robots that it has")
                    yield instance, robots


def evaluate_grid(options: Grid, console: Console, records: list[Record]) -> None:
    """Run every episode; results are appended to ``records`` as they come."""
    for note in options.notes:
        console.print(f"note: {note}", **AS_IT_IS)
    goals = steps = 0
    with progress_bar(console, "grid", ("map", "robots", "throughput")) as progress:
        task = progress.add_task("grid", total=len(options.episodes) * options.steps, map="", robots="", throughput="–")
        for instance, robots in options.episodes:
            run = GridRun(instance, robots, options.planner)
            progress.update(task, map=instance.map, robots=robots)
            for _ in range(options.steps):
                run.step()
                progress.advance(task)
            records.append(run.record())
            goals, steps = goals + records[-1]["goals"], steps + options.steps
            progress.update(task, throughput=f"{goals / steps:.3f}")
            run.save(options.trajectories, options.video if len(records) == 1 else None)


def grid_table(records: list[Record]) -> Table:
    """Throughput (goals a step) for each suite and team size, means over episodes."""
    table = Table(title=f"grid: planner {records[0]['planner']}, {records[0]['steps']} steps")
    for name in (
        "suite", "robots", "episodes", "throughput", "lowest", "highest", "blocked %", "longest wait", "ms p50",
        "ms p99",
    ):  # fmt: skip
        table.add_column(name, justify="left" if name == "suite" else "right")
    groups: dict[tuple[str, int], list[Record]] = {}
    for entry in records:
        groups.setdefault((entry["suite"], entry["robots"]), []).append(entry)
    for (suite, robots), group in sorted(groups.items()):
        rates = [entry["throughput"] for entry in group]
        blocked = np.mean([entry["blocked_moves"] / (entry["steps"] * robots) for entry in group])
        table.add_row(
            suite, str(robots), str(len(group)), f"{np.mean(rates):.3f}", f"{min(rates):.3f}", f"{max(rates):.3f}",
            f"{100.0 * blocked:.2f}", str(max(entry["longest_wait"] for entry in group)),
            *(f"{max(entry['step_ms'][key] for entry in group):.2f}" for key in ("p50", "p99")),
        )  # fmt: skip
    table.caption = "longest wait: steps of one robot without reaching a goal; ms: all robots together, slowest episode"
    return table
