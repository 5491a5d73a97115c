"""TensorBoard's event files, written without TensorBoard or TensorFlow.

A file is a row of TFRecords: length (uint64), its checksum, data, its checksum (CRC-32C, rotated and shifted). The data
is the protocol buffer `Event` of tensorboard/compat/proto/event.proto and summary.proto; the numbers below are its
fields'.
"""

import math
import struct
from collections.abc import Sequence
from typing import IO

LARGEST = 3.4028234663852886e38
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class EventFile:
    """Writes summaries into a binary file that is open; nothing is kept in memory."""

    def __init__(self, file: IO[bytes], time: float) -> None:
        """`time`: when it all began, seconds since 1970."""
        self._file = file
        self._write(_double(1, time) + _bytes(3, b"brain.Event:2"))

    def scalar(self, tag: str, value: float, step: int, time: float) -> None:
        # in 32 bits: what is larger than they can hold is infinite
        packed = struct.pack("<f", value if abs(value) <= LARGEST else math.copysign(math.inf, value))
        self._summary(tag, _field(2, FIXED32) + packed, step, time)

    def histogram(self, tag: str, counts: Sequence[int], step: int, time: float) -> None:
        """Write a histogram from the count of each of the numbers 0, 1, 2, ..."""
        total = sum(counts)
        used = [number for number, count in enumerate(counts) if count] or [0]
        body = _double(1, used[0]) + _double(2, used[-1]) + _double(3, total)
        body += _double(4, sum(number * count for number, count in enumerate(counts)))
        body += _double(5, sum(number**2 * count for number, count in enumerate(counts)))
        limits = [number + 0.5 for number in range(len(counts))]
        body += _bytes(6, struct.pack(f"<{len(limits)}d", *limits))
        body += _bytes(7, struct.pack(f"<{len(counts)}d", *counts))
        self._summary(tag, _bytes(5, body), step, time)

    def image(self, tag: str, png: bytes, width: int, height: int, step: int, time: float) -> None:
        """A grey picture."""
        body = _number(1, height) + _number(2, width) + _number(3, 1) + _bytes(4, png)
        self._summary(tag, _bytes(4, body), step, time)

    def audio(self, tag: str, wav: bytes, rate: int, frames: int, step: int, time: float) -> None:
        """A sound of one channel."""
        body = _field(1, FIXED32) + struct.pack("<f", rate) + _number(2, 1) + _number(3, frames)
        self._summary(tag, _bytes(6, body + _bytes(4, wav) + _bytes(5, b"audio/wav")), step, time)

    def _summary(self, tag: str, value: bytes, step: int, time: float) -> None:
        named = _bytes(1, tag.encode()) + value
        self._write(_double(1, time) + _number(2, step) + _bytes(5, _bytes(1, named)))

    def _write(self, event: bytes) -> None:
        length = struct.pack("<Q", len(event))
        self._file.write(length + _checksum(length) + event + _checksum(event))


def _field(number: int, kind: int) -> bytes:
    return _varint(number << 3 | kind)


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _number(number: int, value: int) -> bytes:
    return _field(number, VARINT) + _varint(value)


def _double(number: int, value: float) -> bytes:
    return _field(number, FIXED64) + struct.pack("<d", value)


def _bytes(number: int, value: bytes) -> bytes:
    return _field(number, BYTES) + _varint(len(value)) + value


def _table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _table()


def _checksum(data: bytes) -> bytes:
    """CRC-32C (Castagnoli), masked as TFRecord wants it."""
    table, crc = _TABLE, 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
