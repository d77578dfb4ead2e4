"""fleet.yaml: who belongs to a fleet, where each of its processes is reached, and what its robots drive with.

    fleet: warehouse16
    deliveries: {map: ../maps/warehouse.map, robots: 16, seed: 0, seconds: 300}  # or scenario: FILE.yaml
    planner: cells
    controller: tuner
    margin: 0.06
    driver: bullet
    endpoints: 17400             # robot i listens there + i; or {0: tcp/127.0.0.1:17400, 1: ...}
    physics: 127.0.0.1:17390

Optional: ``recording`` (of driver ``replay``), ``ros2`` (of driver ``ros2``: ``swarm.runtime.fleet_file.ros2_names``),
``keys`` (folder of TLS files; the endpoints are then ``tls/``), ``log`` (folder), ``journal`` (folder; by default one
of the user's, ``swarm.runtime.journal``), ``patience`` [s] (with an attempt to connect, which takes four round trips:
more than 0.6 where one takes longer than 0.15), ``errors`` (what is not exact, ``swarm.model.error_bounds``) and
``strangers`` (who ignore everybody, ``swarm.model.strangers``; both by default as the scenario file declares),
``clock`` (what the stamps of a body are of: ``same``, a clock that agrees with this computer's, or ``base``, one of its
own; one word for all robots, or a mapping such as ``{0: base}``), ``braking`` (what is done about a reason not to move:
``swarm.runtime.fleet_file.braking``), ``constraint`` (further rows of every robot's quadratic program,
``my_file.py:NAME``: ``swarm.Constraint``). Files and folders are relative to the fleet file. The robots are those of
the scenario, in its order: identities 0 to N - 1.
"""

from __future__ import annotations

import ipaddress
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from swarm.errors import InputError
from swarm.files.formats import Format, recognise
from swarm.files.text_files import MEBIBYTE, located
from swarm.files.yaml_input import Field, read_yaml
from swarm.model.error_bounds import EXACT, ErrorBounds, read_errors
from swarm.model.shapes import NO_FOOTPRINT
from swarm.model.strangers import UNKNOWN, Strangers, read_strangers
from swarm.planning.passages.team import sizes_of
from swarm.planning.registry import PLANNERS, choose_planner
from swarm.runtime.fleet_file.braking import DEFAULT, Action, read_braking
from swarm.runtime.fleet_file.parts import read_controller, read_part
from swarm.runtime.fleet_file.ros2_names import Ros2, read_ros2
from swarm.runtime.fleet_file.roster import Peer
from swarm.runtime.fleet_file.zenoh_config import LEAST_PATIENCE, MOST_PATIENCE, PATIENCE
from swarm.scenario.map_file import load_map
from swarm.scenario.scenario import Scenario, deliveries, load_scenario
from swarm.scenario.strangers_sensed import check_strangers_sensed

DRIVERS = ("bullet", "replay", "ros2")
"""Drivers that have a name; any other is ``my_file.py:CLASS`` or ``package.module:CLASS``."""

CLOCKS = ("same", "base")
"""Whose clock the body of a robot stamps by: one that agrees with the control process's, or one of its own."""

OLDEST = 1.0
"""The oldest state that can be declared [s]; as ``swarm.runtime.drivers.clocks.FARTHEST``."""

_REQUIRED = ("fleet", "planner", "controller", "margin", "driver", "endpoints")
_OPTIONAL = (
    "scenario", "deliveries", "physics", "recording", "ros2", "keys", "log", "journal", "patience", "errors",
    "strangers", "clock", "braking", "constraint",
)  # fmt: skip
_NAME = re.compile(r"[a-z0-9_-]{1,64}")
# Below are the system's own ports.
_LOWEST_PORT, _HIGHEST_PORT = 1024, 65535
# As many goals as nobody reaches within the drawn seconds, as in the simulation.
_SPARE_GOALS = 8


