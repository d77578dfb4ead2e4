"""The inbox at its limits, in the documented metres, seconds and reports: just inside is taken, just beyond is not."""

import math

import numpy as np
import pytest
from oracles.reports import BODY, PERIOD, ROSTER, report

from swarm.model.body import body_of
from swarm.model.dynamics import Kind, Limits
from swarm.runtime.fleet_file.roster import Peer
from swarm.runtime.link.inbox import Inbox


def test_who_speaks_with_the_key_of_another_is_refused():
    box = Inbox(1, 1, ROSTER)
    for key in (1, 3):
        assert box.receive(report(sequence=0), 0.0, key_of=key) == "not its own"
    assert box.receive(report(sequence=0), 0.0, key_of=2) is None
    assert box.receive(report(sequence=1), 0.1) is None
    assert box.rejected == {"not its own": 2} and box.status() == {}


def test_another_map_or_roster_is_refused():
    box = Inbox(1, 1, ROSTER, digest=5)
    assert box.receive(report(sequence=0), 0.0) == "incompatible"
    assert box.receive(report(sequence=0, digest=4), 0.1) == "incompatible"
    assert box.receive(report(sequence=0, digest=6), 0.1) == "incompatible"
    assert box.receive(report(sequence=0, digest=5), 0.2) is None
    assert box.rejected == {"incompatible": 3} and box.status() == {2: {"incompatible": 3}}


def test_rejections_are_counted_by_reason():
    box = Inbox(1, 1, ROSTER)
    for data in (b"hello", report(robot=9), report(robot=1), report(robot=9)):
        box.receive(data, 0.0)
    assert box.rejected == {"oversized or malformed": 1, "unknown sender": 2, "own identity": 1}


@pytest.mark.parametrize("side", ["x", "y"])
def test_positions_may_miss_the_bounds_by_5_cm(side):
    box = Inbox(1, 1, ROSTER)
    for number, (value, found) in enumerate(
        [(-0.049, None), (-0.051, "out of range"), (100.049, None), (100.051, "out of range")]
    ):
        # From so long ago that it can have come from anywhere.
        data = report(sequence=number, **({"x": value} if side == "x" else {"x": 50.0, "y": value}))
        assert box.receive(data, 1000.0 * number) == found


def test_speeds_may_be_5_percent_and_5_cm_per_s_above_the_limit():
    box = Inbox(1, 1, ROSTER)
    assert box.receive(report(sequence=0, vx=1.099), 0.0) is None
    assert box.receive(report(sequence=1, vx=-1.099), 0.1) is None
    assert box.receive(report(sequence=2, vx=1.101), 0.2) == "out of range"
    assert box.receive(report(sequence=3, vx=-1.101), 0.3) == "out of range"


def test_what_it_can_have_come_is_its_speed_times_the_time_and_5_cm():
    for way, found in ((0.549, None), (-0.549, None), (0.551, "jump"), (-0.551, "jump")):
        for side in ("x", "y"):
            box = Inbox(1, 1, ROSTER)
            box.sent(0, 0.0)
            assert box.receive(report(sequence=0, acks=[(1, 1, 0)], state_age=0.2), 0.1) is None  # measured after -0.2
            assert box.receive(report(sequence=1, **{side: 5.0 + way}), 0.3) == found  # 0.5 s at 1 m/s


def test_a_jump_is_followed_by_a_second_in_which_nothing_is_believed():
    box = Inbox(1, 1, ROSTER)
    box.sent(0, 0.0)
    assert box.receive(report(sequence=0, acks=[(1, 1, 0)]), 0.0) is None
    assert box.receive(report(sequence=1, x=9.0), 0.25) == "jump"
    assert box.receive(report(sequence=2), 1.24) == "quarantined"
    assert box.receive(report(sequence=3), 1.25) is None
    assert box.heard(1.25)[0].report.sequence == 3


def test_at_once_30_reports_are_read_and_then_60_a_second():
    box = Inbox(1, 1, ROSTER)
    assert [box.receive(report(sequence=k), 5.0) for k in range(31)] == [None] * 30 + ["flooding"]
    assert [box.receive(report(sequence=k), 5.125) for k in range(31, 40)] == [None] * 7 + ["flooding"] * 2
    assert [box.receive(report(sequence=k), 65.0) for k in range(40, 72)] == [None] * 30 + ["flooding"] * 2


def test_after_3_seconds_of_silence_a_sender_may_count_from_anywhere():
    box = Inbox(1, 1, ROSTER)
    assert box.receive(report(sequence=9), 1.0) is None
    assert box.receive(report(sequence=9), 3.99) == "not newer"
    assert box.receive(report(sequence=9), 4.0) is None


def test_a_minute_of_own_reports_is_remembered():
    box = Inbox(1, 1, ROSTER)
    for k in range(1201):
        box.sent(k, k * PERIOD)
    assert box.receive(report(sequence=0, acks=[(1, 1, 0)]), 60.5) is None
    assert (box.heard(60.5)[0].age, box.heard(60.5)[0].acked) == (np.inf, -1)
    assert box.receive(report(sequence=1, acks=[(1, 1, 1)]), 60.5) is None
    assert box.heard(60.5)[0].age == pytest.approx(60.45) and box.heard(60.5)[0].acked == 1


def test_at_most_32_neighbours_are_acknowledged():
    roster = {robot: Peer(Kind.UNICYCLE, BODY, (0.0, 0.0, 100.0, 100.0)) for robot in range(40)}
    box = Inbox(0, 1, roster)
    assert box.acks() == ()
    for robot in range(1, 40):
        assert box.receive(report(robot=robot, sequence=robot % 2), 0.0) is None
    assert box.acks() == tuple((robot, 1, robot % 2) for robot in range(1, 33))
    assert [heard.report.robot_id for heard in box.heard(0.0)] == list(range(1, 40))


def test_how_far_a_neighbour_can_have_come_since_its_state():
    box = Inbox(1, 1, ROSTER)
    box.sent(0, 0.0)
    assert box.receive(report(sequence=0, acks=[(1, 1, 0)], vx=0.6), 0.5) is None
    assert box.heard(0.5)[0].growth(ROSTER[2]) == pytest.approx(0.5)
    double = Peer(Kind.DOUBLE_INTEGRATOR, body_of(Kind.DOUBLE_INTEGRATOR, 0.3, Limits(1.0, 0.5), dt=0.05,
                                                  sensing_radius=5.0), (0.0, 0.0, 100.0, 100.0))  # fmt: skip
    # 0.6 m/s along an axis, and then as much more as both axes accelerate: 0.3 m + sqrt(2) 0.5 m/s² (0.5 s)² / 2.
    assert box.heard(0.5)[0].growth(double) == pytest.approx(0.3 + math.sqrt(2.0) * 0.0625)
