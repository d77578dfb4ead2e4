"""PPO learns, its advantages are right, and a resumed training is the same training."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from oracles.toy_worlds import Toy

from policies.checkpoint_folder import pack, read_tensors
from policies.ppo import advantages
from policies.ppo_settings import TunerPPOSettings
from policies.tuner.exploration import is_stuck, log_probability
from policies.tuner.network import Tuner
from policies.tuner.ppo import TunerPPO, flatten
from swarm.errors import InputError
from swarm.filter.tunables import COUNT
from swarm.tune.observation import EDGE_IS_ROBOT, EGO_STUCK, Observation

pytestmark = pytest.mark.torch
SLOTS = 6
torch.set_num_threads(1)  # tiny batches: threads would only wait for each other


def make(seed: int, updates: int = 10, **changes: Any) -> TunerPPO:
    torch.manual_seed(seed)
    settings = dataclasses.replace(TunerPPOSettings(rollout=16, minibatches=4, gamma=0.5), **changes)
    return TunerPPO(Toy(seed), Tuner(width=16), settings, seed=seed, updates=updates)


def test_it_learns_from_the_neighbours() -> None:
    ppo = make(1, updates=40, learning_rate=1e-2)
    first = np.mean([ppo.update()["reward"] for _ in range(3)])
    for _ in range(34):
        ppo.update()
    last = np.mean([ppo.update()["reward"] for _ in range(3)])
    # Knowing nothing of the neighbours: at best -0.11.
    assert first < -0.12
    assert last > -0.045
    drawn = ppo.worlds.reset()
    alone = Observation(drawn.ego.copy(), drawn.edges.copy(), drawn.mask.copy())
    for k, wanted in enumerate((0.1, 0.9)):
        alone.edges[k, 0, :, EDGE_IS_ROBOT] = wanted
        alone.mask[k, 0] = True
    action = ppo.tuner.mean_dense(*map(torch.from_numpy, alone[:3])).detach()
    assert action[1, 0, 0] - action[0, 0, 0] > 0.4


def test_noise_is_held_in_half_of_the_worlds_and_new_at_every_step_in_the_others() -> None:
    ppo = make(2, held=20.0, held_worlds=0.5, held_until=1.0)
    ego, exploration = flatten(ppo.observation)[0], ppo.exploration
    noise = torch.stack([exploration.noise(ego, 0.0) for _ in range(2000)])
    assert noise.mean(dim=(0, 1)).abs().max() < 0.2
    assert (noise.square().mean(dim=(0, 1)) - 1.0).abs().max() < 0.3
    kept, half = (noise[1:] == noise[:-1]).float().mean(dim=(0, 2)), noise.shape[1] // 2
    assert (kept[:half] - 0.95).abs().max() < 0.03
    assert (kept[half:] == 0.0).all()
    # At the end it is not held any more.
    assert not (exploration.noise(ego, 1.0) == exploration.noise(ego, 1.0)).any()


def test_exploration_starts_anew_smaller_and_falls_again() -> None:
    ppo = make(2, updates=12, restart=0.5, noise=(0.2, 0.04), learning_rate=1e-3, held=20.0, held_until=0.5)
    ego = flatten(ppo.observation)[0]

    for done, std, rate, holds in [
        (0, 0.2, 1e-3, True), (3, 0.12, 5e-4, False),
        (6, 0.16, 7.5e-4, True), (9, 0.1, 3.75e-4, False), (12, 0.04, 0.0, False),
    ]:  # fmt: skip
        ppo.done = done
        assert ppo.std == pytest.approx(std) and ppo.learning_rate == pytest.approx(rate)
        before = ppo.exploration.held
        assert bool((ppo.exploration.noise(ego, ppo._part[1]) == before).any()) == holds
    ppo = make(2, updates=12, learning_rate=1e-3)
    ppo.done = 9
    assert ppo.learning_rate == pytest.approx(2.5e-4)


def test_changes_have_no_price_until_it_begins() -> None:
    """Until then a training is, to the last bit, one without a price."""

    def weights(done: int, **changes: Any) -> torch.Tensor:
        ppo = make(3, updates=10, **changes)
        ppo.done = done
        ppo.update()
        return torch.cat([part.flatten() for part in ppo.network.parameters()])

    price = {"smooth": 5.0, "smooth_from": 0.5}
    assert (weights(4, **price) == weights(4)).all()
    assert (weights(5, **price) != weights(5)).any()


def test_who_is_stuck_tries_more_and_for_longer() -> None:
    ppo = make(2, held=20.0, held_worlds=0.0, stuck_noise=4.0, stuck_worlds=0.5, noise=(0.1, 0.02))
    ego, exploration = flatten(ppo.observation)[0].clone(), ppo.exploration
    rows = torch.arange(len(ego))
    stuck = rows % 3 == 0
    ego[:, EGO_STUCK] = torch.where(stuck, 0.3, 0.01)
    stuck &= rows >= len(ego) // 2  # in the other half of the worlds everybody explores alike
    std = exploration.std(ego, rows, left=0.5)
    assert isinstance(std, torch.Tensor) and std.shape == (len(ego), 1)
    torch.testing.assert_close(std[:, 0], torch.where(stuck, 0.24, 0.06))
    noise = torch.stack([exploration.noise(ego, 1.0) for _ in range(2000)])
    kept = (noise[1:] == noise[:-1]).float().mean(dim=(0, 2))
    assert (kept[stuck] - 0.95).abs().max() < 0.03 and (kept[~stuck] == 0.0).all()


def test_the_first_passes_of_who_is_stuck_change_no_ratio() -> None:
    """What was sampled with a deviation is judged with the same one."""
    ppo = make(2, stuck_noise=4.0)
    with torch.no_grad():
        for _ in range(40):  # until some are stuck
            rollout = ppo.step()
    assert 0 < is_stuck(rollout.ego).sum() < len(rollout.ego)
    std = ppo._std(rollout.ego)
    mean = ppo.tuner.mean(ppo.tuner.see(rollout.ego, rollout.edges, rollout.mask))
    again = log_probability(rollout.action, mean, std, ppo.tuner.free)
    torch.testing.assert_close(again, rollout.log_probability, rtol=1e-4, atol=1e-4)


def plain_advantages(
    reward: list[float], value: list[float], following: list[float], ends: list[int], g: float, gae_lambda: float
) -> list[float]:
    """The definition: sums of discounted surprises up to the episode's end (1: for good, 2: cut short)."""
    result = []
    for start in range(len(reward)):
        total, weight = 0.0, 1.0
        for t in range(start, len(reward)):
            after = 0.0 if ends[t] == 1 else following[t]
            total += weight * (reward[t] + g * after - value[t])
            if ends[t]:
                break
            weight *= g * gae_lambda
        result.append(total)
    return result


