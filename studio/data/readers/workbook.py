"""Excel workbooks (.xlsx): one sheet, read row by row, with the values that its formulas had when it was saved."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from studio.data.readers.columnar import expansion_limit, too_large
from studio.data.readers.delimited import SNIFFED_ROWS, UNNAMED, Record, find_header
from studio.data.readers.source import MAX_ROW_CHARACTERS, TOO_LONG, BadRow, Item, ReadSettings, Source, Tally, kept
from studio.errors import DataError


def open_workbook(path: Path, settings: ReadSettings) -> Source:
    """The sheet that was asked for, else the first that has rows."""
    _check(path)
    with _Book(path) as book:
        sheet = _chosen(book, settings.sheet, path)
        head: list[Record] = [(line, [_text(value) for value in values]) for line, values in islice(book.rows(sheet), SNIFFED_ROWS)]
        at, named, columns = find_header(head, path.name)
        others = [name for name in book.sheets if name != sheet]
    notes = [f"Read from the sheet {sheet}; there are also: {', '.join(others)}."] if others else []
    if any(any(values) for _, values in head[:at] if isinstance(values, list)):
        notes.append(f"The {at} rows before the table were skipped.")
    if not named:
        notes.append("The sheet has no column names; they were numbered.")
    if count := _unsaved_formulas(path, sheet):
        notes.append(f"{count} cells hold formulas without a saved value and come in empty; open and save the workbook in Excel first.")
    unnamed = {name for name in columns if UNNAMED.fullmatch(name)} if named else set()

    def items(tally: Tally) -> Iterator[Item]:
        found = False
        with _Book(path) as book:
            for line, values in islice(book.rows(sheet), at + named, None):
                if (item := _item(line, values, columns, unnamed)) is not None:
                    found = True
                    tally.weight += 100 + (sum(len(str(value)) for value in item.values()) if isinstance(item, dict) else len(item.text))
                    yield line, item
        tally.say(path.stat().st_size)
        if not found:
            raise DataError(
                f"The sheet {sheet} of {path.name} has column names but no rows.",
                "Choose another sheet, or check that the file is complete.",
            )

    known = [name for name in columns if name not in unnamed]
    return Source(path, "xlsx", items, known, complete=not unnamed, notes=notes)


def sheet_names(path: Path) -> list[str]:
    """The sheets of a workbook. Raises `DataError` when it is none."""
    _check(path)
    with _Book(path) as book:
        return book.sheets


class _Book:
    """A workbook opened for reading, closed at the end of a `with`; raises `DataError` when it is none."""

    def __init__(self, path: Path, formulas: bool = False) -> None:
        from openpyxl import load_workbook
        from openpyxl.utils.exceptions import InvalidFileException

        self.name = path.name
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of styles and extensions that do not touch the values
                self.book = load_workbook(path, read_only=True, data_only=not formulas, keep_links=False)
        except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError, SyntaxError) as error:
            raise _broken(self.name, error) from error
        self.sheets = [sheet.title for sheet in self.book.worksheets]

    def rows(self, sheet: str) -> Iterator[tuple[int, list[Any]]]:
        """The rows of a sheet with their numbers."""
        table = self.book[sheet]
        table.reset_dimensions()  # some programs write wrong ones
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                for number, values in enumerate(table.iter_rows(values_only=True), 1):
                    yield number, list(values)
        except (zipfile.BadZipFile, KeyError, ValueError, SyntaxError) as error:
            raise _broken(self.name, error) from error

    def __enter__(self) -> _Book:
        return self

    def __exit__(self, *_: object) -> None:
        self.book.close()


def _broken(name: str, error: Exception) -> DataError:
    return DataError(f"{name} cannot be read as an Excel workbook: {error}.", "Save it again as .xlsx, or as CSV.")


def _check(path: Path) -> None:
    """Refuse what only claims to be a workbook, or would fill the memory: openpyxl holds all of a workbook's texts."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
            is_book = "[Content_Types].xml" in archive.namelist()
    except zipfile.BadZipFile as error:
        raise DataError(f"{path.name} is not an Excel workbook.", "Save it as .xlsx or CSV and choose that file.") from error
    if not is_book:
        raise DataError(f"{path.name} is a ZIP archive, not an Excel workbook.", "Rename it so that it ends in .zip.")
    if size > min(1 << 30, expansion_limit(path.stat().st_size)):
        raise too_large(path.name, size)


def _chosen(book: _Book, wanted: str, path: Path) -> str:
    if wanted and wanted not in book.sheets:
        raise DataError(f"{path.name} has no sheet called {wanted}.", f"It has: {', '.join(book.sheets)}.")
    for sheet in [wanted] if wanted else book.sheets:
        if any(any(value not in (None, "") for value in values) for _, values in islice(book.rows(sheet), 1000)):
            return sheet
    raise DataError(f"{path.name} has no rows.", "Choose a workbook with a table.")


def _item(line: int, values: list[Any], columns: list[str], unnamed: set[str]) -> dict[str, Any] | BadRow | None:
    """One row by its columns; None for a blank one."""
    while values and values[-1] in (None, ""):
        values.pop()
    if not values:
        return None
    if len(values) > len(columns):
        text = kept("\t".join(_text(value) for value in values))
        return BadRow(line, f"has {len(values)} values where there are {len(columns)} columns", text)
    values += [None] * (len(columns) - len(values))
    row = {name: _value(value) for name, value in zip(columns, values, strict=True) if name not in unnamed or value not in (None, "")}
    if sum(len(value) for value in row.values() if isinstance(value, str)) > MAX_ROW_CHARACTERS:
        return BadRow(line, TOO_LONG)
    return row


def _value(value: Any) -> Any:
    """A cell as it is mapped: numbers and truth values stay, dates become text as in ISO 8601, an empty cell is an empty text."""
    if value is None:
        return ""
    return value if isinstance(value, str | int | float | bool) else _text(value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return str(value)


def _unsaved_formulas(path: Path, sheet: str) -> int:
    """How many cells of the first rows hold a formula whose value was not saved with it."""
    with _Book(path, formulas=True) as formulas, _Book(path) as values:
        pairs = zip(islice(formulas.rows(sheet), SNIFFED_ROWS), islice(values.rows(sheet), SNIFFED_ROWS), strict=False)
        return sum(
            value is None and isinstance(formula, str) and formula.startswith("=")
            for (_, row), (_, seen) in pairs
            for formula, value in zip(row, seen, strict=False)
        )
