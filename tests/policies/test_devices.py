"""A training on another device is the same training: an update to rounding, its files, and how it goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from oracles.second_device import DEVICE, SecondDevice
from oracles.toy_worlds import Ring, Signpost, Toy
from torch.optim import optimizer

from policies.checkpoint_folder import WEIGHTS, pack, unpack
from policies.devices import CPU, device_of
from policies.follower import checkpoint as follower_checkpoint
from policies.follower.network import Follower
from policies.follower.ppo import FollowerPPO, RankingPPO
from policies.ppo import PPO
from policies.ppo_settings import TunerPPOSettings
from policies.tuner import checkpoint
from policies.tuner.network import Tuner
from policies.tuner.own_network import OwnTuner
from policies.tuner.ppo import TunerPPO
from swarm.errors import InputError
from swarm.planning.follower.policy import OnnxRanker
from swarm.tune.controllers import OnnxController

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore:.*meta parameter")]  # torch takes them for empty
OWN = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.mean, self.value = nn.Linear(37, 16), nn.Linear(16, 6), nn.Linear(16, 1)

    def forward(self, ego, edges, mask):
        hidden = torch.tanh(self.body(torch.cat([ego, (edges * mask[..., None]).amax(dim=1)], dim=-1)))
        return torch.sigmoid(self.mean(hidden)), None, self.value(hidden).squeeze(-1)

class Here(Net):
    def forward(self, ego, edges, mask):
        mean, _, value = super().forward(ego, edges, mask)
        return mean + torch.zeros(len(ego), 6), None, value
"""
SETTINGS = TunerPPOSettings(rollout=16, minibatches=4, gamma=0.5, learning_rate=1e-2, target_kl=None)
UPDATES = 10


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def second(monkeypatch: pytest.MonkeyPatch) -> Iterator[torch.device]:
    """The other device, which Adam knows as one that it has a kernel for."""
    name = "_get_fused_kernels_supported_devices"
    known = getattr(optimizer, name)()
    monkeypatch.setattr(optimizer, name, lambda: [*known, DEVICE.type])
    with SecondDevice():
        yield DEVICE


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("own") / "nets.py"
    path.write_text(OWN)
    return f"{path}:Net"


def tuner_ppo(rounds: int, device: torch.device, kernels: bool, seed: int = 1) -> TunerPPO:
    torch.manual_seed(seed)
    tuner = Tuner(width=16, rounds=rounds, kernels=kernels).to(device)
    worlds = Ring(seed) if rounds == 2 else Toy(seed)
    return TunerPPO(worlds, tuner, SETTINGS, seed=seed, updates=UPDATES)


def own_ppo(reference: str, device: torch.device, seed: int = 1) -> TunerPPO:
    torch.manual_seed(seed)
    return TunerPPO(Toy(seed), OwnTuner(reference).moved(device), SETTINGS, seed=seed, updates=UPDATES)


def follower_ppo(device: torch.device, seed: int = 1, updates: int = UPDATES) -> FollowerPPO:
    torch.manual_seed(seed)
    config = RankingPPO(rollout=4, gamma=0.0, learning_rate=1e-2, minibatches=2, epochs=2)
    return FollowerPPO(Signpost(64, seed), Follower(4, 16).to(device), config, seed=seed, updates=updates)


KINDS = ("no rounds", "one round", "two rounds", "own", "follower")


@pytest.fixture
def make(request: pytest.FixtureRequest, own: str) -> Callable[..., PPO[Any]]:
    """Makes a trainer on a device; without kernels, if that device has none."""
    if request.param == "follower":
        return lambda device, kernels=True, seed=1: follower_ppo(device, seed)
    if request.param == "own":
        return lambda device, kernels=True, seed=1: own_ppo(own, device, seed)
    rounds = KINDS.index(request.param)
    return lambda device, kernels=True, seed=1: tuner_ppo(rounds, device, kernels, seed)


def weights(ppo: PPO[Any]) -> dict[str, torch.Tensor]:
    return {name: value.detach().cpu().clone() for name, value in ppo.network.state_dict().items()}


def assert_alike(found: PPO[Any], wanted: PPO[Any], *figures: dict[str, float]) -> None:
    """The same weights and figures, to rounding."""
    for name, value in weights(wanted).items():
        torch.testing.assert_close(weights(found)[name], value, atol=2e-4, rtol=0, msg=lambda m: f"{name}: {m}")  # noqa: B023
    assert figures[0] == pytest.approx(figures[1], abs=1e-4, rel=1e-3)


@pytest.mark.parametrize("make", KINDS[:3], indirect=True)
def test_an_update_without_kernels_is_the_one_with_them(make: Callable[..., PPO[Any]]) -> None:
    plain, fast = make(CPU, False), make(CPU)
    start = weights(fast)
    assert_alike(plain, fast, plain.update(), fast.update())
    moved = max(float((value - start[name]).abs().max()) for name, value in weights(fast).items())
    assert moved > 0.02, "a hundred times what counts as rounding"


