"""What lines of a user's own raise is one error that says where; tests of commands are in tests/launch."""

from __future__ import annotations

import functools
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from swarm import InputError
from swarm.files.own_code import Running, name_of
from swarm.files.references import load_reference
from swarm.planning import stateful

TEXT = """
import json
from swarm import Limits

def divides(x):
    y = x - x
    return 1 / y

def through_a_library(x):
    return json.loads("{")

def refused(x):
    return Limits(speed=-x)

def leaves(x):
    raise SystemExit(x)

def two_lines(x):
    raise ValueError("one\\ntwo")

class Planner:
    def plan(self, view):
        return view

    def reset(self):
        self.nothing.clear()

class Callable:
    def __call__(self, x):
        return self.missing

    def method(self, x):
        return divides(x)
"""


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (tmp_path / "parts.py").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    return lambda name: load_reference("here", f"parts.py:{name}")


def said(part: Any, *arguments: Any) -> str:
    with pytest.raises(InputError) as found, Running("reward: mine", part, "a number"):
        part(*arguments)
    return str(found.value)


def test_the_last_line_of_the_users_file_is_named(parts: Any) -> None:
    shown = "got 'ZeroDivisionError: division by zero'; valid: a number"
    assert said(parts("divides"), 1) == f"reward: mine (parts.py:7): {shown}"
    assert said(functools.partial(parts("divides"), 1)) == f"reward: mine (parts.py:7): {shown}"
    assert said(parts("Callable")().method, 1) == f"reward: mine (parts.py:7): {shown}"
    assert "(parts.py:10): got 'JSONDecodeError: Expecting" in said(parts("through_a_library"), 1)
    assert "(parts.py:30): got \"AttributeError: 'Callable' object has no" in said(parts("Callable")(), 1)
    assert "(parts.py:19): got 'ValueError: one two'" in said(parts("two_lines"), 1), "one line"
    assert "(parts.py:16): got 'SystemExit: 3'" in said(parts("leaves"), 3), "no part ends a command without a word"


def test_what_this_project_refuses_there_keeps_its_words(parts: Any) -> None:
    assert said(parts("refused"), 2.0).startswith("reward: mine (parts.py:13): limits.speed: got -2.0; valid: ")


def test_a_call_that_never_comes_to_the_users_lines_names_where_they_begin(parts: Any) -> None:
    assert 'reward: mine (parts.py:5): got "TypeError: divides() missing' in said(parts("divides"))


def test_what_is_checked_of_its_result_names_where_it_begins(parts: Any) -> None:
    with pytest.raises(InputError) as found, Running("reward: mine", parts("divides"), "a number"):
        raise InputError("", None, "a float")
    assert str(found.value) == "reward: mine (parts.py:5): got None; valid: a float"


def test_what_nobody_here_wrote_is_named_as_far_as_it_is_known() -> None:
    assert "json/__init__.py:" in said(json.loads, "{")
    assert said(np.add, "a", 1).startswith("reward: mine: got")
    assert (name_of(json.loads), name_of(functools.partial(json.loads)), name_of(json.JSONDecoder())) == (
        "loads", "loads", "JSONDecoder",
    )  # fmt: skip


def test_a_planner_is_asked_for_everything_in_this_way(parts: Any) -> None:
    planner = stateful(parts("Planner")())
    with pytest.raises(InputError, match=r"planner: Planner \(parts\.py:26\): got \"AttributeError"):
        planner.reset()
    assert planner.resume((), 0.0, 0.0) is False and planner.held == ()


def test_an_interrupt_goes_through() -> None:
    for end in (KeyboardInterrupt, GeneratorExit):
        with pytest.raises(end), Running("reward: mine", json.loads, "a number"):
            raise end


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x = 1\ny = x / 0\n", "(wrong.py:2): got 'ZeroDivisionError"),
        ("x = 1\n\ndef f(:\n", "(wrong.py:3): got 'SyntaxError"),
        ("import json\n\njson.loads('{')\n", "(wrong.py:3): got 'JSONDecodeError"),
        ("import nowhere_to_be_found\n", '(wrong.py:1): got "ModuleNotFoundError'),
        ("from swarm import Limits\nLimits(speed=-1.0)\n", "(wrong.py:2): limits.speed: got -1.0"),
    ],
)
def test_a_file_that_cannot_be_run_names_its_line(
    text: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wrong.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as found:
        load_reference("--reward", "wrong.py:f")
    assert shown in str(found.value) and "\n" not in str(found.value)


def test_errors_go_from_process_to_process() -> None:
    error = InputError("speed", -1.0, "above 0")
    again = pickle.loads(pickle.dumps(error))
    assert isinstance(again, InputError) and str(again) == str(error) and again.valid == "above 0"
