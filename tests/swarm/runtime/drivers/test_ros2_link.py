"""Driver ros2 against a base in another process that speaks rmw_zenoh's format with code of its own."""

import json
import math
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles.loopback import until
from oracles.teams import limits_of

from swarm.errors import InputError
from swarm.model.dynamics import Kind, Limits
from swarm.runtime.control import Control
from swarm.runtime.drivers.base import make_driver
from swarm.runtime.drivers.ros2 import QUEUE, SILENCE, Ros2Driver, body_twist
from swarm.runtime.fleet_file.read import FleetFile
from swarm.runtime.fleet_file.ros2_names import Ros2
from swarm.runtime.link.base import Link
from swarm.runtime.loop import Rate
from swarm.runtime.mind import mind_of
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World

HERE = Path(__file__).parent
DT = 0.05
LIMITS = Limits(1.0, 2.0, 4.0)


def fleet_of(ros2, kind=Kind.UNICYCLE, goals=((2.0, 1.0), (1.0, 1.0))):
    start = np.array([1.0, 1.0, math.pi / 2, 0.0, 0.0])
    limits = limits_of(kind, LIMITS.speed, LIMITS.acceleration, LIMITS.turn_rate)
    robots = (RobotSpec(kind, start, np.array(goals), 0.25, limits),)
    scenario = Scenario(World(np.array([0.0, 0.0, 4.0, 4.0])), robots, dt=DT, sensing_radius=3.0)
    return FleetFile(
        Path("fleet.yaml"), "one", scenario, 0, "straight", "fixed:4,1", 0.0, "ros2", ("tcp/127.0.0.1:17400",),
        ros2=ros2,
    )  # fmt: skip


