"""A world as pybullet's renderer shows it: floor, shelves and robots, without any physics.

The renderer works on the processor, without a display. What stands still is drawn once for each camera, twice as
large; in each picture only the robots are drawn, and put where nothing is in front of them.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from envs.bullet.bodies.body import scale_of
from envs.bullet.bodies.shaped import HULL_BOTTOM, HULL_TOP
from envs.bullet.engine import bullet, connect, disconnect
from envs.bullet.ground import WALL_HEIGHT, quaternion
from envs.render.camera import FAR, NEAR, Camera
from envs.render.colours import PAPER, SHADE, Colour
from envs.render.lettering import Lettering
from envs.render.overlay import Overlay
from swarm.array_types import Array, Flags, UInt8s
from swarm.model.footprint.polygon import normals_of
from swarm.scenario.scenario import Scenario

_SMOOTH = 2  # What stands still is drawn so many times larger than shown.
_LIGHT = (-12.0, -9.0, 24.0)  # where the light comes from
SHADOW = np.array([0.5, 0.375])
"""Where the shadow of a point one metre above the floor falls, from below it [m]."""
_BRIGHT = {"lightAmbientCoeff": 0.62, "lightDiffuseCoeff": 0.42, "lightSpecularCoeff": 0.06}
_FLOOR, _SHELF, _TOP = (0.95, 0.95, 0.93), (0.40, 0.44, 0.52), (0.55, 0.60, 0.68)
_BEYOND = 0.4  # [m]; so much is shown of walls that lie outside of the bounds
_BOARD = 0.12  # [m]; the edge of a shelf around its lighter top
_BEHIND = 0.02  # [m]; differences of depth that are rounding
_SIDES = 28  # of a robot's hull
_AHEAD = ((0.92, 0.0), (0.25, 0.55), (0.45, 0.0), (0.25, -0.55))  # the arrow on a hull [radii]
_ARROW: Colour = (250, 250, 250)


class Still(NamedTuple):
    """What does not move, as one camera sees it.

    Attributes:
        image: ``uint8[height, width, 3]``.
        depth: Distances along the view, ``float64[height, width]`` [m].
        floor: Where the floor is seen, ``bool[height, width]``.
    """

    image: UInt8s
    depth: Array
    floor: Flags


class Stage:
    """Shows the robots of a scenario anywhere.

    Args:
        scenario: World and robots.
        colours: Of each robot.

    Attributes:
        tops: Height of each robot, ``float64[N]`` [m].
    """

    def __init__(self, scenario: Scenario, colours: Sequence[Colour]) -> None:
        # The world without robots, and the robots without a world.
        self._world, self._team = connect(False, scenario.dt), connect(False, scenario.dt)
        self._release = [weakref.finalize(self, disconnect, client) for client in (self._world, self._team)]
        self._blocks: list[Array] = []
        self._turned_blocks: list[Array] = []  # their corners, one after the other
        self._floor = self._add_world(scenario)
        self._lettering = Lettering()
        self._robots = []
        for robot, colour in zip(scenario.robots, colours, strict=True):
            scale = scale_of(robot.radius)
            low, high = HULL_BOTTOM * scale, HULL_TOP * scale
            shape = _drum(robot.radius, low, high) if robot.footprint is None else _prism(robot.footprint, low, high)
            hull = self._mesh(*shape, colour)
            arrow = self._mesh(*_flat(robot.radius * np.array(_AHEAD), HULL_TOP * scale + 0.01), _ARROW)
            self._robots.append((hull, arrow))
        self.tops = HULL_TOP * np.array([scale_of(robot.radius) for robot in scenario.robots])

    def _add_world(self, scenario: Scenario) -> int:
        """Floor, and obstacles as far as they are near the bounds; returns the floor's body."""
        xmin, ymin, xmax, ymax = scenario.world.bounds
        low, high = np.array([xmin, ymin]), np.array([xmax, ymax])
        half = 0.5 * (high - low)
        floor = self._add((*(low + half), -0.05), _FLOOR, halfExtents=(*half, 0.05))
        for x, y, half_x, half_y, rounding, cosine, sine in scenario.world.obstacles.tolist():
            if sine != 0.0 and rounding == 0.0:
                self._add_turned(np.array([x, y]), (half_x, half_y), cosine, sine)
                continue
            first = np.maximum([x - half_x - rounding, y - half_y - rounding], low - _BEYOND)
            last = np.minimum([x + half_x + rounding, y + half_y + rounding], high + _BEYOND)
            if (first >= last).any():
                continue
            self._blocks.append(np.concatenate([first, last]))
            if rounding > 0.0:
                self._add((x, y, WALL_HEIGHT / 2), _SHELF, radius=rounding, length=WALL_HEIGHT)
                self._add((x, y, WALL_HEIGHT), _TOP, radius=max(0.5 * rounding, rounding - _BOARD), length=0.02)
                continue
            middle, sides = 0.5 * (first + last), 0.5 * (last - first)
            self._add((*middle, WALL_HEIGHT / 2), _SHELF, halfExtents=(*sides, WALL_HEIGHT / 2))
            self._add((*middle, WALL_HEIGHT), _TOP, halfExtents=(*np.maximum(0.5 * sides, sides - _BOARD), 0.01))
        return floor

    def _add_turned(self, centre: Array, half: tuple[float, float], cosine: float, sine: float) -> None:
        """A turned box, whole."""
        turn = quaternion(cosine, sine)
        along, across = np.array([cosine, sine]) * half[0], np.array([-sine, cosine]) * half[1]
        self._turned_blocks.append(centre + np.array([along + across, across - along, -along - across, along - across]))
        board = np.maximum(0.5 * np.array(half), np.array(half) - _BOARD)
        self._add((*centre, WALL_HEIGHT / 2), _SHELF, turn, halfExtents=(*half, WALL_HEIGHT / 2))
        self._add((*centre, WALL_HEIGHT), _TOP, turn, halfExtents=(*board, 0.01))

    def _add(
        self, centre: tuple[float, ...], colour: tuple[float, ...],
        turn: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 1.0), **size: object,
    ) -> int:  # fmt: skip
        shape = bullet.GEOM_BOX if "halfExtents" in size else bullet.GEOM_CYLINDER
        visual = bullet.createVisualShape(shape, rgbaColor=(*colour, 1.0), **size, physicsClientId=self._world)
        uid: int = bullet.createMultiBody(
            0.0, -1, visual, basePosition=centre, baseOrientation=turn, physicsClientId=self._world
        )
        return uid

    def _mesh(self, vertices: Array, normals: Array, triangles: Sequence[int], colour: Colour) -> int:
        """Adds a body of triangles to the robots; returns it."""
        visual = bullet.createVisualShape(
            bullet.GEOM_MESH, vertices=vertices.tolist(), normals=normals.tolist(), indices=list(triangles),
            rgbaColor=[value / 255.0 for value in colour] + [1.0], physicsClientId=self._team,
        )  # fmt: skip
        uid: int = bullet.createMultiBody(0.0, -1, visual, physicsClientId=self._team)
        return uid

    def still(self, camera: Camera) -> Still:
        """What does not move."""
        size = (_SMOOTH * camera.size[0], _SMOOTH * camera.size[1])
        image, depth, bodies = _rendered(self._world, camera, size)
        image[bodies < 0] = PAPER
        height, width = camera.size[1], camera.size[0]
        image = image.reshape(height, _SMOOTH, width, _SMOOTH, 3).mean(axis=(1, 3)).astype(np.uint8)
        depth, floor = depth[::_SMOOTH, ::_SMOOTH], (bodies == self._floor)[::_SMOOTH, ::_SMOOTH]
        shadows = Overlay(image, camera, self._lettering)
        for xmin, ymin, xmax, ymax in self._blocks:
            x, y = WALL_HEIGHT * SHADOW  # both above 0: so these are the corners of the block and of its shadow
            corners = [(xmin, ymin), (xmax, ymin), (xmax + x, ymin + y), (xmax + x, ymax + y), (xmin + x, ymax + y)]
            shadows.area(np.array([*corners, (xmin, ymax)]), SHADE)
        for block in self._turned_blocks:  # what it covers, and what each of its sides throws
            shadows.area(block, SHADE)
            for side in (block[[k, (k + 1) % 4]] for k in range(4)):
                shadows.area(np.concatenate([side, side[::-1] + WALL_HEIGHT * SHADOW]), SHADE)
        return Still(np.where(floor[..., None], shadows.image(), image), depth, floor)

    def picture(self, camera: Camera, still: Still, poses: Array, on_floor: Callable[[UInt8s], UInt8s]) -> UInt8s:
        """The robots in a world.

        Args:
            camera: The camera.
            still: What does not move, as this camera sees it.
            poses: ``float64[N, 3]``: x, y [m], heading [rad].
            on_floor: Draws on the image of the world; what it draws is seen where the floor is.

        Returns:
            ``uint8[height, width, 3]``.
        """
        for bodies, (x, y, heading) in zip(self._robots, poses.tolist(), strict=True):
            turn = (0.0, 0.0, math.sin(0.5 * heading), math.cos(0.5 * heading))
            for uid in bodies:
                bullet.resetBasePositionAndOrientation(uid, (x, y, 0.0), turn, physicsClientId=self._team)
        image, depth, seen_bodies = _rendered(self._team, camera, camera.size)
        seen = (seen_bodies >= 0) & (depth < still.depth + _BEHIND)
        picture = still.image.copy()
        picture[still.floor] = on_floor(still.image)[still.floor]
        picture[seen] = image[seen]
        return picture

    def close(self) -> None:
        """Gives the engines' memory back; may be called more than once."""
        for release in self._release:
            release()


