"""The largest messages of a graph as one operation, with its gradient; see ``policies.tuner.network`` for the formula.

The hidden layer and the maximum are kernels of our own on as many threads as torch uses, the product of the second
layer is oneDNN's. The gradient is sparse: of each feature of a robot one message alone, the largest, gets any.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor

from policies.linear import product
from policies.tuner.message_kernels import add_gradients, hidden_of, largest_of

_FEW = 256
"""Robots that are not worth a thread."""
_pool: ThreadPoolExecutor | None = None


def _forget_pool() -> None:
    """In a forked child: the threads are not there."""
    global _pool
    _pool = None


os.register_at_fork(after_in_child=_forget_pool)


def in_parts(work: Callable[[int, int, int], None], robots: int) -> None:
    """Run ``work(part, first, last)`` for every part of the robots, all at the same time."""
    global _pool
    parts = parts_of(robots)
    ends = [robots * part // parts for part in range(parts + 1)]
    if parts > 1 and _pool is None:
        _pool = ThreadPoolExecutor(thread_name_prefix="messages")
    others = [_pool.submit(work, part, *ends[part : part + 2]) for part in range(1, parts)] if _pool else []
    work(0, *ends[:2])
    for other in others:
        other.result()


def parts_of(robots: int) -> int:
    """Into how many parts so many robots are split: one for each of torch's threads, if they are worth it."""
    return max(1, min(torch.get_num_threads(), robots // _FEW))


class LargestMessages(torch.autograd.Function):
    """Largest messages [n, width] to robots: max(0, max_j relu(weight relu(received_i + edges_j of_edges) + bias))."""

    @staticmethod
    def forward(
        ctx: Any, received: Tensor, edges: Tensor, of_edges: Tensor, weight: Tensor, bias: Tensor, taken: Tensor,
        start: Tensor,
    ) -> Tensor:  # fmt: skip
        """See ``policies.tuner.message_kernels`` for the arguments."""
        robots, width = received.shape
        hidden, chosen = edges.new_empty(len(edges), width), np.empty((robots, width), np.int32)
        ctx.save_for_backward(edges, of_edges, weight, taken, start, hidden)
        begin, counts = start.numpy(), taken.numpy()
        inputs = [part.detach().contiguous().numpy() for part in (received, edges, of_edges)]
        in_parts(lambda _, first, last: hidden_of(first, last, begin, *inputs, hidden.numpy()), robots)
        sent, largest = product(hidden, weight, bias).numpy(), np.empty((robots, width), np.float32)
        in_parts(lambda _, first, last: largest_of(first, last, begin, sent, counts, largest, chosen), robots)
        ctx.chosen = chosen
        return torch.from_numpy(largest)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of ``received``, ``edges``, ``of_edges``, ``weight`` and ``bias``."""
        edges, of_edges, weight, taken, start, hidden = ctx.saved_tensors
        robots, width, parts = *gradient.shape, parts_of(len(gradient))
        asked = ctx.needs_input_grad[1]
        to_robot, to_edge = gradient.new_empty(robots, width), gradient.new_empty(len(edges) if asked else 0, width)
        shapes = (of_edges.shape, weight.shape, (width,))
        sums = [np.zeros((parts, *shape), np.float32) for shape in shapes]
        saved = tuple(part.detach().contiguous().numpy() for part in (hidden, edges, taken, weight))
        given = start.numpy(), gradient.contiguous().numpy(), ctx.chosen
        results = to_robot.numpy(), to_edge.numpy()

        def work(part: int, first: int, last: int) -> None:
            add_gradients(first, last, *given, saved, *results, tuple(total[part] for total in sums))

        in_parts(work, robots)
        to_edges = product(to_edge, of_edges) if asked else None
        return to_robot, to_edges, *(torch.from_numpy(total.sum(axis=0)) for total in sums), None, None
