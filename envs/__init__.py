"""Worlds to drive in: PettingZoo ``ParallelEnv``s of teams of robots, made by id with ``make``.

With ``make_vec``, many worlds are stepped at once behind Gymnasium's vector API.


``arena_v0``: continuous worlds, exact dynamics. ``grid_v0``: lifelong path finding on grid maps. ``bullet_v0``: wheels
and motors in a physics engine. Also scenario families, runs robot by robot, and pictures of them.

How robots decide is in ``swarm``, and networks are in ``policies``, which this package does not import.
"""

from pathlib import Path

from swarm.kernel_cache import register_kernels

register_kernels("envs", Path(__file__).parent)

from envs.registry import IDS, VECTOR_IDS, make, make_vec, register  # noqa: E402 - its kernels come after that

__all__ = ["IDS", "VECTOR_IDS", "make", "make_vec", "register"]
