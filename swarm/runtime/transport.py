"""Bytes between the robots of a fleet, over zenoh peers: publishing never waits, and what arrives is drained.

What arrives is put into queues of bounded length by zenoh's own threads, and nothing else is done there. Each neighbour
has a queue of its own, so one that floods pushes out only what it said itself.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType

import zenoh

from swarm.errors import InputError
from swarm.runtime.estop import EmergencyStop, decode, encode
from swarm.runtime.zenoh_config import MAX_PAYLOAD, PATIENCE, alive_key, robot_key, settings, stop_key

QUEUE = 32
"""Messages that are kept of each neighbour until they are drained; then the oldest is dropped."""

Message = tuple[int, bytes, float]


class Transport:
    """The session of one robot, or of the operator; a context manager.

    Args:
        fleet: Its name.
        robot_id: Whose session it is; None: the operator's or a viewer's, which hears all and listens nowhere.
        endpoints: ``host:port`` of every robot of the roster, by identity. Who is not there yet is tried again.
        hears: Whom to hear; None: all of the roster.
        keys: Folder of its own key and certificate (`launch/authority.py`); None: no authentication.
        patience: Of an attempt to connect, s (`swarm.runtime.zenoh_config.PATIENCE`).

    Attributes:
        counts: Messages that were lost here, by reason: ``dropped`` (queue full), ``oversized``, ``unknown`` (of no
            robot of the roster), ``malformed stop``.

    Raises:
        InputError: For arguments that cannot be used, and an own endpoint that is taken.
    """

    def __init__(
        self, fleet: str, robot_id: int | None, endpoints: Mapping[int, str], *,
        hears: Iterable[int] | None = None, keys: Path | None = None, patience: float = PATIENCE,
    ) -> None:  # fmt: skip
        told = settings(fleet, robot_id, endpoints, keys, patience)
        heard = set(endpoints if hears is None else hears) - {robot_id}
        if not heard <= set(endpoints):
            raise InputError("hears", sorted(heard - set(endpoints)), "robots of the roster")
        self.robot_id = robot_id
        self.counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._queues: dict[str, tuple[int, deque[Message]]] = {
            robot_key(fleet, one): (one, deque(maxlen=QUEUE)) for one in sorted(heard)
        }
        self._stops: deque[bytes] = deque(maxlen=QUEUE)
        self._alive: set[int] = set()
        self._roster = {alive_key(fleet, one): one for one in endpoints if one != robot_id}
        self._session = _open(told, robot_id, endpoints)
        self._declare(fleet, hears is None)

    def publish(self, data: bytes) -> None:
        """Tell those who hear this robot; a message is lost where a neighbour does not keep up.

        Raises:
            InputError: If it is longer than `MAX_PAYLOAD`, or the session has no key of its own.
        """
        if self._publisher is None:
            raise InputError("robot_id", self.robot_id, "a robot: the operator has nothing to publish")
        if len(data) > MAX_PAYLOAD:
            raise InputError("data", len(data), f"at most {MAX_PAYLOAD} bytes")
        self._publisher.put(data)

    def drain(self) -> list[Message]:
        """What arrived since the last call, in the order of arrival: robot, bytes, `time.monotonic` of arrival."""
        with self._lock:
            found = [message for _, queue in self._queues.values() for message in queue]
            for _, queue in self._queues.values():
                queue.clear()
        return sorted(found, key=lambda message: message[2])

    def tell_stop(self, stop: EmergencyStop) -> None:
        """Ask every robot to stop, or to go on. It is not repeated here: do so until all have answered."""
        self._stopper.put(encode(stop))

    def stops(self) -> list[EmergencyStop]:
        """What operators asked for since the last call, oldest first."""
        with self._lock:
            found = list(self._stops)
            self._stops.clear()
        wishes = []
        for data in found:
            try:
                wishes.append(decode(data))
            except InputError:
                self._count("malformed stop")
        return wishes

    def alive(self) -> set[int]:
        """Who has a link to here now, for information: who hangs or is cut off is still among them for a while."""
        with self._lock:
            return set(self._alive)

    def close(self) -> None:
        """End the session; a second time does nothing."""
        self._session.close()  # type: ignore[no-untyped-call]

    def __enter__(self) -> Transport:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _declare(self, fleet: str, all_of_them: bool) -> None:
        """Say what is published and what is heard."""
        session, remote = self._session, zenoh.Locality.REMOTE
        self._publisher = None
        if self.robot_id is not None:
            self._publisher = session.declare_publisher(
                robot_key(fleet, self.robot_id), congestion_control=zenoh.CongestionControl.DROP, express=True
            )
        # It has a queue of its own on every link, before the reports.
        self._stopper = session.declare_publisher(
            stop_key(fleet), congestion_control=zenoh.CongestionControl.DROP, priority=zenoh.Priority.REAL_TIME,
            express=True,
        )  # fmt: skip
        # Called on zenoh's threads: through a queue of zenoh's own, which has no bound, it would be a thread more.
        heard = [robot_key(fleet, "*")] if all_of_them else list(self._queues)
        self._held: list[object] = [
            session.declare_subscriber(key, zenoh.handlers.Callback(self._take, indirect=False), allowed_origin=remote)
            for key in heard
        ]
        take_stop = zenoh.handlers.Callback(self._take_stop, indirect=False)
        self._held.append(session.declare_subscriber(stop_key(fleet), take_stop, allowed_origin=remote))
        life = session.liveliness()
        take_life = zenoh.handlers.Callback(self._take_life, indirect=False)
        self._held.append(life.declare_subscriber(alive_key(fleet, "*"), take_life, history=True))
        if self.robot_id is not None:
            self._held.append(life.declare_token(alive_key(fleet, self.robot_id)))

    def _take(self, sample: zenoh.Sample) -> None:
        """A message arrives, on a thread of zenoh's."""
        now = time.monotonic()
        known = self._queues.get(str(sample.key_expr))
        if known is None:
            return self._count("unknown")
        if len(sample.payload) > MAX_PAYLOAD:
            return self._count("oversized")
        robot, queue = known
        data = sample.payload.to_bytes()
        with self._lock:
            self.counts["dropped"] += len(queue) == QUEUE
            queue.append((robot, data, now))

    def _take_stop(self, sample: zenoh.Sample) -> None:
        if len(sample.payload) > MAX_PAYLOAD:
            return self._count("oversized")
        data = sample.payload.to_bytes()
        with self._lock:
            self._stops.append(data)

    def _take_life(self, sample: zenoh.Sample) -> None:
        robot = self._roster.get(str(sample.key_expr))
        if robot is None:
            return
        with self._lock:
            (self._alive.add if sample.kind == zenoh.SampleKind.PUT else self._alive.discard)(robot)

    def _count(self, reason: str) -> None:
        with self._lock:
            self.counts[reason] += 1


def _open(told: Mapping[str, object], robot_id: int | None, endpoints: Mapping[int, str]) -> zenoh.Session:
    """A session with these settings."""
    config = zenoh.Config()
    for key, value in told.items():
        config.insert_json5(key, json.dumps(value))
    try:
        return zenoh.open(config)
    except zenoh.ZError as error:
        where = "operator" if robot_id is None else f"endpoints[{robot_id}]"
        raise InputError(where, endpoints.get(-1 if robot_id is None else robot_id), f"usable ({error})") from error