@dataclass(frozen=True)
class FleetFile:
    """What a fleet file says, checked.

    Attributes:
        path: The file.
        name: Of the fleet.
        scenario: Map, robots with starts, goals and limits, control period, sensing radius.
        seed: What the deliveries were drawn from (0 for a scenario file).
        planner: Name of every robot's planner; never ``auto``.
        controller: ``tuner``, a checkpoint folder, or a rule (``swarm.tune.controllers.make_controller``).
        margin: Safety margin of every robot [m].
        driver: One of ``DRIVERS``, or the reference of a class.
        endpoints: Where each robot listens, by identity: ``tcp/HOST:PORT``, or ``tls/HOST:PORT`` if there are keys.
        physics: Host and port of the physics world; None if the driver needs none.
        recording: What the driver ``replay`` plays.
        keys: Folder of TLS files.
        log: Folder of the logs.
        ros2: Where the driver ``ros2`` finds the bases.
        journal: Folder of the robots' journals; None: the default.
        patience: With an attempt to connect [s].
        errors: What is not exact.
        strangers: What is counted on of those who ignore everybody.
        clocks: Of each robot that has its own, one of ``CLOCKS``.
        braking: What is done about each reason not to move.
        constraint: Reference of a ``swarm.Constraint``; empty: there is none.
    """

    path: Path
    name: str
    scenario: Scenario
    seed: int
    planner: str
    controller: str
    margin: float
    driver: str
    endpoints: tuple[str, ...]
    physics: tuple[str, int] | None = None
    recording: Path | None = None
    keys: Path | None = None
    log: Path | None = None
    ros2: Ros2 | None = None
    journal: Path | None = None
    patience: float = PATIENCE
    errors: ErrorBounds = EXACT
    strangers: Strangers = UNKNOWN
    clocks: Mapping[int, str] = field(default_factory=dict)
    braking: Mapping[str, Action] = field(default_factory=lambda: DEFAULT)
    constraint: str = ""

    def clock_of(self, robot: int) -> str:
        """Whose clock a robot's body stamps by: one of ``CLOCKS``."""
        return self.clocks.get(robot, CLOCKS[0])

    def errors_of(self, robot: int) -> ErrorBounds:
        """What is declared of a robot: by a clock of its own a state may come a period later than the quickest."""
        if self.clock_of(robot) == CLOCKS[0] or not self.errors.any:
            return self.errors
        return replace(self.errors, age=self.errors.age + self.scenario.dt)

    @property
    def addresses(self) -> dict[int, str]:
        """``HOST:PORT`` of each robot, by identity."""
        return {robot: endpoint.partition("/")[2] for robot, endpoint in enumerate(self.endpoints)}

    def roster(self) -> dict[int, Peer]:
        """The robots as the others see them, by identity."""
        scenario, found = self.scenario, {}
        low_x, low_y, high_x, high_y = scenario.world.bounds.tolist()
        for robot, spec in enumerate(scenario.robots):
            with located(f"robots[{robot}]: "):
                body = spec.body(
                    dt=scenario.dt, sensing_radius=scenario.sensing_radius, margin=self.margin,
                    errors=self.errors_of(robot),
                )  # fmt: skip
            footprint = NO_FOOTPRINT if spec.footprint is None else spec.footprint
            found[robot] = Peer(int(spec.kind), body, (low_x, low_y, high_x, high_y), footprint)
        return found


