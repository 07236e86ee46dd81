"""Rows changed by hand: a draft on top of a version, in which every change is on the disk before it is acknowledged.

A draft is a journal beside the version's folder: edits, additions, removals, undo, redo and discard are added to it and never taken out.
`commit` makes a new version of it; the version remembers how much of the journal it holds, so a crash in between loses and repeats nothing.
Rows keep their address (split, index) in the draft; an added row gets the next free index of its split. To add another kind of change,
give it a name in `CHANGES` and say in `_replay` and `Draft.rows` what it does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa

from studio.data import paging, store
from studio.data.journal import Journal
from studio.data.schema import PROVENANCE, SCHEMAS, SPLITS, Row, schema_of, without_nulls
from studio.data.store import VersionInfo, new_version
from studio.data.validation import check_row
from studio.data.writing import VersionWriter
from studio.db import now
from studio.errors import DataError, NotFoundError
from studio.workspace import Workspace

CHANGES = ("edit", "add", "remove")
Address = tuple[str, int]


@dataclass(frozen=True)
class Change:
    """One change of one row; `row` is what it became, None when it was removed. `at` is the time in UTC as text."""

    kind: str
    split: str
    index: int
    row: Row | None
    author: str
    at: str

    @property
    def address(self) -> Address:
        return self.split, self.index


@dataclass(frozen=True)
class Draft:
    """The changes on top of version `ref` that are not saved yet, in the order in which they were made."""

    ref: str
    changes: list[Change]
    can_undo: bool = False
    can_redo: bool = False

    @cached_property
    def rows(self) -> dict[Address, Row | None]:
        """What each changed address holds now: a row, or None where it was removed."""
        return {change.address: change.row for change in self.changes}


def pending(ws: Workspace, ref: str) -> Draft:
    """The draft on top of a version; without changes when there is none."""
    info = store.get_version(ws, ref)
    return _replay(info, _entries(ws, info))


def edit(ws: Workspace, ref: str, split: str, index: int, row: Row, author: str = "", seen: Row | None = None) -> Draft:
    """Change a row; where it comes from (`PROVENANCE`) stays as it was. Nothing is written when nothing changed.

    `seen` is the row as the person saw it: when somebody else has changed it since, `DataError` is raised, as it is when the row does not
    fit its kind, is not there, or a newer version exists.
    """
    with _open(ws, ref) as (info, journal, draft):
        current = _current(ws, info, draft, split, index)
        if seen is not None and seen != current:
            raise DataError(f"Row {index + 1} of {split} has been changed by somebody else.", "Open it again, then make your change.")
        changed = check_row(info.kind, {name: value for name, value in row.items() if name not in PROVENANCE})
        changed |= {name: current[name] for name in PROVENANCE if name in current}
        if changed != current:
            journal.append(_entry("edit", author, split=split, index=index, row=changed))
    return pending(ws, ref)


def add(ws: Workspace, ref: str, split: str, row: Row, author: str = "") -> Address:
    """Add a row at the end of a split; gives its address. Raises `DataError` when it does not fit its kind."""
    if split not in SPLITS:
        raise DataError(f"There is no split called {split!r}.", f"Use {', '.join(SPLITS)}.")
    with _open(ws, ref) as (info, journal, _):
        used = [int(entry["index"]) for entry in journal.entries() if entry["op"] == "add" and entry["split"] == split]
        index = max([info.splits.get(split, 0) - 1, *used]) + 1
        journal.append(_entry("add", author, split=split, index=index, row=check_row(info.kind, row)))
    return split, index


def remove(ws: Workspace, ref: str, split: str, index: int, author: str = "") -> Draft:
    """Take a row out. Raises `DataError` when it is not there."""
    with _open(ws, ref) as (info, journal, draft):
        _current(ws, info, draft, split, index)
        journal.append(_entry("remove", author, split=split, index=index))
    return pending(ws, ref)


def undo(ws: Workspace, ref: str, author: str = "") -> Draft:
    """Take back the last change, or the last `discard`. Raises `DataError` when there is nothing to take back."""
    return _step(ws, ref, "undo", author)


def redo(ws: Workspace, ref: str, author: str = "") -> Draft:
    """Make the change again that was undone last. Raises `DataError` when there is none."""
    return _step(ws, ref, "redo", author)


def discard(ws: Workspace, ref: str, author: str = "") -> Draft:
    """Drop all changes that are not saved. `undo` brings them back."""
    with _open(ws, ref) as (_, journal, draft):
        if draft.changes:
            journal.append(_entry("discard", author))
    return pending(ws, ref)


def commit(ws: Workspace, ref: str, author: str = "", note: str = "", newest: int | None = None) -> VersionInfo:
    """A new version with the changes of the draft, which is empty afterwards.

    `newest` is the number of the newest version that the person knows of (that of `ref` unless given). Raises `DataError` when there is
    nothing to save or another version has been made since, whose changes the new one would not have.
    """
    with _open(ws, ref) as (info, journal, draft):
        if not draft.changes:
            raise DataError(f"There are no changes to {info.ref} to save.", "Change, add or remove a row first.")
        latest = store.get_version(ws, info.dataset)
        if latest.number != (newest or info.number):
            raise DataError(
                f"{latest.ref} has been made since these changes to version {info.number} were begun, and they do not build on it.",
                f"Save them all the same as version {latest.number + 1}, or discard them and make them on version {latest.number}.",
            )
        schema = _schema(info, draft)
        with new_version(ws, info.dataset, info.kind, schema) as writer:
            counts = _write(info, draft, writer, schema)
            step: dict[str, Any] = {"kind": "edit", "from": info.ref, "author": author, "note": note, "counts": counts}
            return writer.commit(step | {"base": info.number, "journal": len(journal.entries())})


def _entry(op: str, author: str, **values: Any) -> dict[str, Any]:
    return {"op": op, **values, "author": author, "at": now().isoformat(timespec="seconds")}


def _journal(info: VersionInfo) -> Journal:
    return Journal(info.folder.parent / f"draft-v{info.number}.jsonl")


def _entries(ws: Workspace, info: VersionInfo) -> list[dict[str, Any]]:
    """What the journal holds behind the part that a version was made of."""
    entries = _journal(info).entries()
    if not entries:
        return []
    steps = [version.step for version in store.versions(ws, info.dataset)]
    saved = [int(step["journal"]) for step in steps if step.get("kind") == "edit" and step.get("base") == info.number]
    return entries[max(saved, default=0) :]


def _replay(info: VersionInfo, entries: list[dict[str, Any]]) -> Draft:
    """The draft that a journal leads to."""
    done: list[dict[str, Any]] = []
    undone: list[dict[str, Any]] = []
    for entry in entries:
        if entry["op"] == "undo":
            undone.append(done.pop())
        elif entry["op"] == "redo":
            done.append(undone.pop())
        else:
            done.append(entry)
            undone.clear()
    last = max((place for place, entry in enumerate(done) if entry["op"] == "discard"), default=-1)
    changes = [
        Change(entry["op"], entry["split"], entry["index"], entry.get("row"), entry["author"], entry["at"]) for entry in done[last + 1 :]
    ]
    return Draft(info.ref, changes, bool(done), bool(undone))


@contextmanager
def _open(ws: Workspace, ref: str) -> Iterator[tuple[VersionInfo, Journal, Draft]]:
    """A version, its journal held for writing, and its draft. Raises `DataError` when a draft would begin on an old version."""
    info = store.get_version(ws, ref)
    journal = _journal(info)
    with journal.locked():
        draft = _replay(info, _entries(ws, info))
        latest = store.get_version(ws, info.dataset)
        if latest.number != info.number and not (draft.can_undo or draft.can_redo):
            raise DataError(
                f"Version {info.number} is not the newest of {info.dataset}: version {latest.number} is.",
                f"Open version {latest.number} and make the change there, or restore version {info.number} first.",
            )
        yield info, journal, draft


def _step(ws: Workspace, ref: str, op: str, author: str) -> Draft:
    with _open(ws, ref) as (_, journal, draft):
        if not (draft.can_undo if op == "undo" else draft.can_redo):
            raise DataError(f"There is nothing to {op}.", "The rows are as they were stored.")
        journal.append(_entry(op, author))
    return pending(ws, ref)


def _current(ws: Workspace, info: VersionInfo, draft: Draft, split: str, index: int) -> Row:
    """The row at an address with the draft applied; raises `NotFoundError` when there is none."""
    if (split, index) in draft.rows:
        row = draft.rows[split, index]
        if row is None:
            raise NotFoundError(f"Row {index + 1} of {split} has been removed.", "Undo brings it back.")
        return row
    if not 0 <= index < info.splits.get(split, 0):
        raise NotFoundError(f"{info.ref} has no row {index + 1} in {split}.", "Look at the rows again.")
    return store.rows(ws, info.ref, split, index, 1)[0]


def _schema(info: VersionInfo, draft: Draft) -> pa.Schema:
    """The schema for the version's rows and those of the draft."""
    stored = paging.schema(info.folder, list(info.splits))
    needed = schema_of(info.kind, [row for row in draft.rows.values() if row is not None])
    plain = {field.name: field.type for field in SCHEMAS[info.kind]}
    if all(field.name in stored.names and field.type in (stored.field(field.name).type, plain.get(field.name)) for field in needed):
        return stored
    return schema_of(info.kind, _every_row(info, draft))


