"""Problems of the League of Robot Runners in three generations, their errands as goals, and every fault."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from envs.formats.league import STEPS, DelayConfig, load_problem
from envs.formats.read import Wanted, driven, read_instances
from swarm.errors import InputError

MAP = "type octile\nheight 2\nwidth 4\nmap\n..ES\n@..T\n"
DELAYS = {
    "seed": 3, "minDelay": 1, "maxDelay": 5, "eventModel": "poisson", "pDelay": 0.25, "durationModel": "uniform",
    "gaussMeanRatio": 0.5, "gaussStdRatio": 0.2,
}  # fmt: skip
COMMON = {"mapFile": "maps/m.map", "agentFile": "agents/a.agents", "taskFile": "tasks/t.tasks", "teamSize": 2}
PROBLEMS: dict[int, dict[str, Any]] = {
    2023: {**COMMON, "numTasksReveal": 1, "taskAssignmentStrategy": "roundrobin"},
    2024: {**COMMON, "numTasksReveal": 1.5, "version": "2024 LoRR"},
    2026: {**COMMON, "version": "2026 LoRR", "agentCounter": 3, "agentSize": 0.9, "delayConfig": DELAYS},
}
TASKS = "# errands\n3\n2,3\n5\n6,0,1\n"
SINGLE = "3\n2\n5\n6\n"


def write(folder: Path, problem: object, tasks: str = TASKS, agents: str = "3\n# a comment\n0\n6\n1\n") -> Path:
    for name, text in (("maps/m.map", MAP), ("agents/a.agents", agents), ("tasks/t.tasks", tasks)):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    (folder / "p.json").write_text(problem if isinstance(problem, str) else json.dumps(problem))
    return folder / "p.json"


@pytest.mark.parametrize("year", [2023, 2024, 2026])
def test_three_generations(tmp_path: Path, year: int) -> None:
    problem = load_problem(write(tmp_path, PROBLEMS[year], SINGLE if year == 2023 else TASKS))
    assert (problem.name, problem.generation) == ("p", year) and problem.grid.rows == ("....", "#..#")
    assert problem.starts.tolist() == [[0, 0], [1, 2]]  # the first two of three
    assert problem.tasks_reveal == {2023: 1.0, 2024: 1.5, 2026: 1.0}[year]
    assert problem.assignment == ("roundrobin" if year == 2023 else "")
    assert (problem.agent_counter, problem.agent_size) == ((3, 0.9) if year == 2026 else (1, 1.0))
    kept = DelayConfig(3, 1, 5, "poisson", 0.25, "uniform", 0.5, 0.2) if year == 2026 else None
    assert problem.delays == kept
    said = " ".join(problem.notes())
    assert f"a problem of {year}" in said and ("delays" in said) == (year == 2026)
    assert ("as it declares" if year == 2023 else "by turns") in said


def test_without_a_version_a_problem_is_of_the_year_whose_keys_it_has(tmp_path: Path) -> None:
    def year(**keys: Any) -> int:
        return load_problem(write(tmp_path, COMMON | keys)).generation

    assert (year(), year(version=2024), year(delayConfig=DELAYS), year(numTasksReveal=1.5)) == (2024, 2024, 2026, 2024)
    single = write(tmp_path, COMMON | {"taskAssignmentStrategy": "greedy"}, SINGLE)
    assert load_problem(single).generation == 2023


def test_unknown_keys_are_ignored_and_said(tmp_path: Path) -> None:
    known = load_problem(write(tmp_path, PROBLEMS[2024]))
    problem = load_problem(write(tmp_path, PROBLEMS[2024] | {"colour": "red"}))
    assert problem.ignored == ("colour",) and problem.notes() == [*known.notes(), "p: unknown keys are ignored: colour"]
    assert problem.instance() == known.instance()


def test_errands_are_goals_in_order_and_tasks_begin_again(tmp_path: Path) -> None:
    instance = load_problem(write(tmp_path, PROBLEMS[2024])).instance()
    tasks = [[[0, 2], [0, 3]], [[1, 1]], [[1, 2], [0, 0], [0, 1]]]
    for robot, targets in enumerate(instance.targets):
        order = [tasks[(robot + 2 * turn) % 3] for turn in range(len(targets))]
        expected = [cell for task in order for cell in task][: len(targets)]
        assert targets.tolist() == expected
        steps = np.abs(np.diff(np.concatenate([instance.starts[robot][None], targets]), axis=0)).sum(axis=1)
        assert np.maximum(steps, 1).sum() > STEPS  # nobody runs out of goals


def test_a_fixed_list_comes_once(tmp_path: Path) -> None:
    problem = load_problem(write(tmp_path, PROBLEMS[2023] | {"taskAssignmentStrategy": "roundrobin_fixed"}, SINGLE))
    assert [cells.tolist() for cells in problem.instance().targets] == [[[0, 2], [1, 2]], [[1, 1]]]
    with pytest.raises(InputError, match="p: tasks: got 1; valid: a task for each of 2 robots"):
        replace(problem, tasks=problem.tasks[:1]).instance()


def test_a_folder_holds_problems(tmp_path: Path) -> None:
    write(tmp_path, PROBLEMS[2026])
    (tmp_path / "other.json").write_text("{}")
    (instance,), notes = read_instances(tmp_path, Wanted())
    assert (instance.suite, instance.map, instance.counts) == ("league", "p", (2,)) and len(notes) == 2
    scenario = driven(instance, 1, horizon=5.0)
    assert scenario.robots[0].start.tolist() == [0.5, 1.5, 0, 0, 0]
    assert scenario.robots[0].goals[:2].tolist() == [[2.5, 1.5], [3.5, 1.5]]
    with pytest.raises(InputError, match="robots: got 3; valid: 1 to 2"):
        driven(instance, 3, horizon=5.0)
    with pytest.raises(InputError, match="a folder without a problem"):
        read_instances(tmp_path / "maps", Wanted())


def bad(**keys: Any) -> dict[str, Any]:
    """The problem of 2026 with other keys; None: without it."""
    return {key: value for key, value in (PROBLEMS[2026] | keys).items() if value is not None}


@pytest.mark.parametrize(
    ("problem", "place", "says"),
    [
        ('{"mapFile": ', "p.json", "one JSON object"),
        ('["mapFile"]', "p.json", "mapFile"),
        (bad(mapFile=None), "p.json: mapFile", "required"),
        (bad(mapFile=3), "p.json: mapFile", "text"),
        (bad(mapFile="maps/none.map"), "p.json: mapFile: ", "No such file"),
        (bad(delayConfig={**DELAYS, "colour": "red"}), "p.json: delayConfig: colour", "unknown key"),
        (bad(teamSize=4), "p.json: teamSize", "at most 3"),
        (bad(teamSize=0), "p.json: teamSize", "from 1 on"),
        (bad(teamSize=True), "p.json: teamSize", "from 1 on"),
        (bad(version="2031 LoRR"), "p.json: version", "2023, 2024 or 2026"),
        (bad(agentCounter=0.5), "p.json: agentCounter", "whole"),
        (bad(agentSize="big"), "p.json: agentSize", "a number"),
        (bad(delayConfig=3), "p.json: delayConfig", "minDelay"),
        (bad(delayConfig={**DELAYS, "maxDelay": 0}), "p.json: delayConfig: maxDelay", "from 1 on"),
        (bad(delayConfig={**DELAYS, "pDelay": 1.5}), "p.json: delayConfig: pDelay", "0 to 1"),
        (bad(delayConfig={**DELAYS, "eventModel": "often"}), "delayConfig: eventModel", "bernoulli or poisson"),
        (bad(delayConfig={k: v for k, v in DELAYS.items() if k != "seed"}), "p.json: delayConfig: seed", "required"),
    ],
)
def test_a_bad_problem_names_the_key(tmp_path: Path, problem: object, place: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        load_problem(write(tmp_path, problem))
    assert str(caught.value).startswith(f"{tmp_path}/") and place in str(caught.value) and says in str(caught.value)


@pytest.mark.parametrize(
    ("year", "tasks", "agents", "place", "says"),
    [
        (2024, "", "2\n0\n1\n", "t.tasks:1", "the number of entries"),
        (2024, "# none\n0\n", "2\n0\n1\n", "t.tasks:2", "at least 1"),
        (2024, "two\n", "2\n0\n1\n", "t.tasks:1", "the number of entries"),
        (2024, "3\n1\n", "2\n0\n1\n", "t.tasks", "1 entries (is the file cut?)"),
        (2024, "1\n2,8\n", "2\n0\n1\n", "t.tasks:2", "0 to 7"),
        (2024, "1\n2,4\n", "2\n0\n1\n", "t.tasks:2", "row 1, column 0 is a wall"),
        (2024, "1\n2,x\n", "2\n0\n1\n", "t.tasks:2", "a cell"),
        (2023, "1\n2,3\n", "2\n0\n1\n", "t.tasks:2", "one cell"),
        (2024, TASKS, "2\n0\n0\n", "a.agents:3", "another start than"),
        (2024, TASKS, "2\n0\n-1\n", "a.agents:3", "a cell"),
        (2024, TASKS, "2\n0\n1,2\n", "a.agents:3", "one cell"),
    ],
)
def test_bad_lists_name_file_and_line(
    tmp_path: Path, year: int, tasks: str, agents: str, place: str, says: str
) -> None:
    with pytest.raises(InputError) as caught:
        load_problem(write(tmp_path, PROBLEMS[year], tasks, agents))
    assert place in str(caught.value) and says in str(caught.value)
