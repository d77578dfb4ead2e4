"""The report on online CBFs as Markdown: fixed sentences, and numbers that come from measurements alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import yaml

from envs.arena.episodes import Episodes
from envs.commands.evaluation.sweep import Setting
from studies.report import markdown
from studies.report.online_cbf import cases as study
from studies.report.online_cbf import published_baselines
from studies.report.online_cbf.cases import Case, Method
from studies.report.online_cbf.floors import HALF, floors, mean_success, solved_online_only
from studies.report.online_cbf.how_smooth import how_smooth
from studies.report.online_cbf.study import OnlineCbfStudy
from studies.report.online_cbf.where_worse import where_worse

PICTURES = "online_cbf"
_MARKS = {True: "yes", False: "**no**", None: markdown.NONE}


def report(of: OnlineCbfStudy, machine: str, command: str, pictures: Iterable[tuple[str, str]]) -> str:
    """The whole text.

    Args:
        of: The measurements, done.
        machine: On which they were made.
        command: With which.
        pictures: File names and captions.
    """
    parts: list[Callable[[OnlineCbfStudy], str]] = [
        _families, _sweeps, _protocol, _dense, _open, _tunables, how_smooth, _decisions,
    ]  # fmt: skip
    shown = markdown.pictures(PICTURES, pictures)
    return "\n\n".join(
        part for part in (
            _INTRODUCTION, _floors(of), _measured(of, machine, command), *(part(of) for part in parts),
            f"## Pictures\n\n{shown}" if shown else "", f"## Where we lose\n\n{where_worse(of)}",
        ) if part
    ) + "\n"  # fmt: skip


_INTRODUCTION = """# Online CBFs

Written by `launch/report.py online_cbf`; every number in it is measured by that command, but for those of others.

A robot's safety filter has four class-K parameters: gain and power for robots, gain and power for obstacles. Fixed \
ones are a compromise: careful robots do not arrive, bold ones get stuck on each other. Here a graph network sets them \
at every step, for each robot from what it senses and hears (after Gao, Yang and Prorok, *Online Control Barrier \
Functions for Decentralized Multi-Agent Navigation*, 2023). *Class-K alone* is that setting. *Network alone* is \
the tuner that ships: it also turns the nominal control sideways and sets its speed. *Online* is this network as it \
is deployed: for a robot that it leaves stuck, a rule written by hand takes over, wall following, until the robot is \
nearer to its goal than ever. The filter is always the same."""


def _floors(of: OnlineCbfStudy) -> str:
    rows = [[line.what, line.floor, line.measured, _MARKS[line.reached]] for line in floors(of)]
    missing = [line.what for line in floors(of) if line.reached is False]
    sentence = f"{len(missing)} of {len(rows)} figures are not reached." if missing else "All figures are reached."
    return f"## In short\n\nWhat was to be reached was set before the measurement. {sentence}\n\n" + markdown.table(
        ["figure", "to reach", "measured", "reached"], rows
    )


def _measured(of: OnlineCbfStudy, machine: str, command: str) -> str:
    lines = [
        "## What was measured", "",
        f"- Command: `{command}`; raw results are kept as JSON in `runs/online_cbf/`, and `--reuse` takes them.",
        f"- Machine: {machine}. All measurements together: {of.lab.seconds / 60.0:.0f} minutes of one thread.",
        f"- Seeds: episode k is drawn from (seed, k), seed {of.seed}, the same for every method. What was chosen "
        f"(fixed settings, settings of hand rules) was chosen on the seeds {of.seed + 1} and {of.seed + 2}. "
        "Training never saw any of them.",
        "- *Safe*: never touched anything. *Reached*: was within two radii of its goal at least once. *Success*: "
        "both. Rates are over robots and episodes; robots that do not cooperate count for safety only.",
        "- *Time to goal*: the mean over robots, the horizon for one that does not arrive.",
        "- Brackets are 95 % intervals: episodes are resampled, since the robots of one share their fate; where all "
        "episodes agree, the bound of Clopper and Pearson over episodes.",
        "- *Best fixed, per family*: the best of the sweep in that family. *Best single fixed*: the best one "
        f"over all families, {_setting(of.single)}. Both go straight to the goal, as everything does that "
        "has no roadmap in its name. Each *hand rule* has the best of five settings of its own, likewise chosen.",
        "- *No filter*: the nominal control as it is, straight to the goal at full speed.",
    ]  # fmt: skip
    if of.lab.of_other_code:
        lines.append(f"- **{of.lab.of_other_code} results were measured with an older state of the code.**")
    for name, why in of.skipped.items():
        lines.append(f"- Checkpoint `{name}` is left out: {why}.")
    return "\n".join(lines)


