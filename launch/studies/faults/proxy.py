"""A network that can be made bad: between each two robots that zenoh joins stands a relay in this process.

Two kinds of badness. ``Faults`` with ``tcp`` off act on messages, as a radio would on datagrams: published data is
lost, delayed, repeated, reordered one message at a time, and the process behind gets to see it so; what declares and
opens a session is only delayed. With ``tcp`` on a lost packet shows as TCP shows it: nothing is lost, but all that
follows waits for the retransmission, after 0.2, 0.4, 0.8 s. A cut link is TCP's too: what was sent waits for the first
retransmission after healing, which comes later the longer the outage was; connections that are opened meanwhile stay
dead, for whoever opened them gives up before the first packet would be sent again.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass

from studies.faults.frames import SEQUENCES, Batch, read_batch
from swarm.errors import InputError

Pair = tuple[int, int]
Address = tuple[str, int]
Joiner = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]]

RETRANSMISSION = 0.2
"""Seconds after which TCP sends a packet again; doubles with every try."""
_TRIES = 6
_MOST_WAITING = 4000  # Batches on one way; more are lost, as in a network whose buffers are full.


@dataclass(frozen=True)
class Faults:
    """How bad the network is.

    Attributes:
        loss: Share of the messages that are lost.
        delay: Of every message, one way [s].
        jitter: Seconds more, drawn uniformly for each message: with more than a period they overtake each other.
        duplicate: Share of the messages that come twice.
        tcp: Whether losses show as TCP shows them.
    """

    loss: float = 0.0
    delay: float = 0.0
    jitter: float = 0.0
    duplicate: float = 0.0
    tcp: bool = False

    def __post_init__(self) -> None:
        for name, most in (("loss", 1.0), ("delay", 10.0), ("jitter", 10.0), ("duplicate", 1.0)):
            if not 0.0 <= getattr(self, name) <= most:
                raise InputError(f"faults: {name}", getattr(self, name), f"0 to {most:g}")


class Proxy:
    """Relays between robots; a context manager. It runs on a thread of its own.

    Args:
        links: Where robot ``b`` listens, for each pair ``(a, b)`` of which a calls b.
        seed: Of what is drawn.

    Attributes:
        ports: Where robot a has to call to reach b, on 127.0.0.1.
        faults: What is done now; may be set at any time.
        counts: Batches by what became of them, and connections.
        delivered: Batches with published data that were handed over, by sender and receiver.
    """

    def __init__(self, links: Mapping[Pair, Address], seed: int = 0) -> None:
        self.links, self.ports, self.faults = dict(links), dict[Pair, int](), Faults()
        self.counts: Counter[str] = Counter()
        self.delivered: Counter[Pair] = Counter()
        self.random = random.Random(seed)
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="proxy", daemon=True)
        self._ways: set[_Way] = set()
        self._dead: set[asyncio.StreamWriter] = set()
        self._cut: frozenset[frozenset[int]] = frozenset()
        self._fresh: dict[Pair, float] = {}
        self._healed = float("inf")

    def __enter__(self) -> Proxy:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self.loop).result(10.0)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self.loop).result(10.0)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10.0)
        self.loop.close()

    def cut(self, side: Iterable[int]) -> None:
        """Nothing passes any more between these robots and the others."""
        side = set(side)
        self._cut = frozenset(frozenset(pair) for pair in self.links if len(side & set(pair)) == 1)

    def heal(self) -> float:
        """Everything passes again; returns when that was (``time.monotonic``)."""
        cut, self._healed = self._cut, time.monotonic()
        self._cut, self._fresh = frozenset(), {}
        self.loop.call_soon_threadsafe(self._heal_ways, cut)
        return self._healed

    def _heal_ways(self, cut: frozenset[frozenset[int]]) -> None:
        """On the loop's thread: connections between these pairs pass everything on again."""
        for way in self._ways:
            if way.pair in cut:
                way.heal(self._healed)

    def is_cut(self, pair: frozenset[int]) -> bool:
        """Whether nothing passes between two robots."""
        return pair in self._cut

    def fresh(self) -> dict[Pair, float]:
        """Seconds from healing until the first data that was sent after it arrived, by sender and receiver."""
        return dict(self._fresh)

    def note(self, sender: int, receiver: int, taken: float, now: float) -> None:
        """Published data has been handed over."""
        self.delivered[sender, receiver] += 1
        if taken >= self._healed:
            self._fresh.setdefault((sender, receiver), now - self._healed)

    async def _listen(self) -> None:
        self._servers = []
        for (caller, called), address in self.links.items():
            server = await asyncio.start_server(self._joiner(caller, called, address), "127.0.0.1", 0)
            self._servers.append(server)
            self.ports[caller, called] = server.sockets[0].getsockname()[1]

    def _joiner(self, caller: int, called: int, address: Address) -> Joiner:
        async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError, asyncio.CancelledError):  # cancelled: the trial is over
                await self._relay(caller, called, address, reader, writer)

        return join

    async def _relay(
        self, caller: int, called: int, address: Address, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Relay a connection until both ends are closed."""
        self.counts["connections"] += 1
        if self.is_cut(frozenset((caller, called))):
            return await self._swallow(reader, writer)
        try:
            far_reader, far_writer = await asyncio.open_connection(*address)
        except OSError:
            return writer.close()
        there, back = _Way(self, caller, called, far_writer), _Way(self, called, caller, writer)
        self._ways |= {there, back}
        try:
            await asyncio.gather(there.run(reader), back.run(far_reader))
        finally:
            self._ways -= {there, back}
            writer.close()
            far_writer.close()

    async def _swallow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._dead.add(writer)
        while await reader.read(65536):
            pass
        self._dead.discard(writer)
        writer.close()

    async def _end(self) -> None:
        for server in self._servers:
            server.close()
        for way in self._ways:
            way.writer.transport.abort()
        for writer in self._dead:
            writer.transport.abort()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


class _Way:
    """One direction of a connection: batches come in, wait, and go out."""

    def __init__(self, proxy: Proxy, sender: int, receiver: int, writer: asyncio.StreamWriter) -> None:
        self.proxy, self.sender, self.receiver, self.writer = proxy, sender, receiver, writer
        self.pair = frozenset((sender, receiver))
        self._waiting: list[tuple[float, int, float, Batch | None]] = []
        self._order, self._behind, self._stalled = itertools.count(), 0.0, 0.0
        self._next: dict[tuple[int, bytes], int] = {}
        self._held_since: float | None = None
        self._open, self._changed = True, asyncio.Event()

    async def run(self, reader: asyncio.StreamReader) -> None:
        """Until the sender is done and all is handed over."""
        sending = asyncio.ensure_future(self._send())
        try:
            while True:
                length = int.from_bytes(await reader.readexactly(2), "little")
                self._take(read_batch(await reader.readexactly(length)), time.monotonic())
        except (asyncio.IncompleteReadError, OSError):
            self._put(time.monotonic() + self.proxy.faults.delay, None, in_order=True)
        finally:
            if not self._open:
                sending.cancel()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await sending

    def heal(self, now: float) -> None:
        """The cut is over: TCP notices with its next retransmission."""
        if self._held_since is not None:
            due = self._held_since + next(
                wait for k in itertools.count(1) if (wait := RETRANSMISSION * (2**k - 1)) > now - self._held_since
            )
            self._waiting = [(max(due, at), order, taken, batch) for at, order, taken, batch in self._waiting]
            heapq.heapify(self._waiting)
            self._held_since, self._stalled, self._behind = None, due, max(self._behind, due)
        self._changed.set()

    def _take(self, batch: Batch, now: float) -> None:
        """A batch has arrived: decide what becomes of it."""
        proxy, faults, draw = self.proxy, self.proxy.faults, self.proxy.random
        if batch.channel is not None:
            self._next.setdefault(batch.channel, batch.sequence)
        if len(self._waiting) >= _MOST_WAITING:
            proxy.counts["no room"] += 1
            return
        if proxy.is_cut(self.pair) and self._held_since is None:
            self._held_since = now
        if not batch.loose or faults.tcp or self._held_since is not None:
            tries = next((k for k in range(_TRIES) if draw.random() >= faults.loss), _TRIES)
            proxy.counts["retransmitted"] += tries > 0
            self._put(now + faults.delay + RETRANSMISSION * (2**tries - 1), batch, in_order=True)
        elif draw.random() < faults.loss:
            proxy.counts["lost"] += 1
        else:
            copies = 1 + (draw.random() < faults.duplicate)
            proxy.counts["duplicated"] += copies - 1
            for _ in range(copies):
                self._put(now + faults.delay + faults.jitter * draw.random(), batch, in_order=False)

    def _put(self, due: float, batch: Batch | None, *, in_order: bool) -> None:
        due = max(due, self._stalled)
        if in_order:
            due = self._behind = max(due, self._behind)
        heapq.heappush(self._waiting, (due, next(self._order), time.monotonic(), batch))
        self._changed.set()

    async def _send(self) -> None:
        """Hand over what is due."""
        last = -1
        while self._open:
            self._changed.clear()
            wait = self._waiting[0][0] - time.monotonic() if self._waiting and self._held_since is None else None
            if wait is None or wait > 0.0:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), wait)
                continue
            _, order, taken, batch = heapq.heappop(self._waiting)
            self.proxy.counts["overtaken"] += batch is not None and batch.loose and order < last
            last = max(last, order)
            self._hand_over(batch, taken)

    def _hand_over(self, batch: Batch | None, taken: float) -> None:
        if batch is None or self.writer.is_closing():
            self._open = False
            self.writer.close()
            return
        data = batch.data
        if batch.channel is not None:
            number = self._next[batch.channel]
            self._next[batch.channel] = (number + 1) % SEQUENCES
            data = batch.numbered(number)
        self.writer.write(len(data).to_bytes(2, "little") + data)
        self.proxy.counts["passed"] += 1
        if batch.channel is not None and batch.loose:
            self.proxy.note(self.sender, self.receiver, taken, time.monotonic())
