"""The tuner's two forms agree, and its invariances hold."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from policies.tuner.neighbourhood import to_graph
from policies.tuner.network import FIXED, Tuner
from swarm.errors import InputError
from swarm.filter.tunables import COUNT
from swarm.tune.observation import EDGE, EDGE_IS_OBSTACLE, EDGE_IS_ROBOT, EGO, EGO_EXACT

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def tuner() -> Tuner:
    """A tuner whose last layers are large enough for differences to show."""
    torch.manual_seed(1)
    tuner = Tuner()
    with torch.no_grad():
        tuner.action.weight.mul_(100.0)
        for name, parameter in tuner.named_parameters():
            if name.endswith(("bias", "declared")):
                parameter.uniform_(-0.5, 0.5)
    return tuner.requires_grad_(False)


def draw(seed: int, robots: int, slots: int, share: float = 0.5) -> tuple[Tensor, Tensor, Tensor]:
    """Random padded neighbourhoods in which ``share`` of the slots are in use."""
    rng = np.random.default_rng(seed)
    ego = rng.standard_normal((robots, EGO), dtype=np.float32)
    edges = rng.standard_normal((robots, slots, EDGE), dtype=np.float32)
    edges[..., EDGE_IS_ROBOT] = rng.random((robots, slots)) < 0.5  # a robot, else an obstacle
    edges[..., EDGE_IS_OBSTACLE] = 1.0 - edges[..., EDGE_IS_ROBOT]
    mask = rng.random((robots, slots)) < share
    return torch.from_numpy(ego), torch.from_numpy(edges), torch.from_numpy(mask)


@pytest.mark.parametrize("slots", [0, 1, 2, 32])
@pytest.mark.parametrize("share", [0.0, 0.2, 1.0])
def test_sparse_and_dense_forms_agree(tuner: Tuner, slots: int, share: float) -> None:
    data = draw(2, 50, slots, share)
    torch.testing.assert_close(tuner.mean(to_graph(*data)), tuner.mean_dense(*data), atol=1e-5, rtol=0)
    torch.testing.assert_close(tuner.value(to_graph(*data)), tuner.value_dense(*data), atol=1e-5, rtol=1e-5)


def test_gradients_of_the_two_forms_agree() -> None:
    torch.manual_seed(3)
    tuner = Tuner()
    data = draw(4, 20, 8)
    weight = tuner.actor.message_edge.weight
    target = torch.rand(20, COUNT)
    (sparse,) = torch.autograd.grad((tuner.mean(to_graph(*data)) - target).square().sum(), weight)
    (dense,) = torch.autograd.grad((tuner.mean_dense(*data) - target).square().sum(), weight)
    assert sparse.abs().max() > 1e-4
    torch.testing.assert_close(sparse, dense, atol=1e-6, rtol=1e-4)


def test_forward_is_the_formula_of_the_module(tuner: Tuner) -> None:
    ego, edges, mask = draw(5, 1, 3, share=1.0)
    actor, exact, declared = tuner.actor, ego[0, :EGO_EXACT], ego[0, EGO_EXACT:]
    largest = torch.zeros(tuner.width)
    for j in range(3):
        both = torch.cat([exact, declared, edges[0, j]])
        parts = actor.message_ego.weight, actor.message_declared.t(), actor.message_edge.weight
        first = torch.cat(parts, dim=1)
        hidden = torch.relu(first @ both + actor.message_ego.bias)
        sent = torch.relu(actor.message_out.weight @ hidden + actor.message_out.bias)
        largest = torch.maximum(largest, sent)
    first = torch.cat([actor.update_in.weight, actor.update_declared.t()], dim=1)
    hidden = torch.relu(first @ torch.cat([exact, largest, declared]) + actor.update_in.bias)
    hidden = torch.relu(actor.update_out.weight @ hidden + actor.update_out.bias)
    expected = 1 / (1 + torch.exp(-(tuner.action.weight @ hidden + tuner.action.bias)))
    torch.testing.assert_close(tuner.mean_dense(ego, edges, mask)[0], expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("seed", range(5))
def test_order_of_the_neighbours_does_not_matter(tuner: Tuner, seed: int) -> None:
    ego, edges, mask = draw(seed, 30, 12)
    order = torch.from_numpy(np.random.default_rng(seed).permutation(12))
    shuffled = tuner.mean_dense(ego, edges[:, order], mask[:, order])
    torch.testing.assert_close(shuffled, tuner.mean_dense(ego, edges, mask), atol=1e-6, rtol=0)


def test_robots_are_equivariant_to_permutation(tuner: Tuner) -> None:
    ego, edges, mask = draw(6, 30, 12)
    order = torch.from_numpy(np.random.default_rng(6).permutation(30))
    shuffled = tuner.mean(to_graph(ego[order], edges[order], mask[order]))
    torch.testing.assert_close(shuffled, tuner.mean(to_graph(ego, edges, mask))[order], atol=1e-6, rtol=0)


def test_padding_does_not_matter(tuner: Tuner) -> None:
    ego, edges, mask = draw(7, 30, 12)
    rubbish = torch.full((30, 9, EDGE), 1e6)
    unused = torch.zeros(30, 9, dtype=torch.bool)
    padded = tuner.mean_dense(ego, torch.cat([edges, rubbish], dim=1), torch.cat([mask, unused], dim=1))
    torch.testing.assert_close(padded, tuner.mean_dense(ego, edges, mask), atol=1e-6, rtol=0)


def test_a_neighbour_seen_twice_counts_once(tuner: Tuner) -> None:
    ego, edges, mask = draw(8, 30, 12)
    twice = tuner.mean_dense(ego, torch.cat([edges, edges], dim=1), torch.cat([mask, mask], dim=1))
    torch.testing.assert_close(twice, tuner.mean_dense(ego, edges, mask), atol=1e-6, rtol=0)


def test_neighbours_do_matter(tuner: Tuner) -> None:
    ego, edges, mask = draw(9, 30, 12)
    alone = tuner.mean_dense(ego, edges, torch.zeros_like(mask))
    assert (alone - tuner.mean_dense(ego, edges, mask)).abs().max() > 1e-2


def test_leading_dimensions_are_free(tuner: Tuner) -> None:
    ego, edges, mask = draw(10, 24, 5)
    flat = tuner.mean_dense(ego, edges, mask)
    folded = tuner.mean_dense(ego.view(4, 6, -1), edges.view(4, 6, 5, -1), mask.view(4, 6, 5))
    single = tuner.mean_dense(ego[3], edges[3], mask[3])
    torch.testing.assert_close(folded.view(24, COUNT), flat, atol=1e-6, rtol=0)
    torch.testing.assert_close(single, flat[3], atol=1e-6, rtol=0)


def test_selecting_robots_while_building_the_graph(tuner: Tuner) -> None:
    data = draw(11, 40, 6)
    index = torch.tensor([7, 3, 3, 39, 0])
    chosen = tuner.mean(to_graph(*data, index=index))
    torch.testing.assert_close(chosen, tuner.mean(to_graph(*data))[index], atol=1e-6, rtol=0)


def test_untrained_tuner_drives_as_a_fixed_setting() -> None:
    torch.manual_seed(12)
    tuner = Tuner()
    mean = tuner.mean_dense(*draw(12, 200, 16)).detach()
    assert (mean - torch.from_numpy(FIXED).clamp(0.1, 0.9)).abs().max() < 0.05


def test_it_is_small() -> None:
    assert 20_000 < sum(parameter.numel() for parameter in Tuner().parameters()) < 40_000


def test_what_it_does_not_sense_does_not_matter() -> None:
    torch.manual_seed(4)
    blind = Tuner(width=16, senses=("obstacles",))
    ego, edges, mask = draw(5, 20, 6, 1.0)
    robots = edges[..., EDGE_IS_ROBOT] > 0.5
    others = torch.arange(EDGE) > EDGE_IS_OBSTACLE
    changed = torch.where(robots[..., None], edges + torch.rand_like(edges) * others, edges)
    torch.testing.assert_close(blind.mean_dense(ego, changed, mask), blind.mean_dense(ego, edges, mask))
    changed = torch.where(~robots[..., None], edges + torch.rand_like(edges) * others, edges)
    assert (blind.value_dense(ego, changed, mask) - blind.value_dense(ego, edges, mask)).abs().max() > 1e-3


def test_tunables_that_it_does_not_set_stay_fixed() -> None:
    tuner = Tuner(width=16, tunables=("robot_gain", "rotation"))
    nn.init.normal_(tuner.action.weight)
    nn.init.zeros_(tuner.action.bias)
    mean = tuner.mean_dense(*draw(6, 20, 6, 0.5)).detach()
    assert (mean[:, [1, 2, 3, 5]] == torch.from_numpy(FIXED).float()[[1, 2, 3, 5]]).all()
    assert mean[:, [0, 4]].std(dim=0).min() > 0.01
    with pytest.raises(InputError, match="gain"):
        Tuner(tunables=("gain",))
