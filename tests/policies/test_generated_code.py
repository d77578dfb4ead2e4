"""Nothing is left in the temporary folder by layers of torch_geometric, neither ours nor a user's own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.torch

SOURCE = """
import torch
from torch import nn
from torch_geometric.nn import EdgeConv

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.value = EdgeConv(nn.Linear(32, 6)), nn.Linear(16, 1)

    def forward(self, ego, edges, mask):
        nobody = torch.zeros((2, 0), dtype=torch.int64)
        return torch.sigmoid(self.body(ego, nobody)), None, self.value(ego).squeeze(-1)
"""

LINES = """
import inspect
from policies.own_parts import load_network
from policies.tuner.neighbourhood import Neighbourhood
from swarm.tune.network import Network

ours, theirs = Neighbourhood(), load_network("own.py:Net", Network)
for layer in (ours, theirs.body):
    assert type(layer).propagate.__module__.endswith("_propagate")
    assert "def propagate(" in inspect.getsource(type(layer).propagate)
"""


def test_layers_leave_no_files_behind(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(SOURCE)
    (tmp_path / "temporary").mkdir()
    environment = os.environ | {"TMPDIR": str(tmp_path / "temporary")}
    subprocess.run([sys.executable, "-c", LINES], cwd=tmp_path, env=environment, check=True)
    assert not list((tmp_path / "temporary").rglob("*.py"))
