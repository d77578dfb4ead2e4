"""The renderer: things are where they should be, in the right colour; files are complete or absent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pygame
import pytest

from envs.render.colours import robot_hue, tuner_colour
from envs.render.drawing import Painter
from envs.render.scene import Scene
from envs.render.video import write_gif, write_png, write_video
from swarm.array_types import Flags, UInt8s
from swarm.errors import InputError

WHITE = (255, 255, 255)
NOTHING = np.zeros((0, 5))


def scene(**options: Any) -> Scene:
    """Two robots without headings or numbers: their discs have one colour."""
    plain: dict[str, Any] = {
        "obstacles": NOTHING,
        "positions": np.array([[2.0, 1.0], [7.0, 3.0]]),
        "radii": np.array([0.4, 0.4]),
        "labels": ["", ""],
    }
    return Scene(**(plain | options))


def colour_at(painter: Painter, image: UInt8s, x: float, y: float) -> tuple[int, ...]:
    """The colour of a point of the world."""
    column, row = painter.pixel((x, y))
    return tuple(int(value) for value in image[row, column])


@pytest.fixture
def painter() -> Iterator[Painter]:
    made = Painter((0.0, 0.0, 10.0, 5.0), pixels=400)
    yield made
    made.close()


def test_robots_are_where_they_should_be(painter: Painter) -> None:
    image = painter.frame(scene())
    assert image.dtype == np.uint8
    assert colour_at(painter, image, 2.0, 1.0) == pytest.approx(robot_hue(0), abs=2)
    assert colour_at(painter, image, 7.0, 3.0) == pytest.approx(robot_hue(1), abs=2)
    assert colour_at(painter, image, 2.0, 3.0) == WHITE  # and not mirrored
    for x, y in ((2.5, 1.0), (2.0, 1.5), (1.5, 1.0), (2.0, 0.5)):
        assert colour_at(painter, image, x, y) == WHITE


def test_scale_is_the_same_along_x_and_y(painter: Painter) -> None:
    origin, right, up = painter.pixel((0.0, 0.0)), painter.pixel((5.0, 0.0)), painter.pixel((0.0, 5.0))
    assert right[0] - origin[0] == origin[1] - up[1] == 200


def test_heading_points_ahead(painter: Painter) -> None:
    image = painter.frame(scene(headings=np.array([0.0, np.pi / 2]), radii=np.array([0.8, 0.8])))
    light = [sum(colour_at(painter, image, 2.0 + dx, 1.0 + dy)) for dx, dy in ((0.55, 0), (-0.55, 0), (0, 0.55))]
    assert light[0] > light[1] + 60
    assert light[0] > light[2] + 60
    light = [sum(colour_at(painter, image, 7.0, 3.0 + dy)) for dy in (0.55, -0.55)]
    assert light[0] > light[1] + 60


def test_obstacles_boxes_and_circles(painter: Painter) -> None:
    obstacles = np.array([[4.0, 2.0, 0.5, 1.0, 0.0], [8.0, 1.0, 0.0, 0.0, 0.6]])
    image = painter.frame(scene(obstacles=obstacles))
    for x, y in ((4.4, 2.9), (3.6, 1.1), (8.0, 1.0), (8.5, 1.0)):
        assert sum(colour_at(painter, image, x, y)) < 400
    for x, y in ((4.7, 2.0), (4.0, 3.2), (8.55, 1.55), (8.0, 1.8)):
        assert colour_at(painter, image, x, y) == WHITE


def test_the_kept_background_follows_new_obstacles(painter: Painter) -> None:
    before = painter.frame(scene())
    assert sum(colour_at(painter, painter.frame(scene(obstacles=np.array([[5.0, 2.0, 0.5, 0.5, 0]]))), 5, 2)) < 400
    assert np.array_equal(painter.frame(scene()), before)


def test_tuner_colours_have_a_legend_and_darken_evenly(painter: Painter) -> None:
    plain = painter.frame(scene())
    image = painter.frame(scene(colour_value=np.array([0.0, 1.0])))
    assert colour_at(painter, image, 2.0, 1.0) == pytest.approx(tuner_colour(0.0), abs=2)
    assert colour_at(painter, image, 7.0, 3.0) == pytest.approx(tuner_colour(1.0), abs=2)
    header = painter.pixel((0.0, 5.0))[1] - 4
    assert (image[:header] != plain[:header]).any()
    luminance = [np.dot(tuner_colour(value), (0.2126, 0.7152, 0.0722)) for value in np.linspace(0, 1, 21)]
    assert (np.diff(luminance) < 0).all()
    assert tuner_colour(-3.0) == tuner_colour(0.0)
    assert tuner_colour(9.0) == tuner_colour(1.0)


def test_goals_paths_trails_contacts_links_and_caption_show(painter: Painter) -> None:
    plain = painter.frame(scene())

    def changed(**options: Any) -> Flags:
        return (painter.frame(scene(**options)) != plain).any(axis=2)

    goals = np.array([[5.0, 4.0], [np.nan, np.nan]])
    assert changed(goals=goals)[painter.pixel((5.2, 4.0))[::-1]]
    assert changed(paths=[np.array([[2.0, 1.0], [5.0, 1.0]]), None])[painter.pixel((4.0, 1.0))[::-1]]
    assert changed(trails=[None, np.array([[7.0, 1.0], [7.0, 2.0], [7.0, 3.0]])])[painter.pixel((7.0, 2.3))[::-1]]
    touching = changed(contacts=np.array([True, False]))
    assert touching[painter.pixel((2.5, 1.0))[::-1]]
    assert not touching[painter.pixel((7.5, 3.0))[::-1]]
    assert changed(links=[(0, 1)])[painter.pixel((4.5, 2.0))[::-1]]
    header = painter.pixel((0.0, 5.0))[1] - 4
    assert changed(caption=("12.0 s", "3 deliveries"))[:header].any()
    assert changed(labels=["A", ""])[painter.pixel((2.0, 1.0))[1]].any()


def test_grid_lines_are_optional() -> None:
    with_lines, without = (Painter((0, 0, 4, 4), pixels=400, grid=step) for step in (1.0, None))
    assert colour_at(with_lines, with_lines.frame(scene()), 3.0, 2.5) != WHITE
    assert colour_at(without, without.frame(scene()), 3.0, 2.5) == WHITE


@pytest.mark.parametrize("bounds", [(0, 0, 1, 1), (-3.3, 2, 7.1, 4.7), (0, 0, 0.37, 11)])
@pytest.mark.parametrize("pixels", [97, 400])
def test_sizes_are_even(bounds: tuple[float, ...], pixels: int) -> None:
    painter = Painter(bounds, pixels=pixels)
    image = painter.frame(scene())
    assert image.shape == (painter.size[1], painter.size[0], 3)
    assert image.shape[0] % 2 == image.shape[1] % 2 == 0


def test_no_robots_at_all(painter: Painter) -> None:
    empty = scene(positions=np.zeros((0, 2)), radii=np.zeros(0), labels=[])
    assert colour_at(painter, painter.frame(empty), 2.0, 1.0) == WHITE


def test_window_opens_shows_and_closes(painter: Painter) -> None:
    painter.show(scene())
    window = pygame.display.get_surface()
    assert window is not None
    assert window.get_size() == painter.size
    assert window.get_at(painter.pixel((2.0, 1.0)))[:3] == pytest.approx(robot_hue(0), abs=2)
    painter.close()
    painter.close()
    assert not pygame.display.get_init()


@pytest.mark.parametrize(
    ("bounds", "options", "message"),
    [
        ((0, 0, 0, 1), {}, "bounds"),
        ((0, 0, np.nan, 1), {}, "bounds"),
        ((0, 0, 1, 1), {"pixels": 3}, "pixels"),
        ((0, 0, 1, 1), {"grid": 0.0}, "grid"),
    ],
)
def test_bad_painters_are_refused(bounds: tuple[float, ...], options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Painter(bounds, **options)


def frames(count: int, height: int = 60, width: int = 80) -> Iterator[UInt8s]:
    """A bright square that moves to the right on grey."""
    for index in range(count):
        image = np.full((height, width, 3), 90, np.uint8)
        image[20:40, 2 * index : 2 * index + 20] = 250
        yield image


def read_back(path: Path) -> tuple[dict[str, Any], list[UInt8s]]:
    reader = imageio_ffmpeg.read_frames(str(path), pix_fmt="rgb24")
    about = next(reader)
    width, height = about["size"]
    return about, [np.frombuffer(data, np.uint8).reshape(height, width, 3) for data in reader]


def test_video_is_readable(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "film.mp4"
    assert write_video(path, frames(15), fps=20) == 15
    about, images = read_back(path)
    assert about["codec"] == "h264"
    assert about["pix_fmt"].startswith("yuv420p")
    assert about["fps"] == pytest.approx(20)
    assert len(images) == 15
    assert images[10][30, 30].min() > 220
    assert images[10][30, 5].max() < 120
    assert [file.name for file in path.parent.iterdir()] == ["film.mp4"]


def test_video_of_odd_size_is_made_even(tmp_path: Path) -> None:
    write_video(tmp_path / "film.mp4", frames(2, 61, 79), fps=10)
    assert read_back(tmp_path / "film.mp4")[0]["size"] == (80, 62)


def test_gif_loops_and_is_scaled(tmp_path: Path) -> None:
    path = tmp_path / "film.gif"
    assert write_gif(path, frames(6), fps=10, pixels=40) == 6
    about, images = read_back(path)
    assert about["size"] == (40, 30)
    assert len(images) == 6
    assert b"NETSCAPE2.0" in path.read_bytes()


def test_png_is_exact(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (31, 17, 3)).astype(np.uint8)
    write_png(tmp_path / "picture.png", image)
    loaded = pygame.surfarray.array3d(pygame.image.load(tmp_path / "picture.png")).swapaxes(0, 1)
    assert np.array_equal(loaded, image)


def broken() -> Iterator[UInt8s]:
    yield from frames(3)
    raise RuntimeError("the simulation failed")


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        (lambda: iter(()), InputError, "at least one frame"),
        (lambda: iter([np.zeros((4, 4), np.uint8)]), InputError, r"frames\[0\]"),
        (lambda: iter([*frames(2), np.zeros((4, 4, 3), np.uint8)]), InputError, r"frames\[2\]"),
        (broken, RuntimeError, "the simulation failed"),
    ],
)
def test_a_film_that_fails_leaves_the_old_file(
    tmp_path: Path, source: Any, error: type[Exception], message: str
) -> None:
    path = tmp_path / "film.mp4"
    path.write_text("old")
    with pytest.raises(error, match=message):
        write_video(path, source(), fps=20)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["film.mp4"]


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"film\.mp4"):
        write_video(tmp_path / "file" / "film.mp4", frames(1), fps=20)