@pytest.mark.parametrize("make", KINDS, indirect=True)
def test_an_update_on_a_device_is_that_of_the_cores(make: Callable[..., PPO[Any]], second: torch.device) -> None:
    there, here = make(second), make(CPU)
    assert all(parameter.device == second for parameter in there.network.parameters())
    assert_alike(there, here, there.update(), here.update())
    state = there.optimiser.state_dict()["state"]
    assert all(value.device == second for entry in state.values() for value in entry.values())


@pytest.mark.parametrize("make", KINDS, indirect=True)
@pytest.mark.parametrize("back", [False, True], ids=["to the device", "to the cores"])
def test_it_goes_on_on_another_device(make: Callable[..., PPO[Any]], back: bool, second: torch.device) -> None:
    first, other = (second, CPU) if back else (CPU, second)
    whole, half = make(first, False), make(first, False)
    whole.update(), half.update()
    resumed = make(other, False, seed=7)
    resumed.load_state_dict(unpack(pack(half.state_dict()), "half"))
    assert all(parameter.device == other for parameter in resumed.network.parameters())
    assert_alike(resumed, whole, resumed.update(), whole.update())


@pytest.mark.parametrize("rounds", [1, 2])
def test_a_tuners_files_are_the_same_wherever_it_was_trained(rounds: int, tmp_path: Path, second: torch.device) -> None:
    ppo = tuner_ppo(rounds, second, kernels=True)
    ppo.update()
    checkpoint.save(tmp_path / "far", ppo.tuner, checkpoint.Config(1, "train", {}, width=16, rounds=rounds), "card")
    assert next(ppo.tuner.parameters()).device == second, "the training goes on where it was"
    stored = torch.load(tmp_path / "far" / WEIGHTS, weights_only=True)
    assert all(value.device == CPU and torch.equal(value, weights(ppo)[name]) for name, value in stored.items())
    observation, loaded = Toy(3).draw(), checkpoint.load(tmp_path / "far")[0]
    if rounds == 1:
        one = type(observation)(*(part[0, 0] for part in observation[:3]))
        wanted = loaded.mean_dense(*map(torch.from_numpy, one[:3])).clamp(0.0, 1.0).detach().numpy()
        np.testing.assert_allclose(OnnxController(tmp_path / "far")(one), wanted, atol=1e-5)


def test_a_followers_files_are_the_same_wherever_it_was_trained(tmp_path: Path, second: torch.device) -> None:
    ppo = follower_ppo(second)
    ppo.update()
    follower_checkpoint.save(tmp_path / "far", ppo.follower, {"seed": 1, "command": "none", "temperature": 0.0}, "card")
    worlds, loaded = Signpost(8, 5), follower_checkpoint.load(tmp_path / "far")
    wanted = loaded(torch.from_numpy(worlds.view), torch.from_numpy(worlds.own))[0].detach().numpy()
    np.testing.assert_allclose(OnnxRanker(tmp_path / "far")(worlds.view, worlds.own), wanted, atol=1e-4)
    assert all(torch.equal(value, weights(ppo)[name]) for name, value in loaded.state_dict().items())


def test_a_whole_training_without_kernels_learns_what_one_with_them_does() -> None:
    """From the neighbours; knowing nothing of them: at best -0.11 (``tests/policies/tuner/test_ppo.py``)."""
    for kernels in (True, False):
        torch.manual_seed(1)
        config = TunerPPOSettings(rollout=16, minibatches=4, gamma=0.5, learning_rate=1e-2)
        ppo = TunerPPO(Toy(1), Tuner(width=16, kernels=kernels), config, seed=1, updates=40)
        assert np.mean([ppo.update()["reward"] for _ in range(40)][-3:]) > -0.045


def test_the_second_device_shares_nothing_with_the_first(second: torch.device) -> None:
    there, here = torch.ones(3, device=second), torch.ones(3)
    assert torch.equal((2.0 * there).cpu(), 2.0 * here) and float(there.sum()) == 3.0
    with pytest.raises(RuntimeError, match="two devices"):
        there + here
    with pytest.raises(RuntimeError, match="numpy"):
        there.numpy()


def test_a_network_that_makes_tensors_on_the_cores_is_refused(own: str, second: torch.device) -> None:
    tuner = OwnTuner(own.replace("Net", "Here"))
    assert tuner.moved(CPU) is tuner
    with pytest.raises(InputError, match=f"on {second}: forward .*: got .*two devices"):
        tuner.moved(second)


def test_a_gpu_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert device_of("cpu") == CPU
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(InputError, match=r"--device: got 'cuda'; valid: cpu, which is all that there is here: torch 2"):
        device_of("cuda")


def test_each_process_of_a_machine_has_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda number: f"card {number}")
    assert device_of("cuda") == torch.device("cuda", 0)
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert device_of("cuda") == torch.device("cuda", 1)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    with pytest.raises(
        InputError, match=r"processes on this machine: got 3; valid: 1 to 2, one a GPU \(card 0, card 1"
    ):
        device_of("cuda")
