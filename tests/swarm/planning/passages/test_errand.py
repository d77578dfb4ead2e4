"""Who has been passed some times by others who came later is due, and those who wait as well let it go first."""

from __future__ import annotations

import numpy as np
import pytest

from swarm.model.dynamics import Kind, Limits
from swarm.planning.passages.errand import Passed
from swarm.planning.passages.holding import Holding, Leg
from swarm.planning.passages.right_of_way import course, first_of, goes_first, in_order, intent_of, is_due, waiting_key
from swarm.planning.passages.route import Route
from swarm.planning.passages.slices import Sizes, slices_of
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.world import World
from swarm.sense.intent import Intent
from swarm.sense.messages import Message
from swarm.sense.neighbours import NEIGHBOUR
from swarm.sense.view import View

RADIUS, DT, SPEED, ME = 0.1, 0.05, 1.0, 9
NEAR, FAR = 4, 100  # Ticks to the passage.


def route() -> Route:
    boxes = np.array([[3.0, 0.42, 2.0, 0.42], [3.0, 1.58, 2.0, 0.42]])  # a lane of 0.32 m
    world = World(np.array([0.0, 0.0, 6.0, 2.0]), boxes)
    return Route(world, slices_of(world, Sizes(RADIUS, RADIUS)), RADIUS, 0.0)


def leg_of(way: Route, start: float = 0.5, end: float = 5.5) -> Leg:
    return way.leg(np.linspace([start, 1.0], [end, 1.0], 300), np.array([end, 1.0]))


def told(
    robot: int, held: tuple[int, ...], ahead: tuple[int, ...], arrival: int, due: bool = False,
    later: tuple[int, ...] = (),
) -> Intent:  # fmt: skip
    key = waiting_key(100, robot, due)
    return intent_of(
        tick=0, held=held, claim=0, claim_priority=key, priority=key, arrival=arrival, leaving=False, ahead=ahead,
        later=later,
    )  # fmt: skip


class Door:
    """One robot before a lane, and others who go in one after the other."""

    def __init__(self, there: set[int]) -> None:
        self.way = route()
        self.leg, self.passed, self.tick = leg_of(self.way), Passed(self.way.slices, SPEED, DT), 0
        self.back = self.leg.ahead[::-1]
        self.heard = {robot: told(robot, (), self.back, NEAR if robot in there else FAR) for robot in range(5)}

    def step(self, inside: int = -1, waits: bool = True) -> bool:
        """A tick in which this one is in the lane."""
        heard = dict(self.heard)
        if inside >= 0:
            heard[inside] = told(inside, self.back[1:2], self.back[1:], 0)
        self.tick += 1
        others = {robot: course(intent, robot) for robot, intent in heard.items()}
        return self.passed.is_due(self.tick, self.leg, others, waits)


def test_who_has_been_passed_three_times_by_others_who_came_later_is_due() -> None:
    door = Door(there={0, 1})
    assert not any(door.step(robot) for robot in (-1, 0, -1, 1, -1, 2, 2, 2, -1, 3))
    assert door.step(4) and door.step(4) and door.step()


def test_who_comes_back_comes_later() -> None:
    door = Door(there={0})
    assert not any(door.step(robot) for robot in (-1, 0, -1, 0, -1, 0, -1))
    assert door.step(0)


def test_it_is_due_for_some_time_only_as_it_may_not_be_able_to_go() -> None:
    door = Door(there=set())
    assert [door.step(robot) for robot in (-1, 0, 1, 2)] == [False, False, False, True]
    due = [door.step() for _ in range(600)]
    assert due[0] and not due[-1] and 350 < sum(due) < 450


def test_who_has_come_into_a_passage_and_goes_out_again_is_due_no_more() -> None:
    door = Door(there=set())
    assert [door.step(robot) for robot in (-1, 0, 1, 2)] == [False, False, False, True]
    assert not door.step(waits=False) and not door.step()


def test_who_is_far_away_is_not_passed() -> None:
    door = Door(there=set())
    door.leg = leg_of(door.way, start=0.0)._replace(distance=3.0)
    assert not any(door.step(robot) for robot in (-1, 0, 1, 2, 3, 4))


def test_who_is_due_goes_before_all_others_that_wait_however_long_they_do() -> None:
    due, other = course(told(9, (), (1, 2), 0, due=True), 9).rank, course(told(1, (), (1, 2), 0), 1).rank
    assert goes_first(due, other) and is_due(due.priority) and not is_due(other.priority)
    assert not is_due(waiting_key(10**6, 1)) and waiting_key(0, 9, True) > waiting_key(10**6, 1)
    assert first_of(waiting_key(10**6, 9, True)) == waiting_key(10**6, 9, True)


def test_who_makes_way_tells_what_it_wants_later() -> None:
    for ahead, later in (((), (4, 5, 6)), ((3,), (4, 5, 6)), ((), tuple(range(1, 40))), ((7, 8), (1,))):
        found = course(told(9, (), ahead, 0, later=later), 9)
        assert found.ahead == ahead and found.later[:3] == later[:3] and found.later[-1] == later[-1]
        assert found.wants == found.later
    assert course(told(9, (), (1, 2), 0), 9).wants == (1, 2)
    assert in_order(told(9, (), (), 0).window) == ()


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("inside", [False, True])
def test_who_waits_as_well_lets_it_go_first_whichever_way_it_wants(inside: bool, back: bool) -> None:
    """Also while that one stands aside for those who come out; but who is in the lane already goes on."""
    way = route()
    leg = leg_of(way, start=0.86 if inside else 0.55)
    later = leg.ahead[::-1] if back else leg.ahead
    claims = []
    for due in (False, True):
        theirs = told(ME, (), (), NEAR, due, later)
        mine = told(3, leg.ahead[:1] if inside else (), leg.ahead, 0)
        spec = RobotSpec(
            Kind.SINGLE_INTEGRATOR,
            np.array([*leg.path[0], 0.0, 0.0, 0.0]),
            np.array([[5.5, 1.0]]),
            RADIUS,
            Limits(SPEED),
        )
        holding = Holding(way.slices, spec, DT, 3)
        holding.held = [*leg.ahead[:1]] if inside else []
        messages = {ME: Message(ME, 0.0, (0.5, 1.0), 0.5, 0.5, theirs)}
        view = View(0.0, spec.start, spec.goals[0], np.empty((0, NEIGHBOUR)), messages)
        holding.claim_next(view, leg, course(mine, 3), {ME: course(theirs, ME)}, frozenset())
        claims.append(holding.claim)
    assert claims == ([leg.ahead[1]] * 2 if inside else [leg.ahead[0], 0])
