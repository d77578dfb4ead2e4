"""``evaluate.py family``: controllers on families of scenarios, in batches of worlds, with confidence intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

from envs.arena.core import Draw
from envs.arena.episodes import Episodes, run_episodes
from envs.commands.error_options import ErrorOptions
from envs.commands.evaluation.common import Record, check_names, contacts, met_strangers, progress_bar
from envs.commands.intervals import Interval, mean_interval, rate_interval
from envs.rollout.results import contacts_of
from envs.scenarios import family, map_family, options_of
from envs.scenarios.parts import CAR_LIMITS
from swarm.array_types import AnyArray
from swarm.errors import InputError
from swarm.files.checks import whole
from swarm.files.text_files import located
from swarm.filter.further_rows import make_constraint
from swarm.filter.safety import OUTCOMES
from swarm.model.dynamics import Kind
from swarm.model.error_bounds import EXACT
from swarm.planning.registry import check_planner
from swarm.scenario.robot_spec import CAR
from swarm.scenario.scenario import Scenario
from swarm.tune.controllers import make_controller

Dynamics = Literal["single_integrator", "double_integrator", "unicycle", "car"]


@dataclass(frozen=True)
class Family(ErrorOptions):
    """Drive episodes of scenario families; every controller and planner gets the same ones."""

    families: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """Names of families, see envs/scenarios, or my_file.py:NAME."""
    family: tuple[str, ...] = ()
    """Further ones."""
    map: tuple[str, ...] = ()
    """Deliveries on grid maps: warehouse, depot, sorting, a file (.map), or my_file.py:NAME."""
    controller: str = "tuner"
    """tuner, a checkpoint folder, fixed:, random_rotation: or wall_following: with GAIN,POWER, or my_file.py:NAME."""
    planner: str = "straight"
    """straight, roadmap, passages, cells, cells:pibt, cells:guided (these on grid maps), or my_file.py:NAME."""
    constraint: str = ""
    """Further rows of every robot's quadratic program: my_file.py:NAME."""
    episodes: int = 100
    """Episodes of each family."""
    seed: int = 0
    """Of the episodes."""
    robots: int | None = None
    """Team size; the family's own if not given."""
    dynamics: Dynamics | None = None
    """Dynamics of all robots; the family's own if not given."""
    filtered: bool = True
    """Whether the filter is on; without it, the nominal control is driven as it is."""
    json: Path | None = None
    """Results file, one object an episode."""

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("--seed", self.seed, least=0)
        names = (*self.families, *self.family, *self.map)
        check_family_options(names, self.planner, self.episodes, self.robots)
        for name, draw in self.draws.items():  # an unknown one is found at once
            drawing(name, draw, self.robots, self.dynamics)
        make_constraint(self.constraint)

    @property
    def draws(self) -> dict[str, Draw]:
        """The families and maps by their names."""
        return {name: family(name) for name in (*self.families, *self.family)} | {
            name: map_family(name) for name in self.map
        }


def check_family_options(families: Sequence[str], planner: str, episodes: int, robots: int | None) -> None:
    """Refuse what would only fail after a while.

    Raises:
        InputError: If an option cannot be used.
    """
    if not families:
        raise InputError("FAMILY", "nothing", "one or more names of families")
    check_planner("--planner", planner)
    for name, value in (("episodes", episodes), ("robots", robots)):
        if value is not None and value < 1:
            raise InputError(f"--{name}", value, "1 or more")
    check_names(name.replace("/", "_") for name in families)


def drawing(
    name: str, draw_one: Draw, robots: int | None, dynamics: str | None, errors: ErrorOptions | None = None
) -> Draw:
    """The function that draws a family's scenarios, with what the command line says of the team and its errors.

    Raises:
        InputError: If the family has no such option.
    """
    with located(f"family {name}: "):
        options = options_of(draw_one, "robots", robots=robots)
        if dynamics is not None:
            wanted: dict[str, Any] = {"kind": Kind.UNICYCLE if dynamics == CAR else Kind[dynamics.upper()]}
            if dynamics == CAR:
                wanted["limits"] = CAR_LIMITS
            given = options_of(draw_one, **wanted)
            if len(given) < len(wanted):
                missing = next(name for name in wanted if name not in given)
                raise InputError("--dynamics", dynamics, f"left out: the family has no argument {missing!r}")
            options |= given

    def draw(rng: np.random.Generator) -> Scenario:
        scenario = draw_one(rng, **options)
        return scenario if errors is None else errors.declared_in(scenario)

    return draw


