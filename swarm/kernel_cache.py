"""Where compiled kernels are kept: one folder for each state of the source.

Numba notices a change only in the file of the function that it loads, not in the functions that this one calls: after
an update it would go on running the old barrier inside the new filter. A folder named after a hash of all sources
rules that out.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from pathlib import Path

import numba

# Older states of the source whose kernels are kept, so that changing between two of them compiles nothing.
_KEPT = 3
_PREFIX = "kernels-"
# The control process calls kernels and has none, and none calls it.
_WITHOUT = "runtime"


def use_kernel_cache() -> Path:
    """Point numba to the folder of this state of the source; returns it."""
    package = Path(__file__).resolve().parent
    given = os.environ.get("NUMBA_CACHE_DIR")
    base = Path(given) if given else package / "__pycache__"
    if not given and not _writable(base):
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "swarm"
    folder = base / f"{_PREFIX}{_digest(package)}"
    if not folder.is_dir():
        with contextlib.suppress(OSError):  # without a cache everything works, later
            folder.mkdir(parents=True)
            _prune(base, folder)
    setattr(numba.config, "CACHE_DIR", str(folder))  # noqa: B010 - numba makes its settings at run time
    return folder


def _digest(package: Path) -> str:
    """Hash of all sources that kernels are made from: this package, and its neighbour that holds the batched ones."""
    total = hashlib.sha256()
    for path in [*sorted(package.rglob("*.py")), *sorted(package.parent.glob("envs/*_kernels.py"))]:
        if package / _WITHOUT not in path.parents:
            total.update(path.name.encode() + path.read_bytes())
    return total.hexdigest()[:16]


def _writable(folder: Path) -> bool:
    with contextlib.suppress(OSError):
        folder.mkdir(exist_ok=True)
    return os.access(folder, os.W_OK)


def _prune(base: Path, current: Path) -> None:
    """Remove the folders of all but the last few states."""
    old = sorted((p for p in base.glob(f"{_PREFIX}*") if p != current), key=lambda p: p.stat().st_mtime)
    for folder in old[: max(0, len(old) - _KEPT)]:
        shutil.rmtree(folder, ignore_errors=True)
