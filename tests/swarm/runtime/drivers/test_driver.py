"""Drivers: what is sent is within the limits, a recording is played in time, and one's own class is found."""

import copy
import socket
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm.errors import InputError
from swarm.model.dynamics import Kind, Limits
from swarm.model.error_bounds import ErrorBounds
from swarm.runtime.drivers import line as line_driver
from swarm.runtime.drivers.base import (
    COMMAND_TTL,
    Reading,
    Sent,
    clip,
    closing,
    lifetime_of,
    make_driver,
    read_from,
    word_of,
    write_to,
)
from swarm.runtime.drivers.bullet import BulletDriver
from swarm.runtime.drivers.bullet_wire import BodyState
from swarm.runtime.drivers.clocks import LEARN
from swarm.runtime.drivers.replay import KEPT, ReplayDriver
from swarm.runtime.fleet_file.read import FleetFile
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World

LIMITS = Limits(1.0, 2.0, 4.0)


def fleet_of(driver, recording=None, physics=None):
    robots = tuple(
        RobotSpec(Kind.UNICYCLE, np.array([1.0, y, 0.5, 0.0, 0.0]), np.array([[8.0, y]]), 0.25, LIMITS)
        for y in (1.0, 4.0)
    )
    scenario = Scenario(World(np.array([0.0, 0.0, 9.0, 9.0])), robots, dt=0.05, sensing_radius=3.0)
    endpoints = ("tcp/127.0.0.1:17400", "tcp/127.0.0.1:17401")
    return FleetFile(
        Path("fleet.yaml"), "two", scenario, 0, "straight", "fixed:2,1", 0.0, driver, endpoints, recording=recording,
        physics=physics,
    )  # fmt: skip


@given(st.sampled_from(list(Kind)), st.lists(st.floats(-1e300, 1e300), min_size=2, max_size=2))
def test_a_clipped_control_is_within_the_limits_and_else_as_asked(kind, control):
    spec = RobotSpec(kind, np.zeros(5), np.zeros((1, 2)), 0.1, LIMITS)
    most = {Kind.SINGLE_INTEGRATOR: (1, 1), Kind.DOUBLE_INTEGRATOR: (2, 2), Kind.UNICYCLE: (1, 4)}[kind]
    assert clip(control, spec).tolist() == [max(-m, min(m, c)) for c, m in zip(control, most, strict=True)]


@pytest.mark.parametrize("control", [[np.nan, 0], [np.inf, 0], [1], [[1, 2]], "xy", None])
def test_what_is_no_control_is_refused(control):
    with pytest.raises(InputError, match="two finite numbers"):
        clip(control, RobotSpec(Kind.UNICYCLE, np.zeros(5), np.zeros((1, 2)), 0.1, LIMITS))


@pytest.fixture
def recording(tmp_path):
    """Both robots go up at 1 m/s from 0.1 s on, for 0.3 s."""
    time = np.array([5.0, 5.1, 5.2, 5.3])
    position, velocity = np.zeros((4, 2, 2)), np.zeros((4, 2, 2))
    position[:, 1, 1] = [4.0, 4.0, 4.1, 4.2]
    velocity[1:, 1, 1] = 1.0
    np.savez(tmp_path / "run.npz", time=time, position=position, velocity=velocity)
    return tmp_path / "run.npz"


def test_a_recording_is_played_in_time_and_then_grows_old(recording):
    now = [100.0]
    driver = ReplayDriver(fleet_of("replay", recording), 1, clock=lambda: now[0])
    first = driver.read()
    assert first.state.tolist() == [0.0, 4.0, 0.5, 0.0, 0.0] and (first.stamp, first.arrived) == (5.0, 100.0)
    now[0] = 100.25
    later = driver.read()
    assert later.state.tolist() == [0.0, 4.1, np.pi / 2, 0.0, 1.0]
    assert later.arrived == pytest.approx(100.2)
    now[0] = 200.0
    assert driver.read().arrived == pytest.approx(100.3)


def test_commands_of_a_replay_are_counted_and_kept_within_bounds(recording):
    driver = make_driver(fleet_of("replay", recording), 1)
    sent = driver.write(np.array([9.0, -1.0]))
    assert sent.control.tolist() == [1.0, -1.0] and sent.clipped
    assert not driver.write(np.array([0.5, -1.0])).clipped
    for _ in range(KEPT):
        driver.write(np.zeros(2))
    assert driver.count == KEPT + 2 and len(driver.commands) == KEPT and not driver.obeys


