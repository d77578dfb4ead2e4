"""A run as a picture: robots with headings, goals, planned paths, colour by how conservative the tuner is."""

from __future__ import annotations

import numpy as np

from envs.arena.spaces import careful
from envs.grid.kernels import way
from envs.render.scene import Scene
from envs.rollout.run import Run
from swarm.array_types import Array
from swarm.model.dynamics import UNICYCLE
from swarm.model.footprint.overlap import outlines_at
from swarm.planning.graph.fields import FieldCache, distance_field

TRAIL_SECONDS = 2.0


class Routes:
    """The shortest way from the end of each robot's plan to its goal on the grid map, for drawing.

    A plan holds only the cells that a robot has reserved; the rest of its way is not decided yet.
    """

    def __init__(self, run: Run) -> None:
        self._run, self._grid = run, run.scenario.world.grid
        if self._grid is not None:
            free = self._grid.free
            self._fields = FieldCache(lambda row, column: distance_field(free, row, column), 4 * len(run.radii))

    def of(self, i: int) -> Array:
        """Robot i's position, plan, and the rest of the way: ``float64[p, 2]`` [m]."""
        path = np.concatenate([self._run.states[i : i + 1, :2], self._run.commands[i].plan.path])
        if self._grid is None:
            return path
        goal, cell = self._grid.cell_at(self._run.goals[i]), self._grid.cell_at(path[-1])
        field = self._fields[goal]
        left = int(field[cell])  # more than there are cells: no way
        rest = way(field, *cell, left if left < field.size else 0)
        return np.concatenate([path, self._grid.centre(rest[1:]).reshape(-1, 2)])


def scene_of(
    run: Run, *, routes: Routes | None = None, lines: tuple[str, ...] | None = None, trail: float = TRAIL_SECONDS
) -> Scene:
    """The scene at this moment, which stays as it is when the run goes on.

    Args:
        run: The run.
        routes: Draws the ways to the goals; only what the robots have planned if not given.
        lines: Caption; time, deliveries and collisions if not given.
        trail: Length of the trails [s]; 0 for none.
    """
    states, commands = run.states, run.commands
    moving = np.linalg.norm(states[:, 3:5], axis=1) > 1e-3
    course = np.where(moving, np.arctan2(states[:, 4], states[:, 3]), 0.0)
    headings = np.where(run.fleet.kinds == UNICYCLE, states[:, 2], course)
    if lines is None:
        lines = (f"t = {run.time:5.1f} s     deliveries {int(run.deliveries.sum())}     collisions {run.collisions}",)
    samples = round(trail / run.scenario.dt)
    trails = None
    if samples:
        recent = np.array(run.trajectory.position[-samples:])
        trails = [recent[:, i] for i in range(len(states))]
    if routes is not None:
        paths = [routes.of(i) for i in range(len(commands))]
    else:
        paths = [np.concatenate([states[i : i + 1, :2], c.plan.path]) for i, c in enumerate(commands)]
    return Scene(
        run.scenario.world.obstacles, states[:, :2], run.radii, headings=headings, goals=run.goals.copy(),
        outlines=outlines_at(run.scenario.robots, states),
        paths=paths or None,
        trails=trails,
        colour_value=careful(np.array([c.action for c in commands])) if commands else None,
        contacts=run.touched.copy() if run.collisions else None, caption=lines,
    )  # fmt: skip
