"""The oracle itself: it accepts a good run and names the rule that a bad one breaks."""

from __future__ import annotations

import pytest
from oracles.mapf import violations

ROWS = ["...", ".#.", "..."]
GOOD = [[(0, 0), (0, 2)], [(0, 1), (1, 2)], [(0, 2), (2, 2)], [(0, 2), (2, 1)]]
GOALS = [[(0, 1), (0, 2)], [(2, 2), (2, 1), (0, 0)]]


def test_accepts_a_run_without_conflict():
    assert violations(ROWS, GOOD, [(0, 0), (0, 2)], GOALS, [2, 2]) == []


def test_accepts_a_ring_that_turns():
    ring = [(0, 0), (0, 1), (1, 1), (1, 0)]
    assert violations(["..", ".."], [ring, ring[1:] + ring[:1]], ring) == []


BAD = {
    "wall": [[(0, 1), (2, 2)], [(1, 1), (2, 2)]],
    "out of map": [[(0, 0), (2, 2)], [(-1, 0), (2, 2)]],
    "jump": [[(0, 0), (2, 2)], [(0, 2), (2, 2)]],
    "vertex": [[(0, 0), (0, 2)], [(0, 1), (0, 1)]],
    "swap": [[(0, 0), (0, 1)], [(0, 1), (0, 0)]],
}


@pytest.mark.parametrize("rule", BAD)
def test_names_the_rule_that_a_plan_breaks(rule):
    found = violations(ROWS, BAD[rule], BAD[rule][0])
    assert [line.split(":")[0] for line in found] == [rule]


def test_a_diagonal_step_is_a_jump():
    assert violations(["..", ".."], [[(0, 0)], [(1, 1)]], [(0, 0)])[0].startswith("jump")


def test_a_wrong_start_is_found():
    assert [line.split(":")[0] for line in violations(ROWS, GOOD, [(0, 1), (0, 2)])] == ["start"]


@pytest.mark.parametrize("goals", [[(0, 2), (0, 1)], [(0, 1), (2, 2)]], ids=["wrong order", "not reached"])
def test_a_claim_that_is_not_true_is_found(goals):
    found = violations(ROWS, GOOD, [(0, 0), (0, 2)], [goals, GOALS[1]], [2, 2])
    assert [line.split(":")[0] for line in found] == ["claim"]


def test_a_claim_that_is_too_modest_is_found():
    assert violations(ROWS, GOOD, [(0, 0), (0, 2)], GOALS, [1, 2])[0].startswith("claim")
