"""Scenario families that the tuner is judged on; their seeds, team sizes and mixtures are not those of the training."""

from __future__ import annotations

from functools import partial

from envs.arena.core import Draw
from envs.scenarios import clutter, swap
from swarm.model.dynamics import Kind, Limits

# Far from any seed that is used for training.
FIRST_SEED = 1_000_000

FAMILIES: dict[str, Draw] = {
    "clutter, single integrators": partial(clutter.draw, kind=Kind.SINGLE_INTEGRATOR),
    "clutter, double integrators": partial(clutter.draw, kind=Kind.DOUBLE_INTEGRATOR),
    "clutter, unicycles": partial(clutter.draw, kind=Kind.UNICYCLE),
    "dense clutter, 16 double integrators": partial(clutter.draw, robots=16, obstacles=12, side=3.0),
    "swap, 16 double integrators": partial(swap.draw, robots=16, horizon=20.0),
    "carts of 0.3 m, 12 robots": partial(
        clutter.draw,
        robots=12,
        obstacles=8,
        side=12.0,
        horizon=30.0,
        kind=Kind.UNICYCLE,
        limits=Limits(1.0, turn_rate=4.0),
        radius=0.3,
        dt=0.05,
        sensing_radius=3.0,
    ),
}
