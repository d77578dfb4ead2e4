"""The tuner: a graph network that proposes the tunables of the safety filter from a robot's neighbourhood.

One round of message passing inside a robot's neighbourhood (``policies.tuner.neighbourhood``), and small heads on what
comes of it. The features are relative and in the robot's frame, hence the network is invariant to translation and
rotation of the world.

Between robots, ``rounds`` counts the broadcasts, each delayed by one step, that a robot's action can depend on:
0 is what it senses itself; 1 adds what the neighbours tell of themselves (columns ``EDGE_TOLD`` of the edges);
2 adds what they tell of their own neighbourhoods, as an embedding tanh(W h_j) that is learned
(``policies.tuner.rounds``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from policies.tuner.neighbourhood import SENSES, WIDTH, Graph, Neighbourhood, orthogonal, to_graph
from swarm.array_types import Array
from swarm.errors import InputError
from swarm.filter.tunables import COUNT, NAMES, encode
from swarm.sense.messages import EMBEDDING
from swarm.tune.observation import EGO, EGO_ACTION

ROUNDS = (0, 1, 2)
# What a tunable is that the network does not set: gain 6, power 1, straight ahead at full speed; and, a little inside
# the box, what an untrained network proposes. (In the middle of the box robots do not get through a narrow door.)
FIXED = encode(np.array([6.0, 1.0, 6.0, 1.0, 0.0, 1.0]))
_INSIDE = 0.1
Features = TypeVar("Features", Tensor, Array)
"""Features of robots, in torch or numpy."""


class Tuner(nn.Module):
    """Actor and critic of the same structure, without shared weights.

    Exploration adds noise to ``mean``; whoever executes an action clips it to [0, 1].

    Args:
        width: Width of the hidden layers.
        tunables: Names of the tunables that it sets; the others keep the values ``FIXED``.
        senses: What it takes account of: ``robots``, ``obstacles`` or both.
        rounds: Rounds of messages between robots: 0, 1 or 2. The critic, which is not deployed, never takes
            embeddings.
        blend: Share of the way from its last action to what it proposes that is gone in one step, above 0, at most 1
            (exponential smoothing). Below 1 its own last action, which it sees, is a memory that fades over steps, and
            cannot swing from one end of the box to the other at every one.
        kernels: False: computes as on other devices, on a CPU too.

    Raises:
        InputError: If a name or the number of rounds is unknown, or ``blend`` out of range.
    """

    free: Tensor  # float32 [6], 1 for the tunables that it sets
    fixed: Tensor  # float32 [6], the actions of the others
    ego = EGO  # columns of a robot's own features that it takes

    def __init__(
        self, width: int = WIDTH, tunables: Sequence[str] = NAMES, senses: Sequence[str] = SENSES, rounds: int = 1,
        *, blend: float = 1.0, kernels: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        for given, known, what in ((tunables, NAMES, "tunables"), (senses, SENSES, "senses")):
            if unknown := [name for name in given if name not in known]:
                raise InputError(what, unknown[0], ", ".join(known))
        if rounds not in ROUNDS:
            raise InputError("rounds", rounds, ", ".join(map(str, ROUNDS)))
        check_blend("blend", blend)
        self.width, self.rounds, self.blend, self.kernels = width, rounds, blend, kernels
        self.register_buffer("free", torch.tensor([float(name in tunables) for name in NAMES]))
        self.register_buffer("fixed", torch.from_numpy(FIXED).float())
        self.actor = Neighbourhood(width, senses, rounds, kernels=kernels)
        self.critic = Neighbourhood(width, senses, min(rounds, 1), kernels=kernels)
        self.action, self.worth = nn.Linear(width, COUNT), nn.Linear(width, 1)
        # A small last layer: the untrained tuner proposes the same everywhere.
        orthogonal(self.action, 0.01)
        start = torch.from_numpy(FIXED).float().clamp(_INSIDE, 1.0 - _INSIDE)
        self.action.bias.data.copy_(torch.logit(start))
        orthogonal(self.worth, 1.0)
        if rounds > 1:
            self.telling = nn.Linear(width, EMBEDDING)
            orthogonal(self.telling, 1.0)

    @property
    def senses(self) -> list[str]:
        """What it takes account of."""
        return [name for name, seen in zip(SENSES, self.actor.seen, strict=True) if seen]

    @property
    def of_declared(self) -> dict[str, Tensor]:
        """The weights, all 0, of those features that networks of before did not have, by name."""
        parts = self.state_dict().items()
        return {name: torch.zeros_like(part) for name, part in parts if name.endswith("_declared")}

    def forget_action(self) -> None:
        """From now on it takes no account of its own last action: the weights of it are 0, and stay so in training."""
        for part in (self.actor, self.critic):
            blind(part.message_ego)
            blind(part.update_in)

    def see(self, ego: Tensor, edges: Tensor, mask: Tensor, index: Tensor | None = None) -> Graph:
        """What it takes of padded neighbourhoods, or of those at ``index``; see ``to_graph``."""
        return to_graph(ego, edges, mask, index, kernels=self.kernels)

    def judge(self, graph: Graph, heard: Tensor | None = None) -> tuple[Tensor, Tensor | None, Tensor]:
        """Mean actions [n, 6]; their standard deviation, None: that of the training; and expected returns [n]."""
        return self.mean(graph, heard), None, self.value(graph)

    def propose(self, graph: Graph, heard: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Mean actions [n, 6]; and their standard deviation, None: that of the training."""
        return self.mean(graph, heard), None

    def mean(self, graph: Graph, heard: Tensor | None = None) -> Tensor:
        """Mean action in [0, 1], [n, 6], before it is blended with the last one (``executed``).

        ``heard`` [e, TOLD] are the embeddings for two rounds, None for nothing.
        """
        return self.to_action(self.actor(graph, heard))

    def to_action(self, features: Tensor) -> Tensor:
        """Mean action in [0, 1], [..., 6], from the actor's features [..., width]."""
        return self.fixed + self.free * (torch.sigmoid(self.action(features)) - self.fixed)

    def executed(self, proposed: Tensor, ego: Tensor) -> Tensor:
        """What robots with features ``ego`` [..., EGO] do where this is ``proposed`` [..., 6] (by exploration, too)."""
        if self.blend == 1.0:
            return proposed
        last = last_action(ego)
        return last + (1.0 - (1.0 - self.blend) * self.free) * (proposed - last)

    def to_embedding(self, features: Tensor) -> Tensor:
        """Embedding [..., TOLD] to be told, from the actor's features [..., width]; for two rounds."""
        return torch.tanh(self.telling(features))

    def value(self, graph: Graph) -> Tensor:
        """Expected return, [n]."""
        return self.worth(self.critic(graph)).squeeze(-1)

    def dense(self, ego: Tensor, edges: Tensor, mask: Tensor, heard: Tensor | None = None) -> tuple[Tensor, ...]:
        """What is exported: mean action [..., 6] of padded neighbourhoods, and what is told if there are two rounds."""
        features = self.actor.dense(ego, edges, mask, heard)
        action = self.executed(self.to_action(features), ego)
        return (action,) if heard is None else (action, self.to_embedding(features))

    def mean_dense(self, ego: Tensor, edges: Tensor, mask: Tensor) -> Tensor:
        """``mean`` of padded neighbourhoods, [..., 6]: before it is blended with the last action."""
        return self.to_action(self.actor.dense(ego, edges, mask))

    def value_dense(self, ego: Tensor, edges: Tensor, mask: Tensor) -> Tensor:
        """``value`` of padded neighbourhoods, [...]."""
        return self.worth(self.critic.dense(ego, edges, mask)).squeeze(-1)


