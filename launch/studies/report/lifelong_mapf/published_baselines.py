"""Lifelong path finding by others, episode by episode, and what was to be reached: goals a step, over 256 steps.

Throughput differs more between maps than between methods, so what others published stands beside ours only where it
is of the same episodes: the mean over a whole suite says nothing about some of its cases. The file (``report.py
lifelong_mapf --published FILE``) is a JSON list with one object an episode: ``suite``, ``map``, ``seed`` and ``robots``
as in the file of instances (its first so many robots, for 256 steps), and under any other key the throughput of the
method of that name, or null where it has none::

    [{"suite": "01-random", "map": "validation-random-seed-000", "seed": 0, "robots": 8, "rhcr": 0.51, "follower": 0.5},
     {"suite": "01-random", "map": "validation-random-seed-000", "seed": 0, "robots": 16, "rhcr": 1.02}]
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from swarm.array_types import Array
from swarm.errors import InputError
from swarm.files.checks import number
from swarm.files.text_files import MEBIBYTE, located, read_text

STEPS = 256
"""Of a published episode."""
SIZES = {
    "random": (8, 16, 24, 32, 48, 64), "mazes": (8, 16, 24, 32, 48, 64), "warehouse": (32, 64, 96, 128, 160, 192),
    "city": (64, 128, 192, 256), "puzzles": (2, 3, 4),
}  # fmt: skip
"""Team sizes that the floors and goals are for."""
TO_REACH = {
    "random": (2.08, 2.20, 1.70), "mazes": (1.50, 1.60, 1.20), "warehouse": (3.40, 3.80, 2.80),
    "city": (3.60, 3.80, 3.45), "puzzles": (0.53, 0.60, 0.32),
}  # fmt: skip
"""Floor and goal for ``guided``, floor for ``follower``; means over team sizes."""
KNOWN = {
    "rhcr": ("RHCR", "plans for all robots centrally; in its published runs a new goal may be the robot's own cell"),
    "mats-lp": ("MATS-LP", "learned and searching, decentralised"),
    "follower": ("Follower", "learned, decentralised (Skrynnik et al., AAAI 2024)"),
}  # fmt: skip
"""Methods of the POGEMA benchmark (Skrynnik et al., ICLR 2025): how they are written, and what they are."""

_LIMIT = 64 * MEBIBYTE
_EPISODE = {"suite": None, "map": None, "seed": 0, "robots": 1}  # the least of what are numbers
_METHOD = re.compile(r"[\w+-][\w+. -]*")  # it becomes a cell of a table

Case = tuple[str, str, int]
"""Suite, map and seed of an instance."""
Episode = tuple[str, str, int, int]
"""Those, and the number of robots."""


@dataclass(frozen=True)
class Published:
    """Results of others.

    Attributes:
        methods: Their names, in the order of the file.
        throughput: Goals a step for each suite, map, seed, number of robots and method.
    """

    methods: tuple[str, ...]
    throughput: dict[tuple[str, str, int, int, str], float]

    def of(self, method: str, cases: Iterable[Case], sizes: Iterable[int]) -> Array:
        """Goals a step, ``float64[cases, sizes]``; NaN where there is no result."""
        found = [[self.throughput.get((*case, robots, method), np.nan) for robots in sizes] for case in cases]
        return np.array(found, dtype=np.float64)


def title_of(method: str) -> str:
    """How a method is written in tables."""
    return KNOWN.get(method, (method, ""))[0]


def load_published(path: str | Path) -> Published:
    """Read results of others.

    Raises:
        InputError: If the file cannot be read or is malformed; names file, episode and key.
    """
    text = read_text(path, _LIMIT)
    methods: dict[str, None] = {}
    throughput: dict[tuple[str, str, int, int, str], float] = {}
    seen: dict[Episode, int] = {}
    with located(f"{path}: "):
        for place, entry in enumerate(_entries(text)):
            episode, figures = _parse(f"[{place}]", entry)
            if (first := seen.setdefault(episode, place)) != place:
                raise InputError(f"[{place}]", list(episode), f"another episode than that of [{first}]")
            for method, value in figures.items():
                methods.setdefault(method)
                throughput[*episode, method] = value
        if not throughput:
            raise InputError("results", "none", "one or more episodes with the throughput of a method")
    return Published(tuple(methods), throughput)


def _entries(text: str) -> list[Any]:
    valid = "a JSON list with one object an episode"
    try:
        entries = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except InputError:
        raise  # one of ours, although it is a ValueError too
    except RecursionError:
        raise InputError("text", "deeper nesting", valid) from None
    except ValueError as error:
        raise InputError("text", str(error), valid) from None
    if not isinstance(entries, list):
        raise InputError("text", entries, valid)
    return entries


def _parse(place: str, entry: Any) -> tuple[Episode, dict[str, float]]:
    """Which episode an object is about, and the throughput of each method."""
    if not isinstance(entry, dict):
        raise InputError(place, entry, f"an object with the keys {', '.join(_EPISODE)} and a key for each method")
    for name, least in _EPISODE.items():
        value = entry.get(name)
        if not (isinstance(value, str) if least is None else type(value) is int and value >= least):
            valid = "text" if least is None else f"a whole number of at least {least}"
            raise InputError(f"{place}: {name}", value, f"{valid}, as in the file of instances")
    figures, robots = {}, entry["robots"]
    for method, value in entry.items():
        if method in _EPISODE or value is None:
            continue
        if not _METHOD.fullmatch(method):
            raise InputError(f"{place}: a key", method, "the name of a method: letters, digits, spaces, . _ + -")
        figures[method] = number(f"{place}: {method}", value)
        if not 0.0 <= figures[method] <= robots:
            raise InputError(f"{place}: {method}", value, f"goals a step of the whole team, 0 to {robots}")
    return (entry["suite"], entry["map"], entry["seed"], robots), figures


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object in which each key comes once."""
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise InputError(key, "the key again", "each key once in an object")
        result[key] = value
    return result


def _no_constant(name: str) -> NoReturn:
    raise InputError("a number", name, "finite numbers")
