"""Who has been passed some times by others who came later is due, and those who wait as well let it go first."""

from __future__ import annotations

import numpy as np
import pytest

from swarm.model.dynamics import Kind, Limits
from swarm.planning.passages.errand import Passed
from swarm.planning.passages.holding import Holding, Leg, Said
from swarm.planning.passages.right_of_way import (
    T_AHEAD,
    T_LATER,
    first_of,
    goes_first,
    is_due,
    listed,
    rank_of,
    row_of,
    waiting_key,
    wants_at,
)
from swarm.planning.passages.route import Route
from swarm.planning.passages.slices import Sizes, slices_of
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.world import World
from swarm.sense.intent import Intent
from swarm.sense.neighbours import NEIGHBOUR
from swarm.sense.view import View
from tests.oracles.told import others_of, own_of, tells

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
    return tells(held=held, ahead=ahead, key=waiting_key(100, robot, due), arrival=arrival, later=later)


class Door:
    """One robot before a lane, and others who go in one after the other."""

    def __init__(self, there: set[int]) -> None:
        self.way = route()
        self.leg, self.passed, self.tick = leg_of(self.way), Passed(self.way.slices, SPEED, DT), 0
        self.back = tuple(self.leg.ahead[::-1].tolist())
        self.heard = {robot: told(robot, (), self.back, NEAR if robot in there else FAR) for robot in range(5)}

    def step(self, inside: int = -1, waits: bool = True) -> bool:
        """A tick in which this one is in the lane."""
        heard = dict(self.heard)
        if inside >= 0:
            heard[inside] = told(inside, self.back[1:2], self.back[1:], 0)
        self.tick += 1
        return self.passed.is_due(self.tick, self.leg, others_of(heard), waits)


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
    due, other = rank_of(row_of(told(9, (), (1, 2), 0, due=True), 9)), rank_of(row_of(told(1, (), (1, 2), 0), 1))
    assert goes_first(due, other) and is_due(due.priority) and not is_due(other.priority)
    assert not is_due(waiting_key(10**6, 1)) and waiting_key(0, 9, True) > waiting_key(10**6, 1)
    assert first_of(waiting_key(10**6, 9, True)) == waiting_key(10**6, 9, True)


def test_who_makes_way_tells_what_it_wants_later() -> None:
    for ahead, later in (((), (4, 5, 6)), ((3,), (4, 5, 6)), ((), tuple(range(1, 40))), ((7, 8), (1,))):
        found = row_of(told(9, (), ahead, 0, later=later), 9)
        wanted = tuple(listed(found, T_LATER).tolist())
        assert tuple(listed(found, T_AHEAD).tolist()) == ahead
        assert wanted[:3] == later[:3] and wanted[-1] == later[-1] and wants_at(found) == T_LATER
    assert wants_at(row_of(told(9, (), (1, 2), 0), 9)) == T_AHEAD


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("inside", [False, True])
def test_who_waits_as_well_lets_it_go_first_whichever_way_it_wants(inside: bool, back: bool) -> None:
    """Also while that one stands aside for those who come out; but who is in the lane already goes on."""
    way = route()
    leg = leg_of(way, start=0.86 if inside else 0.55)
    later = leg.ahead[::-1] if back else leg.ahead
    claims = []
    for due in (False, True):
        held, ahead = leg.ahead[: int(inside)], leg.ahead.tolist()
        theirs = told(ME, (), (), NEAR, due, tuple(later.tolist()))
        mine = told(3, tuple(held.tolist()), tuple(ahead), 0)
        spec = RobotSpec(
            Kind.SINGLE_INTEGRATOR,
            np.array([*leg.path[0], 0.0, 0.0, 0.0]),
            np.array([[5.5, 1.0]]),
            RADIUS,
            Limits(SPEED),
        )
        holding = Holding(way.slices, spec, DT)
        holding.held = held
        view, said = View(0.0, spec.start, spec.goals[0], np.empty((0, NEIGHBOUR))), Said(3, 1, False, 0, 0, 0)
        holding.go_on(view, leg, own_of(3, mine, ahead), others_of({ME: theirs}), said)
        assert holding.held.tolist() == held.tolist()
        claims.append(holding.claim)
    assert claims == ([leg.ahead[1]] * 2 if inside else [leg.ahead[0], 0])
