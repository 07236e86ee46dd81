"""Datasets and their versions: immutable Parquet files, one a split, and the database rows that index them.

A version is written to a temporary folder, synced, renamed, and only then recorded, so a crash leaves no half version. References are
strings: `name` is the newest version, `name@3` the third. Renaming a dataset keeps its old name working, so recipes stay valid.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.data.importing import BAD_ROWS, import_file, import_files
from studio.data.paging import count_matches, page
from studio.data.schema import Row, content_of, without_nulls
from studio.data.splits import SplitSettings, split_rows
from studio.data.writing import ALIASES, VersionInfo, add_version, check_name, find_dataset, info_of, new_version
from studio.db import Dataset, Preference, now
from studio.errors import DataError, NotFoundError
from studio.workspace import Workspace

if TYPE_CHECKING:
    import datasets

__all__ = [
    "VersionInfo", "add_version", "bad_rows_file", "check_name", "count_rows", "delete_dataset", "get_version", "import_file",
    "import_files", "list_datasets", "load", "new_version", "rename", "resplit", "restore_dataset", "rows", "versions",
]  # fmt: skip


def resplit(ws: Workspace, ref: str, settings: SplitSettings) -> VersionInfo:
    """A new version with the same rows, divided anew."""
    info = get_version(ws, ref)
    together: list[Row] = []
    for side in info.splits:
        together += pq.read_table(info.folder / f"{side}.parquet").to_pylist()
    together = [without_nulls(row) for row in together]
    step = {"kind": "resplit", "from": info.ref, "split": settings.model_dump(), "counts": {"read": info.rows, "kept": info.rows}}
    return add_version(ws, info.dataset, info.kind, split_rows(together, info.kind, settings), step)


def list_datasets(ws: Workspace, deleted: bool = False) -> list[VersionInfo]:
    """The newest version of each dataset, newest first; with `deleted`, of the deleted ones, under the names that they had."""
    with ws.db.read() as session:
        wanted = Dataset.deleted_at.is_not(None) if deleted else Dataset.deleted_at.is_(None)
        found = session.scalars(select(Dataset).where(wanted)).all()
        infos = [info_of(ws, dataset, dataset.versions[-1]) for dataset in found if dataset.versions]
    return sorted(infos, key=lambda info: info.created_at, reverse=True)


def versions(ws: Workspace, name: str) -> list[VersionInfo]:
    """All versions of a dataset, oldest first."""
    with ws.db.read() as session:
        dataset = _get(session, name)
        return [info_of(ws, dataset, version) for version in dataset.versions]


def get_version(ws: Workspace, ref: str) -> VersionInfo:
    """The version that `name` or `name@3` refers to; raises `NotFoundError` when there is none."""
    name, at, number = ref.partition("@")
    with ws.db.read() as session:
        dataset = _get(session, name)
        if not at:
            return info_of(ws, dataset, dataset.versions[-1])
        for version in dataset.versions:
            if str(version.number) == number:
                return info_of(ws, dataset, version)
        last = dataset.versions[-1].number
    raise NotFoundError(f"The dataset {name} has no version {number}.", f"It has versions 1 to {last}.")


def rows(ws: Workspace, ref: str, split: str | None = None, start: int = 0, count: int = 50, search: str = "") -> list[Row]:
    """`count` rows from row `start` on, of one split or of all in order; with `search`, of the rows that hold this text in any case."""
    info = get_version(ws, ref)
    return page(_files(info, split), start, count, search)


def count_rows(ws: Workspace, ref: str, split: str | None = None, search: str = "") -> int:
    """How many rows `rows` would page through."""
    info = get_version(ws, ref)
    files = _files(info, split)
    return count_matches(files, search) if search.strip() else sum(info.splits[file.stem] for file in files)


def bad_rows_file(ws: Workspace, ref: str) -> Path:
    """All rows that were set aside when a version was imported: one JSON object a line with line, reason and text.

    Raises `NotFoundError` when there were none.
    """
    info = get_version(ws, ref)
    if not (info.folder / BAD_ROWS).is_file():
        raise NotFoundError(f"No rows were set aside when {info.ref} was made.", "There is nothing to download.")
    return info.folder / BAD_ROWS


def load(ws: Workspace, ref: str, only_content: bool = False) -> dict[str, datasets.Dataset]:
    """The splits of a version as `datasets.Dataset`, without its cache and without the network.

    With `only_content` they have the columns that training reads, the same for every version of a kind.
    """
    from datasets import Dataset as Table
    from datasets.table import InMemoryTable

    info = get_version(ws, ref)
    tables = {side: _read(info, side) for side in info.splits}
    if only_content:
        tables = {side: content_of(table, info.kind) for side, table in tables.items()}
    return {side: Table(InMemoryTable(table)) for side, table in tables.items()}


def rename(ws: Workspace, name: str, new_name: str) -> None:
    """Give a dataset another name. The old name keeps referring to it and cannot be given to another dataset."""
    check_name(new_name)
    with ws.db.write() as session:
        dataset = _get(session, name)
        other = find_dataset(session, new_name)
        if other is not None and other.id != dataset.id:
            raise DataError(f"There is already a dataset called {new_name}.", "Choose another name.")
        aliases = session.get(Preference, ALIASES) or Preference(key=ALIASES, value={})
        aliases.value = {**{key: id for key, id in aliases.value.items() if key != new_name}, dataset.name: dataset.id}
        session.add(aliases)
        dataset.name = new_name


def delete_dataset(ws: Workspace, name: str) -> None:
    """Put a dataset aside; its name becomes free. `restore_dataset` brings it back."""
    with ws.db.write() as session:
        dataset = _get(session, name)
        dataset.deleted_at = now()
        dataset.name = f"{dataset.name}~{dataset.id}"


def restore_dataset(ws: Workspace, name: str) -> VersionInfo:
    """Bring back the dataset that was last deleted under this name; raises `DataError` when the name has been given away."""
    with ws.db.write() as session:
        candidates = [
            dataset
            for dataset in session.scalars(select(Dataset).where(Dataset.deleted_at.is_not(None)))
            if dataset.name.partition("~")[0] == name
        ]
        if not candidates:
            raise NotFoundError(f"No deleted dataset was called {name}.", "Look at the list of deleted datasets.")
        if find_dataset(session, name) is not None:
            raise DataError(f"The name {name} has been given to another dataset.", "Rename that one first.")
        dataset = max(candidates, key=lambda candidate: candidate.deleted_at or datetime.min)
        dataset.name, dataset.deleted_at = name, None
        return info_of(ws, dataset, dataset.versions[-1])


def _get(session: Session, name: str) -> Dataset:
    dataset = find_dataset(session, name)
    if dataset is None or not dataset.versions:
        names = session.scalars(select(Dataset.name).where(Dataset.deleted_at.is_(None)).order_by(Dataset.name)).all()
        known = f"There are: {', '.join(names[:20])}." if names else "There are no datasets yet; import a file."
        raise NotFoundError(f"There is no dataset called {name}.", known)
    return dataset


def _files(info: VersionInfo, split: str | None) -> list[Path]:
    """The Parquet files of one split, or of all."""
    if split is not None and split not in info.splits:
        raise NotFoundError(f"{info.ref} has no split called {split}.", f"It has {', '.join(info.splits)}.")
    return [info.folder / f"{side}.parquet" for side in ([split] if split else info.splits)]


def _read(info: VersionInfo, side: str) -> pa.Table:
    path = info.folder / f"{side}.parquet"
    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(
            f"The file {path} of {info.ref} cannot be read: {error}.", "Restore it from a backup, or import the data again."
        ) from error
