"""Writing a version: Parquet files, one a split, made in a temporary folder, synced, renamed, and only then recorded.

A crash or an error on the way leaves no half version. `new_version` takes rows one after the other and holds few of them; `add_version`
takes them all at once. To keep another file with a version, write it into the writer's `folder` before `commit`.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.data.formats import BadRow
from studio.data.schema import SPLITS, Row, schema_of, to_table
from studio.db import Dataset, DatasetVersion, Preference, now
from studio.errors import DataError
from studio.workspace import Workspace

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
ALIASES = "dataset_aliases"
GROUP_ROWS = 2000
GROUP_WEIGHT = 64 << 20
STALE_SECONDS = 24 * 3600


@dataclass(frozen=True)
class VersionInfo:
    """One version of a dataset. `step` says how it was made, with its settings and counts; `bad_rows` are the first rows set aside."""

    dataset: str
    number: int
    kind: str
    rows: int
    splits: dict[str, int]
    folder: Path
    step: dict[str, Any]
    created_at: datetime
    bad_rows: list[BadRow]
    sha256: str

    @property
    def ref(self) -> str:
        return f"{self.dataset}@{self.number}"

    @property
    def bad_row_count(self) -> int:
        """How many rows were set aside; more than `len(bad_rows)` when only the first ones were kept."""
        return int(self.step.get("counts", {}).get("set_aside", 0))


class VersionWriter:
    """The rows of one version on their way to disk. Made by `new_version`."""

    def __init__(self, ws: Workspace, name: str, kind: str, schema: pa.Schema, folder: Path) -> None:
        self.folder = folder
        self._ws, self._name, self._kind, self._schema = ws, name, kind, schema
        self._files: dict[str, pq.ParquetWriter] = {}
        self._waiting: dict[str, list[Row]] = {side: [] for side in SPLITS}
        self._weight = dict.fromkeys(SPLITS, 0)
        self.counts = dict.fromkeys(SPLITS, 0)

    def write(self, side: str, row: Row, weight: int = 0) -> None:
        """Add a row to a split; `weight` is roughly its size in bytes, where that is known. Raises `DataError` when it does not fit."""
        self._waiting[side].append(row)
        self._weight[side] += weight
        self.counts[side] += 1
        if len(self._waiting[side]) >= GROUP_ROWS or self._weight[side] > GROUP_WEIGHT:
            self._flush(side)

    def write_table(self, side: str, table: pa.Table) -> None:
        """Add rows of another version, as they are stored there, in the schema of this one."""
        self._flush(side)
        self._file(side).write_table(table)
        self.counts[side] += table.num_rows

    def _file(self, side: str) -> pq.ParquetWriter:
        if side not in self._files:
            self._files[side] = pq.ParquetWriter(self.folder / f"{side}.parquet", self._schema, compression="zstd")
        return self._files[side]

    def _flush(self, side: str) -> None:
        if not self._waiting[side]:
            return
        table = to_table(self._kind, self._waiting[side], self._schema)
        self._file(side).write_table(table)
        self._waiting[side], self._weight[side] = [], 0

    def close(self) -> None:
        """Close the files; rows that wait are not written."""
        for file in self._files.values():
            file.close()

    def commit(self, step: dict[str, Any]) -> VersionInfo:
        """Store what was written as the next version of the dataset, which is made if it is new. `step` says how it came about,
        and by whom: without an author, the person of the workspace is."""
        step = {**step, "author": step.get("author") or self._ws.person}
        for side in SPLITS:
            self._flush(side)
        self.close()
        splits = {side: count for side, count in self.counts.items() if count}
        if not splits:
            raise DataError("A version without rows cannot be stored.", "Use train, validation and test, with at least one row.")
        sha256 = _sealed(self.folder, sorted(splits))
        with self._ws.db.write() as session:
            dataset = find_dataset(session, self._name) or _create(session, self._name)
            _refuse_other_kind(dataset, self._kind)
            newest = dataset.versions[-1] if dataset.versions else None
            number = newest.number + 1 if newest else 1
            target = _free_folder(self._ws, dataset, newest, number)
            target.parent.mkdir(parents=True, exist_ok=True)
            self.folder.rename(target)
            sync(target.parent)
            version = DatasetVersion(
                dataset=dataset,
                parent_id=newest.id if newest else None,
                number=number,
                kind=self._kind,
                rows=sum(splits.values()),
                splits=splits,
                folder=self._ws.relative(target),
                step=step,
                sha256=sha256,
                created_at=now(),
            )
            session.add(version)
            session.flush()
            return info_of(self._ws, dataset, version)


@contextmanager
def new_version(ws: Workspace, name: str, kind: str, schema: pa.Schema) -> Iterator[VersionWriter]:
    """A writer for the next version of `name`; what is not committed by the end of the `with` is gone.

    Raises `DataError` when the name cannot be used or the kind differs from the dataset's.
    """
    check_name(name)
    check_kind(ws, name, kind)
    with temporary_folder(ws) as folder:
        writer = VersionWriter(ws, name, kind, schema, folder)
        try:
            yield writer
        finally:
            writer.close()


def add_version(ws: Workspace, name: str, kind: str, splits: dict[str, list[Row]], step: dict[str, Any]) -> VersionInfo:
    """Store rows as the next version of `name`, which is made if it is new. `step` says how they came about.

    Raises `DataError` when the name cannot be used, the kind differs from the dataset's, or a row does not fit its kind.
    """
    check_name(name)
    parts = {side: rows for side, rows in splits.items() if rows}
    if not parts or set(parts) - set(SPLITS):
        raise DataError(f"The splits {sorted(splits)} cannot be stored.", "Use train, validation and test, with at least one row.")
    check_kind(ws, name, kind)
    with new_version(ws, name, kind, schema_of(kind, (row for rows in parts.values() for row in rows))) as writer:
        for side, rows in parts.items():
            for row in rows:
                writer.write(side, row)
        return writer.commit(step)


def _age(folder: Path) -> float:
    """Seconds since a folder was last changed; 0 when it is gone, as one that another thread has just put into its place."""
    try:
        return time.time() - folder.stat().st_mtime
    except FileNotFoundError:
        return 0.0


@contextmanager
def temporary_folder(ws: Workspace) -> Iterator[Path]:
    """A folder beside the datasets for the time of the `with`; those that a crash left long ago are removed."""
    for left in ws.datasets.glob(".tmp-*"):
        if _age(left) > STALE_SECONDS:
            shutil.rmtree(left, ignore_errors=True)
    folder = ws.datasets / f".tmp-{uuid.uuid4().hex}"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check_name(name: str) -> str:
    """`name` if a dataset can be called that; raises `DataError` otherwise."""
    if not NAME.fullmatch(name):
        raise DataError(
            f"A dataset cannot be called {name!r}.",
            "Use up to 80 letters, digits, dots, underscores and hyphens; start with a letter or digit.",
        )
    return name


def check_kind(ws: Workspace, name: str, kind: str) -> None:
    """Raise `DataError` when there is a dataset of this name that holds rows of another kind."""
    with ws.db.read() as session:
        _refuse_other_kind(find_dataset(session, name), kind)


def find_dataset(session: Session, name: str) -> Dataset | None:
    """The live dataset of this name, or the one that had it before it was renamed."""
    dataset = session.scalar(select(Dataset).where(Dataset.name == name, Dataset.deleted_at.is_(None)))
    if dataset is None and (aliases := session.get(Preference, ALIASES)) and (id := aliases.value.get(name)):
        dataset = session.scalar(select(Dataset).where(Dataset.id == id, Dataset.deleted_at.is_(None)))
    return dataset


def _create(session: Session, name: str) -> Dataset:
    dataset = Dataset(name=name)
    session.add(dataset)
    session.flush()
    return dataset


def _refuse_other_kind(dataset: Dataset | None, kind: str) -> None:
    if dataset is not None and dataset.versions and dataset.versions[-1].kind != kind:
        raise DataError(f"The dataset {dataset.name} holds {dataset.versions[-1].kind} rows, not {kind} rows.", "Choose another name.")


def _free_folder(ws: Workspace, dataset: Dataset, newest: DatasetVersion | None, number: int) -> Path:
    """Where a version goes: beside the dataset's others, else in a folder of the dataset's name that no other dataset has."""
    if newest is not None:
        parent = ws.absolute(newest.folder).parent
    else:
        parent = ws.datasets / dataset.name
        if parent.exists():
            parent = ws.datasets / f"{dataset.name}~{dataset.id}"
    target = parent / f"v{number}"
    if target.exists():  # left by a crash between the rename and the commit: no version refers to it
        shutil.rmtree(target)
    return target


def _sealed(folder: Path, sides: list[str]) -> str:
    """Make all files of a folder durable and give the hash over the splits."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            if path.stem in sides and path.suffix == ".parquet":
                digest.update(path.stem.encode() + hashlib.file_digest(file, "sha256").digest())
    sync(folder)
    return digest.hexdigest()


def sync(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def info_of(ws: Workspace, dataset: Dataset, version: DatasetVersion) -> VersionInfo:
    """A version as it is shown to the rest of the studio."""
    bad_rows = [BadRow(**bad) for bad in version.step.get("bad_rows", [])]
    return VersionInfo(
        dataset=dataset.name.partition("~")[0],
        number=version.number,
        kind=version.kind,
        rows=version.rows,
        splits=dict(version.splits),
        folder=ws.absolute(version.folder),
        step=version.step,
        created_at=version.created_at,
        bad_rows=bad_rows,
        sha256=version.sha256,
    )
