"""The figures that were to be reached, set before the measurement, and what was reached."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from envs.arena.episodes import Episodes
from envs.commands.intervals import rate_interval
from studies.report.online_cbf import cases as study
from studies.report.online_cbf.cases import Case, Method
from studies.report.online_cbf.study import OnlineCbfStudy
from swarm.array_types import Flags

# A family counts as solved where every robot is safe and arrives in more than this share of the episodes.
HALF = 0.5
_SHORTER = 0.1
_FLIPS, _CHANGE = 0.01, 1.3
_MILLISECONDS = {8: 0.5, 64: 3.0, 1024: 50.0}


@dataclass(frozen=True)
class Floor:
    """One line: what, what was to be reached, what was, and whether that is enough (None: not measured)."""

    what: str
    floor: str
    measured: str
    reached: bool | None


@dataclass(frozen=True)
class Race:
    """Online against the best fixed setting in one case; times in s, over the robots that arrive with both."""

    case: Case
    fixed: Episodes
    online: Episodes

    @property
    def both(self) -> Flags:
        """``bool[E, N]``: robots that count and arrive with both."""
        return self.fixed.counted & self.fixed.reached & self.online.reached

    @property
    def shorter(self) -> float:
        """By which share the robots that arrive with both are sooner online; 0 if there is none."""
        if not self.both.any():
            return 0.0
        return float(1.0 - self.online.time[self.both].mean() / self.fixed.time[self.both].mean())

    @property
    def shorter_of_all(self) -> float:
        """The same over all robots, the horizon for those that do not arrive."""
        ours = self.fixed.counted
        return float(1.0 - self.online.time[ours].mean() / self.fixed.time[ours].mean())


def races(of: OnlineCbfStudy) -> list[Race]:
    """All cases of the main tables whose work ends."""
    ending = [case for case in of.families if not case.lifelong]
    return [Race(case, of.outcome(case, study.BEST), of.outcome(case, study.ONLINE)) for case in ending]


def floors(of: OnlineCbfStudy) -> list[Floor]:
    """All lines, in the order of the report."""
    parts = _collisions, _protocol, _teams, _comparisons, _smoothness, _families, _times
    return [line for part in parts for line in part(of)]


def every(of: OnlineCbfStudy) -> Iterator[tuple[Case, Method, Episodes]]:
    """Everything that was measured with the tables' methods and the filter on, each once."""
    pairs = [(case, method) for case in of.families for method in of.methods_of(case) if method.filtered]
    teams = of.chosen((*study.CROWDED, *study.DENSE, *study.OPEN))
    pairs += [(case, method) for case in teams for method in study.TEAM_METHODS]
    unique = {of.job(case, method).key: (case, method) for case, method in reversed(pairs)}
    for case, method in reversed(unique.values()):
        yield case, method, of.outcome(case, method)


def mean_success(episodes: Episodes) -> float:
    """Success over the robots that count, in %."""
    return 100.0 * float(episodes.success[episodes.counted].mean())


def solved_online_only(of: OnlineCbfStudy) -> list[tuple[Case, float, float]]:
    """Cases that no fixed setting solves and online (alone or not) does, with the shares of complete episodes."""
    found = []
    for race in races(of):
        most = max(setting.complete for setting in of.finals(race.case).settings)
        online = max(float(of.outcome(race.case, method).complete.mean()) for method in (study.ALONE, study.ONLINE))
        if most <= HALF < online:
            found.append((race.case, most, online))
    return found


def _at_least(what: str, floor: float, values: Iterable[tuple[str, float]]) -> Floor:
    """A floor, in %, for several values."""
    found = list(values)
    shown = ", ".join(f"{name} {value:.2f}" for name, value in found)
    reached = all(value >= floor for _, value in found) if found else None
    return Floor(what, f"≥ {floor:g} %", shown or "not measured", reached)


def _collisions(of: OnlineCbfStudy) -> Iterator[Floor]:
    measured = [episodes for _, _, episodes in every(of)]
    measured += [of.compare(case, entry) for case in of.compared for entry in (None, *of.checkpoints)]
    touched = sum(int((~episodes.safe).sum()) for episodes in measured)
    robots = sum(episodes.safe.size for episodes in measured)
    for table in (table for case in of.families for table in (*of.tables(case), of.finals(case))):
        driven = table.episodes * table.robots
        touched += sum(round((1.0 - setting.safe) * driven) for setting in table.settings)
        robots += driven * len(table.settings)
    what = "Collisions, all families, filter on, any controller, the sweeps too"
    yield Floor(what, "0", f"{touched} in {robots:,} robots' episodes", touched == 0)


def _protocol(of: OnlineCbfStudy) -> Iterator[Floor]:
    titles = {f"{prefix}_{name}": title for name, (title, _) in study.KINDS.items() for prefix in ("clutter", "crowd")}

    def values(cases: Iterable[Case], method: Method) -> list[tuple[str, float]]:
        return [(titles[case.name], mean_success(of.outcome(case, method))) for case in cases]

    alone = [case for case in of.families if case.name in titles]
    yield _at_least("GCBF+ protocol, 8 robots, success with the roadmap", 99.9, values(alone, study.ROADMAP))
    crowded = of.chosen(study.CROWDED)
    yield _at_least("32 robots in the same square, with the roadmap", 99.7, values(crowded, study.ROADMAP))
    line = _at_least("8 robots without any planner, online", 99.4, values(alone, study.ONLINE))
    above = all(
        mean_success(of.outcome(case, study.ONLINE)) > mean_success(of.outcome(case, method))
        for case in alone for method in (study.BEST, *study.HAND_RULES)
    )  # fmt: skip
    rest = "above best fixed and both hand rules" if above else "not above best fixed and both hand rules everywhere"
    floor = f"{line.floor}, and above the best hand rule and the best fixed setting"
    yield Floor(line.what, floor, f"{line.measured}; {rest}", line.reached and above)


