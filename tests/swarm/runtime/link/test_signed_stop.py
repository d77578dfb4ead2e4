"""Stops and releases that operators sign: nobody else can make one, whoever has heard one can pass it on."""

import os
import runpy
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.project import ROOT

from swarm.errors import InputError
from swarm.runtime.fleet_file.zenoh_config import MAX_PAYLOAD
from swarm.runtime.link import signed_stop
from swarm.runtime.link.estop import CEILING, EmergencyStop, StopLatch
from swarm.runtime.link.signed_stop import EVERY, QUIET, SOON, Believed, Relay, Signer, Verifier, decode

authority_main = runpy.run_path(str(ROOT / "launch" / "authority.py"))["main"]
FLEET, PERIOD = "a" * 24, 0.1


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Two authorities of one fleet and one of another: ``ours``, ``theirs``, ``other``."""
    folder = tmp_path_factory.mktemp("keys")
    for name, fleet in (("ours", FLEET), ("theirs", FLEET), ("other", "b")):
        assert authority_main(["--fleet", fleet, "--robots", "0", "1", "--out", str(folder / name)]) == 0
    return folder


def test_certificates_where_nothing_can_be_written_are_one_error(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert authority_main(["--fleet", "yard", "--robots", "0", "--out", str(tmp_path / "file")]) == 2
    error = capsys.readouterr().err
    assert "file is no folder" in error and error.startswith("error: ") and error.count("\n") == 1


@pytest.fixture(scope="module")
def signer(keys):
    return Signer(keys / "ours" / "operator")


def believed(keys, file=None, counts=None):
    return Believed(Verifier(FLEET, keys / "ours" / "robot-0"), Counter() if counts is None else counts, file)


@given(st.booleans(), st.integers(0, 2**64 - 1))
def test_what_an_operator_signs_every_robot_can_check(keys, signer, latched, counter):
    data = signer.sign(EmergencyStop(latched, counter))
    assert len(data) <= MAX_PAYLOAD and decode(data).stop == EmergencyStop(latched, counter)
    for robot in ("robot-0", "robot-1"):
        assert Verifier(FLEET, keys / "ours" / robot).check(decode(data))
    with pytest.raises(InputError, match="counter"):
        signer.sign(EmergencyStop(latched, counter + 2**64))


@given(st.integers(0, 2**16), st.integers(1, 255), st.booleans())
def test_a_wish_of_which_anything_was_changed_is_none(keys, signer, at, by, cut):
    data = bytearray(signer.sign(EmergencyStop(True, 5)))
    at %= len(data)
    changed = bytes(data[:at]) if cut else bytes([*data[:at], data[at] ^ by, *data[at + 1 :]])
    try:
        wish = decode(changed)
    except InputError:
        return
    assert not Verifier(FLEET, keys / "ours" / "robot-0").check(wish)


def test_a_certificate_of_a_version_that_there_is_not_is_none(keys, signer):
    data = signer.sign(EmergencyStop(True, 5))
    version = bytes.fromhex("a003020102")  # of X.509: three, written as 2
    assert data.count(version) == 1
    wish = decode(data.replace(version, version[:-1] + b"\x03"))
    assert not Verifier(FLEET, keys / "ours" / "robot-0").check(wish)


@pytest.mark.parametrize("who", ["ours/robot-0", "theirs/operator", "other/operator"])
def test_only_an_operator_of_this_fleet_and_this_authority_is_believed(keys, who):
    wish = decode(Signer(keys / who).sign(EmergencyStop(True, 5)))
    assert not Verifier(FLEET, keys / "ours" / "robot-0").check(wish)


def test_keys_that_cannot_be_used_are_named(keys, tmp_path):
    with pytest.raises(InputError, match=r"key\.pem"):
        Signer(tmp_path)
    with pytest.raises(InputError, match=r"ca\.pem"):
        Verifier(FLEET, tmp_path)
    for name, of in (("key.pem", "operator"), ("certificate.pem", "robot-0")):
        (tmp_path / name).write_bytes((keys / "ours" / of / name).read_bytes())
    with pytest.raises(InputError, match="another key"):
        Signer(tmp_path)
    for rubbish in (b"", b"STOP", bytes(100), b"STOP\2\1" + bytes(MAX_PAYLOAD)):
        with pytest.raises(InputError, match="signed stop"):
            decode(rubbish)


def test_who_passes_on_what_nobody_signed_is_not_listened_to_for_a_while(keys, signer, monkeypatch):
    heard, counts = [], Counter()
    mine = believed(keys, counts=counts)
    check = mine._verifier.check
    monkeypatch.setattr(mine._verifier, "check", lambda wish: heard.append(wish) or check(wish))
    forged = Signer(keys / "ours" / "robot-1").sign(EmergencyStop(True, 2**63))
    good = signer.sign(EmergencyStop(True, 5))
    for k in range(50):  # every period, to be checked twice in all
        assert mine.passed_on([(7, forged, 0.05 * k)]) == [] and (k > 0 or not mine.direct([forged]))
    assert len(heard) == 1 + 3 and counts == {"forged stop": 4}
    assert mine.passed_on([(7, good, 2.5), (8, good, 2.5)]) == [EmergencyStop(True, 5)]
    assert mine.newest.signed == good and mine.passed_on([(8, good, 2.6)]) == []
    assert mine.passed_on([(9, b"rubbish", 2.6)]) == [] and counts["malformed stop"] == 1
    assert mine.direct([good, b"rubbish", signer.sign(EmergencyStop(False, 4))]) == [
        EmergencyStop(True, 5), EmergencyStop(False, 4),
    ]  # fmt: skip
    assert mine.newest == EmergencyStop(True, 5)
    assert mine.passed_on([(7, signer.sign(EmergencyStop(False, 9)), 3.0 + QUIET)]) == [EmergencyStop(False, 9)]


def test_the_next_process_passes_on_what_the_one_before_heard(keys, signer, tmp_path):
    file, good = tmp_path / "one.stop", signer.sign(EmergencyStop(True, 5))
    assert believed(keys, file).direct([good]) and file.read_bytes() == good
    again = believed(keys, file)
    assert again.newest == EmergencyStop(True, 5) and again.newest.signed == good
    assert again.passed_on([]) == [EmergencyStop(True, 5)] and again.passed_on([]) == []
    for wrong in (b"rubbish", good[:-1], Signer(keys / "ours" / "robot-1").sign(EmergencyStop(True, 6))):
        file.write_bytes(wrong)
        assert believed(keys, file).newest is None
    assert believed(keys, tmp_path / "none" / "one.stop").direct([good])  # a folder that is not there stops nobody


def test_a_wish_is_passed_on_at_once_again_to_who_knows_less_and_else_now_and_then():
    relay, times = Relay(), []
    assert not relay.due(None, [0], 0.0)
    for k in range(1000):
        now = 0.01 * k
        newest = EmergencyStop(True, 5 if now < 3.0 else 6)
        if relay.due(newest, [4 if 1.5 <= now < 2.0 else newest.counter], now):
            times.append(now)
    early = [time for time in times if time < 1.5]
    assert early == pytest.approx([0.0, EVERY], abs=0.02) and 3.0 in [round(time, 2) for time in times]
    assert sum(1.5 <= time < 2.0 for time in times) == round(0.5 / SOON)
    assert len(times) <= 2 + 5 + 2 + 7


class Yard:
    """Honest robots of which an operator reaches some, liars that repeat and forge, and an operator's clock [ns]."""

    def __init__(self, keys, signer, folder, clock):
        self.keys, self.signer, self.folder, self.now, self.ahead = keys, signer, Path(folder), 1000.0, clock
        self.latches = [StopLatch(None, (), self.now, signed=True) for _ in range(3)]
        self.heard = [believed(keys, self.folder / f"{i}.stop") for i in range(3)]
        self.relays, self.wire = [Relay() for _ in range(3)], []
        self.told, self.forger = [], Signer(keys / "ours" / "robot-1")
        self.operator = believed(keys)

    def restart(self, i):
        known = self.latches[i].known
        self.latches[i] = StopLatch(known, (), self.now, signed=True)
        self.heard[i], self.relays[i] = believed(self.keys, self.folder / f"{i}.stop"), Relay()

    def wish(self, latched):
        """What an operator tells next, as ``swarm.fleet.emergency`` does."""
        newest = self.operator.newest
        counter = max(round(1e9 * (self.now + self.ahead)), 0 if newest is None else newest.counter + 1)
        data = self.signer.sign(EmergencyStop(latched, counter))
        self.told.append(data)
        return data

    def period(self, lie, wish=None, reached=()):
        """A period: what a liar passes on, and whom an operator reaches."""
        before = [latch.known for latch in self.latches]
        arrived, self.wire = self.wire, []
        lies = {
            "forged": [self.forger.sign(EmergencyStop(bool(lie[1] % 2), 2**62 + lie[1]))],
            "repeated": self.told[lie[1] % len(self.told) :][:1] if self.told else [],
            "rubbish": [b"STOP\2\1" + bytes(lie[1] % 99)], "nothing": [],
        }[lie[0]]  # fmt: skip
        passed = [*arrived, *((7, data, self.now) for data in lies)]
        self.operator.passed_on(passed)
        for i, latch in enumerate(self.latches):
            direct = self.heard[i].direct([wish] if wish is not None and i in reached else [])
            lying = {7: 2**64 - 1, 8: lie[1]}  # And they tell of stops in their reports.
            others = [one for one in passed if one[0] != i]
            latch.take(direct, lying, self.now, self.heard[i].passed_on(others))
            counters = [0 if one is None else one.counter for one in before]
            if self.relays[i].due(self.heard[i].newest, [*counters, lie[1] % 3], self.now):
                self.wire.append((i, self.heard[i].newest.signed, self.now))
        self.now += PERIOD

    @property
    def newest(self):
        return max((decode(data).stop for data in self.told), key=lambda one: one.counter, default=None)

    def holds(self, latched):
        return all(latch.latched == latched for latch in self.latches)


