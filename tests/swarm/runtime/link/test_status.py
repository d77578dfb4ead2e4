"""What robots tell those who watch: as bytes that are read with care, and over the fleet's own links."""

import contextlib
import json
import math
import runpy
import time
from collections import Counter
from dataclasses import replace

import pytest
import zenoh
from hypothesis import given
from hypothesis import strategies as st
from oracles.loopback import free_endpoints, until
from oracles.project import ROOT

from swarm.errors import InputError
from swarm.explanation import Override
from swarm.runtime.fleet_file.zenoh_config import OPERATOR, own_keys, robot_key, settings, status_key
from swarm.runtime.link.status import MAX_AGES, MAX_BYTES, MAX_NOTES, MAX_TEXT, Status, decode, encode
from swarm.runtime.link.transport import Transport
from swarm.runtime.status_teller import StatusTeller

FULL = Status(
    3, 1_800_000_000, "waits for robot 4", True, 7, 12, (1.0, 2.0, 0.5, 0.25, -0.25), (4.0, 5.0), (1.5, 2.0),
    (6.0, 1.0, 6.0, 1.0, 0.0, 1.0), (0.3, -0.1), "relaxed", Override("robot", 4, 0.125, (2.0, 2.5), 0.75),
    ((4, 0.04), (9, math.inf)), {"jump": 2, "flooding": 900}, 5, 1.5, 8.5, ("robot 9: another map",),
)  # fmt: skip


def changed(**keys):
    return json.dumps(json.loads(encode(FULL)) | keys).encode()


def test_what_is_told_is_what_is_read():
    for status in (
        FULL,
        Status(0, 1, "no own state"),
        replace(FULL, override=Override("braking", -1, math.inf, (0, 0), 1.0)),
    ):
        assert decode(encode(status)) == status
    assert 300 < len(encode(FULL)) < 800


@given(
    st.text(max_size=300), st.lists(st.text(max_size=200), max_size=6).map(tuple),
    st.dictionaries(st.text(max_size=120), st.integers(0, 2**60), max_size=20), st.integers(0, 20),
)  # fmt: skip
def test_whatever_the_texts_it_fits_and_can_be_read(reason, notes, rejected, heard):
    status = replace(
        FULL, reason=reason, notes=notes, rejected=rejected, ages=tuple((k, 0.1 * k) for k in range(heard))
    )
    data = encode(status)
    read = decode(data)
    assert len(data) <= MAX_BYTES and len(read.reason) <= MAX_TEXT and read.reason.isprintable()
    assert len(read.ages) <= MAX_AGES and len(read.notes) <= MAX_NOTES
    assert replace(read, reason="", notes=(), rejected={}, ages=()) == replace(
        FULL, reason="", notes=(), rejected={}, ages=()
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("version", 2), ("robot", -1), ("robot", 1.5), ("robot", True), ("robot", None), ("incarnation", 2**64),
        ("reason", "a\nb"), ("reason", "\u202eabc"), ("reason", "x" * 97), ("reason", 3), ("stopped", 1),
        ("state", [1, 2, 3, 4]), ("state", [1, 2, 3, 4, 1e300]), ("state", [1, 2, 3, 4, "5"]), ("goal", [1, True]),
        ("tunables", []), ("control", {}), ("outcome", "fine"), ("override", ["robot", 1, 0.1, 0, 0]),
        ("override", ["magic", 1, 0.1, 0, 0, 0]), ("override", ["robot", -2, 0.1, 0, 0, 0]),
        ("override", [[], 1, 0, 0, 0, 0]),
        ("ages", [[1]]), ("ages", [[None, 1]]), ("ages", [[1, 0.1]] * 9), ("rejected", {"a": -1}),
        ("rejected", {"a": None}),
        ("rejected", {"\u0000": 1}), ("rejected", []), ("overruns", 10**400), ("late_ms", None), ("notes", ["a"] * 5),
        ("notes", [1]),
        ("notes", [None]),
    ],
)  # fmt: skip
def test_what_is_not_as_it_should_be_is_refused(key, value):
    with pytest.raises(InputError, match="status"):
        decode(changed(**{key: value}))


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b"\xff", b"[" * 1000, encode(FULL)[:-1], changed(extra="x" * 1000), b"null",
             encode(FULL).replace(b"0.5", b"NaN"), encode(FULL).replace(b"0.5", b"1e999")]
)  # fmt: skip
def test_bytes_that_are_no_status_are_refused(data):
    with pytest.raises(InputError, match="status"):
        decode(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data):
    with contextlib.suppress(InputError):
        decode(data)


