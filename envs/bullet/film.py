"""A film of a run in three dimensions, with a close-up where robots meet, and the map beside it.

It is made after the run, from what was noted of it: so the simulation is not held up.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from envs.bullet.stage import SHADOW, Stage, Still
from envs.render.camera import Camera, fitted
from envs.render.colours import ALARM, FAINT, INK, PAPER, SHADE, robot_hue, tint, tuner_colour
from envs.render.drawing import Painter
from envs.render.lettering import Lettering
from envs.render.overlay import Overlay
from envs.render.scene import Scene
from envs.rollout.meetings import Meeting, meetings, nearest
from envs.rollout.pictures import TRAIL_SECONDS, Routes, scene_of
from envs.rollout.run import Run
from swarm.array_types import Array, UInt8s
from swarm.filter.tunables import ROBOT_GAIN, ROBOT_POWER, ROTATION, SPEED
from swarm.scenario.scenario import Scenario

FRAMES = 15
"""Pictures a second, about."""
_MOST_NUMBERS = 64  # robots; the numbers of more would hide them
_TEXT = 26  # height of texts [pixels], legible when the film is shown half as large
_ELEVATION, _NEAR_ELEVATION = math.radians(57.0), math.radians(52.0)
_BETWEEN = 4.0  # [s] between two meetings that are shown, at least
_AROUND = 3.2  # radii of both robots, around the place where they meet
_HEADER = 92  # pixels above the close-up
_SIZES = {"3d": ((800, 720), (480, 720)), "both": ((640, 800), (640, 300))}
_MAP = (640, 500)


class Moment(NamedTuple):
    """What is shown at one time.

    Attributes:
        scene: As on the map.
        tunables: ``float64[N, 6]``, physical values.
    """

    scene: Scene
    tunables: Array


def slowing_gap(tunables: Array, top_speed: float) -> float:
    """The gap [m] between two robots from which on the barrier slows the one with these tunables.

    Its half of the class-K bound is its wanted speed there: gain gap^power / 2 = speed share times top speed. Who needs
    time to brake is slowed earlier, by the other part of its bound (``swarm.filter.barriers``).
    """
    wanted = float(tunables[SPEED]) * top_speed
    return float((2.0 * wanted / tunables[ROBOT_GAIN]) ** (1.0 / tunables[ROBOT_POWER]))


class Film:
    """Notes a run, then shows it.

    Args:
        run: The run.
        view: ``3d``, or ``both``: the map beside it.
        speed: How many times faster than real time.
    """

    def __init__(self, run: Run, view: str, speed: float) -> None:
        self._run, self._routes, scenario = run, Routes(run), run.scenario
        self._every = max(1, round(speed / (FRAMES * scenario.dt)))
        self.fps = speed / (self._every * scenario.dt)
        self._between = max(1, round(_BETWEEN / (self._every * scenario.dt)))
        self._moments: list[Moment] = []
        self._colours = [robot_hue(robot) for robot in range(len(scenario.robots))]
        self._lettering = Lettering()
        main, self._near_size = _SIZES[view]
        self._painter = _map_painter(scenario) if view == "both" else None
        self._stage = Stage(scenario, self._colours)
        self._camera = _overview(scenario, main)

    def note(self, run: Run) -> None:
        """Keep this moment, if it is one that the film shows."""
        if (run.tick_count - 1) % self._every == 0:
            # Trails are seen on the map alone.
            scene = scene_of(run, routes=self._routes, trail=TRAIL_SECONDS if self._painter else 0.0)
            tunables = np.array([command.tunables for command in run.commands])
            self._moments.append(Moment(scene, tunables))

    def __len__(self) -> int:
        return len(self._moments)

    def frames(self) -> Iterator[UInt8s]:
        """The pictures, ``uint8[height, width, 3]``."""
        radii = self._run.radii
        met = meetings(np.array([moment.scene.positions for moment in self._moments]), radii, self._between)
        shown = nearest(met, len(self._moments)) if met else np.full(len(self._moments), -1)
        still, near, before = self._stage.still(self._camera), None, -1
        for moment, which in zip(self._moments, shown.tolist(), strict=True):
            if which != before:
                near, before = self._near(met[which]), which
            column = [self._close_up(moment, met[which], *near) if near else self._nobody()]
            if self._painter is not None:
                scene = moment.scene
                caption, scene.caption = scene.caption, ()
                column.insert(0, _on_paper(self._painter.frame(scene), _MAP))
                scene.caption = caption
            yield np.concatenate([self._main(moment, still), np.concatenate(column)], axis=1)

    def close(self) -> None:
        """Gives the renderer's memory back."""
        self._stage.close()

    def _near(self, meeting: Meeting) -> tuple[Camera, Still]:
        """The camera that looks at a meeting, and what of the world it sees."""
        pair = list(meeting.pair)
        place = self._moments[meeting.at].scene.positions[pair].mean(axis=0)
        reach = _AROUND * float(self._run.radii[pair].sum())
        x, y = place
        corners = np.array([[x + a, y + b, 0.0] for a in (-reach, reach) for b in (-reach, reach)])
        size = self._near_size[0], self._near_size[1] - _HEADER
        camera = fitted(corners, self._camera.azimuth, _NEAR_ELEVATION, size, 0)
        return camera, self._stage.still(camera)

    def _main(self, moment: Moment, still: Still) -> UInt8s:
        """The whole world."""
        over = self._drawn(self._camera, still, moment, 0.85 * _TEXT, None)
        column = _TEXT
        for text in moment.scene.caption:
            column = over.text(text, column, _TEXT, _TEXT) + _TEXT
        over.scale_bar(self._front(), _TEXT, " at the front")
        return over.image()

    def _front(self) -> Array:
        """The middle of the floor's nearest edge."""
        xmin, ymin, xmax, ymax = self._run.scenario.world.bounds
        if self._camera.azimuth == 0.0:
            return np.array([xmin, 0.5 * (ymin + ymax), 0.0])
        return np.array([0.5 * (xmin + xmax), ymin, 0.0])

    def _close_up(self, moment: Moment, meeting: Meeting, camera: Camera, still: Still) -> UInt8s:
        """Two robots from near, and what they have tuned."""
        over = self._drawn(camera, still, moment, _TEXT, meeting.pair)
        place = moment.scene.positions[list(meeting.pair)].mean(axis=0)
        over.scale_bar(np.array([*place, 0.0]), _TEXT)
        header = Overlay(_paper(self._near_size[0], _HEADER), camera, self._lettering)
        for side, robot in enumerate(meeting.pair):
            values, column = moment.tunables[robot], 12 + side * self._near_size[0] // 2
            colour, size = tint(self._colours[robot], 0.2, INK), _TEXT - 3
            header.text(
                f"{robot}: gain {values[ROBOT_GAIN]:.1f}/s, power {values[ROBOT_POWER]:.1f}", column, 18, size, colour
            )
            turned = f"turned {math.degrees(values[ROTATION]):+.0f}°, speed {100.0 * values[SPEED]:.0f} %"
            header.text(turned, column, 44, size, colour)
        header.text("ring: from here on the barrier slows it", 12, 74, _TEXT - 4, FAINT)
        return np.concatenate([header.image(), over.image()])

    def _nobody(self) -> UInt8s:
        """Instead of a close-up, where no two robots came near each other."""
        over = Overlay(_paper(*self._near_size), self._camera, self._lettering)
        over.text("no two robots meet", 12, _TEXT, _TEXT, FAINT)
        return over.image()

    def _drawn(
        self, camera: Camera, still: Still, moment: Moment, size: float, pair: tuple[int, int] | None
    ) -> Overlay:  # fmt: skip
        """World, robots, what is on the floor, and numbers; of two robots the rings of their barriers."""
        scene, team = moment.scene, self._run.scenario.robots

        def on_floor(image: UInt8s) -> UInt8s:
            floor = Overlay(image, camera, self._lettering)
            for place, radius in zip(scene.positions, scene.radii.tolist(), strict=True):
                floor.disc(place + 0.5 * radius * SHADOW, 1.05 * radius, SHADE)
            for robot, path in enumerate(scene.paths or ()):
                if path is not None:
                    floor.line(path, self._colours[robot], 3.0)
            for robot, goal in enumerate(scene.goals if scene.goals is not None else ()):
                if np.isfinite(goal).all():
                    floor.goal(goal, 1.3 * float(scene.radii[robot]), self._colours[robot])
            for robot in np.flatnonzero(scene.contacts).tolist() if scene.contacts is not None else ():
                floor.ring(scene.positions[robot], 1.6 * float(scene.radii[robot]), ALARM, 5.0)
            for robot in pair or ():
                reach = slowing_gap(moment.tunables[robot], team[robot].limits.speed)
                value = 0.5 if scene.colour_value is None else float(scene.colour_value[robot])
                if math.isfinite(reach):
                    floor.ring(scene.positions[robot], float(scene.radii[robot]) + reach, tuner_colour(value), 5.0)
            return floor.image()

        headings = np.zeros(len(team)) if scene.headings is None else scene.headings
        poses = np.column_stack([scene.positions, headings])
        over = Overlay(self._stage.picture(camera, still, poses, on_floor), camera, self._lettering)
        for robot, place in enumerate(scene.positions if len(scene.positions) <= _MOST_NUMBERS else ()):
            over.number(str(robot), place, float(self._stage.tops[robot]), self._colours[robot], round(size))
        return over


