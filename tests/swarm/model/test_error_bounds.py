"""Declared errors: what is refused, files and command lines that say the same, and columns that keep their order."""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from swarm.errors import InputError
from swarm.files.yaml_input import parse_yaml
from swarm.model import error_bounds
from swarm.model.error_bounds import ERRORS, EXACT, KEYS, ErrorBounds, parse_errors, read_errors

NUMBERS = [key for key in KEYS if key != "others"]
SHARES = ("loss", "slip")
FULL = ErrorBounds(0.01, 0.02, 0.03, 0.04, 0.05, 0.1, 0.15, 0.06, 0.07, 0.08, "sensed")

lengths = st.floats(0.0, 1e6)
shares = st.floats(0.0, 1.0, exclude_max=True)
times = st.floats(0.0, 60.0)
TIMES = ("age", "latency", "dead_time", "lag")
numbers = {key: shares if key in SHARES else times if key in TIMES else lengths for key in NUMBERS}
bounds = st.builds(ErrorBounds, **numbers, others=st.sampled_from(["heard", "sensed"]))


def test_without_any_everything_is_exact() -> None:
    assert ErrorBounds() == EXACT
    assert not EXACT.any and EXACT.declared() == {} and EXACT.describe() == "none"
    assert EXACT.as_array().tolist() == [0.0] * ERRORS
    assert not ErrorBounds(others="sensed").any and ErrorBounds(others="sensed") != EXACT


def one_bound(key: str, value: Any) -> ErrorBounds:
    """Bounds of which one is given."""
    return ErrorBounds(**{key: value})


@pytest.mark.parametrize("key", NUMBERS)
def test_every_number_has_its_column(key: str) -> None:
    found = one_bound(key, 0.25)
    column = getattr(error_bounds, f"E_{key.upper()}")
    assert found.any and found.declared() == {key: 0.25}
    assert found.as_array().dtype == np.float64 and np.flatnonzero(found.as_array()).tolist() == [column]
    assert column == NUMBERS.index(key) and len(NUMBERS) == ERRORS


def test_fields_and_keys_are_the_same() -> None:
    assert tuple(field.name for field in dataclasses.fields(ErrorBounds)) == KEYS


@pytest.mark.parametrize("key", NUMBERS)
@pytest.mark.parametrize("value", [-1e-9, math.nan, math.inf, -math.inf, 2e6, 10**400, True, None, "0.1", [0.1]])
def test_what_is_no_bound_is_refused(key: str, value: object) -> None:
    with pytest.raises(InputError) as caught:
        one_bound(key, value)
    assert caught.value.where == f"errors.{key}" and caught.value.value is value and "0" in caught.value.valid


@pytest.mark.parametrize("key", TIMES)
def test_a_time_is_at_most_a_minute(key: str) -> None:
    assert getattr(one_bound(key, 60.0), key) == 60.0
    with pytest.raises(InputError, match=rf"errors\.{key}: got 100000\.0; valid: a number, 0 to 60 s"):
        one_bound(key, 1e5)


@pytest.mark.parametrize("key", SHARES)
def test_a_share_is_below_1(key: str) -> None:
    with pytest.raises(InputError, match=rf"errors\.{key}: got 1\.0; valid: a share, 0 or more and below 1"):
        one_bound(key, 1.0)
    assert getattr(one_bound(key, 1.0 - 1e-9), key) < 1.0


def test_others_are_heard_or_sensed() -> None:
    with pytest.raises(InputError, match=r"errors\.others: got 'seen'; valid: heard or sensed"):
        ErrorBounds(others="seen")  # type: ignore[arg-type]


def test_numbers_of_all_kinds_become_floats_and_equal_bounds_have_equal_bytes() -> None:
    found = ErrorBounds(position=np.float32(0.5), age=1, lag=-0.0)  # type: ignore[arg-type]
    assert [type(getattr(found, key)) for key in NUMBERS] == [float] * ERRORS
    assert found.as_array().tobytes() == ErrorBounds(position=0.5, age=1.0).as_array().tobytes()


def test_one_line_for_people() -> None:
    assert FULL.describe() == (
        "position 10 mm, heading 1.1 deg, velocity 30 mm/s, sensing 40 mm, age 50 ms, latency 100 ms, loss 15 %, "
        "dead time 60 ms, lag 70 ms, slip 8 %, others sensed"
    )
    assert ErrorBounds(heading=math.radians(1.0)).describe() == "heading 1.0 deg"
    assert ErrorBounds(heading=math.radians(0.01)).describe() == "heading 0.01 deg"


