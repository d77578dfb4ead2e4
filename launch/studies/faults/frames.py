"""What zenoh writes on a TCP link, as far as it has to be known to lose, delay, repeat and reorder messages.

A link carries batches, each after its length (16 bits, little-endian). A batch begins with a byte whose low five bits
say what it is; after the handshake it is a keep-alive, a close, or a frame: sequence number (seven bits a byte, lowest
first), extensions, and messages. Frames of one reliability and priority have a numbering of their own, and a
receiver drops those that come out of order: so what is lost, repeated or reordered on the way is numbered anew, and
the process behind gets to see it (zenoh 1.x, transport messages; read from bytes on the wire).
"""

from __future__ import annotations

from dataclasses import dataclass

KEEP_ALIVE, FRAME, FRAGMENT = 4, 5, 6
PUSH = 0x1D
"""First message of a frame that carries published data; others declare, and are never lost by themselves."""
SEQUENCES = 1 << 28
"""Sequence numbers begin again after so many."""

_KIND, _RELIABLE, _EXTENDED = 0x1F, 0x20, 0x80
_ENCODING, _NONE, _NUMBER = 0x60, 0x00, 0x20


@dataclass(frozen=True)
class Batch:
    """One batch, taken apart.

    Attributes:
        data: All bytes.
        channel: What its sequence number belongs to; None: it has none.
        sequence: That number.
        rest: From where on the bytes come that follow the number.
        loose: Whether it may be lost: a keep-alive, or published data.
    """

    data: bytes
    channel: tuple[int, bytes] | None = None
    sequence: int = 0
    rest: int = 0
    loose: bool = False

    def numbered(self, sequence: int) -> bytes:
        """The same with another sequence number."""
        if self.channel is None:
            return self.data
        return self.data[:1] + _write_number(sequence) + self.data[self.rest :]


def read_batch(data: bytes) -> Batch:
    """Take a batch apart; what is not known stays whole, and is not lost."""
    kind = data[0] & _KIND if data else 0
    if kind == KEEP_ALIVE:
        return Batch(data, loose=True)
    if kind not in (FRAME, FRAGMENT):
        return Batch(data)
    try:
        sequence, rest = _read_number(data, 1)
        at = _skip_extensions(data, rest) if data[0] & _EXTENDED else rest
        loose = kind == FRAME and data[at] & _KIND == PUSH
    except IndexError:
        return Batch(data)
    return Batch(data, (data[0] & _RELIABLE, data[rest:at]), sequence, rest, loose)


def _read_number(data: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, and where the next byte is."""
    value, shift = 0, 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _write_number(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def _skip_extensions(data: bytes, at: int) -> int:
    """Where the messages begin."""
    while True:
        head, at = data[at], at + 1
        if head & _ENCODING == _NUMBER:
            _, at = _read_number(data, at)
        elif head & _ENCODING != _NONE:
            length, at = _read_number(data, at)
            at += length
        if not head & _EXTENDED:
            return at
