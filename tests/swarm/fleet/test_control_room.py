"""Processes that end with their parent, restarts, the note of what runs, watching, and the emergency stop."""

import io
import json
import math
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from functools import partial
from types import SimpleNamespace

import psutil
import pytest
from oracles import loopback
from oracles.loopback import free_port
from oracles.project import ROOT
from rich.console import Console

from envs.render.fleet_table import FleetDisplay, table
from swarm.errors import InputError
from swarm.explanation import Override
from swarm.fleet.addresses import check_free
from swarm.fleet.child import Child, Identity, end
from swarm.fleet.emergency import wish
from swarm.fleet.run_file import RunFile, folder, stop
from swarm.fleet.session import Session
from swarm.fleet.supervisor import LIVED, WAITS, Chaos, Commands, Restarts, Supervisor
from swarm.fleet.watch import SILENT, FleetSnapshot, FleetWatch, Watched, read_world, verdict_of
from swarm.runtime.drivers.bullet_wire import Mailbox, Type, decode_request, encode_reply
from swarm.runtime.fleet_file.read import load_fleet
from swarm.runtime.link.estop import EmergencyStop, follow
from swarm.runtime.link.status import Status, encode
from swarm.runtime.link.transport import Transport

SLEEPS = [sys.executable, "-IS", "-c", "import time; print('sleeps', flush=True); time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-IS",
    "-c",
    "import signal, time; signal.signal(15, 1); print(1, flush=True); time.sleep(60)",
]
until = partial(loopback.until, seconds=10.0)


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """Notes of what runs are this test's own."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


@pytest.fixture
def fleet(tmp_path):
    path = tmp_path / "fleet.yaml"
    path.write_text(
        f"fleet: three\ndeliveries: {{map: {ROOT}/envs/maps/warehouse.map, robots: 3, seed: 1, seconds: 30}}\n"
        "planner: cells\ncontroller: tuner\nmargin: 0.06\ndriver: bullet\n"
        f"endpoints: {{{', '.join(f'{i}: tcp/127.0.0.1:{free_port()}' for i in range(3))}}}\n"
        f"physics: 127.0.0.1:{free_port()}\n"
    )
    return load_fleet(path)


# -- processes ------------------------------------------------------------------------------------------------------


def test_no_process_outlives_a_parent_that_is_killed(tmp_path):
    """Neither one that sleeps nor one that ignores being asked."""
    code = (
        "import sys, time; from pathlib import Path; from swarm.fleet.child import Child\n"
        f"for k, command in enumerate([{SLEEPS!r}, {STUBBORN!r}]):\n"
        f"    child = Child(str(k), command, Path({str(tmp_path)!r}) / f'{{k}}.txt'); child.start(); print(child.pid)\n"
        "print('started', flush=True); time.sleep(60)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)
    pids = [int(parent.stdout.readline()) for _ in range(2)]
    assert parent.stdout.readline() == "started\n"
    until(lambda: all((tmp_path / f"{k}.txt").read_text() for k in range(2)))
    assert all(psutil.pid_exists(pid) for pid in pids)
    parent.kill()
    parent.communicate()
    until(lambda: not any(Identity.of(pid) for pid in pids))


def test_a_child_whose_words_nobody_can_read_any_more_is_started_again(tmp_path):
    says = tmp_path / "log" / "a.txt"
    child = Child("a", [sys.executable, "-c", "print('x')"], says)
    with pytest.raises(InputError, match="file that can be written"):
        child.start()
    says.parent.mkdir()
    child.start()
    until(lambda: child.code == 0)
    says.unlink()
    says.parent.rmdir()
    child.start()
    until(lambda: child.code == 0)
    assert child.last_words() == ""


def test_a_run_file_that_cannot_be_written_is_said_once_and_ends_nothing(fleet):
    class File:
        def __init__(self):
            full = OSError(28, "No space left on device")
            self.fails = [full, InputError("a.json", "read-only", "a file"), full, None]

        def write(self, processes, page):
            if error := self.fails.pop(0):
                raise error

    console = Console(file=io.StringIO(), width=1000)
    session = Session(fleet, Commands(), lambda: 0, FleetDisplay(console, "three"))
    file, supervisor = File(), SimpleNamespace(children=[])
    while file.fails:
        session._note(supervisor, file)
    file.fails = [OSError(28, "No space left on device")]
    session._note(supervisor, file)
    assert console.file.getvalue().count("No space left on device") == console.file.getvalue().count("\n") == 2


def test_a_child_ends_when_asked_or_is_killed(tmp_path):
    willing, stubborn, done = (
        Child(name, command, tmp_path / name)
        for name, command in (("a", SLEEPS), ("b", STUBBORN), ("c", [sys.executable, "-c", "print('x'); exit(3)"]))
    )
    for child in (willing, stubborn, done):
        child.start()
    until(lambda: willing.says.read_text() and stubborn.says.read_text() and done.code is not None)
    assert done.code == 3 and done.last_words() == "x" and done.pid is None
    willing.signal(signal.SIGSTOP)  # one that is stopped is not forgotten
    assert end([willing, stubborn, done], 0.3) == [stubborn]
    assert willing.code == -signal.SIGTERM and stubborn.code == -signal.SIGKILL


def test_a_process_that_dies_soon_again_and_again_is_started_ever_later():
    restarts, now, delays = Restarts(), 100.0, []
    for _ in range(8):
        restarts.began(now)
        died = now = now + 1.0
        while not restarts.due(now, -9):
            now += 0.05
        delays.append(now - died)
    assert delays == pytest.approx([*WAITS, WAITS[-1], WAITS[-1]], abs=0.06) and restarts.count == 8
    restarts.began(now)
    assert restarts.due(now + LIVED + 1.0, 0)  # it had lived: at once
    restarts.began(now)
    assert not restarts.due(now + 60.0, 2) and restarts.given_up  # wrong input does not become right


def test_whom_chaos_kills_is_drawn_from_the_seed():
    def victims(seed):
        chaos = Chaos(30.0, seed, 0.0)
        return [found for second in range(1, 301) if (found := chaos.victim(second, 16)) is not None]

    assert len(victims(0)) == 10 and victims(0) == victims(0) != victims(1) and set(victims(0)) <= set(range(16))
    assert Chaos(math.inf, 0, 0.0).victim(1e9, 4) is None


def test_dead_robots_are_started_again_and_a_dead_world_ends_the_fleet(fleet, tmp_path):
    scripts = tmp_path / "launch"
    scripts.mkdir()
    (scripts / "physics.py").write_text("import time; time.sleep(60)")
    (scripts / "deploy.py").write_text(
        "import sys, time; print('error: no such thing', flush=True); "
        "sys.exit(2) if sys.argv[4] == '2' else time.sleep(60)"
    )
    commands = Commands([sys.executable, str(scripts / "deploy.py")], [sys.executable, str(scripts / "physics.py")])
    told = []
    found = Supervisor(fleet, commands, tmp_path, tmp_path, told.append)
    found.start()
    try:
        before = found.robots[1].pid
        found.kill(1)
        until(lambda: found.look() or found.robots[1].pid not in (None, before))
        until(lambda: found.look() or found.restarts["robot 2"].given_up)
        assert told[0] == "robot 1 ended (SIGKILL); started again" and found.kills == {1: 1}
        assert told[1] == "robot 2 ended (code 2: error: no such thing) and is not started again"
        assert found.restarts["robot 1"].count == 1 and found.restarts["robot 0"].count == 0
        os.kill(found.physics.pid, signal.SIGKILL)
        until(lambda: found.look() or found.failed)
        assert "physics world has ended (SIGKILL)" in found.failed
        found.kill(0)
        time.sleep(0.1)
        assert not found.look() and found.physics.pid is None and found.robots[0].pid is None
    finally:
        found.end(2.0)
    assert not any(child.pid for child in found.children)


def test_a_fleet_of_which_no_robot_can_start_ends(fleet, tmp_path):
    (tmp_path / "robot.py").write_text("import sys; print('error: taken', flush=True); sys.exit(2)")
    told = []
    found = Supervisor(fleet, Commands([sys.executable, str(tmp_path / "robot.py")]), tmp_path, tmp_path, told.append)
    found.start()
    try:
        until(lambda: found.look() or found.failed)
        assert found.failed == "no robot is left that could start" and len(told) == 3
    finally:
        found.end(2.0)


def test_a_fleet_whose_addresses_another_one_uses_is_refused(fleet):
    host, port = fleet.physics
    check_free(fleet, world=True)
    with Mailbox(bind=fleet.physics).socket:
        check_free(fleet, world=False)
        with pytest.raises(InputError, match=rf"physics: got '{host}:{port}'; valid: an address that nothing uses yet"):
            check_free(fleet, world=True)
    endpoint = fleet.endpoints[2].removeprefix("tcp/")
    wrong = rf"endpoints\[2\]: got 'tcp/{endpoint}'"
    with socket.create_server((host, int(endpoint.rpartition(":")[2]))), pytest.raises(InputError, match=wrong):
        check_free(fleet, world=True)
    check_free(fleet, world=True)


def test_a_standby_takes_over_and_gets_a_new_one(fleet, tmp_path):
    scripts = tmp_path / "launch"
    scripts.mkdir()
    for name in ("physics.py", "deploy.py"):
        (scripts / name).write_text("import sys, time; print(sys.argv[1:], flush=True); time.sleep(60)")
    commands = Commands([sys.executable, str(scripts / "deploy.py")], [sys.executable, str(scripts / "physics.py")])
    told, clock = [], [0.0]
    found = Supervisor(fleet, commands, tmp_path, tmp_path, told.append, clock=lambda: clock[0], standby=True)
    found.start()
    try:
        assert all(child.pid for child in found.robots) and not any(child.pid for child in found.spares)
        assert found.spare() and not found.spare()  # not all at once
        for clock[0] in (10.0, 20.0):
            assert found.spare()
        clock[0] = 30.0
        assert not found.spare() and all(child.pid for child in found.spares)
        standby = found.spares[1].pid
        found.kill(1)
        until(lambda: found.look())
        assert found.robots[1].pid == standby and found.spares[1].pid is None
        assert told == ["robot 1 ended (SIGKILL); its standby takes over"] and found.restarts["robot 1"].count == 1
        assert found.spare() and found.spares[1].pid not in (None, standby)
        until(lambda: "--standby" in found.spares[1].last_words())
        assert not found.look()
        for one in (found.spares[2], found.robots[2]):  # with nobody to take over, it is started again
            one.signal(signal.SIGKILL)
            until(lambda one=one: one.pid is None)
        assert found.look() and "started again" in told[-1] and found.robots[2].pid is not None
    finally:
        found.end(2.0)
    assert not any(child.pid for child in found.children)


# -- the note of what runs ------------------------------------------------------------------------------------------


def test_only_processes_that_are_still_the_same_count(tmp_path):
    file, child = RunFile("three"), Child("a", SLEEPS, tmp_path / "a")
    child.start()
    file.claim()
    file.write({"robot 0": child.pid, "robot 1": None}, "http://127.0.0.1:1/")
    found = file.read()
    assert found.supervisor.pid == os.getpid() and list(found.processes) == ["robot 0"] and found.page
    note = json.loads(file.path.read_text())
    note["processes"]["robot 0"][1] += 1  # a later process that got its number
    file.path.write_text(json.dumps(note))
    assert file.read().processes == {}
    with pytest.raises(InputError, match="runs already"):
        RunFile("three").claim()
    for text in (
        "",
        "[]",
        "{}",
        '{"supervisor": [1, 0], "page": 1, "processes": []}',
        "[" * 5000,
        '{"processes": {"a": 1}}',
    ):
        file.path.write_text(text)
        assert not file.read().lives
    end([child], 1.0)
    file.remove()
    RunFile("three").claim()
    assert stop(RunFile("other")) == (0, 0)


def test_stop_ends_what_is_left_of_a_fleet_whose_supervisor_is_gone(tmp_path):
    children = [Child(str(k), command, tmp_path / f"{k}.txt") for k, command in enumerate((SLEEPS, STUBBORN))]
    for child in children:
        child.start()
    until(lambda: all(child.says.read_text() for child in children))
    file = RunFile("three")
    file.write({child.name: child.pid for child in children})
    note = json.loads(file.path.read_text())
    file.path.write_text(json.dumps(note | {"supervisor": None}))
    assert stop(file, 0.3) == (2, 1)
    until(lambda: not any(child.pid for child in children))


def test_a_folder_that_others_can_write_to_is_refused(tmp_path):
    (tmp_path / "swarm").mkdir()
    (tmp_path / "swarm").chmod(0o777)
    with pytest.raises(InputError, match="this user alone"):
        folder()


# -- watching -------------------------------------------------------------------------------------------------------


def seen(**told):
    one, status = (
        Watched(linked=True),
        Status(**({"robot": 0, "incarnation": 1, "reason": "moving", "state": (1, 1, 0, 0, 0)} | told)),
    )
    one.take(status, 100.0)
    return one


@pytest.mark.parametrize(
    ("one", "now", "verdict", "why"),
    [
        (Watched(), 100.0, "silent", "was never heard"),
        (Watched(linked=True), 100.0, "silent", "tells nothing yet"),
        (seen(), 100.0 + SILENT + 0.1, "silent", "last heard 1 s ago"),
        (seen(stopped=True), 100.1, "stopped", "emergency stop"),
        (seen(reason="waits for robot 4"), 100.1, "held", "waits for robot 4"),
        (seen(), 100.1, "drives", ""),
        (seen(override=Override("obstacle", -1, 0.2, (0, 0), 1.0)), 100.1, "drives", "by an obstacle, 0.20 m away"),
        (seen(override=Override("braking", 3, 0.2, (0, 0), 1.0)), 100.1, "drives", "braking for robot 3, 0.20 m away"),
    ],
)
def test_verdicts(one, now, verdict, why):
    assert verdict_of(one, now)[0] == verdict and why in verdict_of(one, now)[1]


def test_the_last_override_is_kept_after_it_has_ended():
    told = Override("robot", 2, 0.1, (1, 1), 0.5)
    one = seen(override=told)
    one.take(Status(0, 1, "moving", state=(1, 1, 0, 0, 0)), 101.0)
    assert one.override[0] == told and one.override[1] == 100.0 and verdict_of(one, 101.1) == ("drives", "")


def test_a_robot_that_does_not_get_on_waits_and_a_new_process_is_counted():
    one = seen(state=(1.0, 1.0, 0, 0, 0), waypoint=(1.0, 1.1), goal=(5.0, 5.0))
    for k in range(1, 31):
        one.take(
            Status(0, 1 + k // 20, "moving", state=(1.0 + 0.01 * (k % 2), 1.0, 0, 0, 0), waypoint=(1, 1), goal=(5, 5)),
            100 + 0.2 * k,
        )
    assert verdict_of(one, 106.1) == ("waits", "6 s: its planner lets others go first") and one.restarts == 1


@pytest.mark.parametrize("bad", [None, {}, [], {"robots": [[1]]}, "x"])
def test_what_the_physics_world_tells_is_checked(bad):
    good = {"robots": [[1, 2, 0, 0.5, 10, "", 3]], "time": 1.5, "lost": 0, "collisions": 0, "deliveries": 3,
            "min_clearance": None, "stopped": False}  # fmt: skip
    assert read_world(good, 1, 0.0).delivered == (3,) and read_world(good, 2, 0.0) is None
    for change in (
        {"time": math.nan},
        {"robots": [[1, 2, 0, "a", 10, "", 3]]},
        {"lost": None},
        {"deliveries": math.inf},
    ):
        assert read_world(good | change, 1, 0.0) is None
    assert read_world(bad, 1, 0.0) is None


def test_the_table_shows_texts_of_robots_as_they_are():
    one = seen(reason="[red]held[/red]", notes=("[link=http://x]a",), rejected={"jump": 3}, ages=((1, math.inf),))
    console = Console(file=io.StringIO(), width=160)
    console.print(table(FleetSnapshot(100.0, (one, Watched()), None, {"oversized": 2}, True), "yard"))
    text = console.file.getvalue()
    for shown in (
        "[red]held[/red]",
        "[link=http://x]a",
        "3 jump",
        "1 silent",
        "does not answer",
        "2 messages refused here",
    ):
        assert shown in text, shown


# -- the emergency stop ---------------------------------------------------------------------------------------------


class Yard:
    """Robots that only listen and tell, and a physics world that only answers; a thread of its own."""

    def __init__(self, fleet, robots, *, world=True):
        self.addresses = fleet.addresses
        self.fleet, self.wishes, self.deaf, self.stopped = fleet, {}, set(), False
        self.robots = {robot: Transport(fleet.name, robot, self.addresses) for robot in robots}
        self.mailbox = Mailbox(bind=fleet.physics) if world else None
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.ended.wait(0.05):
            for robot, link in self.robots.items():
                for told in link.stops():
                    if robot not in self.deaf:
                        self.wishes[robot] = follow(self.wishes.get(robot), told)
                now = self.wishes.get(robot, EmergencyStop(False, 0))
                link.publish_status(encode(Status(robot, 1, "moving", now.latched, now.counter)))
            for data, sender, _ in self.mailbox.drain(10) if self.mailbox else ():
                request = decode_request(data, 3)
                self.stopped = {Type.STOP: True, Type.RELEASE: False}.get(request.type, self.stopped)
                told = dict.fromkeys(("time", "lost", "collisions", "deliveries", "min_clearance"), 0)
                told |= {"first": request.robot, "count": 3, "stopped": self.stopped}
                told["robots"] = [[0, 0, 0, 0, 0, "", 0]] * 3
                self.mailbox.send(encode_reply(json.dumps(told)), sender)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        for link in self.robots.values():
            link.close()
        if self.mailbox:
            self.mailbox.close()


def test_the_emergency_stop_is_confirmed_by_all_and_the_release_is_newer_than_any_stop(fleet):
    with Yard(fleet, range(3)) as yard, FleetWatch(fleet) as watch:
        answers = wish(watch, True, 60.0)
        assert answers.complete and yard.stopped and all(told.latched for told in yard.wishes.values())
        assert "every robot has confirmed that it is stopped" in answers.text(True)
        # An operator whose clock is two hours ahead has stopped them too.
        yard.wishes[1] = EmergencyStop(True, time.time_ns() + 7_200 * 10**9)
        time.sleep(0.2)
        answers = wish(watch, False, 60.0)
        assert answers.complete and not yard.stopped and not any(told.latched for told in yard.wishes.values())


def test_a_robot_that_lies_of_its_stop_keeps_no_other_from_being_released(fleet):
    with Yard(fleet, range(3)) as yard, FleetWatch(fleet) as watch:
        yard.deaf.add(2)
        yard.wishes[2] = EmergencyStop(True, 2**63 - 1)
        for _ in range(2):
            until(lambda: wish(watch, True, 1.0).complete, seconds=60.0)
            until(lambda: wish(watch, False, 1.0).robots == (2,), seconds=60.0)


def test_who_does_not_confirm_is_named(fleet):
    with Yard(fleet, (0, 1), world=False) as yard, FleetWatch(fleet) as watch:
        yard.deaf.add(1)
        answers = wish(watch, True, 1.0)
        assert not answers.complete and answers.robots == (1, 2) and answers.world is False
        text = answers.text(True)
        assert "DOES NOT ANSWER" in text and "NOT CONFIRMED by robot 1, 2" in text
        yard.deaf.clear()
        with Transport(fleet.name, 2, yard.addresses) as late:  # it comes while the wish is still told
            until(lambda: late.alive() >= {0, 1})
            thread = threading.Thread(target=lambda: answered.append(wish(watch, True, 1.5)))
            answered = []
            thread.start()
            until(lambda: any(told.latched for told in late.stops()))
            thread.join()
        assert answered[0].robots == (2,)


def test_a_status_in_anothers_name_or_of_nonsense_is_counted(fleet):
    with Yard(fleet, (0,)) as yard, FleetWatch(fleet) as watch:
        until(lambda: watch.look().robots[0].status is not None)
        with Transport(fleet.name, 1, yard.addresses) as liar:
            until(lambda: watch.look().robots[1].linked)
            until(lambda: liar.publish_status(encode(Status(0, 9, "all fine"))) or len(watch.look().lost) == 1)
            until(lambda: liar.publish_status(b"nonsense") or "malformed status" in watch.look().lost)
        assert watch.look().robots[0].status.incarnation == 1 and watch.look().robots[1].status is None
        until(lambda: watch.look().world is not None)
