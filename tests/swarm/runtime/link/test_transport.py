"""Messages between peers: real sessions over loopback, and real processes where they are killed or stopped."""

import itertools
import json
import os
import runpy
import signal
import stat
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest
import zenoh
from oracles.loopback import free_endpoints, seconds_until, until
from oracles.project import ROOT

from swarm.errors import InputError
from swarm.runtime.fleet_file.zenoh_config import (
    MAX_PAYLOAD,
    alive_key,
    handshake_key,
    passing_key,
    robot_key,
    settings,
    stop_key,
    wish_key,
)
from swarm.runtime.link.estop import EmergencyStop, decode, encode, follow
from swarm.runtime.link.transport import _RING, QUEUE, Transport

CHILD = Path(__file__).with_name("transport_child.py")
FLEET = "yard"
authority_main = runpy.run_path(str(ROOT / "launch" / "authority.py"))["main"]


class Child:
    """A process of ``transport_child``, and the lines that it printed."""

    def __init__(self, robot, endpoints, **told):
        told |= {"fleet": FLEET, "robot": robot, "endpoints": endpoints}
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            [sys.executable, CHILD, json.dumps(told)], stdout=subprocess.PIPE, text=True, env=environment
        )
        self.lines = []
        threading.Thread(target=lambda: self.lines.extend(iter(self.process.stdout.readline, "")), daemon=True).start()

    def printed(self, *lines):
        return all(f"{line}\n" in self.lines for line in lines)


@pytest.fixture
def start():
    """Start children; all end with the test."""
    children = []

    def begin(*arguments, **told):
        children.append(Child(*arguments, **told))
        return children[-1]

    yield begin
    for child in children:
        child.process.kill()
        child.process.wait()
        child.process.stdout.close()


@pytest.fixture
def opened():
    """Open transports, or raw sessions; all are closed with the test."""
    held = []

    def begin(*arguments, **told):
        held.append(arguments[0] if isinstance(arguments[0], zenoh.Session) else Transport(FLEET, *arguments, **told))
        return held[-1]

    yield begin
    for one in reversed(held):
        one.close()


def raw(told, **changes):
    """A session of somebody who does not use this project: zenoh with settings of his own."""
    config = zenoh.Config()
    for key, value in (told | {key.replace("__", "/"): value for key, value in changes.items()}).items():
        config.insert_json5(key, json.dumps(value))
    return zenoh.open(config)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """Two authorities of the same fleet, written by the command: ``ours`` and ``theirs``."""
    folder = tmp_path_factory.mktemp("authority")
    for name in ("ours", "theirs"):
        assert authority_main(["--fleet", FLEET, "--robots", "0", "1", "2", "3", "--out", str(folder / name)]) == 0
    return folder


# -- between processes ----------------------------------------------------------------------------------------------


def test_three_processes_hear_each_other_in_whatever_order_they_start(start):
    endpoints, children = free_endpoints(3), {}
    for robot in (2, 0, 1):
        children[robot] = start(robot, endpoints)
        until(lambda child=children[robot]: child.printed("open"))
    took = seconds_until(
        lambda: all(
            child.printed(*(f"hears {other}" for other in endpoints if other != robot))
            for robot, child in children.items()
        )
    )
    print(f"all hear all {took:.2f} s after the last is open")


def test_a_killed_process_is_missed_at_once_and_heard_again(start, opened):
    """Both ways of connecting: robot 1 is called by 2, and calls 0."""
    endpoints = free_endpoints(3)
    watchers = [opened(0, endpoints), opened(2, endpoints)]
    child = start(1, endpoints)
    until(lambda: all(1 in watcher.alive() for watcher in watchers))
    child.process.kill()
    missed = seconds_until(lambda: not any(1 in watcher.alive() for watcher in watchers))
    child.process.wait()
    for watcher in watchers:
        watcher.drain()
    child, begun, heard = start(1, endpoints), time.monotonic(), set()

    def all_hear():
        heard.update(watcher.robot_id for watcher in watchers if any(robot == 1 for robot, _, _ in watcher.drain()))
        return heard == {0, 2}

    until(all_hear)
    again = time.monotonic() - begun
    print(f"its death seen after {1e3 * missed:.0f} ms; heard again {again:.2f} s after its start")