def evaluate_family(options: Family, console: Console, records: list[Record]) -> None:
    """Run every family; the records are appended as they come."""
    controller = make_controller(options.controller)
    total = len(options.draws) * options.episodes
    with progress_bar(console, "episodes", ("family", "complete")) as progress:
        task = progress.add_task("episodes", total=total, family="", complete="–")
        for name, draw_one in options.draws.items():
            progress.update(task, family=name)
            ended: Counter[bool] = Counter()

            def report(complete: bool, ended: Counter[bool] = ended) -> None:
                ended[complete] += 1
                progress.update(task, advance=1, complete=f"{100.0 * ended[True] / ended.total():.1f} %")

            draw = drawing(name, draw_one, options.robots, options.dynamics, options)
            result = run_episodes(
                draw, controller, options.episodes, seed=options.seed, planner=options.planner,
                filtered=options.filtered, assume=options.assumed, constraint=options.constraint, report=report,
            )  # fmt: skip
            records += records_of(name, options, result)


def records_of(name: str, options: Family, result: Episodes) -> list[Record]:
    """One object an episode, in the layout of the results file; of robots that there are."""
    times = [[None if np.isnan(time) else time for time in row] for row in result.reach_time.tolist()]
    team = result.present.sum(axis=1).tolist()
    return [
        {
            "kind": "family",
            "scenario": name,
            "seed": options.seed,
            "episode": k,
            "controller": options.controller,
            "planner": options.planner,
            "robots": team[k],
            "steps": int(result.steps[k]),
            "horizon": float(result.horizon[k]),
            "counted": result.counted[k, : team[k]].tolist(),
            "safe": result.safe[k, : team[k]].tolist(),
            "reached": result.reached[k, : team[k]].tolist(),
            "reach_time": times[k][: team[k]],
            "deliveries": result.deliveries[k, : team[k]].tolist(),
            "min_clearance": float(result.min_clearance[k].min()),
            **contacts_of(result.contacts[k]),
            "qp": dict(zip(OUTCOMES, result.outcomes[k].tolist(), strict=True)),
            **options.record(options.simulated or EXACT),
        }
        for k in range(len(result.safe))
    ]


def family_table(records: list[Record]) -> Table:
    """One row a family: means over its robots, with 95 % intervals."""
    first = records[0]
    title = f"families: controller {first['controller']}, planner {first['planner']}, seed {first['seed']}"
    table = Table(title=title, caption="below: 95 % intervals, episodes resampled")
    table.add_column("family", overflow="fold")
    for column in (
        "episodes ×\nrobots", "safe %", "reached %", "success %", "episodes\ncomplete %", "time s",
        "clearance cm\nmean/least", "relaxed/\nbraking %",
        *(["met moving/\nstanding"] if met_strangers(records) else []),
    ):  # fmt: skip
        table.add_column(column, justify="right")
    met = met_strangers(records)
    for name in dict.fromkeys(entry["scenario"] for entry in records):
        table.add_row(name, *_row([entry for entry in records if entry["scenario"] == name], met=met))
    return table


def _row(records: list[Record], *, met: bool) -> list[str]:
    """The figures of one family."""
    present = _columns([[True] * entry["robots"] for entry in records], fill=False)
    safe, reached, counted = (
        _columns([entry[key] for entry in records], fill=fill)
        for key, fill in (("safe", True), ("reached", True), ("counted", False))
    )
    time = _columns(
        [[entry["horizon"] if t is None else t for t in entry["reach_time"]] for entry in records], fill=0.0
    )
    sizes = [entry["robots"] for entry in records]
    least = 100.0 * np.array([entry["min_clearance"] for entry in records])
    shares = np.array([[entry["qp"][name] for name in OUTCOMES] for entry in records]).sum(axis=0)
    success, complete = safe & reached, (safe & (reached | ~counted)).all(axis=1)
    return [
        f"{len(safe)} × {'–'.join(map(str, sorted({min(sizes), max(sizes)})))}",
        with_interval(100.0 * safe[present].mean(), rate_interval(safe, present), 100.0),
        f"{100.0 * reached[counted].mean():.2f}",
        with_interval(100.0 * success[counted].mean(), rate_interval(success, counted), 100.0),
        with_interval(100.0 * complete.mean(), rate_interval(complete), 100.0),
        with_interval(time[counted].mean(), mean_interval(time, counted)),
        f"{least.mean():.2f}/{least.min():.2f}",
        "/".join(f"{100.0 * share / max(1, shares.sum()):.2f}" for share in shares[1:]),
        *([contacts(records)] if met else []),
    ]


def _columns(rows: Sequence[Sequence[Any]], fill: float | bool) -> AnyArray:
    """Rows of the same length: shorter ones are filled up."""
    most = max(map(len, rows))
    return np.array([[*row, *[fill] * (most - len(row))] for row in rows], dtype=type(fill))


def with_interval(value: float, interval: Interval, scale: float = 1.0) -> str:
    """A figure and its interval, for a cell of a table."""
    low, high = (f"{scale * end:.{1 if scale > 1.0 else 2}f}" for end in interval)  # shares of a tenth of a percent
    return f"{value:.2f}\n{low}–{high}"
