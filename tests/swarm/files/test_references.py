"""References: what they lead to, and one clear error for each way to lead nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import pytest

from swarm.errors import InputError
from swarm.files.references import check_part, is_reference, load_reference, make_part, moved, source_of

TEXT = """
from dataclasses import dataclass

@dataclass
class Record:
    value: int = 3

class Scaled:
    def __init__(self, factor, offset=1):
        self.factor, self.offset = factor, offset
    def __call__(self, x):
        return self.factor * x + self.offset

class Bare:
    pass

def double(x):
    return 2 * x

def three(x, y, z):
    return x
"""


class Function(Protocol):
    def __call__(self, x: float) -> float: ...


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "parts.py").write_text(TEXT)
    return tmp_path / "parts.py"


def test_what_has_the_form_of_one() -> None:
    for text in ("a.py:b", "dir/a.py:b", "/x y/a.py:b", "a.b.c:d", "a:b"):
        assert is_reference(text), text
    for text in ("a", "a.py", "fixed:6,1", "a.py:b c", "a-b:c", "runs/a:b", ":b"):
        assert not is_reference(text), text


def test_a_name_in_a_file_and_in_a_module(file: Path) -> None:
    assert load_reference("here", f"{file}:double")(4) == 8
    assert load_reference("here", f"{file}:Record")() == load_reference("here", f"{file}:Record")(3), "run once"
    assert load_reference("here", "math:hypot")(3.0, 4.0) == 5.0
    assert source_of(f"{file}:double") == file and source_of("dataclasses:field").name == "dataclasses.py"
    assert moved(f"{file}:double", Path("/copy/reward.py")) == "/copy/reward.py:double"
    file.write_text(TEXT.replace("2 * x", "5 * x"))
    assert load_reference("here", f"{file}:double")(4) == 20, "an edited file is run anew"


def test_a_class_gets_what_it_takes(file: Path) -> None:
    assert make_part("here", f"{file}:Scaled", Function, {"factor": 3, "other": 5})(2) == 7
    assert make_part("here", f"{file}:double", Function, {"factor": 3})(2) == 4


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("nowhere.py:x", r"here: got 'nowhere.py'; valid: a file that can be read"),
        ("no_such_module:x", "no module no_such_module here"),
        ("nothing", r"my_file.py:NAME or package.module:NAME"),
        ("PARTS:nobody", "Record, Scaled, Bare, double, three"),
        ("PARTS:Bare", r"got 'an object of Bare'; valid: Function: a function\(x\), or an object that can"),
        ("PARTS:three", r"arguments: got '\(x, y, z\)'; valid: Function: a function\(x\)"),
        ("PARTS:Scaled", r"got '\(factor, offset=1\)'; valid: no arguments without a default"),
    ],
)
def test_what_leads_nowhere_is_named(file: Path, reference: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        make_part("here", reference.replace("PARTS", str(file)), Function)


@pytest.mark.parametrize("line", ["def (", "1 / 0", "import no_such_package", "raise SystemError('x')"])
def test_a_file_that_cannot_be_run_is_named(file: Path, line: str) -> None:
    file.write_text(line)
    with pytest.raises(InputError, match=r"parts\.py"):
        load_reference("here", f"{file}:double")


def test_functions_that_tell_no_arguments_pass() -> None:
    check_part("here", max, Function)
