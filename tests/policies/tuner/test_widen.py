"""Checkpoints and trainings from before declared errors were observed: widened or not, they do what they did."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from oracles.toy_worlds import Toy
from torch import Tensor, nn

from policies.checkpoint_folder import CONFIG, ONNX, WEIGHTS, pack, unpack, write_onnx
from policies.ppo_settings import TunerPPOSettings
from policies.tuner import checkpoint
from policies.tuner.network import Tuner
from policies.tuner.ppo import TunerPPO
from policies.tuner.training import TunerOptions, network_of
from policies.tuner.widen import main, widen
from swarm.errors import InputError
from swarm.tune.controllers import OnnxController
from swarm.tune.observation import EDGE, EDGE_IS_OBSTACLE, EDGE_IS_ROBOT, EGO, EGO_EXACT, Observation

pytestmark = pytest.mark.torch


class Before(nn.Module):
    """The dense form of a network as it was: own features in two layers, and no others."""

    def __init__(self, tuner: Tuner) -> None:
        super().__init__()
        self.tuner, self.actor = tuner, tuner.actor

    def forward(self, ego: Tensor, edges: Tensor, mask: Tensor) -> Tensor:
        actor = self.actor
        relation = nn.functional.linear(edges, actor.message_edge.weight)
        hidden = torch.relu(actor.message_ego(ego).unsqueeze(-2) + relation)
        kinds = edges[..., EDGE_IS_ROBOT : EDGE_IS_OBSTACLE + 1]
        sent = torch.relu(actor.message_out(hidden)) * kinds.sum(dim=-1, keepdim=True)
        sent = nn.functional.pad(torch.where(mask.unsqueeze(-1), sent, 0.0), (0, 0, 0, 1))
        mine = torch.cat([ego, sent.amax(dim=-2)], dim=-1)
        return self.tuner.to_action(torch.relu(actor.update_out(torch.relu(actor.update_in(mine)))))


def seen(seed: int, robots: int, slots: int, *, declared: bool = True) -> Observation:
    rng = np.random.default_rng(seed)
    ego = rng.standard_normal((robots, EGO)).astype(np.float32)
    ego[:, EGO_EXACT:] *= declared
    edges = rng.standard_normal((robots, slots, EDGE)).astype(np.float32)
    edges[..., EDGE_IS_ROBOT] = rng.random((robots, slots)) < 0.5
    edges[..., EDGE_IS_OBSTACLE] = 1.0 - edges[..., EDGE_IS_ROBOT]
    return Observation(ego, edges, rng.random((robots, slots)) < 0.6)


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Before]:
    """A checkpoint as it was written before."""
    torch.manual_seed(2)
    tuner = Tuner(width=24)
    with torch.no_grad():
        for name, parameter in tuner.named_parameters():
            parameter.add_(0.0 if name.endswith("declared") else 0.3 * torch.randn_like(parameter))
    folder = tmp_path_factory.mktemp("widen") / "old"
    config = checkpoint.Config(seed=7, command="python launch/train.py tuner", limits={}, width=24)
    checkpoint.save(folder, tuner, config, "# Card\n", {"learning_curve.png": b"picture"})
    torch.save({k: v for k, v in tuner.state_dict().items() if k not in tuner.of_declared}, folder / WEIGHTS)
    document = yaml.safe_load((folder / CONFIG).read_text())
    document["architecture"]["ego"] = EGO_EXACT
    (folder / CONFIG).write_text(yaml.safe_dump(document, sort_keys=False))
    before, batch, slots = Before(tuner), torch.export.Dim("batch"), torch.export.Dim("slots")
    inputs = {"ego": torch.zeros(2, EGO_EXACT), "edges": torch.zeros(2, 3, EDGE), "mask": torch.ones(2, 3).bool()}
    axes = {name: {0: batch} if name == "ego" else {0: batch, 1: slots} for name in inputs}
    write_onnx(before, folder / ONNX, inputs, ["action"], axes)
    return folder, before


@pytest.fixture(scope="module")
def wide(old: tuple[Path, Before]) -> Path:
    folder = old[0].with_name("wide")
    widen(old[0], folder)
    return folder


@pytest.mark.parametrize("robots", [1, 2, 31, 700])
@pytest.mark.parametrize("slots", [0, 1, 32])
def test_the_graphs_give_the_same_to_the_last_bit(
    old: tuple[Path, Before], wide: Path, robots: int, slots: int
) -> None:
    assert yaml.safe_load((wide / CONFIG).read_text())["architecture"]["ego"] == EGO
    first, second = OnnxController(old[0]), OnnxController(wide)
    many = seen(robots, robots, slots)
    found = first(many)
    np.testing.assert_array_equal(second(many), found)
    alone = Observation(many.ego[0], many.edges[0], many.mask[0])
    np.testing.assert_array_equal(second(alone), first(alone))
    assert robots < 31 or found.std(axis=0).min() > 0.01, "actions that do not vary would prove nothing"


@pytest.mark.parametrize("robots", [1, 31, 700])
def test_torch_gives_the_same_to_the_last_bit(old: tuple[Path, Before], robots: int) -> None:
    tuner, _ = checkpoint.load(old[0])
    tuner.requires_grad_(False)
    ego, edges, mask = map(torch.from_numpy, seen(robots, robots, 6)[:3])
    with torch.no_grad():
        assert torch.equal(tuner.mean_dense(ego, edges, mask), old[1](ego[:, :EGO_EXACT], edges, mask))
    exact = torch.cat([ego[:, :EGO_EXACT], torch.zeros(robots, EGO - EGO_EXACT)], dim=1)
    for kernels in (True, False):
        tuner.actor.kernels = tuner.critic.kernels = kernels
        for judge in (tuner.mean, tuner.value):
            assert torch.equal(judge(tuner.see(ego, edges, mask)), judge(tuner.see(exact, edges, mask)))


def test_all_else_in_the_folder_stays(old: tuple[Path, Before], tmp_path: Path) -> None:
    folder = shutil.copytree(old[0], tmp_path / "copy")
    (folder / "tensorboard").mkdir()
    (folder / "tensorboard" / "events").write_text("kept")
    assert main(folder) == 0
    assert (folder / "learning_curve.png").read_bytes() == b"picture" and (folder / "card.md").read_text() == "# Card\n"
    assert (folder / "tensorboard" / "events").read_text() == "kept"
    weights = torch.load(folder / WEIGHTS, weights_only=True)
    for name, value in torch.load(old[0] / WEIGHTS, weights_only=True).items():
        assert torch.equal(weights.pop(name), value)
    assert len(weights) == 4 and not any(value.any() for value in weights.values())


def test_a_training_begins_with_a_checkpoint_of_before(old: tuple[Path, Before], tmp_path: Path) -> None:
    tuner = Tuner(width=24)
    checkpoint.begin_as(tuner, old[0])
    assert torch.equal(tuner.worth.weight, checkpoint.load(old[0])[0].worth.weight)


def test_weights_that_are_missing_in_a_checkpoint_of_today_are_said(
    old: tuple[Path, Before], wide: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(wide, tmp_path / "copy")
    shutil.copy(old[0] / WEIGHTS, folder)
    with pytest.raises(InputError, match=r"actor\.message_declared: got 'nothing'"):
        checkpoint.load(folder)


OWN = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.own, self.near = nn.LazyLinear(8), nn.Linear(15, 8)
        self.mean, self.value = nn.Linear(8, 6), nn.Linear(8, 1)

    def forward(self, ego, edges, mask):
        hidden = torch.tanh(self.own(ego) + self.near((edges * mask[..., None]).amax(dim=1)))
        return torch.sigmoid(self.mean(hidden)), None, self.value(hidden).squeeze(-1)

class Old(Net):
    def __init__(self):
        super().__init__()
        self.own = nn.Linear(22, 8)
"""


