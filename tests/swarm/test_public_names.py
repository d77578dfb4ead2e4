"""What a user writes against: every public name is there, documented, and shown by dir and help."""

from __future__ import annotations

import inspect
import pydoc
import subprocess
import sys

import pytest

import swarm


@pytest.mark.parametrize("name", swarm.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    found = getattr(swarm, name)
    assert inspect.getdoc(found), f"{name} has no docstring"
    assert found.__name__ == name and name in dir(swarm)
    assert name in (swarm.__doc__ or ""), f"help(swarm) does not say what {name} is for"


def test_help_shows_them() -> None:
    text = pydoc.plain(pydoc.render_doc(swarm))
    assert all(name in text for name in swarm.__all__)


def test_an_unknown_name_is_answered_with_those_that_exist() -> None:
    with pytest.raises(AttributeError, match="load_fleet"):
        swarm.nothing  # noqa: B018


def test_a_name_costs_only_its_part() -> None:
    code = "import sys, swarm; swarm.View; swarm.Limits; print('swarm.runtime' in sys.modules, 'zenoh' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
