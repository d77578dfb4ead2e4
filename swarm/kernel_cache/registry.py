"""Which packages have kernels, and how numba is told of it.

To import numba takes a third of a second. So it is told when somebody imports it, and importing ``swarm`` costs little.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from swarm.errors import SwarmError

_SETTING = "CACHE_LOCATOR_CLASSES"
_OURS = "swarm.kernel_cache.locator.KernelLocator"
# For functions that have nothing to do with ours; numba's own, in its own order.
_OTHERS = "UserProvidedCacheLocator,InTreeCacheLocator,UserWideCacheLocator,IPythonCacheLocator,ZipCacheLocator"
roots: dict[str, Path] = {}
"""Folders of the registered packages, by the names by which they are imported."""


def register_kernels(package: str, folder: Path) -> None:
    """Keep the kernels of a package under hashes of their sources; call it before the first one is decorated.

    Args:
        package: Name by which it is imported.
        folder: Where its sources are.

    Raises:
        SwarmError: If this numba cannot be told, here or when it is imported; then it might load stale kernels.
    """
    roots[package] = folder
    if "numba" in sys.modules:
        _tell_numba()
    elif not any(isinstance(finder, _WhenNumbaComes) for finder in sys.meta_path):
        sys.meta_path.insert(0, _WhenNumbaComes())


def _tell_numba() -> None:
    import numba
    from numba.core import config

    if not hasattr(config, _SETTING):
        raise SwarmError(f"numba {numba.__version__} cannot be told where to keep kernels: 0.62 or newer is needed")
    setattr(config, _SETTING, f"{_OURS},{_OTHERS}")


class _WhenNumbaComes:
    """Finds numba as it would be found anyway, and has it told as soon as it is loaded."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Of numba; everything else is found by those behind (``importlib.abc.MetaPathFinder``)."""
        if name != "numba":
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        load = spec.loader.exec_module

        def load_and_tell(module: ModuleType) -> None:
            load(module)
            _tell_numba()

        spec.loader.exec_module = load_and_tell  # type: ignore[method-assign]
        return spec
