"""A network of a user's own in the place of the built-in one (``swarm.tune.network.Network``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from policies.own_parts import OwnNetwork, Trial
from policies.tuner.neighbourhood import SENSES
from policies.tuner.network import FIXED
from swarm.errors import InputError
from swarm.filter.tunables import COUNT, NAMES
from swarm.tune.network import Network
from swarm.tune.observation import EDGE, EGO, EGO_EXACT

# Robots and slots of the trial; more than one, so that shapes tell them apart.
_ROBOTS, _SLOTS = 3, 5


class Padded(NamedTuple):
    """Padded neighbourhoods of n robots: float32 [n, EGO], float32 [n, P, EDGE], bool [n, P]; P is at least 1.

    Of ego there are the columns that the network takes.
    """

    ego: Tensor
    edges: Tensor
    mask: Tensor


class OwnTuner(OwnNetwork):
    """What ``TunerPPO`` and checkpoints ask of a network, around one of a user's own.

    Args:
        reference: Of the network, see ``swarm.files.references``.
        tunables: Names of the tunables that it sets; the others keep their fixed values.
        ego: So many columns of the robots' own features it takes: EGO, or EGO_EXACT, without what is declared, of one
            that was made before there was that. None: EGO if it can.

    Attributes:
        ego: As it was given or found.

    Raises:
        InputError: If there is no such network, or it is not what the protocol asks.
    """

    free: Tensor  # float32 [6], 1 for the tunables that it sets
    fixed: Tensor  # float32 [6], the actions of the others
    rounds = 1

    def __init__(self, reference: str, tunables: Sequence[str] = NAMES, ego: int | None = None) -> None:
        if unknown := [name for name in tunables if name not in NAMES]:
            raise InputError("tunables", unknown[0], ", ".join(NAMES))
        super().__init__(reference, Network, *map(_trial, (EGO, EGO_EXACT) if ego is None else (ego,)))
        self.ego: int = self.trial.inputs[0].shape[1]
        self.register_buffer("free", torch.tensor([float(name in tunables) for name in NAMES]))
        self.register_buffer("fixed", torch.from_numpy(FIXED).float())

    @property
    def blend(self) -> float:
        """Share of what it proposes in what robots do: all."""
        return 1.0

    @property
    def senses(self) -> list[str]:
        """What it takes account of: all that there is."""
        return list(SENSES)

    def see(self, ego: Tensor, edges: Tensor, mask: Tensor, index: Tensor | None = None) -> Padded:
        """The neighbourhoods, or those at ``index``, with an empty slot behind: there is always one."""
        if index is not None:
            ego, edges, mask = ego[index], edges[index], mask[index]
        return Padded(ego[..., : self.ego], functional.pad(edges, (0, 0, 0, 1)), functional.pad(mask, (0, 1)))

    def judge(self, seen: Padded, heard: Tensor | None = None) -> tuple[Tensor, Tensor | None, Tensor]:
        """Mean actions [n, 6], their standard deviation [n, 6] or None, and expected returns [n]."""
        mean, std, value = self.call(*seen)
        return self.fixed + self.free * (mean - self.fixed), std, value

    def propose(self, seen: Padded, heard: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Mean actions [n, 6], and their standard deviation [n, 6] or None."""
        return self.judge(seen)[:2]

    def mean(self, seen: Padded, heard: Tensor | None = None) -> Tensor:
        """Mean actions [n, 6]."""
        return self.judge(seen)[0]

    def executed(self, proposed: Tensor, ego: Tensor) -> Tensor:
        """What robots do where this is ``proposed`` [..., 6]: the same."""
        return proposed

    def value(self, seen: Padded) -> Tensor:
        """Expected returns [n]."""
        return self.judge(seen)[2]

    def dense(self, ego: Tensor, edges: Tensor, mask: Tensor, heard: Tensor | None = None) -> tuple[Tensor, ...]:
        """What is exported: mean actions [n, 6] of padded neighbourhoods."""
        return (self.mean(self.see(ego, edges, mask)),)


def _trial(ego_columns: int) -> Trial:
    """What it is tried with, and what it has to give."""
    rng = np.random.default_rng(0)
    shapes = (_ROBOTS, ego_columns), (_ROBOTS, _SLOTS, EDGE)
    ego, edges = (rng.normal(size=shape).astype(np.float32) for shape in shapes)
    mask = np.arange(_SLOTS) < np.array([[_SLOTS], [2], [0]])  # the last robot senses nothing
    return Trial(
        form=f"forward(ego, edges, mask) of float32 [S, {ego_columns}], float32 [S, P, {EDGE}], bool [S, P]",
        gives="mean, standard deviation or None, value",
        inputs=(ego, edges * mask[..., None].astype(np.float32), mask),
        outputs={"mean": (_ROBOTS, COUNT), "standard deviation": (_ROBOTS, COUNT), "value": (_ROBOTS,)},
        nothing="its mask is False everywhere",
        optional="standard deviation",
    )
