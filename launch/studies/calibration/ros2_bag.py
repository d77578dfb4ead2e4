"""The drive of a robot from a bag of ROS 2 (MCAP): ``nav_msgs/Odometry``, and ``geometry_msgs/Twist`` or TwistStamped.

A state counts at the stamp in its header. A command counts at its stamp if it has one, else when it was recorded. As in
the driver ``ros2``, the twist of an odometry and that of a command are in the body's frame.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from studies.calibration.drive import Drive
from swarm.array_types import Array
from swarm.errors import InputError
from swarm.model.dynamics import Kind
from swarm.runtime.drivers import ros2_wire as wire
from swarm.runtime.log.chunks import Raw, raw_messages

_COMMANDS = (wire.TWIST, wire.TWIST_STAMPED)
_FARTHEST = 60.0
"""Seconds between the stamps of states and commands above which they are of different clocks."""


@dataclass(frozen=True)
class Topics:
    """Where a robot is heard and told, and what drives it.

    Attributes:
        odom: Of its odometry; None: the only one of that type in the bag, or ``/robotN/odom`` of robot N.
        cmd_vel: Of its commands; None: likewise, ``/robotN/cmd_vel``.
        kind: Dynamics; a double integrator is not told velocities, and so is none.
        timeout: Seconds after which the base brakes without a new command.
    """

    odom: str | None = None
    cmd_vel: str | None = None
    kind: Kind = Kind.UNICYCLE
    timeout: float = 0.5


@dataclass
class _Heard:
    """Messages of the two topics, in the order of the bag."""

    odometry: list[wire.Odometry] = field(default_factory=list)
    arrived: list[float] = field(default_factory=list)
    told: list[float] = field(default_factory=list)
    twists: list[tuple[float, float, float]] = field(default_factory=list)


def read_bag(path: Path, files: list[Path], topics: Topics, robot: int | None = None) -> Drive:
    """The drive of the robot of these topics.

    Args:
        path: The bag, for errors.
        files: Its MCAP files.
        topics: Of the robot.
        robot: Its number in the names of topics.

    Raises:
        InputError: If a topic is not there or not unique, or a message cannot be used.
    """
    if topics.kind == Kind.DOUBLE_INTEGRATOR:
        raise InputError("--kind", topics.kind.label, "single_integrator or unicycle: a Twist commands velocities")
    seen: dict[str, str] = {}
    messages: list[Raw] = []
    for file in files:
        for one in raw_messages(file):
            if one.schema in (wire.ODOMETRY, *_COMMANDS):
                seen[one.topic] = one.schema
                messages.append(one)
    odom = _topic(path, "--odom", topics.odom, f"/robot{robot}/odom", seen, (wire.ODOMETRY,))
    cmd_vel = _topic(path, "--cmd-vel", topics.cmd_vel, f"/robot{robot}/cmd_vel", seen, _COMMANDS)
    heard = _Heard()
    for number, one in enumerate(message for message in messages if message.topic in (odom, cmd_vel)):
        _take(f"{path}: {one.topic}, message {number}", one, heard)
    states = sum(one.topic == odom for one in messages)
    if len(heard.odometry) < 2 <= states:
        raise InputError(f"{path}: {odom}", f"{states} messages without a stamp that grows", "stamped odometry")
    return _drive(f"{path}: {odom}, {cmd_vel}", topics, heard)


def _topic(path: Path, option: str, asked: str | None, usual: str, seen: dict[str, str], types: tuple[str, ...]) -> str:
    """The topic that is meant."""
    fitting = sorted(topic for topic, schema in seen.items() if schema in types)
    if asked is not None and asked in fitting:
        return asked
    valid = f"one of {', '.join(fitting)}" if fitting else f"a bag with {' or '.join(types)}"
    if asked is not None:
        raise InputError(option, asked, f"{valid}, in {path}")
    if usual in fitting or len(fitting) == 1:
        return usual if usual in fitting else fitting[0]
    raise InputError(str(path), f"{len(fitting)} topics of {' or '.join(types)}", f"{option} with {valid}")


def _take(where: str, message: Raw, heard: _Heard) -> None:
    """One message, decoded."""
    if message.encoding != "cdr":
        raise InputError(where, message.encoding, "messages in cdr")
    arrived = 1e-9 * message.stamp
    if message.schema == wire.ODOMETRY:
        odometry = wire.decode_odometry(message.data, None, None)
        if isinstance(odometry, str):
            raise InputError(where, odometry, "an odometry as the driver ros2 takes it")
        if not heard.odometry or odometry.stamp > heard.odometry[-1].stamp:
            heard.odometry.append(odometry)
            heard.arrived.append(arrived)
        return
    told: float | None = None
    if message.schema == wire.TWIST_STAMPED:
        stamped = wire.decode_twist_stamped(message.data)
        twist = stamped if isinstance(stamped, str) else stamped[1]
        told = None if isinstance(stamped, str) or stamped[0] == 0.0 else stamped[0]
    else:
        twist = wire.decode_twist(message.data)
    if isinstance(twist, str):
        raise InputError(where, twist, "a finite twist")
    moment = arrived if told is None else told
    if not heard.told or moment > heard.told[-1]:
        heard.told.append(moment)
        heard.twists.append(twist)


def _drive(where: str, topics: Topics, heard: _Heard) -> Drive:
    """Both in the world's frame; times from the first state on."""
    if not heard.odometry or not heard.told:
        raise InputError(where, f"{len(heard.odometry)} states, {len(heard.told)} commands", "both")
    rows = np.array([odometry[:6] for odometry in heard.odometry])  # what it says of its certainty is left out
    begin = float(rows[0, 0])
    measured, told = rows[:, 0] - begin, np.array(heard.told) - begin
    apart = max(told[0] - measured[-1], measured[0] - told[-1])
    if apart > _FARTHEST:
        raise InputError(where, f"states and commands {apart:.0f} s apart", "stamps of one clock (use_sim_time?)")
    heading = rows[:, 3]
    states = np.column_stack([rows[:, 1:3], heading, _rotated(rows[:, 4:6], heading)])
    twists = np.array(heard.twists)
    if topics.kind == Kind.UNICYCLE:
        commands = twists[:, [0, 2]]
    else:
        # The base turns a command into the world's frame by its heading of that time.
        commands = _rotated(twists[:, :2], np.interp(told, measured, np.unwrap(heading)))
    arrived = np.array(heard.arrived) - begin
    return Drive(
        where, topics.kind, told, commands, measured, states, arrived - measured, arrived, True, topics.timeout,
        used=False,
    )  # fmt: skip


def _rotated(vectors: Array, angle: Array) -> Array:
    cosine, sine = np.cos(angle), np.sin(angle)
    x, y = vectors[:, 0], vectors[:, 1]
    return np.column_stack([cosine * x - sine * y, sine * x + cosine * y])
