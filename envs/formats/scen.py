"""Instances from MovingAI's scenarios: a row is a robot; land and water are two grounds, each an instance."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from swarm.errors import InputError
from swarm.scenario.grid_map import GridMap
from swarm.scenario.instances import LifelongInstance
from swarm.scenario.movingai import ScenEntry, load_scen, misfit, water_of

TEAM = 16
"""Rows that are taken if nobody says how many."""
_ABOVE = 3


def scen_instances(path: Path, map_path: Path | None = None) -> tuple[list[LifelongInstance], list[str]]:
    """The rows of a file as one instance for each ground, in their order.

    A row that does not fit its map is left out, and so is one that starts where an earlier one does.

    Args:
        path: The file.
        map_path: Its map; by default the file that the rows name, beside it or in a folder above.

    Returns:
        The instances, and what is to be said of rows that were left out.

    Raises:
        InputError: If a file cannot be read, or no row fits.
    """
    entries = load_scen(path)
    if not entries:
        raise InputError(str(path), "no row", "one row or more")
    grid = GridMap.from_movingai(map_path or _find_map(path, entries[0].map))
    grounds = [ground for ground in (grid, water_of(grid)) if ground is not None]
    rows: list[list[ScenEntry]] = [[] for _ in grounds]
    skipped: Counter[str] = Counter()
    parts = [ground.components() for ground in grounds]
    taken: set[tuple[int, int]] = set()
    for entry in entries:
        reasons = [misfit(entry, ground, part) for ground, part in zip(grounds, parts, strict=True)]
        reason = "" if "" in reasons else reasons[0]
        if entry.map != entries[0].map:
            reason = "of another map"
        elif not reason and entry.start in taken:
            reason = "from where an earlier row starts"
        if reason:
            skipped[reason] += 1
        else:
            taken.add(entry.start)
            rows[reasons.index("")].append(entry)
    found = [_instance(path.stem, ground, kept) for ground, kept in zip(grounds, rows, strict=True) if kept]
    listed = ", ".join(f"{count} {reason}" for reason, count in skipped.items())
    if not found:
        raise InputError(str(path), f"{len(entries)} rows: {listed}", f"a row that fits the map {grid.name}")
    notes = [f"{path.name}: {skipped.total()} of {len(entries)} rows left out: {listed}"] if skipped else []
    notes += (
        [f"{path.name}: {len(rows[1])} rows in the water are an episode of their own"] if rows[1:] and rows[1] else []
    )
    return found, notes


def _find_map(path: Path, name: str) -> Path:
    """The file that rows name, which is often relative to the root of a collection."""
    name = name.replace("\\", "/")  # some collections were written on Windows
    folders = [path.parent, *path.absolute().parents[1 : 1 + _ABOVE]]
    for folder in folders:
        for candidate in (folder / name, folder / Path(name).name):
            if os.path.isfile(candidate):
                return candidate
    valid = f"a map of that name beside the file or up to {_ABOVE} folders above it, or one that is given (--map)"
    raise InputError(f"{path}: map", name, valid)


def _instance(suite: str, ground: GridMap, rows: Sequence[ScenEntry]) -> LifelongInstance:
    starts = np.array([row.start for row in rows])
    targets = tuple(np.array([row.goal]) for row in rows)
    return LifelongInstance(suite, ground.name, 0, ground, starts, targets, (min(TEAM, len(rows)),))
