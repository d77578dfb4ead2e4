"""Driver ``ros2``: a base that speaks ROS 2 over zenoh (rmw_zenoh), without any of ROS on this side.

In comes ``nav_msgs/msg/Odometry``, out goes ``geometry_msgs/msg/Twist`` or ``TwistStamped``; the fleet file says where
(``swarm.runtime.fleet_file.ros2_names``). The pose is in a frame that stays (``odom_frame``), the velocity in the
body's. For a unicycle the command is forward speed and turn rate. Integrators are bases that drive in every direction:
for a single one it is the velocity that was asked for, in the body's frame; for a double one the measured velocity,
changed by what the acceleration does to it within one control period. A base that lags behind its commands by more than
that both accelerates and brakes less than asked, so it is better described as a single integrator. Without a fresh
state an integrator is told to stand still: its heading is unknown, and so is what braking does to its velocity.

The base has to brake by itself when commands end: its own watchdog must be set to
``swarm.runtime.drivers.base.COMMAND_TTL`` (``cmd_vel_timeout`` of diff_drive_controller is 0.5 s by default). With
``stamped`` it can also tell a late command.

A state is as old as its stamp says (``swarm.runtime.drivers.ros2_clock``), and one with the same stamp or an older one
is none.

The session is a client of the base's router, which may start, end and start again meanwhile.
"""

from __future__ import annotations

import json
import math
import os
import threading
import time
from collections import Counter, deque

import numpy as np
import zenoh

from swarm.array_types import Array
from swarm.model.dynamics import Kind, Limits
from swarm.runtime.drivers import ros2_wire as wire
from swarm.runtime.drivers.base import Reading, Sent, clip
from swarm.runtime.drivers.clocks import OffsetClock
from swarm.runtime.drivers.ros2_clock import BaseClock
from swarm.runtime.fleet_file.read import FleetFile
from swarm.runtime.fleet_file.ros2_names import needed
from swarm.runtime.watchdog import STATE_AGE

NODE = "swarm"
"""Name of the node that ROS 2's tools show, in the robot's namespace."""
SILENCE = 0.25
"""Seconds without a state after which another publisher of odometry is heard, or the same one from any number on."""
QUEUE = 16
"""Messages that are kept until they are read; of a faster base the oldest are dropped."""
_RETRY = 0.2


