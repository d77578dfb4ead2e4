"""What the documents say works: their Python runs; the paths, modules, commands and targets that they name exist."""

from __future__ import annotations

import importlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from oracles.project import ROOT

README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
DOCUMENTS = [*PAGES, *sorted((ROOT / "docs" / "guides").glob("*.md"))]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))


def text_of(document: Path) -> str:
    """The text; of tables in the changelog, what things are called now and not what they were called before."""
    text = document.read_text(encoding="utf-8")
    return re.sub(r"^\|[^|]*(?=\|)", "", text, flags=re.M) if document.name == "CHANGELOG.md" else text


def code_of(text: str) -> str:
    """All that is set as code: between backticks, in fences, or indented."""
    fenced = re.findall(r"```.*?```", text, re.S)
    rest = re.sub(r"```.*?```", "", text, flags=re.S)
    return "\n".join([*fenced, *re.findall(r"^    .*$", rest, re.M), *re.findall(r"`([^`\n]+)`", rest)])


def named(dotted: str) -> bool:
    """Whether a dotted name is that of a module, or of something in one."""
    parts = dotted.split(".")
    for count in range(len(parts), 0, -1):
        name = ".".join(parts[:count])
        try:
            found: Any = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{name}.".startswith(f"{error.name}."):
                raise
            continue
        for attribute in parts[count:]:
            # A field of a dataclass without a default, or of a protocol, is none of its attributes.
            if not hasattr(found, attribute) and attribute not in getattr(found, "__annotations__", {}):
                return False
            found = getattr(found, attribute, None)
        return True
    return False


def there(path: str) -> bool:
    """Whether a path of the project exists; a part in capitals stands for what the reader puts there."""
    parts = path.rstrip("./").split("/")
    known = [part for k, part in enumerate(parts) if not any(re.match(r"[A-Z]+(\.|$)", one) for one in parts[: k + 1])]
    return any(ROOT.glob("/".join(known))) if known else True


def wrong(document: Path, text: str) -> Iterator[str]:
    """What a text names that does not exist."""
    code = code_of(text)
    for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if not link.startswith("http") and not (document.parent / link).exists():
            yield f"link {link}"
    for path in set(re.findall(r"(?<![\w./~-])((?:swarm|envs|policies|launch|tests|docs)/[\w./*-]+)", code)):
        if not there(path):
            yield f"path {path}"
    for name in set(re.findall(r"(?<![\w./-])((?:swarm|envs|policies|studies)(?:\.[A-Za-z_]\w*)+)", code)):
        if not named(name) and name not in PROJECT["entry-points"]:
            yield f"name {name}"
    for target in set(re.findall(r"\bmake ([a-z]+)", code)) - TARGETS:
        yield f"target make {target}"
    for command in set(re.findall(r"(?<![\w/.-])(swarm-[a-z]+)", code)) - {*PROJECT["scripts"], PROJECT["name"]}:
        yield f"command {command}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_everything_that_is_named_exists(document: Path) -> None:
    assert list(wrong(document, text_of(document))) == []


def test_what_does_not_exist_is_found() -> None:
    text = (
        "Run `make nothing`, `swarm-nowhere --help`, `python launch/nothing.py`; read [this](docs/nothing.md), "
        "`swarm/nothing.py`, `swarm.nothing.Robot` and `swarm.robot.Nobody`. These are fine: `make test`, "
        "`envs/maps/*.map`, `swarm.robot.Robot.step`, `swarm.runtime.drivers.base.Reading.state`, `swarm-robot`, "
        "`envs/scenarios/FAMILY.py`, [that](docs/safety.md), https://example.org/swarm/nothing.py."
    )
    assert sorted(wrong(README, text)) == [
        "command swarm-nowhere", "link docs/nothing.md", "name swarm.nothing.Robot", "name swarm.robot.Nobody",
        "path launch/nothing.py", "path swarm/nothing.py", "target make nothing",
    ]  # fmt: skip


BLOCKS = [
    pytest.param(code, id=f"{document.name}-{number}")
    for document in PAGES  # test_guides.py runs those of the guides
    for number, code in enumerate(re.findall(r"```python\n(.*?)```", document.read_text(encoding="utf-8"), re.S))
]


@pytest.mark.parametrize("code", BLOCKS)
def test_python_runs(code: str) -> None:
    exec(compile(code, "document", "exec"), {"__name__": "document"})


def test_the_example_of_the_readme_drives_towards_its_goal() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.S)
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    command = names["command"]
    assert command.outcome == "optimal"  # type: ignore[attr-defined]
    assert command.control[0] > 0.1  # type: ignore[attr-defined]


def test_the_readme_links_the_other_documents() -> None:
    linked = set(re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8")))
    assert {document.relative_to(ROOT).as_posix() for document in PAGES} - linked == {"README.md"}
    assert "docs/guides/index.md" in linked


def test_the_version_is_the_same_everywhere() -> None:
    import swarm

    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {swarm.__version__}\n" in citation
    assert f"\n## [{swarm.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