def _setting(parameters: Iterable[float]) -> str:
    gain, power, obstacle_gain, obstacle_power = parameters
    return f"{gain:.3g}·h^{power:.3g} for robots and {obstacle_gain:.3g}·h^{obstacle_power:.3g} for obstacles"


def _families(of: OnlineCbfStudy) -> str:
    parts = ["## Every family"]
    for case in of.families:
        head = markdown.LIFELONG_HEAD if case.lifelong else markdown.HEAD
        rows = [
            [method.title, *markdown.row(of.outcome(case, method), lifelong=case.lifelong, filtered=method.filtered)]
            for method in of.methods_of(case)
        ]
        note = f"`{case.family}`, {of.episodes(case)} episodes"
        note += "; all methods follow the roadmap." if case.planner == "roadmap" else "."
        parts.append(f"### {case.title[0].upper()}{case.title[1:]}\n\n{note}\n\n{markdown.table(head, rows)}")
    return "\n\n".join(parts)


def _sweeps(of: OnlineCbfStudy) -> str:
    rows = []
    for case in of.families:
        tables = of.tables(case)
        settings = [setting for table in tables for setting in table.settings]
        best = of.best(case)
        most = max(setting.complete for setting in of.finals(case).settings)
        behind = sum(setting.complete <= HALF for setting in settings)
        if case.lifelong:
            result, shown = [f"{best.deliveries:.1f} deliveries", markdown.NONE], [markdown.NONE] * 2
        else:
            single = next(setting for setting in tables[0].settings if setting.parameters == of.single)
            result = [f"{100.0 * best.success:.2f}", f"{100.0 * single.success:.2f}"]
            shown = [f"{behind} of {len(settings)}", f"{100.0 * most:.0f}"]
        rows.append([case.title, f"{len(settings)}", _short(best), *result, *shown])
    solved = solved_online_only(of)
    names = "; ".join(f"{case.title} ({100.0 * m:.0f} % → {100.0 * o:.0f} %)" for case, m, o in solved)
    sentence = (
        "Families in which every fixed setting leaves robots behind in at least half of the episodes, and online, "
        f"alone or not, does not ({len(solved)}; complete episodes with best setting for that → online): {names}."
        if solved else "No family is solved in more than half of the episodes by online alone."
    )  # fmt: skip
    scale = of.scale
    return (
        "## The sweep of fixed settings\n\n"
        f"{scale.gains} gains × {scale.powers} powers for robots × the same for obstacles, over the whole box, "
        "in every family. Where none of them is complete (everybody safe and at the goal) in 60 % of the episodes, "
        "also 25 gains × 15 powers for robots, with the same and with four other settings for obstacles. The best are "
        "measured again on four times as many other episodes, which decides. Straight to the goal (warehouse: "
        "with the roadmap, every second gain and power).\n\n"
        + markdown.table(
            ["family", "settings", "best fixed (gain, power; obstacles)", "its success, %", "best single, %",
             "settings with robots left behind in half of the episodes", "most complete of all settings, %"], rows,
        )
        + f"\n\n{sentence}"
    )  # fmt: skip


def _short(setting: Setting) -> str:
    values = setting.parameters
    return f"{values[0]:.3g}, {values[1]:.3g}; {values[2]:.3g}, {values[3]:.3g}"


def _protocol(of: OnlineCbfStudy) -> str:
    cases = {name: _named(of.families, f"clutter_{name}") for name in study.KINDS}
    methods = [method for method in of.methods if method.filtered]
    rows = []
    for name, case in cases.items():
        if case is not None:
            theirs = published_baselines.MEASURED.get(name)
            figures = [f"{value:.1f}" for value in theirs] if theirs else [markdown.NONE] * 2
            rows.append([study.KINDS[name][0], *_cells(of, case, methods), *figures])
    if not rows:
        return ""
    head = ["", *(method.title for method in methods), "GCBF+", "its fixed CBF-QP"]
    text = (
        "## The GCBF+ protocol\n\n8 robots, 8 obstacles, a square of 4 m, 512 steps of 0.03 s; success in %. The last "
        "two columns: GCBF+ (T-RO 2025), their released models measured by us in their own environment on 16 episodes "
        "(the fixed CBF-QP with its best parameter; their car has an acceleration, our unicycle has not).\n\n"
        + markdown.table(head, rows)
    )  # fmt: skip
    crowd = of.chosen(study.CROWDED)
    if not crowd:
        return text
    rows = [[case.title, *_cells(of, case, study.TEAM_METHODS)] for case in crowd]
    return f"{text}\n\n32 robots in the same square:\n\n" + markdown.table(["", *_titles(study.TEAM_METHODS)], rows)


