"""MovingAI's scenarios as instances: which rows are robots, on which ground, and where the map is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from envs.formats.read import Wanted, read_instances
from envs.formats.scen import scen_instances
from envs.scenarios import map_file
from swarm.errors import InputError

MAP = "type octile\nheight 3\nwidth 6\nmap\n..WW.@\n..WW.@\nG.WWTW\n"
# Bucket, map, width, height, start (column, row), goal (column, row), length.
ROWS = {
    "land": "0 pond.map 6 3 0 0 1 2 2.4",
    "water": "0 pond.map 6 3 2 0 3 2 2.4",
    "onto land": "0 pond.map 6 3 1 0 2 0 1",
    "across": "0 pond.map 6 3 0 1 4 1 4",
    "again": "0 pond.map 6 3 0 0 1 1 1.4",
    "outside": "0 pond.map 6 3 0 0 9 9 1",
    "scaled": "0 pond.map 12 6 0 0 1 2 2.4",
    "elsewhere": "0 lake.map 6 3 0 0 1 2 2.4",
    "second": "0 pond.map 6 3 1 0 0 2 2.4",
}


def write(folder: Path, *rows: str, name: str = "pond.scen") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n".join(["version 1", *rows, ""]).replace(" ", "\t").replace("version\t", "version "))
    return folder / name


def test_rows_that_do_not_fit_are_left_out_counted_and_said(tmp_path: Path) -> None:
    (tmp_path / "pond.map").write_text(MAP)
    (land, water), notes = scen_instances(write(tmp_path, *ROWS.values()))
    assert (land.map, land.suite, land.counts) == ("pond", "pond", (2,)) and (water.map, water.counts) == (
        "pond-water",
        (1,),
    )
    assert land.starts.tolist() == [[0, 0], [0, 1]] and [cells.tolist() for cells in land.targets] == [
        [[2, 1]],
        [[2, 0]],
    ]
    assert water.starts.tolist() == [[0, 2]] and water.targets[0].tolist() == [[2, 3]]
    assert not (land.grid.free & water.grid.free).any()
    (left_out, in_water) = notes
    assert left_out.startswith("pond.scen: 6 of 9 rows left out: ") and "1 rows in the water" in in_water
    for reason in (
        "1 from or to a wall", "1 to a goal that cannot be reached", "1 from where an earlier row starts",
        "1 with a cell outside of the map", "1 for a map of another size than 6 × 3", "1 of another map",
    ):  # fmt: skip
        assert reason in left_out


def test_without_faults_nothing_is_said(tmp_path: Path) -> None:
    (tmp_path / "pond.map").write_text(MAP)
    (land,), notes = scen_instances(write(tmp_path, ROWS["land"]))
    assert notes == [] and len(land.starts) == 1


def test_the_map_is_found_beside_above_or_where_it_is_said_to_be(tmp_path: Path) -> None:
    path = write(tmp_path / "a" / "scen" / "deep", "0 maps/pond.map 6 3 0 0 1 2 2.4")
    with pytest.raises(InputError, match=r"pond\.scen: map: got 'maps/pond\.map'.*beside the file.*--map"):
        scen_instances(path)
    for place in ("a/maps/pond.map", "a/scen/pond.map", "a/scen/deep/pond.map"):
        file = tmp_path / place
        file.parent.mkdir(exist_ok=True)
        file.write_text(MAP)
        assert len(scen_instances(path)[0]) == 1
        file.unlink()
    (path.parent / "pond.map").write_text(MAP)
    path.write_text(path.read_text().replace("maps/", "maps\\"))
    assert len(scen_instances(path)[0]) == 1
    (tmp_path / "elsewhere.map").write_text(MAP)
    assert scen_instances(path, tmp_path / "elsewhere.map")[0][0].map == "elsewhere"


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], "one row or more"),
        (["0 pond.map 6 3 1 0 2 0 1"], "a row that fits the map pond"),
        (["0 pond.map"], "9 fields"),
    ],
)
def test_files_without_a_robot_are_errors(tmp_path: Path, rows: list[str], says: str) -> None:
    (tmp_path / "pond.map").write_text(MAP)
    with pytest.raises(InputError, match=says):
        scen_instances(write(tmp_path, *rows))


def test_a_map_alone_is_drawn_on(tmp_path: Path) -> None:
    (tmp_path / "pond.map").write_text(MAP)
    (first,), notes = read_instances(tmp_path / "pond.map", Wanted())
    assert first.counts == (3,) and notes == []  # half of its six connected cells
    (second,), _ = read_instances(tmp_path / "pond.map", Wanted(robots=5, seed=4))
    assert second.counts == (5,) and second.seed == 4
    with pytest.raises(InputError, match=r"pond\.map: pond: robots"):
        read_instances(tmp_path / "pond.map", Wanted(robots=7))
    with pytest.raises(InputError, match=r"--cell-size.*a MovingAI map"):
        read_instances(tmp_path / "pond.map", Wanted(cell_size=2.0))


@pytest.mark.parametrize("name", ["m" * 300, "a/" * 2100])
def test_a_name_that_no_file_can_have_is_no_file(tmp_path: Path, name: str) -> None:
    wanted = Wanted()
    for part in (f"{name}.map", name):
        with pytest.raises(InputError, match=r"map: got '|File name too long"):
            scen_instances(write(tmp_path, f"0 {part} 6 3 0 0 1 2 2.4"))
        with pytest.raises(InputError, match="File name too long"):
            read_instances(Path(part), wanted)
        with pytest.raises(InputError, match="map: got"):
            map_file(part)
