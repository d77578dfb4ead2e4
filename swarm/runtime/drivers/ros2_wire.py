"""What rmw_zenoh, the zenoh middleware of ROS 2, puts on the wire: keys, attachments, liveliness tokens, messages.

As described in its ``docs/design.md`` (releases for Jazzy, Kilted and later; Humble has no type hashes, and development
versions before 2025 had other attachments). Messages are CDR, encoded and decoded by rosbags, which needs no ROS and
knows the type hashes; it is imported when the first message type is needed.
"""

from __future__ import annotations

import math
import struct
from functools import cache
from typing import Any, NamedTuple

from swarm.errors import InputError

ODOMETRY = "nav_msgs/msg/Odometry"
TWIST = "geometry_msgs/msg/Twist"
TWIST_STAMPED = "geometry_msgs/msg/TwistStamped"
PUBLISHER, SUBSCRIPTION = "MP", "MS"

GID = 16
"""Bytes of a publisher's identity."""
LARGEST = 4096
"""Bytes of an odometry message; it has 700 and its two frames."""

# Sequence number, time since 1970 [ns], then the identity with its length before it.
_ATTACHMENT = struct.Struct("<qqB16s")
# Reliable, volatile, the newest only, no deadlines: what equals rmw_zenoh's defaults is left out.
_QOS = "::,1:,:,:,,"
_UNIT, _TILT = 1e-3, math.sin(0.1) ** 2  # A base leans at most 0.2 rad.
_FARTHEST, _FASTEST = 1e6, 100.0
# An odometry of zeros, its frames empty: head, stamp, two strings of a zero each and filled up, 85 numbers.
_ZEROS = b"\0\1\0\0" + bytes(8) + 2 * b"\1\0\0\0\0\0\0\0" + bytes(680)


class Odometry(NamedTuple):
    """An odometry message as far as a robot on a plane needs it [m, rad, m/s]; the velocity is in the body's frame.

    ``deviation`` is that of place and heading (``swarm.runtime.drivers.base.Reading``), None if it is not known.
    """

    stamp: float
    x: float
    y: float
    heading: float
    forward: float
    left: float
    deviation: tuple[float, float] | None = None


@cache
def _types() -> Any:
    """The message types of ROS 2."""
    try:
        from rosbags.typesys import Stores, get_typestore
    except ImportError as error:
        raise InputError("driver", "ros2", f"the package rosbags, of the extra ros2 ({error})") from error
    return get_typestore(Stores.ROS2_JAZZY)


def warm_up() -> None:
    """Do once what takes long for the first time: rosbags writes its decoders as they are needed."""
    encode_twist_stamped(0.0, 0.0, 0.0, 0, "")
    decode_odometry(_ZEROS, "", "")


def type_key(message: str) -> str:
    """A message type within a key: its name in DDS and its hash (REP 2016)."""
    package, _, name = message.split("/")
    return f"{package}::msg::dds_::{name}_/{_types().hash_rihs01(message)}"


def topic_key(domain: int, topic: str, message: str) -> str:
    """Where a topic such as ``/robot3/odom`` is published."""
    return f"{domain}/{topic.strip('/')}/{type_key(message)}"


def node_token(domain: int, session: str, namespace: str, node: str) -> str:
    """The liveliness token that shows a node to ROS 2's tools; ``session``: the identity of the zenoh session."""
    return f"@ros2_lv/{domain}/{session}/0/0/NN/%/{_mangled(namespace)}/{node}"


def topic_token(
    domain: int, session: str, number: int, kind: str, namespace: str, node: str, topic: str, message: str
) -> str:
    """The token of the node's ``PUBLISHER`` or ``SUBSCRIPTION`` of a topic; ``number``: another one for each."""
    return (
        f"@ros2_lv/{domain}/{session}/0/{number}/{kind}/%/{_mangled(namespace)}/{node}/{_mangled(topic)}/"
        f"{type_key(message)}/{_QOS}"
    )


def _mangled(name: str) -> str:
    return name.replace("/", "%")


def attachment(sequence: int, time: int, gid: bytes) -> bytes:
    """What goes with a message, 33 bytes; a ROS 2 process that gets a malformed one aborts.

    Args:
        sequence: From 1 on.
        time: Since 1970 [ns].
        gid: Identity of the publisher, ``GID`` bytes.
    """
    if len(gid) != GID:
        raise InputError("gid", len(gid), f"{GID} bytes")
    return _ATTACHMENT.pack(sequence, time, GID, gid)


