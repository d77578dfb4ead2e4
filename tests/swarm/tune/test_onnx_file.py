"""Opening an exported network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import policies

OPENED = """
import sys
from pathlib import Path
from swarm.tune.onnx_file import open_session

open_session(Path(sys.argv[1]), "a network")
"""


def test_a_robot_keeps_and_sends_no_telemetry(tmp_path: Path) -> None:
    """The runtime of the networks writes an identifier and what it is about to send into the user's folders."""
    network = policies.CHECKPOINTS / "tuner" / "policy.onnx"
    # No more than this of the environment: the runtime is silent by itself where it sees a machine that runs tests.
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONPATH": ":".join(filter(None, sys.path))}
    found = subprocess.run(
        [sys.executable, "-c", OPENED, str(network)], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert (found.returncode, found.stderr) == (0, "")
    assert not list(tmp_path.rglob("*onnx*")), "nothing of it is kept"
