"""Grid maps of any format that a robot may be given: MovingAI's, Nav2's, or only an image."""

from __future__ import annotations

from pathlib import Path

from swarm.errors import InputError
from swarm.files.formats import Format, recognise
from swarm.scenario.grid_map import GridMap
from swarm.scenario.nav2_map import load_image, load_nav2_map

MAP_FORMATS = (Format.MOVINGAI_MAP, Format.NAV2_MAP, Format.IMAGE)


def load_map(
    path: str | Path, cell_size: float | None = None, unknown_free: bool = False
) -> tuple[GridMap, tuple[str, ...]]:
    """Read a map.

    Args:
        path: A MovingAI map, a YAML file of Nav2, or an image.
        cell_size: Side of a cell [m]. A MovingAI map does not say: 1 m if not given. A Nav2 map does, and is made
            coarser. An image needs it.
        unknown_free: Whether unknown cells of a Nav2 map are free.

    Returns:
        The map, and what is to be said of it.

    Raises:
        InputError: If the file has none of these formats, or cannot be read.
    """
    form = recognise(path, MAP_FORMATS)
    if form is Format.MOVINGAI_MAP:
        return GridMap.from_movingai(path, 1.0 if cell_size is None else cell_size), ()
    if form is Format.IMAGE:
        if cell_size is None:
            raise InputError(f"{path}: cell_size", None, "the side of a pixel [m], as an image does not say it")
        found = load_image(path, cell_size)
    else:
        found = load_nav2_map(path)
    grid, note = found.grid(unknown_free), found.note(unknown_free)
    if cell_size not in (None, grid.cell_size):
        grid = grid.coarsened(float(cell_size or 0.0))
    return grid, (note,) if note else ()
