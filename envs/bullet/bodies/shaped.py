"""Shipped robots with another hull: their URDF files, with a prism over a footprint in the place of the cylinder."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from swarm.array_types import Array
from swarm.model.footprint.polygon import normals_of

# Of the shipped files' hulls: metres at the nominal radius.
HULL_BOTTOM, HULL_TOP = 0.02, 0.20
HULL_MARGIN = 0.001
"""The engine pads a hull of corners, or a cylinder, by this much [m], whatever its size."""


@contextmanager
def shaped(path: Path, footprint: Array | None, heading: float, scale: float) -> Iterator[Path]:
    """A URDF file of a robot whose hull has a footprint ``float64[V, 2]`` [m]; the file itself for a disc (None).

    The hull that collides is the convex hull of its corners, drawn in by the engine's padding; a box is one too.

    Args:
        path: A shipped file.
        footprint: The robot's, in the frame of its body.
        heading: By which the hull is turned in the file [rad].
        scale: The size that the file is loaded with.
    """
    if footprint is None:
        yield path
        return
    tree = ET.parse(path)
    hull = next(link for link in tree.iter("link") if link.get("name") == "hull")
    with TemporaryDirectory() as folder:
        for tag in ("visual", "collision"):
            part = hull.find(tag)
            if part is None:
                continue
            for child in list(part):
                if child.tag in ("origin", "geometry"):
                    part.remove(child)
            mesh = ET.SubElement(ET.SubElement(part, "geometry"), "mesh")
            mesh.set("filename", f"{tag}.obj")
            margin = HULL_MARGIN if tag == "collision" else 0.0
            (Path(folder) / f"{tag}.obj").write_text(_prism(footprint, heading, scale, margin))
        file = Path(folder) / path.name
        tree.write(file)
        yield file


def inset(polygon: Array, margin: float) -> Array:
    """A convex polygon with all sides moved inwards [m]; one too thin for it is left as it is."""
    sides, outward = np.roll(polygon, -1, axis=0) - polygon, normals_of(polygon)
    pairs = np.stack([np.roll(outward, 1, axis=0), outward], axis=1)
    lines = np.einsum("nd,nd->n", outward, polygon) - margin
    moved: Array = np.linalg.solve(pairs, np.stack([np.roll(lines, 1), lines], axis=1)[..., None])[..., 0]
    turned = np.einsum("nd,nd->n", np.roll(moved, -1, axis=0) - moved, sides)
    return moved if (turned > 0.0).all() else polygon


def _prism(footprint: Array, heading: float, scale: float, margin: float) -> str:
    """A prism in the format OBJ, at the size of the file that is scaled."""
    cos, sin = math.cos(heading), math.sin(heading)
    ring = inset(footprint, margin) @ np.array([[cos, sin], [-sin, cos]]) / scale
    count = len(ring)
    lines = [f"v {x:.9g} {y:.9g} {z:.9g}" for z in (HULL_BOTTOM, HULL_TOP) for x, y in ring.tolist()]
    faces = []
    for k in range(count):
        after = (k + 1) % count
        faces += [(k, after, count + after), (k, count + after, count + k)]
    for k in range(1, count - 1):
        faces += [(0, k + 1, k), (count, count + k, count + k + 1)]
    return "\n".join([*lines, *(f"f {a + 1} {b + 1} {c + 1}" for a, b, c in faces), ""])
