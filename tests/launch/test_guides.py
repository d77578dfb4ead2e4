"""Every guide works as it is typed: its files are written, its commands and its Python run, in a folder of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from oracles.project import ROOT

GUIDES = sorted((ROOT / "docs" / "guides").glob("*.md"))
_BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```', re.M | re.S)


def follow(text: str, folder: Path) -> int:
    """Do what a guide says in a folder that looks like a checkout; returns how many blocks that were."""
    for name in ("envs", "launch", "policies", "swarm"):
        (folder / name).symlink_to(ROOT / name)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "XDG_STATE_HOME": str(folder / "state"), "COLUMNS": "120"}
    blocks = _BLOCK.findall(text)
    for language, title, body in blocks:
        if title:
            (folder / title).write_text(body, encoding="utf-8")
            continue
        commands = [[sys.executable, "-c", body]] if language == "python" else []
        if language == "console":
            commands = [["sh", "-c", line[2:]] for line in body.splitlines() if line.startswith("$ ")]
        for command in commands:
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)
            assert done.returncode == 0, f"{command[-1]}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return len(blocks)


@pytest.mark.bullet
@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_works_as_it_is_typed(guide: Path, tmp_path: Path) -> None:
    blocks = follow(guide.read_text(encoding="utf-8"), tmp_path)
    assert blocks > 0 or guide.stem == "index"


def test_a_command_that_fails_is_found(tmp_path: Path) -> None:
    text = '```python title="a.py"\nraise SystemExit(3)\n```\n\n```console\n$ python a.py\n```\n'
    with pytest.raises(AssertionError, match=r"python a\.py"):
        follow(text, tmp_path)
