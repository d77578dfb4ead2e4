"""Robots that do not fit refuse each other and say why; small differences are noted."""

import hashlib
import math
import struct
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm.errors import InputError
from swarm.model.body import DELAY, YIELDS, body_of
from swarm.model.dynamics import Kind, Limits
from swarm.model.error_bounds import ErrorBounds
from swarm.runtime.fleet_file.read import load_fleet
from swarm.runtime.fleet_file.roster import Peer
from swarm.runtime.link.handshake import EVERY, SIGNED, SPEAKS, Handshake, Handshakes, decode, encode, handshake_of
from swarm.runtime.link.report_codec import MAJOR, MINOR
from swarm.scenario.world import World

OWN = Handshake(0, MAJOR, MINOR, b"map-here", b"limits-1", b"policy-1")
digests = st.binary(min_size=8, max_size=8)
handshakes = st.builds(
    Handshake, st.integers(0, 2**32 - 1), st.just(MAJOR), st.integers(0, MINOR), digests, digests, digests
)


def told(robot, **changes):
    return encode(replace(OWN, robot=robot, **changes))


def three():
    return Handshakes(OWN, (1, 2, 3))


@given(handshakes)
def test_a_hello_survives_its_bytes(handshake):
    assert decode(encode(handshake)) == handshake


@given(st.binary(max_size=1100))
def test_arbitrary_bytes_are_refused(data):
    with pytest.raises(InputError):
        decode(data)


def test_of_another_major_protocol_only_the_version_is_read():
    assert decode(b"HELO" + bytes([MAJOR + 1, 7]) + b"whatever") == Handshake(-1, MAJOR + 1, 7)
    assert decode(told(1, minor=MINOR + 1) + b"more").minor == MINOR + 1
    with pytest.raises(InputError):
        decode(told(1) + b"more")


def test_who_fits_is_not_spoken_of():
    book = three()
    for robot in (1, 2, 3):
        book.receive(robot, told(robot), 10.0)
    assert book.refusal(10.0, senses=False) is None and not book.misfits(10.0) and not book.notes(10.0)


@pytest.mark.parametrize(
    ("changes", "word"),
    [({"map": b"map-else"}, "another map: 6d61702d656c7365, here 6d61702d68657265"),
     ({"limits": b"limits-2"}, "other limits"), ({"major": MAJOR + 1}, f"protocol {MAJOR + 1}.{MINOR}, here {MAJOR}")],
)  # fmt: skip
def test_while_somebody_speaks_who_does_not_fit_nobody_moves(changes, word):
    book = three()
    book.receive(1, told(1), 10.0)
    book.receive(3, told(3, **changes), 10.0)
    assert word in book.refusal(10.0, senses=False) and "robot 3" in book.refusal(10.0, senses=False)
    assert book.refusal(10.0 + SPEAKS, senses=False) is None  # it is gone
    book.receive(3, told(3, **changes), 20.0)
    assert book.refusal(20.0, senses=False)
    book.receive(3, told(3), 20.5)  # started again with the right file
    assert book.refusal(20.5, senses=False) is None


def test_who_senses_the_others_goes_on_with_the_larger_camp_only():
    book = three()
    book.receive(3, told(3, map=b"map-else"), 10.0)
    assert book.refusal(10.0, senses=True)  # one against one
    book.receive(1, told(1), 10.0)
    assert book.refusal(10.0, senses=True) is None and book.misfits(10.0)
    book.receive(2, told(2, map=b"map-2222"), 10.0)
    assert book.refusal(10.0, senses=True)
    assert book.refusal(10.0, senses=False)


def test_a_report_with_another_digest_is_enough():
    book = three()
    book.suspect(2, 10.0)
    assert "robot 2" in book.refusal(10.0, senses=False)
    book.receive(2, told(2), 10.5)
    assert book.refusal(10.5, senses=False) is None
    book.suspect(7, 11.0)  # not of the roster
    assert book.refusal(11.0, senses=False) is None


def test_another_policy_or_minor_protocol_is_noted():
    book = three()
    book.receive(1, told(1, policy=b"policy-2", minor=MINOR + 1), 10.0)
    assert book.refusal(10.0, senses=False) is None
    assert [note.split(" ")[:2] for note in book.notes(10.0)] == [["robot", "1"]] * 2
    assert not book.notes(10.0 + SPEAKS)


def test_hellos_that_are_none_change_nothing():
    book = three()
    for robot, data in ((1, b""), (1, told(2)), (9, told(9)), (1, struct.pack("<4sBB", b"HELO", MAJOR, 0))):
        book.receive(robot, data, 10.0)
    assert book.malformed == 4 and not book.misfits(10.0)


def test_it_is_said_about_once_a_second():
    book, said = three(), 0
    for k in range(200):
        said += book.due(100.0 + 0.05 * k)
    assert said == pytest.approx(10.0 / EVERY, abs=1) and not book.due(100.0 + 0.05 * 199)
    assert math.isfinite(book._said)


FLEET = "fleet: t\nscenario: s.yaml\nplanner: {}\ncontroller: {}\nmargin: {}\ndriver: replay\nrecording: r\n"
SCENARIO = "environment: {{min: [0, 0], max: [8, 8], obstacles: [{{type: box, center: [4, {}], size: [1, 1]}}]}}\n"
ROBOT = "robots: [{{type: unicycle_first_order_0_sphere, start: [1, 4, 0], goal: [{}, 7, 0], radius: {}}}]\n"


