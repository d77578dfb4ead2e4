"""What is fast in training is the formula as torch_geometric passes its messages, with its gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from policies.linear import ROWS, filled, linear
from policies.tuner.neighbourhood import Graph, Neighbourhood, to_graph
from swarm.sense.messages import EMBEDDING
from swarm.tune.observation import EDGE, EGO, EGO_EXACT

pytestmark = pytest.mark.torch
LAYERS = ("message_ego", "message_edge", "message_out", "update_in", "update_out")


def lively(**options: Any) -> Neighbourhood:
    """A network with biases, so that many messages are below 0 and many above."""
    torch.manual_seed(1)
    network = Neighbourhood(**options)
    for name in LAYERS:
        if (bias := getattr(network, name).bias) is not None:
            nn.init.uniform_(bias, -0.5, 0.5)
    for part in (network.message_declared, network.update_declared):
        nn.init.uniform_(part, -0.5, 0.5)
    return network


def drawn(robots: int, slots: int, share: float = 0.4) -> tuple[Tensor, Tensor, Tensor]:
    """Padded neighbourhoods; some edges are taken twice or not at all."""
    draw = torch.Generator().manual_seed(robots)
    exact, edges = torch.randn(robots, EGO_EXACT, generator=draw), torch.randn(robots, slots, EDGE, generator=draw)
    edges[..., :2] = torch.randint(0, 2, (robots, slots, 2), generator=draw).float()
    mask, declared = torch.rand(robots, slots, generator=draw) < share, torch.randn(robots, EGO - EGO_EXACT)
    return torch.cat([exact, declared], dim=1), edges, mask


def gradients(network: Neighbourhood, features: Tensor, *others: Tensor) -> list[Tensor]:
    """Of all weights and of ``others``, of a sum in which every feature counts differently."""
    weighted = features * torch.linspace(-1.0, 1.0, features.numel()).view(features.shape)
    return list(torch.autograd.grad(weighted.sum(), [*network.parameters(), *others]))


@pytest.fixture(params=[1, 2, 3])
def threads(request: pytest.FixtureRequest) -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize("options", [{}, {"width": 10}, {"rounds": 0}, {"senses": ("robots",)}, {"rounds": 2}], ids=str)
@pytest.mark.parametrize(("robots", "slots"), [(1, 3), (40, 8), (7000, 6), (ROWS, 0)])
def test_features_and_gradients_are_those_of_messages_passed_one_by_one(
    threads: int, options: dict[str, Any], robots: int, slots: int
) -> None:
    network, graph = lively(**options), to_graph(*drawn(robots, slots))
    heard = torch.randn(int(graph.start[-1]), EMBEDDING, requires_grad=True) if network.rounds > 1 else None
    others = [heard] if heard is not None and heard.numel() > 0 else []
    fast, plain = network(graph, heard), network.by_messages(graph, heard)
    assert fast.shape == (robots, network.update_out.out_features)
    torch.testing.assert_close(fast, plain, atol=1e-5, rtol=1e-5)
    found, wanted = gradients(network, fast, *others), gradients(network, plain, *others)
    assert slots == 0 or all(gradient.abs().max() > 0.0 for gradient in wanted)
    for own, other in zip(found, wanted, strict=True):
        # Sums of thousands of numbers of both signs, in float32 and in another order.
        torch.testing.assert_close(own, other, atol=3e-4 * float(1.0 + other.abs().max()), rtol=1e-4)


def test_of_equal_messages_one_gets_the_gradient() -> None:
    network, (ego, edges, _) = lively(), drawn(5, 1)
    once = gradients(network, network(to_graph(ego, edges, torch.ones(5, 1, dtype=torch.bool))))
    twice = gradients(network, network(to_graph(ego, edges.repeat(1, 2, 1), torch.ones(5, 2, dtype=torch.bool))))
    for own, other in zip(twice, once, strict=True):
        torch.testing.assert_close(own, other, atol=1e-6, rtol=1e-5)


def test_the_graph_has_the_slots_in_use_and_nothing_behind_them(threads: int) -> None:
    ego, edges, mask = drawn(5000, 5)
    chosen = torch.from_numpy(np.random.default_rng(0).integers(0, 5000, 5000))
    graph = to_graph(ego, edges, mask, chosen)
    count = int(mask[chosen].sum())
    own = torch.cat([graph.ego, graph.declared], dim=1) if graph.declared is not None else graph.ego
    assert torch.equal(own[:5000], ego[chosen]) and torch.equal(graph.edges[:count], edges[chosen][mask[chosen]])
    assert not own[5000:].any() and not graph.edges[count:].any()
    assert len(graph.ego) == 5120 and len(graph.edges) == filled(count) and filled(ROWS) == ROWS
    assert graph.start[5000] == count and (graph.start[5000:] == count).all()


def test_what_fills_the_graph_up_does_not_matter() -> None:
    network, graph = lively(), to_graph(*drawn(300, 6))
    count = int(graph.start[-1])
    assert graph.declared is not None
    ego, edges, declared = graph.ego.clone(), graph.edges.clone(), graph.declared.clone()
    ego[300:], edges[count:], declared[300:] = 7.0, 7.0, 7.0
    other = Graph(ego, edges, graph.start, graph.robots, declared)
    first, second = network(graph), network(other)
    assert torch.equal(first, second)
    for own, wanted in zip(gradients(network, second), gradients(network, first), strict=True):
        torch.testing.assert_close(own, wanted, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("rows", [0, 1, 300])
def test_a_linear_layer_is_torchs(rows: int, relu: bool) -> None:
    torch.manual_seed(0)
    layer, x = nn.Linear(7, 5), torch.randn(rows, 7, requires_grad=True)
    plain = functional.linear(x, layer.weight, layer.bias)
    results = linear(x, layer, relu), torch.relu(plain) if relu else plain
    found, wanted = (
        torch.autograd.grad((y * torch.arange(5.0)).square().sum(), [x, *layer.parameters()]) for y in results
    )
    torch.testing.assert_close(results[0], results[1], atol=1e-6, rtol=1e-5)
    for own, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(own, other, atol=1e-4, rtol=1e-5)
