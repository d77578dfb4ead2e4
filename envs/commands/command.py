"""How commands begin and end: wrong input, Ctrl-C and SIGTERM each leave one line, at any moment.

Nothing but the standard library is imported on top, so that a script can load this file by its path, and call ``begin``
before all that takes long.
"""

from __future__ import annotations

import atexit
import io
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, suppress
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

WRONG_INPUT, INTERRUPTED, UNREAD = 2, 130, 141
_SOON = 0.05  # [s]
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
Handler = Callable[[int, FrameType | None], Any]

AS_IT_IS: dict[str, Any] = {"highlight": False, "markup": False, "soft_wrap": True}
"""How a line with a name of the user's is printed on a console: whole, however long it is."""


class Interrupted(KeyboardInterrupt):
    """The user has been told already."""


def begin() -> None:
    """While modules are loaded, and after the command has ended, nothing can be lost: a signal ends the process."""
    _handle(_end_at_once)


def _end_at_once(number: int, frame: FrameType | None) -> None:
    os.write(2, b"interrupted\n")
    os._exit(INTERRUPTED)


class _Moment:
    """What there is to know when a signal comes.

    Attributes:
        message: What is said of an interrupt.
        compiling: How many kernels the main thread is inside of, one for the sake of another.
        signalled: Whether a signal came.
        pending: Whether it waits for the end of a kernel.
    """

    message = "interrupted"
    compiling = 0
    signalled = pending = False


_now = _Moment()


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Interrupts, but not inside of the compiler: what is raised in its callbacks is lost, and leaves it broken."""
    if _now.pending:
        os._exit(INTERRUPTED)
    _now.signalled = True
    if _now.compiling:
        _now.pending = True
        print(_now.message, file=sys.stderr, flush=True)
    else:
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
    """Run a command; 2 on wrong input, 130 if it was interrupted (SIGTERM counts as Ctrl-C), 141 if nobody reads on.

    Args:
        command: Returns its exit status.
        interrupted: What is said of an interrupt.
    """
    from swarm.errors import SwarmError
    from swarm.files.text_files import NO_SPACE

    global _now
    _now, before, hook = _Moment(), _handle(_interrupt), sys.unraisablehook
    _now.message, sys.unraisablehook = interrupted, _not_lost
    try:
        with _told_of_compiling():
            status = command()
        if sys.stdout is not None:
            sys.stdout.flush()
        return status
    except Interrupted:
        return INTERRUPTED
    except (KeyboardInterrupt, Exception) as error:
        if isinstance(error, KeyboardInterrupt) or _now.signalled:  # Or what came of an interrupt that was lost.
            print(interrupted, file=sys.stderr)
            return INTERRUPTED
        if isinstance(error, SwarmError):
            print(f"error: {error}", file=sys.stderr)
            return WRONG_INPUT
        if isinstance(error, BrokenPipeError) and nobody_reads():
            return UNREAD
        if isinstance(error, OSError) and error.errno in NO_SPACE:
            # What is printed may go into a file.
            print(f"error: {error.filename or 'output'}: {error.strerror}", file=sys.stderr)
            return WRONG_INPUT
        raise
    finally:
        sys.unraisablehook = hook
        _restore(before)


def parsed(parse: Callable[[], Any]) -> Any:
    """What a command line says; a value that the options refuse is their own error, in one line, and no box of tyro's.

    Args:
        parse: Reads the command line with tyro.

    Raises:
        SwarmError: If the options refuse a value.
    """
    from swarm.errors import SwarmError

    said = io.StringIO()
    try:
        with redirect_stderr(said):
            return parse()
    except SystemExit as end:
        cause: BaseException | None = end
        while cause is not None and not isinstance(cause, SwarmError):
            cause = cause.__context__
        if cause is not None:
            raise cause from None
        sys.stderr.write(said.getvalue())
        raise


def nobody_reads() -> bool:
    """Whether what is printed goes into a pipe that somebody has closed, as ``| head`` does; from then on nowhere."""
    reader = select.poll()
    reader.register(sys.stdout, 0)
    gone = any(event & (select.POLLERR | select.POLLHUP) for _, event in reader.poll(0))
    if gone:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return gone


def _not_lost(problem: UnraisableHookArgs) -> None:
    """An interrupt in a place that can raise nothing, as in a callback, comes again soon after it."""
    if issubclass(problem.exc_type, KeyboardInterrupt):
        signal.signal(signal.SIGALRM, _interrupt)
        signal.setitimer(signal.ITIMER_REAL, _SOON)
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
            _interrupt(number, frame)
            return
        received.append(number)
        if what:
            print(f"interrupted: {what}; once more ends at once", file=sys.stderr)

    before = _handle(note)
    try:
        yield received
    finally:
        _restore(before)


@contextmanager
def _told_of_compiling() -> Iterator[None]:
    """One line when the first kernel is compiled, which nothing else would explain the wait for."""
    from numba.core import event

    class Compiling(event.Listener):
        """Is told when a kernel is compiled, and not when it is loaded."""

        said = False

        def on_start(self, _: event.Event) -> None:
            if threading.current_thread() is threading.main_thread():
                _now.compiling += 1
                if not self.said:
                    self.said = True
                    print("compiling kernels, once after each installation or change: some minutes", file=sys.stderr)

        def on_end(self, _: event.Event) -> None:
            if threading.current_thread() is threading.main_thread():
                _now.compiling -= 1
                if _now.pending:
                    _now.pending = False
                    raise Interrupted

    with event.install_listener("numba:compile", Compiling()):
        yield


def leave(status: int) -> NoReturn:
    """End the process without taking the interpreter apart.

    That takes seconds where torch is loaded, and what an interrupt cut short, as a compiler in the middle of a kernel,
    may crash by it. Nobody waits for threads of an interrupted command.
    """
    if status != INTERRUPTED:
        for thread in threading.enumerate():
            if thread is not threading.current_thread() and not thread.daemon:
                thread.join()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError):  # There is none, or it cannot be written: that has been said.
            stream.flush()
    os._exit(status)
