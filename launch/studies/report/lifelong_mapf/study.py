"""The measurements behind the report on lifelong path finding: which jobs there are, and their results."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np

from envs.grid.instances import EXAMPLES, examples
from studies.report.jobs import Job, Lab, Record
from studies.report.lifelong_mapf.measurements import WITHOUT
from studies.report.lifelong_mapf.published_baselines import STEPS, Case, Published
from swarm.array_types import Array
from swarm.errors import InputError
from swarm.scenario.instances import load_instances

PLANNERS = ("guided", "follower", "pibt", "astar")
_PLAY, _GROW, _JAM = (f"studies.report.lifelong_mapf.measurements:{name}" for name in ("play", "grow", "jam"))
_SLOW = {"guided": 3.0, "follower": 8.0, "pibt": 1.0, "astar": 1.0}


@dataclass(frozen=True)
class Scale:
    """How much is measured.

    Attributes:
        drawn: Instances that are drawn of each suite of our own.
        given: Instances taken of each file; None: all.
        steps: Of an episode.
        large: Team sizes in the large warehouse.
        largest: Of them, the largest with ``follower``, which keeps more of the map for each robot.
        large_steps: Of its episode.
    """

    drawn: tuple[tuple[str, int], ...] = (
        ("random", 40), ("mazes", 40), ("rooms", 40), ("warehouse", 12), ("puzzles", 100),
    )  # fmt: skip
    given: int | None = None
    steps: int = 256
    large: tuple[int, ...] = (100, 300, 1000, 3000, 10000)
    largest: int = 1000
    large_steps: int = 64


QUICK = Scale(tuple((suite, 2) for suite in EXAMPLES), given=1, steps=32, large=(30, 100), largest=30, large_steps=8)


@dataclass(frozen=True)
class Suite:
    """Instances that belong together.

    Attributes:
        name: Of the family; of a file, its own name.
        file: Where they are; None: they are drawn.
        count: How many.
        sizes: Team sizes.
        cases: Which instances of a file they are.
    """

    name: str
    file: Path | None
    count: int
    sizes: tuple[int, ...]
    cases: tuple[Case, ...] = ()

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.name}, drawn" if self.file is None else f"{self.name}, given"


@dataclass
class LifelongMapfStudy:
    """All measurements of the report.

    Attributes:
        lab: Does the jobs.
        scale: How much is measured.
        seed: Of the first drawn instance.
        files: Instances of others.
        published: Results of others, to stand beside ours where they are of the same episodes.
    """

    lab: Lab
    scale: Scale
    seed: int = 30_000
    files: tuple[Path, ...] = ()
    published: Published | None = None

    def run(self) -> None:
        """Measure everything.

        Raises:
            InputError: If there is something to measure or to compare with that cannot be.
        """
        self._check_published()  # before the work
        self.lab.do(self.grow_jobs(), "large teams", alone=True)
        self.lab.do(list(self._play_jobs()), "episodes")
        self.lab.do([self.jam_job(suite, planner) for suite in self.pictured for planner in ("guided", "pibt")], "jams")

    @cached_property
    def suites(self) -> tuple[Suite, ...]:
        """Those of given files, then those of our own.

        Raises:
            InputError: If the instances of a file are not meant for the same team sizes.
        """
        return (*(self._given(path) for path in self.files), *self._drawn())

    def _given(self, path: Path) -> Suite:
        found = list(islice(load_instances(path), self.scale.given))
        counts = {case.counts for case in found}
        if len(counts) != 1 or not found[0].counts:
            raise InputError(f"{path}: counts", sorted(counts), "the same team sizes in all instances")
        cases = tuple((case.suite, case.map, int(case.seed)) for case in found)
        return Suite(path.stem, path, len(found), found[0].counts, cases)

    def _drawn(self) -> Iterator[Suite]:
        for name, count in self.scale.drawn:
            yield Suite(name, None, count, examples(name, self.seed, 1)[0].counts)

    @property
    def pictured(self) -> tuple[Suite, ...]:
        """Suites of whose first instance there are maps of jams."""
        return tuple(suite for suite in self.suites if suite.file is None and suite.name in ("mazes", "warehouse"))

    @property
    def dissected(self) -> tuple[tuple[Suite, int], ...]:
        """Suites and team sizes on which parts of ``guided`` are left out: the largest."""
        return tuple((suite, suite.sizes[-1]) for suite in self.suites if suite.file is None or suite.name == "city")

    def _check_published(self) -> None:
        """Results of others are of some of these episodes, and it is clear of which."""
        if self.published is None:
            return
        if self.scale.steps != STEPS:
            raise InputError("--published", f"episodes of {self.scale.steps} steps", f"episodes of {STEPS} steps")
        given = [suite for suite in self.suites if suite.file is not None]
        for suite in given:
            twice = [case for place, case in enumerate(suite.cases) if case in suite.cases[:place]]
            if twice:
                raise InputError(f"{suite.file}: suite, map, seed", twice[0], "each once, to find what is published")
        episodes = {(*case, robots) for suite in given for case in suite.cases for robots in suite.sizes}
        if episodes.isdisjoint(episode[:4] for episode in self.published.throughput):
            first = next(iter(self.published.throughput))[:4]
            raise InputError("--published", [*first, "…"], "results of instances that are given (--instances)")

    # Jobs.

    def _options(self, suite: Suite, robots: int, planner: str) -> Record:
        return {
            "file": None if suite.file is None else str(suite.file), "suite": suite.name, "first": self.seed,
            "count": suite.count, "robots": robots, "planner": planner, "steps": self.scale.steps,
        }  # fmt: skip

    def play_job(self, suite: Suite, robots: int, planner: str, without: str | None = None) -> Job:
        """All instances of a suite with one team size."""
        options = self._options(suite, robots, planner) | ({} if without is None else {"without": without})
        name = f"{suite.title} {robots} {planner}" + (f" without {without}" if without else "")
        cost = suite.count * robots * _SLOW[planner]
        return Job(name, _PLAY, options, cost, () if suite.file is None else (suite.file,))

    def _play_jobs(self) -> Iterator[Job]:
        for suite in self.suites:
            yield from (self.play_job(suite, robots, planner) for robots in suite.sizes for planner in PLANNERS)
        for suite, robots in self.dissected:
            yield from (self.play_job(suite, robots, "guided", name) for name in WITHOUT)

    def jam_job(self, suite: Suite, planner: str) -> Job:
        """Where robots stand in a suite's first instance."""
        return Job(f"jam {suite.title} {planner}", _JAM, self._options(suite, suite.sizes[-1], planner), 1.0)

    def grow_job(self, robots: int, planner: str) -> Job:
        """A team in the large warehouse."""
        options = {"robots": robots, "planner": planner, "steps": self.scale.large_steps, "seed": self.seed}
        return Job(f"large {robots} {planner}", _GROW, options, robots * _SLOW[planner])

    def grow_jobs(self) -> list[Job]:
        """All teams in the large warehouse."""
        return [self.grow_job(robots, planner) for planner in PLANNERS for robots in self.large_sizes(planner)]

    def large_sizes(self, planner: str) -> tuple[int, ...]:
        """Team sizes in the large warehouse."""
        limit = self.scale.largest if planner == "follower" else max(self.scale.large)
        return tuple(robots for robots in self.scale.large if robots <= limit)

    # Results.

    def throughput(self, suite: Suite, planner: str, without: str | None = None) -> Array:
        """Goals a step, ``float64[instances, sizes]``; of a variant only with the largest team."""
        return self.total(suite, planner, "throughput", without)

    def total(self, suite: Suite, planner: str, name: str, without: str | None = None) -> Array:
        """Another entry of the results, ``float64[instances, sizes]``; of a variant only with the largest team."""
        sizes = suite.sizes if without is None else suite.sizes[-1:]
        jobs = [self.play_job(suite, robots, planner, without) for robots in sizes]
        return np.array([self.lab[job][name] for job in jobs]).T
