"""Rooms side by side in one world, and random places to which there is a way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from oracles.flood import parts

from envs.scenarios import draw_family
from envs.scenarios.narrow import corridor, doorway, merge
from envs.scenarios.placing import Room, _free, place
from envs.scenarios.tiled import tile
from swarm.errors import InputError
from swarm.scenario.world import World


def test_rooms_side_by_side_are_out_of_sight_of_each_other() -> None:
    rng = np.random.default_rng(4)
    other = draw_family("mixed", 1, sensing_radius=0.5)
    rooms = [merge.draw(rng), other, doorway.draw(rng, robots=2), merge.draw(rng)]
    tiled = tile(rooms)
    whose = np.repeat(np.arange(4), [len(room.robots) for room in rooms])
    for k, room in enumerate(rooms):
        mine = [tiled.robots[i] for i in np.flatnonzero(whose == k)]
        shift = mine[0].start[:2] - room.robots[0].start[:2]
        for own, before in zip(mine, room.robots, strict=True):
            np.testing.assert_allclose(own.start[:2] - before.start[:2], shift)
            np.testing.assert_allclose(own.goals - before.goals, np.tile(shift, (len(own.goals), 1)))
            assert (own.start[2:] == before.start[2:]).all() and own.limits == before.limits
        low, high = room.world.bounds[:2] + shift, room.world.bounds[2:] + shift
        edge = np.stack([low, high, [low[0], high[1]], [high[0], low[1]], 0.5 * (low + high)])
        least = max(robot.radius for robot in room.robots)
        inside = room.world.clearance(edge - shift) > least
        assert (tiled.world.clearance(edge[inside]) >= least - 1e-9).all()  # the wall takes nothing of the room
    radius = min(robot.radius for robot in tiled.robots)
    part = parts(tiled.world, radius, np.array([robot.start[:2] for robot in tiled.robots]), 0.005)
    assert len({(a, b) for a, b in zip(whose, part, strict=True)}) == len(set(part)) == 4 and part.min() > 0
    assert tiled.horizon == max(room.horizon for room in rooms)


def test_a_side_that_is_closed_gets_no_further_wall() -> None:
    """A network that was trained beside walls behind walls did not find the way into the alcove without them."""
    room = corridor.draw(np.random.default_rng(2))
    tiled = tile([room, room])
    assert len(tiled.world.boxes) == 2 * (len(room.world.boxes) + 2)  # its two ends
    held = World(room.world.bounds, room.world.boxes[:1])
    for world, walls in ((held, 3), (World(room.world.bounds, held.boxes * [1.0, 1.0, 0.999, 1.0]), 4)):
        assert len(tile([replace(room, world=world)]).world.boxes) == 1 + walls
    ends, middle = tile([room]).world.boxes[-2:], room.world.bounds[2:] / 2.0
    assert (abs(ends[:, 0] - middle[0]) - ends[:, 2] > room.sensing_radius).all()  # out of sight where they meet


def test_what_does_not_fit_side_by_side_is_refused() -> None:
    with pytest.raises(InputError, match="dt"):
        tile([draw_family("merge", 0), draw_family("merge", 0, dt=0.05)])
    for rooms in ([], [draw_family("warehouse", 0)]):
        with pytest.raises(InputError, match="tile"):
            tile(rooms)


def test_places_are_not_in_pockets() -> None:
    walls = np.array([[1.0, 0.5, 0.02, 0.5], [0.5, 1.0, 0.52, 0.02]])  # closes off the lower left corner
    world = World(np.array([0.0, 0.0, 3.0, 3.0]), walls)
    points = place(np.random.default_rng(0), 60, Room(world, 0.05), 0.1)
    assert points is not None and not (points < 1.0).all(axis=1).any() and (points < 1.0).any(axis=0).all()
    open_corner = World(world.bounds, walls - [[0.0, 0.07, 0.0, 0.07], [0.0, 0.0, 0.0, 0.0]])
    points = place(np.random.default_rng(0), 60, Room(open_corner, 0.05), 0.1)
    assert points is not None and (points < 1.0).all(axis=1).any()


def test_grid_points_are_free_where_they_keep_the_clearance() -> None:
    rng, cell = np.random.default_rng(0), 0.1
    for turned in (False, True):
        boxes, circles = rng.uniform(0.1, 1.0, (2, 5, 4))
        boxes[:, :2], circles[:, :2] = rng.uniform(-1.0, 4.0, (2, 5, 2))  # some reach over the bounds, or lie outside
        angles = rng.uniform(-3.0, 3.0, 5) if turned else np.zeros(5)
        world = World(np.array([0.5, 0.2, 3.1, 2.9]), boxes, 0.4 * circles[:, :3], angles=angles)
        free = _free(world, cell, 0.15)
        places = np.stack(np.meshgrid(0.5 + cell * np.arange(27), 0.2 + cell * np.arange(28)), axis=-1)
        assert free.shape == (28, 27) and 0.1 < free.mean() < 0.9
        assert (free == (world.clearance(places) >= 0.15)).all()
