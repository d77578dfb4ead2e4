"""Whether a copy of something that is stepped goes on as the original does, and leaves it alone."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, Literal

import numpy as np

PATIENCE = 240.0
"""Seconds for a process on a busy machine, which loads everything anew when it is spawned."""
COPIES: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda one: pickle.loads(pickle.dumps(one)),
    "deepcopy": copy.deepcopy,
}

Go = Callable[[Any], Any]
"""Steps something, always in the same way, and gives all that came of it; at the top of a module, to be pickled."""


def assert_same(found: Any, wanted: Any) -> None:
    """The same values bit for bit, in dictionaries, sequences and arrays."""
    if isinstance(wanted, dict):
        assert found.keys() == wanted.keys()
        for key, value in wanted.items():
            assert_same(found[key], value)
    elif isinstance(wanted, list | tuple):
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            assert_same(one, other)
    else:
        np.testing.assert_array_equal(found, wanted)


def assert_goes_on(core: Any, other: Any, *, before: int, after: int) -> None:
    """Worlds that take the state of others, which have been driven, go on exactly as those do."""
    rng, shape = np.random.default_rng(5), core.last_action.shape
    for _ in range(before):
        core.step(rng.random(shape))
    other.load_state_dict(core.state_dict())
    for _ in range(after):
        action = rng.random(shape)
        core.step(action)
        other.step(action)
        assert np.array_equal(core.state, other.state)


def assert_copy_agrees(original: Any, make_copy: Callable[[Any], Any], go: Go) -> Any:
    """The copy is driven first, then the original: each comes to the same; gives the copy."""
    copied = make_copy(original)
    found = go(copied)
    assert_same(go(original), found)
    return copied


def env_steps(env: Any, steps: int = 12) -> list[Any]:
    """What a PettingZoo environment answers to the same random actions, its pictures too; it may have begun already."""
    rng, said = np.random.default_rng(5), []
    if not env.agents:
        said.append(env.reset(seed=5))
    for _ in range(steps):
        actions = {}
        for agent in env.agents:
            space = env.action_space(agent)
            high = getattr(space, "n", None)
            actions[agent] = int(rng.integers(high)) if high else rng.uniform(size=space.shape).astype(np.float32)
        said.append(env.step(actions))
    return [*said, env.render()]


def _answer(connection: Connection, thing: Any, go: Go) -> None:
    connection.send(go(thing))


def in_process(method: Literal["fork", "spawn"], thing: Any, go: Go) -> Any:
    """What comes of it in a child process: ``fork`` inherits it, ``spawn`` gets it pickled."""
    fork, spawn = multiprocessing.get_context("fork"), multiprocessing.get_context("spawn")
    make = fork.Process if method == "fork" else spawn.Process
    ours, theirs = spawn.Pipe()
    child = make(target=_answer, args=(theirs, thing, go))
    child.start()
    theirs.close()
    try:
        assert ours.poll(PATIENCE), f"nothing came from the child within {PATIENCE} s"
        return ours.recv()
    finally:
        child.join(PATIENCE)
        child.kill()
