"""The boundaries between the folders hold, and the installation is pinned."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from oracles.project import ROOT

MODULES = sorted(path for folder in ("swarm", "envs", "policies") for path in (ROOT / folder).rglob("*.py"))


def imported_roots(source: str) -> set[str]:
    """Top-level names of every import in a module, also of those inside functions."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


def foreign_imports(folder: str, forbidden: set[str]) -> list[str]:
    """``module: name`` of each import in ``folder`` that is forbidden there; commands join what others keep apart."""
    return [
        f"{path.relative_to(ROOT)}: {name}"
        for path in MODULES
        if path.relative_to(ROOT).parts[0] == folder and path.relative_to(ROOT).parts[1] != "commands"
        for name in sorted(imported_roots(path.read_text(encoding="utf-8")) & forbidden)
    ]


def test_the_scan_sees_imports_of_every_form() -> None:
    source = "import a.b\nfrom c.d import e\ndef f():\n    import g\n    from . import h\n"
    assert imported_roots(source) == {"a", "c", "g"}
    assert len(MODULES) > 5


@pytest.mark.parametrize(
    ("folder", "forbidden"),
    [
        ("swarm", {"envs", "policies", "torch", "gymnasium", "pettingzoo", "pybullet"}),
        ("swarm", {"matplotlib", "pygame", "tyro", "rich", "pickle"}),
        ("envs", {"policies", "torch", "pickle"}),
        ("policies", {"envs", "gymnasium", "pettingzoo", "pybullet", "pickle"}),
    ],
)
def test_folders_keep_their_boundaries(folder: str, forbidden: set[str]) -> None:
    assert foreign_imports(folder, forbidden) == []


def test_importing_every_module_of_swarm_loads_nothing_heavy() -> None:
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in MODULES
        if path.relative_to(ROOT).parts[0] == "swarm" and path.name != "__main__.py"
    ]
    code = (
        "import importlib, sys\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        "heavy = {'torch', 'gymnasium', 'pettingzoo', 'pybullet', 'matplotlib', 'cvxpy'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_launch_is_a_folder_of_scripts() -> None:
    assert not (ROOT / "launch" / "__init__.py").exists()


def test_library_code_neither_asserts_nor_exits() -> None:
    found = []
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(node.func, "id", None) if isinstance(node, ast.Call) else None
            wrong = isinstance(node, ast.Assert) or name in ("exit", "quit")
            if wrong and isinstance(node, ast.stmt | ast.expr):
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert found == []


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    inexact = [pin for pin in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==[^+\s]+", pin)]
    assert inexact == [], "exact versions, without local tags"
    pinned = {re.sub(r"[-_.]+", "-", pin.split("==")[0]).lower() for pin in pins}
    extras = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *(name for extra in extras for name in extra)]
    names = {re.sub(r"[-_.]+", "-", re.split(r"[=<>~!;]", name)[0].strip()).lower() for name in wanted}
    assert names - pinned == set()


def test_only_the_three_packages_are_installed() -> None:
    setuptools = pytest.importorskip("setuptools")
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    found = setuptools.find_namespace_packages(str(ROOT), include=tools["packages"]["find"]["include"])
    assert {name.split(".")[0] for name in found} == {"swarm", "envs", "policies"}


# What a file of tests imports that not every Python has, and the marker that it then has.
RARE = {"torch": r"torch|policies\.(tuner|follower|distributed)", "bullet": r"pybullet|envs\.bullet"}


@pytest.mark.parametrize("marker", RARE)
def test_tests_that_import_what_not_every_python_has_are_marked(marker: str) -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")}
    users = {path for path, text in texts.items() if re.search(rf"^(import|from) ({RARE[marker]})\b", text, re.M)}
    marked = {path for path, text in texts.items() if re.search(rf"^pytestmark = .*mark\.{marker}\b", text, re.M)}
    assert len(users) >= 3
    assert users <= marked


def test_make_prints_its_targets() -> None:
    done = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0
    for target in ("install", "test", "lint", "demo", "clean"):
        assert re.search(rf"make {target}\b", done.stdout)


def test_make_without_a_usable_python_says_so(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text((ROOT / "Makefile").read_text())
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_text("")
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("python3", "python3.11"):
        (tools / name).write_text("#!/bin/sh\nexit 1\n")
        (tools / name).chmod(0o755)
    environment = {"PATH": f"{tools}:/usr/bin:/bin"}
    done = subprocess.run(["make", "install"], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode != 0
    assert "no Python 3.11 or newer found" in done.stderr


def test_ci_runs_the_test_command_of_the_readme() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert "make test" in script.read_text()
    readme = ROOT / "README.md"
    assert not readme.exists() or "make test" in readme.read_text(encoding="utf-8")


def test_scripts_of_launch_import_without_running() -> None:
    for path in sorted((ROOT / "launch").glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"launch_{path.stem}", path)
        assert spec is not None
        tree = ast.parse(path.read_text(encoding="utf-8"))
        guarded = any(isinstance(node, ast.If) and "__main__" in ast.dump(node.test) for node in tree.body)
        assert guarded, f"{path.name} has no `if __name__ == '__main__'`"
