"""Stops and releases with the operator's signature: whoever has them can prove that an operator wished so.

A wish is signed with the operator's key, and carries his certificate, which the fleet's authority has signed. So robots
need nothing but the authority's certificate to check it, and can pass it on to others as they heard it. Nobody else can
make one, and what is repeated is no newer than it was: its counter is signed too.

Dates in certificates are not looked at here: a robot whose clock is wrong has to stop too.
"""

from __future__ import annotations

import contextlib
import math
import struct
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from swarm.errors import InputError
from swarm.files.text_files import atomic_path
from swarm.runtime.fleet_file.zenoh_config import MAX_PAYLOAD, OPERATOR, identity
from swarm.runtime.link.estop import EmergencyStop

_HEAD = struct.Struct("<4sBBQH")  # Magic, version, 1: stop or 0: release, counter, bytes of the certificate.
_MAGIC, VERSION = b"STOP", 2
EVERY, SOON = 1.0, 0.1
"""Seconds between two times that a robot passes on the same wish; while another one knows less."""
QUIET = 1.0
"""Seconds for which nothing is taken of a robot that has passed on what no operator signed."""
_AT_ONCE = 8  # Wishes of operators that are looked at in a period; each costs a tenth of a millisecond.
_PURPOSE = b"swarm emergency stop\0"  # So that no other signature of this key can be taken for one of a wish.


class SignedWish(NamedTuple):
    """A wish as it was heard, not yet checked.

    Attributes:
        stop: What is asked for.
        certificate: Of who signed it, DER.
        signature: Of all before it, DER.
        data: The bytes, as they are passed on.
    """

    stop: EmergencyStop
    certificate: bytes
    signature: bytes
    data: bytes


def decode(data: bytes) -> SignedWish:
    """What these bytes say; ``InputError`` if they are no signed wish."""
    valid = f"magic {_MAGIC!r}, version {VERSION}, 0 or 1, counter, certificate, signature"
    if not _HEAD.size < len(data) <= MAX_PAYLOAD:
        raise InputError("signed stop", f"{len(data)} bytes", valid)
    magic, version, latched, counter, length = _HEAD.unpack_from(data)
    end = _HEAD.size + length
    if magic != _MAGIC or version != VERSION or latched > 1 or end >= len(data):
        raise InputError("signed stop", f"{len(data)} bytes that begin with {data[:6].hex()}", valid)
    return SignedWish(EmergencyStop(bool(latched), counter), data[_HEAD.size : end], data[end:], data)


