"""simulate.py: a short run in physics writes everything that it promises."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from oracles.project import ROOT
from PIL import Image
from rich.console import Console

from envs.scenarios import draw_family
from swarm.errors import InputError
from swarm.model.error_bounds import ErrorBounds
from swarm.scenario.grid_map import GridMap
from swarm.scenario.nav2_map import save_nav2_map
from swarm.scenario.scenario import load_scenario

pytestmark = pytest.mark.bullet
MAPS = ROOT / "envs" / "maps"
ROOM = "type octile\nheight 4\nwidth 6\nmap\n......\n.@@@@.\n......\n......\n"


@pytest.fixture(scope="module")
def simulate() -> ModuleType:
    return import_module("envs.commands.simulate")


def test_a_map_is_driven_filmed_and_logged(
    simulate: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "room.map").write_text(ROOM)
    options = simulate.Options(
        tmp_path / "room.map", robots=3, seconds=3.0, seed=1, controller="fixed:4,1", trajectories=tmp_path / "t",
        delays=0.2,
    )  # fmt: skip
    result = simulate.simulate(options, Console(quiet=True))
    assert result["kind"] == "simulation" and result["planner"] == "cells" and result["robots"] == 3
    assert "physics_hz" not in result
    assert result["collisions"] == 0 and all(result["safe"]) and result["min_clearance"] > 0.0
    assert result["steps"] * result["dt"] == pytest.approx(3.0)
    assert result["delays"]["holds"] > 0 and result["delays"]["robot_seconds"] > 0.0
    assert result["deliveries_per_minute"] == pytest.approx(20.0 * result["deliveries"])
    for name in ("room.mp4", "room.png", "room.mcap", "room.json"):
        assert (tmp_path / "out" / name).stat().st_size > 500, name
    assert json.loads((tmp_path / "out" / "room.json").read_text())[0]["deliveries"] == result["deliveries"]
    with np.load(tmp_path / "t" / "room.npz") as track:
        assert track["position"].shape == (result["steps"] + 1, 3, 2)
        moved = np.linalg.norm(track["position"][-1] - track["position"][0], axis=1)
        apart = np.linalg.norm(track["position"][:, 0] - track["position"][:, 1], axis=1) - track["radius"][:2].sum()
    assert moved.max() > 0.3 and apart.min() >= result["min_clearance"] - 1e-12


def test_a_film_in_three_dimensions_is_a_gif_if_its_name_says_so(
    simulate: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "room.map").write_text(ROOM)
    options = simulate.Options(
        tmp_path / "room.map", robots=2, seconds=1.0, controller="fixed:4,1", view="both", video=tmp_path / "film.gif"
    )
    simulate.simulate(options, Console(quiet=True))
    with Image.open(tmp_path / "film.gif") as film:
        assert film.format == "GIF" and film.size == (640, 400) and getattr(film, "n_frames", 1) >= 5
    assert (tmp_path / "film.png").exists()


def test_a_scenario_is_driven_without_a_film(
    simulate: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options = simulate.Options(MAPS / "crossing.yaml", seconds=1.0, controller="fixed:4,1", film=False)
    result = simulate.simulate(options, Console(quiet=True))
    assert result["scenario"] == "crossing" and result["robots"] == 4 and result["planner"] == "passages"
    assert result["collisions"] == 0 and result["deliveries_alone"] == 0 and result["delays"] is None
    assert (tmp_path / "out" / "crossing.png").exists() and not (tmp_path / "out" / "crossing.mp4").exists()


def test_a_family_is_drawn_from_the_seed_and_can_be_saved(
    simulate: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options = simulate.Options(
        Path("doorway"), robots=3, seconds=1.0, seed=3, controller="fixed:4,1", film=False, save=tmp_path / "door.yaml",
        errors="latency=0.01,others=sensed",
    )  # fmt: skip
    result = simulate.simulate(options, Console(quiet=True))
    assert result["scenario"] == "doorway" and result["robots"] == 3 and result["collisions"] == 0
    drawn, saved = draw_family("doorway", 3, robots=3, horizon=1.0), load_scenario(tmp_path / "door.yaml")
    assert saved.robots == drawn.robots and saved.world == drawn.world
    assert saved.errors == ErrorBounds(latency=0.01, others="sensed")
    assert result["errors"] == result["assume"] == {"latency": 0.01, "others": "sensed"}


@pytest.mark.parametrize(
    ("named", "name"),
    [({}, "demo"), ({"scenario": Path("a b/door.yaml")}, "door"), ({"family": "clutter"}, "clutter"),
     ({"scenario": Path("my.py:Ring")}, "Ring"), ({"family": "a/my.py:ring"}, "ring"),
     ({"map": "package.maps:hall"}, "hall"), ({"map": "floor.v2.map"}, "floor.v2")],
)  # fmt: skip
def test_files_are_called_as_what_is_driven(simulate: ModuleType, named: dict[str, Any], name: str) -> None:
    assert simulate.Options(**named).name == name


def test_names_of_files_are_written_whole_into_a_pipe(
    simulate: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {key: tmp_path / f"{'long' * 20}.{key}" for key in ("json", "log", "save", "trajectories")}
    options = simulate.Options(Path("doorway"), seconds=0.2, controller="fixed:4,1", film=False, seed=3, **places)
    simulate.simulate(options, Console(width=80))
    said = capsys.readouterr().out
    assert all(str(path) in said for path in places.values())


@pytest.mark.parametrize(
    ("given", "wrong"),
    [({"video": Path("film.txt")}, r"--video: got 'film\.txt'; valid: a file that ends in \.mp4 or \.gif"),
     ({"robots": 0}, "--robots: got 0; valid: 1 or more"), ({"cell_size": 0.0}, r"--cell-size: got 0\.0; valid: above"),
     ({"seed": -1}, "--seed: got -1; valid: 0 or more")],
)  # fmt: skip
def test_wrong_options_are_named(simulate: ModuleType, given: dict[str, Any], wrong: str) -> None:
    with pytest.raises(InputError, match=wrong):
        simulate.Options(**given)


@pytest.mark.parametrize("named", [{"scenario": MAPS / "crossing.yaml"}, {"family": "doorway"}])
def test_cells_of_what_is_no_map_are_refused(simulate: ModuleType, named: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"--cell-size: got 0\.5; valid: left out: .* is no map"):
        simulate.make_scenario(simulate.Options(**named, cell_size=0.5))


@pytest.mark.parametrize(
    ("given", "wrong"),
    [({"json": "a", "log": "a"}, "--log: got 'a'; valid: another file than that of --json"),
     ({"video": "a.gif", "save": "a.png"}, "--save: got 'a.png'; valid: another file than that of picture"),
     ({"trajectories": "file"}, "file: got '.*file is no folder'")],
)  # fmt: skip
def test_places_are_looked_at_before_anything_runs(
    simulate: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], wrong: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    with pytest.raises(InputError, match=wrong):
        simulate.simulate(simulate.Options(Path("doorway"), **{key: Path(path) for key, path in given.items()}), None)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_acceleration_that_the_filter_does_not_hold_is_refused(simulate: ModuleType, tmp_path: Path) -> None:
    text = (MAPS / "crossing.yaml").read_text()
    (tmp_path / "weak.yaml").write_text("{acceleration: 0.3, speed".join(text.rsplit("{speed", 1)))
    wrong = r"scenario 'weak': robots\[3\]: limits\.acceleration: got 0\.3; valid: at least 33\.4 m/s², or none"
    with pytest.raises(InputError, match=wrong):
        simulate.Simulation(simulate.Options(tmp_path / "weak.yaml", controller="fixed:4,1"))


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan")])
def test_wrong_lengths_are_refused(simulate: ModuleType, seconds: float) -> None:
    with pytest.raises(InputError, match="--seconds"):
        simulate.Options(seconds=seconds)


@pytest.mark.parametrize("delays", [-0.01, float("nan"), float("inf")])
def test_wrong_delays_are_refused(simulate: ModuleType, delays: float) -> None:
    with pytest.raises(InputError, match="--delays"):
        simulate.Options(delays=delays)


def test_wrong_errors_are_refused(simulate: ModuleType) -> None:
    with pytest.raises(InputError, match=r"--assume: lag: got -1\.0; valid: a number, 0 to 60 s"):
        simulate.Options(assume="lag=-1")


def test_physics_steps_may_be_coarser(simulate: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "room.map").write_text(ROOM)
    usual = {"robots": 3, "seconds": 1.0, "controller": "fixed:4,1", "film": False}
    result = simulate.simulate(simulate.Options(tmp_path / "room.map", **usual, physics_hz=60.0), Console(quiet=True))
    assert result["physics_hz"] == 60.0 and result["collisions"] == 0
    with pytest.raises(InputError, match=r"physics_hz: got 50\.0; valid: a multiple of 20 Hz"):
        simulate.Simulation(simulate.Options(tmp_path / "room.map", **usual, physics_hz=50.0))


def test_other_files_are_refused(simulate: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="an existing file, or one of bays, blocks, clutter"):
        simulate.make_scenario(simulate.Options(tmp_path / "film.mp4"))
    (tmp_path / "film.mp4").write_bytes(b"\x00\x00 ftyp")
    with pytest.raises(InputError, match=r"no known format.*a scenario \(YAML.*a MovingAI map"):
        simulate.make_scenario(simulate.Options(tmp_path / "film.mp4"))


def test_a_scenario_file_has_its_own_robots(simulate: ModuleType) -> None:
    path = ROOT / "envs" / "maps" / "crossing.yaml"
    count = len(simulate.make_scenario(simulate.Options(path))[0].robots)
    assert len(simulate.make_scenario(simulate.Options(path, robots=count))[0].robots) == count
    with pytest.raises(InputError, match=rf"--robots: got {count + 1}; valid: left out: .* has {count} robots of its"):
        simulate.make_scenario(simulate.Options(path, robots=count + 1))


def test_files_of_other_projects_are_driven(
    simulate: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "room.map").write_text(ROOM)
    (tmp_path / "room.scen").write_text("version 1\n0 room.map 6 4 0 0 5 3 8\n0 room.map 6 4 1 1 5 3 8\n")
    options = simulate.Options(tmp_path / "room.scen", seconds=1.0, controller="fixed:4,1", film=False)
    result = simulate.simulate(options, Console(quiet=True))
    assert result["robots"] == 1 and result["collisions"] == 0 and result["planner"] == "cells"
    scenario, notes = simulate.make_scenario(options)
    assert scenario.robots[0].start.tolist() == [0.5, 3.5, 0, 0, 0] and scenario.robots[0].goals.tolist() == [
        [5.5, 0.5]
    ]
    assert notes == ["room.scen: 1 of 2 rows left out: 1 from or to a wall"]
    save_nav2_map(tmp_path / "floor.yaml", GridMap.from_rows(["." * 24] * 16, 0.25))
    options = simulate.Options(tmp_path / "floor.yaml", robots=2, seconds=1.0, controller="fixed:4,1", film=False)
    result = simulate.simulate(options, Console(quiet=True))
    assert result["robots"] == 2 and result["collisions"] == 0
    assert simulate.make_scenario(options)[0].world.grid.free.shape == (4, 6)


def test_too_many_robots_are_refused(simulate: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "room.map").write_text(ROOM)
    with pytest.raises(InputError, match="robots"):
        simulate.make_scenario(simulate.Options(tmp_path / "room.map", robots=100))
