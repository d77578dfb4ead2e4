"""A robot's neighbourhood as a graph, and one round of messages within it.

Every sensed robot and obstacle point sends a message that depends on the robot's own features and on the relation
between the two; the largest value of each message feature is kept, so that the order and the number of the neighbours
do not matter, and an empty neighbourhood gives zeros:

    m_ij = relu(W2 relu(W1 [ego_i, edge_ij]))        a_i = max(0, max_j m_ij)        h_i = mlp([ego_i, a_i])

What is declared as not exact, the last columns of ego, enters as sums of its own, with weights that begin at 0: where
nothing is declared, and in networks of before, to the last bit nothing else comes out.

It is written twice, and tests hold the two equal: *sparse*, on a graph of the slots in use, for training, and *dense*,
on padded and masked slots, for export.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.nn import MessagePassing

from policies.generated_code import remove_generated_code
from policies.linear import filled, linear
from policies.tuner.messages.kernels import gather
from policies.tuner.messages.passing import Hidden, Largest, in_parts
from swarm.sense.messages import EMBEDDING
from swarm.tune.observation import EDGE, EDGE_IS_OBSTACLE, EDGE_IS_ROBOT, EDGE_TOLD, EGO, EGO_EXACT

WIDTH = 64
SENSES = ("robots", "obstacles")


class Graph(NamedTuple):
    """Neighbourhoods of ``n`` robots as a graph of the ``e`` slots in use, robot by robot.

    Empty rows at the end fill the arrays up to N and E, multiples of ``policies.linear.ROWS``: then matrices have few
    different shapes.

    Attributes:
        ego: Features of the robots, float32 [N, EGO_EXACT].
        edges: Features of what they sense, float32 [E, EDGE].
        start: First edge of each robot, and at last the number of edges, int64 [N + 1].
        robots: n.
        declared: Features of what is declared as not exact, float32 [N, EGO - EGO_EXACT]; None: nothing is, of any.
    """

    ego: Tensor
    edges: Tensor
    start: Tensor
    robots: int
    declared: Tensor | None = None


def to_graph(ego: Tensor, edges: Tensor, mask: Tensor, index: Tensor | None = None, *, kernels: bool = True) -> Graph:
    """The slots in use of padded neighbourhoods.

    Args:
        ego: float32 [n, EGO].
        edges: float32 [n, P, EDGE].
        mask: bool [n, P]; True where a slot is in use.
        index: Robots to take, int64 [m]; all of them if None.
        kernels: False: as on other devices, on a CPU too.
    """
    index = torch.arange(len(ego), device=ego.device) if index is None else index
    robots, mine = len(index), ego.new_zeros(filled(len(index)), EGO_EXACT)
    mine[:robots] = ego[index, :EGO_EXACT]
    declared = ego[index, EGO_EXACT:]
    start = functional.pad(mask[index].sum(dim=1), (1, len(mine) - robots)).cumsum(dim=0)
    used = edges.new_zeros(filled(int(start[-1])), edges.shape[-1])
    if kernels and edges.device.type == "cpu":
        in_parts(gather, start[: robots + 1], [index, mask, edges, used])
    else:
        robot, slot = mask[index].nonzero(as_tuple=True)
        used[: len(robot)] = edges[index[robot], slot]
    known = functional.pad(declared, (0, 0, 0, len(mine) - robots)) if declared.any() else None
    return Graph(mine, used, start, robots, known)


class Neighbourhood(MessagePassing):
    """Encodes a robot and what it senses as ``width`` features.

    On a CPU the messages are the kernels of ``policies.tuner.messages``; elsewhere, torch_geometric passes them.

    Args:
        width: Number of features of messages and of the result.
        senses: What it takes account of: ``robots``, ``obstacles`` or both.
        rounds: 0 leaves out what others have told; 2 also takes their embeddings.
        kernels: False: as on other devices, on a CPU too.
    """

    seen: Tensor  # float32 [2], 1 where robots, obstacles are taken account of
    sensed: Tensor  # float32 [EDGE], 0 where an edge is told

    def __init__(
        self, width: int = WIDTH, senses: Sequence[str] = SENSES, rounds: int = 1, *, kernels: bool = True
    ) -> None:
        super().__init__(aggr="max")
        remove_generated_code()
        self.rounds, self.kernels = rounds, kernels
        sensed = torch.tensor([float(column not in EDGE_TOLD) for column in range(EDGE)])
        self.register_buffer("sensed", sensed, persistent=False)
        self.register_buffer("seen", torch.tensor([float(sense in senses) for sense in SENSES]))
        # A linear layer of [ego, edge] is a sum of two; the first of them is computed once for a robot.
        self.message_ego = nn.Linear(EGO_EXACT, width)
        self.message_edge = nn.Linear(EDGE, width, bias=False)
        self.message_out = nn.Linear(width, width)
        self.update_in = nn.Linear(EGO_EXACT + width, width)
        self.update_out = nn.Linear(width, width)
        for layer in (self.message_ego, self.message_edge, self.message_out, self.update_in, self.update_out):
            orthogonal(layer, math.sqrt(2.0))
        self.message_declared, self.update_declared = (
            nn.Parameter(torch.zeros(EGO - EGO_EXACT, width)) for _ in range(2)
        )
        if rounds > 1:
            self.message_heard = nn.Linear(EMBEDDING, width, bias=False)
            orthogonal(self.message_heard, 1.0)

    def forward(self, graph: Graph, heard: Tensor | None = None) -> Tensor:
        """Features [n, width] of the robots of a graph (sparse form); ``heard`` [e, TOLD] comes with the edges."""
        fast = self.kernels and graph.edges.device.type == "cpu"
        return self.by_kernels(graph, heard) if fast else self.by_messages(graph, heard)

    def by_kernels(self, graph: Graph, heard: Tensor | None = None) -> Tensor:
        """``forward`` on a CPU."""
        ego, edges, start, robots, declared = graph
        weight = self.edge_weight()
        if heard is not None:
            heard = functional.pad(heard, (0, 0, 0, len(edges) - len(heard)))
            edges, weight = torch.cat([edges, heard], dim=1), torch.cat([weight, self.message_heard.weight], dim=1)
        received = linear(ego, self.message_ego)
        if declared is not None:
            received = torch.addmm(received, declared, self.message_declared)
        hidden = Hidden.apply(received, edges, weight, start)
        taken, out = self.taken(graph.edges).squeeze(1), self.message_out
        largest = Largest.apply(hidden, out.weight, out.bias, taken, start)
        mine = torch.cat([ego, largest], dim=1)
        if declared is None:
            hidden = linear(mine, self.update_in, relu=True)
        else:
            hidden = torch.addmm(linear(mine, self.update_in), declared, self.update_declared).relu()
        return linear(hidden, self.update_out, relu=True)[:robots]

    def by_messages(self, graph: Graph, heard: Tensor | None = None) -> Tensor:
        """``forward`` on any device."""
        robots, count = graph.robots, int(graph.start[-1])
        ego, edges, device = graph.ego[:robots], graph.edges[:count], graph.edges.device
        declared = None if graph.declared is None else graph.declared[:robots]
        target = torch.repeat_interleave(torch.arange(robots, device=device), graph.start[: robots + 1].diff())
        edge_index = torch.stack([torch.arange(count, device=device), target])
        largest = self.propagate(
            edge_index, x=(None, self.received(ego, declared)), relation=self.relation(edges, heard),
            taken=self.taken(edges), size=(count, robots),
        )  # fmt: skip
        return self.embed(ego, declared, largest)

    def received(self, ego: Tensor, declared: Tensor | None) -> Tensor:
        """The part of messages [..., width] that comes from the robot that they are for."""
        received: Tensor = self.message_ego(ego)
        return received if declared is None else received + declared @ self.message_declared

    def relation(self, edges: Tensor, heard: Tensor | None) -> Tensor:
        """The part of messages [..., width] that comes from the edges."""
        relation = functional.linear(edges, self.edge_weight())
        return relation if heard is None else relation + self.message_heard(heard)

    def message(self, x_i: Tensor, relation: Tensor, taken: Tensor) -> Tensor:
        """Messages [..., width]; never negative, so that 0 is neutral under the maximum."""
        return torch.relu(self.message_out(torch.relu(x_i + relation))) * taken

    def embed(self, ego: Tensor, declared: Tensor | None, largest: Tensor) -> Tensor:
        """Update a robot with its largest messages."""
        hidden = self.update_in(torch.cat([ego, largest], dim=-1))
        hidden = hidden if declared is None else hidden + declared @ self.update_declared
        return torch.relu(self.update_out(torch.relu(hidden)))

    def edge_weight(self) -> Tensor:
        """Weight [width, EDGE] of the edges in messages: 0 for what is told, if nothing is."""
        weight = self.message_edge.weight
        return weight if self.rounds > 0 else weight * self.sensed

    def taken(self, edges: Tensor) -> Tensor:
        """Which edges [..., EDGE] are taken account of [..., 1]."""
        robot_or_obstacle = edges[..., EDGE_IS_ROBOT : EDGE_IS_OBSTACLE + 1]
        return (robot_or_obstacle * self.seen).sum(dim=-1, keepdim=True)

    def dense(self, ego: Tensor, edges: Tensor, mask: Tensor, heard: Tensor | None = None) -> Tensor:
        """Features [..., width] of padded neighbourhoods (dense form).

        Args:
            ego: float32 [..., EGO].
            edges: float32 [..., P, EDGE]; the contents of unused slots do not matter if finite.
            mask: bool [..., P].
            heard: float32 [..., P, TOLD], for two rounds.
        """
        exact, declared = ego[..., :EGO_EXACT], ego[..., EGO_EXACT:]
        received = self.received(exact, declared).unsqueeze(-2)
        sent = self.message(received, self.relation(edges, heard), self.taken(edges))
        sent = torch.where(mask.unsqueeze(-1), sent, 0.0)
        # A slot of zeros: the maximum exists also when there are no slots at all.
        sent = torch.nn.functional.pad(sent, (0, 0, 0, 1))
        return self.embed(exact, declared, sent.amax(dim=-2))


def orthogonal(layer: nn.Linear, gain: float) -> None:
    """Initialise a layer with orthogonal weights and no bias (PPO's custom, Andrychowicz et al. 2021)."""
    nn.init.orthogonal_(layer.weight, gain)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
