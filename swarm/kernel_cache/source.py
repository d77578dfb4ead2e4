"""What a compiled kernel is made of: the syntax trees of everything that it can reach by name.

A kernel holds the code of the functions that it calls and the values of the constants that it reads, from whatever
module they come. ``SourceTree.digest`` follows the names in a function's source to the statements that bind them, in
its own module and in those it imports, and hashes what it finds: without comments, docstrings, annotations of
functions and line numbers, which change nothing of the compiled code. What cannot be followed counts whole.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

WHOLE = "*"
"""Instead of a name: all statements of a module."""

Place = tuple[str, str]
"""A module, and a name that it binds or ``WHOLE``."""


@dataclass
class Statement:
    """One statement at the top of a module, as far as a kernel can depend on it.

    Attributes:
        text: Its syntax tree as text.
        names: Names that it uses, each with the attributes that are taken from it: ``a.b.c`` as a, b, c.
        imported: Modules, and names of them, that it imports.
    """

    text: str
    names: set[tuple[str, ...]] = field(default_factory=set)
    imported: set[tuple[str, str | None]] = field(default_factory=set)


@dataclass
class Module:
    """The statements of one file.

    Attributes:
        binding: For each name, the statements that bind it.
        imports: For each name that an import binds: the module, and the name in it, or None for the module itself.
        loose: Statements that bind nothing or may change what others bound; every kernel of the module depends on them.
    """

    binding: dict[str, list[Statement]] = field(default_factory=dict)
    imports: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    loose: list[Statement] = field(default_factory=list)


class SourceTree:
    """Packages whose sources are followed; a module outside of them counts by its name alone.

    Args:
        roots: Folder of each package.
    """

    def __init__(self, roots: dict[str, Path]) -> None:
        self.roots = roots
        self._modules: dict[str, Module | None] = {}

    def files(self) -> list[tuple[str, Path]]:
        """All sources, each with its package."""
        return [(name, path) for name, folder in sorted(self.roots.items()) for path in sorted(folder.rglob("*.py"))]

    def digest(self, module: str, name: str, file: Path | None = None) -> str:
        """Hash of all that a function at the top of a module can reach; ``file``: if it is outside of the roots."""
        if file is not None:
            self._modules[module] = parse(file.read_text(encoding="utf-8"), module, is_package=False)
        total = hashlib.sha256()
        for place in sorted(self.reach(module, name)):
            for text in self._texts(place):
                total.update(f"{place}\0{text}\0".encode())
        return total.hexdigest()

    def reach(self, module: str, name: str) -> set[Place]:
        """All places that a function can reach, its own among them."""
        found: set[Place] = set()
        left = [(module, name)]
        while left:
            place = left.pop()
            if place not in found:
                found.add(place)
                left += self._next(place)
        return found

    def known(self, place: Place) -> bool:
        """Whether the statements that bind a name are known; if not, all sources count for it."""
        module = self._module(place[0])
        return module is not None and (place[1] == WHOLE or place[1] in module.binding)

    def decorated(self) -> Iterator[Place]:
        """All functions at the top of modules that a decorator may have made kernels of."""
        for package, path in self.files():
            parts = path.relative_to(self.roots[package]).with_suffix("").parts
            module = ".".join((package, *(part for part in parts if part != "__init__")))
            text = path.read_text(encoding="utf-8")
            for node in ast.parse(text).body if "numba" in text or "kernel_cache" in text else ():
                if isinstance(node, ast.FunctionDef) and node.decorator_list:
                    yield module, node.name

    def imported_by(self, file: Path) -> bool:
        """Whether a file outside of the packages imports one of them."""
        text = file.read_text(encoding="utf-8")
        inner = ast.walk(ast.parse(text)) if any(root in text for root in self.roots) else ()
        imports = [node for node in inner if isinstance(node, ast.Import | ast.ImportFrom)]
        return any(self.follows(module) for node in imports for _, (module, _) in _targets(node, ""))

    def follows(self, module: str) -> bool:
        """Whether a module lies in one of the packages."""
        return module.partition(".")[0] in self.roots

    def _module(self, name: str) -> Module | None:
        """A parsed module; None if there is no such file."""
        if name not in self._modules:
            package, *rest = name.split(".")
            base = self.roots[package].joinpath(*rest)
            file = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
            text = file.read_text(encoding="utf-8") if file.is_file() else None
            self._modules[name] = None if text is None else parse(text, name, file.name == "__init__.py")
        return self._modules[name]

    def _statements(self, place: Place) -> Iterator[Statement]:
        module = self._module(place[0])
        if module is not None:
            yield from module.loose
            if place[1] == WHOLE:
                yield from (one for bound in module.binding.values() for one in bound)
            else:
                yield from module.binding.get(place[1], ())

    def _texts(self, place: Place) -> Iterator[str]:
        if not self.known(place):
            # A name that comes into being in a way that is not followed: everything counts.
            yield from (path.read_text(encoding="utf-8") for _, path in self.files())
        yield from (one.text for one in self._statements(place))

    def _next(self, place: Place) -> Iterator[Place]:
        """Where the statements of a place lead."""
        module = self._module(place[0])
        for statement in self._statements(place):
            yield from (one for target in statement.imported for one in self._imported(*target, ()))
            for name, *attributes in statement.names:
                if module is not None and name in module.binding:
                    yield from self._used(place[0], module, name, tuple(attributes))
        if module is not None and place[1] == WHOLE:
            yield from (one for target in module.imports.values() for one in self._imported(*target, ()))

    def _used(self, name_of: str, module: Module, name: str, attributes: tuple[str, ...]) -> Iterator[Place]:
        """Where a name that a module binds leads; ``attributes``: what is taken from it."""
        yield name_of, name
        if name in module.imports:
            yield from self._imported(*module.imports[name], attributes)

    def _imported(self, module: str, name: str | None, attributes: tuple[str, ...]) -> Iterator[Place]:
        """Where an imported name leads: a module's name, the attribute that is taken from a module, or all of it."""
        if not self.follows(module):
            return
        inner = module if name is None else f"{module}.{name}"
        if self._is_module(inner):
            if attributes:
                yield from self._imported(inner, attributes[0], attributes[1:])
            else:
                yield inner, WHOLE
        elif name is not None:
            found = self._module(module)
            if found is None:
                yield module, name
            else:
                yield from self._used(module, found, name, attributes)

    def _is_module(self, name: str) -> bool:
        base = self.roots[name.partition(".")[0]].joinpath(*name.split(".")[1:])
        return base.with_suffix(".py").is_file() or (base / "__init__.py").is_file()


