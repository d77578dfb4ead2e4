"""--errors and --assume: what a scenario is given, what the results say, and one clear error with the option's name."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from oracles.project import ROOT

from envs.commands.error_options import ErrorOptions
from envs.commands.evaluation.arena import Arena
from envs.commands.evaluation.family import Family, drawing
from envs.scenarios import draw_family, family
from swarm.errors import InputError
from swarm.model.error_bounds import EXACT, ErrorBounds, parse_option
from swarm.scenario.scenario import load_scenario

CROSSING = ROOT / "envs" / "maps" / "crossing.yaml"


def test_without_the_options_a_scenario_says_what_is_not_exact(tmp_path: Path) -> None:
    options = ErrorOptions()
    assert options.simulated is None and options.assumed is None and options.record(EXACT) == {}
    (tmp_path / "s.yaml").write_text(CROSSING.read_text() + "\nerrors: {lag: 0.1}\n")
    scenario = load_scenario(tmp_path / "s.yaml")
    assert options.declared_in(scenario) is scenario
    assert options.record(scenario.errors) == {"errors": {"lag": 0.1}, "assume": {"lag": 0.1}}


def test_errors_take_the_place_of_the_scenarios_own(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(CROSSING.read_text() + "\nerrors: {lag: 0.1, age: 0.05}\n")
    (tmp_path / "e.yaml").write_text("errors: {slip: 0.02}\n")
    scenario = load_scenario(tmp_path / "s.yaml")
    given = {"position=0.01": ErrorBounds(position=0.01), str(tmp_path / "e.yaml"): ErrorBounds(slip=0.02)}
    for text, expected in given.items():
        found = ErrorOptions(errors=text).declared_in(scenario)
        assert found.errors == expected
        assert found.robots == scenario.robots and found.sensing_radius == scenario.sensing_radius
    exact = ErrorOptions(errors="lag=0")
    assert exact.declared_in(scenario).errors == EXACT and exact.record(EXACT) == {}


def test_robots_may_assume_something_else() -> None:
    simulated = ErrorBounds(position=0.01)
    assert ErrorOptions(assume="none").assumed == EXACT
    assert ErrorOptions(assume="none").record(simulated) == {"errors": {"position": 0.01}, "assume": {}}
    more = ErrorOptions(errors="position=0.01", assume="position=0.02,others=sensed")
    assert more.assumed == ErrorBounds(position=0.02, others="sensed")
    assert more.record(simulated)["assume"] == {"position": 0.02, "others": "sensed"}
    assert ErrorOptions(assume="lag=0.1").record(EXACT) == {"errors": {}, "assume": {"lag": 0.1}}


def test_none_is_exact_and_nothing_is_not_given_for_both_options() -> None:
    declared = replace(draw_family("swap", seed=3), errors=ErrorBounds(lag=0.1))
    assert ErrorOptions(errors="none").declared_in(declared).errors == EXACT
    assert ErrorOptions(errors="", assume="").assumed is None
    assert ErrorOptions(errors="").declared_in(declared) == declared
    for option in ("--errors", "--assume"):
        assert parse_option(option, "none") == EXACT
        assert parse_option(option, "") is parse_option(option, None) is None


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"errors": "lag=-1"}, r"^--errors: lag: got -1\.0; valid: a number, 0 to 60 s$"),
        ({"errors": "nothing"}, r"^--errors: errors: got 'nothing'; valid: KEY=VALUE"),
        ({"assume": "lags=1"}, r"^--assume: lags: got 'an unknown key'; valid: one of the keys position"),
        ({"assume": "gone.yaml"}, r"^--assume: gone\.yaml: got 'No such file"),
    ],
)
def test_a_wrong_option_is_refused_at_once(given: dict[str, Any], wrong: str) -> None:
    with pytest.raises(InputError, match=wrong):
        Arena((CROSSING,), **given)
    with pytest.raises(InputError, match=wrong):
        Family(("swap",), **given)


def test_drawn_scenarios_have_them_and_the_same_robots() -> None:
    options = Family(("swap",), robots=3, errors="sensing=0.02")
    exact, found = (
        drawing("swap", family("swap"), 3, None, errors)(np.random.default_rng(4)) for errors in (None, options)
    )
    assert exact.errors == EXACT and found.errors == ErrorBounds(sensing=0.02) and found.robots == exact.robots


def test_the_results_say_what_was_declared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evaluate = import_module("envs.commands.evaluate")
    (tmp_path / "s.yaml").write_text(CROSSING.read_text().replace("horizon:", "# horizon:") + "\nhorizon: 0.3\n")
    results = tmp_path / "r.json"
    command = ["--controller", "fixed:4,1", "--planner", "straight", "--json", str(results)]
    declared = ["--errors", "latency=0.01", "--assume", "none"]
    for what in (["arena", str(tmp_path / "s.yaml")], ["family", "swap", "--robots", "2", "--episodes", "1"]):
        assert evaluate.main([*what, *command]) == 0
        assert not {"errors", "assume"} & set(json.loads(results.read_text())[0])
        assert evaluate.main([*what, *command, *declared]) == 0
        (record,) = json.loads(results.read_text())
        assert record["errors"] == {"latency": 0.01} and record["assume"] == {}
        assert evaluate.main([*what, *command, "--errors", "slip=1"]) == 2
        assert "--errors: slip: got 1.0; valid: a share" in capsys.readouterr().err