def _map_painter(scenario: Scenario) -> Painter:
    """Draws the map so that it fits into its place."""
    xmin, ymin, xmax, ymax = scenario.world.bounds
    unit = min((_MAP[0] - 28) / (xmax - xmin), (_MAP[1] - 120) / (ymax - ymin))
    return Painter((xmin, ymin, xmax, ymax), pixels=max(64, int(unit * max(xmax - xmin, ymax - ymin))), text=_TEXT)


def _overview(scenario: Scenario, size: tuple[int, int]) -> Camera:
    """The camera that sees the whole world, from the side from which it is largest."""
    xmin, ymin, xmax, ymax = scenario.world.bounds
    corners = np.array([[x, y, z] for x in (xmin, xmax) for y in (ymin, ymax) for z in (0.0, 0.5)])
    cameras = [fitted(corners, azimuth, _ELEVATION, size, _TEXT) for azimuth in (0.0, 0.5 * math.pi)]
    return max(cameras, key=lambda camera: camera.pixels_a_metre(corners.mean(axis=0)))


def _paper(width: int, height: int) -> UInt8s:
    return np.full((height, width, 3), PAPER, dtype=np.uint8)


def _on_paper(image: UInt8s, size: tuple[int, int]) -> UInt8s:
    """The image in the middle of a paper of that size [pixels]."""
    paper = _paper(*size)
    top, left = (size[1] - image.shape[0]) // 2, (size[0] - image.shape[1]) // 2
    paper[top : top + image.shape[0], left : left + image.shape[1]] = image
    return paper
