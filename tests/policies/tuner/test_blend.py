"""Blending with the last action: what robots do moves a share of the way to what the network proposes."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
import yaml

from envs.arena.training.worlds import training_worlds
from policies.ppo_settings import TunerPPOSettings
from policies.tuner import checkpoint
from policies.tuner.checkpoint import Config
from policies.tuner.evaluate import by_tuner
from policies.tuner.network import FIXED, Tuner, last_action
from policies.tuner.ppo import TunerPPO, flatten, price_of_change
from policies.tuner.training import TunerOptions, network_of
from swarm.array_types import Flags, Float32s
from swarm.errors import InputError
from swarm.filter.tunables import COUNT
from swarm.tune.controllers import shipped_checkpoint
from swarm.tune.observation import EDGE, EDGE_IS_OBSTACLE, EGO, EGO_ACTION, Observation

pytestmark = pytest.mark.torch
CONFIG = Config(seed=7, command="train", limits={}, width=24)


def tuner_of(blend: float, tunables: tuple[str, ...] | None = None) -> Tuner:
    torch.manual_seed(3)
    tuner = Tuner(24, blend=blend) if tunables is None else Tuner(24, tunables, blend=blend)
    with torch.no_grad():
        for parameter in tuner.parameters():
            parameter.add_(0.5 * torch.randn_like(parameter))
    return tuner


def seen(robots: int = 5) -> tuple[Float32s, Float32s, Flags]:
    rng = np.random.default_rng(1)
    ego, edges = (rng.normal(size=shape).astype(np.float32) for shape in ((robots, EGO), (robots, 4, EDGE)))
    ego[:, EGO_ACTION : EGO_ACTION + COUNT] = rng.uniform(-1.0, 1.0, (robots, COUNT))
    edges[..., : EDGE_IS_OBSTACLE + 1] = np.arange(4)[:, None] % 2 == [0, 1]
    return ego, edges, rng.random((robots, 4)) < 0.7


def test_a_robot_goes_a_share_of_the_way_in_torch_in_onnx_and_in_batches(tmp_path: Path) -> None:
    whole, part = tuner_of(1.0), tuner_of(0.25)
    ego, edges, mask = seen()
    with torch.no_grad():
        proposed = whole.mean_dense(*map(torch.from_numpy, (ego, edges, mask))).numpy()
    last = 0.5 * (ego[:, EGO_ACTION : EGO_ACTION + COUNT] + 1.0)
    wanted = 0.75 * last + 0.25 * proposed
    assert np.abs(proposed - last).max() > 0.3
    observation = Observation(ego[None], edges[None], mask[None])
    np.testing.assert_allclose(by_tuner(part)(observation)[0], wanted, atol=1e-5)
    np.testing.assert_allclose(by_tuner(whole)(observation)[0], proposed, atol=1e-5)

    checkpoint.save(tmp_path / "part", part, CONFIG, "# Card\n")
    session = onnxruntime.InferenceSession(str(tmp_path / "part" / "policy.onnx"))
    (action,) = session.run(None, {"ego": ego, "edges": edges, "mask": mask})
    np.testing.assert_allclose(action, wanted, atol=1e-5)
    loaded, config = checkpoint.load(tmp_path / "part")
    assert config.blend == loaded.blend == 0.25
    np.testing.assert_array_equal(by_tuner(loaded)(observation), by_tuner(part)(observation))


def test_what_the_network_does_not_set_keeps_its_value_from_the_first_step_on() -> None:
    ego, edges, mask = seen()
    action = by_tuner(tuner_of(0.25, ("robot_gain",)))(Observation(ego[None], edges[None], mask[None]))
    np.testing.assert_allclose(action[0, :, 1:], np.broadcast_to(FIXED[1:], (5, COUNT - 1)), atol=1e-6)


def test_no_tunable_swings_farther_in_one_step_than_its_share() -> None:
    ego, edges, mask = seen(1)
    act, rng = by_tuner(tuner_of(0.25)), np.random.default_rng(2)
    last, swings = 0.5 * (ego[0, EGO_ACTION : EGO_ACTION + COUNT] + 1.0), []
    for _ in range(50):  # adversarial: what is seen changes entirely at every step
        ego = rng.normal(0.0, 3.0, ego.shape).astype(np.float32)
        ego[0, EGO_ACTION : EGO_ACTION + COUNT] = 2.0 * last - 1.0
        (action,) = act(Observation(ego[None], edges[None], mask[None]))[0]
        swings.append(np.abs(action - last).max())
        last = action
    assert 0.1 < max(swings) <= 0.25 + 1e-6


def test_a_checkpoint_of_before_does_what_it_proposes_and_a_training_may_begin_with_it(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "whole", tuner_of(1.0), CONFIG, "# Card\n")
    document = yaml.safe_load((tmp_path / "whole" / "config.yaml").read_text())
    assert "blend" not in document and checkpoint.load(tmp_path / "whole")[0].blend == 1.0
    shipped = shipped_checkpoint("tuner")
    begun = network_of(TunerOptions(start=str(shipped), blend=0.3))
    assert begun.blend == 0.3
    for own, given in zip(begun.parameters(), checkpoint.load(shipped)[0].parameters(), strict=True):
        assert torch.equal(own, given)


@pytest.mark.parametrize("value", [0.0, -0.1, 1.5, float("nan")])
def test_a_share_out_of_range_is_refused(value: float, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"blend.*above 0, at most 1"):
        Tuner(24, blend=value)
    with pytest.raises(InputError, match=r"--blend.*above 0, at most 1"):
        TunerOptions(blend=value)
    checkpoint.save(tmp_path / "part", tuner_of(0.25), CONFIG, "# Card\n")
    path = tmp_path / "part" / "config.yaml"
    path.write_text(path.read_text().replace("blend: 0.25", f"blend: {value}"))
    with pytest.raises(InputError, match=r"config.yaml: blend"):
        checkpoint.load(tmp_path / "part")


def test_blending_needs_a_last_action_that_is_seen_and_a_built_in_network() -> None:
    with pytest.raises(InputError, match="below 1 without --no-sees-action"):
        TunerOptions(blend=0.5, sees_action=False)
    with pytest.raises(InputError, match="none of them with --network"):
        TunerOptions(blend=0.5, network="mine.py:Net")
    assert dataclasses.replace(TunerOptions(), blend=0.5).blend == 0.5


def test_who_pays_for_the_change_of_the_action_changes_it_less() -> None:
    def change(smooth: float, blend: float) -> float:
        config = TunerPPOSettings(
            rollout=8, minibatches=2, epochs=20, target_kl=None, learning_rate=1e-2, smooth=smooth
        )
        tuner = tuner_of(blend)
        ppo = TunerPPO(training_worlds(1, 8, 2, styles=("merge",)), tuner, config, seed=1, updates=8)
        for _ in range(4):
            ppo.update()
        ego, edges, mask = flatten(ppo.observation)
        with torch.no_grad():
            does = tuner.executed(tuner.mean(tuner.see(ego, edges, mask)), ego)
        return float((does - last_action(ego)).abs().mean())

    assert change(100.0, 1.0) < 0.7 * change(0.0, 1.0)
    assert change(100.0, 0.3) < 0.7 * change(0.0, 0.3)
    with pytest.raises(InputError, match=r"ppo.smooth.*0 or more"):
        TunerPPOSettings(smooth=-1.0)
    with pytest.raises(InputError, match=r"ppo.smooth_knee.*above 0"):
        TunerPPOSettings(smooth_knee=0.0)


def test_beyond_the_knee_a_large_change_costs_no_more_than_the_same_in_parts() -> None:
    knee, changes = 0.04, torch.tensor([-0.5, -0.03, 0.0, 0.04, 0.1, 0.2], requires_grad=True)
    price = price_of_change(changes, knee)
    small = changes.abs() <= knee
    assert torch.allclose(price[small], changes[small].square())
    parts = price_of_change(torch.tensor([0.25, 0.25]), knee).sum()
    whole = float(price[0].detach())
    assert float(parts) <= whole < 1.1 * float(parts) < 0.25**2 * 2
    (slope,) = torch.autograd.grad(price.sum(), changes)
    assert torch.allclose(slope, 2.0 * changes.clamp(-knee, knee))
    assert torch.equal(price_of_change(changes, math.inf), changes.square())
