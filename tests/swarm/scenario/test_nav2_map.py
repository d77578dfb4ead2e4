"""Maps of Nav2: thresholds and modes against a plain reading of its documentation, origins, faults, round trips."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm.errors import InputError
from swarm.files.images import write_pgm
from swarm.scenario.grid_map import GridMap
from swarm.scenario.map_file import load_map
from swarm.scenario.nav2_map import Nav2Map, Shading, load_nav2_map, save_nav2_map, turned
from swarm.scenario.scenario import load_scenario
from swarm.scenario.world import World

GREY = np.array([[0, 254, 205], [100, 254, 254]], np.uint8)
TEXT = """\
image: floor.pgm
mode: trinary
resolution: 0.05
origin: [-3.0, 2.5, 0.0]
negate: 0
occupied_thresh: 0.65
free_thresh: 0.196
"""


def write(folder: Path, text: str = TEXT) -> Path:
    write_pgm(folder / "floor.pgm", GREY)
    (folder / "floor.yaml").write_text(text)
    return folder / "floor.yaml"


def plain(shade: int, shading: Shading) -> int:
    """One pixel, as the documentation of Nav2's map server says it."""
    if shading.mode == "raw":
        return shade if shade <= 100 else -1
    occupied = shade / 255 if shading.negate else (255 - shade) / 255
    if occupied >= shading.occupied:
        return 100
    if occupied <= shading.free:
        return 0
    return round(100 * (occupied - shading.free) / (shading.occupied - shading.free)) if shading.mode == "scale" else -1


@pytest.mark.parametrize("mode", ["trinary", "scale", "raw"])
@pytest.mark.parametrize("negate", [False, True])
@pytest.mark.parametrize("thresholds", [(0.65, 0.196), (0.9, 0.25), (1.0, 0.0)])
def test_every_shade_has_the_occupancy_that_the_documentation_says(
    mode: str, negate: bool, thresholds: tuple[float, float]
) -> None:
    occupied, free = thresholds
    shading = Shading(occupied, free, negate, mode)
    grey = np.arange(256, dtype=np.uint8)
    found = shading.occupancy(grey, np.ones(256, bool))
    # 1 - g/255 and (255 - g)/255 may round to different sides of a half.
    assert np.abs(found - [plain(shade, shading) for shade in range(256)]).max() <= (mode == "scale")
    clear = shading.occupancy(grey, np.zeros(256, bool))
    assert (clear == (found if mode == "raw" else -1)).all()


def test_reads_a_map_at_its_place(tmp_path: Path) -> None:
    found = load_nav2_map(write(tmp_path))
    assert found.occupancy.tolist() == [[100, 0, -1], [-1, 0, 0]]
    grid = found.grid()
    assert grid.rows == ("#.#", "#..") and (grid.name, grid.cell_size, grid.origin) == ("floor", 0.05, (-3.0, 2.5))
    assert found.note() == "floor: 2 unknown cells count as wall" and "as free" in found.note(unknown_free=True)
    assert found.grid(unknown_free=True).rows == ("#..", "...")
    assert grid.centre((1, 2)) == pytest.approx([-2.875, 2.525]) and grid.cell_at((-2.875, 2.525)) == (1, 2)
    assert grid.bounds == pytest.approx([-3, 2.5, -2.85, 2.6])
    world = World.from_grid(grid)
    for row in range(2):
        for col in range(3):
            assert (world.clearance(grid.centre((row, col))) > 0) == grid.free[row, col]


def test_between_free_and_occupied_is_wall_and_said(tmp_path: Path) -> None:
    found = load_nav2_map(write(tmp_path, TEXT.replace("trinary", "scale").replace("0.196", "0.19")))
    assert found.occupancy.tolist()[0] == [100, 0, 1]
    assert found.grid(unknown_free=True).rows == ("#.#", "#..") and "2 cells between" in found.note()


