"""The follower's trained network, run by onnxruntime (no torch)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from swarm.array_types import Float32s
from swarm.errors import InputError
from swarm.planning.follower.view import CHANNELS, OWN, WINDOW
from swarm.tune.onnx_file import open_session

_HINT = "a checkpoint folder written by: python launch/train.py follower"


class OnnxRanker:
    """Scores of moves by ``policy.onnx`` and ``config.yaml`` of a checkpoint folder.

    Args:
        folder: The checkpoint folder.

    Attributes:
        temperature: How much noise is to be added to the scores (see ``swarm.planning.follower.team.rank``).

    Raises:
        InputError: If a file is missing or unreadable, or was made for other features.
    """

    def __init__(self, folder: str | Path) -> None:
        folder = Path(folder)
        self.temperature = float(read_config(folder / "config.yaml").get("temperature", 0.0))
        path = folder / "policy.onnx"
        self._session, names = open_session(path, _HINT)
        if sorted(names) != ["own", "view"]:
            raise InputError(f"{path}: inputs", names, "view, own")

    def __call__(self, view: Float32s, own: Float32s) -> Float32s:
        """Scores float32[n, 5]; see ``swarm.planning.follower.team.Ranker``."""
        scores: Float32s = self._session.run(None, {"view": view, "own": own})[0]
        return scores


def read_config(path: Path) -> dict[str, Any]:
    """What a checkpoint says of itself; refuses one that was made for other features.

    Raises:
        InputError: If it is missing, malformed, or another policy's.
    """
    try:
        document = dict(yaml.safe_load(path.read_text(encoding="utf-8")))
        found = {"policy": document["policy"], **document["architecture"]}
    except OSError as error:
        raise InputError(str(path), error.strerror, _HINT) from error
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise InputError(str(path), " ".join(str(error).split()), "policy and architecture") from error
    for key, wanted in {"policy": "follower", "channels": CHANNELS, "window": WINDOW, "own": OWN}.items():
        if found.get(key) != wanted:
            raise InputError(f"{path}: {key}", found.get(key), f"{wanted!r} (this version's); train again")
    return document
