"""Maps of Nav2 and ROS 1: a YAML file with resolution, origin and thresholds beside an image (PGM or PNG).

Format: https://docs.nav2.org/configuration/packages/configuring-map-server.html. As of Nav2's releases from Jazzy on, a
shade exactly at a threshold counts as free, or as occupied.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from swarm.array_types import Array, Flags, Int64s, UInt8s
from swarm.errors import InputError
from swarm.files.checks import ArrayRecord, number
from swarm.files.images import read_grey, write_pgm
from swarm.files.text_files import located, write_text
from swarm.files.yaml_input import Field, read_yaml
from swarm.scenario.grid_map import GridMap

UNKNOWN, OCCUPIED = -1, 100
MODES = ("trinary", "scale", "raw")
# Turned by less [rad] is not turned: tools write what their quaternions come to.
_STRAIGHT = 1e-6
_TOUCH = 1e-6  # Cells that meet by less, in cells, only meet by rounding.
# What Nav2's own map saver writes: walls black, free cells nearly white.
_BLACK, _WHITE, _SAVED = 0, 254, (0.65, 0.196)


@dataclass(frozen=True)
class Shading:
    """How shades of an image become occupancies.

    Attributes:
        occupied: Occupied from this share of black on.
        free: Free up to this share of black.
        negate: Whether black is free and white is wall.
        mode: ``trinary``: in between is unknown; ``scale``: in between is a number from 0 to 100; ``raw``: the shade is
            that number itself, and thresholds do not count.
    """

    occupied: float = 0.65
    free: float = 0.25
    negate: bool = False
    mode: str = "trinary"

    def occupancy(self, grey: UInt8s, opaque: Flags) -> Int64s:
        """Occupancies as in ROS's OccupancyGrid, ``int64[rows, columns]``: 0 free to 100 occupied, -1 unknown.

        Args:
            grey: Shades, 0 black to 255 white, ``uint8[rows, columns]``.
            opaque: Where the image says anything, ``bool[rows, columns]``; without effect in raw mode.
        """
        if self.mode == "raw":
            return np.where(grey <= OCCUPIED, grey.astype(np.int64), UNKNOWN)
        share: Array = grey / 255.0 if self.negate else 1.0 - grey / 255.0
        between = np.full(grey.shape, UNKNOWN, dtype=np.int64)
        if self.mode == "scale":
            between = np.rint(100.0 * (share - self.free) / (self.occupied - self.free)).astype(np.int64)
        found = np.where(share <= self.free, 0, np.where(share >= self.occupied, OCCUPIED, between))
        return np.where(opaque, found, UNKNOWN)


@dataclass(frozen=True, eq=False)
class Nav2Map(ArrayRecord):
    """A map as Nav2 has it.

    Attributes:
        occupancy: ``int64[rows, columns]``, 0 free to 100 occupied, -1 unknown; row 0 at the top.
        resolution: Side of a cell [m].
        origin: Lower-left corner of the map, world frame [m].
        name: Stem of the file.
        yaw: By which the map is turned about that corner, counterclockwise [rad].
    """

    occupancy: Int64s
    resolution: float
    origin: tuple[float, float] = (0.0, 0.0)
    name: str = "map"
    yaw: float = 0.0

    def grid(self, unknown_free: bool = False) -> GridMap:
        """The map as free cells and walls.

        Only what is certainly free is free: cells between free and occupied are walls, and unknown ones too unless it
        is declared that they are free. Of a turned map, cells along the axes are free where all that they touch is.
        """
        free = (self.occupancy == 0) | (unknown_free & (self.occupancy == UNKNOWN))
        if self.yaw == 0.0:
            return GridMap(free, self.resolution, self.name, origin=self.origin)
        free, (left, low) = turned(free, self.yaw)
        origin = self.origin[0] + left * self.resolution, self.origin[1] + low * self.resolution
        return GridMap(free, self.resolution, self.name, origin=origin)

    def note(self, unknown_free: bool = False) -> str:
        """What is to be said of turned cells, and of those neither free nor occupied; nothing if there is none."""
        unknown = int((self.occupancy == UNKNOWN).sum())
        between = int(((self.occupancy > 0) & (self.occupancy < OCCUPIED)).sum())
        found = [f"turned by {self.yaw:g} rad, so walls are up to a cell thicker"] if self.yaw else []
        if unknown:
            found.append(f"{unknown} unknown cells count as {'free' if unknown_free else 'wall'}")
        if between:
            found.append(f"{between} cells between free and occupied count as wall")
        return f"{self.name}: {', '.join(found)}" if found else ""


def load_nav2_map(path: str | Path) -> Nav2Map:
    """Read a map's YAML file and the image that it names; keys that the format does not know are ignored, as by Nav2.

    Raises:
        InputError: If a file cannot be read or is malformed; names file, line and key.
    """
    path = Path(path)
    root = read_yaml(path)
    required = ("image", "resolution", "origin", "occupied_thresh", "free_thresh")
    keys = root.mapping(required, ("negate", "mode"), others=True)
    origin = keys["origin"].numbers(["x, y", "x, y, yaw"])
    free, occupied = keys["free_thresh"].number(), keys["occupied_thresh"].number(above=0.0)
    if occupied > 1.0:
        raise keys["occupied_thresh"].error("a share of black, at most 1")
    if not 0.0 <= free < occupied:
        raise keys["free_thresh"].error(f"0 or more, and less than occupied_thresh, {occupied:g}")
    shading = Shading(occupied, free, _negate(keys.get("negate")), _mode(keys.get("mode")))
    resolution = keys["resolution"].number(above=0.0)
    image = path.parent / keys["image"].text()
    with located(f"{keys['image'].where}: "):
        occupancy = shading.occupancy(*read_grey(image))
    x, y, yaw = (*origin.tolist(), 0.0)[:3]
    return Nav2Map(occupancy, resolution, (x, y), path.stem, yaw if abs(yaw) > _STRAIGHT else 0.0)


def turned(free: Flags, yaw: float) -> tuple[Flags, tuple[float, float]]:
    """A turned grid in cells along the axes, each free where all cells that it touches are; outside is wall.

    Args:
        free: ``bool[rows, columns]``, row 0 at the top.
        yaw: By which it is turned about its lower-left corner, counterclockwise [rad].

    Returns:
        The cells likewise, and where the lower-left corner of all is from the one about which it was turned, in cells.
    """
    cos, sin = math.cos(yaw), math.sin(yaw)
    rows, cols = free.shape
    corners = np.array([[0, 0], [cols, 0], [cols, rows], [0, rows]]) @ np.array([[cos, sin], [-sin, cos]])
    low, high = corners.min(axis=0), corners.max(axis=0)
    width, height = np.ceil(high - low - _TOUCH).astype(int).tolist()
    walls = np.pad(~free[::-1], 1, constant_values=True)
    # Squares with sides of 1, one of them turned, touch if along no axis of either their middles are farther apart.
    near = 0.5 * (1.0 + abs(cos) + abs(sin)) - _TOUCH
    found = np.ones((height, width), dtype=np.bool_)
    x = low[0] + np.arange(width) + 0.5
    for row in range(height):
        y = low[1] + row + 0.5
        across, up = cos * x + sin * y, cos * y - sin * x
        for right, above in np.ndindex(3, 3):
            column, line = np.floor(across).astype(int) + right - 1, np.floor(up).astype(int) + above - 1
            du, dv = across - column - 0.5, up - line - 0.5
            apart = np.max(np.abs([du, dv, cos * du - sin * dv, sin * du + cos * dv]), axis=0)
            wall = walls[np.clip(line + 1, 0, rows + 1), np.clip(column + 1, 0, cols + 1)]
            found[row] &= ~(wall & (apart < near))
    return found[::-1].copy(), (float(low[0]), float(low[1]))


def load_image(path: str | Path, resolution: float, origin: tuple[float, float] = (0.0, 0.0)) -> Nav2Map:
    """Read the image of a map without its YAML file: black is wall, white is free, grey is unknown.

    Args:
        path: The image.
        resolution: Side of a pixel [m].
        origin: Lower-left corner of the map, world frame [m].

    Raises:
        InputError: If the image cannot be read, or the resolution is no number above 0.
    """
    occupancy = Shading().occupancy(*read_grey(path))
    return Nav2Map(occupancy, number("resolution", resolution, above=0.0), origin, Path(path).stem)


def save_nav2_map(path: str | Path, grid: GridMap) -> None:
    """Write a map for Nav2: a YAML file, and a PGM image of the same stem beside it, each atomically.

    Raises:
        InputError: If a file cannot be written there.
    """
    path = Path(path)
    image = path.with_suffix(".pgm")
    if image == path:
        raise InputError(str(path), path.suffix, "a name that ends in .yaml: the image lies beside it")
    write_pgm(image, np.where(grid.free, _WHITE, _BLACK).astype(np.uint8))
    occupied, free = _SAVED
    x, y = grid.origin
    text = f"image: {image.name}\nmode: trinary\nresolution: {grid.cell_size!r}\norigin: [{x!r}, {y!r}, 0]\n"
    write_text(path, text + f"negate: 0\noccupied_thresh: {occupied}\nfree_thresh: {free}\n")


def _negate(field: Field | None) -> bool:
    if field is None:
        return False
    if field.value not in (0.0, 1.0):  # true and false are equal to these
        raise field.error("0 or 1")
    return bool(field.value)


def _mode(field: Field | None) -> str:
    if field is None:
        return MODES[0]
    if field.value not in MODES:
        raise field.error(" or ".join(MODES))
    return str(field.value)
