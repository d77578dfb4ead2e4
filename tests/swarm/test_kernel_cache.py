"""No stale kernel runs, and what changes nothing of a kernel compiles nothing again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import envs
import policies
import studies
import swarm
from swarm.kernel_cache.locator import _KEPT
from swarm.kernel_cache.source import SourceTree, parse

# A package with kernels of its own: ``area.kernels.measure`` calls into ``area.shapes``, which reads ``area.numbers``.
PACKAGE = {
    "__init__.py": """
        from pathlib import Path
        from swarm.kernel_cache import register_kernels
        register_kernels("area", Path(__file__).parent)
    """,
    "numbers.py": """
        '''Constants, and nothing that is compiled.'''
        SIDE, UNUSED = 3.0, 1.0
        TABLE = {"a": 1}
    """,
    "plain.py": "VALUE = 1\n",
    "shapes.py": """
        from numba import njit
        from area import numbers, plain
        from area.numbers import SIDE

        @njit(cache=True)
        def square(x):
            '''Of a side.'''
            return x * x + SIDE * 0.0 + numbers.SIDE * 0.0

        @njit(cache=True)
        def other(x):
            return x
    """,
    "kernels.py": """
        from numba import njit
        from area.numbers import SIDE
        from area.shapes import square

        FACTOR = 2.0

        @njit(cache=True)
        def measure(x):
            return FACTOR * square(x) + SIDE
    """,
}
RUN = """
import json, sys
from area.kernels import measure
print(json.dumps([measure(float(sys.argv[1])), sum(measure.stats.cache_hits.values())]))
"""


def write(folder: Path) -> None:
    for name, text in PACKAGE.items():
        path = folder / "area" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")


def run(folder: Path, script: str = RUN) -> tuple[float, bool]:
    """What ``measure(2)`` gives in a process of its own, and whether its kernel was there already."""
    root = Path(swarm.__file__).parents[1]
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder / "cache"), "PYTHONPATH": f"{folder}:{root}"}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"  # Two edits within a second must both be seen.
    found = subprocess.run(
        [sys.executable, "-c", script, "2"], capture_output=True, text=True, check=True, env=environment, cwd=folder
    )
    value, hits = json.loads(found.stdout)
    return value, hits > 0


def edit(folder: Path, name: str, before: str, after: str) -> None:
    path = folder / "area" / name
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


def test_a_change_anywhere_below_a_kernel_runs_and_one_beside_it_compiles_nothing(tmp_path: Path) -> None:
    write(tmp_path)
    assert run(tmp_path) == (11.0, False)
    assert run(tmp_path) == (11.0, True)
    edit(tmp_path, "numbers.py", "SIDE, UNUSED = 3.0", "SIDE, UNUSED = 4.0")  # A constant of a called module.
    assert run(tmp_path) == (12.0, False)
    edit(tmp_path, "shapes.py", "x * x", "x * x * x")  # A called function.
    assert run(tmp_path) == (20.0, False)
    edit(tmp_path, "kernels.py", "FACTOR = 2.0", "FACTOR = 3.0")  # A constant of its own module.
    assert run(tmp_path) == (28.0, False)
    edit(tmp_path, "shapes.py", "Of a side.", "Of a side, squared.\n\n    More lines.\n    ")  # A docstring, and lines.
    edit(tmp_path, "kernels.py", "FACTOR = 3.0", "# Why three.\n\n\nFACTOR = 3.0")
    edit(tmp_path, "plain.py", "VALUE = 1", "VALUE = 2")  # A file without kernels that they import.
    edit(tmp_path, "numbers.py", '{"a": 1}', '{"a": 2}')  # Something that no kernel reads.
    edit(tmp_path, "shapes.py", "return x\n", "return x + 1\n")  # Another kernel of the same file.
    assert run(tmp_path) == (28.0, True)


def test_going_back_to_an_older_state_compiles_nothing_and_only_the_last_states_are_kept(tmp_path: Path) -> None:
    write(tmp_path)
    assert run(tmp_path) == (11.0, False)
    edit(tmp_path, "kernels.py", "FACTOR = 2.0", "FACTOR = 3.0")
    assert run(tmp_path) == (15.0, False)
    edit(tmp_path, "kernels.py", "FACTOR = 3.0", "FACTOR = 2.0")
    assert run(tmp_path) == (11.0, True)
    for value in range(4, 4 + _KEPT + 2):
        edit(tmp_path, "kernels.py", "FACTOR = ", f"FACTOR = {value}.0  # ")
        run(tmp_path)
    assert len(list((tmp_path / "cache" / "kernels" / "area.kernels").glob("*.nbi"))) == _KEPT + 1
    assert len(list((tmp_path / "cache" / "kernels" / "area.shapes").glob("square*.nbi"))) <= 1


def test_a_script_outside_of_all_packages_that_calls_a_kernel_never_keeps_an_old_one(tmp_path: Path) -> None:
    write(tmp_path)
    script = tmp_path / "mine.py"
    script.write_text(
        "from numba import njit\nfrom area.shapes import square\n\n"
        "@njit(cache=True)\ndef measure(x):\n    return square(x)\n",
        encoding="utf-8",
    )
    mine = RUN.replace("area.kernels", "mine")
    assert run(tmp_path, mine) == (4.0, False)
    assert run(tmp_path, mine) == (4.0, True)
    edit(tmp_path, "shapes.py", "x * x", "x * x * x")
    assert run(tmp_path, mine) == (8.0, False)


def test_a_kernel_that_is_handed_to_the_maker_of_another_one_counts(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "area" / "make.py").write_text(
        "from numba import njit\n\n\ndef doubled(inner):\n    @njit(cache=True)\n    def measure(x):\n"
        "        return 2.0 * inner(x)\n\n    return measure\n",
        encoding="utf-8",
    )
    made = RUN.replace(
        "from area.kernels import measure",
        "from area.make import doubled\nfrom area.shapes import square\nmeasure = doubled(square)",
    )
    assert run(tmp_path, made)[0] == 8.0
    edit(tmp_path, "shapes.py", "x * x", "x * x * x")
    assert run(tmp_path, made)[0] == 16.0


def test_a_folder_that_cannot_be_written_is_no_fault(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "cache").write_text("a file where the folder should be", encoding="utf-8")
    assert run(tmp_path) == (11.0, False)


def test_a_full_disk_is_no_fault(tmp_path: Path) -> None:
    write(tmp_path)
    full = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (16, 16))\n"
    assert run(tmp_path, full + RUN) == run(tmp_path, full + RUN) == (11.0, False)
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file() and path.stat().st_size] == []
    assert [run(tmp_path), run(tmp_path)] == [(11.0, False), (11.0, True)]


def test_a_user_without_a_home_is_no_fault(tmp_path: Path) -> None:
    write(tmp_path)
    homeless = """
