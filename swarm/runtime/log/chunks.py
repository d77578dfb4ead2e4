"""The records of MCAP files, also of ROS 2's bags; a file that was cut, as far as it goes."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import zstandard
from mcap.exceptions import McapError
from mcap.records import Channel, Chunk, McapRecord, Message, Schema
from mcap.stream_reader import StreamReader, breakup_chunk
from mcap.writer import MCAP0_MAGIC

from swarm.errors import InputError
from swarm.files.text_files import MEBIBYTE, check_file

VALID = "an MCAP log as swarm-robot or launch/simulate.py writes it"
LARGEST = 4096 * MEBIBYTE
"""Bytes of a file."""
_LARGEST_RECORD = 64 * MEBIBYTE


@dataclass(frozen=True)
class Raw:
    """A message as it is in the file.

    Attributes:
        topic: Its channel.
        schema: Name of its type.
        encoding: How ``data`` is encoded: ``json``, ``cdr``, ...
        stamp: When it was logged [ns].
        data: The message.
    """

    topic: str
    schema: str
    encoding: str
    stamp: int
    data: bytes


def raw_messages(path: Path) -> Iterator[Raw]:
    """All messages of a file, in its order.

    Raises:
        InputError: If it cannot be read, is no MCAP file, or has a chunk that is too large.
    """
    check_file(path, LARGEST)
    schemas: dict[int, str] = {}
    channels: dict[int, Channel] = {}
    for outer in records(path):
        for record in unpack(path, outer) if isinstance(outer, Chunk) else [outer]:
            if isinstance(record, Schema):
                schemas[record.id] = record.name
            elif isinstance(record, Channel):
                channels[record.id] = record
            elif isinstance(record, Message) and (channel := channels.get(record.channel_id)) is not None:
                schema = schemas.get(channel.schema_id, "")
                yield Raw(channel.topic, schema, channel.message_encoding, record.log_time, record.data)


class _NoFurther:
    """A stream that is asked for no more than is left: a damaged length would ask for memory that nobody has."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream, self._size = stream, size

    def read(self, length: int) -> bytes:
        return self._stream.read(min(length, self._size - self._stream.tell()))


def records(path: Path) -> Iterator[McapRecord]:
    """The records of a file, up to where it was cut.

    Raises:
        InputError: If it is no MCAP file.
    """
    with path.open("rb") as stream:
        head = stream.read(len(MCAP0_MAGIC))
        if not MCAP0_MAGIC.startswith(head):
            raise InputError(str(path), f"a file that begins with {head!r}", VALID)
        stream.seek(0)
        # Cut, or still being written: the rest is not there.
        with contextlib.suppress(McapError, struct.error, ValueError, OSError):
            whole = cast(BinaryIO, _NoFurther(stream, path.stat().st_size))
            yield from StreamReader(whole, emit_chunks=True, record_size_limit=_LARGEST_RECORD).records


def unpack(path: Path, chunk: Chunk) -> list[McapRecord]:
    """The records of a chunk; none if it is damaged.

    Raises:
        InputError: If it is packed in a way that is not read, or too large.
    """
    if chunk.compression == "lz4":
        raise InputError(str(path), "a chunk packed with lz4", f"chunks packed with zstd or not at all, as in {VALID}")
    try:
        # A frame is unpacked into the size that it names itself.
        framed = zstandard.frame_content_size(chunk.data) if chunk.compression == "zstd" else 0
        if max(framed, chunk.uncompressed_size) <= _LARGEST_RECORD:
            return breakup_chunk(chunk, validate_crc=True)
    except (McapError, struct.error, ValueError, zstandard.ZstdError):
        return []
    raise InputError(str(path), f"a chunk of {max(framed, chunk.uncompressed_size)} bytes", VALID)
