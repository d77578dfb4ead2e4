"""The report on lifelong path finding as Markdown: fixed sentences, and numbers that come from measurements alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from envs.commands.intervals import difference_interval, mean_interval
from studies.report import markdown
from studies.report.lifelong_mapf.measurements import WITHOUT
from studies.report.lifelong_mapf.pairs import beside_others, where_behind
from studies.report.lifelong_mapf.published_baselines import SIZES, TO_REACH
from studies.report.lifelong_mapf.study import PLANNERS, LifelongMapfStudy, Suite
from swarm.array_types import Array

PICTURES = "lifelong_mapf"
_PARTS = {
    "lanes": "without lanes (expected traffic of the map)",
    "windows": "without windows (moves ranked by the way left alone)",
    "halves": "all robots plan at once, nobody after hearing the others",
    "relay": "minds only robots that it hears itself",
    "turns": "stuck robots get no turns at going first",
    "joint": "without joint plans of stuck robots",
    "half the price": "meeting a window costs half as much",
    "double the price": "meeting a window costs twice as much",
}


def report(of: LifelongMapfStudy, machine: str, command: str, pictures: Iterable[tuple[str, str]]) -> str:
    """The whole text.

    Args:
        of: The measurements, done.
        machine: On which they were made.
        command: With which.
        pictures: File names and captions.
    """
    parts: list[Callable[[LifelongMapfStudy], str]] = [
        _reached,
        beside_others,
        _throughput,
        _waits,
        _large,
        _ablations,
        _learning,
    ]
    shown = "\n\n".join(f"![{name}]({PICTURES}/{name})\n\n*{caption}*" for name, caption in pictures)
    texts = [_INTRODUCTION, _measured(of, machine, command), *(part(of) for part in parts)]
    return "\n\n".join([*texts, f"## Pictures\n\n{shown}", f"## Where we lose\n\n{_losses(of)}"]) + "\n"


_INTRODUCTION = """# Lifelong multi-agent path finding

Written by `launch/report.py lifelong_mapf`; every number in it is measured by that command, but for those of others.

Robots on a grid get a new goal whenever they reach one, for ever. Each decides alone: it knows the map and its own \
goal, sees who is within five cells, and in a step there are two rounds of messages of at most 1 KiB with those robots.

- `guided`: a window of ten steps, planned against the windows that others tell; priority inheritance on the ranking \
that comes out; lanes that every robot works out from the map; joint plans for a handful that is stuck.
- `follower`: a path around congestion, and a small network that ranks the moves (after Skrynnik et al., *Learn to \
Follow*, AAAI 2024); priority inheritance on its ranking.
- `pibt`: priority inheritance on the distance left, among those that are heard.
- `astar`: the shortest way, whoever is in it."""


def _measured(of: LifelongMapfStudy, machine: str, command: str) -> str:
    lines = [
        "## What was measured", "",
        f"- Command: `{command}`; raw results are kept as JSON in `runs/lifelong_mapf/`, and `--reuse` takes them.",
        f"- Machine: {machine}. All measurements together: {of.lab.seconds / 60.0:.0f} minutes of one thread.",
        f"- *Throughput*: goals reached in a step by the whole team, over {of.scale.steps} steps. The rules are those "
        "of the POGEMA benchmark: all move at once; a move into a wall, into a cell that others want, or a swap "
        "is taken back (*blocked*).",
        f"- *Drawn*: instances of our own, seeds from {of.seed} on, not used for anything before; `envs/instances` "
        "holds others of their kind. *Given*: files of the benchmark's own instances (`--instances`).",
        "- Brackets are 95 % intervals: instances are resampled, each with all its team sizes.",
        f"- Every written trajectory is checked for walls, jumps, shared cells and swaps: {_conflicts(of)} found.",
    ]  # fmt: skip
    if of.lab.of_other_code:
        lines.append(f"- **{of.lab.of_other_code} results were measured with an older state of the code.**")
    return "\n".join(lines)


def _conflicts(of: LifelongMapfStudy) -> int:
    return int(sum(of.total(suite, planner, "conflicts").sum() for suite in of.suites for planner in PLANNERS))


def _to_reach(of: LifelongMapfStudy) -> Iterator[Suite]:
    """Suites with floors: given ones, and our own where the benchmark's are not given."""
    given = {suite.name for suite in of.suites if suite.file is not None}
    for suite in of.suites:
        if SIZES.get(suite.name) == suite.sizes and (suite.file is not None or suite.name not in given):
            yield suite