lies = st.tuples(st.sampled_from(["forged", "repeated", "rubbish", "nothing"]), st.integers(0, 10**6))
steps = st.lists(
    st.tuples(lies, st.sampled_from(["nobody", "stop", "release", "restart"]), st.integers(0, 2)), max_size=15
)


@settings(max_examples=60, deadline=None)
@given(steps, st.lists(lies, min_size=12, max_size=12), st.sampled_from([-900.0, 0.0, 5e8]))
def test_with_signatures_no_lie_stops_or_releases_and_one_robot_that_is_reached_is_enough(
    keys, signer, tmp_path_factory, before, meanwhile, clock
):
    yard, meanwhile = Yard(keys, signer, tmp_path_factory.mktemp("yard"), clock), iter(meanwhile)
    for lie, happens, who in before:
        if happens == "restart":
            yard.restart(who)
        wish = yard.wish(happens == "stop") if happens in ("stop", "release") else None
        yard.period(lie, wish, {who})
        for latch in yard.latches:  # Nobody knows what no operator has signed.
            assert latch.known is None or latch.known in {decode(data).stop for data in yard.told}
            assert latch.known is None or latch.known.counter < CEILING
    for latched in (True, False):  # He reaches robot 0 alone.
        wish, rounds = yard.wish(latched), 0
        while not yard.holds(latched):
            yard.period(next(meanwhile), wish, {0})
            rounds += 1
            assert rounds <= 5
            if yard.operator.newest is not None and yard.operator.newest.counter > decode(wish).stop.counter:
                wish = yard.wish(latched)
        yard.restart(rounds % 3)
    for k in range(150):  # The patient liar.
        yard.period((("forged", "repeated")[k % 2], k))
        assert yard.holds(False)


