"""Files in: CSV, TSV, JSON, JSONL, Parquet and plain text become a `RawTable`; rows that cannot be read are set aside with their line.

A file is judged by its content as well as by its name. To read another format, write a function `path -> RawTable` and name its
extensions in `READERS`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from studio.errors import DataError

MAX_FILE_BYTES = 1 << 30
MAX_EXPANDED_BYTES = 4 << 30
MAX_EXPANSION = 100
ALWAYS_ALLOWED_BYTES = 256 << 20
ROW_BYTES, VALUE_BYTES = 100, 60  # what Python adds to each row and to each value in it
BATCH_ROWS = 2048

MAGIC = (
    (b"PK\x03\x04", "an Excel workbook or a ZIP archive", "Save the sheet as CSV, or unpack the archive, and choose that file."),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file", "Save it as CSV and choose that file."),
    (b"\x1f\x8b", "compressed with gzip", "Unpack it and choose the file inside."),
    (b"BZh", "compressed with bzip2", "Unpack it and choose the file inside."),
    (b"\xfd7zXZ", "compressed with xz", "Unpack it and choose the file inside."),
    (b"(\xb5/\xfd", "compressed with zstd", "Unpack it and choose the file inside."),
    (b"%PDF", "a PDF", "Copy its text into a .txt or .csv file."),
    (b"\x89PNG", "an image", "Choose a file with text."),
    (b"\xff\xd8\xff", "an image", "Choose a file with text."),
    (b"SQLite format 3", "an SQLite database", "Export the table as CSV."),
    (b"ARROW1", "an Arrow file", "Save it as Parquet."),
)


@dataclass(frozen=True)
class BadRow:
    """A row that was set aside: its line in the file (its position, for JSON lists and Parquet) and why."""

    line: int
    reason: str


@dataclass
class RawTable:
    """What a file holds before it is mapped. `lines` gives each row's place in the file; `notes` say what was decided while reading."""

    columns: list[str]
    rows: list[dict[str, Any]]
    bad_rows: list[BadRow]
    format: str
    lines: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_file(path: str | Path, limit_rows: int | None = None, max_bytes: int = MAX_FILE_BYTES) -> RawTable:
    """The rows of a file; with `limit_rows` only the first ones.

    Raises `DataError` when the file is missing, empty, too large, binary, of an unknown format, or without a single usable row.
    """
    path = Path(path)
    reader = READERS.get(path.suffix.lower())
    _check(path, reader, max_bytes)
    if reader is None:
        raise DataError(f"{path.name} is of a kind that cannot be read ({path.suffix or 'no extension'}).", f"Use {FORMATS}.")
    table = reader(path, limit_rows)
    if not table.rows:
        first = f" The first: line {table.bad_rows[0].line}, {table.bad_rows[0].reason}" if table.bad_rows else ""
        raise DataError(f"{path.name} has no rows that can be read.{first}", "Check that the file is complete.")
    if not table.lines:
        table.lines = list(range(1, len(table.rows) + 1))
    return table


def _check(path: Path, reader: object, max_bytes: int) -> None:
    """Refuse what cannot be data before any of it is parsed."""
    if not path.is_file():
        raise DataError(f"There is no file {path}.", "Check the name.")
    size = path.stat().st_size
    if size == 0:
        raise DataError(f"{path.name} is empty (0 bytes).", "Choose a file with rows.")
    if size > max_bytes:
        raise DataError(
            f"{path.name} has {size / 1e6:,.0f} MB; at most {max_bytes / 1e6:,.0f} MB are read.",
            "Split it into several files, or save it as Parquet, which is smaller.",
        )
    with path.open("rb") as file:
        head = file.read(4096)
    for magic, what, remedy in MAGIC:
        if head.startswith(magic):
            raise DataError(f"{path.name} is {what}, which cannot be read.", remedy)
    parquet = head.startswith(b"PAR1")
    if parquet and reader is not read_parquet:
        raise DataError(f"{path.name} is a Parquet file with another extension.", "Rename it so that it ends in .parquet.")
    if not parquet and reader is read_parquet:
        raise DataError(f"{path.name} is not a Parquet file.", "Check where it comes from, or choose the extension that fits its content.")
    if not parquet and _is_binary(head):
        raise DataError(f"{path.name} holds binary data, not text.", f"Use {FORMATS}.")


