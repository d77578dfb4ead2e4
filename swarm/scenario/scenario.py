"""What a run is: world, robots, goals and limits; read from and written to YAML in db-CBS's layout."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from swarm.array_types import Int64s
from swarm.errors import InputError
from swarm.files.checks import ArrayRecord, not_tiny, number
from swarm.files.formats import Format, recognise
from swarm.files.text_files import located, write_text
from swarm.files.yaml_input import read_yaml
from swarm.model.dynamics import Kind, Limits
from swarm.model.error_bounds import EXACT, ErrorBounds, read_errors
from swarm.model.strangers import UNKNOWN, Strangers, read_strangers
from swarm.scenario.grid_map import GridMap
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario_format import check_types, environment_entry, read_robot, read_world, robot_entry, save_map
from swarm.scenario.starts import check_apart, check_can_stop, check_places, note_goal, note_turns
from swarm.scenario.strangers_sensed import check_strangers_sensed, note_strangers_sensed
from swarm.scenario.world import World

__all__ = ["RobotSpec", "Scenario", "deliveries", "load_scenario"]

HORIZON, DT = 60.0, 0.05
_OPTIONS = ("horizon", "dt", "sensing_radius")
_CART = 0.25  # radius of what delivers [m]
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


@dataclass(frozen=True, eq=False)
class Scenario(ArrayRecord):
    """A world, the robots in it, and how they are run; checked on construction.

    A goal's centre lies in the bounds and outside of obstacles; it may be nearer to a wall than the robot's
    radius (the robot stops as near as it can), and goals may coincide. Robots that are driven as outlines start where
    their outlines touch nothing, at their headings.

    Attributes:
        world: The static world.
        robots: One or more.
        horizon: Length of a run [s].
        dt: Control period [s].
        sensing_radius: Robots and obstacles beyond it are unknown to the controller [m]; None is 10 times the
            largest robot's radius, at least 2 m.
        name: As the file says, or else its stem.
        errors: What is not exact: simulated, and assumed by the robots.
        strangers: What the robots count on of those who ignore everybody.
        rooms: So many worlds lie in it side by side, out of sight of each other (``envs.scenarios.tiled``).
    """

    world: World
    robots: tuple[RobotSpec, ...]
    horizon: float = HORIZON
    dt: float = DT
    sensing_radius: float = None  # type: ignore[assignment]  # replaced on construction: never None
    name: str = "scenario"
    errors: ErrorBounds = EXACT
    strangers: Strangers = UNKNOWN
    rooms: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "robots", tuple(self.robots))
        if not self.robots:
            raise InputError("Scenario.robots", [], "at least one robot")
        for name, kind in (("errors", ErrorBounds), ("strangers", Strangers)):
            if not isinstance(getattr(self, name), kind):
                raise InputError(f"Scenario.{name}", getattr(self, name), f"a swarm.{kind.__name__}")
        object.__setattr__(self, "horizon", number("Scenario.horizon", self.horizon, above=0.0))
        not_tiny("Scenario.horizon", self.horizon)
        object.__setattr__(self, "dt", number("Scenario.dt", self.dt, above=0.0, most=self.horizon))
        sensing: float | None = self.sensing_radius
        if sensing is None:
            sensing = max(2.0, 10.0 * max(robot.radius for robot in self.robots))
        object.__setattr__(self, "sensing_radius", number("Scenario.sensing_radius", sensing, above=0.0))
        for name in ("dt", "sensing_radius"):
            not_tiny(f"Scenario.{name}", getattr(self, name))
        check_places(self.world, self.robots, self.errors)
        check_apart(self.robots, self.errors)
        check_can_stop(self.world, self.robots, self.dt, self.errors)
        met = [robot for robot in self.robots if robot.ignores]
        check_strangers_sensed("Scenario.sensing_radius", self, met, self.errors, self.strangers)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the robots are driven as, where a file said something else; if they sense far enough; odd angles."""
        found = [robot.shape_note for robot in self.robots]
        found += [robot.urdf.note(robot.radius) for robot in self.robots if robot.urdf is not None]
        found += [note_goal(self.world, robot) for robot in self.robots]
        found += note_turns(self.world, self.robots)
        found.append(note_strangers_sensed(self, self.errors, self.strangers))
        return tuple(dict.fromkeys(note for note in found if note))

    def copy(self) -> Scenario:
        """The same of arrays of its own: what is written into them moves nobody here."""
        return replace(self, world=self.world.copy(), robots=tuple(replace(robot) for robot in self.robots))

    def save(self, path: str | Path) -> None:
        """Write the scenario as YAML, atomically; a grid map is written beside it as ``<map's name>.map``.

        Raises:
            InputError: If a file cannot be written, or another map of that name is there already.
        """
        path = Path(path)
        document: dict[str, Any] = {"name": self.name} if self.name not in ("", path.stem) else {}
        document["environment"] = environment_entry(self.world)
        if self.world.grid is not None:
            document["environment"] |= save_map(self.world.grid, path)
        document["robots"] = [robot_entry(robot, path.parent) for robot in self.robots]
        document |= {"horizon": self.horizon, "dt": self.dt, "sensing_radius": self.sensing_radius}
        if self.errors != EXACT:
            document["errors"] = self.errors.declared()
        if self.strangers != UNKNOWN:
            document["strangers"] = self.strangers.declared()
        text = yaml.dump(document, Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=1 << 30)
        write_text(path, text)


