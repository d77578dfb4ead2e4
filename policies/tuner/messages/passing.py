"""What happens to messages robot by robot, with gradients; ``policies.tuner.neighbourhood`` has the formula.

Torch would gather, scatter, and search the largest again in the backward pass; the kernels go through the edges once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor

from policies.linear import product
from policies.tuner.messages.kernels import choose, hide, unchoose, unhide

_FEW = 2048
"""Robots that are not worth a thread: a step of the worlds has fewer, a minibatch more."""
_pool: ThreadPoolExecutor | None = None


def _forget_pool() -> None:
    """In a forked child: the threads are not there."""
    global _pool
    _pool = None


os.register_at_fork(after_in_child=_forget_pool)


def parts_of(start: Tensor) -> int:
    """Into how many parts the robots are split: one for each of torch's threads, if there are enough of them."""
    return max(1, min(torch.get_num_threads(), (len(start) - 1) // _FEW))


def in_parts(kernel: Callable[..., None], start: Tensor, shared: Sequence[Tensor], own: Sequence[Tensor] = ()) -> None:
    """Run a kernel for all parts of the robots at the same time.

    Args:
        kernel: Of ``policies.tuner.messages.kernels``.
        start: First edge of each robot, and the number of edges, [n + 1].
        shared: What the parts share.
        own: What has a row for each part.
    """
    global _pool
    parts, robots = parts_of(start), len(start) - 1
    arrays = [tensor.detach().contiguous().numpy() for tensor in (start, *shared)]
    calls = [
        (robots * part // parts, robots * (part + 1) // parts, *arrays, *(rows[part].numpy() for rows in own))
        for part in range(parts)
    ]
    if parts > 1 and _pool is None:
        _pool = ThreadPoolExecutor(thread_name_prefix="messages")
    others = [_pool.submit(kernel, *call) for call in calls[1:]] if _pool else []
    kernel(*calls[0])
    for other in others:
        other.result()


class Hidden(torch.autograd.Function):
    """relu(received_i + weight edge_ij) [E, width].

    Of received [N, width], edges [E, k], weight [width, k], start [N + 1]; 0 in the rows behind the last edge.
    """

    @staticmethod
    def forward(ctx: Any, received: Tensor, edges: Tensor, weight: Tensor, start: Tensor) -> Tensor:
        """Hidden features of the messages."""
        hidden = product(edges, weight)
        hidden[start[-1] :] = 0.0
        in_parts(hide, start, [received, hidden])
        ctx.save_for_backward(hidden, edges, weight, start)
        return hidden

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor | None, Tensor, None]:
        """Gradients of ``received``, ``edges`` and ``weight``."""
        hidden, edges, weight, start = ctx.saved_tensors
        to_received = gradient.new_empty(len(start) - 1, gradient.shape[1])
        # In place: ``Largest`` made this gradient, and nobody else has it.
        in_parts(unhide, start, [hidden, gradient, to_received])
        to_edges = product(gradient, weight.t()) if ctx.needs_input_grad[1] else None
        return to_received, to_edges, product(edges.t(), gradient.t()).t(), None


class Largest(torch.autograd.Function):
    """max(0, max_j relu(weight hidden_ij + bias) taken_ij) [N, width].

    Of hidden [E, width], weight [width, width], bias [width], taken [E], start [N + 1].
    """

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor, taken: Tensor, start: Tensor) -> Tensor:
        """Largest messages."""
        largest = hidden.new_empty(len(start) - 1, hidden.shape[1])
        chosen = torch.empty_like(largest, dtype=torch.int32)
        in_parts(choose, start, [product(hidden, weight, bias), taken, largest, chosen])
        ctx.save_for_backward(hidden, weight, chosen, taken, start)
        return largest

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        """Gradients of ``hidden``, ``weight`` and ``bias``."""
        hidden, weight, chosen, taken, start = ctx.saved_tensors
        parts, to_sent = parts_of(start), torch.empty_like(hidden)
        to_weight, to_bias = weight.new_zeros(parts, *weight.shape), weight.new_zeros(parts, len(weight))
        to_sent[start[-1] :] = 0.0
        in_parts(unchoose, start, [chosen, taken, hidden, gradient, to_sent], [to_weight, to_bias])
        return product(to_sent, weight.t()), to_weight.sum(dim=0), to_bias.sum(dim=0), None, None