import os, pwd
for name in ("HOME", "XDG_CACHE_HOME", "NUMBA_CACHE_DIR"):
    os.environ.pop(name, None)
pwd.getpwuid = {}.__getitem__
"""
    assert run(tmp_path, homeless + RUN) == (11.0, False)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from math import sin as f", "from math import cos as f"),
        ("import math as m", "import cmath as m"),
        ("A = 1", "A = 2"),
        ("A, B = 1, 2", "A, B = 2, 2"),
        ("A: int = 1", "A: int = 2"),
        ("A = [1]\nA[0] = 2", "A = [1]\nA[0] = 3"),
        ("if True:\n    A = 1", "if True:\n    A = 2"),
        ("A = 1\nA += 1", "A = 1\nA += 2"),
        ("class A:\n    B = 1", "class A:\n    B = 2"),
        ("from here.inner import *", "from here.inner import *\nA = 1"),
        ("try:\n    from here.inner import VALUE as A\nexcept ImportError:\n    A = 1", "A = 1"),
    ],
)
def test_whatever_binds_a_name_that_is_used_is_part_of_the_hash(tmp_path: Path, before: str, after: str) -> None:
    digests = []
    for text in (before, after):
        (tmp_path / "inner.py").write_text("VALUE = 1\n", encoding="utf-8")
        (tmp_path / "user.py").write_text(f"{text}\ndef f(x):\n    return A, B, f, m\n", encoding="utf-8")
        digests.append(SourceTree({"here": tmp_path}).digest("here.user", "f"))
    assert digests[0] != digests[1]


def test_names_are_followed_through_packages_that_hand_them_on(tmp_path: Path) -> None:
    for name, text in {
        "__init__.py": "from here.low import VALUE\nfrom .low import deep as renamed\n",
        "low.py": "VALUE = 1\n\ndef deep():\n    return OTHER\n\nOTHER = 1\n",
        "a.py": "from here import VALUE\ndef f():\n    return VALUE\n",
        "b.py": "import here\ndef f():\n    return here.renamed()\n",
        "d.py": "import here.low\ndef f():\n    return here.low.deep()\n",
        "c.py": "from here import low as l\ndef f():\n    return l.deep()\n",
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    users = ("a", "b", "c", "d")
    before = [SourceTree({"here": tmp_path}).digest(f"here.{user}", "f") for user in users]
    low = (tmp_path / "low.py").read_text(encoding="utf-8")
    (tmp_path / "low.py").write_text(low.replace("OTHER = 1", "OTHER = 2"), encoding="utf-8")
    after = [SourceTree({"here": tmp_path}).digest(f"here.{user}", "f") for user in users]
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, False, False, False]


def test_all_kernels_of_the_project_are_of_registered_packages_and_can_be_followed() -> None:
    root = Path(swarm.__file__).parents[1]
    roots = {package.__name__: Path(str(package.__file__)).parent for package in (swarm, envs, policies, studies)}
    for path in (root / "launch").rglob("*.py"):
        registered = path.is_relative_to(roots["studies"])
        assert registered or "njit" not in path.read_text(encoding="utf-8"), f"{path}: register its kernels"
    tree = SourceTree(roots)
    for _, path in tree.files():
        text = path.read_text(encoding="utf-8")
        if "njit" in text:
            # Code that reaches a kernel by other ways than names, as an intrinsic does not: the hash would miss it.
            text = text.replace("from numba.extending import intrinsic\n", "")
            assert not any(word in text for word in ("numba.extending", "globals()", "import *")), path
            assert parse(text, "any", False).binding
    for module, name in tree.decorated():
        places = tree.reach(module, name)
        assert all(tree.known(place) for place in places), (module, name)


@pytest.mark.parametrize(
    "order", ["import sys, swarm; assert 'numba' not in sys.modules; import numba", "import numba, swarm"]
)
def test_numba_is_told_whichever_comes_first_and_is_not_loaded_for_it(order: str) -> None:
    code = f"{order}\nfrom numba.core import config\nprint(config.CACHE_LOCATOR_CLASSES.split(',')[0])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "swarm.kernel_cache.locator.KernelLocator"


TUPLES = """
from typing import NamedTuple

class Pair(NamedTuple):
    first: float
    second: float
"""
SUM = """
import json
from numba import njit
from area.{module} import Pair
from area.sums import add
print(json.dumps([add(Pair(1.0, 2.0)), sum(add.stats.cache_hits.values())]))
"""


def test_a_class_that_moves_leaves_no_kernel_that_cannot_be_read(tmp_path: Path) -> None:
    write(tmp_path)
    area = tmp_path / "area"
    (area / "sums.py").write_text(
        "from numba import njit\n\n@njit(cache=True)\ndef add(pair):\n    return pair.first + pair.second\n"
    )
    (area / "here.py").write_text(TUPLES)
    here, there = SUM.format(module="here"), SUM.format(module="there")
    assert run(tmp_path, here) == (3.0, False) and run(tmp_path, here) == (3.0, True)
    (area / "here.py").rename(area / "there.py")
    assert run(tmp_path, there) == (3.0, False) and run(tmp_path, there) == (3.0, True)
    (area / "there.py").write_text("Pair = None\n")  # The module is there, and the class is not.
    (area / "here.py").write_text(TUPLES)
    assert run(tmp_path, here) == (3.0, False) and run(tmp_path, here) == (3.0, True)
