"""The project as others get it: a wheel, and environments in which nothing else is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from oracles.project import ROOT

NOT_SOURCES = (".git", *(line.strip("/\n") for line in (ROOT / ".gitignore").open() if line.strip()))
PROBE = "mcap"
"""A small package that every environment needs: an index that has it answers."""


def build(folder: Path) -> Path:
    """Build the wheel from a copy of the checkout, which stays as it is; skips the test where that needs a download."""
    setuptools = pytest.importorskip("setuptools", reason="building a wheel without a download needs setuptools")
    if int(setuptools.__version__.split(".")[0]) < 77:
        pytest.skip(f"building a wheel needs setuptools 77 or newer, here is {setuptools.__version__}")
    copy = shutil.copytree(ROOT, folder / "checkout", ignore=shutil.ignore_patterns(*NOT_SOURCES))
    command = ["-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder / "dist", copy]
    done = subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = (folder / "dist").glob("*.whl")
    return wheel


class Environment:
    """An environment of its own, far from any checkout, with nothing in it but what is asked for.

    Args:
        folder: Where it is made; its commands run there.
        requirement: What to install. Where no package index answers, the test is skipped.
    """

    def __init__(self, folder: Path, requirement: str) -> None:
        self.folder, self.bin = folder, folder / "venv" / "bin"
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        probe = self.run("python", "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder / "probe", PROBE)
        if probe.returncode:
            pytest.skip(f"no package index answers: {(probe.stderr.strip().splitlines() or ['?'])[-1]}")
        done = self.run("python", "-m", "pip", "install", "--quiet", requirement)
        assert done.returncode == 0, done.stderr
        (self.packages,) = (folder / "venv" / "lib").glob("python*/site-packages")

    @property
    def variables(self) -> Mapping[str, str]:
        """Of its commands: nothing leads to a checkout, and what they keep is kept here."""
        kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
        return kept | {"XDG_RUNTIME_DIR": str(self.folder), "XDG_STATE_HOME": str(self.folder / "state")}

    def run(self, command: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run one of its commands to the end."""
        line = [str(self.bin / command), *map(str, arguments)]
        return subprocess.run(line, cwd=self.folder, env=self.variables, capture_output=True, text=True, timeout=900.0)

    def start(self, command: str, *arguments: object) -> subprocess.Popen[str]:
        """Start one of its commands."""
        line, pipe = [str(self.bin / command), *map(str, arguments)], subprocess.PIPE
        return subprocess.Popen(
            line, cwd=self.folder, env=self.variables, stdout=pipe, stderr=subprocess.STDOUT, text=True
        )
