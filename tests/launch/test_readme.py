"""What the README says works: its Python runs, its commands and pictures exist."""

from __future__ import annotations

import re

from oracles.project import ROOT

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_example_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.S)
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    command = names["command"]
    assert command.outcome == "optimal"  # type: ignore[attr-defined]
    assert command.control[0] > 0.1  # type: ignore[attr-defined]


def test_scripts_pictures_and_targets_exist() -> None:
    scripts = set(re.findall(r"launch/\w+\.py", TEXT))
    assert len(scripts) >= 5
    for name in scripts | set(re.findall(r"\]\(([^)#]+)\)", TEXT)):
        assert (ROOT / name).exists(), name
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"make ([a-z]+)", TEXT)) - {"are"}:
        assert f"\n{target}:" in makefile, target
