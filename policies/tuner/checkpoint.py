"""The checkpoint folder: everything about one trained policy, in files that are safe to open.

    weights.pt    parameters of the torch network (loaded weights-only: tensors, never code)
    policy.onnx   the mean action; inputs ego, edges, mask; output action; any number of robots and of slots;
                  with two rounds of messages also an input heard and an output told
    config.yaml   architecture, parameter box, limits, seed and command of the training
    card.md       what it is, how it was trained, how good it is

A folder is replaced as a whole: it is written beside the old one, which is then swapped out. Files that a
checkpoint does not write itself (training logs) move along.
"""

from __future__ import annotations

import contextlib
import io
import logging
import math
import os
import shutil
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from policies.tuner.network import ROUNDS, SENSES, WIDTH, DensePolicy, Tuner
from swarm.errors import InputError
from swarm.filter.tunables import COUNT, NAMES, TUNABLES
from swarm.sense.messages import EMBEDDING
from swarm.tune.observation import EDGE, EGO

WEIGHTS, ONNX, CONFIG, CARD, RESUME = "weights.pt", "policy.onnx", "config.yaml", "card.md", "resume.pt"
FORMAT = 1
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


def architecture(width: int) -> dict[str, int]:
    """What weights and features have to fit."""
    return {"ego": EGO, "edge": EDGE, "actions": COUNT, "width": width}


def parameter_box() -> dict[str, dict[str, float | bool | str]]:
    """The meaning of the actions: range, unit and scale of every tunable."""
    return {
        tunable.name: {"low": tunable.low, "high": tunable.high, "unit": tunable.unit, "log": tunable.log}
        for tunable in TUNABLES
    }


def save(folder: Path, tuner: Tuner, config: Config, card: str, extra: Mapping[str, bytes] | None = None) -> None:
    """Write a checkpoint, replacing an old one in one step.

    Args:
        folder: The checkpoint folder; created if need be.
        tuner: The network.
        config: How it was made.
        card: Text of ``card.md``.
        extra: Contents of further files by name (the learning curve, the state of the training).
    """
    document = {
        "format": FORMAT,
        "policy": "tuner",
        "architecture": architecture(tuner.width),
        "tunables": [name for name, free in zip(NAMES, tuner.free, strict=True) if free],
        "rounds": tuner.rounds,
        "senses": [name for name, seen in zip(SENSES, tuner.actor.seen, strict=True) if seen],
        "box": parameter_box(),
        "limits": _plain(config.limits),
        "seed": config.seed,
        "command": config.command,
    }
    with replaced(folder) as new:
        export_onnx(tuner, new / ONNX)
        write_parts(new, tuner, document, card, extra)


