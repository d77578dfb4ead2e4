"""The measurements behind the report on narrow places: which jobs there are, and their results."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from envs.arena.episodes import Episodes
from studies.report.jobs import Job, Lab, Record
from studies.report.narrow_places import cases as study
from studies.report.narrow_places.cases import Case
from studies.report.online_cbf.measurements import unpack
from studies.report.online_cbf.study import checkpoint_files, tuner_folder
from swarm.array_types import Array, Flags, Int64s

_DRIVE, _ALONE, _SOLVE, _FILM = (
    f"studies.report.narrow_places.measurements:{name}" for name in ("drive", "drive_alone", "solve", "film")
)

FILMS: dict[str, str | Record] = {
    "door": {"family": "rooms", "options": {"robots": 8}}, "lane": {"family": "bays", "options": {"robots": 4}},
    "parked": "parked",
}  # fmt: skip
"""What is pictured: a door, a lane with a bay, a robot that is switched off in one of two lanes."""


@dataclass
class NarrowPlacesStudy:
    """All measurements of the report.

    Attributes:
        lab: Does the jobs.
        episodes: Of each case, unless it asks for a part of them.
        seed: Of the episodes.
        tuner: Checkpoint folder of the tuner, or its name if it is shipped.
    """

    lab: Lab
    episodes: int = 16
    seed: int = 9_000_000
    tuner: str = "tuner"

    def run(self) -> None:
        """Measure everything."""
        exact = [self.job(case, planner) for case in (*study.FAMILIES, *study.NARROW) for planner in study.PLANNERS]
        others = [self.job(case, "auto", study.ERRORS) for case in study.NARROW]
        alone = [self.alone_job(case) for case in study.NARROW]
        solved = [self.solve_job(case) for case in study.NARROW]
        self.lab.do([*exact, *others, *alone, *solved, *(self.film_job(name) for name in FILMS)], "episodes")

    def job(self, case: Case, planner: str, errors: Record | None = None) -> Job:
        """Episodes of a case with a planner, and with declared errors if there are any."""
        options = {**self._options(case, planner), "errors": errors or {}}
        if planner == "auto" and not errors and case in study.NARROW:
            options["passes"] = True
        name = f"{case.name} {planner}{' errors' if errors else ''}"
        return Job(name, _DRIVE, options, self._cost(case) * (10.0 if planner == "auto" else 1.0), self._files)

    def alone_job(self, case: Case) -> Job:
        """Each robot of a case's episodes alone."""
        return Job(f"{case.name} alone", _ALONE, self._options(case, "auto"), 5.0 * self._cost(case), self._files)

    def solve_job(self, case: Case) -> Job:
        """Which of a case's episodes a central search solves."""
        options = self._options(case, "auto")
        kept = {name: options[name] for name in ("case", "episodes", "seed")}
        return Job(f"{case.name} solved", _SOLVE, kept, 0.1 * self._cost(case))

    def film_job(self, name: str) -> Job:
        """The episode of a picture."""
        options = {
            "case": FILMS[name], "planner": "auto", "controller": str(tuner_folder(self.tuner)), "episodes": 4,
            "seed": self.seed,
        }  # fmt: skip
        return Job(f"film {name}", _FILM, options, 100.0, self._files)

    def outcome(self, case: Case, planner: str, errors: Record | None = None) -> Episodes:
        """What became of a case; of one with narrow places without errors, in the draws that count."""
        found = unpack(self.lab[self.job(case, planner, errors)])
        return found if errors or case not in study.NARROW else _only(found, self.solved(case))

    def both(self, case: Case) -> tuple[Episodes, Episodes]:
        """What became of a case without and with an agreement on who goes first."""
        without, agreed = (self.outcome(case, planner) for planner in study.PLANNERS)
        return without, agreed

    def solved(self, case: Case) -> Flags:
        """Which draws of a case count, since a central search solves them, ``bool[E]``."""
        return np.array(self.lab[self.solve_job(case)]["solved"], bool)

    def alone(self, case: Case) -> tuple[Array, Array]:
        """Times [s] of each robot of a case alone, and whether it arrived, ``[E, N]``."""
        result, counts = self.lab[self.alone_job(case)], self.solved(case)
        return np.array(result["time"])[counts], np.array(result["reached"], bool)[counts]

    def passes(self, case: Case) -> Int64s:
        """How often others passed a door or lane while a robot of a case waited before it, at most, ``[E, N, 2]``.

        All others, and those who came later.
        """
        return np.array(self.lab[self.job(case, "auto")]["passes"], np.int64)[self.solved(case)]

    @property
    def _files(self) -> tuple[Path, ...]:
        return checkpoint_files(tuner_folder(self.tuner))

    def _options(self, case: Case, planner: str) -> Record:
        episodes = max(2, math.ceil(case.share * self.episodes))
        return {
            "case": case.drawn, "planner": planner, "controller": str(tuner_folder(self.tuner)), "episodes": episodes,
            "seed": self.seed,
        }  # fmt: skip

    def _cost(self, case: Case) -> float:
        return case.share * self.episodes * float(case.drawn["options"].get("robots", 8))


def _only(episodes: Episodes, which: Flags) -> Episodes:
    """Some of the episodes."""
    arrays = {one.name: getattr(episodes, one.name) for one in fields(episodes)}
    kept: dict[str, Any] = {
        name: value[which] for name, value in arrays.items() if isinstance(value, np.ndarray) and len(value)
    }
    return replace(episodes, **kept)
