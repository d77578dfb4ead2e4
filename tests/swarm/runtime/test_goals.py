"""A robot's own goals: in order, each when it is reached, and again from the first."""

import numpy as np
import pytest

from swarm.model.dynamics import Kind, Limits
from swarm.runtime.goals import Goals
from swarm.scenario.robot_spec import RobotSpec


def spec(*goals):
    return RobotSpec(Kind.UNICYCLE, np.zeros(5), np.array(goals, dtype=float), 0.25, Limits(1.0, turn_rate=2.0))


def test_a_goal_that_is_reached_gives_the_next_one_and_the_list_begins_again():
    goals = Goals(spec((2, 0), (2, 3)))
    assert [goals.now(x, 0.0) for x in (0.0, 1.7, 1.74)] == [(2.0, 0.0)] * 3 and goals.goal_index == 0
    assert goals.now(1.76, 0.0) == (2.0, 3.0) and goals.goal_index == 1
    assert goals.now(2.0, 0.0) == (2.0, 3.0), "a goal is left behind for good"
    assert goals.now(2.1, 2.9) == (2.0, 0.0) and goals.goal_index == 2
    assert goals.now(2.0, 0.1) == (2.0, 3.0) and goals.goal_index == 3


def test_the_only_goal_stays():
    goals = Goals(spec((2, 0)))
    assert goals.now(2.0, 0.0) == goals.now(0.0, 0.0) == (2.0, 0.0) and goals.goal_index == 0


@pytest.mark.parametrize("reached", range(7))
def test_the_index_alone_tells_where_to_go_on(reached):
    listed = [(2.0, 0.0), (2.0, 3.0), (4.0, 4.0)]
    first = Goals(spec(*listed))
    for _ in range(reached):
        first.now(*first.now(9.0, 9.0))
    assert first.goal_index == reached
    assert Goals(spec(*listed), first.goal_index).now(9.0, 9.0) == first.now(9.0, 9.0) == listed[reached % 3]
