"""A network of a user's own in the place of the built-in one (``swarm.planning.follower.network.RankingNetwork``)."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from policies.own_parts import OwnNetwork, Trial
from swarm.planning.follower.network import RankingNetwork
from swarm.planning.follower.view import CHANNELS, OWN, WINDOW

_ROBOTS = 3


class OwnFollower(OwnNetwork):
    """What ``FollowerPPO`` and checkpoints ask of a network, around one of a user's own.

    Args:
        reference: Of the network, see ``swarm.files.references``.

    Raises:
        InputError: If there is no such network, or it is not what the protocol asks.
    """

    def __init__(self, reference: str) -> None:
        super().__init__(reference, RankingNetwork, _trial())

    def forward(self, view: Tensor, own: Tensor) -> tuple[Tensor, Tensor]:
        """Scores float32[n, 5] of the moves stay, forward, back, left, right, and values float32[n]."""
        scores, value = self.call(view, own)
        return scores, value


def _trial() -> Trial:
    """What it is tried with, and what it has to give."""
    rng, sees = np.random.default_rng(0), np.array([1.0, 1.0, 0.0], np.float32)
    view = rng.normal(size=(_ROBOTS, CHANNELS, WINDOW, WINDOW)).astype(np.float32)
    own = rng.uniform(0.0, 3.0, (_ROBOTS, OWN)).astype(np.float32)
    return Trial(
        form=f"forward(view, own) of float32 [S, {CHANNELS}, {WINDOW}, {WINDOW}], float32 [S, {OWN}]",
        gives="scores, value",
        inputs=(view * sees[:, None, None, None], own * sees[:, None]),
        outputs={"scores": (_ROBOTS, 5), "value": (_ROBOTS,)},
        nothing="all of view and own is 0",
    )
