"""What an episode on a grid says of itself holds for the cells that it went through."""

from __future__ import annotations

import numpy as np
import pytest

from envs.grid.instances import draw_instance
from envs.grid.maps import random_map
from envs.grid.run import GridRun
from swarm.scenario.grid_map import GridMap


def gaps(track: list[tuple[int, int]], targets: list[tuple[int, int]]) -> list[int]:
    """Steps without a reached goal, before each goal and after the last; nothing after the last of all targets."""
    found: list[int] = []
    last = 0
    for time, cell in enumerate(track[1:], start=1):
        if len(found) < len(targets) and cell == targets[len(found)]:
            found.append(time - last - 1)
            last = time
    return found if len(found) == len(targets) else [*found, len(track) - 1 - last]


@pytest.mark.parametrize(("goals", "robots"), [(40, 36), (2, 24)])
def test_the_longest_wait_is_that_of_the_cells(goals: int, robots: int) -> None:
    rng = np.random.default_rng(goals)
    case = draw_instance(rng, random_map(rng, 12, 12, 0.2, at_least=60), robots, goals=goals)
    run = GridRun(case, robots, "pibt")
    for _ in range(150):
        run.step()
    track, targets = np.array(run.track), [list(map(tuple, cells.tolist())) for cells in case.targets]
    waits = [gaps(list(map(tuple, track[:, i].tolist())), targets[i]) for i in range(robots)]
    assert run.record()["longest_wait"] == max(wait for one in waits for wait in one) > 10
    # With two goals each, most robots have none left for long.
    assert (goals == 2) == (run.batch.reached[0] == goals).any()


def test_a_robot_whose_goals_are_used_up_does_not_wait() -> None:
    lane = draw_instance(np.random.default_rng(0), GridMap.from_rows(["....."], name="lane"), 1, goals=1)
    run = GridRun(lane, 1, "astar")
    waits = []
    for _ in range(20):
        run.step()
        waits.append(run.record()["longest_wait"])
    way = int(np.abs(lane.targets[0][0] - lane.starts[0]).sum())
    assert waits == [min(step + 1, way - 1) for step in range(20)]
