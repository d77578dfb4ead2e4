"""The follower's checkpoint folder (``policies.checkpoint_folder``).

A network of a user's own has neither filters nor width: ``config.yaml`` has its reference under ``network``, and
``network.py`` is a copy of its file, which robots do not read. Whoever loads the weights into torch has it run.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from policies.checkpoint_folder import (
    BUILT_IN,
    CONFIG,
    FORMAT,
    ONNX,
    WEIGHTS,
    load_weights,
    replaced,
    write_onnx,
    write_parts,
)
from policies.follower.network import FILTERS, WIDTH, Follower, Scores
from policies.follower.own_network import OwnFollower
from policies.own_parts import SOURCE, kept_reference
from swarm.errors import InputError
from swarm.files.references import source_of
from swarm.planning.follower.policy import read_config
from swarm.planning.follower.view import CHANNELS, OWN, WINDOW


def save(
    folder: Path, follower: Follower | OwnFollower, made: Mapping[str, Any], card: str,
    extra: Mapping[str, bytes] | None = None,
) -> None:  # fmt: skip
    """Write a checkpoint, replacing an old one in one step.

    Args:
        folder: The checkpoint folder; created if need be.
        follower: The network.
        made: What ``config.yaml`` says beside the architecture: seed and command of the training, temperature.
        card: Text of ``card.md``.
        extra: Contents of further files by name.
    """
    shape = {"channels": CHANNELS, "window": WINDOW, "own": OWN}
    document: dict[str, Any] = {"format": FORMAT, "policy": "follower", "architecture": shape}
    if isinstance(follower, OwnFollower):
        document["network"] = follower.reference
        if SOURCE not in (extra or {}):
            extra = {SOURCE: source_of(follower.reference).read_bytes(), **(extra or {})}
    else:
        shape |= {"filters": follower.filters, "width": follower.width}
    with replaced(folder) as new:
        export_onnx(follower, new / ONNX)
        write_parts(new, follower, {**document, **made}, card, extra)


def load(folder: Path) -> Follower:
    """Read the network; nothing in the folder is run.

    Raises:
        InputError: If a file is missing, malformed or made for another architecture; names file and key.
    """
    config = read_config(folder / CONFIG)
    if (network := config.get("network")) is not None:
        raise InputError(str(folder / SOURCE), network, BUILT_IN)
    shape = config["architecture"]
    follower = Follower(shape.get("filters", FILTERS), shape.get("width", WIDTH))
    load_weights(follower, folder / WEIGHTS)
    return follower.eval()


def load_and_run(folder: Path) -> Follower | OwnFollower:
    """As ``load``, also of a network of a user's own, whose Python in the folder is run: for folders of your own.

    Raises:
        InputError: As ``load``, and if that Python is not what the network needs.
    """
    network = read_config(folder / CONFIG).get("network")
    if network is None:
        return load(folder)
    follower = OwnFollower(kept_reference(str(network), folder))
    load_weights(follower, folder / WEIGHTS)
    return follower.eval()


def export_onnx(follower: Follower | OwnFollower, path: Path) -> None:
    """Write the scores as an ONNX graph for any number of robots (axis ``batch``)."""
    robots, training = 2, follower.training  # above 1: the exporter takes 0 and 1 for constants
    inputs = {"view": torch.zeros(robots, CHANNELS, WINDOW, WINDOW), "own": torch.zeros(robots, OWN)}
    batch = torch.export.Dim("batch")
    try:
        write_onnx(Scores(follower), path, inputs, ["scores"], {"view": {0: batch}, "own": {0: batch}})
    finally:
        follower.train(training)
