"""A robot's base as ROS 2 with rmw_zenoh has it, in a process of its own: a zenoh router, and a node that drives.

Written from rmw_zenoh's design.md and the CDR specification alone; nothing of ``swarm`` is imported. Arguments, as
JSON: ``port``, ``namespace``, ``start`` (x, y, heading), ``stamped``, ``router`` (false: another process has it),
``ahead`` [s] (of its clock), ``late`` [s] (of its odometry: within the base, or with ``simulated`` on the way),
``simulated`` (its clock is a simulation's, from 5 s on).

On standard input: ``report`` prints what was seen as a line of JSON; ``reboot`` is another publisher of odometry, as
after a restart of the node; ``late S``; ``pause`` and ``resume`` the simulation, which publishes all the time;
``again`` begins it anew; ``quit`` ends.
"""

import json
import math
import os
import struct
import sys
import threading
import time
from collections import deque

import zenoh

TWIST = "geometry_msgs::msg::dds_::Twist_/RIHS01_9c45bf16fe0983d80e3cfe750d6835843d265a9a6c46bd2e609fcddde6fb8d2a"
STAMPED = (
    "geometry_msgs::msg::dds_::TwistStamped_/RIHS01_5f0fcd4f81d5d06ad9b4c4c63e3ea51b82d6ae4d0558f1d475229b1121db6f64"
)
ODOMETRY = "nav_msgs::msg::dds_::Odometry_/RIHS01_3cc97dc7fb7502f8714462c526d369e35b603cfc34d946e3f2eda2766dfec6e0"
WATCHDOG, PERIOD = 0.2, 0.02


def session(mode, listen, connect=()):
    config = zenoh.Config()
    for key, value in {
        "mode": mode, "listen/endpoints": [listen], "connect/endpoints": list(connect),
        "scouting/multicast/enabled": False, "scouting/gossip/enabled": True,
    }.items():  # fmt: skip
        config.insert_json5(key, json.dumps(value))
    return zenoh.open(config)


def padded(data, to):
    return data + b"\0" * (-len(data) % to)


def text(word):
    return struct.pack("<I", len(word) + 1) + word.encode() + b"\0"


class Clock:
    """By which the base stamps and times out."""

    def __init__(self, simulated, ahead):
        self.simulated, self.ahead, self.rate = simulated, ahead, 1.0
        self.again()

    def again(self):
        self.shown, self.at = 5.0, time.monotonic()

    def now(self):
        if not self.simulated:
            return time.time() + self.ahead
        at = time.monotonic()
        self.shown, self.at = self.shown + self.rate * (at - self.at), at
        return self.shown


