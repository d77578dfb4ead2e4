"""Grey images: PGM by a reader of our own, so that a robot needs no library for its map; PNG and BMP with Pillow."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from swarm.array_types import Flags, UInt8s
from swarm.errors import InputError
from swarm.files.formats import is_bmp
from swarm.files.text_files import MEBIBYTE, atomic_path, read_bytes

IMAGE_LIMIT = 128 * MEBIBYTE
MOST_PIXELS = 100_000_000
# The magic number, and three numbers; white space and comments in front of each.
_PGM = re.compile(
    rb"(P[25])((?:\s|#[^\n]*\n)+(\d{1,9}))((?:\s|#[^\n]*\n)+(\d{1,9}))((?:\s|#[^\n]*\n)+(\d{1,9}))(?:#[^\n]*\n|\s)"
)


def read_grey(path: str | Path) -> tuple[UInt8s, Flags]:
    """An image in shades of grey.

    Args:
        path: A PGM (plain or binary, 8 or 16 bits), PNG or BMP file: what Nav2's map saver writes.

    Returns:
        Shades ``uint8[rows, columns]``, 0 black, 255 white, row 0 at the top; and ``bool[rows, columns]``, where the
        image is opaque.

    Raises:
        InputError: If the file is no such image, cut, or too large; or if Pillow is missing for a PNG or BMP.
    """
    path = Path(path)
    content = read_bytes(path, IMAGE_LIMIT)
    for form, begins in (("PNG", content.startswith(b"\x89PNG")), ("BMP", is_bmp(content))):
        if begins:
            return _read_with_pillow(path, form)
    grey = _read_pgm(content, str(path))
    return grey, np.ones(grey.shape, np.bool_)


def _check_size(where: str, width: int, height: int) -> None:
    if width < 1 or height < 1 or width * height > MOST_PIXELS:
        raise InputError(where, f"{width} × {height} pixels", f"1 to {MOST_PIXELS} pixels")


def _read_pgm(content: bytes, where: str) -> UInt8s:
    head = _PGM.match(content)
    if head is None:
        found = content[:16]
        raise InputError(where, found, "a PGM (P5 or P2, width, height, largest value), PNG or BMP image")
    width, height, most = (int(head[group]) for group in (3, 5, 7))
    _check_size(where, width, height)
    if not 1 <= most <= 65_535:
        raise InputError(f"{where}: largest value", most, "1 to 65535")
    rest = content[head.end() :]
    if head[1] == b"P2":
        words = re.sub(rb"#[^\n]*", b"", rest).split(None, width * height)[: width * height]
        if not all(word.isdigit() and len(word) <= 5 for word in words):
            raise InputError(where, next(w for w in words if not (w.isdigit() and len(w) <= 5)), "numbers, P2 is text")
        values = np.array([int(word) for word in words], dtype=np.int64)
    else:
        wide = np.dtype(">u2" if most > 255 else "u1")
        whole = min(width * height, len(rest) // wide.itemsize)
        values = np.frombuffer(rest, wide, count=whole).astype(np.int64)
    if len(values) < width * height:
        raise InputError(where, f"{len(values)} pixels (is the file cut?)", f"{width} × {height}, as its head says")
    if values.max() > most:
        raise InputError(where, int(values.max()), f"pixels of at most {most}, as its head says")
    return np.rint(values * (255.0 / most)).astype(np.uint8).reshape(height, width)


def _read_with_pillow(path: Path, form: str) -> tuple[UInt8s, Flags]:
    try:
        from PIL import Image
    except ImportError:
        raise InputError(str(path), f"a {form} image", "a PGM image, or Pillow installed: pip install pillow") from None
    try:
        with Image.open(path, formats=[form]) as image:
            _check_size(str(path), *image.size)
            if image.mode.startswith("I"):  # 16 bits, which Pillow would clip
                grey = np.asarray(image, dtype=np.int64) // 257
                return grey.astype(np.uint8), np.ones(grey.shape, np.bool_)
            pixels = np.asarray(image.convert("LA"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(str(path), str(error), f"a {form} image that is whole") from None
    return pixels[..., 0].copy(), pixels[..., 1] == 255


def write_pgm(path: str | Path, grey: UInt8s) -> None:
    """Write shades ``uint8[rows, columns]`` as a binary PGM, atomically.

    Raises:
        InputError: If the file cannot be written there.
    """
    rows, columns = grey.shape
    with atomic_path(path) as partial:
        partial.write_bytes(b"P5\n%d %d\n255\n" % (columns, rows) + np.ascontiguousarray(grey, np.uint8).tobytes())
