"""MovingAI's scenarios: read, written, and which of their rows fit which ground."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm.errors import InputError
from swarm.scenario.grid_map import GridMap
from swarm.scenario.movingai import ScenEntry, load_scen, misfit, save_scen, water_of

SCEN = "version 1\n0\tsmall.map\t4\t3\t1\t0\t2\t2\t2.41421356\n3\tsmall.map\t4\t3\t0\t0\t3\t2\t4\n"


def test_reads_and_writes_scen(tmp_path):
    entries = load_scen(write(tmp_path, SCEN, "a.scen"))
    assert entries[0] == ScenEntry(0, "small.map", 4, 3, (0, 1), (2, 2), 2.41421356)
    assert entries[1].goal == (2, 3)
    save_scen(tmp_path / "b.scen", entries)
    assert load_scen(tmp_path / "b.scen") == entries
    spaced = SCEN.replace("\t", " ").replace("\n", "\r\n").replace("version 1", "version 1.0")
    assert load_scen(write(tmp_path, spaced, "c.scen")) == entries
    assert load_scen(write(tmp_path, SCEN.replace("\n", "\t\n"), "d.scen")) == entries


def test_rows_without_a_first_line_and_maps_with_a_blank_in_their_names(tmp_path):
    entries = load_scen(write(tmp_path, SCEN, "a.scen"))
    rows = SCEN.removeprefix("version 1\n")
    assert (
        load_scen(write(tmp_path, rows, "b.scen"))
        == load_scen(write(tmp_path, f"Version 1.0\n{rows}", "c.scen"))
        == entries
    )
    named = rows.replace("small.map", "my small.map")
    for text in (named, named.replace("\t", " "), named.replace("\t", "  ")):
        assert [one.map for one in load_scen(write(tmp_path, text, "d.scen"))] == ["my small.map"] * 2
    with pytest.raises(InputError, match=r"d\.scen:1: optimal length: got 'far'"):
        load_scen(write(tmp_path, rows.replace("2.41421356", "far"), "d.scen"))


@pytest.mark.parametrize(
    ("old", "new", "place", "says"),
    [
        ("version 1", "version 2", ":1", "version 1"),
        ("\t2.41421356", "", ":2", "8 fields"),
        ("2.41421356", "nan", ":2: optimal length", "finite"),
        ("2.41421356", "far", ":2: optimal length", "finite"),
        ("\t1\t0\t2\t2", "\tx\t0\t2\t2", ":2: start column", "whole number"),
        ("\t1\t0\t2\t2", "\t-1\t0\t2\t2", ":2: start column", "whole number"),
        ("\t1\t0\t2\t2", "\t1\t0\t2\t" + "9" * 5000, ":2: goal row", "whole number"),
    ],
)
def test_malformed_scen_names_file_and_line(tmp_path, old, new, place, says):
    path = write(tmp_path, SCEN.replace(old, new), "a.scen")
    with pytest.raises(InputError) as caught:
        load_scen(path)
    assert str(caught.value).startswith(f"{path}{place}: ") and says in str(caught.value)


def write(folder, text, name):
    path = folder / name
    path.write_text(text)
    return path


POND = GridMap.from_rows(("..WW.@", "..WW.@", "G.WWTW"), name="pond")


@pytest.mark.parametrize(
    ("start", "goal", "on_land", "on_water"),
    [
        ((0, 0), (2, 1), "", "wall"),
        ((0, 2), (2, 3), "wall", ""),
        ((0, 1), (0, 2), "wall", "wall"),
        ((0, 0), (0, 4), "cannot be reached", "wall"),
        ((0, 2), (2, 5), "wall", "cannot be reached"),
        ((0, 0), (3, 0), "outside", "outside"),
        ((0, 0), (0, 5), "wall", "wall"),
    ],
)
def test_water_is_a_ground_of_its_own(start, goal, on_land, on_water):
    water = water_of(POND)
    assert water is not None and water.name == "pond-water" and water_of(GridMap.from_rows(("..", "@T"))) is None
    entry = ScenEntry(0, "pond.map", 6, 3, start, goal, 1.0)
    for ground, reason in ((POND, on_land), (water, on_water)):
        found = misfit(entry, ground, ground.components())
        assert reason in found and bool(reason) == bool(found)
    wide = ScenEntry(0, "pond.map", 12, 6, start, goal, 1.0)
    assert "another size than 6 × 3" in misfit(wide, POND, POND.components())


entries = st.builds(
    ScenEntry, st.integers(0, 99), st.sampled_from(["a.map", "maps/b c.map"]), st.integers(1, 999), st.integers(1, 999),
    st.tuples(st.integers(0, 999), st.integers(0, 999)), st.tuples(st.integers(0, 999), st.integers(0, 999)),
    st.floats(0, 1e6),
)  # fmt: skip


@given(st.lists(entries))
def test_round_trip(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("scen") / "a.scen"
    save_scen(path, rows)
    assert load_scen(path) == rows