def _dense(of: OnlineCbfStudy) -> str:
    rows = []
    for case in of.chosen(study.DENSE):
        rows.append([case.title, str(of.episodes(case)), *_cells(of, case, study.TEAM_METHODS)])
    if not rows:
        return ""
    head = ["robots", "episodes", *_titles(study.TEAM_METHODS)]
    return (
        "## Constant density\n\n8 robots and 8 obstacles on every 16 m², double integrators, goals within 4 m; "
        "success in %. The network was trained with at most 8 robots.\n\n" + markdown.table(head, rows)
    )


def _open(of: OnlineCbfStudy) -> str:
    rows = []
    for case in of.chosen(study.OPEN):
        ours = []
        for method in study.TEAM_METHODS:
            result = of.outcome(case, method)
            ours.append(f"{markdown.success(result)} ({100.0 * result.complete.mean():.1f})")
        theirs = published_baselines.ORCA[int(case.title)]
        rows.append([case.title, str(of.episodes(case)), *ours, *(f"{value:.1f}" for value in theirs)])
    if not rows:
        return ""
    head = ["robots", "cases", *_titles(study.TEAM_METHODS), "ORCA", "ORCA, with 0.01 m/s of jitter"]
    return (
        "## 2 to 10 robots of mixed radius and speed, no obstacles\n\nRadii 0.2 to 0.8 m, speeds 0.5 to 1.5 m/s; "
        "success in % of the robots, and in brackets cases in which all arrive without collision, in %. ORCA (RVO2) is "
        "counted in the latter way, in its own 500 cases.\n\n" + markdown.table(head, rows)
    )


def _tunables(of: OnlineCbfStudy) -> str:
    if not of.compared:
        return ""
    groups = {
        "tunables": "What each tunable adds, class-K alone first (the paper's own setting)",
        "ablation": "Without a part of what it senses or sets",
        "rounds": "Rounds of message passing, one broadcast each, a step late (the shipped tuner has one)",
        "seeds": "Three trainings that differ in the seed alone",
    }
    parts = [
        "## What it comes from\n\nSuccess in % and mean time to goal in s on the same episodes, straight to the goal, "
        f"{of.scale.episodes} episodes each; networks alone, without wall following for the stuck. What is left out or "
        "added is trained for fewer steps than the shipped network (commands below): compare it with *as short*."
    ]
    short = [entry for entry in of.checkpoints if entry.name == study.SHORT]
    for group, title in groups.items():
        entries = [entry for entry in of.checkpoints if entry.group == group]
        if not entries:
            continue
        if group in ("ablation", "rounds"):
            entries = [*short, *entries]
        names = {**{entry.title: entry for entry in entries}, "**all tunables: the shipped network**": None}
        rows = [[name, *(_brief(of.compare(case, entry)) for case in of.compared)] for name, entry in names.items()]
        if group == "seeds":
            spread = [
                max(values) - min(values)
                for values in ([mean_success(of.compare(case, e)) for e in (None, *entries)] for case in of.compared)
            ]
            rows.append(["largest minus smallest", *(f"{value:.2f}" for value in spread)])
        parts.append(f"### {title}\n\n" + markdown.table(["", *(case.title for case in of.compared)], rows))
    commands = [f"- {entry.title}: `{_command(of, entry.name)}`" for entry in of.checkpoints]
    return "\n\n".join([*parts, "Trained with:\n\n" + "\n".join(commands)])


def _command(of: OnlineCbfStudy, name: str) -> str:
    folder = of.folder(name)
    if folder is None:
        return markdown.NONE
    return str(yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8")).get("command", markdown.NONE))


def _brief(episodes: Episodes) -> str:
    ours = episodes.counted
    return f"{markdown.success(episodes)}, {episodes.time[ours].mean():.2f} s"


def _decisions(of: OnlineCbfStudy) -> str:
    rows = []
    for job in of.timing_jobs():
        robots, planner = job.options["robots"], job.options["planner"]
        theirs = published_baselines.DECISION_MS.get(robots)
        reference = f"{theirs:g}" if theirs else markdown.NONE
        rows.append([f"{robots}, {planner}", *markdown.milliseconds(of.lab[job]), reference])
    return (
        "## Time per decision\n\nMilliseconds for all robots of a world together, in one thread: the median, 99 %, and "
        "the medians of the parts. The filter's part includes moving the robots and measuring their gaps. GCBF+ "
        "(T-RO 2025), their released model measured by us: two processor cores.\n\n"
        + markdown.table(["robots", "median", "99 %", "plan", "observe", "network", "filter", "GCBF+"], rows)
    )  # fmt: skip


def _named(cases: Iterable[Case], name: str) -> Case | None:
    return next((case for case in cases if case.name == name), None)


def _titles(methods: Iterable[Method]) -> list[str]:
    return [method.title for method in methods]


def _cells(of: OnlineCbfStudy, case: Case, methods: Iterable[Method]) -> list[str]:
    return [markdown.success(of.outcome(case, method)) for method in methods]
