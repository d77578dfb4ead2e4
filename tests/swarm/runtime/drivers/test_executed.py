"""What a body executes: the last command until that is too old, also in periods that were missed."""

import numpy as np

from swarm.runtime.drivers.base import Sent
from swarm.runtime.drivers.executed import _MOST, Executed

DT = 0.05


class Noting:
    def __init__(self):
        self.told = []

    def sent(self, control):
        self.told.append(None if control is None else float(control[0]))


def sent(speed):
    return Sent(np.array([speed, 0.0]), 0.0)


def run(steps, lifetime=0.2):
    """``steps``: when each period begins, and the speed that is sent or None; what the robot was told."""
    robot = Noting()
    executed = Executed(robot, DT, lifetime)
    for now, speed in steps:
        executed.begin(now)
        executed.end(None if speed is None else sent(speed))
    return robot.told


def test_what_is_sent_in_each_period_is_told():
    assert run([(1.0, 0.3), (1.05, 0.4), (1.1, 0.0)]) == [0.3, 0.4, 0.0]


def test_before_anything_was_sent_the_body_brakes():
    assert run([(1.0, None), (1.05, None), (1.1, 0.5)]) == [None, None, 0.5]


def test_a_command_holds_for_its_lifetime_and_no_longer():
    steps = [(1.0, 0.3), *[(1.0 + k * DT, None) for k in range(1, 7)]]
    assert run(steps) == [0.3] * 4 + [None] * 3
    assert run(steps, lifetime=2 * DT) == [0.3] * 2 + [None] * 5


def test_periods_that_were_missed_count():
    assert run([(1.0, 0.3), (1.104, 0.4)]) == [0.3, 0.3, 0.4], "one, and a little late"
    assert run([(1.0, 0.3), (1.06, 0.4), (1.095, 0.5)]) == [0.3, 0.4, 0.5], "none"
    assert run([(1.0, 0.3), (1.5, 0.4)]) == [0.3] * 4 + [None] * 6 + [0.4]
    assert len(run([(1.0, 0.3), (1e6, 0.4)])) == _MOST + 2