def load_fleet(path: str | Path) -> FleetFile:
    """Read a fleet file.

    Raises:
        InputError: If it is malformed; names the file, the line and the key, the value, and what is valid.
    """
    path = Path(path)
    root = read_yaml(path, MEBIBYTE)
    if isinstance(root.value, dict) and "fleet" not in root.value:
        recognise(path, [Format.FLEET])
    keys = root.mapping(_REQUIRED, _OPTIONAL)
    name = keys["fleet"].text()
    if not _NAME.fullmatch(name):
        raise keys["fleet"].error("1 to 64 of the characters a-z, 0-9, _ and -")
    scenario, seed = _read_scenario(root, keys, path.parent)
    planner = keys["planner"].text()
    if planner not in ("auto", *PLANNERS):
        raise keys["planner"].error(f"auto, {', '.join(PLANNERS)}")
    if planner.startswith("cells") and scenario.world.grid is None:
        raise keys["planner"].error("auto, passages, roadmap or straight; cells need a world with a grid map")
    margin = keys["margin"].number()
    if margin < 0.0:
        raise keys["margin"].error("0 or more, m")
    driver = _read_driver(keys, path.parent)
    folders = {key: path.parent / keys[key].text() for key in ("recording", "keys", "log", "journal") if key in keys}
    if "keys" in folders and not os.path.isdir(folders["keys"]):
        raise keys["keys"].error(f"a folder (looked for {folders['keys']})")
    endpoints = _read_endpoints(keys["endpoints"], len(scenario.robots), "tls" if "keys" in keys else "tcp")
    physics = _read_address(keys["physics"], keys["physics"].text()) if "physics" in keys else None
    if physics is not None and not ipaddress.ip_address(physics[0]).is_loopback:
        raise keys["physics"].error("an address of this machine alone, such as 127.0.0.1:17390")
    if physics is not None and any(endpoint.endswith(f"{physics[0]}:{physics[1]}") for endpoint in endpoints):
        raise keys["physics"].error("another port than the endpoints'")
    patience = keys["patience"].number() if "patience" in keys else PATIENCE
    if not LEAST_PATIENCE <= patience <= MOST_PATIENCE:
        raise keys["patience"].error(f"{LEAST_PATIENCE:g} to {MOST_PATIENCE:g} s")
    ros2 = read_ros2(keys["ros2"], len(scenario.robots)) if "ros2" in keys else None
    errors = read_errors(keys["errors"]) if "errors" in keys else scenario.errors
    strangers = read_strangers(keys["strangers"]) if "strangers" in keys else scenario.strangers
    clocks = _read_clocks(keys["clock"], len(scenario.robots)) if "clock" in keys else {}
    braking = read_braking(keys["braking"]) if "braking" in keys else DEFAULT
    controller = read_controller(keys["controller"], path.parent)
    constraint = read_part(keys["constraint"], path.parent) if "constraint" in keys else ""
    fleet = FleetFile(
        path, name, scenario, seed, planner, controller, margin, driver, endpoints, physics, ros2=ros2,
        patience=patience, errors=errors, strangers=strangers, clocks=clocks, braking=braking,
        constraint=constraint, **folders,
    )  # fmt: skip
    with located(f"{keys['margin'].where}: "):
        replace(fleet, errors=EXACT).roster()
    with located(f"{(keys.get('errors') or keys.get('scenario') or root).where}: "):
        if errors.age > OLDEST:
            raise InputError("errors.age", errors.age, f"at most {OLDEST:g} s: older stamps are of another clock")
        fleet.roster()
    with located(f"{(keys.get('strangers') or keys.get('scenario') or root).where}: "):
        check_strangers_sensed("sensing_radius", scenario, scenario.robots, errors, strangers, margin)
    sizes = sizes_of(scenario, margin, errors) if planner == "auto" else None
    return replace(fleet, planner=choose_planner(planner, scenario, sizes))


