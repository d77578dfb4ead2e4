"""The bad network: what it does to batches on the way, and that zenoh's sessions live with it."""

import contextlib
import socket
import struct
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles.loopback import free_endpoints, seconds_until, until

from studies.faults.frames import SEQUENCES, read_batch
from studies.faults.proxy import Faults, Proxy
from swarm.errors import InputError
from swarm.runtime.link.transport import Transport

# As zenoh 1.x wrote them: a frame with published data, one with declarations, a keep-alive, the end of a handshake.
PUBLISHED = bytes.fromhex("25a8a39d72bd01042f302f3121150118535741307878")
DECLARED = bytes.fromhex("a59bf3985f31009e2108620101042f2a2f319e21084202029e2108460303be0021081a")
ALIVE, OPENED = b"\x04", bytes.fromhex("6201a8a39d72")


def test_batches_are_told_apart():
    published, declared = read_batch(PUBLISHED), read_batch(DECLARED)
    assert published.loose and published.sequence == 0xA8 - 0x80 | 0x23 << 7 | 0x1D << 14 | 0x72 << 21
    assert not declared.loose and declared.channel not in (None, published.channel)
    assert read_batch(ALIVE).loose and read_batch(ALIVE).channel is None
    assert not read_batch(OPENED).loose and read_batch(OPENED).numbered(3) == OPENED


@given(st.integers(0, SEQUENCES - 1))
def test_a_batch_numbered_anew_is_otherwise_the_same(number):
    for data in (PUBLISHED, DECLARED):
        batch = read_batch(data)
        again = read_batch(batch.numbered(number))
        assert again.sequence == number and again.channel == batch.channel and again.loose == batch.loose
        assert again.data[again.rest :] == data[batch.rest :] and batch.numbered(batch.sequence) == data


@given(st.binary(max_size=40))
def test_rubbish_is_handed_over_as_it_is(data):
    batch = read_batch(data)
    assert batch.data == data and batch.numbered(batch.sequence)[-1:] == data[-1:]


class Pipe:
    """A caller and a called socket with the relay between them, and what arrives."""

    def __init__(self, proxy, server):
        self.caller = socket.create_connection(("127.0.0.1", proxy.ports[1, 0]))
        server.settimeout(5.0)
        self.called, _ = server.accept()
        self.arrived = []
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        stream = self.called.makefile("rb")
        while len(head := stream.read(2)) == 2:
            data = stream.read(struct.unpack("<H", head)[0])
            self.arrived.append((time.monotonic(), data))

    def send(self, number):
        data = read_batch(PUBLISHED).numbered(number) + b"%06d" % number
        self.caller.sendall(struct.pack("<H", len(data)) + data)

    def numbers(self):
        return [int(data[-6:]) for _, data in self.arrived]

    def close(self):
        self.caller.close()
        with contextlib.suppress(OSError):
            self.called.shutdown(socket.SHUT_RDWR)
        self.called.close()
        self.thread.join(5.0)


@pytest.fixture
def pipe():
    with socket.create_server(("127.0.0.1", 0)) as server, Proxy({(1, 0): server.getsockname()}, seed=3) as proxy:
        pipe = Pipe(proxy, server)
        try:
            yield pipe, proxy
        finally:
            pipe.close()


def send_all(pipe, count, comes=None):
    """Send numbered messages, and wait until so many have come, or all."""
    for number in range(count):
        pipe.send(number)
    until(lambda: len(pipe.arrived) == (count if comes is None else comes()))


def sequences(pipe):
    return [read_batch(data).sequence for _, data in pipe.arrived]


def test_nothing_is_changed_without_faults(pipe):
    pipe, _ = pipe
    send_all(pipe, 200)
    assert pipe.numbers() == sequences(pipe) == list(range(200))


def test_losses_leave_no_gap_that_zenoh_would_see(pipe):
    pipe, proxy = pipe
    proxy.faults = Faults(loss=0.3)
    send_all(pipe, 1000, lambda: 1000 - proxy.counts["lost"])
    found = pipe.numbers()
    assert 620 <= len(found) <= 780 and found == sorted(set(found))  # 5.5 standard deviations
    assert sequences(pipe) == list(range(len(found))) and proxy.counts["lost"] == 1000 - len(found)


def test_duplicates_and_overtaking_reach_the_receiver(pipe):
    pipe, proxy = pipe
    proxy.faults = Faults(duplicate=0.5, jitter=0.1)
    send_all(pipe, 300, lambda: 300 + proxy.counts["duplicated"])
    found = pipe.numbers()
    assert set(found) == set(range(300)) and 380 <= len(found) <= 520
    assert found != sorted(found) and sequences(pipe) == list(range(len(found)))


def test_delay_is_kept(pipe):
    pipe, proxy = pipe
    proxy.faults = Faults(delay=0.3)
    began = time.monotonic()
    send_all(pipe, 5)
    assert pipe.numbers() == list(range(5)) and pipe.arrived[0][0] - began >= 0.3


def test_losses_as_tcp_shows_them_only_delay(pipe):
    pipe, proxy = pipe
    proxy.faults = Faults(loss=0.3, tcp=True)
    began = time.monotonic()
    send_all(pipe, 10)
    assert pipe.numbers() == list(range(10)) and pipe.arrived[-1][0] - began >= 0.2


def test_a_cut_link_is_heard_again_after_the_next_retransmission(pipe):
    pipe, proxy = pipe
    send_all(pipe, 3)
    proxy.cut({0})
    cut = time.monotonic()
    pipe.send(3)
    time.sleep(0.7)
    with socket.create_connection(("127.0.0.1", proxy.ports[1, 0])) as dead:
        assert pipe.numbers() == [0, 1, 2] and not proxy.fresh()
        proxy.heal()
        pipe.send(4)
        until(lambda: pipe.numbers() == [0, 1, 2, 3, 4])
        assert pipe.arrived[3][0] - cut >= 1.35  # 0.2 + 0.4 + 0.8 s after the first try
        assert set(proxy.fresh()) == {(1, 0)}
        dead.setblocking(False)
        with pytest.raises(BlockingIOError):  # it stays silent for ever, and is not closed
            dead.recv(1)


def test_faults_are_checked():
    with pytest.raises(InputError, match="loss"):
        Faults(loss=1.5)


def test_a_slow_network_is_joined_by_who_is_patient():
    endpoints = free_endpoints(2)
    host, _, port = endpoints[0].partition(":")
    with Proxy({(1, 0): (host, int(port))}) as proxy:
        proxy.faults = Faults(delay=0.25)
        through = {0: f"{host}:{proxy.ports[1, 0]}", 1: endpoints[1]}
        called = Transport("slow", 0, endpoints, patience=4.0)
        calls = Transport("slow", 1, through, patience=4.0)  # the usual 0.6 s would never do
        with called, calls:

            def heard():
                calls.publish(b"here")
                return called.drain()

            assert seconds_until(heard) > 1.0  # two round trips at least