def _reached(of: LifelongMapfStudy) -> str:
    rows = []
    for suite in _to_reach(of):
        floor, goal, learned = TO_REACH[suite.name]
        guided, follower = (of.throughput(suite, planner).mean() for planner in ("guided", "follower"))
        marks = ["**no**", "floor", "goal"][int(guided >= floor) + int(guided >= goal)]
        rows.append([
            suite.title, f"{guided:.3f}", f"{floor:.2f} / {goal:.2f}", marks, f"{follower:.3f}", f"{learned:.2f}",
            "yes" if follower >= learned else "**no**",
        ])  # fmt: skip
    head = ["suite", "`guided`", "floor / goal", "reached", "`follower`", "floor", "reached"]
    note = (
        "Means over team sizes. Floors and goals were set before the measurement, for the benchmark's instances. "
        "Drawn instances are of the same kind, but others."
    )
    return f"## In short\n\n{note}\n\n{markdown.table(head, rows)}"


def _cell(values: Array) -> str:
    low, high = mean_interval(values)
    return f"{values.mean():.3f} [{low:.2f}, {high:.2f}]"


def _throughput(of: LifelongMapfStudy) -> str:
    parts = ["## Throughput"]
    for suite in of.suites:
        rows = []
        for planner in PLANNERS:
            values = of.throughput(suite, planner)
            rows.append([f"`{planner}`", *(_cell(column) for column in values.T), _cell(values)])
        head = ["robots", *map(str, suite.sizes), "mean"]
        parts.append(f"### {suite.title.capitalize()}\n\n{suite.count} instances.\n\n{markdown.table(head, rows)}")
    return "\n\n".join(parts)


def _waits(of: LifelongMapfStudy) -> str:
    head = ["suite", "planner", "longest wait, largest / median over episodes", "blocked moves, %", "step p50, ms"]
    rows = []
    for suite in of.suites:
        for planner in PLANNERS:
            waits, blocked = (of.total(suite, planner, name) for name in ("wait", "blocked"))
            time = np.median(of.total(suite, planner, "p50")[:, -1])
            rows.append([
                suite.title, f"`{planner}`", f"{waits.max()} / {np.median(waits):.0f}",
                _blocked(of, suite, blocked), f"{time:.2f}",
            ])  # fmt: skip
    return (
        "## Waiting\n\n*Longest wait*: steps in which a robot that has a goal reached none, the longest of all robots "
        f"of an episode of {of.scale.steps} steps; long ways count too. Step times are of the whole team with the "
        "most robots, one thread.\n\n" + markdown.table(head, rows)
    )


def _large(of: LifelongMapfStudy) -> str:
    rows = []
    for robots in of.scale.large:
        for planner in PLANNERS:
            if robots in of.large_sizes(planner):
                found = of.lab[of.grow_job(robots, planner)]
                rows.append([
                    str(robots), f"`{planner}`", f"{found['throughput']:.2f}", f"{found['p50']:.2f}",
                    f"{found['p99']:.2f}", f"{found['first']:.0f}",
                ])  # fmt: skip
    free = of.lab[of.grow_job(of.scale.large[0], "pibt")]["free"]
    head = ["robots", "planner", "throughput", "step p50, ms", "p99, ms", "first step, ms"]
    return (
        f"## Large teams\n\nA warehouse of {free} free cells with goals anywhere, {of.scale.large_steps} steps, one "
        "thread for the whole team. In the first step every robot works out the ways to its goal from everywhere.\n\n"
        + markdown.table(head, rows)
    )


