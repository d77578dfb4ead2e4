"""A checkpoint folder: everything about one trained policy, in files that are safe to open.

    weights.pt    parameters of the torch network (loaded weights-only: tensors, never code)
    policy.onnx   what a robot runs, for any number of robots
    config.yaml   architecture, seed and command of the training
    card.md       what it is, how it was trained, how good it is
    resume.pt     the state of the training, while it can be continued

A folder is replaced as a whole: it is written beside the old one, which is then swapped out. Files that a
checkpoint does not write itself (training logs) move along.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import io
import itertools
import logging
import os
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from policies.devices import on_cpu
from swarm.errors import InputError
from swarm.files.text_files import make_folder

WEIGHTS, ONNX, CONFIG, CARD, RESUME = "weights.pt", "policy.onnx", "config.yaml", "card.md", "resume.pt"
FORMAT = 1
_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS}
"""What file systems say that have no locks."""
BUILT_IN = "a checkpoint of the built-in network; in Python load_and_run(folder) runs that file"
"""What ``load`` takes."""


@contextlib.contextmanager
def replaced(folder: Path) -> Iterator[Path]:
    """An empty folder to write into, which then takes the place of an old one in one step."""
    folder = folder.resolve()
    new, old = _sibling(folder, "new"), _sibling(folder, "old")
    if not os.path.exists(folder) and os.path.exists(old):  # interrupted between the two swaps
        os.replace(old, folder)
    make_folder(folder.parent)
    for leftover in (new, old):
        shutil.rmtree(leftover, ignore_errors=True)
    new.mkdir()
    yield new
    if os.path.exists(folder):
        _move_along(folder, new)
        os.replace(folder, old)
    os.replace(new, folder)
    shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Keep other trainings out of a folder, in all processes of this machine, however this one ends.

    Raises:
        InputError: If another training writes there, or nothing can be written beside the folder, where it is replaced.
    """
    folder = folder.resolve()
    path, is_new = _sibling(folder, "lock"), not os.path.exists(folder.parent)
    make_folder(folder.parent)
    with contextlib.ExitStack() as stack:
        try:
            lock = stack.enter_context(path.open("ab"))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.exists(path):  # Whoever had it took it away this moment.
                raise BlockingIOError
        except BlockingIOError:
            raise InputError(str(folder), "another training writes there", "a folder of its own (--out)") from None
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                valid = "a folder beside which files can be written"
                raise InputError(str(folder), error.strerror or str(error), valid) from None
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            if is_new:  # and nothing was written
                with contextlib.suppress(OSError):
                    folder.parent.rmdir()


def existing(folder: Path) -> Path:
    """The folder, or what an interrupted ``replaced`` left of it."""
    folder = folder.resolve()
    old = _sibling(folder, "old")
    return old if os.path.isdir(old) and not os.path.exists(folder) else folder


def keep_beside(folder: Path) -> Path | None:
    """Copy a checkpoint that is about to be replaced to ``NAME.1``, ``NAME.2``, …; where, or None: there is none."""
    folder = existing(folder)
    if not os.path.isfile(folder / WEIGHTS):
        return None
    copies = (folder.with_name(f"{folder.name}.{k}") for k in itertools.count(1))
    free = next(copy for copy in copies if not os.path.exists(copy))
    shutil.copytree(folder, free)
    return free


def _sibling(folder: Path, word: str) -> Path:
    """A hidden folder beside ``folder``."""
    return folder.with_name(f".{folder.name}.{word}")


def _move_along(source: Path, target: Path) -> None:
    """Link what ``target`` lacks from ``source``: same files, so that open logs stay attached."""

    def link(old: str, new: str) -> None:
        try:
            os.link(old, new)
        except OSError:  # a file system without hard links
            shutil.copy2(old, new)

    for path in source.iterdir():
        if os.path.exists(target / path.name):
            continue
        if os.path.isdir(path):
            shutil.copytree(path, target / path.name, copy_function=link)
        else:
            link(str(path), str(target / path.name))


