"""Does to a fleet of real processes what goes wrong in deployment, and judges its promises.

``python launch/faults.py`` runs the matrix, one cell after the other, about half a minute each, and prints it as a
table; raw results are kept in ``runs/deployment``, ``--reuse`` goes on where an interrupted run ended, and
``launch/report.py deployment --reuse`` writes them up. ``python launch/faults.py soak --minutes 60`` is the long run.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

if __name__ == "__main__":
    from studies.command import begin

    begin()  # An interrupt leaves one line, also while all that follows is loaded.

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import tyro
from rich.console import Console

from envs.commands.command import parsed
from studies.faults.cells import matrix, quick, soak
from studies.faults.table import for_terminal, kept
from studies.faults.trial import Setup
from studies.report.deployment.study import measure
from studies.report.jobs import Lab, Store
from swarm.errors import InputError, SwarmError
from swarm.files.checks import whole
from swarm.model.error_bounds import EXACT, parse_option


@dataclass(frozen=True)
class Options:
    """Run the fault suite."""

    what: Annotated[Literal["matrix", "soak"], tyro.conf.Positional] = "matrix"
    """The matrix, or the long run with random kills."""
    robots: int | None = None
    """Of each cell (4); of the soak (12)."""
    seed: int = 1
    """Of starts, goals, bodies and faults."""
    seconds: float = 20.0
    """How long a fault lasts where it has no length of its own."""
    minutes: float = 60.0
    """Of the soak, simulated."""
    errors: str | None = None
    """What is not exact in the bodies: position=0.01,lag=0.1,... or a YAML file; exact if not given."""
    only: tuple[str, ...] = ()
    """Cells whose names contain one of these."""
    quick: bool = False
    """A few short cells with 3 robots, in less than a minute."""
    reuse: bool = False
    """Take results that are there instead of measuring them again."""
    runs: Path = Path("runs/deployment")
    """Folder for raw results."""

    def __post_init__(self) -> None:
        whole("--seed", self.seed, least=0)
        if self.robots is not None and not 3 <= self.robots <= 64:
            raise InputError("--robots", self.robots, "3 to 64")
        for name in ("seconds", "minutes"):
            if not 1.0 <= getattr(self, name) <= 1440.0:
                raise InputError(f"--{name}", getattr(self, name), "1 to 1440")


def faults(options: Options, console: Console) -> bool:
    """Run, and print the table; whether all promises were kept."""
    if options.what == "soak":
        cells = [soak(options.minutes, options.seed, options.robots or 12)]
    else:
        errors = (parse_option("--errors", options.errors) or EXACT).declared()
        setup = Setup(robots=options.robots or 4, seed=options.seed, errors=errors)
        cells = quick(setup) if options.quick else matrix(setup, options.seconds)
    if options.only:
        cells = [cell for cell in cells if any(text in cell.name for text in options.only)]
    if not cells:
        raise InputError("--only", " ".join(options.only), "a part of a cell's name")
    runs = options.runs.with_name(f"{options.runs.name}_quick") if options.quick else options.runs
    lab, results = Lab(Store(runs, options.reuse), 1, console), {}
    try:
        for cell in cells:
            results[cell.name] = measure(lab, cell)
    finally:
        console.print(for_terminal(results, cells))
    return all(kept(result) for result in results.values())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 1 if a promise was not kept, 2 on wrong input, 130 if interrupted or told to end."""
    # All processes are ended then, also if this one was started in the background, where interrupts are ignored.
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGTERM, signal.SIGINT)}
    console = Console(width=None if sys.stdout.isatty() else 200)
    try:
        options = parsed(lambda: tyro.cli(Options, prog="faults.py", description=__doc__, args=arguments))
        return 0 if faults(options, console) else 1
    except SwarmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; go on with --reuse", file=sys.stderr)
        return 130
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


if __name__ == "__main__":
    sys.exit(main())
