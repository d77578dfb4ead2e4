"""The keys of a scenario's robot that say its shape: ``footprint``, or ``shape`` with ``size`` or ``radius``."""

from __future__ import annotations

import numpy as np

from swarm.array_types import Array
from swarm.errors import InputError
from swarm.files.yaml_input import Field, parse_yaml
from swarm.model.footprint.polygon import box, outline, reach

KEYS = ("footprint", "shape", "size")
_EQUAL = 1e-6
"""A radius that differs from the reach of a footprint by a smaller share is the same but for rounding."""
_SHAPES = "box with size: [length, width], or disc (or circle) with radius; any other shape is footprint: [[x, y], ...]"


def read_outline(keys: dict[str, Field]) -> tuple[Array | None, str]:
    """The outline that a robot's keys give, and what is to be said of it; None if they give none.

    Raises:
        InputError: If a key is malformed or does not go with another; names it, and what is valid.
    """
    if "footprint" in keys:
        for key in ("shape", "size"):
            if key in keys:
                raise InputError(keys[key].where, keys[key].value, "no such key beside footprint, which is the shape")
        corners = [corner.numbers(["x, y"]) for corner in _list_of(keys["footprint"]).items()]
        return outline(keys["footprint"].where, np.array(corners).reshape(-1, 2))
    shape = keys["shape"].value if "shape" in keys else None
    if "shape" in keys and shape not in ("box", "disc", "circle"):
        raise keys["shape"].error(_SHAPES)
    if (shape == "box") != ("size" in keys):
        where = keys["size" if "size" in keys else "shape"]
        raise where.error(_SHAPES)
    if shape != "box":
        return None, ""
    return box(*keys["size"].numbers(["length, width"], above=0.0).tolist()), ""


def same_radius(radius: float, polygon: Array) -> bool:
    """Whether a radius is that of the disc around a polygon, up to rounding."""
    return abs(radius - reach(polygon)) <= _EQUAL * reach(polygon)


def _list_of(field: Field) -> Field:
    """A footprint's list; Nav2 has it as text: ``"[ [0.3, 0.2], [0.3, -0.2], ... ]"``."""
    return parse_yaml(field.value, field.where) if isinstance(field.value, str) else field