def parse(text: str, name: str, is_package: bool) -> Module:
    """The statements of a source text.

    Args:
        text: The source.
        name: Of the module.
        is_package: Whether it is the ``__init__`` of a package: imports with dots begin there.
    """
    package = name if is_package else name.rpartition(".")[0]
    found = Module()
    for node in _Bare().visit(ast.parse(text)).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for bound, target in _targets(node, package):
                found.imports[bound] = target
                found.binding.setdefault(bound, []).append(Statement(f"import {target}"))
        else:
            statement = _statement(node, package)
            bound_names = list(_bound(node))
            for bound in bound_names:
                found.binding.setdefault(bound, []).append(statement)
            if not bound_names:
                found.loose.append(statement)
    return found


class _Bare(ast.NodeTransformer):
    """Takes away what changes nothing of a compiled function: strings that stand alone, annotations of functions."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return ast.copy_location(ast.Pass(), node) if text else self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node


def _bound(node: ast.stmt) -> Iterator[str]:
    """Names that a plain definition or assignment binds; none of other statements: those count for everybody."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        inner = [one for target in targets for one in ast.walk(target)]
        if not any(isinstance(one, ast.Attribute | ast.Subscript) for one in inner):
            yield from (one.id for one in inner if isinstance(one, ast.Name))


def _statement(node: ast.stmt, package: str) -> Statement:
    found = Statement(ast.dump(node))
    inside = set()  # Parts of chains that are taken whole.
    for inner in ast.walk(node):  # From the outside to the inside.
        if isinstance(inner, ast.Name | ast.Attribute) and id(inner) not in inside:
            chain: list[str] = []
            part: ast.expr = inner
            while isinstance(part, ast.Attribute):
                chain, part = [part.attr, *chain], part.value
                inside.add(id(part))
            if isinstance(part, ast.Name):
                found.names.add((part.id, *chain))
        elif isinstance(inner, ast.Import | ast.ImportFrom):
            found.imported |= {target for _, target in _targets(inner, package)}
    return found


def _targets(node: ast.Import | ast.ImportFrom, package: str) -> Iterable[tuple[str, tuple[str, str | None]]]:
    """For each name that an import binds: the module, and the name in it, or None for the module itself."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            first = alias.name.partition(".")[0]
            yield alias.asname or first, (alias.name if alias.asname else first, None)
        return
    base = node.module or ""
    if node.level:
        above = package.split(".")[: len(package.split(".")) - node.level + 1]
        base = ".".join([*above, *([node.module] if node.module else [])])
    for alias in node.names:
        yield alias.name if alias.asname is None else alias.asname, (base, alias.name)