ROW = st.tuples(*[st.floats(-5, 5, width=32)] * 3, st.sampled_from([0, 0, 0, 1, 2]))


@given(st.lists(ROW, min_size=1, max_size=20), st.floats(0, 1), st.floats(0, 1))
def test_advantages_are_the_definition(rows: list[Any], g: float, gae_lambda: float) -> None:
    reward, value, following, ends = (list(column) for column in zip(*rows, strict=True))
    gain, worth, after = (torch.tensor(column, dtype=torch.float64)[:, None] for column in (reward, value, following))
    kinds = torch.tensor(ends)[:, None]
    found = advantages(gain, worth, after, kinds == 1, kinds == 2, g, gae_lambda)[:, 0]
    wanted = plain_advantages(reward, value, following, ends, g, gae_lambda)
    np.testing.assert_allclose(found.numpy(), wanted, atol=1e-9)


def test_advantages_of_worlds_do_not_mix() -> None:
    reward = torch.tensor([[1.0, 10.0], [1.0, 10.0]])
    zero = torch.zeros(2, 2)
    ended = torch.tensor([[True, False], [False, False]])
    found = advantages(reward, zero, zero, ended, torch.zeros_like(ended), 0.5, 1.0)
    assert found.tolist() == [[1.0, 15.0], [1.0, 10.0]]


