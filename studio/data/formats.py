"""Files in: CSV, TSV, JSON, JSONL, Parquet, Arrow, Excel, plain text and Markdown, also inside zip and gz, each opened as a `Source`.

A file is judged by its content as well as by its name. A `Source` is read batch by batch; `read_file` gives its first rows at once. To read
another format, write a function `(path, settings) -> Source` under `studio/data/readers` and name its extensions in `READERS`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from studio.data.readers.archives import unpack_gzip, unpack_zip
from studio.data.readers.columnar import open_arrow, open_parquet
from studio.data.readers.delimited import open_delimited
from studio.data.readers.encodings import MARKS, utf16_without_mark
from studio.data.readers.json_rows import open_json
from studio.data.readers.source import BadRow, Bundle, RawTable, ReadSettings, Source, columns_of
from studio.data.readers.text import open_plain
from studio.data.readers.workbook import open_workbook
from studio.errors import DataError

__all__ = [
    "ARCHIVES", "FORMATS", "MAX_FILE_BYTES", "READABLE", "READERS",
    "BadRow", "RawTable", "ReadSettings", "Source", "columns_of", "open_source", "read_file",
]  # fmt: skip

MAX_FILE_BYTES = 32 << 30

Reader = Callable[[Path, ReadSettings], Source]
READERS: dict[str, Reader] = {
    **dict.fromkeys((".csv", ".tsv", ".tab", ".psv", ".ssv"), open_delimited),
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), open_json),
    **dict.fromkeys((".parquet", ".pq"), open_parquet),
    **dict.fromkeys((".arrow", ".feather", ".ipc", ".arrows"), open_arrow),
    **dict.fromkeys((".xlsx", ".xlsm"), open_workbook),
    **dict.fromkeys((".txt", ".text", ".md", ".markdown"), open_plain),
}
ARCHIVES = (".zip", ".gz")
READABLE = (*READERS, *ARCHIVES)
FORMATS = "CSV, TSV, JSON, JSONL, Parquet, Arrow, Excel (.xlsx), plain text, Markdown, or these in .zip or .gz"

UNPACK = "Unpack it and choose the file inside."
MAGIC: tuple[tuple[bytes, str, str, Callable[..., object] | None], ...] = (
    (b"PAR1", "a Parquet file", "Rename it so that it ends in .parquet.", open_parquet),
    (b"ARROW1", "an Arrow file", "Rename it so that it ends in .arrow.", open_arrow),
    (b"PK\x03\x04", "an Excel workbook or a ZIP archive", "Rename it so that it ends in .xlsx or .zip.", open_workbook),
    (b"FEA1", "a Feather file of the first version", "Save it as Parquet.", None),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file", "Save it as .xlsx or CSV and choose that file.", None),
    (b"\x1f\x8b", "compressed with gzip", "Rename it so that it ends in .gz, for example rows.csv.gz.", None),
    (b"BZh", "compressed with bzip2", UNPACK, None),
    (b"\xfd7zXZ", "compressed with xz", UNPACK, None),
    (b"(\xb5/\xfd", "compressed with zstd", UNPACK, None),
    (b"%PDF", "a PDF", "Copy its text into a .txt or .csv file.", None),
    (b"\x89PNG", "an image", "Choose a file with text.", None),
    (b"\xff\xd8\xff", "an image", "Choose a file with text.", None),
    (b"SQLite format 3", "an SQLite database", "Export the table as CSV.", None),
)
BINARY = {open_parquet: "a Parquet file", open_arrow: "an Arrow file", open_workbook: "an Excel workbook"}


@contextmanager
def open_source(
    path: str | Path, settings: ReadSettings | None = None, scratch: Path | None = None, max_bytes: int = MAX_FILE_BYTES
) -> Iterator[Source]:
    """The table in a file, open until the end of the `with`; an archive with several files gives a `Bundle` of theirs.

    `scratch` is where archives are unpacked for that time. Raises `DataError` when the file is missing, empty, too large, binary, of an
    unknown format, or has no table.
    """
    path, settings = Path(path), settings or ReadSettings()
    _check_size(path, max_bytes)
    if path.suffix.lower() not in ARCHIVES:
        yield _opened(path, settings)
        return
    with tempfile.TemporaryDirectory(prefix=".unpacked-", dir=scratch) as folder:
        yield _unpacked(path, settings, Path(folder))


def read_file(
    path: str | Path, limit_rows: int | None = None, max_bytes: int = MAX_FILE_BYTES, settings: ReadSettings | None = None
) -> RawTable:
    """The first `limit_rows` rows of a file, or all of them at once. Raises `DataError` as `open_source`, and when none is usable."""
    with open_source(path, settings, max_bytes=max_bytes) as source:
        table = source.head(limit_rows)
    if not table.rows:
        first = f" The first: line {table.bad_rows[0].line}, {table.bad_rows[0].reason}" if table.bad_rows else ""
        raise DataError(f"{Path(path).name} has no rows that can be read.{first}", "Check that the file is complete.")
    return table


def _opened(path: Path, settings: ReadSettings) -> Source:
    reader = READERS.get(path.suffix.lower())
    _check_content(path, reader)
    if reader is None:
        raise DataError(f"{path.name} is of a kind that cannot be read ({path.suffix or 'no extension'}).", f"Use {FORMATS}.")
    return reader(path, settings)


def _unpacked(path: Path, settings: ReadSettings, folder: Path) -> Source:
    """The table inside an archive, or the tables."""
    with path.open("rb") as file:
        head = file.read(4)
    if not head.startswith(b"\x1f\x8b" if path.suffix.lower() == ".gz" else (b"PK\x03\x04", b"PK\x05\x06")):
        raise DataError(
            f"{path.name} is not a {path.suffix.lower()} file.", "Check where it comes from, or choose the extension that fits its content."
        )
    if path.suffix.lower() == ".gz":
        inner = unpack_gzip(path, folder)
        if not inner.stat().st_size:
            raise DataError(f"{path.name} holds an empty file.", "Choose a file with rows.")
        return _opened(inner, settings)
    members, notes = unpack_zip(path, folder, READERS)
    sources = []
    for name, member in members:
        if not member.stat().st_size:
            notes.append(f"{name} is empty.")
            continue
        sources.append(_opened(member, settings))
        sources[-1].name = name
    if not sources:
        raise DataError(f"All files in {path.name} are empty.", "Choose files with rows.")
    if len(sources) == 1:
        sources[0].notes += notes
        return sources[0]
    return Bundle(path, "zip", sources, notes)


def _check_size(path: Path, max_bytes: int) -> None:
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


def _check_content(path: Path, reader: Reader | None) -> None:
    """Refuse what cannot be data, or is something else than its name says, before any of it is parsed."""
    with path.open("rb") as file:
        head = file.read(4096)
    for magic, what, remedy, its_reader in MAGIC:
        if head.startswith(magic):
            if its_reader is not None and its_reader is reader:
                return
            if its_reader is not None:
                raise DataError(f"{path.name} is {what} with another extension.", remedy)
            raise DataError(f"{path.name} is {what}, which cannot be read.", remedy)
    if reader is open_arrow and head.startswith(b"\xff\xff\xff\xff"):
        return
    if reader in BINARY:
        remedy = "Check where it comes from, or choose the extension that fits its content."
        raise DataError(f"{path.name} is not {BINARY[reader]}.", remedy)
    if _is_binary(head):
        raise DataError(f"{path.name} holds binary data, not text.", f"Use {FORMATS}.")


def _is_binary(head: bytes) -> bool:
    """Control characters that no text has, unless the zeros are those of UTF-16 or UTF-32."""
    if any(head.startswith(mark) for mark, _ in MARKS) or utf16_without_mark(head):
        return False
    odd = sum(head.count(byte) for byte in (*range(1, 9), *range(14, 27), *range(28, 32), 127))
    return b"\0" in head or odd * 20 > len(head)
