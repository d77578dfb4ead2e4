"""How the commands of ``launch`` begin and end: wrong input, Ctrl-C and SIGTERM each leave one line, at any moment.

Nothing but the standard library is imported on top, so that a script can call ``begin`` before all that takes long.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

WRONG_INPUT, INTERRUPTED = 2, 130
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
Handler = Callable[[int, FrameType | None], Any]


class Interrupted(KeyboardInterrupt):
    """The user has been told already."""


def begin() -> None:
    """While modules are loaded, and after the command has ended, nothing can be lost: a signal ends the process."""
    _handle(_end_at_once)


def _end_at_once(number: int, frame: FrameType | None) -> None:
    os.write(2, b"interrupted\n")
    os._exit(INTERRUPTED)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _handle(handler: Handler) -> dict[int, Any]:
    """Sets the handler of both signals, but for those that whoever started this process ignores; gives the old ones."""
    before: dict[int, Any] = {number: signal.getsignal(number) for number in _SIGNALS}
    for number, old in before.items():
        if old is not signal.SIG_IGN:
            signal.signal(number, handler)
    return before


def _restore(before: dict[int, Any]) -> None:
    for number, handler in before.items():
        if handler is not None:  # One that was not set by Python cannot be set again.
            signal.signal(number, handler)


def run_command(command: Callable[[], int], interrupted: str = "interrupted") -> int:
    """Run a command; 2 on wrong input, 130 if it was interrupted; SIGTERM counts as Ctrl-C.

    Args:
        command: Returns its exit status.
        interrupted: What is said of an interrupt.
    """
    from swarm.errors import SwarmError

    before, hook = _handle(_interrupt), sys.unraisablehook
    sys.unraisablehook = _not_lost
    try:
        with _said_when_compiling():
            return command()
    except SwarmError as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG_INPUT
    except Interrupted:
        return INTERRUPTED
    except KeyboardInterrupt:
        print(interrupted, file=sys.stderr)
        return INTERRUPTED
    finally:
        sys.unraisablehook = hook
        _restore(before)


def _not_lost(problem: UnraisableHookArgs) -> None:
    """An interrupt in a place that can raise nothing, as in a callback of the compiler's, comes again after it."""
    if issubclass(problem.exc_type, KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    else:
        sys.__unraisablehook__(problem)


@contextmanager
def postponed(begun: Callable[[], bool], what: str) -> Iterator[list[int]]:
    """Collects a signal in a list, once there is something to lose; the next one interrupts.

    Args:
        begun: Whether there is something to lose.
        what: Says what is done before the end; nothing is said if it is empty.
    """
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if received or not begun():
            raise KeyboardInterrupt
        received.append(number)
        if what:
            print(f"interrupted: {what}; once more ends at once", file=sys.stderr)

    before = _handle(note)
    try:
        yield received
    finally:
        _restore(before)


@contextmanager
def _said_when_compiling() -> Iterator[None]:
    """One line when the first kernel is compiled, which nothing else would explain the wait for."""
    from numba.core import event

    class Notice(event.Listener):
        """Is told when a kernel is compiled, and not when it is loaded."""

        said = False

        def on_start(self, _: event.Event) -> None:
            if not self.said:
                self.said = True
                print("compiling kernels, once after each installation or change: some minutes", file=sys.stderr)

        def on_end(self, _: event.Event) -> None:
            """Nothing is said."""

    with event.install_listener("numba:compile", Notice()):
        yield


def leave(status: int) -> NoReturn:
    """End the process; an interrupted one without taking the interpreter apart.

    What an interrupt cut short, as a compiler in the middle of a kernel, may crash when it is taken apart.
    """
    if status != INTERRUPTED:
        sys.exit(status)
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)
