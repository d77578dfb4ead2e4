"""Strict YAML: a tree of fields that know their file, line and key, and read themselves as what is expected.

PyYAML's loaders accept duplicate keys, expand aliases without bound, recurse as deep as the file says and
read ``1e-3`` as a string. This reader takes PyYAML's events (libyaml's where built in) and does none of it; an alias is
a copy of what its anchor names (``<<: *anchor`` adds the keys that a mapping lacks), and all copies of a file together
are bounded.
Plain scalars follow YAML 1.2's core schema; every number is a float.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from swarm.array_types import Array
from swarm.errors import InputError
from swarm.files.checks import number
from swarm.files.text_files import MEBIBYTE, read_text

YAML_LIMIT = 16 * MEBIBYTE
DEEPEST = 32
COPIES = 100_000
"""Values that the aliases of one file may stand for, all together: PyYAML writes one for every repeated list."""
MERGE = "<<"
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS = {"": None, "~": None} | {
    spelled: value
    for word, value in (("null", None), ("true", True), ("false", False))
    for spelled in (word, word.capitalize(), word.upper())
}
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Field:
    """One value of a YAML file and its place.

    Attributes:
        value: A scalar (``str``, ``float``, ``bool``, None), a list of fields, or a dict of fields by key.
        line: Its line in the file, from 1.
        key: Its key or position in ``parent``; the file's name at the root.
        parent: The field that holds it.
    """

    __slots__ = ("key", "line", "parent", "value")

    def __init__(self, value: Any, line: int, key: str | int, parent: Field | None) -> None:
        self.value, self.line, self.key, self.parent = value, line, key, parent

    def __repr__(self) -> str:
        return repr(self.value)  # what errors show of a list or mapping

    @property
    def path(self) -> str:
        """The keys that lead to this field, such as ``robots[0].start``."""
        if self.parent is None:
            return ""
        if isinstance(self.key, int):
            return f"{self.parent.path}[{self.key}]"
        return f"{self.parent.path}.{self.key}".lstrip(".")

    @property
    def where(self) -> str:
        """File, line and keys, such as ``world.yaml:7: robots[0].start``."""
        root = self
        while root.parent is not None:
            root = root.parent
        return f"{root.key}:{self.line}: {self.path or 'the file'}"

    def error(self, valid: str) -> InputError:
        """The error that this field is not what it should be."""
        shown = self.value
        if isinstance(shown, dict):
            shown = f"a mapping with the keys {', '.join(shown)}" if shown else "an empty mapping"
        elif isinstance(shown, list):
            shown = f"a list of {len(shown)}"
        return InputError(self.where, shown, valid)

    def mapping(
        self, required: Sequence[str], optional: Sequence[str] = (), *, others: bool = False
    ) -> dict[str, Field]:
        """The fields of a mapping; every required key is there, and, unless ``others``, no other than these."""
        keys = ", ".join([*required, *(f"{key} (optional)" for key in optional)])
        if not isinstance(self.value, dict):
            raise self.error(f"a mapping with the keys {keys}")
        for key, field in self.value.items():
            if not (others or key in required or key in optional):
                raise InputError(field.where, "an unknown key", f"one of the keys {keys}")
        for key in required:
            if key not in self.value:
                raise InputError(f"{self.where}: {key}", None, f"this key is required (keys: {keys})")
        return self.value

    def items(self) -> list[Field]:
        """The fields of a list."""
        if not isinstance(self.value, list):
            raise self.error("a list")
        return self.value

    def text(self) -> str:
        """A string that is not empty."""
        if not isinstance(self.value, str) or not self.value:
            raise self.error("text")
        return self.value

    def flag(self) -> bool:
        """The value, true or false."""
        if not isinstance(self.value, bool):
            raise self.error("true or false")
        return self.value

    def number(self, above: float = -np.inf) -> float:
        """A finite number larger than ``above``, of at most a million."""
        return number(self.where, self.value, above=above)

    def numbers(self, layouts: Sequence[str], above: float = -np.inf) -> Array:
        """A list of numbers.

        Args:
            layouts: The allowed lists, of different lengths, by their numbers' names, such as ``"x, y"``.
            above: What each number is larger than.
        """
        valid = " or ".join(f"[{layout}]" for layout in layouts)
        if not isinstance(self.value, list):
            raise self.error(valid)
        if len(self.value) not in [layout.count(",") + 1 for layout in layouts]:
            raise InputError(self.where, f"a list of {len(self.value)}", valid)
        return np.array([entry.number(above) for entry in self.value])


def read_yaml(path: str | Path, limit: int = YAML_LIMIT) -> Field:
    """Read one YAML document.

    Args:
        path: The file.
        limit: Largest size that is read, bytes.

    Returns:
        Its root.

    Raises:
        InputError: If the file cannot be read, is malformed, or uses duplicate keys, tags, several documents, more
            than 32 levels, or aliases that stand for very much; names the file, the line and the key.
    """
    return parse_yaml(read_text(path, limit), str(path))


def parse_yaml(text: str, name: str) -> Field:
    """The root of a YAML text; ``name`` is what errors call it. See ``read_yaml``."""
    try:
        return _build(yaml.parse(text, Loader=_Loader), name)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise InputError(name + line, error.problem or str(error), "well-formed YAML") from None
    except yaml.YAMLError as error:
        raise InputError(name, str(error).splitlines()[0], "well-formed YAML") from None


def _build(events: Iterator[Any], name: str) -> Field:
    """Build the tree from events, without recursion: a file's depth is bounded here, not by the stack."""
    root = Field(None, 1, name, None)
    open_fields: list[Field] = []
    # The key that the next event is the value of, for each open mapping.
    pending: list[tuple[str, int] | None] = []
    aliases = _Aliases()
    documents = 0
    for event in events:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise InputError(f"{name}:{line}", "a second document", "one YAML document")
        if isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            aliases.merge(open_fields.pop(), len(open_fields))
            pending.pop()
        if not isinstance(event, yaml.NodeEvent):
            continue
        parent = open_fields[-1] if open_fields else None
        if parent is not None and isinstance(parent.value, dict) and pending[-1] is None:
            pending[-1] = (_read_key(event, parent, line), line)
            continue
        field = root if parent is None else _attach(parent, pending, line)
        if isinstance(event, yaml.AliasEvent):
            aliases.copy(str(event.anchor), field, open_fields)
            continue
        aliases.named[event.anchor] = field
        field.value, field.line = _value(event, field), line if parent is None else field.line
        if isinstance(field.value, dict | list):
            open_fields.append(field)
            pending.append(None)
            if len(open_fields) > DEEPEST:
                raise InputError(field.where, "deeper nesting", f"at most {DEEPEST} levels")
    return root


