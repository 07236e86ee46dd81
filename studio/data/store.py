"""Datasets and their versions: immutable Parquet files, one a split, and the database rows that index them.

A version is written to a temporary folder, synced, renamed, and only then recorded, so a crash leaves no half version. References are
strings: `name` is the newest version, `name@3` the third. Renaming a dataset keeps its old name working, so recipes stay valid.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.data.formats import MAX_FILE_BYTES, BadRow, read_file
from studio.data.mapping import Mapped, Mapping, map_rows
from studio.data.paging import count_matches, page
from studio.data.recognise import Recognition, explain, recognise
from studio.data.schema import SPLITS, Row, schema_of, to_table, without_nulls
from studio.data.splits import SplitSettings, split_rows
from studio.db import Dataset, DatasetVersion, Preference, now
from studio.errors import DataError, NotFoundError
from studio.workspace import Workspace

if TYPE_CHECKING:
    import datasets

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
ALIASES = "dataset_aliases"
KEPT_BAD_ROWS = 1000
GROUP_ROWS = 2000


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


def import_file(
    ws: Workspace,
    path: str | Path,
    name: str,
    mapping: Mapping | None = None,
    split: SplitSettings | None = SplitSettings(),
    max_bytes: int = MAX_FILE_BYTES,
) -> VersionInfo:
    """Read a file into a new dataset, or into a new version of one of the same kind.

    Without a mapping the columns are recognised. A split column in the file wins over `split`; `split=None` keeps all rows for training.
    Raises `DataError` when the file cannot be read, the columns are not recognised (naming them), or no row can be used.
    """
    path = Path(path)
    check_name(name)
    raw = read_file(path, max_bytes=max_bytes)
    found: Recognition | None = None
    if mapping is None:
        found = recognise(raw)
        if found is None:
            raise DataError(*explain(raw, path.name))
        mapping = found.mapping
    mapped = map_rows(raw, mapping)
    read = len(raw.rows) + len(raw.bad_rows)
    del raw.rows[:]
    if not mapped.rows:
        first = mapped.bad_rows[0]
        raise DataError(
            f"None of the {read} rows of {path.name} can be used. The first: line {first.line}, {first.reason}.",
            "Check which column gives what, or mend the file.",
        )
    splits, divided = _divided(mapped, mapping, split)
    step = {
        "kind": "import",
        "file": path.name,
        "format": raw.format,
        "mapping": mapping.to_text(),
        "recognised": found.why if found else "",
        "split": divided,
        "counts": {"read": read, "kept": len(mapped.rows), "set_aside": len(mapped.bad_rows)},
        "bad_rows": [{"line": bad.line, "reason": bad.reason} for bad in mapped.bad_rows[:KEPT_BAD_ROWS]],
        "notes": raw.notes,
    }
    return add_version(ws, name, mapping.kind, splits, step)


def add_version(ws: Workspace, name: str, kind: str, splits: dict[str, list[Row]], step: dict[str, Any]) -> VersionInfo:
    """Store rows as the next version of `name`, which is made if it is new. `step` says how they came about.

    Raises `DataError` when the name cannot be used, the kind differs from the dataset's, or a row does not fit its kind.
    """
    check_name(name)
    parts = {side: rows for side, rows in splits.items() if rows}
    if not parts or set(parts) - set(SPLITS):
        raise DataError(f"The splits {sorted(splits)} cannot be stored.", "Use train, validation and test, with at least one row.")
    with ws.db.read() as session:
        _refuse_other_kind(_find(session, name), kind)
    temporary = ws.datasets / f".tmp-{uuid.uuid4().hex}"
    temporary.mkdir()
    try:
        sha256 = _write_parts(temporary, kind, parts)
        with ws.db.write() as session:
            dataset = _find(session, name) or _create(session, name)
            _refuse_other_kind(dataset, kind)
            newest = dataset.versions[-1] if dataset.versions else None
            number = newest.number + 1 if newest else 1
            target = _free_folder(ws, dataset, newest, number)
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary.rename(target)
            _sync(target.parent)
            version = DatasetVersion(
                dataset=dataset,
                parent_id=newest.id if newest else None,
                number=number,
                kind=kind,
                rows=sum(len(rows) for rows in parts.values()),
                splits={side: len(parts[side]) for side in SPLITS if side in parts},
                folder=ws.relative(target),
                step=step,
                sha256=sha256,
                created_at=now(),
            )
            session.add(version)
            session.flush()
            return _info(ws, dataset, version)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


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
        infos = [_info(ws, dataset, dataset.versions[-1]) for dataset in found if dataset.versions]
    return sorted(infos, key=lambda info: info.created_at, reverse=True)


def versions(ws: Workspace, name: str) -> list[VersionInfo]:
    """All versions of a dataset, oldest first."""
    with ws.db.read() as session:
        dataset = _get(session, name)
        return [_info(ws, dataset, version) for version in dataset.versions]


def get_version(ws: Workspace, ref: str) -> VersionInfo:
    """The version that `name` or `name@3` refers to; raises `NotFoundError` when there is none."""
    name, at, number = ref.partition("@")
    with ws.db.read() as session:
        dataset = _get(session, name)
        if not at:
            return _info(ws, dataset, dataset.versions[-1])
        for version in dataset.versions:
            if str(version.number) == number:
                return _info(ws, dataset, version)
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


def load(ws: Workspace, ref: str) -> dict[str, datasets.Dataset]:
    """The splits of a version as `datasets.Dataset`, without its cache and without the network."""
    from datasets import Dataset as Table
    from datasets.table import InMemoryTable

    info = get_version(ws, ref)
    return {side: Table(InMemoryTable(_read(info, side))) for side in info.splits}


def rename(ws: Workspace, name: str, new_name: str) -> None:
    """Give a dataset another name. The old name keeps referring to it and cannot be given to another dataset."""
    check_name(new_name)
    with ws.db.write() as session:
        dataset = _get(session, name)
        other = _find(session, new_name)
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
        if _find(session, name) is not None:
            raise DataError(f"The name {name} has been given to another dataset.", "Rename that one first.")
        dataset = max(candidates, key=lambda candidate: candidate.deleted_at or datetime.min)
        dataset.name, dataset.deleted_at = name, None
        return _info(ws, dataset, dataset.versions[-1])


def check_name(name: str) -> str:
    """`name` if a dataset can be called that; raises `DataError` otherwise."""
    if not NAME.fullmatch(name):
        raise DataError(
            f"A dataset cannot be called {name!r}.",
            "Use up to 80 letters, digits, dots, underscores and hyphens; start with a letter or digit.",
        )
    return name


def _find(session: Session, name: str) -> Dataset | None:
    """The live dataset of this name, or the one that had it before it was renamed."""
    dataset = session.scalar(select(Dataset).where(Dataset.name == name, Dataset.deleted_at.is_(None)))
    if dataset is None and (aliases := session.get(Preference, ALIASES)) and (id := aliases.value.get(name)):
        dataset = session.scalar(select(Dataset).where(Dataset.id == id, Dataset.deleted_at.is_(None)))
    return dataset


def _get(session: Session, name: str) -> Dataset:
    dataset = _find(session, name)
    if dataset is None or not dataset.versions:
        names = session.scalars(select(Dataset.name).where(Dataset.deleted_at.is_(None)).order_by(Dataset.name)).all()
        known = f"There are: {', '.join(names[:20])}." if names else "There are no datasets yet; import a file."
        raise NotFoundError(f"There is no dataset called {name}.", known)
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


def _write_parts(folder: Path, kind: str, parts: dict[str, list[Row]]) -> str:
    """Write one Parquet file a split and give the hash over all of them."""
    schema = schema_of(kind, (row for rows in parts.values() for row in rows))
    digest = hashlib.sha256()
    for side in sorted(parts):
        path = folder / f"{side}.parquet"
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            for start in range(0, len(parts[side]), GROUP_ROWS):
                writer.write_table(to_table(kind, parts[side][start : start + GROUP_ROWS], schema))
        with path.open("rb") as file:
            os.fsync(file.fileno())
            digest.update(side.encode() + hashlib.file_digest(file, "sha256").digest())
    _sync(folder)
    return digest.hexdigest()


def _sync(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _divided(mapped: Mapped, mapping: Mapping, split: SplitSettings | None) -> tuple[dict[str, list[Row]], dict[str, Any]]:
    """The rows by split, and how they were divided: by the file's own column, by the settings, or not at all."""
    if any(mapped.splits):
        splits: dict[str, list[Row]] = {}
        for row, side in zip(mapped.rows, mapped.splits, strict=True):
            splits.setdefault(side or "train", []).append(row)
        if set(splits) != {"train"} or split is None:
            return splits, {"column": mapping.split}
    if split is None:
        return {"train": mapped.rows}, {}
    return split_rows(mapped.rows, mapping.kind, split), split.model_dump()


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


def _info(ws: Workspace, dataset: Dataset, version: DatasetVersion) -> VersionInfo:
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