def test_publishing_never_waits_for_a_neighbour_that_is_stopped(start, opened):
    endpoints = free_endpoints(3)
    transport, stopped, healthy = opened(0, endpoints), start(1, endpoints), start(2, endpoints)
    until(lambda: transport.alive() == {1, 2})
    until(lambda: stopped.printed("hears 0") or transport.publish(b"%.6f" % time.monotonic()))
    os.kill(stopped.process.pid, signal.SIGSTOP)
    took, end, data = [], time.monotonic() + 1.0, b"0".ljust(MAX_PAYLOAD)
    heard_before, heard = None, 0
    while time.monotonic() < end:  # far more than any buffer between the two holds
        for _ in range(200):
            before = time.perf_counter()
            transport.publish(data)
            took.append(time.perf_counter() - before)
        heard += sum(robot == 2 for robot, _, _ in transport.drain())
        heard_before = heard if heard_before is None else heard_before
        time.sleep(0.01)
    os.kill(stopped.process.pid, signal.SIGCONT)
    took.sort()
    middle, high, longest = took[len(took) // 2], took[int(0.99 * len(took))], took[-1]
    print(f"{len(took)} publishes: median {1e6 * middle:.0f}, p99 {1e6 * high:.0f}, longest {1e6 * longest:.0f} µs")
    assert len(took) * MAX_PAYLOAD > 5e6 and longest < 0.5  # not until it goes on
    assert healthy.process.poll() is None and heard > heard_before
    transport.drain()
    again = seconds_until(lambda: any(robot == 1 for robot, _, _ in transport.drain()))
    print(f"heard again {again:.2f} s after it goes on")


# -- queues ---------------------------------------------------------------------------------------------------------


def test_queues_are_bounded_and_a_flood_pushes_out_only_its_own(opened):
    endpoints = free_endpoints(3)
    hearer, flooder, quiet = (opened(robot, endpoints) for robot in range(3))
    until(lambda: hearer.alive() == {1, 2} and quiet.publish(b"first") is None and hearer.drain())
    time.sleep(0.1)
    hearer.drain()
    numbers = itertools.count()

    def flood(count):
        """What is drained after so many messages, and how many of them were dropped."""
        before = hearer.counts["dropped"]
        quiet.publish(b"quiet")
        for k in range(count):
            flooder.publish(b"%d" % next(numbers))
            time.sleep(0.001 * (k % 10 == 0))  # a link whose queue is full drops too
        time.sleep(0.2)
        found, dropped = hearer.drain(), hearer.counts["dropped"] - before
        told = [int(data) for robot, data, _ in found if robot == 1]
        assert len(told) <= QUEUE and told == sorted(told) and len(found) + dropped <= _RING
        return told, dropped, (2, b"quiet") in [message[:2] for message in found]

    def pushes_out_its_own():  # on a busy machine, a part may be on the way still: again then
        told, dropped, heard = flood(900)
        return len(told) == QUEUE and heard and dropped > 100

    until(pushes_out_its_own, 60.0)
    until(lambda: len(flood(3000)[0]) == QUEUE, 60.0)  # more than the ring holds


def test_long_and_foreign_messages_are_counted_and_dropped(opened):
    endpoints = free_endpoints(2)
    hearer = opened(0, endpoints)
    foreign = opened(raw(settings(FLEET, 1, endpoints)))
    key = robot_key(FLEET, 1, 0)

    def heard():
        foreign.put(key, b"fine")
        return [data for _, data, _ in hearer.drain()]

    until(heard)
    foreign.put(key, b"x" * MAX_PAYLOAD)
    foreign.put(key, b"x" * (MAX_PAYLOAD + 1))
    foreign.put(robot_key(FLEET, 7, 0), b"not of the roster")
    foreign.put(robot_key(FLEET, "*", 0), b"all of them")
    foreign.put(robot_key(FLEET, 0, 0), b"in its own name")
    foreign.put(stop_key(FLEET), b"nonsense")
    foreign.put(key, b"x" * 5_000_000)  # zenoh gives this up by itself
    found = set()

    def counted():
        found.update(data for _, data, _ in hearer.drain())
        return hearer.counts["unknown"] == 3 and hearer.counts["oversized"] >= 1

    until(counted)
    until(lambda: hearer.stops() == [] and hearer.counts["malformed stop"] == 1)
    assert b"x" * MAX_PAYLOAD in found and found <= {b"fine", b"x" * MAX_PAYLOAD}
    until(heard)
    with pytest.raises(InputError, match="data"):
        hearer.publish(b"x" * (MAX_PAYLOAD + 1))


def test_only_those_are_told_who_are_named(opened):
    endpoints = free_endpoints(3)
    robots = [opened(robot, endpoints) for robot in endpoints]
    until(lambda: robots[0].alive() == {1, 2})
    until(lambda: robots[0].publish(b"all") is None and robots[1].drain() and robots[2].drain())
    time.sleep(0.1)
    robots[1].drain(), robots[2].drain()
    for _ in range(5):
        robots[0].publish(b"to 2", [2])
        time.sleep(0.02)  # at once, some would be lost on the way
    found = []
    until(lambda: found.extend(robots[2].drain()) or len(found) == 5)
    assert {data for _, data, _ in found} == {b"to 2"} and robots[1].drain() == []
    with pytest.raises(InputError, match="to"):
        robots[0].publish(b"to itself", [0])


def test_of_hellos_the_newest_of_each_robot_is_kept(opened):
    endpoints = free_endpoints(3)
    hearer, silent = opened(0, endpoints), opened(1, endpoints)
    foreign = opened(raw(settings(FLEET, 2, endpoints)))
    found = []

    def heard():
        silent.greet(b"one")
        foreign.put(handshake_key(FLEET, 2), b"two")
        found.extend(hearer.greetings())
        return {robot for robot, _, _ in found} == {1, 2}

    until(heard)
    time.sleep(0.1)
    hearer.greetings()
    for k in range(100):
        foreign.put(handshake_key(FLEET, 2), b"%d" % k)
    foreign.put(handshake_key(FLEET, 2), b"x" * (MAX_PAYLOAD + 1))
    foreign.put(handshake_key(FLEET, 7), b"not of the roster")
    told = []

    def counted():
        told.extend(hearer.greetings())
        return hearer.counts["oversized"] and hearer.counts["unknown"]

    until(counted)
    robot, data, arrived = told[-1]
    assert len(told) < 100 and all(one[0] == 2 for one in told)
    assert (robot, data) == (2, b"99") and time.monotonic() - arrived < 5.0 and not hearer.greetings()
    with pytest.raises(InputError, match="data"):
        silent.greet(b"x" * (MAX_PAYLOAD + 1))
    with pytest.raises(InputError, match="robot_id"):
        opened(None, endpoints).greet(b"nobody")


def test_nothing_listens_beyond_loopback_and_no_thread_is_left(opened):
    endpoints = free_endpoints(2)
    opened(0, endpoints)
    threads = set(threading.enumerate())
    with Transport(FLEET, 1, endpoints) as transport:
        until(lambda: transport.alive() == {0})
        for connection in psutil.Process().net_connections("inet"):
            assert connection.laddr.ip == "127.0.0.1", connection
        tasks = psutil.Process().num_threads()
    transport.close()
    for _ in range(5):
        with Transport(FLEET, 1, endpoints):
            pass
    assert set(threading.enumerate()) == threads
    assert psutil.Process().num_threads() <= tasks + 4  # zenoh's own pool, which is the process's


def test_arguments_that_cannot_be_used(opened):
    endpoints = free_endpoints(2)
    for bad, told in (
        ("fleet", {"fleet": "a/b"}), ("fleet", {"fleet": "*"}), ("robot", {"robot": 5}), ("patience", {"patience": 0}),
        (r"endpoints\[1\]", {"endpoints": {1: "127.0.0.1"}}), (r"endpoints\[1\]", {"endpoints": {1: "h:99999"}}),
        ("keys", {"keys": Path("/nowhere")}),
    ):  # fmt: skip
        with pytest.raises(InputError, match=bad):
            settings(**({"fleet": FLEET, "robot": None, "endpoints": endpoints} | told))
    opened(0, endpoints)
    with pytest.raises(InputError, match=r"endpoints\[0\].*usable.*in use \(os error 98\)\]\)$"):
        Transport(FLEET, 0, endpoints)
    operator = opened(None, endpoints)
    with pytest.raises(InputError, match="robot_id"):
        operator.publish(b"nobody")


# -- the emergency stop ---------------------------------------------------------------------------------------------


def test_the_emergency_stop_reaches_all_and_is_not_pushed_out_by_reports(opened):
    endpoints = free_endpoints(3)
    robots = [opened(robot, endpoints) for robot in (0, 1)]  # robot 2 is dead
    operator = opened(None, endpoints)
    until(lambda: operator.alive() == {0, 1})
    wish, seen = EmergencyStop(True, 5), {}

    def all_stopped():
        operator.tell_stop(wish)
        robots[1].publish(b"report")
        for robot in robots:
            seen.setdefault(robot.robot_id, set()).update(robot.stops())
        return all(seen.values())

    until(all_stopped)
    assert seen == {0: {wish}, 1: {wish}}
    assert operator.stops() == []


def test_a_stop_is_always_obeyed_and_a_release_only_if_it_is_newer():
    stop, release = EmergencyStop(True, 7), EmergencyStop(False, 8)
    assert follow(None, stop) == stop and follow(stop, release) == release
    assert follow(stop, EmergencyStop(False, 7)) == stop and follow(stop, EmergencyStop(False, 3)) == stop
    assert follow(release, stop) == EmergencyStop(True, 8)  # an operator whose clock is slow still stops them
    assert follow(EmergencyStop(True, 8), release).latched  # and what was said before releases nothing
    for wish in (stop, release, EmergencyStop(True, 2**64 - 1)):
        assert decode(encode(wish)) == wish
    good = encode(stop)
    for bad in (b"", good[:-1], good + b"x", b"X" + good[1:], good[:4] + b"\2" + good[5:], good[:5] + b"\2" + good[6:]):
        with pytest.raises(InputError, match="emergency stop"):
            decode(bad)
    with pytest.raises(InputError, match="counter"):
        encode(EmergencyStop(True, -1))


# -- who is who -----------------------------------------------------------------------------------------------------


def claims(session, robot, hearer):
    """Say things in the name of a robot for a while: what the hearer took of it."""
    token = session.liveliness().declare_token(alive_key(FLEET, robot))
    found, end, claim = set(), time.monotonic() + 0.6, b"I am %d" % robot
    while time.monotonic() < end:
        session.put(robot_key(FLEET, robot, hearer.robot_id), claim)
        session.put(handshake_key(FLEET, robot), claim)
        session.put(stop_key(FLEET), encode(EmergencyStop(True, 1)))
        found.update(f"hello of {one}" for one, data, _ in hearer.greetings() if data == claim)
        found.update(f"message of {one}" for one, data, _ in hearer.drain() if data == claim)
        found.update("stop" for _ in hearer.stops())
        found.update(f"{one} is alive" for one in hearer.alive() & {robot})
        time.sleep(0.02)
    token.undeclare()
    return found


def test_robots_of_the_roster_hear_each_other_over_tls(authority, opened):
    endpoints = free_endpoints(3)
    robots = [opened(robot, endpoints, keys=authority / "ours" / f"robot-{robot}") for robot in endpoints]
    operator = opened(None, endpoints, keys=authority / "ours" / "operator")
    heard, stopped = set(), set()

    def all_hear_all():
        operator.tell_stop(EmergencyStop(True, 3))
        for robot in robots:
            robot.publish(b"hello")
        for robot in [*robots, operator]:
            heard.update((robot.robot_id, other) for other, _, _ in robot.drain())
            stopped.update((robot.robot_id, wish) for wish in robot.stops())
        return len(heard) == 6 and len(stopped) == 3

    until(all_hear_all)
    assert all(robot.alive() == {0, 1, 2} - {robot.robot_id} for robot in [*robots, operator])


def test_with_keys_only_signed_stops_count_and_robots_pass_them_on(authority, opened):
    endpoints, keys = free_endpoints(3), authority / "ours"
    robots = [opened(robot, endpoints, keys=keys / f"robot-{robot}") for robot in endpoints]
    assert all(robot.signs and robot.newest is None for robot in robots)
    older = opened(raw(settings(FLEET, None, endpoints, keys / "operator")))

    def unsigned():
        older.put(stop_key(FLEET), encode(EmergencyStop(True, 9)))
        assert robots[0].stops() == []
        return robots[0].counts["unsigned stop"]

    until(unsigned)
    older.close()
    operator, wish, heard = opened(None, endpoints, keys=keys / "operator"), EmergencyStop(True, 5), []
    until(lambda: operator.tell_stop(wish) or heard.extend(robots[0].stops()) or heard)
    assert heard[-1] == wish == robots[0].newest and robots[0].newest.signed and robots[1].newest is None
    until(lambda: robots[0].pass_on() or robots[1].passed_on() == [wish])
    assert robots[1].newest.signed == robots[0].newest.signed and robots[1].passed_on() == []
    until(lambda: robots[1].pass_on() or operator.passed_on() == [wish])
    assert sum((robot.counts for robot in robots), Counter()).keys() <= {"unsigned stop"}


def test_a_robot_passes_wishes_on_in_its_own_name_only(authority, opened):
    endpoints, keys = free_endpoints(4), authority / "ours"
    hearer = opened(1, endpoints, keys=keys / "robot-1")
    session = opened(raw(settings(FLEET, 2, endpoints, keys / "robot-3"), access_control={"enabled": False}))

    def heard(*places):
        for place in places:
            session.put(place, b"rubbish")
        assert hearer.stops() == [] == hearer.passed_on()
        return hearer.counts["malformed stop"]

    until(lambda: heard(passing_key(FLEET, 3)) == 1)
    end = time.monotonic() + 1.5  # longer than it is not listened to
    while time.monotonic() < end:
        assert heard(wish_key(FLEET), passing_key(FLEET, 0), passing_key(FLEET, 2)) == 1
        time.sleep(0.02)
    until(lambda: heard(passing_key(FLEET, 3)) == 2)


def test_without_keys_nothing_is_signed_nor_passed_on(opened):
    endpoints = free_endpoints(2)
    robots = [opened(robot, endpoints) for robot in endpoints]
    for robot in robots:
        robot.pass_on()
    assert not any(robot.signs or robot.newest or robot.passed_on() for robot in robots)


@pytest.mark.parametrize("at", [0, 2], ids=["is called", "calls"])
def test_robot_3_cannot_speak_as_another(authority, opened, at):
    """Neither at the address of robot 0, which robot 1 calls, nor calling robot 1; in its own name it is heard."""
    endpoints, keys = free_endpoints(4), authority / "ours"
    hearer = opened(1, endpoints, keys=keys / "robot-1")
    told = settings(FLEET, at, endpoints, keys / "robot-3")
    session = opened(raw(told, access_control={"enabled": False}))
    assert claims(session, 3, hearer) == {"message of 3", "hello of 3", "3 is alive"}
    assert claims(session, 0, hearer) == set() and claims(session, 2, hearer) == set()
    hearer.drain()
    session.put(robot_key(FLEET, "*", 1), b"all of them")
    session.delete(robot_key(FLEET, 2, 1))
    session.delete(robot_key(FLEET, 3, 1))
    time.sleep(0.2)
    assert hearer.drain() == []


@pytest.mark.parametrize("who", ["other authority", "no certificate", "no TLS"])
@pytest.mark.parametrize("at", [0, 2], ids=["is called", "calls"])
def test_who_has_no_certificate_of_this_authority_is_not_heard(authority, opened, who, at):
    endpoints = free_endpoints(3)
    hearer = opened(1, endpoints, keys=authority / "ours" / "robot-1")
    told = settings(FLEET, at, endpoints, None if who == "no TLS" else authority / "theirs" / f"robot-{at}")
    changes = {"access_control": {"enabled": False}}
    if who != "no TLS":  # it trusts everybody: what keeps it out is the hearer
        both = authority / "both.pem"
        both.write_bytes(b"".join((authority / name / "ca.pem").read_bytes() for name in ("ours", "theirs")))
        changes["transport__link__tls__root_ca_certificate"] = str(both)
    if who == "no certificate":
        for name in ("enable_mtls", "connect_certificate", "connect_private_key"):
            told.pop(f"transport/link/tls/{name}")
    assert claims(opened(raw(told, **changes)), at, hearer) == set()
    friend = 2 - at
    opened(friend, endpoints, keys=authority / "ours" / f"robot-{friend}")
    until(lambda: hearer.alive() == {friend})


def test_a_certificate_of_the_authority_that_is_not_in_the_roster_is_not_heard(authority, opened):
    endpoints = free_endpoints(2)
    hearer = opened(0, endpoints, keys=authority / "ours" / "robot-0")
    theirs = settings(FLEET, 1, endpoints, authority / "ours" / "robot-3")
    session = opened(raw(theirs, access_control={"enabled": False}))
    assert claims(session, 1, hearer) == set() and claims(session, 3, hearer) == set()
    assert hearer.counts["unknown"] == 0  # it was not even let in


def test_keys_of_the_authority_are_private_and_robots_can_be_added(authority, tmp_path, capsys):
    for name in ("ca.key", "robot-0/key.pem", "operator/key.pem"):
        assert stat.S_IMODE((authority / "ours" / name).stat().st_mode) == 0o600
    assert not list((authority / "ours").glob("*/ca.key"))

    def run(*arguments):
        return authority_main(["--out", str(tmp_path), *arguments])

    assert run("--fleet", "a", "--robots", "0") == 0
    before = (tmp_path / "ca.pem").read_bytes()
    assert run("--fleet", "a", "--robots", "1") == 0
    assert (tmp_path / "robot-1" / "ca.pem").read_bytes() == before == (tmp_path / "robot-0" / "ca.pem").read_bytes()
    assert run("--fleet", "b", "--robots", "0") == 2 and "CN=authority.a.swarm" in capsys.readouterr().err
    assert run("--fleet", "a b", "--robots", "0") == 2
    assert run("--fleet", "a", "--robots", "-1") == 2
    (tmp_path / "ca.key").unlink()
    assert run("--fleet", "a", "--robots", "0") == 2 and (tmp_path / "ca.pem").read_bytes() == before
