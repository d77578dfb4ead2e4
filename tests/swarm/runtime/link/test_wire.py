"""Reports survive their bytes; whatever else arrives is refused, and nothing but refused."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swarm.errors import InputError
from swarm.runtime.link.report_codec import MAX_ACKS, MAX_BYTES, Report, decode, encode
from swarm.sense.intent import MAX_HELD, WINDOW, Intent
from swarm.sense.messages import TOLD, Message

reals = st.floats(-1e4, 1e4, width=32)
shares = st.floats(0.0, 1.0, width=32)
words = st.integers(0, 2**32 - 1)
cells = st.integers(0, 2**31 - 1)
intents = st.builds(
    Intent, stamp=st.integers(-(2**40), 2**40), held=st.lists(cells, min_size=1, max_size=MAX_HELD).map(tuple),
    claim=st.integers(-1, 2**31 - 1), claim_priority=st.integers(-(2**60), 2**60),
    priority=st.integers(-(2**60), 2**60), ranking=st.permutations(range(5)).map(tuple), arrival=words,
    leaving=st.booleans(), window=st.lists(cells, min_size=WINDOW + 1, max_size=WINDOW + 1).map(tuple),
)  # fmt: skip


@st.composite
def reports(draw):
    robot, clock = draw(words), draw(st.integers(0, 2**60))
    told = draw(st.one_of(st.just(()), st.tuples(*[st.floats(-1.0, 1.0, width=32)] * TOLD)))
    message = Message(
        robot, clock * 1e-9, (draw(reals), draw(reals)), draw(shares), draw(shares), draw(st.none() | intents), told
    )
    acks = draw(st.lists(st.tuples(words, words, words), max_size=MAX_ACKS).map(tuple))
    state = tuple(draw(reals) for _ in range(5))
    age, goal = draw(st.floats(0.0, 10.0, width=32)), (draw(reals), draw(reals))
    return Report(
        robot, draw(words), draw(words), clock, state, age, goal, draw(st.booleans()),
        draw(st.booleans()), acks, message,
    )  # fmt: skip


@given(reports())
def test_a_report_survives_its_bytes(report):
    data = encode(report)
    assert len(data) <= MAX_BYTES
    assert decode(data) == report


@given(st.binary(max_size=1100))
def test_arbitrary_bytes_are_refused(data):
    with pytest.raises(InputError):
        decode(data)


@settings(max_examples=200)
@given(reports(), st.data())
def test_a_changed_byte_is_refused_or_gives_another_valid_report(report, data):
    raw = bytearray(encode(report))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        other = decode(bytes(raw))
    except InputError:
        return
    assert decode(encode(other)) == other


@given(reports(), st.integers(1, 100))
def test_a_cut_report_is_refused(report, lost):
    data = encode(report)
    with pytest.raises(InputError):
        decode(data[: max(0, len(data) - lost)])


def plain(**changes):
    fields = {
        "robot_id": 3, "incarnation": 1, "sequence": 7, "clock_ns": 10**9, "state": (1.0, 2.0, 0.0, 0.0, 0.0),
        "state_age": 0.0,
        "goal": (4.0, 4.0), "armed": True, "stopped": False, "acks": (),
        "message": Message(3, 1.0, (2.0, 2.0), 0.5, 0.5),
    }  # fmt: skip
    return Report(**(fields | changes))


def intent(**changes):
    fields = {"stamp": 5, "held": (3, 4), "claim": 7, "claim_priority": 11, "priority": 11, "ranking": (0, 1, 2, 3, 4),
              "arrival": 6, "leaving": False, "window": tuple(range(WINDOW + 1))}  # fmt: skip
    return Intent(**(fields | changes))


def telling(told):
    return encode(plain(message=Message(3, 1.0, (2.0, 2.0), 0.5, 0.5, told)))


def changed_byte(one, other):
    """Where two reports differ, which they do in one byte."""
    places = [k for k, (a, b) in enumerate(zip(telling(one), telling(other), strict=True)) if a != b]
    assert len(places) == 1
    return places[0]


def test_a_ranking_that_there_is_not_is_refused():
    raw = bytearray(telling(intent()))
    at = changed_byte(intent(), intent(ranking=(0, 1, 2, 4, 3)))
    raw[at] = 119  # five moves have 120 orders; the last one is all of them backwards
    assert decode(bytes(raw)).message.intent == intent(ranking=(4, 3, 2, 1, 0))
    for number in (120, 121, 255):
        raw[at] = number
        with pytest.raises(InputError, match="intent"):
            decode(bytes(raw))


def test_a_flag_of_an_intent_is_0_or_1():
    raw = bytearray(telling(intent()))
    at = changed_byte(intent(), intent(leaving=True))
    raw[at] = 1
    assert decode(bytes(raw)).message.intent == intent(leaving=True)
    raw[at] = 2
    with pytest.raises(InputError, match="intent"):
        decode(bytes(raw))


@pytest.mark.parametrize("major", [0, 2, 255])
def test_another_major_version_is_refused(major):
    raw = bytearray(encode(plain()))
    raw[2] = major
    with pytest.raises(InputError, match="version"):
        decode(bytes(raw))


def test_a_newer_minor_version_is_read():
    raw = bytearray(encode(plain()))
    raw[2], raw[3] = 1, 9  # a newer minor version may say more than we know
    assert decode(bytes(raw) + b"more") == plain()
    with pytest.raises(InputError, match="bytes"):
        decode(encode(plain()) + b"more")


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_are_none_are_refused_on_both_sides(number):
    with pytest.raises(InputError, match="finite"):
        plain(state=(number, 0.0, 0.0, 0.0, 0.0))
    raw = bytearray(encode(plain()))
    struct.pack_into("<d", raw, 32, number)
    with pytest.raises(InputError, match="finite"):
        decode(bytes(raw))


def test_what_no_report_says():
    with pytest.raises(InputError, match="robot_id"):
        plain(robot_id=-1)
    with pytest.raises(InputError, match="sender"):
        plain(robot_id=4)
    with pytest.raises(InputError, match="state_age"):
        plain(state_age=float("nan"))
    with pytest.raises(InputError, match="acks"):
        plain(acks=((1, 1, 1),) * (MAX_ACKS + 1))
    with pytest.raises(InputError, match="1024"):
        decode(b"SW" + bytes(2000))
