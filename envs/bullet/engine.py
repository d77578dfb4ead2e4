"""The physics engine itself: its connections, its messages, and its state as bytes."""

from __future__ import annotations

import contextlib
import importlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from swarm.errors import InputError, SwarmError

ASSETS = Path(__file__).parent / "assets"
"""URDF files of the shipped robots."""

GRAVITY = 9.81  # [m/s²]
_SOLVER_ITERATIONS = 10
# The engine ends the process that it cannot open a window for, so a process of its own tries first.
_TRIAL = "import pybullet; print('opened' if pybullet.connect(pybullet.GUI) >= 0 else '')"
_PATIENCE = 60.0  # [s]; a display far away


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Keeps the engine's messages, which C code prints, off the standard streams."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    saved = [(number, os.dup(number)) for number in (1, 2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for number, _ in saved:
            os.dup2(nowhere, number)
        yield
    finally:
        for number, copy in saved:
            os.dup2(copy, number)
            os.close(copy)
        os.close(nowhere)


with silent():
    bullet: Any = importlib.import_module("pybullet")


def connect(gui: bool, physics_dt: float) -> int:
    """A new engine that steps ``physics_dt`` [s]; returns its client.

    Args:
        gui: Opens the engine's window.
        physics_dt: Of one step [s].

    Raises:
        InputError: If there is no display for the window.
        SwarmError: If the engine has no room for one more.
    """
    if gui and not _can_open_window():
        display = os.environ.get("DISPLAY")
        raise InputError("gui", f"a window on DISPLAY={display!r}", "a display that the engine can open, or no window")
    with silent():
        client: int = bullet.connect(bullet.GUI if gui else bullet.DIRECT)
    if client < 0:
        raise SwarmError("the physics engine opens no further world here: close those that are not needed")
    bullet.setGravity(0.0, 0.0, -GRAVITY, physicsClientId=client)
    bullet.setPhysicsEngineParameter(
        fixedTimeStep=physics_dt,
        numSolverIterations=_SOLVER_ITERATIONS,
        deterministicOverlappingPairs=1,
        enableConeFriction=0,  # The pyramid leads a wheel straighter than the engine's cone does.
        physicsClientId=client,
    )
    if gui:
        bullet.configureDebugVisualizer(bullet.COV_ENABLE_GUI, 0, physicsClientId=client)
    return client


def _can_open_window() -> bool:
    try:
        trial = subprocess.run([sys.executable, "-c", _TRIAL], capture_output=True, timeout=_PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return False
    return b"opened" in trial.stdout and trial.returncode == 0


def disconnect(client: int) -> None:
    """Gives the engine's memory back; harmless when it has gone already."""
    with silent(), contextlib.suppress(bullet.error):
        bullet.disconnect(physicsClientId=client)


def saved(client: int) -> bytes:
    """Where all bodies are, how they move and what they touch, for :func:``restore``."""
    with tempfile.TemporaryDirectory(prefix="swarm-bullet-") as folder:
        file = Path(folder) / "state.bullet"
        with silent():
            bullet.saveBullet(str(file), physicsClientId=client)
        return file.read_bytes()


def restore(client: int, state: bytes) -> None:
    """Puts an engine that holds the same bodies, added in the same order, into a state that was saved."""
    with tempfile.TemporaryDirectory(prefix="swarm-bullet-") as folder:
        file = Path(folder) / "state.bullet"
        file.write_bytes(state)
        with silent():
            bullet.restoreState(fileName=str(file), physicsClientId=client)
            # Rays look for bodies where they were collided last. That changes what is touched: the state again.
            bullet.performCollisionDetection(physicsClientId=client)
            bullet.restoreState(fileName=str(file), physicsClientId=client)
