"""One robot's mind: sense, plan, tune, filter, act. The one place that joins the five steps."""

from __future__ import annotations

import numpy as np

from swarm.array_types import Array
from swarm.errors import InputError
from swarm.filter import safety
from swarm.filter.further_rows import Constraint, make_constraint
from swarm.filter.narrow import note_narrow
from swarm.filter.tunables import COUNT, MIDDLE, ROTATION, SPEED, STRAIGHT, decode, unturned
from swarm.model import dynamics
from swarm.model.actuators import T_CURVATURE, T_SPEED, T_TURN_RATE, TRAIL
from swarm.model.body import ACCELERATION, PERIOD, SENSING, YIELDS, coast_of, is_second_order, way_margin
from swarm.model.error_bounds import EXACT, ErrorBounds
from swarm.model.sensing_range import range_for_stranger
from swarm.model.shapes import NO_FOOTPRINT
from swarm.model.strangers import UNKNOWN, Strangers
from swarm.planning import Plan, Planner
from swarm.planning.passages.slices import Sizes
from swarm.planning.registry import make_planner
from swarm.robot.clearance import clearance
from swarm.robot.command import Command, Filtered
from swarm.robot.filtering import Filter, Solver
from swarm.robot.foresight import Foresight
from swarm.robot.sensor import Sensor
from swarm.robot.way import Way, way_left
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.strangers_sensed import range_of, rounded_up, spans
from swarm.scenario.world import World
from swarm.sense.messages import Message, hear
from swarm.sense.neighbours import MAX_NEIGHBOURS, MAX_OBSTACLES, N_ID, Around
from swarm.sense.own_motion import OwnMotion
from swarm.sense.view import View, check_view
from swarm.tune.controllers import Controller, make_controller
from swarm.tune.heuristics import talk_of
from swarm.tune.observation import EDGE, EGO, Observation, observe


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
        self._sensor = Sensor(self.body, self.footprint, world, sensing_radius)
        kept = way_margin(spec.kind, self.body, spec.limits, errors)
        self.planner = make_planner(planner, spec, world, dt=dt, margin=kept, robot_id=robot_id, sizes=sizes)
        self.controller = make_controller(controller)
        self._talk = talk_of(self.controller)
        self.constraint = make_constraint(constraint) if spec.cooperative else None
        self._filter = Filter(self.kind, self.body, solver, self.constraint)
        self._way = Way(self.body)
        self._foresight = Foresight(OwnMotion(self.kind, self.body, errors) if errors.any else None)
        self.cooperative, self.last_action, self._trail = spec.cooperative, MIDDLE, np.zeros(TRAIL)
        self.drive: Array | None = None

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

    def reset(self) -> None:
        """Forget the last step; the planner forgets its reservations."""
        self.last_action, self.drive = MIDDLE, None
        self._trail[T_CURVATURE] = 0.0
        self._way.reset()
        self.planner.reset()
        self._foresight.reset()

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
        if plan.straight:
            action = unturned(action)
        tunables = decode(action)
        # One that ignores everybody sees others, and drives as if it did not.
        heeded = around._replace(agreed=plan.agreed)
        if self.body[YIELDS] < 0.0:
            heeded = around._replace(num_neighbours=0, truncated=False)
        note_narrow(self.kind, view.state, self.body, heeded, plan.waypoint, tunables)
        self._filter.want(view, heeded, plan.waypoint, remaining, tunables)
        if wanted is not None:
            self._filter.want_instead(wanted)
        filtered = self._filter.filter(view, heeded, tunables)
        near = view.neighbours[: around.num_neighbours]
        clearance = self.clearance(view.state, near, around.obstacles[: around.num_obstacles], view.shapes)
        action = np.clip(np.asarray(action, dtype=np.float64), 0.0, 1.0)
        message = Message(
            self.robot_id, view.time, (float(plan.waypoint[0]), float(plan.waypoint[1])), float(action[ROTATION]),
            float(action[SPEED]), plan.intent, embedding,
        )  # fmt: skip
        return self.conclude(message, plan, action, tunables, filtered, clearance)

    def conclude(
        self, message: Message, plan: Plan, action: Array, tunables: Array, filtered: Filtered, clearance: float
    ) -> Command:  # fmt: skip
        """The command that a period ends with; the robot remembers what the next one needs of it.

        Args:
            message: To the others.
            plan: Its planner's (``planned``).
            action: ``float64[6]`` in [0, 1].
            tunables: ``float64[6]``, the same as physical values.
            filtered: What the filter gives.
            clearance: Gap to the nearest robot or obstacle [m].
        """
        self.drive, self.last_action = filtered.control.copy(), action
        return Command(
            filtered.control, safety.OUTCOMES[filtered.outcome], filtered.relaxation, tunables, action, plan, message,
            clearance, self._foresight.decided(filtered.control),
        )  # fmt: skip

    def believed(self, view: View) -> View:
        """The view with the robot's own state as it will be when the command acts: the one that it decides on.

        Without declared errors it is the same view. After a lag, the state runs ahead of the body
        (``swarm.model.actuators``).
        """
        return self._foresight.believed(view, self._trail)

    def ahead(self, control: Array | None) -> tuple[Array, Array] | None:
        """Where it is one period after a command begins to act, as ``Command.ahead``; between ``step`` and ``sent``.

        Args:
            control: ``float64[2]``; None: nothing, the body brakes by itself.
        """
        return self._foresight.ahead(control)

    def sent(self, control: Array | None) -> None:
        """Take note of what the body was told in this period, ``float64[2]``, if it was not what ``step`` decided.

        With declared errors the next state is predicted from it: a robot that is held, or whose body brakes by itself
        (None: it was told nothing), has to know. At most once a period, after ``step``; a period without a view counts.
        """
        self._foresight.sent(control)

    def driven(self, state: Array) -> Array:
        """Forward speed and turn rate ``float64[2]`` of a unicycle of second order in a state ``float64[5]``.

        Those of its last command, ``drive`` (whoever sends it another one sets that), as what is measured is less exact
        than what the motors do; but for a speed that no motor gives it, since it was pushed or held.
        """
        speed = dynamics.forward_speed(state)
        if self.drive is None:
            return np.array([speed, 0.0])
        if self._foresight.predicts:  # what is measured is old
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
    def trails(self) -> bool:
        """Whether it may trail anything (``trail_of``)."""
        return is_second_order(self.body) or self._foresight.predicts

    @property
    def memory(self) -> Array:
        """Its memory of the way, ``float64[2]`` (``swarm.tune.memory``)."""
        return self._way.memory

    def share(self, memory: Array) -> None:
        """Keep the memory of the way in a row of somebody's, ``float64[2]``."""
        memory[:] = self._way.memory
        self._way.memory = memory

    def asked(self, view: View) -> tuple[Plan, bool]:
        """``planned``, but for remembering: whether it is to be remembered comes with the plan (``Way.asked``)."""
        return self._way.asked(self.planner, view)

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
        view, plan = self.believed(view), command.plan
        around = self._sense(view)._replace(agreed=plan.agreed)
        return self._filter.want(view, around, plan.waypoint, way_left(plan, view), command.tunables).copy()

    def planned(self, view: View) -> Plan:
        """Its planner's plan, and remember; once a period, as both count time by being asked."""
        return self._way.planned(self.planner, view)

    def _sense(self, view: View) -> Around:
        """Check the view, and what is around it in it."""
        check_view(view)
        return self._sensor.sense(view, self.trail_of(view))

    def _observe(self, view: View, plan: Plan, remaining: float, around: Around) -> Observation:
        slots = MAX_NEIGHBOURS + MAX_OBSTACLES
        sender = np.full(slots, -1, np.int32)
        for k in range(around.num_neighbours):
            if (robot_id := int(around.neighbours[k, N_ID])) in view.messages:
                sender[k] = robot_id
        observation = Observation(
            np.empty(EGO, np.float32), np.empty((slots, EDGE), np.float32), np.empty(slots, np.bool_), sender
        )
        observe(
            self.kind, view.state, self.body, self.robot_id, plan.waypoint, remaining, around, self._way.memory,
            self.last_action, observation,
        )  # fmt: skip
        return observation

    def clearance(self, state: Array, near: Array, obstacles: Array, shapes: Array | None = None) -> float:
        """Gap to the nearest of some robots and obstacles [m]; inf: none.

        Args:
            state: ``float64[5]``, its own.
            near: ``float64[k, 22]``, the robots.
            obstacles: ``float64[m, 11]``.
            shapes: ``float64[k, P, 2]`` of the robots; of those that are no discs, the gap is to their stop hull.
        """
        return clearance(state, self.body, self.footprint, near, obstacles, shapes)