def _every_row(info: VersionInfo, draft: Draft) -> Iterator[Row]:
    """All rows, those that the draft changes before and after."""
    yield from (row for row in draft.rows.values() if row is not None)
    for side in info.splits:
        for _, table in paging.groups(info.folder / f"{side}.parquet"):
            yield from map(without_nulls, table.to_pylist())


def _write(info: VersionInfo, draft: Draft, writer: VersionWriter, schema: pa.Schema) -> dict[str, int]:
    """Write the rows with the draft applied; gives how many were edited, added and removed."""
    counts = {"read": info.rows, "kept": 0, "edited": 0, "added": 0, "removed": 0}
    for side in SPLITS:
        changed = {index: row for (split, index), row in sorted(draft.rows.items()) if split == side}
        stored = info.splits.get(side, 0)
        for begin, table in paging.groups(info.folder / f"{side}.parquet") if stored else ():
            touched = [index for index in changed if begin <= index < begin + table.num_rows]
            if not touched and table.schema.equals(schema):
                writer.write_table(side, table)
                continue
            for index, before in enumerate(map(without_nulls, table.to_pylist()), begin):
                row = changed.get(index, before)
                if row is None:
                    counts["removed"] += 1
                    continue
                counts["edited"] += row != before
                writer.write(side, row)
        for index, row in changed.items():
            if index >= stored and row is not None:
                counts["added"] += 1
                writer.write(side, row)
    counts["kept"] = sum(writer.counts.values())
    if not counts["kept"]:
        raise DataError("All rows have been removed, and a version needs at least one.", "Undo, or delete the dataset.")
    return counts
