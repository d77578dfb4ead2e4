"""What is asked of a network of a user's own that proposes the tunables."""

from __future__ import annotations

from typing import Any, Protocol

Tensor = Any
"""``torch.Tensor``; this package does not import torch."""


class Network(Protocol):
    """A ``torch.nn.Module`` that is trained in place of the built-in one; made without arguments.

    Robots drive by the ONNX graph that it is exported to: its ``forward`` has to be exportable, and deployment never
    runs its Python. Every robot is a sample: what it gives one must not depend on the others in the batch.
    """

    def forward(self, ego: Tensor, edges: Tensor, mask: Tensor) -> tuple[Tensor, Tensor | None, Tensor]:
        """Propose actions for S robots, and judge their situations.

        Args:
            ego: ``float32[S, EGO]``, each robot's own features (``swarm.tune.observation``). A network that cannot take
                so many columns is given the first ``EGO_EXACT``, without what is declared as not exact.
            edges: ``float32[S, P, EDGE]``, what it senses: robots and obstacles. P differs from call to call, is at
                least 1, and the contents of empty slots are 0.
            mask: ``bool[S, P]``, True where a slot is in use; perhaps nowhere.

        Returns:
            The mean of the actions ``float32[S, 6]`` in [0, 1]; their standard deviation ``float32[S, 6]`` above 0, or
            None for that of the option ``--ppo.noise``; and the expected return ``float32[S]``.
        """
        ...
