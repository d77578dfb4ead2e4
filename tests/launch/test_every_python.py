"""The script that runs the tests with every Python finds them, and says what came of each."""

from __future__ import annotations

import sys
from pathlib import Path

import every_python
import pytest
from every_python import Outcome, Python

OWN = f"{sys.version_info.major}.{sys.version_info.minor}"


def test_this_python_is_found_once_and_none_that_is_too_old() -> None:
    found = every_python.pythons()
    assert [python.version for python in found].count(OWN) == 1
    assert all(python.order >= (3, 11) and python.path.exists() for python in found)
    assert [python.order for python in found] == sorted(python.order for python in found)


def test_a_python_that_is_not_here_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert every_python.main(["--only", "3.9", OWN]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: no Python 3.9; found: ") and OWN in error


def test_one_that_fails_makes_the_whole_fail(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    both = [Python("3.11", Path("python3.11")), Python("3.13", Path("python3.13"))]
    told: list[list[str]] = []

    def run(python: Python, folder: Path, arguments: list[str]) -> Outcome:
        told.append(arguments)
        return Outcome(python, "as pinned", "9 passed" if python in kept else "1 failed", python in kept)

    monkeypatch.setattr(every_python, "pythons", lambda: both)
    monkeypatch.setattr(every_python, "run", run)
    for passing, code in ((both, 0), (both[:1], 1)):
        kept = passing
        assert every_python.main(["--keep", str(tmp_path), "--", "-n", "2"]) == code
    assert told == [["-n", "2"]] * 4
    assert capsys.readouterr().out.split("\n")[-2].split() == ["3.13", "as", "pinned", "FAILED", "1", "failed"]
