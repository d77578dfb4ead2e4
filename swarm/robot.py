"""One robot's mind: sense, plan, tune, filter, act. The one place that joins the five steps."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from swarm.array_types import Array
from swarm.errors import InputError
from swarm.filter import qp, safety
from swarm.filter.further_rows import Constraint, further_rows, make_constraint, solve_with
from swarm.filter.narrow import note_narrow
from swarm.filter.shapes.gaps import clearance_of
from swarm.filter.tunables import COUNT, MIDDLE, ROTATION, SPEED, STRAIGHT, decode
from swarm.model import dynamics
from swarm.model.actuators import T_CURVATURE, T_SPEED, T_TURN_RATE, TRAIL
from swarm.model.body import (
    ACCELERATION,
    LOOK_AHEAD,
    MARGIN,
    PERIOD,
    RADIUS,
    REACH,
    SENSING,
    YIELDS,
    coast_of,
    is_second_order,
)
from swarm.model.error_bounds import EXACT, ErrorBounds
from swarm.model.geometry import COLUMNS, describes_obstacles
from swarm.model.sensing_range import range_for_stranger
from swarm.model.shapes import NO_FOOTPRINT, NO_SHAPES, SHAPE
from swarm.model.strangers import UNKNOWN, Strangers
from swarm.planning import Plan, Planner
from swarm.planning.passages.slices import Sizes
from swarm.planning.registry import make_planner
from swarm.scenario.scenario import RobotSpec
from swarm.scenario.strangers_sensed import range_of, rounded_up, spans
from swarm.scenario.world import World
from swarm.sense import neighbours
from swarm.sense.messages import Message, hear
from swarm.sense.neighbours import (
    MAX_NEIGHBOURS,
    MAX_OBSTACLES,
    N_ACCELERATION,
    N_ID,
    N_RADIUS,
    N_REACH,
    N_X,
    N_Y,
    NEIGHBOUR,
    O_GAP,
    OBSTACLE,
    Around,
    measure_obstacles,
)
from swarm.sense.own_motion import OwnMotion
from swarm.sense.view import View
from swarm.tune.controllers import Controller, make_controller
from swarm.tune.heuristics import talk_of
from swarm.tune.memory import LEAST, WAITED, blank, remember
from swarm.tune.observation import EDGE, EGO, Observation, observe

PLACE_AND_SIZE = [N_X, N_Y, N_RADIUS]
Solver = Callable[[Array, Array, Array, Array, Array], qp.Solution]


@dataclass
class Command:
    """What one robot does in one control period, and why.

    Attributes:
        control: ``float64[2]``: velocity, acceleration, or forward speed and turn rate (``swarm.model.dynamics``).
        outcome: ``optimal``; ``relaxed``: the QP's rows had to give way; ``braking``: the shield stepped in.
        relaxation: By how much the rows gave way.
        tunables: ``float64[6]``, physical values (``swarm.filter.tunables``).
        action: ``float64[6]``, the same in [0, 1].
        plan: The planner's waypoint and path.
        message: What the robot tells the others.
        clearance: Gap to the nearest robot or obstacle that it senses [m]; inf if there is none.
    """

    control: Array
    outcome: str
    relaxation: float
    tunables: Array
    action: Array
    plan: Plan
    message: Message
    clearance: float
    ahead: tuple[Array, Array] | None = None


class Filtered(NamedTuple):
    """What a filter gives: a control ``float64[2]``, an index of ``safety.OUTCOMES``, how far the rows gave way."""

    control: Array
    outcome: int
    relaxation: float


class _Predicted(NamedTuple):
    """A state ahead ``float64[5]`` and its trail ``float64[TRAIL]``, and from what view they were predicted."""

    view: View
    key: tuple[float, float, bytes]
    state: Array
    trail: Array


class Robot:
    """One robot that drives alone on what it sees and what its neighbours tell it.

    Args:
        spec: Its dynamics, radius and limits.
        world: The static map.
        dt: Control period [s].
        sensing_radius: Beyond it nothing is known [m].
        planner: One of ``swarm.planning.registry.PLANNERS``, or a planner of one's own.
        controller: ``tuner``, ``fixed:GAIN,POWER``, a checkpoint folder, or a controller of one's own.
        solver: ``kernel``, ``cvxpy``, or a callable like ``swarm.filter.qp.solve``.
        margin: Extra distance kept on its own side [m]; for sensing and actuation that are not exact.
        errors: What is declared of it as not exact.
        strangers: What is counted on of those who ignore everybody, by whoever tells it what is near.
        robot_id: Its identity among the others.
        constraint: Further rows of its QP, a ``swarm.Constraint`` or the reference of one; with the kernel alone.
        sizes: Of its team, for planners that ask where two robots can pass each other.

    Raises:
        InputError: If an argument is not usable.
    """

    def __init__(
        self,
        spec: RobotSpec,
        world: World,
        *,
        dt: float,
        sensing_radius: float,
        planner: str | Planner = "roadmap",
        controller: str | Controller = "tuner",
        solver: str | Solver = "kernel",
        margin: float = 0.0,
        errors: ErrorBounds = EXACT,
        strangers: Strangers = UNKNOWN,
        robot_id: int = 0,
        constraint: str | Constraint | None = None,
        sizes: Sizes | None = None,
    ) -> None:
        self.kind, self.robot_id = int(spec.kind), robot_id
        self.body = spec.body(dt=dt, sensing_radius=sensing_radius, margin=margin, errors=errors)
        self.footprint = NO_FOOTPRINT if spec.footprint is None else np.ascontiguousarray(spec.footprint)
        self.world, self.bounds, self.strangers = world, world.bounds, strangers
        self._check_sensing(spec, errors, margin)
        index = world.index(sensing_radius)
        self._obstacles, self._origin, self._bin_size = index.obstacles, index.origin, index.bin_size
        self._shape = np.array(index.shape, dtype=np.int64)
        self._items, self._start = index.items.astype(np.int64), index.start.astype(np.int64)
        self.planner = make_planner(
            planner, spec, world, dt=dt, margin=float(self.body[MARGIN]), robot_id=robot_id, sizes=sizes
        )
        self.controller = make_controller(controller)
        self._talk = talk_of(self.controller)
        self._solver = _make_solver(solver)
        self.constraint = make_constraint(constraint) if spec.cooperative else None
        if self._solver is not None and self.constraint is not None:
            raise InputError("solver", solver, "'kernel', with a constraint")
        self._allocate()
        self.cooperative = spec.cooperative
        self.last_action, self._memory, self._goal = MIDDLE, blank(), b""
        self.drive: Array | None = None
        self._planned: tuple[tuple[float, bytes, bytes], Plan] | None = None
        self._motion = OwnMotion(self.kind, self.body, errors) if errors.any else None
        self._predicted: _Predicted | None = None
        self._moved_on = False  # Whether a period has ended since it was predicted.
        self._decided: Array | None = None  # and perhaps not sent to the body

    def _check_sensing(self, spec: RobotSpec, errors: ErrorBounds, margin: float) -> None:
        """Refuse a sensing radius that is too small for strangers as fast as declared, whatever their size is."""
        strangers, sensing = self.strangers, float(self.body[SENSING])
        if not strangers.speed or spec.ignores or spans(self.world, sensing):
            return
        if range_for_stranger(self.kind, self.body, errors, strangers, 0.0, strangers.speed) > sensing:
            dt = float(self.body[PERIOD])
            need = rounded_up(range_of(spec, 0.0, strangers.speed, errors, strangers, dt=dt, margin=margin))
            valid = f"at least {need:g} m and the radius of strangers, who drive at up to {strangers.speed:g} m/s"
            raise InputError("sensing_radius", sensing, valid)

    def _allocate(self) -> None:
        self._scratch, self._nominal = safety.scratch(MAX_NEIGHBOURS + MAX_OBSTACLES), np.empty(2)
        self._near, self._near_obstacles = np.zeros((MAX_NEIGHBOURS, NEIGHBOUR)), np.zeros((MAX_OBSTACLES, OBSTACLE))
        self._order, self._trail = np.empty((MAX_OBSTACLES, 2)), np.zeros(TRAIL)
        self._shapes = np.zeros((MAX_NEIGHBOURS, SHAPE, 2))

    def reset(self) -> None:
        """Forget the last step; the planner forgets its reservations."""
        self.last_action, self._memory, self._goal, self._planned = MIDDLE, blank(), b"", None
        self.drive = None
        self._trail[T_CURVATURE] = 0.0
        self.planner.reset()
        self._predicted, self._moved_on, self._decided = None, False, None
        if self._motion is not None:
            self._motion.reset()

    def step(self, view: View, action: Array | None = None, wanted: Array | None = None) -> Command:
        """One control period: plan, tune (unless an ``action`` in [0, 1] is given), filter.

        With a control ``wanted``, ``float64[2]``, the filter gives what is nearest to it, and not to the plan's.

        Raises:
            InputError: If the view holds something that is not a number, or too many neighbours or obstacles.
        """
        view = self.believed(view)
        around = self._sense(view)
        plan = self.planned(view)
        remaining = way_left(plan, view)
        embedding: tuple[float, ...] = ()
        if not self.cooperative:
            action = STRAIGHT
        if action is None:
            action, embedding = self._tune(view, plan, remaining, around)
        if np.shape(action) != (COUNT,):
            raise InputError("action", action, f"{COUNT} numbers in [0, 1]")
        tunables = decode(action)
        # One that ignores everybody sees others, and drives as if it did not.
        heeded = around._replace(agreed=plan.agreed)
        if self.body[YIELDS] < 0.0:
            heeded = around._replace(num_neighbours=0, truncated=False)
        note_narrow(self.kind, view.state, self.body, heeded, plan.waypoint, tunables)
        me = self.kind, view.state, self.body, heeded
        safety.wanted_control(*me, plan.waypoint, remaining, tunables, self._scratch, self._nominal)
        if wanted is not None:
            self._nominal[:] = wanted
            if self.kind == dynamics.UNICYCLE:  # the filter moves a point ahead of it
                self._nominal[1] *= self.body[LOOK_AHEAD]
        control, outcome, relaxation = self._filter(view, heeded, tunables)
        near = view.neighbours[: around.num_neighbours]
        clearance = self.clearance(view.state, near, around.obstacles[: around.num_obstacles], view.shapes)
        action = np.clip(np.asarray(action, dtype=np.float64), 0.0, 1.0)
        filtered = Filtered(control, outcome, relaxation)
        return self.conclude(view.time, plan, action, tunables, filtered, clearance, embedding)

    def conclude(
        self, time: float, plan: Plan, action: Array, tunables: Array, filtered: Filtered, clearance: float,
        embedding: tuple[float, ...] = (),
    ) -> Command:  # fmt: skip
        """The command that a period ends with; the robot remembers what the next one needs of it.

        Args:
            time: Of the view [s].
            plan: Its planner's (``planned``).
            action: ``float64[6]`` in [0, 1].
            tunables: ``float64[6]``, the same as physical values.
            filtered: What the filter gives.
            clearance: Gap to the nearest robot or obstacle [m].
            embedding: What its controller tells those of others.
        """
        self.drive, self.last_action = filtered.control.copy(), action
        message = Message(
            self.robot_id, time, (float(plan.waypoint[0]), float(plan.waypoint[1])), float(action[ROTATION]),
            float(action[SPEED]), plan.intent, embedding,
        )  # fmt: skip
        return Command(
            filtered.control, safety.OUTCOMES[filtered.outcome], filtered.relaxation, tunables, action, plan, message,
            clearance, self._plan_ahead(filtered.control),
        )  # fmt: skip

    def _plan_ahead(self, control: Array) -> tuple[Array, Array] | None:
        """Where the robot will be, to tell others; None if nothing is predicted."""
        self._decided = control
        return None if self._motion is None else self._motion.plan(control)

    def believed(self, view: View) -> View:
        """The view with the robot's own state as it will be when the command acts: the one that it decides on.

        Without declared errors it is the same view. After a lag, the state runs ahead of the body
        (``swarm.model.actuators``).
        """
        if self._motion is None:
            return view
        check_view(view)
        measured = view.time if view.measured is None else view.measured
        key, last = (view.time, measured, view.state.tobytes()), self._predicted
        # Time may stand still (``swarm.runtime.lockstep``) and a state may be the same again: then the period tells.
        if last is None or last.key != key or (self._moved_on and last.view is not view):
            if self._decided is not None:
                self.sent(self._decided)
            last = _Predicted(view, key, *self._motion.believe(view.state, view.time - measured))
            self._moved_on = False
        self._predicted = last = last._replace(view=view)
        found = copy.copy(view)
        found.state = last.state
        self._trail[:] = last.trail
        found.drive = last.trail[T_SPEED : T_TURN_RATE + 1]
        return found

    def ahead(self, control: Array | None) -> tuple[Array, Array] | None:
        """Where it is one period after a command begins to act, as ``Command.ahead``; between ``step`` and ``sent``.

        Args:
            control: ``float64[2]``; None: nothing, the body brakes by itself.
        """
        return None if self._motion is None else self._motion.plan(control)

    def sent(self, control: Array | None) -> None:
        """Take note of what the body was told in this period, ``float64[2]``, if it was not what ``step`` decided.

        With declared errors the next state is predicted from it: a robot that is held, or whose body brakes by itself
        (None: it was told nothing), has to know. At most once a period, after ``step``; a period without a view counts.
        """
        self._decided = None
        if self._motion is not None:
            self._motion.sent(None if control is None else np.asarray(control, dtype=np.float64))
            self._moved_on = True

    def driven(self, state: Array) -> Array:
        """Forward speed and turn rate ``float64[2]`` of a unicycle of second order in a state ``float64[5]``.

        Those of its last command, ``drive`` (whoever sends it another one sets that), as what is measured is less exact
        than what the motors do; but for a speed that no motor gives it, since it was pushed or held.
        """
        speed = dynamics.forward_speed(state)
        if self.drive is None:
            return np.array([speed, 0.0])
        if self._motion is not None:  # what is measured is old
            return self.drive
        most = self.body[ACCELERATION] * self.body[PERIOD]
        return np.array([min(max(self.drive[0], speed - most), speed + most), self.drive[1]])

    def trail(self, state: Array, drive: Array | None = None) -> Array:
        """The way to rest ``float64[TRAIL]`` from a state ``float64[5]`` and a drive; an array of the robot's own.

        Only a unicycle of second order has one (``swarm.model.actuators.coast``).
        """
        if is_second_order(self.body):
            self._trail[T_SPEED : T_TURN_RATE + 1] = self.driven(state) if drive is None else drive
            coast_of(state, self.body, self._trail)
        return self._trail

    def trail_of(self, view: View) -> Array:
        """What it trails in a view that it believes, ``float64[TRAIL]``; an array of the robot's own."""
        if is_second_order(self.body):
            view.drive = self.driven(view.state) if view.drive is None else view.drive
            self.trail(view.state, view.drive)
        return self._trail

    @property
    def remembered(self) -> tuple[Array, Array]:
        """Its memory of the way ``float64[2]`` (``swarm.tune.memory``) and its last action ``float64[6]``."""
        return self._memory, self.last_action

    def _tune(self, view: View, plan: Plan, remaining: float, around: Around) -> tuple[Array, tuple[float, ...]]:
        """The controller's action, and what it has to tell the controllers of others."""
        observation = self._observe(view, plan, remaining, around)
        if self._talk is None or observation.sender is None:
            return self.controller(observation), ()
        action, embedding = self._talk(observation, hear(observation.sender, view.messages))
        return action, tuple(embedding.tolist())

    def observe(self, view: View) -> Observation:
        """What the policy gets to see for this view; a ``step`` with the same view may follow."""
        view = self.believed(view)
        around, plan = self._sense(view), self.planned(view)
        return self._observe(view, plan, way_left(plan, view), around)

    def sensed(self, view: View) -> Around:
        """What its filter takes into account; its own arrays, which the next step writes anew."""
        return self._sense(self.believed(view))

    def nominal(self, view: View, command: Command) -> Array:
        """The control ``float64[2]`` that its filter began with, in the QP's variables (``swarm.filter.nominal``)."""
        view, found, plan = self.believed(view), np.empty(2), command.plan
        me = self.kind, view.state, self.body, self._sense(view)._replace(agreed=plan.agreed)
        safety.wanted_control(*me, plan.waypoint, way_left(plan, view), command.tunables, self._scratch, found)
        return found

    def planned(self, view: View) -> Plan:
        """Its planner's plan, and remember; once a period, as both count time by being asked."""
        period = (view.time, view.state.tobytes(), view.goal.tobytes())
        if self._planned is None or self._planned[0] != period:
            self._planned = (period, self.planner.plan(view))
            if period[2] != self._goal:
                self._memory, self._goal = blank(), period[2]
            plan = self._planned[1]
            remaining = way_left(plan, view)
            if not (plan.intent is not None if plan.waits is None else plan.waits):
                remember(self.body, remaining, self._memory)
            else:  # who waits for others is not stuck
                self._memory[LEAST], self._memory[WAITED] = remaining, 0.0
        return self._planned[1]

    def _sense(self, view: View) -> Around:
        """Check the view and copy what it senses into fixed-size arrays; obstacles from the map if it has none."""
        check_view(view)
        self.trail_of(view)
        num_neighbours = len(view.neighbours)
        self._near[:num_neighbours] = view.neighbours
        if view.obstacles is not None:
            num_obstacles = len(view.obstacles)
            self._near_obstacles[:num_obstacles, :O_GAP] = view.obstacles
            measure_obstacles(view.state, self._near_obstacles, num_obstacles)
            return self._around(view, num_neighbours, num_obstacles, view.truncated)
        cell = neighbours.bin_of(view.state[0], view.state[1], self._origin, self._bin_size, self._shape)
        num_obstacles, crush = neighbours.sense_obstacles(
            view.state, self.body, self.body[REACH], self._obstacles, self._items, self._start[cell],
            self._start[cell + 1], self._near_obstacles, self._order,
        )  # fmt: skip
        return self._around(view, num_neighbours, num_obstacles, view.truncated or crush)

    def _around(self, view: View, num_neighbours: int, num_obstacles: int, truncated: bool) -> Around:
        shapes = NO_SHAPES
        if view.shapes is not None:
            shapes = self._shapes
            shapes[:num_neighbours] = view.shapes
        return Around(
            self._near, num_neighbours, self._near_obstacles, num_obstacles, self.bounds, truncated, self._trail,
            False, self.footprint, shapes,
        )  # fmt: skip

    def _observe(self, view: View, plan: Plan, remaining: float, around: Around) -> Observation:
        slots = MAX_NEIGHBOURS + MAX_OBSTACLES
        sender = np.full(slots, -1, np.int32)
        for k in range(around.num_neighbours):
            if (robot_id := int(self._near[k, N_ID])) in view.messages:
                sender[k] = robot_id
        observation = Observation(
            np.empty(EGO, np.float32), np.empty((slots, EDGE), np.float32), np.empty(slots, np.bool_), sender
        )
        observe(
            self.kind, view.state, self.body, self.robot_id, plan.waypoint, remaining, around, self._memory,
            self.last_action, observation,
        )  # fmt: skip
        return observation

    def _filter(self, view: View, around: Around, tunables: Array) -> tuple[Array, int, float]:
        """QP and shield."""
        control, me = np.empty(2), (self.kind, view.state, self.body, around)
        if self.constraint is not None:
            return self._filter_further(self.constraint, view, around, tunables)
        if self._solver is None:
            outcome, relaxation = safety.filter_control(*me, self._nominal, tunables, self._scratch, control)
            return control, outcome, relaxation
        count = safety.constrain(*me, tunables, self._scratch)
        count = safety.constrain_steering(self.body, around, float(self._nominal[0]), self._scratch, count)
        rows, rhs, box, *_ = self._scratch
        solution = self._solver(self._nominal, rows[:count], rhs[:count], box[0], box[1])
        control[:] = solution.control
        outcome = safety.dispose(*me, int(solution.relaxed), control, self._scratch)
        return control, outcome, solution.relaxation

    def _filter_further(
        self, constraint: Constraint, view: View, around: Around, tunables: Array
    ) -> tuple[Array, int, float]:
        """QP with the rows of a constraint behind ours, and shield."""
        control, me = np.empty(2), (self.kind, view.state, self.body, around)
        count = safety.constrain(*me, tunables, self._scratch)
        count = safety.constrain_steering(self.body, around, float(self._nominal[0]), self._scratch, count)
        further = further_rows(constraint, view, self.kind, self.body)
        status, relaxation = solve_with(*further, self._nominal, count, self._scratch, control)
        return control, safety.dispose(*me, status, control, self._scratch), relaxation

    def clearance(self, state: Array, near: Array, obstacles: Array, shapes: Array | None = None) -> float:
        """Gap to the nearest of some robots and obstacles [m]; inf: none.

        Args:
            state: ``float64[5]``, its own.
            near: ``float64[k, 22]``, the robots.
            obstacles: ``float64[m, 11]``.
            shapes: ``float64[k, P, 2]`` of the robots; of those that are no discs, the gap is to their stop hull.
        """
        if len(self.footprint) > 0 or shapes is not None:
            shapes = NO_SHAPES if shapes is None else shapes
            return float(clearance_of(state, self.body, self.footprint, near, shapes, obstacles))
        near, wall = near[:, PLACE_AND_SIZE].tolist(), float(obstacles[:, O_GAP].min(initial=math.inf))
        return nearest_gap(float(state[0]), float(state[1]), float(self.body[RADIUS]), near, wall)


