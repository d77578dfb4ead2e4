"""Robots that are no discs in the physical world: contacts are those of their footprints, at any heading."""

from __future__ import annotations

import numpy as np
import pytest

from envs.bullet.bodies.shaped import HULL_MARGIN
from envs.bullet.world import BulletWorld
from swarm.array_types import Array
from swarm.errors import InputError
from swarm.model.dynamics import Kind, Limits
from swarm.model.footprint.overlap import gap, placed
from swarm.model.footprint.polygon import box, outline, reach

pytestmark = pytest.mark.bullet

KITE = outline("kite", [[0.4, 0.0], [0.1, 0.25], [-0.3, 0.2], [-0.2, -0.25]])[0]


def world(kind: Kind, shape: Array, starts: list[Array], obstacles: Array | None = None) -> BulletWorld:
    none = np.zeros((0, 5))
    return BulletWorld(
        np.array(starts), np.full(len(starts), reach(shape)), [kind] * len(starts), Limits(1.0, 2.0, 2.0),
        none if obstacles is None else obstacles, footprints=[shape] * len(starts),
    )  # fmt: skip


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("shape", [box(0.6, 0.3), KITE], ids=["box", "kite"])
def test_robots_touch_where_their_footprints_do(kind, shape):
    """Corners are rounded by what the engine pads a hull with; nothing else is nearer or farther."""
    rng = np.random.default_rng(0)
    for _ in range(4):
        headings = rng.uniform(0.0, 6.0, 2)
        way = np.array([np.cos(headings[0] + 1.0), np.sin(headings[0] + 1.0)])
        one = np.array([0.0, 0.0, headings[0], 0.0, 0.0])
        for apart in (3e-3, -4e-3):
            low, high = 0.0, 2.0
            for _ in range(40):
                middle = 0.5 * (low + high)
                other = np.array([*(middle * way), headings[1], 0.0, 0.0])
                low, high = (low, middle) if gap(placed(shape, one), placed(shape, other)) > apart else (middle, high)
            if apart < 0.0:
                with pytest.raises(InputError, match="robot 0 overlaps robot 1"):
                    world(kind, shape, [one, other])
                continue
            with world(kind, shape, [one, other]) as made:
                made.step(np.zeros((2, 2)))
                assert made.collisions == 0


@pytest.mark.parametrize("kind", list(Kind))
def test_a_box_drives_through_a_lane_that_its_disc_does_not_fit_into(kind):
    walls = np.array([[1.5, 0.4, 0.5, 0.2, 0.0], [1.5, -0.4, 0.5, 0.2, 0.0]])
    shape = box(0.6, 0.3)
    assert 2.0 * reach(shape) > 0.4
    with world(kind, shape, [np.zeros(5)], walls) as made:
        for period in range(100):
            ahead = 1.0 if kind != Kind.DOUBLE_INTEGRATOR or period < 12 else 0.0
            made.step(np.array([[ahead, 0.0]]))
        assert made.state()[0, 0] > 2.5
        assert made.collisions == 0


def test_rays_see_the_footprint():
    starts = [np.zeros(5), np.array([2.0, 0.0, np.pi / 2, 0.0, 0.0])]
    with world(Kind.UNICYCLE, box(0.6, 0.3), starts) as made:
        # Turned by a quarter it is as near as its half width, and not as its disc.
        met = made.sense(0, 3.0, 8)
    assert met[:, 0].min() == pytest.approx(2.0 - 0.15, abs=2.0 * HULL_MARGIN)