def load_scenario(path: str | Path) -> Scenario:
    """Read a scenario from YAML (the design's layout, that of db-CBS and dynobench with optional keys).

    Raises:
        InputError: If the file is malformed or describes no possible start; names the file, the key and,
            where one line is to blame, the line.
    """
    path = Path(path)
    recognise(path, [Format.SCENARIO])
    root = read_yaml(path)
    fields = root.mapping(["environment", "robots"], ["name", *_OPTIONS, "errors", "strangers"])
    check_types(fields["robots"])
    world = read_world(fields["environment"], path.parent)
    robots = tuple(read_robot(field, path.parent) for field in fields["robots"].items())
    options: dict[str, Any] = {key: fields[key].number(above=0.0) for key in _OPTIONS if key in fields}
    errors = read_errors(fields["errors"]) if "errors" in fields else EXACT
    strangers = read_strangers(fields["strangers"]) if "strangers" in fields else UNKNOWN
    name = fields["name"].text() if "name" in fields else path.stem
    with located(f"{path}: ", drop="Scenario."):
        return Scenario(world, robots, name=name, errors=errors, strangers=strangers, **options)


def deliveries(
    grid: GridMap, robots: int, rng: np.random.Generator, goals_per_robot: int = 64, *,
    kind: Kind = Kind.UNICYCLE, radius: float | None = None, limits: Limits | None = None,
    horizon: float = HORIZON, dt: float = DT, sensing_radius: float = 3.0,
) -> Scenario:  # fmt: skip
    """Draw lifelong deliveries on a grid map.

    Starts are distinct cells of the map's largest connected part. Goals alternate between its ``S`` cells
    (pickup) and ``E`` cells (delivery) if it has both; else they are drawn from those of one symbol if there
    are two or more, else from all of its cells. A robot's next goal is another cell than its last.

    Args:
        grid: The map.
        robots: Number of robots.
        rng: Source of all random numbers.
        goals_per_robot: Length of each list of goals.
        kind: Dynamics of all robots.
        radius: Radius of their discs [m]; at most half a cell. By default 0.25 m, on small cells a quarter of one.
        limits: Their limits; by default 1 m/s, turn rate 4 rad/s, and 2 m/s² for double integrators.
        horizon: Length of a run [s].
        dt: Control period [s].
        sensing_radius: How far robots sense [m].

    Raises:
        InputError: If the map has too few free cells, or the robots do not fit into them.
    """
    cells = np.argwhere(grid.largest_component())
    if not 1 <= robots <= len(cells):
        raise InputError("robots", robots, f"1 to {len(cells)}, the map's largest number of connected cells")
    if len(cells) < 2 or goals_per_robot < 1:
        found = f"{len(cells)} connected free cells, {goals_per_robot} goals per robot"
        raise InputError("deliveries", found, "at least 2 cells and 1 goal")
    if limits is None:
        limits = Limits(1.0, 2.0 if kind == Kind.DOUBLE_INTEGRATOR else math.inf, 4.0)
    if radius is None:
        radius = min(_CART, 0.25 * grid.cell_size)
    pools = _goal_pools(grid, cells)
    starts = rng.choice(len(cells), size=robots, replace=False)
    specs = []
    for start in starts:
        heading = float(rng.integers(4)) * math.pi / 2 if kind == Kind.UNICYCLE else 0.0
        goals = cells[_draw_goals(pools, int(start), goals_per_robot, rng)]
        state = np.array([*grid.centre(cells[start]), heading, 0.0, 0.0])
        specs.append(RobotSpec(kind, state, grid.centre(goals), radius, limits))
    return Scenario(World.from_grid(grid), tuple(specs), horizon, dt, sensing_radius, grid.name)


def _goal_pools(grid: GridMap, cells: Int64s) -> list[Int64s]:
    """The pools that goals are drawn from in turn: indices into ``cells``, ascending."""
    symbols = np.array([grid.symbols[row][col] for row, col in cells])
    pickup, delivery = np.flatnonzero(symbols == "S"), np.flatnonzero(symbols == "E")
    if len(pickup) and len(delivery):
        return [pickup, delivery]
    marked = pickup if len(pickup) else delivery
    return [marked if len(marked) > 1 else np.arange(len(cells))]


def _draw_goals(pools: list[Int64s], start: int, count: int, rng: np.random.Generator) -> list[int]:
    """Cells drawn from the pools in turn, each another than the one before."""
    goals: list[int] = []
    last, turn = start, 0
    while len(goals) < count:
        pool = pools[turn % len(pools)]
        turn += 1
        others = pool[pool != last]
        if len(others):
            last = int(others[rng.integers(len(others))])
            goals.append(last)
    return goals
