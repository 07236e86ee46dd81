"""Parquet and Arrow (Feather, IPC files and streams), read group by group under a cap on what they may grow to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from studio.data.readers.arrow_sizes import unpacked_sizes
from studio.data.readers.source import BATCH_ROWS, MAX_ROW_CHARACTERS, TOO_LONG, BadRow, Item, ReadSettings, Source, Tally
from studio.errors import DataError

MAX_EXPANDED_BYTES = 64 << 30
MAX_EXPANSION = 100
ALWAYS_ALLOWED_BYTES = 256 << 20
ROW_BYTES, VALUE_BYTES = 100, 60  # what Python adds to each row and to each value in it
SLICE_BYTES = 64 << 20
MAX_BATCH_BYTES = 1 << 30  # Arrow unpacks a compressed batch as a whole
BROKEN = (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowKeyError, OSError, UnicodeDecodeError)


class Cap:
    """What a file may grow to, given its size; small files may always grow to some."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self.most = expansion_limit(path.stat().st_size)
        self.grown = 0

    def add(self, size: int) -> None:
        """Count bytes; raises `DataError` when they are too many for the file."""
        self.grown += size
        if self.grown > self.most:
            raise too_large(self.name, self.grown)


def expansion_limit(size: int) -> int:
    """How many bytes a file of `size` bytes may hold once it is unpacked."""
    return min(MAX_EXPANDED_BYTES, max(ALWAYS_ALLOWED_BYTES, size * MAX_EXPANSION))


def too_large(name: str, size: int) -> DataError:
    """The refusal of a file that grows without measure."""
    return DataError(
        f"{name} grows to more than {size / 1e6:,.0f} MB when it is read, far more than its size on disk allows for.",
        "If it is genuine, split it into several files.",
    )


def open_parquet(path: Path, _settings: ReadSettings) -> Source:
    """A Parquet file; its columns are known from its end."""

    def items(tally: Tally) -> Iterator[Item]:
        try:
            with _parquet(path) as file:
                yield from _rows(path, file.iter_batches(batch_size=_batch_rows(file)), file.metadata.num_rows, tally)
        except BROKEN as error:
            raise _broken(path, "Parquet", error) from error

    try:
        with _parquet(path) as file:
            names = list(file.schema_arrow.names)
            Cap(path).add(sum(file.metadata.row_group(i).total_byte_size for i in range(file.metadata.num_row_groups)))
            if not file.metadata.num_rows:
                raise DataError(f"{path.name} has columns ({', '.join(names[:10])}) but no rows.", "Check that the file is complete.")
    except BROKEN as error:
        raise _broken(path, "Parquet", error) from error
    return Source(path, "parquet", items, names)


def _parquet(path: Path) -> pq.ParquetFile:
    """The file, with texts left numbered as they stand in it, so that one long value is not spread over many rows unseen."""
    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
        texts = [field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_binary(field.type)]
    return pq.ParquetFile(path, read_dictionary=texts)


def _batch_rows(file: pq.ParquetFile) -> int:
    """How many rows are read at once: few where a column holds far more than its bytes on disk."""
    metadata = file.metadata
    worst = 0
    for group in range(metadata.num_row_groups):
        for column in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(column)
            if chunk.total_uncompressed_size > 50 * chunk.total_compressed_size:
                worst = max(worst, chunk.total_uncompressed_size)
    return max(1, min(BATCH_ROWS, (1 << 30) // worst)) if worst else BATCH_ROWS


def open_arrow(path: Path, _settings: ReadSettings) -> Source:
    """An Arrow file (Feather version 2) or an Arrow stream."""

    def items(tally: Tally) -> Iterator[Item]:
        try:
            with pa.memory_map(str(path)) as mapped:
                reader = _arrow(mapped)
                batches = reader if isinstance(reader, pa.RecordBatchReader) else map(reader.get_batch, range(reader.num_record_batches))
                yield from _rows(path, batches, 0, tally)
        except BROKEN as error:
            raise _broken(path, "Arrow", error) from error

    try:
        with pa.memory_map(str(path)) as mapped:
            cap = Cap(path)
            for size in unpacked_sizes(mapped):
                if size > MAX_BATCH_BYTES:
                    raise too_large(path.name, size)
                cap.add(size)
            names = list(_arrow(mapped).schema.names)
    except BROKEN as error:
        raise _broken(path, "Arrow", error) from error
    return Source(path, "arrow", items, names)


def _arrow(mapped: pa.MemoryMappedFile) -> pa.RecordBatchFileReader | pa.RecordBatchStreamReader:
    mapped.seek(0)
    is_file = mapped.read(6) == b"ARROW1"
    mapped.seek(0)
    return pa.ipc.open_file(mapped) if is_file else pa.ipc.open_stream(mapped)


def _rows(path: Path, batches: Iterator[pa.RecordBatch], total: int, tally: Tally) -> Iterator[Item]:
    """The rows of Arrow batches. Rows that are too large are set aside before they are unpacked."""
    cap, number, size = Cap(path), 0, path.stat().st_size
    for whole in batches:
        for start in range(0, whole.num_rows, BATCH_ROWS):
            batch = whole.slice(start, BATCH_ROWS)
            lengths = _lengths(batch)
            for low, high in _slices(lengths):
                part = _decoded(batch.slice(low, high - low))
                grown = part.nbytes + part.num_rows * (ROW_BYTES + VALUE_BYTES * part.num_columns)
                cap.add(grown)
                tally.weight += grown
                for row in part.to_pylist():
                    number += 1
                    yield number, row
                if high < batch.num_rows and lengths[high] > MAX_ROW_CHARACTERS:
                    number += 1
                    yield number, BadRow(number, TOO_LONG)
            tally.say(int(size * number / total) if total else min(size, cap.grown))
    tally.say(size)


def _lengths(batch: pa.RecordBatch) -> list[int]:
    """How many bytes of text each row holds, without unpacking the texts that the file keeps once."""
    sums = [0] * batch.num_rows
    for column in batch.columns:
        if isinstance(column, pa.DictionaryArray) and _is_text(column.dictionary.type):
            sizes = pc.binary_length(column.dictionary).take(column.indices)
        elif _is_text(column.type):
            sizes = pc.binary_length(column)
        else:
            continue
        sums = [total + (size or 0) for total, size in zip(sums, sizes.to_pylist(), strict=True)]
    return sums


def _is_text(type_: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(type_) or pa.types.is_binary(type_) or pa.types.is_large_string(type_) or pa.types.is_large_binary(type_)
    )


def _slices(lengths: list[int]) -> Iterator[tuple[int, int]]:
    """Ranges of rows that fit into memory together; a row that is too large stands behind the end of a range and in none."""
    start = held = 0
    for index, length in enumerate(lengths):
        if length > MAX_ROW_CHARACTERS:
            yield start, index
            start, held = index + 1, 0
        elif held + length > SLICE_BYTES:
            yield start, index
            start, held = index, length
        else:
            held += length
    if start < len(lengths):
        yield start, len(lengths)


def _decoded(batch: pa.RecordBatch) -> pa.RecordBatch:
    """A batch as it is in memory, where a file may keep each value once and number it."""
    columns = [column.dictionary_decode() if isinstance(column, pa.DictionaryArray) else column for column in batch.columns]
    return pa.record_batch(columns, batch.schema.names)


def _broken(path: Path, what: str, error: Exception) -> DataError:
    return DataError(f"{path.name} cannot be read as {what}: {error}.", "The file may be cut short; export it again.")
