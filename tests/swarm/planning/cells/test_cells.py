"""Cell reservation in continuous time: safe for anything that robots want, and nobody waits for ever."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.cell_world import TinyGrid, alone, draw_jobs, run

from swarm.errors import InputError
from swarm.planning.cells.claims import LONGEST
from swarm.planning.cells.planner import CellPlanner
from swarm.planning.pibt.priority_inheritance import priority_key
from swarm.sense.intent import MAX_HELD, WINDOW
from swarm.sense.view import View

AISLES = [".........." if r % 3 == 0 else ".####.###." for r in range(10)]
DEAD_ENDS = ["#.####.##", "#.####.##", ".........", "#.##.####", "#.##.####", ".........", "###.##.##"]
ALCOVE = ["###.#####", ".........", "#########"]
LOOP = [".........", ".#######.", ".#######.", "........."]


def team(grid, n, **options):
    return [CellPlanner(grid, i, 0.05, **options) for i in range(n)]


def random_ranking(seed):
    rng = np.random.default_rng(seed)
    return lambda cell, field: tuple(int(move) for move in rng.permutation(5))


@settings(max_examples=6)
@given(st.integers(0, 2**16), st.sampled_from([AISLES, DEAD_ENDS, LOOP]), st.floats(0.1, 0.45))
def test_any_ranking_at_any_pace_is_safe(seed, rows, radius):
    grid = TinyGrid(rows)
    n = min(12, int(0.5 * grid.free.sum()))
    starts, goals = draw_jobs(grid, n, seed, 20)
    planners = [CellPlanner(grid, i, 0.05, radius=radius, propose=random_ranking(seed + i)) for i in range(n)]
    out = run(grid, planners, starts, goals, 300, radius=radius, seed=seed, noise=1.0, stall=1.0)
    assert out.overlaps == []
    assert out.closest > 0.0


@settings(max_examples=5)
@given(st.integers(0, 2**16), st.sampled_from([AISLES, DEAD_ENDS, LOOP]))
def test_guided_robots_are_safe_at_any_pace(seed, rows):
    grid = TinyGrid(rows)
    n = min(10, int(0.4 * grid.free.sum()))
    starts, goals = draw_jobs(grid, n, seed, 20)
    out = run(grid, team(grid, n), starts, goals, 300, seed=seed, noise=1.0, stall=1.0)
    assert out.overlaps == []
    assert out.closest > 0.0


def test_the_harness_notices_two_holders_and_bodies_that_touch():
    grid = TinyGrid(["....."])
    deaf = 0.1
    out = run(grid, team(grid, 2), [(0, 0), (0, 4)], [[(0, 4)], [(0, 0)]], 200, heard_within=deaf)
    assert any("hold" in line for line in out.overlaps) and out.closest < 0.0


def test_two_robots_that_meet_in_an_aisle_with_one_alcove_both_arrive():
    grid = TinyGrid(ALCOVE)
    out = run(grid, team(grid, 2), [(1, 0), (1, 8)], [[(1, 8)], [(1, 0)]], 1200)
    assert out.delivered == [1, 1] and out.overlaps == []


def test_robots_that_meet_head_on_in_a_loop_keep_delivering():
    grid = TinyGrid(LOOP)
    jobs = [[(0, 8), (0, 0)] * 10, [(0, 0), (0, 8)] * 10, [(3, 0), (3, 8)] * 10]
    out = run(grid, team(grid, 3), [(0, 0), (0, 8), (3, 8)], jobs, 2400)
    assert min(out.delivered) >= 4 and out.longest_wait < 40.0 and out.overlaps == []


def test_a_robot_that_wants_into_a_dead_end_lets_the_one_inside_out():
    grid = TinyGrid(DEAD_ENDS)
    out = run(grid, team(grid, 2), [(2, 1), (0, 1)], [[(0, 1)] * 1, [(5, 4)]], 800)
    assert out.delivered == [1, 1] and out.overlaps == []


def test_an_idle_robot_makes_way():
    grid = TinyGrid(["#.#", "...", "#.#", "#.#"])
    out = run(grid, team(grid, 2), [(3, 1), (1, 1)], [[(0, 1)], []], 400)
    assert out.delivered == [1, 0] and out.overlaps == []


def test_a_goal_that_cannot_be_reached_is_like_none():
    grid = TinyGrid(["..#.", "..#."])
    planners = team(grid, 2)
    out = run(grid, planners, [(0, 0), (0, 1)], [[(0, 3)], [(0, 0), (0, 1), (0, 0)]], 600)
    assert out.delivered == [0, 3] and out.overlaps == []


@pytest.mark.parametrize("rows", [AISLES, DEAD_ENDS], ids=["aisles", "dead ends"])
def test_a_crowd_keeps_delivering_for_minutes(rows):
    grid = TinyGrid(rows)
    n = 8 if rows is AISLES else 5
    starts, goals = draw_jobs(grid, n, 1, 200)
    out = run(grid, team(grid, n), starts, goals, 2400, seed=1, stall=0.05)
    assert out.overlaps == []
    assert min(out.delivered) >= 3
    assert sum(out.delivered) >= 0.3 * alone(grid, starts, goals, 120)


def test_a_team_in_an_open_place_loses_little():
    grid = TinyGrid(["." * 16] * 12)
    starts, goals = draw_jobs(grid, 12, 2, 100)
    out = run(grid, team(grid, 12), starts, goals, 1200, seed=2, noise=0.0)
    assert out.overlaps == []
    assert sum(out.delivered) >= 0.9 * alone(grid, starts, goals, 60)


def say(intent):
    return SimpleNamespace(intent=intent)


def ask(planner, x=0.5, y=0.5, goal=(4.5, 0.5), messages=None):
    """Let a planner plan its next tick."""
    return planner.plan(
        View(0.05 * (planner.tick + 1), np.array([x, y, 0.0, 0.0, 0.0]), np.array(goal), messages=messages or {})
    )


def test_a_free_cell_is_claimed_then_taken():
    planner = CellPlanner(TinyGrid(["....."]), 3, 0.05)
    first = ask(planner).intent
    assert (first.held, first.claim) == ((0,), 1)
    second = ask(planner).intent
    assert second.held == (0, 1) and second.stamp == first.stamp + 1


def test_a_cell_that_another_holds_is_not_taken():
    grid = TinyGrid(["....."])
    planner, other = CellPlanner(grid, 3, 0.05), CellPlanner(grid, 4, 0.05)
    ask(planner)
    held = say(ask(other, 1.5, 0.5).intent)
    assert ask(planner, 0.5, 0.5, (4.5, 0.5), {4: held}).intent.held == (0,)


@pytest.mark.parametrize(("better", "taken"), [(1, False), (-1, True)])
def test_the_better_of_two_claims_wins(better, taken):
    grid = TinyGrid(["....."])
    planner, other = CellPlanner(grid, 3, 0.05), CellPlanner(grid, 4, 0.05)
    mine = ask(planner).intent
    theirs = ask(other, 2.5, 0.5, (0.5, 0.5)).intent
    rival = say(replace(theirs, claim=1, claim_priority=mine.claim_priority + better))
    assert (ask(planner, 0.5, 0.5, (4.5, 0.5), {4: rival}).intent.held == (0, 1)) is taken


def test_a_claim_of_another_tick_counts_as_held():
    grid = TinyGrid(["....."])
    planner, other = CellPlanner(grid, 3, 0.05), CellPlanner(grid, 4, 0.05)
    mine = ask(planner).intent
    theirs = ask(other, 2.5, 0.5, (0.5, 0.5)).intent
    stale = say(replace(theirs, claim=1, stamp=mine.stamp - 5, claim_priority=-(2**40)))
    assert ask(planner, 0.5, 0.5, (4.5, 0.5), {4: stale}).intent.held == (0,)


def test_a_cell_is_given_back_when_the_body_has_left_it():
    planner = CellPlanner(TinyGrid(["....."]), 0, 0.05, radius=0.3)
    ask(planner)
    ask(planner)
    assert ask(planner, 1.29).intent.held[0] == 0
    assert ask(planner, 1.33).intent.held[0] == 1


def test_the_waypoint_looks_ahead_along_the_held_cells_and_ends_at_the_last():
    planner = CellPlanner(TinyGrid(["....."]), 0, 0.05)
    assert ask(planner, 0.5, 0.5, (4.5, 0.5)).waypoint.tolist() == [0.5, 0.5]
    plan = ask(planner, 0.5, 0.5, (4.5, 0.5))
    assert plan.waypoint == pytest.approx([0.5 + planner.look, 0.5]) and plan.stop_distance == pytest.approx(1.0)
    plan = ask(planner, 1.4, 0.5, (1.5, 0.5))
    assert plan.waypoint == pytest.approx([1.5, 0.5]) and plan.stop_distance == pytest.approx(0.1)


def test_a_robot_pushed_out_of_its_cells_returns_to_the_nearest_one():
    planner = CellPlanner(TinyGrid(["....", "....", "...."]), 0, 0.05)
    ask(planner, 1.5, 1.5, (3.5, 1.5))
    plan = ask(planner, 1.5, 2.6, (3.5, 1.5))
    assert plan.waypoint == pytest.approx([1.5, 1.9]) or plan.path[-1] == pytest.approx([1.5, 1.5])
    assert 5 in plan.intent.held and plan.intent.claim == -1


def test_messages_are_bounded():
    grid = TinyGrid(AISLES)
    starts, goals = draw_jobs(grid, 6, 0, 30)
    out = run(grid, team(grid, 6), starts, goals, 400, trace=True)
    for _, intents in out.history:
        for intent in intents:
            assert 1 <= len(intent.held) <= MAX_HELD and len(intent.window) == WINDOW + 1
            assert sorted(intent.ranking) == [0, 1, 2, 3, 4]


def test_the_same_run_twice_is_the_same():
    grid = TinyGrid(AISLES)
    starts, goals = draw_jobs(grid, 6, 5, 30)
    runs = [run(grid, team(grid, 6), starts, goals, 400, seed=9, stall=0.2) for _ in range(2)]
    assert runs[0].times == runs[1].times


def test_asked_twice_in_one_tick_it_answers_the_same():
    planner = CellPlanner(TinyGrid(["....."]), 0, 0.05)
    here = View(0.05, np.array([0.5, 0.5, 0, 0, 0]), np.array([4.5, 0.5]))
    assert planner.plan(here) is planner.plan(here)


def test_the_clock_need_not_start_at_zero():
    grid = TinyGrid(LOOP)
    out = run(grid, team(grid, 2), [(0, 0), (0, 8)], [[(0, 8)], [(0, 0)]], 900, first_tick=12345)
    assert out.delivered == [1, 1] and out.overlaps == []


def test_reset_forgets_what_was_held():
    planner = CellPlanner(TinyGrid(["....."]), 0, 0.05)
    ask(planner)
    ask(planner)
    planner.reset()
    assert ask(planner, 3.5).intent.held == (3,)


@pytest.mark.parametrize("options", [{"radius": 0.5}, {"radius": 0.0}, {"communication_radius": 2.0}])
def test_numbers_that_make_no_sense_are_named(options):
    with pytest.raises(InputError, match="CellPlanner"):
        CellPlanner(TinyGrid(["..."]), 0, 0.05, **options)


@pytest.mark.parametrize(
    "wrong",
    [{"held": ()}, {"held": (0,) * 9}, {"window": (0,)}, {"ranking": (0, 1, 2, 3, 3)}, {"held": (-1,)}, {"claim": -2}],
)
def test_an_intent_that_makes_no_sense_is_named(wrong):
    intent = ask(CellPlanner(TinyGrid(["....."]), 0, 0.05)).intent
    with pytest.raises(InputError, match=f"intent: .*{next(iter(wrong))}"):
        replace(intent, **wrong)


def test_an_intent_about_cells_that_are_not_on_the_map_is_not_heard():
    planner = CellPlanner(TinyGrid(["....."]), 0, 0.05)
    intent = ask(planner).intent
    plan = ask(planner, messages={1: say(replace(intent, held=(10**9,)))})
    assert plan.intent.held == (0, 1)


@pytest.mark.parametrize("waited", [LONGEST - 20, 50 * LONGEST])
def test_a_liar_wins_no_claim_for_ever_of_one_that_has_waited_the_longest(waited):
    """In a lane of many cells, of each of which both claim the same one."""
    won = []
    for column in range(1, 39):
        grid = TinyGrid(["." * 41])
        planner, other = CellPlanner(grid, 3, 0.05), CellPlanner(grid, 4, 0.05)
        x = column + 0.5
        ask(planner, x, 0.5, (40.5, 0.5))
        planner._since -= waited
        mine = [ask(planner, x, 0.5, (40.5, 0.5)).intent for _ in range(3)][-1]
        planner.held, planner.claim = [column], column + 1  # as at first, but after so long a time
        planner.claim_priority = mine.priority
        planner._last = replace(mine, held=(column,), claim=column + 1, claim_priority=mine.priority)
        theirs = ask(other, x + 2.0, 0.5, (0.5, 0.5)).intent
        lie = replace(theirs, claim=column + 1, claim_priority=2**62, priority=2**62, stamp=planner._last.stamp)
        won.append(ask(planner, x, 0.5, (40.5, 0.5), {4: say(lie)}).intent.held == (column, column + 1))
        assert mine.priority <= priority_key(LONGEST, 3)
    assert 8 < sum(won) < 30 if waited > LONGEST else not any(won)
