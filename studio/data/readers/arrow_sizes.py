"""How large the record batches of an Arrow file become when they are decompressed, read from their headers before anything is unpacked.

A compressed buffer begins with its size, but Arrow offers no way to ask for it. So the header of each message, a FlatBuffer, is read here:
format/Message.fbs of the Arrow specification says what stands where.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pyarrow as pa

FILE_START = 8  # the mark ARROW1 and two bytes of padding; what follows is a stream
HEADER_TYPE, HEADER = 1, 2  # fields of Message
DICTIONARY_BATCH, RECORD_BATCH = 2, 3  # values of the header's type
BATCH_OF_DICTIONARY = 1  # field of DictionaryBatch
BUFFERS, COMPRESSION = 2, 3  # fields of RecordBatch


def unpacked_sizes(mapped: pa.MemoryMappedFile) -> Iterator[int]:
    """For each message of a file or stream, the bytes of its buffers once they are decompressed; 0 where they are not compressed."""
    mapped.seek(FILE_START if mapped.read(6) == b"ARROW1" else 0)
    reader = pa.ipc.MessageReader.open_stream(mapped)
    while True:
        try:
            message = reader.read_next_message()
        except StopIteration:
            return
        if message.body is not None:
            yield _size(bytes(message.metadata), message.body)


def _size(header: bytes, body: pa.Buffer) -> int:
    try:
        message = _table(header, 0)
        kind = header[_field(header, message, HEADER_TYPE)]
        batch = _table(header, _field(header, message, HEADER))
        if kind == DICTIONARY_BATCH:
            batch = _table(header, _field(header, batch, BATCH_OF_DICTIONARY))
        elif kind != RECORD_BATCH:
            return 0
        if not _field(header, batch, COMPRESSION):
            return 0
        place = _field(header, batch, BUFFERS)
        vector = place + struct.unpack_from("<I", header, place)[0]
        count = struct.unpack_from("<I", header, vector)[0]
        return sum(_unpacked(body, *struct.unpack_from("<qq", header, vector + 4 + 16 * index)) for index in range(count))
    except (struct.error, IndexError) as error:
        raise pa.ArrowInvalid(f"a header is damaged ({error})") from error


def _unpacked(body: pa.Buffer, offset: int, length: int) -> int:
    """The size that stands before a compressed buffer; -1 there means that it was left as it is."""
    if length < 8:
        return 0
    size: int = struct.unpack("<q", bytes(body[offset : offset + 8]))[0]
    return max(size, 0) or length


def _table(data: bytes, place: int) -> int:
    """Where the table starts that `place` points to."""
    start: int = place + struct.unpack_from("<I", data, place)[0]
    return start


def _field(data: bytes, table: int, number: int) -> int:
    """Where a field of a table stands, or 0 when the table leaves it out."""
    layout = table - struct.unpack_from("<i", data, table)[0]
    size = struct.unpack_from("<H", data, layout)[0]
    entry = 4 + 2 * number
    offset = struct.unpack_from("<H", data, layout + entry)[0] if entry < size else 0
    return table + offset if offset else 0
