"""What was saved before declared errors were observed, as it would be saved today: to the last bit it does the same.

Usage: ``python -m policies.tuner.widen CHECKPOINT [OUT]``; without OUT, in its place. Nothing in this project needs
that: a checkpoint of before drives, begins a training (``--start``) and goes on (``--resume``) as it is.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tyro
import yaml
from torch import nn
from torch.nn import functional

from policies.checkpoint_folder import CARD, CONFIG, ONNX, WEIGHTS, existing, replaced, write_parts
from policies.tuner import checkpoint
from policies.tuner.network import Tuner
from swarm.errors import InputError
from swarm.tune.observation import EGO


def widen(folder: Path, out: Path) -> None:
    """Write a checkpoint with features of what is declared, whose weights are 0; all else in it stays as it is.

    Raises:
        InputError: If it cannot be read, or has a network of a user's own.
    """
    folder = existing(folder)
    if (own := checkpoint.read_config(folder / CONFIG).network) is not None:
        valid = "a built-in network; one of your own takes the features that it was made for, and stays as it is"
        raise InputError(str(folder / CONFIG), own, valid)
    tuner, _ = checkpoint.load(folder)
    document = yaml.safe_load((folder / CONFIG).read_text(encoding="utf-8"))
    document["architecture"]["ego"] = EGO
    with replaced(out) as new:
        for path in folder.iterdir():
            if path.is_file() and path.name not in (CONFIG, WEIGHTS, ONNX):
                shutil.copy2(path, new)
        checkpoint.export_onnx(tuner, new / ONNX)
        write_parts(new, tuner, document, (new / CARD).read_text(encoding="utf-8"), None)


def widened_training(saved: Mapping[str, Any], network: nn.Module) -> Mapping[str, Any]:
    """The state of a training (``TunerPPO.state_dict``) with what is declared, which has the weight 0 and is 0.

    Args:
        saved: As it was read; one of today stays as it is.
        network: That it is of.
    """
    ego, *others = saved["observation"]
    if ego.shape[-1] == EGO:
        return saved
    found = {**saved, "observation": [functional.pad(ego, (0, EGO - ego.shape[-1])), *others]}
    if isinstance(network, Tuner):
        found |= {name: {**network.of_declared, **saved[name]} for name in ("tuner", "clone") if name in saved}
        found["optimiser"] = _widened_optimiser(saved["optimiser"], network)
    return found


def _widened_optimiser(saved: Mapping[str, Any], network: Tuner) -> dict[str, Any]:
    """Its state, in which parameters have numbers; it has not yet met those that are new."""
    new = network.of_declared
    numbers = [k for k, (name, _) in enumerate(network.named_parameters()) if name not in new]
    (group,) = saved["param_groups"]
    return {
        "state": {numbers[k]: part for k, part in saved["state"].items()},
        "param_groups": [{**group, "params": list(range(len(numbers) + len(new)))}],
    }


def main(folder: tyro.conf.Positional[Path], out: tyro.conf.Positional[Path | None] = None, /) -> int:
    """Write a checkpoint from before declared errors were observed as it would be saved today.

    Args:
        folder: The checkpoint folder.
        out: Where to; in its place if not given.
    """
    try:
        widen(folder, out or folder)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(tyro.cli(main, prog="python -m policies.tuner.widen"))