class Signer:
    """Signs the wishes of an operator.

    Args:
        keys: His folder (``launch/authority.py``).

    Raises:
        InputError: If its key or its certificate cannot be used.
    """

    def __init__(self, keys: Path) -> None:
        from cryptography import x509
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        try:
            key = serialization.load_pem_private_key((keys / "key.pem").read_bytes(), password=None)
            certificate = x509.load_pem_x509_certificate((keys / "certificate.pem").read_bytes())
        except (OSError, ValueError) as error:
            valid = "key.pem and certificate.pem; launch/authority.py writes them"
            raise InputError(str(keys), str(error), valid) from None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise InputError(str(keys / "key.pem"), "another key", "that of certificate.pem, on an elliptic curve")
        self._key, self._certificate = key, certificate.public_bytes(serialization.Encoding.DER)
        self._last: tuple[EmergencyStop, bytes] | None = None

    def sign(self, stop: EmergencyStop) -> bytes:
        """The bytes of a wish; ``InputError`` if the counter does not fit."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec

        if self._last is None or self._last[0] != stop:
            try:
                head = _HEAD.pack(_MAGIC, VERSION, stop.latched, stop.counter, len(self._certificate))
            except struct.error:
                raise InputError("counter", stop.counter, "0 to 2^64 − 1") from None
            body = head + self._certificate
            self._last = stop, body + self._key.sign(_PURPOSE + body, ec.ECDSA(hashes.SHA256()))
        return self._last[1]


class Verifier:
    """Tells which wishes an operator of a fleet has signed.

    Args:
        fleet: Its name.
        keys: Folder with the authority's certificate, ``ca.pem``.

    Raises:
        InputError: If that cannot be used.
    """

    def __init__(self, fleet: str, keys: Path) -> None:
        from cryptography import x509

        try:
            self._authority = x509.load_pem_x509_certificate((keys / "ca.pem").read_bytes())
        except (OSError, ValueError) as error:
            raise InputError(str(keys / "ca.pem"), str(error), "the authority's certificate") from None
        self._operator, self._known = identity(fleet, OPERATOR), b""

    def check(self, wish: SignedWish) -> bool:
        """Whether an operator has signed it."""
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import NameOID

        try:
            certificate = x509.load_der_x509_certificate(wish.certificate)
            if wish.certificate != self._known:
                names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
                if [name.value for name in names] != [self._operator]:
                    return False
                certificate.verify_directly_issued_by(self._authority)
                self._known = wish.certificate
            key = certificate.public_key()
            if not isinstance(key, ec.EllipticCurvePublicKey):
                return False
            signed = _PURPOSE + wish.data[: len(wish.data) - len(wish.signature)]
            key.verify(wish.signature, signed, ec.ECDSA(hashes.SHA256()))
        except Exception:  # Bytes from outside: the library has an exception of its own for much that may be wrong.
            return False
        return True


class Believed:
    """The signed wishes that one process has heard, of operators and passed on by robots.

    Args:
        verifier: Checks them.
        counts: Where refused ones are counted: ``malformed stop``, ``forged stop``.
        file: Where the newest one is kept, for the next process to pass it on; None: nowhere.

    Attributes:
        newest: The one with the largest counter.
    """

    def __init__(self, verifier: Verifier, counts: Counter[str], file: Path | None) -> None:
        self.newest: EmergencyStop | None = None
        self._verifier, self._counts, self._file = verifier, counts, file
        self._quiet: dict[int, float] = {}  # Robots that are not listened to, and until when.
        self._found: list[EmergencyStop] = []
        if file is not None:
            with contextlib.suppress(OSError, InputError):
                self._found = [self._check(file.read_bytes())]

    def direct(self, messages: Iterable[bytes]) -> list[EmergencyStop]:
        """What operators told, oldest first: each counts, also one of whose clock is slow."""
        found = []
        for data in list(messages)[-_AT_ONCE:]:
            with contextlib.suppress(InputError):
                found.append(self._check(data))
        return found

    def passed_on(self, messages: Iterable[tuple[int, bytes, float]]) -> list[EmergencyStop]:
        """What robots pass on, as far as it is newer than all before; who forges is not listened to for a while."""
        found, self._found = self._found, []
        for robot, data, now in messages:
            if now < self._quiet.get(robot, -math.inf):
                continue
            try:
                if not self._known(data):
                    found.append(self._check(data))
            except InputError:
                self._quiet[robot] = now + QUIET
        return found

    def _known(self, data: bytes) -> bool:
        """Whether this says nothing that is newer; so what is repeated costs no check."""
        with contextlib.suppress(InputError):
            return self.newest is not None and decode(data).stop.counter <= self.newest.counter
        return False

    def _check(self, data: bytes) -> EmergencyStop:
        """The wish in these bytes; ``InputError`` if there is none, or nobody has signed it who may."""
        if self.newest is not None and data == self.newest.signed:
            return self.newest
        try:
            wish = decode(data)
        except InputError:
            self._counts["malformed stop"] += 1
            raise
        if not self._verifier.check(wish):
            self._counts["forged stop"] += 1
            raise InputError("signed stop", wish.stop, "one that the operator has signed")
        found = replace(wish.stop, signed=data)
        if self.newest is None or found.counter > self.newest.counter:
            self._keep(found)
        return found

    def _keep(self, wish: EmergencyStop) -> None:
        self.newest = wish
        if self._file is not None:
            with contextlib.suppress(OSError, InputError), atomic_path(self._file) as path:
                path.write_bytes(wish.signed)


class Relay:
    """When a robot passes on the newest wish: at once, again while somebody knows less, and else now and then."""

    def __init__(self) -> None:
        self._counter, self._at = -1, -math.inf

    def due(self, newest: EmergencyStop | None, counters: Iterable[int], now: float) -> bool:
        """Whether it is time; to be asked once a period.

        Args:
            newest: What it has to pass on, if anything.
            counters: Of the newest wish that each of the others tells that it knows.
            now: Time [s].
        """
        if newest is None:
            return False
        wait = SOON if any(counter < newest.counter for counter in counters) else EVERY
        if newest.counter == self._counter and now - self._at < wait:
            return False
        self._counter, self._at = newest.counter, now
        return True
