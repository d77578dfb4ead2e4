"""What ``simulate.py`` is asked for: its options, and the scenario that they name."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro

import envs
from envs.commands.error_options import ErrorOptions
from envs.formats.read import GRID_FORMATS, Wanted, driven, read_instances
from envs.rollout.delays import Delays, check_rate
from envs.scenarios import FAMILIES, Draw, always, draw_deliveries, family, map_family, map_file, options_of
from swarm.errors import InputError
from swarm.files.checks import whole
from swarm.files.formats import Format, recognise
from swarm.files.references import FORM, is_reference
from swarm.files.text_files import check_place
from swarm.filter.further_rows import make_constraint
from swarm.planning.registry import PLANNERS, check_planner
from swarm.scenario.map_file import MAP_FORMATS, load_map
from swarm.scenario.scenario import Scenario, load_scenario

DEMO_MAP = Path(envs.__file__).parent / "maps" / "warehouse.map"
TEAM = 24  # Robots on a map.
FILMS = (".mp4", ".gif")


@dataclass(frozen=True)
class Options(ErrorOptions):
    """Simulate a team of robots in pybullet; without arguments, the warehouse demo."""

    scenario: Annotated[Path | None, tyro.conf.Positional] = None
    """Scenario, map, file of instances or a family's name; the warehouse of the demo if not given."""
    robots: int | None = None
    """Robots on a map (24) or in a family (its own number); a scenario file brings its own."""
    seconds: float | None = None
    """Simulated time [s]; 60 on a map, a scenario's own horizon."""
    cell_size: float | None = None
    """Cells of a map [m], 1 if not given; of a map of Nav2, one is free if all of it is."""
    family: str = ""
    """A family, also by reference: my_file.py:NAME."""
    map: str = ""
    """A grid map with deliveries: warehouse, depot, sorting, a file, or my_file.py:NAME. With a .scen file its map,
    with POGEMA's scenarios the list of maps; the one beside it if not given."""
    seed: int = 0
    """Of starts, goals, and the spread of masses and motors."""
    save: Path | None = None
    """Write the scenario itself to this file (.yaml)."""
    controller: str = "tuner"
    """tuner, a checkpoint folder, fixed:GAIN,POWER, or my_file.py:NAME."""
    planner: str = "auto"
    """cells, cells:pibt, cells:guided, passages, roadmap, straight, or my_file.py:NAME; auto is cells on a map
    whose cells hold a robot each, passages where two robots cannot pass each other everywhere, else roadmap."""
    constraint: str = ""
    """Further rows of every robot's quadratic program: my_file.py:NAME."""
    delays: float = 0.0
    """Times a second that a robot is held for 0.5 to 3 s, drawn from --seed; 0.01 is 1 % of the robots a second."""
    margin: float | None = None
    """Safety margin of every robot [m]; if not given, 24 % of the smallest radius, or 8 % if none has wheels."""
    json: Path | None = None
    """Results file; out/NAME.json if not given."""
    trajectories: Path | None = None
    """Folder for the trajectories as .npz."""
    video: Path | None = None
    """Film: mp4, or 640 pixels wide if it ends in .gif; out/NAME.mp4 if not given."""
    view: Literal["2d", "3d", "both"] = "2d"
    """What the film shows: the map; in three dimensions, with a close-up where two robots meet; or both."""
    log: Path | None = None
    """Log; out/NAME.mcap if not given."""
    film: bool = True
    """Whether to make the film at all (it takes half of the time)."""
    gui: bool = False
    """Show pybullet's own window."""
    physics_hz: float | None = None
    """Physics steps a second, a whole number of them a control period, such as 60; about 240 if not given. Large teams
    run faster with fewer, and follow their commands less exactly."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.seconds is not None and not 0.0 < self.seconds <= 86_400.0:
            raise InputError("--seconds", self.seconds, "above 0, at most 86400")
        check_planner("--planner", self.planner, ("auto", *PLANNERS))
        make_constraint(self.constraint)
        if self.family and (self.scenario or self.map):
            raise InputError(
                "SCENARIO, --family, --map", [str(self.scenario), self.family, self.map], "one of the three"
            )
        if self.robots is not None and self.robots < 1:
            raise InputError("--robots", self.robots, "1 or more")
        if self.cell_size is not None and not 0.0 < self.cell_size < math.inf:
            raise InputError("--cell-size", self.cell_size, "above 0 [m]")
        if self.video is not None and self.video.suffix not in FILMS:
            raise InputError("--video", str(self.video), f"a file that ends in {' or '.join(FILMS)}")
        whole("--seed", self.seed, least=0)
        check_rate("--delays", self.delays)

    @property
    def name(self) -> str:
        """Stem of the files that are written."""
        named = str(self.scenario or self.family or self.map)
        return named.rpartition(":")[2] if is_reference(named) else Path(named).stem or "demo"

    def files(self) -> dict[str, Path]:
        """What is written, by the option that names it; the picture lies beside the film.

        Raises:
            InputError: If one cannot be written where it is to be, or two would be one file.
        """
        out = Path("out")
        video = self.video or out / f"{self.name}.mp4"
        results, log = self.json or out / f"{self.name}.json", self.log or out / f"{self.name}.mcap"
        found = {"picture": video.with_suffix(".png"), "--json": results, "--log": log}
        found |= {"--video": video} if self.film else {}
        found |= {} if self.save is None else {"--save": self.save}
        first: dict[Path, str] = {}
        for option, path in found.items():
            if (other := first.setdefault(path.absolute(), option)) != option:
                raise InputError(option, str(path), f"another file than that of {other}")
            check_place(path)
        if self.trajectories is not None:
            check_place(self.trajectories, is_folder=True)
        return found


def make_scenario(options: Options) -> tuple[Scenario, list[str]]:
    """The scenario that was asked for, and what is to be said of its file."""
    named = options.family or str(options.scenario or "")
    if options.family or named in FAMILIES or is_reference(named):
        _check_no_cells(options, named)
        return _drawn(family(named), options), []
    if options.scenario is None and is_reference(options.map):
        _check_no_cells(options, options.map)
        return _drawn(map_family(options.map), options), []
    path = options.scenario or (map_file(options.map) if options.map else DEMO_MAP)
    if not os.path.exists(path):
        raise InputError("scenario", str(path), f"an existing file, or one of {', '.join(FAMILIES)}, or {FORM}")
    form = None if os.path.isdir(path) else recognise(path, (Format.SCENARIO, *GRID_FORMATS))
    if options.scenario is not None and options.map and form in (Format.SCENARIO, *MAP_FORMATS):
        raise InputError("SCENARIO, --map", [named, options.map], "one of the two, unless SCENARIO needs a map")
    if form is Format.SCENARIO:
        _check_no_cells(options, named)
        scenario = load_scenario(path)
        if options.robots not in (None, len(scenario.robots)):
            raise InputError(
                "--robots", options.robots, f"left out: {path} has {len(scenario.robots)} robots of its own"
            )
        return scenario, []
    if form in MAP_FORMATS:
        grid, notes = load_map(path, options.cell_size or (None if form is Format.MOVINGAI_MAP else 1.0))
        return _drawn(partial(draw_deliveries, partial(always, grid)), options), list(notes)
    return _first_instance(path, options)


def _check_no_cells(options: Options, named: str) -> None:
    if options.cell_size is not None:
        raise InputError("--cell-size", options.cell_size, f"left out: {named} is no map that lacks one")


def _drawn(draw: Draw, options: Options) -> Scenario:
    """A scenario of a family, with the options that it takes."""
    wanted = options_of(draw, "robots", robots=options.robots, horizon=options.seconds)
    return draw(np.random.default_rng(options.seed), **wanted)


def _first_instance(path: Path, options: Options) -> tuple[Scenario, list[str]]:
    """The first instance of path finding in a file, and what is to be said of that."""
    horizon, map_path = options.seconds or 60.0, Path(options.map) if options.map else None
    instances, found = read_instances(
        path, Wanted(options.robots, math.ceil(horizon), options.seed, options.cell_size, map_path)
    )
    first = next(iter(instances))
    robots = min(TEAM, len(first.starts)) if options.robots is None else options.robots
    return driven(first, robots, horizon), found


def delays_of(options: Options, scenario: Scenario) -> Delays | None:
    """What holds the robots, if anything does; starts and goals are those of the run without delays."""
    if not options.delays:
        return None
    stream = np.random.default_rng([options.seed, 1])
    return Delays(stream, len(scenario.robots), options.delays, scenario.dt)
