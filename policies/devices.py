"""Where the network and its optimiser are: on the cores of this machine, or on a GPU. Worlds are stepped on the cores.

What is drawn (exploration, shuffling) is drawn on the cores too, so that a seed means the same on every device, and a
training can go on on another one. One update is then the same to rounding; to the last bit it is repeated only on
cores, on as many threads: a GPU adds up in an order of its own.
"""

from __future__ import annotations

import copy
import os
from typing import Literal, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from swarm.array_types import AnyArray
from swarm.errors import InputError

Device = Literal["cpu", "cuda"]
"""What can be asked for; ROCm's GPUs are called cuda too."""
CPU = torch.device("cpu")
ModuleT = TypeVar("ModuleT", bound=nn.Module)


def device_of(name: str) -> torch.device:
    """The device of this process; each of several on a machine has a GPU of its own.

    Raises:
        InputError: If there is no such device; says what there is.
    """
    if name == "cpu":
        return CPU
    found, processes = torch.cuda.device_count(), int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if found == 0:
        built = torch.version.cuda or torch.version.hip
        why = "finds no GPU" if built else "is built for none"
        raise InputError("--device", name, f"cpu, which is all that there is here: torch {torch.__version__} {why}")
    if processes > found:
        names = ", ".join(torch.cuda.get_device_name(number) for number in range(found))
        raise InputError(f"--device {name}: processes on this machine", processes, f"1 to {found}, one a GPU ({names})")
    return torch.device(name, int(os.environ.get("LOCAL_RANK", "0")))


def to_device(array: AnyArray, device: torch.device) -> Tensor:
    """A copy of an array on a device; whoever gave it may write into it at once."""
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    if device.type == "cuda":
        tensor = tensor.pin_memory()  # a copy that the GPU fetches while the cores go on
    return tensor.to(device, non_blocking=True, copy=True)


def on_cpu(network: ModuleT) -> ModuleT:
    """The network if it is there, else a copy: files are the same wherever it was trained."""
    away = any(tensor.device.type != "cpu" for tensor in network.state_dict().values())
    return copy.deepcopy(network).cpu() if away else network


def shown(device: torch.device) -> str:
    """What a card says of the hardware beside the processor."""
    return "" if device.type == "cpu" else f", networks on {torch.cuda.get_device_name(device)}"
