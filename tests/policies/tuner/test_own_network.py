"""A network of a user's own: trained, saved, loaded and exported as the built-in one is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from test_ppo import Toy  # type: ignore[import-not-found]  # beside this file, as pytest finds it

from policies.checkpoint_folder import pack, unpack
from policies.ppo_settings import TunerPPOSettings
from policies.tuner import checkpoint
from policies.tuner.exploration import log_probability
from policies.tuner.network import Tuner
from policies.tuner.own_network import OwnTuner
from policies.tuner.ppo import TunerPPO
from policies.tuner.training import TunerOptions, network_of
from swarm.errors import InputError
from swarm.filter.tunables import COUNT, NAMES
from swarm.tune.controllers import OnnxController
from swarm.tune.observation import EDGE, EGO, Observation

pytestmark = pytest.mark.torch
SOURCE = """
import torch
from torch import nn
from torch_geometric.nn import GATv2Conv

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.mean, self.value = nn.Linear(37, 16), nn.Linear(16, 6), nn.Linear(16, 1)
        self.register_buffer("order", torch.arange(6))

    def forward(self, ego, edges, mask):
        near = (edges * mask[..., None]).amax(dim=1)
        hidden = torch.tanh(self.body(torch.cat([ego, near], dim=-1)))
        return torch.sigmoid(self.mean(hidden)), None, self.value(hidden).squeeze(-1)

class Wide(Net):
    def __init__(self):
        super().__init__()
        self.log_std = nn.Parameter(torch.full((6,), -1.0))

    def forward(self, ego, edges, mask):
        mean, _, value = super().forward(ego, edges, mask)
        return mean, self.log_std.exp().expand_as(mean), value

class Two(Net):
    def forward(self, ego, edges, mask):
        return super().forward(ego, edges, mask)[::2]

class Long(Net):
    def forward(self, ego, edges, mask):
        return super().forward(ego, edges, mask)[0], None, ego

class Lost(Net):
    def forward(self, ego, edges, mask):
        mean, _, value = super().forward(ego, edges, mask)
        return mean, None, value + (edges.sum(dim=-1) * mask).sum(dim=1) / mask.sum(dim=1)

class Crowd(Net):
    def forward(self, ego, edges, mask):
        return super().forward(ego - ego.mean(dim=0), edges, mask)

class Broken(Net):
    def forward(self, ego, edges, mask):
        return self.body(ego), None, ego[:, 0]

class Nothing(nn.Module):
    pass

class Odd(Net):
    def forward(self, ego, edges, mask):
        mean, _, value = super().forward(ego, edges, mask)
        return (mean * 0.5 if torch.compiler.is_exporting() else mean), None, value

class Branch(Net):
    def forward(self, ego, edges, mask):
        mean, _, value = super().forward(ego, edges, mask)
        return (mean * 0.0 if bool((mean > 2.0).any()) else mean), None, value

class Double(Net):
    def __init__(self):
        super().__init__()
        self.double()

    def forward(self, ego, edges, mask):
        return super().forward(ego.double(), edges.double(), mask)

class Frozen(Net):
    def __init__(self):
        super().__init__()
        self.requires_grad_(False)

class Detached(Net):
    def forward(self, ego, edges, mask):
        with torch.no_grad():
            return super().forward(ego, edges, mask)

class Dropping(Net):
    def __init__(self):
        super().__init__()
        self.mean = nn.Sequential(nn.Dropout(0.5), self.mean)

class Normal(Net):
    def __init__(self):
        super().__init__()
        self.mean = nn.Sequential(nn.BatchNorm1d(16), self.mean)

class Loop(Net):
    def forward(self, ego, edges, mask):
        near = sum(edges[:, k] * mask[:, k, None] for k in range(edges.shape[1]))
        hidden = torch.tanh(self.body(torch.cat([ego, near], dim=-1)))
        return torch.sigmoid(self.mean(hidden)), None, self.value(hidden).squeeze(-1)

