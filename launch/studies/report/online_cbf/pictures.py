"""The pictures of the report on online CBFs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from envs.arena.episodes import Track
from studies.report import figures
from studies.report.online_cbf import cases as study
from studies.report.online_cbf.cases import Case
from studies.report.online_cbf.floors import mean_success
from studies.report.online_cbf.measurements import tracks_of
from studies.report.online_cbf.study import OnlineCbfStudy
from swarm.filter.tunables import ROBOT_GAIN, SPEED, decode

_COLUMNS = 3


def draw_pictures(of: OnlineCbfStudy, folder: Path) -> list[tuple[str, str]]:
    """Draw them all into a folder; returns file names and captions."""
    found = [*_trajectories(of, folder), *_meeting(of, folder), *_sizes(of, folder)]
    keep = {name for name, _ in found}
    for old in folder.glob("*.png"):
        if old.name not in keep:
            old.unlink()
    return found


def _film(of: OnlineCbfStudy, case: Case) -> list[tuple[str, Track]]:
    """The case's episode with the best fixed setting and online, with titles."""
    job = of.film_job(case)
    result = of.lab[job]
    found = []
    for name, entry, track in zip(
        ("best fixed", "online"), result["tracks"], tracks_of(job.options, result), strict=True
    ):
        seconds = len(track.action) * track.scenario.dt
        found.append((f"{case.name}, {name}: {entry['reached']} of {entry['of']} in {seconds:.1f} s", track))
    return found


def _trajectories(of: OnlineCbfStudy, folder: Path) -> list[tuple[str, str]]:
    cases = [case for case in of.families if case.name in study.PICTURED]
    found = []
    for first in range(0, len(cases), _COLUMNS):
        some = cases[first : first + _COLUMNS]
        name = f"trajectories_{first // _COLUMNS + 1}.png"
        figures.trajectories(folder / name, [_film(of, case) for case in some])
        names = ", ".join(case.title for case in some)
        caption = f"{names}: best fixed setting above, online below; diamonds are goals, dark grey is in the way."
        found.append((name, caption))
    return found


def _meeting(of: OnlineCbfStudy, folder: Path) -> list[tuple[str, str]]:
    """Two robots that meet, the first case that online solves; the first of all if it solves none."""
    cases = [case for name in study.MEETING for case in of.families if case.name == name]
    if not cases:
        return []
    films = {case.name: of.lab[of.film_job(case)]["tracks"][1] for case in cases}
    solved = [case for case in cases if films[case.name]["reached"] == films[case.name]["of"]]
    case = (solved or cases)[0]
    track = _film(of, case)[1][1]
    figures.choices(folder / "meeting.png", track, f"{case.name}, online")
    return [("meeting.png", f"{case.title}, online: what two robots that meet choose. {who_goes_first(track)}")]


def who_goes_first(track: Track) -> str:
    """Which of two robots is sooner at its goal, and how their choices differ until then, in words."""
    goals = np.array([robot.goals[-1] for robot in track.scenario.robots])
    reach = 2.0 * np.array([robot.radius for robot in track.scenario.robots])
    there = np.linalg.norm(track.state[:, :2, :2] - goals[:2], axis=-1) <= reach[:2]
    times = np.where(there.any(axis=0), there.argmax(axis=0), len(there))
    first = int(np.argmin(times))
    until = max(1, int(min(times.min(), len(track.action))))
    values = decode(track.action[:until, :2])
    means = [np.exp(np.log(values[:, i, ROBOT_GAIN]).mean()) for i in range(2)]
    speeds = [values[:, i, SPEED].mean() for i in range(2)]
    if not there.any():
        return "Neither of them arrives."
    return (
        f"Robot {first} is there first; until then its gain for robots is {means[first]:.1f}/s in the mean, the "
        f"other's {means[1 - first]:.1f}/s, and its share of the speed {speeds[first]:.2f}, "
        f"the other's {speeds[1 - first]:.2f}."
    )


def _sizes(of: OnlineCbfStudy, folder: Path) -> list[tuple[str, str]]:
    cases = of.chosen(study.DENSE)
    if not cases:
        return []
    ours = {
        method.title.strip("*"): {int(case.title): mean_success(of.outcome(case, method)) for case in cases}
        for method in study.TEAM_METHODS
    }
    figures.team_sizes(folder / "team_size.png", ours)
    return [("team_size.png", "Success against team size at constant density.")]
