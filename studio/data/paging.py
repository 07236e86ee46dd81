"""Pages of rows and a search over them, read from Parquet group by group so that a large dataset is never loaded whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from studio.data.schema import Row, without_nulls
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
        with _opened(path) as file:
            for group in range(file.num_row_groups):
                size = file.metadata.row_group(group).num_rows
                if not needle and skip >= size:
                    skip -= size
                    yield pa.table({"": pa.nulls(size)})
                    continue
                skip = 0
                table = file.read_row_group(group)
                yield table.filter(pa.array(_matches_any(table, needle))) if needle else table


def _opened(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"The file {path} cannot be read: {error}.", "Restore it from a backup, or import the data again.") from error


def _matches_any(table: pa.Table, needle: str) -> np.ndarray:
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
