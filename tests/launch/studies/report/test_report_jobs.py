"""Jobs of a report: a result is found again if and only if nothing that it depends on has changed."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from studies.report.jobs import Job, Lab, Store, environment
from swarm.errors import InputError

JOB = Job("same again", "builtins:dict", {"value": 3})


def lab(folder: Path, *, reuse: bool = True, processes: int = 1) -> Lab:
    return Lab(Store(folder, reuse), processes, Console(quiet=True))


def planted(folder: Path, job: Job, value: int) -> None:
    """Change what is kept of a job, to see whether it is taken."""
    path = Store(folder).path(job)
    entry = json.loads(path.read_text())
    path.write_text(json.dumps({**entry, "result": {"value": value}}))


def test_what_is_kept_is_taken_only_when_asked_for(tmp_path: Path) -> None:
    first = lab(tmp_path)
    first.do([JOB], "test")
    assert first[JOB] == {"value": 3}
    planted(tmp_path, JOB, 7)
    for reuse, value in ((True, 7), (False, 3)):
        again = lab(tmp_path, reuse=reuse)
        again.do([JOB], "test")
        assert again[JOB] == {"value": value}


def test_other_options_or_files_are_another_measurement(tmp_path: Path) -> None:
    policy = tmp_path / "policy.onnx"
    policy.write_bytes(b"one")
    job = replace(JOB, files=(policy,))
    keys = {JOB.key, job.key, replace(JOB, options={"value": 4}).key, replace(JOB, function="builtins:list").key}
    policy.write_bytes(b"two")
    assert len(keys | {job.key}) == 5
    assert replace(JOB, name="renamed", cost=9.0).key == JOB.key


def test_a_file_that_was_cut_off_is_measured_again(tmp_path: Path) -> None:
    lab(tmp_path).do([JOB], "test")
    path = Store(tmp_path).path(JOB)
    path.write_text(path.read_text()[:20])
    again = lab(tmp_path)
    again.do([JOB], "test")
    assert again[JOB] == {"value": 3}


def test_results_of_other_code_are_counted(tmp_path: Path) -> None:
    lab(tmp_path).do([JOB], "test")
    path = Store(tmp_path).path(JOB)
    path.write_text(json.dumps({**json.loads(path.read_text()), "code": "another"}))
    again = lab(tmp_path)
    again.do([JOB, replace(JOB, options={"value": 5})], "test")
    assert again.of_other_code == 1


def test_an_error_in_another_process_names_the_job_and_keeps_the_rest(tmp_path: Path) -> None:
    case = {"family": "nowhere", "options": {}}
    bad = Job("bad one", "studies.report.online_cbf.measurements:drive", {"case": case}, cost=0.5)
    bad.options.update(planner="straight", controller="fixed:6,1", episodes=1, seed=0)
    both = lab(tmp_path, processes=2)
    with pytest.raises(InputError, match=r"bad one.*nowhere"):
        both.do([JOB, bad], "test", alone=True)
    assert Store(tmp_path, reuse=True).find(JOB) is not None


def test_the_settings_of_other_processes_are_not_those_of_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRST", "1")
    monkeypatch.delenv("SECOND", raising=False)
    with pytest.raises(KeyError), environment({"FIRST": "2", "SECOND": "2"}):
        assert (os.environ["FIRST"], os.environ["SECOND"]) == ("2", "2")
        raise KeyError
    assert os.environ["FIRST"] == "1" and "SECOND" not in os.environ
