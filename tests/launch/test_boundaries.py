"""Where a line of code may lead: no arrow up, no circle, nothing reached by a path or a string, no folder too full."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from oracles.project import ROOT

# From the top down; what stands in one line is side by side. A room may import what is below it, and nothing else.
ORDER = (
    ("launch",),
    ("studies",),
    ("envs.commands",),
    ("envs.bullet",),
    ("envs.rollout", "envs.vector"),
    ("envs.formats",),
    ("envs.arena", "envs.grid"),
    ("envs.scenarios", "envs.render"),
    ("envs",),
    ("envs.registry", "envs.strangers", "envs.threads"),
    ("policies.follower", "policies.tuner"),
    ("policies",),
    ("swarm",),
    ("swarm.fleet",),
    ("swarm.runtime",),
    ("swarm.explanation",),
    ("swarm.robot",),
    ("swarm.planning",),
    ("swarm.tune",),
    ("swarm.filter",),
    ("swarm.sense",),
    ("swarm.scenario",),
    ("swarm.model",),
    ("swarm.files",),
    ("swarm.kernel_cache",),
    ("swarm.mixing",),
    ("swarm.errors",),
    ("swarm.array_types",),
)
RANK = {room: rank for rank, side_by_side in enumerate(ORDER) for room in side_by_side}
FOLDERS = ("swarm", "envs", "policies", "launch")
MOST = 15
"""Modules and folders in one folder."""


def module_of(path: Path) -> str:
    """The dotted name of a source; scripts of ``launch`` all count as ``launch``."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    if parts[0] == "launch":
        parts = parts[1:] if parts[1] == "studies" else ("launch",)
    return ".".join(part for part in parts if part != "__init__")


SOURCES = {path: module_of(path) for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))}


def imports(path: Path) -> Iterator[str]:
    """Dotted names of all that a source imports of ours, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from (name for name in names if name.split(".")[0] in ("swarm", "envs", "policies", "studies"))


def room_of(module: str) -> str:
    """The room that a module stands in."""
    two = ".".join(module.split(".")[:2])
    return two if two in RANK else module.split(".")[0]


def test_every_source_has_a_room() -> None:
    assert len(SOURCES) > 200
    unknown = {module for module in SOURCES.values() if "." in module and room_of(module) in ("swarm", "envs")}
    assert unknown == set(), "add the room to ORDER, and say in docs/design.md what it is for"


def test_the_design_says_the_same() -> None:
    text = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    arrows = re.findall(r"^    (.+)$", text.partition("## Arrows")[2].partition("## Conventions")[0], re.M)
    assert tuple(tuple(line.split(", ")) for line in arrows) == ORDER
    tree = set(re.findall(r"^    (\S+) +\S", text.partition("## The tree")[2].partition("## Arrows")[0], re.M))
    rooms = {path.parent.relative_to(ROOT).as_posix() for path in SOURCES}
    assert rooms - tree == set(), "one line a room"
    assert {room for room in tree - rooms if not (ROOT / room).is_dir()} == set()


def test_no_arrow_leads_up() -> None:
    up = []
    for path, module in SOURCES.items():
        here = room_of(module)
        for name in imports(path):
            there = room_of(name)
            # A package's face loads names of its own rooms, when they are asked for.
            if there != here and RANK[there] <= RANK[here] and not (here == "swarm" and there.startswith("swarm")):
                up.append(f"{path.relative_to(ROOT)}: {name}")
    assert up == []


@pytest.mark.parametrize("folder", [*FOLDERS[:3], "launch/studies"])
def test_no_circle_among_the_entries_of_any_folder(folder: str) -> None:
    packages = {path.parent for path in SOURCES if path.is_relative_to(ROOT / folder)}
    for package in packages:
        name = module_of(package / "__init__.py")
        arrows: dict[str, set[str]] = {}
        for path, module in SOURCES.items():
            if module.startswith(f"{name}."):
                entry = module.removeprefix(f"{name}.").split(".")[0]
                others = (other.removeprefix(f"{name}.").split(".")[0] for other in imports(path) if
                          other.startswith(f"{name}."))  # fmt: skip
                known = {other for other in others if (package / other).is_dir() or (package / f"{other}.py").is_file()}
                arrows.setdefault(entry, set()).update(known - {entry})
        try:
            TopologicalSorter(arrows).prepare()
        except CycleError as error:
            pytest.fail(f"{package.relative_to(ROOT)}: {' → '.join(error.args[1])}")


def strings(path: Path) -> Iterator[tuple[int, str]]:
    """All strings of a source that are no documentation, with their lines."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.lineno, node.value


def hidden(text: str, module: str) -> bool:
    """Whether a string names a module or a path of a room above, and is no sentence; a bare word may be anything."""
    if " " in text.strip():
        return False
    for name in re.findall(r"(?<![\w.])((?:envs|policies|studies|launch)[./][\w./*]+)", text):
        there = room_of(name.replace("/", ".").replace("launch.studies", "studies"))
        if RANK.get(there, 0) < RANK[room_of(module)]:
            return True
    return False


def test_the_search_for_hidden_arrows_finds_them() -> None:
    for text in ("envs.bullet.host", "launch/deploy.py", "envs/*_kernels.py", "envs.arena.env:ArenaEnv"):
        assert hidden(text, "swarm.tune.controllers"), text
    assert not hidden("trained by launch/train.py", "swarm.tune.controllers")
    assert not hidden("swarm.runtime.process", "swarm.fleet.supervisor")


def test_nothing_above_is_reached_by_a_string_or_by_counting_folders() -> None:
    found = []
    for path, module in SOURCES.items():
        if module != "launch" and not module.startswith("studies"):
            # The registry names classes of rooms above: they are loaded when somebody asks for them.
            known = module == "envs.registry"
            found += [f"{path.relative_to(ROOT)}:{line}: {text!r}" for line, text in strings(path)
                      if not known and hidden(text, module)]  # fmt: skip
            text = path.read_text(encoding="utf-8")
            # Looking a package up by its name: only its own, for its data.
            looked_up = re.findall(r"(?:find_spec|import_module|files)\(\"(\w+)\"\)", text)
            found += [f"{path.relative_to(ROOT)}: {one}" for one in looked_up
                      if one in (*FOLDERS, "studies") and one != module.split(".")[0]]  # fmt: skip
            found += [f"{path.relative_to(ROOT)}: {one}" for one in re.findall(r"parents\[\d\]|\.parent\.parent", text)]
    assert found == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_folder_has_more_entries_than_one_can_look_through(folder: str) -> None:
    for package in {ROOT / folder, *(path.parent for path in SOURCES if path.is_relative_to(ROOT / folder))}:
        entries = [
            path.name
            for path in package.iterdir()
            if (path.suffix == ".py" and path.name != "__init__.py")
            or (path.is_dir() and path.name != "__pycache__" and not path.name.startswith("."))
        ]
        assert len(entries) <= MOST, f"{package.relative_to(ROOT)}: {sorted(entries)}"