def _ablations(of: LifelongMapfStudy) -> str:
    taken_back = [_blocked(of, suite, of.total(suite, "guided", "blocked")[:, -1:]) for suite, _ in of.dissected]
    rows = [["is whole", *taken_back]]
    for name in WITHOUT:
        cells = [_PARTS[name]]
        for suite, _ in of.dissected:
            whole, other = of.throughput(suite, "guided")[:, -1], of.throughput(suite, "guided", name)[:, 0]
            change, low, high = (
                100.0 * value / whole.mean()
                for value in (other.mean() - whole.mean(), *difference_interval(other, whole, rates=False))
            )
            blocked = _blocked(of, suite, of.total(suite, "guided", "blocked", name))
            cells.append(f"{change:+.1f} [{low:+.1f}, {high:+.1f}]; {blocked}")
        rows.append(cells)
    head = ["`guided` …", *(f"{suite.title}, {robots} robots" for suite, robots in of.dissected)]
    return (
        "## What each part of `guided` is worth\n\nChange of the throughput in %, on the same instances, with the "
        "largest team; after it: blocked moves, %.\n\n" + markdown.table(head, rows)
    )


def _blocked(of: LifelongMapfStudy, suite: Suite, blocked: Array) -> str:
    """Moves that are taken back, % of all; from how many, ``float64[instances, sizes]`` of the largest teams."""
    moves = suite.count * sum(suite.sizes[-blocked.shape[1] :]) * of.scale.steps
    return f"{100.0 * blocked.sum() / moves:.2f}"


def _learning(of: LifelongMapfStudy) -> str:
    means = {suite: [of.throughput(suite, name).mean() for name in ("follower", "guided")] for suite in of.suites}
    better = [f"{suite.title} ({f:.3f} against {g:.3f})" for suite, (f, g) in means.items() if f > g]
    where = f"It is better than `guided` in: {', '.join(better)}." if better else "It is nowhere better than `guided`."
    return (
        "## Learning\n\n`follower` is learned; its command, figures and settings are on its "
        "[card](../policies/checkpoints/follower/card.md). `guided` uses no network: what it does is computed. "
        f"{where}\n\n![Learning curve of `follower`](../policies/checkpoints/follower/learning_curve.png)"
    )


def _losses(of: LifelongMapfStudy) -> str:
    lines = []
    for suite in _to_reach(of):
        floor, goal, learned = TO_REACH[suite.name]
        guided, follower = (of.throughput(suite, planner).mean() for planner in ("guided", "follower"))
        for name, value, least in (("guided", guided, goal), ("follower", follower, learned)):
            if value < least:
                missed = f"the goal of {goal:.2f}" if name == "guided" and value >= floor else "the floor"
                lines.append(f"- {suite.title}: `{name}` has {value:.3f}, below {missed}.")
    lines += where_behind(of)
    for suite in of.suites:
        first, second = of.throughput(suite, "follower"), of.throughput(suite, "guided")
        low, _ = difference_interval(first, second, rates=False)
        if low > 0.0:
            lines.append(f"- {suite.title}: the learned `follower` ({first.mean():.3f}) beats `guided` "
                         f"({second.mean():.3f}).")  # fmt: skip
        waits = of.total(suite, "guided", "wait")
        if waits.max() >= of.scale.steps:
            lines.append(
                f"- {suite.title}: in {(waits >= of.scale.steps).sum()} of {waits.size} episodes with `guided` some "
                f"robot reaches no goal at all in {of.scale.steps} steps. It prefers those near their goals, and gives "
                "no bound on waiting."
            )
    return "\n".join(lines) if lines else "Nowhere, by these figures."
