"""evaluate.py on families of scenarios: records that the tables follow from, and the whole table of a sweep."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from envs.commands.evaluation.sweep import load_tables


@pytest.fixture(scope="module")
def evaluate() -> ModuleType:
    return import_module("envs.commands.evaluate")


@pytest.mark.usefixtures("one_thread")
def test_families(evaluate: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["family", "merge", "swap", "--controller", "wall_following:6,1", "--episodes", "3", "--seed", "5"]
    path = tmp_path / "r.json"
    assert evaluate.main([*command, "--robots", "2", "--dynamics", "unicycle", "--json", str(path)]) == 0
    records = json.loads(path.read_text())
    assert [(record["scenario"], record["episode"]) for record in records] == [
        (name, k) for name in ("merge", "swap") for k in range(3)
    ]
    swaps = records[3:]
    for record in records:
        assert (record["robots"], record["seed"], record["planner"]) == (2, 5, "straight")
        assert all(record["safe"]) and sum(record["qp"].values()) == 2 * record["steps"]
        assert [time is not None for time in record["reach_time"]] == record["reached"]
    text = capsys.readouterr().out
    mean = np.mean([record["horizon"] if t is None else t for record in swaps for t in record["reach_time"]])
    assert f"{mean:.2f}" in text and "wall_following:6,1" in text


@pytest.mark.usefixtures("one_thread")
def test_sweep(evaluate: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["sweep", "merge", "swap", "--gains", "2", "--powers", "1", "--episodes", "2", "--robots", "2"]
    path = tmp_path / "sweep.json"
    assert evaluate.main([*command, "--seed", "5", "--json", str(path)]) == 0
    tables = load_tables(path)
    assert [(table.family, len(table.settings), table.seed) for table in tables] == [("merge", 4, 5), ("swap", 4, 5)]
    assert "best single" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (["family", "nowhere"], "clutter, corridor"),
        (["family"], "families"),
        (["family", "swap", "swap"], "different names"),
        (["family", "swap", "--planner", "cells"], "straight, roadmap, passages"),
        (["family", "swap", "--episodes", "0"], "--episodes"),
        (["family", "swap", "--controller", "magic:1,1"], "wall_following:"),
        (["family", "mixed", "--controller", "fixed:4,1", "--dynamics", "unicycle"], "options that it has"),
        (["sweep", "swap", "--gains", "0"], "--gains"),
    ],
)
def test_wrong_input(evaluate: ModuleType, capsys: pytest.CaptureFixture[str], command: list[str], text: str) -> None:
    try:
        status = evaluate.main(command)
    except SystemExit as done:  # tyro ends by itself if an option is wrong
        status = done.code
    captured = capsys.readouterr()
    assert status == 2 and text in " ".join(captured.err.split()) and "Traceback" not in captured.err
