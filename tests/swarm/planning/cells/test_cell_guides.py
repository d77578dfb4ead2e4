"""The grid planners' ways of leading robots through cells in continuous time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.cell_world import TinyGrid, draw_jobs, run

from swarm.errors import InputError
from swarm.model.dynamics import Kind, Limits
from swarm.planning.cells.cell_map import CellMap
from swarm.planning.cells.guides import shortest_way, traffic_costs
from swarm.planning.graph.fields import distance_field
from swarm.planning.pibt.priority_inheritance import rank_by_distance
from swarm.planning.registry import make_planner
from swarm.scenario.grid_map import GridMap
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.world import World

AISLES = [".........." if r % 3 == 0 else ".####.###." for r in range(10)]
STEPS = ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))
NAMES = ("cells:pibt", "cells:guided")


def planners_of(name: str, rows: list[str], robots: int) -> list:
    world = World.from_grid(GridMap.from_rows(rows))
    spec = RobotSpec(Kind.UNICYCLE, np.array([0.5, 0.5, 0, 0, 0]), np.ones((1, 2)), 0.3, Limits(1.0, turn_rate=4.0))
    return [make_planner(name, spec, world, dt=0.05, robot_id=i) for i in range(robots)]


@settings(max_examples=4)
@given(st.integers(0, 2**16))
def test_steps_cost_one_and_more_against_traffic_and_walls_cannot_be_entered(seed: int) -> None:
    free = np.random.default_rng(seed).random((6, 8)) < 0.7
    if not free.any():
        return
    plain, costs = traffic_costs(free, 0.0), traffic_costs(free)
    for cell in range(free.size):
        for move, (down, right) in enumerate(STEPS):
            row, column = cell // 8 + down, cell % 8 + right
            inside = 0 <= row < 6 and 0 <= column < 8
            fits = free[cell // 8, cell % 8] and inside and free[row, column]
            assert plain[move, cell] == (1.0 if fits else np.inf)
            assert 1.0 <= costs[move, cell] < np.inf if fits else costs[move, cell] == np.inf


def test_steps_cost_most_where_most_traffic_comes() -> None:
    """In a corridor that is its middle, both ways."""
    costs = traffic_costs(np.ones((1, 11), bool))
    right, left = costs[4, :-1], costs[3, 1:]
    for way in (right, left):
        assert way[4:6].min() > way[1] > 1.0 and way[4:6].min() > way[-2] > 1.0


@settings(max_examples=10)
@given(st.integers(0, 2**16))
def test_the_shortest_way_ranks_as_pibt_does(seed: int) -> None:
    rng, grid = np.random.default_rng(seed), TinyGrid(AISLES)
    cells = np.argwhere(grid.free)
    goal, here = (tuple(cells[i].tolist()) for i in rng.integers(len(cells), size=2))
    cell_map = CellMap(grid, traffic_costs(grid.free, 0.0))
    field = cell_map.field(goal[0] * 10 + goal[1])
    steps = distance_field(grid.free, *goal)
    assert np.array_equal(field[np.isfinite(field)], steps[grid.free])
    rankings = {shortest_way(10, robot)(here, field) for robot in range(5)}
    assert rankings <= {rank_by_distance(steps, here, tie) for tie in range(5)}


def test_equally_good_moves_take_turns() -> None:
    cell_map = CellMap(TinyGrid(["..."] * 3), traffic_costs(np.ones((3, 3), bool), 0.0))
    rank = shortest_way(3, 0)
    first = {rank((0, 0), cell_map.field(8))[0] for _ in range(10)}
    assert first == {2, 4}, "down or right"


@pytest.mark.parametrize("name", NAMES)
def test_a_crowd_with_stalls_keeps_delivering(name: str) -> None:
    grid = TinyGrid(AISLES)
    starts, goals = draw_jobs(grid, 6, 1, 200)
    out = run(grid, planners_of(name, AISLES, 6), starts, goals, 800, seed=1, stall=0.05)
    assert out.overlaps == [] and out.closest > 0.0
    assert min(out.delivered) >= 1


def test_each_name_leads_in_its_own_way() -> None:
    cells, pibt, guided = (planners_of(name, AISLES, 1)[0] for name in ("cells", *NAMES))
    assert (cells.propose, guided.propose) == (None, None) and pibt.propose is not None
    free = TinyGrid(AISLES).free
    assert np.array_equal(guided.map.costs, traffic_costs(free))
    assert np.array_equal(pibt.map.costs, traffic_costs(free, 0.0))
    assert not np.array_equal(cells.map.costs, guided.map.costs)


@pytest.mark.parametrize("name", [*NAMES, "cells"])
def test_a_world_without_a_grid_map_is_refused(name: str) -> None:
    spec = RobotSpec(Kind.SINGLE_INTEGRATOR, np.array([0.5, 0.5, 0, 0, 0]), np.ones((1, 2)), 0.1, Limits(1.0))
    with pytest.raises(InputError, match="grid map"):
        make_planner(name, spec, World(np.array([0.0, 0.0, 4.0, 4.0])), dt=0.1)


def test_other_names_are_refused() -> None:
    spec = RobotSpec(Kind.SINGLE_INTEGRATOR, np.array([0.5, 0.5, 0, 0, 0]), np.ones((1, 2)), 0.1, Limits(1.0))
    with pytest.raises(InputError, match="cells:guided"):
        make_planner("cells:astar", spec, World.from_grid(GridMap.from_rows(AISLES)), dt=0.1)
