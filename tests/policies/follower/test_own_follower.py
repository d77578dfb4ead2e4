"""A follower's network of a user's own: trained, saved, loaded and exported as the built-in one is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from oracles.toy_worlds import Signpost

from policies.checkpoint_folder import pack, unpack
from policies.devices import CPU
from policies.follower import checkpoint
from policies.follower.own_network import OwnFollower
from policies.follower.ppo import FollowerPPO, RankingPPO
from policies.follower.training import FollowerOptions, network_of
from swarm.errors import InputError
from swarm.planning.follower.policy import OnnxRanker
from swarm.planning.follower.view import CHANNELS, OWN, WINDOW

pytestmark = pytest.mark.torch
SOURCE = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.scores, self.value = nn.Linear(6 * 11 * 11 + 7, 16), nn.Linear(16, 5), nn.Linear(16, 1)

    def forward(self, view, own):
        hidden = torch.tanh(self.body(torch.cat([view.flatten(1), own], dim=1)))
        return self.scores(hidden), self.value(hidden).squeeze(1)

class One(Net):
    def forward(self, view, own):
        return super().forward(view, own)[0]

class Four(Net):
    def forward(self, view, own):
        scores, value = super().forward(view, own)
        return scores[:, :4], value

class Lost(Net):
    def forward(self, view, own):
        scores, value = super().forward(view, own)
        return scores, value / own.sum(dim=1)

class Crowd(Net):
    def forward(self, view, own):
        return super().forward(view - view.mean(dim=0), own)

class Other(nn.Module):
    def forward(self, ego, edges, mask):
        return ego

class Odd(Net):
    def forward(self, view, own):
        scores, value = super().forward(view, own)
        return (scores * 0.5 if torch.compiler.is_exporting() else scores), value
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("own") / "nets.py"
    found.write_text(SOURCE)
    return found


def trainer(file: Path, updates: int) -> FollowerPPO:
    torch.manual_seed(4)
    settings = RankingPPO(rollout=4, gamma=0.0, learning_rate=1e-2, minibatches=2, epochs=2)
    return FollowerPPO(Signpost(64), OwnFollower(f"{file}:Net"), settings, seed=3, updates=updates)


def test_it_learns_and_goes_on_exactly(file: Path) -> None:
    ppo = trainer(file, 40)
    figures = [ppo.update() for _ in range(39)]
    assert figures[0]["throughput"] < 0.4 and figures[-1]["throughput"] > 0.9
    other = trainer(file, 40)
    other.load_state_dict(unpack(pack(ppo.state_dict()), "test"))
    assert ppo.update() == other.update()
    found, wanted = (one.follower.state_dict() for one in (other, ppo))
    assert all(torch.equal(value, found[key]) for key, value in wanted.items())


def test_what_is_saved_is_what_was_trained_in_torch_and_in_onnx(file: Path, tmp_path: Path) -> None:
    ppo, folder = trainer(file, 3), tmp_path / "saved"
    for _ in range(3):
        ppo.update()
    checkpoint.save(folder, ppo.follower, {"seed": 3, "command": "train", "temperature": 0.0}, "# Card\n")
    assert ppo.follower.training and (folder / "network.py").read_text() == SOURCE
    with pytest.raises(InputError, match="load_and_run"):
        checkpoint.load(folder)
    loaded, rng = checkpoint.load_and_run(folder), np.random.default_rng(1)
    assert isinstance(loaded, OwnFollower) and loaded.reference == f"{folder}/network.py:Net"
    for robots in (1, 7):
        view = rng.normal(size=(robots, CHANNELS, WINDOW, WINDOW)).astype(np.float32)
        own = rng.uniform(0.0, 3.0, (robots, OWN)).astype(np.float32)
        with torch.no_grad():
            wanted = ppo.follower(*map(torch.from_numpy, (view, own)))[0].numpy()
        np.testing.assert_allclose(loaded(*map(torch.from_numpy, (view, own)))[0].detach(), wanted, atol=1e-6)
        np.testing.assert_allclose(OnnxRanker(folder)(view, own), wanted, atol=1e-5)
    assert wanted.std(axis=0).max() > 1e-3, "scores that do not vary would prove nothing"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("One", r"forward \(\S+nets\.py:\d+\): got 'Tensor'; valid: scores, value"),
        ("Four", r"tensor of shape \[3, 5\]"),
        ("Lost", "senses nothing"), ("Crowd", "whoever else is in the batch"),
        ("Other", r"forward\(view, own\)"), ("missing", "Net, One, Four"), ("Odd", "operations that ONNX repeats"),
    ],
)  # fmt: skip
def test_what_is_no_such_network_is_refused_before_the_training(file: Path, name: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        network_of(FollowerOptions(network=f"{file}:{name}"), CPU)


def test_it_has_the_shape_of_its_own(file: Path) -> None:
    with pytest.raises(InputError, match="neither of them with --network"):
        FollowerOptions(network=f"{file}:Net", width=8)
