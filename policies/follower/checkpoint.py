"""The follower's checkpoint folder (``policies.checkpoint_folder``)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from policies.checkpoint_folder import CONFIG, FORMAT, ONNX, WEIGHTS, load_weights, replaced, write_onnx, write_parts
from policies.follower.network import FILTERS, WIDTH, Follower, Scores
from swarm.planning.follower.policy import read_config
from swarm.planning.follower.view import CHANNELS, OWN, WINDOW


def save(
    folder: Path, follower: Follower, made: Mapping[str, Any], card: str, extra: Mapping[str, bytes] | None = None
) -> None:
    """Write a checkpoint, replacing an old one in one step.

    Args:
        folder: The checkpoint folder; created if need be.
        follower: The network.
        made: What ``config.yaml`` says beside the architecture: seed and command of the training, temperature.
        card: Text of ``card.md``.
        extra: Contents of further files by name.
    """
    shape = {"channels": CHANNELS, "window": WINDOW, "own": OWN, "filters": follower.filters, "width": follower.width}
    document = {"format": FORMAT, "policy": "follower", "architecture": shape, **made}
    with replaced(folder) as new:
        export_onnx(follower, new / ONNX)
        write_parts(new, follower, document, card, extra)


def load(folder: Path) -> Follower:
    """Read the network.

    Raises:
        InputError: If a file is missing, malformed or made for another architecture; names file and key.
    """
    shape = read_config(folder / CONFIG)["architecture"]
    follower = Follower(shape.get("filters", FILTERS), shape.get("width", WIDTH))
    load_weights(follower, folder / WEIGHTS)
    return follower.eval()


def export_onnx(follower: Follower, path: Path) -> None:
    """Write the scores as an ONNX graph for any number of robots (axis ``batch``)."""
    robots = 2  # above 1: the exporter takes 0 and 1 for constants
    inputs = {"view": torch.zeros(robots, CHANNELS, WINDOW, WINDOW), "own": torch.zeros(robots, OWN)}
    batch = torch.export.Dim("batch")
    write_onnx(Scores(follower), path, inputs, ["scores"], {"view": {0: batch}, "own": {0: batch}})