class Attending(nn.Module):
    def __init__(self):
        super().__init__()
        self.ego, self.edge = nn.Linear(26, 16), nn.Linear(15, 16)
        self.heads = nn.MultiheadAttention(16, 2, batch_first=True)
        self.mean, self.value = nn.Linear(16, 6), nn.Linear(16, 1)
        self.log_std = nn.Parameter(torch.full((6,), -1.0))

    def forward(self, ego, edges, mask):
        query = self.ego(ego)[:, None]
        keys = torch.cat([query, self.edge(edges)], dim=1)
        hidden = self.heads(query, keys, keys, key_padding_mask=~torch.cat([mask.new_ones(len(mask), 1), mask], 1))[0]
        hidden = hidden[:, 0]
        return torch.sigmoid(self.mean(hidden)), self.log_std.exp().expand(len(ego), 6), self.value(hidden).squeeze(-1)

class Graph(nn.Module):
    def __init__(self):
        super().__init__()
        self.ego, self.edge = nn.Linear(26, 16), nn.Linear(15, 16)
        self.layer = GATv2Conv(16, 16, add_self_loops=False)
        self.mean, self.value = nn.Linear(32, 6), nn.Linear(32, 1)

    def forward(self, ego, edges, mask):
        robots, slots = mask.shape
        own, (robot, slot) = self.ego(ego), mask.nonzero(as_tuple=True)
        nodes = torch.cat([own, self.edge(edges).flatten(0, 1)])
        near = self.layer(nodes, torch.stack([robots + robot * slots + slot, robot]))[:robots]
        hidden = torch.tanh(torch.cat([own, near], dim=-1))
        return torch.sigmoid(self.mean(hidden)), None, self.value(hidden).squeeze(-1)

class Repeated(Net):
    def forward(self, ego, edges, mask):
        robots, slots = mask.shape
        of = torch.arange(robots, device=ego.device).repeat_interleave(slots)  # the exporter has it wrong
        near = edges.new_zeros(robots, 15).index_add(0, of, (edges * mask[..., None]).flatten(0, 1))
        hidden = torch.tanh(self.body(torch.cat([ego[:, :22], near], dim=-1)))
        return torch.sigmoid(self.mean(hidden)), None, self.value(hidden).squeeze(-1)

plain = 5
"""
REPEATED = SOURCE[: SOURCE.index("repeat_interleave")].count("\n") + 1


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("own") / "nets.py"
    found.write_text(SOURCE)
    return found


def trained(file: Path, name: str, updates: int = 3) -> Any:
    torch.manual_seed(4)
    settings = TunerPPOSettings(rollout=8, minibatches=2, epochs=1, learning_rate=0.02)
    ppo = TunerPPO(Toy(3), OwnTuner(f"{file}:{name}"), settings, seed=3, updates=6)
    for _ in range(updates):
        ppo.update()
    return ppo


@pytest.mark.parametrize("name", ["Net", "Wide", "Attending", "Graph"])
def test_what_is_saved_is_what_was_trained_in_torch_and_in_onnx(file: Path, tmp_path: Path, name: str) -> None:
    tuner = trained(file, name).tuner
    config = checkpoint.Config(seed=3, command="train", limits={})
    checkpoint.save(tmp_path / "saved", tuner, config, "# Card\n")
    assert (tmp_path / "saved" / "network.py").read_text() == SOURCE
    loaded, found = checkpoint.load_and_run(tmp_path / "saved")
    assert isinstance(loaded, OwnTuner) and found.network == f"{file}:{name}"
    assert all(torch.equal(value, loaded.state_dict()[key]) for key, value in tuner.state_dict().items())
    controller, rng = OnnxController(tmp_path / "saved"), np.random.default_rng(1)
    assert controller.turns
    for slots in (0, 1, 5):
        ego, edges = (rng.normal(size=shape).astype(np.float32) for shape in ((7, EGO), (7, slots, EDGE)))
        mask = rng.random((7, slots)) < 0.5
        edges *= mask[..., None]
        with torch.no_grad():
            wanted = loaded.mean(loaded.see(*map(torch.from_numpy, (ego, edges, mask)))).clamp(0.0, 1.0)
        assert controller(Observation(ego, edges, mask)) == pytest.approx(wanted.numpy(), abs=1e-5)
        assert wanted.std(dim=0).max() > 1e-3, "actions that do not vary would prove nothing"


def test_training_changes_it_and_goes_on_exactly(file: Path) -> None:
    ppo, start = trained(file, "Wide"), trained(file, "Wide", updates=0).tuner
    assert not torch.equal(ppo.tuner.network.mean.weight, start.network.mean.weight)
    assert not torch.equal(ppo.tuner.network.log_std, start.network.log_std), "its own deviation is learnt"
    state = checkpoint_state(ppo)
    other = trained(file, "Wide", updates=0)
    other.load_state_dict(state)
    figures = ppo.update(), other.update()
    assert figures[0] == figures[1]
    assert figures[0]["std"] == pytest.approx(float(ppo.tuner.network.log_std.detach().exp().mean()), abs=0.02)
    assert all(torch.equal(value, other.tuner.state_dict()[key]) for key, value in ppo.tuner.state_dict().items())


def checkpoint_state(ppo: Any) -> dict[str, object]:
    """What a file would give back."""
    return unpack(pack(ppo.state_dict()), "test")


def test_it_learns(file: Path) -> None:
    """The toy's reward is higher in the end than at the start."""
    torch.manual_seed(1)
    settings = TunerPPOSettings(rollout=16, minibatches=2, epochs=4, learning_rate=0.01, gamma=0.5)
    ppo = TunerPPO(Toy(5), OwnTuner(f"{file}:Net"), settings, seed=5, updates=40)
    rewards = [ppo.update()["reward"] for _ in range(40)]
    assert np.mean(rewards[-5:]) > np.mean(rewards[:5]) + 0.02


