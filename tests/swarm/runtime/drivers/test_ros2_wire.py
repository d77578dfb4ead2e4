"""rmw_zenoh's format, byte for byte: the literals are written down from its design.md and from the CDR specification.

Key, hash and tokens of ``chatter`` are its own examples; the other hashes are what ``ros2 topic info -v`` says.
"""

import math
import struct
import sys

import pytest
import zenoh.ext

from swarm.errors import InputError
from swarm.runtime.drivers import ros2_wire as wire

STRING_HASH = "RIHS01_df668c740482bbd48fb39d76a70dfd4bd59db1288021743503259e948f6b1a18"
TWIST_KEY = (
    "0/robot3/cmd_vel/geometry_msgs::msg::dds_::Twist_/"
    "RIHS01_9c45bf16fe0983d80e3cfe750d6835843d265a9a6c46bd2e609fcddde6fb8d2a"
)
GID = bytes(range(0xA0, 0xB0))
ONE, HALF, ZERO = "000000000000f03f", "000000000000e03f", "0000000000000000"
STAMP = "d202964915cd5b07"  # 1234567890 s, 123456789 ns
ODOMETRY = (
    "00010000"  # CDR, little-endian
    + STAMP
    + "05000000" "6f646f6d00" "000000"  # "odom" with its zero, then to the next 4 bytes
    + "0a000000" "626173655f6c696e6b00" "000000000000"  # "base_link", to the next 8 bytes after the first four
    + ONE + "0000000000000040" + ZERO  # at 1, 2, 0
    + ZERO * 2 + "cd3b7f669ea0e63f" * 2  # turned by 90 degrees: sin 45 = cos 45
    + ZERO * 36
    + HALF + ZERO * 4 + "000000000000d0bf"  # forward 0.5, turning by -0.25
    + ZERO * 36
)  # fmt: skip


def test_keys_have_the_name_of_the_type_in_dds_and_its_hash():
    assert wire.topic_key(0, "/robot3/cmd_vel", wire.TWIST) == TWIST_KEY
    chatter = wire.topic_key(0, "/chatter", "std_msgs/msg/String")
    assert chatter == f"0/chatter/std_msgs::msg::dds_::String_/{STRING_HASH}"
    assert wire.topic_key(2, "/robot1/odom", wire.ODOMETRY) == (
        "2/robot1/odom/nav_msgs::msg::dds_::Odometry_/"
        "RIHS01_3cc97dc7fb7502f8714462c526d369e35b603cfc34d946e3f2eda2766dfec6e0"
    )
    assert wire.topic_key(0, "/cmd_vel", wire.TWIST_STAMPED).endswith(
        "TwistStamped_/RIHS01_5f0fcd4f81d5d06ad9b4c4c63e3ea51b82d6ae4d0558f1d475229b1121db6f64"
    )


def test_tokens_show_the_node_and_its_topics():
    session = "aac3178e146ba6f1fc6e6a4085e77f21"
    assert wire.node_token(2, session, "/", "listener") == f"@ros2_lv/2/{session}/0/0/NN/%/%/listener"
    assert wire.node_token(0, session, "/lab/robot3", "swarm") == f"@ros2_lv/0/{session}/0/0/NN/%/%lab%robot3/swarm"
    token = wire.topic_token(2, session, 10, wire.SUBSCRIPTION, "/", "listener", "/chatter", "std_msgs/msg/String")
    example = (
        f"@ros2_lv/2/{session}/0/10/MS/%/%/listener/%chatter/std_msgs::msg::dds_::String_/{STRING_HASH}/::,10:,:,:,,"
    )
    assert token == example.replace(",10:", ",1:")  # of depth 1: only the newest counts
    token = wire.topic_token(0, session, 1, wire.PUBLISHER, "/robot3", "swarm", "/robot3/cmd_vel", wire.TWIST)
    assert token == (
        f"@ros2_lv/0/{session}/0/1/MP/%/%robot3/swarm/%robot3%cmd_vel/{TWIST_KEY.partition('cmd_vel/')[2]}/::,1:,:,:,,"
    )


def test_an_attachment_is_33_bytes():
    data = wire.attachment(1, 0x1122334455667788, GID)
    assert data.hex() == "0100000000000000887766554433221110a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
    parts = zenoh.ext.Int64(1), zenoh.ext.Int64(0x1122334455667788), GID
    assert zenoh.ext.z_serialize(parts).to_bytes() == data, "rmw_zenoh writes it by zenoh's own serializer"
    assert wire.read_attachment(data) == (1, 0x1122334455667788, GID)
    assert wire.read_attachment(struct.pack("<qqB16s", -1, 0, 16, GID)) == (-1, 0, GID)
    for bad in (b"", data[:-1], data + b"\0", data[:16] + b"\x0f" + data[17:]):
        assert wire.read_attachment(bad) is None
    with pytest.raises(InputError, match="16 bytes"):
        wire.attachment(1, 0, GID[:8])


