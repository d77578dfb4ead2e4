"""The draw of mutants: it finds every kind of change, repeats itself, and what it makes can be run and is different."""

from __future__ import annotations

import ast

import mutants

SOURCE = '''
"""Text."""
LEAST = 2.0


def f(x: int = 3, *, flag: bool = True) -> int:
    """Text."""
    if x < 1 and not flag:
        raise ValueError("x")
    x += min(x, 4)
    return x if x is None or x == LEAST else 0
'''


def test_every_family_of_changes_is_found() -> None:
    found = [(one.family, one.line, one.before, one.after) for one, _ in mutants.mutants_of("f.py", SOURCE)]
    for expected in (
        ("constant", 3, "LEAST = 2.0", "LEAST = 4.0"),
        ("constant", 3, "LEAST = 2.0", "LEAST = 1.0"),
        ("comparison", 8, "x < 1", "x <= 1"),
        ("comparison", 8, "x < 1", "x >= 1"),
        ("boolean", 8, "x < 1 and (not flag)", "x < 1 or not flag"),
        ("boolean", 8, "not flag", "flag"),
        ("dropped statement", 9, "raise ValueError('x')", "pass"),
        ("arithmetic", 10, "x += min(x, 4)", "x -= min(x, 4)"),
        ("dropped statement", 10, "x += min(x, 4)", "pass"),
        ("min or max", 10, "min(x, 4)", "max(x, 4)"),
        ("comparison", 11, "x is None", "x is not None"),
    ):
        assert expected in found
    assert {line for _, line, _, _ in found} == {3, 6, 8, 9, 10, 11}  # no text, no annotation


def test_each_mutant_is_another_program() -> None:
    made = [make() for _, make in mutants.mutants_of("f.py", SOURCE)]
    assert len(set(made)) == len(made)
    assert ast.unparse(ast.parse(SOURCE)) not in made
    for text in made:
        compile(text, "f.py", "exec")


def test_a_draw_repeats_itself_and_takes_from_all_families() -> None:
    some, more, others = ([one for one, _ in mutants.draw(*drawn)] for drawn in ((1, 30), (1, 40), (2, 30)))
    assert some == more[:30]
    assert some != others
    assert {one.family for one in more} == {
        "comparison", "arithmetic", "constant", "boolean", "min or max", "dropped statement"
    }  # fmt: skip
    assert {one.file for one in more} <= set(mutants.TESTS)


def test_all_sources_and_tests_that_are_named_are_there() -> None:
    for file, tests in mutants.TESTS.items():
        assert (mutants.ROOT / file).is_file()
        assert all((mutants.ROOT / path).exists() for path in tests)