class Base:
    """The other process."""

    def __init__(self, **told):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.told = {"port": probe.getsockname()[1], "namespace": "robot0", "start": [0.0, 0.0, 0.0]} | told
        self.start()

    def start(self):
        command = [sys.executable, str(HERE / "ros2_base.py"), json.dumps(self.told)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def report(self):
        self.say("report")
        return json.loads(self.process.stdout.readline())

    def end(self):
        self.process.kill()
        self.process.communicate(timeout=10)


@pytest.fixture
def base(request):
    running = Base(**request.param)
    yield running
    running.end()


class Nobody(Link):
    """The network of a robot that is alone."""

    def publish(self, data, *readers):
        pass

    def drain(self):
        return []

    def greet(self, data):
        pass

    stops = greetings = drain


@pytest.mark.parametrize("base", [{"stamped": True}], indirect=True)
def test_a_base_drives_to_one_goal_after_the_other_and_stands_still_in_the_end(base):
    fleet = fleet_of(Ros2(router=f"tcp/127.0.0.1:{base.told['port']}", stamped=True, origin="start"))
    driver = make_driver(fleet, 0)
    mind = mind_of(fleet, 0)
    control = Control(mind, driver, Nobody(), incarnation=1)
    mind.rehearse()
    until(driver.read)
    deadline = time.monotonic() + 60.0
    for _ in Rate(DT).periods(lambda: control.goals.goal_index >= 2 or time.monotonic() > deadline):
        control.period()
    driver.close()
    driver.close()
    assert control.goals.goal_index == 2, "there and back"
    seen = until(lambda: (found := base.report())["zeros"] and found)
    assert min(seen["ages"]) > -0.01, "a command is of now by the base's clock"
    assert seen["wrong"] == [] and driver.rejected == {}
    assert seen["twists"] >= control.watchdog.reasons["moving"] - seen["lost"] > 40 and seen["lost"] < 5
    # The scenario's start is at (1, 1), heading up: the base's own odometry began at zero there.
    x, y, heading = seen["pose"]
    assert math.hypot(1.0 - y - 1.0, 1.0 + x - 1.0) < 0.3
    state = driver.read().state
    assert state[:2] == pytest.approx([1.0 - y, 1.0 + x], abs=0.1)
    assert math.cos(state[2] - heading - math.pi / 2) > 0.99
    until(lambda: len(base.report()["tokens"]) == 6)
    for i, change in enumerate(("PUT", "DELETE")):
        assert {kind for kind, _ in base.report()["tokens"][3 * i : 3 * i + 3]} == {change}
        keys = [key.split("/") for _, key in base.report()["tokens"][3 * i : 3 * i + 3]]
        assert sorted(key[5] for key in keys) == ["MP", "MS", "NN"]
        assert all(key[7:9] == ["%robot0", "swarm"] for key in keys)


@pytest.mark.parametrize("base", [{"stamped": False, "start": [3.0, 1.0, 0.0]}], indirect=True)
def test_a_base_and_its_router_may_start_again_and_brake_when_nobody_commands(base):
    driver = Ros2Driver(fleet_of(Ros2(router=f"tcp/127.0.0.1:{base.told['port']}")), 0)
    assert until(driver.read).state.tolist() == [3.0, 1.0, 0.0, 0.0, 0.0]
    for _ in range(6):
        driver.write([0.5, 0.2])
        time.sleep(0.02)
    until(lambda: driver.read().state[3] > 0.45)
    assert driver.read().state[4] == pytest.approx(0.0, abs=0.1)
    assert base.report()["speed"] == 0.5
    time.sleep(0.3)
    assert base.report()["speed"] == 0.0, "its own watchdog"
    base.say("reboot")
    rebooted = time.monotonic()
    until(lambda: driver.read().arrived > rebooted + SILENCE)
    assert 0 < driver.rejected.pop("second publisher") <= SILENCE / 0.02 + 2 and not driver.rejected
    base.end()
    ended = time.monotonic()
    for _ in range(5):
        driver.write([0.9, 0.0])
    base.start()
    until(lambda: driver.read().arrived > ended)
    until(lambda: driver.write([0.5, 0.0]) and base.report()["twists"] > 2)
    assert base.report()["wrong"] == [] and base.report()["fastest"] == 0.5, "what nobody heard never comes"
    driver.close()


def drive(base, driver, ros2, reached, seconds=60.0):
    """Drive in real time until so, or for so long; the control process and its last period."""
    mind = mind_of(fleet_of(ros2), 0)
    control = Control(mind, driver, Nobody(), incarnation=1)
    mind.rehearse()
    deadline, period = time.monotonic() + seconds, None
    for _ in Rate(DT).periods(lambda: reached(control) or time.monotonic() > deadline):
        period = control.period()
    return control, period


def names_of(base, **more):
    return Ros2(router=f"tcp/127.0.0.1:{base.told['port']}", stamped=True, origin="start", **more)


def arrived(control):
    return control.goals.goal_index >= 2


@pytest.mark.parametrize("base", [{"stamped": True, "late": 0.05}], indirect=True)
def test_a_base_whose_odometry_comes_50_ms_late_drives(base):
    driver = make_driver(fleet_of(names_of(base)), 0)
    control, period = drive(base, driver, names_of(base), arrived)
    assert arrived(control) and period.time - period.reading.measured > 0.04
    driver.close()


@pytest.mark.parametrize("base", [{"stamped": True}], indirect=True)
@pytest.mark.parametrize("late", [0.3, 2.0])
@pytest.mark.parametrize("simulated", [False, True])
def test_a_robot_stops_while_its_odometry_comes_late(base, late, simulated):
    base.end()
    base.told |= {"simulated": simulated}
    base.start()
    ros2 = names_of(base, use_sim_time=simulated)
    driver = make_driver(fleet_of(ros2), 0)
    drive(base, driver, ros2, lambda control: control.watchdog.reasons["moving"] > 10)
    base.say(f"late {late}")
    moves = []

    def settled(control):
        moves.append(control.watchdog.reasons["moving"])
        return False

    control, period = drive(base, driver, ros2, settled, late + 1.5)
    far = late > 1.0 and not simulated
    assert period.reason == ("stamp far back" if far else "no own state") and moves[-1] == moves[len(moves) // 2]
    assert control.notes() == (driver.problem,) and ("behind" if far else "late, valid is 0.15 s") in driver.problem
    assert base.report()["speed"] == 0.0
    driver.close()


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ({"stamped": True, "ahead": 3600.0}, "3600 s ahead"), ({"stamped": True, "ahead": -3600.0}, "3600 s behind"),
        ({"stamped": True, "simulated": True}, "use_sim_time: true"),
    ],
    indirect=["base"],
)  # fmt: skip
def test_a_robot_does_not_move_by_odometry_of_another_clock_and_says_so(base, said):
    driver = make_driver(fleet_of(names_of(base)), 0)
    control, period = drive(base, driver, names_of(base), lambda _: driver.rejected.total() > 20)
    assert period.reason == ("stamp in the future" if "ahead" in said else "stamp far back") and driver.read() is None
    assert control.notes() == (driver.problem,) and said in driver.problem
    driver.write([0.5, 0.0])  # whoever commands all the same is understood: it is by the base's clock
    seen = until(lambda: (found := base.report())["twists"] and found)
    driver.close()
    assert 0.0 <= min(seen["ages"]) <= max(seen["ages"]) < 1.0


