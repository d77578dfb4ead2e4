"""A run as a picture: robots with headings, goals, planned paths, colour by how conservative the tuner is."""

from __future__ import annotations

import numpy as np

from envs.drawing import Scene
from envs.run import Run
from envs.spaces import careful
from swarm.dynamics import UNICYCLE

_TRAIL_SECONDS = 2.0


def scene_of(run: Run, *, lines: tuple[str, ...] | None = None, trail: float = _TRAIL_SECONDS) -> Scene:
    """The scene at this moment.

    Args:
        run: The run.
        lines: Caption; time, deliveries and collisions if not given.
        trail: Length of the trails, s; 0 for none.
    """
    states, commands = run.states, run.commands
    moving = np.linalg.norm(states[:, 3:5], axis=1) > 1e-3
    course = np.where(moving, np.arctan2(states[:, 4], states[:, 3]), 0.0)
    headings = np.where(run.fleet.kinds == UNICYCLE, states[:, 2], course)
    if lines is None:
        lines = (
            f"t = {run.time:5.1f} s     deliveries {int(run.deliveries.sum())}     collisions {run.collisions}",
        )
    samples = round(trail / run.scenario.dt)
    trails = None
    if samples:
        recent = np.array(run.trajectory.position[-samples:])
        trails = [recent[:, i] for i in range(len(states))]
    return Scene(
        run.scenario.world.obstacles, states[:, :2], run.radii, headings=headings, goals=run.goals,
        paths=[np.concatenate([states[i : i + 1, :2], c.plan.path]) for i, c in enumerate(commands)] or None,
        trails=trails,
        colour_value=careful(np.array([c.action for c in commands])) if commands else None,
        contacts=run.touched if run.collisions else None, caption=lines,
    )  # fmt: skip
