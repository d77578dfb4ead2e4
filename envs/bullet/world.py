"""A physical world of robots on a plane, between walls, simulated by pybullet.

The robots (``envs.bullet.bodies``) are moved by motors of limited strength only. Wheels and casters touch only
the ground, hulls only hulls and walls: each contact that :meth:``BulletWorld.contacts`` reports is a collision. Robots
of one's own (``envs.bullet.bodies.own``) are what their URDF files say.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Sequence
from functools import partial
from types import TracebackType
from typing import Any

import numpy as np

from envs.bullet.bodies.add import Robot, add_body, check_motors, check_sizes, half_tracks, ray_height
from envs.bullet.contacts import Contacts, Pair, as_rows, set_down
from envs.bullet.engine import bullet, connect, disconnect, restore, saved
from envs.bullet.ground import add_ground, add_wall
from envs.bullet.lidar import cast
from envs.bullet.timestep import substeps_of
from envs.rollout.plants import speeds_of
from swarm.array_types import Array, Int64s
from swarm.errors import InputError
from swarm.model.dynamics import Kind, Limits
from swarm.model.geometry import COLUMNS, as_obstacles
from swarm.scenario.scenario import Scenario
from swarm.scenario.urdf.body import UrdfBody

# Goals count as reached within so many radii.
GOAL_RADII = 1.0

# How robots of one fleet differ when a seed is given: relative spread of masses and motor strengths.
_SPREAD = 0.05

_OVERLAP = -1e-3  # [m]; bodies that are deeper in each other at the start overlap


class BulletWorld:
    """N robots on a plane between static obstacles.

    The same arguments and the same commands give the same run. Worlds are independent of each other, any
    number at once. Use a world as a context manager, or call :meth:``close``.

    Args:
        starts: ``float64[N, 5]``: x, y [m], heading [rad], vx, vy. Robots start at rest, whatever vx, vy.
        radii: ``float64[N]``: radius of the disc that encloses each robot [m].
        kinds: Dynamics of each robot.
        limits: What each robot's actuators can do (one for all is enough). Without an acceleration the motors of
            single integrators and unicycles have ``MOTOR_ACCELERATION``; more than that is refused.
        obstacles: ``float64[n, 7]``, or the first five columns (``swarm.model.geometry``): a box where rounding is 0, a
            cylinder of radius ``rounding`` where both half sizes are 0.
        physics_hz: Physics steps a second, a whole number of them a control period; None: about 240.
        control_dt: Control period [s].
        gui: Opens the engine's window.
        seed: Draws each robot's mass and motor strength within 5 % of the design's; None: all as designed.
        urdfs: The body of each robot that has one of its own; None: the shipped one of its radius.
        footprints: The outline of each robot that is no disc, ``float64[V, 2]`` [m], in the frame of its body; the
            shipped robots have it as their hull.
        exact_onsets: Whether ``onset_speeds`` are those before the physics step of the touch, for which all bodies are
            read in every step, a tenth of the time; else those before the control period.

    Raises:
        InputError: An array of the wrong shape or not finite, an acceleration that the motors do not have, physics
            steps that are no whole number or too long for the robots' limits, or a robot that overlaps another body.
    """

    def __init__(
        self,
        starts: Array,
        radii: Array,
        kinds: Sequence[Kind],
        limits: Limits | Sequence[Limits],
        obstacles: Array,
        *,
        physics_hz: float | None = None,
        control_dt: float = 0.05,
        gui: bool = False,
        seed: int | None = None,
        urdfs: Sequence[UrdfBody | None] | None = None,
        footprints: Sequence[Array | None] | None = None,
        exact_onsets: bool = True,
    ) -> None:
        starts = _checked("starts", starts, (None, 5))
        count = len(starts)
        radii = _checked("radii", radii, (count,))
        each_limits = [limits] * count if isinstance(limits, Limits) else list(limits)
        obstacles = _checked("obstacles", as_obstacles(_checked("obstacles", obstacles, (None, None))), (None, COLUMNS))
        check_sizes(radii, obstacles)
        if not len(kinds) == len(each_limits) == count:
            raise InputError("kinds, limits", (len(kinds), len(each_limits)), f"one for each of the {count} robots")
        own = [None] * count if urdfs is None else list(urdfs)
        shapes = [None] * count if footprints is None else list(footprints)
        check_motors(kinds, each_limits, half_tracks(radii, own))
        self.num_robots, self.control_dt = count, control_dt
        self.substeps = substeps_of(physics_hz, control_dt, radii, kinds, each_limits)
        self.physics_dt = control_dt / self.substeps
        self._radii = radii
        # What a copy is made of; the arrays are the caller's, and may change.
        self._made_of = starts.copy(), radii.copy(), list(kinds), each_limits, obstacles.copy()
        self._options: dict[str, Any] = {
            "physics_hz": physics_hz, "control_dt": control_dt, "seed": seed, "urdfs": own,
            "footprints": shapes, "exact_onsets": exact_onsets,
        }  # fmt: skip
        self._exact_onsets = exact_onsets
        self.client = connect(gui, self.physics_dt)
        self._release = weakref.finalize(self, disconnect, self.client)
        try:
            add_ground(self.client)
            walls = [add_wall(self.client, obstacle) for obstacle in obstacles]
            self._bodies = self._add_robots(starts, radii, kinds, each_limits, seed, own, shapes)
            set_down(self.client, self._bodies)
            self._contacts = Contacts(self.client, self._bodies, walls)
            self._limit = np.array([body.limit for body in self._bodies]).reshape(count, 2)
            self._check_separation()
        except BaseException:
            self.close()
            raise
        self._ray_height = ray_height(radii, own)
        # Who touches at the start may do so (``swarm.Scenario``): that contact has not begun in a period.
        self._touching: set[Pair] = self._contacts.within(0.0)
        self._begun: dict[Pair, tuple[float, float]] = {}
        self.collisions = 0
        self._state = np.zeros((count, 5))
        self._read_state()

    def _add_robots(
        self, starts: Array, radii: Array, kinds: Sequence[Kind], limits: Sequence[Limits], seed: int | None,
        own: Sequence[UrdfBody | None], shapes: Sequence[Array | None],
    ) -> list[Robot]:  # fmt: skip
        factors = np.ones((len(starts), 2))
        if seed is not None:
            factors += np.random.default_rng(seed).uniform(-_SPREAD, _SPREAD, factors.shape)
        return [
            add_body(self.client, *robot)
            for robot in zip(kinds, starts, map(float, radii), limits, factors, own, shapes, strict=True)
        ]

    def _check_separation(self) -> None:
        """Overlapping bodies would be thrown apart by the engine, so they are refused."""
        bullet.performCollisionDetection(physicsClientId=self.client)
        for first, second in sorted(self._contacts.within(_OVERLAP)):
            other = f"robot {second}" if second >= 0 else f"obstacle {-1 - second}"
            raise InputError("starts", f"robot {first} overlaps {other}", "robots apart from each other and from walls")

    def step(self, commands: Array) -> None:
        """Advances one control period.

        Args:
            commands: ``float64[N, 2]``: forward speed and turn rate (unicycle), velocity (single integrator)
                or acceleration (double integrator), both in the world frame. Clipped to each robot's limits.

        Raises:
            InputError: A command that is not finite, or the wrong shape.
        """
        commands = np.clip(_checked("commands", commands, (self.num_robots, 2)), -self._limit, self._limit)
        for body, command in zip(self._bodies, commands, strict=True):
            body.command(command, self.control_dt)
        moved = [body for body in self._bodies if body.moves_along]
        touching: set[Pair] = set()
        self._begun, before = {}, self._state.copy()
        for substep in range(1, self.substeps + 1):
            for body in moved:
                body.substep(substep * self.physics_dt, self.physics_dt)
            bullet.stepSimulation(physicsClientId=self.client)
            found = self._contacts.within(0.0)
            # As fast as before the physics step: in it, one that stands is pushed already.
            self._begun |= speeds_of(found - touching - self._touching, before)
            touching |= found
            for body, row in zip(self._bodies if self._exact_onsets else (), before, strict=self._exact_onsets):
                body.read(row)
        self._touching = touching
        self.collisions += len(self._begun)
        self._read_state()

    def _read_state(self) -> None:
        for body, row in zip(self._bodies, self._state, strict=True):
            body.read(row)

    def state(self) -> Array:
        """State of every robot, ``float64[N, 5]``: x, y [m], heading [rad] (in (-pi, pi]), vx, vy [m/s]."""
        return self._state.copy()

    def contacts(self) -> Int64s:
        """Pairs that touched at any physics step of the last period, ``int64[k, 2]``, sorted.

        The first column is a robot; the second is a robot of higher index, or ``-1 - obstacle``. The ground
        is left out.
        """
        return as_rows(self._touching)

    def onsets(self) -> Int64s:
        """The pairs of :meth:``contacts`` that did not touch in the period before: collisions that just began.

        The attribute ``collisions`` counts them since the start: a contact that goes on counts once.
        """
        return as_rows(self._begun)

    def onset_speeds(self) -> Array:
        """How fast both of each of these pairs were when they met, ``float64[k, 2]`` [m/s]; walls 0."""
        return np.array([self._begun[pair] for pair in sorted(self._begun)]).reshape(-1, 2)

    def sense(self, robot: int, radius: float, rays: int, *, robots: bool = True) -> Array:
        """A lidar: points where rays from a robot's centre meet hulls or walls.

        Args:
            robot: Whose lidar.
            radius: Range [m], from the robot's centre.
            rays: How many rays, evenly spread from its heading on, counterclockwise.
            robots: Also return the points on other robots; they hide what is behind them either way.

        Returns:
            ``float64[m, 2]``: x, y [m] (world frame) of the m rays that met something.
        """
        return self.sense_all(radius, rays, robots=robots, which=[robot])[0]

    def sense_all(
        self, radius: float, rays: int, *, robots: bool = True, which: Sequence[int] | None = None
    ) -> list[Array]:
        """The lidar of every robot (or of those in ``which``) cast together; see :meth:``sense``."""
        numbers = list(range(self.num_robots) if which is None else which)
        seen = self._contacts.walls | (self._contacts.robots if robots else set())
        blind = np.array([self._bodies[robot].blind for robot in numbers])
        return cast(self.client, self._state[numbers], blind, self._ray_height, radius, rays, seen)

    def neighbours(self, robot: int, radius: float) -> tuple[Int64s, Array]:
        """Other robots whose centre is within ``radius`` [m] of this one's, nearest first.

        Returns:
            Their indices, ``int64[k]``, and their states, ``float64[k, 5]``.
        """
        distance = np.hypot(*(self._state[:, :2] - self._state[robot, :2]).T)
        distance[robot] = math.inf
        nearest = np.argsort(distance, kind="stable").astype(np.int64)
        nearest = nearest[distance[nearest] <= radius]
        return nearest, self._state[nearest]

    def close(self) -> None:
        """Releases the engine; may be called more than once."""
        self._release()

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy is a world of its own in the state of this one: a new engine, without a window."""
        engine = saved(self.client) if self._release.alive else None
        noted = {name: getattr(self, name) for name in ("_touching", "_begun", "collisions")}
        noted["_state"] = self._state.copy()
        bodies = [body.memory() for body in self._bodies]
        return partial(BulletWorld, **self._options), self._made_of, (engine, noted, bodies)

    def __setstate__(self, state: tuple[bytes | None, dict[str, Any], list[dict[str, Any]]]) -> None:
        """Takes over the state of the world that this one is a copy of."""
        engine, noted, bodies = state
        vars(self).update(noted)
        for body, memory in zip(self._bodies, bodies, strict=True):
            vars(body).update(memory)
        if engine is None:
            self.close()
        else:
            restore(self.client, engine)

    def __enter__(self) -> BulletWorld:
        """Returns the world itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the world."""
        self.close()