@pytest.mark.parametrize(("name", "columns"), [("Net", EGO), ("Old", EGO_EXACT)])
def test_a_network_of_ones_own_keeps_the_features_that_it_was_made_for(
    tmp_path: Path, name: str, columns: int, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "nets.py"
    file.write_text(OWN)
    tuner: Any = network_of(TunerOptions(network=f"{file}:{name}"))
    folder = tmp_path / "saved"
    checkpoint.save(folder, tuner, checkpoint.Config(seed=0, command="train", limits={}), "# Card\n")
    loaded: Any
    loaded, config = checkpoint.load_and_run(folder)
    assert tuner.ego == config.ego == columns
    many = seen(1, 5, 4)
    with torch.no_grad():
        wanted = loaded.mean(loaded.see(*map(torch.from_numpy, many[:3])))
    np.testing.assert_allclose(OnnxController(folder)(many), wanted, atol=1e-6)
    changed = seen(1, 5, 4, declared=False)
    assert (OnnxController(folder)(changed) == OnnxController(folder)(many)).all() == (columns == EGO_EXACT)
    assert main(folder, tmp_path / "out") == 2
    assert "a built-in network" in capsys.readouterr().err and not (tmp_path / "out").exists()


class Exact(Toy):  # type: ignore[misc]
    """Nothing is declared in these worlds."""

    def draw(self) -> Observation:
        drawn = super().draw()
        drawn.ego[..., EGO_EXACT:] = 0.0
        return drawn


def make(seed: int) -> TunerPPO:
    torch.manual_seed(seed)
    settings = TunerPPOSettings(rollout=16, minibatches=4, near=0.1)
    ppo = TunerPPO(Exact(seed), Tuner(), settings, seed=seed, updates=4)
    ppo.keep_clone()
    return ppo


def as_before(state: dict[str, Any], tuner: Tuner) -> dict[str, Any]:
    """A training's state as it was saved before."""
    new, names = tuner.of_declared, [name for name, _ in tuner.named_parameters()]
    for part in ("tuner", "clone"):
        state[part] = {name: value for name, value in state[part].items() if name not in new}
    kept = [k for k, name in enumerate(names) if name not in new]
    optimiser = state["optimiser"]
    assert sorted(optimiser["state"]) == kept, "what is 0 has no gradient"
    optimiser["state"] = {kept.index(k): value for k, value in optimiser["state"].items()}
    optimiser["param_groups"][0]["params"] = list(range(len(kept)))
    state["observation"][0] = state["observation"][0][..., :EGO_EXACT]
    return state


def test_a_training_of_before_goes_on_as_if_nothing_had_happened() -> None:
    whole = make(5)
    figures = [whole.update() for _ in range(4)]
    half, resumed = make(5), make(99)
    for _ in range(2):
        half.update()
    resumed.load_state_dict(unpack(pack(as_before(unpack(pack(half.state_dict()), "state"), half.tuner)), "test"))
    assert [resumed.update() for _ in range(2)] == figures[2:]
    for name, value in whole.tuner.state_dict().items():
        assert torch.equal(resumed.tuner.state_dict()[name], value)
