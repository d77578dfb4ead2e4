"""Networks and their training (torch), and the shipped checkpoints.

A robot needs no code of this package: it reads the ONNX file. Worlds to train in are handed in by ``launch/train.py``.
"""

from pathlib import Path

from swarm.kernel_cache import register_kernels

register_kernels("policies", Path(__file__).parent)

CHECKPOINTS = Path(__file__).parent / "checkpoints"
"""The shipped ones; an entry point of the project names this folder, so that robots find it (``swarm``)."""
