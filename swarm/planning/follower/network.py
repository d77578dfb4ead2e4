"""What is asked of a network of a user's own that ranks a follower's moves."""

from __future__ import annotations

from typing import Any, Protocol

Tensor = Any
"""``torch.Tensor``; this package does not import torch."""


class RankingNetwork(Protocol):
    """A ``torch.nn.Module`` that is trained in place of the built-in follower; made without arguments.

    Robots follow its ONNX graph: its ``forward`` has to be exportable, and evaluation never runs its Python. Every
    robot is a sample: what it gives one must not depend on the others in the batch.
    """

    def forward(self, view: Tensor, own: Tensor) -> tuple[Tensor, Tensor]:
        """Score the moves of S robots, and judge their situations.

        Args:
            view: ``float32[S, CHANNELS, WINDOW, WINDOW]``, layers of the cells around each robot, which looks along its
                way (``swarm.planning.follower.view``).
            own: ``float32[S, OWN]``, the extra cost of each of the five moves, steps without coming nearer, cost left.

        Returns:
            Scores ``float32[S, 5]`` of the moves stay, forward, back, left, right: in training rankings are drawn by
            their softmax, afterwards the highest comes first. And the expected return ``float32[S]``.
        """
        ...