def odometry(time_ns, x, y, heading, speed, turn):
    head = padded(struct.pack("<iI", time_ns // 10**9, time_ns % 10**9) + text("odom"), 4)
    head = padded(head + text("base_link"), 8)
    pose = struct.pack("<7d", x, y, 0.0, 0.0, 0.0, math.sin(heading / 2), math.cos(heading / 2))
    twist = struct.pack("<6d", speed, 0.0, 0.0, 0.0, 0.0, turn)
    return b"\0\1\0\0" + head + pose + bytes(8 * 36) + twist + bytes(8 * 36)


class Base:
    def __init__(self, told):
        self.x, self.y, self.heading = told["start"]
        self.speed = self.turn = 0.0
        self.stamped, self.last = told["stamped"], -math.inf
        self.clock, self.late = Clock(told.get("simulated", False), told.get("ahead", 0.0)), told.get("late", 0.0)
        self.way, self.lock = deque(), threading.Lock()
        self.seen = {"twists": 0, "zeros": 0, "lost": 0, "wrong": [], "tokens": [], "fastest": 0.0, "ages": []}
        self.gid, self.sequence, self.theirs = os.urandom(16), 0, None
        self.peer = session("peer", "tcp/127.0.0.1:0", [f"tcp/127.0.0.1:{told['port']}"])
        space = told["namespace"]
        self.publisher = self.peer.declare_publisher(f"0/{space}/odom/{ODOMETRY}")
        self.held = [
            self.peer.declare_subscriber(f"0/{space}/cmd_vel/{STAMPED if self.stamped else TWIST}", self.hear),
            self.peer.liveliness().declare_subscriber("@ros2_lv/0/**", self.note, history=True),
        ]

    def note(self, sample):
        self.seen["tokens"].append([str(sample.kind).split(".")[-1], str(sample.key_expr)])

    def hear(self, sample):
        data, attached = sample.payload.to_bytes(), sample.attachment.to_bytes()
        sequence, stamp = struct.unpack("<qq", attached[:16])
        gid = attached[17:]
        if len(attached) != 33 or attached[16] != 16 or abs(stamp - time.time_ns()) > 1e9:
            self.seen["wrong"].append(attached.hex())
        if self.theirs is not None:
            self.seen["lost"] += sequence - self.theirs[1] - 1
            if self.theirs[0] != gid or sequence <= self.theirs[1]:
                self.seen["wrong"].append([self.theirs[1], sequence])
        self.theirs = gid, sequence
        if self.stamped:  # stamp, then "base_link" with its zero and length, to the next 8 bytes
            if data[12:26] != b"\x0a\0\0\0base_link\0":
                self.seen["wrong"].append(data.hex())
            seconds, rest = struct.unpack("<iI", data[4:12])
            with self.lock:
                self.seen["ages"].append(self.clock.now() - seconds - 1e-9 * rest)
            data = data[:4] + data[28:]
        if data[:4] != b"\0\1\0\0" or len(data) != 52:
            self.seen["wrong"].append(data.hex())
        self.speed, *rest, self.turn = struct.unpack("<6d", data[4:])
        if any(rest):
            self.seen["wrong"].append(rest)
        self.seen["twists"] += 1
        self.seen["fastest"] = max(self.seen["fastest"], self.speed)
        self.seen["zeros"] = self.seen["zeros"] + 1 if self.speed == self.turn == 0.0 else 0
        self.last = time.monotonic()

    def drive(self):
        while True:
            time.sleep(PERIOD)
            if time.monotonic() - self.last > WATCHDOG:
                self.speed = self.turn = 0.0
            period = PERIOD * self.clock.rate
            self.x += period * self.speed * math.cos(self.heading)
            self.y += period * self.speed * math.sin(self.heading)
            self.heading += period * self.turn
            with self.lock:
                stamp = round(1e9 * self.clock.now())
            data = odometry(stamp, self.x, self.y, self.heading, self.speed, self.turn)
            self.way.append((time.monotonic() + self.late, time.time_ns(), data))
            while self.way and self.way[0][0] <= time.monotonic():
                self.sequence += 1
                _, sent, data = self.way.popleft()
                sent = sent if self.clock.simulated else time.time_ns()
                attached = struct.pack("<qq", self.sequence, sent) + b"\x10" + self.gid
                self.publisher.put(data, attachment=attached)

    def do(self, word, value=0.0):
        with self.lock:
            self.clock.now()
            if word == "late":
                self.late = value
            elif word == "again":
                self.clock.again()
            else:
                self.clock.rate = {"pause": 0.0, "resume": 1.0}[word]


told = json.loads(sys.argv[1])
router = session("router", f"tcp/127.0.0.1:{told['port']}") if told.get("router", True) else None
base = Base(told)
threading.Thread(target=base.drive, daemon=True).start()
print("ready", flush=True)
for line in sys.stdin:
    if line.strip() == "report":
        print(json.dumps(base.seen | {"pose": [base.x, base.y, base.heading], "speed": base.speed}), flush=True)
    elif line.strip() == "reboot":
        base.gid, base.sequence = os.urandom(16), 0
    elif line.strip() != "quit":
        base.do(*(float(word) if i else word for i, word in enumerate(line.split())))
    else:
        break
base.peer.close()
if router is not None:
    router.close()
