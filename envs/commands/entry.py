"""What the installed commands call: where packages are missing, they say which extra brings them."""

from __future__ import annotations

import importlib
import sys
from typing import NoReturn

from envs.commands.command import begin, leave


def fleet() -> int:
    """``envs.commands.fleet``."""
    return _main("fleet", "sim")


def train() -> NoReturn:
    """``envs.commands.train``."""
    leave(_main("train", "train"))


def evaluate() -> NoReturn:
    """``envs.commands.evaluate``."""
    leave(_main("evaluate", "train"))


def simulate() -> NoReturn:
    """``envs.commands.simulate``."""
    leave(_main("simulate", "sim"))


def _main(command: str, extra: str) -> int:
    """A command; 2 where what it needs is not installed, as on a robot."""
    begin()
    try:
        module = importlib.import_module(f"envs.commands.{command}")
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in ("envs", "swarm", "policies"):
            raise
        text = f"error: no package {error.name} here; pip install 'swarm-navigation[{extra}]' brings it"
        print(text, file=sys.stderr)
        return 2
    return int(module.main())
