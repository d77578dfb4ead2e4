"""The keys of a scenario's robot that name a body of its own: ``urdf``, and ``wheels`` or ``base: planar``."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

from swarm.errors import InputError
from swarm.files.text_files import located
from swarm.files.yaml_input import Field
from swarm.model.dynamics import Kind, Limits
from swarm.scenario.urdf.body import UrdfBody, planar_body, wheeled_body

KEYS = ("urdf", "wheels", "base")
_EITHER = "wheels: {left: [joint, ...], right: [joint, ...]} (a unicycle), or base: planar (an integrator)"


def read_body(field: Field, folder: Path) -> UrdfBody | None:
    """The body that a robot names; None if it names none.

    Args:
        field: One entry of ``robots``.
        folder: Of the scenario file, where the URDF file is looked for.

    Raises:
        InputError: If a key is missing or too much, or the file cannot be used.
    """
    keys: dict[str, Field] = field.value
    given = [keys[key] for key in ("wheels", "base") if key in keys]
    if "urdf" not in keys:
        if given:
            raise InputError(given[0].where, "a key without urdf", "urdf: FILE beside it")
        return None
    if len(given) != 1:
        raise InputError(keys["urdf"].where, f"{len(given)} of the keys wheels and base", _EITHER)
    path = folder / keys["urdf"].text()
    if "base" in keys:
        if keys["base"].value != "planar":
            raise keys["base"].error("planar")
        with located(f"{keys['urdf'].where}: "):
            return planar_body(path)
    wheels = keys["wheels"].mapping(["left", "right"], ["radius", "track"])
    left, right = ([entry.text() for entry in wheels[side].items()] for side in ("left", "right"))
    sizes = {key: wheels[key].number(above=0.0) for key in ("radius", "track") if key in wheels}
    with located(f"{keys['urdf'].where}: "):
        return wheeled_body(path, left, right, **sizes)


def limits_of(body: UrdfBody, field: Field, base: Limits, kind: Kind) -> Limits:
    """The limits that a body has where the file gives none.

    Args:
        body: Of the robot.
        field: One entry of ``robots``.
        base: What the robot's type has: what a planar base has, since no joint moves it.
        kind: The type's dynamics.

    Raises:
        InputError: If the wheels' joints have no limit, and the file does not give both.
    """
    if body.is_planar or kind != Kind.UNICYCLE:
        return base
    if math.isfinite(body.wheel_speed):
        return body.limits()
    limits = field.value.get("limits")
    given = limits.value if limits is not None and isinstance(limits.value, dict) else {}
    if "speed" in given and "turn_rate" in given:
        return base
    where = f"{field.where}: {body.path}: joint {body.left[0]}: limit velocity"
    raise InputError(
        where, None, "a velocity above 0 [rad/s] of one wheel joint, or limits: {speed: ..., turn_rate: ...}"
    )


def body_entry(body: UrdfBody, folder: Path) -> dict[str, Any]:
    """The keys of a robot in a scenario file in that folder."""
    entry: dict[str, Any] = {"urdf": os.path.relpath(body.path, folder)}
    if body.is_planar:
        return entry | {"base": "planar"}
    sizes = {"radius": body.wheel_radius, "track": body.track}
    return entry | {"wheels": {"left": list(body.left), "right": list(body.right), **sizes}}
