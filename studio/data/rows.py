"""Rows to look at: filtered, sorted and paged over 100,000 rows and more, with the changes that are not saved yet applied.

A row is addressed by (split, index), which stays the same whatever the filter is. Versions never change, so what a filter finds in one is
remembered. To filter by something else, add a field to `RowFilter` and a line to `_mask` (or, where flags decide, to `_marked`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from studio.data import edits, paging, store
from studio.data.edits import Address, Draft
from studio.data.schema import SPLITS, Row, row_text, to_table
from studio.data.store import VersionInfo
from studio.errors import DataError, NotFoundError
from studio.workspace import Workspace

SORTS = ("", "shortest", "longest")
MOST_CHOICES = 200
FLAGS_FILE = "flags.parquet"


@dataclass(frozen=True)
class RowFilter:
    """Which rows: of one split, that hold a text in any case, with a flag of the report, a label, a source, a length in characters."""

    split: str = ""
    search: str = ""
    flag: str = ""
    label: str = ""
    source: str = ""
    min_characters: int | None = None
    max_characters: int | None = None

    @property
    def of_rows(self) -> RowFilter:
        """The part that looks at the row itself."""
        return replace(self, split="", flag="", search=self.search.strip())


@dataclass(frozen=True)
class Found:
    """One page: `(split, index, row)` each, how many rows there are in all, and the report's flags of those shown."""

    rows: list[tuple[str, int, Row]]
    total: int
    flags: dict[Address, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Facets:
    """What can be chosen: the labels, sources and flags that occur, the most frequent first. `reported` is whether there is a report."""

    labels: list[str]
    sources: list[str]
    flags: list[str]
    reported: bool


def find(ws: Workspace, ref: str, wanted: RowFilter = RowFilter(), start: int = 0, count: int = 50, sort: str = "") -> Found:
    """`count` rows from the `start`-th on of those that a filter leaves, in the file's order or by length; the draft's changes are applied.

    Raises `NotFoundError` for a split that there is not, and `DataError` for a flag while there is no report.
    """
    if sort not in SORTS:
        raise DataError(f"Rows cannot be sorted by {sort!r}.", "Use shortest or longest, or nothing for the file's order.")
    info, draft = store.get_version(ws, ref), edits.pending(ws, ref)
    sides = _sides(info, draft, wanted.split)
    places = {side: _matching(info, draft, side, wanted) for side in sides}
    total = sum(map(len, places.values()))
    if sort:
        addresses = _sorted(info, draft, places, sort == "longest")[start : start + count]
    else:
        addresses = _slice(places, start, count)
    rows = _read(info, draft, addresses)
    marks = _flags(info)
    return Found(rows, total, {a: marks[a[0]][a[1]] for a in addresses if a[1] < len(marks.get(a[0], []))})


def get(ws: Workspace, ref: str, split: str, index: int) -> Row:
    """The row at an address with the draft applied; raises `NotFoundError` when it is not there or has been removed."""
    info, draft = store.get_version(ws, ref), edits.pending(ws, ref)
    if draft.rows.get((split, index), True) is None:
        raise NotFoundError(f"Row {index + 1} of {split} has been removed.", "Undo brings it back.")
    if (split, index) not in draft.rows and not 0 <= index < info.splits.get(split, 0):
        raise NotFoundError(f"{info.ref} has no row {index + 1} in {split}.", "Look at the rows again.")
    return _read(info, draft, [(split, index)])[0][2]


def facets(ws: Workspace, ref: str) -> Facets:
    """What the filters can choose from in a version."""
    info = store.get_version(ws, ref)
    marks = _flags(info)
    counts: dict[str, int] = {}
    for flags in (flags for side in marks.values() for flags in side):
        for flag in flags:
            counts[flag] = counts.get(flag, 0) + 1
    names = sorted(counts, key=lambda flag: -counts[flag])
    sides = tuple(info.splits)
    return Facets(_values(info.folder, sides, "label"), _values(info.folder, sides, "source"), names, (info.folder / FLAGS_FILE).is_file())


def _sides(info: VersionInfo, draft: Draft, split: str) -> list[str]:
    """The splits to look at: those of the version, and those to which the draft adds rows."""
    there = {*info.splits, *(side for (side, _), row in draft.rows.items() if row is not None)}
    if split and split not in there:
        raise NotFoundError(f"{info.ref} has no split called {split}.", f"It has {', '.join(info.splits)}.")
    return [side for side in SPLITS if side in there and side == (split or side)]


def _matching(info: VersionInfo, draft: Draft, side: str, wanted: RowFilter) -> np.ndarray:
    """The indexes of the rows of one split that the filter leaves, in order."""
    inside = wanted.of_rows
    hits = _hits(info.folder, info.kind, side, inside) if side in info.splits else np.empty(0, dtype=np.int64)
    changed = {index: row for (split, index), row in draft.rows.items() if split == side}
    if changed:
        left = [(index, row) for index, row in changed.items() if row is not None]
        if left:
            fit = _mask(to_table(info.kind, [row for _, row in left]), info.kind, inside)
            left = [pair for pair, fits in zip(left, fit, strict=True) if fits]
        hits = hits[~np.isin(hits, list(changed))]
        hits = np.sort(np.concatenate([hits, np.array([index for index, _ in left], dtype=np.int64)]))
    return _marked(info, side, hits, wanted.flag) if wanted.flag else hits


@lru_cache(maxsize=64)
def _hits(folder: Path, kind: str, side: str, wanted: RowFilter) -> np.ndarray:
    """The indexes of the stored rows of one split that the filter leaves."""
    path = folder / f"{side}.parquet"
    found: list[np.ndarray] = []
    with paging.opened(path) as file:
        if wanted == RowFilter():
            return np.arange(file.metadata.num_rows)
        names = set(file.schema_arrow.names)
        needed = None if wanted.search else [name for name in _needed(wanted, kind) if name in names]
        begin = 0
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=needed, use_threads=False)
            size = file.metadata.row_group(group).num_rows
            found.append(begin + np.flatnonzero(_mask(table, kind, wanted)) if table.num_columns else np.empty(0, dtype=np.int64))
            begin += size
    return np.concatenate(found) if found else np.empty(0, dtype=np.int64)