def read_attachment(data: bytes) -> tuple[int, int, bytes] | None:
    """Sequence number, time since 1970 [ns] and identity of the publisher; None if it is malformed."""
    if len(data) != _ATTACHMENT.size:
        return None
    sequence, time, length, gid = _ATTACHMENT.unpack(data)
    return (sequence, time, gid) if length == GID else None


def encode_twist(forward: float, left: float, turn: float) -> bytes:
    """A ``Twist``: velocity in the body's frame [m/s], and turn rate [rad/s]."""
    return bytes(_types().serialize_cdr(_twist(forward, left, turn), TWIST))


def encode_twist_stamped(forward: float, left: float, turn: float, time: int, frame: str) -> bytes:
    """A ``TwistStamped``: the same with its time since 1970 [ns], and the body's frame."""
    types = _types().types
    stamp = types["builtin_interfaces/msg/Time"](time // 10**9, time % 10**9)
    message = types[TWIST_STAMPED](types["std_msgs/msg/Header"](stamp, frame), _twist(forward, left, turn))
    return bytes(_types().serialize_cdr(message, TWIST_STAMPED))


def _twist(forward: float, left: float, turn: float) -> Any:
    types = _types().types
    vector = types["geometry_msgs/msg/Vector3"]
    return types[TWIST](vector(forward, left, 0.0), vector(0.0, 0.0, turn))


def decode_twist(data: bytes) -> tuple[float, float, float] | str:
    """Forward and left [m/s] and turn rate [rad/s] of a ``Twist``, or why it is refused."""
    from rosbags.serde import SerdeError

    try:
        return _plane(_types().deserialize_cdr(data, TWIST))
    except SerdeError:
        return "malformed"


def decode_twist_stamped(data: bytes) -> tuple[float, tuple[float, float, float]] | str:
    """Stamp [s] and what ``decode_twist`` gives of a ``TwistStamped``, or why it is refused."""
    from rosbags.serde import SerdeError

    try:
        message = _types().deserialize_cdr(data, TWIST_STAMPED)
    except SerdeError:
        return "malformed"
    found, stamp = _plane(message.twist), message.header.stamp
    return found if isinstance(found, str) else (stamp.sec + 1e-9 * stamp.nanosec, found)


def _plane(twist: Any) -> tuple[float, float, float] | str:
    found = float(twist.linear.x), float(twist.linear.y), float(twist.angular.z)
    return found if math.isfinite(math.hypot(*found)) else "not finite"


def decode_odometry(data: bytes, odom_frame: str | None, base_frame: str | None) -> Odometry | str:
    """An ``Odometry`` of these frames (None: of any), or why it is refused."""
    from rosbags.serde import SerdeError

    try:
        message = _types().deserialize_cdr(data, ODOMETRY)
    except SerdeError:
        return "malformed"
    if odom_frame not in (None, message.header.frame_id) or base_frame not in (None, message.child_frame_id):
        return "other frame"
    place, turned = message.pose.pose.position, message.pose.pose.orientation
    linear = message.twist.twist.linear
    x, y, z, w = turned.x, turned.y, turned.z, turned.w
    if not math.isfinite(math.hypot(place.x, place.y, linear.x, linear.y, x, y, z, w)):
        return "not finite"
    if max(abs(place.x), abs(place.y)) > _FARTHEST or math.hypot(linear.x, linear.y) > _FASTEST:
        return "out of range"
    if abs(math.hypot(x, y, z, w) - 1.0) > _UNIT:
        return "no rotation"
    if x * x + y * y > _TILT:
        return "tilted"
    seconds, rest = message.header.stamp.sec, message.header.stamp.nanosec
    if seconds < 0 or rest >= 10**9:
        return "no time"
    heading = math.atan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))
    found = _deviation(message.pose.covariance)
    return Odometry(seconds + 1e-9 * rest, place.x, place.y, heading, linear.x, linear.y, found)


def _deviation(covariance: Any) -> tuple[float, float] | None:
    """Standard deviations of place (the longer axis of its ellipse) and heading; zeros mean unknown in ROS.

    Args:
        covariance: ``float64[36]``, rows of x, y, z and the turns about these axes.
    """
    xx, xy, yy, turned = (float(covariance[k]) for k in (0, 1, 7, 35))
    if not any((xx, xy, yy, turned)):
        return None
    place = 0.5 * (xx + yy) + math.hypot(0.5 * (xx - yy), xy)
    valid = min(xx, yy, turned) >= 0.0 and math.isfinite(place + turned)
    return (math.sqrt(place), math.sqrt(turned)) if valid else (math.inf, math.inf)
