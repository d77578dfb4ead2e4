"""A network of a user's own in the place of the built-in one (``swarm.tune.network.Network``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from policies.devices import CPU, to_device
from policies.tuner.network import FIXED, SENSES
from swarm.errors import InputError
from swarm.files.references import make_part
from swarm.filter.tunables import COUNT, NAMES
from swarm.tune.network import Network
from swarm.tune.observation import EDGE, EGO

# Robots and slots of the trial; more than one, so that shapes tell them apart.
_ROBOTS, _SLOTS = 3, 5
# Single precision, summed in another order.
_SAME = 1e-4


class Padded(NamedTuple):
    """Padded neighbourhoods of n robots: float32 [n, EGO], float32 [n, P, EDGE], bool [n, P]; P is at least 1."""

    ego: Tensor
    edges: Tensor
    mask: Tensor


class OwnTuner(nn.Module):
    """What ``TunerPPO`` and checkpoints ask of a network, around one of a user's own.

    Args:
        reference: Of the network, see ``swarm.files.references``.
        tunables: Names of the tunables that it sets; the others keep their fixed values.

    Raises:
        InputError: If there is no such network, or it is not what the protocol asks.
    """

    free: Tensor  # float32 [6], 1 for the tunables that it sets
    fixed: Tensor  # float32 [6], the actions of the others
    rounds = 1

    def __init__(self, reference: str, tunables: Sequence[str] = NAMES) -> None:
        super().__init__()
        self.reference, where = reference, "--network"
        if unknown := [name for name in tunables if name not in NAMES]:
            raise InputError("tunables", unknown[0], ", ".join(NAMES))
        network = make_part(where, reference, Network)
        if not isinstance(network, nn.Module):
            raise InputError(f"{where}: {reference}", network, "a torch.nn.Module, or a class of one")
        self.register_buffer("free", torch.tensor([float(name in tunables) for name in NAMES]))
        self.register_buffer("fixed", torch.from_numpy(FIXED).float())
        self.network = network
        _try(f"{where}: {reference}", network, CPU)

    def moved(self, device: torch.device) -> OwnTuner:
        """The same on a device, where it has shown that it runs.

        Raises:
            InputError: If it does not, as where ``forward`` makes tensors that stay on the CPU.
        """
        self.to(device)
        if device != CPU:
            _try(f"--network: {self.reference}, on {device}", self.network, device)
        return self

    @property
    def senses(self) -> list[str]:
        """What it takes account of: all that there is."""
        return list(SENSES)

    def see(self, ego: Tensor, edges: Tensor, mask: Tensor, index: Tensor | None = None) -> Padded:
        """The neighbourhoods, or those at ``index``, with an empty slot behind: there is always one."""
        if index is not None:
            ego, edges, mask = ego[index], edges[index], mask[index]
        return Padded(ego, functional.pad(edges, (0, 0, 0, 1)), functional.pad(mask, (0, 1)))

    def judge(self, seen: Padded, heard: Tensor | None = None) -> tuple[Tensor, Tensor | None, Tensor]:
        """Mean actions [n, 6], their standard deviation [n, 6] or None, and expected returns [n]."""
        mean, std, value = self.network(*seen)
        return self.fixed + self.free * (mean - self.fixed), std, value

    def propose(self, seen: Padded, heard: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Mean actions [n, 6], and their standard deviation [n, 6] or None."""
        return self.judge(seen)[:2]

    def mean(self, seen: Padded, heard: Tensor | None = None) -> Tensor:
        """Mean actions [n, 6]."""
        return self.judge(seen)[0]

    def value(self, seen: Padded) -> Tensor:
        """Expected returns [n]."""
        return self.judge(seen)[2]

    def dense(self, ego: Tensor, edges: Tensor, mask: Tensor, heard: Tensor | None = None) -> tuple[Tensor, ...]:
        """What is exported: mean actions [n, 6] of padded neighbourhoods."""
        return (self.mean(self.see(ego, edges, mask)),)


def _try(where: str, network: nn.Module, device: torch.device) -> None:
    """Refuse a network that gives something else than the protocol says.

    Raises:
        InputError: Names what it gave.
    """
    rng, training = np.random.default_rng(0), network.training
    shapes = (_ROBOTS, EGO), (_ROBOTS, _SLOTS, EDGE)
    ego, edges = (to_device(rng.normal(size=shape).astype(np.float32), device) for shape in shapes)
    used = np.array([[_SLOTS], [2], [0]])  # the last robot senses nothing
    mask = to_device(np.arange(_SLOTS) < used, device)
    seen = ego, edges * mask[..., None], mask
    network.eval()
    try:
        with torch.no_grad():
            found, alone = _call(where, network, seen), _call(where, network, tuple(part[1:2] for part in seen))
    finally:
        network.train(training)
    for name, part, one, shape in zip(
        ("mean", "standard deviation", "value"), found, alone, ((_ROBOTS, COUNT), (_ROBOTS, COUNT), (_ROBOTS,)),
        strict=True,
    ):  # fmt: skip
        if part is None and one is None and name == "standard deviation":
            continue
        if not isinstance(part, Tensor) or not isinstance(one, Tensor) or part.shape != shape:
            raise InputError(f"{where}: {name}", getattr(part, "shape", part), f"a tensor of shape {list(shape)}")
        if not torch.isfinite(part).all():
            valid = "finite numbers, also for a robot that senses nothing (its mask is False everywhere)"
            raise InputError(f"{where}: {name}", part.tolist(), valid)
        if (part[1] - one[0]).abs().max() > _SAME:
            raise InputError(f"{where}: {name}", part[1].tolist(), "the same for a robot whoever else is in the batch")


def _call(where: str, network: nn.Module, seen: tuple[Tensor, ...]) -> tuple[Tensor, Tensor | None, Tensor]:
    """The three things that it gives."""
    valid = f"forward(ego, edges, mask) of float32 [S, {EGO}], float32 [S, P, {EDGE}], bool [S, P]"
    try:
        found = network(*seen)
    except Exception as error:  # whatever the user's own lines raise
        shown = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(f"{where}: forward", shown, valid) from error
    if not isinstance(found, tuple | list) or len(found) != 3:
        shown = type(found).__name__ if not isinstance(found, tuple | list) else f"{len(found)} things"
        raise InputError(f"{where}: forward", shown, "mean, standard deviation or None, value")
    return tuple(found)
