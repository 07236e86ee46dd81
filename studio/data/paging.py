"""Pages of rows, a search over them and their lengths, read from Parquet group by group so that a large dataset is never loaded whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from studio.data.schema import SCHEMAS, Row, is_conversational, without_nulls
from studio.errors import DataError


def page(files: list[Path], start: int, count: int, search: str) -> list[Row]:
    """`count` rows from row `start` on, over the files in order; with `search`, of the rows that hold this text in any case."""
    found: list[Row] = []
    for table in _groups(files, search, start):
        skip = min(start, table.num_rows)
        start -= skip
        found += table.slice(skip, count - len(found)).to_pylist()
        if len(found) >= count:
            break
    return [without_nulls(row) for row in found]


def count_matches(files: list[Path], search: str) -> int:
    """How many rows hold the text."""
    return sum(table.num_rows for table in _groups(files, search, 0))


def _groups(files: list[Path], search: str, skip: int) -> Iterator[pa.Table]:
    """The matching rows, one table for each group of rows; without a search, groups before row `skip` come empty-handed cheaply."""
    needle = search.strip()
    for path in files:
        with opened(path) as file:
            for group in range(file.num_row_groups):
                size = file.metadata.row_group(group).num_rows
                if not needle and skip >= size:
                    skip -= size
                    yield pa.table({"": pa.nulls(size)})
                    continue
                skip = 0
                table = file.read_row_group(group, use_threads=False)
                yield table.filter(pa.array(matches(table, needle))) if needle else table


def take(path: Path, indexes: list[int]) -> list[Row]:
    """The rows of a file at these indexes, which ascend; only the groups that hold them are read."""
    found: list[Row] = []
    begin = place = 0
    with opened(path) as file:
        for group in range(file.num_row_groups):
            end, first = begin + file.metadata.row_group(group).num_rows, place
            while place < len(indexes) and indexes[place] < end:
                place += 1
            if place > first:
                inside = pa.array([index - begin for index in indexes[first:place]])
                found += file.read_row_group(group, use_threads=False).take(inside).to_pylist()
            begin = end
    return [without_nulls(row) for row in found]


def groups(path: Path) -> Iterator[tuple[int, pa.Table]]:
    """The stored groups of rows of a split, each with the index of its first row."""
    begin = 0
    with opened(path) as file:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, use_threads=False)
            yield begin, table
            begin += table.num_rows


def schema(folder: Path, sides: list[str]) -> pa.Schema:
    """The schema of the rows of a version, which all its splits share."""
    with opened(folder / f"{sides[0]}.parquet") as file:
        return file.schema_arrow


def text_columns(kind: str) -> list[str]:
    """The columns of a kind in which something is said, without labels and marks."""
    return [name for name in SCHEMAS[kind].names if name not in ("ranks", "score", "label")] if is_conversational(kind) else ["text"]


def characters(table: pa.Table, kind: str) -> np.ndarray:
    """How long the text of each row is: what `len(row_text(row, kind))` gives."""
    said = np.zeros(table.num_rows, dtype=np.int64)
    parts = np.zeros(table.num_rows, dtype=np.int64)
    for name in text_columns(kind):
        length, count = _said(table.column(name).combine_chunks())
        said, parts = said + length, parts + count
    return said + np.maximum(parts - 1, 0)


def _said(array: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """The characters of each element and the number of texts in it that are not empty."""
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    if pa.types.is_list(array.type):
        length, count = _said(pc.list_flatten(array))
        parents = pc.list_parent_indices(array).to_numpy(zero_copy_only=False)
        return tuple(np.bincount(parents, values, len(array)).astype(np.int64) for values in (length, count))  # type: ignore[return-value]
    if pa.types.is_struct(array.type):
        names = [array.type.field(index).name for index in range(array.type.num_fields)]
        parts = [_said(pc.struct_field(array, name)) for name in ("content", "tool_calls") if name in names]
        return sum(length for length, _ in parts), sum(count for _, count in parts)  # type: ignore[return-value]
    length = pc.fill_null(pc.utf8_length(array), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    return length, (length > 0).astype(np.int64)


def opened(path: Path) -> pq.ParquetFile:
    """The Parquet file of a split; raises `DataError` when it cannot be read."""
    try:
        return pq.ParquetFile(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"The file {path} cannot be read: {error}.", "Restore it from a backup, or import the data again.") from error


def matches(table: pa.Table, needle: str) -> np.ndarray:
    """Which rows hold the text in any of their columns."""
    hits = np.zeros(table.num_rows, dtype=bool)
    for column in table.columns:
        hits |= _matches(column.combine_chunks(), needle)
    return hits


def _matches(array: pa.Array, needle: str) -> np.ndarray:
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    if pa.types.is_string(array.type):
        hits: np.ndarray = pc.fill_null(pc.match_substring(array, needle, ignore_case=True), False).to_numpy(zero_copy_only=False)
        return hits
    found = np.zeros(len(array), dtype=bool)
    if pa.types.is_list(array.type):
        inside = _matches(pc.list_flatten(array), needle)
        found[pc.list_parent_indices(array).to_numpy(zero_copy_only=False)[inside]] = True
    elif pa.types.is_struct(array.type):
        for index in range(array.type.num_fields):
            if array.type.field(index).name != "role":
                found |= _matches(pc.struct_field(array, index), needle)
    return found