def _is_binary(head: bytes) -> bool:
    """Control characters that no text has, unless the zeros are those of UTF-16 or UTF-32."""
    from studio.data.encodings import MARKS, _utf16_without_mark

    if any(head.startswith(mark) for mark, _ in MARKS) or _utf16_without_mark(head):
        return False
    odd = sum(head.count(byte) for byte in (*range(1, 9), *range(14, 27), *range(28, 32), 127))
    return b"\0" in head or odd * 20 > len(head)


def columns_of(rows: Iterable[dict[str, Any]]) -> list[str]:
    """The names that occur in any row, in order of appearance."""
    names: dict[str, None] = {}
    for row in rows:
        if row.keys() - names.keys():
            names.update(dict.fromkeys(row))
    return list(names)


def read_jsonl(path: Path, limit_rows: int | None = None) -> RawTable:
    """One JSON object a line. A file that turns out to be one JSON document is read as such."""
    from studio.data.encodings import detect

    encoding = detect(path)
    table = RawTable([], [], [], "jsonl", notes=[encoding.note] if encoding.note else [])
    with path.open(encoding=encoding.codec, errors="surrogateescape", newline="\n") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                value = json.loads(line)
            except (ValueError, RecursionError) as error:
                table.bad_rows.append(BadRow(number, _json_reason(error)))
                if number == 1 and line.lstrip()[0] in "[{" and (whole := _as_document(path, limit_rows)):
                    return whole
                continue
            if number == 1 and isinstance(value, list) and (whole := _as_document(path, limit_rows)):
                return whole
            if not isinstance(value, dict):
                table.bad_rows.append(BadRow(number, f"is a {_json_name(value)}, not an object with named fields"))
                continue
            table.rows.append(value)
            table.lines.append(number)
            if limit_rows is not None and len(table.rows) >= limit_rows:
                break
    table.columns = columns_of(table.rows)
    return table


def _as_document(path: Path, limit_rows: int | None) -> RawTable | None:
    """The file read as one JSON document, or None when it is not one."""
    try:
        table = read_json(path, limit_rows)
    except DataError:
        return None
    if table.format != "json":
        return None
    table.notes.append("The file holds one JSON document, not one object a line.")
    return table


def read_json(path: Path, limit_rows: int | None = None) -> RawTable:
    """A list of objects, an object that holds one such list, or an object of equally long columns."""
    from studio.data.encodings import detect

    encoding = detect(path)
    text = path.read_text(encoding.codec, "surrogateescape")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        lines = [line for line in text.splitlines()[:3] if line.strip()]
        if lines and all(_is_object(line) for line in lines[:1]):
            return read_jsonl(path, limit_rows)
        raise DataError(
            f"{path.name} is not valid JSON: {_json_reason(error)}.", "Mend the file at that place, or export it again."
        ) from error
    items = _rows_of(value, path)
    table = RawTable([], [], [], "json", notes=[encoding.note] if encoding.note else [])
    for number, item in enumerate(items, 1):
        if isinstance(item, dict):
            table.rows.append(item)
            table.lines.append(number)
        else:
            table.bad_rows.append(BadRow(number, f"is a {_json_name(item)}, not an object with named fields"))
        if limit_rows is not None and len(table.rows) >= limit_rows:
            break
    table.columns = columns_of(table.rows)
    return table


