"""The network of the follower: it scores five moves from what a robot sees (``swarm.planning.follower.view``)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from swarm.planning.follower.view import CHANNELS, OWN, OWN_COST, WALL, WINDOW
from swarm.planning.graph.moves import MOVES

FILTERS, WIDTH = 16, 64
_STRIDE = 2
# Scores before any training: a step along the path is worth this much, and extra cost of the way counts against a move.
_ALONG = 2.0
_CLOSED = 30.0


class Follower(nn.Module):
    """A convolution, then fully connected layers with one residual block; the first scores are those of the path.

    Args:
        filters: Of the convolution.
        width: Of the fully connected layers.
    """

    def __init__(self, filters: int = FILTERS, width: int = WIDTH) -> None:
        super().__init__()
        self.filters, self.width = filters, width
        side = (WINDOW - 3) // _STRIDE + 1
        self.see = nn.Conv2d(CHANNELS, filters, 3, stride=_STRIDE)
        self.join = nn.Linear(filters * side * side + OWN, width)
        self.block = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))
        self.score = nn.Linear(width, 5)
        self.worth = nn.Linear(width, 1)
        self.costs = nn.Parameter(torch.ones(()))
        nn.init.orthogonal_(self.score.weight, 0.01)
        nn.init.orthogonal_(self.worth.weight, 1.0)
        with torch.no_grad():
            self.score.bias.copy_(torch.tensor([0.0, _ALONG, 0.0, 0.0, 0.0]))
            self.worth.bias.zero_()

    def forward(self, view: Tensor, own: Tensor) -> tuple[Tensor, Tensor]:
        """Scores float32[n, 5] of the moves stay, forward, back, left, right, and values float32[n].

        Args:
            view: float32[n, CHANNELS, WINDOW, WINDOW].
            own: float32[n, OWN].
        """
        seen = torch.relu(self.see(view)).flatten(1)
        joined = torch.relu(self.join(torch.cat([seen, own], dim=1)))
        features = torch.relu(joined + self.block(joined))
        extra = own[:, OWN_COST : OWN_COST + len(MOVES)]
        scores = self.score(features) - self.costs * extra - _CLOSED * (extra >= WALL).float()
        return scores, self.worth(features).squeeze(1)


class Scores(nn.Module):
    """What a robot needs of it."""

    def __init__(self, follower: nn.Module) -> None:
        super().__init__()
        self.follower = follower

    def forward(self, view: Tensor, own: Tensor) -> Tensor:
        """Scores float32[n, 5]."""
        scores: Tensor = self.follower(view, own)[0]
        return scores