def world_of(
    scenario: Scenario, *, seed: int, control_dt: float | None = None, gui: bool = False,
    physics_hz: float | None = None,
) -> BulletWorld:  # fmt: skip
    """The physics world of a scenario; ``control_dt`` [s] is the scenario's if not given."""
    robots = scenario.robots
    return BulletWorld(
        np.array([robot.start for robot in robots]),
        np.array([robot.radius for robot in robots]),
        [robot.kind for robot in robots],
        [robot.limits for robot in robots],
        scenario.world.obstacles,
        control_dt=control_dt or scenario.dt, gui=gui, seed=seed, urdfs=[robot.urdf for robot in robots],
        footprints=[robot.footprint for robot in robots],
        physics_hz=physics_hz, exact_onsets=any(robot.ignores for robot in robots),  # else nobody asks for them
    )  # fmt: skip


def _checked(where: str, value: object, shape: tuple[int | None, ...]) -> Array:
    """The value as a finite float64 array of a shape; None in the shape stands for any length."""
    wanted = "[" + ", ".join("n" if size is None else str(size) for size in shape) + "]"
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(where, value, f"numbers of shape {wanted}") from None
    fits = array.ndim == len(shape) and all(
        size in (None, length) for size, length in zip(shape, array.shape, strict=True)
    )
    if not fits:
        raise InputError(where, array.shape, f"numbers of shape {wanted}")
    if not np.isfinite(array).all():
        raise InputError(where, array, "finite numbers")
    return array