def _make_solver(solver: str | Solver) -> Solver | None:
    """None is the fused kernel."""
    if solver == "kernel":
        return None
    if solver == "cvxpy":
        from swarm.filter.reference import ReferenceSolver

        return ReferenceSolver()
    if callable(solver):
        return solver
    raise InputError("solver", solver, "'kernel', 'cvxpy', or a callable like swarm.filter.qp.solve")


def nearest_gap(x: float, y: float, radius: float, near: Iterable[Sequence[float]], wall: float) -> float:
    """Gap [m] between a disc and the nearest of other discs, of which place and radius are given, and of walls.

    Args:
        x: Of its centre [m].
        y: Of its centre [m].
        radius: Its own [m].
        near: The columns ``PLACE_AND_SIZE`` of the others.
        wall: From its centre to the nearest wall [m]; inf if there is none.
    """
    return min([wall, *[math.hypot(other_x - x, other_y - y) - size for other_x, other_y, size in near]]) - radius


def way_left(plan: Plan, view: View) -> float:
    """Metres to where the robot should come to rest: what the plan says, else straight to the goal."""
    if math.isfinite(plan.stop_distance):
        return plan.stop_distance
    return math.hypot(view.goal[0] - view.state[0], view.goal[1] - view.state[1])


def check_view(view: View) -> None:
    """Refuse what is not a number or does not fit."""
    if view.state.shape != (dynamics.STATE,) or not np.isfinite(view.state).all():
        raise InputError("view.state", view.state, "5 finite numbers: x, y, heading, vx, vy")
    if view.goal.shape != (2,) or not np.isfinite(view.goal).all():
        raise InputError("view.goal", view.goal, "2 finite numbers: x, y")
    near = view.neighbours
    fits = near.ndim == 2 and near.shape[1] == NEIGHBOUR and len(near) <= MAX_NEIGHBOURS
    if not fits or not describes_robots(near):
        valid = f"finite numbers of shape (at most {MAX_NEIGHBOURS}, {NEIGHBOUR}); radius and reach 0 or more"
        raise InputError("view.neighbours", near, valid)
    shapes = view.shapes
    if shapes is not None and (shapes.shape != (len(near), SHAPE, 2) or not np.isfinite(shapes).all()):
        raise InputError("view.shapes", shapes.shape, f"finite numbers of shape ({len(near)}, {SHAPE}, 2), or None")
    if view.obstacles is not None:
        obstacles = view.obstacles
        fits = obstacles.ndim == 2 and obstacles.shape[1] == COLUMNS and len(obstacles) <= MAX_OBSTACLES
        if not fits or not describes_obstacles(obstacles):
            valid = (
                f"finite numbers of shape (at most {MAX_OBSTACLES}, {COLUMNS}, or 5 if none is turned); "
                "sizes 0 or more, cosine and sine of an angle"
            )
            raise InputError("view.obstacles", obstacles, valid)


def describes_robots(near: Array) -> bool:
    """Whether neighbour columns are finite (but for the brakes of one that stops at once) and sizes not negative."""
    finite = np.isfinite(near[:, :N_ACCELERATION]).all() and np.isfinite(near[:, N_REACH:]).all()
    sizes = min(near[:, N_RADIUS].min(initial=0.0), near[:, N_REACH].min(initial=0.0))
    return bool(finite and sizes >= 0.0 and (near[:, N_ACCELERATION] > 0.0).all())
