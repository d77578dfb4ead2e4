"""Kernels of the messages of a graph, forward and backward, for a part of the robots.

The edges of a robot stand one after the other: those of robot i from ``start[i]`` to ``start[i + 1]``. So all that
concerns a robot is done while it is in the cache, and nothing that belongs to an edge is gathered or scattered.
A part is the robots from ``first`` to ``last``; parts write different rows, and may be run at the same time.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from swarm.array_types import AnyArray, Float32s, Int32s, Int64s


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def hidden_of(
    first: int, last: int, start: Int64s, received: Float32s, edges: Float32s, weight: Float32s, hidden: Float32s
) -> None:
    """Hidden features [e, width]: relu(received + edges weight).

    Args:
        first: First robot of the part.
        last: The one behind its last.
        start: First edge of each robot, and the number of edges, [n + 1].
        received: What comes from the robot itself, [n, width].
        edges: Features [e, k]; many are 0.
        weight: [k, width].
        hidden: Result.
    """
    width = received.shape[1]
    for i in range(first, last):
        for j in range(start[i], start[i + 1]):
            for f in range(width):
                hidden[j, f] = received[i, f]
            for c in range(edges.shape[1]):
                value = edges[j, c]
                if value != 0.0:
                    for f in range(width):
                        hidden[j, f] += value * weight[c, f]
            for f in range(width):
                hidden[j, f] = max(hidden[j, f], np.float32(0.0))


@njit(cache=True, nogil=True)
def largest_of(
    first: int, last: int, start: Int64s, sent: Float32s, taken: Float32s, largest: Float32s, chosen: Int32s
) -> None:
    """Largest of the messages relu(sent) taken [e, width] to each robot, and the edge that each came on.

    Args:
        first: First robot of the part.
        last: The one behind its last.
        start: First edge of each robot, and the number of edges, [n + 1].
        sent: Messages before their relu, [e, width].
        taken: How much each counts, [e], not negative.
        largest: Result [n, width]; 0 where no message is larger.
        chosen: Result [n, width]: the edge, the first one of those that are equal; -1 where no message is above 0.
    """
    width = sent.shape[1]
    for i in range(first, last):
        for f in range(width):
            largest[i, f] = 0.0
            chosen[i, f] = -1
        for j in range(start[i], start[i + 1]):
            share = taken[j]
            for f in range(width):
                message = sent[j, f] * share
                larger = message > largest[i, f]
                largest[i, f] = message if larger else largest[i, f]
                chosen[i, f] = j if larger else chosen[i, f]


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def add_gradients(
    first: int, last: int, start: Int64s, gradient: Float32s, chosen: Int32s, saved: tuple[Float32s, ...],
    to_robot: Float32s, to_edge: Float32s, to_weights: tuple[Float32s, ...],
) -> None:  # fmt: skip
    """The gradients of the messages. Each feature of a robot sends its gradient to the one edge that was largest.

    Args:
        first: First robot of the part.
        last: The one behind its last.
        start: First edge of each robot, and the number of edges, [n + 1].
        gradient: Of the largest messages, [n, width].
        chosen: Their edges, [n, width].
        saved: Of the forward pass: hidden [e, width], edges [e, k], taken [e], weight of the messages [width, width].
        to_robot: Result [n, width]: of ``received``.
        to_edge: Result [e, width]: of hidden before its relu. Without rows if nobody asks for it.
        to_weights: Of this part, all 0 before: of the edges' weight [k, width], the messages' weight [width, width]
            and the messages' bias [width].
    """
    hidden, edges, taken, weight = saved
    of_edges, of_weight, of_bias = to_weights
    width, most = hidden.shape[1], 0
    for i in range(first, last):
        most = max(most, start[i + 1] - start[i])
    rows = np.empty((most, width), np.float32)
    for i in range(first, last):
        begin, count = start[i], start[i + 1] - start[i]
        rows[:count] = 0.0
        for f in range(width):
            edge = chosen[i, f]
            if edge >= 0 and gradient[i, f] != 0.0:
                value = gradient[i, f] * taken[edge]
                of_bias[f] += value
                row = rows[edge - begin]
                for h in range(width):
                    row[h] += value * weight[f, h]
                for h in range(width):
                    of_weight[f, h] += value * hidden[edge, h]
        for h in range(width):
            to_robot[i, h] = 0.0
        for j in range(count):
            row, edge = rows[j], begin + j
            for h in range(width):
                row[h] = row[h] if hidden[edge, h] > 0.0 else np.float32(0.0)
            for h in range(width):
                to_robot[i, h] += row[h]
            for c in range(edges.shape[1]):
                value = edges[edge, c]
                if value != 0.0:
                    for h in range(width):
                        of_edges[c, h] += value * row[h]
            if len(to_edge) > 0:
                to_edge[edge] = row
