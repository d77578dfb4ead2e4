"""The second round of messages between robots: embeddings of neighbourhoods, heard one step after they were told.

In the batch a robot is a row of S = B N robots. What it tells is a row of [S, TOLD]; a slot of another robot's
neighbourhood refers to that row, or to none (-1): obstacles, empty slots, robots that tell nothing, and everybody
in the first step of an episode. Gradients reach the sender by recomputing what it told from what it observed one
step before; what it had heard itself is taken as it was (one step of truncated backpropagation through time).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from policies.devices import CPU
from policies.tuner.network import Tuner
from swarm.sense.messages import EMBEDDING


class Steps:
    """T steps of S robots that were stored.

    Args:
        ego: float32 [T S, EGO].
        edges: float32 [T S, P, EDGE].
        mask: bool [T S, P].
        sender: int64 [T S, P], see ``swarm.tune.observation.senders``.
        embedding: float32 [T S, TOLD], what was told in the step before each.
        robots: S.
    """

    def __init__(
        self, ego: Tensor, edges: Tensor, mask: Tensor, sender: Tensor, embedding: Tensor, *, robots: int
    ) -> None:
        self.seen, self.sender, self.embedding, self.robots = (ego, edges, mask), sender, embedding, robots

    def heard(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """What the ``chosen`` samples heard, [e, TOLD], and the samples [e] one step before that told it (or < 0)."""
        target, slot = self.seen[2][chosen].nonzero(as_tuple=True)
        sample = chosen[target]
        sender, first = self.sender[sample, slot], sample - sample % self.robots
        embedding = pick(self.embedding, torch.where(sender < 0, -1, first + sender))
        return embedding, torch.where(sender < 0, -1, first - self.robots + sender)

    def heard_now(self, tuner: Tuner, chosen: Tensor) -> Tensor:
        """What the ``chosen`` samples would hear from the present network, [e, TOLD], with its gradient."""
        embedding, source = self.heard(chosen)
        stored = (source >= 0).nonzero().squeeze(1)
        before, place = source[stored].unique(return_inverse=True)
        features = tuner.actor(tuner.see(*self.seen, before), self.heard(before)[0])
        return embedding.index_put((stored,), tuner.to_embedding(features)[place])


def pick(embedding: Tensor, rows: Tensor) -> Tensor:
    """Rows of ``embedding`` [n, TOLD]; zeros for the row -1."""
    return functional.pad(embedding, (0, 0, 0, 1))[rows]


def silence(robots: int, device: torch.device = CPU) -> Tensor:
    """What ``robots`` have told that have not spoken yet."""
    return torch.zeros(robots, EMBEDDING, device=device)


def speak(
    tuner: Tuner, seen: tuple[Tensor, Tensor, Tensor], sender: Tensor, embedding: Tensor
) -> tuple[Tensor, Tensor]:
    """One step of all robots: mean actions [S, 6] and what they tell [S, TOLD], from what was ``embedding`` before."""
    features = tuner.actor(tuner.see(*seen), pick(embedding, sender[seen[2]]))
    return tuner.to_action(features), tuner.to_embedding(features)
