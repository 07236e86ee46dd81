"""CSV, TSV and their relatives: delimiter, header and quoting are found out; lines that do not fit are set aside, one by one.

A quote that is opened and never closed costs its own line and not the rest of the file.
"""

from __future__ import annotations

import csv
import re
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from studio.data.encodings import detect
from studio.data.formats import BadRow, RawTable
from studio.errors import DataError

DELIMITERS = ",;\t|"
SNIFFED_ROWS = 60
FIELD_CHARACTERS = 1 << 20
NUMBER = re.compile(r"\s*[-+]?[\d.,\s]*\d%?\s*|\s*(null|na|nan|none)?\s*", re.IGNORECASE)


class Lines:
    """Physical lines with their numbers, which can be handed back; counts what the parser took for one record."""

    def __init__(self, file: TextIO) -> None:
        self.file = file
        self.number = 0
        self.waiting: deque[str] = deque()
        self.taken: list[str] = []

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        line = self.waiting.popleft() if self.waiting else next(self.file)
        self.number += 1
        self.taken.append(line)
        return line

    def start_record(self) -> int:
        """Forget the lines of the last record; gives the number of the next line."""
        self.taken = []
        return self.number + 1

    def keep_first(self) -> str:
        """Hand back all lines of the current record but the first, which is returned."""
        first, *rest = self.taken
        self.waiting.extendleft(reversed(rest))
        self.number -= len(rest)
        return first


def records(file: TextIO, delimiter: str) -> Iterator[tuple[int, list[str] | str]]:
    """The first line's number and the values of each record, or the reason why it cannot be read."""
    csv.field_size_limit(max(FIELD_CHARACTERS, csv.field_size_limit()))
    lines = Lines(file)
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    while True:
        number = lines.start_record()
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error:
            first = lines.keep_first()
            yield number, _lenient(first, delimiter) or "a quote is opened and not closed as it should be"
            continue
        yield number, values


def _lenient(line: str, delimiter: str) -> list[str] | None:
    """A line with text behind a closing quote, read without strictness; None when its quotes do not pair up."""
    if line.count('"') % 2:
        return None
    return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), None)


def read(path: Path, limit_rows: int | None = None) -> RawTable:
    """The rows of a delimited file as a `RawTable`."""
    encoding = detect(path)
    notes = [encoding.note] if encoding.note else []
    with path.open(encoding=encoding.codec, errors="surrogateescape", newline="") as file:
        told = _separator_line(file)
        start = file.tell()
        delimiter = told or _delimiter(file, start, path)
        file.seek(start)
        head = [item for _, item in zip(range(SNIFFED_ROWS), records(file, delimiter), strict=False)]
        at, named, columns = _header(head, path)
        file.seek(start)
        table = RawTable([], [], [], "tsv" if delimiter == "\t" else "csv", notes=notes)
        offset = 1 if told else 0
        for index, (line, values) in enumerate(records(file, delimiter)):
            if index < at + named:
                continue
            if limit_rows is not None and len(table.rows) >= limit_rows:
                break
            _add(table, columns, line + offset, values)
    if not table.rows and not table.bad_rows:
        raise DataError(f"{path.name} has column names ({', '.join(columns[:10])}) but no rows.", "Check that the file is complete.")
    if any(isinstance(values, list) and any(value.strip() for value in values) for _, values in head[:at]):
        notes.append(f"The {at} rows before the table were skipped.")
    if not named:
        notes.append("The file has no column names; they were numbered.")
    unused = {name for name in columns if name.startswith("column_")} if named else set()
    for row in table.rows:
        unused -= {name for name in unused if row[name]}
    table.columns = [name for name in columns if name not in unused]
    if len(table.columns) < len(columns):
        for row in table.rows:
            for name in columns:
                if name not in table.columns:
                    del row[name]
    return table


def _add(table: RawTable, columns: list[str], line: int, values: list[str] | str) -> None:
    """Add one record to the table, or set it aside."""
    if isinstance(values, str):
        table.bad_rows.append(BadRow(line, values))
        return
    if not any(value.strip() for value in values):
        return
    if len(values) > len(columns):
        if any(value.strip() for value in values[len(columns) :]):
            table.bad_rows.append(BadRow(line, f"has {len(values)} values where there are {len(columns)} columns"))
            return
        del values[len(columns) :]
    values += [""] * (len(columns) - len(values))
    table.rows.append(dict(zip(columns, values, strict=True)))
    table.lines.append(line)


def _separator_line(file: TextIO) -> str:
    """The delimiter that Excel writes into a first line such as `sep=;`, which is consumed; otherwise nothing is."""
    found = re.fullmatch(r"sep=(.)\r?\n?", file.readline())
    if found is None:
        file.seek(0)
    return found[1] if found else ""


def _delimiter(file: TextIO, start: int, path: Path) -> str:
    """The delimiter under which most of the first records have the same number of values, more than one."""
    best, best_score = ("\t" if path.suffix.lower() in (".tsv", ".tab") else ","), (0.0, 0)
    for delimiter in DELIMITERS:
        file.seek(start)
        sample = [values for _, (_, values) in zip(range(SNIFFED_ROWS), records(file, delimiter), strict=False)]
        widths = Counter(len(values) for values in sample if isinstance(values, list) and any(value.strip() for value in values))
        if not widths:
            continue
        width, often = max(widths.items(), key=lambda item: (item[1], item[0]))
        if width > 1 and (score := (round(often / sum(widths.values()), 1), width)) > best_score:
            best, best_score = delimiter, score
    return best


def _header(head: list[tuple[int, list[str] | str]], path: Path) -> tuple[int, bool, list[str]]:
    """Where the table begins, whether its first row gives the column names, and the names, made unique."""
    filled = [sum(bool(value.strip()) for value in values) if isinstance(values, list) else 0 for _, values in head]
    if not any(filled):
        raise DataError(f"{path.name} has no rows.", "Check that the file is complete.")
    usual = Counter(count for count in filled if count).most_common(1)[0][0]
    at = next(index for index, count in enumerate(filled) if count >= min(2, usual) and count * 2 >= usual)
    values = head[at][1]
    assert isinstance(values, list)
    first_line = values[0].lstrip() if values else ""
    if (first_line.startswith("{") and len(values) > 1) or first_line in ("[", "{"):
        raise DataError(f"{path.name} looks like JSON, not like a table.", "Rename it so that it ends in .json or .jsonl.")
    if len(values) > 1 and all(NUMBER.fullmatch(value) for value in values):
        return at, False, [f"column_{number}" for number in range(1, max(len(row) for _, row in head if isinstance(row, list)) + 1)]
    names: list[str] = []
    for number, value in enumerate(values, 1):
        name = value.strip() or f"column_{number}"
        names.append(name if name not in names else f"{name}_{number}")
    return at, True, names
