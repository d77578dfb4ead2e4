"""A planner as a teacher of tunables: the way that it leads, said as turn and speed to robots that head straight.

What a robot is taught must be something that it can do later on, when it has no planner: its waypoint is its goal, and
all that leads it aside are its tunables. So the planner thinks for the robots, and its waypoints become rotations and
speeds. It thinks for everybody, with all messages of planners; who is taught sees only what a robot senses and hears.
"""

from __future__ import annotations

import numpy as np

from envs.arena.core import ArenaCore
from envs.arena.team_planner import TeamPlanner, make_team_planner
from swarm.array_types import Array, Flags
from swarm.errors import InputError
from swarm.filter.nominal import APPROACH_SHARE, VELOCITY_PERIODS
from swarm.filter.tunables import COUNT, ROTATION, SPEED, TUNABLES, encode
from swarm.model.body import ACCELERATION, PERIOD, RADIUS, TOP_SPEED
from swarm.model.dynamics import DOUBLE_INTEGRATOR
from swarm.planning.passages.team import sizes_of
from swarm.planning.registry import choose_planner
from swarm.scenario.scenario import Scenario

# The boldest barriers: where the planner leads, nothing is to be held back but by what is near.
_GAINS = (20.0, 1.0, 20.0, 1.0)
# A robot that waits creeps on in the direction in which it came, up to so many radii from its place: out of the way
# that is where it pushes against a wall, and not a direction that changes with every step.
_NEAR = 0.5


class Led:
    """Leads the robots of worlds whose own planner is ``straight``.

    Args:
        worlds: Whose robots are led; read at every call.
        planner: ``roadmap``, ``passages``, or ``auto``: the second where there are narrow places.
        gains: Physical robot gain, robot power, obstacle gain, obstacle power.
    """

    def __init__(self, worlds: ArenaCore, planner: str, gains: tuple[float, float, float, float] = _GAINS) -> None:
        if planner not in ("auto", "roadmap", "passages"):
            raise InputError("planner that teaches", planner, "auto, roadmap, passages")
        self._worlds, self._name, self._gains = worlds, planner, gains
        self._led: list[Scenario | None] = [None] * worlds.num_worlds
        self._teams: list[TeamPlanner | None] = [None] * worlds.num_worlds
        self._age = np.zeros(worlds.num_worlds)
        self._told, self._towards = np.zeros_like(worlds.told), np.zeros_like(worlds.told)

    def __call__(self, some: Flags) -> Array:
        """Actions ``float64[n, N, 6]`` in [0, 1] of the robots of n worlds, ``bool[B]``."""
        worlds = self._worlds
        waypoint, goal = worlds.goal.copy(), worlds.goal
        remaining = np.linalg.norm(goal - worlds.believed[..., :2], axis=-1)
        for b in np.flatnonzero(some).tolist():
            size = len(worlds.scenarios[b].robots)
            if (team := self._team(b)) is not None:
                own = worlds.believed, goal, self._told, waypoint, remaining
                team.plan(float(worlds.age[b] * worlds.period[b]), *(part[b, :size] for part in own))
        self._told[some] = waypoint[some]
        aside = waypoint - worlds.believed[..., :2]
        far = some[:, None] & (np.linalg.norm(aside, axis=-1) > _NEAR * worlds.body[..., RADIUS])
        self._towards[far] = aside[far]
        return said(worlds, some, self._towards[some], remaining[some], self._gains)

    def _team(self, b: int) -> TeamPlanner | None:
        """The planners of a world; new ones where a new episode has begun."""
        worlds, scenario = self._worlds, self._worlds.scenarios[b]
        if scenario is not self._led[b] or worlds.age[b] < self._age[b]:
            margin, assumed = worlds.way_margin(b), worlds.assumed(scenario)
            name = choose_planner(self._name, scenario, sizes_of(scenario, margin, assumed))
            self._teams[b], self._led[b] = make_team_planner(name, scenario, margin, assumed), scenario
            self._told[b], self._towards[b] = worlds.believed[b, :, :2], worlds.goal[b] - worlds.believed[b, :, :2]
        self._age[b] = worlds.age[b]
        return self._teams[b]


def said(worlds: ArenaCore, some: Flags, towards: Array, left: Array, gains: tuple[float, ...]) -> Array:
    """Directions and what is left of the ways as tunables.

    Args:
        worlds: Whose robots head for their goals.
        some: Of which worlds, ``bool[B]``, n of them.
        towards: Where the robots are to drive, ``float64[n, N, 2]`` of any length, world frame.
        left: After how much way they are to come to rest, ``float64[n, N]`` [m].
        gains: See ``Led``.

    Returns:
        Actions ``float64[n, N, 6]`` in [0, 1].
    """
    body, ahead = worlds.body[some], worlds.goal[some] - worlds.believed[some][..., :2]
    cross = ahead[..., 0] * towards[..., 1] - ahead[..., 1] * towards[..., 0]
    top, dt, limit = body[..., TOP_SPEED], body[..., PERIOD], TUNABLES[ROTATION].high
    speed = np.minimum(top, left / dt)
    brakes = worlds.kind[some] == DOUBLE_INTEGRATOR
    braking = np.sqrt(2.0 * APPROACH_SHARE * np.where(brakes, body[..., ACCELERATION], 0.0) * left)
    speed = np.where(brakes, np.minimum(speed, np.minimum(braking, left / (VELOCITY_PERIODS * dt))), speed)
    values = np.empty((*left.shape, COUNT))
    values[..., :4] = gains
    values[..., ROTATION] = np.clip(np.arctan2(cross, (ahead * towards).sum(axis=-1)), -limit, limit)
    values[..., SPEED] = np.clip(speed / top, TUNABLES[SPEED].low, 1.0)
    return encode(values)