# -- from a control process -----------------------------------------------------------------------------------------


def test_a_robot_tells_at_most_five_times_a_second_what_it_did():
    from swarm.runtime.control import Period

    class Part:
        def __init__(self, **parts):
            vars(self).update(parts)

    control = Part(
        robot_id=2, incarnation=9, dt=0.05, stop=None, watchdog=Part(stopped=False, latched="", overruns=1),
        notes=lambda: ("a\tnote",), lockstep=Part(tick=4), rejected=Counter({"jump": 3}), why=lambda period: None,
    )  # fmt: skip
    rate = Part(late=[0.001] * 99 + [0.5], took=[])
    note = "log: disk full since 03-01 12:04 UTC"
    teller = StatusTeller(control, rate, lambda: note)
    told = [teller.due(Period(0.05 * k, "no own state")) for k in range(40)]
    assert sum(data is not None for data in told) == 10
    status = decode(next(filter(None, told)))
    assert status == Status(
        2, 9, "no own state", tick=4, rejected={"jump": 3}, overruns=1, late_ms=500.0, notes=(note, "a note")
    )
    control.notes = lambda: tuple(f"robot {k} has another policy: {'ab' * 4}" for k in range(40))
    assert decode(encode(teller.status(Period(9.0, "no own state")))).notes[0] == note
    assert StatusTeller(control, rate).notes() == control.notes()


# -- over the links -------------------------------------------------------------------------------------------------


def test_watchers_get_the_newest_status_of_each_robot_and_robots_get_none():
    endpoints = free_endpoints(2)
    with Transport("yard", 0, endpoints) as first, Transport("yard", 1, endpoints) as second:
        with Transport("yard", None, endpoints) as watcher, Transport("yard", None, endpoints) as another:
            until(lambda: watcher.alive() == another.alive() == {0, 1})
            time.sleep(0.1)
            for k in range(100):
                first.publish_status(b"%d" % k)
            second.publish_status(b"only one")
            found, also = {}, {}

            def newest():
                for told, session in ((found, watcher), (also, another)):
                    told.update({robot: data for robot, data, _ in session.statuses()})
                return found == also == {0: b"99", 1: b"only one"}

            until(newest)
            assert first.statuses() == second.statuses() == [] and first.drain() == [] and watcher.drain() == []
            with pytest.raises(InputError, match="robot_id"):
                watcher.publish_status(b"nobody")
        with pytest.raises(InputError, match="data"):
            first.publish_status(b"x" * (MAX_BYTES + 1))


def test_with_keys_a_robot_tells_its_own_status_only(tmp_path):
    authority = runpy.run_path(str(ROOT / "launch" / "authority.py"))["main"]
    assert authority(["--fleet", "yard", "--robots", "0", "1", "--out", str(tmp_path)]) == 0
    # On one machine a fleet file names the authority's folder; on a robot's own computer, the robot's.
    assert own_keys(tmp_path, 1) == tmp_path / "robot-1" == own_keys(tmp_path / "robot-1", 1)
    assert own_keys(tmp_path, OPERATOR) == tmp_path / "operator" and own_keys(None, 1) is None
    endpoints = free_endpoints(2)
    told = settings("yard", 1, endpoints, tmp_path / "robot-1") | {"access_control": {"enabled": False}}
    config = zenoh.Config()
    for key, value in told.items():
        config.insert_json5(key, json.dumps(value))
    with (
        zenoh.open(config) as session, Transport("yard", None, endpoints, keys=tmp_path / "operator") as watcher,
        Transport("yard", 0, endpoints, keys=tmp_path / "robot-0") as honest,
    ):  # fmt: skip
        found, end = set(), time.monotonic() + 1.5
        while time.monotonic() < end:
            for key in (status_key("yard", 0), status_key("yard", 1), status_key("yard", "*"), robot_key("yard", 1, 0)):
                session.put(key, b"said by 1")
            honest.publish_status(b"said by 0")
            found.update((robot, data) for robot, data, _ in watcher.statuses())
            time.sleep(0.02)
    assert found == {(0, b"said by 0"), (1, b"said by 1")}
