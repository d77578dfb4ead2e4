"""A drive of a body that is known, as a control process logs it and as ROS 2 records it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from studies.calibration.drive import Drive
from swarm.runtime.control import Period
from swarm.runtime.drivers import ros2_wire as wire
from swarm.runtime.drivers.base import Reading, Sent
from swarm.runtime.log.file import McapFile
from swarm.runtime.log.messages import Entry, period_message
from swarm.runtime.watchdog import MAY_MOVE

START = 1_700_000_000
"""Of a bag, since 1970 [s]."""


def write_log(drive: Drive, folder: Path, robot: int = 0, *, held: tuple[float, float] | None = None) -> Path:
    """What a control process would log: at each command the newest state, with its age.

    Args:
        drive: What happened.
        folder: For the log.
        robot: Its identity.
        held: From when to when the body says that it holds [s].
    """
    file = McapFile(folder, f"known-robot{robot:03d}", robot, 0)
    world = {
        "fleet": "known", "robot": robot, "incarnation": 1, "dt": 0.05, "obstacles": [],
        "bounds": {"xmin": -50.0, "ymin": -50.0, "xmax": 50.0, "ymax": 50.0},
        "robots": [{"id": robot, "kind": drive.kind.label, "radius": 0.3}],
    }  # fmt: skip
    file.add("world", 0, json.dumps(world))
    for time, control in zip(drive.told.tolist(), drive.commands, strict=True):
        k = int(np.searchsorted(drive.measured, time)) - 1
        reading = None
        if k >= 0:
            why = "command too old" if held is not None and held[0] <= time < held[1] else ""
            at = float(drive.measured[k])
            reading = Reading(drive.states[k], at, time, held=why, measured=at)
        period = Period(time, MAY_MOVE, reading, sent=Sent(control, time))
        file.add("period", file.stamp(time), period_message(robot, Entry(period, 1, 0, None, None, [], 0)))
    file.finish()
    return file.path


def write_bag(drive: Drive, path: Path, *, stamped: bool, late: float = 0.01, robot: int = 0) -> Path:
    """A bag as ``ros2 bag record -s mcap`` writes it; the twists are encoded as the driver does it.

    Args:
        drive: Of a unicycle, or of a single integrator whose heading does not change.
        path: Folder of the bag.
        stamped: Whether commands are ``TwistStamped``.
        late: Seconds from a state's stamp until it is recorded.
        robot: In the names of the topics.
    """
    store = get_typestore(Stores.ROS2_JAZZY)
    twist = wire.TWIST_STAMPED if stamped else wire.TWIST
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        odom = writer.add_connection(f"/robot{robot}/odom", wire.ODOMETRY, typestore=store)
        cmd_vel = writer.add_connection(f"/robot{robot}/cmd_vel", twist, typestore=store)
        entries: list[tuple[int, Any, bytes]] = []
        for time, state in zip(drive.measured.tolist(), drive.states, strict=True):
            entries.append((nanoseconds(time + late), odom, odometry(store, time, state)))
        for time, (forward, second) in zip(drive.told.tolist(), drive.commands.tolist(), strict=True):
            parts = (forward, 0.0, second)
            data = wire.encode_twist(*parts)
            if stamped:
                data = wire.encode_twist_stamped(*parts, nanoseconds(time), "base_link")
            entries.append((nanoseconds(time), cmd_vel, data))
        for stamp, connection, data in sorted(entries, key=lambda entry: entry[0]):
            writer.write(connection, stamp, data)
    return path


def nanoseconds(time: float) -> int:
    """Since 1970."""
    return round((START + time) * 1e9)


def odometry(store: Any, time: float, state: Any) -> bytes:
    """A ``nav_msgs/msg/Odometry`` of a state in the world."""
    types, (x, y, heading, vx, vy) = store.types, state.tolist()
    point, vector = types["geometry_msgs/msg/Point"], types["geometry_msgs/msg/Vector3"]
    turned = types["geometry_msgs/msg/Quaternion"](0.0, 0.0, math.sin(0.5 * heading), math.cos(0.5 * heading))
    forward, left = (
        math.cos(heading) * vx + math.sin(heading) * vy, math.cos(heading) * vy - math.sin(heading) * vx,
    )  # fmt: skip
    pose = types["geometry_msgs/msg/Pose"](point(x, y, 0.0), turned)
    speeds = types["geometry_msgs/msg/Twist"](vector(forward, left, 0.0), vector(0.0, 0.0, 0.0))
    header = types["std_msgs/msg/Header"](
        types["builtin_interfaces/msg/Time"](*divmod(nanoseconds(time), 10**9)), "odom"
    )
    nothing = np.zeros(36)
    message = types[wire.ODOMETRY](
        header, "base_link", types["geometry_msgs/msg/PoseWithCovariance"](pose, nothing),
        types["geometry_msgs/msg/TwistWithCovariance"](speeds, nothing),
    )  # fmt: skip
    return bytes(store.serialize_cdr(message, wire.ODOMETRY))
