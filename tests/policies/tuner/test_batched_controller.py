"""A checkpoint's ONNX file for whole teams: the same actions as robot by robot, and soon enough."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from policies.tuner import checkpoint
from policies.tuner.network import Tuner
from swarm.tune.controllers import OnnxController
from swarm.tune.observation import EDGE, EGO, Observation

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def controller(tmp_path_factory: pytest.TempPathFactory) -> OnnxController:
    torch.manual_seed(0)
    tuner = Tuner()
    with torch.no_grad():
        for parameter in tuner.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    folder = tmp_path_factory.mktemp("checkpoints") / "tuner"
    checkpoint.save(folder, tuner, checkpoint.Config(seed=0, command="", limits={}), "# Card\n")
    return OnnxController(folder)


def crowd(worlds: int, robots: int, share: float) -> Observation:
    rng = np.random.default_rng(1)
    shape = (worlds, robots)
    return Observation(
        rng.normal(size=(*shape, EGO)).astype(np.float32), rng.normal(size=(*shape, 32, EDGE)).astype(np.float32),
        rng.random((*shape, 32)) < share * rng.random((*shape, 1)),
    )  # fmt: skip


@pytest.mark.parametrize("robots", [70, 120])
def test_a_team_gets_what_its_robots_get(controller: OnnxController, robots: int) -> None:
    observation = crowd(3, robots, 0.6)  # fewer robots than go through at once, and more
    observation.mask[0, :5] = False
    actions = controller.batch(observation)
    assert actions.shape == (3, robots, 6) and actions.std(axis=(0, 1)).min() > 0.01
    np.testing.assert_array_equal(controller(observation), actions)
    for b, i in [(0, 0), (0, 7), (1, robots - 1), (2, 60)]:
        one = controller(Observation(*(part[b, i] for part in observation[:3])))
        np.testing.assert_allclose(one, actions[b, i], atol=1e-5)


def test_robots_that_see_nothing(controller: OnnxController) -> None:
    observation = crowd(1, 3, 0.0)
    assert controller(observation).shape == (1, 3, 6)