@pytest.mark.parametrize("base", [{"stamped": True, "simulated": True}], indirect=True)
def test_a_base_in_simulated_time_drives_stands_while_it_is_paused_and_begins_anew(base):
    ros2 = names_of(base, use_sim_time=True)
    driver = make_driver(fleet_of(ros2), 0)
    for words in (["pause", "resume"], ["again"]):
        _, period = drive(base, driver, ros2, lambda control: control.watchdog.reasons["moving"] > 10)
        assert period.reason == "moving" and driver.problem == ""
        base.say(words[0])
        _, period = drive(base, driver, ros2, lambda control: control.watchdog.reasons["no own state"] > 2, 10.0)
        assert period.reason == "no own state" and driver.problem
        for word in words[1:]:
            base.say(word)
    control, _ = drive(base, driver, ros2, arrived)
    assert arrived(control), "as if nothing had been"
    ages = base.report()["ages"]
    driver.close()
    assert -0.01 < np.median(ages) < 0.2, "commands are of now by the simulation's clock"


@pytest.fixture
def alone():
    """A driver without a router; messages are handed to it."""
    made = []

    def make(kind=Kind.UNICYCLE, **names):
        made.append(Ros2Driver(fleet_of(Ros2(router="tcp/127.0.0.1:1", **names), kind), 0))
        return made[-1]

    yield make
    for driver in made:
        driver.close()


def message(x, y, heading, forward, left, sequence=1, gid=b"g" * 16, at=None, stamp=None):
    """Odometry that was measured at a time of the monotonic clock, or has a stamp [s]; by default, of now."""
    if stamp is None:
        stamp = time.time() - (0.0 if at is None else time.monotonic() - at)
    time_ns = struct.pack("<iI", *divmod(round(1e9 * stamp), 10**9))
    head = b"\0\1\0\0" + time_ns + b"\5\0\0\0odom\0\0\0\0" + b"\x0a\0\0\0base_link\0" + bytes(6)
    pose = struct.pack("<7d", x, y, 0.0, 0.0, 0.0, math.sin(heading / 2), math.cos(heading / 2))
    data = head + pose + bytes(288) + struct.pack("<6d", forward, left, 0.0, 0.0, 0.0, 0.0) + bytes(288)
    return data, struct.pack("<qqB", sequence, 0, 16) + gid


def test_nothing_is_known_and_nothing_waits_before_the_base_is_there(alone):
    driver, other = alone(), alone(Kind.SINGLE_INTEGRATOR)
    before = time.monotonic()
    assert driver.read() is None
    assert driver.write([9.0, 0.0]).control.tolist() == [1.0, 0.0]
    assert other.write([1.0, 0.0]).control.tolist() == [0.0, 0.0]
    assert time.monotonic() - before < 1.0
    driver.close()
    with pytest.raises(InputError, match="two finite numbers"):
        driver.write([math.nan, 0.0])
    with pytest.raises(InputError, match=r"fleet.yaml: ros2"):
        Ros2Driver(fleet_of(None), 0)


@pytest.mark.parametrize("kind", [Kind.SINGLE_INTEGRATOR, Kind.DOUBLE_INTEGRATOR])
def test_an_integrator_stands_still_when_its_state_is_old(alone, kind):
    driver, told = alone(kind), []
    driver._send = lambda *twist: told.append(twist)
    now = time.monotonic()
    driver._queue.append((*message(1.0, 2.0, math.pi / 2, 0.5, 0.0, at=now - 0.2), now))
    assert driver.read().measured == pytest.approx(now - 0.2, abs=0.01)
    assert driver.write([0.0, -1.0]).control.tolist() == [0.0, 0.0]
    driver._queue.append((*message(1.0, 2.0, math.pi / 2, 0.5, 0.0, sequence=2), time.monotonic()))
    driver.read()
    assert driver.write([0.0, 1.0]).control.tolist() == pytest.approx([0.0, 1.0])
    moving = 1.0 if kind == Kind.SINGLE_INTEGRATOR else 0.5 + DT * 1.0
    assert told == [(0.0, 0.0, 0.0), pytest.approx((moving, 0.0, 0.0))]