class _Aliases:
    """What the anchors of a file name, and how much its aliases have copied."""

    def __init__(self) -> None:
        self.named: dict[str | None, Field] = {}
        self.copied = 0

    def copy(self, anchor: str, field: Field, open_fields: list[Field]) -> None:
        """Give a field the value that an anchor names."""
        if anchor not in self.named:
            raise InputError(field.where, f"the alias *{anchor}", f"an anchor &{anchor} before it")
        source = self.named[anchor]
        if any(source is parent for parent in open_fields):
            raise InputError(field.where, f"the alias *{anchor}", "no alias inside of what it stands for")
        self._copy(anchor, source.value, field, len(open_fields))

    def merge(self, field: Field, depth: int) -> None:
        """Give a mapping the keys that it lacks of those under its merge key, if it has one."""
        if not isinstance(field.value, dict) or MERGE not in field.value:
            return
        given = field.value.pop(MERGE)
        for source in given.value if isinstance(given.value, list) else [given]:
            if not isinstance(source.value, dict):
                raise source.error("a mapping whose keys are added, by its alias")
            for key, entry in source.value.items():
                if key not in field.value:
                    field.value[key] = Field(None, given.line, key, field)
                    self._copy(MERGE, entry.value, field.value[key], depth + 1)

    def _copy(self, anchor: str, value: Any, field: Field, depth: int) -> None:
        self.copied += 1
        if self.copied > COPIES:
            valid = f"aliases that stand for at most {COPIES} values together"
            raise InputError(field.where, f"the alias *{anchor}, one too many", valid)
        if not isinstance(value, dict | list):
            field.value = value
            return
        if depth >= DEEPEST:
            raise InputError(field.where, "deeper nesting", f"at most {DEEPEST} levels")
        field.value = type(value)()
        for key, entry in value.items() if isinstance(value, dict) else enumerate(value):
            child = Field(None, field.line, key, field)
            if isinstance(field.value, dict):
                field.value[key] = child
            else:
                field.value.append(child)
            self._copy(anchor, entry.value, child, depth + 1)


def _attach(parent: Field, pending: list[tuple[str, int] | None], line: int) -> Field:
    """A new field in its list, or in its mapping under the pending key."""
    if isinstance(parent.value, list):
        field = Field(None, line, len(parent.value), parent)
        parent.value.append(field)
        return field
    key, key_line = pending[-1] or ("", line)
    pending[-1] = None
    field = parent.value[key] = Field(None, key_line, key, parent)
    return field


def _read_key(event: Any, parent: Field, line: int) -> str:
    """The key in an event, new in its mapping."""
    place = Field(None, line, "", parent)
    if not isinstance(event, yaml.ScalarEvent):
        raise InputError(place.where, "a key that is a list, mapping or alias", "keys that are plain words")
    if event.value in parent.value:
        place.key = event.value
        first = parent.value[event.value].line
        shown = f"the key {event.value!r} again (first in line {first})"
        raise InputError(place.where, shown, "each key once")
    return str(event.value)


def _value(event: Any, field: Field) -> Any:
    """The value that an event starts: a scalar, or an empty list or mapping."""
    if event.tag is not None:
        raise InputError(field.where, f"the tag {event.tag}", "a value without a tag")
    if isinstance(event, yaml.MappingStartEvent):
        return {}
    if isinstance(event, yaml.SequenceStartEvent):
        return []
    text: str = event.value
    return text if event.style in ("'", '"', "|", ">") else scalar(text)


def scalar(text: str) -> str | float | bool | None:
    """What a plain scalar of YAML 1.2's core schema is; every number is a float."""
    if _NUMBER.fullmatch(text):
        return float(text)
    if _NOT_FINITE.fullmatch(text):
        return float(text.replace(".", ""))
    return _WORDS.get(text, text)
