"""A log of ours, or a bag of ROS 2: which one it is shows in the first message that is of either."""

from __future__ import annotations

import os
from pathlib import Path

from studies.calibration.drive import Drive
from studies.calibration.own_log import read_own_log
from studies.calibration.ros2_bag import Topics, read_bag
from swarm.errors import InputError
from swarm.runtime.drivers import ros2_wire as wire
from swarm.runtime.log.chunks import raw_messages

_OWN = "swarm."
_VALID = "a log of swarm-robot or launch/simulate.py, or a bag of ROS 2 with nav_msgs/Odometry (MCAP)"


def read_drives(path: Path, robot: int | None, topics: Topics) -> dict[int, Drive]:
    """Drives by the identity of the robot; that of a bag is 0, or as it is asked for.

    Args:
        path: A file, or a folder of them.
        robot: Which one; None: all.
        topics: Of the robot, in a bag.

    Raises:
        InputError: If it can be read as neither, names the place.
    """
    files = sorted(path.glob("*.mcap")) if os.path.isdir(path) else [path]
    if not files:
        raise InputError(str(path), "no .mcap file", _VALID)
    for file in files:
        for message in raw_messages(file):
            if message.schema.startswith(_OWN):
                return read_own_log(path, robot)
            if message.schema in (wire.ODOMETRY, wire.TWIST, wire.TWIST_STAMPED):
                return {0 if robot is None else robot: read_bag(path, files, topics, robot)}
    raise InputError(str(path), "no message of either", _VALID)
