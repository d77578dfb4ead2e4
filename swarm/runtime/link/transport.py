"""Bytes between the robots of a fleet, over zenoh peers: publishing never waits, and what arrives is drained.

What arrives is kept by zenoh in rings of bounded length, and Python looks at it once a period: a callback for every
message cost more than all that was done with it. Of each neighbour only the newest are taken, so one that floods pushes
out what it said itself.

A report is put for each of those that are to read it, and no other robot gets it: who is far has no use for one in
every period, and most of what a message costs is that it arrives.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias

import zenoh

from swarm.errors import InputError
from swarm.runtime.fleet_file.zenoh_config import (
    MAX_PAYLOAD,
    PATIENCE,
    alive_key,
    handshake_key,
    passing_key,
    robot_key,
    settings,
    status_key,
    stop_key,
    wish_key,
)
from swarm.runtime.link.estop import EmergencyStop, decode, encode
from swarm.runtime.link.signed_stop import Believed, Signer, Verifier

QUEUE = 32
"""Messages that are taken of each neighbour at a time; older ones are dropped."""
_RING = 1024  # Messages that zenoh keeps until they are drained: of a period with one who sends 20,000 a second.

Message = tuple[int, bytes, float]
Ring: TypeAlias = "zenoh.Subscriber[zenoh.handlers.Handler[zenoh.Sample]]"


class Transport:
    """The session of one robot, or of the operator; a context manager.

    Args:
        fleet: Its name.
        robot_id: Whose session it is; None: the operator's or a viewer's, which listens nowhere, and gets what robots
            tell of themselves (``statuses``) in place of their reports.
        endpoints: ``host:port`` of every robot of the roster, by identity. Who is not there yet is tried again.
        keys: Folder of its own key and certificate (``launch/authority.py``); None: no authentication.
        patience: Of an attempt to connect [s] (``swarm.runtime.fleet_file.zenoh_config.PATIENCE``).
        proof: Where the newest signed wish of an operator is kept for the next process; None: nowhere.

    Attributes:
        counts: Messages that were lost here, by reason: ``dropped`` (too many at a time; those beyond the ring are not
            counted), ``oversized``, ``unknown`` (of no robot of the roster), ``malformed stop``, and with keys
            ``unsigned stop``, ``forged stop``.

    Raises:
        InputError: For arguments that cannot be used, and an own endpoint that is taken.
    """

    def __init__(
        self, fleet: str, robot_id: int | None, endpoints: Mapping[int, str], *, keys: Path | None = None,
        patience: float = PATIENCE, proof: Path | None = None,
    ) -> None:  # fmt: skip
        options = settings(fleet, robot_id, endpoints, keys, patience)
        others = [one for one in sorted(endpoints) if one != robot_id]
        self.robot_id = robot_id
        self.counts: Counter[str] = Counter()
        self._signer = Signer(keys) if keys is not None and robot_id is None else None
        self._believed = None if keys is None else Believed(Verifier(fleet, keys), self.counts, proof)
        self._lock = threading.Lock()
        self._reporters = {robot_key(fleet, one, robot_id): one for one in others if robot_id is not None}
        self._greeters = {handshake_key(fleet, one): one for one in others}
        self._tellers = {status_key(fleet, one): one for one in endpoints}
        self._passers = {passing_key(fleet, one): one for one in others}
        self._alive: set[int] = set()
        self._roster = {alive_key(fleet, one): one for one in others}
        self._session = _open(options, robot_id, endpoints)
        self._declare(fleet, others)

    def publish(self, data: bytes, to: Iterable[int] | None = None) -> None:
        """Tell some robots, or all; a message is lost where a neighbour does not keep up.

        Raises:
            InputError: If it is longer than ``MAX_PAYLOAD``, for a robot that is not another one of the roster, or if
                the session has no key of its own.
        """
        self._check(data)
        for one in self._publishers if to is None else to:
            if one not in self._publishers:
                raise InputError("to", one, f"other robots: {', '.join(map(str, self._publishers))}")
            self._publishers[one].put(data)

    def drain(self) -> list[Message]:
        """What arrived since the last call, in the order of arrival: robot, bytes, ``time.monotonic`` of this call."""
        found = self._take(self._reports, self._reporters)
        taken: Counter[int] = Counter()
        newest = []
        for message in reversed(found):
            taken[message[0]] += 1
            if taken[message[0]] <= QUEUE:
                newest.append(message)
        self.counts["dropped"] += len(found) - len(newest)
        return newest[::-1]

    @property
    def watched(self) -> bool:
        """Whether anybody gets what ``publish_status`` tells."""
        if self.robot_id is None:
            return False
        options: zenoh.MatchingStatus = self._status.matching_status  # type: ignore[assignment]  # zenoh's stub says bool
        return bool(options.matching)

    def publish_status(self, data: bytes) -> None:
        """Tell those who watch (``swarm.runtime.link.status``).

        Raises:
            InputError: If it is longer than ``MAX_PAYLOAD``, or the session is no robot's.
        """
        self._check(data)
        self._status.put(data)

    def statuses(self) -> list[Message]:
        """The newest status of each robot that told one since the last call; only the operator's session gets any."""
        return self._newest(self._statuses, self._tellers)

    def greet(self, data: bytes) -> None:
        """Tell all what this robot runs with (``swarm.runtime.link.handshake``); ``InputError`` as of ``publish``."""
        self._check(data)
        self._greeter.put(data)

    def greetings(self) -> list[Message]:
        """The newest hello of each robot that said one since the last call: robot, bytes, ``time.monotonic``."""
        return self._newest(self._greetings, self._greeters)

    def tell_stop(self, stop: EmergencyStop) -> None:
        """Ask every robot to stop, or to go on. It is not repeated here: do so until all have answered.

        With keys it is signed; older processes, which know of no signature, take what is not.
        """
        if self._signer is not None:
            self._wisher.put(self._signer.sign(stop))
        self._stopper.put(encode(stop))

    def stops(self) -> list[EmergencyStop]:
        """What operators asked for since the last call, oldest first; with keys, what they have signed."""
        signed = [] if self._believed is None else self._believed.direct(self._payloads(self._wishes))
        wishes = []
        for data in self._payloads(self._stops):
            try:
                wishes.append(decode(data))
            except InputError:
                self.counts["malformed stop"] += 1
        if self._believed is None:
            return wishes
        most = -1 if self.newest is None else self.newest.counter
        self.counts["unsigned stop"] += sum(wish.counter > most for wish in wishes)
        return signed

    @property
    def signs(self) -> bool:
        """Whether only stops and releases count that an operator has signed."""
        return self._believed is not None

    @property
    def newest(self) -> EmergencyStop | None:
        """The newest signed wish that is known here, if there is any."""
        return None if self._believed is None else self._believed.newest

    def pass_on(self) -> None:
        """Tell the others the newest signed wish, as it was heard."""
        if self.newest is not None and self.robot_id is not None:
            self._passer.put(self.newest.signed)

    def passed_on(self) -> list[EmergencyStop]:
        """Signed wishes that robots have passed on since the last call, as far as they are newer than all before."""
        if self._believed is None:
            return []
        return self._believed.passed_on(self._newest(self._passed, self._passers))

    def alive(self) -> set[int]:
        """Who has a link to here now, for information: who hangs or is cut off is still among them for a while."""
        with self._lock:
            return set(self._alive)

    def close(self) -> None:
        """End the session; a second time does nothing."""
        self._session.close()

    def __enter__(self) -> Transport:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _declare(self, fleet: str, others: Iterable[int]) -> None:
        """Say what is published and what is heard."""
        session, me = self._session, self.robot_id

        def ring(key: str) -> Ring:
            return session.declare_subscriber(
                key, zenoh.handlers.RingChannel(_RING), allowed_origin=zenoh.Locality.REMOTE
            )

        def tells(key: str, **options: Any) -> zenoh.Publisher:
            return session.declare_publisher(key, congestion_control=zenoh.CongestionControl.DROP, **options)

        # Wishes have a queue of their own on every link, before the reports.
        first = {"priority": zenoh.Priority.REAL_TIME, "express": True}
        self._stopper, self._wisher = tells(stop_key(fleet), **first), tells(wish_key(fleet), **first)
        self._publishers = {}
        if me is not None:
            self._publishers = {one: tells(robot_key(fleet, me, one), express=True) for one in others}
            self._status = tells(status_key(fleet, me), priority=zenoh.Priority.BACKGROUND)
            self._greeter, self._passer = tells(handshake_key(fleet, me)), tells(passing_key(fleet, me), **first)
        self._wishes = ring(wish_key(fleet)) if self.signs else None
        self._passed = ring(passing_key(fleet, "*")) if self.signs else None
        # One ring for all senders: so it is seen if one speaks who is not in the roster.
        self._reports = None if me is None else ring(robot_key(fleet, "*", me))
        self._statuses = ring(status_key(fleet, "*")) if me is None else None
        self._greetings, self._stops = ring(handshake_key(fleet, "*")), ring(stop_key(fleet))
        life = session.liveliness()
        take_life = zenoh.handlers.Callback(self._take_life, indirect=False)
        self._held: list[object] = [life.declare_subscriber(alive_key(fleet, "*"), take_life, history=True)]
        if me is not None:
            self._held.append(life.declare_token(alive_key(fleet, me)))

    def _check(self, data: bytes) -> None:
        """Refuse what cannot be published from here."""
        if self.robot_id is None:
            raise InputError("robot_id", self.robot_id, "a robot: the operator has nothing to publish")
        if len(data) > MAX_PAYLOAD:
            raise InputError("data", len(data), f"at most {MAX_PAYLOAD} bytes")

    def _payloads(self, ring: Ring | None) -> list[bytes]:
        """What is in a ring, without what is too long."""
        found = list(_received(ring))
        fits = [sample.payload.to_bytes() for sample in found if len(sample.payload) <= MAX_PAYLOAD]
        self.counts["oversized"] += len(found) - len(fits)
        return fits

    def _take(self, ring: Ring | None, senders: Mapping[str, int]) -> list[Message]:
        """What is in a ring, of those who may have sent it."""
        now, found = time.monotonic(), []
        for sample in _received(ring):
            robot = senders.get(str(sample.key_expr))
            if robot is None:
                self.counts["unknown"] += 1
            elif len(sample.payload) > MAX_PAYLOAD:
                self.counts["oversized"] += 1
            else:
                found.append((robot, sample.payload.to_bytes(), now))
        return found

    def _newest(self, ring: Ring | None, senders: Mapping[str, int]) -> list[Message]:
        """The newest message of each sender, by sender."""
        newest = {message[0]: message for message in self._take(ring, senders)}
        return [newest[robot] for robot in sorted(newest)]

    def _take_life(self, sample: zenoh.Sample) -> None:
        robot = self._roster.get(str(sample.key_expr))
        if robot is None:
            return
        with self._lock:
            (self._alive.add if sample.kind == zenoh.SampleKind.PUT else self._alive.discard)(robot)


def _received(ring: Ring | None) -> Iterator[zenoh.Sample]:
    """What is in a ring; of what arrives meanwhile no more than it holds."""
    if ring is not None:
        for _ in range(_RING):
            if (sample := ring.try_recv()) is None:
                return
            yield sample


def _open(options: Mapping[str, object], robot_id: int | None, endpoints: Mapping[int, str]) -> zenoh.Session:
    """A session with these settings."""
    config = zenoh.Config()
    for key, value in options.items():
        config.insert_json5(key, json.dumps(value))
    try:
        return zenoh.open(config)
    except zenoh.ZError as error:
        where = "operator" if robot_id is None else f"endpoints[{robot_id}]"
        words = re.sub(r" at /\S+:\d+\.?", "", str(error))  # without places in zenoh's sources
        raise InputError(where, endpoints.get(-1 if robot_id is None else robot_id), f"usable ({words})") from error