def test_a_journal_from_before_there_were_keys_keeps_nobody_from_a_release():
    """Its counter may have been pushed; an operator who hears of it signs a larger one."""
    for counter in (5, CEILING - 1, CEILING, 2**64 - 1):
        latch = StopLatch(EmergencyStop(True, counter), (), 0.0, signed=True)
        assert latch.latched and latch.known.counter < CEILING
        latch.take([EmergencyStop(False, latch.known.counter + 1)], {}, 1.0)
        assert not latch.latched and latch.released


def test_what_is_kept_is_written_whole(keys, signer, tmp_path, monkeypatch):
    """A disk that is full costs nothing but that the next process does not know it."""
    mine = believed(keys, tmp_path / "one.stop")

    def full(*_, **__):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(signed_stop, "atomic_path", full)
    assert mine.direct([signer.sign(EmergencyStop(True, 5))]) == [EmergencyStop(True, 5)]


def test_what_is_repeated_to_a_robot_that_lost_its_proof_is_as_old_as_it_was():
    latch = StopLatch(EmergencyStop(True, 10), (), 0.0, signed=True)
    latch.take([], {}, 0.1, [EmergencyStop(False, 9), EmergencyStop(False, 10)])
    assert latch.known == EmergencyStop(True, 10) and not latch.released
    latch.take([], {}, 0.2, [EmergencyStop(False, 11), EmergencyStop(True, 11)])
    assert latch.known == EmergencyStop(False, 11) and latch.released
    latch.take([EmergencyStop(True, 3)], {}, 0.3)  # an operator whose clock is slow reaches it himself
    assert latch.known == EmergencyStop(True, 11)
