"""Lifelong instances as JSON lines."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm.errors import InputError
from swarm.scenario.grid_map import GridMap
from swarm.scenario.instances import LifelongInstance, load_instances, save_instances

GOOD = {
    "suite": "01-random",
    "map": "small-000",
    "seed": 7,
    "rows": ["..#.", "...#", "#..."],
    "starts": [[0, 0], [2, 3]],
    "targets": [[[0, 1], [1, 1]], [[2, 3], [1, 0], [1, 0]]],
    "counts": [1, 2],
}
LINE = json.dumps(GOOD)


def write(folder, text, name="cases.jsonl"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_reads_and_writes_json_lines(tmp_path):
    path = write(tmp_path, LINE + "\n\n" + LINE.replace("small-000", "größe") + "\n")
    first, second = load_instances(path)
    assert (first.suite, first.map, first.seed, first.counts) == ("01-random", "small-000", 7, (1, 2))
    assert first.grid == GridMap.from_rows(GOOD["rows"], name="small-000")
    assert first.starts.tolist() == GOOD["starts"] and first.starts.dtype == np.int64
    assert [cells.tolist() for cells in first.targets] == GOOD["targets"]
    assert second.map == "größe" and first != second
    save_instances(path, [first, second])
    assert list(load_instances(path)) == [first, second]
    assert json.loads(path.read_text().splitlines()[0]) == GOOD
    assert os.listdir(tmp_path) == ["cases.jsonl"]


@given(st.integers(0, 2**32 - 1))
def test_random_instances_round_trip(tmp_path_factory, seed):
    rng = np.random.default_rng(seed)
    free = rng.random((rng.integers(2, 9), rng.integers(2, 9))) < 0.8
    free[0, :2] = True
    grid = GridMap(free, name="m")
    cells = np.argwhere(grid.components() == 0)
    starts = rng.permutation(cells)[: rng.integers(1, len(cells) + 1)]
    targets = tuple(cells[rng.integers(len(cells), size=rng.integers(1, 5))] for _ in starts)
    instance = LifelongInstance("s", "m", int(rng.integers(1 << 40)), grid, starts, targets, (len(starts),))
    path = tmp_path_factory.mktemp("drawn") / "x.jsonl"
    save_instances(path, [instance])
    assert list(load_instances(path)) == [instance]


def test_lines_are_read_one_by_one(tmp_path):
    instances = load_instances(write(tmp_path, LINE + "\n" + LINE[:-20] + "\n"))
    assert next(instances).map == "small-000"
    with pytest.raises(InputError, match=r"cases\.jsonl:2: .*complete JSON object"):
        next(instances)


BAD = [
    ({"starts": [[0, 0], [0, 2]]}, "starts[1]", "free cell"),
    ({"starts": [[0, 0], [0, 0]]}, "starts[1]", "another cell than starts[0]"),
    ({"starts": [[0, 0], [3, 0]]}, "starts[1]", "3 × 4"),
    ({"starts": [[0, 0], [0, -1]]}, "starts[1]", "3 × 4"),
    ({"starts": [[0, 0], [0, 3]]}, "targets[1][0]", "starts[1] can reach"),
    ({"starts": [[0, 0], [0.5, 1]]}, "starts", "whole numbers"),
    ({"starts": [[0, 0], [10**30, 1]]}, "starts", "whole numbers"),
    ({"starts": [[0, 0], [True, "a"]]}, "starts", "whole numbers"),
    ({"starts": [[0, 0], [1]]}, "starts", "row, column"),
    ({"starts": []}, "starts", "at least one"),
    ({"starts": {}}, "starts", "a list"),
    ({"targets": [[[0, 1]]]}, "targets", "2 lists"),
    ({"targets": [[[0, 1]], []]}, "targets[1]", "at least one"),
    ({"targets": [[[0, 1]], [[1, 3]]]}, "targets[1][0]", "free cell"),
    ({"targets": [[[0, 1]], [[1, 1], [0, 3]]]}, "targets[1][1]", "can reach"),
    ({"targets": [[[0, 1]], None]}, "targets[1]", "row, column"),
    ({"rows": ["..#.", "...", "#..."]}, "rows[1]", "4 cells"),
    ({"rows": ["..#.", "..x#", "#..."]}, "rows[1], column 3", "one of"),
    ({"rows": []}, "rows", "at least one cell"),
    ({"rows": [1, 2]}, "rows", "at least one cell"),
    ({"rows": "..."}, "rows", "a list"),
    ({"seed": -1}, "seed", "at least 0"),
    ({"seed": 1.5}, "seed", "whole number"),
    ({"seed": True}, "seed", "whole number"),
    ({"map": 3}, "map", "text"),
    ({"counts": []}, "counts", "1 to 2"),
    ({"counts": [2, 1]}, "counts", "ascending"),
    ({"counts": [1, 1]}, "counts", "ascending"),
    ({"counts": [0, 1]}, "counts", "1 to 2"),
    ({"counts": [1, 3]}, "counts", "1 to 2"),
    ({"counts": ["1"]}, "counts", "whole numbers"),
    ({"colour": 1}, "colour", "one of the keys suite"),
]


@pytest.mark.parametrize(("change", "place", "says"), BAD)
def test_bad_instances_name_file_line_and_key(tmp_path, change, place, says):
    path = write(tmp_path, LINE + "\n" + json.dumps({**GOOD, **change}) + "\n")
    with pytest.raises(InputError) as caught:
        list(load_instances(path))
    message = str(caught.value)
    assert message.startswith(f"{path}:2: {place}: ") and says in message and len(message) < 600


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (LINE[:-1], "complete JSON object"),
        ("[1, 2]", "object with the keys suite"),
        ("3", "object with the keys"),
        (LINE.replace('"seed": 7', '"seed": NaN'), "NaN.*finite"),
        (LINE.replace('"seed": 7', '"seed": -Infinity'), "Infinity.*finite"),
        (LINE.replace('"seed": 7', '"seed": ' + "9" * 5000), "complete JSON"),
        (LINE.replace('"seed": 7', '"seed": 7, "map": "a"'), "map: .*each key once"),
        (LINE.replace('"seed": 7, ', ""), "seed: .*required"),
        (LINE.encode().replace(b"small", b"\xff"), "byte .*UTF-8"),
        (LINE.encode("utf-16"), "UTF-8"),
        (LINE.replace("[[0, 0], [2, 3]]", "[" * 991 + "]" * 991), "nesting|row, column"),
        (LINE.replace("[[0, 0], [2, 3]]", "[" * 300_000 + "]" * 300_000), "nesting|complete JSON"),
        ("", "no instance"),
    ],
)
def test_lines_that_are_no_instance(tmp_path, line, says):
    path = write(tmp_path, line)
    with pytest.raises(InputError, match=says) as caught:
        list(load_instances(path))
    assert str(caught.value).startswith(str(path))


def test_files_that_are_no_instances(tmp_path):
    with pytest.raises(InputError, match="a folder"):
        load_instances(tmp_path)
    with pytest.raises(InputError, match="No such file"):
        load_instances(tmp_path / "missing.jsonl")
    path = write(tmp_path, LINE)
    with path.open("r+b") as stream:
        stream.truncate(300 << 20)
    with pytest.raises(InputError, match=r"300\.0 MiB.*at most 256 MiB"):
        load_instances(path)


def test_a_failed_save_leaves_the_old_file(tmp_path):
    path = write(tmp_path, LINE)

    def failing():
        yield from load_instances(path)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save_instances(path, failing())
    assert path.read_text() == LINE and os.listdir(tmp_path) == ["cases.jsonl"]
