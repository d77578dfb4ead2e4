"""Tells numba where a kernel is kept: in one folder for all checkouts, under a hash of what it is made of."""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba.core import caching, config
from numba.core.caching import IndexDataCacheFile

from swarm.kernel_cache.registry import roots
from swarm.kernel_cache.source import SourceTree

# Older states of a kernel that are kept, so that changing between states of the source compiles nothing.
_KEPT = 4
_ENDINGS = (".nbi", ".nbc")
# What reading a pickle raises whose class is not where it was.
_MOVED = AttributeError, ImportError


@cache
def cache_folder() -> Path:
    """Folder of all kernels: of ``NUMBA_CACHE_DIR``, else of the user; a passing one if neither can be written."""
    given = os.environ.get("NUMBA_CACHE_DIR")
    with contextlib.suppress(OSError, RuntimeError):  # in a container a user may have no home
        base = Path(given) if given else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "swarm"
        folder = base / "kernels"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        tempfile.TemporaryFile(dir=folder).close()
        return folder
    passing = tempfile.mkdtemp(prefix="swarm-kernels-")
    atexit.register(shutil.rmtree, passing, ignore_errors=True)
    return Path(passing)


class KernelLocator:
    """Numba's protocol of a cache locator (``numba.core.caching``), for functions of registered packages.

    A function elsewhere that imports a registered package counts too: what it calls may change without it.
    """

    def __init__(self, digest: str, folder: Path, name: str) -> None:
        self._digest, self._folder, self._name = digest, folder, name

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], py_file: str) -> KernelLocator | None:
        """The locator of a function, or None if numba's own may take it."""
        digest = _digest_of(py_func, py_file)
        name = f"{Path(py_file).stem}.{py_func.__qualname__}".replace("<", "").replace(">", "")  # As numba does.
        return None if digest is None else cls(digest, cache_folder() / py_func.__module__, name)

    def get_cache_path(self) -> str:
        """The folder: one for each module."""
        return str(self._folder)

    def get_source_stamp(self) -> str:
        """What the file must have been made of."""
        return self._digest

    def get_disambiguator(self) -> str:
        """Part of the file's name, so that the states of a kernel stand side by side."""
        return self._digest[:20]

    def ensure_cache_path(self) -> None:
        """Before a kernel is written: room is made, older states of it go."""
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _prune(self._folder, self._name, self.get_disambiguator())


class _Files(IndexDataCacheFile):
    """Numba's files of a kernel, of which those count as absent that name a type which stands elsewhere by now.

    A kernel that takes a tuple of a class is kept with the place of that class, which is no part of what it is made of.
    """

    def _load_index(self) -> dict[Any, str]:
        try:
            found: dict[Any, str] = super()._load_index()  # type: ignore[no-untyped-call]
            return found
        except _MOVED:
            return {}

    def _load_data(self, name: str) -> Any:
        try:
            return super()._load_data(name)  # type: ignore[no-untyped-call]
        except _MOVED as error:
            raise OSError(str(error)) from error  # as numba expects of a file that is gone

    def save(self, key: Any, data: Any) -> None:
        """Keep a kernel, if the disk has room for it; where it has none, the next start compiles it again."""
        with contextlib.suppress(OSError):
            super().save(key, data)  # type: ignore[no-untyped-call]


caching.IndexDataCacheFile = _Files  # type: ignore[misc]


def _digest_of(function: Callable[..., Any], file: str) -> str | None:
    """Hash of all that a function is made of; None if it has nothing to do with the registered packages."""
    tree, known = _sources(tuple(sorted(roots.items())))
    module, name = function.__module__, function.__qualname__.partition(".")[0]
    path = Path(file)
    ours = tree.follows(module) and path.is_relative_to(roots[module.partition(".")[0]])
    if not ours and not (path.is_file() and tree.imported_by(path)):
        return None
    found = known.get(f"{module}:{name}") if ours else tree.digest(module, name, path)
    total = hashlib.sha256((found or tree.digest(module, name)).encode())
    total.update(f"{module}:{function.__qualname__} {_machinery()}".encode())
    for cell in function.__closure__ or ():  # Kernels that were handed to the function that made this one.
        inner = getattr(cell.cell_contents, "py_func", None)
        if inner is not None:
            total.update(str(_digest_of(inner, inner.__code__.co_filename)).encode())
    return total.hexdigest()


def _machinery() -> str:
    """What else a kernel's code depends on, besides what numba itself looks at."""
    settings = [getattr(config, name) for name in ("BOUNDSCHECK", "OPT")]
    return f"{numba.__version__} {np.__version__} {settings}"


@cache
def _state_of(package: str, folder: Path) -> bytes:
    """Hash of the sources of one package; they are read once, however many packages are registered after it."""
    state = hashlib.sha256()
    for _, path in SourceTree({package: folder}).files():
        state.update(f"{package} {path.relative_to(folder)}\0".encode() + path.read_bytes())
    return state.digest()


@cache
def _sources(packages: tuple[tuple[str, Path], ...]) -> tuple[SourceTree, dict[str, str]]:
    """The sources of packages, and the hash of each kernel in them: worked out once for each state of the files."""
    tree = SourceTree(dict(packages))
    state = hashlib.sha256(Path(__file__).with_name("source.py").read_bytes())
    for package, folder in packages:
        state.update(_state_of(package, folder))
    table = cache_folder() / f"sources-{'-'.join(name for name, _ in packages)}-{state.hexdigest()[:20]}.json"
    with contextlib.suppress(OSError, ValueError):
        return tree, json.loads(table.read_text(encoding="utf-8"))
    known = {f"{module}:{name}": tree.digest(module, name) for module, name in tree.decorated()}
    passing = table.with_suffix(f".{os.getpid()}")
    try:
        passing.write_text(json.dumps(known), encoding="utf-8")
        passing.replace(table)
        _keep_newest(list(table.parent.glob("sources-*.json")))
    except OSError:
        _remove([passing])
    return tree, known


def _prune(folder: Path, name: str, current: str) -> None:
    """Remove all but the last few states of one kernel."""
    files = [path for path in folder.glob(f"{name}-*") if path.suffix in _ENDINGS and current not in path.name]
    states: dict[str, list[Path]] = {}
    for path in files:
        states.setdefault(path.name.removeprefix(f"{name}-").partition(".")[0], []).append(path)
    for state in sorted(states.values(), key=_age)[:-_KEPT]:
        _remove(state)


def _keep_newest(files: list[Path]) -> None:
    _remove(sorted(files, key=lambda path: _age([path]))[: -2 * _KEPT])


def _age(files: list[Path]) -> float:
    """When the newest of some files was written; another process may have removed them meanwhile."""
    newest = 0.0
    for path in files:
        with contextlib.suppress(OSError):
            newest = max(newest, path.stat().st_mtime)
    return newest


def _remove(files: list[Path]) -> None:
    for path in files:
        with contextlib.suppress(OSError):
            path.unlink()
