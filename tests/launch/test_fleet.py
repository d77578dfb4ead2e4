"""A small fleet by its command line: everything starts, is told about, survives deaths, stops, and ends."""

import json
import os
import re
import runpy
import signal
import subprocess
import sys
import threading
import time
import urllib.request

import psutil
import pytest
from oracles.loopback import until, write_fleet
from oracles.project import ROOT

from envs.commands import entry, fleet
from swarm.fleet.child import Identity


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A fleet of two; notes of what runs are this test's own."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return write_fleet(tmp_path / "fleet.yaml", "two", 2, 60, "journal: journal\n")


@pytest.fixture
def start(path):
    """Starts the fleet as a process; what that started ends with the test."""
    started = []

    def run(*arguments):
        line = [sys.executable, str(ROOT / "launch" / "fleet.py"), "up", str(path), *map(str, arguments)]
        started.append(subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
        return started[-1]

    yield run
    for process in started:
        process.kill()  # and all of its children with it
        process.wait()
        process.stdout.close()


@pytest.fixture
def tell(path, capsys):
    """Gives another command, in this process: its exit code, and all that it wrote."""
    main = runpy.run_path(str(ROOT / "launch" / "fleet.py"))["main"]
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}

    def run(what, *arguments):
        code = main([what, str(path), *map(str, arguments)])
        told = capsys.readouterr()
        return code, told.out + told.err

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


def processes(tmp_path):
    """Those that are noted, by name."""
    note = json.loads((tmp_path / "swarm" / "two.json").read_text())
    return {name: Identity(*one) for name, one in note["processes"].items()}


@pytest.mark.bullet
def test_a_fleet_from_its_start_to_its_end(start, tell, tmp_path):
    up = start("--json", tmp_path / "result.json", "--log", tmp_path / "log")
    late = threading.Timer(600.0, up.kill)
    late.start()
    lines = [""]
    while lines[-1] != "all robots are ready\n":  # kernels may have to be compiled first
        lines.append(up.stdout.readline())
        assert lines[-1], lines
    late.cancel()
    url = re.search(r"http://127\.0\.0\.1:\d+/", lines[1])[0]

    def drives():
        code, text = tell("status")
        return code == 0 and "2 drives" in text and url in text

    until(drives)
    before = processes(tmp_path)
    assert before.keys() == {"physics", "robot 0", "robot 1", "page"}

    def served():
        try:
            return urllib.request.urlopen(url, timeout=2.0).status == 200
        except OSError:
            return False

    # The page: of its death no robot takes notice, and it comes back at the same place.
    until(served)
    os.kill(before["page"].pid, signal.SIGKILL)
    until(lambda: processes(tmp_path).get("page", before["page"]) != before["page"])
    after = processes(tmp_path)
    assert after["robot 0"] == before["robot 0"] and after["robot 1"] == before["robot 1"]
    until(served)
    # The emergency stop, while one process does not hear it.
    os.kill(before["robot 1"].pid, signal.SIGSTOP)

    def all_but_one_confirm():
        code, text = tell("estop", "--patience", 3)
        assert code == 1 and "NOT CONFIRMED" in text, text
        return "NOT CONFIRMED by robot 1" in text and "physics world has stopped all bodies" in text

    until(all_but_one_confirm)
    os.kill(before["robot 1"].pid, signal.SIGCONT)
    code, text = tell("estop", "--patience", 600)
    assert code == 0 and "every robot has confirmed" in text, text

    def stopped():
        code, text = tell("status")
        return code == 1 and "EMERGENCY STOP" in text and "2 stopped" in text

    until(stopped)
    # Who comes back later stays stopped: its journal tells it, and so do the others.
    os.kill(before["robot 1"].pid, signal.SIGKILL)
    again = until(lambda: (found := processes(tmp_path).get("robot 1")) != before["robot 1"] and found)
    time.sleep(1.5)
    until(stopped)
    assert again.lives
    code, text = tell("release", "--patience", 600)
    assert code == 0 and "released" in text, text
    until(drives)
    # The end. What ``stop`` finds after its patience it kills, ``up`` too, which then writes no results.
    assert tell("stop", "--patience", 600) == (0, "5 processes ended\n")
    text, _ = up.communicate(timeout=600)
    assert up.returncode == 0 and "0 collisions" in text and "page ended (SIGKILL); started again" in text
    assert "robot 1 ended (SIGKILL); started again" in text
    assert not any(one.lives for one in [*before.values(), *after.values()])
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["collisions"] == 0 and result["ready"]
    # Who does not end within the supervisor's patience is killed, which is said, and writes no figures.
    if "physics did not end within" not in text:
        assert len(result["physics"]["delivered"]) == 2
    for i, robot in enumerate(result["robots"]):
        assert f"robot {i} did not end within" in text or robot["figures"]["reasons"]["moving"] > 0, text
    assert tell("stop") == (0, "nothing runs\n")


@pytest.mark.bullet
def test_killed_it_leaves_nobody_behind(start, tell, tmp_path):
    up = start("--no-page")
    until(lambda: (tmp_path / "swarm" / "two.json").exists())
    children = psutil.Process(up.pid).children()
    assert len(children) == 3
    code, text = tell("up")
    assert code == 2 and "runs already" in text
    up.kill()
    up.wait()
    until(lambda: not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children))


@pytest.mark.parametrize(
    "arguments",
    [
        ("up", "--seconds", 0),
        ("up", "--kill-every", "nan"),
        ("up", "--port", 70000),
        ("up", "--seed", -1),
        ("estop", "--patience", -1),
        ("stop", "--patience", 0),
    ],
)
def test_wrong_input_is_named(tell, arguments):
    code, text = tell(*arguments)
    assert code == 2 and f"error: {arguments[1]}" in text


def test_interrupted_it_ends_without_a_traceback(tell, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(fleet, "load_fleet", interrupted)
    assert fleet.main(["status", "fleet.yaml"]) == 130


@pytest.mark.parametrize("missing", ["tyro", "rich"])
def test_where_packages_are_missing_the_installed_command_names_the_extra(monkeypatch, capsys, missing, same_signals):
    for name in ("envs.commands.fleet", "envs.render.fleet_table"):
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.split(".")[0] == missing]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    assert entry.fleet() == 2
    error = capsys.readouterr().err
    assert missing in error and "pip install 'swarm-navigation[sim]'" in error