def _teams(of: OnlineCbfStudy) -> Iterator[Floor]:
    for what, floor, cases, method in (
        ("Constant density, success with the roadmap, by team size", 99.5, study.DENSE, study.ROADMAP),
        ("2 to 10 robots of mixed radius and speed without obstacles, roadmap", 99.9, study.OPEN, study.ROADMAP),
    ):
        values = [(case.title, mean_success(of.outcome(case, method))) for case in of.chosen(cases)]
        yield _at_least(what, floor, values)


def _comparisons(of: OnlineCbfStudy) -> Iterator[Floor]:
    what = "Class-K alone, online against best fixed per family"
    floor = "nowhere below with disjoint intervals, above with disjoint ones in ≥ 3"
    if study.CLASS_K not in of.methods:
        yield Floor(what, floor, "not measured", None)
        return
    lower, below, disjoint, ending = 0, [], [], [case for case in of.families if not case.lifelong]
    for case in ending:
        fixed, online = of.outcome(case, study.BEST), of.outcome(case, study.CLASS_K)
        lower += mean_success(online) < mean_success(fixed)
        ours, theirs = (rate_interval(one.success, one.counted) for one in (online, fixed))
        if ours[1] < theirs[0]:
            below.append(case.name)
        if ours[0] > theirs[1]:
            disjoint.append(case.name)
    shown = f"means lower in {lower} of {len(ending)}; disjoint below in {_named(below)}, above in {_named(disjoint)}"
    yield Floor(what, floor, shown, not below and len(disjoint) >= 3)


def _named(cases: list[str]) -> str:
    return f"{len(cases)}" + (f" ({', '.join(cases)})" if cases else "")


def _smoothness(of: OnlineCbfStudy) -> Iterator[Floor]:
    found = {method: [of.smoothness(case, method) for case in of.families]
             for method in (study.BEST, study.ALONE, study.ONLINE)}  # fmt: skip
    what = "Tunables that move by more than half of their box in one period, of all periods"
    change = "Mean change of the command in a period, network alone, against the best fixed setting of the family"
    if any(one is None for some in found.values() for one in some):
        yield Floor(what, "≤ 1 %", "not measured", None)
        return
    flips = {method: max(one["flips"] for one in found[method] if one) for method in (study.ALONE, study.ONLINE)}
    shown = f"network alone {100.0 * flips[study.ALONE]:.2f}, online {100.0 * flips[study.ONLINE]:.2f} at most"
    yield Floor(what, "≤ 1 %", shown, max(flips.values()) <= _FLIPS)
    pairs = zip(of.families, found[study.ALONE], found[study.BEST], strict=True)
    more = [case.name for case, ours, fixed in pairs if ours and fixed and ours["change"] > _CHANGE * fixed["change"]]
    shown = f"more in {_named(more)} of {len(of.families)} families"
    yield Floor(change, f"≤ {_CHANGE:g} ×", shown, not more)


def _families(of: OnlineCbfStudy) -> Iterator[Floor]:
    solved = solved_online_only(of)
    shown = ", ".join(f"{case.name} ({100.0 * most:.0f} → {100.0 * online:.0f} %)" for case, most, online in solved)
    what = "Families in which every fixed setting leaves robots behind in half of the episodes, online or alone not"
    yield Floor(what, "≥ 3", f"{len(solved)}: {shown}" if solved else "0", len(solved) >= 3)
    fair = [race for race in races(of) if mean_success(race.online) >= mean_success(race.fixed)]
    enough = [race for race in fair if race.shorter >= _SHORTER]
    of_all = [race for race in fair if race.shorter_of_all >= _SHORTER]
    names = ", ".join(f"{race.case.name} ({100.0 * race.shorter:.0f} %)" for race in enough)
    shown = f"{len(enough)}" + (f": {names}" if names else "") + " (robots that arrive with both); "
    shown += f"{len(of_all)} if those that do not arrive count with the horizon"
    what = "Families in which online is at least 10 % sooner at the goal than the best fixed setting, and as successful"
    yield Floor(what, "≥ 5", shown, len(enough) >= 5)


def _times(of: OnlineCbfStudy) -> Iterator[Floor]:
    jobs = {(job.options["robots"], job.options["planner"]): job for job in of.timing_jobs()}
    shown, good = [], True
    for robots in (robots for robots in study.TIMED if (robots, "straight") in jobs):
        straight, roadmap = (of.lab[jobs[robots, planner]]["p50"] for planner in ("straight", "roadmap"))
        shown.append(f"{robots}: {straight:.2f} ({roadmap:.2f} with the roadmap)")
        good = good and straight <= _MILLISECONDS[robots]
    yield Floor("Decision time for all robots together, one thread, ms", "≤ 0.5 / 3 / 50", ", ".join(shown), good)
