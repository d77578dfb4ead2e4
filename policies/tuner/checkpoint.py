"""The tuner's checkpoint folder (``policies.checkpoint_folder``).

``policy.onnx`` is the mean action: inputs ego, edges, mask; output action; any number of robots and of slots; with two
rounds of messages also an input heard and an output told. ``config.yaml`` also holds parameter box and limits.

A network of a user's own has no width: ``config.yaml`` has its reference under ``network`` instead, and ``network.py``
is a copy of the file that it comes from. Robots do not read that file. Whoever loads the weights into torch has it run.

Checkpoints from before declared errors were observed are read as well: ``architecture.ego`` is ``EGO_EXACT``, and the
weights of what is declared, which are not there, are 0. ``policies.tuner.widen`` writes one as it would be saved today.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml

from policies.checkpoint_folder import (
    BUILT_IN,
    CONFIG,
    FORMAT,
    ONNX,
    WEIGHTS,
    existing,
    load_weights,
    plain,
    replaced,
    write_onnx,
    write_parts,
)
from policies.own_parts import SOURCE, kept_reference
from policies.tuner.neighbourhood import WIDTH
from policies.tuner.network import ROUNDS, DensePolicy, Tuner, check_blend
from policies.tuner.own_network import OwnTuner
from swarm.errors import InputError
from swarm.files.references import source_of
from swarm.filter.tunables import COUNT, NAMES, TUNABLES
from swarm.sense.messages import EMBEDDING
from swarm.tune.observation import EDGE, EGO, EGO_EXACT

WIDEST = 4096


@dataclass(frozen=True)
class Config:
    """How a policy was made; with the constants of this version, the contents of ``config.yaml``."""

    seed: int
    """Seed of the training."""
    command: str
    """Command line of the training."""
    limits: Mapping[str, Any]
    """Actuator limits of the robots it was trained on, by type of robot (SI units)."""
    width: int = WIDTH
    """Width of the hidden layers."""
    rounds: int = 1
    """Rounds of messages between robots."""
    network: str | None = None
    """Reference of a network of a user's own, as it was given; None: the built-in one."""
    ego: int = EGO
    """Columns of the robots' own features that it was made for: EGO, or EGO_EXACT before there was more."""
    blend: float = 1.0
    """Share of the way from the last action to the proposed one that is gone in one step."""


def architecture(width: int | None, ego: int = EGO) -> dict[str, int]:
    """What weights and features have to fit; a network of a user's own has no width."""
    return {"ego": ego, "edge": EDGE, "actions": COUNT} | ({} if width is None else {"width": width})


def widest(limits: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, list[float]]]:
    """Smallest and largest of several ranges of limits, as in ``Config``, by kind of robot and name."""
    found: dict[str, dict[str, list[float]]] = {}
    for one in limits:
        for kind, given in one.items():
            ranges = found.setdefault(kind, {})
            for name, (low, high) in given.items():
                least, most = ranges.get(name, (low, high))
                ranges[name] = [min(least, low), max(most, high)]
    return found


def parameter_box() -> dict[str, dict[str, float | bool | str]]:
    """The meaning of the actions: range, unit and scale of every tunable."""
    return {
        tunable.name: {"low": tunable.low, "high": tunable.high, "unit": tunable.unit, "log": tunable.log}
        for tunable in TUNABLES
    }


def save(
    folder: Path, tuner: Tuner | OwnTuner, config: Config, card: str, extra: Mapping[str, bytes] | None = None
) -> None:
    """Write a checkpoint, replacing an old one in one step.

    Args:
        folder: The checkpoint folder; created if need be.
        tuner: The network.
        config: How it was made.
        card: Text of ``card.md``.
        extra: Contents of further files by name (the learning curve, the state of the training).
    """
    own = tuner.reference if isinstance(tuner, OwnTuner) else None
    document = {
        "format": FORMAT,
        "policy": "tuner",
        "architecture": architecture(None if isinstance(tuner, OwnTuner) else tuner.width, tuner.ego),
        **({} if own is None else {"network": config.network or own}),
        "tunables": [name for name, free in zip(NAMES, tuner.free, strict=True) if free],
        "rounds": tuner.rounds,
        **({} if tuner.blend == 1.0 else {"blend": tuner.blend}),
        "senses": tuner.senses,
        "box": parameter_box(),
        "limits": plain(config.limits),
        "seed": config.seed,
        "command": config.command,
    }
    if own is not None and SOURCE not in (extra or {}):
        extra = {SOURCE: source_of(own).read_bytes(), **(extra or {})}
    with replaced(folder) as new:
        export_onnx(tuner, new / ONNX)
        write_parts(new, tuner, document, card, extra)


def load(folder: Path) -> tuple[Tuner, Config]:
    """Read the network and how it was made; nothing in the folder is run.

    Raises:
        InputError: If a file is missing, malformed or made for another architecture; names file and key.
    """
    folder = existing(folder)
    config = read_config(folder / CONFIG)
    if config.network is not None:
        raise InputError(str(folder / SOURCE), config.network, BUILT_IN)
    tuner = Tuner(config.width, rounds=config.rounds, blend=config.blend)
    load_weights(tuner, folder / WEIGHTS, tuner.of_declared if config.ego == EGO_EXACT else None)
    return tuner.eval(), config