def write_parts(
    folder: Path, network: torch.nn.Module, document: Mapping[str, Any], card: str, extra: Mapping[str, bytes] | None
) -> None:
    """Write all of a checkpoint but ``policy.onnx``; arguments as of ``save``, ``document`` is ``config.yaml``."""
    torch.save(on_cpu(network).state_dict(), folder / WEIGHTS)
    (folder / CONFIG).write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")
    (folder / CARD).write_text(card, encoding="utf-8")
    for name, contents in (extra or {}).items():
        (folder / name).write_bytes(contents)


def load_weights(
    network: torch.nn.Module, path: Path, missing: Mapping[str, torch.Tensor] | None = None
) -> None:  # fmt: skip
    """Fill a network from ``weights.pt``; ``missing`` is what a file of before does not have.

    Raises:
        InputError: If tensors are missing, unknown, not finite, or of other shapes.
    """
    weights = {**(missing or {}), **read_tensors(path)}
    wanted = network.state_dict()
    for key in [*wanted, *weights]:
        found, shape = weights.get(key), tuple(wanted[key].shape) if key in wanted else None
        if shape is None:
            raise InputError(f"{path}: {key}", "an unknown tensor", f"only {', '.join(wanted)}")
        if not isinstance(found, torch.Tensor):
            shown = "nothing" if found is None else found
            raise InputError(f"{path}: {key}", shown, f"a tensor of shape {shape}")
        if tuple(found.shape) != shape:
            width = f" (width {network.width})" if hasattr(network, "width") else ""
            raise InputError(f"{path}: {key}", tuple(found.shape), f"shape {shape}{width}")
        if found.is_floating_point() != wanted[key].is_floating_point() or not torch.isfinite(found).all():
            raise InputError(f"{path}: {key}", "values that are not finite", "finite floating-point numbers")
    network.load_state_dict(weights)


def write_onnx(
    network: torch.nn.Module, path: Path, inputs: Mapping[str, torch.Tensor], outputs: Sequence[str],
    dynamic: Mapping[str, Any],
) -> None:  # fmt: skip
    """Write a network as an ONNX graph.

    Args:
        network: Takes ``inputs`` by their order.
        path: Of ``policy.onnx``.
        inputs: Examples by name; sizes above 1 where they may vary, since the exporter takes 0 and 1 for constants.
        outputs: Names.
        dynamic: For each input its axes that may have any size.
    """
    with silence():
        program = torch.onnx.export(
            _captured(on_cpu(network).eval(), tuple(inputs.values()), dynamic),
            dynamo=True,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_shapes=dict(dynamic),
            verbose=False,
        )
        if program is None:
            raise RuntimeError("torch.onnx.export returned nothing")
        program.save(str(path), external_data=False)


def _captured(
    network: torch.nn.Module, inputs: tuple[torch.Tensor, ...], dynamic: Mapping[str, Any]
) -> torch.export.ExportedProgram:
    """The network's graph with axes of any size, which ``torch.onnx.export`` alone quietly makes constants.

    As it does where ``forward`` asks for ``len(ego)``, or a layer of torch (attention) compares sizes: these are whole
    numbers to Python, and stay symbols only where its bytecode is read (``strict``).
    """
    try:
        return torch.export.export(network, inputs, dynamic_shapes=tuple(dynamic.values()), strict=False)
    except Exception:  # it raises anything here
        return torch.export.export(network, inputs, dynamic_shapes=tuple(dynamic.values()), strict=True)


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Keep the exporter's progress, warnings and log lines off the screen."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        said = io.StringIO()
        with warnings.catch_warnings(), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def pack(state: Mapping[str, Any]) -> bytes:
    """Serialise nested dicts and lists of tensors, numpy arrays and plain values, readable weights-only.

    Arrays become tensors, and come back from ``unpack`` as tensors; those of all devices come back on the CPU.
    """
    buffer = io.BytesIO()
    torch.save(plain(state, arrays=True), buffer)
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
    """What ``pack`` has serialised, weights-only.

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


def plain(value: Any, *, arrays: bool = False) -> Any:
    """``value`` out of plain Python types; numpy arrays as tensors if ``arrays``, else as lists."""
    if isinstance(value, Mapping):
        return {key: plain(item, arrays=arrays) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, arrays=arrays) for item in value]
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.copy()) if arrays else value.tolist()
    if isinstance(value, torch.Tensor):
        return value.detach().cpu()
    return value.item() if isinstance(value, np.generic) else value
