"""Reports survive their bytes; whatever else arrives is refused, and nothing but refused."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swarm.errors import InputError
from swarm.runtime.link.report_codec import MAX_ACKS, MAX_BYTES, Report, decode, encode
from swarm.sense.intent import MAX_HELD, WINDOW, Intent
from swarm.sense.messages import EMBEDDING, Message

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
    embedding = draw(st.one_of(st.just(()), st.tuples(*[st.floats(-1.0, 1.0, width=32)] * EMBEDDING)))
    message = Message(
        robot,
        clock * 1e-9,
        (draw(reals), draw(reals)),
        draw(shares),
        draw(shares),
        draw(st.none() | intents),
        embedding,
    )
    acks = draw(st.lists(st.tuples(words, words, words), max_size=MAX_ACKS).map(tuple))
    state = tuple(draw(reals) for _ in range(5))
    age, goal = draw(st.floats(0.0, 10.0, width=32)), (draw(reals), draw(reals))
    told = st.tuples(*[reals] * 9, st.floats(0.0, 1e4))
    return Report(
        robot, draw(words), draw(words), clock, state, age, goal, draw(st.booleans()),
        draw(st.booleans()), acks, message, ahead=draw(st.just(()) | told),
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


def telling(embedding):
    return encode(plain(message=Message(3, 1.0, (2.0, 2.0), 0.5, 0.5, embedding)))


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
    with pytest.raises(InputError, match="sender"):
        plain(robot_id=4)
    with pytest.raises(InputError, match="state_age"):
        plain(state_age=float("nan"))
    for size in (4, 6):
        with pytest.raises(InputError, match="state"):
            plain(state=(0.0,) * size)
    for size in (1, 3):
        with pytest.raises(InputError, match="goal"):
            plain(goal=(0.0,) * size)
    with pytest.raises(InputError, match="1024"):
        decode(b"SW" + bytes(2000))


RANGES = {
    "robot_id": (0, 2**32 - 1), "incarnation": (0, 2**32 - 1), "sequence": (0, 2**32 - 1),
    "stop_counter": (0, 2**64 - 1), "digest": (0, 2**64 - 1), "state_age": (0.0, 10.0),
}  # fmt: skip


@pytest.mark.parametrize("name", RANGES)
def test_numbers_are_taken_up_to_their_ends_and_no_further(name):
    low, high = RANGES[name]
    beyond = 1 if isinstance(low, int) else 1e-9
    for value in (low, high):
        changes = {name: value}
        if name == "robot_id":
            changes["message"] = Message(value, 1.0, (2.0, 2.0), 0.5, 0.5)
        assert getattr(decode(encode(plain(**changes))), name) == value
    for value in (low - beyond, high + beyond):
        with pytest.raises(InputError, match=f"{name}.*0(.0)? to {high:g}" if name == "state_age" else f"0 to {high}"):
            plain(**{name: value})


@pytest.mark.parametrize("place", range(3))
def test_acknowledgements_are_taken_up_to_their_ends_and_no_further(place):
    ack = [1, 1, 1]
    for value in (0, 2**32 - 1):
        ack[place] = value
        assert decode(encode(plain(acks=(tuple(ack),) * 32))).acks == (tuple(ack),) * 32
    for value in (-1, 2**32):
        ack[place] = value
        with pytest.raises(InputError, match="acks"):
            plain(acks=((1, 1, 1), tuple(ack)))
    with pytest.raises(InputError, match="at most 32"):
        plain(acks=((1, 1, 1),) * 33)


def test_a_report_is_at_most_1024_bytes():
    """A newer minor version may be longer than this one's longest report, up to there."""
    raw = bytearray(encode(plain()))
    raw[3] = 3
    assert decode(bytes(raw) + bytes(1024 - len(raw))) == plain()
    with pytest.raises(InputError, match="1025 bytes"):
        decode(bytes(raw) + bytes(1025 - len(raw)))


