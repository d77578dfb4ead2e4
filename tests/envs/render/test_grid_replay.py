"""Films of grid episodes: what they show is what happened."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from envs.grid.instances import draw_instance
from envs.grid.run import GridRun
from envs.render.colours import robot_hue
from envs.render.grid_replay import Leg, Replay, legs_of
from envs.render.grid_svg import save_svg, svg_of
from swarm.array_types import UInt8s
from swarm.errors import InputError
from swarm.scenario.grid_map import GridMap

SVG = "{http://www.w3.org/2000/svg}"
STEPS = 40


@pytest.fixture(scope="module")
def replay() -> Replay:
    case = draw_instance(np.random.default_rng(0), "mazes", 8, steps=STEPS)
    run = GridRun(case, 8)
    for _ in range(STEPS):
        run.step()
    return Replay(case.grid, np.array(run.track), case.targets, "maze <8> & more")


def at(element: ET.Element, name: str, share: float) -> float | str:
    """Value of an attribute at a share of the episode, as SVG's timing model defines it."""
    for animate in element.findall(f"{SVG}animate"):
        if animate.get("attributeName") == name:
            times = [float(time) for time in animate.attrib["keyTimes"].split(";")]
            values = animate.attrib["values"].split(";")
            assert times[0] == 0.0 and times == sorted(set(times)) and len(times) == len(values)
            if animate.get("calcMode") == "discrete":
                return values[sum(time <= share + 1e-9 for time in times) - 1]
            assert times[-1] == 1.0, "needed where values are interpolated"
            return float(np.interp(share, times, [float(value) for value in values]))
    return element.get(name, "")


def test_legs_are_the_ways_from_goal_to_goal() -> None:
    track = np.array([[0, 0], [0, 1], [0, 1], [0, 2], [0, 2], [0, 1]])
    goals = [[0, 1], [0, 2], [0, 2], [0, 0], [0, 1]]
    assert legs_of(track, goals) == [
        Leg(0, 1, (0, 1), True), Leg(1, 3, (0, 2), True), Leg(3, 4, (0, 2), True), Leg(4, 5, (0, 0), False),
    ]  # fmt: skip
    assert legs_of(track, goals[:2])[-1].last == 3


def test_svg_shows_robots_goals_and_ways_as_they_were(replay: Replay) -> None:
    root = ET.fromstring(svg_of(replay))
    discs = list(root.iter(f"{SVG}circle"))
    squares = [square for square in root.iter(f"{SVG}rect") if square.find(f"{SVG}animate") is not None]
    groups = [group for group in root.iter(f"{SVG}g") if group.get("stroke")]
    assert len(discs) == len(squares) == len(groups) == 8
    for step in range(STEPS):
        share = step / STEPS
        for robot, (row, column) in enumerate(replay.cells[step].tolist()):
            assert float(at(discs[robot], "cx", share)) == pytest.approx(column + 0.5, abs=0.01)
            assert float(at(discs[robot], "cy", share)) == pytest.approx(row + 0.5, abs=0.01)
            (leg,) = (leg for leg in replay.legs[robot] if leg.first <= step < leg.last)
            square = float(at(squares[robot], "y", share)), float(at(squares[robot], "x", share))
            assert square == pytest.approx((leg.goal[0] + 0.15, leg.goal[1] + 0.15))
            seen = [way for way in groups[robot].iter(f"{SVG}path") if at(way, "visibility", share) == "visible"]
            moved = (replay.cells[leg.first : leg.last + 1, robot] != replay.cells[leg.first, robot]).any()
            assert len(seen) == moved
    title = root.find(f"{SVG}text")
    assert title is not None and title.text == "maze <8> & more"


def test_walls_of_the_svg_are_those_of_the_map(replay: Replay) -> None:
    root = ET.fromstring(svg_of(replay))
    free = np.ones_like(replay.grid.free)
    walls = next(path for path in root.iter(f"{SVG}path") if path.get("fill"))
    for run in walls.attrib["d"].split("M")[1:]:
        place, rest = run.split("h")
        (column, row), width = map(int, place.split()), int(rest.split("v")[0])
        free[row, column : column + width] = False
    assert np.array_equal(free, replay.grid.free)


def test_svg_is_small_and_never_half_written(replay: Replay, tmp_path: Path) -> None:
    save_svg(tmp_path / "new" / "a.svg", replay)
    assert (tmp_path / "new" / "a.svg").stat().st_size < 30_000
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="folder that can be written"):
        save_svg(tmp_path / "file" / "a.svg", replay)


def test_robots_without_goals_and_robots_that_stand_still() -> None:
    still = np.zeros((4, 1, 2), np.int64)
    replay = Replay(GridMap.from_rows([".."]), still, [np.empty((0, 2), np.int64)])
    assert ET.fromstring(svg_of(replay)).find(f".//{SVG}polyline") is None
    goals = replay.scene(2.0).goals
    assert replay.legs == [[]] and goals is not None and np.isnan(goals).all()


def test_scenes_move_robots_between_cells(replay: Replay) -> None:
    centres = replay.grid.centre(replay.cells)
    scene = replay.scene(10.5)
    np.testing.assert_allclose(scene.positions, (centres[10] + centres[11]) / 2)
    leg = next(leg for leg in replay.legs[0] if leg.first <= 10 < leg.last)
    assert scene.goals is not None and np.array_equal(scene.goals[0], replay.grid.centre(leg.goal))
    assert scene.paths is not None and scene.paths[0] is not None and len(scene.paths[0]) == 1 + leg.last - 10
    done = sum(leg.reached for legs in replay.legs for leg in legs)
    assert replay.scene(STEPS).caption[2] == f"goals {done}"


def colours(path: Path) -> list[UInt8s]:
    reader = imageio_ffmpeg.read_frames(str(path))
    size = next(reader)["size"]
    return [np.frombuffer(frame, np.uint8).reshape(size[1], size[0], 3) for frame in reader]


def test_mp4_has_the_episode_with_every_robot(replay: Replay, tmp_path: Path) -> None:
    short = Replay(replay.grid, replay.cells[:4], [[leg.goal for leg in legs] for legs in replay.legs])
    short.save_film(tmp_path / "a.mp4")
    frames = colours(tmp_path / "a.mp4")
    assert len(frames) == 10
    for robot in range(8):
        near = np.abs(frames[-1].astype(int) - robot_hue(robot)).sum(axis=-1) < 60
        assert near.sum() > 100, robot