def _rows_of(value: Any, path: Path) -> list[Any]:
    """The list of rows inside a JSON document."""
    if isinstance(value, dict):
        lists = {key: item for key, item in value.items() if isinstance(item, list)}
        objects = {key: item for key, item in lists.items() if item and isinstance(item[0], dict)}
        if len(lists) == len(value) > 1 and not objects and len({len(item) for item in lists.values()}) == 1:
            return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
        chosen = objects or lists
        if len(chosen) != 1 or {"messages", "conversations"} & value.keys():
            if {"messages", "conversations", "prompt", "text", "instruction"} & value.keys():
                return [value]
            names = ", ".join(chosen) or "none"
            raise DataError(
                f"{path.name} holds an object in which one list of rows is expected; its lists: {names}.", "Save the list on its own."
            )
        name, value = next(iter(chosen.items()))
        if value and isinstance(value[0], str):
            return [{name: item} for item in value]
    if not isinstance(value, list):
        raise DataError(f"{path.name} holds a {_json_name(value)}; a list of rows is expected.", "Save the rows as a JSON list.")
    if value and isinstance(value[0], str):
        return [{"text": item} if isinstance(item, str) else item for item in value]
    if value and isinstance(value[0], list):
        return [{"messages": item} if isinstance(item, list) else item for item in value]
    return value


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _json_name(value: Any) -> str:
    names = {dict: "object", list: "list", str: "text", bool: "truth value", int: "number", float: "number", type(None): "null"}
    return names[type(value)]


def _json_reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"not valid JSON ({error.msg}, line {error.lineno}, character {error.colno})"
    return "not valid JSON (nested too deeply)" if isinstance(error, RecursionError) else f"not valid JSON ({error})"


def read_parquet(path: Path, limit_rows: int | None = None) -> RawTable:
    """A Parquet file, read in batches under a cap on what it grows to in memory."""
    table = RawTable([], [], [], "parquet")
    size = path.stat().st_size
    cap = min(MAX_EXPANDED_BYTES, max(ALWAYS_ALLOWED_BYTES, size * MAX_EXPANSION))
    grown = 0
    try:
        with pq.ParquetFile(path) as file:
            table.columns = list(file.schema_arrow.names)
            groups = [file.metadata.row_group(i).total_byte_size for i in range(file.metadata.num_row_groups)]
            if sum(groups) > cap:
                raise _too_large(path, sum(groups))
            for batch in file.iter_batches(batch_size=BATCH_ROWS if size > BATCH_ROWS else 64):
                batch = pa.record_batch([_decoded(column) for column in batch.columns], batch.schema.names)
                grown += batch.nbytes + batch.num_rows * (ROW_BYTES + VALUE_BYTES * batch.num_columns)
                if grown > cap:
                    raise _too_large(path, grown)
                table.rows.extend(batch.to_pylist())
                if limit_rows is not None and len(table.rows) >= limit_rows:
                    del table.rows[limit_rows:]
                    break
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path.name} cannot be read as Parquet: {error}.", "The file may be cut short; export it again.") from error
    return table


def _decoded(column: pa.Array) -> pa.Array:
    """A column as it is in memory, where a file may keep each value once and number it."""
    return column.dictionary_decode() if isinstance(column, pa.DictionaryArray) else column


def _too_large(path: Path, size: int) -> DataError:
    return DataError(
        f"{path.name} grows to more than {size / 1e6:,.0f} MB when it is read, far more than its size on disk allows for.",
        "If it is genuine, split it into several files.",
    )


def read_text(path: Path, limit_rows: int | None = None) -> RawTable:
    """Plain text: each line that is not blank is a row."""
    from studio.data.encodings import detect

    encoding = detect(path)
    table = RawTable(["text"], [], [], "text", notes=[encoding.note] if encoding.note else [])
    with path.open(encoding=encoding.codec, errors="surrogateescape") as file:
        for number, line in enumerate(file, 1):
            if limit_rows is not None and len(table.rows) >= limit_rows:
                break
            if line.strip():
                table.rows.append({"text": line.rstrip("\n")})
                table.lines.append(number)
    return table


def read_delimited(path: Path, limit_rows: int | None = None) -> RawTable:
    """CSV, TSV and their relatives."""
    from studio.data import delimited

    return delimited.read(path, limit_rows)


Reader = Callable[[Path, int | None], RawTable]
READERS: dict[str, Reader] = {
    **dict.fromkeys((".csv", ".tsv", ".tab", ".psv", ".ssv"), read_delimited),
    **dict.fromkeys((".jsonl", ".ndjson"), read_jsonl),
    ".json": read_json,
    **dict.fromkeys((".parquet", ".pq"), read_parquet),
    **dict.fromkeys((".txt", ".text"), read_text),
}
FORMATS = "CSV, TSV, JSON, JSONL, Parquet or plain text (.txt)"
