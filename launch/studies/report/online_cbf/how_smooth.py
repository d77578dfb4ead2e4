"""The report on online CBFs: how smoothly everybody drives."""

from __future__ import annotations

from studies.report import markdown
from studies.report.online_cbf.study import OnlineCbfStudy


def how_smooth(of: OnlineCbfStudy) -> str:
    """A table of all families and methods without a roadmap of their own."""
    methods = [method for method in of.methods if method.filtered and not method.roadmap]
    rows = []
    for case in of.families:
        found = [of.smoothness(case, method) for method in methods]
        rows.append([case.title, *(_cell(one) for one in found)])
    return (
        "## How smoothly\n\nShare of a robot's periods in which a tunable moves by more than half of its box, "
        "in %; and by how much its command (velocity, acceleration, or forward speed and turn rate) changes from one "
        "period to the next, mean in % of the largest. Robots on their way only.\n\n"
        + markdown.table(["", *(method.title for method in methods)], rows)
    )


def _cell(found: dict[str, float] | None) -> str:
    return markdown.NONE if found is None else f"{100.0 * found['flips']:.2f} / {100.0 * found['change']:.2f}"
