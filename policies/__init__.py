"""Networks and their training (torch); nothing here is needed to run a robot, which reads the ONNX file."""

from pathlib import Path

CHECKPOINTS = Path(__file__).parent / "checkpoints"
"""The shipped ones; an entry point of the project names this folder, so that robots find it (`swarm`)."""
