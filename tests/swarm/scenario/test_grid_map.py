"""Grid maps: MovingAI's format, cells and metres, connected parts, walls as rectangles."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from swarm.errors import InputError
from swarm.scenario.grid_kernels import cover
from swarm.scenario.grid_map import GridMap

MAP = "type octile\nheight 3\nwidth 4\nmap\n.S@E\n.@TG\nO.W.\n"
FREE = np.array([[1, 1, 0, 1], [1, 0, 0, 1], [0, 1, 0, 1]], dtype=bool)
maps = hnp.arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12)))


def write(folder, text, name="small.map"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def flood(free, seed):
    """Cells connected to one, with a queue of tuples: independent of the kernel."""
    seen, queue = {seed}, deque([seed])
    while queue:
        row, col = queue.popleft()
        for cell in ((row + 1, col), (row - 1, col), (row, col + 1), (row, col - 1)):
            inside = 0 <= cell[0] < free.shape[0] and 0 <= cell[1] < free.shape[1]
            if inside and free[cell] and cell not in seen:
                seen.add(cell)
                queue.append(cell)
    return seen


def test_blanks_behind_rows_say_nothing(tmp_path):
    blank = MAP.replace("E\n", "E  \r\n").replace("G\n", "G\t\n")
    assert GridMap.from_movingai(write(tmp_path, blank)) == GridMap.from_movingai(write(tmp_path, MAP))


def test_reads_and_writes_movingai(tmp_path):
    grid = GridMap.from_movingai(write(tmp_path, MAP), cell_size=0.5)
    assert np.array_equal(grid.free, FREE)
    assert (grid.name, grid.cell_size, grid.symbols) == ("small", 0.5, (".S@E", ".@TG", "O.W."))
    assert grid.to_movingai() == MAP
    grid.save(tmp_path / "small.map")
    assert GridMap.from_movingai(tmp_path / "small.map", 0.5) == grid
    assert GridMap.from_movingai(write(tmp_path, MAP.replace("\n", "\r\n") + "\r\n"), 0.5) == grid


def test_the_first_line_may_be_missing_and_words_large(tmp_path):
    grid = GridMap.from_movingai(write(tmp_path, MAP))
    for text in (MAP.removeprefix("type octile\n"), MAP.replace("type octile\nheight", "Type Octile\nHeight")):
        assert GridMap.from_movingai(write(tmp_path, text)) == grid


@given(maps)
def test_rows_round_trip(free):
    grid = GridMap(free)
    again = GridMap.from_rows(grid.rows)
    assert again == grid and np.array_equal(again.free, free)
    changed = free.copy()
    changed[0, 0] = not changed[0, 0]
    assert GridMap(changed) != grid


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        (MAP.replace("type octile", "type hexagonal"), ":1", "type octile"),
        (MAP.replace("height 3", "height three"), ":2: height", "three"),
        (MAP.replace("height 3", "height 0"), ":2: height", "1 to"),
        (MAP.replace("height 3", "height 99999999999999999999"), ":2: height", "1 to"),
        (MAP.replace("width 4\n", ""), ":3", "no width"),
        (MAP.replace("width 4", "height 4"), ":3", "height 4"),
        (MAP.replace("map\n", ""), ":4", "map"),
        ("type octile\nheight 3\nwidth 4\n", "", "map"),
        ("", ":1", "type octile"),
        (MAP.replace(".@TG", ".@XG"), ":6, column 3", "'X'"),
        (MAP.replace(".@TG", ".@é."), ":6, column 3", "'é'"),
        (MAP.replace(".@TG", ".@T"), ":6", "3 cells"),
        (MAP.replace(".@TG", "....."), ":6", "5 cells"),
        (MAP[: MAP.index("O.W.")], "", "truncated"),
        (MAP[:-3], ":7", "2 cells"),
        (MAP + "....\n", ":8", "nothing after"),
        (b"\xff\xfe" + MAP.encode("utf-16-le"), "byte 0", "UTF-8"),
    ],
)
def test_malformed_map_names_file_and_line(tmp_path, text, place, says):
    path = write(tmp_path, text)
    with pytest.raises(InputError, match=r"small\.map") as caught:
        GridMap.from_movingai(path)
    assert f"{path}{place}" in str(caught.value) or f"{path}: {place}" in str(caught.value)
    assert says in str(caught.value)


def test_files_that_are_no_maps(tmp_path):
    with pytest.raises(InputError, match="a folder"):
        GridMap.from_movingai(tmp_path)
    with pytest.raises(InputError, match="No such file"):
        GridMap.from_movingai(tmp_path / "missing.map")
    with pytest.raises(InputError, match="device"):
        GridMap.from_movingai("/dev/zero")
    huge = write(tmp_path, b"")
    with huge.open("wb") as stream:
        stream.truncate(100 << 20)
    with pytest.raises(InputError, match=r"100\.0 MiB.*at most 64 MiB"):
        GridMap.from_movingai(huge)
    with pytest.raises(InputError, match="folder that can be written"):
        GridMap(FREE).save(tmp_path / "no" / "folder.map")


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"free": FREE.astype(int)}, "free"),
        ({"free": np.zeros((0, 3), bool)}, "free"),
        ({"cell_size": 0.0}, "cell_size"),
        ({"cell_size": np.nan}, "cell_size"),
        ({"cell_size": 1e308}, "cell_size"),
        ({"cell_size": 9e5}, "cell_size × cells"),
        ({"symbols": ("....", "....", "....")}, "symbols"),
        ({"symbols": (".S@E",)}, "symbols"),
    ],
)
def test_construction_is_checked(fields, where):
    with pytest.raises(InputError, match=where):
        GridMap(**{"free": FREE, **fields})


def test_rows_are_checked():
    bad = (([], "at least one"), ([""], "at least one"), ([".", ".."], "2 cells"), ([".x"], "'x'"))
    for rows, says in bad:
        with pytest.raises(InputError, match=says):
            GridMap.from_rows(rows)


def test_cells_and_metres():
    grid = GridMap(FREE, cell_size=2.0)
    assert grid.size == (8.0, 6.0)
    assert grid.centre((0, 0)).tolist() == [1.0, 5.0]
    assert grid.centre([(2, 3), (2, 0)]).tolist() == [[7.0, 1.0], [1.0, 1.0]]
    assert grid.cell_at((7.9, 0.1)) == (2, 3)
    assert grid.cell_at((-5.0, 99.0)) == (0, 0) and grid.cell_at((np.inf, -np.inf)) == (2, 3)
    with pytest.raises(InputError, match="numbers"):
        grid.cell_at((np.nan, 0.0))


@given(maps, st.floats(1e-3, 1e3))
def test_a_centre_lies_in_its_cell(free, cell_size):
    grid = GridMap(free, cell_size)
    cells = np.argwhere(np.ones_like(free))
    assert np.array_equal(grid.cells_at(grid.centre(cells)), cells)


@given(maps)
def test_components_against_a_flood_of_tuples(free):
    grid = GridMap(free)
    labels = grid.components()
    assert np.array_equal(labels >= 0, free)
    left, sizes = {(row, col) for row, col in np.argwhere(free).tolist()}, []
    while left:
        part = flood(free, min(left))
        assert part == {(row, col) for row, col in np.argwhere(labels == len(sizes)).tolist()}
        sizes.append(len(part))
        left -= part
    assert grid.largest_component().sum() == max(sizes, default=0)


@given(maps)
def test_rectangles_cover_walls_and_are_maximal(free):
    boxes = cover(~free)
    covered = np.zeros_like(free)
    for top, left, bottom, right in boxes:
        covered[top:bottom, left:right] = True
        assert not free[top:bottom, left:right].any()
        for wider in ((top - 1, left, bottom, right), (top, left - 1, bottom, right),
                      (top, left, bottom + 1, right), (top, left, bottom, right + 1)):  # fmt: skip
            a, b, c, d = wider
            inside = a >= 0 and b >= 0 and c <= free.shape[0] and d <= free.shape[1]
            assert not inside or free[a:c, b:d].any()
    assert np.array_equal(covered, ~free)


def test_rectangles_are_few():
    aisles = GridMap.from_rows(["." * 26, *["." + "####." * 5] * 8, "." * 26])
    assert len(cover(~aisles.free)) == 5
    assert len(aisles.wall_boxes()) == 5 + 4
