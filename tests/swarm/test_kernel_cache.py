"""Compiled kernels are kept apart for every state of the source."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import swarm
from swarm.kernel_cache import _KEPT, _WITHOUT, _prune, use_kernel_cache

PROBE = "import numba, swarm; print(numba.config.CACHE_DIR)"


def cache_dir(tree: Path, **extra: str) -> str:
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tree / "home"), "PYTHONPATH": str(tree), **extra}
    return subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, text=True, check=True, env=environment, cwd=tree
    ).stdout.strip()


def test_any_change_of_a_source_gives_another_folder(tmp_path: Path) -> None:
    source = Path(swarm.__file__).parent
    shutil.copytree(source, tmp_path / "swarm", ignore=shutil.ignore_patterns("__pycache__"))
    before = cache_dir(tmp_path)
    assert before == cache_dir(tmp_path)
    assert Path(before).parent == tmp_path / "swarm" / "__pycache__"
    for name, same in (("runtime/control.py", True), ("planning/pibt.py", False)):
        with (tmp_path / "swarm" / name).open("a", encoding="utf-8") as file:
            file.write("# changed\n")
        assert (cache_dir(tmp_path) == before) == same


def test_no_kernel_is_in_what_is_left_out_or_calls_it() -> None:
    source = Path(swarm.__file__).parent
    for path in source.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert ("njit" if source / _WITHOUT in path.parents else f"swarm.{_WITHOUT}") not in text, path


def test_a_given_cache_folder_is_used(tmp_path: Path) -> None:
    source = Path(swarm.__file__).parent
    shutil.copytree(source, tmp_path / "swarm", ignore=shutil.ignore_patterns("__pycache__"))
    assert Path(cache_dir(tmp_path, NUMBA_CACHE_DIR=str(tmp_path / "own"))).parent == tmp_path / "own"


def test_only_the_last_few_states_are_kept(tmp_path: Path) -> None:
    folders = [tmp_path / f"kernels-{k}" for k in range(_KEPT + 3)]
    for folder in folders:
        folder.mkdir()
    (tmp_path / "other").mkdir()
    _prune(tmp_path, folders[-1])
    assert folders[-1].is_dir()
    assert (tmp_path / "other").is_dir()
    assert len(list(tmp_path.glob("kernels-*"))) == _KEPT + 1


def test_this_process_uses_it() -> None:
    assert use_kernel_cache().is_dir()
