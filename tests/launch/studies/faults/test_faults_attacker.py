"""Each kind of rubbish that the attacker sends is refused for the reason that the fault suite expects."""

from types import SimpleNamespace

import pytest

from studies.faults.attacker import EXPECTED, RATE, Attacker
from studies.faults.fault_injection import ODDITIES, main
from swarm.model.body import body_of
from swarm.model.dynamics import Kind, Limits
from swarm.runtime.fleet_file.roster import Peer
from swarm.runtime.link.inbox import Inbox
from swarm.runtime.link.report_codec import encode

PLACE = (3.0, 3.0)


@pytest.fixture
def inbox():
    body = body_of(Kind.UNICYCLE, 0.25, Limits(1.0, turn_rate=4.0), dt=0.05, sensing_radius=3.0, margin=0.06)
    peer = Peer(int(Kind.UNICYCLE), body, (0.0, 0.0, 14.0, 7.0))
    inbox = Inbox(0, 1, dict.fromkeys(range(3), peer), digest=7)
    inbox.sent(1, 0.0)
    return inbox


@pytest.mark.parametrize("kind", sorted(set(EXPECTED) - {"flooding", "jumping"}))
def test_rubbish_is_refused_for_its_reason(inbox, kind):
    attacker = Attacker(2, [0, 1], PLACE, 7)
    assert inbox.receive(attacker.message("valid", 0), 0.1, 2) is None
    assert inbox.receive(attacker.message(kind, 0), 0.2, 2) == EXPECTED[kind]
    assert inbox.receive(attacker.message("valid", 0), 0.3, 2) is None


@pytest.mark.parametrize("kind", ["replayed", "older incarnation"])
def test_what_is_old_is_refused_as_long_as_the_robot_is_heard(inbox, kind):
    attacker = Attacker(2, [0, 1], PLACE, 7)
    for k in range(200):
        for message in attacker.messages(kind, 0):
            found = inbox.receive(message, 10.0 + k / RATE, 2)
        assert found == EXPECTED[kind]


def test_a_jump_and_a_flood_are_refused(inbox):
    attacker, receiver = Attacker(2, [0, 1], PLACE, 7), Attacker(0, [1, 2], PLACE, 7)
    receiver.incarnation = 1
    data = encode(receiver.report(sequence=1))
    attacker.hear(SimpleNamespace(payload=SimpleNamespace(to_bytes=lambda: data)))
    found = [inbox.receive(attacker.message("jumping", 0), 0.1 + 0.05 * k, 2) for k in range(20)]
    assert found[0] is None and "jump" in found and found[-1] == "quarantined"
    attacker = Attacker(1, [0, 2], PLACE, 7)
    found = [inbox.receive(attacker.message("flooding", 0), 2.0 + 0.001 * k, 1) for k in range(1000)]
    assert found.count(None) <= 91 and found.count("flooding") == 1000 - found.count(None)


def test_an_oddity_has_to_be_known():
    with pytest.raises(KeyError):
        main(["unknown", "--", "--fleet", "f.yaml"])
    assert {"clock", "lie", "slow", "blind", "version", "witness"} == set(ODDITIES)
