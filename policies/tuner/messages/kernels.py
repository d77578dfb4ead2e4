"""Kernels of the messages of a graph, forward and backward, for a part of the robots.

The edges of a robot stand one after the other: those of robot i from ``start[i]`` to ``start[i + 1]``. So all that
concerns a robot is done while it is in the cache, and nothing that belongs to an edge is gathered or scattered.
A part is the robots from ``first`` to ``last``; parts write different rows, and may run at the same time.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from swarm.array_types import Flags, Float32s, Int32s, Int64s


@njit(cache=True, nogil=True)
def gather(first: int, last: int, start: Int64s, index: Int64s, mask: Flags, edges: Float32s, used: Float32s) -> None:
    """Edges of the slots in use.

    Args:
        first: First robot of the part.
        last: The one behind its last.
        start: First edge of each robot, and the number of edges, [n + 1].
        index: Where each robot stands among the padded ones, [n].
        mask: Which slots are in use, [rows, P].
        edges: What is in the slots, [rows, P, k].
        used: Result [e, k].
    """
    for i in range(first, last):
        row, j = index[i], start[i]
        for slot in range(mask.shape[1]):
            if mask[row, slot]:
                for c in range(edges.shape[2]):
                    used[j, c] = edges[row, slot, c]
                j += 1


@njit(cache=True, nogil=True)
def hide(first: int, last: int, start: Int64s, received: Float32s, hidden: Float32s) -> None:
    """Add what comes from the robot itself, ``received`` [n, width], to ``hidden`` [e, width], and take the relu."""
    for i in range(first, last):
        for j in range(start[i], start[i + 1]):
            for f in range(hidden.shape[1]):
                hidden[j, f] = max(hidden[j, f] + received[i, f], np.float32(0.0))


@njit(cache=True, nogil=True)
def unhide(first: int, last: int, start: Int64s, hidden: Float32s, gradient: Float32s, to_received: Float32s) -> None:
    """Gradients of what ``hide`` added.

    Args:
        first: First robot of the part.
        last: The one behind its last.
        start: First edge of each robot, and the number of edges, [n + 1].
        hidden: As ``hide`` gave it, [e, width].
        gradient: Of ``hidden`` [e, width] afterwards; becomes that of ``hidden`` before.
        to_received: Result [n, width].
    """
    for i in range(first, last):
        for f in range(hidden.shape[1]):
            to_received[i, f] = 0.0
        for j in range(start[i], start[i + 1]):
            for f in range(hidden.shape[1]):
                gradient[j, f] = gradient[j, f] if hidden[j, f] > 0.0 else np.float32(0.0)
                to_received[i, f] += gradient[j, f]


@njit(cache=True, nogil=True)
def choose(
    first: int, last: int, start: Int64s, sent: Float32s, taken: Float32s, largest: Float32s, chosen: Int32s
) -> None:
    """Largest of the messages relu(sent) taken [e, width] to each robot, and the edge that each came on.

    Args:
        first: First robot of the part.
        last: The one behind its last.
        start: First edge of each robot, and the number of edges, [n + 1].
        sent: Messages before their relu, [e, width].
        taken: How much each counts, [e], not negative.
        largest: Result [n, width]; 0 where no message is above 0.
        chosen: Result [n, width]: the edge, the first one of those that are equal; -1 where no message is above 0.
    """
    for i in range(first, last):
        for f in range(sent.shape[1]):
            largest[i, f] = 0.0
            chosen[i, f] = -1
        for j in range(start[i], start[i + 1]):
            share = taken[j]
            for f in range(sent.shape[1]):
                message = sent[j, f] * share
                larger = message > largest[i, f]
                largest[i, f] = message if larger else largest[i, f]
                chosen[i, f] = j if larger else chosen[i, f]


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def unchoose(
    first: int, last: int, start: Int64s, chosen: Int32s, taken: Float32s, hidden: Float32s, to_largest: Float32s,
    to_sent: Float32s, to_weight: Float32s, to_bias: Float32s,
) -> None:  # fmt: skip
    """Gradients of messages sent = hidden weightᵀ + bias: each feature sends its own to the one edge that was chosen.

    Args:
        first: First robot of the part.
        last: The one behind its last.
        start: First edge of each robot, and the number of edges, [n + 1].
        chosen: As ``choose`` gave it, [n, width].
        taken: As ``choose`` was given it, [e].
        hidden: What messages are made of, [e, width].
        to_largest: Gradient of the largest messages, [n, width].
        to_sent: Result [e, width].
        to_weight: The gradient of the weight [width, width] is added to it.
        to_bias: That of the bias [width] is added to it.
    """
    width = chosen.shape[1]
    feature = np.empty(width + 1, np.int64)
    for i in range(first, last):
        for j in range(start[i], start[i + 1]):
            share = taken[j]
            for f in range(width):
                to_sent[j, f] = to_largest[i, f] * share if chosen[i, f] == j else np.float32(0.0)
        # Listed before they are used: a branch for each feature would be guessed wrong half of the time.
        listed = 0
        for f in range(width):
            feature[listed] = f
            listed += chosen[i, f] >= 0
        for f in feature[:listed]:
            j = chosen[i, f]
            value = to_sent[j, f]
            to_bias[f] += value
            for h in range(width):
                to_weight[f, h] += value * hidden[j, h]
