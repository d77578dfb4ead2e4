"""Grey images: what Pillow writes and what our own reader and writer do, and everything that a file can lack."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm.array_types import UInt8s
from swarm.errors import InputError
from swarm.files.images import MOST_PIXELS, read_grey, write_pgm

seeds = st.integers(0, 2**32 - 1)


def shades(seed: int) -> UInt8s:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, rng.integers(1, 9, 2), dtype=np.uint8)


@given(seeds)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    path, grey = tmp_path_factory.mktemp("pgm") / "a.pgm", shades(seed)
    write_pgm(path, grey)
    found, opaque = read_grey(path)
    assert np.array_equal(found, grey) and opaque.all()


@pytest.mark.parametrize("suffix", [".pgm", ".png", ".bmp"])
@given(seed=seeds)
def test_pillows_images_are_read(tmp_path_factory: pytest.TempPathFactory, suffix: str, seed: int) -> None:
    image = pytest.importorskip("PIL.Image")
    path, grey = tmp_path_factory.mktemp("image") / f"a{suffix}", shades(seed)
    image.fromarray(grey).save(path)
    assert np.array_equal(read_grey(path)[0], grey)


def test_png_with_colours_transparency_and_16_bits(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    pixels = np.array([[[255, 255, 255, 255], [0, 0, 0, 255]], [[200, 200, 200, 0], [9, 9, 9, 254]]], np.uint8)
    image.fromarray(pixels).save(tmp_path / "a.png")
    grey, opaque = read_grey(tmp_path / "a.png")
    assert grey.tolist() == [[255, 0], [200, 9]] and opaque.tolist() == [[True, True], [False, False]]
    image.fromarray(np.array([[0, 65535, 32896]], np.uint16)).save(tmp_path / "b.png")
    assert read_grey(tmp_path / "b.png")[0].tolist() == [[0, 255, 128]]


@pytest.mark.parametrize(
    ("content", "shades"),
    [
        (b"P2\n# a comment\n2 1 # another\n255\n7\n255\n", [[7, 255]]),
        (b"P2 2 1 4 0 3", [[0, 191]]),
        (b"P2\n2 2\n255# a comment\n# first row\n7 255 # and more\n# second row\n9 8\n", [[7, 255], [9, 8]]),
        (b"P5\n2 1\n255#\n#7", [[35, 55]]),
        (b"P5 2 2 255 \x00\x01\x02\x03trailing", [[0, 1], [2, 3]]),
        (b"P5\n2 1\n65535\n\x80\x80\xff\xff", [[128, 255]]),
    ],
)
def test_the_kinds_of_pgm(tmp_path: Path, content: bytes, shades: list[list[int]]) -> None:
    (tmp_path / "a.pgm").write_bytes(content)
    assert read_grey(tmp_path / "a.pgm")[0].tolist() == shades


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "a PGM"),
        (b"P6 1 1 255 abc", "a PGM"),
        (b"P5 x 1 255 a", "a PGM"),
        (b"P5 0 1 255 a", "0 × 1 pixels"),
        (b"P5 99999 99999 255 a", f"1 to {MOST_PIXELS} pixels"),
        (b"P5 2 2 255 abc", "3 pixels (is the file cut?)"),
        (b"P5 2 1 65535 abc", "1 pixels"),
        (b"P5 1 1 0 a", "1 to 65535"),
        (b"P5 1 1 70000 a", "1 to 65535"),
        (b"P5 1 1 9 a", "pixels of at most 9"),
        (b"P2 2 1 255 1 x", "numbers"),
        (b"P2 2 1 255 1", "1 pixels"),
        (b"\x89PNG\r\n\x1a\nrest", "a PNG image that is whole"),
    ],
)
def test_a_bad_image_is_one_clear_error(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "a.pgm").write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_grey(tmp_path / "a.pgm")
    assert says in str(caught.value) and str(caught.value).startswith(str(tmp_path / "a.pgm"))


def test_a_cut_png_is_an_error(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40), np.uint8)).save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    for end in (20, 60, len(content) // 2):
        (tmp_path / "a.png").write_bytes(content[:end])
        with pytest.raises(InputError, match="whole"):
            read_grey(tmp_path / "a.png")
