"""The shield of convex polygons: no two bodies overlap, whatever is wanted, judged by an oracle at instants between."""

from __future__ import annotations

import math

import numpy as np
import pytest
from oracles.polygons import corners_at, depth, disc, random_polygon

from swarm.filter.hulls.shield import is_inexact, shield_hulls
from swarm.filter.safety import scratch
from swarm.filter.shapes.shield import shield_shape
from swarm.filter.shield import shield
from swarm.model.actuators import T_SPEED, T_TURN_RATE, TRAIL, ramp
from swarm.model.body import RADIUS, body_of, coast_of, is_second_order
from swarm.model.dynamics import Kind, Limits, step
from swarm.model.geometry import as_obstacles
from swarm.model.shapes import shape_size, stop_shape
from swarm.sense.neighbours import (
    N_REACH,
    NEIGHBOUR,
    OBSTACLE,
    Around,
    copy_shapes,
    describe,
    sense_obstacles,
    sense_robots,
    trailing,
)

DT, CHECKS, CORNERS, SLOTS = 0.05, 6, 8, 16
KINDS = {
    "single": (Kind.SINGLE_INTEGRATOR, Limits(1.0)),
    "double": (Kind.DOUBLE_INTEGRATOR, Limits(1.0, 2.0)),
    "unicycle": (Kind.UNICYCLE, Limits(1.0, turn_rate=3.0)),
    "ramped": (Kind.UNICYCLE, Limits(1.0, 2.0, 2.0, 4.0)),
}


