"""Our throughput beside what others published, on the same episodes, for the report on lifelong path finding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from envs.commands.intervals import difference_interval
from studies.report import markdown
from studies.report.lifelong_mapf.published_baselines import KNOWN, title_of
from studies.report.lifelong_mapf.study import LifelongMapfStudy, Suite
from swarm.array_types import Array

OURS = ("guided", "follower")


@dataclass(frozen=True)
class Difference:
    """Means of ours and theirs over the same episodes, and how much more ours is, with its 95 % interval."""

    ours: float
    theirs: float
    low: float
    high: float

    @property
    def text(self) -> str:
        """The difference, for people."""
        return f"{self.ours - self.theirs:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


@dataclass(frozen=True)
class Pair:
    """One of ours beside one of others on a suite.

    Attributes:
        suite: The suite.
        planner: Ours.
        method: Theirs.
        ours: Goals a step, ``float64[instances, sizes]``.
        theirs: The same; NaN where nothing is published.
    """

    suite: Suite
    planner: str
    method: str
    ours: Array
    theirs: Array

    @property
    def episodes(self) -> int:
        """How many both have."""
        return int(np.isfinite(self.theirs).sum())

    def difference(self, size: int | None = None) -> Difference | None:
        """On the episodes that both have, of one team size (its place) or of all; None if there is none."""
        columns = slice(None) if size is None else slice(size, size + 1)
        ours, theirs = self.ours[:, columns], self.theirs[:, columns]
        both = np.isfinite(theirs)
        some = both.any(axis=1)  # else resampling would draw nothing at times
        if not some.any():
            return None
        ours, theirs, both = ours[some], theirs[some], both[some]
        low, high = difference_interval(ours, theirs, both, rates=False)
        return Difference(float(ours[both].mean()), float(theirs[both].mean()), low, high)


def pairs(of: LifelongMapfStudy) -> Iterator[Pair]:
    """Everything that can be compared: suite by suite, and in each one method of others after the other."""
    if of.published is None:
        return
    for suite in of.suites:
        for method in of.published.methods if suite.cases else ():
            theirs = of.published.of(method, suite.cases, suite.sizes)
            if np.isfinite(theirs).any():
                for planner in OURS:
                    yield Pair(suite, planner, method, of.throughput(suite, planner), theirs)


def beside_others(of: LifelongMapfStudy) -> str:
    """The section with all pairs."""
    found = list(pairs(of))
    head = "## Beside others, episode by episode\n\n"
    if not found:
        return f"{head}Nothing: what others published was not given (`--published`)."
    methods = list(dict.fromkeys(pair.method for pair in found))
    known = [f"- *{title_of(name)}*: {KNOWN[name][1]}." for name in methods if name in KNOWN]
    parts = [
        f"{head}What others published for the same episodes: the same map, starts and goals, and as many robots. Maps "
        "may differ more than methods do, so means over other episodes, of a whole suite for one, do not stand beside "
        "ours. Differences are ours less theirs, with their 95 % intervals: instances are resampled, ours and theirs "
        "together. *Ahead* and *behind*: with teams of so many robots, whose interval does not reach 0. What was "
        "published was not measured by us.",
        *(["\n".join(known)] if known else []),
        _summary(found, methods),
    ]
    for suite in dict.fromkeys(pair.suite for pair in found):
        parts.append(_table(suite, [pair for pair in found if pair.suite == suite]))
    return "\n\n".join(parts)


def _summary(found: list[Pair], methods: list[str]) -> str:
    """Who is ahead where; a row for each pair."""
    rows = []
    for pair in sorted(found, key=lambda pair: (methods.index(pair.method), OURS.index(pair.planner))):
        cells = {robots: pair.difference(place) for place, robots in enumerate(pair.suite.sizes)}
        ahead = [str(robots) for robots, cell in cells.items() if cell is not None and cell.low > 0.0]
        behind = [str(robots) for robots, cell in cells.items() if cell is not None and cell.high < 0.0]
        total = pair.difference()
        means = [markdown.NONE] * 2 if total is None else [f"{total.ours:.3f} / {total.theirs:.3f}", total.text]
        lists = (", ".join(names) or markdown.NONE for names in (ahead, behind))
        rows.append([f"`{pair.planner}` / {title_of(pair.method)}, {pair.suite.title}", *means, *lists])
    return markdown.table(["ours / theirs", "means", "difference", "ahead, robots", "behind, robots"], rows)


def _table(suite: Suite, found: list[Pair]) -> str:
    rows = []
    for pair in found:
        cells = [pair.difference(size) for size in [*range(len(suite.sizes)), None]]
        part = "" if pair.episodes == pair.theirs.size else f", {pair.episodes} of {pair.theirs.size} episodes"
        means = (markdown.NONE if cell is None else f"{cell.ours:.3f} / {cell.theirs:.3f}" for cell in cells)
        rows.append([f"`{pair.planner}` / {title_of(pair.method)}{part}", *means])
        rows.append(["difference", *(markdown.NONE if cell is None else cell.text for cell in cells)])
    head = ["robots", *map(str, suite.sizes), "mean"]
    return f"### {suite.title.capitalize()}: pairs\n\n{suite.count} instances.\n\n{markdown.table(head, rows)}"


def where_behind(of: LifelongMapfStudy) -> Iterator[str]:
    """A line for each pair in which the other has more with some team size."""
    for pair in pairs(of):
        names = [*(f"{robots} robots" for robots in pair.suite.sizes), "all sizes together"]
        cells = [pair.difference(size) for size in [*range(len(pair.suite.sizes)), None]]
        both = zip(names, cells, strict=True)
        behind = [f"{name} ({cell.text})" for name, cell in both if cell is not None and cell.theirs > cell.ours]
        if behind:
            ahead = f"{title_of(pair.method)} is ahead of `{pair.planner}` with"
            yield f"- {pair.suite.title}: {ahead} {', '.join(behind)}."