class Ros2Driver:
    """The base of robot ``robot_id``.

    Attributes:
        rejected: Messages that were refused, by reason (``swarm.runtime.drivers.ros2_wire.decode_odometry``;
            ``oversized``, ``attachment``, ``old``: not newer than the last; ``second publisher`` of the same topic;
            what is wrong with the stamp, as ``swarm.runtime.drivers.ros2_clock`` says).

    Raises:
        InputError: If the fleet file says nothing of ROS 2, or rosbags is missing.
    """

    def __init__(self, fleet: FleetFile, robot_id: int) -> None:
        self._names = needed(fleet.ros2, str(fleet.path)).of(robot_id)
        self._spec, self._dt = fleet.scenario.robots[robot_id], fleet.scenario.dt
        self._age = fleet.errors_of(robot_id).age or STATE_AGE
        self._message = wire.TWIST_STAMPED if self._names.stamped else wire.TWIST
        self._hears = wire.topic_key(self._names.domain, self._names.odom, wire.ODOMETRY)
        self._tells = wire.topic_key(self._names.domain, self._names.cmd_vel, self._message)
        wire.warm_up()
        self.rejected: Counter[str] = Counter()
        self._queue: deque[tuple[bytes | None, bytes | None, float]] = deque(maxlen=QUEUE)
        self._gid, self._sequence = os.urandom(wire.GID), 0
        self._source, self._newest, self._heard = b"", 0, -math.inf
        offset = OffsetClock(fleet.errors.age) if fleet.clock_of(robot_id) == "base" else None
        self._clock = BaseClock(self._names.use_sim_time, offset=offset)
        self._last: Reading | None = None
        self._session: zenoh.Session | None = None
        self._publisher: zenoh.Publisher | None = None
        self._held: list[object] = []
        self._closing = threading.Event()
        # Opening a session waits for the router, and a driver must not.
        self._joining = threading.Thread(target=self._join, name="ros2", daemon=True)
        self._joining.start()

    def read(self) -> Reading | None:
        """The newest odometry, as a state in the world."""
        self._clock.look()
        while self._queue:
            reason = self._take(*self._queue.popleft())
            if reason:
                self.rejected[reason] += 1
        return self._last

    @property
    def problem(self) -> str:
        """What is wrong with the stamps of the odometry, one line for an operator; empty: nothing."""
        return self._clock.problem

    @property
    def doubt(self) -> str:
        """Why its states must not be driven by, for the stamps; empty: they may."""
        return self._clock.doubt

    def _take(self, data: bytes | None, attached: bytes | None, arrived: float) -> str:
        """One message becomes the last reading, or the reason why not is returned."""
        if data is None:
            return "oversized"
        sender = None if attached is None else wire.read_attachment(attached)
        if sender is None:
            return "attachment"
        sequence, sent, gid = sender
        if arrived - self._heard < SILENCE and (gid != self._source or sequence <= self._newest):
            return "old" if gid == self._source else "second publisher"
        odometry = wire.decode_odometry(data, self._names.odom_frame, self._names.base_frame)
        if isinstance(odometry, str):
            return odometry
        self._source, self._newest, self._heard = gid, sequence, arrived
        measured = self._clock.measured(odometry.stamp, 1e-9 * sent, arrived)
        if isinstance(measured, str):
            return measured
        self._last = Reading(
            self._state(odometry), odometry.stamp, arrived, measured=measured, deviation=odometry.deviation
        )
        return ""

    def _state(self, odometry: wire.Odometry) -> Array:
        """Odometry as a state in the world, ``float64[5]``."""
        x, y, heading = odometry.x, odometry.y, odometry.heading
        if self._names.origin == "start":
            start_x, start_y, turned = self._spec.start[:3].tolist()
            x, y = _rotated(x, y, turned)
            x, y, heading = start_x + x, start_y + y, heading + turned
        heading = math.atan2(math.sin(heading), math.cos(heading))
        return np.array([x, y, heading, *_rotated(odometry.forward, odometry.left, heading)])

    def write(self, control: Array) -> Sent:
        """Send a command."""
        clipped = clip(control, self._spec)
        fresh = self._last is not None and time.monotonic() - self._last.measured <= self._age
        state = self._last.state if self._last is not None and fresh else None
        sent, twist = body_twist(self._spec.kind, clipped, state, self._spec.limits, self._dt)
        self._send(*twist)
        return Sent(sent, time.monotonic(), not np.allclose(sent, control, rtol=0.0, atol=1e-9))

    def _send(self, forward: float, left: float, turn: float) -> None:
        if self._publisher is None:
            return
        self._sequence += 1
        if self._names.stamped:
            data = wire.encode_twist_stamped(forward, left, turn, self._clock.stamp(), self._names.base_frame)
        else:
            data = wire.encode_twist(forward, left, turn)
        self._publisher.put(data, attachment=wire.attachment(self._sequence, time.time_ns(), self._gid))

    def close(self) -> None:
        """Tell the base to stand still, and give the session back; a second time does nothing."""
        self._closing.set()
        self._joining.join()
        if self._session is None:
            return
        self._send(0.0, 0.0, 0.0)
        self._publisher = None
        self._session.close()
        self._session = None

    def _join(self) -> None:
        """Open the session as soon as there is a router; in a thread of its own."""
        config = zenoh.Config()
        for key, value in _settings(self._names.router).items():
            config.insert_json5(key, json.dumps(value))
        while not self._closing.is_set():
            try:
                return self._declare(zenoh.open(config))
            except zenoh.ZError:  # nobody there yet
                self._closing.wait(_RETRY)

    def _declare(self, session: zenoh.Session) -> None:
        """Say what is published and heard, to zenoh and to ROS 2's graph."""
        names, zid = self._names, str(session.zid())
        common = (names.namespace, NODE)
        tokens = [
            wire.node_token(names.domain, zid, *common),
            wire.topic_token(names.domain, zid, 1, wire.PUBLISHER, *common, names.cmd_vel, self._message),
            wire.topic_token(names.domain, zid, 2, wire.SUBSCRIPTION, *common, names.odom, wire.ODOMETRY),
        ]
        handler = zenoh.handlers.Callback(self._arrived, indirect=False)
        self._held.append(session.declare_subscriber(self._hears, handler))
        self._held.extend(session.liveliness().declare_token(token) for token in tokens)
        self._session = session
        self._publisher = session.declare_publisher(
            self._tells, congestion_control=zenoh.CongestionControl.DROP, express=True
        )

    def _arrived(self, sample: zenoh.Sample) -> None:
        """A message arrives, on a thread of zenoh's."""
        now, attached = time.monotonic(), sample.attachment
        data = sample.payload.to_bytes() if len(sample.payload) <= wire.LARGEST else None
        small = attached is not None and len(attached) <= wire.LARGEST
        self._queue.append((data, attached.to_bytes() if small and attached is not None else None, now))


def body_twist(
    kind: Kind, control: Array, state: Array | None, limits: Limits, dt: float
) -> tuple[Array, tuple[float, float, float]]:
    """What a control is in the body's frame.

    Args:
        kind: Of the dynamics.
        control: ``float64[2]``, within the limits.
        state: ``float64[5]``, the newest; None: none, or too old.
        limits: Of the robot.
        dt: Control period [s].

    Returns:
        The control that is asked of the base, ``float64[2]``: another one where a double integrator would come above
        its top speed; and forward speed, speed to the left [m/s] and turn rate [rad/s].
    """
    if kind == Kind.UNICYCLE:
        return control, (float(control[0]), 0.0, float(control[1]))
    if state is None:
        return np.zeros(2), (0.0, 0.0, 0.0)
    velocity = control
    if kind == Kind.DOUBLE_INTEGRATOR:
        velocity = np.clip(state[3:5] + dt * control, -limits.speed, limits.speed)
        control = (velocity - state[3:5]) / dt
    forward, left = _rotated(float(velocity[0]), float(velocity[1]), -float(state[2]))
    return control, (forward, left, 0.0)


def _rotated(x: float, y: float, angle: float) -> tuple[float, float]:
    cos, sin = math.cos(angle), math.sin(angle)
    return cos * x - sin * y, sin * x + cos * y


def _settings(router: str) -> dict[str, object]:
    """Settings of the session: the router and nobody else, and nothing that could hold up the control loop."""
    return {
        "mode": "client",
        "connect/endpoints": [router],
        "connect/timeout_ms": 0,
        "connect/retry": {"period_init_ms": 50, "period_max_ms": 200, "period_increase_factor": 1.5},
        "scouting/multicast/enabled": False,
        "scouting/gossip/enabled": False,
        "transport/shared_memory/enabled": False,
        "transport/link/protocols": ["tcp"],
        "transport/unicast/open_timeout": 1000,
        "transport/link/tx/queue/congestion_control/drop": {"wait_before_drop": 0, "max_wait_before_drop_fragments": 0},
        "transport/link/rx/max_message_size": 65536,
    }
