"""A table as it stands in a file, before it is mapped: read batch by batch, with the rows that cannot be read set aside in their place.

A reader finds out what it needs from the beginning of a file and gives a `Source` with a function that yields its rows. It adds to
`tally.weight` what it reads, so that a batch stays small where rows are large, and lets the tally watch its file, for the progress.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal

from studio.errors import DataError
from studio.settings import Settings, setting

BATCH_ROWS = 2048
BATCH_WEIGHT = 32 << 20
MAX_ROW_CHARACTERS = 8_000_000
KEPT_CHARACTERS = 1 << 20
TOO_LONG = f"has more than {MAX_ROW_CHARACTERS // 1_000_000} million characters; split it into several rows"


@dataclass(frozen=True)
class BadRow:
    """A row that was set aside: its line in the file (its position, for JSON lists, Parquet and Arrow), why, and what it holds."""

    line: int
    reason: str
    text: str = ""
    file: str = ""


Values = dict[str, Any]
Item = tuple[int, "Values | BadRow"]


@dataclass
class RawTable:
    """What a file holds before it is mapped. `lines` gives each row's place in the file; `notes` say what was decided while reading."""

    columns: list[str]
    rows: list[Values]
    bad_rows: list[BadRow]
    format: str
    lines: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class ReadSettings(Settings):
    """What a person may say about a file where the finding out goes wrong. Each is found out when it stays empty."""

    encoding: str = setting("", "Encoding", "How the characters of a text file are stored, for example latin-1 or utf-16.")
    delimiter: str = setting("", "Delimiter", "What stands between the values of a line, for example ; or \\t.", max_length=2)
    sheet: str = setting("", "Sheet", "The sheet of an Excel workbook; the first one with rows when it stays empty.")
    text_rows: Literal["auto", "line", "paragraph", "section", "file"] = setting(
        "auto", "A row of a text is", "What of a text or Markdown file makes a row: a line, a paragraph, a section under a heading, all."
    )


class Tally:
    """How much of a file has been read: `done` in bytes on disk, `weight` roughly in bytes of memory."""

    def __init__(self) -> None:
        self.weight = 0
        self._file: BinaryIO | None = None
        self._done = 0

    def watch(self, file: BinaryIO) -> None:
        """Follow the position in this file."""
        self._file = file

    def say(self, done: int) -> None:
        """Set the position where there is no file to follow."""
        self._file, self._done = None, done

    @property
    def done(self) -> int:
        if self._file is not None and not self._file.closed:
            self._done = self._file.tell()
        return self._done


class Source:
    """One table in one file. `known` are the columns that the beginning of the file tells; with `complete` there are no others."""

    def __init__(
        self,
        path: Path,
        format: str,
        items: Callable[[Tally], Iterator[Item]],
        known: list[str],
        complete: bool = True,
        notes: list[str] | None = None,
    ) -> None:
        self.path, self.name, self.format = path, path.name, format
        self.notes = notes or []
        self.tally = Tally()
        self.bytes_total = path.stat().st_size if path.is_file() else 0
        self._items = items
        self._columns = list(known)
        self._complete = complete

    @property
    def parts(self) -> list[Source]:
        """The tables that are read one after the other; for a single file, itself."""
        return [self]

    @property
    def columns(self) -> list[str]:
        """The names of all columns. Where only the rows tell them, the whole file is read for it, once."""
        if not self._complete:
            names = dict.fromkeys(self._columns)
            for _, values in self.items():
                if not isinstance(values, BadRow) and values.keys() - names.keys():
                    names.update(dict.fromkeys(values))
            self._columns, self._complete = list(names), True
        return self._columns

    def items(self) -> Iterator[Item]:
        """Each row with its place in the file. Raises `DataError` when the file turns out to be broken."""
        self.tally = Tally()
        try:
            yield from self._items(self.tally)
            self.tally.say(self.bytes_total)
        except UnicodeError as error:
            raise DataError(
                f"{self.name} holds bytes that are not text in its encoding: {error}.", "Save it as UTF-8 and choose it again."
            ) from error

    def batches(self, size: int = BATCH_ROWS) -> Iterator[list[Item]]:
        """The rows, up to `size` at once and fewer where they are large."""
        batch: list[Item] = []
        start = 0
        for item in self.items():
            batch.append(item)
            if len(batch) >= size or self.tally.weight - start > BATCH_WEIGHT:
                yield batch
                batch, start = [], self.tally.weight
        if batch:
            yield batch

    def head(self, count: int | None = None) -> RawTable:
        """The first `count` rows that can be read, or all, with those set aside among them and the columns that they have."""
        table = RawTable([], [], [], self.format)
        for line, values in self.items():
            if isinstance(values, BadRow):
                table.bad_rows.append(values)
                continue
            table.rows.append(values)
            table.lines.append(line)
            if count is not None and len(table.rows) >= count:
                break
        table.columns = self._columns if self._complete else columns_of([dict.fromkeys(self._columns), *table.rows])
        table.notes = self.notes
        return table


class Bundle(Source):
    """Several tables, read one after the other."""

    def __init__(self, path: Path, format: str, sources: list[Source], notes: list[str]) -> None:
        super().__init__(path, format, self._chained, columns_of(dict.fromkeys(source._columns) for source in sources), notes=notes)
        self._parts = sources
        self._complete = all(source._complete for source in sources)
        self.notes += [f"{source.name}: {note}" for source in sources for note in source.notes]

    @property
    def parts(self) -> list[Source]:
        return self._parts

    def _chained(self, tally: Tally) -> Iterator[Item]:
        for source in self._parts:
            for line, values in source.items():
                tally.weight += source.tally.weight
                source.tally.weight = 0
                yield line, values


def columns_of(rows: Iterable[Values]) -> list[str]:
    """The names that occur in any row, in order of appearance."""
    names: dict[str, None] = {}
    for row in rows:
        if row.keys() - names.keys():
            names.update(dict.fromkeys(row))
    return list(names)


def kept(text: str) -> str:
    """As much of a row's text as is kept for the person who mends it."""
    return text if len(text) <= KEPT_CHARACTERS else text[:KEPT_CHARACTERS] + " ..."
