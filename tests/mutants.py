"""Would the tests notice a wrong line? Draws small changes of the sources, one at a time, and runs the tests on each.

    python tests/mutants.py --seed 1 --count 120 --json out/mutants.json

Each change is made in a copy of the tree, never in this one, and kernels run there as plain Python (a changed kernel
would compile for minutes). What the tests of that file notice is killed, what they do not is a survivor. The draw
depends on the seed and the sources alone: first one of six families of changes, then one of all changes of that family,
so that constants, of which there are most, do not crowd out the rest. Verdicts are written one by one; with the same
file for ``--json`` a run goes on where it was stopped, and tries the survivors again.
"""

from __future__ import annotations

import argparse
import ast
import copy
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINK, PIBT, FILTER = "tests/swarm/runtime/link", "tests/swarm/planning/pibt", "tests/swarm/filter"
TESTS = {
    "swarm/filter/barriers.py": [f"{FILTER}/test_barriers.py", FILTER],
    "swarm/filter/nominal/control.py": [f"{FILTER}/test_nominal.py", FILTER],
    "swarm/filter/qp.py": [f"{FILTER}/test_qp_exact.py", f"{FILTER}/test_qp.py", FILTER],
    "swarm/filter/reference.py": [f"{FILTER}/test_qp_exact.py", f"{FILTER}/test_qp.py"],
    "swarm/filter/safety.py": [f"{FILTER}/test_shield.py", FILTER],
    "swarm/filter/shield.py": [f"{FILTER}/test_shield.py", FILTER],
    "swarm/filter/tunables.py": [f"{FILTER}/test_tunables.py", FILTER],
    "swarm/planning/pibt/reservation.py": [PIBT],
    "swarm/runtime/link/report_codec.py": [f"{LINK}/test_wire.py", f"{LINK}/test_inbox.py"],
    "swarm/runtime/link/inbox.py": [f"{LINK}/test_inbox_limits.py", f"{LINK}/test_inbox.py"],
}
"""The sources, and what tests each of them, the nearest first."""

COMPARISONS: dict[type, tuple[type, ...]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq, ast.LtE), ast.NotEq: (ast.Eq, ast.Gt), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
}  # fmt: skip
ARITHMETIC: dict[type, type] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mod,
    ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.LShift: ast.RShift,
    ast.USub: ast.UAdd,
}  # fmt: skip
DROPPED = (ast.Expr, ast.AugAssign, ast.Raise, ast.Return, ast.Continue, ast.Break)
SWAPPED = {"min": "max", "max": "min"}
PROFILE = """
no_shrinking = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
hypothesis.settings.register_profile("mutants", hypothesis.settings.get_profile("swarm"), phases=no_shrinking)
hypothesis.settings.load_profile("mutants")
"""
"""Ends the copy's conftest: the same examples, but one that fails need not be made small."""
MEMORY = 8 << 30
"""Most bytes that the tests of a mutant may take: a loop that does not end must not take the machine's."""


@dataclass(frozen=True)
class Mutant:
    """One change: where it is, and what it makes of what."""

    file: str
    line: int
    family: str
    before: str
    after: str
    number: int
    """Among all changes of its file, in order."""