class Room:
    """Polygons, and discs among them, in a room with one box; every control is drawn at random, or goes for others."""

    def __init__(
        self, names: tuple[str, ...], seed: int, discs: float = 0.0, count: int = 6, side: float = 2.2
    ) -> None:
        self.rng = np.random.default_rng(seed)
        self.obstacles = as_obstacles([[side / 2, side / 2, 0.15, 0.05, 0.0]])
        self.bounds = np.array([0.0, 0.0, side, side])
        places: list[np.ndarray] = []
        for point in self.rng.uniform(0.0, side, (4000, 2)):
            free = np.abs(point - side / 2).max() > 0.15 + 0.28
            if free and all(np.linalg.norm(point - other) > 0.57 for other in places) and len(places) < count:
                places.append(point)
        count = len(places)
        self.states, self.trails = np.zeros((count, 5)), np.zeros((count, TRAIL))
        self.states[:, :2], self.states[:, 2] = places, self.rng.uniform(-math.pi, math.pi, count)
        self.kinds, self.bodies, self.footprints = [], [], np.full((count, CORNERS, 2), np.nan)
        for i in range(count):
            kind, limits = KINDS[names[i % len(names)]]
            polygon = None if self.rng.random() < discs else random_polygon(self.rng, 0.28)
            if polygon is not None:
                self.footprints[i, : len(polygon)] = polygon
            self.kinds.append(int(kind))
            radius = 0.28 if polygon is not None else 0.2
            self.bodies.append(body_of(kind, radius, limits, dt=DT, sensing_radius=3.0, footprint=polygon))

    def polygon(self, i: int) -> np.ndarray | None:
        count = int((~np.isnan(self.footprints[i, :, 0])).sum())
        return self.footprints[i, :count] if count else None

    def sense(self, i: int, rows: np.ndarray, shapes: np.ndarray) -> Around:
        near, things, order = np.zeros((SLOTS, NEIGHBOUR)), np.zeros((SLOTS, OBSTACLE)), np.empty((SLOTS, 2))
        own_shapes, body = np.zeros((SLOTS, *shapes.shape[1:])), self.bodies[i]
        many, crowd = sense_robots(i, rows, body, near, order)
        copy_shapes(shapes, order, many, own_shapes)
        reach, items = rows[i, N_REACH], np.arange(len(self.obstacles))
        walls, crush = sense_obstacles(self.states[i], body, reach, self.obstacles, items, 0, len(items), things, order)
        return Around(
            near, many, things, walls, self.bounds, crowd or crush, self.trails[i], False, self.footprints[i],
            own_shapes,
        )  # fmt: skip

    def decide(self, wanted: np.ndarray) -> np.ndarray:
        """The controls that the shields let through."""
        rows, control = np.empty((len(self.kinds), NEIGHBOUR)), wanted.copy()
        shapes = np.zeros((len(self.kinds), shape_size(CORNERS), 2))
        for i, kind in enumerate(self.kinds):
            describe(kind, self.states[i], self.bodies[i], self.states[i, :2], 0.5, 0.5, i, rows[i])
            if is_second_order(self.bodies[i]):
                coast_of(self.states[i], self.bodies[i], self.trails[i])
                trailing(rows[i], self.trails[i])
            stop_shape(kind, self.states[i], self.bodies[i], self.trails[i], self.footprints[i], shapes[i])
        for i, kind in enumerate(self.kinds):
            around = self.sense(i, rows, shapes)
            if self.polygon(i) is not None:
                shield_shape(kind, self.states[i], self.bodies[i], around, control[i])
            elif is_inexact(self.bodies[i], around):
                shield_hulls(kind, self.states[i], self.bodies[i], around, control[i])
            else:
                shield(kind, self.states[i], self.bodies[i], around, control[i], scratch(2 * SLOTS).lines)
        return control

    def wish(self, aim: np.ndarray) -> np.ndarray:
        """A control within each robot's limits: bold and random, held towards others."""
        wanted = np.empty((len(self.kinds), 2))
        for i, kind in enumerate(self.kinds):
            limits = self.bodies[i]
            if kind == Kind.UNICYCLE:
                most = np.array([limits[2], limits[4]])
                if is_second_order(limits):
                    now, change = self.trails[i, T_SPEED : T_TURN_RATE + 1], DT * np.array([limits[3], limits[15]])
                    wanted[i] = np.clip(now + change * np.sign(aim[i] * most - now), -most, most)
                else:
                    wanted[i] = aim[i] * most
            elif kind == Kind.DOUBLE_INTEGRATOR:
                push, top = limits[3], limits[2]
                speed = self.states[i, 3:]
                wanted[i] = np.clip(np.clip(push * aim[i], (-top - speed) / DT, (top - speed) / DT), -push, push)
            else:
                wanted[i] = aim[i] * limits[2]
        return wanted

    def body_at(self, i: int, state: np.ndarray) -> np.ndarray:
        polygon = self.polygon(i)
        return disc(state[:2], self.bodies[i][RADIUS]) if polygon is None else corners_at(state, polygon)

    def move(self, control: np.ndarray) -> float:
        """Everybody moves for a period; how deep bodies overlapped at the most, at some of its instants [m]."""
        worst, box = -math.inf, self.obstacles[0]
        wall = corners_at(np.array([box[0], box[1], 0.0]), np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * box[2:4])
        for check in range(1, CHECKS + 1):
            then = np.empty_like(self.states)
            for i, kind in enumerate(self.kinds):
                time = DT * check / CHECKS if check < CHECKS else DT
                if is_second_order(self.bodies[i]):
                    drive = self.trails[i, T_SPEED : T_TURN_RATE + 1]
                    ramp(self.states[i], drive, control[i], time, DT, 0.0, then[i], np.empty(2))
                else:
                    step(kind, self.states[i], control[i], time, then[i])
            bodies = [self.body_at(i, then[i]) for i in range(len(self.kinds))]
            for i, body in enumerate(bodies):
                worst = max([worst, depth(body, wall), *(depth(body, other) for other in bodies[:i])])
        self.states = then
        for i, body in enumerate(self.bodies):
            if is_second_order(body):
                self.trails[i, T_SPEED : T_TURN_RATE + 1] = control[i]
        return worst


@pytest.mark.parametrize(
    "names", [("single",), ("double",), ("unicycle",), ("ramped",), ("single", "double", "unicycle", "ramped")]
)
@pytest.mark.parametrize("discs", [0.0, 0.4])
def test_bodies_never_overlap(names: tuple[str, ...], discs: float) -> None:
    kept = 0.0
    for seed in range(2):
        room = Room(names, seed, discs)
        aim = np.zeros((len(room.kinds), 2))
        for period in range(100):
            if period % 10 == 0:
                aim = room.rng.uniform(-1.0, 1.0, aim.shape)
                aim /= np.abs(aim).max(axis=1, keepdims=True)
            wanted = room.wish(aim)
            control = room.decide(wanted)
            kept += float((control != wanted).any(axis=1).mean())
            assert room.move(control) < 1e-9, (seed, period)
    assert kept > 5.0  # the shields had work


def test_without_shields_they_overlap() -> None:
    room = Room(("unicycle",), 0)
    aim, worst = room.rng.uniform(-1.0, 1.0, (len(room.kinds), 2)), -math.inf
    for _ in range(60):
        worst = max(worst, room.move(room.wish(aim)))
    assert worst > 0.01