def test_bad_recordings_are_named(tmp_path, recording):
    good = dict(np.load(recording))
    for change, place in (
        ({"time": good["time"][::-1]}, "time"), ({"position": good["position"][:, :1]}, "velocity"),
        ({"velocity": good["velocity"] * np.nan}, "velocity"), ({"heading": np.zeros(3)}, "heading"),
    ):  # fmt: skip
        np.savez(tmp_path / "bad.npz", **(good | change))
        with pytest.raises(InputError, match=f"bad.npz: {place}"):
            make_driver(fleet_of("replay", tmp_path / "bad.npz"), 1)
    np.savez(tmp_path / "bad.npz", time=good["time"], position=np.array([object()] * 4, dtype=object))
    with pytest.raises(InputError, match=r"bad\.npz"):
        make_driver(fleet_of("replay", tmp_path / "bad.npz"), 1)
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(InputError, match=r"bad\.npz"):
        make_driver(fleet_of("replay", tmp_path / "bad.npz"), 1)


def test_drivers_that_cannot_be_loaded_are_named(recording):
    for driver, valid in (
        ("nowhere.at_all:Base", "no module nowhere here"), ("json:Base", "json: name: got 'Base'; valid: one that it"),
        ("json:JSONDecoder", "it has no read"), ("json.py:JSONDecoder", "a file that can be read"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=valid):
            make_driver(fleet_of(driver), 0)
    with pytest.raises(InputError, match="0 to 1"):
        make_driver(fleet_of("replay", recording), 2)


def test_a_driver_that_raises_or_gives_something_else_is_one_clear_error(tmp_path, monkeypatch):
    (tmp_path / "my_wrong_base.py").write_text(
        "class Base:\n"
        "    def __init__(self, fleet, robot_id):\n        self.port = [][robot_id]\n"
        "    def read(self):\n        return self.state\n"
        "    def write(self, control):\n        return control\n"
        "    def close(self): ...\n\n"
        "class Quiet(Base):\n    def __init__(self, fleet, robot_id): ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match=r"fleet\.yaml: driver: my_wrong_base:Base \(.*_base\.py:3\): got 'IndexErr"):
        make_driver(fleet_of("my_wrong_base:Base"), 0)
    with pytest.raises(InputError, match=r"_base\.py:Base \(.*_base\.py:3\): got 'IndexErr"):
        make_driver(fleet_of(f"{tmp_path}/my_wrong_base.py:Base"), 0)
    quiet = make_driver(fleet_of("my_wrong_base:Quiet"), 0)
    with pytest.raises(InputError, match=r"driver: Quiet \(.*my_wrong_base\.py:5\): got \"AttributeError"):
        read_from(quiet)
    with pytest.raises(InputError, match=r"driver: Quiet \(.*my_wrong_base\.py:\d+\): write: got array"):
        write_to(quiet, np.zeros(2))


def test_what_a_driver_says_of_itself_is_checked_and_of_two_errors_the_first_is_told(tmp_path, monkeypatch):
    (tmp_path / "my_odd_base.py").write_text(
        "class Base:\n"
        "    lifetime = 'long'\n"
        "    problem = property(lambda self: {}['port'])\n"
        "    def __init__(self, fleet, robot_id):\n        self.calls = []\n"
        "    def read(self): ...\n"
        "    def write(self, control): ...\n"
        "    def close(self):\n        self.calls.append(1)\n        raise OSError('busy')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    driver = make_driver(fleet_of("my_odd_base:Base"), 0)
    with pytest.raises(InputError, match=r"driver: Base \(.*_base\.py:1\): lifetime: got 'long'; valid: a num"):
        lifetime_of(driver)
    with pytest.raises(InputError, match=r"driver: Base \(.*_base\.py:3\): got \"KeyError: 'port'\"; valid: a prob"):
        word_of(driver, "problem")
    assert word_of(driver, "doubt") == "" and lifetime_of(SimpleNamespace()) == COMMAND_TTL
    with pytest.raises(InputError, match=r"driver: Base \(.*_base\.py:10\): got 'OSError: busy'"), closing(driver):
        pass
    with pytest.raises(InputError, match="the first"), closing(driver):
        raise InputError("the first", 0, "1")
    assert len(driver.calls) == 2


def test_what_a_driver_writes_into_its_fleet_moves_nothing(tmp_path, monkeypatch):
    (tmp_path / "my_writing_base.py").write_text(
        "class Base:\n"
        "    def __init__(self, fleet, robot_id):\n"
        "        self.fleet = fleet\n"
        "        fleet.scenario.robots[robot_id].goals[:] = fleet.scenario.world.bounds[:] = 99.0\n"
        "    def read(self): ...\n"
        "    def write(self, control): ...\n"
        "    def close(self): ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    fleet = fleet_of("my_writing_base:Base")
    before = copy.deepcopy(fleet.scenario)
    driver = make_driver(fleet, 0)
    assert fleet.scenario == before != driver.fleet.scenario


@pytest.mark.parametrize(
    "state", [[1.0, 2.0, 0.0], "here", None, [1.0, np.nan, 0.0, 0.0, 0.0], np.full(5, np.inf), np.zeros(3)]
)
def test_a_state_that_is_none_is_refused_with_the_driver_that_gave_it(state):
    driver = SimpleNamespace(read=lambda: Reading(state, 0.0, 0.0))
    with pytest.raises(InputError, match=r"driver: SimpleNamespace.*: read: state.*: got"):
        read_from(driver)


def test_a_state_may_be_any_five_numbers():
    driver = SimpleNamespace(read=lambda: Reading([1, 2, 0, 0, 0], 0.0, 0.0))
    found = read_from(driver).state
    assert found.dtype == np.float64 and found.tolist() == [1.0, 2.0, 0.0, 0.0, 0.0]


def test_a_driver_may_work_in_place():
    class Base:
        state = np.zeros(5)

        def read(self):
            self.state += 1.0
            return Reading(self.state, 0.0, 0.0)

        def write(self, control):
            return Sent(np.clip(control, -1.0, 1.0, out=control), 0.0)

    driver, control = Base(), np.array([3.0, 0.0])
    first, second, sent = read_from(driver), read_from(driver), write_to(driver, control)
    assert (first.state == 1.0).all() and (second.state == 2.0).all()
    assert control.tolist() == [3.0, 0.0] and sent.control.tolist() == [1.0, 0.0]


def test_the_example_of_ones_own_driver_speaks_lines(monkeypatch):
    base = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    base.bind(("127.0.0.1", 0))
    base.settimeout(2.0)
    monkeypatch.setattr(line_driver, "BASE_PORT", base.getsockname()[1] - 1)
    driver = make_driver(fleet_of("swarm.runtime.drivers.line:LineDriver"), 1)
    assert driver.read() is None
    assert driver.write(np.array([2.0, 0.5])).control.tolist() == [1.0, 0.5]
    assert base.recv(256) == b"\n", "before it knows anything: so the base learns where to answer"
    line, address = base.recvfrom(256)
    assert line == b"1.000000 0.500000\n"
    for text in (b"7.0 1 2 0.5 0 0\n", b"8.0 1 2\n", b"8.0 1 2 x 0 0\n", b"8 nan 2 0 0 0\n", b"6.0 9 9 9 9 9\n"):
        base.sendto(text, address)
    reading = driver.read()
    assert reading.state.tolist() == [1.0, 2.0, 0.5, 0.0, 0.0] and reading.stamp == 7.0
    assert driver.rejected == 3
    assert driver.read() is reading and base.recv(256) == b"\n", "a base that began anew learns it too"
    base.close()
    driver.write(np.zeros(2))
    driver.write(np.zeros(2))  # the refusal of the first is no error
    assert driver.read() is reading
    driver.close()


@pytest.fixture
def lines(monkeypatch):
    """A driver that speaks lines, and how they come to it: each at a time [s]."""
    now = [100.0]
    monkeypatch.setattr(line_driver, "time", SimpleNamespace(monotonic=lambda: now[0]))
    driver = make_driver(fleet_of("swarm.runtime.drivers.line:LineDriver"), 0)

    def read(at, stamp):
        now[0] = at
        driver.read()  # as one period before
        driver._take(f"{stamp} {stamp} 0 0 0 0".encode())
        return driver.read()

    yield read
    driver.close()


def test_a_line_that_comes_late_is_that_much_older(lines):
    assert lines(100.0, 7.0).measured == 100.0
    assert lines(100.1, 7.1).measured == pytest.approx(100.1)
    late = lines(100.5, 7.2)
    assert (late.arrived, late.measured) == pytest.approx((100.5, 100.2))
    assert lines(100.51, 7.15) is lines(100.52, 7.2) is late, "overtaken, repeated"


def test_a_base_that_begins_anew_is_believed_when_nothing_newer_comes(lines):
    last = lines(100.0, 70.0)
    assert lines(100.1, 0.1) is last
    assert lines(100.1 + LEARN, 0.1 + LEARN).measured == 100.1 + LEARN


@pytest.mark.parametrize("late", [0.0, 0.3, 2.0, -1.0])
def test_a_body_of_the_physics_world_says_when_its_state_was(late):
    driver = BulletDriver(fleet_of("bullet", physics=("127.0.0.1", 17_999)), 1, incarnation=5)
    told = BodyState(1, 5, 100.0 - late, (1.0, 2.0, 3.0, 4.0, 5.0), (6.0, 7.0), 8, (0.0, 0.0), 0, np.zeros((0, 5)))
    driver.close()
    driver._mailbox = SimpleNamespace(
        drain=lambda most: [(told.encode(), None, 100.0)], send=lambda data: True, close=lambda: None
    )
    reading = driver.read()
    assert (reading.arrived, reading.measured) == (100.0, min(100.0, 100.0 - late))
    assert driver.doubt == ("stamp far back" if late > 1.0 else "")
    assert driver.read() is reading and driver.rejected == {"old": 1}


def test_a_stamp_far_ahead_makes_nothing_old_that_follows():
    driver = BulletDriver(fleet_of("bullet", physics=("127.0.0.1", 17_999)), 1, incarnation=5)
    driver.close()
    for stamp, arrived in ((1e300, 100.0), (100.04, 100.05)):
        told = BodyState(1, 5, stamp, (arrived, 2.0, 3.0, 4.0, 5.0), (6.0, 7.0), 8, (0.0, 0.0), 0, np.zeros((0, 5)))
        found = [(told.encode(), None, arrived)]
        driver._mailbox = SimpleNamespace(drain=lambda most, found=found: found, send=lambda data: True)
        assert driver.read().state[0] == arrived and driver.doubt == ("stamp in the future" if stamp > 1e9 else "")
    assert not driver.rejected


@pytest.mark.parametrize("kind", ["bullet", "swarm.runtime.drivers.line:LineDriver"])
def test_by_a_clock_of_its_own_a_state_is_as_old_as_declared_and_a_jump_is_doubted(kind, monkeypatch):
    """Stamps are of another clock by 1000 s; the quickest are 50 ms old, as is declared, and the last is 30 ms late."""
    fleet = replace(fleet_of(kind, physics=("127.0.0.1", 17_999)), clocks={1: "base"}, errors=ErrorBounds(age=0.05))
    driver, now = make_driver(fleet, 1), [100.0]
    driver.close()
    monkeypatch.setattr(line_driver, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def read(stamp, arrived):
        now[0] = arrived
        if kind != "bullet":
            driver._looked = arrived
            driver._take(f"{stamp} 1 2 0 0 0".encode())
            return driver._last
        told = BodyState(
            1, driver._incarnation, stamp, (1.0, 2.0, 3.0, 4.0, 5.0), (6.0, 7.0), 8, (0.0, 0.0), 0, np.zeros((0, 5))
        )  # fmt: skip
        found = [(told.encode(), None, arrived)]
        driver._mailbox = SimpleNamespace(drain=lambda most: found, send=lambda data: True)
        return driver.read()

    found = [read(1100.0 + 0.05 * k, 100.05 + 0.05 * k) for k in range(20)]
    assert found[0] is None and found[-1].measured == pytest.approx(100.95) and driver.doubt == ""
    late = read(1101.0, 101.08)
    assert late.measured == pytest.approx(101.0) and driver.doubt == ""
    assert read(1900.0, 101.1) is late and driver.doubt == "clock of the base jumped"


def test_a_state_was_measured_when_it_arrived_unless_it_says_earlier():
    for told, measured in ((np.inf, 7.0), (6.5, 6.5), (7.5, 7.0), (np.nan, 7.0)):
        assert Reading(np.zeros(5), 0.0, 7.0, measured=told).measured == measured
    assert Reading(np.zeros(5), 0.0, 7.0).measured == 7.0
