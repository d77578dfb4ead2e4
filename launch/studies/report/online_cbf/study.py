"""The measurements behind the report on online CBFs: which jobs there are, in which order, and their results."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from envs.arena.episodes import Episodes
from envs.commands.evaluation.sweep import Setting, SweepTable, best_fixed, best_single
from studies.report.jobs import Job, Lab, Record
from studies.report.online_cbf import cases as study
from studies.report.online_cbf.cases import Case, Checkpoint, Method
from studies.report.online_cbf.measurements import named, table_of, unpack
from swarm.errors import InputError
from swarm.tune.controllers import OnnxController, shipped_checkpoint

Parameters = tuple[float, ...]
_DRIVE, _RULE, _SWEEP, _TIME, _FILM = (
    f"studies.report.online_cbf.measurements:{name}"
    for name in ("drive", "drive_rule", "sweep_case", "decision_time", "film")
)


@dataclass(frozen=True)
class Scale:
    """How much is measured.

    Attributes:
        episodes: Of each case and method, unless the case has its own number.
        gains: Of the coarse sweep.
        powers: Of the coarse sweep.
        fine: Whether a finer sweep follows where the coarse one finds nothing.
        swept: Robots that each setting of the coarse sweep drives.
        choice: Episodes on which the setting of a hand rule is chosen.
        largest: Team; larger ones are left out.
        timed: Decisions that are timed.
    """

    episodes: int = 100
    gains: int = 7
    powers: int = 3
    fine: bool = True
    swept: int = 80
    choice: int = 30
    largest: int = 1024
    timed: int = 200


QUICK = Scale(episodes=4, gains=3, powers=1, fine=False, swept=16, choice=3, largest=128, timed=10)


def tuner_folder(tuner: str) -> Path:
    """The folder of a tuner: given by its path, or by the name under which it is shipped.

    Raises:
        InputError: If there is none.
    """
    return Path(tuner) if Path(tuner).is_dir() else shipped_checkpoint(tuner)


def checkpoint_files(folder: Path) -> tuple[Path, ...]:
    """What the results of a checkpoint depend on."""
    return folder / "policy.onnx", folder / "config.yaml"


@dataclass
class OnlineCbfStudy:
    """All measurements of the report.

    Attributes:
        lab: Does the jobs.
        scale: How much is measured.
        seed: Of the measured episodes; those on which something is chosen have the next two.
        tuner: Checkpoint folder of the tuner, or its name if it is shipped.
        ablations: Folder of the other checkpoints.
        families: Cases of the main tables.
        skipped: Checkpoints that are there but cannot be used, and why.
    """

    lab: Lab
    scale: Scale
    seed: int = 7_000_000
    tuner: str = "tuner"
    ablations: Path = Path("policies/checkpoints/ablations")
    families: tuple[Case, ...] = study.FAMILIES
    skipped: dict[str, str] = field(default_factory=dict)

    def run(self) -> None:
        """Measure everything; what is chosen first, then what depends on it."""
        self.folder("tuner")
        self.lab.do(self.timing_jobs(), "decision times", alone=True)
        self.lab.do([self.sweep_job(case) for case in self.families], "sweeps")
        self.lab.do([*self.episode_jobs(), *self.film_jobs()], "episodes")

    # Checkpoints.

    def folder(self, name: str) -> Path | None:
        """The folder of a checkpoint; None if it is not there or cannot be used.

        Raises:
            InputError: If there is no tuner.
        """
        if name == "tuner":
            return tuner_folder(self.tuner)
        folder = self.ablations / name
        if not folder.is_dir() or name in self.skipped:
            return None
        try:
            OnnxController(folder)
        except InputError as error:
            self.skipped[name] = str(error)
            return None
        return folder

    @cached_property
    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """Those to compare with that are there."""
        return tuple(entry for entry in study.CHECKPOINTS if self.folder(entry.name) is not None)

    @cached_property
    def methods(self) -> tuple[Method, ...]:
        """Those of the main tables that can be measured."""
        return tuple(method for method in study.METHODS if not method.checkpoint or self.folder(method.checkpoint))

    # Cases beyond the main tables.

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the cases of the main tables."""
        return tuple(case.name for case in self.families)

    def chosen(self, cases: tuple[Case, ...]) -> tuple[Case, ...]:
        """Those that are small enough and whose settings are swept."""
        return tuple(
            case for case in cases
            if (case.like or case.name) in self.names and case.options.get("robots", 0) <= self.scale.largest
        )  # fmt: skip

    # Jobs.

    def sweep_job(self, case: Case) -> Job:
        """The sweep of a case's fixed settings; of every second gain and power where the work never ends."""
        scale, skip = self.scale, 2 if case.lifelong else 1
        options = {
            "case": case.drawn, "planner": case.planner,
            "gains": (scale.gains - 1) // skip + 1, "powers": (scale.powers - 1) // skip + 1,
            "fine": scale.fine and not case.lifelong, "robots": scale.swept // skip, "seed": self.seed + 1,
        }  # fmt: skip
        return Job(f"sweep {case.name}", _SWEEP, options, cost=9.0 if case.planner == "roadmap" else 1.0)

    def job(self, case: Case, method: Method, episodes: int | None = None) -> Job:
        """Episodes of a case with a method."""
        options: Record = {
            "case": case.drawn, "planner": "roadmap" if method.roadmap else case.planner,
            "filtered": method.filtered, "seed": self.seed, "episodes": episodes or self.episodes(case),
        }  # fmt: skip
        robots = int(case.options.get("robots", 64 if case.family == "dense" else 8))
        slow = 5.0 * bool(method.checkpoint) + 30.0 * (options["planner"] == "roadmap")
        cost = robots * options["episodes"] * (1.0 + slow)
        name = f"{case.name} {method.title.strip('*')}"
        if method.checkpoint:
            return self._network_job(name, options, method.checkpoint, cost, method.alone)
        if method.setting != "chosen":
            return Job(name, _DRIVE, {**options, "controller": named(method.rule, self._setting(case, method))}, cost)
        settings = {self.best(case).parameters, self.single, *study.RULE_SETTINGS}
        choice = {"choice_episodes": min(self.scale.choice, options["episodes"]), "choice_seed": self.seed + 1}
        return Job(name, _RULE, {**options, "rule": method.rule, "settings": sorted(settings), **choice}, 3.0 * cost)

    def checkpoint_job(self, case: Case, entry: Checkpoint | None) -> Job:
        """Episodes of a case with a network alone, fewer than in the main tables; None is the tuner."""
        options = {
            "case": case.drawn, "planner": case.planner, "seed": self.seed, "episodes": self.scale.episodes,
            "shared": entry is not None and entry.shared,
        }  # fmt: skip
        name = "tuner" if entry is None else entry.name
        return self._network_job(f"compared {case.name} {name}", options, name, 40.0 * self.scale.episodes, alone=True)

    def _network_job(self, name: str, options: Record, checkpoint: str, cost: float, alone: bool) -> Job:
        folder = self.folder(checkpoint)
        if folder is None:
            raise InputError("checkpoint", checkpoint, "one that is there")
        controller = f"{'alone:' * alone}{folder}"
        return Job(name, _DRIVE, {**options, "controller": controller}, cost, checkpoint_files(folder))

    def timing_jobs(self) -> list[Job]:
        """Decision times of teams of several sizes, straight and with the roadmap."""
        folder = self.folder("tuner")
        files = (folder / "policy.onnx",) if folder else ()
        return [
            Job(
                f"time {robots} {planner}", _TIME,
                {"robots": robots, "planner": planner, "controller": str(folder), "steps": self.scale.timed},
                files=files,
            )
            for robots in study.TIMED if robots <= self.scale.largest for planner in ("straight", "roadmap")
        ]  # fmt: skip

    def episode_jobs(self) -> list[Job]:
        """Everything that is measured with chosen settings."""
        teams = (*study.CROWDED, *study.DENSE, *study.OPEN)
        return [
            *(self.job(case, method) for case in self.families for method in self.methods_of(case)),
            *(self.job(case, method) for case in self.chosen(teams) for method in study.TEAM_METHODS),
            *(self.checkpoint_job(case, entry) for case in self.compared for entry in (None, *self.checkpoints)),
        ]

    def film_job(self, case: Case) -> Job:
        """One episode with the best fixed setting and with the tuner."""
        folder = self.folder("tuner")
        options = {
            "case": case.drawn, "planner": case.planner, "seed": self.seed, "episodes": min(12, self.scale.episodes),
            "controllers": [named("fixed", self.best(case).parameters), str(folder)],
        }  # fmt: skip
        return Job(f"film {case.name}", _FILM, options, 100.0, (folder / "policy.onnx",) if folder else ())

    def film_jobs(self) -> list[Job]:
        """Of the cases of which there are pictures."""
        names = dict.fromkeys((*study.PICTURED, *study.MEETING))
        return [self.film_job(case) for case in self.families if case.name in names]

    # Results.

    def episodes(self, case: Case) -> int:
        """How many episodes of a case are measured."""
        if case.episodes is not None:
            return min(case.episodes, self.scale.episodes)
        return math.ceil(case.repeat * self.scale.episodes)

    def methods_of(self, case: Case) -> tuple[Method, ...]:
        """The methods of a case of the main tables; those with a roadmap where it is not there anyway."""
        return tuple(method for method in self.methods if not (method.roadmap and case.planner == "roadmap"))

    def tables(self, case: Case) -> list[SweepTable]:
        """The coarse and the fine table of a case's sweep."""
        result = self.lab[self.sweep_job(self._swept(case))]
        return [table_of(result[name]) for name in ("coarse", "fine") if result[name] is not None]

    def finals(self, case: Case) -> SweepTable:
        """The best settings of a case, measured again on more episodes."""
        return table_of(self.lab[self.sweep_job(self._swept(case))]["finals"])

    def best(self, case: Case) -> Setting:
        """The best fixed setting of a case."""
        return best_fixed(self.finals(case))

    @cached_property
    def single(self) -> tuple[float, float, float, float]:
        """The best single setting over all cases of the main tables whose work ends."""
        return best_single([self.tables(case)[0] for case in self.families if not case.lifelong])

    @cached_property
    def compared(self) -> tuple[Case, ...]:
        """The cases on which checkpoints are compared."""
        return tuple(case for case in self.families if case.name in study.COMPARED) if self.checkpoints else ()

    def outcome(self, case: Case, method: Method) -> Episodes:
        """What became of a case with a method."""
        return unpack(self.lab[self.job(case, method)])

    def smoothness(self, case: Case, method: Method) -> dict[str, float] | None:
        """What ``Smoothness`` says of a case with a method; None of a result that is older than that."""
        found: dict[str, float] | None = self.lab[self.job(case, method)].get("smoothness")
        return found

    def compare(self, case: Case, entry: Checkpoint | None) -> Episodes:
        """What became of a case with a checkpoint to compare; None is the tuner."""
        return unpack(self.lab[self.checkpoint_job(case, entry)])

    def _setting(self, case: Case, method: Method) -> Parameters:
        if method.setting == "best":
            return self.best(case).parameters
        return self.single if method.setting == "single" else study.BOLD

    def _swept(self, case: Case) -> Case:
        return next(entry for entry in self.families if entry.name == (case.like or case.name))