@pytest.mark.parametrize(
    ("old", "new", "place", "says"),
    [
        ("image: floor.pgm\n", "", ":1: the file: image", "required"),
        ("floor.pgm", "none.pgm", ":1: image", "No such file"),
        ("floor.pgm", "floor.yaml", ":1: image", "a PGM"),
        ("trinary", "binary", ":2: mode", "trinary or scale or raw"),
        ("0.05", "0", ":3: resolution", "above 0"),
        ("0.05", ".nan", ":3: resolution", "above 0"),
        ("2.5, 0.0]", "two]", ":4: origin[1]", "two"),
        ("[-3.0, 2.5, 0.0]", "[1]", ":4: origin", "x, y"),
        ("negate: 0", "negate: 2", ":5: negate", "0 or 1"),
        ("0.65", "0.1", ":7: free_thresh", "less than occupied_thresh, 0.1"),
        ("0.65", "1.5", ":6: occupied_thresh", "at most 1"),
        ("0.196", "-0.1", ":7: free_thresh", "0 or more"),
        ("resolution", "resolutoin", "resolution", "free_thresh, negate (optional), mode (optional))"),
        ("occupied_thresh: 0.65\n", "", "occupied_thresh", "required"),
        (TEXT, "image", ":1", "a mapping"),
    ],
)
def test_bad_maps_name_file_line_and_key(tmp_path: Path, old: str, new: str, place: str, says: str) -> None:
    path = write(tmp_path, TEXT.replace(old, new))
    with pytest.raises(InputError) as caught:
        load_nav2_map(path)
    assert str(caught.value).startswith(str(path)) and place in str(caught.value) and says in str(caught.value)


def test_what_is_not_of_the_format_is_ignored_as_nav2_does(tmp_path: Path) -> None:
    assert load_nav2_map(write(tmp_path, TEXT + "remark: hall 3\n")) == load_nav2_map(write(tmp_path))
    hardly = TEXT.replace("0.0]", "-1.2e-17]")  # what a quaternion may come to
    assert load_nav2_map(write(tmp_path, hardly)) == load_nav2_map(write(tmp_path))
    old = TEXT.replace("mode: trinary\n", "").replace("negate: 0", "negate: false")
    assert load_nav2_map(write(tmp_path, old)) == load_nav2_map(write(tmp_path))


def test_thresholds_may_be_those_of_a_mask_of_speeds(tmp_path: Path) -> None:
    mask = TEXT.replace("trinary", "scale").replace("0.65", "1.0").replace("0.196", "0.0")
    assert load_nav2_map(write(tmp_path, mask)).occupancy.tolist() == [[100, 0, 20], [61, 0, 0]]


grids = st.builds(
    lambda seed, size, x, y: GridMap(np.random.default_rng(seed).random((seed % 5 + 1, seed % 7 + 1)) < 0.6,
                                     size, "floor", origin=(x, y)),
    st.integers(0, 2**32 - 1), st.floats(0.01, 10.0), st.floats(-100, 100), st.floats(-100, 100),
)  # fmt: skip


@given(grids)
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, grid: GridMap) -> None:
    folder = tmp_path_factory.mktemp("map")
    save_nav2_map(folder / "floor.yaml", grid)
    assert load_nav2_map(folder / "floor.yaml").grid() == grid
    assert load_map(folder / "floor.yaml") == (grid, ())


def test_a_name_for_the_image_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ends in \.yaml"):
        save_nav2_map(tmp_path / "floor.pgm", GridMap.from_rows(["."]))


@given(grids, st.sampled_from([1.0, 1.5, 2.0, 2.7, 3.0]))
def test_a_coarse_cell_is_free_if_all_of_it_is(grid: GridMap, ratio: float) -> None:
    if ratio > min(grid.free.shape):
        with pytest.raises(InputError, match="its shorter side"):
            grid.coarsened(ratio * grid.cell_size)
        return
    coarse = grid.coarsened(ratio * grid.cell_size)
    assert coarse.origin == grid.origin and coarse.free.shape == tuple(int(n / ratio + 1e-6) for n in grid.free.shape)
    up = grid.free[::-1]
    for (i, j), free in np.ndenumerate(coarse.free[::-1]):
        inside = [
            up[row, col] for row in range(up.shape[0]) for col in range(up.shape[1])
            if min(row + 1, (i + 1) * ratio) - max(row, i * ratio) > 1e-6
            and min(col + 1, (j + 1) * ratio) - max(col, j * ratio) > 1e-6
        ]  # fmt: skip
        assert free == all(inside)


