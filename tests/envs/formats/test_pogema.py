"""POGEMA's files: every symbol of a map, places of a fault, scenarios for one goal and for many, and their maps."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from envs.formats.pogema import load_pogema_maps, pogema_instances
from envs.formats.read import Wanted, read_instances
from swarm.errors import InputError

MAPS = """\
# two maps
"hall": |-
  !!!!!!
  !@@$$!
  !@##$!
  !!!!!!
"plain": |-
  ..#
  ...
"""
SCENARIOS: dict[str, Any] = {
    "algorithms": {"RHCR": {"name": "RHCR"}},
    "environment": {"num_agents": {"grid_search": [1, 2, 9]}, "on_target": "restart"},
    "scenarios": {
        "Scenario-0": {
            "agents_xy": [[0, 0], [1, 2]], "map_name": "plain", "seed": 7,
            "targets_xy": [[[1, 0], [0, 1]], [[1, 1], [1, 1], [0, 0]]],
        },
        "Scenario-1": {"agents_xy": [[0, 0], [3, 5]], "map_name": "hall", "seed": 0, "targets_xy": [[2, 4], [1, 1]]},
    },
}  # fmt: skip


def write(folder: Path, text: str, name: str = "maps.yaml") -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_places_to_start_and_to_go_are_free_and_used_as_such(tmp_path: Path) -> None:
    path = write(tmp_path, MAPS)
    hall, plain = load_pogema_maps(path).values()
    assert hall.grid.rows == ("......", "......", "..##..", "......") and plain.grid.rows == ("..#", "...")
    assert hall.homes.tolist() == [[1, 1], [1, 2], [2, 1]] and hall.places.tolist() == [[1, 3], [1, 4], [2, 4]]
    assert len(plain.homes) == len(plain.places) == 5
    (first, second), notes = read_instances(path, Wanted(steps=40))
    assert (first.suite, first.map, second.map) == ("maps", "hall", "plain") and notes == []
    assert first.counts == (1,) and first.starts.tolist()[0] in hall.homes.tolist()
    (all_three, _), _ = read_instances(path, Wanted(robots=3, steps=40))
    assert sorted(all_three.starts.tolist()) == hall.homes.tolist()
    assert {tuple(cell) for cells in all_three.targets for cell in cells.tolist()} == {(1, 3), (1, 4), (2, 4)}
    with pytest.raises(InputError, match="hall: robots: got '4 on 3 connected cells"):
        read_instances(path, Wanted(robots=4))


@given(st.integers(0, 2**32 - 1))
def test_only_a_hash_is_a_wall(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.choice(list(".#@$!"), rng.integers(1, 8, 2))
    text = yaml.safe_dump({"drawn": "\n".join(map("".join, rows))}, default_style="|")
    (found,) = load_pogema_maps(write(tmp_path_factory.mktemp("m"), text)).values()
    assert np.array_equal(found.grid.free, rows != "#")
    marked = np.isin(rows, list("@$!")).any()
    for cells, symbol in ((found.homes, "@"), (found.places, "$")):
        valid = (rows == ".") | ((rows == symbol) if marked else False)
        assert {tuple(cell) for cell in cells.tolist()} == {tuple(cell) for cell in np.argwhere(valid).tolist()}


def test_letters_are_robots(tmp_path: Path) -> None:
    path = write(tmp_path, "swap: |\n  bA#\n  .aB\n")
    (instance,), _ = read_instances(path, Wanted())
    assert instance.starts.tolist() == [[1, 1], [0, 0]]
    assert [cells.tolist() for cells in instance.targets] == [[[0, 1]], [[1, 2]]]


@pytest.mark.parametrize(
    ("old", "new", "place", "says"),
    [
        ("!@##$!", "!@##%!", ":5, column 7", "got '%'; valid: . (free), # (wall), @ $ !"),
        ("!@##$!", "!@##é!", ":5, column 7", "é"),
        ("!@##$!", "!@##!", ":5, column 3", "5 cells"),
        ("!@##$!", "!@##a!", ":2: hall", "a small and a large letter"),
        ("!@##$!", "!aa#A!", ":5, column 5", "each letter once"),
        ("|-\n  ..#\n  ...", "3", ":7: plain", "text"),
        ("|-\n  ..#\n  ...", '"..# x.."', ":7: plain, row 2, column 1", ""),
        (MAPS, "- a\n", ":1", "a mapping of names to maps"),
    ],
)
def test_a_bad_map_names_line_and_column(tmp_path: Path, old: str, new: str, place: str, says: str) -> None:
    path = write(tmp_path, MAPS.replace(old, new))
    if place.endswith("row 2, column 1"):
        path = write(tmp_path, MAPS.replace(old, '"..# %.."'))
    with pytest.raises(InputError) as caught:
        load_pogema_maps(path)
    assert f"{path}{place}" in str(caught.value) and says in str(caught.value)


@pytest.mark.parametrize("style", [None, True])
def test_scenarios_are_instances(tmp_path: Path, style: bool | None) -> None:
    write(tmp_path, MAPS, "the_maps.yaml")
    path = write(tmp_path, yaml.safe_dump(SCENARIOS, default_flow_style=style), "lmapf.yaml")
    (first, second), notes = read_instances(path, Wanted())
    assert notes == [] and (first.suite, first.map, first.seed, first.counts) == ("lmapf", "plain", 7, (1, 2))
    assert first.starts.tolist() == [[0, 0], [1, 2]]
    assert [cells.tolist() for cells in first.targets] == [[[1, 0], [0, 1]], [[1, 1], [1, 1], [0, 0]]]
    assert [cells.tolist() for cells in second.targets] == [[[2, 4]], [[1, 1]]] and second.map == "hall"
    (tmp_path / "the_maps.yaml").rename(tmp_path.parent / f"{tmp_path.name}.yaml")
    with pytest.raises(
        InputError, match=r"map_name: got 'hall'; valid: a map in a list of maps beside lmapf\.yaml.*--map"
    ):
        pogema_instances(path)
    assert len(pogema_instances(path, tmp_path.parent / f"{tmp_path.name}.yaml")) == 2


def test_one_configuration_with_its_own_map(tmp_path: Path) -> None:
    text = yaml.safe_dump({"map": "..\n.#\n", "agents_xy": [[0, 0]], "targets_xy": [[1, 0]], "on_target": "finish"})
    (instance,), _ = read_instances(write(tmp_path, text, "one.yaml"), Wanted())
    assert instance.map == "one" and instance.grid.rows == ("..", ".#") and instance.targets[0].tolist() == [[1, 0]]
    numbers = text.replace(text[text.index("map:") : text.index("on_target")], "map: [[0, 0], [0, 1]]\n")
    (same,), _ = read_instances(write(tmp_path, numbers, "one.yaml"), Wanted())
    assert same.grid == instance.grid
    with pytest.raises(InputError, match=r"one\.yaml:4: map\[1\]\[1\]: got 2\.0; valid: 0 \(free\) or 1 \(wall\)"):
        pogema_instances(write(tmp_path, numbers.replace("1]]\n", "2]]\n"), "one.yaml"))


def test_where_a_configuration_does_not_say_who_starts_where_its_letters_do(tmp_path: Path) -> None:
    unsaid = {"num_agents": 2, "agents_xy": None, "targets_xy": None, "map": "a.B\n..#\nb.A\n"}
    for document in (unsaid, {"num_agents": 2, "obs_radius": 5, "map": ["a.B", "..#", "b.A"]}):
        (instance,), _ = read_instances(write(tmp_path, yaml.safe_dump(document), "one.yaml"), Wanted())
        assert instance.starts.tolist() == [[0, 0], [2, 0]] and instance.targets[0].tolist() == [[2, 2]]
    for drawn in (unsaid | {"map": "...\n"}, {"num_agents": 2, "density": 0.3}):
        with pytest.raises(InputError, match=r"agents_xy.*where POGEMA draws the robots itself, give its list of maps"):
            read_instances(write(tmp_path, yaml.safe_dump(drawn), "one.yaml"), Wanted())


def test_each_scenario_may_draw_its_own_map(tmp_path: Path) -> None:
    write(tmp_path, MAPS)
    document = copy.deepcopy(SCENARIOS)
    document["scenarios"]["Scenario-0"] |= {"map": "...\n...\n", "map_name": None}
    document["scenarios"]["Scenario-1"] |= {"map": None}
    (first, second), _ = read_instances(write(tmp_path, yaml.safe_dump(document), "lmapf.yaml"), Wanted())
    assert (first.map, first.grid.rows, second.map) == ("Scenario-0", ("...", "..."), "hall")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "- - 0\n      - 0\n    - - 1\n      - 2",
            "- - 0\n      - 2\n    - - 1\n      - 2",
            "lmapf.yaml:12: scenarios.Scenario-0: starts[0]: got [0, 2]; valid: a free",
        ),
        ("- - 0\n      - 0\n    - - 1\n      - 2", "- - 0\n    - - 1\n      - 2", "agents_xy[0]"),
        ("- - 0\n      - 0\n    - - 1\n      - 2", "- - 0\n      - 0.5\n    - - 1\n      - 2", "agents_xy[0][1]"),
        ("- - 0\n      - 0\n    - - 1\n      - 2", "  []", "one cell [row, column] or more"),
        ("- 9", "- x", "environment.num_agents.grid_search[2]"),
        ("seed: 7", "seed: -1", "seed: got -1.0"),
        ("map_name: plain", "map_nam: plain", "map_name"),
        ("scenarios:", "scenarioz:", "a mapping with the key scenarios"),
        ("seed: 7", "seed: [7", "a list of POGEMA's scenarios"),
    ],
)
def test_a_bad_scenario_names_the_key(tmp_path: Path, old: str, new: str, says: str) -> None:
    write(tmp_path, MAPS)
    text = yaml.safe_dump(SCENARIOS, default_flow_style=False)
    assert old in text
    with pytest.raises(InputError) as caught:
        read_instances(write(tmp_path, text.replace(old, new, 1), "lmapf.yaml"), Wanted())
    assert str(caught.value).startswith(str(tmp_path / "lmapf.yaml")) and says in str(caught.value)


@pytest.mark.parametrize(
    ("style", "names"), [*((style, ("a", "b-1")) for style in (None, "|", '"', "'", ">")), (None, (0, 1))]
)
def test_a_list_of_maps_is_known_however_it_was_written(
    tmp_path: Path, style: str | None, names: tuple[Any, Any]
) -> None:
    drawn = "..#\n...\n", "...\n.#."
    given = {
        name: text.replace("\n", "\n\n") if style == ">" else text for name, text in zip(names, drawn, strict=True)
    }
    path = write(tmp_path, yaml.dump(given, default_style=style, sort_keys=False))
    instances, _ = read_instances(path, Wanted(2))
    assert [one.grid.rows for one in instances] == [("..#", "..."), ("...", ".#.")]


@pytest.mark.parametrize("flow", [None, False])
@pytest.mark.parametrize("numbers", [False, True])
def test_maps_may_be_lists_of_rows(tmp_path: Path, flow: bool | None, numbers: bool) -> None:
    drawn = {"a": ["..#", "..."], "b": ["#..", "..#"]}
    cells = {name: [[int(cell == "#") for cell in row] for row in rows] for name, rows in drawn.items()}
    path = write(tmp_path, yaml.safe_dump(cells if numbers else drawn, default_flow_style=flow))
    instances, _ = read_instances(path, Wanted(2))
    assert [list(one.grid.rows) for one in instances] == list(drawn.values())


def test_a_list_of_something_else_beside_scenarios_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, MAPS, "maps.yaml")
    write(tmp_path, "notes: |\n  .x.\n", "a.yaml")
    path = write(tmp_path, yaml.safe_dump(SCENARIOS), "lmapf.yaml")
    assert len(pogema_instances(path)) == 2
    (tmp_path / "maps.yaml").unlink()
    with pytest.raises(InputError, match=r"a list of maps beside lmapf.yaml \(not read: .*a.yaml"):
        pogema_instances(path)
    with pytest.raises(InputError, match=r"a.yaml:1"):
        pogema_instances(path, tmp_path / "a.yaml")