@pytest.mark.parametrize(("armed", "stopped"), [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.parametrize("planned", [False, True])
@pytest.mark.parametrize("embedding", [(), (0.5, -0.25, 0.0, 1.0, -1.0, 0.125, 0.75, -0.5)])
def test_the_layout_on_the_wire_is_the_one_of_version_1_0(armed, stopped, planned, embedding):
    """Byte by byte, written out here: robots of other builds read it."""
    plan = intent(ranking=(4, 3, 2, 0, 1), leaving=True) if planned else None
    message = Message(3, 1.5, (2.0, 2.5), 0.5, 0.25, plan, embedding)
    report = plain(
        clock_ns=1_500_000_000, state=(1.0, 2.0, 3.0, 4.0, 5.0), state_age=0.125, goal=(6.0, 7.0), armed=armed,
        stopped=stopped, acks=((8, 9, 10), (11, 12, 13)), message=message, digest=14,
    )  # fmt: skip
    expected = b"SW\x01\x00" + struct.pack("<3IqQ", 3, 1, 7, 1_500_000_000, 14)
    expected += struct.pack("<5d f 2d 2d f f Q", 1, 2, 3, 4, 5, 0.125, 6, 7, 2.0, 2.5, 0.5, 0.25, 0)
    expected += bytes([armed * 1 + stopped * 2 + planned * 4 + bool(embedding) * 8, 2])
    expected += struct.pack("<6I", 8, 9, 10, 11, 12, 13)
    if planned:
        expected += struct.pack("<qiqq B I B", 5, 7, 11, 11, 118, 6, 1)
        expected += struct.pack("<5i 13i", 3, 4, -1, -1, -1, *range(13))
    expected += struct.pack("<8f", *embedding) if embedding else b""
    assert encode(report) == expected
    assert decode(expected) == report


def test_held_cells_have_no_gaps():
    raw = bytearray(telling(intent()))
    at = len(raw) - 4 * (WINDOW + 1 + MAX_HELD)
    assert struct.unpack_from("<5i", raw, at) == (3, 4, -1, -1, -1)
    struct.pack_into("<5i", raw, at, 3, -1, 0, -1, -1)
    with pytest.raises(InputError, match="without gaps"):
        decode(bytes(raw))


AHEAD = (1.5, 2.5, 3.5, 4.5, 5.5, -0.25, 0.5, -0.125, 0.75, 0.0625)


def test_what_is_told_of_the_state_ahead_comes_last_and_older_versions_leave_it_out():
    """Bytes written out here; without it a report is the one of version 1.0 (below)."""
    message = Message(3, 1.0, (2.0, 2.0), 0.5, 0.5, intent(), (0.5,) * EMBEDDING)
    report, without = plain(ahead=AHEAD, message=message), plain(message=message)
    data, shorter = encode(report), bytearray(encode(without))
    assert data[3] == 1 and shorter[3] == 0
    assert data[len(shorter) :] == struct.pack("<10d", *AHEAD)
    flags = next(k for k in range(4, len(shorter)) if shorter[k] != data[k])
    assert data[flags] == shorter[flags] | 16
    shorter[3], shorter[flags] = 1, data[flags]
    assert data[: len(shorter)] == shorter and decode(data) == report
    with pytest.raises(InputError, match="bytes"):
        decode(data + b"more")
    older = bytearray(data[: len(shorter)])
    older[3] = 0  # There the flag means nothing.
    assert decode(bytes(older)) == without


def test_a_state_ahead_that_is_none_is_refused():
    for wrong in (AHEAD[:9], (*AHEAD, 0.0), (float("nan"), *AHEAD[1:]), (*AHEAD[:9], -1e-9)):
        with pytest.raises(InputError, match="ahead"):
            plain(ahead=wrong)
    raw = bytearray(encode(plain(ahead=AHEAD)))
    struct.pack_into("<d", raw, len(raw) - 8, float("inf"))
    with pytest.raises(InputError, match="ahead"):
        decode(bytes(raw))
