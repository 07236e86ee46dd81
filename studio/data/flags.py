"""The flags of a version's rows, worked out once and kept beside the rows as `flags.parquet`.

`quality/scan.py` says what the table holds and `quality/content.py` what each flag means. The report uses the same table, so a count in the
report, a filter on a flag and a flag on a row always agree.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from studio.data.quality.content import FLAGS
from studio.data.quality.scan import SCHEMA, scan
from studio.data.similar import Progress
from studio.data.store import VersionInfo, get_version
from studio.workspace import Workspace

FILE = "flags.parquet"
EDITION = "1"  # of the way in which flags are found; another edition works them out anew
NAMES = tuple(FLAGS)


def flags(ws: Workspace, ref: str, progress: Progress | None = None, stop: threading.Event | None = None) -> list[list[str]]:
    """The names of the flags of each row, split by split in the order of the rows. `truncated` is known after a report with a model."""
    found: list[list[str]] = facts(get_version(ws, ref), progress, stop)["flags"].to_pylist()
    return found


def facts(info: VersionInfo, progress: Progress | None = None, stop: threading.Event | None = None) -> pa.Table:
    """What is known of each row of a version, from its file or worked out now. Raises `Stopped` when `stop` is set."""
    kept = _read(info)
    if kept is not None:
        return kept
    table = scan(info, progress, stop).replace_schema_metadata(_mark(info))
    _write(info.folder / FILE, table)
    return table


def known(info: VersionInfo) -> bool:
    """Whether the flags of a version have been worked out."""
    return _read(info) is not None


def counted(info: VersionInfo, key: str) -> bool:
    """Whether the kept flags say `truncated` as the report of this key does."""
    table = _read(info)
    return table is not None and (table.schema.metadata or {}).get(b"tokens") == key.encode()


def with_tokens(info: VersionInfo, table: pa.Table, tokens: list[int], max_length: int, key: str) -> pa.Table:
    """The table with the rows' tokens and the flag `truncated` on those above `max_length`, kept in place of the one before."""
    if (table.schema.metadata or {}).get(b"tokens") == key.encode():
        return table
    found = [
        [name for name in names if name != "truncated"] + (["truncated"] if count > max_length else [])
        for names, count in zip(table["flags"].to_pylist(), tokens, strict=True)
    ]
    table = _put(_put(table, "flags", found), "tokens", tokens).replace_schema_metadata({**_mark(info), "tokens": key})
    _write(info.folder / FILE, table)
    return table


def flagged(table: pa.Table, name: str) -> pa.Table:
    """The rows that have a flag."""
    lists = table["flags"].combine_chunks()
    hits = pc.equal(pc.list_flatten(lists), name)
    return table.take(pc.list_parent_indices(lists).filter(hits))


def write_aside(path: Path, data: bytes) -> None:
    """Write a file so that readers see the old one or the new one, never a part."""
    temporary = path.with_name(f".{path.name}-{uuid.uuid4().hex}")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _mark(info: VersionInfo) -> dict[str, str]:
    return {"edition": EDITION, "version": info.sha256}


def _put(table: pa.Table, name: str, values: Sequence[object]) -> pa.Table:
    return table.set_column(SCHEMA.get_field_index(name), SCHEMA.field(name), pa.array(values, SCHEMA.field(name).type))


def _read(info: VersionInfo) -> pa.Table | None:
    """The kept table, unless it is of other rows or of another edition, or cannot be read."""
    path = info.folder / FILE
    if not path.is_file():
        return None
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid):
        return None  # it is worked out again
    metadata = table.schema.metadata or {}
    fits = all(metadata.get(name.encode()) == value.encode() for name, value in _mark(info).items())
    return table if fits and table.schema.equals(SCHEMA) and table.num_rows == info.rows else None


def _write(path: Path, table: pa.Table) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    write_aside(path, sink.getvalue().to_pybytes())