@contextlib.contextmanager
def replaced(folder: Path) -> Iterator[Path]:
    """An empty folder to write into, which then takes the place of an old one in one step."""
    folder = folder.resolve()
    new, old = _sibling(folder, "new"), _sibling(folder, "old")
    if not folder.exists() and old.exists():  # interrupted between the two swaps
        os.replace(old, folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    for leftover in (new, old):
        shutil.rmtree(leftover, ignore_errors=True)
    new.mkdir()
    yield new
    if folder.exists():
        _move_along(folder, new)
        os.replace(folder, old)
    os.replace(new, folder)
    shutil.rmtree(old, ignore_errors=True)


def write_parts(
    folder: Path, network: torch.nn.Module, document: Mapping[str, Any], card: str, extra: Mapping[str, bytes] | None
) -> None:
    """Write all of a checkpoint but ``policy.onnx``; arguments as of `save`, ``document`` is ``config.yaml``."""
    torch.save(network.state_dict(), folder / WEIGHTS)
    (folder / CONFIG).write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")
    (folder / CARD).write_text(card, encoding="utf-8")
    for name, contents in (extra or {}).items():
        (folder / name).write_bytes(contents)


def load(folder: Path) -> tuple[Tuner, Config]:
    """Read the network and how it was made.

    Raises:
        InputError: If a file is missing, malformed or made for another architecture; names file and key.
    """
    folder = _existing(folder)
    config = read_config(folder / CONFIG)
    tuner = Tuner(config.width, rounds=config.rounds)
    load_weights(tuner, folder / WEIGHTS)
    return tuner.eval(), config


def load_weights(network: torch.nn.Module, path: Path) -> None:
    """Fill a network from ``weights.pt``.

    Raises:
        InputError: If tensors are missing, unknown, not finite, or of other shapes.
    """
    weights = read_tensors(path)
    wanted = network.state_dict()
    for key in [*wanted, *weights]:
        found, shape = weights.get(key), tuple(wanted[key].shape) if key in wanted else None
        if shape is None:
            raise InputError(f"{path}: {key}", "an unknown tensor", f"only {', '.join(wanted)}")
        if not isinstance(found, torch.Tensor):
            shown = "nothing" if found is None else found
            raise InputError(f"{path}: {key}", shown, f"a tensor of shape {shape}")
        if tuple(found.shape) != shape:
            raise InputError(f"{path}: {key}", tuple(found.shape), f"shape {shape} (width {network.width})")
        if not found.is_floating_point() or not torch.isfinite(found).all():
            raise InputError(f"{path}: {key}", "values that are not finite", "finite floating-point numbers")
    network.load_state_dict(weights)


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
    width = _get(path, shape, "width", int, "architecture.")
    if not 1 <= width <= WIDEST:
        raise InputError(f"{path}: architecture.width", width, f"1 to {WIDEST}")
    for key, value in architecture(width).items():
        _demand(path, f"architecture.{key}", _get(path, shape, key, int, "architecture."), value)
    rounds = _get(path, {"rounds": 1, **document}, "rounds", int)  # older ones do not say: 1
    if rounds not in ROUNDS:
        raise InputError(f"{path}: rounds", rounds, ", ".join(map(str, ROUNDS)))
    _check_box(path, _get(path, document, "box", dict))
    return Config(
        seed=_get(path, document, "seed", int),
        command=_get(path, document, "command", str),
        limits=_get(path, document, "limits", dict),
        width=width,
        rounds=rounds,
    )


def export_onnx(tuner: Tuner, path: Path) -> None:
    """Write the mean action as an ONNX graph with any number of robots (axis ``batch``) and of ``slots``."""
    robots, slots = 2, 3  # any sizes above 1: the exporter takes 0 and 1 for constants
    inputs = {
        "ego": torch.zeros(robots, EGO),
        "edges": torch.zeros(robots, slots, EDGE),
        "mask": torch.ones(robots, slots).bool(),
    }
    outputs = ["action"]
    if tuner.rounds > 1:
        inputs["heard"] = torch.zeros(robots, slots, EMBEDDING)
        outputs.append("told")
    batch, count = torch.export.Dim("batch"), torch.export.Dim("slots")
    with silence():
        program = torch.onnx.export(
            DensePolicy(tuner).eval(),
            tuple(inputs.values()),
            dynamo=True,
            input_names=list(inputs),
            output_names=outputs,
            dynamic_shapes={name: {0: batch} if name == "ego" else {0: batch, 1: count} for name in inputs},
            verbose=False,
        )
        if program is None:
            raise RuntimeError("torch.onnx.export returned nothing")
        program.save(str(path), external_data=False)


def pack(state: Mapping[str, Any]) -> bytes:
    """Serialise nested dicts and lists of tensors, numpy arrays and plain values, readable weights-only.

    Arrays become tensors, and come back from :func:`unpack` as tensors.
    """
    buffer = io.BytesIO()
    torch.save(_plain(state, arrays=True), buffer)
    return buffer.getvalue()


def read_tensors(path: Path) -> dict[str, Any]:
    """Read a mapping saved by torch, weights-only: nothing in the file can run.

    Raises:
        InputError: If it is missing or is not such a file.
    """
    try:
        return unpack(path.read_bytes(), str(path))
    except OSError as error:
        raise InputError(str(path), error.strerror or "an unreadable file", "a readable file") from error


def unpack(data: bytes, where: str) -> dict[str, Any]:
    """What :func:`pack` has serialised, weights-only.

    Raises:
        InputError: If it is something else; names ``where``.
    """
    try:
        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises anything from EOFError to RuntimeError on damaged data
        raise InputError(where, type(error).__name__, "tensors written by torch.save") from error
    if not isinstance(state, dict):
        raise InputError(where, type(state).__name__, "a mapping")
    return state


def _plain(value: Any, *, arrays: bool = False) -> Any:
    """``value`` out of plain Python types; numpy arrays as tensors if ``arrays``, else as lists."""
    if isinstance(value, Mapping):
        return {key: _plain(item, arrays=arrays) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, arrays=arrays) for item in value]
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.copy()) if arrays else value.tolist()
    return value.item() if isinstance(value, np.generic) else value


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


def _sibling(folder: Path, word: str) -> Path:
    """A hidden folder beside ``folder``."""
    return folder.with_name(f".{folder.name}.{word}")


def _existing(folder: Path) -> Path:
    """The folder, or what an interrupted :func:`save` left of it."""
    folder = folder.resolve()
    old = _sibling(folder, "old")
    return old if old.is_dir() and not folder.exists() else folder


def _move_along(source: Path, target: Path) -> None:
    """Link what ``target`` lacks from ``source``: same files, so that open logs stay attached."""

    def link(old: str, new: str) -> None:
        try:
            os.link(old, new)
        except OSError:  # a file system without hard links
            shutil.copy2(old, new)

    for path in source.iterdir():
        if (target / path.name).exists():
            continue
        if path.is_dir():
            shutil.copytree(path, target / path.name, copy_function=link)
        else:
            link(str(path), str(target / path.name))


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Keep the exporter's progress, warnings and log lines off the screen."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
