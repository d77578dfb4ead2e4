"""The doctor names what is missing and how to mend it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from oracles.project import ROOT

from envs.commands import doctor as module


@pytest.fixture(scope="module")
def doctor() -> ModuleType:
    return module


def test_old_python_fails_with_a_fix(doctor: ModuleType) -> None:
    assert doctor.check_python((3, 10, 9)).status == "FAIL"
    assert "3.11" in doctor.check_python((3, 10, 9)).fix
    assert doctor.check_python((3, 11, 0)).status == "ok"
    assert doctor.check_python((3, 12, 1)).status == "ok"


def test_pins_are_read_with_canonical_names(doctor: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "constraints.txt"
    path.write_text("# comment\nPyYAML==6.0.3\nml_dtypes==0.6.0\n\n")
    assert doctor.read_pins(path) == {"pyyaml": "6.0.3", "ml-dtypes": "0.6.0"}


def test_a_missing_package_is_named(doctor: ModuleType) -> None:
    check = doctor.check_packages("robot", ["numpy", "no-such-package"], {}, optional=False)
    assert check.status == "FAIL" and "no-such-package" in check.detail and "numpy" not in check.detail
    assert "make install" in check.fix


def test_a_wrong_version_is_named(doctor: ModuleType) -> None:
    check = doctor.check_packages("robot", ["numpy"], {"numpy": "0.0.1"}, optional=False)
    assert check.status == "FAIL" and "instead of 0.0.1" in check.detail


def test_an_absent_extra_is_skipped_but_half_of_one_fails(doctor: ModuleType) -> None:
    assert doctor.check_packages("sim", ["no-such-package"], {}, optional=True).status == "skipped"
    assert doctor.check_packages("sim", ["no-such-package", "numpy"], {}, optional=True).status == "FAIL"


def test_local_version_tags_are_ignored(doctor: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.importlib.metadata, "version", lambda name: "2.13.0+cpu")
    assert doctor.check_packages("train", ["torch"], {"torch": "2.13.0"}, optional=False).status == "ok"


def test_cache_folder_that_cannot_be_written(
    doctor: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert doctor.check_numba_cache().status == "ok"
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file" / "below"))
    check = doctor.check_numba_cache()
    assert check.status == "FAIL" and "NUMBA_CACHE_DIR" in check.fix


def test_a_broken_checkpoint_is_named(doctor: ModuleType, tmp_path: Path) -> None:
    assert [check.status for check in doctor.check_checkpoints([])] == ["skipped"]
    folder = tmp_path / "tuner"
    folder.mkdir()
    assert [check.status for check in doctor.check_checkpoints([folder])] == ["FAIL"]
    (folder / "policy.onnx").write_bytes(b"not a model")
    (check,) = doctor.check_checkpoints([folder])
    assert check.status == "FAIL" and "tuner" in check.name
    assert {check.name for check in doctor.check_checkpoints()} == {"checkpoint: follower", "checkpoint: tuner"}


def test_what_an_extra_needs_depends_on_the_python(doctor: ModuleType) -> None:
    listed = [
        "numpy", "numba>=0.62", "pybullet; python_version < '3.12' and extra == 'sim'", 'rich; extra == "sim"',
        'torch==2.13.0; python_version < "3.12" and extra == "train"',
    ]  # fmt: skip
    old, new = doctor.requirements(listed, "3.11"), doctor.requirements(listed, "3.12")
    assert old == {"robot": ["numpy", "numba"], "sim": ["pybullet", "rich"], "train": ["torch"]}
    assert new == {"robot": ["numpy", "numba"], "sim": ["rich"], "train": []}
    assert doctor.requirements(listed, "3.9")["train"] == ["torch"]
    assert doctor.requirements(listed, "3.13", left_out=True) == {"robot": [], "sim": ["pybullet"], "train": ["torch"]}


def test_what_only_an_older_python_gets_is_no_fault_and_is_said(doctor: ModuleType) -> None:
    check = doctor.check_packages("sim", ["numpy"], {}, optional=True, without=["pybullet"])
    assert check.status == "ok" and "without pybullet" in check.detail
    check = doctor.check_packages("train", [], {}, optional=True, without=["torch"])
    assert check.status == "skipped" and "without torch" in check.detail


def test_without_physics_it_says_whether_this_python_could_have_it(
    doctor: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "installed_version", lambda name: None if name == "pybullet" else "1.0")
    for older, fix in ((False, True), (True, False)):
        marker = f"python_version < '{'3.11' if older else '3.99'}' and extra == 'sim'"
        monkeypatch.setattr(doctor.importlib.metadata, "requires", lambda name, m=marker: [f"pybullet; {m}"])
        check = doctor.check_bullet()
        assert check.status == "skipped" and bool(check.fix) == fix and ("no wheel" in check.detail) == older


def test_what_other_packages_brought_is_no_half_of_an_extra(doctor: ModuleType) -> None:
    groups = {"robot": ["cvxpy"], "sim": ["rich"], "dev": ["scipy", "rich", "no-such-package"]}
    shared = doctor.brought_by_others("dev", groups)
    assert {"scipy", "rich"} <= shared and "no-such-package" not in shared
    assert doctor.check_packages("dev", groups["dev"], {}, optional=True).status == "FAIL"
    assert doctor.check_packages("dev", groups["dev"], {}, optional=True, shared=shared).status == "skipped"


def test_some_of_an_extra_is_no_fault_where_there_is_no_checkout(
    doctor: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "checkout", lambda: None)
    check = doctor.check_packages("dev", ["pytest", "no-such-package"], {}, optional=True)
    assert check.status == "skipped" and check.detail == "missing: no-such-package"
    assert doctor.check_packages("robot", ["no-such-package"], {}, optional=False).status == "FAIL"


def test_interrupted_it_ends_without_a_traceback(doctor: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "argv", ["doctor.py"])
    monkeypatch.setattr(doctor, "diagnose", interrupted)
    assert doctor.main() == 130


def test_without_a_checkout_it_says_pip_install(doctor: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "checkout", lambda: None)
    assert doctor.install("sim") == "pip install 'swarm-navigation[sim]'"
    assert doctor.check_import().status == "ok"


def test_a_crash_of_the_interpreter_is_reported_not_shared(doctor: ModuleType) -> None:
    status, output = doctor.run_python("import os; os.abort()")
    assert status != 0 and doctor.last_line(output)
    status, output = doctor.run_python("import time; time.sleep(9)", seconds=0.2)
    assert status == 1 and "no answer" in output


def test_exit_status_follows_the_checks(
    doctor: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["doctor.py"])
    good, bad = doctor.Check("a", "ok", "fine"), doctor.Check("b", "FAIL", "broken", "pip install '.[sim]'")
    monkeypatch.setattr(doctor, "diagnose", lambda: [good])
    assert doctor.main() == 0
    monkeypatch.setattr(doctor, "diagnose", lambda: [good, bad])
    assert doctor.main() == 1
    shown = capsys.readouterr().out
    assert "Not ready: b." in shown and "[sim]" in shown


def test_the_script_runs_from_anywhere(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "launch" / "doctor.py"), "--help"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and "Exit status 1" in done.stdout
