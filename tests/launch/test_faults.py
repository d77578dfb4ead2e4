"""The fault suite itself: a few of its cells with real processes, and its command line."""

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from oracles.project import ROOT
from oracles.scripts import load_script


@pytest.fixture(scope="module")
def script():
    return load_script("faults")


@pytest.mark.bullet
def test_a_short_version_keeps_its_promises(script, tmp_path, capsys):
    others = set(psutil.Process().children())  # such as the helper that multiprocessing starts for other tests
    for attempt in range(2):  # other tests use the same processors: something may be late once, nobody may collide
        runs = tmp_path / f"{attempt}"
        code = script.main(["--quick", "--runs", str(runs)])
        printed = capsys.readouterr().out
        files = sorted(tmp_path.glob(f"{attempt}_quick/*.json"))
        results = [json.loads(path.read_text())["result"] for path in files]
        assert len(results) == 3, printed
        broken = [check for result in results for check in result["checks"] if not check["kept"]]
        assert not any(check["promise"] == "collisions" for check in broken), printed
        assert code == bool(broken) and set(psutil.Process().children()) <= others
        # Seconds depend on what else the machine does now: here it is enough that it happened.
        broken = [check for check in broken if check["measured"] is None or not check["limit"].endswith(" s")]
        if not broken:
            return
    pytest.fail(f"not kept twice: {broken}\n{printed}")


def test_wrong_input_is_one_line(script, tmp_path, capsys):
    assert script.main(["--only", "nothing of that name", "--runs", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    for wrong in (["--robots", "1"], ["--seconds", "0"]):
        assert script.main(wrong) == 2


@pytest.mark.bullet
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_however_it_ends_all_processes_end(tmp_path, how):
    command = [sys.executable, ROOT / "launch" / "faults.py", "--quick", "--runs", tmp_path / "runs"]
    suite = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)  # fmt: skip
    try:
        until, children = time.monotonic() + 600.0, []  # kernels may be compiled first
        while len(children) < 4 and time.monotonic() < until:
            time.sleep(0.2)
            children = psutil.Process(suite.pid).children()
        assert len(children) == 4  # the physics world and three robots
        suite.send_signal(how)
        out, _ = suite.communicate(timeout=120.0)
    finally:
        suite.kill()
        suite.wait()
    if how == signal.SIGINT:
        assert suite.returncode == 130 and "interrupted" in out, out
    assert not psutil.wait_procs(children, timeout=60.0)[1]
