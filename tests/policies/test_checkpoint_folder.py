"""A checkpoint folder has one training at a time that writes into it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from oracles.project import ROOT

from policies.checkpoint_folder import sole_writer
from swarm.errors import InputError

HOLD = """
import sys
from pathlib import Path
from policies.checkpoint_folder import sole_writer
with sole_writer(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_two_trainings_do_not_write_into_one_folder_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "mine"
    command = [sys.executable, "-c", HOLD, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as other:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        told = r"runs/mine: got 'another training writes there'; valid: a folder of its own"
        with pytest.raises(InputError, match=told), sole_writer(tmp_path / "runs" / "." / "mine"):
            pass
        with sole_writer(tmp_path / "runs" / "yours"):
            pass
        other.kill()
    with sole_writer(folder):  # however the other one ended
        folder.mkdir()
    assert os.listdir(folder.parent) == ["mine"]


def test_what_nothing_was_written_to_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), sole_writer(tmp_path / "runs" / "mine"):
        1 / 0  # noqa: B018
    assert os.listdir(tmp_path) == []