def test_a_scenario_on_a_map_of_nav2(tmp_path: Path) -> None:
    write(tmp_path, TEXT.replace("0.05", "1.0"))
    text = "environment: {map: floor.yaml}\nrobots:\n- {type: unicycle, start: [-0.5, 3, 0], goal: [-1.5, 3]}\n"
    (tmp_path / "s.yaml").write_text(text)
    scenario = load_scenario(tmp_path / "s.yaml")
    assert scenario.world.bounds.tolist() == [-3, 2.5, 0, 4.5]
    other = tmp_path / "other"
    other.mkdir()
    scenario.save(other / "s.yaml")
    assert "origin: [-3.0, 2.5]" in (other / "s.yaml").read_text() and load_scenario(other / "s.yaml") == scenario
    (tmp_path / "s.yaml").write_text(text.replace("floor.yaml", "floor.pgm"))
    with pytest.raises(InputError, match="cell_size"):
        load_scenario(tmp_path / "s.yaml")
    image = text.replace("floor.yaml", "floor.pgm, cell_size: 1.0, origin: [-3, 2.5]")
    (tmp_path / "s.yaml").write_text(image)
    grid = load_scenario(tmp_path / "s.yaml").world.grid
    assert grid is not None and grid.origin == (-3.0, 2.5)
    (tmp_path / "s.yaml").write_text(text.replace("floor.yaml", "s.yaml"))
    with pytest.raises(InputError, match=r"a scenario .*valid: a MovingAI map .* or a map of Nav2"):
        load_scenario(tmp_path / "s.yaml")


def test_a_quarter_turn_is_the_turned_image() -> None:
    free = np.random.default_rng(0).random((5, 8)) < 0.7
    for quarters in (1, 2, 3, -1):
        found, (left, low) = turned(free, quarters * math.pi / 2)
        assert np.array_equal(found, np.rot90(free, quarters)), quarters
        corner = {1: (-5, 0), 2: (-8, -5), 3: (0, -8)}[quarters % 4]
        assert (left, low) == pytest.approx(corner, abs=1e-9)


@pytest.mark.parametrize("yaw", [0.3, 1.0, -2.5])
def test_free_cells_of_a_turned_map_are_free_everywhere_and_room_is_left(yaw: float) -> None:
    rng = np.random.default_rng(1)
    occupancy = np.where(rng.random((30, 40)) < 0.01, 100, 0)
    grid = Nav2Map(occupancy, 0.05, (3.0, -2.0), "hall", yaw).grid()
    size = grid.cell_size
    places = np.stack(np.meshgrid(np.arange(grid.free.shape[0]), np.arange(grid.free.shape[1]), indexing="ij"), axis=-1)
    points = grid.centre(places)[..., None, :] + rng.uniform(-0.5, 0.5, (*grid.free.shape, 50, 2)) * size
    apart, cos, sin = (points - [3.0, -2.0]) / size, math.cos(yaw), math.sin(yaw)
    column = np.floor(cos * apart[..., 0] + sin * apart[..., 1]).astype(int)
    row = 29 - np.floor(cos * apart[..., 1] - sin * apart[..., 0]).astype(int)
    inside = (row >= 0) & (row < 30) & (column >= 0) & (column < 40)
    truly = inside & (occupancy[np.clip(row, 0, 29), np.clip(column, 0, 39)] == 0)
    assert truly[grid.free].all()
    # A wall of one cell takes 3 × 3 cells at most, and the border one all around.
    assert grid.free.sum() > 0.75 * (occupancy == 0).sum()


def test_a_turned_origin_is_read_and_said(tmp_path: Path) -> None:
    found = load_nav2_map(write(tmp_path, TEXT.replace("0.0]", "0.5]")))
    assert found.yaw == 0.5 and "turned by 0.5 rad" in found.note()
