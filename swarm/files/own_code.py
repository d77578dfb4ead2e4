"""While lines of a user's own run: whatever they raise becomes one error, which says in which file and line.

The error is raised from what they raised: in Python, that is its ``__cause__``, with its whole traceback.
"""

from __future__ import annotations

import functools
import inspect
import os
import traceback
from types import TracebackType
from typing import Any

from swarm.errors import InputError, SwarmError

_OURS = "swarm", "envs", "policies", "studies", "importlib"


class Running:
    """A ``with`` block around a call of a user's own code, and the checks of what it gives.

    What the checks refuse is told with the line where the part begins.

    Args:
        where: What the code is, for errors.
        part: The function or object that is called, or the module that is run.
        valid: What it should have done, for errors.

    Raises:
        InputError: Instead of any other exception, if the part is none of this project; names the file and line.
    """

    def __init__(self, where: str, part: object, valid: str) -> None:
        self._where, self._part, self._valid = where, part, valid

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        module = module_of(self._part)
        if not isinstance(error, Exception | SystemExit) or is_ours(self._part):
            return  # What this project's own parts refuse is clear already; anything else is a bug of ours.
        place = raised_at(error, module) or defined_at(self._part)
        raise told(f"{self._where}{place}", error, self._valid) from error


def told(where: str, error: BaseException, valid: str) -> InputError:
    """What a user's code raised, as an error that can be shown in one line."""
    if isinstance(error, InputError):
        return InputError(f"{where}: {error.where}" if error.where else where, error.value, error.valid)
    shown = str(error) if isinstance(error, SwarmError) else f"{type(error).__name__}: {error}"
    return InputError(where, " ".join(shown.split()), valid)


def raised_at(error: BaseException, module: str) -> str:
    """`` (file:line)`` of the last line of a module that an exception went through, or else of the last one at all.

    Lines of this project count only if they are the module's; without any, the text is empty.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return _written(error.filename, error.lineno or 1)
    _, *inner = traceback.walk_tb(error.__traceback__)  # The first one has the ``with``.
    passed = [(str(frame.f_globals.get("__name__", "")), frame.f_code.co_filename, line) for frame, line in inner]
    own = [place for place in passed if place[0] == module]
    others = [place for place in passed if not _is_ours(place[0])]
    return _written(*(own or others)[-1][1:]) if own or others else ""


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in _OURS


def is_ours(part: object) -> bool:
    """Whether a function, object or module is one of this project."""
    return _is_ours(module_of(part))


def defined_at(part: object) -> str:
    """`` (file:line)`` where a function or class begins; empty if nobody knows."""
    found = _named(part)
    try:
        return _written(str(inspect.getsourcefile(found)), max(1, inspect.getsourcelines(found)[1]))
    except (TypeError, OSError):  # made at run time, or built in
        return ""


def module_of(part: object) -> str:
    """The name of the module that a function or an object's class stands in, or of a module."""
    return part.__name__ if inspect.ismodule(part) else str(getattr(_named(part), "__module__", ""))


def name_of(part: object) -> str:
    """The name of a function, or of an object's class."""
    return str(getattr(_named(part), "__qualname__", type(part).__name__))


def described(part: object) -> object:
    """What a part is, for errors: ``the function NAME``, ``an object of NAME``; a plain value as it is."""
    if module_of(part) in ("", "builtins") and not callable(part):
        return part
    kind = "the function" if inspect.isroutine(part) else "the class" if inspect.isclass(part) else "an object of"
    return f"{kind} {name_of(part)}"


def _named(part: Any) -> Any:
    """The function behind a partial or a method; the class of any other object."""
    while isinstance(part, functools.partial):
        part = part.func
    return part if inspect.isroutine(part) or inspect.isclass(part) else type(part)


def _written(file: str, line: int) -> str:
    inside = os.path.relpath(file) if os.path.isabs(file) else file
    return f" ({file if inside.startswith(os.pardir) else inside}:{line})"
