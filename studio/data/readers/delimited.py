"""CSV, TSV and their relatives: delimiter, header and quoting are found out; lines that do not fit are set aside, one by one.

A quote that is opened and never closed costs its own line and not the rest of the file.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TextIO

from studio.data.readers.source import TOO_LONG, BadRow, Item, ReadSettings, Source, Tally, kept
from studio.data.readers.text import bounded_lines, encoding_of, open_text, sample_of
from studio.errors import DataError

DELIMITERS = ",;\t|"
SNIFFED_ROWS = 60
FIELD_CHARACTERS = 1 << 20
NUMBER = re.compile(r"\s*[-+]?[\d.,\s]*\d%?\s*|\s*(null|na|nan|none)?\s*", re.IGNORECASE)
SEPARATOR_LINE = re.compile(r"sep=(.)(?:\r\n|\n|\r|\Z)")
UNNAMED = re.compile(r"column_\d+")

Record = tuple[int, "list[str] | BadRow"]


class _TooLong(csv.Error):
    """A line that is longer than a row may be."""


class Lines:
    """Physical lines with their numbers, which can be handed back; counts what the parser took for one record."""

    def __init__(self, file: TextIO) -> None:
        self.lines = bounded_lines(file)
        self.number = 0
        self.waiting: deque[str] = deque()
        self.taken: list[str] = []

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        self.number += 1
        if self.waiting:
            line, whole = self.waiting.popleft(), True
        else:
            _, line, whole = next(self.lines)
        self.taken.append(line)
        if not whole:
            raise _TooLong
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


def records(file: TextIO, delimiter: str) -> Iterator[Record]:
    """The first line's number and the values of each record, or why it cannot be read."""
    csv.field_size_limit(max(FIELD_CHARACTERS, csv.field_size_limit()))
    lines = Lines(file)
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    while True:
        number = lines.start_record()
        try:
            values = next(reader)
        except StopIteration:
            return
        except _TooLong:
            yield number, BadRow(number, TOO_LONG, kept("".join(lines.taken)))
            continue
        except csv.Error:
            first = lines.keep_first()
            yield number, _lenient(first, delimiter) or BadRow(number, _reason(first), kept(first.rstrip("\r\n")))
            continue
        yield number, values


def _lenient(line: str, delimiter: str) -> list[str] | None:
    """A line with text behind a closing quote, read without strictness; None when its quotes do not pair up or a value is too long."""
    if line.count('"') % 2:
        return None
    try:
        return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), None)
    except csv.Error:
        return None


def _reason(line: str) -> str:
    if len(line) > FIELD_CHARACTERS:
        return f"has a value of more than {FIELD_CHARACTERS:,} characters"
    return "a quote is opened and not closed as it should be"


def open_delimited(path: Path, settings: ReadSettings) -> Source:
    """CSV, TSV and their relatives."""
    encoding = encoding_of(path, settings)
    notes = [encoding.note] if encoding.note else []
    sample = sample_of(path, encoding.codec, newline="")
    told = SEPARATOR_LINE.match(sample)
    body = sample[told.end() :] if told else sample
    delimiter = settings.delimiter.replace("\\t", "\t") or (told[1] if told else _delimiter(body, path))
    if len(delimiter) != 1:
        raise DataError(f"{settings.delimiter!r} cannot be a delimiter.", "Give one character, or \\t for a tab.")
    head = list(islice(records(io.StringIO(body, newline=""), delimiter), SNIFFED_ROWS))
    at, named, columns = find_header(head, path.name)
    if any(isinstance(values, list) and any(value.strip() for value in values) for _, values in head[:at]):
        notes.append(f"The {at} rows before the table were skipped.")
    if not named:
        notes.append("The file has no column names; they were numbered.")
    unnamed = {name for name in columns if UNNAMED.fullmatch(name)} if named else set()

    def items(tally: Tally) -> Iterator[Item]:
        with open_text(path, encoding.codec, "", tally) as file:
            if told:
                file.readline()
            found = False
            for line, values in islice(records(file, delimiter), at + named, None):
                if (item := _item(values, columns, unnamed, line + bool(told), delimiter)) is not None:
                    found = True
                    tally.weight += sum(map(len, item.values())) if isinstance(item, dict) else len(item.text)
                    yield line + bool(told), item
            if not found:
                names = ", ".join(columns[:10])
                raise DataError(f"{path.name} has column names ({names}) but no rows.", "Check that the file is complete.")

    known = [name for name in columns if name not in unnamed]
    return Source(path, "tsv" if delimiter == "\t" else "csv", items, known, complete=not unnamed, notes=notes)


def _item(values: list[str] | BadRow, columns: list[str], unnamed: set[str], line: int, delimiter: str) -> dict[str, str] | BadRow | None:
    """One record by its columns, or why it is set aside; None for a blank one. Columns without a name count where they hold something."""
    if isinstance(values, BadRow):
        return replace(values, line=line)
    if not any(value.strip() for value in values):
        return None
    if len(values) > len(columns):
        if any(value.strip() for value in values[len(columns) :]):
            text = kept(delimiter.join(values))
            return BadRow(line, f"has {len(values)} values where there are {len(columns)} columns", text)
        del values[len(columns) :]
    values += [""] * (len(columns) - len(values))
    row = dict(zip(columns, values, strict=True))
    return {name: value for name, value in row.items() if value or name not in unnamed} if unnamed else row


def _delimiter(text: str, path: Path) -> str:
    """The delimiter under which most of the first records have the same number of values, more than one."""
    best, best_score = ("\t" if path.suffix.lower() in (".tsv", ".tab") else ","), (0.0, 0)
    for delimiter in DELIMITERS:
        sample = [values for _, values in islice(records(io.StringIO(text, newline=""), delimiter), SNIFFED_ROWS)]
        widths = Counter(len(values) for values in sample if isinstance(values, list) and any(value.strip() for value in values))
        if not widths:
            continue
        width, often = max(widths.items(), key=lambda item: (item[1], item[0]))
        if width > 1 and (score := (round(often / sum(widths.values()), 1), width)) > best_score:
            best, best_score = delimiter, score
    return best


def find_header(head: list[Record], name: str) -> tuple[int, bool, list[str]]:
    """Where the table begins, whether its first row gives the column names, and the names, made unique."""
    filled = [sum(bool(value.strip()) for value in values) if isinstance(values, list) else 0 for _, values in head]
    if not any(filled):
        raise DataError(f"{name} has no rows.", "Check that the file is complete.")
    usual = Counter(count for count in filled if count).most_common(1)[0][0]
    at = next(index for index, count in enumerate(filled) if count >= min(2, usual) and count * 2 >= usual)
    values = head[at][1]
    assert isinstance(values, list)
    first_line = values[0].lstrip() if values else ""
    if (first_line.startswith("{") and len(values) > 1) or first_line in ("[", "{"):
        raise DataError(f"{name} looks like JSON, not like a table.", "Rename it so that it ends in .json or .jsonl.")
    if len(values) > 1 and all(NUMBER.fullmatch(value) for value in values):
        return at, False, [f"column_{number}" for number in range(1, max(len(row) for _, row in head if isinstance(row, list)) + 1)]
    names: list[str] = []
    for number, value in enumerate(values, 1):
        title = value.strip() or f"column_{number}"
        names.append(title if title not in names else f"{title}_{number}")
    return at, True, names