def test_a_twist_is_six_numbers():
    assert wire.encode_twist(1.0, 0.5, -0.25).hex() == "00010000" + ONE + HALF + ZERO * 3 + "000000000000d0bf"
    stamped = wire.encode_twist_stamped(0.5, 0.0, 1.0, 1_234_567_890_123_456_789, "base_link")
    assert stamped.hex() == (
        "00010000" + STAMP + "0a000000" "626173655f6c696e6b00" "0000" + HALF + ZERO * 4 + ONE
    )  # fmt: skip


def test_without_rosbags_it_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "rosbags.typesys", None)
    wire._types.cache_clear()
    with pytest.raises(InputError, match="rosbags"):
        wire.type_key(wire.TWIST)


def test_an_odometry_is_read_byte_by_byte():
    told = wire.decode_odometry(bytes.fromhex(ODOMETRY), "odom", "base_link")
    assert told[:3] == (1234567890.123456789, 1.0, 2.0) and told[4:] == (0.5, 0.0, None)
    assert told.heading == pytest.approx(math.pi / 2)


def odometry(x=1.0, y=2.0, z=0.0, turned=(0.0, 0.0, 0.0, 1.0), velocity=(0.5, 0.1), covariance=0.0):
    """The same message with other numbers."""
    head = bytes.fromhex(ODOMETRY)[:44]
    numbers = [x, y, z, *turned, *[covariance] * 36, *velocity, 0.0, 0.0, 0.0, 0.0, *[covariance] * 36]
    return head + struct.pack(f"<{len(numbers)}d", *numbers)


@pytest.mark.parametrize("angle", [0.0, 0.3, math.pi / 2, 3.1, -3.1, -0.3])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_heading_of_a_rotation_and_of_its_negative(angle, sign):
    turned = (0.0, 0.0, sign * math.sin(angle / 2), sign * math.cos(angle / 2))
    told = wire.decode_odometry(odometry(turned=turned), "odom", "base_link")
    assert told.heading == pytest.approx(angle) and told[4:] == (0.5, 0.1, None)


def test_unknown_covariances_and_a_slight_lean_are_no_harm():
    lean = math.sin(0.04)
    data = odometry(turned=(lean, 0.0, 0.0, math.sqrt(1.0 - lean * lean)), covariance=math.nan)
    assert wire.decode_odometry(data, "odom", "base_link").heading == pytest.approx(0.0)


def test_warming_up_decodes_a_whole_message():
    assert wire.decode_odometry(wire._ZEROS, "", "") == "no rotation"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "malformed"),
        (odometry()[:-1], "malformed"),
        (odometry() + bytes(8), "malformed"),
        (b"\0\3" + odometry()[2:], "malformed"),
        (odometry()[:12] + b"\xff\xff\xff\x7f" + odometry()[16:], "malformed"),
        (odometry()[:16] + b"\xff" + odometry()[17:], "malformed"),
        (odometry()[:16] + b"x" + odometry()[17:], "other frame"),
        (odometry(x=math.nan), "not finite"),
        (odometry(velocity=(math.inf, 0.0)), "not finite"),
        (odometry(turned=(math.nan, 0.0, 0.0, 1.0)), "not finite"),
        (odometry(y=-2e6), "out of range"),
        (odometry(velocity=(0.0, 101.0)), "out of range"),
        (odometry(turned=(0.0, 0.0, 0.0, 0.0)), "no rotation"),
        (odometry(turned=(0.0, 0.0, 1.0, 1.0)), "no rotation"),
        (odometry(turned=(1.0, 0.0, 0.0, 0.0)), "tilted"),
        (odometry(turned=(math.sin(0.15), 0.0, 0.0, math.cos(0.15))), "tilted"),
    ],
)  # fmt: skip
def test_what_a_robot_must_not_drive_by_is_refused(data, reason):
    assert wire.decode_odometry(data, "odom", "base_link") == reason
    assert wire.decode_odometry(odometry(), "map", "base_link") == "other frame"


def with_covariance(**places):
    data = bytearray.fromhex(ODOMETRY)
    begin = len(data) - 8 * (36 + 6 + 36)
    for place, value in places.items():
        struct.pack_into("<d", data, begin + 8 * int(place[1:]), value)
    return wire.decode_odometry(bytes(data), "odom", "base_link").deviation


def test_deviations_are_of_the_longer_axis_and_of_the_turn():
    assert with_covariance() is None, "zeros are unknown"
    assert with_covariance(_0=0.04, _7=0.01, _35=0.0025) == pytest.approx((0.2, 0.05))
    assert with_covariance(_0=0.01, _7=0.04) == pytest.approx((0.2, 0.0))
    # An ellipse with axes 0.3 and 0.1 that is turned by 45 degrees.
    assert with_covariance(_0=0.05, _1=0.04, _6=0.04, _7=0.05) == pytest.approx((0.3, 0.0))
    for value in (-1.0, math.nan, math.inf):
        assert with_covariance(_0=value) == (math.inf, math.inf) == with_covariance(_35=value)
