"""Parts of a user's own by reference: ``my_file.py:name``, or ``package.module:name`` of an installed package.

A file is run as a module of its own, once a process. It may import what is installed, but no files beside it: a copy of
it alone goes with what was trained with it.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from swarm.errors import InputError
from swarm.files.own_code import Running, described

_FORM = re.compile(r"(?P<place>.+\.py|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):(?P<name>[A-Za-z_]\w*)")
FORM = "my_file.py:NAME or package.module:NAME"
_IMPORTABLE = "a file that can be imported"


def is_reference(text: str) -> bool:
    """Whether a text has the form of a reference; names of built-in parts may have it too, and come first."""
    return _FORM.fullmatch(text) is not None


def in_file(text: str) -> bool:
    """Whether a reference leads to a file, and not to a module."""
    return _split("reference", text)[0].endswith(".py")


def source_of(text: str) -> Path:
    """The source file that a reference leads to.

    Raises:
        InputError: If it leads nowhere.
    """
    place, _ = _split("reference", text)
    return Path(place) if place.endswith(".py") else Path(str(_module(text, place, text).__file__))


def moved(text: str, source: Path) -> str:
    """The reference to the same name in another source file."""
    return f"{source}:{_split('reference', text)[1]}"


def load_reference(where: str, text: str) -> Any:
    """What a reference stands for.

    Args:
        where: The option or argument, for errors.
        text: The reference.

    Raises:
        InputError: If the file or module is missing or cannot be run, or has nothing of that name.
    """
    place, name = _split(where, text)
    module = _module(where, place, text)
    if not hasattr(module, name):
        own = [key for key, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__]
        raise InputError(f"{where}: {place}: name", name, f"one that it has: {', '.join(own) or 'it has none'}")
    return getattr(module, name)


def make_part(where: str, text: str, protocol: type, offered: Mapping[str, Any] | None = None) -> Any:
    """The part that a reference stands for: what is named there, or, if that is a class, an object of it.

    Args:
        where: The option or argument, for errors.
        text: The reference.
        protocol: What is asked of the part.
        offered: Arguments for a class, of which it gets those that it takes by their names.

    Raises:
        InputError: If it cannot be loaded or made, or is not what the protocol asks.
    """
    found = load_reference(where, text)
    if inspect.isclass(found):
        found = _made(f"{where}: {text}", found, offered or {})
    check_part(f"{where}: {text}", found, protocol)
    return found


def check_part(where: str, part: Any, protocol: type) -> None:
    """Refuse a part that lacks a method of a protocol, or has it with other arguments.

    Raises:
        InputError: Names the method.
    """
    wanted = {name: value for name, value in vars(protocol).items() if inspect.isfunction(value)}
    for name, method in wanted.items():
        if name.startswith("_") and name != "__call__":
            continue
        arguments = list(inspect.signature(method).parameters.values())[1:]
        needed = [one.name for one in arguments if one.kind == one.POSITIONAL_OR_KEYWORD and one.default is one.empty]
        called = "a function" if name == "__call__" else f"a method {name}"
        form = f"{protocol.__name__}: {called}({', '.join(needed)})"
        own = part if name == "__call__" else getattr(part, name, None)
        if not callable(own):
            instead = ", or an object that can be called so" if name == "__call__" else ", which it lacks"
            raise InputError(where, described(part), form + instead)
        try:
            inspect.signature(own).bind(*needed)
        except TypeError as error:
            raise InputError(f"{where}: arguments", str(inspect.signature(own)), f"{form} ({error})") from error
        except ValueError:  # built-in functions do not tell their arguments
            continue


def _made(where: str, kind: type, offered: Mapping[str, Any]) -> Any:
    """An object of a class, from those of the ``offered`` arguments that it takes."""
    parameters = inspect.signature(kind).parameters.values()
    everything = any(one.kind == one.VAR_KEYWORD for one in parameters)
    taken = dict(offered) if everything else {one.name: offered[one.name] for one in parameters if one.name in offered}
    try:
        inspect.signature(kind).bind(**taken)
    except TypeError as error:
        valid = f"arguments out of {', '.join(offered)}" if offered else "no arguments without a default"
        raise InputError(f"{where}: arguments", str(inspect.signature(kind)), f"{valid} ({error})") from error
    with Running(where, kind, "a class that can be made"):
        return kind(**taken)


def _split(where: str, text: str) -> tuple[str, str]:
    """File or module, and name."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise InputError(where, text, FORM)
    return match["place"], match["name"]


def _module(where: str, place: str, text: str) -> ModuleType:
    """The module that a reference names, or that its file becomes."""
    if place.endswith(".py"):
        return _run(where, Path(place))
    try:
        with Running(f"{where}: {place}", None, _IMPORTABLE):
            return importlib.import_module(place)
    except InputError as error:
        missing = error.__cause__.name if isinstance(error.__cause__, ModuleNotFoundError) else None
        if missing is None or not f"{place}.".startswith(f"{missing}."):
            raise
        raise InputError(where, text, f"a built-in name, or {FORM} (no module {missing} here)") from error.__cause__


def _run(where: str, path: Path) -> ModuleType:
    """A file as a module; the same one for the same contents at the same place."""
    try:
        contents = path.read_bytes()
    except OSError as error:
        raise InputError(where, str(path), f"a file that can be read ({error.strerror})") from error
    mark = hashlib.sha256(bytes(path.resolve()) + b"\0" + contents).hexdigest()[:12]
    name = f"{re.sub(r'[^A-Za-z0-9_]', '_', path.stem)}_{mark}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise InputError(where, str(path), "a Python file")
        module = sys.modules[name] = importlib.util.module_from_spec(spec)  # dataclasses look their module up
        try:
            with Running(f"{where}: {path}", module, _IMPORTABLE):
                spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
    return sys.modules[name]