def test_truncated_worlds_are_worth_their_final_observation() -> None:
    ppo = make(2)
    with torch.no_grad():
        rollout = ppo.collect()
    assert torch.equal(~rollout.next_value.isnan(), rollout.truncated)
    assert rollout.truncated.any() and rollout.terminated.any()
    value = ppo.tuner.value_dense(rollout.ego, rollout.edges, rollout.mask)
    starts = rollout.truncated[:-1].nonzero(as_tuple=True)
    mixed = rollout.next_value[:-1][starts] == value[1:][starts].detach()
    assert not mixed.any(), "the value of the new episode instead of that of the old one"


def test_log_probability_is_that_of_a_normal_distribution() -> None:
    torch.manual_seed(3)
    action, mean, std = torch.randn(5, COUNT), torch.rand(5, COUNT), 0.3
    wanted = torch.distributions.Normal(mean, std).log_prob(action).sum(dim=-1)
    torch.testing.assert_close(log_probability(action, mean, std, torch.ones(COUNT)), wanted)


def test_worlds_get_clipped_actions_and_the_density_is_of_the_unclipped() -> None:
    ppo = make(4, noise=(1.0, 1.0))
    with torch.no_grad():
        rollout = ppo.collect()
    executed = np.stack(ppo.worlds.actions)  # type: ignore[attr-defined]
    assert executed.min() == 0.0 and executed.max() == 1.0
    assert rollout.action.min() < -0.5 and rollout.action.max() > 1.5
    np.testing.assert_array_equal(rollout.action.clamp(0, 1).numpy().reshape(executed.shape), executed)
    mean = ppo.tuner.mean_dense(rollout.ego, rollout.edges, rollout.mask)
    again = log_probability(rollout.action, mean, ppo.std, ppo.tuner.free)
    torch.testing.assert_close(again, rollout.log_probability, atol=1e-3, rtol=1e-3)


def weights(ppo: TunerPPO) -> list[bytes]:
    return [value.numpy().tobytes() for value in ppo.tuner.state_dict().values()]


def test_a_resumed_training_is_bit_identical(tmp_path: Path) -> None:
    whole = make(5)
    figures = [whole.update() for _ in range(4)]
    half = make(5)
    for _ in range(2):
        half.update()
    (tmp_path / "resume.pt").write_bytes(pack(half.state_dict()))
    resumed = make(99)
    assert weights(resumed) != weights(half)
    resumed.load_state_dict(read_tensors(tmp_path / "resume.pt"))
    assert [resumed.update() for _ in range(2)] == figures[2:]
    assert weights(resumed) == weights(whole)


def test_the_seed_decides_everything() -> None:
    first, second, other = make(6), make(6), make(7)
    for ppo in (first, second, other):
        ppo.update()
    assert weights(first) == weights(second) != weights(other)


def test_options_do_what_they_say() -> None:
    ppo = make(8, updates=4)
    rates = [ppo.update()["learning_rate"] for _ in range(4)]
    np.testing.assert_allclose(rates, [1e-3, 0.75e-3, 0.5e-3, 0.25e-3])
    assert make(8, anneal=False).update()["learning_rate"] == 1e-3
    clipped, free = make(8, value_clip=1e-3), make(8)
    assert clipped.update()["value_loss"] != free.update()["value_loss"]
    steps = []
    for target_kl in (None, 1e-6):
        ppo = make(8, epochs=3, target_kl=target_kl)
        ppo.update()
        steps.append(next(iter(ppo.optimiser.state.values()))["step"].item())
    assert steps == [12, 4]


def test_figures_of_the_episodes_are_averaged() -> None:
    figures = make(9).update()
    assert figures["success"] == 1.0 and -1.0 < figures["return"] < 0.0 and figures["episodes"] > 5


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rollout", 0),
        ("epochs", 0),
        ("gamma", 1.1),
        ("gae_lambda", -0.1),
        ("learning_rate", 0),
        ("clip_coef", 0),
        ("held", 0.5),
        ("held_worlds", 1.1),
        ("held_until", 0),
        ("restart", 0),
        ("smooth_from", 1.5),
    ],
)
def test_settings_are_checked(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=rf"ppo\.{name}: got "):
        TunerPPOSettings(**{name: value})


def test_more_minibatches_than_samples() -> None:
    with pytest.raises(InputError, match=r"ppo\.minibatches.*at most 64, all"):
        make(10, rollout=1, minibatches=65)