# Files and command lines.


@given(bounds)
def test_a_file_says_the_same(errors: ErrorBounds) -> None:
    text = yaml.safe_dump(errors.declared())
    assert read_errors(parse_yaml(text, "errors.yaml")) == errors


@given(bounds)
def test_a_command_line_says_the_same(errors: ErrorBounds) -> None:
    pairs = [f"{key}={value}" for key, value in errors.declared().items()]
    assert parse_errors(",".join(pairs) or "position=0") == errors
    assert parse_errors(" , ".join(pair.replace("=", " = ") for pair in reversed(pairs)) or "lag=0") == errors


def test_a_file_may_have_them_at_its_top_or_under_errors(tmp_path) -> None:
    for name, text in (
        ("top.yaml", "lag: 0.1\nothers: sensed\n"),
        ("below.yml", "fleet: two\nerrors: {lag: 1e-1, others: sensed}\n"),
        ("a=b.yaml", "{lag: 0.1, others: 'sensed'}\n"),
        ("calibrated.txt", "errors: {lag: 0.1, others: sensed}\nlimits: {speed: 1}\n"),
    ):
        (tmp_path / name).write_text(text)
        assert parse_errors(str(tmp_path / name)) == ErrorBounds(lag=0.1, others="sensed")
    (tmp_path / "none.yaml").write_text("errors: {}\n")
    assert parse_errors(str(tmp_path / "none.yaml")) == EXACT


ANY_KEY = re.escape(", ".join(KEYS))


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", rf"errors: got ''; valid: KEY=VALUE,\.\.\. with the keys {ANY_KEY}, or an existing YAML file"),
        ("position", "errors: got 'position'; valid: KEY=VALUE"),
        ("none/such/file", "errors: got 'none/such/file'; valid: .* or an existing YAML file"),
        ("nul\0", "errors: got 'nul"),
        ("none/such.yaml", r"none/such\.yaml: got 'No such file"),
        ("lag=0.1,", "errors: got ''"),
        ("postion=0.1", rf"errors\.postion: got 'an unknown key'; valid: one of the keys {ANY_KEY}"),
        ("lag=0.1,lag=0.1", r"errors\.lag: got 'the key again'; valid: each key once"),
        ("lag=", r"errors\.lag: got None; valid: a number, 0 to 60 s"),
        ("lag=1=2", r"errors\.lag: got '1=2'"),
        ("lag=fast", r"errors\.lag: got 'fast'"),
        ("lag=1_0", r"errors\.lag: got '1_0'"),
        ("lag=nan", r"errors\.lag: got 'nan'"),
        ("lag=.inf", r"errors\.lag: got inf"),
        ("heading=-0.1", r"errors\.heading: got -0\.1; valid: a number, 0 to 1e\+06 rad"),
        ("heading=1deg", r"errors\.heading: got '1deg'"),
        ("loss=1", r"errors\.loss: got 1\.0; valid: a share"),
        ("others=0", r"errors\.others: got 0\.0; valid: heard or sensed"),
    ],
)
def test_a_wrong_command_line_is_one_clear_error(text: str, wrong: str) -> None:
    with pytest.raises(InputError, match=wrong):
        parse_errors(text)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("lag: 0.1\nslip: 1\n", r"e\.yaml:2: slip: got 1\.0; valid: a share"),
        ("\nerrors:\n  lag: -1\n", r"e\.yaml:3: errors\.lag: got -1\.0; valid: a number, 0 to 60 s"),
        ("errors: {lags: 1}\n", r"e\.yaml:1: errors\.lags: got 'an unknown key'; valid: .*dead_time \(optional\)"),
        ("environment: {}\n", r"e\.yaml:1: environment: got 'an unknown key'"),
        ("lag: 0.1\nerrors: {slip: 0.1}\n", r"e\.yaml:1: lag: .* or all at the top"),
        ("errors:\n", r"e\.yaml:1: errors: got None; valid: a mapping with the keys position"),
        ("[1]\n", r"e\.yaml:1: the file: got 'a list of 1'"),
        ("", r"e\.yaml.*valid: a mapping"),
    ],
)
def test_a_wrong_file_is_one_clear_error(tmp_path, text: str, wrong: str) -> None:
    (tmp_path / "e.yaml").write_text(text)
    with pytest.raises(InputError, match=wrong):
        parse_errors(str(tmp_path / "e.yaml"))
