"""Settings of PPO by their names in files: those of the first version, so that its trainings can be resumed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

IN_FILES = {"gamma": "discount", "gae_lambda": "trace", "clip_coef": "clip", "max_grad_norm": "largest_gradient"}


def to_file(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings under their names in files."""
    return {IN_FILES.get(name, name): value for name, value in settings.items()}


def from_file(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings under their names in code."""
    in_code = {old: new for new, old in IN_FILES.items()}
    return {in_code.get(name, name): value for name, value in settings.items()}
