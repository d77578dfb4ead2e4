"""Collision shapes as points with a rounding: boxes, cylinders, spheres, and meshes (STL, OBJ) by their vertices."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element

import numpy as np

from swarm.array_types import Array
from swarm.errors import InputError
from swarm.files.checks import array, number
from swarm.files.text_files import MEBIBYTE, decode, located, read_bytes

MESH_LIMIT = 64 * MEBIBYTE
_PACKAGE = "package://"
SHAPES = ("box", "cylinder", "sphere", "mesh")
# A rim is so many points of it; in between it is farther out by less than a millionth of its radius.
_CORNERS = 3600
_STL_HEAD, _STL_TRIANGLE = 84, 50


class Shape(NamedTuple):
    """The convex hull of points, rounded.

    Attributes:
        points: ``float64[k, 3]`` [m].
        rounding: Radius of a ball around each point [m].
    """

    points: Array
    rounding: float


def numbers(where: str, element: Element | None, name: str, default: str = "", *, count: int = 3) -> Array:
    """The numbers of an attribute, ``float64[count]``; the default stands for an element or attribute left out.

    Raises:
        InputError: If there are not so many finite numbers.
    """
    text = default if element is None else element.get(name, default)
    try:
        return array(where, [float(word) for word in text.split()], (count,))
    except ValueError:
        tag = name if element is None else f"{element.tag}'s {name}"
        raise InputError(f"{where}: {tag}", text, f"{count} finite number{'s' if count > 1 else ''}") from None


def place_of(where: str, element: Element) -> Array:
    """The frame of an element's ``origin`` in that of its parent, ``float64[4, 4]``; xyz in m, rpy in rad."""
    origin, place = element.find("origin"), np.eye(4)
    place[:3, 3] = numbers(where, origin, "xyz", "0 0 0")
    (cr, cp, cy), (sr, sp, sy) = (turn(numbers(where, origin, "rpy", "0 0 0")) for turn in (np.cos, np.sin))
    place[:3, :3] = [
        [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
        [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
        [-sp, cp * sr, cp * cr],
    ]
    return place


def read_shape(where: str, element: Element, folder: Path) -> Shape:
    """A ``collision`` element's shape in the frame of its link.

    Args:
        where: File and link, for the error.
        element: The element.
        folder: Of the URDF file, where its meshes are looked for.

    Raises:
        InputError: If the shape is missing, unknown or malformed, or its mesh cannot be read.
    """
    found = element.find("geometry/*")
    if found is None or found.tag not in SHAPES:
        raise InputError(f"{where}: collision geometry", None if found is None else found.tag, " or ".join(SHAPES))
    points, rounding = np.zeros((1, 3)), 0.0
    if found.tag == "box":
        half = 0.5 * numbers(where, found, "size")
        points = np.array(list(itertools.product((-1.0, 1.0), repeat=3))) * half
    elif found.tag == "cylinder":
        points = _cylinder(_length(where, found, "radius"), _length(where, found, "length"))
    elif found.tag == "sphere":
        rounding = _length(where, found, "radius")
    else:
        path = mesh_path(where, mesh_name(where, found), folder)
        with located(f"{where}: mesh: "):
            points = read_mesh(path) * numbers(where, found, "scale", "1 1 1")
    place = place_of(where, element)
    return Shape(points @ place[:3, :3].T + place[:3, 3], rounding)


def _length(where: str, element: Element, name: str) -> float:
    """A length above 0 [m]."""
    (length,) = numbers(where, element, name, count=1).tolist()
    return number(f"{where}: {element.tag}'s {name}", length, above=0.0)


def _cylinder(radius: float, length: float) -> Array:
    """Both rims of an upright cylinder around the origin."""
    angles = 2.0 * math.pi * np.arange(_CORNERS) / _CORNERS
    rim = np.stack([radius * np.cos(angles), radius * np.sin(angles), np.full(_CORNERS, 0.5 * length)], axis=1)
    return np.concatenate([rim, rim * [1.0, 1.0, -1.0]])


def mesh_name(where: str, mesh: Element) -> str:
    """The file of a ``mesh`` element, as the URDF file has it.

    Raises:
        InputError: If it is neither a path nor one in a package.
    """
    name = mesh.get("filename", "")
    if not name or "://" in name.removeprefix(_PACKAGE):
        raise InputError(f"{where}: mesh", name, f"a path relative to the URDF file, or {_PACKAGE}NAME/path")
    return name


def mesh_path(where: str, name: str, folder: Path) -> Path:
    """Where that file is; a package is a folder of its name above the URDF file, as it is for the physics engine.

    Raises:
        InputError: If there is no such package.
    """
    inside = name.removeprefix(_PACKAGE)
    if inside == name:
        return folder / name
    for above in (folder.absolute(), *folder.absolute().parents):
        if (above / inside).is_file():
            return above / inside
    raise InputError(f"{where}: mesh", name, "a package whose folder is above the URDF file, with this file in it")


def read_mesh(path: Path) -> Array:
    """The vertices of a mesh, ``float64[k, 3]``, in the file's own unit.

    Raises:
        InputError: If it cannot be read, is neither STL nor OBJ, or has no vertices.
    """
    kind = path.suffix.lower()
    if kind not in (".stl", ".obj"):
        raise InputError(str(path), kind, "a mesh in STL or OBJ (.stl, .obj)")
    content = read_bytes(path, MESH_LIMIT)
    count = int.from_bytes(content[80:_STL_HEAD], "little")
    if kind == ".stl" and len(content) == _STL_HEAD + _STL_TRIANGLE * count:
        rows = np.frombuffer(content, np.uint8, offset=_STL_HEAD).reshape(count, _STL_TRIANGLE)
        vertices = rows[:, 12:48].copy().view("<f4").reshape(-1, 3).astype(np.float64)
    else:
        vertices = np.array(list(_vertices(path, decode(str(path), content), "v" if kind == ".obj" else "vertex")))
    if len(vertices) == 0:
        raise InputError(str(path), "no vertices", "a mesh of triangles")
    return array(f"{path}: vertices", vertices, (None, 3))


def _vertices(path: Path, text: str, word: str) -> Iterator[list[float]]:
    """The numbers behind a word at the beginning of lines: x, y, z."""
    for line, words in enumerate((line.split() for line in text.splitlines()), start=1):
        if words and words[0] == word:
            try:
                x, y, z = map(float, words[1:4])
            except ValueError:
                raise InputError(f"{path}:{line}", " ".join(words), f"{word} and three numbers") from None
            yield [x, y, z]
