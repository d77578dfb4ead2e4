"""What the installed commands call: where packages are missing, they say which extra brings them.

Nothing that takes long is loaded before ``begin``, here and in the ``__init__.py`` of the packages around this file: an
interrupt leaves one line from then on.
"""

from __future__ import annotations

import importlib
import sys
from typing import NoReturn

from envs.commands.command import begin, leave


def robot() -> int:
    """``swarm.runtime.process``."""
    return _main("swarm.runtime.process", "")


def doctor() -> int:
    """``envs.commands.doctor``."""
    return _main("envs.commands.doctor", "")


def fleet() -> int:
    """``envs.commands.fleet``."""
    return _main("envs.commands.fleet", "sim")


def train() -> NoReturn:
    """``envs.commands.train``."""
    leave(_main("envs.commands.train", "train"))


def evaluate() -> NoReturn:
    """``envs.commands.evaluate``."""
    leave(_main("envs.commands.evaluate", "train"))


def simulate() -> NoReturn:
    """``envs.commands.simulate``."""
    leave(_main("envs.commands.simulate", "sim"))


def _main(module: str, extra: str) -> int:
    """The ``main`` of a module; 2 where what it needs is not installed, as on a robot, which needs no ``extra``."""
    begin()
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if not extra or (error.name or "").split(".")[0] in ("envs", "swarm", "policies"):
            raise
        text = f"error: no package {error.name} here; pip install 'swarm-navigation[{extra}]' brings it"
        print(text, file=sys.stderr)
        return 2
    return int(found.main())
