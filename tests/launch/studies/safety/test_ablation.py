"""Parts of the filter that are switched off: each change is made in the present tree, and what is assumed covers it."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import numpy as np
import pytest

from studies.checkout import ROOT
from studies.safety import ablation
from studies.safety.ablation import PARTS, ROWS, changed
from studies.safety.inexact import Row
from swarm.errors import InputError
from swarm.model.dynamics import Kind


@pytest.mark.parametrize("name", PARTS)
def test_every_change_is_made_in_a_copy_that_can_be_read(name: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "swarm" / "filter", tmp_path / "swarm" / "filter")
    changed(PARTS[name], tmp_path)
    for file in {file for file, _, _ in PARTS[name].changes}:
        text, before = (tmp_path / file).read_text(), (ROOT / file).read_text()
        assert ast.dump(ast.parse(text)) != ast.dump(ast.parse(before))
    other = [path.name for path in (tmp_path / "swarm" / "filter").iterdir() if path.suffix == ".py"]
    assert sorted(other) == sorted(path.name for path in (ROOT / "swarm" / "filter").glob("*.py"))


def test_a_text_that_is_gone_is_an_error(tmp_path: Path) -> None:
    for file in {file for file, _, _ in PARTS["margin"].changes}:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("x = 1\n")
    with pytest.raises(InputError, match="one with"):
        changed(PARTS["margin"], tmp_path)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_who_does_not_predict_counts_as_unknown_what_it_may_have_done(kind: Kind, row: Row) -> None:
    draw, assumed = ablation._worlds(PARTS["own"], row, kind, crowded=True)
    assert assumed is not None and assumed.age == assumed.dead_time == 0.0
    late = row.errors.age + row.errors.dead_time
    for seed in range(5):
        for robot in draw(np.random.default_rng(seed)).robots:
            assert assumed.position - row.errors.position >= robot.limits.speed * late
    assert ablation._worlds(PARTS["all"], row, kind, crowded=True)[1] is None
    told, _ = ablation._worlds(PARTS["told"], row, kind, crowded=True)
    scenario = told(np.random.default_rng(0))
    assert scenario.errors.latency == pytest.approx(max(row.errors.latency, scenario.dt) + scenario.dt)