def changed_constant(value: object) -> list[object]:
    """What a constant becomes: a neighbour of a whole number, half or double of another one."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1]
    if isinstance(value, float):
        return [1.0] if value == 0.0 else [2.0 * value, 0.5 * value]
    return []


def changes_of(node: ast.AST) -> Iterator[tuple[str, Callable[[ast.AST], ast.AST]]]:
    """Each family and change of one node; a change takes a copy of the node and returns what stands there then."""
    if isinstance(node, ast.Compare):
        for k, operator in enumerate(node.ops):
            yield from (("comparison", _with_comparison(k, other)) for other in COMPARISONS[type(operator)])
    elif isinstance(node, ast.BinOp | ast.AugAssign | ast.UnaryOp) and type(node.op) in ARITHMETIC:
        yield "arithmetic", _with(op=ARITHMETIC[type(node.op)]())
    elif isinstance(node, ast.Constant):
        yield from (("constant", _with(value=value)) for value in changed_constant(node.value))
    elif isinstance(node, ast.BoolOp):
        yield "boolean", _with(op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "boolean", lambda made: made.operand  # type: ignore[attr-defined]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SWAPPED:
        yield "min or max", _with(func=ast.Name(SWAPPED[node.func.id], ast.Load()))
    stored = isinstance(node, ast.Assign) and not isinstance(node.targets[0], ast.Name | ast.Tuple)
    text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    if (isinstance(node, DROPPED) or stored) and not text:
        yield "dropped statement", lambda made: ast.Pass()


def _with(**fields: object) -> Callable[[ast.AST], ast.AST]:
    """A change of some fields of a node."""

    def change(node: ast.AST) -> ast.AST:
        for name, value in fields.items():
            setattr(node, name, value)
        return node

    return change


def _with_comparison(place: int, operator: type) -> Callable[[ast.AST], ast.AST]:
    """A change of one operator of a comparison."""

    def change(node: ast.AST) -> ast.AST:
        node.ops[place] = operator()  # type: ignore[attr-defined]
        return node

    return change


def sites(node: ast.AST) -> Iterator[tuple[ast.AST, str, ast.AST]]:
    """All that is run of a tree, with where it hangs (parent and field); no annotations and no decorators."""
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield node, field, child
                yield from sites(child)


Change = tuple[Mutant, Callable[[], str]]
"""A mutant, and what gives the source that it makes."""


def mutants_of(file: str, source: str) -> list[Change]:
    """All mutants of a source."""
    tree = ast.parse(source)
    found: list[Change] = []
    for parent, field, node in list(sites(tree)):
        for family, change in changes_of(node):
            made = change(copy.deepcopy(node))
            # A constant alone would not say much: what it stands in is shown.
            before, after = (parent, _replaced(parent, field, node, made)) if family == "constant" else (node, made)
            texts = [ast.unparse(ast.fix_missing_locations(one)).split("\n")[0] for one in (before, after)]
            line = getattr(node, "lineno", getattr(parent, "lineno", 0))
            mutant = Mutant(file, line, family, texts[0], texts[1], len(found))
            found.append((mutant, partial(_source_with, tree, parent, field, node, made)))
    return found


def _replaced(parent: ast.AST, field: str, node: ast.AST, made: ast.AST) -> ast.AST:
    """A copy of a node with another child."""
    held, other = getattr(parent, field), copy.copy(parent)
    setattr(other, field, [made if one is node else one for one in held] if isinstance(held, list) else made)
    return other


def _source_with(tree: ast.AST, parent: ast.AST, field: str, node: ast.AST, made: ast.AST) -> str:
    """The source of a tree with one node replaced; the tree stays as it is."""
    held = getattr(parent, field)
    setattr(parent, field, getattr(_replaced(parent, field, node, made), field))
    text = ast.unparse(ast.fix_missing_locations(tree))
    setattr(parent, field, held)
    return text


def draw(seed: int, count: int) -> list[Change]:
    """So many mutants; the first of more are the same as fewer."""
    families: dict[str, list[Change]] = {}
    for file in TESTS:
        for one in mutants_of(file, (ROOT / file).read_text(encoding="utf-8")):
            families.setdefault(one[0].family, []).append(one)
    rng = random.Random(seed)
    drawn: list[Change] = []
    while len(drawn) < count and families:
        family = rng.choice(sorted(families))
        drawn.append(families[family].pop(rng.randrange(len(families[family]))))
        if not families[family]:
            del families[family]
    return drawn


def limit_memory() -> None:
    """In the process of the tests, before they start."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def verdict(tree: Path, tests: list[str], time_out: float) -> str:
    """What the tests say in a copy of the tree: killed, killed (time-out) or survived."""
    switches = {"NUMBA_DISABLE_JIT": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(tree)}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(
            command, cwd=tree, env=os.environ | switches, capture_output=True, timeout=time_out,
            preexec_fn=limit_memory,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "killed (time-out)"
    if done.returncode not in (0, 1, 2):  # passed, failed, not even imported
        raise RuntimeError(f"pytest ended with {done.returncode}:\n{done.stdout.decode()[-2000:]}")
    return "killed" if done.returncode else "survived"


def copy_tree(tree: Path) -> None:
    """Put what the tests need into a folder."""
    for name in ("swarm", "tests", "launch"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tree)
    with (tree / "tests" / "conftest.py").open("a", encoding="utf-8") as conftest:
        conftest.write(PROFILE)


def run(drawn: list[Change], known: list[dict], file: Path | None, time_out: float) -> list[dict]:
    """Verdicts of all mutants; each is written as soon as it is there. Who was killed before stays killed."""
    wanted = [asdict(mutant) for mutant, _ in drawn]
    before = {json.dumps(_bare(one)): one["verdict"] for one in known}
    found = [one | {"verdict": before.get(json.dumps(one), "not tried")} for one in wanted]
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        tree = Path(folder)
        copy_tree(tree)
        everything = sorted({path for tests in TESTS.values() for path in tests})
        if verdict(tree, everything, 20.0 * time_out) != "survived":
            raise RuntimeError("the tests fail without any change")
        for k, (mutant, make) in enumerate(drawn):
            if found[k]["verdict"].startswith("killed"):
                continue
            place = tree / mutant.file
            source = place.read_text(encoding="utf-8")
            place.write_text(make(), encoding="utf-8")
            found[k]["verdict"] = verdict(tree, TESTS[mutant.file], time_out)
            place.write_text(source, encoding="utf-8")
            print("{verdict:9} {file}:{line}  {before}  →  {after}".format(**found[k]), flush=True)
            if file is not None:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return found


def _bare(result: dict) -> dict:
    """A result without its verdict."""
    return {name: value for name, value in result.items() if name != "verdict"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--seed", type=int, default=1, help="of the draw")
    parser.add_argument("--count", type=int, default=120, help="mutants to draw")
    parser.add_argument("--json", type=Path, help="verdicts; a run with the same file goes on with it")
    parser.add_argument("--time-out", type=float, default=240.0, help="seconds for one mutant, which is killed by it")
    given = parser.parse_args()
    known = json.loads(given.json.read_text(encoding="utf-8")) if given.json and given.json.exists() else []
    results = run(draw(given.seed, given.count), known, given.json, given.time_out)
    left = [one for one in results if one["verdict"] == "survived"]
    print(f"\n{len(results)} mutants, {len(results) - len(left)} killed, {len(left)} survived")
    for one in left:
        print("{file}:{line}  {family}: {before}  →  {after}".format(**one))


if __name__ == "__main__":
    main()
