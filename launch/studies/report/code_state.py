"""Which state of the code a result belongs to: a hash of every file of ours that its module imports."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from studies.checkout import LAUNCH, ROOT


@cache
def code_hash(module: str) -> str:
    """Hash of a module and of all that it imports from here; comments, docstrings and layout are left out."""
    total = hashlib.sha256()
    for path in sorted(imported(module)):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                node.value.value = None
        total.update(f"{path.relative_to(ROOT)}\n{ast.dump(tree)}".encode())
    return total.hexdigest()[:16]


def imported(module: str) -> set[Path]:
    """The files of a module and of what it imports, directly or not, as far as they are ours; also inside functions."""
    found: set[Path] = set()
    waiting = [module]
    while waiting:
        for path in _files(waiting.pop()):
            if path not in found:
                found.add(path)
                waiting += _imports(path)
    return found


def _files(module: str) -> Iterator[Path]:
    """The file of a module and those of the packages around it; none if it is not ours."""
    parts = module.split(".")
    for count in range(1, len(parts) + 1):
        place = (LAUNCH if parts[0] == "studies" else ROOT).joinpath(*parts[:count])
        for path in (place.with_suffix(".py"), place / "__init__.py"):
            if path.is_file():
                yield path


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield from (f"{node.module}.{name.name}" for name in node.names)  # a module, or something inside of one
