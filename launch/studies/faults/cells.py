"""The matrix of the fault suite as data: what is done to which fleet, and which function judges it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from studies.faults import hostile_cells, network_cells, process_cells, team_cells
from studies.faults.checks import Findings, Record, record
from studies.faults.trial import Setup, Trial

FUNCTIONS: dict[str, Callable[..., Findings]] = {
    function.__name__: function
    for function in (
        network_cells.network, network_cells.clocks, network_cells.partition, network_cells.doors,
        process_cells.kill, process_cells.hand_over, process_cells.stop, process_cells.overrun,
        process_cells.alone, process_cells.wrong,
        hostile_cells.rubbish, hostile_cells.liars, hostile_cells.skew, team_cells.estop, team_cells.viewer,
        team_cells.period, team_cells.soak,
    )
}  # fmt: skip
LOSSES, DELAYS, CUTS = (0.0, 0.1, 0.3, 0.6), (0.0, 0.1, 0.5), (1.0, 5.0, 30.0)
FREE = "no fault"
"""The cell that others are compared with."""


@dataclass(frozen=True)
class FaultCell:
    """One trial.

    Attributes:
        name: For people.
        group: Of the promise that it is about.
        function: Key of ``FUNCTIONS``.
        options: Its arguments.
        setup: The fleet.
    """

    name: str
    group: str
    function: str
    options: dict[str, Any] = field(default_factory=dict)
    setup: Setup = field(default_factory=Setup)

    def recipe(self) -> Record:
        """What its result depends on, plain enough for JSON."""
        return {"name": self.name, "function": self.function, "options": self.options, "setup": asdict(self.setup)}


def run(recipe: Record) -> Record:
    """Make a trial (``FaultCell.recipe``), and judge it; see ``studies.faults.checks.record``.

    Raises:
        TrialError: If it could not be made.
    """
    with tempfile.TemporaryDirectory(prefix="swarm-faults-") as folder, \
         Trial(Path(folder), Setup(**recipe["setup"])) as trial:  # fmt: skip
        found = FUNCTIONS[recipe["function"]](trial, **recipe["options"])
        return record(found, trial.finish())


def matrix(setup: Setup, seconds: float) -> list[FaultCell]:
    """All cells but the soak, in the order of the report.

    Args:
        setup: The fleet of all cells; those of 16 robots take its errors alone.
        seconds: How long a fault lasts where it has no length of its own.
    """

    def cell(name: str, group: str, function: str, **options: Any) -> FaultCell:
        return FaultCell(name, group, function, options, setup)

    hostile = _hostile(cell, seconds, setup.robots)
    doors = _doors(seconds, setup)
    return [*_network(cell, seconds), *doors, *_processes(cell, seconds), *hostile, *_team(seconds, setup.errors)]


def lossy_name(loss: float, delay: float) -> str:
    """Of a cell of the square of losses and delays."""
    return FREE if loss == delay == 0.0 else f"loss {100.0 * loss:g} %, delay {1e3 * delay:g} ms"


def _network(cell: Callable[..., FaultCell], seconds: float) -> list[FaultCell]:
    def network(name: str, blind: bool = False, from_start: bool = False, **faults: Any) -> FaultCell:
        return cell(name, "network", "network", faults=faults, seconds=seconds, blind=blind, from_start=from_start)

    def lossy(loss: float, delay: float) -> FaultCell:
        return network(lossy_name(loss, delay), loss=loss, delay=delay)

    cells = [lossy(loss, delay) for delay in DELAYS for loss in LOSSES]
    cells += [
        network("as TCP shows 10 % loss", loss=0.1, delay=0.02, tcp=True),
        network("as TCP shows 30 % loss", loss=0.3, delay=0.02, tcp=True),
        network("reordered", delay=0.02, jitter=0.2), network("half of it twice", duplicate=0.5, jitter=0.1),
        network("from the start: loss 30 %, delay 100 ms", from_start=True, loss=0.3, delay=0.1),
        network("from the start: delay 500 ms", from_start=True, delay=0.5),
        network("bodies do not sense, no fault", blind=True),
        network("bodies do not sense, loss 30 %, delay 100 ms", blind=True, loss=0.3, delay=0.1),
    ]  # fmt: skip
    cells += [cell("clocks ± 2 s", "network", "clocks", ahead=2.0, seconds=seconds)]
    cells += [cell(f"partition {cut:g} s", "network", "partition", cut=cut, seconds=0.5 * seconds) for cut in CUTS]
    blind = "bodies do not sense, partition 5 s"
    return [*cells, cell(blind, "network", "partition", cut=5.0, seconds=0.5 * seconds, blind=True)]


def _doors(seconds: float, setup: Setup) -> list[FaultCell]:
    """The network again, for robots that agree on doors in place of cells."""
    setup = replace(setup, robots=8, map="rooms8_floor.yaml", planner="auto")
    faults = {"loss": 0.3, "delay": 0.1}
    return [
        FaultCell("rooms, no fault", "network", "doors", {"seconds": seconds}, setup),
        FaultCell("rooms, loss 30 %, delay 100 ms", "network", "doors", {"seconds": seconds, "faults": faults}, setup),
        FaultCell("rooms, partition 5 s", "network", "doors", {"seconds": seconds, "cut": 5.0}, setup),
    ]


def _processes(cell: Callable[..., FaultCell], seconds: float) -> list[FaultCell]:
    short = 0.3 * seconds
    return [
        cell("SIGKILL, and started again", "processes", "kill", times=3, seconds=short),
        cell("SIGKILL, and a standby takes over", "processes", "hand_over", times=3, seconds=short),
        cell("SIGSTOP 1.5 s, SIGCONT", "processes", "stop", stopped=1.5, times=4, seconds=short),
        cell("overruns", "processes", "overrun", periods=12, times=2, seconds=short),
        cell("starts before its body and its peers", "processes", "alone", seconds=short),
        cell("started with wrong files", "processes", "wrong"),
        cell("viewer killed", "processes", "viewer", seconds=short),
        cell("emergency stop, one process dead", "processes", "estop", seconds=short),
    ]  # fmt: skip


def _hostile(cell: Callable[..., FaultCell], seconds: float, robots: int) -> list[FaultCell]:
    lies = f"1 of {robots} lies: stop, with keys"
    signed = cell(lies, "input", "liars", kind="stop", count=1, seconds=0.7 * seconds)
    return [
        cell("rubbish from an attacker", "input", "rubbish", seconds=0.1 * seconds),
        *(
            cell(f"{count} of {robots} lie: {kind}", "input", "liars", kind=kind, count=count, seconds=0.7 * seconds)
            for kind in ("place", "jump", "intent") for count in (1, robots - 1)
        ),
        replace(signed, setup=replace(signed.setup, relayed=False)),
        cell("version 2.0 among 1.x", "input", "skew", version="2.0", fits=False, seconds=0.3 * seconds),
        cell("version 1.9 among 1.0", "input", "skew", version="1.9", fits=True, seconds=0.3 * seconds),
    ]  # fmt: skip


def _team(seconds: float, errors: Record) -> list[FaultCell]:
    setup = Setup(robots=16, map="warehouse.map", seed=0, every=0.1, relayed=False, errors=errors)
    hand_over = {"times": 4, "seconds": 0.3 * seconds}
    return [
        FaultCell("16 robots", "period", "period", {"seconds": 60.0}, setup),
        FaultCell("16 robots, a standby takes over", "processes", "hand_over", hand_over, setup),
    ]


def soak(minutes: float, seed: int, robots: int = 12) -> FaultCell:
    """The long run, where goals are so near that somebody delivers every second: then a pause means something.

    Between the shelves of the warehouse 16 robots deliver every 1.5 s, and no fault at all is needed for 10 s without.
    """
    setup = Setup(robots=robots, seed=seed, map="sorting.map", every=0.2, relayed=False)
    return FaultCell(f"soak, {minutes:g} minutes", "soak", "soak", {"minutes": minutes, "every": 20.0}, setup)


def quick(setup: Setup) -> list[FaultCell]:
    """A few short ones, less than a minute together."""
    setup = replace(setup, robots=3)
    faults = {"loss": 0.3, "delay": 0.1}
    return [
        FaultCell("loss 30 %, delay 100 ms", "network", "network", {"faults": faults, "seconds": 6.0}, setup),
        FaultCell("partition 1 s", "network", "partition", {"cut": 1.0, "seconds": 2.0}, setup),
        FaultCell("SIGKILL, and started again", "processes", "kill", {"times": 1, "seconds": 1.0}, setup),
    ]  # fmt: skip