class DensePolicy(nn.Module):
    """What is exported of a network: its ``dense`` form."""

    def __init__(self, tuner: Any) -> None:
        super().__init__()
        self.tuner = tuner

    def forward(self, ego: Tensor, edges: Tensor, mask: Tensor, heard: Tensor | None = None) -> tuple[Tensor, ...]:
        """Mean action [B, 6] (and told [B, TOLD]) of ego [B, EGO], edges [B, P, EDGE], mask, heard [B, P, TOLD]."""
        return self.tuner.dense(ego, edges, mask, heard)


def last_action(ego: Features) -> Features:
    """What robots with features ``ego`` [..., EGO] did last, [..., 6] in [0, 1]."""
    return 0.5 * (ego[..., EGO_ACTION : EGO_ACTION + COUNT] + 1.0)


def check_blend(where: str, blend: float) -> None:
    """Refuse what is no share of a way to go in one step (``Tuner.blend``); ``where`` it was given."""
    if not 0.0 < blend <= 1.0:
        raise InputError(where, blend, "above 0, at most 1")


def blind(layer: Any) -> None:
    """Set the weights of a robot's own last action to 0, for good: they get no gradient. EGO columns come first."""
    keep = torch.ones_like(layer.weight)
    keep[:, EGO_ACTION : EGO_ACTION + COUNT] = 0.0
    layer.weight.data.mul_(keep)
    layer.weight.register_hook(lambda gradient: gradient * keep.to(gradient.device))
