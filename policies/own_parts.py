"""Parts of a user's own in a training: copies of their files go with the checkpoint, and networks are tried first.

A network is tried before anything is trained: what ``forward`` gives, that it gives a robot the same whoever else is in
the batch, that it runs on the device, and that its ONNX graph repeats it.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from policies.devices import CPU, to_device
from policies.generated_code import remove_generated_code
from swarm.array_types import AnyArray
from swarm.errors import InputError
from swarm.files.own_code import Running
from swarm.files.references import in_file, is_reference, load_reference, make_part, moved, source_of
from swarm.tune.onnx_file import open_session

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

OptionsT = TypeVar("OptionsT", bound="DataclassInstance")
OwnT = TypeVar("OwnT", bound="OwnNetwork")

SOURCE = "network.py"
"""The copy of a network's file in a checkpoint."""
# Single precision, summed in another order.
_SAME = 1e-4
_ANY_SIZES = "a graph for any number of robots and slots (a loop over them has as many rounds as in the example)"


class Trial(NamedTuple):
    """How a network is tried."""

    form: str
    """``forward`` with shapes, for errors."""
    gives: str
    """What it returns, in words."""
    inputs: tuple[AnyArray, ...]
    """Of a few robots; the last one senses nothing."""
    outputs: Mapping[str, tuple[int, ...]]
    """Shapes by name."""
    nothing: str
    """What it means to sense nothing."""
    optional: str = ""
    """The output that may be None."""


class OwnNetwork(nn.Module):
    """A network of a user's own, in what the training asks of one.

    Args:
        reference: See ``swarm.files.references``.
        protocol: What is asked of it.
        trials: How it is tried: with the first inputs that it takes.

    Raises:
        InputError: If there is no such network, or it is not what the protocol asks.
    """

    def __init__(self, reference: str, protocol: type, *trials: Trial) -> None:
        super().__init__()
        self.reference = reference
        self.network = load_network(reference, protocol)
        self.trial = self._fitting(trials)
        try_network(reference, self.network, self.trial)

    def _fitting(self, trials: Sequence[Trial]) -> Trial:
        """The first trial whose inputs ``forward`` takes; the first of all if it takes none, or there is one."""
        for trial in trials if len(trials) > 1 else ():
            try:
                with torch.no_grad():
                    self.network.eval()(*map(torch.from_numpy, trial.inputs))
            except Exception:  # whatever the user's own lines raise; said if it takes no inputs at all
                continue
            finally:
                self.network.train()
            return trial
        return trials[0]

    def call(self, *seen: Tensor) -> Sequence[Tensor]:
        """What it gives for S robots, in a training too.

        Raises:
            InputError: If it raises, or gives something else; while it is trained, also if that is not a number.
        """
        numbers = "finite numbers; where they were so at first, a smaller --ppo.learning-rate may help"
        return _call(f"--network: {self.reference}", self.network, self.trial, seen, numbers if self.training else "")

    def moved(self, device: torch.device) -> Self:
        """The same on a device, where it has shown that it runs.

        Raises:
            InputError: If it does not, as where ``forward`` makes tensors that stay on the CPU.
        """
        self.to(device)
        if device != CPU:
            try_network(self.reference, self.network, self.trial, device)
        return self


def load_network(reference: str, protocol: type) -> nn.Module:
    """A network by reference (``swarm.files.references``).

    Raises:
        InputError: If there is none, or it is no torch module with the protocol's method.
    """
    network = make_part("--network", reference, protocol)
    remove_generated_code()  # of layers of torch_geometric
    if not isinstance(network, nn.Module):
        raise InputError(f"--network: {reference}", network, "a torch.nn.Module, or a class of one")
    return network


def try_network(reference: str, network: nn.Module, trial: Trial, device: torch.device = CPU) -> None:
    """Refuse a network that gives something else than the protocol says, or does not run on the device.

    Raises:
        InputError: Names what it gave.
    """
    where, training = f"--network: {reference}" + ("" if device == CPU else f", on {device}"), network.training
    seen = tuple(to_device(part, device) for part in trial.inputs)
    numbers = f"finite numbers, also for a robot that senses nothing ({trial.nothing})"
    try:
        found = _call(where, network.eval(), trial, seen, numbers)
        with torch.no_grad():
            alone = _call(where, network, trial, tuple(part[1:2] for part in seen), numbers)
            trained = _call(where, network.train(), trial, seen, numbers)
    finally:
        network.train(training)
    first = next(iter(trial.outputs))
    if not found[0].requires_grad:
        raise InputError(f"{where}: {first}", "no gradient", "one: parameters to train, and no detached output")
    for name, part, one, other in zip(trial.outputs, found, alone, trained, strict=True):
        _check_same(
            f"{where}: {name}",
            _of(part, 1),
            _of(one, 0),
            "whoever else is in the batch (and no memory from call to call)",
        )
        _check_same(f"{where}: {name}", part, other, "in training (no dropout, no batch normalisation)")


def _of(output: Tensor | None, robot: int) -> Tensor | None:
    return None if output is None else output[robot]


def _check_same(where: str, output: Tensor | None, other: Tensor | None, when: str) -> None:
    """Refuse an output that differs from that of another call, in which something that ``when`` names was different."""
    if output is None and other is None:
        return
    if output is None or other is None or not (output - other).abs().max() <= _SAME:
        raise InputError(where, None if output is None else output.tolist(), f"the same for a robot {when}")


