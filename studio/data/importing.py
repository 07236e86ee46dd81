"""Bringing files in: a file, or several, become a version of a dataset. Rows pass through batch by batch, so memory stays bounded.

Rows are mapped and written aside as they come; of each only what the split needs is kept in memory. Then every row has its side, and the
version is written. Rows that cannot be used are all kept in the version's `bad_rows.jsonl`. To bring in from another place, make a `Source`
of it and call `bring_in`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any, TextIO

from studio.data.formats import MAX_FILE_BYTES, BadRow, RawTable, ReadSettings, Source, open_source
from studio.data.mapping import Mapping, map_rows
from studio.data.readers.source import Item, Values, kept
from studio.data.recognise import Recognition, explain, recognise
from studio.data.schema import features, schema_for
from studio.data.similar import Stopped
from studio.data.splits import NAMES, Divider, SplitSettings
from studio.data.writing import NAME, VersionInfo, check_kind, check_name, new_version, temporary_folder
from studio.errors import DataError
from studio.workspace import Workspace

LOOKED_AT = 1000
KEPT_BAD_ROWS = 100
BAD_ROWS = "bad_rows.jsonl"

Progress = Callable[[int, int, int], None]
"""Called with the rows read so far, the bytes read so far and the bytes in all."""


def import_file(
    ws: Workspace,
    path: str | Path,
    name: str,
    mapping: Mapping | None = None,
    split: SplitSettings | None = SplitSettings(),
    max_bytes: int = MAX_FILE_BYTES,
    settings: ReadSettings | None = None,
    progress: Progress | None = None,
    stop: Event | None = None,
) -> VersionInfo:
    """Read a file into a new dataset, or into a new version of one of the same kind.

    Without a mapping the columns are recognised. A split column in the file wins over `split`; `split=None` keeps all rows for training.
    The files of an archive come in together. Raises `DataError` when the file cannot be read, the columns are not recognised (naming them),
    or no row can be used, and `Stopped` when `stop` is set meanwhile; then nothing is kept.
    """
    check_name(name)
    with open_source(path, settings, ws.datasets, max_bytes) as source:
        return bring_in(ws, name, [source], [mapping], split, Path(path).name, progress, stop)


def import_files(
    ws: Workspace,
    paths: Sequence[str | Path],
    name: str | None = None,
    together: bool = False,
    mapping: Mapping | Sequence[Mapping | None] | None = None,
    split: SplitSettings | None = SplitSettings(),
    settings: ReadSettings | Sequence[ReadSettings] | None = None,
    progress: Progress | None = None,
    stop: Event | None = None,
) -> list[VersionInfo]:
    """Read several files into one dataset (`together`), where `source` says which file a row is from, or into one dataset each.

    `mapping` and `settings` are one for all files, or one for each. Without a name, datasets are called after their files. All files are
    opened and looked at before the first row is stored. Files called after splits (`train.csv`, `test.csv`) decide the split of their rows.
    Raises as `import_file`.
    """
    files = [Path(path) for path in paths]
    if not files:
        raise DataError("There is no file to import.", "Choose at least one.")
    mappings = [mapping] * len(files) if mapping is None or isinstance(mapping, Mapping) else list(mapping)
    reads = [settings] * len(files) if settings is None or isinstance(settings, ReadSettings) else list(settings)
    if together:
        with ExitStack() as stack:
            opened = zip(files, reads, strict=True)
            sources = [stack.enter_context(open_source(path, read, ws.datasets)) for path, read in opened]
            called = check_name(name or suggest_name(files[0].name))
            shown = ", ".join(path.name for path in files)
            return [bring_in(ws, called, sources, mappings, split, shown, progress, stop)]
    names = [check_name(name if name and len(files) == 1 else f"{name or ''}{'-' if name else ''}{suggest_name(p.name)}") for p in files]
    if len(set(names)) < len(names):
        raise DataError("Two of the files would give datasets of one name.", "Rename a file, or import them together.")
    wanted = list(zip(files, names, mappings, reads, strict=True))
    for path, _, its_mapping, read in wanted:
        with open_source(path, read, ws.datasets) as source:
            _plan(source, its_mapping)
    return [
        import_file(ws, path, called, its_mapping, split, settings=read, progress=progress, stop=stop)
        for path, called, its_mapping, read in wanted
    ]


def suggest_name(file_name: str) -> str:
    """A name for a dataset that comes from this file."""
    stem = Path(file_name).stem
    if file_name.lower().endswith(".gz"):
        stem = Path(stem).stem
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-._")[:80]
    return stem if NAME.fullmatch(stem) else "dataset"


@dataclass
class _Plan:
    """One table with the mapping that it is read by."""

    source: Source
    mapping: Mapping
    why: str
    side: str = ""
    read: int = 0
    kept: int = 0


def _plan(source: Source, mapping: Mapping | None) -> list[_Plan]:
    """The tables of a source with their mappings. Raises `DataError` for columns that are not recognised, naming them."""
    plans = []
    for part in source.parts:
        found: Recognition | None = None
        if mapping is None:
            raw = part.head(LOOKED_AT)
            if not raw.rows and not raw.bad_rows:
                raise DataError(f"{part.name} has no rows that can be read.", "Check that the file is complete.")
            raw.columns = part.columns
            found = recognise(raw)
            if found is None:
                raise DataError(*explain(raw, part.name))
        plans.append(_Plan(part, mapping or found.mapping, found.why if found else ""))  # type: ignore[union-attr]
    return plans


def bring_in(
    ws: Workspace,
    name: str,
    sources: Sequence[Source],
    mappings: Sequence[Mapping | None],
    split: SplitSettings | None,
    file: str,
    progress: Progress | None = None,
    stop: Event | None = None,
) -> VersionInfo:
    """Read open sources, each by its mapping or as recognised, into one version; its step calls them `file`. Raises as `import_file`."""
    plans = [plan for source, mapping in zip(sources, mappings, strict=True) for plan in _plan(source, mapping)]
    kinds = {plan.mapping.kind: plan.source.name for plan in reversed(plans)}
    if len(kinds) > 1:
        told = " and ".join(f"{source} holds {kind} rows" for kind, source in reversed(kinds.items()))
        raise DataError(f"The files do not go together: {told}.", "Import them as datasets of their own, or say which column gives what.")
    _name_sides(plans, split)
    check_kind(ws, name, plans[0].mapping.kind)
    with temporary_folder(ws) as folder:
        intake = _Intake(folder, plans, split, progress, stop)
        intake.run()
        if not intake.kept:
            raise _nothing_usable(file, intake)
        sides, divided = intake.sides(split)
        with new_version(ws, name, plans[0].mapping.kind, schema_for(intake.kind, intake.features)) as writer:
            with (folder / "rows.jsonl").open(encoding="utf-8") as rows:
                for side, line in zip(sides, rows, strict=True):
                    writer.write(side, json.loads(line), len(line))
                    if stop is not None and stop.is_set():
                        raise Stopped
            if intake.set_aside:
                (folder / BAD_ROWS).rename(writer.folder / BAD_ROWS)
            return writer.commit(_step(plans, intake, file, divided))


def _name_sides(plans: list[_Plan], split: SplitSettings | None) -> None:
    """Let the names of files say the split of their rows, where all of them do and not all the same."""
    sides = [_side_of(plan.source.name) for plan in plans]
    if split is not None and all(sides) and len(set(sides)) > 1 and not any(plan.mapping.split for plan in plans):
        for plan, side in zip(plans, sides, strict=True):
            plan.side = side


def _side_of(file_name: str) -> str:
    """train for `data/train-00000-of-00002.parquet`, "" for names that say nothing."""
    words = re.split(r"[^a-z]+", Path(file_name).name.casefold())
    return next((NAMES[word] for word in words if word in NAMES), "")


def _nothing_usable(file: str, intake: _Intake) -> DataError:
    first = intake.first_bad[0] if intake.first_bad else None
    if first is None:
        return DataError(f"{file} has no rows that can be read.", "Check that the file is complete.")
    return DataError(
        f"None of the {intake.read} rows of {file} can be used. The first: line {first.line}, {first.reason}.",
        "Check which column gives what, or mend the file.",
    )


def _step(plans: list[_Plan], intake: _Intake, file: str, divided: dict[str, Any]) -> dict[str, Any]:
    """How the version came about."""
    mappings = list(dict.fromkeys(plan.mapping.to_text() for plan in plans))
    step: dict[str, Any] = {
        "kind": "import",
        "file": file,
        "format": ", ".join(dict.fromkeys(plan.source.format for plan in plans)),
        "mapping": mappings[0],
        "recognised": plans[0].why,
        "split": divided,
        "counts": {"read": intake.read, "kept": intake.kept, "set_aside": intake.set_aside},
        "bad_rows": [{"line": bad.line, "reason": bad.reason, **({"file": bad.file} if bad.file else {})} for bad in intake.first_bad],
        "notes": [note for plan in plans for note in plan.source.notes],
    }
    if len(plans) > 1:
        step["files"] = [
            {"name": plan.source.name, "read": plan.read, "kept": plan.kept, "mapping": plan.mapping.to_text()} for plan in plans
        ]
    return step


class _Intake:
    """The pass over the files: rows are mapped and written aside, and what is needed to divide them is kept."""

    def __init__(
        self, folder: Path, plans: list[_Plan], split: SplitSettings | None, progress: Progress | None, stop: Event | None
    ) -> None:
        self.folder, self.plans, self.progress, self.stop = folder, plans, progress, stop
        self.kind = plans[0].mapping.kind
        self.features: set[str] = set()
        self.read = self.kept = self.set_aside = 0
        self.first_bad: list[BadRow] = []
        self._divider = Divider(self.kind, split) if split is not None else None
        self._wanted: list[str] = []

    def run(self) -> None:
        """Read everything. Raises `Stopped`."""
        total = sum(plan.source.bytes_total for plan in self.plans)
        done = 0
        with (
            (self.folder / "rows.jsonl").open("w", encoding="utf-8") as rows,
            (self.folder / BAD_ROWS).open("w", encoding="utf-8", errors="backslashreplace") as bad,
        ):
            for plan in self.plans:
                for batch in plan.source.batches():
                    if self.stop is not None and self.stop.is_set():
                        raise Stopped
                    self._take(plan, batch, rows, bad)
                    if self.progress is not None:
                        self.progress(self.read, min(total, done + plan.source.tally.done), total)
                done += plan.source.bytes_total

    def _take(self, plan: _Plan, batch: list[Item], rows: TextIO, bad: TextIO) -> None:
        """Map one batch; write its rows, and those that cannot be used with what they hold."""
        good = [(line, values) for line, values in batch if not isinstance(values, BadRow)]
        raw = RawTable(
            plan.source.columns,
            [values for _, values in good],
            [values for _, values in batch if isinstance(values, BadRow)],
            plan.source.format,
            [line for line, _ in good],
        )
        mapped = map_rows(raw, plan.mapping)
        several = len(self.plans) > 1
        for row, side in zip(mapped.rows, mapped.splits, strict=True):
            if several:
                row.setdefault("source", plan.source.name)
            if self._divider is not None:
                self._divider.add(row)
            self._wanted.append(side or plan.side)
            rows.write(json.dumps(row, ensure_ascii=False) + "\n")
        self.features |= features(mapped.rows, self.kind)
        if mapped.bad_rows:
            self._put_aside(mapped.bad_rows, dict(good), plan.source.name if several else "", bad)
        plan.read += len(batch)
        plan.kept += len(mapped.rows)
        self.read += len(batch)
        self.kept += len(mapped.rows)

    def _put_aside(self, found: list[BadRow], values: dict[int, Values], file: str, out: TextIO) -> None:
        for bad in found:
            text = bad.text or (kept(json.dumps(values[bad.line], ensure_ascii=False, default=str)) if bad.line in values else "")
            entry = {"file": file} if file else {}
            out.write(json.dumps({**entry, "line": bad.line, "reason": bad.reason, "text": text}, ensure_ascii=False) + "\n")
            self.set_aside += 1
            if len(self.first_bad) < KEPT_BAD_ROWS:
                self.first_bad.append(BadRow(bad.line, bad.reason, "", file))

    def sides(self, split: SplitSettings | None) -> tuple[list[str], dict[str, Any]]:
        """The side of each row, and how they were divided: by the file's own column or name, by the settings, or not at all."""
        if any(self._wanted):
            wanted = [side or "train" for side in self._wanted]
            if set(wanted) != {"train"} or split is None:
                by_name = {"files": {plan.source.name: plan.side for plan in self.plans}}
                return wanted, by_name if any(plan.side for plan in self.plans) else {"column": self.plans[0].mapping.split}
        if self._divider is None or split is None:
            return ["train"] * self.kept, {}
        return self._divider.sides(stop=self.stop), split.model_dump()
