"""The report on narrow places as Markdown: fixed sentences, and numbers that come from measurements alone."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from envs.arena.episodes import Episodes
from studies.report import markdown
from studies.report.narrow_places import cases as study
from studies.report.narrow_places.study import NarrowPlacesStudy
from studies.report.online_cbf import published_baselines
from studies.report.online_cbf.floors import mean_success

PICTURES = "narrow_places"
_ARRIVE, _COMPLETE, _BELOW = 99.0, 97.0, 97.0
_PASSES = 3  # So many who came later pass a door or lane while one waits before it, at most.
_LONGEST = {2: 2.0, 4: 2.0, 8: 3.0}  # Time to the goal over that alone, at most, by the number of robots.

_INTRODUCTION = """# Narrow places

Written by `launch/report.py narrow_places`; every number in it is measured by that command, but for those of others.

Where two robots cannot pass each other, in a door, a lane or between two boxes, somebody has to go first. The planner \
`passages` finds such places on the static map and has robots take them by agreement, with messages among neighbours \
alone ([design](design.md)); everywhere else the safety filter sorts it out. `auto` is this planner where a world has \
such places, and the roadmap alone where it has none. Here the same robots drive the same episodes with both; the \
controller is always *online*, the tuner as it is deployed."""


def report(of: NarrowPlacesStudy, machine: str, command: str, pictures: Iterable[tuple[str, str]]) -> str:
    """The whole text.

    Args:
        of: The measurements, done.
        machine: On which they were made.
        command: With which.
        pictures: File names and captions.
    """
    shown = markdown.pictures(PICTURES, pictures)
    parts = (
        _INTRODUCTION, _measured(of, machine, command), f"## Right of way\n\n{shown}", _narrow(of), _inexact(of),
        _families(of), f"## Where it falls short\n\n{_short(of)}",
    )  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _measured(of: NarrowPlacesStudy, machine: str, command: str) -> str:
    everything = [episodes for case in (*study.FAMILIES, *study.NARROW) for episodes in of.both(case)]
    everything += [of.outcome(case, "auto", study.ERRORS) for case in study.NARROW]
    touched = sum(int((~episodes.safe).sum()) for episodes in everything)
    robots = sum(episodes.safe.size for episodes in everything)
    lines = [
        "## What was measured", "",
        f"- Command: `{command}`; raw results are kept as JSON in `runs/narrow_places/`, and `--reuse` takes them.",
        f"- Machine: {machine}. All measurements together: {of.lab.seconds / 60.0:.0f} minutes of one thread.",
        f"- Seed {of.seed}; episode k is drawn from (seed, k), the same for both planners. Nothing was chosen on it.",
        f"- **Collisions: {touched} of {robots:,} robots' episodes.** Gaps are measured at six instants of a period.",
        "- *Arrive*: share of the robots that were within two radii of their goals. *Complete*: share of the episodes "
        "in which all did. *Time*: mean time to the goal, the horizon for a robot that does not arrive, over the mean "
        "time of the same robots alone in the same worlds.",
        "- Brackets are 95 % intervals over episodes.",
    ]  # fmt: skip
    if of.lab.of_other_code:
        lines.append(f"- **{of.lab.of_other_code} results were measured with an older state of the code.**")
    return "\n".join(lines)


def _complete(episodes: Episodes) -> float:
    return 100.0 * float(episodes.complete.mean())


def _late(of: NarrowPlacesStudy, case: study.Case) -> float:
    """Mean time to the goal with ``auto``, over that of each robot alone."""
    after, (alone, _) = of.outcome(case, "auto"), of.alone(case)
    return float(after.time[after.counted].mean() / alone[after.counted].mean())


def _narrow(of: NarrowPlacesStudy) -> str:
    rows = []
    for case in study.NARROW:
        before, after = of.both(case)
        _, arrived = of.alone(case)
        rows.append([
            case.title, str(len(after.safe)), markdown.success(before), f"{_complete(before):.1f}",
            markdown.success(after), f"{_complete(after):.1f}",
            f"{_late(of, case):.2f}", *(str(most) for most in of.passes(case).max(axis=(0, 1), initial=0).tolist()),
            f"{100.0 * arrived[after.counted].mean():.1f}",
        ])  # fmt: skip
    solved = np.concatenate([of.solved(case) for case in study.NARROW])
    draws, refused = len(solved), int((~solved).sum())
    return (
        "## Rooms, lanes with bays, blocks\n\nDoors and lanes are 2.4 to 3.2 radii wide; margin 0. Horizon: 60 s, "
        f"blocks 90 s. A draw counts if a central search on cells solves it: {refused} of {draws} draws are refused "
        f"({100.0 * refused / draws:.1f} %). *Passes*: how often others went through a door or lane while one waited "
        "to get in, at most. *Later*: the same of those others alone who came to it later than that one. Where eight "
        "come to one lane, the last one is passed by seven, whoever goes first; that nobody is left behind is told by "
        "those who came later.\n\n"
        + markdown.table(
            ["", "episodes", "roadmap: arrive, %", "complete, %", "**auto**: arrive, %", "complete, %", "time, × alone",
             "passes", "later", "each alone arrives, %"], rows,
        )
    )  # fmt: skip


def _inexact(of: NarrowPlacesStudy) -> str:
    rows = []
    for case in study.NARROW:
        exact, errors = of.outcome(case, "auto"), of.outcome(case, "auto", study.ERRORS)
        rows.append([case.title, markdown.success(exact), markdown.success(errors), f"{_complete(errors):.1f}"])
    position, loss = (100.0 * study.ERRORS[name] for name in ("position", "loss"))
    return (
        f"## The same worlds with errors\n\nPositions are wrong by up to {position:.0f} % of the radius, "
        f"states one period old, commands one period late, {loss:.0f} % of the messages lost; declared, "
        "so that the robots count on it. Doors and lanes are 2.4 to 3.2 times as wide as the radius and the margin "
        "that these errors ask for.\n\n"
        + markdown.table(["", "exact: arrive, %", "with errors: arrive, %", "complete, %"], rows)
    )  # fmt: skip


def _families(of: NarrowPlacesStudy) -> str:
    rows = []
    for case in study.FAMILIES:
        before, after = of.both(case)
        kind = case.name.removeprefix("clutter_")
        theirs = published_baselines.MEASURED.get(kind)
        orca = published_baselines.ORCA[8][1] if case.name == "open" else None
        others = f"GCBF+ {theirs[0]:.1f}" if theirs else f"ORCA {orca:.1f}" if orca else markdown.NONE
        rows.append([
            case.title, str(len(after.safe)), markdown.success(before), markdown.success(after),
            markdown.difference(after.success, before.success, after.counted, scale=100.0),
            f"{before.time[before.counted].mean():.2f}", f"{after.time[after.counted].mean():.2f}", others,
        ])  # fmt: skip
    return (
        "## Every family of the report on online CBFs\n\nSuccess in %, mean time to the goal in s. In the last column "
        "what others reach in worlds of this kind, as in [that report](online_cbf.md): GCBF+ in its own environment, "
        "ORCA (all reach, with jitter) on an open floor. Grid maps have a planner of their own, `cells` "
        "([lifelong MAPF](lifelong_mapf.md)).\n\n"
        + markdown.table(
            ["", "episodes", "online + roadmap", "**online + auto**", "difference", "time, roadmap", "time, auto",
             "others"], rows,
        )
    )  # fmt: skip


def _short(of: NarrowPlacesStudy) -> str:
    """Where ``auto`` is below what was to be reached, or below the roadmap."""
    found = []
    for case in study.NARROW:
        exact, errors = of.outcome(case, "auto"), of.outcome(case, "auto", study.ERRORS)
        if mean_success(exact) < _ARRIVE or _complete(exact) < _COMPLETE:
            found.append(f"- {case.title}: {mean_success(exact):.1f} % arrive, {_complete(exact):.1f} % complete.")
        longest = _LONGEST.get(case.drawn["options"]["robots"], np.inf)
        if (late := _late(of, case)) > longest:
            found.append(f"- {case.title}: {late:.2f} times as long as alone, and not {longest:g}.")
        if (most := int(of.passes(case)[..., 1].max(initial=0))) > _PASSES:
            found.append(f"- {case.title}: {most} who came later go through while one waits, and not {_PASSES}.")
        if mean_success(errors) < _BELOW:
            found.append(f"- {case.title}, with errors: {mean_success(errors):.1f} % arrive.")
    for case in study.FAMILIES:
        before, after = of.both(case)
        ours, plain = mean_success(after), mean_success(before)
        if ours < plain:
            found.append(f"- {case.title}: {ours:.2f} % with `auto`, {plain:.2f} % with the roadmap.")
        late = float(np.mean(after.time[after.counted]) / np.mean(before.time[before.counted]))
        if late > 1.02:
            found.append(f"- {case.title}: {100.0 * (late - 1.0):.0f} % more time than with the roadmap.")
    if not found:
        return "Nowhere here."
    return (
        f"What was to be reached: {_ARRIVE:g} % of the robots arrive, {_COMPLETE:g} % of the episodes are complete, "
        f"{_BELOW:g} % arrive with errors; twice the time alone for up to 4 robots, three times for 8; {_PASSES} who "
        f"came later pass one that waits, at most; nowhere below the roadmap.\n\n" + "\n".join(found)
    )