def test_a_velocity_of_the_body_is_turned_into_the_world(alone):
    driver = alone()
    now, stamp = time.monotonic(), time.time() - 0.1
    driver._queue.append((*message(1.0, 2.0, math.pi / 2, 0.5, 0.1, stamp=stamp), now))
    reading = driver.read()
    assert reading.state == pytest.approx([1.0, 2.0, math.pi / 2, -0.1, 0.5])
    assert reading.stamp == pytest.approx(stamp, abs=1e-6) and reading.arrived == now
    assert reading.measured == pytest.approx(now - 0.1, abs=0.02)
    assert driver.read() is reading


def test_what_is_refused_is_counted_and_changes_nothing(alone):
    driver = alone()
    began = time.monotonic()
    driver._queue.append((*message(1.0, 2.0, 0.0, 0.0, 0.0, sequence=5, stamp=(stamp := time.time())), began))
    reading = driver.read()
    data, attached = message(9.0, 9.0, 0.0, 0.0, 0.0, sequence=6)
    other = message(9.0, 9.0, 0.0, 0.0, 0.0, gid=b"h" * 16)
    for refused in (
        (None, attached), (data, None), (data, attached[:-1]), message(9.0, 9.0, 0.0, 0.0, 0.0, sequence=5), other,
        (data[:-8], attached), message(math.nan, 9.0, 0.0, 0.0, 0.0, sequence=6),
        (data[:8] + b"\xff" * 4 + data[12:], attached), (b"\0\1\0\0" + b"\xff" * 4 + data[8:], attached),
        message(9.0, 9.0, 0.0, 0.0, 0.0, sequence=6, stamp=stamp),
        message(9.0, 9.0, 0.0, 0.0, 0.0, sequence=7, stamp=stamp - 0.02),
    ):  # fmt: skip
        driver._queue.append((*refused, began + 0.1))
    assert driver.read() is reading
    assert driver.rejected == {
        "oversized": 1, "attachment": 2, "old": 1, "second publisher": 1, "malformed": 1, "not finite": 1,
        "no time": 2, "same stamp": 1, "older stamp": 1,
    }  # fmt: skip
    other = message(9.0, 9.0, 0.0, 0.0, 0.0, gid=b"h" * 16, stamp=stamp + 0.1)
    driver._queue.append((*other, began + 0.1 + SILENCE))
    assert driver.read().state[0] == 9.0, "the first has been silent for long enough"
    driver._queue.extend([(None, None, began)] * 1000)
    assert len(driver._queue) == QUEUE


def test_a_number_far_ahead_silences_a_base_for_a_moment_only(alone):
    driver, began, stamp = alone(), time.monotonic(), time.time()
    for sequence, after in ((2**62, 0.0), (1, 0.02), (2, SILENCE)):
        told = message(after, 2.0, 0.0, 0.0, 0.0, sequence=sequence, stamp=stamp + after)
        driver._queue.append((*told, began + after))
        driver._clock.look()
    assert driver.read().state[0] == SILENCE and driver.rejected == {"old": 1}


@given(
    st.lists(st.floats(-2.0, 2.0), min_size=2, max_size=2), st.floats(-3.1, 3.1),
    st.lists(st.floats(-1.0, 1.0), min_size=2, max_size=2),
)  # fmt: skip
def test_a_base_that_does_what_it_is_told_moves_as_the_integrators_do(control, heading, velocity):
    state, limits = np.array([0.0, 0.0, heading, *velocity]), LIMITS
    for kind in (Kind.SINGLE_INTEGRATOR, Kind.DOUBLE_INTEGRATOR):
        asked, (forward, left, turn) = body_twist(kind, np.array(control), state, limits, DT)
        world = complex(forward, left) * complex(math.cos(heading), math.sin(heading))
        wanted = asked if kind == Kind.SINGLE_INTEGRATOR else state[3:5] + DT * asked
        assert [world.real, world.imag] == pytest.approx(wanted.tolist(), abs=1e-9) and turn == 0.0
        if kind == Kind.DOUBLE_INTEGRATOR:
            assert np.abs(wanted).max() <= limits.speed + 1e-9
            free = np.abs(state[3:5] + DT * np.array(control)) <= limits.speed
            assert asked[free] == pytest.approx(np.array(control)[free], abs=1e-9)


def test_a_unicycle_is_told_its_control():
    assert body_twist(Kind.UNICYCLE, np.array([0.5, -1.0]), None, LIMITS, DT)[1] == (0.5, 0.0, -1.0)
