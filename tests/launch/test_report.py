"""report.py: wrong input is one line, and nothing is written."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from oracles.scripts import load_script


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return load_script("report")


def test_wrong_input_is_one_line(script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = ("--runs", str(tmp_path / "runs"), "--out", str(tmp_path / "out"))
    assert script.main(["online_cbf", "--tuner", "nowhere", *folders]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1 and "nowhere" in error
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("option", ["--episodes", "--processes"])
def test_numbers_are_checked_before_anything_is_measured(
    script: ModuleType, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main(["online_cbf", option, "0"]) == 2
    assert option in capsys.readouterr().err


def test_a_quick_report_never_replaces_the_real_one(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Nothing:
        def __init__(self, *_: object) -> None: ...

        def run(self) -> None: ...

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(script, "OnlineCbfStudy", Nothing)
    monkeypatch.setattr(script, "draw_pictures", lambda study, folder: [])
    monkeypatch.setattr(script, "report", lambda *_: "text")
    assert script.main(["online_cbf", "--quick"]) == 0
    assert (tmp_path / "out" / "online_cbf.md").read_text() == "text"
    assert not (tmp_path / "docs").exists()
    assert script.main(["online_cbf"]) == 0
    assert (tmp_path / "docs" / "online_cbf.md").is_file()
