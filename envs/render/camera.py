"""A camera: where points of the world are in its picture, in the matrices that OpenGL and pybullet take."""

from __future__ import annotations

import math

import numpy as np

from swarm.array_types import Array

NEAR, FAR = 0.5, 500.0
"""Of the depths that a picture can show [m]."""
_FIELD = math.radians(30.0)  # of view, along the longer side: narrow, so that what is far stays nearly as large
_STEPS = 40  # of halving the distance: more than a float64 needs for a millimetre
_WORLD_UP = np.array([0.0, 0.0, 1.0])


class Camera:
    """Looks at a point from a distance.

    Args:
        target: ``float64[3]``, what is in the middle of the picture [m].
        azimuth: Direction on the ground in which the camera looks [rad], from the x axis.
        elevation: How steeply it looks down [rad].
        distance: From the target [m].
        size: Width and height of the picture in pixels.

    Attributes:
        size: As given.
        azimuth: As given.
        view: ``float64[4, 4]``, from the world into the camera's frame (x right, y up, looking along -z).
        projection: ``float64[4, 4]``, from there into clip space.
    """

    def __init__(
        self, target: Array, azimuth: float, elevation: float, distance: float, size: tuple[int, int]
    ) -> None:  # fmt: skip
        ahead = np.array(
            [
                math.cos(azimuth) * math.cos(elevation),
                math.sin(azimuth) * math.cos(elevation),
                -math.sin(elevation),
            ]
        )
        right = np.cross(ahead, _WORLD_UP) / math.cos(elevation)
        axes = np.array([right, np.cross(right, ahead), -ahead])
        self.size, self.azimuth = size, azimuth
        self.view = np.eye(4)
        self.view[:3, :3], self.view[:3, 3] = axes, -axes @ (np.asarray(target) - distance * ahead)
        focal = 1.0 / math.tan(0.5 * _FIELD)
        self.projection = np.zeros((4, 4))
        self.projection[0, 0], self.projection[1, 1] = (focal * max(size) / side for side in size)
        self.projection[2, 2:] = (FAR + NEAR) / (NEAR - FAR), 2.0 * FAR * NEAR / (NEAR - FAR)
        self.projection[3, 2] = -1.0

    def project(self, points: Array) -> Array:
        """Where points ``float64[n, 3]`` [m] are: ``float64[n, 3]``, column, row [pixels], distance along the view [m].

        Rows of points that are behind the camera are not finite.
        """
        points = np.asarray(points, dtype=np.float64).reshape(-1, 3)
        clip = np.c_[points, np.ones(len(points))] @ (self.projection @ self.view).T
        depth = np.where(clip[:, 3] > NEAR, clip[:, 3], np.nan)
        width, height = self.size
        columns = 0.5 * width * (1.0 + clip[:, 0] / depth)
        return np.column_stack([columns, 0.5 * height * (1.0 - clip[:, 1] / depth), depth])

    def pixels_a_metre(self, point: Array) -> float:
        """How long a metre from side to side is at a point ``float64[3]`` of the world [pixels]."""
        ends = self.project(np.array([point, point + self.view[0, :3]]))
        return float(np.hypot(*(ends[1] - ends[0])[:2]))


def fitted(corners: Array, azimuth: float, elevation: float, size: tuple[int, int], border: int) -> Camera:
    """The nearest camera that sees all points ``float64[n, 3]`` [m], ``border`` pixels inside of its picture."""
    target, near, far = corners.mean(axis=0), 1.0, FAR / 2.0
    for _ in range(_STEPS):
        middle = 0.5 * (near + far)
        seen = Camera(target, azimuth, elevation, middle, size).project(corners)
        inside = (seen[:, :2] >= border).all() and (seen[:, :2] <= np.array(size) - border).all()
        near, far = (near, middle) if inside else (middle, far)
    return _centred(corners, target, azimuth, elevation, far, size)


def _centred(
    corners: Array, target: Array, azimuth: float, elevation: float, distance: float, size: tuple[int, int]
) -> Camera:
    """The camera, moved along the ground until the points are as far from the top as from the bottom."""
    on_ground = np.array([math.cos(azimuth), math.sin(azimuth), 0.0])
    for _ in range(_STEPS):
        camera = Camera(target, azimuth, elevation, distance, size)
        rows = camera.project(corners)[:, 1]
        lacking = 0.5 * (size[1] - rows.min() - rows.max())  # above 0: all is too high up in the picture
        target = target + on_ground * lacking / camera.pixels_a_metre(target)
    return camera
