"""Reading and writing text files: bounded, one clear error for each thing that can be wrong, atomic."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from swarm.errors import InputError

MEBIBYTE = 1 << 20
NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})
"""What a disk says that is full: it goes by without anything being wrong with the file."""
_TO_WRITE = "a file name in a folder that can be written"


@contextmanager
def located(prefix: str, drop: str = "") -> Iterator[None]:
    """Put the place of origin in front of every ``InputError`` raised inside.

    Args:
        prefix: What to put in front, such as ``"world.yaml:7: robots[0]."``.
        drop: A prefix of the inner place that the new one replaces.
    """
    try:
        yield
    except InputError as error:
        raise InputError(prefix + error.where.removeprefix(drop), error.value, error.valid) from error


def check_file(path: Path, limit: int) -> None:
    """Check, without reading it, that a path is a regular file of at most ``limit`` bytes.

    Raises:
        InputError: If it is missing, a folder or a device, or too large.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise InputError(str(path), error.strerror or str(error), "an existing, readable file") from None
    except ValueError as error:
        raise InputError("path", str(path), f"the name of a file ({error})") from None
    if stat.S_ISDIR(status.st_mode):
        raise InputError(str(path), "a folder", "a file")
    if not stat.S_ISREG(status.st_mode):
        raise InputError(str(path), "a device or pipe", "a regular file")
    if status.st_size > limit:
        size = f"{status.st_size / MEBIBYTE:.1f} MiB"
        raise InputError(str(path), size, f"a file of at most {limit / MEBIBYTE:g} MiB")


def decode(where: str, content: bytes) -> str:
    """UTF-8 text, with or without a byte order mark.

    Raises:
        InputError: If the bytes are not UTF-8.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        bad = content[error.start : error.start + 4]
        raise InputError(f"{where}: byte {error.start}", bad, "text in UTF-8") from None


def read_bytes(path: str | Path, limit: int) -> bytes:
    """The whole content of a file.

    Args:
        path: The file.
        limit: Largest size that is read, bytes.

    Raises:
        InputError: If it is missing, not a file, or larger than ``limit``.
    """
    path = Path(path)
    check_file(path, limit)
    try:
        with path.open("rb") as stream:
            content = stream.read(limit + 1)
    except OSError as error:
        raise InputError(str(path), error.strerror or str(error), "an existing, readable file") from None
    if len(content) > limit:
        raise InputError(str(path), "a growing file", f"a file of at most {limit / MEBIBYTE:g} MiB")
    return content


def read_text(path: str | Path, limit: int) -> str:
    """The whole text of a file, as ``read_bytes``.

    Raises:
        InputError: Also if it is not UTF-8.
    """
    return decode(str(path), read_bytes(path, limit))


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, unless it is there.

    Raises:
        InputError: If it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(str(folder), error.strerror or str(error), "a folder, or where one can be made") from None


def check_place(path: Path, *, is_folder: bool = False) -> None:
    """Check that a file, or a folder of files, can be written there later; nothing is made now.

    Raises:
        InputError: If it cannot.
    """
    if not is_folder and os.path.isdir(path):
        raise InputError(str(path), "a folder", _TO_WRITE)
    try:
        os.stat(path if is_folder else _partial(path))
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise InputError(str(path), error.strerror, _TO_WRITE) from None
    except ValueError as error:
        raise InputError("path", str(path), f"{_TO_WRITE} ({error})") from None
    places = [path] if is_folder else []
    above = next(place for place in (*places, *path.absolute().parents) if os.path.exists(place))
    if not os.path.isdir(above) or not os.access(above, os.W_OK):
        valid = "a folder that can be written, or where one can be made" if is_folder else _TO_WRITE
        raise InputError(str(path), f"{above} is {'read-only' if os.path.isdir(above) else 'no folder'}", valid)


def prepare(path: Path) -> None:
    """Make the folder of a file that is written later.

    Raises:
        InputError: If it cannot be written there.
    """
    check_place(path)
    make_folder(path.parent)


def _partial(path: Path) -> Path:
    """Where a file is written before it gets its name."""
    return path.with_name(f".{path.name}.{os.getpid()}.part")


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """A path to write to whose content appears under ``path`` at once, or not at all if the block raises.

    Raises:
        InputError: If the file cannot be written there.
    """
    path = Path(path)
    check_place(path)
    partial = _partial(path)
    try:
        partial.touch()
    except OSError as error:
        raise InputError(str(path), error.strerror or str(error), _TO_WRITE) from None
    try:
        yield partial
        os.replace(partial, path)
    except BaseException as error:
        partial.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in {*NO_SPACE, errno.EFBIG}:
            raise InputError(str(path), error.strerror, "a disk with room for the file") from error
        raise


@contextmanager
def atomic_writer(path: str | Path) -> Iterator[TextIO]:
    """A text stream in the manner of ``atomic_path``."""
    with atomic_path(path) as partial, partial.open("w", encoding="utf-8", newline="\n") as stream:
        yield stream


def write_text(path: str | Path, text: str) -> None:
    """Write a whole text file atomically (temporary file beside it, then a rename).

    Raises:
        InputError: If the file cannot be written there.
    """
    with atomic_writer(path) as stream:
        stream.write(text)
