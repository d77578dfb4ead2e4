"""Where online is not the best, and what is left undone: found in the numbers."""

from __future__ import annotations

from envs.arena.episodes import Episodes
from studies.report import markdown
from studies.report.online_cbf import cases as study
from studies.report.online_cbf.cases import Case
from studies.report.online_cbf.floors import every, floors, mean_success, races
from studies.report.online_cbf.study import OnlineCbfStudy

_RIVALS = (study.BEST, study.SINGLE, study.RANDOM, study.WALL)
_SLOWER = 0.02


def where_worse(of: OnlineCbfStudy) -> str:
    """Markdown: figures that are not reached, better rivals, slower arrivals, robots that are left."""
    parts = [_missed(of), _better(of), _rule(of), _planners(of), _slower(of), _left(of), _LIMITS]
    return "\n\n".join(part for part in parts if part)


def _missed(of: OnlineCbfStudy) -> str:
    missed = [line for line in floors(of) if line.reached is False]
    lines = [f"- {line.what}: {line.measured} (to reach: {line.floor})." for line in missed]
    return "Not reached:\n\n" + "\n".join(lines) if lines else ""


def _goodness(case: Case, episodes: Episodes) -> float:
    """Success in %, or deliveries of a robot."""
    return float(episodes.deliveries[episodes.counted].mean()) if case.lifelong else mean_success(episodes)


def _better(of: OnlineCbfStudy) -> str:
    """Rivals that are as good or better than online, straight to the goal."""
    rows, equal = [], []
    for case in of.families:
        online = of.outcome(case, study.ONLINE)
        for method in _RIVALS:
            rival = of.outcome(case, method)
            ahead = _goodness(case, rival) - _goodness(case, online)
            if ahead > 0.0 or (case.lifelong and ahead == 0.0):
                shown = _shown(case, rival), _shown(case, online), _ahead(case, rival, online)
                rows.append([case.title, method.title, *shown])
            elif ahead == 0.0:
                equal.append((case, method))
    text = "No fixed setting and no hand rule is more successful than online in any family."
    if rows:
        head = ["family", "better", "its success, %", "online, %", "difference on the same episodes"]
        text = "More successful than online, straight to the goal:\n\n" + markdown.table(head, rows)
    if equal:
        names: dict[str, list[str]] = {}
        for case, method in equal:
            names.setdefault(case.title, []).append(method.title)
        listed = "; ".join(f"{case} ({', '.join(methods)})" for case, methods in names.items())
        text += f"\n\nExactly as successful: {listed}."
    return text


def _rule(of: OnlineCbfStudy) -> str:
    """What wall following for the stuck adds to the network, and where it takes away."""
    rows = []
    for case in of.families:
        alone, online = of.outcome(case, study.ALONE), of.outcome(case, study.ONLINE)
        if _goodness(case, alone) != _goodness(case, online):
            rows.append([case.title, _shown(case, alone), _shown(case, online), _ahead(case, online, alone)])
    if not rows:
        return "Wall following for robots that the network leaves stuck changes nothing in any family."
    head = ["family", "network alone, %", "online, %", "what the rule adds, on the same episodes"]
    title = "How much of it is the hand-written rule for robots that the network leaves stuck"
    return f"{title}:\n\n{markdown.table(head, rows)}"


def _planners(of: OnlineCbfStudy) -> str:
    """Where, with the roadmap, the best fixed setting does as well."""
    both = [case for case in of.families if {study.BEST_ROADMAP, study.ROADMAP} <= set(of.methods_of(case))]
    rows = []
    for case in both:
        fixed, online = of.outcome(case, study.BEST_ROADMAP), of.outcome(case, study.ROADMAP)
        if mean_success(fixed) >= mean_success(online):
            rows.append([case.title, _shown(case, fixed), _shown(case, online), _ahead(case, fixed, online)])
    if not rows:
        return "With the roadmap, online is more successful than the best fixed setting wherever both were measured."
    head = ["family", "best fixed + roadmap, %", "online + roadmap, %", "difference on the same episodes"]
    return "With the roadmap, the best fixed setting is at least as successful in:\n\n" + markdown.table(head, rows)


def _slower(of: OnlineCbfStudy) -> str:
    found = [race for race in races(of) if race.shorter < -_SLOWER]
    if not found:
        return ""
    shown = "; ".join(f"{race.case.title} ({-100.0 * race.shorter:.0f} %)" for race in found)
    return f"Later at the goal than with the best fixed setting, among the robots that arrive with both: {shown}."


def _left(of: OnlineCbfStudy) -> str:
    """How many robots did not arrive, or touched something, with the tuner."""
    rows = []
    for case, method, episodes in every(of):
        if method not in (study.ONLINE, study.ROADMAP) or case.lifelong:
            continue
        ours = episodes.counted
        missing, touched = int((~episodes.reached & ours).sum()), int((~episodes.safe).sum())
        if missing or touched:
            where = f"{case.family} {case.title}" if case.title.isdigit() else case.title
            shown = f"{missing} of {int(ours.sum())}"
            rows.append([where, method.title, shown, str(int((~episodes.complete).sum())), str(touched)])
    if not rows:
        return "With online, every robot arrived in every case."
    head = ["", "", "robots that did not arrive", "episodes with such a robot", "robots that touched something"]
    return "Left undone:\n\n" + markdown.table(head, rows)


def _shown(case: Case, episodes: Episodes) -> str:
    return f"{_goodness(case, episodes):.2f}" + (" deliveries" if case.lifelong else "")


def _ahead(case: Case, first: Episodes, second: Episodes) -> str:
    if case.lifelong:
        return markdown.difference(first.deliveries, second.deliveries, first.counted, rates=False)
    return markdown.difference(first.success, second.success, first.counted, scale=100.0)


_LIMITS = """What these figures do not say: states are exact and simultaneous, worlds are two-dimensional, and the \
robots' dynamics are those that the filter assumes; docs/safety.md has the filter alone. \
The figures of others come from their own worlds; only the protocol's numbers are the same. The rotation of the \
nominal control is not part of the paper's idea: class-K alone is its setting, and stands in every table."""