def load_and_run(folder: Path) -> tuple[Tuner | OwnTuner, Config]:
    """As ``load``, also of a network of a user's own, whose Python in the folder is run: for folders of your own.

    Raises:
        InputError: As ``load``, and if that Python is not what the network needs.
    """
    folder = existing(folder)
    config = read_config(folder / CONFIG)
    if config.network is None:
        return load(folder)
    tuner = OwnTuner(kept_reference(config.network, folder), ego=config.ego)
    load_weights(tuner, folder / WEIGHTS)
    return tuner.eval(), config


def begin_as(tuner: Tuner, folder: Path) -> None:
    """Give a network the parameters of a checkpoint.

    Raises:
        InputError: If it has another shape.
    """
    other, _ = load(folder)
    if (other.width, other.rounds) != (tuner.width, tuner.rounds):
        found, valid = (f"width {one.width}, rounds {one.rounds}" for one in (other, tuner))
        raise InputError(f"--start {folder}", found, valid)
    with torch.no_grad():
        for own, given in zip(tuner.parameters(), other.parameters(), strict=True):
            own.copy_(given)


def read_config(path: Path) -> Config:
    """Read and check ``config.yaml``.

    Raises:
        InputError: If it is missing, malformed, or made for other features or another parameter box.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        hint = "a readable file; train one: python launch/train.py tuner"
        raise InputError(str(path), error.strerror, hint) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(str(path), " ".join(str(error).split()), "a YAML mapping") from error
    _demand(path, "format", _get(path, document, "format", int), FORMAT)
    _demand(path, "policy", _get(path, document, "policy", str), "tuner")
    shape = _get(path, document, "architecture", dict)
    network = _get(path, document, "network", str) if "network" in document else None
    width = WIDTH if network is not None else _get(path, shape, "width", int, "architecture.")
    if not 1 <= width <= WIDEST:
        raise InputError(f"{path}: architecture.width", width, f"1 to {WIDEST}")
    ego = EGO_EXACT if shape.get("ego") == EGO_EXACT else EGO
    for key, value in architecture(None if network is not None else width, ego).items():
        _demand(path, f"architecture.{key}", _get(path, shape, key, int, "architecture."), value)
    rounds = _get(path, {"rounds": 1, **document}, "rounds", int)  # older ones do not say: 1
    if rounds not in ROUNDS:
        raise InputError(f"{path}: rounds", rounds, ", ".join(map(str, ROUNDS)))
    blend = float(_get(path, {"blend": 1.0, **document}, "blend", float))  # likewise
    check_blend(f"{path}: blend", blend)
    _check_box(path, _get(path, document, "box", dict))
    return Config(
        seed=_get(path, document, "seed", int),
        command=_get(path, document, "command", str),
        limits=_get(path, document, "limits", dict),
        width=width,
        rounds=rounds,
        network=network,
        ego=ego,
        blend=blend,
    )


def export_onnx(tuner: Tuner | OwnTuner, path: Path) -> None:
    """Write the mean action as an ONNX graph with any number of robots (axis ``batch``) and of ``slots``."""
    training = tuner.training
    robots, slots = 2, 3  # any sizes above 1: the exporter takes 0 and 1 for constants
    inputs = {
        "ego": torch.zeros(robots, tuner.ego),
        "edges": torch.zeros(robots, slots, EDGE),
        "mask": torch.ones(robots, slots).bool(),
    }
    outputs = ["action"]
    if tuner.rounds > 1:
        inputs["heard"] = torch.zeros(robots, slots, EMBEDDING)
        outputs.append("told")
    batch, count = torch.export.Dim("batch"), torch.export.Dim("slots")
    axes = {name: {0: batch} if name == "ego" else {0: batch, 1: count} for name in inputs}
    try:
        write_onnx(DensePolicy(tuner), path, inputs, outputs, axes)
    finally:
        tuner.train(training)


def _get(path: Path, mapping: Any, key: str, kind: type, prefix: str = "") -> Any:
    """``mapping[key]``, which has to be of type ``kind``."""
    if not isinstance(mapping, dict):
        raise InputError(str(path), mapping, "a YAML mapping")
    if key not in mapping:
        raise InputError(f"{path}: {prefix}{key}", "nothing", f"a value of type {kind.__name__}")
    value = mapping[key]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise InputError(f"{path}: {prefix}{key}", value, f"a value of type {kind.__name__}")
    return value


def _demand(path: Path, key: str, found: Any, wanted: Any) -> None:
    """A value that this version cannot do otherwise."""
    if found != wanted:
        raise InputError(f"{path}: {key}", found, f"{wanted!r} (this version's); train again")


def _check_box(path: Path, box: dict[str, Any]) -> None:
    """The actions mean today what they meant in training."""
    wanted = parameter_box()
    if list(box) != list(wanted):
        raise InputError(f"{path}: box", list(box), f"{', '.join(wanted)}, in this order")
    for name, entry in wanted.items():
        for key, value in entry.items():
            found = _get(path, box[name], key, object, f"box.{name}.")
            near = type(value) is type(found) is float and math.isclose(found, value, rel_tol=1e-9)
            if not near:
                _demand(path, f"box.{name}.{key}", found, value)