def test_digests_are_of_what_matters(tmp_path):
    def handshake(at=4, goal=1, radius=0.3, planner="roadmap", controller="fixed:4,1", margin=0.0, errors=""):
        (tmp_path / "s.yaml").write_text((SCENARIO + ROBOT.replace("{}", "{}")).format(at, goal, radius))
        (tmp_path / "f.yaml").write_text(FLEET.format(planner, controller, margin) + f"endpoints: 18000\n{errors}")
        fleet = load_fleet(tmp_path / "f.yaml")
        return handshake_of(
            0, fleet.scenario.world, fleet.roster().values(), fleet.planner, fleet.controller, fleet.errors
        )

    same = handshake()
    assert handshake(goal=2) == same
    assert handshake(at=4.5).map != same.map and handshake(at=4.5).limits == same.limits
    assert handshake(radius=0.31).limits != same.limits and handshake(margin=0.01).limits != same.limits
    assert handshake(planner="straight").policy != same.policy and handshake(planner="straight").digest == same.digest
    assert handshake(controller="tuner").policy not in (same.policy, handshake(controller="fixed:5,1").policy)
    assert len({handshake().digest, handshake(at=4.5).digest, handshake(margin=0.01).digest}) == 3
    keys = ("lag: 0.1", "lag: 0.2", "dead_time: 0.1", "lag: 0.1, others: sensed", "others: sensed")
    declared = [handshake(errors=f"errors: {{{key}}}\n") for key in keys]
    assert len({one.digest for one in (same, *declared)}) == 6 and {one.map for one in declared} == {same.map}
    assert handshake(errors="errors: {lag: 0.1, slip: 0}\n") == declared[0]


def test_without_declared_errors_the_digest_is_that_of_processes_that_know_none(tmp_path):
    (tmp_path / "s.yaml").write_text((SCENARIO + ROBOT).format(4, 1, 0.3))
    (tmp_path / "f.yaml").write_text(FLEET.format("roadmap", "fixed:4,1", 0.0) + "endpoints: 18000\nerrors: {age: 0}\n")
    fleet = load_fleet(tmp_path / "f.yaml")
    (peer,) = fleet.roster().values()
    hello = handshake_of(0, fleet.scenario.world, [peer], fleet.planner, fleet.controller, fleet.errors)
    known = peer.body[: YIELDS + 1]  # the columns that they have
    assert hello.limits == hashlib.sha256(struct.pack("<i", peer.kind) + known.tobytes()).digest()[:8]


def test_what_only_policies_read_is_no_part_of_it():
    errors = ErrorBounds(age=0.05, latency=0.1, loss=0.2)
    body = body_of(Kind.UNICYCLE, 0.3, Limits(0.5, turn_rate=4.0), dt=0.05, sensing_radius=5.0, errors=errors)
    blank, world = body.copy(), World(np.array([0.0, 0.0, 9.0, 9.0]))
    blank[DELAY:] = 0.0
    assert (body[DELAY:] != blank[DELAY:]).any()
    first, second, other = (
        handshake_of(0, world, [Peer(Kind.UNICYCLE, one, (0.0, 0.0, 9.0, 9.0))], "straight", "fixed:6,1", errors)
        for one in (body, blank, 2.0 * body)
    )
    assert first.limits == second.limits != other.limits


def test_robots_of_another_turn_acceleration_do_not_fit(tmp_path):
    def digest(limits):
        robot = ROBOT.format(4, 1, 0.3).replace("}", f", limits: {{{limits}}}}}", 1)
        (tmp_path / "s.yaml").write_text(SCENARIO.format(4, 1, 0.3) + robot)
        (tmp_path / "f.yaml").write_text(FLEET.format("roadmap", "fixed:4,1", 0.6) + "endpoints: 18000\n")
        fleet = load_fleet(tmp_path / "f.yaml")
        return handshake_of(0, fleet.scenario.world, fleet.roster().values(), fleet.planner, fleet.controller).digest

    accelerations = ("", ", turn_acceleration: 4", ", turn_acceleration: 5")
    assert len({digest("speed: 0.4, acceleration: 1.5, turn_rate: 1" + more) for more in accelerations}) == 3


def test_where_stops_are_signed_who_passes_nothing_on_is_noted_and_fits(tmp_path):
    (tmp_path / "s.yaml").write_text((SCENARIO + ROBOT).format(4, 1, 0.3))
    (tmp_path / "fleet.yaml").write_text(FLEET.format("straight", "fixed:2,1", 0.0) + "endpoints: 18000\n")
    fleet = load_fleet(tmp_path / "fleet.yaml")
    parts = fleet.scenario.world, fleet.roster().values(), fleet.planner, fleet.controller
    old, new = (handshake_of(0, *parts, signs=signs) for signs in (False, True))
    assert old.digest == new.digest and (old.minor, new.minor) == (MINOR, SIGNED)
    hears = Handshakes(new, [1])
    hears.receive(1, encode(replace(old, robot=1)), 1.0)
    assert hears.refusal(1.0, False) is None and hears.notes(1.0) == (f"robot 1 speaks protocol {MAJOR}.{MINOR}",)
