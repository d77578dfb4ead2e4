"""The follower's learning: rankings and their probabilities, PPO on a tiny problem, and its checkpoint folder."""

from __future__ import annotations

import itertools
import logging

import numpy as np
import pytest
import torch
from oracles.toy_worlds import Signpost

from policies.follower import checkpoint as follower_checkpoint
from policies.follower.network import Follower
from policies.follower.ppo import FollowerPPO, RankingPPO, log_probability
from swarm.errors import InputError
from swarm.planning.follower.policy import OnnxRanker
from swarm.planning.follower.team import gumbel, rank
from swarm.planning.follower.view import (
    CHANNELS,
    FORWARD,
    OWN,
    OWN_COST,
    WALL,
    WINDOW,
)  # fmt: skip

pytestmark = pytest.mark.torch


@pytest.fixture(autouse=True)
def one_thread():
    """Networks as small as these are faster on one thread, and do not disturb other tests."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def observed(n, seed=0):
    rng = np.random.default_rng(seed)
    view = rng.normal(size=(n, CHANNELS, WINDOW, WINDOW)).astype(np.float32)
    return view, rng.uniform(0.0, 3.0, (n, OWN)).astype(np.float32)


def test_probabilities_of_rankings_add_up_and_are_those_of_drawing_without_replacement():
    scores = torch.tensor([[0.3, 1.0, -0.5, 0.0, 0.7]])
    chance = scores.softmax(1)[0].tolist()
    total = 0.0
    for first, second in itertools.permutations(range(5), 2):
        ranking = [first, second, *(k for k in range(5) if k not in (first, second))]
        found = log_probability(scores, torch.tensor([ranking]), 2).exp().item()
        assert found == pytest.approx(chance[first] * chance[second] / (1.0 - chance[first]), rel=1e-5)
        total += found
    assert total == pytest.approx(1.0, rel=1e-5)


def test_noise_makes_rankings_samples_of_the_softmax():
    scores = np.tile(np.array([0.3, 1.0, -0.5, 0.0, 0.7], np.float32), (4000, 1))
    noise = np.concatenate([gumbel(np.arange(40), tick) for tick in range(100)])
    first = np.bincount(rank(scores, noise)[:, 0], minlength=5) / 4000
    chance = np.exp(scores[0]) / np.exp(scores[0]).sum()
    assert np.abs(first - chance).max() < 0.03
    assert rank(scores)[0].tolist() == [1, 4, 0, 3, 2]
    np.testing.assert_array_equal(gumbel(np.arange(9), 5)[3:4], gumbel(np.array([3]), 5))


def test_an_untrained_follower_takes_its_path_and_never_a_wall_before_a_way():
    view, own = observed(64)
    own[:, OWN_COST : OWN_COST + 5] = 0.0
    own[::2, OWN_COST + FORWARD] = WALL
    scores = Follower()(torch.from_numpy(view), torch.from_numpy(own))[0].detach().numpy()
    ranking = rank(scores)
    assert (ranking[1::2, 0] == FORWARD).all() and (ranking[::2, 4] == FORWARD).all()


def test_ppo_learns_what_pays():
    torch.manual_seed(0)
    config = RankingPPO(rollout=4, gamma=0.0, learning_rate=1e-2, minibatches=2, epochs=2)
    ppo = FollowerPPO(Signpost(64), Follower(2, 8), config, seed=0, updates=60)
    figures = [ppo.update() for _ in range(60)]
    assert figures[0]["throughput"] < 0.4
    assert min(figure["throughput"] for figure in figures[-5:]) > 0.9


def test_nothing_is_learnt_from_a_step_that_was_cut():
    class Cut(Signpost):
        def step(self, ranking):
            reward, cut, episodes = super().step(ranking)
            return reward + 1e6, ~cut, episodes

    torch.manual_seed(0)
    ppo = FollowerPPO(Cut(8), Follower(4, 8), RankingPPO(minibatches=1), seed=0, updates=4)
    rollout = ppo.collect()
    rollout.cut[:, 4:] = False
    rollout.reward[:, 4:] = 0.0
    before = {name: value.clone() for name, value in ppo.follower.state_dict().items()}
    with torch.no_grad():
        rollout = rollout._replace(value=rollout.value.detach(), log_probability=rollout.log_probability.detach())
    figures = ppo.optimise(rollout, rollout.value, torch.where(rollout.cut, 1e9, torch.zeros(())))
    assert abs(figures["value_loss"]) < 1e3
    assert any((before[name] != value).any() for name, value in ppo.follower.state_dict().items())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    torch.manual_seed(3)
    path, follower = tmp_path_factory.mktemp("checkpoints") / "follower", Follower(6, 24)
    with torch.no_grad():
        follower.score.weight.normal_()
    logging.disable(logging.WARNING)  # the export traces itself at length for whoever listens, as pytest does
    follower_checkpoint.save(path, follower, {"seed": 3, "command": "none", "temperature": 0.25}, "card", {"x": b"y"})
    logging.disable(logging.NOTSET)
    return path, follower


def test_checkpoint_comes_back_and_onnx_is_the_torch_network(folder):
    path, follower = folder
    loaded, ranker = follower_checkpoint.load(path), OnnxRanker(path)
    assert ranker.temperature == 0.25 and (path / "x").read_bytes() == b"y"
    for n in (1, 2, 37):
        view, own = observed(n, n)
        wanted = follower(torch.from_numpy(view), torch.from_numpy(own))[0].detach().numpy()
        np.testing.assert_array_equal(loaded(torch.from_numpy(view), torch.from_numpy(own))[0].detach(), wanted)
        np.testing.assert_allclose(ranker(view, own), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("key, value", [("policy", "tuner"), ("channels", 2), ("own", None)])
def test_checkpoints_of_another_kind_are_refused(folder, tmp_path, key, value):
    text = (folder[0] / "config.yaml").read_text()
    lines = [f"  {key}: {value}" if line.strip().startswith(f"{key}:") else line for line in text.splitlines()]
    (tmp_path / "config.yaml").write_text("\n".join(lines).replace("  policy", "policy"))
    with pytest.raises(InputError, match=key):
        OnnxRanker(tmp_path)


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(InputError, match=r"train\.py follower"):
        OnnxRanker(tmp_path / "nothing")
