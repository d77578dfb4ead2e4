"""The key ``ros2`` of a fleet file: where the ROS 2 side of a robot's base is found, and what its names are.

    driver: ros2
    ros2:
      router: tcp/127.0.0.1:7447     # the zenoh router of the base (ros2 run rmw_zenoh_cpp rmw_zenohd)
      domain: 0                      # ROS_DOMAIN_ID
      namespace: robot{id}           # / for none
      odom: odom                     # topic: nav_msgs/msg/Odometry
      cmd_vel: cmd_vel               # topic: geometry_msgs/msg/Twist
      stamped: false                 # TwistStamped instead
      odom_frame: odom               # header.frame_id of the odometry
      base_frame: base_link          # its child_frame_id
      origin: world                  # or start: the odometry counts from the robot's start in the scenario
      use_sim_time: false            # the base stamps by the clock of a simulation, not by the wall clock

All are optional, and those are the defaults. ``{id}`` is the robot's number. A topic that begins with / stands outside
of the namespace. The router has to run on the same computer: ROS 2 has no authentication here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

from swarm.errors import InputError
from swarm.files.yaml_input import Field

ORIGINS = ("world", "start")

_ROUTER = re.compile(r"tcp/127(\.[0-9]{1,3}){3}:([0-9]{1,5})")
_NAME = re.compile(r"/?[A-Za-z_]\w*(/[A-Za-z_]\w*)*", re.ASCII)
_FRAME = re.compile(r"[A-Za-z0-9_]+(/[A-Za-z0-9_]+)*")
# Larger ones have no ports in DDS, so no ROS tool takes them.
_HIGHEST_DOMAIN = 232


@dataclass(frozen=True)
class Ros2:
    """What a fleet file says of ROS 2, checked; the attributes are its keys, see the module."""

    router: str = "tcp/127.0.0.1:7447"
    domain: int = 0
    namespace: str = "robot{id}"
    odom: str = "odom"
    cmd_vel: str = "cmd_vel"
    stamped: bool = False
    odom_frame: str = "odom"
    base_frame: str = "base_link"
    origin: str = "world"
    use_sim_time: bool = False

    def of(self, robot: int) -> Ros2:
        """The same for one robot: its number filled in, namespace and topics in full, as ``/robot3/odom``."""
        named = {
            key: getattr(self, key).replace("{id}", str(robot))
            for key in ("namespace", "odom", "cmd_vel", "odom_frame", "base_frame")
        }
        named["namespace"] = space = "/" + named["namespace"].strip("/")
        for key in ("odom", "cmd_vel"):
            named[key] = named[key] if named[key].startswith("/") else f"{space.rstrip('/')}/{named[key]}"
        return replace(self, **named)


def read_ros2(field: Field, robots: int) -> Ros2:
    """The mapping ``ros2`` of a fleet file.

    Args:
        field: The mapping.
        robots: How many robots there are; no two of them may have a topic in common.

    Raises:
        InputError: If it is malformed.
    """
    given = field.mapping([], [key.name for key in fields(Ros2)])
    read: dict[str, Callable[[Field], Any]] = {
        "router": _router, "domain": _domain, "namespace": _namespace, "odom": _name, "cmd_vel": _name,
        "stamped": Field.flag, "odom_frame": _frame, "base_frame": _frame, "origin": _origin,
        "use_sim_time": Field.flag,
    }  # fmt: skip
    found = Ros2(**{key: read[key](value) for key, value in given.items()})
    for key in ("odom", "cmd_vel"):
        if len({getattr(found.of(robot), key) for robot in range(robots)}) < robots:
            raise given.get(key, given.get("namespace", field)).error(
                "names that differ from robot to robot: {id} in the namespace, or in the topic if that begins with /"
            )
    return found


def _router(field: Field) -> str:
    text = field.text()
    found = _ROUTER.fullmatch(text)
    if found is None or not 0 < int(found[2]) < 65536:
        raise field.error("tcp/127.0.0.1:PORT: the base's zenoh router runs on the same computer")
    return text


def _domain(field: Field) -> int:
    value = field.value
    if not isinstance(value, float) or not 0 <= value <= _HIGHEST_DOMAIN or value != int(value):
        raise field.error(f"a whole number, 0 to {_HIGHEST_DOMAIN}")
    return int(value)


def _name(field: Field) -> str:
    text = field.text()
    if not _NAME.fullmatch(text.replace("{id}", "0")):
        raise field.error("a name of ROS 2: words of letters, digits and _ with / between them, such as robot{id}")
    return text


def _namespace(field: Field) -> str:
    return field.text() if field.value == "/" else _name(field)


def _frame(field: Field) -> str:
    text = field.text()
    if not _FRAME.fullmatch(text.replace("{id}", "0")):
        raise field.error("a frame of tf2, such as odom or robot{id}/odom")
    return text


def _origin(field: Field) -> str:
    text = field.text()
    if text not in ORIGINS:
        raise field.error(" or ".join(ORIGINS))
    return text


def needed(ros2: Ros2 | None, where: str) -> Ros2:
    """The mapping, or ``InputError`` if the file has none."""
    if ros2 is None:
        raise InputError(f"{where}: ros2", None, "a mapping, such as {router: tcp/127.0.0.1:7447}")
    return ros2
