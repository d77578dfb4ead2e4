"""Training in several processes: all that they have to agree on.

``torchrun --nproc-per-node K launch/train.py tuner`` (or ``follower``) starts K processes, on one machine or
(``--nnodes``) on many. Each steps worlds of its own; all hold the same network, and take the same steps on the sum of
their gradients. In a process that is alone nothing is sent, and every function here is the plain one. What is sent is
small (a network's gradients, a few sums), so it goes through the memory of the cores wherever the network is.

One step of K processes is, to rounding, that of one process on the same samples (tests/policies/test_distributed.py).
Whole trainings draw different samples; their success rates in ``progress.csv`` have to agree within the spread of
seeds S = 0, 1, 2:

    torchrun --nproc-per-node 2 launch/train.py tuner --worlds 64 --seed S --out runs/two_S
    python launch/train.py tuner --worlds 128 --seed S --out runs/one_S
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable

import numba
import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

THREADS = 2
"""Of torch, by all processes of a machine together, if nobody says how many."""


def join() -> None:
    """Meet the other processes, if torchrun has started any; they speak over TCP (gloo)."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        dist.init_process_group("gloo")


def leave() -> None:
    """End what :func:``join`` began."""
    if dist.is_initialized():
        dist.destroy_process_group()


def share_cores(threads: int | None) -> int:
    """Set the threads of torch, and of the simulation where processes share this machine; returns the former."""
    local = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    threads = threads or max(1, THREADS // local)
    torch.set_num_threads(threads)
    if local > 1:
        numba.set_num_threads(max(1, numba.get_num_threads() // local))
    return threads


def rank() -> int:
    """Number of this process; 0 is the one that writes files and talks to the user."""
    return dist.get_rank() if dist.is_initialized() else 0


def size() -> int:
    """Number of processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


def own_seed(seed: int) -> int:
    """A seed for what is different in every process; that of the first process is ``seed``."""
    return seed if rank() == 0 else int(np.random.SeedSequence((seed, rank())).generate_state(1)[0])


def total(*values: float) -> list[float]:
    """Each value summed over all processes."""
    if size() == 1:
        return list(values)
    sums = torch.tensor([*values, 0.0], dtype=torch.float64)
    dist.all_reduce(sums)
    return [float(value) for value in sums[:-1]]


def agree(*wishes: bool) -> list[bool]:
    """For each wish whether any process has it; all wait for one another."""
    return [count > 0.0 for count in total(*map(float, wishes))]


def moments(values: Tensor, correction: int = 0) -> tuple[Tensor, Tensor, int]:
    """Mean, standard deviation and number (1 if there are none) of the values of all processes together.

    Args:
        values: Of this process.
        correction: What the number is less by in the mean of the squares: 1 estimates the deviation of a sample.
    """
    if size() == 1:
        return values.mean(), values.std(correction=correction), max(values.numel(), 1)
    count, first = total(values.numel(), float(values.double().sum()))
    mean = first / max(count, 1.0)
    (second,) = total(float((values.double() - mean).square().sum()))
    spread = (second / max(count - correction, 1.0)) ** 0.5
    return values.new_tensor(mean), values.new_tensor(spread), max(int(count), 1)


def variance(values: Tensor) -> Tensor:
    """Estimate of the variance that the values of all processes together are a sample of."""
    return values.var() if size() == 1 else moments(values, correction=1)[1].square()


def normalised(values: Tensor, kind: Tensor, counted: Tensor) -> Tensor:
    """Values [n] with mean 0 and deviation 1 in each kind by itself, over all processes; 0 where not ``counted``."""
    result, found = torch.zeros_like(values), kind[counted].unique().tolist()
    parts = gather(json.dumps(found).encode())
    for number in sorted({number for part in parts for number in json.loads(part)}):
        chosen = counted & (kind == number)
        mean, spread, _ = moments(values[chosen])
        result[chosen] = (values[chosen] - mean) / (spread + 1e-8)
    return result


def add_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace every gradient by its sum over all processes."""
    if size() == 1:
        return
    parameters = list(parameters)
    for parameter, used in zip(parameters, agree(*(one.grad is not None for one in parameters)), strict=True):
        if used and parameter.grad is None:  # by the samples of other processes alone
            parameter.grad = torch.zeros_like(parameter)
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients]).cpu()
    dist.all_reduce(flat)
    for gradient, part in zip(gradients, flat.split([gradient.numel() for gradient in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))


def start_alike(module: nn.Module) -> None:
    """Give all processes the parameters and buffers of the first one."""
    if size() > 1:
        for tensor in module.state_dict().values():
            sent = tensor.cpu()
            dist.broadcast(sent, 0)
            tensor.copy_(sent)


def gather(data: bytes) -> list[bytes]:
    """What every process gives, in order of their numbers."""
    if size() == 1:
        return [data]
    lengths = [torch.zeros(1, dtype=torch.int64) for _ in range(size())]
    dist.all_gather(lengths, torch.tensor([len(data)]))
    longest = max(int(length) for length in lengths)
    parts = [torch.zeros(longest, dtype=torch.uint8) for _ in range(size())]
    dist.all_gather(parts, torch.from_numpy(np.frombuffer(data.ljust(longest, b"\0"), np.uint8).copy()))
    return [part[: int(length)].numpy().tobytes() for part, length in zip(parts, lengths, strict=True)]