def _drum(radius: float, bottom: float, top: float) -> tuple[Array, Array, list[int]]:
    """Vertices, normals and triangles of an upright cylinder; its edges stay sharp, which the engine's own do not."""
    angle = 2.0 * math.pi * np.arange(_SIDES) / _SIDES
    ring = np.column_stack([np.cos(angle), np.sin(angle), np.zeros(_SIDES)])
    low, high = radius * ring + [0.0, 0.0, bottom], radius * ring + [0.0, 0.0, top]
    vertices = np.concatenate([low, high, high])
    normals = np.concatenate([ring, ring, np.tile([0.0, 0.0, 1.0], (_SIDES, 1))])
    triangles = []
    for side in range(_SIDES):
        after = (side + 1) % _SIDES
        triangles += [side, after, _SIDES + after, side, _SIDES + after, _SIDES + side]
        triangles += [2 * _SIDES, 2 * _SIDES + side, 2 * _SIDES + after]
    return vertices, normals, triangles


def _prism(footprint: Array, bottom: float, top: float) -> tuple[Array, Array, list[int]]:
    """As ``_drum``, over a footprint ``float64[V, 2]`` [m]."""
    count, after = len(footprint), np.roll(footprint, -1, axis=0)
    outward = np.column_stack([normals_of(footprint), np.zeros(count)])
    walls = [np.column_stack([ring, np.full(count, z)]) for ring, z in (
        (footprint, bottom), (after, bottom), (after, top), (footprint, top), (footprint, top),
    )]  # fmt: skip
    triangles = []
    for side in range(count):
        a, b, c, d = (side + k * count for k in range(4))
        triangles += [a, b, c, a, c, d]
    for side in range(1, count - 1):
        triangles += [4 * count, 4 * count + side, 4 * count + side + 1]
    normals = [outward] * 4 + [np.tile([0.0, 0.0, 1.0], (count, 1))]
    return np.concatenate(walls), np.concatenate(normals), triangles


def _flat(outline: Array, height: float) -> tuple[Array, Array, list[int]]:
    """Vertices, normals and triangles of the arrow ``float64[4, 2]`` [m] at a height [m]."""
    vertices = np.column_stack([outline, np.full(len(outline), height)])
    return vertices, np.tile([0.0, 0.0, 1.0], (len(outline), 1)), [0, 1, 2, 0, 2, 3]


def _rendered(client: int, camera: Camera, size: tuple[int, int]) -> tuple[UInt8s, Array, Array]:
    """Image, distances along the view [m], and the body that is seen at each pixel (-1: none)."""
    width, height = size
    _, _, colours, buffer, bodies = bullet.getCameraImage(
        width, height, camera.view.T.ravel().tolist(), camera.projection.T.ravel().tolist(),
        lightDirection=_LIGHT, lightDistance=30.0, shadow=0, **_BRIGHT,
        renderer=bullet.ER_TINY_RENDERER, physicsClientId=client,
    )  # fmt: skip
    image = np.reshape(colours, (height, width, 4))[..., :3].astype(np.uint8)
    depth = FAR * NEAR / (FAR - (FAR - NEAR) * np.reshape(buffer, (height, width)).astype(np.float64))
    return image, depth, np.reshape(bodies, (height, width))