def _read_scenario(root: Field, keys: dict[str, Field], folder: Path) -> tuple[Scenario, int]:
    """The scenario of a file, or deliveries drawn as ``launch/simulate.py`` draws them; and the seed."""
    if ("scenario" in keys) == ("deliveries" in keys):
        raise root.error("either scenario (a file) or deliveries (drawn on a map), and not both")
    if "scenario" in keys:
        file = folder / keys["scenario"].text()
        with located(f"{keys['scenario'].where}: "):
            return load_scenario(file), 0
    field = keys["deliveries"]
    drawn = field.mapping(["map", "robots"], ["seed", "seconds", "cell_size"])
    robots = _whole(drawn["robots"], 1, 10_000)
    seed = _whole(drawn["seed"], 0, 2**31 - 1) if "seed" in drawn else 0
    seconds = drawn["seconds"].number(above=0.0) if "seconds" in drawn else 60.0
    cell_size = drawn["cell_size"].number(above=0.0) if "cell_size" in drawn else None
    if seconds > 86_400.0:
        raise drawn["seconds"].error("at most 86400 s")
    file = folder / drawn["map"].text()
    with located(f"{drawn['map'].where}: "):
        grid, _ = load_map(file, cell_size)
    with located(f"{field.where}: "):
        goals = _SPARE_GOALS + math.floor(seconds)
        return deliveries(grid, robots, np.random.default_rng(seed), goals, horizon=seconds), seed


def _read_driver(keys: dict[str, Field], folder: Path) -> str:
    """The driver, and whether the file says what it needs."""
    driver = keys["driver"].text()
    if driver not in DRIVERS:
        return read_part(keys["driver"], folder, f"{', '.join(DRIVERS)}, or ")
    for needed_by, key in (("bullet", "physics"), ("replay", "recording"), ("ros2", "ros2")):
        if driver == needed_by and key not in keys:
            raise keys["driver"].error(f"also the key {key}, which the driver {driver} needs")
    return driver


def _read_endpoints(field: Field, robots: int, scheme: str) -> tuple[str, ...]:
    """Where each robot listens, from a base port or a mapping of identities; all different."""
    if not isinstance(field.value, dict):
        base = _whole(field, _LOWEST_PORT, _HIGHEST_PORT + 1 - robots)
        return tuple(f"{scheme}/127.0.0.1:{base + robot}" for robot in range(robots))
    keys = field.mapping([str(robot) for robot in range(robots)])
    found: dict[str, int] = {}
    for robot in range(robots):
        entry = keys[str(robot)]
        text = entry.text()
        given, _, address = text.partition("/")
        valid = f"{scheme}/HOST:PORT" + ("" if scheme == "tls" else " (tls/ needs the key keys)")
        if given != scheme:
            raise entry.error(valid)
        host, port = _read_address(entry, address)
        if scheme == "tcp" and not ipaddress.ip_address(host).is_loopback:
            raise entry.error("an address of this machine alone, 127.0.0.1; others need the key keys, for TLS")
        endpoint = f"{scheme}/{host}:{port}"
        if endpoint in found:
            raise entry.error(f"another than that of robot {found[endpoint]}")
        found[endpoint] = robot
    return tuple(found)


def _read_clocks(field: Field, robots: int) -> dict[int, str]:
    """Whose clock each robot's body stamps by, from one word or a mapping of identities."""
    if not isinstance(field.value, dict):
        return dict.fromkeys(range(robots), _clock(field))
    given = field.mapping([], [str(robot) for robot in range(robots)])
    return {int(robot): _clock(entry) for robot, entry in given.items()}


def _clock(field: Field) -> str:
    if field.value not in CLOCKS:
        raise field.error(f"{' or '.join(CLOCKS)}, or a mapping of robots to these")
    return field.text()


def _read_address(field: Field, text: str) -> tuple[str, int]:
    """Host (an IPv4 address) and port."""
    host, _, port = text.partition(":")
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        raise field.error("an IPv4 address and a port, such as 127.0.0.1:17400") from None
    if not re.fullmatch(r"[0-9]{1,5}", port) or not _LOWEST_PORT <= int(port) <= _HIGHEST_PORT:
        raise field.error(f"a port of {_LOWEST_PORT} to {_HIGHEST_PORT}")
    return host, int(port)


def _whole(field: Field, low: int, high: int) -> int:
    """A whole number of a range."""
    value = field.value
    if not isinstance(value, float) or not low <= value <= high or value != math.floor(value):
        raise field.error(f"a whole number, {low} to {high}")
    return int(value)
