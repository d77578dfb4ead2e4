"""What there is to see, for every two-dimensional picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from swarm.array_types import Array, Flags


@dataclass
class Scene:
    """What there is to see at one moment.

    Attributes:
        obstacles: ``float64[n, 7]``, or the first five columns (``swarm.model.geometry``).
        positions: ``float64[N, 2]``: robots' centres [m].
        radii: ``float64[N]`` [m].
        headings: ``float64[N]`` [rad]; None: robots without a direction.
        outlines: Corners of each robot where it is, ``float64[c, 2]`` [m], or None: a disc; None: all are discs.
        goals: ``float64[N, 2]`` [m]; rows that are not finite are left out; None: no goals.
        paths: What each robot plans, ``float64[p, 2]`` [m] or None each; None: no paths.
        trails: Where each robot has been, oldest first, ``float64[p, 2]`` [m] or None each; None: no trails.
        bold_trails: Whether the trails are what the picture is about, and not only where robots come from.
        colour_value: ``float64[N]`` in [0, 1], bold to careful, with a legend; None: a colour for each robot.
        contacts: ``bool[N]``: robots that touch something; None: nobody does.
        strangers: ``bool[N]``: robots that are none of the team, in grey; None: nobody is.
        links: Pairs of robots that are joined by a line.
        discs: ``float64[n, 3]``, circles that are outlined: centre x, y, radius [m]; None: no circles.
        labels: A text for each robot; None: its number. Shown where there is room.
        caption: Short texts above the picture, from left to right.
    """

    obstacles: Array
    positions: Array
    radii: Array
    headings: Array | None = None
    outlines: Sequence[Array | None] | None = None
    goals: Array | None = None
    paths: Sequence[Array | None] | None = None
    trails: Sequence[Array | None] | None = None
    bold_trails: bool = False
    colour_value: Array | None = None
    contacts: Flags | None = None
    strangers: Flags | None = None
    links: Sequence[tuple[int, int]] = ()
    discs: Array | None = None
    labels: Sequence[str] | None = None
    caption: Sequence[str] = field(default_factory=tuple)
