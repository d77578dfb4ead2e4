"""The report on deployment: which cells of the fault suite are measured, and their results."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from studies.faults.cells import FaultCell, matrix, soak
from studies.faults.checks import Check, Record
from studies.faults.trial import Setup, TrialError
from studies.report.jobs import Job, Lab
from swarm.model.error_bounds import ErrorBounds

DECLARED = ErrorBounds(position=0.005, heading=0.01, age=0.1, lag=0.05, slip=0.02)
"""Errors of the bodies in a second matrix."""
FUNCTION = "studies.faults.cells:run"


def job(cell: FaultCell) -> Job:
    """A cell as a measurement."""
    return Job(cell.name, FUNCTION, cell.recipe())


def measure(lab: Lab, cell: FaultCell) -> Record:
    """The result of a cell; of one that could not be made the reason, which is not kept."""
    try:
        lab.do([job(cell)], cell.name)
    except TrialError as error:
        return {"error": str(error), "checks": [asdict(Check("the trial could be made", None, "yes", False))]}
    return lab[job(cell)]


@dataclass
class DeploymentStudy:
    """The matrix, and the soak if it has been made.

    Attributes:
        lab: Has the cells made.
        setup: The fleet of the matrix.
        seconds: How long faults last.
        minutes: Of the soak; it is made by ``launch/faults.py soak``, not here, and so is the matrix with errors.
    """

    lab: Lab
    setup: Setup
    seconds: float = 20.0
    minutes: float = 60.0

    @property
    def cells(self) -> list[FaultCell]:
        """The matrix."""
        return matrix(self.setup, self.seconds)

    @property
    def long_run(self) -> FaultCell:
        """The soak."""
        return soak(self.minutes, self.setup.seed)

    def inexact(self) -> dict[str, Record]:
        """Results of the cells whose bodies have ``DECLARED`` errors, by name, as far as these have been made."""
        cells = matrix(replace(self.setup, errors=DECLARED.declared()), self.seconds)
        kept = {cell.name: self.lab.kept(job(cell)) for cell in cells}
        return {name: result for name, result in kept.items() if result is not None}

    def run(self) -> dict[str, Record]:
        """Make what is missing; results by the cells' names, the soak among them if it has been made."""
        found = {cell.name: measure(self.lab, cell) for cell in self.cells}
        long = self.lab.kept(job(self.long_run))
        return found if long is None else found | {self.long_run.name: long}