def test_tunables_that_it_does_not_set_stay(file: Path) -> None:
    tuner, built_in = OwnTuner(f"{file}:Net", ("rotation",)), Tuner(width=8, tunables=("rotation",))
    seen = torch.randn(4, EGO), torch.randn(4, 3, EDGE), torch.ones(4, 3).bool()
    found, wanted = tuner.mean(tuner.see(*seen)), built_in.mean(built_in.see(*seen))
    others = [k for k, name in enumerate(NAMES) if name != "rotation"]
    assert torch.equal(found[:, others], wanted[:, others])


def test_densities_with_a_deviation_of_its_own_are_those_of_torch() -> None:
    mean, std, action = torch.rand(5, COUNT), torch.rand(5, COUNT) + 0.1, torch.rand(5, COUNT)
    wanted = torch.distributions.Normal(mean, std).log_prob(action).sum(dim=-1)
    assert torch.allclose(log_probability(action, mean, std, torch.ones(COUNT)), wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Two", "2 things"), ("Long", r"value: got torch.Size\(\[3, 22\]\)"), ("Lost", "senses nothing"),
        ("Crowd", "whoever else is in the batch"), ("Broken", r"forward \(\S+nets\.py:\d+\): got 'RuntimeError"),
        ("Double", r"nets\.py:\d+\): mean: got torch.float64; valid: float32"), ("Frozen", "no gradient"),
        ("Detached", "no gradient"), ("Dropping", "no dropout"), ("Normal", "no batch normalisation"),
        ("Nothing", "forward"), ("plain", "forward"), ("missing", "Net, Wide, Two"),
    ],
)  # fmt: skip
def test_what_is_no_such_network_is_refused(file: Path, name: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        OwnTuner(f"{file}:{name}")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Branch", r"^--network: \S+: forward \(\S+nets\.py:\d+\): got .*data-dependent.* operations that ONNX has"),
        ("Odd", "operations that ONNX repeats"),
        ("Loop", r"got 'a constant size \(.*slots\)'; valid: a graph for any number of robots and slots"),
        ("Repeated", rf"ONNX \(\S+nets\.py:{REPEATED}\): got 'invalid expand shape'"),
    ],
)  # fmt: skip
def test_a_network_that_onnx_does_not_repeat_is_refused_before_the_training(
    file: Path, name: str, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match=said):
        network_of(TunerOptions(network=f"{file}:{name}"))
    printed = "".join(capfd.readouterr())
    assert "GraphModule" not in printed and "onnxruntime" not in printed, "none of the user's business"