def _needed(wanted: RowFilter, kind: str) -> list[str]:
    """The columns that a filter without a search looks at."""
    names = ["label"] if wanted.label else []
    names += ["source"] if wanted.source else []
    if wanted.min_characters is not None or wanted.max_characters is not None:
        names += paging.text_columns(kind)
    return names


def _mask(table: pa.Table, kind: str, wanted: RowFilter) -> np.ndarray:
    """Which rows of a table the filter leaves."""
    mask = np.ones(table.num_rows, dtype=bool)
    for name in ("label", "source"):
        if value := getattr(wanted, name):
            mask &= _equals(table, name, value)
    if wanted.min_characters is not None or wanted.max_characters is not None:
        lengths = paging.characters(table, kind)
        mask &= (lengths >= (wanted.min_characters or 0)) & (lengths <= (wanted.max_characters or np.inf))
    if wanted.search:
        mask &= paging.matches(table, wanted.search)
    return mask


def _equals(table: pa.Table, name: str, value: str) -> np.ndarray:
    if name not in table.column_names:
        return np.zeros(table.num_rows, dtype=bool)
    column = pc.cast(table.column(name), pa.string())
    hits: np.ndarray = pc.fill_null(pc.equal(column, value), False).to_numpy()
    return hits


def _marked(info: VersionInfo, side: str, hits: np.ndarray, flag: str) -> np.ndarray:
    """Those of the rows that have a flag."""
    if not (info.folder / FLAGS_FILE).is_file():
        raise DataError(f"There is no quality report of {info.ref} yet, so no row has a flag.", "Run the report first.")
    marks = _flags(info).get(side, [])
    return hits[[index < len(marks) and flag in marks[index] for index in hits.tolist()]]


def _flags(info: VersionInfo) -> dict[str, list[list[str]]]:
    """The flags of every row by split, as the quality report left them; nothing without a report."""
    path = info.folder / FLAGS_FILE
    return _flags_of(path, path.stat().st_mtime_ns) if path.is_file() else {}


@lru_cache(maxsize=4)
def _flags_of(path: Path, _changed: int) -> dict[str, list[list[str]]]:
    marks: dict[str, list[list[str]]] = {}
    table = pq.read_table(path, columns=["split", "row", "flags"], use_threads=False)
    for side, row, flags in zip(*(column.to_pylist() for column in table.columns), strict=True):
        place = marks.setdefault(side, [])
        place.extend([] for _ in range(row + 1 - len(place)))
        place[row] = flags or []
    return marks


@lru_cache(maxsize=16)
def _values(folder: Path, sides: tuple[str, ...], name: str) -> list[str]:
    """The values of a column, the most frequent first."""
    counts: dict[str, int] = {}
    for side in sides:
        with paging.opened(folder / f"{side}.parquet") as file:
            if name not in file.schema_arrow.names:
                continue
            column = pc.cast(file.read(columns=[name], use_threads=False).column(name), pa.string())
            for item in pc.value_counts(column).to_pylist():
                if item["values"] is not None:
                    counts[item["values"]] = counts.get(item["values"], 0) + item["counts"]
    return sorted(counts, key=lambda value: (-counts[value], value))[:MOST_CHOICES]


def _slice(places: dict[str, np.ndarray], start: int, count: int) -> list[Address]:
    """The addresses from the `start`-th on, over the splits in order."""
    addresses: list[Address] = []
    for side, indexes in places.items():
        part = indexes[start : start + count - len(addresses)]
        addresses += [(side, int(index)) for index in part]
        start = max(start - len(indexes), 0)
    return addresses


def _sorted(info: VersionInfo, draft: Draft, places: dict[str, np.ndarray], longest: bool) -> list[Address]:
    """All addresses by the length of their rows; equally long ones in order."""
    addresses = _slice(places, 0, sum(map(len, places.values())))
    lengths = {side: _lengths(info.folder, info.kind, side) for side in info.splits}
    changed = {address: len(row_text(row, info.kind)) for address, row in draft.rows.items() if row is not None}
    keys = [changed[a] if a in changed else int(lengths[a[0]][a[1]]) for a in addresses]
    order = np.argsort(-np.array(keys) if longest else np.array(keys), kind="stable")
    return [addresses[place] for place in order]


@lru_cache(maxsize=8)
def _lengths(folder: Path, kind: str, side: str) -> np.ndarray:
    """The characters of every stored row of a split."""
    with paging.opened(folder / f"{side}.parquet") as file:
        names = [name for name in paging.text_columns(kind) if name in file.schema_arrow.names]
        groups = [file.read_row_group(group, columns=names, use_threads=False) for group in range(file.num_row_groups)]
    return np.concatenate([paging.characters(table, kind) for table in groups])


def _read(info: VersionInfo, draft: Draft, addresses: list[Address]) -> list[tuple[str, int, Row]]:
    """The rows at addresses, in their order."""
    rows: dict[Address, Row] = {address: row for address in addresses if (row := draft.rows.get(address)) is not None}
    for side in {side for side, _ in addresses}:
        stored = sorted({index for at, index in addresses if at == side and (side, index) not in rows})
        if stored:
            for index, row in zip(stored, paging.take(info.folder / f"{side}.parquet", stored), strict=True):
                rows[side, index] = row
    return [(side, index, rows[side, index]) for side, index in addresses]