def _call(
    where: str, network: nn.Module, trial: Trial, seen: tuple[Tensor, ...], numbers: str
) -> Sequence[Any]:  # fmt: skip
    """The things that it gives, refused if they are not what they should be.

    Args:
        where: What it is called in errors.
        network: The user's.
        trial: What is asked of it.
        seen: Its inputs.
        numbers: What is valid where it gives something that is no number; empty: while it is exported, nobody looks.
    """
    with Running(f"{where}: forward", network.forward, trial.form):
        found = network(*seen)
        if not isinstance(found, tuple | list) or len(found) != len(trial.outputs):
            shown = type(found).__name__ if not isinstance(found, tuple | list) else f"{len(found)} things"
            raise InputError("", shown, trial.gives)
        for (name, (_, *shape)), part in zip(trial.outputs.items(), found, strict=True) if numbers else ():
            if part is None and name == trial.optional:
                continue
            wanted = [len(seen[0]), *shape]
            if not isinstance(part, Tensor) or list(part.shape) != wanted:
                raise InputError(name, getattr(part, "shape", part), f"a tensor of shape {wanted}")
            if part.dtype != torch.float32:
                raise InputError(name, part.dtype, "float32, as what it is given")
            if not torch.isfinite(part).all():
                raise InputError(name, part.tolist(), numbers)
            if name == trial.optional and not (part > 0.0).all():
                raise InputError(name, part.min().item(), "above 0")
    return found


def try_graph(
    network: OwnT, export: Callable[[OwnT, Path], None], inputs: Mapping[str, AnyArray], output: Callable[..., Tensor]
) -> None:
    """Refuse a network that has no ONNX graph, or one that gives something else.

    Args:
        network: With its ``reference``.
        export: Writes the graph.
        inputs: Of the graph, by name.
        output: What the network makes of the same, as tensors by their order.

    Raises:
        InputError: Says what is wrong with the graph.
    """
    where, training = f"--network: {network.reference}", network.training
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "policy.onnx"
        try:
            export(network, path)
        except Exception as error:  # torch raises anything here
            if axes := re.match(r"Constraints violated \((.*?)\)", str(error)):
                raise InputError(f"{where}: ONNX", f"a constant size ({axes[1]})", _ANY_SIZES) from error
            raise _refused(where, error, "operations that ONNX has") from error
        session, _ = open_session(path, "the network's graph")
        try:
            found = session.run(None, dict(inputs))[0]
        except Exception as error:  # and onnxruntime another one
            raise _refused(f"{where}: ONNX{_line_of(error, path)}", error, _ANY_SIZES) from error
    network.eval()
    with torch.no_grad():
        wanted = output(*map(torch.from_numpy, inputs.values())).numpy()
    network.train(training)
    if not (apart := float(np.abs(found - wanted).max())) <= _SAME:
        raise InputError(f"{where}: ONNX", f"outputs that are {apart:.2g} off", "operations that ONNX repeats")


def _line_of(error: BaseException, path: Path) -> str:
    """`` (file:line)`` that became the node of a graph which onnxruntime complains about; empty if it names none."""
    node = re.search(r"Name:'([^']*)'", str(error))
    entries = [entry for entry in onnx.load(path).graph.node if node and entry.name == node[1]]
    traces = [one.value for entry in entries for one in entry.metadata_props if one.key.endswith("stack_trace")]
    places = re.findall(r'File "([^"]*)", line (\d+)', "".join(traces))
    return f" ({':'.join(places[-1])})" if places else ""


def _refused(where: str, error: BaseException, valid: str) -> InputError:
    """What an exporter's error comes from, in one line: its own words only say that it failed."""
    while not isinstance(error, InputError) and (error.__cause__ or error.__context__) is not None:
        error = error.__cause__ or error.__context__ or error
    if isinstance(error, InputError):  # of the user's own lines, whose place it names
        return InputError(error.where, error.value, valid)
    said = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return InputError(where, said.rpartition("Status Message: ")[2], valid)


def kept_reference(reference: str, folder: Path) -> str:
    """A network's reference in the copy of its file that a checkpoint keeps; one of a package stays there."""
    return moved(reference, folder / SOURCE) if in_file(reference) else reference


def with_copies(options: OptionsT, parts: Sequence[str], folder: Path | Callable[[str, str], str]) -> OptionsT:
    """The options with references into the copies of their files in a checkpoint folder.

    Args:
        options: A dataclass.
        parts: Names of options that are references or tuples of them; anything else in them stays.
        folder: Of the checkpoint; or what each copy's name and reference become.
    """
    change = folder if callable(folder) else lambda name, text: moved(text, folder / name)

    def changed(name: str, text: str) -> str:
        return change(name, text) if is_reference(text) and in_file(text) else text

    found: dict[str, Any] = {}
    for part in parts:
        value = getattr(options, part)
        names = (f"{part}{k or ''}.py" for k in itertools.count())
        found[part] = changed(f"{part}.py", value) if isinstance(value, str) else tuple(map(changed, names, value))
    return dataclasses.replace(options, **found)


def sources_of(options: DataclassInstance, parts: Sequence[str]) -> dict[str, bytes]:
    """The files that the parts come from, by the names of their copies in the checkpoint."""
    found: dict[str, bytes] = {}

    def read(name: str, text: str) -> str:
        load_reference(f"--{name.removesuffix('.py').rstrip('0123456789')}", text)
        found[name] = source_of(text).read_bytes()
        return text

    with_copies(options, parts, read)
    return found
